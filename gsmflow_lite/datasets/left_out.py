"""Ridge regression of class means on descriptions: the errors for left-out classes, in closed form.

No fit is repeated: the error of a class that is left out is that of the fit with it, over one less
its leverage (Allen 1974, "The Relationship between Variable Selection and Data Augmentation and a
Method for Prediction"). What attributes change follows by the identity of Woodbury (1950).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .preprocessing import ROUNDING_SHARE

#: Strengths of the ridge, in units of the mean squared distance of descriptions from their mean.
STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-6, 5))
SURE = 0.95  # of intervals
VALUES_AT_ONCE = 4_000_000  # of shuffled products: 32 MB


class Bounds(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What ridge regression makes of S classes, each of them left out in turn.

    ``means`` are where the classes lie, ``descriptions`` what predicts them. Both are centred, and
    brought to a size of about 1.
    """

    means: Float[np.ndarray, "S D"]
    descriptions: Float[np.ndarray, "S A"]

    @classmethod
    def of(cls, means: Float[np.ndarray, "S D"], descriptions: Float[np.ndarray, "S A"]) -> LeftOut:
        """Take means and descriptions of the same classes, in any units."""
        return cls(_centred(means), _centred(descriptions))

    @property
    def varies(self) -> bool:
        """Whether means and descriptions both differ."""
        return bool(self.means.any() and self.descriptions.any())

    @cached_property
    def products(self) -> Float[np.ndarray, "S S"]:
        """Inner products of the means."""
        return self.means @ self.means.T

    @cached_property
    def without(self) -> Float[np.ndarray, " S"]:
        """The squared error of the mean of the others, for each class."""
        count = len(self.means)
        return np.diag(self.products) * (count / (count - 1)) ** 2

    @cached_property
    def errors(self) -> Float[np.ndarray, " S"]:
        """The squared error for each left-out class, at the strength with the least in all."""
        return _least([fit.errors for fit in self._fits])

    @cached_property
    def share(self) -> Bounds:
        """The share of the variance between classes that is explained, with its interval.

        The interval is Student's, by the jackknife over classes: each class is taken away, and the
        share of the rest is measured anew. The jackknife is cautious: Efron and Stein (1981), "The
        Jackknife Estimate of Variance".
        """
        count = len(self.means)
        value = float(1 - self.errors.sum() / self.without.sum())
        errors = np.min([fit.errors_of_rest for fit in self._fits], axis=0)
        shares = 1 - errors / self._bare.errors_of_rest
        variance = (count - 1) / count * float(((shares - shares.mean()) ** 2).sum())
        half = _student(SURE, count - 1) * float(np.sqrt(variance))
        return Bounds(value, value - half, value + half)

    @cached_property
    def caution(self) -> float:
        """How much wider the interval of the share is than that of a ratio with fixed fits."""
        fixed = ratio(self.without - self.errors, self.without)
        width = fixed.high - fixed.low
        return (self.share.high - self.share.low) / width if width > 0 else 1.0

    def shuffled(self, orders: Int[np.ndarray, "n S"]) -> Float[np.ndarray, " n"]:
        """The share for each order, where the k-th class has the description of ``order[k]``."""
        weights = np.stack([fit.weights.ravel() for fit in self._fits], axis=1)
        at_once = max(1, VALUES_AT_ONCE // len(weights))
        least = []
        for start in range(0, len(orders), at_once):
            back = np.argsort(orders[start : start + at_once])
            products = self.products[back[:, :, None], back[:, None, :]]
            least.append((products.reshape(len(back), -1) @ weights).min(1))
        return 1 - np.concatenate(least) / self.without.sum()

    def without_columns(self, columns: Sequence[int]) -> Float[np.ndarray, " S"]:
        """The errors without some columns of the descriptions."""
        fits = zip(self._fits, self._ridges, strict=True)
        return _least([fit.changed(columns, -1, ridge) for fit, ridge in fits])

    def of_columns(self, columns: Sequence[int]) -> Float[np.ndarray, " S"]:
        """The errors with these columns of the descriptions alone."""
        return _least([self._bare.changed(columns, 1, ridge) for ridge in self._ridges])

    @cached_property
    def _ridges(self) -> list[float]:
        unit = float((self.descriptions**2).sum()) / len(self.descriptions)
        return [strength * unit for strength in STRENGTHS]

    @cached_property
    def _fits(self) -> list[_Fit]:
        """The fit with all columns, for each strength."""
        count = len(self.descriptions)
        values, vectors = np.linalg.eigh(self.descriptions @ self.descriptions.T)
        values = values.clip(0)
        fits = []
        for ridge in self._ridges:
            residual = (vectors * (ridge / (values + ridge))) @ vectors.T - 1 / count
            fits.append(_Fit(residual, self))
        return fits

    @cached_property
    def _bare(self) -> _Fit:
        """The fit with no column."""
        count = len(self.descriptions)
        return _Fit(np.eye(count) - 1 / count, self)


@dataclass(frozen=True, eq=False)
class _Fit:
    """A fit: ``residual`` takes the means of classes to what it leaves of them."""

    residual: Float[np.ndarray, "S S"]
    data: LeftOut

    @cached_property
    def _of_products(self) -> Float[np.ndarray, "S S"]:
        return self.residual @ self.data.products

    @cached_property
    def _squares(self) -> Float[np.ndarray, " S"]:
        """Squared residuals of the classes, none of them left out."""
        return (self._of_products * self.residual).sum(1)

    @property
    def errors(self) -> Float[np.ndarray, " S"]:
        """Squared errors of the classes, each of them left out."""
        return self._squares / np.diag(self.residual) ** 2

    @property
    def errors_of_rest(self) -> Float[np.ndarray, " S"]:
        """The sum of the squared errors of the others, where this class does not exist.

        Each of the others is left out in turn. Two classes at once are left out by solving for
        their two errors.
        """
        diagonal = np.diag(self.residual)
        squares = self._of_products @ self.residual
        size = np.diag(squares)
        numerator = (
            diagonal**2 * size[:, None]
            - 2 * diagonal * self.residual * squares
            + self.residual**2 * size
        )
        determinant = diagonal[:, None] * diagonal - self.residual**2
        np.fill_diagonal(numerator, 0)
        np.fill_diagonal(determinant, 1)
        return (numerator / determinant**2).sum(0)

    @cached_property
    def weights(self) -> Float[np.ndarray, "S S"]:
        """W, such that the sum of W * products is the error of all classes."""
        left_out = self.residual / np.diag(self.residual)[:, None]
        return left_out.T @ left_out

    @cached_property
    def _columns(self) -> Float[np.ndarray, "S A"]:
        return self.residual @ self.data.descriptions

    @cached_property
    def _crossed(self) -> Float[np.ndarray, "S A"]:
        return self._of_products @ self._columns

    @cached_property
    def _weighed(self) -> Float[np.ndarray, "S A"]:
        return self.data.products @ self._columns

    def changed(self, columns: Sequence[int], sign: int, ridge: float) -> Float[np.ndarray, " S"]:
        """The errors with further columns (``sign`` 1), or without some that it has (-1).

        With V = R X, the residual R becomes R - V M V^T, M = sign (ridge + sign X^T V)^-1.
        """
        chosen = np.asarray(columns)
        v = self._columns[:, chosen]
        inner = ridge * np.eye(len(chosen)) + sign * self.data.descriptions[:, chosen].T @ v
        t = np.linalg.solve(inner, sign * v.T).T
        across = (self._crossed[:, chosen] * t).sum(1)
        within = ((t @ (v.T @ self._weighed[:, chosen])) * t).sum(1)
        return (self._squares - 2 * across + within) / (
            np.diag(self.residual) - (t * v).sum(1)
        ) ** 2


def ratio(
    gains: Float[np.ndarray, " S"], sizes: Float[np.ndarray, " S"], sure: float = SURE
) -> Bounds:
    """Return the sum of ``gains`` over that of ``sizes``, with its interval over classes.

    The interval is Student's, by the linearised variance of a ratio: Cochran (1977), "Sampling
    Techniques", chapter 6. It does not know that the fits scatter, too.
    """
    count = len(gains)
    value = float(gains.sum() / sizes.sum())
    scatter = ((gains - value * sizes) ** 2).sum() * count / (count - 1)
    half = _student(sure, count - 1) * float(np.sqrt(scatter) / sizes.sum())
    return Bounds(value, value - half, value + half)


def _student(sure: float, freedom: int) -> float:
    """Half of the width of the middle of Student's distribution that holds ``sure``."""
    from scipy.stats import t

    return float(t.ppf((1 + sure) / 2, freedom))


def _least(errors: list[Float[np.ndarray, " S"]]) -> Float[np.ndarray, " S"]:
    return min(errors, key=lambda of_classes: float(of_classes.sum()))


def _centred(rows: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
    """Return rows less their mean, brought to a size of about 1; 0 if they differ by rounding."""
    rows = rows.astype(np.float64)
    centred = rows - rows.mean(0)
    largest = np.abs(centred).max()
    if largest <= ROUNDING_SHARE * np.abs(rows).max():
        return np.zeros_like(centred)
    return centred / largest
