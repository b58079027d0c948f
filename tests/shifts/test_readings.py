"""Every reading is what a loop over the halves gives, with the formula of another library."""

import numpy as np
import ot
import prdc
import pytest
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import entropy, spearmanr
from shift_worlds import Changed, Truth, small_world, sound, true_halves, true_report
from sklearn.covariance import ledoit_wolf

from gsmflow_lite.datasets import gaussian_world, glyphs
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.shifts.halves import Half, Halves
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.shifts.meters import BY_NAME
from gsmflow_lite.shifts.readout import AttributeReadout
from gsmflow_lite.shifts.report import Reading

REPEATS = 10
CLASSES = 5


@pytest.fixture(scope="module")
def world():
    return small_world()


@pytest.fixture(scope="module")
def report():
    return true_report()


@pytest.fixture(scope="module")
def halves():
    return true_halves()


# --- Real against real ----------------------------------------------------------------------------


def test_one_half_of_the_real_glyphs_is_fine_in_every_way_beside_the_other():
    letters = glyphs(64)
    rows, rest = letters.split_unseen(seed=0)
    report = measure(rest, RealSamples(letters, rows), n=200, repeats=10)
    words = {r.metric: r.word for r in report.readings if r.label is None}
    assert words.pop("response") == "not measured"  # real features cannot be asked
    assert set(words.values()) == {"fine"}
    assert "shifted" not in {r.word for r in report.readings}
    sound(report)


def test_the_true_distribution_scores_about_what_real_rows_score(report):
    for r in report.readings:
        # The truth is not known of other descriptions, so it has no response.
        if r.label is None and r.metric != "response":
            assert r.word == "fine", r
            slack = 0.1 * abs(r.value)
            assert r.low - slack <= r.ceiling <= r.high + slack, r


def test_real_features_under_other_names_fall_to_the_floor(world):
    swapped = Changed(Truth(world), lambda x: x.roll(1, 0))
    report = measure(world.dataset, swapped, n=60, repeats=10)
    for metric in ("agreement", "own class", "Frechet", "sliced Wasserstein", "neighbour test"):
        reading = report.reading(metric)
        assert reading.word == "shifted", reading
        assert reading.score < 0.3, reading
    assert report.reading("spread").word == "fine"


# --- Every reading against a loop over the halves -------------------------------------------------


def check(reading: Reading, values: np.ndarray, ceilings: np.ndarray) -> None:
    """Check a reading against values and ceilings of the repeats."""
    metric = BY_NAME[reading.metric]
    mean = values.mean()
    deviation = np.sqrt(np.sum((values - mean) ** 2) / (len(values) - 1))
    assert reading.value == pytest.approx(mean)
    assert reading.ceiling == pytest.approx(ceilings.mean())
    assert reading.low == pytest.approx(max(mean - 1.96 * deviation, metric.least))
    assert reading.high == pytest.approx(min(mean + 1.96 * deviation, metric.most))


def rows_of(half: Half, repeat: int, k: int) -> np.ndarray:
    return half.features[k][half.rows[k][repeat]].astype(np.float64)


def looped(halves: Halves, compare) -> tuple[np.ndarray, np.ndarray]:
    """Compare synthesized and second halves with first ones: value and ceiling, (R, U) each."""
    value = np.empty((REPEATS, CLASSES))
    ceiling = np.empty((REPEATS, CLASSES))
    for repeat, k in np.ndindex(REPEATS, CLASSES):
        first = rows_of(halves.first, repeat, k)
        value[repeat, k] = compare(first, rows_of(halves.synthesized, repeat, k))
        ceiling[repeat, k] = compare(first, rows_of(halves.second, repeat, k))
    return value, ceiling


def looped_means(halves: Halves, compare) -> tuple[np.ndarray, np.ndarray]:
    """The same with the class means of a repeat, or all rows of its classes: (R,) each."""

    def classes(half, repeat):
        return [rows_of(half, repeat, k) for k in range(CLASSES)]

    value = []
    ceiling = []
    for repeat in range(REPEATS):
        first = classes(halves.first, repeat)
        value.append(compare(first, classes(halves.synthesized, repeat)))
        ceiling.append(compare(first, classes(halves.second, repeat)))
    return np.array(value), np.array(ceiling)


def total_variance(x: np.ndarray) -> float:
    return np.trace(np.cov(x.T))


def test_the_spread_of_a_class_is_the_ratio_of_numpys_traces(report, halves):
    value, ceiling = looped(halves, lambda a, x: total_variance(x) / total_variance(a))
    for k, name in enumerate(report.names):
        check(report.reading("spread", name), value[:, k], ceiling[:, k])


def test_the_spread_of_all_classes_is_the_ratio_of_the_sums(report, halves):
    def ratio(first, others):
        return sum(map(total_variance, others)) / sum(map(total_variance, first))

    check(report.reading("variance"), *looped_means(halves, ratio))


def scipys_rank(x: np.ndarray) -> float:
    return np.exp(entropy(np.linalg.eigvalsh(np.cov(x.T))))


def scikit_learns_volume(x: np.ndarray) -> float:
    shrunk, _ = ledoit_wolf(x)
    return np.linalg.det(shrunk) ** (1 / x.shape[1])


