"""The curve of seen against unseen accuracy: what a classifier can do at every calibration.

A calibration favours the unseen classes over the seen ones. The area under the curve is a score
that needs no choice of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .evaluation import TestLogits


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Accuracies in per cent at every calibration, from the smallest calibration to the largest.

    As ``calibration`` rises, the ``unseen`` accuracy rises and the ``seen`` one falls. At the first
    point every answer is a seen class, at the last point every answer is an unseen one.
    Reference: Chao et al. (2016), sec. 4.
    """

    calibration: Float[np.ndarray, " m"]
    seen: Float[np.ndarray, " m"]
    unseen: Float[np.ndarray, " m"]

    @property
    def area(self) -> float:
        """The area under the curve of seen over unseen accuracy, from 0 to 1.

        It is a score that needs no calibration.
        """
        steps = np.diff(self.unseen)
        heights = self.seen[1:] + self.seen[:-1]  # twice the mean: NumPy 1 has no trapezoid
        return float((steps * heights).sum() / (2 * 100**2))


def trade_off(logits: TestLogits, most: int = 200) -> TradeOff:
    """Accuracies at ``most`` calibrations, which are quantiles of the leads, and beyond both ends.

    A lead is by how much a row's best seen class is ahead of its best unseen class.
    """
    quantiles = np.quantile(logits.leads, np.linspace(0, 1, most))
    calibration = np.concatenate([[quantiles[0] - 1], quantiles, [quantiles[-1] + 1]])
    return TradeOff(calibration, *logits.accuracies(calibration))
