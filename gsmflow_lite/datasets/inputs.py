"""What users hand in becomes NumPy arrays that are checked: matrices, whole numbers, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from ..errors import DataError
from .blocks import rows_per_block

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

    Raises ``DataError``.
    """
    try:
        if hasattr(values, "detach"):  # a torch tensor
            return _from_tensor(values)
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{at_source(source)}{name} must be an array, got {type(values).__name__}: {error}"
        ) from None


def _from_tensor(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # NumPy knows no bfloat16
        tensor = tensor.float()
    return tensor.numpy()


# --- numbers -------------------------------------------------------------------------------------


def finite_matrix(
    values: Any,
    name: str,
    source: str,
) -> Float[np.ndarray, "N D"]:
    """Return a float32 matrix of finite numbers. Raises ``DataError`` that says where it is not."""
    where = at_source(source)
    try:
        array = np.asarray(values)
        matrix = _single_precision(array)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}{name} must be a matrix of numbers: {error}") from None
    if array.ndim != 2 or 0 in matrix.shape:
        raise DataError(
            f"{where}{name} must be a matrix with rows and columns, got shape {array.shape}"
        )

    count, row, column = _not_finite(matrix)
    if count:
        raise DataError(
            f"{where}{name} must be finite in single precision, got {array[row, column]} "
            f"in row {row}, column {column} ({count} such values): extract them again, "
            "or remove those rows"
        )
    return matrix


def _single_precision(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "c":
        raise TypeError("complex numbers have no order, take their real part")
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
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"{where}{name} must be one-dimensional, got shape {array.shape}")
    if array.size and array.dtype.kind not in "iuf":
        hint = ": turn the mask into row numbers with np.flatnonzero" if array.dtype == bool else ""
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


# --- names and classes ---------------------------------------------------------------------------


def as_text(name: Any) -> str:
    """Return a name as text, also where HDF5 or NumPy have it in bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def as_names(
    names: Sequence,
    what: str,
    count: int,
    source: str,
) -> tuple[str, ...]:
    """Return the names of ``count`` classes or attributes as text, or an empty tuple for no names.

    A file may hold millions, so they are counted before they are converted. Raises ``DataError``.
    """
    if len(names) not in (0, count):
        raise DataError(
            f"{at_source(source)}{what}_names must be {count}, one per {what}, got {len(names)}"
        )
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


def class_numbers(
    values: Any,
    what: str,
    names: Sequence[str],
    index: list | None,
    source: str,
) -> Shaped[np.ndarray, " N"]:
    """Return class numbers from 0: those given, or those of the names that are given.

    ``names`` are the class names. ``index`` is the index of a table of attributes, if there is one:
    where it holds whole numbers, numbers in ``values`` are looked up in it. Raises ``DataError``.
    """
    labels = _flat(values, what, source)
    are_numbers = labels.dtype.kind in "biuf"
    if are_numbers and not (index and all(isinstance(entry, int) for entry in index)):
        return labels  # GZSLDataset checks their range
    keys = index if are_numbers and index else [as_text(name) for name in names]
    if not keys and not labels.size:
        return labels.astype(np.int64)
    return _looked_up(labels.tolist(), keys, what, source)


def _flat(values: Any, what: str, source: str) -> np.ndarray:
    array = np.atleast_1d(as_array(values, what, source))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.ndim != 1:
        raise DataError(
            f"{at_source(source)}{what} must be one-dimensional, got shape {array.shape}"
        )
    return array


def _looked_up(
    labels: list,
    keys: list,
    what: str,
    source: str,
) -> Int[np.ndarray, " N"]:
    """Return the place in ``keys`` of each label."""
    _check_keys(labels, keys, what, source)
    number_of = {key: number for number, key in enumerate(keys)}
    numbers = [number_of.get(label) for label in labels]
    if None in numbers:
        first = labels[numbers.index(None)]
        raise DataError(
            f"{at_source(source)}{what} must be among the classes "
            f"({', '.join(map(str, keys[:5]))} ...), got {first!r} "
            f"({numbers.count(None)} such entries): correct the spelling, "
            "or add its row of attributes"
        )
    return np.array(numbers, np.int64)


def _check_keys(
    labels: list,
    keys: list,
    what: str,
    source: str,
) -> None:
    where = at_source(source)
    if not keys:
        raise DataError(
            f"{where}{what} are names ({labels[0]!r} ...), so class_names must name "
            "the rows of attributes"
        )
    if len(set(keys)) < len(keys):
        raise DataError(
            f"{where}class names must differ, but {_first_repeated(keys)!r} occurs twice: "
            "rename one"
        )
    strange = [label for label in labels if isinstance(label, list | dict | set)]
    if strange:
        raise DataError(
            f"{where}{what} must be numbers or names, got {strange[0]!r}: give one label a row"
        )


def _first_repeated(keys: list) -> Any:
    seen = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None
