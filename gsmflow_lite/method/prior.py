"""The prior of the flow, N(0, I): the base distribution that latent noise is drawn from."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def log_density(z: Float[Tensor, "N D"]) -> Float[Tensor, " N"]:
    r"""Return :math:`\log N(z; 0, I) = -(z^2 + D \log 2\pi) / 2` of each row, in nats."""
    return -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi))


def mean_energy(z: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    r"""Return the mean of :math:`z^2 / 2` over all entries.

    This is minus the mean log-density per dimension without its constant :math:`\log(2\pi) / 2`,
    in nats.
    """
    return 0.5 * z.square().mean()


def sample(n: int, width: int, generator: torch.Generator) -> Float[Tensor, "{n} {width}"]:
    """Draw ``n`` rows of latent noise on the device of ``generator``."""
    return torch.randn(n, width, generator=generator, device=generator.device)


def circle_radius(share: float) -> float:
    r"""Return the radius :math:`\sqrt{-2 \log(1 - p)}` of the circle that holds ``share`` p in 2-D.

    >>> round(circle_radius(0.5), 3)
    1.177
    """
    return math.sqrt(-2 * math.log1p(-share))
