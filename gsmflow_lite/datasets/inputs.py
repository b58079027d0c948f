"""What users hand in becomes NumPy arrays that are checked: matrices, whole numbers, names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from .blocks import rows_per_block
from .names import as_text

CHECKED_AT_ONCE = 1 << 20  # whole numbers; checking them takes 17 bytes each
LARGEST_WHOLE = 2**53  # float64 tells all whole numbers below it apart


def at_source(source: str) -> str:
    """Return the beginning of an error message: where the data come from, if that is known.

    >>> at_source("birds.npz"), at_source("")
    ('birds.npz: ', '')
    """
    return f"{source}: " if source else ""


def as_array(
    values: Any,
    name: str,
    source: str,
) -> Shaped[np.ndarray, " ..."]:
    """Return a NumPy array of a list, a pandas object, or a tensor on any device.

    Text is an array of objects or of characters. Raises ``DataError`` for what is no array, for
    masked entries, and for complex numbers.
    """
    _check_container(values, name, source)
    try:
        array = _converted(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise DataError(
            f"{at_source(source)}{name} must be an array, got {type(values).__name__}: {error}"
        ) from None
    return _of_a_kind(array, name, source)


def _check_container(values: Any, name: str, source: str) -> None:
    """Refuse what holds no numbers in an order, with the remedy that fits."""
    remedies = {
        "nothing": ("give an array", values is None),
        "a text": ("give an array, or a list", isinstance(values, str | bytes | os.PathLike)),
        "an open file": ("read it first, or give its path", hasattr(values, "readable")),
        "a dict": ("give a list, an array or a table", isinstance(values, Mapping)),
        "a set": ("a set has no order, so give a list", isinstance(values, Set)),
        "a sparse matrix": ("give its toarray()", hasattr(values, "tocsr")),
    }
    for kind, (remedy, found) in remedies.items():
        if found:
            raise DataError(f"{at_source(source)}{name} must be an array, got {kind}: {remedy}")


def _converted(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        return _from_tensor(values)
    if hasattr(values, "iloc"):
        return _from_pandas(values)
    if isinstance(values, Iterator | range):
        values = list(values)
    if isinstance(values, list | tuple) and any(isinstance(one, torch.Tensor) for one in values):
        values = [_converted(one) for one in values]
    if isinstance(values, np.ma.MaskedArray):
        return values  # np.asarray would take what is masked for good values
    return np.asarray(values)


def _from_tensor(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:  # NumPy knows no bfloat16
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


def _from_pandas(values: Any) -> np.ndarray:
    """Return the array of a table or a column; its own NA become NaN where it holds numbers."""
    array = values.to_numpy()
    kinds = values.dtypes if values.ndim == 2 else [values.dtype]
    if array.dtype == object and all(getattr(kind, "kind", "O") in "biuf" for kind in kinds):
        missing = values.isna().to_numpy().any()
        return (
            values.to_numpy(dtype=np.float64, na_value=np.nan)
            if missing
            else (values.to_numpy(dtype=np.result_type(*[kind.type for kind in kinds])))
        )
    return array


def _of_a_kind(array: np.ndarray, name: str, source: str) -> np.ndarray:
    """Return an array of numbers, truth values, text or objects; refuse any other kind."""
    where = at_source(source)
    if isinstance(array, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(array).sum())
        if masked:
            raise DataError(
                f"{where}{name} must have no masked entries, got {masked}: fill them with "
                "array.filled(...), or leave those rows out"
            )
        array = array.data
    if array.dtype.kind == "c":
        raise DataError(
            f"{where}{name} must be real numbers, got complex ones: take their real part"
        )
    if array.dtype.kind in "mMV":
        raise DataError(
            f"{where}{name} must be numbers or text, got {array.dtype}: convert it with astype"
        )
    if (
        array.dtype == object
        and array.size
        and all(isinstance(x, bool | np.bool_) for x in array.flat)
    ):
        return array.astype(bool)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    return array.astype(object) if array.dtype.kind == "T" else array


# --- numbers -------------------------------------------------------------------------------------


def finite_matrix(
    values: Any,
    name: str,
    source: str,
) -> Float[np.ndarray, "N D"]:
    """Return a float32 matrix of finite numbers. Raises ``DataError`` that says where it is not."""
    where = at_source(source)
    array = as_array(values, name, source)
    try:
        matrix = _single_precision(array)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}{name} must be a matrix of numbers: {error}") from None
    if array.ndim != 2 or 0 in matrix.shape:
        raise DataError(
            f"{where}{name} must be a matrix with rows and columns, got shape {array.shape}"
        )

    count, row, column = _not_finite(matrix)
    if count:
        remedy = "extract them again, or remove those rows"
        if name == "attributes":
            remedy = "fill them in, or leave those classes out"
        raise DataError(
            f"{where}{name} must be finite in single precision, got {array[row, column]} "
            f"in row {row}, column {column} ({count} such values): {remedy}"
        )
    return matrix


def _single_precision(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # a number that is too large becomes infinite
        return np.ascontiguousarray(array, np.float32)


def _not_finite(matrix: Float[np.ndarray, "N D"]) -> tuple[int, int, int]:
    """Return how many entries are not finite, and row and column of the first.

    It works block by block, because a mask of the whole matrix takes a quarter as much memory
    again.
    """
    count = 0
    first = (-1, -1)
    step = rows_per_block(matrix.shape[1])
    for start in range(0, len(matrix), step):
        bad = ~np.isfinite(matrix[start : start + step])
        if not bad.any():
            continue
        if not count:
            row, column = np.argwhere(bad)[0]
            first = (start + int(row), int(column))
        count += int(bad.sum())
    return count, *first


def whole_numbers(
    values: Any,
    name: str,
    source: str,
) -> Int[np.ndarray, " N"]:
    """Return whole numbers as int64. Raises ``DataError``."""
    where = at_source(source)
    array = as_array(values, name, source)
    if array.ndim != 1:
        raise DataError(f"{where}{name} must be one-dimensional, got shape {array.shape}")
    if array.dtype == object and all(is_number(cell) for cell in array):
        array = array.astype(np.float64)
    if array.size and array.dtype.kind not in "iuf":
        is_row_mask = array.dtype == bool and name != "labels"
        hint = ": turn the mask into row numbers with np.flatnonzero" if is_row_mask else ""
        raise DataError(f"{where}{name} must be whole numbers, got {array.dtype}{hint}")

    for start in range(0, len(array), CHECKED_AT_ONCE):
        strange = _not_whole(array[start : start + CHECKED_AT_ONCE])
        if strange.any():
            place = start + int(np.argmax(strange))
            raise DataError(
                f"{where}{name} must be whole numbers, got {array[place]} in place {place}"
            )
    return np.ascontiguousarray(array, np.int64)


def _not_whole(numbers: np.ndarray) -> np.ndarray:
    in_range = np.abs(numbers.astype(np.float64)) < LARGEST_WHOLE  # NaN and infinity are not
    return ~in_range | (numbers != np.floor(numbers))


def is_number(value: Any) -> bool:
    """Return whether a value is one real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def is_mask(values: Any, name: str, source: str) -> bool:
    """Return whether values are truth values. Raises ``DataError`` for what is no array."""
    return as_array(values, name, source).dtype == bool


