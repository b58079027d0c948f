"""Crescents in two dimensions: data that no Gaussian fits, and whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..arguments import whole
from ..errors import DataError
from ..seeds import stream
from .arrays import from_arrays
from .base import GZSLDataset
from .spread import remotest_points

WIDTHS = (0.6, 0.15)  # of a crescent along and across, before it is bent
ANGLE = np.pi / 6  # by which they are turned
TURN = np.array(  # the rotation that all crescents share
    [
        [np.cos(ANGLE), -np.sin(ANGLE)],
        [np.sin(ANGLE), np.cos(ANGLE)],
    ]
)
REACH = 3.0  # means lie from -REACH to REACH


@dataclass(frozen=True, eq=False)
class CrescentWorld:
    r"""Gaussian classes bent by a known shear, whose densities are known in closed form.

    .. math:: x = m + R\, (u_1,\; u_2 + b\, (u_1^2 - \sigma_1^2)),
        \qquad u \sim N(0, \mathrm{diag}(\sigma_1^2, \sigma_2^2))

    Class k has mean m (a row of ``means``) and bend b (of ``bends``). :math:`\sigma` (``WIDTHS``)
    and the rotation R (``TURN``) are common to all. A shear and a rotation change no area, so the
    density of x is that of u. Methods raise ``DataError`` for a class that does not exist.
    """

    dataset: GZSLDataset
    means: Float[np.ndarray, "K 2"]
    bends: Float[np.ndarray, " K"]

    def sample(
        self,
        number: int,
        n: int,
        *,
        seed: int = 0,
    ) -> Float[np.ndarray, "n 2"]:
        """Draw ``n`` fresh samples of one class."""
        mean, bend = self._truth(number)
        n = whole(n, "n", least=1)
        return _crescent(mean, bend, n, stream(seed, "fresh samples"))

    def log_prob(self, features: Float[np.ndarray, "N 2"], number: int) -> Float[np.ndarray, " N"]:
        """Return the log-density of ``features`` under one class, in nats."""
        mean, bend = self._truth(number)
        along, across = WIDTHS
        turned_back = (np.asarray(features, np.float64) - mean) @ TURN
        u1 = turned_back[:, 0]
        u2 = turned_back[:, 1] - bend * (u1**2 - along**2)
        exponent = -0.5 * ((u1 / along) ** 2 + (u2 / across) ** 2)
        return exponent - np.log(2 * np.pi * np.prod(WIDTHS))

    def _truth(self, number: int) -> tuple[Float[np.ndarray, " 2"], float]:
        number = whole(number, "a class")
        if not 0 <= number < len(self.bends):
            raise DataError(
                f"a class must be a number from 0 to {len(self.bends) - 1}, got {number}"
            )
        return self.means[number], self.bends[number]


def crescent_world(
    *,
    seen: int = 14,
    unseen: int = 2,
    samples: int = 300,
    seed: int = 0,
) -> CrescentWorld:
    """Make ``seen + unseen`` crescents with ``samples`` rows each.

    The same ``seed`` gives the same world.

    The attributes of a class say where it lies (``east`` and ``north``, the mean divided by
    ``REACH``) and how it is bent (``bend``), all from -1 to 1. With bend 0 it is straight. The
    unseen classes are those nearest to the middle, whatever their bend. Raises ``ConfigError`` for
    fewer than 2 seen classes, 1 unseen class or 2 samples.
    """
    seen = whole(seen, "seen", least=2)
    unseen = whole(unseen, "unseen", least=1)
    samples = whole(samples, "samples", least=2)
    rng = stream(seed, "crescent world")
    table = remotest_points(seen + unseen, 3, rng, low=-1.0)
    means = REACH * table[:, :2]
    bends = table[:, 2]
    crescents = [
        _crescent(mean, bend, samples, rng) for mean, bend in zip(means, bends, strict=True)
    ]
    from_the_middle = np.linalg.norm(table[:, :2], axis=1).argsort(kind="stable")
    dataset = from_arrays(
        np.concatenate(crescents),
        np.repeat(np.arange(len(table)), samples),
        table,
        unseen=np.sort(from_the_middle[:unseen]),
        attribute_names=["east", "north", "bend"],
        name="crescents",
        seed=seed,
    )
    return CrescentWorld(dataset, means, bends)


def _crescent(
    mean: Float[np.ndarray, " 2"],
    bend: float,
    n: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "n 2"]:
    """Draw from a Gaussian, then shear, turn and move the samples."""
    u = rng.standard_normal((n, 2)) * WIDTHS
    bent = u[:, 1] + bend * (u[:, 0] ** 2 - WIDTHS[0] ** 2)
    return np.stack([u[:, 0], bent], axis=1) @ TURN.T + mean
