"""The shift injector adds known doses of each generation shift to the features of a generator."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..arguments import check_asked, check_seed, real
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..errors import ConfigError, DataError
from ..generators.base import Generator, ask, check_generator
from ..generators.stored import RealSamples
from ..method.tensors import checked_attributes
from ..seeds import stream
from .directions import Directions
from .metrics import distances


class Injected:
    r"""A generator that adds generation shifts of known size to the features of ``source``.

    Each dose is 0 for no shift. Three shifts are pure: one meter of
    :mod:`gsmflow_lite.shifts.report` feels each of them, and no other meter does. Let m be the
    class mean of the features that the source gives, and x = m + e.

    ============= ==================================================================================
    ``variance``  e becomes (1 - dose) e. 0.6 shrinks each class to 0.4 of its width, -1 doubles
                  it; at most 1.
    ``semantic``  All class means turn together by dose x 90 degrees about the centre of the seen
                  classes. They turn in random planes that fill the space that the attribute readout
                  sees, so their mutual distances stay. 0 to 2.
    ``structure`` m moves within a random plane that the attribute readout does not see, each class
                  in its own direction. The root-mean-square move is dose x that distance of the
                  seen class means from their centre. 0 or more.
    ============= ==================================================================================

    Two more are as they happen in life, and several meters feel them at once:

    ================ ===============================================================================
    ``mixed``        This share of each class's features comes from the other classes that are
                     synthesized in the same call. 0 to 1.
    ``towards_seen`` Each class mean moves this share of the way to the nearest real mean of a seen
                     class. 0 to 1.
    ================ ===============================================================================

    Without a ``source`` it shifts the real test rows of the unseen classes. ``dataset`` must be the
    one that the meters get. Objects of the same data set and seed share what they derive from it.
    Raises ``ConfigError`` for a dose out of its range.

    >>> from gsmflow_lite import gaussian_world, measure
    >>> data = gaussian_world(2).dataset
    >>> report = measure(data, Injected(data, variance=0.6), n=50, metrics=["variance"])
    >>> report.reading("variance").word
    'shifted'
    """

    def __init__(
        self,
        dataset: GZSLDataset,
        source: Generator | None = None,
        *,
        variance: float = 0.0,
        semantic: float = 0.0,
        structure: float = 0.0,
        mixed: float = 0.0,
        towards_seen: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.variance = _dose("variance", variance, -np.inf, 1)
        self.semantic = _dose("semantic", semantic, 0, 2)
        self.structure = _dose("structure", structure, 0, np.inf)
        self.mixed = _dose("mixed", mixed, 0, 1)
        self.towards_seen = _dose("towards_seen", towards_seen, 0, 1)
        self.seed = check_seed(seed)

        self.dataset = the_dataset(dataset)
        if source is not None:
            check_generator(source)
        self.source = RealSamples(dataset, dataset.test_unseen) if source is None else source

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize shifted features, float32 on the CPU.

        Raises ``DataError`` where a dose cannot be given: ``mixed`` of one class, ``semantic`` with
        fewer than 2 readable directions, ``structure`` without 2 directions that are not read.
        """
        n, temperature, seed = check_asked(n, temperature, seed)
        width = self.dataset.features.shape[1]
        features = ask(self.source, attributes, n, temperature=temperature, seed=seed, width=width)
        x = self._mix(features.cpu().numpy().astype(np.float64), seed)

        means = x.mean(1, keepdims=True)
        moved = self._move(means, checked_attributes(attributes).detach().cpu().float().numpy())
        # In this order: without a dose, x stays as it is to the last bit.
        shifted = x + (moved - means) - self.variance * (x - means)
        return torch.from_numpy(shifted.astype(np.float32))

    def _mix(self, x: Float[np.ndarray, "M n D"], seed: int) -> Float[np.ndarray, "M n D"]:
        """Replace the first rows of each class by rows of the other classes."""
        classes, n, _ = x.shape
        count = round(self.mixed * n)
        if not count:
            return x
        if classes < 2:
            raise DataError(
                "to mix in samples of other classes, ask for at least 2 classes at once, got 1"
            )

        rng = stream(self.seed, "mixed samples", seed)
        mixed = x.copy()
        for k in range(classes):
            others = (k + rng.integers(1, classes, count)) % classes
            mixed[k, :count] = x[others, rng.integers(0, n, count)]
        return mixed

    def _move(
        self,
        means: Float[np.ndarray, "M 1 D"],
        attributes: Float[np.ndarray, "M A"],
    ) -> Float[np.ndarray, "M 1 D"]:
        """Return where the class means go."""
        if self.towards_seen:
            seen = self._directions.seen
            nearest = distances(means[:, 0], seen).argmin(1)
            means = means + self.towards_seen * (seen[nearest][:, None] - means)
        if self.semantic:
            centre = self._directions.centre
            means = centre + self._turned(means - centre)
        if self.structure:
            steps = np.stack([self._step(row) for row in attributes])
            means = means + self.structure * steps[:, None]
        return means

    def _turned(self, vectors: Float[np.ndarray, "M 1 D"]) -> Float[np.ndarray, "M 1 D"]:
        r"""Turn vectors by one angle in all planes.

        .. math:: \cos\theta\, v + \sin\theta\, J v \quad\text{with orthogonal } J,\; J J = -1
        """
        angle = self.semantic * np.pi / 2
        left, right = self._directions.planes
        a = vectors @ left
        b = vectors @ right
        change_a = a * np.cos(angle) - b * np.sin(angle) - a
        change_b = b * np.cos(angle) + a * np.sin(angle) - b
        return vectors + change_a @ left.T + change_b @ right.T

    def _step(self, attributes: Float[np.ndarray, " A"]) -> Float[np.ndarray, " D"]:
        """Return the move at dose 1 of the class with these attributes.

        It does not depend on the other classes in the same call.
        """
        number = zlib.crc32(np.ascontiguousarray(attributes).tobytes())
        rng = stream(self.seed, "moves", number)
        radius = self._directions.radius
        return radius * self._directions.blind_plane @ rng.standard_normal(2) / np.sqrt(2)

    @cached_property
    def _directions(self) -> Directions:
        return Directions.of(self.dataset, self.seed)


def _dose(name: str, dose: float, low: float, high: float) -> float:
    number = real(dose, name)
    if not low <= number <= high:
        raise ConfigError(f"{name} must be a dose from {low:g} to {high:g}, got {dose!r}")
    return number
