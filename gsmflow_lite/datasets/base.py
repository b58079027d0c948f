"""GZSLDataset: features, labels, class attributes and splits that obey the rules of GZSL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ..arguments import whole
from ..errors import ConfigError
from ..seeds import stream
from . import rules
from .image_rows import ImageRows, images_of_rows
from .inputs import as_groups, as_names, at_source, finite_matrix, whole_numbers
from .names import unique_names
from .on_disk import FeaturesOnDisk, rows_of
from .preprocessing import Preprocessing
from .redraws import draw_unseen, order_of_need
from .splits import (
    hold_out,
    hold_out_as_before,
    validation_classes,
    validation_fold_classes,
)
from .wording import as_texts

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
    ``attribute_groups``    attribute numbers by the name of their group: each class has exactly
                            one attribute of each group that is not 0
    ``name``                what the data set is called
    ``source``              where it comes from, for error messages
    ``notes``               what was left out of it, or looks strange, in sentences
    ``groups``              rows of one group (say, one typeface) stay together in a split
    ``declared_validation`` seen classes that the publisher set aside for choosing settings
    ``images``              the picture behind each row: ink (N, H, W), 0 is paper, or light in
                            three colours (N, H, W, 3); they may be a memory map
    ``texts``               the texts that describe each class, one or more
    ``text_encoder``        the full name of what made ``attributes`` of them; empty if they are no
                            text
    ``backbone``            the full name of what made ``features`` of images; empty if unknown
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
    attribute_groups: Mapping[str, Sequence[int]] | None = None
    name: str = "unnamed"
    source: str = ""
    notes: Sequence[str] = ()
    groups: Int[np.ndarray, " N"] | None = None
    declared_validation: Int[np.ndarray, " V"] | None = None
    images: Shaped[np.ndarray, "N H W ..."] | ImageRows | None = None
    texts: Sequence[Sequence[str]] | None = None
    text_encoder: str = ""
    backbone: str = ""
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
        if self.attribute_groups is not None:
            self._put("attribute_groups", as_groups(self.attribute_groups, self.source))
        if self.texts is not None:
            self._put("texts", as_texts(self.texts, len(self.attributes), self.source))

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
        if self.attribute_groups is not None:
            names = self.class_names
            rules.check_attribute_groups(self.attribute_groups, self.attributes, names, where)
        if self.groups is not None:
            rules.check_length("groups", self.groups, rows, where)
        if self.images is not None:
            rules.check_length("images", self.images, rows, where)
            rules.check_images(self.images, where)
        rules.check_text_encoder(self.text_encoder, self.texts, where)
        rules.check_backbone(self.backbone, where)

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
            self.seen_classes, self.unseen_classes, self.declared_validation, seed, self._parts
        )

    @property
    def _parts(self) -> Bool[np.ndarray, "K P"] | None:
        """Which class has which attribute of the groups; None without groups."""
        if self.attribute_groups is None:
            return None
        numbers = [k for numbers in self.attribute_groups.values() for k in numbers]
        return self.attributes[:, numbers] != 0

    def validation_fold(self, number: int = 0, *, seed: int = 0) -> GZSLDataset:
        """Return a smaller GZSL problem of training rows alone, so that choices need no test row.

        Its unseen classes are the validation classes (``number`` 0) or another disjoint draw of
        seen classes (1, 2, ...). A fifth of the other rows (whole ``groups``, if there are any)
        become its ``test_seen``. Classes are renumbered, and preprocessing is fitted anew on its
        own training rows. With ``attribute_groups``, the other classes still have each attribute of
        those that play the unseen ones. Raises ``ConfigError`` if there are too few classes.
        """
        origin = self.origin
        if origin is not None and self.preprocessing is not None:
            raw = partial(origin.validation_fold, number, seed=seed)
            settings = (self.preprocessing.kind, self.preprocessing.components)
            # The raw fold is made again when it is needed: it is a copy of most rows.
            return replace(raw().preprocessed(*settings), made_from=raw)

        number = whole(number, "the number of a validation fold")
        classes = validation_fold_classes(self._validation_folds(seed), number)
        rng = stream(seed, "rows of a fold", number)
        held = np.isin(self.labels[self.train], classes)
        rest = self.train[~held]
        tested = self._held_out(rest, rng, of_training=True)
        fitted = rest[~np.isin(rest, tested)]
        name = f"{self.name} (validation fold {number})"
        return self._only(fitted, tested, self.train[held], name)

    def with_seen(self, n: int, *, seed: int = 0) -> GZSLDataset:
        """Return the same data with only ``n`` of the seen classes, and the same unseen ones.

        A larger ``n`` keeps all classes that a smaller one keeps. With ``attribute_groups``, those
        come first that have attributes of unseen classes which too few others have. Classes are
        renumbered, and preprocessing is fitted anew. Features on disk come into memory. Raises
        ``ConfigError`` if there are not so many.
        """
        origin = self.origin
        if origin is not None:
            return self._fitted_as_before(origin.with_seen(n, seed=seed))
        seen = self.seen_classes
        n = whole(n, "with_seen")
        if not 2 <= n <= len(seen):
            raise ConfigError(f"with_seen must keep from 2 to {len(seen)} seen classes, got {n}")
        order = stream(seed, "seen classes to keep").permutation(seen)
        kept = order_of_need(order, self.unseen_classes, self._parts)[:n]

        train, test_seen = (
            rows[np.isin(self.labels[rows], kept)] for rows in (self.train, self.test_seen)
        )
        name = f"{self.name} ({n} seen classes)"
        smaller = self._only(train, test_seen, self.test_unseen, name)
        declared = self._declared_among(kept)
        if declared is None:
            return smaller
        classes = np.union1d(kept, self.unseen_classes)
        return replace(smaller, declared_validation=np.searchsorted(classes, declared))

    def resplit(self, seed: int) -> GZSLDataset:
        """Return the same rows with another draw of as many unseen classes; classes keep numbers.

        All rows of an unseen class are tests. Those of a class that becomes seen are divided like
        the others: its rows of ``groups`` that are held out become ``test_seen``; without such
        groups, a fifth at random. Preprocessing is fitted anew. With ``attribute_groups``, seen
        classes have each attribute of the unseen ones. Raises ``ConfigError`` if no draw leaves
        them, ``DataError`` for a class that cannot be divided.
        """
        origin = self.origin
        if origin is not None:
            return self._fitted_as_before(origin.resplit(seed))
        classes = np.union1d(self.seen_classes, self.unseen_classes)
        order = stream(seed, "unseen classes").permutation(classes)
        unseen = draw_unseen(order, len(self.unseen_classes), self._parts)

        rows = {name: getattr(self, name) for name in SPLITS}
        stays = {name: of[~np.isin(self.labels[of], unseen)] for name, of in rows.items()}
        fresh = stays["test_unseen"]  # rows of classes that become seen
        rng = stream(seed, "rows of classes that become seen")
        tested = hold_out_as_before(
            self.labels,
            fresh,
            rng,
            groups=self.groups,
            train=self.train,
            test_seen=self.test_seen,
            source=self.source,
        )
        everything = np.concatenate(list(rows.values()))
        return replace(
            self,
            train=np.append(stays["train"], np.setdiff1d(fresh, tested)),
            test_seen=np.append(stays["test_seen"], tested),
            test_unseen=np.sort(everything[np.isin(self.labels[everything], unseen)]),
            declared_validation=self._declared_among(np.setdiff1d(classes, unseen)),
            name=f"{self.name} (split {seed})",
        )

    def _fitted_as_before(self, raw: GZSLDataset) -> GZSLDataset:
        """Preprocess other data in the way of these, fitted anew on its training rows."""
        if self.preprocessing is None:
            return raw
        return raw.preprocessed(self.preprocessing.kind, self.preprocessing.components)

    def _declared_among(self, seen: np.ndarray) -> np.ndarray | None:
        """Return the declared validation classes that are among these, if enough others are."""
        if self.declared_validation is None:
            return None
        declared = np.intersect1d(self.declared_validation, seen)
        return declared if 1 <= len(declared) <= len(seen) - 2 else None

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
        *,
        of_training: bool = False,
    ) -> np.ndarray:
        return hold_out(
            self.labels,
            rows,
            rng,
            share,
            groups=self.groups,
            source=self.source,
            of_training=of_training,
        )

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
            attribute_groups=self.attribute_groups,
            name=name,
            source=self.source,
            groups=None if self.groups is None else self.groups[rows],
            images=None if self.images is None else images_of_rows(self.images, rows),
            texts=None if self.texts is None else [self.texts[k] for k in classes],
            text_encoder=self.text_encoder,
            backbone=self.backbone,
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
