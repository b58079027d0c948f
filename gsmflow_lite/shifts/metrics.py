"""Numbers that compare two sets of features, or two sets of classes: pure functions of arrays.

Sets are (..., n, D) where a function says so: leading axes are worked through together. Which of them sees which generation
shift is measured by ``benchmarks/meters.py``.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..seeds import stream

NEIGHBOURS = 5  # of the neighbour-based metrics; more blur, fewer follow noise
PENALTY = 40.0  # of the two-sample tests' ridge regression: to its curvature what C = 0.1 is to that of logistic regression

# --- Variance --------------------------------------------------------------------------------------------------------


def spread_ratio(real: np.ndarray, synthesized: np.ndarray) -> float:
    r"""Total variance of synthesized features over that of real ones, both (rows, D) and of one class:

    .. math:: \mathrm{tr}\,\mathrm{cov}(G) / \mathrm{tr}\,\mathrm{cov}(R)

    1 is right, below 1 is variance collapse, above 1 too much spread. It is a ratio of squares: features shrunk to half
    their size have 0.25. Raises ``DataError`` with fewer than two rows, or where the real ones do not vary.

    >>> real = np.array([[-2.0, 0.0], [2.0, 0.0]])
    >>> spread_ratio(real, 0.5 * real)
    0.25
    """
    real, synthesized = _matrix(real), _matrix(synthesized)
    if min(len(real), len(synthesized)) < 2:
        raise DataError(
            f"a spread needs at least 2 rows, got {len(real)} real and {len(synthesized)} synthesized"
        )
    if (real == real[0]).all():
        raise DataError("the real features must vary to be compared with, but all rows are equal")
    return float(synthesized.var(0, ddof=1).sum() / real.var(0, ddof=1).sum())


def spectrum(features: np.ndarray) -> np.ndarray:
    """Eigenvalues of the covariance of features (..., n, D), descending: (..., D), none negative; n is at least 2."""
    values = np.zeros((*features.shape[:-2], features.shape[-1]))
    root = covariance_root(features)
    found = np.linalg.svd(root, compute_uv=False) ** 2
    values[..., : found.shape[-1]] = found
    return values


def covariance_root(features: np.ndarray) -> np.ndarray:
    r"""F (..., m, D) with :math:`F^T F = \mathrm{cov}`, m = min(n, D), of features (..., n, D)."""
    centred = features - features.mean(-2, keepdims=True)
    return np.linalg.qr(centred / np.sqrt(features.shape[-2] - 1), mode="r")


def effective_rank(eigenvalues: np.ndarray) -> np.ndarray:
    r"""How many directions the variance spreads over, 1 to D, from eigenvalues (..., D); 0 where there is no variance.

    .. math:: \exp\Big(-\sum_i p_i \log p_i\Big), \qquad p_i = \lambda_i / \textstyle\sum_j \lambda_j

    Roy & Vetterli (2007), *The effective rank*.

    >>> round(float(effective_rank(np.array([1.0, 1.0, 0.0]))), 6)
    2.0
    """
    total = eigenvalues.sum(-1, keepdims=True)
    shares = eigenvalues / np.where(total > 0, total, 1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), 0.0)


def log_volume(features: np.ndarray) -> np.ndarray:
    r"""Log-volume of features (..., n, D) per dimension, in nats: (...,).

    .. math:: \frac{1}{2D} \log\det\big((1 - \rho)\, S + \rho\, \tfrac{\mathrm{tr} S}{D} I\big)

    S is the covariance with divisor n and :math:`\rho` the shrinkage of Ledoit & Wolf (2004), so that it exists with fewer
    rows than dimensions. Minus infinity where nothing can be said: all rows are equal, or,
    in more than one dimension, there are only two.
    """
    n, width = features.shape[-2:]
    centred = features - features.mean(-2, keepdims=True)
    eigenvalues = spectrum(features) * (n - 1) / n
    mean = eigenvalues.mean(-1)
    fourth = (np.square(centred).sum(-1) ** 2).mean(-1)  # mean of |x|^4
    squares = np.square(eigenvalues).sum(-1)
    distance = squares / width - mean**2  # of S from a multiple of the identity
    noise = (fourth - squares) / (n * width)
    known = noise > 1e-12 * squares  # less is rounding
    shrinkage = np.where(known, np.minimum(noise / np.where(distance > 0, distance, np.inf), 1), 0)
    shrunk = (1 - shrinkage)[..., None] * eigenvalues + (shrinkage * mean)[..., None]
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(shrunk).mean(-1)


def neighbourhood(
    real: np.ndarray, synthesized: np.ndarray, neighbours: int = NEIGHBOURS
) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    Of two sets, ``real`` (n, D) and ``synthesized`` (m, D). A set's manifold is the union of balls around its rows that reach
    to their ``neighbours``-th nearest row. ``precision``: share of synthesized rows within the real manifold; ``recall``:
    share of real rows within the synthesized one; ``density``: how many real balls hold a synthesized row, over
    ``neighbours``; ``coverage``: share of real balls that hold one. Raises ``DataError`` where a set has not more rows than
    ``neighbours``.
    """
    if min(len(real), len(synthesized)) <= neighbours:
        raise DataError(
            f"{neighbours} neighbours need more than {neighbours} rows, got {len(real)} real and {len(synthesized)} synthesized"
        )
    within_real, within_made = distances(real, real), distances(synthesized, synthesized)
    across = distances(real, synthesized)  # (n, m)
    return _manifolds(
        _radius(within_real, neighbours), _radius(within_made, neighbours), across, neighbours
    )


