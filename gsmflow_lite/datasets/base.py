"""GZSLDataset: features, labels, class attributes and splits that are known to obey the rules of GZSL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from ..errors import ConfigError, DataError
from ..seeds import stream
from .names import unique_names
from .on_disk import BLOCK, FeaturesOnDisk, rows_of
from .preprocessing import Preprocessing

PIECE = 1 << 20  # whole numbers that are checked at a time


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GZSLDataset:
    """Images as features, each of one class, each class with a description; some classes are never trained on.

    It checks itself when it is made and raises :class:`DataError` with the rule, the value and the remedy.

    ================== =================== ==============================================================
    ``features``       (N, D) float32      visual features, finite; :class:`MappedFeatures` stay on disk
    ``labels``         (N,) int64          class of each row, 0 to K - 1
    ``attributes``     (K, A) float32      description of each class, finite, no zero row
    ``train``          (n,) int64          rows to learn from; their classes are the seen ones
    ``test_seen``      (n,) int64          held-out rows of seen classes
    ``test_unseen``    (n,) int64          rows of the unseen classes: test only
    ``groups``         (N,) int64 or None  rows of one group (say, one typeface) stay together in a split
    ``images``         (N, H, W) or None   the picture behind each row
    ``decode``         callable or None    features (M, D) -> pictures (M, H, W)
    ================== =================== ==============================================================

    ``declared_validation`` (V,) are seen classes that the publisher set aside for choices, or None.
    """

    features: np.ndarray | FeaturesOnDisk
    labels: np.ndarray
    attributes: np.ndarray
    train: np.ndarray
    test_seen: np.ndarray
    test_unseen: np.ndarray
    class_names: Sequence[str] = ()
    attribute_names: Sequence[str] = ()
    name: str = "unnamed"
    source: str = ""
    groups: np.ndarray | None = None
    declared_validation: np.ndarray | None = (
        None  # seen classes that the publisher set aside for choices
    )
    images: np.ndarray | None = None
    decode: Callable[[np.ndarray], np.ndarray] | None = None
    preprocessing: Preprocessing | None = None  # how `features` came from those of `origin`
    made_from: GZSLDataset | Callable[[], GZSLDataset] | None = (
        None  # `origin`, or what makes it when it is asked for
    )

    def __post_init__(self) -> None:
        if isinstance(self.features, FeaturesOnDisk):
            self.features.check(self.source)
        else:  # NumPy's memory maps, too: joblib makes such of the arrays that it hands to its workers
            self._put("features", finite_matrix(self.features, "features", self.source))
        self._put("attributes", finite_matrix(self.attributes, "attributes", self.source))
        for name in (
            "labels",
            "train",
            "test_seen",
            "test_unseen",
            "groups",
            "declared_validation",
        ):
            if getattr(self, name) is not None:
                self._put(name, whole_numbers(getattr(self, name), name, self.source))
        for what, count in zip(("class", "attribute"), self.attributes.shape, strict=True):
            names = as_names(getattr(self, f"{what}_names"), what, count, self.source)
            self._put(f"{what}_names", names or tuple(f"{what} {k}" for k in range(count)))
        _check_shapes(self)
        _check_splits(self)

    def _put(self, name: str, value) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

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
    def seen_classes(self) -> np.ndarray:
        """Classes with training rows, ascending, (S,)."""
        return np.unique(self.labels[self.train])

    @cached_property
    def unseen_classes(self) -> np.ndarray:
        """Classes of the unseen test rows, ascending, (U,)."""
        return np.unique(self.labels[self.test_unseen])

    @cached_property
    def validation_classes(self) -> np.ndarray:
        """Seen classes that play the unseen ones when something is to be chosen: declared ones, or a seeded draw.

        Raises ``ConfigError`` with fewer than 3 seen classes.
        """
        return _partition_classes(self, seed=0)[0]

    @cached_property
    def validation(self) -> np.ndarray:
        """Training rows of the validation classes."""
        return self.train[np.isin(self.labels[self.train], self.validation_classes)]

    def validation_fold(self, number: int = 0, *, seed: int = 0) -> GZSLDataset:
        """A smaller GZSL problem made of training rows alone: choose on it, and the test set stays unseen.

        Its unseen classes are the validation classes (``number`` 0) or another disjoint draw of seen classes (1, 2, ...);
        a fifth of the other rows (whole ``groups`` where given) become its ``test_seen``. Classes are renumbered, and
        preprocessing is fitted anew on its own training rows. Raises ``ConfigError`` if there are too few classes.
        """
        if self.made_from is not None:
            raw = partial(
                self.origin.validation_fold, number, seed=seed
            )  # not kept: it is a copy of most rows
            return replace(
                raw().preprocessed(self.preprocessing.kind, self.preprocessing.components),
                made_from=raw,
            )
        held_classes = _fold_classes(self, number, seed)
        rng = stream(seed, "rows of a fold", number)
        held = np.isin(self.labels[self.train], held_classes)
        test = self._held_out(self.train[~held], rng)
        fitted = self.train[~held][~np.isin(self.train[~held], test)]
        return self._only(fitted, test, self.train[held], f"{self.name} (validation fold {number})")

    def split_unseen(self, *, seed: int = 0) -> tuple[np.ndarray, GZSLDataset]:
        """Half of the unseen test rows (whole ``groups``) for an oracle, and the data set with the other half as its test.

        Returns row indices (n,) and a data set whose ``test_unseen`` does not contain them.
        """
        rng = stream(seed, "rows of the oracle")
        test = self._held_out(self.test_unseen, rng, share=0.5)
        split = self.made_from and partial(
            _split_origin, self, test
        )  # or preprocessing anew would undo it
        return np.setdiff1d(self.test_unseen, test), replace(
            self, test_unseen=test, made_from=split
        )

    def preprocessed(self, kind: str, components: int | None = None) -> GZSLDataset:
        """The same data with features mapped by a :class:`Preprocessing` fitted on ``train`` only."""
        if self.made_from is not None:
            return self.origin.preprocessed(kind, components)
        fitted = Preprocessing.fit(kind, rows_of(self.features, self.train), components)
        return self.transformed(fitted)

    def transformed(self, preprocessing: Preprocessing) -> GZSLDataset:
        """The same data with features mapped by an already fitted :class:`Preprocessing`, as a saved model needs it."""
        if self.made_from is not None:
            return self.origin.transformed(preprocessing)
        decode = self.decode and (lambda features: self.decode(preprocessing.inverse(features)))
        return replace(
            self,
            features=preprocessing.transform(self.features),
            decode=decode,
            preprocessing=preprocessing,
            made_from=self,
        )

    def of_class(self, number: int, rows: np.ndarray | None = None) -> np.ndarray:
        """Row indices of one class, among all rows or among ``rows``."""
        rows = np.arange(len(self.labels)) if rows is None else rows
        return rows[self.labels[rows] == number]

    def _held_out(
        self, rows: np.ndarray, rng: np.random.Generator, share: float = 0.2
    ) -> np.ndarray:
        return hold_out(self.labels, rows, rng, share, groups=self.groups, source=self.source)

    def _only(self, train, test_seen, test_unseen, name: str) -> GZSLDataset:
        """A copy that holds these rows and their classes and nothing else."""
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
        (rows, width), (classes, traits) = self.features.shape, self.attributes.shape
        return (
            f"GZSLDataset({self.name!r}: {rows} rows x {width} features, {classes} classes x {traits} attributes, "
            f"{len(self.seen_classes)} seen / {len(self.unseen_classes)} unseen, "
            f"train {len(self.train)}, test seen {len(self.test_seen)}, test unseen {len(self.test_unseen)})"
        )


def _split_origin(d: GZSLDataset, test_unseen: np.ndarray) -> GZSLDataset:
    return replace(d.origin, test_unseen=test_unseen)


def _where(source: str) -> str:
    return f"{source}: " if source else ""


def as_text(name) -> str:
    """A name as text, also where HDF5 or NumPy have it in bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def as_names(names: Sequence, what: str, count: int, source: str) -> tuple[str, ...]:
    """The names of ``count`` classes or attributes as text, or none; a file may hold millions, so they are counted first."""
    if len(names) not in (0, count):
        raise DataError(
            f"{_where(source)}{what}_names must be {count}, one per {what}, got {len(names)}"
        )
    return tuple(map(as_text, names))


