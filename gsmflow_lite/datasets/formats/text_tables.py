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
INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
PERCENT = re.compile(r"[+-]?[0-9][0-9.,]*\s*%", re.ASCII)
STATED_DIVIDER = re.compile(r'"?sep=([,;\t])"?\r?\n', re.IGNORECASE)  # as Excel reads it
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+", re.ASCII)
BOOLEANS = {"true": 1.0, "false": 0.0}
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "inf", "+inf", "-inf", "-"))
KEY_HEADINGS = (
    *("class", "classes", "class_id", "classid", "class_name", "classname", "id", "index", "idx"),
    *("label", "labels", "name", "names", "category", "species", "key"),
)
FEWEST_COUNTED = 4  # rows, or headings, that 0, 1, 2 ... must be the numbers of
FEWEST_NUMBERED = 3  # attributes that whole numbers head; two may as well describe a class
LONGEST_ID = 16  # digits; whole numbers with fewer are exact
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
    stated = STATED_DIVIDER.match(text)
    text = text[stated.end() :] if stated else text
    lines = [line for line in text.splitlines() if line.strip()]
    divider = stated[1] if stated else _divider(lines, suffix)
    table = _without_empty_end(_without_remarks(_split(path, text, lines, divider)))
    table = _without_counts(path, table)
    if not table:
        return Cells([])
    _check_not_a_list(path, table)
    has_heading = _has_heading(path, table)
    heading = table[0] if has_heading else []
    rows = table[1:] if has_heading else table
    cells = _named(path, heading, rows)
    return cells._replace(rows=_with_points(path, cells.rows, divider))


# --- cells ---------------------------------------------------------------------------------------


def _divider(lines: list[str], suffix: str) -> str | None:
    """Return what divides the cells of a line; None is white space."""
    if suffix == ".tsv":
        return "\t"
    lines = [line for line in lines if not line.startswith("#")] or lines
    bare = [re.sub('"[^"]*"', '""', line) for line in lines]
    if suffix == ".csv":
        return _divider_of_csv(bare)
    for mark in ("\t", ";", ","):
        counts = {line.count(mark) for line in bare}
        if len(counts) == 1 and counts != {0} and not (mark == "," and _spaced(bare)):
            return mark
    return None


def _divider_of_csv(bare: list[str]) -> str | None:
    if not any(mark in line for line in bare for mark in (*DIVIDERS, '"')):
        return None
    first, *others = bare
    body = others or bare
    here = [mark for mark in (";", "\t", ",") if mark in first]
    counts = {mark: {line.count(mark) for line in body} for mark in here}
    even = [mark for mark in here if len(counts[mark]) == 1 and counts[mark] != {0}]
    return (even or here or [","])[0]


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


def _without_remarks(table: list[list[str]]) -> list[list[str]]:
    """Take away first lines that begin with #; of a heading, as NumPy marks it, only the mark.

    A heading has as many cells as the lines below, a remark has not.
    """
    count = next((n for n, row in enumerate(table) if not row[0].startswith("#")), 0)
    remarks, body = table[:count], table[count:]
    like_classes = [row for row in remarks if len(row) == len(body[0])]
    if not like_classes:
        return body
    heading = remarks[-1]
    _, *rest = heading
    if like_classes != [heading] or (all(map(_is_number, rest)) and not _are_ids(rest)):
        return table
    return [[heading[0][1:].strip(), *rest], *body]


def _without_counts(path: Path, table: list[list[str]]) -> list[list[str]]:
    """Take away the first line of word2vec, which says how many names and numbers follow."""
    first, *body = table or [[]]
    widths = {len(row) for row in body}
    named = not all(_could_be_number(row[0]) for row in body)
    if not named or len(first) != 2 or not all(map(_is_id, first)):
        return table
    count, width = map(int, first)
    if widths != {width + 1}:
        return table
    if count != len(body) and width > 2:  # fewer may be attributes
        raise DataError(
            f"{path}: a table must have as many lines as its first line says, {count}, but has "
            f"{len(body)}: download it again, or leave that line out"
        )
    return body if count == len(body) else table


def _is_number(cell: str) -> bool:
    numeric = NUMBER.fullmatch(cell) or WITH_COMMA.fullmatch(cell)
    return numeric is not None or cell.lower() in BOOLEANS


def _is_id(cell: str) -> bool:
    return cell.isascii() and cell.isdecimal() and len(cell) < LONGEST_ID


def _could_be_number(cell: str) -> bool:
    return _is_number(cell) or cell.lower() in MISSING


