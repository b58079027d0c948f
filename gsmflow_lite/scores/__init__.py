"""Scores: classifiers, per-class accuracies, and the protocol by which they are chosen and reported."""

from __future__ import annotations

from .classifier import SoftmaxClassifier
from .evaluation import GZSLScores, TestLogits, softmax_logits
from .protocol import run
from .trade_off import TradeOff, trade_off

__all__ = [
    "GZSLScores",
    "SoftmaxClassifier",
    "TestLogits",
    "TradeOff",
    "run",
    "softmax_logits",
    "trade_off",
]
