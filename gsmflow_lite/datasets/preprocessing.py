"""Affine maps of features, fitted on training rows only and invertible: none, min-max, standardise, PCA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, DataError
from ..numerics import principal_axes
from .on_disk import FeaturesOnDisk

KINDS = ("none", "min-max", "standardise", "pca", "whitened-pca")


@dataclass(frozen=True, eq=False)
class Preprocessing:
    r"""One affine map, whatever its kind: :math:`z = ((x - \text{offset})\, \text{basis}) / \text{scale}`.

    ``offset`` (D,), ``basis`` (D, d) with orthonormal columns or None for the identity, ``scale`` (d,), all float32.
    ``inverse`` gives ``x`` back exactly (to rounding) when d = D, and its projection onto the d components otherwise.
    Make one with :meth:`fit`. Raises ``ConfigError`` for parts that do not agree or are not finite; methods raise ``DataError``
    for another width.
    """

    kind: str
    offset: np.ndarray
    scale: np.ndarray
    basis: np.ndarray | None = None

    def __post_init__(self) -> None:
        """A saved one may come from anywhere. Raises ``ConfigError``."""
        parts = {
            name: getattr(self, name)
            for name in ("offset", "scale", "basis")
            if getattr(self, name) is not None
        }
        if self.kind not in KINDS:
            raise ConfigError(f"preprocessing must be one of {', '.join(KINDS)}, got {self.kind!r}")
        before, after = self.offset.shape, self.scale.shape
        agree = before == after if self.basis is None else self.basis.shape == before + after
        if len(before) != 1 or len(after) != 1 or not agree:
            shapes = {name: part.shape for name, part in parts.items()}
            raise ConfigError(
                f"preprocessing must have an offset (D,), a scale (d,) and perhaps a basis (D, d), got {shapes}"
            )
        if (
            not all(part.dtype == np.float32 and np.isfinite(part).all() for part in parts.values())
            or not self.scale.all()
        ):
            raise ConfigError(
                "preprocessing must be finite in single precision, and no scale 0: fit it again"
            )

    @property
    def components(self) -> int | None:
        """How many principal components are kept; None where every feature is."""
        return None if self.basis is None else self.basis.shape[1]

    @classmethod
    def fit(
        cls, kind: str, features: np.ndarray | FeaturesOnDisk, components: int | None = None
    ) -> Preprocessing:
        """Fit on ``features`` (N, D), which should be training rows only; those on disk are read a block at a time, twice.

        ``min-max`` maps each column to [0, 1]; ``standardise`` to mean 0 and variance 1; ``pca`` keeps the leading
        ``components`` directions (fewer where the training rows - 1 or the features are fewer; None: all there are) and
        divides all of them by one number, so that proportions of distances stay;
        ``whitened-pca`` gives each direction variance 1. A constant column is shifted but not scaled.
        """
        if kind not in KINDS:
            raise ConfigError(f"preprocessing must be one of {', '.join(KINDS)}, got {kind!r}")
        if components is not None and not kind.endswith("pca"):
            raise ConfigError(
                f"components go with pca or whitened-pca, got {components} with {kind!r}"
            )
        x = features if isinstance(features, FeaturesOnDisk) else np.asarray(features)
        width = x.shape[1]
        if kind == "none":
            return cls(kind, np.zeros(width, np.float32), np.ones(width, np.float32))
        if isinstance(x, FeaturesOnDisk):
            return cls._fit_on_disk(kind, x, components)
        if kind == "min-max":
            return cls(kind, _f32(x.min(0)), _extent(x.min(0), x.max(0)))
        mean = x.mean(0, dtype=np.float64)
        if kind == "standardise":
            return cls(
                kind, _f32(mean), _safe(x.std(0, dtype=np.float64), _size(x.min(0), x.max(0)))
            )
        return cls._along_axes(kind, mean, _leading(*_covariance(x, mean), components))

    @classmethod
    def _fit_on_disk(
        cls, kind: str, features: FeaturesOnDisk, components: int | None
    ) -> Preprocessing:
        """The same numbers, to rounding, from one pass for extremes and sums and one for what is around the mean."""
        low, high, total = np.inf, -np.inf, 0.0
        for x in features.chunks():
            low, high, total = (
                np.minimum(low, x.min(0)),
                np.maximum(high, x.max(0)),
                total + x.sum(0, dtype=np.float64),
            )
        if kind == "min-max":
            return cls(kind, _f32(low), _extent(low, high))
        mean, spread = total / len(features), 0.0
        for x in features.chunks():
            centred = x - mean  # float64
            spread = spread + (
                np.square(centred).sum(0) if kind == "standardise" else centred.T @ centred
            )
        spread /= len(features)
        if kind == "standardise":
            return cls(kind, _f32(mean), _safe(np.sqrt(spread), _size(low, high)))
        return cls._along_axes(kind, mean, _leading(spread, len(features), components))

    @classmethod
    def _along_axes(
        cls, kind: str, mean: np.ndarray, axes: tuple[np.ndarray, np.ndarray]
    ) -> Preprocessing:
        basis, deviations = axes
        if kind == "pca":
            deviations = np.full_like(deviations, np.sqrt(np.mean(deviations**2)))
        return cls(kind, _f32(mean), _safe(deviations, deviations.max()), _f32(basis))

    def transform(self, features: np.ndarray | FeaturesOnDisk) -> np.ndarray | FeaturesOnDisk:
        """Map features (..., D) to (..., d), float32; those on disk when they are read."""
        self._expect(features, len(self.offset), "transform")
        if isinstance(features, FeaturesOnDisk):
            return features.through(self)
        if self.kind == "none":
            return _f32(features)
        x = _f32(features) - self.offset
        return (x if self.basis is None else x @ self.basis) / self.scale

    def inverse(self, features: np.ndarray) -> np.ndarray:
        """Map features (..., d) back to (..., D), float32."""
        self._expect(features, len(self.scale), "invert")
        if self.kind == "none":
            return _f32(features)
        x = _f32(features) * self.scale
        return (x if self.basis is None else x @ self.basis.T) + self.offset

    def _expect(self, features: np.ndarray, width: int, verb: str) -> None:
        if features.shape[-1] != width:
            raise DataError(
                f"{self.kind} preprocessing can {verb} features of width {width}, got {features.shape[-1]}: "
                "do these features come from another data set or extractor?"
            )


def _covariance(x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, int]:
    """Covariance (D, D) of the rows, in float64: eigenvalues of a float32 Gram matrix lose half their digits."""
    centred = x - mean
    return centred.T @ centred / len(x), len(x)


def _leading(
    covariance: np.ndarray, rows: int, components: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenvectors (D, d) of the covariance and the standard deviations (d,) along them."""
    most = min(rows - 1, len(covariance))
    keep = most if components is None else components
    if keep < 1:
        raise ConfigError(f"components must be at least 1, got {keep}")
    keep = min(keep, most)
    values, vectors = principal_axes(covariance)
    return vectors[:, ::-1][:, :keep], np.sqrt(np.clip(values[::-1][:keep], 0, None))


def _extent(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return _safe(np.subtract(high, low, dtype=np.float64), _size(low, high))


def _size(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Largest magnitude in each column: columns may have units of their own, so each is judged by itself."""
    return np.maximum(np.abs(high), np.abs(low))


def _safe(scale: np.ndarray, size: np.ndarray | float) -> np.ndarray:
    """A scale that can be divided by: directions whose spread is rounding error beside ``size`` are left as they are."""
    return _f32(np.where(scale > np.maximum(1e-6 * size, np.finfo(np.float32).tiny), scale, 1))


def _f32(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, np.float32)
