"""A scene: real features on two maps that stay, and synthesized features placed among them.

The panels and the page of a run show the same scene, so a data set, a seed and a generator have the
same points at the same places in both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float, Int

from ..arguments import check_seed, whole
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..datasets.inputs import whole_numbers
from ..datasets.statistics import class_means
from ..errors import DataError
from ..events import Watch
from ..figures.points import Points
from ..figures.projection import Projection
from ..generators.base import Generator, ask
from ..generators.stored import RealSamples
from ..generators.zoo import ZOO_SEED, Zoo
from ..seeds import stream
from ..shifts.readout import AttributeReadout

MOST_POINTS = 2000  # real points: more slow a drag down, and show no more
SHARE_UNSEEN = 0.45  # of these, at most, from unseen classes
IN_FOCUS = 12  # classes that are chosen at the start, at most: more cannot be told apart


@dataclass(frozen=True, eq=False)
class Synthesized:
    """Synthesized features on the maps of a scene.

    ``near`` gives the number of the nearest real point of the scene. ``far`` is its distance, over
    the distance within which 95 % of the real points have a neighbour. A feature with ``far`` above
    1 is off the map, wherever it was placed.
    """

    features: Float[np.ndarray, "N D"]
    points: Points
    near: Int[np.ndarray, " N"]
    far: Float[np.ndarray, " N"]


@dataclass(frozen=True, eq=False)
class Scene:
    """The real side of the maps: some rows of a data set, as points through a projection.

    ``rows`` are the rows that are shown, and ``real`` their points. ``held`` are real rows that are
    neither shown nor measured against, so that :attr:`oracle` can hand them out: the training rows,
    and half of the unseen test rows (whole ``groups``). ``dataset`` then lacks that half. ``held``
    is empty where no half can be held back.
    """

    dataset: GZSLDataset
    rows: Int[np.ndarray, " R"]
    held: Int[np.ndarray, " H"]
    projection: Projection
    real: Points

    # --- How it is made --------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        dataset: GZSLDataset,
        *,
        seed: int = 0,
        watch: Watch = lambda event: None,
    ) -> Scene:
        """Choose at most 2000 test rows of seen and unseen classes, and fit both lenses on them.

        ``watch`` gets the stages of the fit.
        """

        def fit(space: Float[np.ndarray, "R D"]) -> Projection:
            return Projection.fit(space, seed=seed, most=len(space), watch=watch)

        return cls.through(dataset, fit, seed=seed)

    @classmethod
    def first(cls, dataset: GZSLDataset, *, seed: int = 0) -> Scene:
        """Choose the same rows as :meth:`of`, and fit the linear lens alone, at once.

        Places on the UMAP map are NaN.
        """
        return cls.through(dataset, Projection.linear, seed=seed)

    @classmethod
    def of_zoo(cls, zoo: Zoo) -> Scene:
        """Make the scene of embedded data, whose map comes with the package."""
        ready = partial(Projection.ready, layout=zoo.umap, neighbours=zoo.neighbours, seed=ZOO_SEED)
        return cls.through(zoo.dataset, ready, seed=ZOO_SEED)

    @classmethod
    def through(
        cls,
        dataset: GZSLDataset,
        project: Callable[[Float[np.ndarray, "R D"]], Projection],
        *,
        seed: int = 0,
    ) -> Scene:
        """Make the scene whose projection is what ``project`` makes of the features to show."""
        held, rest = _hold_back(the_dataset(dataset), check_seed(seed))
        rows = choose_rows(rest, seed=seed)
        space = proportions(rest, rest.features[rows])

        projection = project(space)
        real = Points(projection.pca(space), projection.umap_real, rest.labels[rows], rows)
        return cls(rest, rows, held, projection, real)

    @property
    def oracle(self) -> RealSamples | None:
        """A generator that hands out real features, none of which is shown here."""
        return RealSamples(self.dataset, self.held) if len(self.held) else None

    @property
    def has_map(self) -> bool:
        """Whether the UMAP map has been made."""
        return bool(np.isfinite(self.real.umap).all())

    # --- Synthesized features --------------------------------------------------------------------

    def ask(
        self,
        generator: Generator,
        classes: Sequence[int],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Synthesized:
        """Synthesize ``n`` features of each class, and place them on the maps.

        They come class by class, in the order of ``classes``. Raises ``DataError`` where the
        features have another shape or are not finite.
        """
        n = whole(n, "n", least=1)
        numbers = self._numbers(classes)
        features = ask(
            generator,
            self.dataset.attributes[numbers],
            n,
            temperature=temperature,
            seed=seed,
            width=self.dataset.features.shape[1],
            names=[self.dataset.class_names[k] for k in numbers],
        )
        return self.place(features.flatten(0, 1).cpu().numpy(), numbers.repeat(n))

    def _numbers(self, classes: Sequence[int]) -> Int[np.ndarray, " M"]:
        numbers = whole_numbers(np.asarray(classes), "classes", "")
        last = len(self.dataset.attributes) - 1
        if not len(numbers) or numbers.min() < 0 or numbers.max() > last:
            raise DataError(
                f"classes must be class numbers from 0 to {last}, got {classes}: give one or more"
            )
        return numbers

    def place(
        self,
        features: Float[np.ndarray, "N D"],
        labels: Int[np.ndarray, " N"],
    ) -> Synthesized:
        """Place features of the classes ``labels`` on the maps."""
        space = proportions(self.dataset, features)
        umap, distance, near = self.projection.placed(space)
        numbers = np.arange(len(labels))
        points = Points(self.projection.pca(space), umap, np.asarray(labels), numbers)
        return Synthesized(features, points, near, self._relative(distance))

    # --- Real features ---------------------------------------------------------------------------

    @cached_property
    def real_near(self) -> Int[np.ndarray, " R"]:
        """For each real point, the number of the nearest other real point."""
        return self.projection.nearest_other[1]

    @cached_property
    def real_far(self) -> Float[np.ndarray, " R"]:
        """The distance to :attr:`real_near`, in the units of :attr:`Synthesized.far`."""
        return self._relative(self.projection.nearest_other[0])

    def _relative(self, distance: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        return distance / (self.projection.usual_distance or 1.0)

    def real_features(self, number: int) -> Float[np.ndarray, "n D"]:
        """All real test features of a class, including those that are not shown."""
        return self.dataset.features[self.dataset.of_class(number, self._tests)]

    def real_means(self, classes: Sequence[int]) -> Float[np.ndarray, "M D"]:
        """The mean of all real test features of each class."""
        return class_means(self.dataset, np.asarray(classes), self._tests)

    @cached_property
    def _tests(self) -> Int[np.ndarray, " T"]:
        return np.concatenate([self.dataset.test_seen, self.dataset.test_unseen])

    @cached_property
    def readout(self) -> AttributeReadout:
        """The reader of attributes off features, fitted on the seen classes."""
        return AttributeReadout.fit(self.dataset)


def proportions(
    dataset: GZSLDataset, features: Float[np.ndarray, "N D"]
) -> Float[np.ndarray, "N D"]:
    """Give whitened features back the widths that whitening made equal.

    The distances between them are then those of the data before. For glyphs these are the distances
    between the pictures, as the eye sees them. Features that were not whitened come back as they
    are.
    """
    done = dataset.preprocessing
    if done is not None and done.kind == "whitened-pca":
        return features * done.scale
    return np.asarray(features)


# --- Which rows ----------------------------------------------------------------------------------


def choose_rows(
    dataset: GZSLDataset, *, most: int = MOST_POINTS, seed: int = 0
) -> Int[np.ndarray, " R"]:
    """Choose the test rows to show, in ascending order.

    First equally many of each unseen class, then of the rest equally many of each seen class, and
    at least one of every class.
    """
    rng = stream(seed, "rows of a map")
    unseen = dataset.unseen_classes
    each = int(SHARE_UNSEEN * most) // len(unseen)
    of_unseen = _some_of_each(dataset, unseen, dataset.test_unseen, each, rng)

    seen = np.unique(dataset.labels[dataset.test_seen])
    each = (most - len(of_unseen)) // max(1, len(seen))
    of_seen = _some_of_each(dataset, seen, dataset.test_seen, each, rng)
    return np.sort(np.concatenate([of_unseen, of_seen]))


def _some_of_each(
    dataset: GZSLDataset,
    classes: Int[np.ndarray, " M"],
    rows: Int[np.ndarray, " T"],
    each: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, " R"]:
    """Draw so many rows of each class, but at least one."""
    drawn = [rng.permutation(dataset.of_class(k, rows))[: max(1, each)] for k in classes]
    return np.concatenate([np.empty(0, np.int64), *drawn])


def _hold_back(
    dataset: GZSLDataset,
    seed: int,
) -> tuple[Int[np.ndarray, " H"], GZSLDataset]:
    """Rows for the oracle, and the data set without them among its test rows."""
    try:
        rows, rest = dataset.split_unseen(seed=seed)
    except DataError:  # a class of one row, or of one group
        return np.empty(0, np.int64), dataset
    return np.concatenate([rows, dataset.train]), rest
