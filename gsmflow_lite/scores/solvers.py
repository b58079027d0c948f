"""How the linear softmax is trained: in closed form, to its optimum, or as in the papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from ..config import ClassifierConfig
from ..seeds import torch_stream

LOGITS_AT_ONCE = 2**20  # a processor's cache holds so many, and they keep an accelerator busy
FEW = 8192  # so many rows, and four a feature, say enough of a covariance
RIDGE = 1e-6  # of the mean variance: less cannot be told from rounding, and a root must exist

WeightAndBias = tuple[Float[Tensor, "K D"], Float[Tensor, " K"]]


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """Training rows of a classifier, and how much each of them counts.

    ``target`` is the place of a row's class, from 0 to ``classes`` - 1. A row counts as ``times``
    equal rows, and each of these copies weighs ``copy_weight``.
    """

    x: Float[Tensor, "N D"]
    target: Int[Tensor, " N"]
    times: Int[Tensor, " N"]
    copy_weight: Float[Tensor, " N"]
    classes: int

    @cached_property
    def weight(self) -> Float[Tensor, " N"]:
        """What a row weighs with all its copies; the sum over the rows is 1."""
        return self.copy_weight * self.times


# --- Linear discriminant analysis ------------------------------------------------------------


def discriminant(rows: WeightedRows, shrinkage: float) -> WeightAndBias:
    """Weights and biases of linear discriminant analysis.

    The priors are the classes' shares of the weight.
    """
    priors = rows.x.new_zeros(rows.classes).index_add_(0, rows.target, rows.weight)
    means = _class_means(rows, priors)
    covariance = sampled_covariance(rows.x, rows.weight, means, rows.target)
    mean_variance = float(covariance.diagonal().mean()) or 1.0
    covariance *= 1 - shrinkage
    covariance.diagonal().add_(max(shrinkage, RIDGE) * mean_variance)

    root = torch.linalg.cholesky(covariance)
    weight = torch.cholesky_solve(means.T.cpu().double(), root).T.to(rows.x)
    return weight, priors.log() - 0.5 * (weight * means).sum(1)


def _class_means(rows: WeightedRows, shares: Float[Tensor, " K"]) -> Float[Tensor, "K D"]:
    sums = rows.x.new_zeros(rows.classes, rows.x.shape[1])
    sums.index_add_(0, rows.target, rows.x * rows.weight[:, None])
    return sums / shares[:, None]


def sampled_covariance(
    x: Float[Tensor, "N D"],
    weight: Float[Tensor, " N"],
    centres: Float[Tensor, "K D"],
    target: Int[Tensor, " N"],
) -> Float64[Tensor, "D D"]:
    """Weighted covariance around each row's centre, ``centres[target]``, from some of the rows."""
    most = max(FEW, 4 * x.shape[1])
    if len(x) > most:  # chosen at random: every tenth row, say, may be of one class
        order = torch.randperm(len(x), generator=torch_stream(0, "rows of a covariance"))
        chosen = order[:most].to(x.device)
        x = x[chosen]
        weight = weight[chosen]
        target = target[chosen]
    share = weight / weight.sum()
    deviations = (x - centres[target]) * share.sqrt()[:, None]
    return (deviations.T @ deviations).cpu().double()  # not every accelerator has doubles


# --- The optimum of the penalised loss -------------------------------------------------------


def optimum(rows: WeightedRows, penalty: float) -> WeightAndBias:
    """Weights and biases with the least penalised loss, by L-BFGS.

    It searches in coordinates V = W root, in which the Hessian at W = 0 is the identity, and with
    the mean of x taken out of the bias. The optimum is the same as in W itself, after a third to
    half of the steps.
    """
    centre = rows.weight @ rows.x
    curvature = (1 - 1 / rows.classes) / rows.classes or 1.0  # of one class's logit, at W = 0
    root = _root_of_hessian(rows, centre, curvature, penalty)
    v = rows.x.new_zeros(rows.classes, rows.x.shape[1]).requires_grad_()
    c = rows.x.new_zeros(rows.classes).requires_grad_()

    def parameters() -> WeightAndBias:
        weight = torch.linalg.solve_triangular(root, v, upper=False, left=False)
        return weight, c * curvature**-0.5 - weight @ centre

    _minimise(rows, penalty, [v, c], parameters)
    with torch.no_grad():
        return parameters()