def finite_matrix(values, name: str, source: str) -> np.ndarray:
    """A finite (rows, columns) float32 matrix, or an error that says where it is not."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise TypeError("complex numbers have no order, take their real part")
        with np.errstate(over="ignore"):  # what does not fit into single precision is found below
            matrix = np.ascontiguousarray(array, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"{_where(source)}{name} must be a matrix of numbers: {error}") from None
    if array.ndim != 2 or 0 in matrix.shape:
        raise DataError(
            f"{_where(source)}{name} must be a matrix with rows and columns, got shape {array.shape}"
        )
    count, first = _not_finite(matrix)
    if count:
        raise DataError(
            f"{_where(source)}{name} must be finite in single precision, got {array[first]} in row {first[0]}, "
            f"column {first[1]} ({count} such values): extract them again, or remove those rows"
        )
    return matrix


def _not_finite(matrix: np.ndarray) -> tuple[int, tuple[int, int]]:
    """How many entries are not finite, and where the first one is; by blocks, for a mask of all takes a quarter as much."""
    count, first, step = 0, (-1, -1), max(1, BLOCK // (4 * matrix.shape[1]))
    for start in range(0, len(matrix), step):
        bad = ~np.isfinite(matrix[start : start + step])
        if bad.any():
            row, column = np.argwhere(bad)[0]
            first = first if count else (start + int(row), int(column))
            count += int(bad.sum())
    return count, first


def whole_numbers(values, name: str, source: str) -> np.ndarray:
    """Whole numbers (n,) as int64, or an error."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"{_where(source)}{name} must be one-dimensional, got shape {array.shape}")
    if array.size and array.dtype.kind not in "iuf":
        hint = ": turn the mask into row numbers with np.flatnonzero" if array.dtype == bool else ""
        raise DataError(f"{_where(source)}{name} must be whole numbers, got {array.dtype}{hint}")
    for start in range(
        0, len(array), PIECE
    ):  # a file may hold many of one byte each, and this takes 17 for each
        part = array[start : start + PIECE]
        strange = ~(np.abs(part.astype(np.float64)) < 2**53) | (
            part != np.floor(part)
        )  # NaN and infinite ones too
        if strange.any():
            place = start + int(np.argmax(strange))
            raise DataError(
                f"{_where(source)}{name} must be whole numbers, got {array[place]} in place {place}"
            )
    return np.ascontiguousarray(array, np.int64)


