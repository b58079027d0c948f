"""What training minimises: pure functions of tensors. Reference: Chen et al. (2021), sec. 3."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from . import prior


def perturb(
    x: Float[Tensor, "N D"],
    strength: float,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "N D"]:
    r"""Add the noise of visual perturbation to features.

    .. math:: x + \pi \epsilon, \qquad \epsilon \sim N(0, I)

    ``strength`` :math:`\pi` is in units of x. A larger one spreads synthesized features more.
    Reference: Chen et al. (2021), sec. 3.4. Its dropout mask is left out: it is all ones in every
    published run.
    """
    if strength == 0:
        return x
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    return x + strength * noise


def negative_log_likelihood(
    z: Float[Tensor, "N D"], log_det: Float[Tensor, " N"]
) -> Float[Tensor, ""]:
    r"""Return the mean of :math:`z^2 / 2 - \log|\det| / D`, in nats per dimension.

    The constant :math:`\log(2\pi) / 2` of the :mod:`~gsmflow_lite.method.prior` is left out, as in
    the published loss.

    >>> float(negative_log_likelihood(torch.ones(4, 3), torch.full((4,), 6.0)))
    -1.5
    """
    return prior.mean_energy(z) - log_det.mean() / z.shape[1]


def prototype_loss(
    generated: Float[Tensor, "S D"], prototypes: Float[Tensor, "S D"]
) -> Float[Tensor, ""]:
    """Return the mean squared distance between what the flow makes of the origin and prototypes.

    ``generated`` is the image of the latent origin in each class. The distance is averaged over
    classes and features, in squared units of the features.
    """
    return F.mse_loss(generated, prototypes)
