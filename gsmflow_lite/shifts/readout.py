"""The attribute readout reads a description off features.

It is a ridge regression from real class means to attributes. How well it reads each attribute is
checked on seen classes that were left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means

# Of the ridge. A larger strength trusts the features less.
READOUT_STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-10, 5))


@dataclass(frozen=True, eq=False)
class AttributeReadout:
    r"""A linear map from features to standardised attributes, :math:`\hat a = (x - \bar x)\, W`.

    =============== ================================================================================
    ``weights``     W
    ``centre``      the mean of the real class means of the seen classes
    ``typical``     the mean attributes of the seen classes
    ``spread``      their standard deviation, the unit of what is read; 1 for an attribute that
                    never varies
    ``readability`` how well each attribute is read off a class that was left out: R squared, 0 to 1
    =============== ================================================================================
    """

    weights: Float[np.ndarray, "D A"]
    centre: Float[np.ndarray, " D"]
    typical: Float[np.ndarray, " A"]
    spread: Float[np.ndarray, " A"]
    readability: Float[np.ndarray, " A"]

    @classmethod
    def fit(cls, dataset: GZSLDataset) -> AttributeReadout:
        """Fit on the training rows, one mean per seen class; unseen classes play no part."""
        means = seen_means(dataset)
        return cls.from_means(means, dataset.attributes[dataset.seen_classes])

    @classmethod
    def from_means(
        cls,
        means: Float[np.ndarray, "S D"],
        attributes: Float[np.ndarray, "S A"],
    ) -> AttributeReadout:
        """Fit on the real means and the attributes of seen classes.

        Each seen class is left out in turn, and the ridge strength with the least squared error
        wins (scikit-learn's ``RidgeCV``, in closed form). Strengths are relative to the mean
        squared distance of a class mean from the centre.
        """
        attributes = attributes.astype(np.float64)
        centre = means.mean(0)
        typical = attributes.mean(0)
        spread = _spread(attributes)

        x = means - centre
        y = (attributes - typical) / spread
        weights, errors = _ridge(x, y)
        return cls(weights, centre, typical, spread, _readability(errors, y.var(0)))

    def read(self, features: Float[np.ndarray, "... D"]) -> Float[np.ndarray, "... A"]:
        """Read attributes off features, in units of their spread from the typical attribute."""
        return (features - self.centre) @ self.weights

    def standardise(self, attributes: Float[np.ndarray, "... A"]) -> Float[np.ndarray, "... A"]:
        """Return the attributes of a description in the units of :meth:`read`."""
        return (np.asarray(attributes, np.float64) - self.typical) / self.spread

    def agreement(
        self,
        read: Float[np.ndarray, "... M A"],
        described: Float[np.ndarray, "K A"],
        noise: Float[np.ndarray, "... M"] | float = 0.0,
    ) -> Float[np.ndarray, "... M K"]:
        """Return the cosine, -1 to 1, between what is read and what is described.

        Both are standardised. An attribute counts by its :attr:`readability`: what cannot be read
        off real features cannot be missed in synthesized ones. It is 0 where nothing is read.

        ``noise`` is the expected squared error of what is read, weighted in the same way. Noise
        makes vectors longer and cosines smaller, so it is subtracted from the squared norm. At
        least a tenth of the squared norm stays.
        """
        weighted = read * self.readability
        squares = (weighted * read).sum(-1)
        squares = np.maximum(squares - noise, 0.1 * squares)

        of_described = np.linalg.norm(described * np.sqrt(self.readability), axis=-1)
        norms = np.sqrt(squares)[..., :, None] * of_described
        return np.clip(weighted @ described.T / np.where(norms > 0, norms, 1), -1, 1)

    @cached_property
    def visible(self) -> Float[np.ndarray, "D V"]:
        """Orthonormal directions that span what can be read.

        A move at right angles to all of them changes nothing that is read.
        """
        left, values, _ = np.linalg.svd(self.weights, full_matrices=False)
        return left[:, values > 1e-9 * values.max(initial=0)]

    @property
    def blind(self) -> Float[np.ndarray, "D B"]:
        """Orthonormal directions that the readout does not see: B = D - V of them, perhaps none.

        They are derived at each call, for they take as much memory as D squared numbers.
        """
        width, seen = self.visible.shape
        basis, _ = np.linalg.qr(np.hstack([self.visible, np.eye(width)]))
        return basis[:, seen:width]


def seen_means(dataset: GZSLDataset) -> Float[np.ndarray, "S D"]:
    """Return the real means of the seen classes over their training rows, in float64."""
    return class_means(dataset, dataset.seen_classes, dataset.train).astype(np.float64)


def _spread(attributes: Float[np.ndarray, "S A"]) -> Float[np.ndarray, " A"]:
    """Return the standard deviation of each attribute; 1 where it varies by rounding at most."""
    spread = attributes.std(0)
    is_constant = spread < 1e-9 * np.abs(attributes).max(0)
    return np.where(is_constant | (spread == 0), 1, spread)


def _ridge(
    x: Float[np.ndarray, "S D"],
    y: Float[np.ndarray, "S A"],
) -> tuple[Float[np.ndarray, "D A"], Float[np.ndarray, "S A"]]:
    """Return the weights of ridge regression, and the squared errors on classes left out."""
    from sklearn.linear_model import RidgeCV  # slow to import

    unit = x.var(0).sum() or 1.0
    strengths = unit * np.asarray(READOUT_STRENGTHS)
    ridge = RidgeCV(alphas=strengths, store_cv_results=True).fit(x, y)

    chosen = np.flatnonzero(ridge.alphas == ridge.alpha_)[0]
    errors = ridge.cv_results_.reshape(*y.shape, -1)[:, :, chosen]
    return np.atleast_2d(ridge.coef_).T, errors


def _readability(
    errors: Float[np.ndarray, "S A"],
    variance: Float[np.ndarray, " A"],
) -> Float[np.ndarray, " A"]:
    """Return R squared from 0 to 1; ``variance`` is 1, or 0 for an attribute that never varies."""
    varies = variance > 0.5
    return np.where(varies, 1 - errors.mean(0) / np.where(variance > 0, variance, 1), 0).clip(0, 1)
