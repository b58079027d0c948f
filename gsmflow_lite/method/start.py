"""The ridge-Gaussian: class means predicted from descriptions, one covariance; a baseline, and a start for the flow."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means, within_covariance
from ..numerics import principal_axes

RIDGE_STRENGTHS = tuple(
    10.0 ** (power / 4) for power in range(-12, 5)
)  # of the ridge; larger trusts the attributes less


class NoStart(nn.Module):
    """No start: the flow sees the features as they are, as published.

    ``x`` and ``u`` are (N, D), the log-determinant (N,) is 0; ``attributes`` (M, A) and ``index`` (N,) are not read.
    """

    def forward(
        self, x: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return x, x.new_zeros(len(x))

    def inverse(
        self, u: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return u, u.new_zeros(len(u))


class GaussianStart(nn.Module):
    r"""Standardise features by the Gaussian that a description predicts: :math:`u = (x - m(a))\, C^{-T}`.

    :math:`m(a) = [a, 1]\, B` with ``weights`` B (A + 1, D); ``root`` C (D, D) with :math:`C C^T` the covariance.
    Maps (N, D) to (N, D) and the log-determinant (N,) of its own direction, in nats. ``attributes`` (M, A) and
    ``index`` (N,) as in :class:`gsmflow_lite.method.model.GSMFlow`.
    """

    def __init__(self, weights: Tensor, root: Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights)
        self.register_buffer(
            "root", root.contiguous()
        )  # a saved copy then multiplies in the same order
        self.register_buffer("unroot", torch.linalg.inv(root.double()).to(root))
        self.register_buffer("log_det", -torch.linalg.slogdet(root.double()).logabsdet.to(root))

    def means(self, attributes: Tensor, index: Tensor | None = None) -> Tensor:
        """Predicted class means, (M, D), or of each sample, (N, D)."""
        means = attributes @ self.weights[:-1] + self.weights[-1]
        return means if index is None else means.index_select(0, index)

    def forward(
        self, x: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        with torch.autocast(
            x.device.type, enabled=False
        ):  # it is exact, and a small part of the work
            return (x - self.means(attributes, index)) @ self.unroot.T, self.log_det.expand(len(x))

    def inverse(
        self, u: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        with torch.autocast(u.device.type, enabled=False):
            return u @ self.root.T + self.means(attributes, index), -self.log_det.expand(len(u))

    @classmethod
    def fit(cls, dataset: GZSLDataset, *, whiten: bool = True) -> GaussianStart:
        """Fit on the training rows: ridge means, pooled within-class covariance (the identity where ``whiten`` is off)."""
        width = dataset.features.shape[1]
        return cls(
            ridge_means(dataset), _root(within_covariance(dataset)) if whiten else torch.eye(width)
        )


def ridge_means(dataset: GZSLDataset, strengths: tuple[float, ...] = RIDGE_STRENGTHS) -> Tensor:
    """Ridge regression from class attributes to class means, one row per seen class: (A + 1, D), the last row the intercept.

    The strength is the one of ``strengths`` with the least squared error when each seen class in turn is left out
    (scikit-learn's ``RidgeCV``, in closed form). It is relative to the mean squared distance of a class's attributes from
    their mean, so that their units do not matter.
    """
    from sklearn.linear_model import RidgeCV  # slow to import

    means = class_means(dataset, dataset.seen_classes, dataset.train).astype(np.float64)
    attributes = dataset.attributes[dataset.seen_classes].astype(np.float64)
    unit = attributes.var(0).sum() or 1.0
    fitted = RidgeCV(alphas=unit * np.asarray(strengths)).fit(attributes, means)
    coefficients = np.atleast_2d(fitted.coef_).T
    return torch.from_numpy(np.vstack([coefficients, np.atleast_1d(fitted.intercept_)])).float()


def _root(covariance: np.ndarray) -> Tensor:
    """The symmetric C with C C^T = covariance. Directions without spread get a little, so that the map can be inverted.

    It is the one root that moves with the covariance: of the eigenvectors alone, those of equal variances would be anybody's
    choice, and whitened features have as many of them as dimensions that tell no classes apart.
    """
    values, vectors = principal_axes(covariance)
    floor = max(values.max() * 1e-6, np.finfo(np.float32).tiny)
    return torch.from_numpy((vectors * np.sqrt(values.clip(floor))) @ vectors.T).float()
