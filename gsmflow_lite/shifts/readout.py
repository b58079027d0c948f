"""Reading a description off features: ridge regression from real class means to attributes, checked on left-out classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means

READOUT_STRENGTHS = tuple(
    10.0 ** (power / 2) for power in range(-10, 5)
)  # of the ridge; larger trusts the features less


@dataclass(frozen=True, eq=False)
class AttributeReadout:
    r"""A linear map from features to standardised attributes, :math:`\hat a = (x - \bar x)\, W`.

    =============== ======== =======================================================================================
    ``weights``     (D, A)   W
    ``centre``      (D,)     mean of the real class means of the seen classes
    ``typical``     (A,)     mean attributes of the seen classes
    ``spread``      (A,)     their standard deviation, the unit of what is read; 1 for an attribute that never varies
    ``readability`` (A,)     how well each attribute is read off a class that was left out: R squared, 0 to 1
    =============== ======== =======================================================================================
    """

    weights: np.ndarray
    centre: np.ndarray
    typical: np.ndarray
    spread: np.ndarray
    readability: np.ndarray

    @classmethod
    def fit(cls, dataset: GZSLDataset) -> AttributeReadout:
        """Fit on the training rows, one mean per seen class; unseen classes play no part.

        The ridge strength is the one with the least squared error when each seen class in turn is left out (scikit-learn's
        ``RidgeCV`` in closed form), relative to the mean squared distance of a class mean from their centre.
        """
        from sklearn.linear_model import RidgeCV  # slow to import

        means = class_means(dataset, dataset.seen_classes, dataset.train).astype(np.float64)
        asked = dataset.attributes[dataset.seen_classes].astype(np.float64)
        centre, typical, spread = means.mean(0), asked.mean(0), asked.std(0)
        spread[spread < 1e-9 * np.abs(asked).max(0)] = (
            0  # what varies by rounding only does not vary
        )
        spread[spread == 0] = 1
        x, y = means - centre, (asked - typical) / spread
        unit = x.var(0).sum() or 1.0
        ridge = RidgeCV(alphas=unit * np.asarray(READOUT_STRENGTHS), store_cv_results=True).fit(
            x, y
        )
        chosen = np.flatnonzero(ridge.alphas == ridge.alpha_)[0]
        errors = ridge.cv_results_.reshape(len(y), y.shape[1], -1)[
            :, :, chosen
        ]  # squared, of each class when left out
        variance = y.var(0)
        readability = np.where(
            variance > 0.5, 1 - errors.mean(0) / np.where(variance > 0, variance, 1), 0
        )
        return cls(np.atleast_2d(ridge.coef_).T, centre, typical, spread, readability.clip(0, 1))

    def read(self, features: np.ndarray) -> np.ndarray:
        """Attributes of features (..., D), in units of their spread from the typical one: (..., A)."""
        return (features - self.centre) @ self.weights

    def standardise(self, attributes: np.ndarray) -> np.ndarray:
        """Attributes as they are asked for, (..., A), in the units of :meth:`read`."""
        return (np.asarray(attributes, np.float64) - self.typical) / self.spread

    def agreement(
        self, read: np.ndarray, asked: np.ndarray, noise: np.ndarray | float = 0.0
    ) -> np.ndarray:
        """Cosine between what is read (..., M, A) and what is asked for (K, A), both standardised: (..., M, K), -1 to 1.

        An attribute counts by its :attr:`readability`: what cannot be read off real features cannot be missed in synthesized
        ones. ``noise`` (..., M) is the expected squared error of what is read, so weighted; it is taken off the squared norm,
        of which a tenth stays, for noise makes vectors longer and cosines smaller. 0 where nothing is read.
        """
        weighted, wanted = read * self.readability, asked * np.sqrt(self.readability)
        squares = (weighted * read).sum(-1)
        squares = np.maximum(squares - noise, 0.1 * squares)
        norms = np.sqrt(squares)[..., :, None] * np.linalg.norm(wanted, axis=-1)
        return np.clip(weighted @ asked.T / np.where(norms > 0, norms, 1), -1, 1)

    @cached_property
    def visible(self) -> np.ndarray:
        """Orthonormal directions (D, V) that span what can be read: moves across them change nothing that is read."""
        left, values, _ = np.linalg.svd(self.weights, full_matrices=False)
        return left[:, values > 1e-9 * values.max(initial=0)]

    @cached_property
    def blind(self) -> np.ndarray:
        """Orthonormal directions (D, D - V) that the readout does not see; there may be none."""
        width, seen = self.visible.shape
        basis, _ = np.linalg.qr(np.hstack([self.visible, np.eye(width)]))
        return basis[:, seen:width]