def _check_not_a_list(path: Path, table: list[list[str]]) -> None:
    """Refuse a list of names, which published folders keep beside their tables."""
    body = table[1:] or table
    percent = [cell for row in body for cell in row[1:] if PERCENT.fullmatch(cell)]
    if percent:
        raise DataError(
            f"{path}: attributes must be numbers without a sign of percent, got {percent[0]!r}: "
            "write all of them as fractions, such as 0.3"
        )
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
    if cell.lower() in BOOLEANS:
        return BOOLEANS[cell.lower()]
    return float(cell.replace(",", ".")) if WITH_COMMA.fullmatch(cell) else cell


# --- names ---------------------------------------------------------------------------------------


def is_key_heading(name: str) -> bool:
    """Return whether a column or key of this name names the classes.

    >>> is_key_heading("Class Name"), is_key_heading("stripes")
    (True, False)
    """
    return re.sub(r"[\s_-]+", "_", name.strip().lower()) in KEY_HEADINGS


def _has_heading(path: Path, table: list[list[str]]) -> bool:
    """Return whether the first line names the attributes. Raises ``DataError`` where it may not."""
    first, *body = table
    if not body:
        return False
    corner, *rest = first
    if len(first) == len(body[0]) - 1 or is_key_heading(corner):
        return True
    if not all(map(_could_be_number, rest or first)):
        return True
    if corner == "":
        _check_named(path, rest)
        return True
    if all(_could_be_number(row[0]) for row in table):
        return _has_numbered_heading(path, table)
    return _has_numbered_heading(path, [row[1:] for row in table])


def _check_named(path: Path, headings: list[str]) -> None:
    if not _are_ids(headings):
        raise DataError(
            f"{path}: the first line must name attributes or a class, got an empty cell and then "
            f"{headings[0]!r}: write names above the columns, or that of the class into the empty "
            "cell"
        )


def _are_ids(cells: list[str]) -> bool:
    """Return whether cells are whole numbers, no two of them alike."""
    return bool(cells) and len(set(cells)) == len(cells) and all(map(_is_id, cells))


def _has_numbered_heading(path: Path, table: list[list[str]]) -> bool:
    """Return whether the first line numbers the attributes, of lines without names.

    Raises ``DataError`` where it may as well describe a class.
    """
    first, *body = table
    if not _are_ids(first):
        return False
    cells = {cell for row in body for cell in row}
    whole = {cell for cell in cells if INTEGER.fullmatch(cell)}
    if len(first) < FEWEST_NUMBERED:
        sure = bool(whole)
        numbered = False
    elif whole == cells:
        counted = first == [str(number) for number in range(len(first))]  # as pandas does
        sure = numbered = cells <= {"0", "1"} or (counted and len(first) >= FEWEST_COUNTED)
    else:
        sure = numbered = not any(map(_are_ids, body))
    if not sure:
        raise DataError(
            f"{path}: the first line must be a heading or a class, but {', '.join(first)[:60]} may "
            "be both: write names of attributes above the columns, or save the table as .npy"
        )
    return numbered


def _named(path: Path, heading: list[str], rows: list[list[str]]) -> Cells:
    """Take the column that names the classes, if there is one, from the others."""
    widths = {len(row) for row in rows}
    first = [row[0] for row in rows]
    if heading and widths == {len(heading) + 1}:  # it may leave out that of the classes
        return Cells([row[1:] for row in rows], tuple(first), tuple(heading))
    if not _names_classes(path, heading, first):
        return Cells(rows, (), tuple(heading))
    return Cells([row[1:] for row in rows], tuple(first), tuple(heading[1:]))


def _names_classes(path: Path, heading: list[str], first: list[str]) -> bool:
    """Return whether the first column names the classes. Raises ``DataError`` if it only counts."""
    if not all(map(_could_be_number, first)) or (heading and _heads_classes(*heading)):
        return True
    whole = [whole_number_in(cell) for cell in first]
    counted = [list(range(start, start + len(first))) for start in (0, 1)]
    if whole in counted and len(first) >= FEWEST_COUNTED:
        raise DataError(
            f"{path}: attributes must not count the rows, but the first column does: give it the "
            "heading class if it numbers the classes, or leave it out"
        )
    return False


def _heads_classes(corner: str, *others: str) -> bool:
    """Return whether the first heading is one of classes, or the only one that is no number."""
    if corner == "" or is_key_heading(corner):
        return True
    return not _could_be_number(corner) and _are_ids(list(others))
