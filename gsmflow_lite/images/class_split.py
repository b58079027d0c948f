"""Which classes of a listing are unseen, and which of its images are for training and tests."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from ..arguments import real, whole
from ..datasets.names import as_text, did_you_mean
from ..datasets.splits import hold_out
from ..errors import ConfigError, DataError, such_classes
from ..seeds import stream

DRAWN_SHARE = 0.25  # of the classes, if nothing is said
DRAWN_LEAST = 2
LEAST_SEEN = 2
LONGEST_LIST = 1 << 20  # bytes of a file of names

Unseen = tuple[str, ...] | int | float | None


def unseen_wish(unseen: Any, class_names: Sequence[str]) -> Unseen:
    """Return the names of unseen classes, how many or which share to draw, or None for no wish.

    ``unseen`` is a list of names, a number from 1, a share below 1, or a text: a name, the path of
    a file with a name in each line, or one of these numbers as text. Raises ``DataError`` for a
    name that no class has, and ``ConfigError`` for other things.
    """
    if unseen is None:
        return None
    if isinstance(unseen, Path | str):
        unseen = _read_text(unseen, class_names)
    if isinstance(unseen, bool):
        raise ConfigError(f"unseen must be names or a number, got {unseen}: give names")
    if isinstance(unseen, Integral):
        return whole(unseen, "unseen", least=1)
    if isinstance(unseen, Real):
        share = real(unseen, "unseen as a share", least=0, most=1)
        if share in (0, 1):
            raise ConfigError(
                f"unseen as a share must be between 0 and 1, got {share:g}: leave some classes on "
                "both sides, or give a whole number of classes"
            )
        return share
    return _known(unseen, class_names)


def _read_text(unseen: Path | str, class_names: Sequence[str]) -> list[str] | int | float:
    text = as_text(str(unseen))
    if isinstance(unseen, str) and text in class_names:
        return [text]
    try:
        is_file = Path(unseen).is_file()
    except (OSError, ValueError):  # too long for a path, or with a null in it
        is_file = False
    if is_file:
        return _names_in_file(Path(unseen))
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return [text]


def _names_in_file(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_LIST + 1)
        lines = content.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: a file of unseen classes must be text in UTF-8 with a name in each line, but "
            f"{error}: save it so"
        ) from None
    names = [line.strip() for line in lines if line.strip()]
    if len(content) > LONGEST_LIST or not names:
        raise DataError(
            f"{path}: a file of unseen classes must hold from 1 to {LONGEST_LIST} bytes of names, "
            f"got {len(content)}: write one in each line"
        )
    return names


def _known(names: Any, class_names: Sequence[str]) -> tuple[str, ...]:
    try:
        listed = tuple(dict.fromkeys(as_text(name) for name in names))
    except TypeError:
        raise ConfigError(
            f"unseen must be names or a number, got {type(names).__name__}: give names"
        ) from None
    unknown = [name for name in listed if name not in class_names]
    if unknown:
        raise DataError(
            f"unseen must name classes of the images, got {unknown[0]!r} ({len(unknown)} such "
            f"names; there are {len(class_names)} classes, {', '.join(class_names[:5])} ...): "
            f"correct it{did_you_mean(unknown[0], class_names)}"
        )
    return listed


def unseen_classes(
    wish: Unseen,
    class_names: Sequence[str],
    labels: Int[np.ndarray, " N"],
    splits: Shaped[np.ndarray, " N"] | None,
    seed: int,
) -> tuple[Int[np.ndarray, " U"], str]:
    """Return the numbers of the unseen classes, and a sentence that says why these, if it may ask.

    Named ones are those. Else they are those that the listing marks as ``test_unseen``, or they are
    drawn. Raises ``DataError`` where too few classes are left, or a marked one is not named.
    """
    count = len(class_names)
    marked = labels[:0] if splits is None else np.unique(labels[splits == "test_unseen"])
    why = ""
    if isinstance(wish, tuple):
        numbers = np.array([k for k in range(count) if class_names[k] in wish], np.int64)
        _check_named(numbers, marked, class_names)
    elif wish is None and len(marked):
        numbers = marked
        why = "the unseen classes are those that the listing has no training images of"
    else:
        numbers = _drawn(wish, marked, count, seed)
        listed = ", ".join(repr(class_names[k]) for k in numbers[:10])
        more = " ..." if len(numbers) > 10 else ""
        why = f"{len(numbers)} unseen classes were drawn with seed {seed}: {listed}{more}"
    if not len(numbers) or count - len(numbers) < LEAST_SEEN:
        raise DataError(
            f"at least {LEAST_SEEN} classes must be seen and one unseen, got {len(numbers)} unseen "
            f"of {count} classes with images: give more classes, or name fewer unseen ones"
        )
    return numbers, why


def _check_named(
    numbers: Int[np.ndarray, " U"],
    marked: Int[np.ndarray, " m"],
    class_names: Sequence[str],
) -> None:
    missing = np.setdiff1d(marked, numbers)
    if len(missing):
        raise DataError(
            "unseen must name every class that has images for tests alone, got none of "
            f"{class_names[missing[0]]!r} ({such_classes(len(missing))}): name it, or mark some of "
            "its images for training"
        )


def _drawn(
    wish: int | float | None,
    marked: Int[np.ndarray, " m"],
    count: int,
    seed: int,
) -> Int[np.ndarray, " U"]:
    """Return the marked classes, and as many drawn ones as are wanted beside them."""
    if isinstance(wish, int):
        size = wish
    elif wish is None:
        size = min(max(DRAWN_LEAST, round(DRAWN_SHARE * count)), count - LEAST_SEEN)
    else:
        size = max(1, round(wish * count))
    order = stream(seed, "unseen classes of images").permutation(count)
    others = order[~np.isin(order, marked)]
    return np.sort(np.append(marked, others[: max(size - len(marked), 0)]))


def rows_of_splits(
    labels: Int[np.ndarray, " N"],
    unseen: Int[np.ndarray, " U"],
    class_names: Sequence[str],
    splits: Shaped[np.ndarray, " N"] | None,
    share: float,
    seed: int,
) -> dict[str, Int[np.ndarray, " n"]]:
    """Return the rows of ``train``, ``test_seen`` and ``test_unseen``.

    All images of unseen classes are tests. Those of seen classes are divided as the listing says,
    or ``share`` of each class is held out at random, at least one image and never all. Raises
    ``DataError`` for a class that has too few.
    """
    of_unseen = np.isin(labels, unseen)
    seen = np.flatnonzero(~of_unseen)
    if splits is None:
        _check_counts(labels[seen], class_names)
        test_seen = hold_out(labels, seen, stream(seed, "test rows of seen classes"), share)
    else:
        test_seen = seen[splits[seen] != "train"]
        _check_divided(labels, seen, test_seen, class_names)
    rows = {"train": np.setdiff1d(seen, test_seen), "test_seen": test_seen}
    return rows | {"test_unseen": np.flatnonzero(of_unseen)}


def _check_counts(labels: Int[np.ndarray, " n"], class_names: Sequence[str]) -> None:
    numbers, counts = np.unique(labels, return_counts=True)
    alone = numbers[counts < 2]
    if len(alone):
        raise DataError(
            f"a seen class must have at least 2 images, one to learn from and one for the test, "
            f"got 1 of {class_names[alone[0]]!r} ({such_classes(len(alone))}): add some, leave the "
            "class out, or name it among the unseen ones"
        )


def _check_divided(
    labels: Int[np.ndarray, " N"],
    seen: Int[np.ndarray, " s"],
    tests: Int[np.ndarray, " t"],
    class_names: Sequence[str],
) -> None:
    train = np.setdiff1d(seen, tests)
    for number in np.unique(labels[seen]):
        counts = [int((labels[rows] == number).sum()) for rows in (train, tests)]
        if not all(counts):
            raise DataError(
                "a seen class must have images for training and for the test, got "
                f"{counts[0]} and {counts[1]} of {class_names[number]!r}: mark some of them, or "
                "name it among the unseen ones"
            )
