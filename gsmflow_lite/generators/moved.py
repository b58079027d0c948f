"""A flow or a ridge-Gaussian, some of whose classes lie elsewhere than their descriptions say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..arguments import check_asked
from ..errors import DataError
from ..method import prior
from ..method.model import GSMFlow
from ..method.start import GaussianStart
from ..method.tensors import checked_attributes
from .base import ask_density
from .ridge_gaussian import RidgeGaussian

Invertible = GSMFlow | RidgeGaussian
LATENTS_AT_ONCE = 4096


def movable(generator: object) -> Invertible:
    """The generator itself. Raises ``DataError`` for neither a flow nor a ridge-Gaussian."""
    if isinstance(generator, GSMFlow | RidgeGaussian):
        return generator
    raise DataError(
        "rows of unseen classes can move the classes of a GSMFlow or a RidgeGaussian, got "
        f"{type(generator).__name__}: it takes a map between features and latent noise"
    )


def map_of(generator: Invertible) -> GSMFlow | GaussianStart:
    """The map between features and latent noise; that of the ridge-Gaussian whitens."""
    return generator.start if isinstance(generator, RidgeGaussian) else generator


@torch.no_grad()
def latents(
    generator: Invertible, x: Float[Tensor, "N D"], description: Float[np.ndarray, " A"]
) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
    """Where rows lie in the latent space of one class, and log|det dz/dx| of each, in nats.

    On the CPU, for any device of the generator.
    """
    place = next(iter(map_of(generator).state_dict().values()))
    attributes = torch.from_numpy(description[None]).to(place)
    zs = []
    log_dets = []
    for some in x.split(LATENTS_AT_ONCE):
        index = torch.zeros(len(some), dtype=torch.long, device=place.device)
        z, log_det = map_of(generator)(some.to(place), attributes, index)
        zs.append(z.cpu())
        log_dets.append(log_det.cpu())
    return torch.cat(zs), torch.cat(log_dets)


class MovedClasses:
    r"""A generator with M classes that are moved by ``shifts`` in its latent space.

    The latent noise of class c is :math:`z \sim N(\delta_c, I)` in place of :math:`N(0, I)`. So the
    ridge-Gaussian moves the mean of the class by :math:`C \delta_c`, and a flow moves each row as
    its own map bends there. All other classes stay exactly where they are, and so does a class
    whose shift is 0.

    A class is known by its ``attributes``; ``names`` are for messages. Raises ``DataError`` where
    two of the M classes have the same ones but different shifts, and for another kind of generator.
    """

    def __init__(
        self,
        source: Invertible,
        attributes: Float[np.ndarray, "M A"],
        shifts: Float[np.ndarray, "M D"],
        *,
        names: Sequence[str] = (),
    ) -> None:
        self.source = movable(source)
        moves = np.flatnonzero(shifts.any(1))
        self.attributes = np.asarray(attributes, np.float32)[moves]
        self.shifts = np.asarray(shifts, np.float32)[moves]
        same = (self.attributes[:, None] == self.attributes).all(2)
        alike = (self.shifts[:, None] == self.shifts).all(2)
        confused = np.argwhere(same & ~alike)
        if len(confused):
            both = [repr(names[k]) if len(names) else f"number {k}" for k in moves[confused[0]]]
            raise DataError(
                "classes that are moved must have descriptions that differ, but "
                f"{' and '.join(both)} have the same: describe one of them otherwise"
            )

    @torch.no_grad()
    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize as the source does with the same noise, which is moved first."""
        n, temperature, seed = check_asked(n, temperature, seed)
        rows = checked_attributes(attributes)
        features = self.source.synthesize(rows, n, temperature=temperature, seed=seed)
        width = features.shape[2]
        moved = self._moved(rows)
        for place in np.flatnonzero(moved >= 0):
            classes = torch.full((n,), int(place), device=features.device)
            places = torch.arange(n, device=features.device)
            z = prior.sample(seed, classes, places, width).to(features) * temperature
            z += torch.from_numpy(self.shifts[moved[place]]).to(z)
            of_class = rows[place : place + 1].to(features)
            index = torch.zeros_like(classes)
            features[place] = map_of(self.source).inverse(z, of_class, index)[0]
        return features

    def log_prob(
        self, x: Float[Tensor, "N D"], attributes: Float[Tensor, "M A"]
    ) -> Float[Tensor, "N M"]:
        """Return the exact log-density of every row in every class, in nats."""
        rows = checked_attributes(attributes)
        moved = self._moved(rows)
        if (moved < 0).all():
            return ask_density(self.source, x, rows)
        densities = torch.empty(len(x), len(moved))
        stay = torch.from_numpy(np.flatnonzero(moved < 0))
        if len(stay):
            densities[:, stay] = ask_density(self.source, x, rows[stay]).to(densities)
        for place in np.flatnonzero(moved >= 0):
            z, log_det = latents(self.source, x, rows[place].detach().cpu().float().numpy())
            shift = torch.from_numpy(self.shifts[moved[place]])
            of_class = prior.log_density(z.double() - shift.double()) + log_det
            densities[:, place] = of_class.to(densities)
        return densities

    def _moved(self, attributes: Float[Tensor, "M A"]) -> Int[np.ndarray, " M"]:
        """The place of each class among those that are moved; -1 for one that is not."""
        asked = attributes.detach().cpu().float().numpy()
        if not len(self.attributes):
            return np.full(len(asked), -1)
        same = (asked[:, None] == self.attributes).all(2)
        return np.where(same.any(1), same.argmax(1), -1)