def mask_to_numbers(
    values: Any,
    what: str,
    count: int,
    source: str,
) -> Shaped[np.ndarray, " ..."]:
    """Return the numbers where a mask over ``count`` entries is true; anything else as an array.

    Raises ``DataError`` for a mask of another length.
    """
    array = as_array(values, what, source)
    if array.dtype != bool:
        return array
    if array.shape != (count,):
        raise DataError(
            f"{at_source(source)}{what} as a mask must have an entry for each of {count}, "
            f"got shape {array.shape}: give one for each, or numbers"
        )
    return np.flatnonzero(array)


# --- names ---------------------------------------------------------------------------------------


def as_names(
    names: Sequence,
    what: str,
    count: int,
    source: str,
) -> tuple[str, ...]:
    """Return the names of ``count`` classes or attributes as text, or an empty tuple for no names.

    A file may hold millions, so they are counted before they are converted. Raises ``DataError``.
    """
    where = at_source(source)
    names = () if names is None else names
    if isinstance(names, str | bytes | Mapping | Set) or not hasattr(names, "__len__"):
        raise DataError(f"{where}{what}_names must be a list, got {type(names).__name__}")
    if len(names) not in (0, count):
        raise DataError(f"{where}{what}_names must be {count}, one per {what}, got {len(names)}")
    return tuple(map(as_text, names))


def as_groups(groups: Any, source: str) -> dict[str, tuple[int, ...]]:
    """Return attribute numbers by the name of their group. Raises ``DataError``."""
    if not isinstance(groups, Mapping):
        raise DataError(
            f"{at_source(source)}attribute_groups must map names to attribute numbers, "
            f"got {type(groups).__name__}: give for instance {{'initial': [0, 1, 2]}}"
        )
    return {
        as_text(name): tuple(whole_numbers(numbers, f"attribute_groups[{name!r}]", source).tolist())
        for name, numbers in groups.items()
    }