def _check_shapes(d: GZSLDataset) -> None:
    where, (rows, _), classes = _where(d.source), d.features.shape, len(d.attributes)
    if len(d.labels) != rows:
        hint = (
            " Features look transposed: hand in features.T."
            if len(d.labels) == d.features.shape[1]
            else ""
        )
        raise DataError(
            f"{where}labels must be one per row of features ({rows}), got {len(d.labels)}.{hint}"
        )
    low, high = d.labels.min(), d.labels.max()
    if low < 0:
        raise DataError(
            f"{where}labels must start at 0, got {low}: correct them, or remove rows without a class"
        )
    if low == 1 and high == classes:
        raise DataError(
            f"{where}labels must run from 0 to {classes - 1}, got 1 to {high}: they count from 1, so subtract 1"
        )
    if high >= classes:
        raise DataError(
            f"{where}attributes must have one row per class, got {classes} rows but label {high} "
            f"(labels run from 0, so {high + 1} rows are needed): did the split file come from another data set?"
        )
    zero = np.flatnonzero(~d.attributes.any(1))
    if len(zero):
        raise DataError(
            f"{where}every class needs a description, but the attributes of class {zero[0]} are all zero "
            f"({len(zero)} such classes): fill them in or leave the class out"
        )
    for name in ("groups", "images"):
        given = getattr(d, name)
        if given is not None and given.shape[:1] != (rows,):
            got = len(given) if given.ndim else "a single one"
            raise DataError(
                f"{where}{name} must have one entry per row of features ({rows}), got {got}"
            )
    if d.images is not None and (d.images.dtype.kind not in "biuf" or d.images.ndim < 3):
        raise DataError(
            f"{where}images must be numbers, (N, H, W), got {d.images.dtype} of shape {d.images.shape}: "
            "reshape them, or leave them out"
        )


