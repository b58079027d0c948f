"""Attributes and features that users and generators hand in become tensors that are checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..datasets.inputs import as_array, is_number
from ..errors import DataError


def real_tensor(values: Any, what: str) -> Shaped[Tensor, " ..."]:
    """Return a tensor of real numbers of whatever holds them; a tensor stays on its device.

    Arrays become float32 or, where that would lose digits, float64. Raises ``DataError`` for what
    holds no real numbers; ``what`` it should be begins the message.
    """
    if isinstance(values, list | tuple) and any(isinstance(one, Tensor) for one in values):
        values = _stacked(values, what)
    if isinstance(values, Tensor):
        return _plain(values, what)
    try:
        array = as_array(values, what, "")
    except DataError:
        raise
    except Exception as error:  # an object of any library may be asked to become an array
        raise DataError(
            f"{what} must be an array, but {type(values).__name__} raised "
            f"{type(error).__name__}: {error}"
        ) from error
    return torch.from_numpy(_float_array(array, values, what))


def checked_attributes(values: Any, width: int | None = None) -> Float[Tensor, "M A"]:
    """Return attributes as a matrix of finite numbers, ``width`` columns wide if that is known.

    Raises ``DataError``.
    """
    attributes = real_tensor(values, "attributes")
    if attributes.ndim == 1 and width in (None, len(attributes)):
        raise DataError(
            "attributes must be a matrix with one row per class, "
            f"got shape {tuple(attributes.shape)}: for one class, hand in attributes[None]"
        )
    check_attribute_shape(attributes, width)
    _check_finite(attributes, "attributes", "fill them in, or leave those classes out")
    return attributes


def checked_features(values: Any, width: int) -> Float[Tensor, "N D"]:
    """Return features as a matrix of finite numbers. Raises ``DataError``."""
    features = real_tensor(values, "features")
    check_feature_shape(features, width)
    _check_finite(features, "features", "extract them again, or leave those rows out")
    return features


def check_attribute_shape(attributes: Shaped[Tensor, " ..."], width: int | None) -> None:
    """Raise ``DataError`` unless attributes are a matrix, ``width`` columns wide if it is known."""
    shape = tuple(attributes.shape)
    if width is None and len(shape) != 2:
        raise DataError(
            f"attributes must be a matrix with one row per class, got shape {shape}: reshape them"
        )
    if len(shape) != 2 or width not in (None, shape[1]):
        raise DataError(
            f"attributes must be a matrix with {width} columns, as in training, got shape {shape}: "
            "are they of another data set?"
        )


def check_feature_shape(features: Shaped[Tensor, " ..."], width: int) -> None:
    """Raise ``DataError`` unless features are a matrix ``width`` columns wide."""
    if features.ndim != 2 or features.shape[1] != width:
        raise DataError(
            f"features must be a matrix with {width} columns, as in training, "
            f"got shape {tuple(features.shape)}: do they need the preprocessing of the model?"
        )


def _plain(values: Tensor, what: str) -> Tensor:
    """The tensor itself; a dense copy of a sparse one."""
    if values.is_complex():
        raise DataError(f"{what} must be real numbers, got complex ones: take their real part")
    if values.is_nested or values.is_quantized or values.is_meta:
        raise DataError(f"{what} must be a plain tensor, got another kind: use to_dense or float")
    return values if values.layout == torch.strided else values.to_dense()


def _stacked(parts: list[Any] | tuple[Any, ...], what: str) -> Tensor:
    """One tensor of a list with a tensor for each class."""
    shapes = {tuple(part.shape) if isinstance(part, Tensor) else None for part in parts}
    if None in shapes or len(shapes) > 1:
        raise DataError(
            f"{what} must be one tensor, got a {type(parts).__name__} whose parts differ: "
            "take the one that is meant, or torch.stack parts of one shape"
        )
    return torch.stack([_plain(part, what) for part in parts])


def _float_array(array: np.ndarray, values: Any, what: str) -> np.ndarray:
    """A copy that torch takes: it knows no negative strides, read-only memory or longdouble."""
    if array.dtype == object and array.ndim and all(is_number(cell) for cell in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        kind = array.dtype if array.ndim else type(values).__name__
        raise DataError(f"{what} must be numbers, got {kind}: give a tensor or an array of numbers")
    is_single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused later
        return np.array(array, np.float32 if is_single else np.float64, order="C")


def _check_finite(values: Tensor, what: str, remedy: str) -> None:
    broken = ~values.isfinite()
    if broken.any():
        row, column = broken.nonzero()[0].tolist()
        raise DataError(
            f"{what} must be finite, got {values[row, column].item()} in row {row}, "
            f"column {column} ({int(broken.sum())} such values): {remedy}"
        )
