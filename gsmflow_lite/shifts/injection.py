"""The shift injector: known doses of each generation shift, on real features or on any generator."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..config import check_seed
from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means
from ..errors import ConfigError, DataError
from ..generators.base import Generator, ask
from ..generators.stored import RealSamples
from ..seeds import stream
from .readout import AttributeReadout


class Injected:
    r"""A generator whose samples are those of ``source`` with generation shifts of known size; every dose is 0 for none.

    Three pure ones, each felt by one meter of :mod:`gsmflow_lite.shifts.report` and by no other. With the class mean m of the samples
    drawn and x = m + e:

    ============== ==========================================================================================================
    ``variance``   e becomes (1 - dose) e. 0.6 shrinks each class to 0.4 of its width, -1 doubles it; at most 1.
    ``semantic``   all class means turn together by dose x 90 degrees about the centre of the seen classes, in random planes
                   that fill the space the attribute readout sees: their mutual distances stay. 0 to 2.
    ``structure``  m moves within a random plane that the attribute readout does not see, each class its own way; the
                   root-mean-square move is dose x that distance of the seen class means from their centre. 0 or more.
    ============== ==========================================================================================================

    Two as they happen in life, felt by several meters at once:

    ================ ========================================================================================================
    ``mixed``        this share of each class's samples is taken from the other classes asked for. 0 to 1.
    ``towards_seen`` class means are drawn to the nearest real seen class mean by this share of the way. 0 to 1.
    ================ ========================================================================================================

    ``source`` None stands for the real test rows of the unseen classes. ``dataset`` must be the one that the meters are given.
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
        _within("variance", variance, -np.inf, 1)
        _within("semantic", semantic, 0, 2)
        _within("structure", structure, 0, np.inf)
        _within("mixed", mixed, 0, 1)
        _within("towards_seen", towards_seen, 0, 1)
        check_seed(seed)
        self.dataset = dataset
        self.source = RealSamples(dataset, dataset.test_unseen) if source is None else source
        self.variance, self.semantic, self.structure = variance, semantic, structure
        self.mixed, self.towards_seen, self.seed = mixed, towards_seen, seed

    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D), float32 on the CPU.

        Raises ``DataError`` where a dose cannot be given: ``mixed`` of one class, ``semantic`` with fewer than 2 readable
        directions.
        """
        drawn = ask(
            self.source,
            attributes,
            n,
            temperature=temperature,
            seed=seed,
            width=self.dataset.features.shape[1],
        )
        x = drawn.cpu().numpy().astype(np.float64)
        asked = np.asarray(torch.as_tensor(attributes).detach().cpu(), np.float32)
        x = self._mix(x, seed)
        means = x.mean(1, keepdims=True)  # (M, 1, D)
        moved = (
            x + (self._move(means, asked) - means) - self.variance * (x - means)
        )  # without a dose, x to the last bit
        return torch.from_numpy(moved.astype(np.float32))

    def _mix(self, x: np.ndarray, seed: int) -> np.ndarray:
        """Put samples of the other classes in place of the first ones of each class."""
        classes, n, _ = x.shape
        count = round(self.mixed * n)
        if not count:
            return x
        if classes < 2:
            raise DataError(
                "to mix in samples of other classes, ask for at least 2 classes at once, got 1"
            )
        rng, mixed = stream(self.seed, "mixed samples", seed), x.copy()
        for k in range(classes):
            others = (k + rng.integers(1, classes, count)) % classes
            mixed[k, :count] = x[others, rng.integers(0, n, count)]
        return mixed

    def _move(self, means: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Where the class means (M, 1, D) go."""
        if self.towards_seen:
            squares = np.square(means - self._seen).sum(2)  # (M, S)
            means = means + self.towards_seen * (self._seen[squares.argmin(1)][:, None] - means)
        if self.semantic:
            means = self._centre + self._turned(means - self._centre)
        if self.structure:
            means = means + self.structure * np.stack([self._direction(a) for a in asked])[:, None]
        return means

    def _turned(self, vectors: np.ndarray) -> np.ndarray:
        r"""Vectors turned by one angle in all planes: :math:`\cos\theta\, v + \sin\theta\, J v` with orthogonal J, J J = -1."""
        angle = self.semantic * np.pi / 2
        left, right = self._planes
        a, b = vectors @ left, vectors @ right
        a, b = a * np.cos(angle) - b * np.sin(angle) - a, b * np.cos(angle) + a * np.sin(angle) - b
        return vectors + a @ left.T + b @ right.T

    @cached_property
    def _planes(self) -> tuple[np.ndarray, np.ndarray]:
        """Two halves (D, V // 2) of a random basis of the visible space; the i-th columns span a plane. One may be left over.

        They are turned the way in which the seen classes' agreement falls: the other way it might rise at first.
        """
        visible, rng = self._readout.visible, stream(self.seed, "planes that turn")
        width = visible.shape[1]
        if width < 2:
            raise DataError(
                "a semantic shift turns class means among the directions that the attribute readout sees: it needs at least 2, "
                f"got {width}: give more attributes, features or seen classes"
            )
        basis = visible @ np.linalg.qr(rng.standard_normal((width, width)))[0]
        left, right = basis[:, : width // 2], basis[:, width // 2 : 2 * (width // 2)]
        return (left, right) if self._slope(left, right) <= 0 else (right, left)

    def _slope(self, left: np.ndarray, right: np.ndarray) -> float:
        """How the agreement of the real seen classes begins to change when they turn from ``left`` to ``right``."""
        vectors = self._seen - self._centre
        turned = vectors @ left @ right.T - vectors @ right @ left.T
        asked = self._readout.standardise(self.dataset.attributes[self.dataset.seen_classes])
        agreements = [
            self._readout.agreement((vectors + e * turned) @ self._readout.weights, asked)
            for e in (-0.01, 0.01)
        ]
        return float(np.trace(agreements[1]) - np.trace(agreements[0]))

    def _direction(self, attributes: np.ndarray) -> np.ndarray:
        """Where the class of these attributes moves at dose 1, (D,); it does not depend on who else is asked for.

        In a plane, for in many dimensions random moves are all equally far apart, and the order of the distances stays.
        """
        rng = stream(self.seed, "moves", zlib.crc32(np.ascontiguousarray(attributes).tobytes()))
        return self._radius * self._blind_plane @ rng.standard_normal(2) / np.sqrt(2)

    @cached_property
    def _blind_plane(self) -> np.ndarray:
        blind = self._readout.blind
        if blind.shape[1] < 2:
            raise DataError(
                f"{len(blind)} features and {self.dataset.attributes.shape[1]} attributes leave no plane that the attribute "
                "readout does not see: a pure structure shift needs more features than attributes, or than seen classes"
            )
        rng = stream(self.seed, "blind plane")
        return blind @ np.linalg.qr(rng.standard_normal((blind.shape[1], 2)))[0]

    @cached_property
    def _readout(self) -> AttributeReadout:
        return AttributeReadout.fit(self.dataset)

    @cached_property
    def _seen(self) -> np.ndarray:
        return class_means(self.dataset, self.dataset.seen_classes, self.dataset.train).astype(
            np.float64
        )

    @cached_property
    def _centre(self) -> np.ndarray:
        return self._seen.mean(0)

    @cached_property
    def _radius(self) -> float:
        return float(np.sqrt(np.square(self._seen - self._centre).sum(1).mean()))


def _within(name: str, dose: float, low: float, high: float) -> None:
    if not (low <= dose <= high and np.isfinite(dose)):
        raise ConfigError(f"{name} must be a dose from {low:g} to {high:g}, got {dose!r}")
