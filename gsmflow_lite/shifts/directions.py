"""The directions in which shifts are injected, derived once for each data set and seed."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..seeds import stream
from .readout import AttributeReadout, seen_means

MOST_SEEDS = 4  # directions kept for one data set; the oldest are dropped


class Directions:
    """Where class means can move: what an injector needs of a data set and a seed, and of no dose.

    ``seen`` are the real means of the seen classes, and ``attributes`` their attributes. All else
    is derived when it is first needed. A slider makes a new injector at each move; they all share
    one object by :meth:`of`. It holds no reference to the data set, so that data can be freed.
    """

    def __init__(self, dataset: GZSLDataset, seed: int) -> None:
        self.seen: Float[np.ndarray, "S D"] = seen_means(dataset)
        self.attributes: Float[np.ndarray, "S A"] = dataset.attributes[dataset.seen_classes]
        self.seed = seed

    @classmethod
    def of(cls, dataset: GZSLDataset, seed: int) -> Directions:
        """Return the directions of this very data set and seed; they are derived only once.

        Memory is bounded: :data:`MOST_SEEDS` are kept for a data set, for as long as it lives.
        """
        with _LOCK:
            by_seed = _KEPT.setdefault(dataset, {})
            if seed not in by_seed:
                by_seed[seed] = cls(dataset, seed)
            while len(by_seed) > MOST_SEEDS:
                del by_seed[next(iter(by_seed))]
            return by_seed[seed]

    @cached_property
    def centre(self) -> Float[np.ndarray, " D"]:
        """The mean of the seen class means."""
        return self.seen.mean(0)

    @cached_property
    def radius(self) -> float:
        """The root-mean-square distance of the seen class means from their centre."""
        return float(np.sqrt(np.square(self.seen - self.centre).sum(1).mean()))

    @cached_property
    def readout(self) -> AttributeReadout:
        """The attribute readout of the data set."""
        return AttributeReadout.from_means(self.seen, self.attributes)

    @cached_property
    def planes(self) -> tuple[Float[np.ndarray, "D P"], Float[np.ndarray, "D P"]]:
        """Two halves of a random basis of the space that the readout sees.

        The i-th columns of the two halves span a plane; P = V // 2, and one direction may be left
        over. Class means turn from the first half to the second. That is the way in which the
        agreement of the seen classes falls: the other way it might rise at first. Raises
        ``DataError`` where the readout sees fewer than 2 directions.
        """
        visible = self.readout.visible
        width = visible.shape[1]
        if width < 2:
            raise DataError(
                "a semantic shift turns class means among the directions that the attribute "
                f"readout sees: it needs at least 2, got {width}: give more attributes, features "
                "or seen classes"
            )

        rng = stream(self.seed, "planes that turn")
        basis = visible @ np.linalg.qr(rng.standard_normal((width, width)))[0]
        left = basis[:, : width // 2]
        right = basis[:, width // 2 : 2 * (width // 2)]
        return (left, right) if self._slope(left, right) <= 0 else (right, left)

    def _slope(self, left: Float[np.ndarray, "D P"], right: Float[np.ndarray, "D P"]) -> float:
        """Return how the agreement of the seen classes begins to change when they turn."""
        vectors = self.seen - self.centre
        turned = vectors @ left @ right.T - vectors @ right @ left.T
        described = self.readout.standardise(self.attributes)

        def total(step: float) -> float:
            read = (vectors + step * turned) @ self.readout.weights
            return float(np.trace(self.readout.agreement(read, described)))

        return total(0.01) - total(-0.01)

    @cached_property
    def blind_plane(self) -> Float[np.ndarray, "D 2"]:
        """Two random directions at right angles, which the readout does not see.

        Classes move in a plane, because in many dimensions random moves are all equally far apart,
        and the order of the distances would stay. Raises ``DataError`` where there is no plane.
        """
        blind = self.readout.blind
        if blind.shape[1] < 2:
            raise DataError(
                f"{len(blind)} features and {self.attributes.shape[1]} attributes leave no plane "
                "that the attribute readout does not see: a pure structure shift needs more "
                "features than attributes, or than seen classes"
            )

        rng = stream(self.seed, "blind plane")
        return blind @ np.linalg.qr(rng.standard_normal((blind.shape[1], 2)))[0]


_KEPT: WeakKeyDictionary[GZSLDataset, dict[int, Directions]] = WeakKeyDictionary()
_LOCK = Lock()
