"""Rows that pandas names by an index: what else names them is brought into the same order."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ..errors import DataError
from .inputs import at_source, is_mask, mask_to_numbers
from .table_side import is_counted


@dataclass(frozen=True, eq=False)
class RowOrder:
    """The order of the rows of features, by the index of pandas where they have one."""

    index: Any  # a pandas.Index, or None
    source: str

    @classmethod
    def of(cls, features: Any, labels: Any, source: str) -> RowOrder:
        """Take the order of the features or, where they have no index, of the labels."""
        order = cls(features.index if hasattr(features, "iloc") else None, source)
        if order.index is None and hasattr(labels, "iloc"):
            order.aligned(labels, "labels")
            return cls(labels.index, source)
        return order

    def aligned(self, values: Any, name: str) -> Any:
        """Return values with an index of their own in the order of the rows; others as they are.

        Raises ``DataError`` where it names other rows, so that nobody knows which belong together.
        """
        if not hasattr(values, "iloc"):
            return values
        if self.index is None:
            self._check_ascending(values.index, name)
            return values
        own = values.index
        if len(own) != len(self.index) or own.equals(self.index):
            return values
        shared = own.isin(self.index)
        if shared.all() and own.is_unique and self.index.is_unique:
            return values.loc[self.index]
        one_is_counted = is_counted(own) or is_counted(self.index)
        if one_is_counted and not shared.any():
            return values
        raise DataError(
            f"{at_source(self.source)}the index of {name} must name the same rows as that of the "
            f"features, got {own[~shared][0] if not shared.all() else own[0]!r}: "
            f"if both are in the same order, give {name}.to_numpy()"
        )

    def _check_ascending(self, own: Any, name: str) -> None:
        """Refuse an index that counts all rows in another order, beside features without one."""
        if own.dtype.kind not in "iu" or own.is_monotonic_increasing:
            return
        if sorted(own.tolist()) == list(range(len(own))):
            raise DataError(
                f"{at_source(self.source)}the index of {name} counts all rows in another order, "
                f"and the features have no index: give {name}.sort_index() if it counts them, or "
                f"{name}.to_numpy() if it does not"
            )

    def rows(self, values: Any, name: str, count: int) -> Shaped[np.ndarray, " n"]:
        """Return row numbers, of row numbers, a mask, or names in the index.

        Raises ``DataError``, also for numbers that may be either.
        """
        values = self.aligned(values, name)
        if isinstance(values, Set):
            values = list(values)  # of which rows they are, no order matters
        array = mask_to_numbers(values, name, count, self.source)
        if count > 2 and array.shape == (count,) and np.isin(array, (0, 1)).all():
            raise DataError(
                f"{at_source(self.source)}{name} must be row numbers, got only 0 and 1, one for "
                "each row: if it is a mask, turn it into one with astype(bool)"
            )
        if self.index is None or is_counted(self.index) or is_mask(values, name, self.source):
            return array
        if hasattr(values, "get_indexer") or array.dtype.kind not in "iuf":
            return self._found(array, name)
        if self.index.dtype.kind in "iuf" and np.isin(array, self.index).all():
            raise DataError(
                f"{at_source(self.source)}{name} must be row numbers, but the index of the "
                "features has these numbers, too, for other rows: give a mask, "
                "or frame.reset_index(drop=True)"
            )
        return array

    def _found(self, names: np.ndarray, name: str) -> np.ndarray:
        if not self.index.is_unique:
            raise DataError(
                f"{at_source(self.source)}{name} must be row numbers or a mask, because the index "
                "of the features names some rows twice"
            )
        places = self.index.get_indexer(names)
        missing = names[places < 0].tolist()
        if missing:
            raise DataError(
                f"{at_source(self.source)}{name} must name rows of the features, "
                f"got {missing[0]!r}, which is not in their index: correct it"
            )
        return places
