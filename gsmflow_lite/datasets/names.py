"""Names that tell classes and attributes apart, where those of the data do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def unique_names(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Make every name different: a name that occurs twice gets its number in brackets.

    An empty name becomes its number.

    >>> unique_names(["a", "a", "b", ""], "class")
    ('a (class 0)', 'a (class 1)', 'b', 'class 3')
    """
    counts = Counter(names)
    result: list[str] = []
    for number, name in enumerate(names):
        if not name:
            name = f"{what} {number}"
        if counts[names[number]] > 1 and names[number]:
            name = f"{name} ({what} {number})"
        while name in result or (name != names[number] and name in counts):
            name += "'"
        result.append(name)
    return tuple(result)
