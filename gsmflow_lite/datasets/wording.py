"""Texts that describe classes: checked, and as an array that a file can hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import DataError
from .inputs import at_source
from .names import as_text

Texts = tuple[tuple[str, ...], ...]  # of each class, one or more

LONGEST_DESCRIPTION = 4000  # characters; longer ones are divided into several texts of the class
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # the way of writing


def clean_text(text: Any, what: str, source: str = "") -> str:
    """Return a text as one line in composed Unicode, with single spaces.

    ``what`` is what it is, for messages. Raises ``DataError`` for what is no text, is empty or
    longer than ``LONGEST_DESCRIPTION``, or holds characters that control a screen.

    >>> clean_text("  a bird\\nwith a red  crown ", "a text")
    'a bird with a red crown'
    """
    where = at_source(source)
    if not isinstance(text, str | bytes):
        raise DataError(
            f"{where}{what} must be a text, got {type(text).__name__}: put it into quotes"
        )
    if len(text) > LONGEST_DESCRIPTION:
        raise DataError(
            f"{where}{what} must have at most {LONGEST_DESCRIPTION} characters, got {len(text)}: "
            "shorten it, or divide it into several texts of the class"
        )
    line = " ".join(as_text(text).split())
    if not line:
        raise DataError(f"{where}{what} must not be empty: write a few words")
    strange = next((letter for letter in line if _controls(letter)), "")
    if strange:
        raise DataError(
            f"{where}{what} must hold no control characters, got {strange!a} in "
            f"{line[:40]!r}: take them out"
        )
    return line


def _controls(letter: str) -> bool:
    return letter in TURNING or unicodedata.category(letter) in ("Cc", "Cs")


def as_texts(texts: Any, classes: int, source: str) -> Texts:
    """Return the texts of each class; a text alone is the only one of its class.

    In an array of text, empty ones stand for none. Raises ``DataError`` unless each of ``classes``
    has one.
    """
    where = at_source(source)
    if isinstance(texts, np.ndarray):
        texts = _rows_of(texts, where)
    if isinstance(texts, str | bytes | Mapping | Set) or not hasattr(texts, "__len__"):
        raise DataError(
            f"{where}texts must be a list with the texts of each class, got "
            f"{type(texts).__name__}: put them into one"
        )
    if len(texts) != classes:
        raise DataError(
            f"{where}texts must be {classes}, an entry for each class, got {len(texts)}"
        )
    return tuple(_of_class(entry, number, source) for number, entry in enumerate(texts))


def _rows_of(array: np.ndarray, where: str) -> list[Any]:
    if array.dtype.kind not in "USO" or array.ndim not in (1, 2):
        raise DataError(
            f"{where}texts must be an array of text, (K,) or (K, T), got {array.dtype} of shape "
            f"{array.shape}: write it anew"
        )
    rows = array.tolist()
    return rows if array.ndim == 1 else [[text for text in row if len(text)] for row in rows]


def _of_class(entry: Any, number: int, source: str) -> tuple[str, ...]:
    where = at_source(source)
    listed = [entry] if isinstance(entry, str | bytes) else entry
    if isinstance(listed, Mapping | Set) or not hasattr(listed, "__len__"):
        raise DataError(
            f"{where}texts of class {number} must be a list of texts, got {type(entry).__name__}: "
            "put them into one"
        )
    if not len(listed):
        raise DataError(
            f"{where}every class needs a text, but class {number} has none: write one, or leave "
            "out texts"
        )
    return tuple(clean_text(text, f"a text of class {number}", source) for text in listed)


def texts_as_array(texts: Sequence[Sequence[str]]) -> Shaped[np.ndarray, "K T"]:
    """Return the texts of each class as an array, with empty ones where a class has fewer.

    >>> texts_as_array([["a cat"], ["a dog", "it barks"]]).tolist()
    [['a cat', ''], ['a dog', 'it barks']]
    """
    most = max(map(len, texts))
    return np.array([[*row, *[""] * (most - len(row))] for row in texts], dtype=str)