def recall(within_made: np.ndarray, across: np.ndarray, neighbours: int = NEIGHBOURS) -> float:
    """The recall of :func:`neighbourhood` from distances ``within_made`` (m, m) and ``across``, real to synthesized, (n, m)."""
    return float((across < _radius(within_made, neighbours)).any(1).mean())


def _manifolds(
    of_real: np.ndarray, of_made: np.ndarray, across: np.ndarray, neighbours: int
) -> dict[str, float]:
    held = across < of_real[:, None]
    return {
        "precision": float(held.any(0).mean()),
        "recall": float((across < of_made).any(1).mean()),
        "density": float(held.sum(0).mean() / neighbours),
        "coverage": float((across.min(1) < of_real).mean()),
    }


def _radius(within: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each row to its ``neighbours``-th nearest other row."""
    return np.partition(within, neighbours, axis=1)[:, neighbours]  # place 0 is the row itself


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances between rows a (n, D) and b (m, D): (n, m); a row is at exactly 0 from itself."""
    from scipy.spatial.distance import cdist

    return cdist(a, b)


# --- Structure -------------------------------------------------------------------------------------------------------


def class_distances(means: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
    r"""Squared distances between class means (..., U, D): (..., U, U), zero on the diagonal.

    ``noise`` (..., U) is the expected squared error of each mean, :math:`\mathrm{tr}\,\mathrm{cov} / n`. It is taken off, for
    a distance between noisy means is too large; what is left can be negative, and its expectation is right.
    """
    squares = np.square(means).sum(-1)
    gram = means @ np.swapaxes(means, -1, -2)
    squares = squares - np.broadcast_to(noise, squares.shape)
    found = squares[..., :, None] + squares[..., None, :] - 2 * gram
    found[..., np.eye(means.shape[-2], dtype=bool)] = 0
    return found


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Spearman's (1904) correlation of a and b (..., P) along the last axis, ties at their mean rank: (...,).

    0 where one is constant.

    >>> float(rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 15])))
    0.5
    """
    from scipy.stats import rankdata

    ranks = [rankdata(x, axis=-1) for x in np.broadcast_arrays(a, b)]
    centred = [r - r.mean(-1, keepdims=True) for r in ranks]
    norm = np.sqrt(np.square(centred[0]).sum(-1) * np.square(centred[1]).sum(-1))
    return (centred[0] * centred[1]).sum(-1) / np.where(norm > 0, norm, 1)


def pairs(matrix: np.ndarray) -> np.ndarray:
    """What stands above the diagonal of a ``matrix`` (..., U, U), row by row: (..., U (U - 1) / 2)."""
    return matrix[(..., *np.triu_indices(matrix.shape[-1], 1))]


def mantel(
    a: np.ndarray, b: np.ndarray, *, permutations: int = 999, seed: int = 0
) -> tuple[float, float, np.ndarray]:
    """Rank correlation of distance matrices a and b (U, U), its p-value, and the correlations (permutations,) under chance.

    The classes of ``a`` are permuted; p is the share of permutations, the one found included, that correlate at least as
    much (one-sided). Mantel (1967). With few classes it cannot be small: 3 classes have 6 permutations.
    """
    found = float(rank_correlation(pairs(a), pairs(b)))
    rng = stream(seed, "permuted classes")
    orders = rng.permuted(np.tile(np.arange(len(a)), (permutations, 1)), axis=1)
    chance = rank_correlation(pairs(a[orders[:, :, None], orders[:, None, :]]), pairs(b))
    p = (1 + (chance >= found - 1e-12).sum()) / (1 + permutations)
    return found, float(p), chance


def procrustes(real: np.ndarray, synthesized: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Disparity and scale of class means, ``real`` and ``synthesized`` (..., U, D), after the best rotation and reflection.

    Both are centred and brought to unit norm; with the singular values :math:`\sigma` of the product of the two, the
    disparity is :math:`1 - (\sum \sigma)^2`, 0 for the same shape and 1 for none of it. The ``scale`` that was taken out is
    the norm of the synthesized means over that of the real ones. 1 and 0 where the synthesized means coincide; 1 and infinity
    where the real ones do. Each is (...,). Gower (1975), *Generalized Procrustes analysis*.

    >>> triangle = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> disparity, scale = procrustes(triangle, 3 * triangle[:, ::-1])  # mirrored and three times as large
    >>> abs(round(float(disparity), 6)), round(float(scale), 6)
    (0.0, 3.0)
    """
    centred = [x - x.mean(-2, keepdims=True) for x in (real, synthesized)]
    norms = [np.sqrt(np.square(x).sum((-1, -2))) for x in centred]
    unit = [x / np.where(n > 0, n, 1)[..., None, None] for x, n in zip(centred, norms, strict=True)]
    # Singular values of R^T G (D, D) are those of the small square roots' product: U is mostly much less than D.
    roots = [np.linalg.qr(np.swapaxes(x, -1, -2), mode="r") for x in unit]  # (..., m, U)
    total = np.linalg.svd(roots[0] @ np.swapaxes(roots[1], -1, -2), compute_uv=False).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(norms[1] > 0, norms[1] / norms[0], 0.0)
    return 1 - np.minimum(total, 1) ** 2, scale


