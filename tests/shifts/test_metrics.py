"""Every formula agrees with a second one: of another library, or a plain loop."""

import numpy as np
import ot
import prdc
import pytest
import scipy.linalg
import scipy.spatial
import scipy.stats
import skbio.stats.distance
from sklearn.covariance import ledoit_wolf

from gsmflow_lite.errors import DataError
from gsmflow_lite.shifts import metrics
from gsmflow_lite.shifts.metrics import spread_ratio


def stretched(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Correlated features, unlike in every direction and far from the origin."""
    width = shape[-1]
    mixing = rng.standard_normal((width, width)) * np.linspace(0.3, 2, width)
    return rng.standard_normal(shape) @ mixing + 3


def random_distances(rng: np.random.Generator, classes: int) -> np.ndarray:
    """A symmetric matrix with a zero diagonal."""
    matrix = rng.random((classes, classes))
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, 0)
    return matrix


@pytest.fixture(params=[(30, 6), (5, 9)], ids=["n > D", "n < D"])
def features(request, rng):
    return stretched(rng, *request.param)


# --- Variance -------------------------------------------------------------------------------------


def test_the_spread_ratio_is_the_square_of_the_factor_that_features_were_shrunk_by(rng):
    real = rng.standard_normal((50, 4)) * [1, 2, 3, 4]
    assert spread_ratio(real, 0.4 * real + 7) == pytest.approx(0.16)


def test_the_spread_ratio_is_that_of_the_traces_of_the_covariances(rng):
    real = rng.standard_normal((30, 4))
    synthesized = 2 * rng.standard_normal((20, 4))
    expected = np.trace(np.cov(synthesized.T)) / np.trace(np.cov(real.T))
    assert spread_ratio(real, synthesized) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("real", "synthesized", "message"),
    [
        (np.ones((1, 2)), np.ones((5, 2)), "at least 2 rows, got 1 real"),
        (np.ones((5, 2)), np.ones((5, 2)), "must vary"),
        (np.full((3, 2), 0.1), np.ones((5, 2)), "must vary"),  # their mean is not exactly 0.1
        (np.ones(5), np.ones((5, 2)), "must be a matrix"),
        (np.eye(3), np.full((3, 3), np.nan), "must be finite, got 9 values"),
    ],
)
def test_a_spread_that_cannot_be_compared_is_refused_in_plain_words(real, synthesized, message):
    with pytest.raises(DataError, match=message):
        spread_ratio(real, synthesized)


def test_the_spectrum_is_that_of_numpys_covariance(features):
    expected = np.linalg.eigvalsh(np.cov(features.T))[::-1]
    np.testing.assert_allclose(metrics.spectrum(features), expected, atol=1e-12 * expected[0])


def test_the_covariance_root_squares_to_numpys_covariance(features):
    root = metrics.covariance_root(features)
    np.testing.assert_allclose(root.T @ root, np.cov(features.T), atol=1e-12)
    assert len(root) == min(features.shape)


@pytest.mark.parametrize("directions", [1, 3, 7])
def test_variance_in_k_equal_directions_has_effective_rank_k(directions):
    eigenvalues = np.r_[np.full(directions, 0.37), np.zeros(4)]
    assert metrics.effective_rank(eigenvalues) == pytest.approx(directions)


def test_the_effective_rank_is_the_exponential_of_scipys_entropy(features):
    eigenvalues = metrics.spectrum(features)
    expected = np.exp(scipy.stats.entropy(eigenvalues))
    assert metrics.effective_rank(eigenvalues) == pytest.approx(expected)


def test_no_variance_has_effective_rank_0_and_no_volume():
    nothing = np.ones((5, 3))
    assert metrics.effective_rank(metrics.spectrum(nothing)) == 0
    assert metrics.log_volume(nothing) == -np.inf


@pytest.mark.parametrize("shape", [(200, 4), (30, 6), (5, 9), (3, 40), (10, 1)])
def test_the_volume_is_the_determinant_of_scikit_learns_shrunk_covariance(shape, rng):
    features = stretched(rng, *shape)
    shrunk, _ = ledoit_wolf(features)
    expected = np.linalg.slogdet(shrunk).logabsdet / (2 * shape[1])
    assert metrics.log_volume(features) == pytest.approx(expected)


@pytest.mark.parametrize("neighbours", [1, 5])
def test_precision_recall_density_and_coverage_are_those_of_prdc(neighbours, rng, capsys):
    real = stretched(rng, 60, 3)
    synthesized = 0.7 * stretched(rng, 40, 3) + 0.5
    expected = prdc.compute_prdc(real, synthesized, nearest_k=neighbours)
    near = metrics.neighbourhood(real, synthesized, neighbours)
    assert near == pytest.approx(expected)
    assert all(0 < value < 1 for value in near.values())  # at 0 or 1 a wrong one might agree


def test_recall_from_distances_is_the_recall_of_prdc(rng, capsys):
    real = stretched(rng, 60, 3)
    synthesized = 0.5 * stretched(rng, 40, 3)
    expected = prdc.compute_prdc(real, synthesized, nearest_k=metrics.NEIGHBOURS)["recall"]
    assert 0.05 < expected < 0.95
    within = metrics.distances(synthesized, synthesized)
    across = metrics.distances(real, synthesized)
    assert metrics.recall(within, across) == pytest.approx(expected)


def test_a_neighbourhood_needs_more_rows_than_neighbours(rng):
    message = "5 neighbours need more than 5 rows, got 5 real and 9 synthesized"
    with pytest.raises(DataError, match=message):
        metrics.neighbourhood(rng.standard_normal((5, 2)), rng.standard_normal((9, 2)))


def test_distances_are_euclidean_and_exactly_0_to_itself(rng):
    a = 1e6 + rng.standard_normal((4, 3))
    b = 1e6 + rng.standard_normal((5, 3))
    expected = [[np.linalg.norm(x - y) for y in b] for x in a]
    np.testing.assert_allclose(metrics.distances(a, b), expected)
    assert (np.diag(metrics.distances(a, a)) == 0).all()


# --- Structure ------------------------------------------------------------------------------------


def test_class_distances_are_those_of_a_loop(rng):
    means = rng.standard_normal((5, 3))
    noise = rng.random(5)
    expected = np.zeros((5, 5))
    for i, j in np.ndindex(5, 5):
        if i != j:
            expected[i, j] = np.sum((means[i] - means[j]) ** 2) - noise[i] - noise[j]
    np.testing.assert_allclose(metrics.class_distances(means, noise), expected, atol=1e-12)


def test_class_distances_are_right_on_average_however_few_the_rows(rng):
    worlds = 4000
    rows = 3
    truth = rng.standard_normal((4, 5))
    deviations = np.array([0.5, 1.0, 2.0, 3.0])[:, None, None]
    x = truth[:, None] + deviations * rng.standard_normal((worlds, 4, rows, 5))

    noise = x.var(2, ddof=1).sum(-1) / rows
    distances = metrics.class_distances(x.mean(2), noise)
    expected = scipy.spatial.distance.cdist(truth, truth, "sqeuclidean")
    error = (distances.mean(0) - expected) / (distances.std(0) + np.eye(4))
    assert np.abs(error).max() < 4 / np.sqrt(worlds)


@pytest.mark.parametrize("levels", [4, 10**6], ids=["ties", "no ties"])
def test_rank_correlation_is_scipys_spearman(levels, rng):
    a, b = rng.integers(0, levels, (2, 20))
    expected = scipy.stats.spearmanr(a, b).statistic
    assert metrics.rank_correlation(a, b) == pytest.approx(expected)


def test_rank_correlation_with_a_constant_is_0():
    assert metrics.rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_pairs_are_what_scipy_keeps_of_a_distance_matrix(rng):
    matrix = random_distances(rng, 6)
    np.testing.assert_array_equal(metrics.pairs(matrix), scipy.spatial.distance.squareform(matrix))


@pytest.mark.parametrize("noise", [0.5, 5.0], ids=["related", "unrelated"])
def test_mantels_test_is_that_of_scikit_bio(noise, rng):
    draws = 4000
    a = random_distances(rng, 8)
    b = a + noise * random_distances(rng, 8)
    correlation, p, by_chance = metrics.mantel(a, b, permutations=draws, seed=1)
    expected, expected_p, _ = skbio.stats.distance.mantel(
        a, b, "spearman", draws, alternative="greater", seed=1
    )
    assert correlation == pytest.approx(expected)
    assert abs(p - expected_p) < 5 * np.sqrt(2 * max(expected_p, 1e-3) / draws)
    assert abs(by_chance.mean()) < 5 * by_chance.std() / np.sqrt(draws) + 0.01


def test_the_chance_of_three_classes_is_that_of_their_six_orders():
    a = scipy.spatial.distance.squareform([1.0, 2.0, 3.0])
    _, p, _ = metrics.mantel(a, a, permutations=6000)
    assert p == pytest.approx(1 / 6, abs=0.03)


@pytest.mark.parametrize(("classes", "width"), [(7, 3), (4, 10)])
def test_the_disparity_is_that_of_scipys_procrustes(classes, width, rng):
    real = stretched(rng, classes, width)
    synthesized = stretched(rng, classes, width)
    disparity, _ = metrics.procrustes(real, synthesized)
    assert disparity == pytest.approx(scipy.spatial.procrustes(real, synthesized)[2])


def test_a_turned_mirrored_moved_and_enlarged_constellation_has_no_disparity_and_its_scale(rng):
    real = rng.standard_normal((6, 4))
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0] * [1, 1, 1, -1]
    disparity, scale = metrics.procrustes(real, 2.5 * real @ turn + 9)
    assert disparity == pytest.approx(0, abs=1e-12)
    assert scale == pytest.approx(2.5)


def test_class_means_that_coincide_have_no_shape(rng):
    apart = rng.standard_normal((5, 3))
    same = np.ones((5, 3))
    assert metrics.procrustes(apart, same) == (1, 0)
    assert metrics.procrustes(same, apart) == (1, np.inf)
    assert metrics.procrustes(same, same) == (1, 0)


def kept_in_a_loop(real: np.ndarray, synthesized: np.ndarray, c: int) -> list[float]:
    """Of each pair of other classes, whether its order as seen from c is kept; 0.5 for a tie."""
    others = [k for k in range(len(real)) if k != c]
    kept = []
    for i in others:
        for j in others:
            if i < j and synthesized[c, i] == synthesized[c, j]:
                kept.append(0.5)
            elif i < j:
                agree = (real[c, i] < real[c, j]) == (synthesized[c, i] < synthesized[c, j])
                kept.append(float(agree))
    return kept


def test_the_order_kept_is_counted_as_in_a_triple_loop(rng):
    real = random_distances(rng, 6)
    synthesized = np.round(random_distances(rng, 6), 1)  # so that some are equal
    kept = [kept_in_a_loop(real, synthesized, c) for c in range(6)]
    assert any(0.5 in of_class for of_class in kept)
    expected = [np.mean(of_class) for of_class in kept]
    np.testing.assert_allclose(metrics.order_kept(real, synthesized), expected)


# --- Overall --------------------------------------------------------------------------------------


def test_the_frechet_distance_is_pots_bures_wasserstein_distance_squared(rng):
    a = stretched(rng, 40, 5)
    b = stretched(rng, 30, 5)
    moments = (a.mean(0), b.mean(0), np.cov(a.T), np.cov(b.T))
    expected = ot.gaussian.bures_wasserstein_distance(*moments)
    assert metrics.frechet(a, b) == pytest.approx(expected**2)


def test_the_frechet_distance_is_that_of_scipys_matrix_root(rng):
    a = stretched(rng, 40, 5)
    b = stretched(rng, 30, 5)
    of_a = np.cov(a.T)
    of_b = np.cov(b.T)
    cross = np.real(scipy.linalg.sqrtm(of_a @ of_b))
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(of_a + of_b - 2 * cross)
    assert metrics.frechet(a, b) == pytest.approx(expected)


def test_with_fewer_rows_than_features_the_frechet_distance_is_the_closed_form_of_one_direction(
    rng,
):
    direction = rng.standard_normal(9)
    direction /= np.linalg.norm(direction)
    a = np.outer(rng.standard_normal(4), direction)
    b = 3 * np.outer(rng.standard_normal(5), direction) + 2
    change = np.std(a @ direction, ddof=1) - np.std(b @ direction, ddof=1)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + change**2
    assert metrics.frechet(a, b) == pytest.approx(expected)


def test_the_frechet_distance_to_itself_is_0(features):
    assert 0 <= metrics.frechet(features, features) < 1e-10


def test_the_sliced_wasserstein_distance_is_pots_along_the_same_directions(rng):
    a = stretched(rng, 25, 4)
    b = stretched(rng, 25, 4)
    directions = metrics.unit_directions(4, 30, seed=3)
    expected = ot.sliced_wasserstein_distance(a, b, projections=directions, p=2)
    assert metrics.sliced_wasserstein(a, b, directions) == pytest.approx(expected)


def test_unit_directions_have_length_1_favour_none_and_depend_on_the_seed():
    directions = metrics.unit_directions(3, 5000, seed=1)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), 1)
    np.testing.assert_allclose(directions @ directions.T / 5000, np.eye(3) / 3, atol=0.02)
    np.testing.assert_array_equal(directions, metrics.unit_directions(3, 5000, seed=1))
    assert not np.array_equal(directions, metrics.unit_directions(3, 5000, seed=2))


def mean_kernel(x: np.ndarray, y: np.ndarray, width: float) -> float:
    """The mean of the kernel over pairs of rows, in a loop, without pairs of one row."""
    kernel = [
        np.exp(-np.sum((row - other) ** 2) / (2 * width**2))
        for i, row in enumerate(x)
        for j, other in enumerate(y)
        if x is not y or i != j
    ]
    return np.mean(kernel)


def test_the_mean_discrepancy_is_that_of_a_loop(rng):
    a = stretched(rng, 6, 3)
    b = 1 + stretched(rng, 8, 3)
    width = np.median(scipy.spatial.distance.pdist(np.concatenate([a, b])))
    within = mean_kernel(a, a, width) + mean_kernel(b, b, width)
    assert metrics.mmd(a, b) == pytest.approx(within - 2 * mean_kernel(a, b, width))


def test_the_mean_discrepancy_of_equal_distributions_is_0_on_average(rng):
    values = [metrics.mmd(*rng.standard_normal((2, 8, 2))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(400)


def test_the_discrepancy_of_equal_rows_is_0():
    assert metrics.mmd(np.ones((3, 2)), np.ones((4, 2))) == 0


def test_a_discrepancy_needs_two_rows_of_each():
    with pytest.raises(DataError, match="at least 2 rows of each set, got 1 and 4"):
        metrics.mmd(np.ones((1, 2)), np.ones((4, 2)))


# --- Leading axes ---------------------------------------------------------------------------------

DIRECTIONS = metrics.unit_directions(4, 7)
BATCHED = {
    "spectrum": (metrics.spectrum, [(9, 4)]),
    "covariance_root": (metrics.covariance_root, [(9, 4)]),
    "log_volume": (metrics.log_volume, [(9, 4)]),
    "frechet": (metrics.frechet, [(9, 4), (7, 4)]),
    "sliced_wasserstein": (
        lambda a, b: metrics.sliced_wasserstein(a, b, DIRECTIONS),
        [(9, 4), (9, 4)],
    ),
    "effective_rank": (lambda a: metrics.effective_rank(a**2), [(4,)]),
    "class_distances": (metrics.class_distances, [(5, 4), (5,)]),
    "rank_correlation": (metrics.rank_correlation, [(9,), (9,)]),
    "pairs": (metrics.pairs, [(5, 5)]),
    "disparity": (lambda a, b: metrics.procrustes(a, b)[0], [(5, 4), (5, 4)]),
    "scale": (lambda a, b: metrics.procrustes(a, b)[1], [(5, 4), (5, 4)]),
    "order_kept": (metrics.order_kept, [(5, 5), (5, 5)]),
}


@pytest.mark.parametrize("name", BATCHED)
def test_leading_axes_are_worked_through_as_in_a_loop(name, rng):
    function, shapes = BATCHED[name]
    arrays = [rng.standard_normal((2, 3, *shape)) for shape in shapes]
    expected = [[function(*(x[i, j] for x in arrays)) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(function(*arrays), expected, atol=1e-12)
