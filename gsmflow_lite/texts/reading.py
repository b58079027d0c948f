"""Texts by class, of files that people write, of dicts and tables, and of the names of classes.

Whether a file holds texts or a table of numbers is seen from its content.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ..datasets.formats.json_tables import parsed_json
from ..datasets.formats.text_tables import (
    BOOLEANS,
    MISSING,
    NUMBER,
    is_key_heading,
    read_text,
)
from ..datasets.inputs import at_source
from ..datasets.names import as_text, is_missing
from ..datasets.table_side import is_counted
from ..datasets.wording import Texts, clean_text
from ..errors import DataError
from ..storage import nearby, suffix_of
from .class_names import places_of_classes, words_of

TEXT_FILES = (".csv", ".tsv", ".txt", ".json")
TEXT_HEADINGS = frozenset(
    ("text", "texts", "description", "descriptions", "caption", "captions", "sentence", "words")
)
_DIVIDERS = (",", ";", "\t")


class _Entry(NamedTuple):
    """A text of a class, and where it stands."""

    name: str
    text: str
    place: str


def read_texts(descriptions: Any, class_names: Sequence[str], source: str = "") -> Texts | None:
    """Return the texts of each class, in the order of ``class_names``; None of a table of numbers.

    - a ``.csv`` or ``.tsv`` file, or a DataFrame: a column of classes, whose heading is ``class``
      or the like, or else the first, and one or more of texts. A class may have several lines.
    - a ``.json`` file or a dict: ``{class: text}`` or ``{class: [texts]}``
    - a ``.txt`` file: ``class: text`` in each line; lines that begin with ``#`` are left out
    - None: the names of the classes are their texts, as words

    Classes are matched by name, but for case and underscores; others are left out. Raises
    ``DataError`` for a class without a text, for numbers among texts, and for a text that
    :func:`~gsmflow_lite.datasets.wording.clean_text` refuses.
    """
    if descriptions is None:
        return tuple((_words(words, name),) for words, name in _named(class_names))
    if isinstance(descriptions, str | os.PathLike):
        source = str(descriptions)
        entries = _entries_of_file(Path(descriptions))
    else:
        entries = _entries_in_memory(descriptions, source)
    if entries is None:
        return None
    places = places_of_classes([entry.name for entry in entries], class_names, source)
    return tuple(tuple(_clean(entries[place], source) for place in of_one) for of_one in places)


def _named(class_names: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(words_of(class_names), class_names, strict=True)


def _words(words: str, name: str) -> str:
    if not any(map(str.isalpha, words)):
        raise DataError(
            f"the name of a class must hold words to stand for its description, got {name!r}: "
            "rename it, or give descriptions"
        )
    return clean_text(words, f"the name of class {name!r}")


def _clean(entry: _Entry, source: str) -> str:
    return clean_text(entry.text, f"the text of {entry.name[:60]!r} ({entry.place})", source)


# --- files ---------------------------------------------------------------------------------------


def _entries_of_file(path: Path) -> list[_Entry] | None:
    suffix = suffix_of(path)
    if suffix == ".npy":
        return None
    if suffix not in TEXT_FILES:
        raise DataError(
            f"{path}: descriptions must be in a file that ends in {', '.join(TEXT_FILES)} or, for "
            "a matrix of numbers, .npy: save them so"
        )
    if not path.is_file():
        raise DataError(
            f"{path}: descriptions must be in a file, and there is none: check its name"
            f"{nearby(path)}"
        )
    if suffix == ".json":
        return _entries_in_memory(parsed_json(path), str(path))
    text = read_text(path)
    return _of_lines(text, path) if suffix == ".txt" else _of_table(_cells(text, path), str(path))


def _of_lines(text: str, path: Path) -> list[_Entry] | None:
    """Read ``class: text`` of each line; None where no line has a colon, as in a table."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if not any(":" in line for _, line in lines):
        return None
    entries = []
    for number, line in lines:
        name, colon, rest = line.partition(":")
        if not colon or not name.strip():
            raise DataError(
                f"{path}: each line must be a class, a colon and a text, got {line[:60]!r} in line "
                f"{number}: write it so"
            )
        entries.append(_Entry(name.strip(), rest, f"line {number}"))
    return _texts_alone(entries, str(path))


def _cells(text: str, path: Path) -> list[list[str]]:
    """Divide the lines of a table into cells."""
    divider = "\t" if suffix_of(path) == ".tsv" else _divider(text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=divider))
    except csv.Error as error:
        raise DataError(
            f"{path}: a table of texts must be good CSV, but {error}: correct the quotes"
        ) from None
    rows = [[cell.strip() for cell in row] for row in rows]
    return [row for row in rows if any(row)]