@pytest.mark.parametrize(
    ("metric", "size"), [("effective rank", scipys_rank), ("volume", scikit_learns_volume)]
)
def test_effective_rank_and_volume_are_ratios_of_other_libraries_sizes(
    metric, size, report, halves
):
    value, ceiling = looped(halves, lambda a, x: size(x) / size(a))
    check(report.reading(metric), value.mean(1), ceiling.mean(1))
    check(report.reading(metric, report.names[2]), value[:, 2], ceiling[:, 2])


def test_the_frechet_distance_is_pots_within_classes(report, halves):
    def squared(a, x):
        moments = (a.mean(0), x.mean(0), np.cov(a.T), np.cov(x.T))
        return ot.gaussian.bures_wasserstein_distance(*moments) ** 2

    value, ceiling = looped(halves, squared)
    check(report.reading("Frechet"), value.mean(1), ceiling.mean(1))


def test_recall_is_prdcs_of_classes_centred_as_a_whole(report, halves, capsys):
    def centred(half, repeat):
        return rows_of(half, repeat, 0) - half.features[0].mean(0)

    def recall(real, other):
        return prdc.compute_prdc(real, other, nearest_k=5)["recall"]

    value = np.empty(REPEATS)
    ceiling = np.empty(REPEATS)
    for repeat in range(REPEATS):
        first = centred(halves.first, repeat)
        value[repeat] = recall(first, centred(halves.synthesized, repeat))
        ceiling[repeat] = recall(first, centred(halves.second, repeat))
    check(report.reading("recall", report.names[0]), value, ceiling)


def test_the_distance_order_is_scipys_spearman_of_distances_without_the_noise_of_the_means(
    report, halves
):
    def distances(classes):
        noise = [total_variance(x) / len(x) for x in classes]
        return [
            np.sum((classes[i].mean(0) - classes[j].mean(0)) ** 2) - noise[i] - noise[j]
            for i in range(CLASSES)
            for j in range(i + 1, CLASSES)
        ]

    def correlation(first, others):
        return spearmanr(distances(first), distances(others)).statistic

    value, ceiling = looped_means(halves, correlation)
    of_synthesized = [
        correlation(
            [rows_of(halves.synthesized, repeat, k) for k in range(CLASSES)],
            [rows_of(halves.again, repeat, k) for k in range(CLASSES)],
        )
        for repeat in range(REPEATS)
    ]
    correction = np.sqrt(np.mean(ceiling) / np.mean(of_synthesized))
    check(report.reading("structure"), np.clip(value * correction, -1, 1), ceiling)


def means_of(classes: list[np.ndarray]) -> np.ndarray:
    return np.stack([x.mean(0) for x in classes])


def test_disparity_is_scipys_procrustes(report, halves):
    def disparity(first, others):
        return procrustes(means_of(first), means_of(others))[2]

    check(report.reading("disparity"), *looped_means(halves, disparity))


def test_scale_is_the_ratio_of_the_sizes(report, halves):
    def size(classes):
        noise = np.mean([total_variance(x) / len(x) for x in classes])
        return np.sqrt(pdist(means_of(classes), "sqeuclidean").mean() - 2 * noise)

    values = looped_means(halves, lambda first, others: size(others) / size(first))
    check(report.reading("scale"), *values)


def agreement(readout: AttributeReadout, half: Half, repeat: int, k: int, described) -> np.ndarray:
    """Agreement of a half of class k with descriptions, without the noise of halving."""
    x = rows_of(half, repeat, k)
    read = readout.read(x) * np.sqrt(readout.readability)
    noise = total_variance(read) * (1 / len(x) - 1 / len(half.features[k]))
    return readout.agreement(readout.read(x.mean(0))[None], described, np.array([noise]))[0]


def test_agreement_is_that_of_the_readout_with_the_noise_of_halving_taken_off(
    report, halves, world
):
    readout = AttributeReadout.fit(world.dataset)
    described = readout.standardise(world.dataset.attributes[report.classes])
    value = np.empty((REPEATS, CLASSES))
    ceiling = np.empty((REPEATS, CLASSES))
    for repeat, k in np.ndindex(REPEATS, CLASSES):
        own = described[[k]]
        value[repeat, k] = agreement(readout, halves.synthesized, repeat, k, own)[0]
        ceiling[repeat, k] = agreement(readout, halves.second, repeat, k, own)[0]
    check(report.reading("semantic"), value.mean(1), ceiling.mean(1))
    check(report.reading("semantic", report.names[3]), value[:, 3], ceiling[:, 3])


def test_the_floor_of_agreement_is_the_mean_over_all_other_descriptions(report, halves, world):
    readout = AttributeReadout.fit(world.dataset)
    others = np.delete(world.dataset.attributes, report.classes[0], axis=0)
    described = readout.standardise(others)
    expected = [
        agreement(readout, halves.synthesized, repeat, 0, described) for repeat in range(REPEATS)
    ]
    floor = report.reading("agreement", report.names[0]).floor
    assert floor == pytest.approx(np.mean(expected), rel=1e-6)


def test_own_class_is_the_share_of_samples_that_are_not_somebody_elses():
    # The classes are far apart, so that there are no other errors.
    world = gaussian_world(8, seen=14, unseen=5, attributes=4, noise=0.1)
    mixed = Injected(world.dataset, Truth(world), mixed=0.25)
    reading = measure(world.dataset, mixed, n=80, repeats=20).reading("own class")
    assert reading.value == pytest.approx(0.75, abs=0.02)
    assert reading.ceiling == 1
    assert reading.floor == pytest.approx(0.25 / 4, abs=0.02)
