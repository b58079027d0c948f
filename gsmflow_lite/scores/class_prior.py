"""How far a class may lie from where its description puts it, as left-out seen classes tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ..arguments import real
from ..datasets.base import GZSLDataset
from ..method.start import GaussianStart, ridge_errors


@dataclass(frozen=True, eq=False)
class ClassPrior:
    r"""The shift of a class in latent space, before any of its rows is known.

    .. math:: z \mid \delta_c \sim N(\delta_c, I), \qquad \delta_c \sim N(0, T)

    The map between features and z puts a class around 0, where its description says. T has the
    axes ``axes`` (columns) and the variances ``errors`` in their directions. An error of 4 is twice
    the width of a class: there a prediction is worth 1/4 row.

    With the ridge-Gaussian, this says that features have the covariance within seen classes around
    an unknown mean, and that this mean has a Gaussian around the predicted one as its prior.
    Reference: Verma and Rai (2017), "A Simple Exponential Family Framework for Zero-Shot Learning".
    """

    axes: Float[np.ndarray, "D D"]
    errors: Float[np.ndarray, " D"]

    @classmethod
    def fit(cls, dataset: GZSLDataset, doubt: float = 1.0) -> ClassPrior:
        """Measure how far ridge regression misses the mean of each seen class, left out in turn.

        T is the covariance of these errors in units of the width of a class, shrunk as Ledoit and
        Wolf (2004) do, times ``doubt``. It stands for the errors of a flow as well: its own would
        take a training for each class that is left out.
        """
        from sklearn.covariance import LedoitWolf  # slow to import

        unroot = GaussianStart.fit(dataset).unroot.double().numpy()
        missed = ridge_errors(dataset) @ unroot.T
        spread = LedoitWolf(assume_centered=True).fit(missed).covariance_
        errors, axes = np.linalg.eigh(spread)
        return cls(axes, errors.clip(0)).doubting(doubt)

    def doubting(self, doubt: float) -> ClassPrior:
        """The same with all errors multiplied; a larger ``doubt`` trusts rows more."""
        return replace(self, errors=self.errors * real(doubt, "doubt", least=0))

    def expected(
        self, sums: Float[np.ndarray, "M D"], counts: Float[np.ndarray, " M"]
    ) -> Float[np.ndarray, "M D"]:
        r"""The expected shifts of M classes, where so many rows of each have these sums of z.

        It is :math:`(T^{-1} + n I)^{-1} \sum z`: prediction and rows, weighed by their precisions.
        ``counts`` need not be whole.
        """
        weights = self.errors / (1 + counts[:, None] * self.errors)
        return (sums @ self.axes * weights) @ self.axes.T

    def cost(self, shifts: Float[np.ndarray, "M D"]) -> float:
        r"""Return :math:`\sum_c \delta_c^T T^{-1} \delta_c / 2`, in nats: how odd they are."""
        along = shifts @ self.axes
        known = self.errors > 0
        return float((along[:, known] ** 2 / self.errors[known]).sum() / 2)
