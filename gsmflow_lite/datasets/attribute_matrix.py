"""The attributes of all classes, whatever holds them, with the names of classes and attributes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..storage import suffix_of
from .attribute_tables import read_attribute_table
from .inputs import as_array, at_source, finite_matrix
from .leaks import is_row_name
from .names import as_key, as_text, whole_number_in
from .table_side import TableSide


@dataclass(frozen=True, eq=False)
class AttributeMatrix:
    """The attributes of all classes, in the order of the class numbers."""

    matrix: Float[np.ndarray, "K A"]
    classes: TableSide
    attributes: TableSide

    @classmethod
    def read(
        cls,
        values: Any,
        class_names: Any,
        attribute_names: Any,
        source: str,
    ) -> AttributeMatrix:
        """Read a matrix, a DataFrame, a dict by class, or a file. Raises ``DataError``."""
        has_places = not isinstance(values, Mapping)
        if isinstance(values, str | os.PathLike):
            path = Path(values)
            has_places = suffix_of(path) != ".json"  # an object of JSON has no order
            values = read_attribute_table(path)
        keys, columns, rows = _parts(values, source)
        _check_first_column(values, source)
        matrix = finite_matrix(rows, "attributes", source)
        classes = TableSide.read("class", len(matrix), keys, class_names, source, has_places)
        attributes = TableSide.read("attribute", matrix.shape[1], columns, attribute_names, source)
        matrix = matrix[classes.order][:, attributes.order]
        return cls(matrix, classes, attributes)

    def check_not_by_attribute(self, labels: Any) -> None:
        """Raise ``DataError`` for a table on its side: all labels are names of its columns."""
        names = as_array(labels, "labels", self.classes.source)
        if names.dtype.kind not in "UO" or names.ndim != 1:
            return
        used = {as_text(name) for name in names.tolist()}
        columns = {as_text(key) for key in self.attributes.keys if whole_number_in(key) is None}
        if used <= columns and used.isdisjoint(map(as_text, self.classes.keys)):
            raise DataError(
                f"{at_source(self.classes.source)}attributes must have one row per class, but all "
                "labels are names of columns: the table looks transposed, so hand in attributes.T"
            )

    def groups(self, groups: Any) -> Any:
        """Return attribute groups with the names of attributes as their numbers."""
        if not isinstance(groups, Mapping):
            return groups
        return {
            name: self.attributes.find(list(members), f"attribute_groups[{name!r}]")
            if isinstance(members, Sequence | np.ndarray) and not isinstance(members, str | bytes)
            else members
            for name, members in groups.items()
        }


def _parts(values: Any, source: str) -> tuple[Sequence | None, Sequence | None, Any]:
    """Return the keys of the rows, the names of the columns, and the rows themselves."""
    if isinstance(values, Mapping):
        return _parts_of_dict(dict(values), source)
    if not hasattr(values, "iloc"):
        return None, None, values
    if getattr(values.index, "nlevels", 1) > 1:
        raise DataError(
            f"{at_source(source)}attributes must be indexed by one name a class, got an index of "
            f"{values.index.nlevels} levels: use reset_index or set_index with one column"
        )
    if values.ndim == 1:  # a column with a description in each cell
        return _parts_of_dict(_without_repeats(values, source), source)
    return list(values.index), list(values.columns), values


def _parts_of_dict(
    rows: dict[Any, Any], source: str
) -> tuple[Sequence | None, Sequence | None, Any]:
    """Return the parts of a dict from class to numbers, or to a dict from attribute to number."""
    columns = None
    described = list(rows.values())
    if rows and all(isinstance(one, Mapping) or hasattr(one, "iloc") for one in described):
        columns = list(dict(described[0]))
        described = [_in_order(one, columns, name, source) for name, one in rows.items()]
    lengths = {
        name: np.size(as_array(one, f"attributes of {as_text(name)!r}", source))
        for name, one in zip(rows, described, strict=True)
    }
    if len(set(lengths.values())) > 1:
        first = next(iter(lengths))
        other = next(name for name in lengths if lengths[name] != lengths[first])
        raise DataError(
            f"{at_source(source)}attributes must be as many for each class, got {lengths[first]} "
            f"for {as_text(first)!r} and {lengths[other]} for {as_text(other)!r}"
        )
    return list(rows), columns, [np.ravel(as_array(one, "attributes", source)) for one in described]


def _check_first_column(values: Any, source: str) -> None:
    """Refuse a table whose first column names or numbers its rows: it should be the index."""
    if not hasattr(values, "columns") or not len(values.columns) or not len(values):
        return
    first = values.columns[0]
    cells = [as_key(cell) for cell in values.iloc[:, 0]]
    is_text = all(isinstance(cell, str) for cell in cells) and values.shape[1] > 1
    is_number = is_row_name(as_text(first)) and len({*cells}) == len(cells)
    if is_text or (is_number and all(isinstance(cell, int) for cell in cells)):
        raise DataError(
            f"{at_source(source)}attributes must be numbers that describe, but column {first!r} "
            f"names the rows: use attributes.set_index({first!r}), or read_csv(..., index_col=0)"
        )


def _without_repeats(column: Any, source: str) -> dict[Any, Any]:
    if not column.index.is_unique:
        repeated = column.index[column.index.duplicated()][0]
        raise DataError(
            f"{at_source(source)}attributes must describe each class once, got {repeated!r} twice: "
            "leave one out"
        )
    return dict(zip(column.index, column, strict=True))


def _in_order(one: Any, columns: list, name: Any, source: str) -> list:
    one = dict(one)
    if one.keys() != set(columns):
        strange = next(iter(one.keys() ^ set(columns)))
        raise DataError(
            f"{at_source(source)}each class must have the same attributes, but {as_text(name)!r} "
            f"differs in {as_text(strange)!r}: add it everywhere, or leave it out"
        )
    return [one[column] for column in columns]
