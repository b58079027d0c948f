"""The prior of the flow, N(0, I): the base distribution that latent noise is drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..seeds import derived_seed
from . import philox


def log_density(z: Float[Tensor, "N D"]) -> Float[Tensor, " N"]:
    r"""Return :math:`\log N(z; 0, I) = -(z^2 + D \log 2\pi) / 2` of each row, in nats."""
    return -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi))


def mean_energy(z: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    r"""Return the mean of :math:`z^2 / 2` over all entries.

    This is minus the mean log-density per dimension without its constant :math:`\log(2\pi) / 2`,
    in nats.
    """
    return 0.5 * z.square().mean()


def sample(
    seed: int,
    classes: Int[Tensor, " N"],
    places: Int[Tensor, " N"],
    width: int,
) -> Float[Tensor, "N {width}"]:
    """Draw the latent noise of some rows, on their device.

    A row depends on the seed, its class and its place in the class alone, not on what is drawn
    with it. On another device it is the same to rounding.
    """
    return philox.normal((derived_seed(seed, "latent noise"), 0), classes, places, width)


def blocks(
    seed: int,
    classes: int,
    n: int,
    width: int,
    *,
    rows_at_once: int,
    device: torch.device,
) -> Iterator[tuple[slice, Int[Tensor, " N"], Float[Tensor, "N {width}"]]]:
    """Draw the latent noise of ``n`` rows of each class, some rows at a time, class after class.

    Gives the part of all rows, their classes (numbers from 0), and their noise.
    """
    for first in range(0, classes * n, rows_at_once):
        part = slice(first, min(first + rows_at_once, classes * n))
        numbers = torch.arange(part.start, part.stop, device=device)
        of_rows = numbers // n
        yield part, of_rows, sample(seed, of_rows, numbers % n, width)


def circle_radius(share: float) -> float:
    r"""Return the radius :math:`\sqrt{-2 \log(1 - p)}` of the circle that holds ``share`` p in 2-D.

    >>> round(circle_radius(0.5), 3)
    1.177
    """
    return math.sqrt(-2 * math.log1p(-share))
