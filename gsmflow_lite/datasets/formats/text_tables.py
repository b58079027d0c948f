"""Tables as text: cells divided by commas, semicolons, tabs or white space, with or without names.

What could be read in two ways is refused.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import DataError
from ..names import whole_number_in
from .limits import raise_unreadable
from .mat import NOT_MAT

LARGEST_TEXT = 1 << 26  # bytes; its cells take ten times as much while they are read
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
WITH_COMMA = re.compile(r"[+-]?([0-9]*,[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+", re.ASCII)
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "inf", "+inf", "-inf", "-"))
KEY_HEADINGS = (
    *("class", "classes", "class_id", "classid", "class_name", "classname", "id", "index", "idx"),
    *("label", "labels", "name", "names", "category", "species", "key"),
)
FEWEST_COUNTED = 4  # rows whose first cells 0, 1, 2 ... or 1, 2, 3 ... must be their numbers
DIVIDERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


class Cells(NamedTuple):
    """The cells of a table, and the names of its classes and attributes, if it has them."""

    rows: list[list[Any]]
    classes: tuple[Any, ...] = ()
    attributes: tuple[str, ...] = ()


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a mark at its beginning.

    Raises ``DataError`` for another encoding, and for a file that is too large.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise_unreadable(path, error)
    if len(content) > LARGEST_TEXT:
        raise DataError(
            f"{path}: a table in text may have {LARGEST_TEXT:,} bytes at most: save it as .npy"
        )
    return _decoded(path, content)


def _decoded(path: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:1000]:
        raise DataError(
            f"{path}: a table must be text in UTF-8, got UTF-16 or no text: save it as UTF-8 (in a "
            "spreadsheet: CSV UTF-8)"
        )
    for start, hint in NOT_MAT.items():
        if content.startswith(start):
            raise DataError(f"{path}: a table must be text, got {content[:12]!r}: {hint}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: a table must be text in UTF-8, got byte {content[error.start]:#04x} in place "
            f"{error.start}: save it as UTF-8 (in a spreadsheet: CSV UTF-8)"
        ) from None


def text_rows(path: Path, suffix: str) -> Cells:
    """Read a .csv, .tsv or .txt file. Raises ``DataError``."""
    text = read_text(path)
    lines = [line for line in text.splitlines() if line.strip()]
    divider = _divider(lines, suffix)
    table = _split(path, text, lines, divider)
    table = _without_empty_end(table)
    if not table:
        return Cells([])
    _check_not_a_list(path, table)
    has_heading = _has_heading(table)
    heading = table[0] if has_heading else []
    rows = table[1:] if has_heading else table
    cells = _named(path, heading, rows)
    return cells._replace(rows=_with_points(path, cells.rows, divider))


# --- cells ---------------------------------------------------------------------------------------


def _divider(lines: list[str], suffix: str) -> str | None:
    """Return what divides the cells of a line; None is white space."""
    if suffix == ".tsv":
        return "\t"
    bare = [re.sub('"[^"]*"', '""', line) for line in lines]
    if suffix == ".csv":
        first = bare[0] if bare else ""
        return next((mark for mark in (";", "\t", ",") if mark in first), ",")
    for mark in ("\t", ";", ","):
        counts = {line.count(mark) for line in bare}
        if len(counts) == 1 and counts != {0} and not (mark == "," and _spaced(bare)):
            return mark
    return None


def _spaced(lines: list[str]) -> bool:
    """Return whether white space divides cells that hold commas, as in ``0,5 1,2``."""
    return any(re.search(r"[^\s,]\s+[^\s,]", line.strip()) for line in lines)


def _split(path: Path, text: str, lines: list[str], divider: str | None) -> list[list[str]]:
    if divider is None:
        while lines and lines[0].startswith("#"):  # as NumPy writes what it is told to say first
            lines = lines[1:]
        return [line.split() for line in lines]
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
        rows = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise DataError(
            f"{path}: a table must have cells divided by {DIVIDERS[divider]}, but {error}: correct "
            "the quotes"
        ) from None
    return [row for row in rows if any(row)]


def _without_empty_end(table: list[list[str]]) -> list[list[str]]:
    """Take away the last column where it is empty in all rows, as a divider at the end makes it."""
    while table and all(len(row) > 1 and not row[-1] for row in table):
        table = [row[:-1] for row in table]
    return table


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None or WITH_COMMA.fullmatch(cell) is not None


def _could_be_number(cell: str) -> bool:
    return _is_number(cell) or cell.lower() in MISSING


def _check_not_a_list(path: Path, table: list[list[str]]) -> None:
    """Refuse a list of names, which published folders keep beside their tables."""
    body = table[1:] or table
    if any(_is_number(cell) for row in table for cell in row[1:]):
        return
    if all(len(row) == 1 and _could_be_number(row[0]) for row in body):
        return  # one attribute, without names
    raise DataError(
        f"{path}: a table of attributes must hold numbers, got {' '.join(body[0])[:60]!r}: it "
        "looks like a list of names, so give the table beside it"
    )


def _with_points(path: Path, rows: list[list[str]], divider: str | None) -> list[list[Any]]:
    """Return numbers for the cells that are numbers, with points or with commas."""
    commas = [cell for row in rows for cell in row if WITH_COMMA.fullmatch(cell)]
    points = any("." in cell and NUMBER.fullmatch(cell) for row in rows for cell in row)
    if commas and (points or divider == "," or all(map(THOUSANDS.fullmatch, commas))):
        raise DataError(
            f"{path}: numbers must have a decimal point, got {commas[0]!r}, whose comma may mean "
            "two things: write points, and no commas within numbers"
        )
    return [[_value(cell) for cell in row] for row in rows]


def _value(cell: str) -> Any:
    if NUMBER.fullmatch(cell):
        return float(cell)
    return float(cell.replace(",", ".")) if WITH_COMMA.fullmatch(cell) else cell


# --- names ---------------------------------------------------------------------------------------


def _has_heading(table: list[list[str]]) -> bool:
    """Return whether the first line names the attributes."""
    first, *others = table
    if not others:
        return False
    corner, *rest = first
    if len(first) == len(others[0]) - 1 or corner.lower() in KEY_HEADINGS:
        return True
    if not all(map(_could_be_number, rest or first)):
        return True
    if corner == "":
        return len(set(rest)) == len(rest) and all(cell.isdecimal() for cell in rest)
    return _counts(first) or _counts(rest)  # what pandas calls columns by itself


def _counts(cells: list[str]) -> bool:
    """Return whether cells are 0, 1, 2 and so on, three at least: two may be a description."""
    return len(cells) >= 3 and cells == [str(number) for number in range(len(cells))]


def _named(path: Path, heading: list[str], rows: list[list[str]]) -> Cells:
    """Take the column that names the classes, if there is one, from the others."""
    widths = {len(row) for row in rows}
    first = [row[0] for row in rows]
    if heading and widths == {len(heading) + 1}:  # it may leave out that of the classes
        return Cells([row[1:] for row in rows], tuple(first), tuple(heading))
    if not _names_classes(path, heading[0] if heading else None, first):
        return Cells(rows, (), tuple(heading))
    return Cells([row[1:] for row in rows], tuple(first), tuple(heading[1:]))


def _names_classes(path: Path, corner: str | None, first: list[str]) -> bool:
    """Return whether the first column names the classes. Raises ``DataError`` if it only counts."""
    if not all(map(_could_be_number, first)):
        return True
    whole = [whole_number_in(cell) for cell in first]
    if corner is not None and (corner == "" or corner.lower() in KEY_HEADINGS):
        return None not in whole and len(set(whole)) == len(whole)
    counted = [list(range(start, start + len(first))) for start in (0, 1)]
    if whole in counted and len(first) >= FEWEST_COUNTED:
        raise DataError(
            f"{path}: attributes must not count the rows, but the first column does: give it the "
            "heading class if it numbers the classes, or leave it out"
        )
    return False
