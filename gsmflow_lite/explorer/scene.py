"""A scene: real features through both lenses, which stay, and synthesized ones that are placed among them as settings change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ..config import check_seed
from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means
from ..errors import DataError
from ..figures.points import Points
from ..figures.projection import Projection, Watch
from ..generators.base import Generator, ask
from ..generators.stored import RealSamples
from ..generators.zoo import ZOO_SEED, Zoo
from ..seeds import stream
from ..shifts.readout import AttributeReadout

MOST = 2000  # real points: more slow a drag down, and show no more
SHARE_UNSEEN = 0.45  # of these, at most, from unseen classes


@dataclass(frozen=True, eq=False)
class Synthesized:
    """Synthesized features (N, D) on the map, of classes ``points.labels``.

    ``near`` (N,) is the number of the nearest real point of the scene; ``far`` (N,) its distance over the one within which 95 %
    of the real points have a neighbour: what is above 1 is off the map, wherever it was placed.
    """

    features: np.ndarray
    points: Points
    near: np.ndarray
    far: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """The real side of a map: ``rows`` (R,) of the data set, seen through ``projection`` as ``real``.

    ``held`` (n,) are real rows that are neither shown nor measured against, so that :attr:`oracle` can hand them out: half of
    the unseen ones (whole ``groups``), which ``dataset`` then lacks, and the training rows. Empty where that cannot be done.
    """

    dataset: GZSLDataset
    rows: np.ndarray
    held: np.ndarray
    projection: Projection
    real: Points

    @classmethod
    def of(cls, dataset: GZSLDataset, *, seed: int = 0, watch: Watch = lambda event: None) -> Scene:
        """Fit both lenses; ``watch`` is told the stages. At most 2000 rows of both kinds of classes are shown."""
        return cls._with(dataset, seed, lambda space: Projection.fit(space, seed=seed, watch=watch))

    @classmethod
    def first(cls, dataset: GZSLDataset, *, seed: int = 0) -> Scene:
        """The same rows through the linear lens alone, at once; places on the UMAP map are NaN."""
        return cls._with(dataset, seed, Projection.linear)

    @classmethod
    def of_zoo(cls, zoo: Zoo) -> Scene:
        """The scene of the glyphs, whose map comes with the package."""
        ready = partial(Projection.ready, layout=zoo.umap, neighbours=zoo.neighbours, seed=ZOO_SEED)
        return cls._with(zoo.dataset, ZOO_SEED, ready)

    @classmethod
    def _with(
        cls, dataset: GZSLDataset, seed: int, project: Callable[[np.ndarray], Projection]
    ) -> Scene:
        held, rest = _hold_back(dataset, seed)
        rows = choose_rows(rest, seed=seed)
        space = proportions(rest, rest.features[rows])
        projection = project(space)
        return cls(
            rest,
            rows,
            held,
            projection,
            Points(projection.pca(space), projection.umap_real, rest.labels[rows], rows),
        )

    @property
    def oracle(self) -> RealSamples | None:
        """A generator that synthesizes real features, none of which is shown here."""
        return RealSamples(self.dataset, self.held) if len(self.held) else None

    @property
    def has_map(self) -> bool:
        """Whether the UMAP map is there yet."""
        return bool(np.isfinite(self.real.umap).all())

    def ask(
        self,
        generator: Generator,
        classes: Sequence[int],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Synthesized:
        """``n`` synthesized features of each of the classes (M,), on the map. Raises ``DataError`` for what is not finite."""
        check_seed(seed)
        classes = np.asarray(classes, np.int64)
        asked, width = self.dataset.attributes[classes], self.dataset.features.shape[1]
        names = [self.dataset.class_names[k] for k in classes]
        made = ask(
            generator, asked, n, temperature=temperature, seed=seed, width=width, names=names
        )
        return self.place(made.flatten(0, 1).cpu().numpy(), classes.repeat(n))

    def place(self, features: np.ndarray, labels: np.ndarray) -> Synthesized:
        """Features (N, D) of classes ``labels`` (N,) on the map."""
        space = proportions(self.dataset, features)
        umap, distance, near = self.projection.placed(space)
        points = Points(
            self.projection.pca(space), umap, np.asarray(labels), np.arange(len(labels))
        )
        return Synthesized(
            features, points, near, distance / (self.projection.usual_distance or 1.0)
        )

    def real_features(self, number: int) -> np.ndarray:
        """All real test features of a class, (n, D): also those that are not shown."""
        return self.dataset.features[self.dataset.of_class(number, self._tests)]

    @cached_property
    def _tests(self) -> np.ndarray:
        return np.concatenate([self.dataset.test_seen, self.dataset.test_unseen])

    def real_means(self, classes: Sequence[int]) -> np.ndarray:
        """Means of the real test features of classes, (M, D)."""
        return class_means(self.dataset, classes, self._tests)

    @cached_property
    def readout(self) -> AttributeReadout:
        """Attributes read off features, as fitted on the seen classes."""
        return AttributeReadout.fit(self.dataset)


def proportions(dataset: GZSLDataset, features: np.ndarray) -> np.ndarray:
    """Features (N, d) with the widths that whitening took: distances are those of the data before, as the eye has them.

    For glyphs they are those of the pictures. Other features come back as they are.
    """
    done = dataset.preprocessing
    return (
        features * done.scale
        if done is not None and done.kind == "whitened-pca"
        else np.asarray(features)
    )


def _hold_back(dataset: GZSLDataset, seed: int) -> tuple[np.ndarray, GZSLDataset]:
    """Rows for the oracle, and the data set without them among its test rows."""
    try:
        rows, rest = dataset.split_unseen(seed=seed)
    except DataError:  # a class of one row, or of one group
        return np.empty(0, np.int64), dataset
    return np.concatenate([rows, dataset.train]), rest


def choose_rows(dataset: GZSLDataset, *, most: int = MOST, seed: int = 0) -> np.ndarray:
    """Test rows to show, (R,), ascending: of each unseen class equally many, then of each seen class."""
    rng = stream(seed, "rows of a map")
    unseen, seen = dataset.unseen_classes, np.unique(dataset.labels[dataset.test_seen])
    each = max(1, int(SHARE_UNSEEN * most) // len(unseen))
    chosen = [rng.permutation(dataset.of_class(k, dataset.test_unseen))[:each] for k in unseen]
    left = most - sum(map(len, chosen))
    each = max(1, left // max(1, len(seen)))
    chosen += [rng.permutation(dataset.of_class(k, dataset.test_seen))[:each] for k in seen]
    return np.sort(np.concatenate(chosen))


IN_FOCUS = 12  # classes that are chosen at the start, at most: more cannot be told apart