def _check_splits(d: GZSLDataset) -> None:
    where, rows = _where(d.source), len(d.features)
    splits = {name: getattr(d, name) for name in ("train", "test_seen", "test_unseen")}
    for name, index in splits.items():
        if not len(index):
            raise DataError(f"{where}{name} must not be empty")
        if index.min() < 0 or index.max() >= rows:
            raise DataError(
                f"{where}{name} must hold row numbers from 0 to {rows - 1}, got {index.min()} to {index.max()}: "
                "do the features and the split belong together?"
            )
        if len(np.unique(index)) != len(index):
            values, counts = np.unique(index, return_counts=True)
            raise DataError(f"{where}{name} names row {values[counts.argmax()]} more than once")
    for a, b in (("train", "test_seen"), ("train", "test_unseen"), ("test_seen", "test_unseen")):
        both = np.intersect1d(splits[a], splits[b])
        if len(both):
            raise DataError(
                f"{where}{a} and {b} must not share rows, but both hold row {both[0]} ({len(both)} shared)"
            )
    _check_classes(d, where)


def _check_classes(d: GZSLDataset, where: str) -> None:
    named = lambda k: (
        f"class {k} ({d.class_names[k]!r})" if 0 <= k < len(d.class_names) else f"class {k}"
    )  # noqa: E731
    leaked = np.intersect1d(d.seen_classes, d.unseen_classes)
    if len(leaked):
        raise DataError(
            f"{where}an unseen class must have no training rows, but {named(leaked[0])} has "
            f"{(d.labels[d.train] == leaked[0]).sum()} ({len(leaked)} such classes): remove them from train"
        )
    strange = np.setdiff1d(d.labels[d.test_seen], d.seen_classes)
    if len(strange):
        raise DataError(
            f"{where}test_seen holds {named(strange[0])}, which has no training rows: move it to test_unseen"
        )
    missing = np.setdiff1d(d.seen_classes, d.labels[d.test_seen])
    if len(missing):
        raise DataError(
            f"{where}{named(missing[0])} has no rows in test_seen: every seen class is scored, so it needs some"
        )
    empty = np.setdiff1d(np.arange(len(d.attributes)), np.union1d(d.seen_classes, d.unseen_classes))
    if len(empty):
        raise DataError(
            f"{where}every class needs samples, but {named(empty[0])} has none in any split "
            f"({len(empty)} such classes): remove its row of attributes and renumber the labels"
        )
    if len(d.seen_classes) < 2:
        raise DataError(
            f"{where}at least 2 seen classes are needed to learn how classes differ, got {len(d.seen_classes)}"
        )
    if d.declared_validation is not None:
        _check_validation(d, where, named)


def _check_validation(d: GZSLDataset, where: str, named: Callable[[int], str]) -> None:
    strange = np.setdiff1d(d.declared_validation, d.seen_classes)
    if len(strange):
        raise DataError(
            f"{where}validation classes must be seen ones, but {named(strange[0])} is not: leave it out"
        )
    count = len(np.unique(d.declared_validation))
    if count < len(d.declared_validation):
        raise DataError(f"{where}declared_validation names a class more than once: list each once")
    if not 1 <= count <= len(d.seen_classes) - 2:
        raise DataError(
            f"{where}declared_validation must leave at least 2 of the {len(d.seen_classes)} seen classes to learn from "
            f"and hold at least 1, got {count}: give None to have some drawn"
        )


