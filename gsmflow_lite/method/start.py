"""What a flow starts from: nothing, or the ridge-Gaussian that attributes predict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..datasets.preprocessing import ROUNDING_SHARE
from ..datasets.statistics import class_means, within_covariance
from ..errors import DataError
from ..numerics import principal_axes

#: Strengths of the ridge to choose from. A larger one trusts the attributes less.
RIDGE_STRENGTHS = tuple(10.0 ** (power / 4) for power in range(-12, 5))


class NoStart(nn.Module):
    """No start: the flow reads the features as they are, as published.

    The log-determinant is 0. ``attributes`` and ``index`` are not read.
    """

    def forward(
        self,
        x: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        return x, x.new_zeros(len(x))

    def inverse(
        self,
        u: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        return u, u.new_zeros(len(u))


class GaussianStart(nn.Module):
    r"""Standardise features by the Gaussian that attributes predict.

    .. math:: u = (x - m(a))\, C^{-T}

    :math:`m(a) = [a, 1]\, B` with ``weights`` B, and ``root`` C with :math:`C C^T` the covariance.
    ``forward`` and ``inverse`` also return the log-determinant of their own direction, in nats.
    ``attributes`` and ``index`` are as in :class:`gsmflow_lite.method.model.GSMFlow`.
    """

    weights: Float[Tensor, "A+1 D"]
    root: Float[Tensor, "D D"]
    unroot: Float[Tensor, "D D"]
    log_det: Float[Tensor, ""]

    def __init__(self, weights: Float[Tensor, "A+1 D"], root: Float[Tensor, "D D"]) -> None:
        super().__init__()
        inverse = torch.linalg.inv(root.double())
        log_det = -torch.linalg.slogdet(root.double()).logabsdet
        self.register_buffer("weights", weights)
        # Contiguous, so that a saved copy multiplies in the same order.
        self.register_buffer("root", root.contiguous())
        self.register_buffer("unroot", inverse.to(root))
        self.register_buffer("log_det", log_det.to(root))

    @property
    def attributes(self) -> int:
        """A, how many numbers describe a class."""
        return len(self.weights) - 1

    def means(
        self,
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> Float[Tensor, "M_or_N D"]:
        """Predict the mean of each class, or with ``index`` the mean for each row."""
        means = attributes @ self.weights[:-1] + self.weights[-1]
        return means if index is None else means.index_select(0, index)

    def forward(
        self,
        x: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        # Without autocast the start stays exact, and it is a small part of the work.
        with torch.autocast(x.device.type, enabled=False):
            u = (x - self.means(attributes, index)) @ self.unroot.T
            return u, self.log_det.expand(len(x))

    def inverse(
        self,
        u: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        with torch.autocast(u.device.type, enabled=False):
            x = u @ self.root.T + self.means(attributes, index)
            return x, -self.log_det.expand(len(u))

    @classmethod
    def fit(cls, dataset: GZSLDataset, *, whiten: bool = True) -> GaussianStart:
        """Fit on the training rows: ridge means and the pooled within-class covariance.

        Without ``whiten`` the identity takes the place of the covariance. Raises ``DataError`` for
        data that have no covariance within classes: one training row each, or equal ones.
        """
        means = ridge_means(the_dataset(dataset))
        if not whiten:
            return cls(means, torch.eye(dataset.features.shape[1]))
        covariance = within_covariance(dataset)
        _check_spread(dataset, covariance)
        return cls(means, symmetric_root(covariance))


def _check_spread(dataset: GZSLDataset, covariance: Float[np.ndarray, "D D"]) -> None:
    """Raise ``DataError`` unless some class has two training rows that differ beyond rounding."""
    if len(dataset.train) <= len(dataset.seen_classes):
        raise DataError(
            f"a covariance needs a class with two training rows, but in {dataset.name!r} each of "
            f"the {len(dataset.seen_classes)} seen classes has one: give more rows, or train a "
            "flow with start='ridge' or 'none'"
        )
    sizes = np.abs(class_means(dataset, dataset.seen_classes, dataset.train)).max(0)
    deviations = np.sqrt(covariance.diagonal().clip(0))
    if (deviations <= ROUNDING_SHARE * sizes).all():
        raise DataError(
            "features must vary within classes, but the training rows of each class are equal: "
            "did the extractor give anything? Extract them again, or leave copies out"
        )


def ridge_means(
    dataset: GZSLDataset,
    strengths: tuple[float, ...] = RIDGE_STRENGTHS,
) -> Float[Tensor, "A+1 D"]:
    """Fit a ridge regression from class attributes to class means, one row per seen class.

    The last row of the result is the intercept. The strength is the one of ``strengths`` with the
    least squared error when each seen class in turn is left out (scikit-learn's ``RidgeCV``, in
    closed form). It is relative to the mean squared distance of a class's attributes from their
    mean, so that the units of the attributes do not matter.
    """
    return _Ridge.fit(dataset, strengths).weights


def ridge_errors(
    dataset: GZSLDataset,
    strengths: tuple[float, ...] = RIDGE_STRENGTHS,
) -> Float[np.ndarray, "S D"]:
    """By how much the means of seen classes miss their predictions, each class left out in turn.

    The predictions are those of :func:`ridge_means` without this class, at the same strength. No
    fit is repeated: an error is the residual over one less the leverage (Allen 1974).
    """
    return _Ridge.fit(dataset, strengths).errors


@dataclass(frozen=True, eq=False)
class _Ridge:
    """A ridge regression from the attributes of S seen classes to their means."""

    weights: Float[Tensor, "A+1 D"]
    errors: Float[np.ndarray, "S D"]

    @classmethod
    def fit(cls, dataset: GZSLDataset, strengths: tuple[float, ...]) -> _Ridge:
        from sklearn.linear_model import RidgeCV  # slow to import

        seen = dataset.seen_classes
        means = class_means(dataset, seen, dataset.train).astype(np.float64)
        attributes = dataset.attributes[seen].astype(np.float64)
        unit = attributes.var(0).sum() or 1.0
        fitted = RidgeCV(alphas=unit * np.asarray(strengths)).fit(attributes, means)
        coefficients = np.atleast_2d(fitted.coef_).T
        intercept = np.atleast_1d(fitted.intercept_)
        weights = torch.from_numpy(np.vstack([coefficients, intercept])).float()

        residuals = means - (attributes @ coefficients + intercept)
        left = 1 - _leverages(attributes, float(fitted.alpha_))
        return cls(weights, residuals / left[:, None])


def _leverages(attributes: Float[np.ndarray, "S A"], ridge: float) -> Float[np.ndarray, " S"]:
    """What share of the prediction for a class comes from its own mean."""
    centred = attributes - attributes.mean(0)
    products = centred @ centred.T
    shrunk = np.linalg.solve(products + ridge * np.eye(len(products)), products)
    return np.diag(shrunk) + 1 / len(products)


def symmetric_root(covariance: Float[np.ndarray, "D D"]) -> Float[Tensor, "D D"]:
    """Return the symmetric C with C C^T = covariance.

    Directions without spread get a little, so that the map can be inverted. This root changes
    little when the covariance changes little. The eigenvectors alone would not: among equal
    variances any axes will do, and whitened features have equal variances in all dimensions that do
    not separate classes.
    """
    variances, axes = principal_axes(covariance)
    floor = max(variances.max() * 1e-6, np.finfo(np.float32).tiny)
    root = (axes * np.sqrt(variances.clip(floor))) @ axes.T
    return torch.from_numpy(root).float()
