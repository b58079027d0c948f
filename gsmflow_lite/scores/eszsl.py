"""ESZSL, the bilinear baseline: it scores features against attributes, in closed form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ..datasets.base import GZSLDataset
from ..datasets.on_disk import in_chunks
from ..errors import DataError
from .evaluation import TestLogits


def eszsl_logits(
    dataset: GZSLDataset, feature_penalty: float, attribute_penalty: float
) -> TestLogits:
    r"""Scores :math:`x^T V a` of the test rows, with

    .. math:: V = (X^T X + \gamma I)^{-1} X^T Y S (S^T S + \lambda I)^{-1}

    X (n, D) are the training features, Y (n, S) is 1 for the class of a row and -1 for the others,
    S (S, A) are the attributes of the seen classes. The penalties :math:`\gamma` and
    :math:`\lambda` are relative to the mean eigenvalue of what they are added to.
    Raises ``DataError`` for features that are all zero.
    Reference: Romera-Paredes & Torr (2015), eq. 4.
    """
    features, targets = _products(dataset)
    if not np.trace(features):
        raise DataError(
            "features must vary, but all of the training rows are zero: "
            "did the extractor give anything? Extract them again"
        )
    diagonal = np.diag_indices_from(features)
    features[diagonal] += feature_penalty * np.trace(features) / len(features)

    seen = dataset.attributes[dataset.seen_classes].astype(np.float64)
    all_classes = dataset.attributes.T.astype(np.float64)
    likeness = _ridge_kernel(seen, attribute_penalty) @ all_classes
    v_a = np.linalg.solve(features, targets @ likeness).astype(np.float32)

    of_seen = dataset.features[dataset.test_seen] @ v_a
    of_unseen = dataset.features[dataset.test_unseen] @ v_a
    return TestLogits(dataset, of_seen, of_unseen, of_unseen[:, dataset.unseen_classes])


def _products(
    dataset: GZSLDataset,
) -> tuple[Float64[np.ndarray, "D D"], Float64[np.ndarray, "D S"]]:
    """:math:`X^T X` and :math:`X^T Y`, from some rows at a time."""
    width = dataset.features.shape[1]
    features = np.zeros((width, width))
    targets = np.zeros((width, len(dataset.seen_classes)))
    labels = dataset.labels[dataset.train]
    for places, rows in in_chunks(dataset.features, dataset.train):
        x = rows.astype(np.float64)
        y = np.where(labels[places][:, None] == dataset.seen_classes, 1.0, -1.0)
        features += x.T @ x
        targets += x.T @ y
    return features, targets


def _ridge_kernel(s: Float64[np.ndarray, "S A"], penalty: float) -> Float64[np.ndarray, "S A"]:
    r""":math:`S (S^T S + \lambda I)^{-1} = (S S^T + \lambda I)^{-1} S`.

    The smaller of the two inverses is used.
    """
    classes, attributes = s.shape
    wide = classes < attributes
    gram = s @ s.T if wide else s.T @ s
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / attributes
    return np.linalg.solve(gram, s) if wide else np.linalg.solve(gram, s.T).T
