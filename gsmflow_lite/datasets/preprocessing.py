"""Preprocessing of features that can be undone: none, min-max, standardise, PCA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from jaxtyping import Float

from ..arguments import whole
from ..errors import ConfigError, DataError
from ..numerics import principal_axes
from .on_disk import FeaturesOnDisk

KINDS = ("none", "min-max", "standardise", "pca", "whitened-pca")
ROUNDING_SHARE = (
    1e-6  # a column that spreads less than this part of its size is constant but for rounding
)


@dataclass(frozen=True, eq=False)
class Preprocessing:
    r"""One affine transform, whatever its kind: :math:`z = ((x - o)\, B) / s`.

    ``offset`` is o, ``scale`` is s, and ``basis`` is B, with orthonormal columns, or None for the
    identity; all are float32. :meth:`inverse` gives x back (to rounding) when no component was left
    out, and otherwise the projection of x onto the components.

    Fit one with :meth:`fit`. Raises ``ConfigError`` for parts that do not go together or are not
    finite. Methods raise ``DataError`` for features of another width.
    """

    kind: str
    offset: Float[np.ndarray, " D"]
    scale: Float[np.ndarray, " d"]
    basis: Float[np.ndarray, "D d"] | None = None

    def __post_init__(self) -> None:
        """Check the parts, because a saved preprocessing may come from anywhere."""
        _check_kind(self.kind)
        parts = {"offset": self.offset, "scale": self.scale}
        if self.basis is not None:
            parts["basis"] = self.basis
        self._check_shapes({name: part.shape for name, part in parts.items()})

        single = all(part.dtype == np.float32 for part in parts.values())
        finite = all(np.isfinite(part).all() for part in parts.values())
        if not (single and finite and self.scale.all()):
            raise ConfigError(
                "preprocessing must be finite in single precision, and no scale 0: fit it again"
            )

    def _check_shapes(self, shapes: dict[str, tuple[int, ...]]) -> None:
        before = shapes["offset"]
        after = shapes["scale"]
        agree = before == after if self.basis is None else shapes["basis"] == before + after
        if len(before) != 1 or len(after) != 1 or not agree:
            raise ConfigError(
                "preprocessing must have an offset (D,), a scale (d,) and perhaps a basis (D, d), "
                f"got {shapes}"
            )

    @property
    def width(self) -> int:
        """How many numbers a transformed row has."""
        return len(self.scale)

    @property
    def components(self) -> int | None:
        """How many principal components are kept; None where every feature is."""
        return None if self.basis is None else self.basis.shape[1]

    @classmethod
    def fit(
        cls,
        kind: str,
        features: Float[np.ndarray, "N D"] | FeaturesOnDisk,
        components: int | None = None,
    ) -> Preprocessing:
        """Fit on ``features``, which should be training rows only.

        - ``none`` changes nothing.
        - ``min-max`` brings each column to [0, 1].
        - ``standardise`` gives each column mean 0 and variance 1.
        - ``pca`` keeps the leading ``components`` directions, and divides all of them by one
          number, so that proportions of distances stay. At most as many are kept as there are
          features, or training rows less one; None keeps all of these.
        - ``whitened-pca`` does the same, but gives each direction variance 1.

        A constant column is shifted but not scaled. Features on disk are read a block at a time,
        twice. Raises ``ConfigError`` for another kind or number, and ``DataError`` for principal
        components of a single row.
        """
        _check_kind(kind)
        if components is not None:
            components = whole(components, "components", least=1)
        if components is not None and not kind.endswith("pca"):
            raise ConfigError(
                f"components go with pca or whitened-pca, got {components} with {kind!r}"
            )
        x = features if isinstance(features, FeaturesOnDisk) else np.asarray(features)
        if kind == "none":
            width = x.shape[1]
            return cls(kind, np.zeros(width, np.float32), np.ones(width, np.float32))

        columns = _Columns.of(x)
        if kind == "min-max":
            return cls(kind, _single(columns.low), _divisor(columns.extent, columns.size))
        if kind == "standardise":
            deviations = _deviations(x, columns.mean)
            return cls(kind, _single(columns.mean), _divisor(deviations, columns.size))
        covariance = _covariance(x, columns.mean)
        return cls._along_axes(kind, columns.mean, *_leading_axes(covariance, len(x), components))

    @classmethod
    def _along_axes(
        cls,
        kind: str,
        mean: Float[np.ndarray, " D"],
        axes: Float[np.ndarray, "D d"],
        deviations: Float[np.ndarray, " d"],
    ) -> Preprocessing:
        if kind == "pca":
            common = np.sqrt(np.mean(deviations**2))
            deviations = np.full_like(deviations, common)
        scale = _divisor(deviations, deviations.max())
        return cls(kind, _single(mean), scale, _single(axes))

    @overload
    def transform(self, features: Float[np.ndarray, "... D"]) -> Float[np.ndarray, "... d"]: ...
    @overload
    def transform(self, features: FeaturesOnDisk) -> FeaturesOnDisk: ...
    def transform(
        self, features: Float[np.ndarray, "... D"] | FeaturesOnDisk
    ) -> Float[np.ndarray, "... d"] | FeaturesOnDisk:
        """Transform features, to float32; those on disk are transformed when they are read."""
        self._check_width(features.shape[-1], len(self.offset), "transform")
        if isinstance(features, FeaturesOnDisk):
            return features.transformed(self)
        if self.kind == "none":
            return _single(features)
        x = _single(features) - self.offset
        return (x if self.basis is None else x @ self.basis) / self.scale

    def inverse(self, features: Float[np.ndarray, "... d"]) -> Float[np.ndarray, "... D"]:
        """Transform features back, to float32."""
        self._check_width(features.shape[-1], self.width, "invert")
        if self.kind == "none":
            return _single(features)
        x = _single(features) * self.scale
        return (x if self.basis is None else x @ self.basis.T) + self.offset

    def _check_width(self, width: int, expected: int, verb: str) -> None:
        if width != expected:
            raise DataError(
                f"{self.kind} preprocessing can {verb} features of width {expected}, got {width}: "
                "do these features come from another data set or extractor?"
            )


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigError(f"preprocessing must be one of {', '.join(KINDS)}, got {kind!r}")


# --- statistics of columns -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Columns:
    """The smallest, largest and mean value of each column."""

    low: Float[np.ndarray, " D"]
    high: Float[np.ndarray, " D"]
    mean: Float[np.ndarray, " D"]  # float64

    @classmethod
    def of(cls, features: np.ndarray | FeaturesOnDisk) -> _Columns:
        if isinstance(features, FeaturesOnDisk):
            return cls._by_blocks(features)
        return cls(features.min(0), features.max(0), features.mean(0, dtype=np.float64))

    @classmethod
    def _by_blocks(cls, features: FeaturesOnDisk) -> _Columns:
        width = features.shape[1]
        low = np.full(width, np.inf, np.float32)
        high = np.full(width, -np.inf, np.float32)
        total = np.zeros(width)
        for block in features.chunks():
            low = np.minimum(low, block.min(0))
            high = np.maximum(high, block.max(0))
            total += block.sum(0, dtype=np.float64)
        return cls(low, high, total / len(features))

    @property
    def extent(self) -> Float[np.ndarray, " D"]:
        return np.subtract(self.high, self.low, dtype=np.float64)

    @property
    def size(self) -> Float[np.ndarray, " D"]:
        """Largest magnitude in each column: each is judged by its own, as units may differ."""
        return np.maximum(np.abs(self.high), np.abs(self.low))


def _deviations(
    features: np.ndarray | FeaturesOnDisk, mean: Float[np.ndarray, " D"]
) -> Float[np.ndarray, " D"]:
    """Return the standard deviation of each column, in float64."""
    if not isinstance(features, FeaturesOnDisk):
        return features.std(0, dtype=np.float64)
    total = np.zeros(len(mean))
    for block in features.chunks():
        total += np.square(block - mean).sum(0)
    return np.sqrt(total / len(features))


def _covariance(
    features: np.ndarray | FeaturesOnDisk, mean: Float[np.ndarray, " D"]
) -> Float[np.ndarray, "D D"]:
    """Return the covariance of the columns, in float64.

    Eigenvalues of a product in float32 would lose half their digits.
    """
    if not isinstance(features, FeaturesOnDisk):
        centred = features - mean
        return centred.T @ centred / len(features)
    total = np.zeros((len(mean), len(mean)))
    for block in features.chunks():
        centred = block - mean
        total += centred.T @ centred
    return total / len(features)


def _leading_axes(
    covariance: Float[np.ndarray, "D D"],
    rows: int,
    components: int | None,
) -> tuple[Float[np.ndarray, "D d"], Float[np.ndarray, " d"]]:
    """Return the leading eigenvectors of a covariance, and the standard deviations along them."""
    most = min(rows - 1, len(covariance))
    wanted = most if components is None else components
    if wanted < 1:
        raise DataError("principal components need at least 2 training rows, got 1: give more")
    kept = min(wanted, most)

    variances, axes = principal_axes(covariance)  # ascending
    leading = np.clip(variances[::-1][:kept], 0, None)
    return axes[:, ::-1][:, :kept], np.sqrt(leading)


def _divisor(
    scale: Float[np.ndarray, " d"], size: Float[np.ndarray, " d"] | float
) -> Float[np.ndarray, " d"]:
    """Return a scale to divide by: 1 where the spread is only rounding beside ``size``."""
    least = np.maximum(ROUNDING_SHARE * size, np.finfo(np.float32).tiny)
    return _single(np.where(scale > least, scale, 1))


def _single(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, np.float32)
