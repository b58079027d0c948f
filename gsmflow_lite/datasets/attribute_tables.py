"""Tables of attributes in files that people write: .csv, .tsv, .txt, .json and .npy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..storage import nearby, suffix_of
from .formats.json_tables import json_rows
from .formats.npy import read_npy
from .formats.text_tables import Cells, text_rows
from .names import as_key, as_text, whole_number_in

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".json", ".npy")
HINTS = {
    ".xlsx": "save the sheet as CSV UTF-8",
    ".xls": "save the sheet as CSV UTF-8",
    ".mat": "give read_mat(path)['att'].T",
    ".npz": "give np.load(path)['attributes']",
}


def read_attribute_table(path: str | Path) -> pd.DataFrame:
    """Read attributes, a row for each class, from a .csv, .tsv, .txt, .json or .npy file.

    The index names the classes if the file does, and the columns name the attributes; where the
    file has no names, they are numbers from 0.

    - ``.csv`` and ``.tsv``: a line for each class, by commas, semicolons or tabs. A first line that
      is no description names the attributes, also one of whole numbers above fractions. The first
      column names the classes if its cells are no numbers, or if it has an empty heading or one
      like ``class``. Decimal commas are read where columns are not divided by commas, and True and
      False as 1 and 0.
    - ``.txt``: the same, or divided by white space, as AWA2's predicate matrices are.
    - ``.json``: ``{class: [numbers]}``, ``{class: {attribute: number}}``, a list of lists, or a
      list of ``{"class": name, attribute: number}``.
    - ``.npy``: a matrix (K, A).

    Text is UTF-8. Nothing is unpickled. Raises ``DataError`` that says where a cell is no number,
    or a name occurs twice.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        remedy = HINTS.get(suffix, "save it as one of these")
        raise DataError(
            f"{path}: a table of attributes must be a file that ends in {', '.join(SUFFIXES)}: "
            f"{remedy}"
        )
    if not path.is_file():
        raise DataError(
            f"{path}: a table of attributes must be a file, and there is none: check its name"
            f"{nearby(path)}"
        )
    if suffix == ".npy":
        return _frame(_npy_matrix(path), (), (), path)
    cells = json_rows(path) if suffix == ".json" else text_rows(path, suffix)
    return _frame(*_numbers(cells, path), path)


def _npy_matrix(path: Path) -> Float[np.ndarray, "K A"]:
    array = read_npy(path)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or not array.size:
        raise DataError(
            f"{path}: a table of attributes must be a matrix of numbers (K, A), got {array.dtype} "
            f"of shape {array.shape}: save it so"
        )
    with np.errstate(invalid="ignore"):  # some kinds of NaN
        matrix = array.astype(np.float64)
    strange = np.argwhere(~np.isfinite(matrix))
    if len(strange):
        row, column = strange[0]
        _refuse_cell(path, matrix[row, column].item(), f"row {row}", f"column {column}")
    return matrix


def _numbers(
    cells: Cells, path: Path
) -> tuple[Float[np.ndarray, "K A"], tuple[Any, ...], tuple[str, ...]]:
    """Return the numbers, the names of the classes, and those of the attributes."""
    rows = cells.rows
    if not rows or not rows[0]:
        raise DataError(
            f"{path}: a table of attributes must have a row for each class, got none: fill it in"
        )
    width = len(rows[0])
    matrix = np.empty((len(rows), width))
    for number, row in enumerate(rows):
        called = repr(cells.classes[number]) if cells.classes else f"row {number + 1}"
        if len(row) != width:
            raise DataError(
                f"{path}: each class must have as many attributes as the first, {width}, but "
                f"{called} has {len(row)}: fill in what is missing, or put text with a separator "
                "or a decimal comma in quotes"
            )
        _fill(matrix[number], row, called, cells.attributes, path)
    return matrix, cells.classes, cells.attributes


def _fill(
    out: Float[np.ndarray, " A"],
    row: list[Any],
    called: str,
    attributes: tuple[str, ...],
    path: Path,
) -> None:
    for place, value in enumerate(row):
        good = isinstance(value, int | float)
        try:
            number = float(value) if good else np.nan
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            column = repr(attributes[place]) if place < len(attributes) else f"column {place + 1}"
            _refuse_cell(path, value, called, column)
        out[place] = number


def _refuse_cell(path: Path, value: Any, row: str, column: str) -> None:
    shown = "an empty cell" if value is None or value == "" else repr(value)
    raise DataError(
        f"{path}: attributes must be finite numbers, got {shown[:80]} for {row}, {column}: fill in "
        "a number, or leave that row or column out"
    )


# --- the table -----------------------------------------------------------------------------------


def _frame(
    matrix: Float[np.ndarray, "K A"],
    classes: tuple[Any, ...],
    attributes: tuple[str, ...],
    path: Path,
) -> pd.DataFrame:
    import pandas as pd  # slow to import

    if attributes and len(attributes) != matrix.shape[1]:
        raise DataError(
            f"{path}: a table must have a heading for each of its {matrix.shape[1]} attributes, "
            f"got {len(attributes)}: name each, or none, and keep names with spaces together by "
            "dividing cells with tabs or commas"
        )
    columns = _as_numbers(attributes)
    index = _as_numbers(classes)
    _check_distinct(index, "class", path)
    _check_distinct(columns, "attribute", path)
    return pd.DataFrame(
        matrix,
        index=_index(index, len(matrix)),
        columns=_index(columns, matrix.shape[1]),
    )


def _as_numbers(names: tuple[Any, ...]) -> list[Any]:
    """Return whole numbers where all names are such, and text in composed Unicode elsewhere."""
    numbers = [whole_number_in(as_key(name)) for name in names]
    return list(map(as_text, names)) if None in numbers else list(numbers)


def _check_distinct(names: list[Any], what: str, path: Path) -> None:
    seen: set[Any] = set()
    for place, name in enumerate(names):
        if name == "":
            raise DataError(
                f"{path}: each {what} must have a name, but that in place {place + 1} is empty: "
                "fill it in"
            )
        if any("\ud800" <= letter <= "\udfff" for letter in str(name)):
            raise DataError(
                f"{path}: each {what} must have a name of whole characters, got {name!r}: rename it"
            )
        if name in seen:
            raise DataError(
                f"{path}: each {what} must occur once, but {name!r} occurs again: rename it, or "
                "leave it out"
            )
        seen.add(name)


def _index(names: list[Any], count: int) -> pd.Index:
    """Return an index of names; numbers from 0 in order are those that pandas gives by itself."""
    import pandas as pd

    if names in ([], list(range(count))):
        return pd.RangeIndex(count)
    return pd.Index(names)
