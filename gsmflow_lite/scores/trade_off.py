"""scores.trade_off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluation import TestLogits


def trade_off(logits: TestLogits, most: int = 200) -> TradeOff:
    """Scores of a classifier at ``most`` calibrations, spread over the leads of its best seen over its best unseen class."""
    d = logits.dataset
    both = np.concatenate([logits.joint_seen, logits.joint_unseen])
    leads = both[:, d.seen_classes].max(1) - both[:, d.unseen_classes].max(1)
    inner = np.quantile(leads, np.linspace(0, 1, most))
    calibration = np.concatenate([[inner[0] - 1], inner, [inner[-1] + 1]])
    scores = [logits.scores(c) for c in calibration]
    return TradeOff(
        calibration, np.array([s.seen for s in scores]), np.array([s.unseen for s in scores])
    )


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Accuracies at every calibration: ``calibration``, ``seen`` and ``unseen``, (m,) each, the latter two in per cent.

    Calibration rises, and with it the unseen accuracy, while the seen one falls; the first point answers with seen classes
    only, the last with unseen ones only. ``area`` under the curve, 0 to 1: a score without any choice of calibration.
    Reference: Chao et al. (2016), sec. 4.
    """

    calibration: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray

    @property
    def area(self) -> float:
        """Under the curve of seen over unseen accuracy, 0 to 1."""
        return float(
            (np.diff(self.unseen) * (self.seen[1:] + self.seen[:-1])).sum() / 2e4
        )  # NumPy 1 has no trapezoid