def order_kept(real: np.ndarray, synthesized: np.ndarray) -> np.ndarray:
    """For each class, the share of pairs of other classes whose order by distance from it is the same in both.

    Distance matrices ``real`` and ``synthesized`` (..., U, U) of at least 3 classes -> (..., U), 0 to 1; about 0.5 by chance,
    ties count half.
    """
    count = real.shape[-1]
    signs = [
        np.sign(d[..., :, :, None] - d[..., :, None, :]) for d in (real, synthesized)
    ]  # (..., c, i, j)
    c, i, j = np.ogrid[:count, :count, :count]
    valid = (i < j) & (c != i) & (c != j)
    kept = np.where(signs[0] * signs[1] == 0, 0.5, signs[0] == signs[1])
    return (kept * valid).sum((-1, -2)) / valid.sum((-1, -2))


# --- Overall ---------------------------------------------------------------------------------------------------------


def frechet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    r"""Squared Fréchet (2-Wasserstein) distance of the Gaussians fitted to a (..., n, D) and b (..., m, D): (...,).

    .. math:: |\mu_a - \mu_b|^2 + \mathrm{tr}\big(\Sigma_a + \Sigma_b - 2 (\Sigma_a^{1/2} \Sigma_b \Sigma_a^{1/2})^{1/2}\big)

    In squared units of the features. With the square roots :math:`F^T F = \Sigma` the last trace is the sum of the singular
    values of :math:`F_a F_b^T`, which needs neither full rank nor a matrix root. Dowson & Landau (1982).
    """
    roots = covariance_root(a), covariance_root(b)
    cross = np.linalg.svd(roots[0] @ np.swapaxes(roots[1], -1, -2), compute_uv=False).sum(-1)
    spread = sum(np.square(root).sum((-1, -2)) for root in roots)
    return np.maximum(np.square(a.mean(-2) - b.mean(-2)).sum(-1) + spread - 2 * cross, 0)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: np.ndarray) -> np.ndarray:
    r"""Sliced 2-Wasserstein distance of equally many rows, a and b (..., n, D), in units of the features: (...,).

    .. math:: \Big(\frac1L \sum_{l} \frac1n \sum_i \big(a^{(l)}_{(i)} - b^{(l)}_{(i)}\big)^2\Big)^{1/2}

    with both sets sorted along each of the unit ``directions`` (D, L). Bonneel et al. (2015).
    """
    sorted_a, sorted_b = (np.sort(x @ directions, axis=-2) for x in (a, b))
    return np.sqrt(np.square(sorted_a - sorted_b).mean((-1, -2)))


def unit_directions(width: int, count: int, seed: int = 0) -> np.ndarray:
    """Random directions (width, count) of length 1."""
    drawn = stream(seed, "directions").standard_normal((width, count))
    return drawn / np.linalg.norm(drawn, axis=0)


