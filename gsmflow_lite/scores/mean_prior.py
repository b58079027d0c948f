"""Where the mean of a class may lie: the predicted mean, and how far predictions miss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from ..datasets.base import GZSLDataset
from ..generators.base import Generator, ask
from ..generators.ridge_gaussian import RidgeGaussian
from ..method.start import GaussianStart, ridge_errors

SYNTHESIZED = 400  # features of a class whose mean is that of a generator's class


@dataclass(frozen=True, eq=False)
class MeanPrior:
    r"""The means of M classes, before any row of them is known, and what rows say of them.

    .. math:: x \mid \mu_c \sim N(\mu_c, \Sigma), \qquad \mu_c \sim N(m_c, T)

    ``means`` m are predicted. Sigma is the covariance within seen classes. T is that of the errors
    of ridge regression for left-out seen classes, shrunk as Ledoit and Wolf (2004) do. ``axes`` B
    bring both to a simple form: B^T Sigma B = 1, and B^T T B is diagonal with the values ``errors``.
    So an error of 4 is twice the width of a class, and such a prediction is worth 1/4 row.

    Reference: Verma and Rai (2017), "A Simple Exponential Family Framework for Zero-Shot Learning".
    """

    means: Float[np.ndarray, "M D"]
    axes: Float[np.ndarray, "D D"]
    back: Float[np.ndarray, "D D"]
    errors: Float[np.ndarray, " D"]

    @classmethod
    def fit(
        cls,
        dataset: GZSLDataset,
        generator: Generator,
        classes: Int[np.ndarray, " M"],
        *,
        seed: int = 0,
    ) -> MeanPrior:
        """Take the means from a generator, and the rest from the training rows.

        The errors are those of ridge regression for a flow as well: its own would take a training
        for each class that is left out.
        """
        from sklearn.covariance import LedoitWolf  # slow to import

        start = GaussianStart.fit(dataset)
        unroot = start.unroot.double().numpy()
        missed = ridge_errors(dataset) @ unroot.T
        spread = LedoitWolf(assume_centered=True).fit(missed).covariance_
        errors, turn = np.linalg.eigh(spread)
        means = predicted_means(generator, dataset.attributes[classes], seed=seed)
        back = turn.T @ start.root.double().numpy().T
        return cls(means, unroot.T @ turn, back, errors.clip(0))

    def shifts(
        self, row_means: Float[np.ndarray, "M D"], counts: Float[np.ndarray, " M"]
    ) -> Float[np.ndarray, "M D"]:
        """By how much the expected mean moves from the predicted one, with so many rows.

        The expected mean is that of prediction and rows, weighed by their precisions. ``counts``
        need not be whole; a class with a count of 0 stays where it is.
        """
        off = (row_means - self.means) @ self.axes
        trust = counts[:, None] * self.errors
        shifts = (off * (trust / (1 + trust))) @ self.back
        return np.where(counts[:, None] > 0, shifts, 0.0)

    def surprise(self, shifts: Float[np.ndarray, "M D"]) -> float:
        """Half of the squared length of all shifts, in units of the errors: - log p + constant."""
        moved = shifts @ self.axes
        known = self.errors > 0
        return float((moved[:, known] ** 2 / self.errors[known]).sum() / 2)


def predicted_means(
    generator: Generator, attributes: Float[np.ndarray, "M A"], *, seed: int = 0
) -> Float[np.ndarray, "M D"]:
    """Where a generator puts classes: exactly for the ridge-Gaussian, else by what it synthesizes."""
    if isinstance(generator, RidgeGaussian):
        rows = torch.from_numpy(attributes).to(generator.start.root)
        return generator.start.means(rows).double().cpu().numpy()
    synthesized = ask(generator, attributes, SYNTHESIZED, seed=seed)
    return synthesized.double().mean(1).cpu().numpy()
