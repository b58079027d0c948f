"""Boundary samples: real features, moved to where a relation network is least sure of their class.

Reference: Chen et al. (2022), sec. 3.3.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..config import MiningConfig
from ..events import Event, Stage, Step
from ..numerics import values_at_once
from ..seeds import derived_seed, torch_stream
from .rows import TrainingRows

# Values of the buffer for hidden layers: more would not be faster on an accelerator, either.
MOST_HIDDEN_AT_ONCE = 2**25
MINED_AT_ONCE = 1024  # rows between two events


# --- The relation network ------------------------------------------------------------------------


class RelationNetwork(nn.Module):
    r"""Scores how well features fit attributes.

    .. math:: r = \sigma(w_2 \mathrm{ReLU}(W_1 [x; a] + b_1) + b_2)

    ``forward`` returns the logit of every pair of a row and a class; the sigmoid is left to the
    caller. :math:`W_1 [x; a]` is the sum of a part of x and a part of a. So no (N, K, D + A) tensor
    of pairs is built, and the hidden layer is computed for a few classes at a time.
    Reference: Chen et al. (2022), sec. 3.3.
    """

    def __init__(self, features: int, attributes: int, hidden: int) -> None:
        super().__init__()
        self.from_x = nn.Linear(features, hidden)
        self.from_a = nn.Linear(attributes, hidden, bias=False)
        self.out = nn.Linear(hidden, 1)

    def forward(
        self, x: Float[Tensor, "N D"], attributes: Float[Tensor, "K A"]
    ) -> Float[Tensor, "N K"]:
        of_x = self.from_x(x)
        of_a = self.from_a(attributes)
        return _PairLogits.apply(of_x, of_a, self.out.weight[0]) + self.out.bias


class _PairLogits(torch.autograd.Function):
    """ReLU(x_n + a_k) w for all pairs, with one small buffer of hidden values.

    Takes x's part (N, H), a's part (K, H) and weights (H,), and gives (N, K). Autograd would keep
    (N, K, H). If told not to, it would allocate and drop pieces of it, which is slower and leaves
    the memory in parts.
    """

    @staticmethod
    def forward(ctx: Any, of_x: Tensor, of_a: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(of_x, of_a, weight)
        pieces = [hidden.relu_() @ weight for _, hidden in _hidden_values(of_x, of_a)]
        return torch.cat(pieces, dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_x, of_a, weight = ctx.saved_tensors
        _, to_attributes, to_weights = ctx.needs_input_grad
        to_x = torch.zeros_like(of_x)
        to_a = torch.zeros_like(of_a)
        to_weight = torch.zeros_like(weight)
        for classes, hidden in _hidden_values(of_x, of_a):
            of_classes = gradient[:, classes]
            if to_weights:
                to_weight += of_classes.flatten() @ hidden.relu_().flatten(0, 1)
            active = _where_positive(of_classes[:, :, None], hidden)
            to_x += active.sum(1)
            if to_attributes:
                to_a[classes] = active.sum(0)
        return to_x * weight, to_a * weight, to_weight


def _hidden_values(of_x: Tensor, of_a: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Give hidden values (N, k, H) before the ReLU, of k classes at a time, in the same memory."""
    values = min(values_at_once(of_x.device), MOST_HIDDEN_AT_ONCE)
    at_once = max(1, values // max(1, of_x.numel()))
    buffer = of_x.new_empty(len(of_x), min(at_once, len(of_a)), of_x.shape[1])
    for first in range(0, len(of_a), at_once):
        classes = slice(first, min(first + at_once, len(of_a)))
        room = buffer[:, : classes.stop - first]
        yield classes, torch.add(of_x[:, None], of_a[classes], out=room)


def _where_positive(values: Tensor, hidden: Tensor) -> Tensor:
    """Put ``values`` where ``hidden`` is positive, and 0 elsewhere, in the memory of ``hidden``.

    This is the gradient of the ReLU, in one pass over the memory.
    """
    return torch.ops.aten.threshold_backward.grad_input(
        values.expand_as(hidden), hidden, 0, grad_input=hidden
    )


def relation_loss(scores: Float[Tensor, "N K"], labels: Int[Tensor, " N"]) -> Float[Tensor, ""]:
    """Return the mean squared error between scores in (0, 1) and one-hot labels."""
    return F.mse_loss(scores, F.one_hot(labels, scores.shape[1]).to(scores))


def entropy(scores: Float[Tensor, "N K"]) -> Float[Tensor, ""]:
    """Return the mean Shannon entropy of softmax(scores), in nats.

    As published, it is taken of scores that a sigmoid gave.

    >>> round(float(entropy(torch.zeros(1, 4)).exp()), 4)  # as unsure as among four equals
    4.0
    """
    log_p = scores.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1).mean()


