"""The formulas of the metrics: numbers that compare two sets of features, or two sets of classes.

Every function here is pure: it takes arrays and gives numbers. Where a shape begins with ``...``,
leading axes are handled together, as in a loop over them. ``benchmarks/meters.py`` measures which
of these numbers sees which generation shift.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from ..arguments import whole
from ..errors import DataError
from ..seeds import stream

# How many neighbours the neighbour-based metrics look at. More of them blur, fewer follow noise.
NEIGHBOURS = 5

# --- Variance -------------------------------------------------------------------------------------


def spread_ratio(real: Float[np.ndarray, "N D"], synthesized: Float[np.ndarray, "M D"]) -> float:
    r"""Return the total variance of synthesized features over that of real ones of the same class.

    .. math:: \mathrm{tr}\,\mathrm{cov}(G) / \mathrm{tr}\,\mathrm{cov}(R)

    1 is right, below 1 is variance collapse, above 1 is too much spread. It is a ratio of squares:
    features that shrank to half their size have 0.25. Raises ``DataError`` with fewer than two
    rows, or where the real features do not vary.

    >>> real = np.array([[-2.0, 0.0], [2.0, 0.0]])
    >>> spread_ratio(real, 0.5 * real)
    0.25
    """
    real = _matrix(real)
    synthesized = _matrix(synthesized)

    if min(len(real), len(synthesized)) < 2:
        raise DataError(
            f"a spread needs at least 2 rows, got {len(real)} real "
            f"and {len(synthesized)} synthesized"
        )
    if (real == real[0]).all():
        raise DataError("the real features must vary to be compared with, but all rows are equal")

    return float(synthesized.var(0, ddof=1).sum() / real.var(0, ddof=1).sum())


def spectrum(features: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, "... D"]:
    """Return the eigenvalues of the covariance of at least 2 rows, descending, none negative."""
    singular = np.linalg.svd(covariance_root(features), compute_uv=False)
    eigenvalues = np.zeros((*features.shape[:-2], features.shape[-1]))
    eigenvalues[..., : singular.shape[-1]] = singular**2
    return eigenvalues


def covariance_root(features: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, "... m D"]:
    r"""Return F with :math:`F^T F = \mathrm{cov}`; it has m = min(N, D) rows."""
    return _triangle(_centred(features) / np.sqrt(features.shape[-2] - 1))


def effective_rank(eigenvalues: Float[np.ndarray, "... D"]) -> Float[np.ndarray, ...]:
    r"""Return how many directions the variance spreads over, 1 to D; 0 where nothing varies.

    .. math::
        \exp\Big(-\sum_i p_i \log p_i\Big), \qquad p_i = \lambda_i / \textstyle\sum_j \lambda_j

    Roy & Vetterli (2007), *The effective rank*.

    >>> round(float(effective_rank(np.array([1.0, 1.0, 0.0]))), 6)
    2.0
    """
    total = eigenvalues.sum(-1, keepdims=True)
    shares = eigenvalues / np.where(total > 0, total, 1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), 0.0)


def log_volume(features: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, ...]:
    r"""Return the log-volume of features per dimension, in nats.

    .. math:: \frac{1}{2D} \log\det\big((1 - \rho)\, S + \rho\, \tfrac{\mathrm{tr} S}{D} I\big)

    S is the covariance with divisor N. :math:`\rho` is the shrinkage of Ledoit & Wolf (2004); with
    it the logarithm exists even with fewer rows than dimensions. The result is minus infinity
    where all rows are equal, and where there are only two rows in more than one dimension.
    """
    n = features.shape[-2]
    eigenvalues = spectrum(features) * (n - 1) / n
    mean = eigenvalues.mean(-1)
    shrinkage = _ledoit_wolf_shrinkage(features, eigenvalues)

    shrunk = (1 - shrinkage)[..., None] * eigenvalues + (shrinkage * mean)[..., None]
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(shrunk).mean(-1)


def _ledoit_wolf_shrinkage(
    features: Float[np.ndarray, "... N D"],
    eigenvalues: Float[np.ndarray, "... D"],
) -> Float[np.ndarray, ...]:
    """Return the share, 0 to 1, by which the covariance moves to a multiple of the identity."""
    n, width = features.shape[-2:]
    lengths = np.square(_centred(features)).sum(-1)
    fourth_moment = (lengths**2).mean(-1)
    squares = np.square(eigenvalues).sum(-1)
    noise = (fourth_moment - squares) / (n * width)
    is_noisy = noise > 1e-12 * squares  # less is rounding

    # The squared distance of the covariance from a multiple of the identity, per dimension.
    distance = squares / width - eigenvalues.mean(-1) ** 2
    share = noise / np.where(distance > 0, distance, np.inf)
    return np.where(is_noisy, np.minimum(share, 1), 0)


def neighbourhood(
    real: Float[np.ndarray, "N D"],
    synthesized: Float[np.ndarray, "M D"],
    neighbours: int = NEIGHBOURS,
) -> dict[str, float]:
    """Return precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem 2020).

    The manifold of a set is the union of balls around its rows. Each ball reaches to the
    ``neighbours``-th nearest row.

    ============= ==================================================================================
    ``precision`` share of synthesized rows within the real manifold
    ``recall``    share of real rows within the synthesized manifold
    ``density``   mean number of real balls around a synthesized row, divided by ``neighbours``
    ``coverage``  share of real balls that hold at least one synthesized row
    ============= ==================================================================================

    Raises ``ConfigError`` for fewer than 1 neighbour, and ``DataError`` where a set does not have
    more rows than ``neighbours``.
    """
    neighbours = whole(neighbours, "neighbours", least=1)
    if min(len(real), len(synthesized)) <= neighbours:
        raise DataError(
            f"{neighbours} neighbours need more than {neighbours} rows, got {len(real)} real "
            f"and {len(synthesized)} synthesized"
        )

    across = distances(real, synthesized)
    radius = _radius(distances(real, real), neighbours)
    holds = across < radius[:, None]  # whether the ball of a real row holds a synthesized row
    return {
        "precision": float(holds.any(0).mean()),
        "recall": recall(distances(synthesized, synthesized), across, neighbours),
        "density": float(holds.sum(0).mean() / neighbours),
        "coverage": float((across.min(1) < radius).mean()),
    }


def recall(
    within_synthesized: Float[np.ndarray, "M M"],
    across: Float[np.ndarray, "N M"],
    neighbours: int = NEIGHBOURS,
) -> float:
    """Return the recall of :func:`neighbourhood`; ``across`` goes from real to synthesized rows."""
    return float((across < _radius(within_synthesized, neighbours)).any(1).mean())


def _radius(within: Float[np.ndarray, "N N"], neighbours: int) -> Float[np.ndarray, " N"]:
    """Return the distance of each row to its ``neighbours``-th nearest other row."""
    return np.partition(within, neighbours, axis=1)[:, neighbours]  # place 0 is the row itself


def distances(a: Float[np.ndarray, "N D"], b: Float[np.ndarray, "M D"]) -> Float[np.ndarray, "N M"]:
    """Return the Euclidean distances between rows; a row is at exactly 0 from itself."""
    from scipy.spatial.distance import cdist

    return cdist(a, b)


# --- Structure ------------------------------------------------------------------------------------


def class_distances(
    means: Float[np.ndarray, "... U D"],
    noise: Float[np.ndarray, "... U"] | float = 0.0,
) -> Float[np.ndarray, "... U U"]:
    r"""Return the squared distances between class means, zero on the diagonal.

    Two noisy means are further apart, on average, than the true ones. So the expected squared
    error of each mean, ``noise`` = :math:`\mathrm{tr}\,\mathrm{cov} / n`, is subtracted. What is
    left may be negative, and its expectation is right.
    """
    squares = np.square(means).sum(-1)
    squares = squares - np.broadcast_to(noise, squares.shape)
    sums = squares[..., :, None] + squares[..., None, :]

    result = sums - 2 * means @ transposed(means)
    diagonal = np.eye(means.shape[-2], dtype=bool)
    result[..., diagonal] = 0
    return result


def rank_correlation(
    a: Shaped[np.ndarray, "... P"],
    b: Shaped[np.ndarray, "... P"],
) -> Float[np.ndarray, ...]:
    """Return Spearman's (1904) correlation along the last axis; ties share their mean rank.

    It is 0 where one of the two is constant.

    >>> float(rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 15])))
    0.5
    """
    from scipy.stats import rankdata

    ranks_a, ranks_b = (rankdata(x, axis=-1) for x in np.broadcast_arrays(a, b))
    ranks_a = ranks_a - ranks_a.mean(-1, keepdims=True)
    ranks_b = ranks_b - ranks_b.mean(-1, keepdims=True)
    norm = np.sqrt(np.square(ranks_a).sum(-1) * np.square(ranks_b).sum(-1))
    return (ranks_a * ranks_b).sum(-1) / np.where(norm > 0, norm, 1)


def pairs(matrix: Float[np.ndarray, "... U U"]) -> Float[np.ndarray, "... P"]:
    """Return what stands above the diagonal, row by row: P = U (U - 1) / 2 numbers."""
    return matrix[(..., *np.triu_indices(matrix.shape[-1], 1))]


def mantel(
    a: Float[np.ndarray, "U U"],
    b: Float[np.ndarray, "U U"],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> tuple[float, float, Float[np.ndarray, " permutations"]]:
    """Return the rank correlation of two distance matrices, its p-value, and chance correlations.

    The test permutes the classes of ``a``. The p-value is the share of permutations that correlate
    at least as much (one-sided); the correlation itself counts as one of them. With few classes it
    cannot be small: 3 classes have 6 permutations. Mantel (1967).
    """
    permutations = whole(permutations, "permutations", least=1)
    correlation = float(rank_correlation(pairs(a), pairs(b)))

    rng = stream(seed, "permuted classes")
    orders = rng.permuted(np.tile(np.arange(len(a)), (permutations, 1)), axis=1)
    permuted = a[orders[:, :, None], orders[:, None, :]]
    by_chance = rank_correlation(pairs(permuted), pairs(b))

    as_high = (by_chance >= correlation - 1e-12).sum()
    return correlation, float((1 + as_high) / (1 + permutations)), by_chance


def procrustes(
    real: Float[np.ndarray, "... U D"],
    synthesized: Float[np.ndarray, "... U D"],
) -> tuple[Float[np.ndarray, ...], Float[np.ndarray, ...]]:
    r"""Return disparity and scale of two sets of class means, rotated and mirrored at best.

    Both sets are centred and brought to unit norm. With the singular values :math:`\sigma` of their
    product, the disparity is :math:`1 - (\sum \sigma)^2`: 0 for the same shape, 1 where nothing of
    the shape is left. The scale is the norm of the synthesized means over that of the real ones.
    The two are 1 and 0 where the synthesized means coincide, 1 and infinity where the real ones do.
    Gower (1975), *Generalized Procrustes analysis*.

    >>> triangle = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> mirrored = 3 * triangle[:, ::-1]
    >>> disparity, scale = procrustes(triangle, mirrored)
    >>> abs(round(float(disparity), 6)), round(float(scale), 6)
    (0.0, 3.0)
    """
    real_root, real_norm = _root_and_norm(real)
    synthesized_root, synthesized_norm = _root_and_norm(synthesized)
    total = _sum_of_singular_values(real_root @ transposed(synthesized_root))

    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(synthesized_norm > 0, synthesized_norm / real_norm, 0.0)
    return 1 - np.minimum(total, 1) ** 2, scale


def _root_and_norm(
    means: Float[np.ndarray, "... U D"],
) -> tuple[Float[np.ndarray, "... m U"], Float[np.ndarray, ...]]:
    """Return a square root of the centred means at unit norm, and the norm that they had.

    The singular values of the (D, D) product of two sets of means are those of the product of
    these small roots. That saves time, because U is mostly much less than D.
    """
    centred = _centred(means)
    norm = np.sqrt(np.square(centred).sum((-1, -2)))
    divisor = np.where(norm > 0, norm, 1)[..., None, None]
    return _triangle(transposed(centred / divisor)), norm


def order_kept(
    real: Float[np.ndarray, "... U U"],
    synthesized: Float[np.ndarray, "... U U"],
) -> Float[np.ndarray, "... U"]:
    """Return, for each class, the share of pairs of other classes that keep their order.

    A pair keeps its order if the same one of the two is nearer to the class in both distance
    matrices. The share is 0 to 1, and about 0.5 by chance; ties count half. At least 3 classes.
    """
    order = _signs(real)
    other_order = _signs(synthesized)
    is_tie = order * other_order == 0
    kept = np.where(is_tie, 0.5, order == other_order)

    count = real.shape[-1]
    c, i, j = np.ogrid[:count, :count, :count]
    is_pair = (i < j) & (c != i) & (c != j)
    return (kept * is_pair).sum((-1, -2)) / is_pair.sum((-1, -2))


def _signs(matrix: Float[np.ndarray, "... U U"]) -> Float[np.ndarray, "... U U U"]:
    """Return, for classes c, i and j, the sign of the distance from c to i less that to j."""
    return np.sign(matrix[..., :, :, None] - matrix[..., :, None, :])


# --- Overall --------------------------------------------------------------------------------------


def frechet(
    a: Float[np.ndarray, "... N D"],
    b: Float[np.ndarray, "... M D"],
) -> Float[np.ndarray, ...]:
    r"""Return the squared Fréchet (2-Wasserstein) distance of the Gaussians fitted to two sets.

    .. math::
        |\mu_a - \mu_b|^2
        + \mathrm{tr}\big(\Sigma_a + \Sigma_b
        - 2 (\Sigma_a^{1/2} \Sigma_b \Sigma_a^{1/2})^{1/2}\big)

    It is in squared units of the features. With the square roots :math:`F^T F = \Sigma` the trace
    of the last term is the sum of the singular values of :math:`F_a F_b^T`. That needs neither full
    rank nor a matrix root. Dowson & Landau (1982).
    """
    root_a = covariance_root(a)
    root_b = covariance_root(b)
    cross = _sum_of_singular_values(root_a @ transposed(root_b))
    traces = _trace(root_a) + _trace(root_b)
    between_means = np.square(a.mean(-2) - b.mean(-2)).sum(-1)
    return np.maximum(between_means + traces - 2 * cross, 0)


def _trace(root: Float[np.ndarray, "... m D"]) -> Float[np.ndarray, ...]:
    """Return the trace of the covariance with this root."""
    return np.square(root).sum((-1, -2))


def sliced_wasserstein(
    a: Float[np.ndarray, "... N D"],
    b: Float[np.ndarray, "... N D"],
    directions: Float[np.ndarray, "D L"],
) -> Float[np.ndarray, ...]:
    r"""Return the sliced 2-Wasserstein distance of equally many rows, in units of the features.

    .. math::
        \Big(\frac1L \sum_{l} \frac1N \sum_i \big(a^{(l)}_{(i)} - b^{(l)}_{(i)}\big)^2\Big)^{1/2}

    Both sets are sorted along each of the unit ``directions``. Bonneel et al. (2015).
    """
    sorted_a = np.sort(a @ directions, axis=-2)
    sorted_b = np.sort(b @ directions, axis=-2)
    return np.sqrt(np.square(sorted_a - sorted_b).mean((-1, -2)))


def unit_directions(width: int, count: int, seed: int = 0) -> Float[np.ndarray, "width count"]:
    """Return random directions of length 1."""
    shape = (whole(width, "width", least=1), whole(count, "count", least=1))
    normal = stream(seed, "directions").standard_normal(shape)
    return normal / np.linalg.norm(normal, axis=0)


def mmd(a: Float[np.ndarray, "N D"], b: Float[np.ndarray, "M D"]) -> float:
    r"""Return the squared maximum mean discrepancy with the kernel :math:`e^{-d^2 / (2 h^2)}`.

    The width h is the median distance between all rows. The estimate is unbiased: it is 0 on
    average for equal distributions, and may be negative. Gretton et al. (2012), eq. 3. Raises
    ``DataError`` with fewer than two rows.
    """
    if min(len(a), len(b)) < 2:
        raise DataError(
            f"a discrepancy needs at least 2 rows of each set, got {len(a)} and {len(b)}"
        )

    within_a = distances(a, a)
    within_b = distances(b, b)
    across = distances(a, b)
    every = np.concatenate([pairs(within_a), pairs(within_b), across.ravel()])
    width = np.median(every) or 1.0

    def kernel(distance: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N M"]:
        return np.exp(-(distance**2) / (2 * width**2))

    within = _mean_off_diagonal(kernel(within_a)) + _mean_off_diagonal(kernel(within_b))
    return float(within - 2 * kernel(across).mean())


def _mean_off_diagonal(kernel: Float[np.ndarray, "N N"]) -> float:
    """Return the mean over pairs of different rows; a row with itself has kernel 1."""
    n = len(kernel)
    return (kernel.sum() - n) / (n * (n - 1))


def transposed(matrix: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, "... D N"]:
    """Return a matrix, or many, with the last two axes exchanged."""
    return np.swapaxes(matrix, -1, -2)


def _centred(rows: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, "... N D"]:
    return rows - rows.mean(-2, keepdims=True)


def _sum_of_singular_values(matrix: Float[np.ndarray, "... N M"]) -> Float[np.ndarray, ...]:
    return np.linalg.svd(matrix, compute_uv=False).sum(-1)


def _triangle(matrix: Float[np.ndarray, "... N D"]) -> Float[np.ndarray, "... m D"]:
    """Return R of the QR decomposition; :math:`R^T R` is the product of the matrix with itself."""
    # NumPy's types do not know that mode="r" gives one array.
    return np.linalg.qr(matrix, mode="r")  # type: ignore[return-value]


def _matrix(features: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise DataError(f"features must be a matrix (rows, columns), got shape {features.shape}")

    broken = (~np.isfinite(features)).sum()
    if broken:
        raise DataError(
            f"features must be finite, got {broken} values that are not: remove those rows"
        )
    return features
