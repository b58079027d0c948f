"""Names of classes: the words in them, and which of the names in a file means which class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from ..datasets.inputs import at_source
from ..datasets.names import as_text, did_you_mean
from ..errors import DataError, such_classes

_NUMBER_BEFORE = re.compile(r"\s*\d+[\s._:)-]+(?=.*[^\W\d_])")  # as in 001.Black_footed_Albatross
_BETWEEN_WORDS = re.compile(r"[\s._+/-]+|(?<=[^\W\d_A-Z])(?=[A-Z][^\W\d_A-Z])")
_FEW = 3  # names that a message lists
_MOST_CLOSE = 2000  # names among which one that was nearly meant is looked for


def words_of(names: Sequence[str]) -> list[str]:
    """Return the words in names of classes; numbers go that stand before all of them.

    >>> words_of(["001.Black_footed_Albatross", "002.blue-jay"])
    ['Black footed Albatross', 'blue jay']
    >>> words_of(["7_up", "PolarBear", "killer+whale"])
    ['7 up', 'Polar Bear', 'killer whale']
    """
    texts = [as_text(name) for name in names]
    if texts and all(map(_NUMBER_BEFORE.match, texts)):
        texts = [_NUMBER_BEFORE.sub("", text, count=1) for text in texts]
    return [" ".join(_BETWEEN_WORDS.sub(" ", text).split()) for text in texts]


def plain_names(names: Sequence[str]) -> list[str]:
    """Return names as they are compared: small letters, and blanks between words.

    >>> plain_names(["Polar_Bear", "polar bear"])
    ['polar bear', 'polar bear']
    """
    return [words.casefold() for words in words_of(names)]


def places_of_classes(
    keys: Sequence[str], class_names: Sequence[str], source: str = ""
) -> list[list[int]]:
    """Return the places in ``keys`` that name each class, exactly or but for case and underscores.

    Other keys are left out. Raises ``DataError`` for a class that none names, and where two
    different keys may mean it.
    """
    exact: dict[str, list[int]] = defaultdict(list)
    plain: dict[str, list[int]] = defaultdict(list)
    texts = list(map(as_text, keys))
    for place, (text, same) in enumerate(zip(texts, plain_names(texts), strict=True)):
        exact[text].append(place)
        plain[same].append(place)

    wanted = plain_names(class_names)
    found = []
    for name, same in zip(map(as_text, class_names), wanted, strict=True):
        alone = wanted.count(same) == 1  # or it would be guessed which of two classes is meant
        found.append(exact.get(name) or (plain.get(same, []) if alone else []))
    _check_found(found, texts, class_names, source)
    return found


def _without_images(found: list[list[int]], keys: list[str]) -> str:
    """The end of a message: which classes are described and are none here, where they are few."""
    used = {place for places in found for place in places}
    left = list(dict.fromkeys(key for place, key in enumerate(keys) if place not in used))
    if not 0 < len(left) <= _FEW:
        return ""
    verb = "is" if len(left) == 1 else "are"
    return f"; {', '.join(map(repr, left))} {verb} described, but no class here is called so"


def _check_found(
    found: list[list[int]], keys: list[str], class_names: Sequence[str], source: str
) -> None:
    where = at_source(source)
    missing = [name for name, places in zip(class_names, found, strict=True) if not places]
    if missing:
        close = did_you_mean(missing[0], list(dict.fromkeys(keys))[:_MOST_CLOSE])
        raise DataError(
            f"{where}descriptions must name every class, but {missing[0]!r} is not among them "
            f"({such_classes(len(missing))}): add it, or correct its name{close}"
            f"{_without_images(found, keys)}"
        )
    for name, places in zip(class_names, found, strict=True):
        spellings = list(dict.fromkeys(keys[place] for place in places))
        if len(spellings) > 1:
            raise DataError(
                f"{where}descriptions must name class {name!r} in one way, got {spellings[0]!r} "
                f"and {spellings[1]!r}: write one of them everywhere"
            )