def _root_of_hessian(
    rows: WeightedRows, centre: Float[Tensor, " D"], curvature: float, penalty: float
) -> Float[Tensor, "D D"]:
    """A root of the Hessian by one class's weights; it steers the search, not the optimum."""
    one_centre = torch.zeros_like(rows.target)
    covariance = sampled_covariance(rows.x, rows.weight, centre[None], one_centre)
    hessian = curvature * covariance
    hessian.diagonal().add_(max(penalty, RIDGE * float(hessian.diagonal().mean())))
    return torch.linalg.cholesky(hessian).to(rows.x)


def _minimise(
    rows: WeightedRows,
    penalty: float,
    variables: list[Tensor],
    parameters: Callable[[], tuple[Tensor, Tensor]],
) -> None:
    """Change the variables, on which the ``parameters`` depend, until the loss is least."""
    optimiser = torch.optim.LBFGS(
        variables,
        max_iter=200,
        tolerance_grad=1e-6,
        tolerance_change=1e-8,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def penalised_loss() -> Tensor:
        optimiser.zero_grad()
        weight, bias = parameters()
        fixed = weight.detach()
        loss, weight_gradient, bias_gradient = weighted_loss(rows, fixed, bias.detach())
        gradients = [weight_gradient + penalty * fixed, bias_gradient]
        torch.autograd.backward([weight, bias], gradients)
        return loss + 0.5 * penalty * fixed.square().sum()

    optimiser.step(penalised_loss)


def weighted_loss(
    rows: WeightedRows, weight: Float[Tensor, "K D"], bias: Float[Tensor, " K"]
) -> tuple[Float[Tensor, ""], Float[Tensor, "K D"], Float[Tensor, " K"]]:
    """Weighted cross-entropy, and its gradients by weight and bias.

    Logits of some rows at a time are worked out in one buffer. Autograd would write six matrices
    as large as all logits, at every step.
    """
    loss = rows.x.new_zeros(())
    weight_gradient = torch.zeros_like(weight)
    bias_gradient = torch.zeros_like(bias)
    at_once = max(1, LOGITS_AT_ONCE // len(bias))
    buffer = rows.x.new_empty(min(at_once, len(rows.x)), len(bias))

    parts = (values.split(at_once) for values in (rows.x, rows.target, rows.weight))
    for x, target, share in zip(*parts, strict=True):
        logits = torch.addmm(bias, x, weight.T, out=buffer[: len(x)])
        of_target = logits.gather(1, target[:, None])
        total = logits.logsumexp(1, keepdim=True)
        loss += share @ (total - of_target)[:, 0]

        pull = logits.sub_(total).exp_().mul_(share[:, None])  # probabilities, weighted
        pull.scatter_add_(1, target[:, None], -share[:, None])
        weight_gradient.addmm_(pull.T, x)
        bias_gradient += pull.sum(0)
    return loss, weight_gradient, bias_gradient


# --- The papers' training --------------------------------------------------------------------


def adam(rows: WeightedRows, config: ClassifierConfig, seed: int) -> WeightAndBias:
    """Weights and biases after the papers' training: epochs of batches, without a penalty.

    An epoch goes through every copy of every row.
    """
    generator = torch_stream(seed, "classifier")
    weight = _new_parameter(rows.x, (rows.classes, rows.x.shape[1]), generator)
    bias = _new_parameter(rows.x, (rows.classes,), generator)
    betas = (0.5, 0.999)
    optimiser = torch.optim.Adam([weight, bias], lr=config.lr, betas=betas, fused=True)
    copies = torch.arange(len(rows.x), device=rows.x.device).repeat_interleave(rows.times)

    for _ in range(config.epochs):
        order = copies[torch.randperm(len(copies), generator=generator).to(rows.x.device)]
        for batch in order.split(config.batch):
            logits = F.linear(rows.x[batch], weight, bias)
            losses = F.cross_entropy(logits, rows.target[batch], reduction="none")
            importance = rows.copy_weight[batch]
            loss = losses @ importance / importance.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return weight.detach(), bias.detach()


def _new_parameter(
    x: Float[Tensor, "N D"], shape: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Random values as :class:`torch.nn.Linear` starts from."""
    bound = x.shape[1] ** -0.5
    values = torch.empty(shape, dtype=x.dtype).uniform_(-bound, bound, generator=generator)
    return values.to(x.device).requires_grad_()
