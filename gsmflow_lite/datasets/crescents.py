"""Crescents in two dimensions: data that no Gaussian fits, and whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, DataError
from ..seeds import stream
from .arrays import from_arrays
from .base import GZSLDataset

WIDTHS = (0.6, 0.15)  # of a crescent along and across, before it is bent
TURN = np.array(
    [[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]]
)  # a rotation by 30 degrees
REACH = 3.0  # means lie from -REACH to REACH


@dataclass(frozen=True, eq=False)
class CrescentWorld:
    r"""Two-dimensional classes that are Gaussians bent by a known shear, so their densities are known in closed form.

    .. math:: x = m + R\, (u_1,\; u_2 + b\, (u_1^2 - \sigma_1^2)), \qquad u \sim N(0, \mathrm{diag}(\sigma_1^2, \sigma_2^2))

    Class k has mean m (``means``, (K, 2)) and bend b (``bends``, (K,)); :math:`\sigma` (``WIDTHS``) and the rotation R
    (``TURN``) are common to all. A shear and a rotation change no area, so the density of x is that of u. Methods raise
    ``DataError`` for a class that is not there.
    """

    dataset: GZSLDataset
    means: np.ndarray
    bends: np.ndarray

    def sample(self, number: int, n: int, *, seed: int = 0) -> np.ndarray:
        """``n`` fresh samples (n, 2) of one class."""
        return _crescent(*self._truth(number), n, stream(seed, "fresh samples"))

    def log_prob(self, features: np.ndarray, number: int) -> np.ndarray:
        """Log-density in nats of ``features`` (N, 2) under one class, (N,)."""
        mean, bend = self._truth(number)
        v = (np.asarray(features, np.float64) - mean) @ TURN
        straight = v[:, 1] - bend * (v[:, 0] ** 2 - WIDTHS[0] ** 2)
        return -0.5 * ((v[:, 0] / WIDTHS[0]) ** 2 + (straight / WIDTHS[1]) ** 2) - np.log(
            2 * np.pi * np.prod(WIDTHS)
        )

    def _truth(self, number: int) -> tuple[np.ndarray, float]:
        if not 0 <= number < len(self.bends):
            raise DataError(
                f"a class must be a number from 0 to {len(self.bends) - 1}, got {number}"
            )
        return self.means[number], self.bends[number]


def crescent_world(
    *, seen: int = 14, unseen: int = 2, samples: int = 300, seed: int = 0
) -> CrescentWorld:
    """Make a world of ``seen + unseen`` crescents, ``samples`` rows each; the same ``seed`` gives the same world.

    A class is described by where it lies (``east`` and ``north``, the mean over ``REACH``) and by its ``bend``, all from -1 to
    1; at bend 0 it is straight. The unseen classes are those nearest to the middle of the map, whatever their bend. Raises
    ``ConfigError`` for fewer than 2 seen classes, 1 unseen one or 2 samples.
    """
    if seen < 2 or unseen < 1 or samples < 2:
        raise ConfigError(
            f"seen must be at least 2, unseen 1 and samples 2, got {seen}, {unseen} and {samples}"
        )
    rng = stream(seed, "crescent world")
    table = _spread_out(seen + unseen, rng)
    means, bends = REACH * table[:, :2], table[:, 2]
    middle = np.linalg.norm(table[:, :2], axis=1).argsort(kind="stable")
    dataset = from_arrays(
        np.concatenate(
            [_crescent(mean, bend, samples, rng) for mean, bend in zip(means, bends, strict=True)]
        ),
        np.repeat(np.arange(len(table)), samples),
        table,
        unseen=np.sort(middle[:unseen]),
        attribute_names=["east", "north", "bend"],
        name="crescents",
        seed=seed,
    )
    return CrescentWorld(dataset, means, bends)


def _crescent(mean: np.ndarray, bend: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """``n`` samples (n, 2): a Gaussian, sheared, turned and put in its place."""
    u = rng.standard_normal((n, 2)) * WIDTHS
    return (
        np.stack([u[:, 0], u[:, 1] + bend * (u[:, 0] ** 2 - WIDTHS[0] ** 2)], axis=1) @ TURN.T
        + mean
    )


def _spread_out(n: int, rng: np.random.Generator) -> np.ndarray:
    """Points (n, 3) in the cube from -1 to 1, each the remotest of 30 draws, so that no two classes coincide."""
    points = rng.uniform(-1, 1, (1, 3))
    while len(points) < n:
        draws = rng.uniform(-1, 1, (30, 3))
        points = np.vstack(
            [points, draws[np.linalg.norm(draws[:, None] - points, axis=2).min(1).argmax()]]
        )
    return points