def _partition_classes(d: GZSLDataset, seed: int) -> list[np.ndarray]:
    """Disjoint sets of seen classes, each with the same share of the seen as the unseen have of all classes.

    Declared validation classes, where there are some, are the first set.
    """
    seen, total = len(d.seen_classes), len(d.attributes)
    size = max(1, round(seen * len(d.unseen_classes) / total))
    size = min(size, seen - 2)  # a fold must keep two classes to learn from
    if size < 1:
        raise ConfigError(
            f"choosing settings needs at least 3 seen classes (one plays the unseen), got {seen}: "
            "give the settings yourself and choose nothing"
        )
    declared = [] if d.declared_validation is None else [np.sort(d.declared_validation)]
    order = stream(seed, "validation classes").permutation(
        np.setdiff1d(d.seen_classes, *declared) if declared else d.seen_classes
    )
    return declared + [np.sort(order[i : i + size]) for i in range(0, len(order) - size + 1, size)]


def _fold_classes(d: GZSLDataset, number: int, seed: int) -> np.ndarray:
    parts = _partition_classes(d, seed)
    if not 0 <= number < len(parts):
        raise ConfigError(
            f"this data set has {len(parts)} disjoint validation folds (0 to {len(parts) - 1}), got {number}"
        )
    return parts[number]


def hold_out(
    labels: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    share: float = 0.2,
    *,
    groups: np.ndarray | None = None,
    source: str = "",
) -> np.ndarray:
    """A random ``share`` of each class's ``rows``, at least one and never all, ascending; whole ``groups`` where given.

    Raises ``DataError`` where a class cannot be divided: it has one row, or lies in one group.
    """
    rows = np.asarray(rows)
    if groups is not None:
        return np.sort(_whole_groups(labels, rows, rng, share, groups, source))
    picked = []
    for k in np.unique(labels[rows]):
        own = rng.permutation(rows[labels[rows] == k])
        if len(own) < 2:
            raise DataError(
                f"{_where(source)}class {k} has {len(own)} row: to hold some out, each class needs 2"
            )
        picked.append(own[: min(len(own) - 1, max(1, round(share * len(own))))])
    return np.sort(np.concatenate(picked))


def _whole_groups(
    labels, rows, rng: np.random.Generator, share: float, groups, source: str
) -> np.ndarray:
    """Rows of randomly drawn groups that leave every class some rows on either side."""
    classes, numbers = np.unique(labels[rows], return_inverse=True)
    names, members = np.unique(groups[rows], return_inverse=True)
    table = np.zeros((len(names), len(classes)), np.int64)  # rows of each class in each group
    np.add.at(table, (members, numbers), 1)
    alone = np.flatnonzero((table > 0).sum(0) < 2)
    if len(alone):
        raise DataError(
            f"{_where(source)}class {classes[alone[0]]} lies in one group only, so no whole group of it can be held out "
            f"({len(alone)} such classes): give groups that each class has two of, or groups=None"
        )
    wanted, total = share * table.sum(), table.sum(0)
    held = np.zeros(len(names), bool)
    for lacking_only in (False, True):  # first by size alone, then for the classes that got nothing
        for g in rng.permutation(len(names)):
            after = table[held].sum(0) + table[g]
            lacks = (table[held].sum(0) == 0) & (table[g] > 0)
            fits = table[held].sum() + table[g].sum() / 2 <= wanted
            if not held[g] and (after < total).all() and (lacks.any() if lacking_only else fits):
                held[g] = True
    if (table[held].sum(0) == 0).any():
        raise DataError(
            f"{_where(source)}no draw of whole groups leaves each class rows on both sides: give smaller groups, or groups=None"
        )
    return rows[held[members]]