def train_relation_network(
    network: RelationNetwork,
    features: Float[Tensor, "N D"],
    labels: Int[Tensor, " N"],
    attributes: Float[Tensor, "S A"],
    config: MiningConfig,
    seed: int,
) -> Iterator[int]:
    """Fit the network on real rows. Labels number the rows of the attributes.

    As published, a batch is scored against the classes that occur in it. Yields the number of
    epochs done.
    """
    optimiser = torch.optim.Adam(
        network.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    # On the CPU a batch's number of classes is known at once; a device would have to be waited for.
    cpu_labels = labels.cpu()
    for epoch in range(config.epochs):
        generator = torch_stream(seed, "batches of the relation network", epoch)
        for rows in torch.randperm(len(features), generator=generator).split(config.batch):
            present, places = cpu_labels[rows].unique(return_inverse=True)
            x = features[rows.to(features.device)]
            scores = network(x, attributes[present.to(features.device)]).sigmoid()
            loss = relation_loss(scores, places.to(features.device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        yield epoch + 1


# --- Mining --------------------------------------------------------------------------------------


def mine_boundary_samples(
    network: RelationNetwork,
    features: Float[Tensor, "N D"],
    labels: Int[Tensor, " N"],
    attributes: Float[Tensor, "S A"],
    config: MiningConfig,
) -> Float[Tensor, "N D"]:
    r"""Move features from where the network is certain to the class boundary.

    Takes ``loops`` gradient steps of size ``step`` on
    :math:`\mathrm{MSE}(r, \text{onehot}) - \beta H(\mathrm{softmax}\, r)`, summed over rows, with
    the network frozen. The published loss is averaged over a batch of B, so its ``aug_lr`` is
    ``step * B`` (see :mod:`gsmflow_lite.presets`). With a sum, the result does not depend on how
    rows are batched. Larger ``step``, ``loops`` or ``beta`` bring rows closer to the boundary, or
    over it. Reference: Chen et al. (2022), sec. 3.3.
    """
    batches = zip(features.split(config.batch), labels.split(config.batch), strict=True)
    return torch.cat([_walked(network, x, y, attributes, config) for x, y in batches])


def _walked(
    network: RelationNetwork,
    x: Tensor,
    labels: Tensor,
    attributes: Tensor,
    config: MiningConfig,
) -> Tensor:
    """Return one batch after all its gradient steps."""
    x = x.clone()
    for _ in range(config.loops):
        x.requires_grad_(True)
        scores = network(x, attributes).sigmoid()
        loss = (relation_loss(scores, labels) - config.beta * entropy(scores)) * len(x)
        (gradient,) = torch.autograd.grad(loss, x)
        x = (x - config.step * gradient).detach()
    return x


def with_mined_rows(
    rows: TrainingRows, config: MiningConfig, seed: int
) -> Generator[Event, None, TrainingRows]:
    """Train a relation network, then mine a boundary sample from each training row.

    ``rows`` must have the room for it that ``TrainingRows.of(..., mining=True)`` leaves. Yields
    events, and returns rows that are twice as many: the mined ones follow the real ones.
    """
    n = len(rows.labels)
    features = cast(Tensor, rows.features)  # rows for mining are in memory
    real = features[:n]
    mined = features[n:]
    network = _new_network(real, rows.attributes, config.hidden, seed)

    yield Stage("relation network", config.epochs)
    for done in train_relation_network(network, real, rows.labels, rows.attributes, config, seed):
        yield Step("relation network", done, config.epochs)
    network.requires_grad_(False)

    yield Stage("boundary samples", n)
    for first in range(0, n, MINED_AT_ONCE):
        part = slice(first, min(first + MINED_AT_ONCE, n))
        mined[part] = mine_boundary_samples(
            network, real[part], rows.labels[part], rows.attributes, config
        )
        yield Step("boundary samples", part.stop, n)
    return replace(rows, labels=rows.labels.repeat(2))


def _new_network(features: Tensor, attributes: Tensor, hidden: int, seed: int) -> RelationNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "relation network"))
        return RelationNetwork(features.shape[1], attributes.shape[1], hidden).to(features)
