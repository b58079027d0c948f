"""Boundary samples: real features moved to where a relation network is least sure of their class.

Reference: Chen et al. (2022), sec. 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..config import MiningConfig
from ..seeds import torch_stream

HIDDEN_AT_ONCE = (
    2**20
)  # values: what a processor's cache holds, and enough to keep an accelerator busy


class RelationNetwork(nn.Module):
    r"""How well a feature fits a description: :math:`r = \sigma(w_2 \mathrm{ReLU}(W_1 [x; a] + b_1) + b_2)`.

    ``forward`` takes x (N, D) and attributes (K, A) and returns every pair's logit (N, K); the sigmoid is left to the caller.
    :math:`W_1 [x; a]` is a sum of a part of x and a part of a, so no (N, K, D + A) tensor of pairs is built, and the
    hidden layer is there for a few classes at a time. Reference: Chen et al. (2022), sec. 3.3.
    """

    def __init__(self, features: int, attributes: int, hidden: int) -> None:
        super().__init__()
        self.from_x = nn.Linear(features, hidden)
        self.from_a = nn.Linear(attributes, hidden, bias=False)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: Tensor, attributes: Tensor) -> Tensor:
        return (
            _PairLogits.apply(self.from_x(x), self.from_a(attributes), self.out.weight[0])
            + self.out.bias
        )


class _PairLogits(torch.autograd.Function):
    """Of x's part (N, H), a's part (K, H) and weights (H,): ReLU(x_n + a_k) w, (N, K), with one small buffer of hidden values.

    Autograd would keep (N, K, H), or, told not to, make and drop pieces of it: slower, and their memory comes back in parts.
    """

    @staticmethod
    def forward(ctx, of_x: Tensor, of_a: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(of_x, of_a, weight)
        return torch.cat([hidden.relu_() @ weight for _, hidden in _hidden(of_x, of_a)], dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_x, of_a, weight = ctx.saved_tensors
        to_x, to_a, to_weight = (
            torch.zeros_like(of_x),
            torch.empty_like(of_a),
            torch.zeros_like(weight),
        )
        for which, hidden in _hidden(of_x, of_a):
            some = gradient[:, which]
            if ctx.needs_input_grad[2]:
                to_weight += some.flatten() @ hidden.relu_().flatten(0, 1)
            active = hidden.relu_().sign_().mul_(some[:, :, None])
            to_x += active.sum(1)
            to_a[which] = active.sum(0)
        return to_x * weight, to_a * weight, to_weight


def _hidden(of_x: Tensor, of_a: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Hidden values (N, k, H) before the ReLU, of a few classes at a time, all in the same memory."""
    some = max(1, HIDDEN_AT_ONCE // max(1, of_x.numel()))
    buffer = of_x.new_empty(len(of_x), min(some, len(of_a)), of_x.shape[1])
    for first in range(0, len(of_a), some):
        which = slice(first, min(first + some, len(of_a)))
        yield which, torch.add(of_x[:, None], of_a[which], out=buffer[:, : which.stop - first])


def relation_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error between scores in (0, 1), (N, K), and one-hot labels (N,)."""
    return F.mse_loss(scores, F.one_hot(labels, scores.shape[1]).to(scores))


def entropy(scores: Tensor) -> Tensor:
    """Mean Shannon entropy of softmax(scores), (N, K) -> scalar, in nats; the published form takes it of sigmoid scores.

    >>> round(float(entropy(torch.zeros(1, 4)).exp()), 4)  # as unsure as among four equals
    4.0
    """
    log_p = scores.log_softmax(1)
    return -(log_p.exp() * log_p).sum(1).mean()


def train_relation_network(
    network: RelationNetwork,
    features: Tensor,
    labels: Tensor,
    attributes: Tensor,
    config: MiningConfig,
    seed: int,
) -> Iterator[int]:
    """Fit the network on real rows: features (N, D), labels (N,) that number the rows of attributes (S, A).

    As published, a batch is scored against the classes that occur in it. Yields the number of epochs done.
    """
    optimiser = torch.optim.Adam(
        network.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    here = (
        labels.cpu()
    )  # how many classes a batch has is asked here: a device would have to be waited for
    for epoch in range(config.epochs):
        generator = torch_stream(seed, "batches of the relation network", epoch)
        for rows in torch.randperm(len(features), generator=generator).split(config.batch):
            present, among = (
                part.to(features.device) for part in here[rows].unique(return_inverse=True)
            )
            loss = relation_loss(
                network(features[rows.to(features.device)], attributes[present]).sigmoid(), among
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        yield epoch + 1


def mine_boundary_samples(
    network: RelationNetwork,
    features: Tensor,
    labels: Tensor,
    attributes: Tensor,
    config: MiningConfig,
) -> Tensor:
    r"""Move ``features`` (N, D) of ``labels`` (N,) among ``attributes`` (S, A) to the class boundary, from certainty: (N, D).

    ``loops`` gradient steps of size ``step`` on :math:`\mathrm{MSE}(r, \text{onehot}) - \beta H(\mathrm{softmax}\, r)`, summed
    over samples, with the network frozen. The published loss is averaged over a batch of B, so its ``aug_lr`` is
    ``step * B`` (see :mod:`gsmflow_lite.config`); a sum makes the result independent of how rows are batched.
    Larger ``step``, ``loops`` or ``beta`` bring samples closer to, or over, the boundary.
    """
    mined = []
    for x, y in zip(features.split(config.batch), labels.split(config.batch), strict=True):
        x = x.clone()
        for _ in range(config.loops):
            x.requires_grad_(True)
            r = network(x, attributes).sigmoid()
            loss = (relation_loss(r, y) - config.beta * entropy(r)) * len(x)
            (gradient,) = torch.autograd.grad(loss, x)
            x = (x - config.step * gradient).detach()
        mined.append(x)
    return torch.cat(mined)
