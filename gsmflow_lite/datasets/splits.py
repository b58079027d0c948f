"""Random splits: rows that are held out, and seen classes that play the unseen ones."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from ..errors import ConfigError, DataError, such_classes
from ..seeds import stream
from .inputs import at_source
from .redraws import draw_keeping_parts


def hold_out(
    labels: Int[np.ndarray, " N"],
    rows: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    share: float = 0.2,
    *,
    groups: Int[np.ndarray, " N"] | None = None,
    source: str = "",
    of_training: bool = False,
) -> Int[np.ndarray, " held"]:
    """Draw a ``share`` of each class's ``rows``, at least one and never all, in ascending order.

    With ``groups``, only whole groups are held out. ``of_training`` says that ``rows`` are training
    rows, for messages. Raises ``DataError`` for a class that cannot be divided, because it has one
    row or lies in one group.
    """
    rows = np.asarray(rows)
    if groups is not None:
        return np.sort(_whole_groups(labels, rows, rng, share, groups, source))
    held = [
        _share_of_class(k, rows[labels[rows] == k], rng, share, source, of_training)
        for k in np.unique(labels[rows])
    ]
    return np.sort(np.concatenate(held))


def hold_out_as_before(
    labels: Int[np.ndarray, " N"],
    rows: Int[np.ndarray, " n"],
    rng: np.random.Generator,
    *,
    groups: Int[np.ndarray, " N"] | None,
    train: Int[np.ndarray, " train"],
    test_seen: Int[np.ndarray, " test_seen"],
    source: str = "",
) -> Int[np.ndarray, " held"]:
    """Return those of ``rows``, of classes that become seen, that are held out like the others.

    They are the rows of groups that are in ``test_seen`` and not in ``train``. Where there are no
    such groups, a fifth of each class is drawn. Raises ``DataError`` for a class that lies inside
    or outside these groups as a whole.
    """
    if not len(rows):
        return rows
    if groups is None:
        return hold_out(labels, rows, rng, source=source)
    held = np.setdiff1d(groups[test_seen], groups[train])
    if not len(held):
        return hold_out(labels, rows, rng, source=source)
    tested = np.isin(groups[rows], held)
    for number in np.unique(labels[rows]):
        own = tested[labels[rows] == number]
        if own.all() or not own.any():
            raise DataError(
                f"{at_source(source)}class {number} must have rows inside and outside the groups "
                "that are held out, to become seen: take another seed, or groups=None"
            )
    return rows[tested]


def _share_of_class(
    number: int,
    rows: np.ndarray,
    rng: np.random.Generator,
    share: float,
    source: str,
    of_training: bool,
) -> np.ndarray:
    shuffled = rng.permutation(rows)
    if len(rows) < 2:
        kind = "training row" if of_training else "row"
        needed = "2, and a third row for the test" if of_training else "2"
        raise DataError(
            f"{at_source(source)}class {number} has {len(rows)} {kind}: to hold some out, "
            f"each class needs {needed}: give it more, or leave the class out"
        )
    wanted = max(1, round(share * len(rows)))
    return shuffled[: min(len(rows) - 1, wanted)]


def _whole_groups(
    labels: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    share: float,
    groups: np.ndarray,
    source: str,
) -> np.ndarray:
    """Return the rows of random groups that leave every class some rows on both sides."""
    classes, class_of_row = np.unique(labels[rows], return_inverse=True)
    names, group_of_row = np.unique(groups[rows], return_inverse=True)
    counts = np.zeros((len(names), len(classes)), np.int64)
    np.add.at(counts, (group_of_row, class_of_row), 1)

    alone = np.flatnonzero((counts > 0).sum(0) < 2)
    if len(alone):
        raise DataError(
            f"{at_source(source)}class {classes[alone[0]]} lies in one group only, so no whole "
            f"group of it can be held out ({such_classes(len(alone))}): give groups that each "
            "class has two of, or groups=None"
        )
    held = _held_groups(counts, share, rng)
    if (counts[held].sum(0) == 0).any():
        raise DataError(
            f"{at_source(source)}no draw of whole groups leaves each class rows on both sides: "
            "give smaller groups, or groups=None"
        )
    return rows[held[group_of_row]]


def _held_groups(
    counts: Int[np.ndarray, "G K"],
    share: float,
    rng: np.random.Generator,
) -> Bool[np.ndarray, " G"]:
    """Draw the groups to hold out, from how many rows of each class each group has.

    The first pass looks only at the size of a group. The second pass adds groups with rows of
    classes that have no held-out row yet.
    """
    total = counts.sum(0)
    wanted = share * counts.sum()
    held = np.zeros(len(counts), bool)
    taken = np.zeros_like(total)  # rows of each class that are held out
    for only_lacking in (False, True):
        for group in rng.permutation(len(counts)):
            own = counts[group]
            lacking = ((taken == 0) & (own > 0)).any()
            fits = taken.sum() + own.sum() / 2 <= wanted
            leaves_some = (taken + own < total).all()
            if not held[group] and leaves_some and (lacking if only_lacking else fits):
                held[group] = True
                taken = taken + own
    return held


def validation_classes(
    seen: Int[np.ndarray, " S"],
    unseen: Int[np.ndarray, " U"],
    declared: Int[np.ndarray, " V"] | None,
    seed: int,
    parts: Bool[np.ndarray, "K P"] | None = None,
) -> list[Int[np.ndarray, " V"]]:
    """Return disjoint sets of seen classes that may play the unseen ones.

    Each set has the share of the seen classes that the unseen ones have of all classes. The
    ``declared`` classes, if there are any, are the first set. Where ``parts`` says which class has
    which part, the seen classes outside a set have each part of those in it, as far as that can be.
    Raises ``ConfigError`` for fewer than 3 seen classes.
    """
    size = _validation_size(len(seen), len(unseen))
    first = [] if declared is None else [np.sort(declared)]
    rest = seen if declared is None else np.setdiff1d(seen, declared)
    order = stream(seed, "validation classes").permutation(rest)
    drawn = [] if parts is None else _sets_keeping_parts(order, seen, size, parts)
    starts = range(0, len(order) - size + 1, size)
    return first + (drawn or [np.sort(order[start : start + size]) for start in starts])


def _sets_keeping_parts(
    order: np.ndarray,
    seen: np.ndarray,
    size: int,
    parts: Bool[np.ndarray, "K P"],
) -> list[np.ndarray]:
    """Return as many disjoint sets as there are whose parts the rest of the seen classes have."""
    sets = []
    while (drawn := draw_keeping_parts(order, seen, size, parts)) is not None:
        sets.append(np.sort(drawn))
        order = order[~np.isin(order, drawn)]
    return sets


def _validation_size(seen: int, unseen: int) -> int:
    wanted = max(1, round(seen * unseen / (seen + unseen)))
    size = min(wanted, seen - 2)  # two classes must remain to learn from
    if size < 1:
        raise ConfigError(
            "choosing settings needs at least 3 seen classes (one plays the unseen), "
            f"got {seen}: give more, or take protocol='published', which has no validation classes"
        )
    return size


def validation_fold_classes(
    folds: list[Int[np.ndarray, " V"]], number: int
) -> Int[np.ndarray, " V"]:
    """Return one of the sets of :func:`validation_classes`. Raises ``ConfigError``."""
    if not 0 <= number < len(folds):
        raise ConfigError(
            f"this data set has {len(folds)} disjoint validation folds (0 to {len(folds) - 1}), "
            f"got {number}"
        )
    return folds[number]
