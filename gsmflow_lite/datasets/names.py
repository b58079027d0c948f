"""Names of classes and attributes: what is the same name, which was meant, and how they differ."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np

Key = str | int | float

NUMERAL = re.compile(r"[+-]?[0-9]{1,15}(\.0*)?", re.ASCII)


def as_text(name: Any) -> str:
    """Return a name as text in composed Unicode (NFC), also where it is given in bytes.

    Two texts that look alike may be stored differently; composed, they are the same.

    >>> as_text("e\\u0301") == as_text("\\u00e9".encode())
    True
    """
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    # A member of an enumeration of texts is its text, and not what str() says of it.
    text = name[:] if isinstance(name, str) else str(name)
    return unicodedata.normalize("NFC", text)


def as_key(value: Any) -> Key:
    """Return what a class is called in a form that can be compared: a text or a number.

    >>> as_key(b"cat"), as_key(np.float32(3)), as_key(2.5)
    ('cat', 3, 2.5)
    """
    if getattr(value, "ndim", None) == 0:
        value = value.item()  # of NumPy or torch
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return int(number) if number.is_integer() else number
    return as_text(value)


def whole_number_in(key: Key) -> int | None:
    """Return the whole number that a key is, or that its text says; None for any other.

    >>> whole_number_in("10"), whole_number_in(10), whole_number_in("10 cats")
    (10, 10, None)
    """
    if isinstance(key, str) and NUMERAL.fullmatch(key.strip()):
        return int(key.strip().split(".")[0])
    return key if isinstance(key, int) else None


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, or the NA and NaT of pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def did_you_mean(name: Any, known: Iterable[Any]) -> str:
    """Return the end of a message that says which known name is nearly this one, if one is."""
    as_given = {as_text(one).strip().casefold(): as_text(one) for one in known}
    close = get_close_matches(as_text(name).strip().casefold(), as_given, n=1, cutoff=0.75)
    return f"; did you mean {as_given[close[0]]!r}?" if close else ""


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
