"""Every metric agrees with a second implementation: NumPy, SciPy, scikit-learn, POT, scikit-bio, prdc, or a plain loop."""

import numpy as np
import ot
import prdc
import pytest
import scipy.linalg
import scipy.spatial
import scipy.stats
import skbio.stats.distance
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from gsmflow_lite.errors import DataError
from gsmflow_lite.shifts import metrics
from gsmflow_lite.shifts.metrics import spread_ratio


def stretched(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Correlated features, unlike in every direction and far from the origin."""
    width = shape[-1]
    return (
        rng.standard_normal(shape)
        @ (rng.standard_normal((width, width)) * np.linspace(0.3, 2, width))
        + 3
    )


def random_distances(rng: np.random.Generator, classes: int, *batch: int) -> np.ndarray:
    """Symmetric matrices with a zero diagonal."""
    found = rng.random((*batch, classes, classes))
    found = found + np.swapaxes(found, -1, -2)
    found[..., np.eye(classes, dtype=bool)] = 0
    return found


@pytest.fixture(params=[(30, 6), (5, 9)], ids=["n > D", "n < D"])
def features(request, rng):
    return stretched(rng, *request.param)


# --- Variance --------------------------------------------------------------------------------------------------------


def test_the_spread_ratio_is_the_square_of_the_factor_that_features_were_shrunk_by(rng):
    real = rng.standard_normal((50, 4)) * [1, 2, 3, 4]
    assert spread_ratio(real, 0.4 * real + 7) == pytest.approx(0.16)


def test_the_spread_ratio_is_that_of_the_traces_of_the_covariances(rng):
    real, made = rng.standard_normal((30, 4)), 2 * rng.standard_normal((20, 4))
    assert spread_ratio(real, made) == pytest.approx(
        np.trace(np.cov(made.T)) / np.trace(np.cov(real.T))
    )


@pytest.mark.parametrize(
    ("real", "made", "message"),
    [
        (np.ones((1, 2)), np.ones((5, 2)), "at least 2 rows, got 1 real"),
        (np.ones((5, 2)), np.ones((5, 2)), "must vary"),
        (
            np.full((3, 2), 0.1),
            np.ones((5, 2)),
            "must vary",
        ),  # the mean of three times 0.1 is not 0.1
        (np.ones(5), np.ones((5, 2)), "must be a matrix"),
        (np.eye(3), np.full((3, 3), np.nan), "must be finite, got 9 values"),
    ],
)
def test_a_spread_that_cannot_be_compared_is_refused_in_plain_words(real, made, message):
    with pytest.raises(DataError, match=message):
        spread_ratio(real, made)


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
    assert metrics.effective_rank(eigenvalues) == pytest.approx(
        np.exp(scipy.stats.entropy(eigenvalues))
    )


def test_no_variance_has_effective_rank_0_and_no_volume():
    nothing = np.ones((5, 3))
    assert metrics.effective_rank(metrics.spectrum(nothing)) == 0
    assert metrics.log_volume(nothing) == -np.inf


@pytest.mark.parametrize("shape", [(200, 4), (30, 6), (5, 9), (3, 40), (10, 1)])
def test_the_volume_is_the_determinant_of_scikit_learns_shrunk_covariance(shape, rng):
    features = stretched(rng, *shape)
    shrunk, _ = ledoit_wolf(features)
    assert metrics.log_volume(features) == pytest.approx(
        np.linalg.slogdet(shrunk).logabsdet / (2 * shape[1])
    )


@pytest.mark.parametrize("neighbours", [1, 5])
def test_precision_recall_density_and_coverage_are_those_of_prdc(neighbours, rng, capsys):
    real, made = stretched(rng, 60, 3), 0.7 * stretched(rng, 40, 3) + 0.5
    expected = prdc.compute_prdc(real, made, nearest_k=neighbours)
    found = metrics.neighbourhood(real, made, neighbours)
    assert found == pytest.approx(expected)
    assert all(0 < value < 1 for value in found.values())  # at 0 or 1 a wrong one might agree


def test_recall_from_distances_is_the_recall_of_prdc(rng, capsys):
    real, made = stretched(rng, 60, 3), 0.5 * stretched(rng, 40, 3)
    across = metrics.distances(real, made)
    expected = prdc.compute_prdc(real, made, nearest_k=metrics.NEIGHBOURS)["recall"]
    assert 0.05 < expected < 0.95
    assert metrics.recall(metrics.distances(made, made), across) == pytest.approx(expected)


def test_a_neighbourhood_needs_more_rows_than_neighbours(rng):
    with pytest.raises(
        DataError, match="5 neighbours need more than 5 rows, got 5 real and 9 synthesized"
    ):
        metrics.neighbourhood(rng.standard_normal((5, 2)), rng.standard_normal((9, 2)))


def test_distances_are_euclidean_and_exactly_0_to_itself(rng):
    a, b = 1e6 + rng.standard_normal((4, 3)), 1e6 + rng.standard_normal((5, 3))
    np.testing.assert_allclose(
        metrics.distances(a, b), [[np.linalg.norm(x - y) for y in b] for x in a]
    )
    assert (np.diag(metrics.distances(a, a)) == 0).all()


# --- Structure -------------------------------------------------------------------------------------------------------


def test_class_distances_are_those_of_a_loop(rng):
    means, noise = rng.standard_normal((5, 3)), rng.random(5)
    expected = [
        [
            0 if i == j else np.sum((means[i] - means[j]) ** 2) - noise[i] - noise[j]
            for j in range(5)
        ]
        for i in range(5)
    ]
    np.testing.assert_allclose(metrics.class_distances(means, noise), expected, atol=1e-12)


def test_class_distances_are_right_on_average_however_few_the_rows(rng):
    worlds, rows, width = 4000, 3, 5
    truth, deviation = rng.standard_normal((4, width)), np.array([0.5, 1.0, 2.0, 3.0])
    x = truth[:, None] + deviation[:, None, None] * rng.standard_normal((worlds, 4, rows, width))
    found = metrics.class_distances(x.mean(2), x.var(2, ddof=1).sum(-1) / rows)
    error = (found.mean(0) - scipy.spatial.distance.cdist(truth, truth, "sqeuclidean")) / (
        found.std(0) + np.eye(4)
    )
    assert np.abs(error).max() < 4 / np.sqrt(worlds)


def test_rank_correlation_is_scipys_spearman_with_and_without_ties(rng):
    for a, b in (
        (rng.random(20), rng.random(20)),
        (rng.integers(0, 4, 20), rng.integers(0, 4, 20)),
    ):
        assert metrics.rank_correlation(a, b) == pytest.approx(
            scipy.stats.spearmanr(a, b).statistic
        )


def test_rank_correlation_with_a_constant_is_0():
    assert metrics.rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_pairs_are_what_scipy_keeps_of_a_distance_matrix(rng):
    matrix = random_distances(rng, 6)
    np.testing.assert_array_equal(metrics.pairs(matrix), scipy.spatial.distance.squareform(matrix))


@pytest.mark.parametrize("noise", [0.5, 5.0], ids=["related", "unrelated"])
def test_mantels_test_is_that_of_scikit_bio(noise, rng):
    a = random_distances(rng, 8)
    b, draws = a + noise * random_distances(rng, 8), 4000
    found, p, chance = metrics.mantel(a, b, permutations=draws, seed=1)
    expected, expected_p, _ = skbio.stats.distance.mantel(
        a, b, "spearman", draws, alternative="greater", seed=1
    )
    assert found == pytest.approx(expected)
    assert abs(p - expected_p) < 5 * np.sqrt(2 * max(expected_p, 1e-3) / draws)
    assert abs(chance.mean()) < 5 * chance.std() / np.sqrt(draws) + 0.01


def test_the_chance_of_three_classes_is_that_of_their_six_orders():
    a = scipy.spatial.distance.squareform([1.0, 2.0, 3.0])
    assert metrics.mantel(a, a, permutations=6000)[1] == pytest.approx(1 / 6, abs=0.03)


def test_the_disparity_is_that_of_scipys_procrustes(rng):
    for classes, width in ((7, 3), (4, 10)):
        real, made = stretched(rng, classes, width), stretched(rng, classes, width)
        disparity, _ = metrics.procrustes(real, made)
        assert disparity == pytest.approx(scipy.spatial.procrustes(real, made)[2])


def test_a_turned_mirrored_moved_and_enlarged_constellation_has_no_disparity_and_its_scale(rng):
    real = rng.standard_normal((6, 4))
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0] * [1, 1, 1, -1]
    disparity, scale = metrics.procrustes(real, 2.5 * real @ turn + 9)
    assert disparity == pytest.approx(0, abs=1e-12)
    assert scale == pytest.approx(2.5)


def test_class_means_that_coincide_have_no_shape(rng):
    apart, one = rng.standard_normal((5, 3)), np.ones((5, 3))
    assert metrics.procrustes(apart, one) == (1, 0)
    assert metrics.procrustes(one, apart) == (1, np.inf)
    assert metrics.procrustes(one, one) == (1, 0)


def test_the_order_kept_is_counted_as_in_a_triple_loop(rng):
    real, made = (
        random_distances(rng, 6),
        np.round(random_distances(rng, 6), 1),
    )  # rounded: some are equal
    expected, ties = [], 0
    for c in range(6):
        others = [k for k in range(6) if k != c]
        agree = [
            0.5
            if made[c, i] == made[c, j]
            else float((real[c, i] < real[c, j]) == (made[c, i] < made[c, j]))
            for i in others
            for j in others
            if i < j
        ]
        expected.append(np.mean(agree))
        ties += agree.count(0.5)
    assert ties
    np.testing.assert_allclose(metrics.order_kept(real, made), expected)


# --- Overall ---------------------------------------------------------------------------------------------------------


def test_the_frechet_distance_is_pots_bures_wasserstein_distance_squared(rng):
    a, b = stretched(rng, 40, 5), stretched(rng, 30, 5)
    moments = a.mean(0), b.mean(0), np.cov(a.T), np.cov(b.T)
    expected = ot.gaussian.bures_wasserstein_distance(*moments)
    assert metrics.frechet(a, b) == pytest.approx(expected**2)


def test_the_frechet_distance_is_that_of_scipys_matrix_root(rng):
    a, b = stretched(rng, 40, 5), stretched(rng, 30, 5)
    of_a, of_b = np.cov(a.T), np.cov(b.T)
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
    deviations = [np.std(x @ direction, ddof=1) for x in (a, b)]
    expected = np.square(a.mean(0) - b.mean(0)).sum() + (deviations[0] - deviations[1]) ** 2
    assert metrics.frechet(a, b) == pytest.approx(expected)


def test_the_frechet_distance_to_itself_is_0(features):
    assert 0 <= metrics.frechet(features, features) < 1e-10


def test_the_sliced_wasserstein_distance_is_pots_along_the_same_directions(rng):
    a, b, directions = (
        stretched(rng, 25, 4),
        stretched(rng, 25, 4),
        metrics.unit_directions(4, 30, seed=3),
    )
    expected = ot.sliced_wasserstein_distance(a, b, projections=directions, p=2)
    assert metrics.sliced_wasserstein(a, b, directions) == pytest.approx(expected)


def test_unit_directions_have_length_1_favour_none_and_depend_on_the_seed():
    drawn = metrics.unit_directions(3, 5000, seed=1)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), 1)
    np.testing.assert_allclose(drawn @ drawn.T / 5000, np.eye(3) / 3, atol=0.02)
    np.testing.assert_array_equal(drawn, metrics.unit_directions(3, 5000, seed=1))
    assert not np.array_equal(drawn, metrics.unit_directions(3, 5000, seed=2))


def test_the_mean_discrepancy_is_that_of_a_loop(rng):
    a, b = stretched(rng, 6, 3), 1 + stretched(rng, 8, 3)
    both = np.concatenate([a, b])
    width = np.median([np.linalg.norm(both[i] - both[j]) for i in range(14) for j in range(i)])
    kernel = lambda x, y: np.exp(-np.sum((x - y) ** 2) / (2 * width**2))  # noqa: E731
    within = [
        np.mean([kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])
        for x in (a, b)
    ]
    expected = sum(within) - 2 * np.mean([kernel(x, y) for x in a for y in b])
    assert metrics.mmd(a, b) == pytest.approx(expected)


def test_the_mean_discrepancy_of_equal_distributions_is_0_on_average(rng):
    found = [metrics.mmd(*rng.standard_normal((2, 8, 2))) for _ in range(400)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(400)


def test_a_discrepancy_needs_two_rows_of_each_and_all_rows_may_be_equal():
    assert metrics.mmd(np.ones((3, 2)), np.ones((4, 2))) == 0
    with pytest.raises(DataError, match="at least 2 rows of each set, got 1 and 4"):
        metrics.mmd(np.ones((1, 2)), np.ones((4, 2)))


@pytest.mark.parametrize("classifier", ["linear", "quadratic", "neighbours"])
def test_a_classifier_is_not_asked_about_rows_that_it_was_trained_on(classifier, rng):
    a, b = rng.standard_normal(
        (2, 100, 60)
    )  # wide: a linear one names all rows that it was trained on
    assert metrics.auc(*metrics.two_sample_scores(a, b, classifier)) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("classifier", ["linear", "quadratic", "neighbours"])
def test_a_classifier_tells_distant_sets_apart_always(classifier, rng):
    a, b = rng.standard_normal((40, 3)), 20 + rng.standard_normal((30, 3))
    scores = metrics.two_sample_scores(a, b, classifier)
    assert [len(x) for x in scores] == [40, 30]
    assert metrics.auc(*scores) == 1


def test_only_the_quadratic_classifier_sees_a_difference_of_spread(rng):
    a, b = rng.standard_normal((300, 4)), 0.4 * rng.standard_normal((300, 4))
    found = {
        kind: metrics.auc(*metrics.two_sample_scores(a, b, kind))
        for kind in ("linear", "quadratic")
    }
    assert found["quadratic"] > 0.9
    assert found["linear"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("classifier", ["linear", "quadratic"])
def test_the_linear_and_the_quadratic_classifier_are_scikit_learns_ridge_regression(
    classifier, rng
):
    known, asked, of_b = (
        rng.standard_normal((30, 4)),
        rng.standard_normal((20, 4)),
        np.repeat([0.0, 1.0], [12, 18]),
    )
    known[:, 2] = 1  # a column that says nothing
    squares = [FunctionTransformer(lambda x: np.hstack([x, x**2]))] * (classifier == "quadratic")
    peer = make_pipeline(StandardScaler(), *squares, Ridge(alpha=metrics.PENALTY)).fit(known, of_b)
    found = metrics.CLASSIFIERS[classifier](known, of_b, asked) + of_b.mean()
    np.testing.assert_allclose(found, peer.predict(asked), atol=1e-10)


@pytest.mark.parametrize("count", [3, 40])
def test_the_neighbour_classifier_is_scikit_learns(count, rng):
    known, asked, of_b = (
        rng.standard_normal((count, 4)),
        rng.standard_normal((20, 4)),
        rng.integers(0, 2, count).astype(float),
    )
    peer = KNeighborsRegressor(min(metrics.NEIGHBOURS, count)).fit(known, of_b)
    np.testing.assert_allclose(
        metrics.CLASSIFIERS["neighbours"](known, of_b, asked), peer.predict(asked)
    )


def test_an_unknown_classifier_is_refused(rng):
    with pytest.raises(
        DataError, match="classifier must be one of linear, quadratic, neighbours, got 'forest'"
    ):
        metrics.two_sample_scores(*rng.standard_normal((2, 9, 2)), "forest")


def test_the_area_under_the_curve_is_that_of_scikit_learn_with_and_without_ties(rng):
    for a, b in (
        (rng.random(20), rng.random(30) + 0.2),
        (rng.integers(0, 5, 20), rng.integers(1, 6, 30)),
    ):
        expected = roc_auc_score(np.repeat([0, 1], [20, 30]), np.concatenate([a, b]))
        assert metrics.auc(a, b) == pytest.approx(expected)


# --- Leading axes ----------------------------------------------------------------------------------------------------

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
    "auc": (metrics.auc, [(9,), (7,)]),
    **{
        kind: (
            lambda a, b, kind=kind: np.concatenate(
                metrics.two_sample_scores(a, b, kind, seed=3), -1
            ),
            [(20, 4), (31, 4)],
        )
        for kind in ("linear", "quadratic", "neighbours")
    },
}


@pytest.mark.parametrize("name", BATCHED)
def test_leading_axes_are_worked_through_as_in_a_loop(name, rng):
    function, shapes = BATCHED[name]
    arrays = [rng.standard_normal((2, 3, *shape)) for shape in shapes]
    expected = [[function(*(x[i, j] for x in arrays)) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(function(*arrays), expected, atol=1e-12)
