"""Which images a table lists, and of which classes and splits: columns file, class and split."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from ..arguments import path_in
from ..datasets.base import SPLITS
from ..datasets.formats.text_tables import STATED_DIVIDER, read_text
from ..datasets.names import as_text, did_you_mean
from ..errors import DataError
from ..storage import nearby, suffix_of
from .folder import IMAGE_SUFFIXES, Listing, check_class_names, leads_out, named, split_of_test
from .reading import shown

TABLE_COLUMNS = {
    "file": ("file", "filename", "file_name", "path", "image"),
    "class": ("class", "class_name", "label", "species", "category"),
    "split": ("split", "set", "subset"),
}
TABLE_SPLITS = ("train", "test", *SPLITS[1:])


class _Row(NamedTuple):
    line: int
    file: str
    name: str  # of the class
    split: str


def list_table(table: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Listing:
    """List the images that a .csv or .tsv table names, a line for each, in its order.

    The first line names the columns: ``file``, below ``folder``; ``class``; and perhaps ``split``,
    which is ``train``, ``test_seen``, ``test_unseen``, or ``test`` for either of them. Links out of
    the folder are left out and said so. Raises ``DataError`` with the line, for what breaks a rule.
    """
    source, top = path_in(table, "table"), path_in(folder, "folder")
    _check_places(source, top)
    rows = list(_rows(source))
    if not rows:
        raise DataError(f"{shown(source)}: a table of images must have a line below its heading")
    check_class_names((row.name for row in rows), shown(source))
    kept, files, links = [], [], []
    real_top = os.path.realpath(top)
    known: dict[str, int] = {}
    for row in rows:
        path = _path(source, top, row)
        first = known.setdefault(os.path.normpath(path), row.line)
        if first != row.line:
            raise _error(
                f"every image must be listed once, but {row.file!r} stands in "
                f"line {first}, too: leave one out",
                source,
                row.line,
            )
        if leads_out(path, real_top):
            links.append(shown(row.file))
        else:
            kept.append(row)
            files.append(path)
    return Listing(
        files=tuple(files),
        classes=tuple(row.name for row in kept),
        splits=_splits(source, kept),
        left_out=(f"{len(links):,} linked out of the folder: {named(links)}",) if links else (),
    )


def _check_places(source: Path, top: Path) -> None:
    if suffix_of(source) not in (".csv", ".tsv"):
        raise DataError(
            f"{shown(source)}: a table of images must be a file that ends in .csv or .tsv: save it "
            "so"
        )
    if not source.is_file():
        raise DataError(
            f"{shown(source)}: a table of images must be a file, and there is none: check its name"
            f"{nearby(source)}"
        )
    if not top.is_dir():
        raise DataError(
            f"{shown(top)}: the folder of the images must be a folder, and there is none: check "
            f"its name{nearby(top)}"
        )


def _error(rule: str, source: Path, line: int) -> DataError:
    return DataError(f"{shown(source)}, line {line}: {rule}")


# --- Lines ---------------------------------------------------------------------------------------


def _rows(source: Path) -> Iterator[_Row]:
    text = read_text(source)
    stated = STATED_DIVIDER.match(text)
    text = text[stated.end() :] if stated else text
    divider = stated[1] if stated else max(",;\t", key=text.partition("\n")[0].count)
    if suffix_of(source) == ".tsv":
        divider = "\t"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    try:
        places = _places(source, next(reader, []))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(source, reader.line_num, cells, places)
    except csv.Error as error:
        raise _error(
            f"cells must be in good quotes, but {error}: correct them", source, reader.line_num
        ) from None


def _places(source: Path, heading: list[str]) -> dict[str, int]:
    """Which column is which."""
    headings = [cell.strip().casefold().replace(" ", "_") for cell in heading]
    places = {
        column: headings.index(spelling)
        for column, spellings in TABLE_COLUMNS.items()
        for spelling in reversed(spellings)
        if spelling in headings
    }
    missing = [column for column in ("file", "class") if column not in places]
    if missing:
        raise _error(
            f"a table of images must have a column {missing[0]}, got "
            f"{', '.join(heading)[:80]!r}: name the columns file, class and split",
            source,
            1,
        )
    return places


def _row(source: Path, line: int, cells: list[str], places: dict[str, int]) -> _Row:
    if len(cells) <= max(places.values()):
        raise _error(
            f"a line must have a cell for each column, got {len(cells)}: fill them in", source, line
        )
    file = cells[places["file"]].strip()
    name = as_text(cells[places["class"]].strip())
    split = cells[places["split"]].strip().casefold() if "split" in places else ""
    if not name:
        raise _error("every image must have a class, got an empty cell: fill it in", source, line)
    if "split" in places and split not in TABLE_SPLITS:
        raise _error(
            f"split must be {' or '.join(TABLE_SPLITS)}, got {split!r}: correct "
            f"it{did_you_mean(split, TABLE_SPLITS)}",
            source,
            line,
        )
    return _Row(line, file, name, split)


# --- Files ---------------------------------------------------------------------------------------


def _path(source: Path, top: Path, row: _Row) -> Path:
    """The image of a line. Names may be stored decomposed on the disk, and not in the table."""
    relative = PurePosixPath(row.file.replace("\\", "/"))
    windows = PureWindowsPath(row.file)
    if relative.is_absolute() or windows.drive or windows.root or ".." in relative.parts:
        raise _error(
            f"a file must lie below the folder, got {row.file!r}: give its path "
            "from there, without ..",
            source,
            row.line,
        )
    if suffix_of(row.file) not in IMAGE_SUFFIXES:
        raise _error(
            f"a file must be an image by its ending, got {row.file!r}: end it in "
            f"one of {', '.join(IMAGE_SUFFIXES)}",
            source,
            row.line,
        )
    for form in ("NFC", "NFD"):
        composed = top / unicodedata.normalize(form, str(relative))
        if _is_file(composed):
            return composed
    path = top / relative
    if not _is_file(path):
        raise _error(
            f"there is no file {row.file!r} in {shown(top)}: correct the name, "
            f"or leave the line out{_near(path)}",
            source,
            row.line,
        )
    return path


def _is_file(path: Path) -> bool:
    with suppress(OSError, ValueError):  # of a name that is too long, or holds a NUL
        return path.is_file()
    return False


def _near(path: Path) -> str:
    with suppress(OSError, ValueError):
        return nearby(path)
    return ""


# --- Splits --------------------------------------------------------------------------------------


def _splits(source: Path, rows: list[_Row]) -> tuple[str, ...] | None:
    """The split of each image, with ``test`` divided by whether its class is trained on."""
    if not any(row.split for row in rows):
        return None
    right = split_of_test((row.name for row in rows), (row.split == "train" for row in rows))
    for row, split in zip(rows, right, strict=True):
        if row.split not in (split, "test"):
            raise _error(
                f"{row.split} must hold images of classes that are "
                f"{'' if row.split == 'test_seen' else 'not '}trained on, got {row.name!r}: "
                f"write {split}",
                source,
                row.line,
            )
    return right
