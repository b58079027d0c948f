"""The conditional normalizing flow: affine coupling layers that read the class semantics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..errors import ConfigError

Condition = tuple[
    Tensor, ...
]  # what every network of a flow has made of the same (M, C) semantics: each (M, hidden)
Semantics = Literal["every", "first", "none"]
ATAN_TO_UNIT = 0.636  # about 2 / pi: brings atan into (-1, 1); the published rounding, kept so that weights transfer


class CouplingNetwork(nn.Module):
    r"""Two linear layers that read a part of the features and the semantics of the class.

    .. math:: h(x, c) = W_o\, \mathrm{LeakyReLU}_{0.2}(W_x x + W_c c + b) + b_o

    This equals a layer on the concatenation :math:`[x, c]`, but :meth:`project` computes :math:`W_c c + b` apart: once
    per class, however many samples the class has. ``context`` 0 makes a network that ignores the semantics. Reference: Chen
    et al. (2021), sec. 3.2.
    """

    def __init__(self, inputs: int, context: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.from_x = nn.Parameter(torch.empty(hidden, inputs))
        self.from_c = nn.Parameter(torch.empty(hidden, context))
        self.bias = nn.Parameter(torch.empty(hidden))
        self.out = nn.Parameter(torch.empty(outputs, hidden))
        self.out_bias = nn.Parameter(torch.empty(outputs))

    def project(self, c: Tensor) -> Tensor:
        """The semantics' share of the hidden layer: c (M, C) -> (M, hidden)."""
        return F.linear(c[:, : self.from_c.shape[1]], self.from_c, self.bias)

    def forward(self, x: Tensor, projected: Tensor) -> Tensor:
        """x (N, inputs) and ``projected`` (N or 1, hidden) -> (N, outputs)."""
        hidden = F.leaky_relu(torch.addmm(projected, x, self.from_x.T), 0.2)
        return torch.addmm(self.out_bias, hidden, self.out.T)


