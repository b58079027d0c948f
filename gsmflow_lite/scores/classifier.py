"""The linear softmax on real seen and synthesized unseen rows: brought to its optimum, or trained as in the papers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..config import ClassifierConfig
from ..seeds import torch_stream

LOGITS_AT_ONCE = 2**20  # what a processor's cache holds, and enough to keep an accelerator busy
FEW = 8192  # so many rows, and four a feature, say enough of a covariance
RIDGE = 1e-6  # of the mean variance: less cannot be told from rounding, and a root must exist


class SoftmaxClassifier:
    r"""Linear softmax :math:`p(y \mid x) \propto \exp(w_y x + b_y)` over ``classes``, trained on weighted rows.

    ``solver="lbfgs"`` minimises :math:`\sum_i \omega_i \mathrm{CE}_i + \frac{\lambda}{2} |W|^2` with weights that sum to 1
    and the first of ``config.penalties``, to its (unique) optimum. ``lda`` is linear discriminant analysis, in closed form
    and many times as fast: Gaussian classes of one covariance; the penalty, from 0 to 1, is the share of it that is replaced
    by its mean variance in all directions, as in scikit-learn's ``ShrunkCovariance``. ``adam`` runs epochs of batches with
    betas (0.5, 0.999) and no penalty, as the papers do. ``weight`` (K, D), ``bias`` (K,) and ``classes`` (K,) hold what was
    learnt.
    """

    def __init__(self, weight: Tensor, bias: Tensor, classes: Tensor) -> None:
        self.weight, self.bias, self.classes = weight, bias, classes

    @classmethod
    def fit(
        cls,
        x: Tensor,
        y: Tensor,
        config: ClassifierConfig,
        *,
        times: Tensor | None = None,
        seed: int = 0,
    ) -> SoftmaxClassifier:
        """Train on x (N, D) with class numbers y (N,); the classes are those that occur in y.

        Row i counts as ``times[i]`` equal rows (N,), whole numbers; as one where that is None.
        """
        classes, target = y.unique(return_inverse=True)
        times = torch.ones_like(target) if times is None else times.to(target)
        importance = torch.full_like(x[:, 0], 1 / int(times.sum()))  # of one copy of a row
        if config.balanced:
            counts = torch.zeros_like(classes).index_add_(0, target, times)
            importance = (1 / (counts[target] * len(classes))).to(x)
        if config.solver == "adam":
            return cls(*_adam(x, target, importance, times, len(classes), config, seed), classes)
        solve = _discriminant if config.solver == "lda" else _optimum
        return cls(
            *solve(x, target, importance * times, len(classes), config.penalties[0]), classes
        )

    def logits(self, x: Tensor) -> Tensor:
        """x (N, D) -> (N, number of classes), columns in the order of ``classes``."""
        return F.linear(x, self.weight, self.bias)


def _discriminant(
    x: Tensor, target: Tensor, importance: Tensor, classes: int, shrinkage: float
) -> tuple[Tensor, Tensor]:
    """Weights (K, D) and biases (K,) of linear discriminant analysis with the classes' shares of ``importance`` as priors."""
    shares = x.new_zeros(classes).index_add_(0, target, importance)
    means = (
        x.new_zeros(classes, x.shape[1]).index_add_(0, target, x * importance[:, None])
        / shares[:, None]
    )
    covariance = _covariance(x, importance, means, target)
    spread = float(covariance.diagonal().mean()) or 1.0
    covariance *= 1 - shrinkage
    covariance.diagonal().add_(max(shrinkage, RIDGE) * spread)
    weight = torch.cholesky_solve(means.T.cpu().double(), torch.linalg.cholesky(covariance)).T.to(x)
    return weight, shares.log() - 0.5 * (weight * means).sum(1)


