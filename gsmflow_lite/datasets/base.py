"""GZSLDataset: features, labels, class attributes and splits that obey the rules of GZSL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..seeds import stream
from . import rules
from .inputs import as_names, at_source, finite_matrix, whole_numbers
from .names import unique_names
from .on_disk import FeaturesOnDisk, rows_of
from .preprocessing import Preprocessing
from .splits import hold_out, validation_classes, validation_fold_classes

Decoder = Callable[[Float[np.ndarray, "M D"]], Float[np.ndarray, "M H W"]]

SPLITS = ("train", "test_seen", "test_unseen")
WHOLE_NUMBERS = ("labels", *SPLITS, "groups", "declared_validation")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GZSLDataset:
    """Features of images, each of one class, and attributes of each class.

    Some classes are never trained on.

    It checks itself when it is made, and raises ``DataError`` with the rule, the value and the
    remedy.

    ======================= ======================================================================
    ``features``            visual features, finite, float32; ``FeaturesOnDisk`` stay on disk
    ``labels``              the class of each row, from 0
    ``attributes``          the description of each class, finite, float32, no row all zero
    ``train``               rows to learn from; their classes are the seen ones
    ``test_seen``           held-out rows of seen classes
    ``test_unseen``         rows of the unseen classes: for tests only
    ``class_names``         what the classes are called; ``class 0`` and so on if not given
    ``attribute_names``     what the attributes are called; ``attribute 0`` and so on if not given
    ``name``                what the data set is called
    ``source``              where it comes from, for error messages
    ``groups``              rows of one group (say, one typeface) stay together in a split
    ``declared_validation`` seen classes that the publisher set aside for choosing settings
    ``images``              the picture behind each row
    ``decode``              turns features into pictures
    ``preprocessing``       how ``features`` came from those of ``origin``
    ``made_from``           ``origin``, or a function that makes it
    ======================= ======================================================================
    """

    features: Float[np.ndarray, "N D"] | FeaturesOnDisk
    labels: Int[np.ndarray, " N"]
    attributes: Float[np.ndarray, "K A"]
    train: Int[np.ndarray, " train"]
    test_seen: Int[np.ndarray, " test_seen"]
    test_unseen: Int[np.ndarray, " test_unseen"]
    class_names: Sequence[str] = ()
    attribute_names: Sequence[str] = ()
    name: str = "unnamed"
    source: str = ""
    groups: Int[np.ndarray, " N"] | None = None
    declared_validation: Int[np.ndarray, " V"] | None = None
    images: Shaped[np.ndarray, "N H W"] | None = None
    decode: Decoder | None = None
    preprocessing: Preprocessing | None = None
    made_from: GZSLDataset | Callable[[], GZSLDataset] | None = None

    def __post_init__(self) -> None:
        self._convert()
        self._check()

    def _convert(self) -> None:
        """Bring every field to its type."""
        if isinstance(self.features, FeaturesOnDisk):
            self.features.check(self.source)
        else:  # joblib gives its workers NumPy memory maps in place of arrays; they are arrays here
            self._put("features", finite_matrix(self.features, "features", self.source))
        self._put("attributes", finite_matrix(self.attributes, "attributes", self.source))
        for name in WHOLE_NUMBERS:
            value = getattr(self, name)
            if value is not None:
                self._put(name, whole_numbers(value, name, self.source))
        self._name("class", len(self.attributes))
        self._name("attribute", self.attributes.shape[1])

    def _name(self, what: str, count: int) -> None:
        names = as_names(getattr(self, f"{what}_names"), what, count, self.source)
        if not names:
            names = tuple(f"{what} {number}" for number in range(count))
        self._put(f"{what}_names", names)

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    def _check(self) -> None:
        where = at_source(self.source)
        rows = self.features.shape[0]
        rules.check_labels(self.labels, self.features.shape, len(self.attributes), where)
        rules.check_attributes(self.attributes, where)
        if self.groups is not None:
            rules.check_length("groups", self.groups, rows, where)
        if self.images is not None:
            rules.check_length("images", self.images, rows, where)
            rules.check_images(self.images, where)

        self._check_splits(rows, where)

    def _check_splits(self, rows: int, where: str) -> None:
        splits = {name: getattr(self, name) for name in SPLITS}
        rules.check_splits(splits, rows, where)
        rules.check_classes(self.labels, splits, self.class_names, where)
        if self.declared_validation is not None:
            declared = self.declared_validation
            rules.check_validation(declared, self.seen_classes, self.class_names, where)

    @property
    def origin(self) -> GZSLDataset | None:
        """The same data without preprocessing; None where there was none."""
        return self.made_from() if callable(self.made_from) else self.made_from

    @cached_property
    def unique_names(self) -> tuple[str, ...]:
        """The class names, each different: what tables and panels call the classes."""
        return unique_names(self.class_names, "class")

    @cached_property
    def unique_attribute_names(self) -> tuple[str, ...]:
        """The attribute names, each different."""
        return unique_names(self.attribute_names, "attribute")

    @cached_property
    def seen_classes(self) -> Int[np.ndarray, " S"]:
        """Classes with training rows, ascending."""
        return np.unique(self.labels[self.train])

    @cached_property
    def unseen_classes(self) -> Int[np.ndarray, " U"]:
        """Classes of the unseen test rows, ascending."""
        return np.unique(self.labels[self.test_unseen])

    @cached_property
    def validation_classes(self) -> Int[np.ndarray, " V"]:
        """Seen classes that play the unseen ones while settings are chosen: declared, or drawn.

        Raises ``ConfigError`` with fewer than 3 seen classes.
        """
        return self._validation_folds(seed=0)[0]

    @cached_property
    def validation(self) -> Int[np.ndarray, " v"]:
        """Training rows of the validation classes."""
        return self.train[np.isin(self.labels[self.train], self.validation_classes)]

    def _validation_folds(self, seed: int) -> list[np.ndarray]:
        return validation_classes(
            self.seen_classes, self.unseen_classes, self.declared_validation, seed
        )

    def validation_fold(self, number: int = 0, *, seed: int = 0) -> GZSLDataset:
        """Return a smaller GZSL problem of training rows alone, so that choices need no test row.

        Its unseen classes are the validation classes (``number`` 0) or another disjoint draw of
        seen classes (1, 2, ...). A fifth of the other rows (whole ``groups``, if there are any)
        become its ``test_seen``. Classes are renumbered, and preprocessing is fitted anew on its
        own training rows. Raises ``ConfigError`` if there are too few classes.
        """
        origin = self.origin
        if origin is not None and self.preprocessing is not None:
            raw = partial(origin.validation_fold, number, seed=seed)
            settings = (self.preprocessing.kind, self.preprocessing.components)
            # The raw fold is made again when it is needed: it is a copy of most rows.
            return replace(raw().preprocessed(*settings), made_from=raw)

        classes = validation_fold_classes(self._validation_folds(seed), number)
        rng = stream(seed, "rows of a fold", number)
        held = np.isin(self.labels[self.train], classes)
        rest = self.train[~held]
        tested = self._held_out(rest, rng)
        fitted = rest[~np.isin(rest, tested)]
        name = f"{self.name} (validation fold {number})"
        return self._only(fitted, tested, self.train[held], name)

    def split_unseen(self, *, seed: int = 0) -> tuple[Int[np.ndarray, " n"], GZSLDataset]:
        """Set half of the unseen test rows (whole ``groups``) aside for an oracle.

        Returns these rows, and a data set whose ``test_unseen`` has only the other half.
        """
        rng = stream(seed, "rows of the oracle")
        tested = self._held_out(self.test_unseen, rng, share=0.5)
        # Preprocessing that is fitted anew starts from the origin, so the origin is split as well.
        origin = None if self.made_from is None else partial(_split_origin, self, tested)
        rest = replace(self, test_unseen=tested, made_from=origin)
        return np.setdiff1d(self.test_unseen, tested), rest

    def preprocessed(self, kind: str, components: int | None = None) -> GZSLDataset:
        """Return the same data with a :class:`Preprocessing` that is fitted on ``train`` only."""
        origin = self.origin
        if origin is not None:
            return origin.preprocessed(kind, components)
        fitted = Preprocessing.fit(kind, rows_of(self.features, self.train), components)
        return self.transformed(fitted)

    def transformed(self, preprocessing: Preprocessing) -> GZSLDataset:
        """Return the same data with a fitted :class:`Preprocessing`, as a saved model needs it."""
        origin = self.origin
        if origin is not None:
            return origin.transformed(preprocessing)
        return replace(
            self,
            features=preprocessing.transform(self.features),
            decode=_decode_after(preprocessing, self.decode),
            preprocessing=preprocessing,
            made_from=self,
        )

    def of_class(
        self, number: int, rows: Int[np.ndarray, " R"] | None = None
    ) -> Int[np.ndarray, " n"]:
        """Return the rows of one class, among all rows or among ``rows``."""
        rows = np.arange(len(self.labels)) if rows is None else rows
        return rows[self.labels[rows] == number]

    def _held_out(
        self,
        rows: np.ndarray,
        rng: np.random.Generator,
        share: float = 0.2,
    ) -> np.ndarray:
        return hold_out(self.labels, rows, rng, share, groups=self.groups, source=self.source)

    def _only(
        self,
        train: np.ndarray,
        test_seen: np.ndarray,
        test_unseen: np.ndarray,
        name: str,
    ) -> GZSLDataset:
        """Return a copy that has only these rows and their classes."""
        rows = np.concatenate([train, test_seen, test_unseen])
        classes, labels = np.unique(self.labels[rows], return_inverse=True)
        ends = np.cumsum([len(train), len(test_seen), len(test_unseen)])
        index = np.split(np.arange(len(rows)), ends[:-1])
        return GZSLDataset(
            features=rows_of(self.features, rows),
            labels=labels,
            attributes=self.attributes[classes],
            train=index[0],
            test_seen=index[1],
            test_unseen=index[2],
            class_names=[self.class_names[k] for k in classes],
            attribute_names=self.attribute_names,
            name=name,
            source=self.source,
            groups=None if self.groups is None else self.groups[rows],
            images=None if self.images is None else self.images[rows],
            decode=self.decode,
        )

    def __repr__(self) -> str:
        rows, width = self.features.shape
        classes, attributes = self.attributes.shape
        return (
            f"GZSLDataset({self.name!r}: {rows} rows x {width} features, "
            f"{classes} classes x {attributes} attributes, "
            f"{len(self.seen_classes)} seen / {len(self.unseen_classes)} unseen, "
            f"train {len(self.train)}, test seen {len(self.test_seen)}, "
            f"test unseen {len(self.test_unseen)})"
        )


def _split_origin(dataset: GZSLDataset, test_unseen: np.ndarray) -> GZSLDataset:
    origin = dataset.origin
    if origin is None:
        raise ValueError("only a data set with an origin can have it split")
    return replace(origin, test_unseen=test_unseen)


def _decode_after(preprocessing: Preprocessing, decode: Decoder | None) -> Decoder | None:
    """Return a function that undoes the preprocessing, then decodes."""
    if decode is None:
        return None
    return lambda features: decode(preprocessing.inverse(features))
