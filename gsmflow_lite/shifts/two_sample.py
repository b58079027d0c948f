"""Two-sample tests: can a classifier tell the rows of two sets apart?

Three classifiers see different things; :data:`TWO_SAMPLE_TESTS` holds them by name.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..seeds import stream
from .metrics import NEIGHBOURS, transposed

# Of the ridge regression. It weighs against the curvature of ridge regression as C = 0.1 weighs
# against that of logistic regression.
PENALTY = 40.0


def two_sample_scores(
    a: Float[np.ndarray, "... N D"],
    b: Float[np.ndarray, "... M D"],
    classifier: str,
    *,
    seed: int = 0,
) -> tuple[Float[np.ndarray, "... N"], Float[np.ndarray, "... M"]]:
    """Return how much each row of ``a`` and of ``b`` looks like a row of ``b`` to a classifier.

    Each row is judged by a classifier that was trained on the other half of the rows.

    ============== =================================================================================
    ``linear``     ridge regression on which of the two sets a row is from
    ``quadratic``  the same on features and their squares; it sees a difference of spread
    ``neighbours`` the 5 nearest rows; it sees only what changes which rows are near each other
    ============== =================================================================================

    Lopez-Paz & Oquab (2017), *Revisiting classifier two-sample tests*. Raises ``DataError`` for
    another ``classifier``.
    """
    if classifier not in TWO_SAMPLE_TESTS:
        raise DataError(
            f"classifier must be one of {', '.join(TWO_SAMPLE_TESTS)}, got {classifier!r}"
        )

    rng = stream(seed, "halves of a two-sample test")
    halves_a = np.array_split(rng.permutation(a.shape[-2]), 2)
    halves_b = np.array_split(rng.permutation(b.shape[-2]), 2)
    scores_a = np.empty(a.shape[:-1])
    scores_b = np.empty(b.shape[:-1])

    score = TWO_SAMPLE_TESTS[classifier]
    for half, other in ((0, 1), (1, 0)):
        rows, is_b = _training_set(a[..., halves_a[other], :], b[..., halves_b[other], :])
        scores_a[..., halves_a[half]] = score(rows, is_b, a[..., halves_a[half], :])
        scores_b[..., halves_b[half]] = score(rows, is_b, b[..., halves_b[half], :])
    return scores_a, scores_b


def _training_set(
    a: Float[np.ndarray, "... N D"],
    b: Float[np.ndarray, "... M D"],
) -> tuple[Float[np.ndarray, "... T D"], Float[np.ndarray, " T"]]:
    """Return all T = N + M rows, and whether each is one of ``b`` (1) or of ``a`` (0)."""
    is_b = np.repeat([0.0, 1.0], [a.shape[-2], b.shape[-2]])
    return np.concatenate([a, b], axis=-2), is_b


def linear_scores(
    rows: Float[np.ndarray, "... T D"],
    is_b: Float[np.ndarray, " T"],
    queries: Float[np.ndarray, "... Q D"],
) -> Float[np.ndarray, "... Q"]:
    """Return what ridge regression of ``is_b`` on standardised ``rows`` predicts for ``queries``.

    The mean of ``is_b`` is not added.
    """
    return _ridge_scores(*_standardised(rows, queries), is_b)


def quadratic_scores(
    rows: Float[np.ndarray, "... T D"],
    is_b: Float[np.ndarray, " T"],
    queries: Float[np.ndarray, "... Q D"],
) -> Float[np.ndarray, "... Q"]:
    """Return the same as :func:`linear_scores`, from standardised features and their squares."""
    rows, queries = _standardised(rows, queries)
    rows = np.concatenate([rows, rows**2], -1)
    queries = np.concatenate([queries, queries**2], -1)
    return _ridge_scores(rows, queries, is_b)


def neighbour_scores(
    rows: Float[np.ndarray, "... T D"],
    is_b: Float[np.ndarray, " T"],
    queries: Float[np.ndarray, "... Q D"],
) -> Float[np.ndarray, "... Q"]:
    """Return the share of ``b`` among the ``rows`` that are nearest to each query."""
    products = queries @ transposed(rows)
    # Squared distances without the square of the query, which is the same for all rows.
    apart = np.square(rows).sum(-1)[..., None, :] - 2 * products
    last = min(NEIGHBOURS, len(is_b)) - 1
    nearest = np.argpartition(apart, last, axis=-1)[..., :NEIGHBOURS]
    return is_b[nearest].mean(-1)


TWO_SAMPLE_TESTS = {
    "linear": linear_scores,
    "quadratic": quadratic_scores,
    "neighbours": neighbour_scores,
}


def _standardised(
    rows: Float[np.ndarray, "... T D"],
    queries: Float[np.ndarray, "... Q D"],
) -> tuple[Float[np.ndarray, "... T D"], Float[np.ndarray, "... Q D"]]:
    """Return both in units of the spread of ``rows``, from their mean."""
    centre = rows.mean(-2, keepdims=True)
    scale = rows.std(-2, keepdims=True)
    rounding = 1e-9 * np.abs(rows).max()
    scale[scale <= rounding] = 1
    return (rows - centre) / scale, (queries - centre) / scale


def _ridge_scores(
    rows: Float[np.ndarray, "... T F"],
    queries: Float[np.ndarray, "... Q F"],
    is_b: Float[np.ndarray, " T"],
) -> Float[np.ndarray, "... Q"]:
    """Solve ridge regression by the (T, T) products of rows, because T is mostly less than F."""
    centre = rows.mean(-2, keepdims=True)
    rows = rows - centre
    queries = queries - centre
    columns = transposed(rows)

    products = rows @ columns + PENALTY * np.eye(len(is_b))
    target = (is_b - is_b.mean())[:, None]
    target = np.broadcast_to(target, (*products.shape[:-1], 1))
    weights = columns @ np.linalg.solve(products, target)
    return (queries @ weights)[..., 0]


def auc(
    scores_a: Float[np.ndarray, "... N"],
    scores_b: Float[np.ndarray, "... M"],
) -> Float[np.ndarray, ...]:
    """Return the chance that a score of ``b`` exceeds one of ``a``; ties count half.

    0.5 means that the two cannot be told apart, 1 that they always can.
    """
    from scipy.stats import rankdata

    n = scores_a.shape[-1]
    m = scores_b.shape[-1]
    ranks = rankdata(np.concatenate([scores_a, scores_b], -1), axis=-1)
    return (ranks[..., n:].sum(-1) - m * (m + 1) / 2) / (n * m)
