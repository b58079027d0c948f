"""Scores: classifiers, per-class accuracies, and the rules by which settings are chosen.

- ``classifier``: the linear softmax
- ``solvers``: how it is trained: in closed form, to its optimum, or as in the papers
- ``few_rows``: some rows that stand for all of a large class
- ``evaluation``: what a classifier says of the test rows, and the scores of that
- ``trade_off``: the curve of seen against unseen accuracy
- ``eszsl``: the bilinear baseline
- ``protocol``: what may be chosen on which rows; the methods, and ``run``, which compares them
- ``class_prior``: how far a class may lie from where its description puts it
- ``labelled_rows``: a few labelled rows of each unseen class, under their own name
- ``unlabelled_rows``: unlabelled rows of unseen classes, under their own name
"""

from __future__ import annotations

from . import labelled_rows, unlabelled_rows
from .classifier import SoftmaxClassifier
from .eszsl import eszsl_logits
from .evaluation import (
    GZSLScores,
    TestLogits,
    likelihood_logits,
    per_class_accuracy,
    softmax_logits,
)
from .protocol import Candidate, Choice, Outcome, run
from .trade_off import TradeOff, trade_off

__all__ = [
    "Candidate",
    "Choice",
    "GZSLScores",
    "Outcome",
    "SoftmaxClassifier",
    "TestLogits",
    "TradeOff",
    "eszsl_logits",
    "labelled_rows",
    "likelihood_logits",
    "per_class_accuracy",
    "run",
    "softmax_logits",
    "trade_off",
    "unlabelled_rows",
]
