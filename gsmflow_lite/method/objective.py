"""What training minimises: pure functions of tensors. Reference: Chen et al. (2021), sec. 3."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def perturb(x: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    r"""Visual perturbation :math:`x + \pi \epsilon`, :math:`\epsilon \sim N(0, I)`; larger ``strength`` spreads samples more.

    ``strength`` is in units of x. Reference: Chen et al. (2021), sec. 3.4; its dropout mask, all ones in every published
    run, is left out.
    """
    if strength == 0:
        return x
    return x + strength * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def negative_log_likelihood(z: Tensor, log_det: Tensor) -> Tensor:
    r"""Mean of :math:`z^2 / 2` over all entries minus the mean of log|det| per dimension: a scalar, nats per dimension.

    z (N, D), log_det (N,). The constant :math:`\log(2\pi) / 2` is left out, as in the published loss.

    >>> float(negative_log_likelihood(torch.ones(4, 3), torch.full((4,), 6.0)))
    -1.5
    """
    return 0.5 * z.square().mean() - log_det.mean() / z.shape[1]


def prototype_loss(generated: Tensor, prototypes: Tensor) -> Tensor:
    """Mean squared distance of ``generated`` (S, D), what the flow makes of the latent origin, from ``prototypes`` (S, D).

    Prototypes are the means of real classes; the distance is averaged over classes and features, in squared units of them.
    """
    return F.mse_loss(generated, prototypes)