def mmd(a: np.ndarray, b: np.ndarray) -> float:
    r"""Squared maximum mean discrepancy of a (n, D) and b (m, D), unbiased, with the kernel :math:`e^{-d^2 / (2 h^2)}`.

    h is the median distance between all rows. It is 0 on average for equal distributions, and may be negative.
    Gretton et al. (2012), eq. 3. Raises ``DataError`` with fewer than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise DataError(
            f"a discrepancy needs at least 2 rows of each set, got {len(a)} and {len(b)}"
        )
    aa, bb, ab = distances(a, a), distances(b, b), distances(a, b)
    width = np.median(np.concatenate([pairs(aa), pairs(bb), ab.ravel()])) or 1.0
    kernel = [np.exp(-(d**2) / (2 * width**2)) for d in (aa, bb, ab)]
    within = [(k.sum() - len(k)) / (len(k) * (len(k) - 1)) for k in kernel[:2]]
    return float(sum(within) - 2 * kernel[2].mean())


def two_sample_scores(
    a: np.ndarray, b: np.ndarray, classifier: str, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """How much each row of a (..., n, D) and b (..., m, D) looks like one of ``b`` to a classifier that was trained on the
    other half of the rows: (..., n) and (..., m).

    Classifiers of different kind: ``linear`` ridge regression on which of the two a row is of, ``quadratic`` the same on
    features and their squares (it sees spread), ``neighbours`` by the 5 nearest rows (it sees only what changes who is near
    whom). Lopez-Paz & Oquab (2017), *Revisiting classifier two-sample tests*. Raises ``DataError`` for another ``classifier``.
    """
    if classifier not in TWO_SAMPLE_TESTS:
        raise DataError(
            f"classifier must be one of {', '.join(TWO_SAMPLE_TESTS)}, got {classifier!r}"
        )
    rng = stream(seed, "halves of a two-sample test")
    sets = a, b
    parts = [np.array_split(rng.permutation(x.shape[-2]), 2) for x in sets]
    found = [np.empty(x.shape[:-1]) for x in sets]
    for fold in (0, 1):
        known = np.concatenate(
            [x[..., own[1 - fold], :] for x, own in zip(sets, parts, strict=True)], axis=-2
        )
        of_b = np.repeat([0.0, 1.0], [len(own[1 - fold]) for own in parts])
        for x, own, scores in zip(sets, parts, found, strict=True):
            scores[..., own[fold]] = TWO_SAMPLE_TESTS[classifier](known, of_b, x[..., own[fold], :])
    return found[0], found[1]


def _linear(
    known: np.ndarray, of_b: np.ndarray, asked: np.ndarray, *, squares: bool = False
) -> np.ndarray:
    """Ridge regression of ``of_b`` (t,) on standardised rows (..., t, D), for rows (..., s, D), by their products: (..., s)."""
    centre, scale = known.mean(-2, keepdims=True), known.std(-2, keepdims=True)
    scale[scale <= 1e-9 * np.abs(known).max()] = 1  # columns that do not vary, but for rounding
    known, asked = ((x - centre) / scale for x in (known, asked))
    if squares:
        known, asked = (np.concatenate([x, x**2], -1) for x in (known, asked))
    middle = known.mean(-2, keepdims=True)
    known, asked = known - middle, asked - middle
    products = known @ np.swapaxes(known, -1, -2) + PENALTY * np.eye(len(of_b))
    pull = np.broadcast_to((of_b - of_b.mean())[:, None], (*products.shape[:-1], 1))
    return (asked @ (np.swapaxes(known, -1, -2) @ np.linalg.solve(products, pull)))[..., 0]


def _quadratic(known: np.ndarray, of_b: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return _linear(known, of_b, asked, squares=True)


def _neighbours(known: np.ndarray, of_b: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The share of ``b`` among the nearest of ``known`` (..., t, D) to each of ``asked`` (..., s, D): (..., s)."""
    products = asked @ np.swapaxes(known, -1, -2)
    far = (
        np.square(known).sum(-1)[..., None, :] - 2 * products
    )  # squared, but for what is the same for all of ``known``
    nearest = np.argpartition(far, min(NEIGHBOURS, len(of_b)) - 1, axis=-1)[..., :NEIGHBOURS]
    return of_b[nearest].mean(-1)


TWO_SAMPLE_TESTS = {"linear": _linear, "quadratic": _quadratic, "neighbours": _neighbours}


def auc(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
    """Chance that a score ``of_b`` (..., m) exceeds one ``of_a`` (..., n), ties half: 0.5 cannot be told apart, 1 always."""
    from scipy.stats import rankdata

    n, m = of_a.shape[-1], of_b.shape[-1]
    ranks = rankdata(np.concatenate([of_a, of_b], -1), axis=-1)
    return (ranks[..., n:].sum(-1) - m * (m + 1) / 2) / (n * m)


def _matrix(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise DataError(f"features must be a matrix (rows, columns), got shape {features.shape}")
    if not np.isfinite(features).all():
        raise DataError(
            f"features must be finite, got {(~np.isfinite(features)).sum()} values that are not: remove those rows"
        )
    return features