class _ReachToo(torch.autograd.Function):
    """``projected``, a linear map of c that was detached, as it is; its gradient reaches c as well, by ``weight``."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, c: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return projected.view_as(projected)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (weight,) = ctx.saved_tensors
        return gradient, gradient @ weight.to(gradient), None


class AffineCoupling(nn.Module):
    r"""One block of the flow: each part of ``x`` is scaled and shifted by amounts read from the other part and from ``c``.

    .. math:: y_1 = x_1 \odot e^{s_2(x_2, c)} + t_2(x_2, c), \qquad y_2 = x_2 \odot e^{s_1(y_1, c)} + t_1(y_1, c)

    with :math:`s = 0.636\, \mathrm{clamp}\, \mathrm{atan}(\text{raw} / \mathrm{clamp})`. ``forward`` and ``inverse`` take
    (N, D) and two projected conditions, and return (N, D) and the log-determinant (N,) of *their own* map, in nats: the two
    add up to zero. An odd D is split with the longer part last.
    Reference: Chen et al. (2021), sec. 3.2; the block is the GLOW coupling of Ardizzone et al.'s FrEIA. ``x`` and ``y`` are (N,
    D), ``c1`` and ``c2``, of :meth:`CouplingNetwork.project`, (N, hidden) or (1, hidden).
    """

    def __init__(self, features: int, context: int, hidden: int, clamp: float) -> None:
        super().__init__()
        self.sizes = (features // 2, features - features // 2)
        self.clamp = clamp
        first, second = self.sizes
        self.net1 = CouplingNetwork(
            first, context, hidden, 2 * second
        )  # reads part 1, moves part 2
        self.net2 = CouplingNetwork(second, context, hidden, 2 * first)

    def forward(self, x: Tensor, c1: Tensor, c2: Tensor) -> tuple[Tensor, Tensor]:
        x1, x2 = x.split(self.sizes, dim=1)
        y1, first = self.move(x1, self.net2(x2, c2))
        y2, second = self.move(x2, self.net1(y1, c1))
        return torch.cat([y1, y2], dim=1), second + first

    def inverse(self, y: Tensor, c1: Tensor, c2: Tensor) -> tuple[Tensor, Tensor]:
        y1, y2 = y.split(self.sizes, dim=1)
        x2, second = self.move_back(y2, self.net1(y1, c1))
        x1, first = self.move_back(y1, self.net2(x2, c2))
        return torch.cat([x1, x2], dim=1), second + first

    def move(self, part: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Half of the block: ``part`` (N, d) scaled and shifted as a network's output (N, 2 d) says, and the log-det (N,)."""
        s, t = self._scale_and_shift(
            raw.to(part)
        )  # a network may have been run in a shorter arithmetic
        return part * s.exp() + t, s.sum(1)

    def move_back(self, part: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Undo :meth:`move`, ``part`` (N, d) and ``raw`` (N, 2 d); the log-det (N,) is that of the way back, in nats."""
        s, t = self._scale_and_shift(raw.to(part))
        return (part - t) * (-s).exp(), -s.sum(1)

    def _scale_and_shift(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        s, t = raw.chunk(2, dim=1)
        return self.clamp * ATAN_TO_UNIT * torch.atan(s / self.clamp), t


class ConditionalFlow(nn.Module):
    """A stack of coupling blocks between features ``x`` and a standard normal latent ``z``, given semantics ``c``.

    ``features`` D and ``context`` C are the widths of x and c; larger ``hidden`` and ``blocks`` bend the density further;
    larger ``clamp`` lets one block stretch an entry further, by at most ``exp(clamp)``. ``semantics`` says which blocks read
    c: ``every`` (the method), the ``first`` one only, or ``none`` (for showing what is lost).

    Wherever rows of x share a class, hand in the (M, C) distinct conditions and ``index`` (N,), the condition of each row:
    a condition then passes the first linear layers once, not once a row. ``index`` None means row i has condition i; a
    single condition (M = 1) serves all rows. ``c`` may be a ready :data:`Condition` from :meth:`condition`. Raises
    ``ConfigError`` unless all widths are positive and ``semantics`` is known. Reference: Chen et al. (2021), sec. 3.2.
    """

    def __init__(
        self,
        features: int,
        context: int,
        *,
        blocks: int,
        hidden: int,
        clamp: float = 1.0,
        semantics: Semantics = "every",
    ) -> None:
        super().__init__()
        if min(features, context, blocks, hidden) < 1 or not clamp > 0:
            raise ConfigError(
                "features, context, blocks, hidden and clamp must be positive, "
                f"got {features}, {context}, {blocks}, {hidden} and {clamp}"
            )
        reads = {"every": range(blocks), "first": range(1), "none": range(0)}
        if semantics not in reads:
            raise ConfigError(f"semantics must be one of {', '.join(reads)}, got {semantics!r}")
        self.features = features
        self.blocks = nn.ModuleList(
            AffineCoupling(features, context if i in reads[semantics] else 0, hidden, clamp)
            for i in range(blocks)
        )
        for weight in self.parameters():
            nn.init.normal_(
                weight, std=0.01
            )  # biases too, as published: a start close to the identity

    def condition(self, c: Tensor) -> Condition:
        """Project c (M, C) for every network at once, in the order in which :meth:`forward` uses them."""
        return tuple(net.project(c) for net in self._networks())

    def condition_twice(self, c: Tensor) -> tuple[Condition, Condition]:
        """:meth:`condition` and the same with c detached, for the cost of one: a loss of the second teaches the flow, not c."""
        apart = self.condition(c.detach())
        if not c.requires_grad:
            return apart, apart
        weights = [net.from_c for net in self._networks()]
        return tuple(
            _ReachToo.apply(p, c[:, : w.shape[1]], w) for p, w in zip(apart, weights, strict=True)
        ), apart

    def forward(
        self, x: Tensor, c: Tensor | Condition, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features x (N, D) -> latent z (N, D) and log|det dz/dx| (N,), in nats."""
        return self._run(x, c, index, inverse=False)

    def inverse(
        self, z: Tensor, c: Tensor | Condition, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Latent z (N, D) -> features x (N, D) and log|det dx/dz| (N,), in nats."""
        return self._run(z, c, index, inverse=True)

    def log_prob(self, x: Tensor, c: Tensor | Condition, index: Tensor | None = None) -> Tensor:
        """Exact log-density (N,) of x (N, D) given its condition, in nats."""
        z, log_det = self(x, c, index)
        return log_det - 0.5 * (z.square().sum(1) + self.features * math.log(2 * math.pi))

    def _networks(self) -> Iterator[CouplingNetwork]:
        for block in self.blocks:
            yield from (block.net1, block.net2)

    def _run(
        self, x: Tensor, c: Tensor | Condition, index: Tensor | None, *, inverse: bool
    ) -> tuple[Tensor, Tensor]:
        conditions = self.condition(c) if isinstance(c, Tensor) else c
        total = x.new_zeros(len(x))
        order = range(len(self.blocks))
        for i in reversed(order) if inverse else order:
            c1, c2 = (
                p if index is None else p.index_select(0, index)
                for p in conditions[2 * i : 2 * i + 2]
            )
            block = self.blocks[i]
            x, log_det = (block.inverse if inverse else block)(x, c1, c2)
            total = total + log_det
        return x, total