def _optimum(
    x: Tensor, target: Tensor, importance: Tensor, classes: int, penalty: float
) -> tuple[Tensor, Tensor]:
    """Weights (K, D) and biases (K,) of the least penalised loss; ``importance`` (N,) sums to 1.

    L-BFGS in coordinates V = W root, in which the Hessian at W = 0 is the identity, and with the mean of x taken out of the
    bias: the same optimum as in W itself after half to a third of the steps.
    """
    centre, curvature = (
        importance @ x,
        (1 - 1 / classes) / classes or 1.0,
    )  # the latter of one class's logit, at W = 0
    hessian = curvature * _covariance(
        x, importance, centre[None], torch.zeros_like(target)
    )  # of one class's weights
    hessian.diagonal().add_(
        max(penalty, RIDGE * float(hessian.diagonal().mean()))
    )  # steers the way, not the optimum
    root = torch.linalg.cholesky(hessian).to(x)
    v, c = (x.new_zeros(classes, *shape).requires_grad_() for shape in ((x.shape[1],), ()))
    limits = {"max_iter": 200, "tolerance_grad": 1e-6, "tolerance_change": 1e-8}
    optimiser = torch.optim.LBFGS([v, c], history_size=20, line_search_fn="strong_wolfe", **limits)

    def parameters() -> tuple[Tensor, Tensor]:
        weight = torch.linalg.solve_triangular(root, v, upper=False, left=False)
        return weight, c * curvature**-0.5 - weight @ centre

    def closure() -> Tensor:
        optimiser.zero_grad()
        weight, bias = parameters()
        loss, to_weight, to_bias = _weighted_loss(
            x, target, importance, weight.detach(), bias.detach()
        )
        torch.autograd.backward([weight, bias], [to_weight + penalty * weight.detach(), to_bias])
        return loss + 0.5 * penalty * weight.detach().square().sum()

    optimiser.step(closure)
    with torch.no_grad():
        return parameters()


def _weighted_loss(
    x: Tensor, target: Tensor, importance: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, ...]:
    """Weighted cross-entropy, and its gradients by weight (K, D) and bias (K,); logits of some rows at a time, in one buffer.

    Autograd would write six matrices as large as all logits, at every step.
    """
    loss, to_weight, to_bias = x.new_zeros(()), torch.zeros_like(weight), torch.zeros_like(bias)
    rows = max(1, LOGITS_AT_ONCE // len(bias))
    buffer = x.new_empty(min(rows, len(x)), len(bias))
    for some, own, share in zip(
        x.split(rows), target.split(rows), importance.split(rows), strict=True
    ):
        logits = torch.addmm(bias, some, weight.T, out=buffer[: len(some)])
        right, total = logits.gather(1, own[:, None]), logits.logsumexp(1, keepdim=True)
        loss += share @ (total - right)[:, 0]
        pull = (
            logits.sub_(total)
            .exp_()
            .mul_(share[:, None])
            .scatter_add_(1, own[:, None], -share[:, None])
        )
        to_weight.addmm_(pull.T, some)
        to_bias += pull.sum(0)
    return loss, to_weight, to_bias


def _covariance(x: Tensor, importance: Tensor, centres: Tensor, target: Tensor) -> Tensor:
    """Weighted covariance (D, D) in double precision around each row's centre, ``centres[target]``, from some of the rows."""
    some, most = slice(None), max(FEW, 4 * x.shape[1])
    if len(x) > most:  # by lot: every so-manieth row may be of one class
        some = torch.randperm(len(x), generator=torch_stream(0, "rows of a covariance"))[:most].to(
            x.device
        )
    share = importance[some] / importance[some].sum()
    deviations = (x[some] - centres[target[some]]) * share.sqrt()[:, None]
    return (deviations.T @ deviations).cpu().double()  # not every accelerator has doubles


def _adam(
    x: Tensor,
    target: Tensor,
    importance: Tensor,
    times: Tensor,
    classes: int,
    config: ClassifierConfig,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """The papers' training: an epoch goes through every copy of every row; ``importance`` is that of one copy."""
    generator, bound = torch_stream(seed, "classifier"), x.shape[1] ** -0.5
    weight, bias = (  # torch.nn.Linear's usual start
        torch.empty(shape, dtype=x.dtype)
        .uniform_(-bound, bound, generator=generator)
        .to(x.device)
        .requires_grad_()
        for shape in ((classes, x.shape[1]), (classes,))
    )
    optimiser = torch.optim.Adam([weight, bias], lr=config.lr, betas=(0.5, 0.999), fused=True)
    copies = torch.arange(len(x), device=x.device).repeat_interleave(times)
    for _ in range(config.epochs):
        order = copies[torch.randperm(len(copies), generator=generator).to(x.device)]
        for rows in order.split(config.batch):
            losses = F.cross_entropy(
                F.linear(x[rows], weight, bias), target[rows], reduction="none"
            )
            loss = losses @ importance[rows] / importance[rows].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return weight.detach(), bias.detach()
