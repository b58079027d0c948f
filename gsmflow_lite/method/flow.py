"""The conditional normalizing flow: affine coupling blocks that read the class semantics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ..errors import ConfigError
from . import prior

#: What each network of a flow computed from the same M semantics: tensors (M, hidden).
Condition = tuple[Tensor, ...]
# About 2 / pi, which brings atan into (-1, 1). Rounded as published, so that weights transfer.
ATAN_TO_UNIT = 0.636


class CouplingNetwork(nn.Module):
    r"""Two linear layers that read a part of the features and the semantics of the class.

    .. math:: h(x, c) = W_o\, \mathrm{LeakyReLU}_{0.2}(W_x x + W_c c + b) + b_o

    This equals a layer on the concatenation :math:`[x, c]`. But :meth:`project` computes
    :math:`W_c c + b` separately: once per class, however many rows the class has. ``context`` 0
    makes a network that ignores the semantics. Reference: Chen et al. (2021), sec. 3.2.
    """

    def __init__(self, inputs: int, context: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.from_x = nn.Parameter(torch.empty(hidden, inputs))
        self.from_c = nn.Parameter(torch.empty(hidden, context))
        self.bias = nn.Parameter(torch.empty(hidden))
        self.out = nn.Parameter(torch.empty(outputs, hidden))
        self.out_bias = nn.Parameter(torch.empty(outputs))

    def project(self, c: Float[Tensor, "M C"]) -> Float[Tensor, "M hidden"]:
        """Return the share of the semantics in the hidden layer."""
        return F.linear(self.read_of(c), self.from_c, self.bias)

    def read_of(self, c: Float[Tensor, "M C"]) -> Float[Tensor, "M context"]:
        """Return the columns of the semantics that this network reads: all or none."""
        return c[:, : self.from_c.shape[1]]

    def forward(
        self,
        x: Float[Tensor, "N inputs"],
        projected: Float[Tensor, "M hidden"],
        index: Int[Tensor, " N"] | None = None,
    ) -> Float[Tensor, "N outputs"]:
        """Run the network; ``index`` and M are as in :class:`ConditionalFlow`."""
        if index is None:
            hidden = torch.addmm(projected, x, self.from_x.T)
        else:
            # In place: with a narrow x, one more copy takes as long as the product.
            of_rows = F.embedding(index, projected)  # on CUDA too, its gradient can be had again
            hidden = of_rows.addmm_(x.to(of_rows), self.from_x.T.to(of_rows))
        return torch.addmm(self.out_bias, F.leaky_relu(hidden, 0.2, inplace=True), self.out.T)


class _GradientToSemantics(torch.autograd.Function):
    """Identity on ``projected``, computed from a detached c, with one change to its gradient.

    The backward pass also sends the gradient to c, through ``weight``.
    """

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
    r"""One block of the flow: each part of x is scaled and shifted as the other part and c say.

    .. math::
        y_1 = x_1 \odot e^{s_2(x_2, c)} + t_2(x_2, c), \qquad
        y_2 = x_2 \odot e^{s_1(y_1, c)} + t_1(y_1, c)

    with :math:`s = 0.636\, \mathrm{clamp}\, \mathrm{atan}(\text{raw} / \mathrm{clamp})`.
    ``forward`` and ``inverse`` take conditions from :meth:`CouplingNetwork.project`, with ``index``
    as in :class:`ConditionalFlow`. Both return the log-determinant of *their own* map, in nats, so
    the two add up to zero. An odd D is split with the longer part last.
    Reference: Chen et al. (2021), sec. 3.2. The block is the GLOW coupling of FrEIA, by Ardizzone
    et al.
    """

    def __init__(self, features: int, context: int, hidden: int, clamp: float) -> None:
        super().__init__()
        first = features // 2
        second = features - first
        self.sizes = (first, second)
        self.clamp = clamp
        self.net1 = CouplingNetwork(first, context, hidden, 2 * second)  # reads part 1, moves 2
        self.net2 = CouplingNetwork(second, context, hidden, 2 * first)  # reads part 2, moves 1

    def forward(
        self,
        x: Float[Tensor, "N D"],
        c1: Float[Tensor, "M hidden"],
        c2: Float[Tensor, "M hidden"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        x1, x2 = x.split(self.sizes, dim=1)
        y1, first = self.move(x1, self.net2(x2, c2, index))
        y2, second = self.move(x2, self.net1(y1, c1, index))
        return torch.cat([y1, y2], dim=1), second + first

    def inverse(
        self,
        y: Float[Tensor, "N D"],
        c1: Float[Tensor, "M hidden"],
        c2: Float[Tensor, "M hidden"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        y1, y2 = y.split(self.sizes, dim=1)
        x2, second = self.move_back(y2, self.net1(y1, c1, index))
        x1, first = self.move_back(y1, self.net2(x2, c2, index))
        return torch.cat([x1, x2], dim=1), second + first

    def move(
        self, part: Float[Tensor, "N d"], raw: Float[Tensor, "N 2*d"]
    ) -> tuple[Float[Tensor, "N d"], Float[Tensor, " N"]]:
        """Scale and shift one part as the output ``raw`` of a network says: half of the block.

        Returns the log-determinant as well, in nats.
        """
        # A network may have been run in a shorter arithmetic than its part has.
        s, t = self._scale_and_shift(raw.to(part))
        return part * s.exp() + t, s.sum(1)

    def move_back(
        self, part: Float[Tensor, "N d"], raw: Float[Tensor, "N 2*d"]
    ) -> tuple[Float[Tensor, "N d"], Float[Tensor, " N"]]:
        """Undo :meth:`move`. The log-determinant is that of the way back, in nats."""
        s, t = self._scale_and_shift(raw.to(part))
        return (part - t) * (-s).exp(), -s.sum(1)

    def _scale_and_shift(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        s, t = raw.chunk(2, dim=1)
        return self.clamp * ATAN_TO_UNIT * torch.atan(s / self.clamp), t


class ConditionalFlow(nn.Module):
    """A stack of coupling blocks between features x and latent z, given semantics c.

    The latent has the density of the :mod:`~gsmflow_lite.method.prior`. ``features`` D and
    ``context`` C are the widths of x and c. Larger ``hidden`` and ``blocks`` bend the density
    further. A larger ``clamp`` lets one block stretch an entry further, by at most ``exp(clamp)``.
    ``semantics`` says which blocks read c: ``every`` (the method), the ``first`` one only, or
    ``none`` (to show what is lost).

    Where rows of x share a class, pass the M different conditions and ``index``, the condition of
    each row: then a condition passes the first linear layers once, not once for each row. Without
    ``index``, row i has condition i; a single condition (M = 1) serves all rows. ``c`` may also be
    what :meth:`condition` returned. Raises ``ConfigError`` unless all widths are positive and
    ``semantics`` is known. Reference: Chen et al. (2021), sec. 3.2.
    """

    blocks: Sequence[AffineCoupling]

    def __init__(
        self,
        features: int,
        context: int,
        *,
        blocks: int,
        hidden: int,
        clamp: float = 1.0,
        semantics: str = "every",
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
        widths = [context if i in reads[semantics] else 0 for i in range(blocks)]
        self.blocks = nn.ModuleList(  # type: ignore[assignment]  # it is a sequence of its modules
            AffineCoupling(features, width, hidden, clamp) for width in widths
        )
        # Biases too, as published: the flow starts close to the identity.
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.01)

    def condition(self, c: Float[Tensor, "M C"]) -> Condition:
        """Project c for every network at once, in the order in which :meth:`forward` uses them."""
        return tuple(network.project(c) for network in self._networks())

    def condition_twice(self, c: Float[Tensor, "M C"]) -> tuple[Condition, Condition]:
        """Return :meth:`condition` of c and of a detached c, for the cost of one.

        A loss that uses the second one teaches the flow, but not what computed c.
        """
        detached = self.condition(c.detach())
        if not c.requires_grad:
            return detached, detached
        attached = tuple(
            _GradientToSemantics.apply(projected, network.read_of(c), network.from_c)
            for projected, network in zip(detached, self._networks(), strict=True)
        )
        return attached, detached

    def forward(
        self,
        x: Float[Tensor, "N D"],
        c: Float[Tensor, "M C"] | Condition,
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Map features x to latent z. Also returns log|det dz/dx|, in nats."""
        return self._run(x, c, index, inverse=False)

    def inverse(
        self,
        z: Float[Tensor, "N D"],
        c: Float[Tensor, "M C"] | Condition,
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Map latent z to features x. Also returns log|det dx/dz|, in nats."""
        return self._run(z, c, index, inverse=True)

    def log_prob(
        self,
        x: Float[Tensor, "N D"],
        c: Float[Tensor, "M C"] | Condition,
        index: Int[Tensor, " N"] | None = None,
    ) -> Float[Tensor, " N"]:
        """Return the exact log-density of x given its condition, in nats."""
        z, log_det = self(x, c, index)
        return prior.log_density(z) + log_det

    def _networks(self) -> Iterator[CouplingNetwork]:
        for block in self.blocks:
            yield block.net1
            yield block.net2

    def _run(
        self, x: Tensor, c: Tensor | Condition, index: Tensor | None, *, inverse: bool
    ) -> tuple[Tensor, Tensor]:
        """Pass all blocks in one direction and add their log-determinants up."""
        condition = self.condition(c) if isinstance(c, Tensor) else c
        total = x.new_zeros(len(x))
        order = range(len(self.blocks))
        for i in reversed(order) if inverse else order:
            block = self.blocks[i]
            move = block.inverse if inverse else block.forward
            x, log_det = move(x, condition[2 * i], condition[2 * i + 1], index)
            total = total + log_det
        return x, total
