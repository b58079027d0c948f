"""How much descriptions say of where classes lie, against descriptions of the wrong classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..seeds import stream
from .base import GZSLDataset
from .statistics import class_means

FEWEST_TO_TELL = 10  # seen ones; fewer cannot tell good descriptions from shuffled ones
SHUFFLES = 200
CHANCE = 0.99  # of the shuffles stay below what counts as chance
#: Strengths of the ridge, in units of the mean squared distance of descriptions from their mean.
STRENGTHS = tuple(10.0 ** (power / 2) for power in range(-6, 5))


@dataclass(frozen=True)
class Explained:
    """The ``share`` of the variance between seen classes that their descriptions explain.

    ``chance`` is what 99 in 100 shuffles of the descriptions stay below, and ``p`` the part of the
    shuffles, and of the true order, that reach the share.
    """

    share: float
    chance: float
    p: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the descriptions explain more than shuffled ones do."""
        return self.p <= 1 - CHANCE + 1e-9


def explained_share(
    dataset: GZSLDataset,
    *,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Explained | None:
    """Measure how well the means of seen classes are predicted from their descriptions alone.

    Each class in turn is left out, its mean feature is predicted by a ridge regression on the
    others, and the squared error is compared with that of the mean of the others. The strength of
    the ridge is the one with the least error, for the true order and for each shuffle alike. Only
    training rows are read, once. Returns None where there are fewer than 10 seen classes, or where
    their means or their descriptions do not differ.

    The leave-one-out error is in closed form: Allen (1974), "The Relationship between Variable
    Selection and Data Augmentation and a Method for Prediction".
    """
    seen = dataset.seen_classes
    if len(seen) < FEWEST_TO_TELL:
        return None
    means = class_means(dataset, seen, dataset.train).astype(np.float64)
    products = _centred_products(means)
    likeness = _centred_products(dataset.attributes[seen].astype(np.float64))
    if not np.trace(products) > 0 or not np.trace(likeness) > 0:
        return None

    weights = _error_weights(likeness)
    share = _share(weights, products)
    rng = stream(seed, "shuffled descriptions")
    shuffled = np.array([_share(weights, _in_order(products, rng)) for _ in range(shuffles)])
    p = (1 + int((shuffled >= share).sum())) / (1 + shuffles)
    return Explained(share, float(np.quantile(shuffled, CHANCE)), p)


def order_note(dataset: GZSLDataset) -> str:
    """Return a sentence if the descriptions explain no more than shuffled ones, or empty text."""
    found = explained_share(dataset)
    if found is None or found.beyond_chance:
        return ""
    return (
        "descriptions explain nothing of where classes lie beyond chance "
        f"({max(found.share, 0):.1%} of the variance between seen classes, shuffled ones up to "
        f"{max(found.chance, 0):.1%}): are the classes of the features and of the "
        "descriptions in the same order?"
    )


def _centred_products(rows: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S S"]:
    """Return the inner products of rows, less their mean and brought to a size of about 1."""
    centred = rows - rows.mean(0)
    largest = np.abs(centred).max()
    centred = centred / (largest if largest > 0 else 1)
    return centred @ centred.T


def _error_weights(likeness: Float[np.ndarray, "S S"]) -> list[Float[np.ndarray, "S S"]]:
    """Return W for each strength, such that the sum of W * products is the squared error.

    The error of a class that is left out is that of the fit with it, over one less its leverage.
    """
    count = len(likeness)
    unit = np.trace(likeness) / count
    result = []
    for strength in STRENGTHS:
        ridge = likeness + strength * unit * np.eye(count)
        hat = np.linalg.solve(ridge, likeness) + 1 / count  # it commutes, so this is symmetric
        left_out = (np.eye(count) - hat) / (1 - np.diag(hat))[:, None]
        result.append(left_out.T @ left_out)
    return result


def _share(
    weights: list[Float[np.ndarray, "S S"]],
    products: Float[np.ndarray, "S S"],
) -> float:
    count = len(products)
    without = np.trace(products) * (count / (count - 1)) ** 2  # the error of the others' mean
    least = min(float(np.vdot(weight, products)) for weight in weights)
    return float(1 - least / without)


def _in_order(
    products: Float[np.ndarray, "S S"], rng: np.random.Generator
) -> Float[np.ndarray, "S S"]:
    order = rng.permutation(len(products))
    return products[np.ix_(order, order)]