def _divider(text: str) -> str:
    """Return what divides the headings or, where the first line has none, its cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    there = [mark for mark in _DIVIDERS if mark in first]
    heading = [mark for mark in there if any(map(is_key_heading, first.split(mark)))]
    return (heading or there or [","])[0]


# --- what is in memory ---------------------------------------------------------------------------


def _entries_in_memory(values: Any, source: str) -> list[_Entry] | None:
    """Return the texts of a dict or a table; None where it holds numbers, or is something else."""
    if hasattr(values, "iloc") and getattr(values, "ndim", 0) == 2:
        values = _with_index(values)
        heading = [as_text(column) for column in values.columns]
        cells = values.astype(object).to_numpy().tolist()
        rows = [["" if is_missing(cell) else cell for cell in row] for row in cells]
        return _of_table([heading, *rows], source, has_heading=True)
    if hasattr(values, "iloc") and getattr(values, "ndim", 0) == 1:
        values = values.to_dict()
    if not isinstance(values, Mapping):
        return None
    listed = {as_text(name): _listed(value) for name, value in values.items()}
    if not any(isinstance(text, str) for texts in listed.values() for text in texts):
        return None
    entries = [
        _Entry(name, text, f"text {number}")
        for name, texts in listed.items()
        for number, text in enumerate(texts, 1)
    ]
    return _texts_alone(entries, source)


def _with_index(frame: Any) -> Any:
    """Return a table with its index as first column, where that names the classes."""
    headings = [as_text(column) for column in frame.columns]
    is_plain = is_counted(frame.index) or getattr(frame.index, "nlevels", 1) > 1
    if is_plain or any(map(is_key_heading, headings)):
        return frame
    return frame.reset_index(names="class")


def _listed(value: Any) -> list[Any]:
    """Return what stands for one class as a list of cells."""
    if isinstance(value, str | bytes):
        return [as_text(value)]
    if isinstance(value, Mapping):
        return list(value.values())
    return np.ravel(value).tolist() if isinstance(value, np.ndarray) else _list_or_one(value)


def _list_or_one(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) else [value]


# --- what is text --------------------------------------------------------------------------------


def _of_table(
    rows: list[list[Any]], source: str, *, has_heading: bool = False
) -> list[_Entry] | None:
    """Return the texts of a table with a heading or without; None where it holds numbers."""
    if not rows:
        return None
    heading = [is_key_heading(as_text(cell)) for cell in rows[0]]
    body = rows[1:] if len(rows) > 1 else rows
    of_class = heading.index(True) if any(heading) else 0
    named = any(as_text(cell).casefold() in TEXT_HEADINGS for cell in rows[0])
    others = [[cell for k, cell in enumerate(row) if k != of_class] for row in body]
    if not any(_is_words(cell) for row in others for cell in row):
        return None
    first = 1 if has_heading or named or any(heading) else 0
    return _texts_alone(list(_of_rows(rows, first, of_class, source)), source)


def _of_rows(rows: list[list[Any]], first: int, of_class: int, source: str) -> Iterator[_Entry]:
    width = len(rows[0])
    for number, row in enumerate(rows[first:], first + 1):
        if len(row) != width:
            raise DataError(
                f"{at_source(source)}each line of a table of texts must have {width} cells, as the "
                f"first has, got {len(row)} in line {number}: put a text with separators in quotes"
            )
        for place, cell in enumerate(row):
            if place != of_class and cell != "":
                yield _Entry(as_text(row[of_class]), cell, f"line {number}")


def _texts_alone(entries: list[_Entry], source: str) -> list[_Entry]:
    """Return the entries. Raises ``DataError`` for a number among texts, or a word among numbers.

    The kind that fewer classes have is at fault, and else the one in fewer cells.
    """
    words = [entry for entry in entries if _is_words(entry.text)]
    numbers = [entry for entry in entries if not _is_words(entry.text) and not _is_blank(entry)]
    if numbers and words and _extent(words) < _extent(numbers):
        _refuse(words[0], "numbers", "write a number", source)
    if numbers:
        _refuse(numbers[0], "texts", "write words", source)
    return entries


def _extent(entries: list[_Entry]) -> tuple[int, int]:
    return len({entry.name for entry in entries}), len(entries)


def _is_blank(entry: _Entry) -> bool:
    return isinstance(entry.text, str) and not entry.text.strip()


def _refuse(entry: _Entry, others: str, remedy: str, source: str) -> NoReturn:
    raise DataError(
        f"{at_source(source)}descriptions must be all texts or all numbers, got "
        f"{as_text(entry.text)[:40]!r} among {others}, for {entry.name[:60]!r} ({entry.place}): "
        f"{remedy}, or leave that column or line out"
    )


def _is_words(cell: Any) -> bool:
    """Return whether a cell is text that is no number, and stands for none.

    >>> _is_words("a bird"), _is_words("1.5e3"), _is_words("n/a"), _is_words(2)
    (True, False, False, False)
    """
    if not isinstance(cell, str):
        return False
    bare = cell.strip()
    if NUMBER.fullmatch(bare) or bare.casefold() in MISSING or bare.casefold() in BOOLEANS:
        return False
    return not all(letter.isdecimal() or letter in ",.+-% " for letter in bare)
