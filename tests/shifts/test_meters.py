"""The three meters: right about known shifts, blind to the others' shifts, and never silent about what cannot be measured."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import ot
import prdc
import pytest
import scipy.spatial
import scipy.stats
import torch
from conftest import tiny_dataset
from scipy.stats import spearmanr

from gsmflow_lite.datasets import GZSLDataset, gaussian_world, glyphs
from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.generators.base import AtTemperature
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.stored import RealSamples
from gsmflow_lite.method.start import ridge_means
from gsmflow_lite.shifts import meters
from gsmflow_lite.shifts import report as shifts
from gsmflow_lite.shifts.estimates import BY_NAME, METRICS
from gsmflow_lite.shifts.halves import Halves
from gsmflow_lite.shifts.injection import Injected
from gsmflow_lite.shifts.readout import AttributeReadout
from gsmflow_lite.shifts.report import METERS, NOT_MEASURED, Reading, measure

NUMBERS = ("value", "low", "high", "floor", "ceiling", "score")


class Truth:
    """Fresh samples of the true distribution of each class of a Gaussian world."""

    def __init__(self, world) -> None:
        self.world = world

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        matches = [
            np.flatnonzero((self.world.dataset.attributes == a).all(1))
            for a in np.asarray(attributes)
        ]
        if not all(map(len, matches)):
            raise DataError("the truth is known only of classes of the world")
        return torch.from_numpy(
            self.world.sample([m[0] for m in matches], n, seed=seed + 1000)
        ).float()


class Linear:
    """Class means that are a linear map (A, D) of the attributes, with noise."""

    def __init__(self, weights: np.ndarray, noise: float = 1.0) -> None:
        self.weights, self.noise = weights, noise

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        noise = np.random.default_rng(seed).standard_normal(
            (len(attributes), n, self.weights.shape[1])
        )
        return torch.from_numpy(
            (np.asarray(attributes) @ self.weights)[:, None] + self.noise * noise
        ).float()


class Changed:
    """Another generator's features after ``change``, a function of a tensor (M, n, D)."""

    def __init__(self, source, change) -> None:
        self.source, self.change = source, change

    def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
        return self.change(self.source.synthesize(attributes, n, seed=seed))


def only_test(dataset: GZSLDataset, counts: dict[int, int]) -> GZSLDataset:
    """The same data with so many test rows of each of these unseen classes."""
    test = dataset.test_unseen
    place = np.concatenate(
        [np.arange((dataset.labels[test] == k).sum()) for k in dataset.unseen_classes]
    )
    most = np.array([counts.get(int(k), 10**6) for k in dataset.labels[test]])
    return replace(dataset, test_unseen=test[place < most])


def same(a: Reading, b: Reading, **tolerance) -> bool:
    """Whether two readings have the same word and numbers."""
    numbers = [[getattr(r, name) for name in NUMBERS] for r in (a, b)]
    return a.word == b.word and np.allclose(*numbers, equal_nan=True, **tolerance)


def sound(report) -> None:
    """Every reading is finite, or not measured and accounted for in the notes; and all of it is strict JSON."""
    for r in report.readings:
        numbers = np.array([getattr(r, name) for name in NUMBERS])
        assert np.isnan(numbers).all() if r.word == NOT_MEASURED else np.isfinite(numbers).all(), r
        if r.word == NOT_MEASURED and r.label is None:
            assert any(said_of(r.metric) in note for note in report.notes), (r, report.notes)
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.sentence
    assert str(report)


def said_of(metric: str) -> str:
    """How a note begins that says why a metric of all classes was not measured."""
    if BY_NAME[metric].meter == "structure":
        return "structure: "
    return {"quadratic test": "two-sample tests", "neighbour test": "two-sample tests"}.get(
        metric, metric
    )


@pytest.fixture(scope="module")
def world():
    return gaussian_world(6, seen=14, unseen=5, attributes=3, samples=60, noise=0.8)


@pytest.fixture(scope="module")
def report(world):
    return measure(world.dataset, Truth(world), n=60, repeats=10)


@pytest.fixture(scope="module")
def poor(world):
    """A report on a generator with every shift."""
    return measure(
        world.dataset,
        Injected(world.dataset, Truth(world), variance=0.6, semantic=0.8, structure=1.0),
        n=60,
        repeats=10,
    )


@pytest.fixture(scope="module")
def halves(world):
    """The very halves that ``report`` was measured on."""
    classes, real, _ = shifts.real_features(world.dataset, None)
    return Halves(
        real, list(Truth(world).synthesize(world.dataset.attributes[classes], 60).numpy()), 10, 0
    )


@pytest.fixture(scope="module")
def letters():
    return glyphs(64)


# --- Real against real -----------------------------------------------------------------------------------------------


def test_one_half_of_the_real_glyphs_is_fine_in_every_way_beside_the_other(letters):
    rows, rest = letters.split_unseen(seed=0)
    report = measure(rest, RealSamples(letters, rows), n=200, repeats=10)
    words = {r.metric: r.word for r in report.readings if r.label is None}
    assert words.pop("response") == NOT_MEASURED  # real features cannot be asked
    assert set(words.values()) == {"fine"}
    assert "shifted" not in {r.word for r in report.readings}
    sound(report)


def test_the_true_distribution_scores_about_what_real_rows_score(report):
    for r in report.readings:
        if (
            r.label is None and r.metric != "response"
        ):  # the truth is known of no other descriptions
            assert r.word == "fine", r
            assert r.low - 0.1 * abs(r.value) <= r.ceiling <= r.high + 0.1 * abs(r.value), r


def test_real_features_under_other_names_fall_to_the_floor(world):
    swapped = Changed(Truth(world), lambda x: x.roll(1, 0))
    report = measure(world.dataset, swapped, n=60, repeats=10)
    for metric in ("agreement", "own class", "Frechet", "sliced Wasserstein", "neighbour test"):
        reading = report.reading(metric)
        assert reading.word == "shifted", reading
        assert reading.score < 0.3, reading
    assert report.reading("spread").word == "fine"


# --- Every reading against a loop over the halves ---------------------------------------------------------------------


def check(reading: Reading, values: list, ceilings: list) -> None:
    values, ceilings = np.array(values), np.array(ceilings)
    metric = BY_NAME[reading.metric]
    assert reading.value == pytest.approx(values.mean())
    assert reading.ceiling == pytest.approx(ceilings.mean())
    deviation = np.sqrt(np.sum((values - values.mean()) ** 2) / (len(values) - 1))
    assert reading.low == pytest.approx(max(values.mean() - 1.96 * deviation, metric.least))
    assert reading.high == pytest.approx(min(values.mean() + 1.96 * deviation, metric.most))


def drawn(halves: Halves, r: int, k: int) -> list[np.ndarray]:
    """First, second and synthesized half of class k in repeat r."""
    sets = (
        (halves.real, halves.first),
        (halves.real, halves.second),
        (halves.made, halves.synthesized),
    )
    return [data[k][rows[k][r]].astype(np.float64) for data, rows in sets]


def looped(halves: Halves, compare) -> list[np.ndarray]:
    """``compare(real, other)`` of synthesized and of second halves with first ones, (R, U) each."""
    found = np.array(
        [
            [[compare(a, g), compare(a, b)] for a, b, g in (drawn(halves, r, k) for k in range(5))]
            for r in range(10)
        ]
    )
    return [found[..., 0], found[..., 1]]


def test_the_spread_of_a_class_is_the_ratio_of_numpys_traces(report, halves):
    values = looped(halves, lambda a, x: np.trace(np.cov(x.T)) / np.trace(np.cov(a.T)))
    for k, name in enumerate(report.names):
        check(report.reading("spread", name), *(v[:, k] for v in values))


def test_the_spread_of_all_classes_is_the_ratio_of_the_sums(report, halves):
    traces = np.array(
        [
            [[np.trace(np.cov(x.T)) for x in drawn(halves, r, k)] for k in range(5)]
            for r in range(10)
        ]
    ).sum(1)
    check(report.reading("variance"), traces[:, 2] / traces[:, 0], traces[:, 1] / traces[:, 0])


def test_the_effective_rank_and_the_volume_are_ratios_of_scipys_entropy_and_scikit_learns_determinant(
    report, halves
):
    from scipy.stats import entropy
    from sklearn.covariance import ledoit_wolf

    rank = lambda x: np.exp(entropy(np.linalg.eigvalsh(np.cov(x.T))))  # noqa: E731
    volume = lambda x: np.linalg.det(ledoit_wolf(x)[0]) ** (1 / 6)  # noqa: E731
    for metric, size in (("effective rank", rank), ("volume", volume)):
        values = looped(halves, lambda a, x, size=size: size(x) / size(a))
        check(report.reading(metric), *(v.mean(1) for v in values))
        check(report.reading(metric, report.names[2]), *(v[:, 2] for v in values))


def test_the_frechet_distance_is_pots_within_classes(report, halves):
    def squared(a, x):
        return (
            ot.gaussian.bures_wasserstein_distance(a.mean(0), x.mean(0), np.cov(a.T), np.cov(x.T))
            ** 2
        )

    values = looped(halves, squared)
    check(report.reading("Frechet"), *(v.mean(1) for v in values))


def test_recall_is_prdcs_of_classes_centred_as_a_whole(report, halves, capsys):
    values = np.empty((10, 2))
    for r in range(10):
        a, b, g = drawn(halves, r, 0)
        a, b, g = a - halves.real[0].mean(0), b - halves.real[0].mean(0), g - halves.made[0].mean(0)
        values[r] = [prdc.compute_prdc(a, x, nearest_k=5)["recall"] for x in (g, b)]
    check(report.reading("recall", report.names[0]), *values.T)


def test_the_distance_order_is_scipys_spearman_of_distances_without_the_noise_of_the_means(
    report, halves
):
    def apart(r, which):
        classes = [drawn(halves, r, k)[which] for k in range(5)]
        error = [np.trace(np.cov(x.T)) / len(x) for x in classes]
        pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
        return [
            np.sum((classes[i].mean(0) - classes[j].mean(0)) ** 2) - error[i] - error[j]
            for i, j in pairs
        ]

    found = [
        [spearmanr(apart(r, 0), apart(r, which)).statistic for r in range(10)] for which in (2, 1)
    ]
    check(report.reading("structure"), *found)


def test_disparity_is_scipys_procrustes_and_scale_the_ratio_of_the_sizes(report, halves):
    means = [
        [np.stack([drawn(halves, r, k)[w].mean(0) for k in range(5)]) for r in range(10)]
        for w in range(3)
    ]
    found = [
        [scipy.spatial.procrustes(a, x)[2] for a, x in zip(means[0], means[w], strict=True)]
        for w in (2, 1)
    ]
    check(report.reading("disparity"), *found)
    size = lambda x: np.sqrt(np.square(x - x.mean(0)).sum())  # noqa: E731
    check(
        report.reading("scale"),
        *([size(x) / size(a) for a, x in zip(means[0], means[w], strict=True)] for w in (2, 1)),
    )


def test_agreement_is_that_of_the_readout_with_the_noise_of_halving_taken_off(
    report, halves, world
):
    readout = AttributeReadout.fit(world.dataset)
    asked = readout.standardise(world.dataset.attributes[report.classes])
    found = np.empty((2, 10, 5))
    for r, k in np.ndindex(10, 5):
        _, second, synthesized = drawn(halves, r, k)
        for place, (x, whole) in enumerate(
            ((synthesized, halves.made[k]), (second, halves.real[k]))
        ):
            read = readout.read(x) * np.sqrt(readout.readability)
            noise = np.trace(np.cov(read.T)) * (1 / len(x) - 1 / len(whole))
            found[place, r, k] = readout.agreement(
                readout.read(x.mean(0))[None], asked[[k]], np.array([noise])
            )[0, 0]
    check(report.reading("semantic"), *found.mean(2))
    check(report.reading("semantic", report.names[3]), *found[:, :, 3])


def test_agreement_does_not_grow_with_the_number_of_synthesized_rows():
    found = []
    for seed in range(4):
        world = gaussian_world(64, samples=8, seed=seed)
        shifted = Injected(world.dataset, Truth(world), semantic=0.5)
        few, many = (
            measure(world.dataset, shifted, n=n, metrics=("semantic",)).reading("semantic")
            for n in (8, 400)
        )
        assert few.ceiling == pytest.approx(many.ceiling, abs=0.03)
        found.append(many.value - few.value)
    assert (
        abs(np.mean(found)) < 0.03
    )  # it was 0.12 when all synthesized rows were taken against half of the real ones


def test_the_floor_of_agreement_is_the_mean_over_all_other_descriptions(report, halves, world):
    readout, k = AttributeReadout.fit(world.dataset), report.classes[0]
    others = np.delete(world.dataset.attributes, k, axis=0)
    read = [readout.read(drawn(halves, r, 0)[2].mean(0)) for r in range(10)]
    expected = readout.agreement(np.array(read), readout.standardise(others)).mean()
    assert report.reading("agreement", report.names[0]).floor == pytest.approx(
        expected, rel=0.02
    )  # but for the noise term


def test_own_class_is_the_share_of_samples_that_are_not_somebody_elses():
    world = gaussian_world(
        8, seen=14, unseen=5, attributes=4, noise=0.1
    )  # classes far apart: no other errors
    report = measure(
        world.dataset, Injected(world.dataset, Truth(world), mixed=0.25), n=80, repeats=20
    )
    reading = report.reading("own class")
    assert reading.value == pytest.approx(0.75, abs=0.02)
    assert (reading.ceiling, reading.floor) == (1, pytest.approx(0.25 / 4, abs=0.02))


# --- Words and scores -------------------------------------------------------------------------------------------------


def test_words_follow_their_rule_in_every_reading(report, poor):
    readings = report.readings + poor.readings
    assert {r.word for r in readings} >= {"fine", "watch", "shifted", NOT_MEASURED}
    for r in readings:
        if r.word == NOT_MEASURED:
            assert np.isnan(r.score)
        else:
            assert (r.word == "fine") == (r.score >= 0.8), r
            assert r.word != "shifted" or r.score < 0.5, r


@pytest.mark.parametrize(
    ("value", "wobble", "word"),
    [
        (0.81, 0.01, "fine"),
        (0.79, 0.01, "watch"),
        (0.51, 0.01, "watch"),
        (0.49, 0.01, "shifted"),
        (0.49, 0.3, "watch"),  # its interval meets that of the ceiling: chance may be the reason
        (1.2, 0.01, "fine"),
        (-0.3, 0.01, "shifted"),
    ],
)
def test_a_word_is_given_by_the_score_and_by_whether_the_intervals_meet(value, wobble, word):
    metric, values, ceilings = (
        BY_NAME["response"],
        value + wobble * np.array([-1, 1, 0]),
        1 + 0.01 * np.array([-1, 1, 0]),
    )
    reading = shifts._reading(metric, None, values, ceilings, 0.0, (values, 0.0, ceilings))
    assert reading.word == word
    assert reading.score == pytest.approx(np.clip(value, 0, 1))


def test_scores_are_the_place_between_floor_and_ceiling(report, poor):
    linear = [
        r
        for r in report.readings + poor.readings
        if BY_NAME[r.metric].better in ("higher", "lower")
    ]
    for r in linear:
        if r.word != NOT_MEASURED:
            assert r.score == pytest.approx(
                np.clip((r.value - r.floor) / (r.ceiling - r.floor), 0, 1)
            ), r


def test_scores_of_ratios_count_twice_as_much_like_half_as_much(halves):
    estimate = meters.spread(halves)
    value, ceiling = (
        np.minimum(x, 1 / x).mean() for x in (estimate.value[:, 1], estimate.ceiling[:, 1])
    )
    reading = shifts._single(BY_NAME["spread"], estimate, 1, "x")
    assert reading.score == pytest.approx(min(value / ceiling, 1))
    for ratio in (0.25, 4.0):
        assert BY_NAME["spread"].goodness(np.array(ratio)) == 0.25


def test_scores_of_a_chance_of_telling_apart_fall_on_either_side_of_a_half():
    goodness = BY_NAME["quadratic test"].goodness(np.array([0.5, 0.3, 0.7, 1.0]))
    np.testing.assert_allclose(goodness, [0, -0.2, -0.2, -0.5])


@pytest.mark.parametrize(("value", "score"), [(0.1, 0.0), (0.2, 1.0), (0.9, 1.0)])
def test_where_real_features_are_no_better_than_the_floor_nothing_is_fine(value, score):
    three = np.array([0.1, 0.2, 0.3])
    reading = shifts._reading(
        BY_NAME["recall"], None, three, three, 0.2, (three - 0.2 + value, 0.2, three)
    )
    assert (reading.score, reading.word) == (score, "watch")


def test_one_bad_class_does_not_hide_among_good_ones(world):
    def widened(x):
        return torch.cat(
            [x[:1].mean(1, keepdim=True) + 4 * (x[:1] - x[:1].mean(1, keepdim=True)), x[1:]]
        )

    report = measure(world.dataset, Changed(Truth(world), widened), n=60, repeats=10)
    spread = {name: report.reading("spread", name) for name in report.names}
    assert [r.word for r in spread.values()] == ["shifted"] + ["fine"] * 4
    assert spread[report.names[0]].value == pytest.approx(16, rel=0.4)
    assert report.worst()[0][0::2] == (report.names[0], "variance")


# --- Intervals and halves ---------------------------------------------------------------------------------------------


def test_the_interval_of_the_spread_contains_the_true_ratio_about_as_often_as_it_says():
    hits, deviations = [], np.array([0.5, 1.0, 2.0])
    for seed in range(120):
        rng = np.random.default_rng(seed)
        real = [rng.standard_normal((40, 3)) * deviations for _ in range(3)]
        made = [0.7 * rng.standard_normal((40, 3)) * deviations for _ in range(3)]
        e = meters.spread(Halves(real, made, 40, seed))
        readings = [
            shifts._together(BY_NAME["spread"], e),
            shifts._single(BY_NAME["spread"], e, 0, "one"),
        ]
        hits.append([r.low <= 0.49 <= r.high for r in readings])
    assert ((np.mean(hits, 0) >= 0.85) & (np.mean(hits, 0) <= 1)).all(), np.mean(hits, 0)
    assert np.mean(hits) < 1  # or intervals would be wide for nothing


def test_more_rows_make_narrower_intervals():
    def width(n):
        rng = np.random.default_rng(0)
        reading = shifts._together(
            BY_NAME["spread"], meters.spread(Halves(*rng.standard_normal((2, 3, n, 3)), 60, 0))
        )
        return reading.high - reading.low

    assert width(400) == pytest.approx(width(100) / 2, rel=0.35)


def test_halves_are_disjoint_and_of_one_size():
    rng = np.random.default_rng(0)
    real, made = [rng.random((n, 2)) for n in (9, 30, 7)], [rng.random((20, 2)) for _ in range(3)]
    halves = Halves(real, made, 6, 0)
    for k, h in enumerate((4, 10, 3)):
        shapes = {rows[k].shape for rows in (halves.first, halves.second, halves.synthesized)}
        assert shapes == {(6, h)}
        for r in range(6):
            assert len(set(halves.first[k][r]) | set(halves.second[k][r])) == 2 * h
            assert len(set(halves.synthesized[k][r])) == h
        assert len({tuple(rows) for rows in halves.first[k]}) > 1


def test_shuffled_labels_give_no_class_its_own():
    halves = Halves([np.eye(4)] * 5, [np.eye(4)] * 5, 50, 0)
    for other in halves.other:
        assert sorted(other) == list(range(5))
        assert (other != np.arange(5)).all()


def test_the_same_seed_repeats_every_number_and_another_one_does_not(world, report):
    again = measure(world.dataset, Truth(world), n=60, repeats=10)
    other = measure(world.dataset, Truth(world), n=60, repeats=10, seed=1)
    assert json.dumps(again.to_dict()) == json.dumps(report.to_dict())
    assert all(
        r.value != s.value
        for r, s in zip(other.readings, report.readings, strict=True)
        if r.metric == "spread"
    )


def test_a_seed_may_be_numpys(world):
    report = measure(
        world.dataset, Truth(world), n=np.int64(20), repeats=np.int32(2), seed=np.uint8(3)
    )
    assert json.loads(json.dumps(report.to_dict()))["settings"]["seed"] == 3


def test_measuring_leaves_the_global_random_state_alone(world):
    torch.manual_seed(3)
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # noqa: NPY002
    measure(world.dataset, Truth(world), n=20, repeats=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


# --- What a report says -----------------------------------------------------------------------------------------------


def test_the_table_the_dictionary_and_the_readings_say_the_same(poor):
    for by_class in (False, True):
        table = poor.table(by_class=by_class)
        chosen = [r for r in poor.readings if (r.label is not None) == by_class]
        assert list(table.columns) == [*NUMBERS, "word"]
        assert len(table) == len(chosen) == len(METRICS) * (len(poor.names) if by_class else 1)
        for r in chosen:
            row = table.loc[(r.meter, r.metric, r.label) if by_class else (r.meter, r.metric)]
            np.testing.assert_array_equal(
                row[list(NUMBERS)].astype(float), [getattr(r, name) for name in NUMBERS]
            )
            assert row["word"] == r.word
    for r, said in zip(poor.readings, poor.to_dict()["readings"], strict=True):
        assert said["word"] == r.word
        assert said["value"] == (None if r.word == NOT_MEASURED else r.value)


def test_a_report_survives_json(poor):
    said = json.loads(json.dumps(poor.to_dict(), allow_nan=False))
    assert said == json.loads(json.dumps(poor.to_dict()))
    assert said["classes"] == list(poor.names)
    assert said["settings"] == {
        "dataset": poor.settings["dataset"],
        "n": 60,
        "seed": 0,
        "repeats": 10,
    }
    assert np.shape(said["attributes"]["read_made"]) == (5, 3)
    assert {tuple(one) for one in said["changed_places"]} == set(poor.changed)


def test_the_sentence_has_the_headlines_and_their_words(poor):
    semantic, variance, structure = (poor.reading(meter) for meter in METERS[:3])
    for part in (
        f"at {semantic.value:.2f}, where real ones reach {semantic.ceiling:.2f} and mistaken ones {semantic.floor:.2f}",
        f"(semantic: {semantic.word})",
        f"they are {variance.value:.2g} times as varied as real ones (variance: {variance.word})",
        f"rank correlation of {structure.value:.2f}, where real data reach {structure.ceiling:.2f}",
        f"(structure: {structure.word})",
    ):
        assert part in poor.sentence


def test_a_printed_report_has_a_row_for_every_metric_and_every_note(poor):
    text = str(poor)
    rows = [line.split() for line in text.splitlines()]
    for r in poor.readings[: len(METRICS)]:
        row = next(
            line
            for line in rows
            if line[: 1 + len(r.metric.split())] == [r.meter, *r.metric.split()]
        )
        assert row[-1] == r.word.split()[-1]
        assert f"{r.value:.4g}" in row  # and does not touch its neighbour
    assert all(note in text for note in poor.notes)


def test_a_meter_is_another_name_of_its_headline_and_what_there_is_not_is_listed(report):
    heads = {
        "semantic": "agreement",
        "variance": "spread",
        "structure": "distance order",
        "overall": "quadratic test",
    }
    for meter, metric in heads.items():
        assert report.reading(meter) is report.reading(metric)
        assert report.reading(meter, report.names[1]).label == report.names[1]
    with pytest.raises(
        ConfigError,
        match=r"no reading of 'beauty' for None: metrics are agreement.*neighbour test; classes are",
    ):
        report.reading("beauty")
    with pytest.raises(ConfigError, match=rf"for 'nobody'.*classes are {report.names[0]}"):
        report.reading("spread", "nobody")


def test_the_worst_classes_come_first_by_their_worst_headline(poor):
    expected = {}
    for name in poor.names:
        scores = [(poor.reading(meter, name).score, meter) for meter in METERS[:3]]
        expected[name] = min(scores)
    found = poor.worst()
    assert {name: (score, meter) for name, score, meter in found} == expected
    assert [score for _, score, _ in found] == sorted(score for _, score, _ in found)


def test_the_attribute_table_is_what_synthesized_means_say_more_than_real_ones(world, poor):
    readout = AttributeReadout.fit(world.dataset)
    _, real, _ = shifts.real_features(world.dataset, None)
    np.testing.assert_allclose(poor.read_real, [readout.read(x).mean(0) for x in real], atol=1e-5)
    np.testing.assert_allclose(
        poor.asked, readout.standardise(world.dataset.attributes[poor.classes])
    )
    table = poor.attribute_table()
    assert (list(table.index), list(table.columns)) == (
        list(poor.names),
        list(world.dataset.attribute_names),
    )
    np.testing.assert_allclose(table, poor.read_made - poor.read_real)


# --- Structure: changed places ----------------------------------------------------------------------------------------


def test_classes_that_changed_places_are_named_and_only_those():
    world = gaussian_world(8, seen=14, unseen=6, attributes=4, noise=0.02)
    swap = [1, 0, 2, 3, 4, 5]
    report = measure(world.dataset, Changed(Truth(world), lambda x: x[swap]), n=60, repeats=10)
    true = scipy.spatial.distance.squareform(
        scipy.spatial.distance.pdist(world.means[report.classes], "sqeuclidean")
    )
    made = true[np.ix_(swap, swap)]
    expected = {
        (c, i, j): min(
            (true[c, j] - true[c, i]) / (true[c, j] + true[c, i]),
            (made[c, i] - made[c, j]) / (made[c, j] + made[c, i]),
        )
        for c, i, j in permutations(range(6), 3)
        if true[c, i] < true[c, j] and made[c, i] > made[c, j]
    }
    assert 5 < len(expected) < 50
    number = {name: k for k, name in enumerate(report.names)}
    found = {tuple(number[name] for name in one[:3]): one[3] for one in report.changed}
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=0.1, abs=0.005)
    assert [one[3] for one in report.changed] == sorted(
        (one[3] for one in report.changed), reverse=True
    )


def test_changed_places_are_those_that_a_loop_over_triples_finds_beyond_chance(world):
    classes, real, _ = shifts.real_features(world.dataset, None)
    made = (
        Injected(world.dataset, Truth(world), structure=0.7)
        .synthesize(world.dataset.attributes[classes], 60)
        .numpy()
    )
    halves = Halves(real, list(made), 40, 0)
    real, _, made = halves.squares
    expected = set()
    for c, i, j in permutations(range(5), 3):
        of_real, of_made = real[:, c, j] - real[:, c, i], made[:, c, i] - made[:, c, j]
        sure = scipy.stats.norm.isf(0.05 / 30)  # 5 classes to look from, 6 pairs of the others
        if min(x.mean() / x.std(ddof=1) for x in (of_real, of_made)) > sure:
            expected.add((c, i, j))
    assert 0 < len(expected) < 30
    assert {one[:3] for one in meters.changed_places(halves)} == expected


@pytest.mark.parametrize("seed", [0, 1])
def test_of_many_classes_that_stand_as_they_do_none_changes_places_by_chance(seed):
    world = gaussian_world(8, seen=20, unseen=16, attributes=6, samples=60, noise=1.0, seed=seed)
    assert not measure(world.dataset, Truth(world), n=60, metrics=("structure",)).changed


def test_of_many_changed_places_the_largest_are_kept(world):
    _, real, _ = shifts.real_features(world.dataset, None)
    halves = Halves(real, list(reversed(real)), 10, 0)
    every = meters.changed_places(halves, most=10**6)
    assert meters.changed_places(halves, most=3) == every[:3]


# --- Semantic: response ----------------------------------------------------------------------------------------------


def test_a_generator_that_does_not_hear_its_condition_has_no_response(world):
    deaf = Changed(Truth(world), lambda x: x)
    deaf.synthesize = lambda attributes, n, *, temperature=1.0, seed=0: torch.ones(
        len(attributes), n, 6
    )
    report = measure(world.dataset, deaf, n=10, repeats=3)
    reading = report.reading("response")
    assert (reading.value, reading.low, reading.high, reading.word) == (0, 0, 0, "shifted")
    assert set(report.responses.values()) == {0.0}


def test_a_linear_generator_responds_as_its_map_and_the_readout_say(world, rng):
    readout, weights = AttributeReadout.fit(world.dataset), rng.standard_normal((3, 6))
    report = measure(world.dataset, Linear(weights), n=10, repeats=3)
    slopes = readout.spread * np.einsum("ad,da->a", weights, readout.weights)
    for name, slope in zip(world.dataset.attribute_names, slopes, strict=True):
        assert report.responses[name] == pytest.approx(slope, rel=1e-3, abs=1e-4)
    reading = report.reading("response")
    assert min(slopes) < reading.value < max(slopes)
    assert reading.floor == 0


def test_a_generator_that_is_the_ridge_map_of_the_real_means_reaches_the_ceiling_of_response(world):
    report = measure(
        world.dataset, Linear(ridge_means(world.dataset).numpy()[:-1]), n=10, repeats=3
    )
    for label in (None, *report.names):
        reading = report.reading("response", label)
        assert reading.value == pytest.approx(reading.ceiling, rel=1e-3)
        assert (reading.word, reading.score) == ("fine", pytest.approx(1, rel=1e-3))


def test_a_generator_that_breaks_on_new_descriptions_has_no_response_and_a_note(world):
    known = {tuple(a) for a in world.dataset.attributes}

    class Brittle(Truth):
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            new = [tuple(a) not in known for a in np.asarray(attributes)]
            return (
                torch.full((len(attributes), n, 6), np.nan)
                if any(new)
                else super().synthesize(attributes, n, seed=seed)
            )

    report = measure(world.dataset, Brittle(world), n=20, repeats=3)
    assert report.reading("response").word == NOT_MEASURED
    assert report.responses == {}
    assert any(
        note.startswith(
            "response: the generator does not answer a permuted attribute: synthesized features must be finite"
        )
        for note in report.notes
    )
    sound(report)


# --- Arguments and errors ---------------------------------------------------------------------------------------------


def test_classes_may_be_chosen_and_seen_ones_are_compared_with_their_test_rows(world):
    d = world.dataset
    classes = [d.unseen_classes[2], d.seen_classes[0], d.unseen_classes[0]]
    report = measure(d, Truth(world), n=20, repeats=3, classes=classes)
    np.testing.assert_array_equal(report.classes, classes)
    assert report.names == tuple(d.class_names[k] for k in classes)
    _, real, _ = shifts.real_features(d, classes)
    np.testing.assert_array_equal(real[1], d.features[d.of_class(classes[1], d.test_seen)])
    assert report.reading("spread").word == "fine"


@pytest.mark.parametrize("classes", [[99], [-1], [0, 0], [], [0.5], 3, [[0, 1]]])
def test_classes_that_do_not_exist_are_refused(classes, world):
    with pytest.raises(
        DataError, match="classes must be different class numbers from 0 to 18, got"
    ):
        measure(world.dataset, Truth(world), classes=classes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 3}, "n of at least 4 and at least 2 repeats, got n 3"),
        ({"repeats": 1}, "at least 2 repeats, got n 400 and 1 repeats"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_settings_that_measure_nothing_are_refused(arguments, message, world):
    with pytest.raises(ConfigError, match=message):
        measure(world.dataset, Truth(world), **arguments)


def test_features_that_are_not_finite_are_refused_by_the_name_of_their_class(world):
    def broken(x):
        x[2, 3, 1] = torch.nan
        return x

    name = world.dataset.class_names[world.dataset.unseen_classes[2]]
    with pytest.raises(
        DataError,
        match=rf"must be finite, but those of class '{name}' are not \(1 such classes\): lower",
    ):
        measure(world.dataset, Changed(Truth(world), broken), n=20)


@pytest.mark.parametrize(
    "change",
    [lambda x: x[:, :-1], lambda x: x[..., :-1], lambda x: x[1:], lambda x: x.flatten(0, 1)],
)
def test_features_of_the_wrong_shape_are_refused(change, world):
    with pytest.raises(
        DataError, match=r"asked for 20 features of 5 classes must give shape \(5, 20, 6\), got"
    ):
        measure(world.dataset, Changed(Truth(world), change), n=20)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16, "grad", "numpy"])
def test_any_kind_of_number_is_measured(kind, world, report):
    def change(x):
        if kind == "grad":
            return x.requires_grad_()
        return x.numpy() if kind == "numpy" else x.to(kind)

    found = measure(world.dataset, Changed(Truth(world), change), n=60, repeats=10)
    assert found.reading("variance").value == pytest.approx(
        report.reading("variance").value, rel=1e-3
    )
    sound(found)


# --- Data that are too few, too equal or out of scale -----------------------------------------------------------------


@pytest.fixture
def small():
    """Six seen and four unseen classes of 12 rows and 3 features."""
    return tiny_dataset(seen=6, unseen=4, rows=12)


@pytest.fixture
def guess(rng):
    return Linear(rng.standard_normal((5, 3)))


def of_few(unseen: int):
    """A report on a world with so many unseen classes."""
    dataset = gaussian_world(4, seen=10, unseen=unseen, attributes=2, samples=20, noise=0.5).dataset
    return measure(dataset, RidgeGaussian.fit(dataset), n=20, repeats=4)


def test_one_unseen_class_is_measured_without_what_takes_several():
    report = of_few(1)
    measured = {r.metric for r in report.readings if r.label is None and r.word != NOT_MEASURED}
    assert measured == {"agreement", "spread", "effective rank", "volume", "recall"}
    assert report.mantel_p is None
    assert report.changed == ()
    assert any("takes at least 3 of them, got 1" in note for note in report.notes)
    sound(report)


def test_two_unseen_classes_are_measured_without_structure():
    report = of_few(2)
    missing = {r.metric for r in report.readings if r.label is None and r.word == NOT_MEASURED}
    assert missing == {"distance order", "disparity", "scale", "neighbour order"}
    assert "how they stand to each other could not be measured" in report.sentence
    sound(report)


def test_three_unseen_classes_are_enough_for_everything():
    report = of_few(3)
    assert NOT_MEASURED not in {r.word for r in report.readings if r.label is None}
    assert report.notes == ()
    assert 0 < report.mantel_p <= 1
    sound(report)


def test_three_classes_in_the_right_order_are_not_fine_for_they_have_few_orders():
    world = gaussian_world(4, seen=10, unseen=3, attributes=2, samples=40, noise=0.2)
    report = measure(world.dataset, Truth(world), n=40, repeats=4, metrics=("structure",))
    assert report.mantel_p > 0.1  # of six orders one is right
    assert report.reading("structure").score > 0.9
    assert report.reading("structure").word == "watch"


def test_stored_features_have_no_response_and_it_is_said(world):
    report = measure(
        world.dataset,
        RealSamples(world.dataset, world.dataset.test_unseen),
        n=10,
        repeats=3,
        metrics=("response",),
    )
    assert report.notes == (
        "response: stored features cannot be asked what they would be for another description",
    )


def test_classes_that_are_left_out_are_all_named(small, guess):
    notes = measure(
        only_test(small, {6: 3, 7: 2}), guess, n=20, repeats=4, metrics=("spread",)
    ).notes
    assert notes == ("left out, for want of 4 real test rows: class 6, class 7",)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_class_with_too_few_rows_is_left_out_with_a_note(rows, small, guess):
    report = measure(only_test(small, {7: rows}), guess, n=20, repeats=4)
    assert report.names == ("class 6", "class 8", "class 9")
    assert report.notes[0] == "left out, for want of 4 real test rows: class 7"
    sound(report)


@pytest.mark.parametrize("rows", [4, 5, 7, 11])
def test_a_class_with_few_rows_is_measured_as_far_as_it_goes(rows, small, guess):
    report = measure(only_test(small, {7: rows}), guess, n=20, repeats=4)
    words = {r.metric: r.word for r in report.readings if r.label == "class 7"}
    assert NOT_MEASURED not in (words["agreement"], words["spread"], words["distance order"])
    assert words["recall"] == words["neighbour test"] == NOT_MEASURED
    assert (words["volume"] == NOT_MEASURED) == (rows < 6)
    assert any(
        note.startswith("recall: too few or too equal rows") and note.endswith("class 7")
        for note in report.notes
    )
    sound(report)


def test_if_no_class_has_enough_rows_it_is_said_what_is_missing(small, guess):
    few = only_test(small, dict.fromkeys(range(6, 10), 3))
    with pytest.raises(
        DataError,
        match=r"at least 4 real test rows, but none of class 6, class 7, class 8, class 9 has",
    ):
        measure(few, guess, n=20)


def test_four_samples_a_class_are_the_least(small, guess):
    report = measure(small, guess, n=4, repeats=4)
    assert report.reading("spread").word != NOT_MEASURED
    assert report.reading("volume").word == report.reading("recall").word == NOT_MEASURED
    few = ("effective rank, volume", "recall", "two-sample tests")
    assert report.notes == tuple(f"{name}: no class has enough different real rows" for name in few)


def test_four_real_rows_of_a_class_are_the_least(small, guess):
    report = measure(
        only_test(small, dict.fromkeys(range(6, 10), 4)),
        guess,
        n=20,
        repeats=4,
        metrics=("spread",),
    )
    assert (len(report.names), report.notes) == (4, ())
    sound(report)


@pytest.mark.parametrize(("rows", "width"), [(12, 40), (6, 100), (4, 200)])
def test_fewer_rows_than_features_are_measured(rows, width, rng):
    dataset = tiny_dataset(seen=6, unseen=4, rows=max(rows, 5), width=width)
    dataset = only_test(dataset, dict.fromkeys(range(6, 10), rows))
    report = measure(dataset, Linear(rng.standard_normal((5, width))), n=rows, repeats=4)
    assert report.reading("spread").word != NOT_MEASURED
    assert report.reading("structure").word != NOT_MEASURED
    sound(report)


def test_a_single_feature_is_measured(rng):
    report = measure(
        tiny_dataset(seen=6, unseen=4, rows=20, width=1),
        Linear(rng.standard_normal((5, 1))),
        n=20,
        repeats=4,
    )
    assert {
        r.word for r in report.readings if r.label is None and r.meter != "semantic"
    }.isdisjoint({NOT_MEASURED})
    assert report.reading("effective rank").value == 1
    sound(report)


@pytest.mark.parametrize("width", [3, 80], ids=["few features", "more features than are compared"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_constant_features_say_nothing_and_it_is_said(width, value, rng):
    dataset = tiny_dataset(seen=6, unseen=4, rows=20, width=width)
    dataset = replace(dataset, features=np.full_like(dataset.features, value))
    for generator in (
        Linear(rng.standard_normal((5, width))),
        Linear(np.zeros((5, width)), noise=0),
    ):
        report = measure(dataset, generator, n=20, repeats=4)
        measured = {r.metric for r in report.readings if r.label is None and r.word != NOT_MEASURED}
        assert measured <= {"Frechet", "sliced Wasserstein", "quadratic test", "neighbour test"}
        assert report.mantel_p is None
        assert report.sentence.startswith(
            "What the synthesized classes say could not be read; their variety"
        )
        sound(report)


def test_one_constant_feature_among_others_does_no_harm(small, guess):
    features = small.features.copy()
    features[:, 1] = 0.3
    sound(measure(replace(small, features=features), guess, n=20, repeats=4))


@pytest.mark.parametrize("different", [0, 1, 2])
def test_a_class_whose_real_rows_are_equal_has_no_variance_to_compare_with(different, small, guess):
    features, rows = small.features.copy(), small.of_class(7)
    features[rows[different:]] = features[rows[0]]
    report = measure(replace(small, features=features), guess, n=20, repeats=12)
    words = {r.metric: r.word for r in report.readings if r.label == "class 7"}
    assert (
        words["spread"]
        == words["effective rank"]
        == words["volume"]
        == words["recall"]
        == NOT_MEASURED
    )
    assert report.reading("spread").word != NOT_MEASURED  # of the other classes
    assert any(
        note.startswith("spread: too few or too equal rows") and note.endswith("class 7")
        for note in report.notes
    )
    sound(report)


def test_all_classes_of_equal_rows_still_have_places(small, guess):
    features = small.features[np.searchsorted(small.labels, small.labels)]
    report = measure(replace(small, features=features), guess, n=20, repeats=4)
    assert report.reading("structure").word != NOT_MEASURED
    assert report.reading("spread").word == report.reading("own class").word == NOT_MEASURED
    assert "their variety could not be measured" in report.sentence
    sound(report)


def test_a_generator_that_hands_back_the_very_real_rows_is_fine_but_for_what_spots_copies(world):
    d = world.dataset
    report = measure(d, RealSamples(d, d.test_unseen), n=60, repeats=10)
    for r in report.readings:
        if r.label is None and r.word != NOT_MEASURED and r.metric != "neighbour test":
            assert r.word == "fine", r
    sound(report)


def test_a_class_collapsed_to_a_point_has_no_spread_and_is_shifted(world):
    def collapsed(x):
        x[1] = x[1, 0]
        return x

    report = measure(world.dataset, Changed(Truth(world), collapsed), n=60, repeats=10)
    name = report.names[1]
    for metric in ("spread", "effective rank", "volume"):
        reading = report.reading(metric, name)
        assert (reading.value, reading.score, reading.word) == (0, 0, "shifted")
    assert report.worst()[0][:2] == (name, 0)
    assert report.reading("recall", name).value == 0
    sound(report)


def test_a_collapse_among_many_features_is_one_to_the_last_bit():
    world = gaussian_world(100, seen=10, unseen=3, attributes=4, samples=40)
    flat = Changed(Truth(world), lambda x: x[:, :1].expand(-1, x.shape[1], -1).contiguous())
    report = measure(
        world.dataset, flat, n=40, repeats=6, metrics=("spread", "effective rank", "volume")
    )
    assert {reading.value for reading in report.readings} == {0}


def test_classes_that_shift_both_ways_are_shifted_though_they_cancel():
    world = gaussian_world(6, seen=14, unseen=6, attributes=3, samples=60, noise=0.8)
    scale = torch.tensor([0.1, 1.9] * 3).sqrt()[:, None, None]
    uneven = Changed(
        Truth(world), lambda x: x.mean(1, keepdim=True) + scale * (x - x.mean(1, keepdim=True))
    )
    reading = measure(world.dataset, uneven, n=200, metrics=("spread",)).readings[0]
    assert reading.value == pytest.approx(1, abs=0.15)
    assert reading.word == "shifted"


def test_a_perfect_generator_of_many_features_is_fine_though_real_rows_are_few():
    # axes fitted to the real rows that are compared hold them, and no others: the tests told them apart always
    world = gaussian_world(300, seen=14, unseen=5, attributes=4, samples=20)
    report = measure(world.dataset, Truth(world), n=200)
    words = {
        r.metric: r.word for r in report.readings if r.label is None and r.metric != "response"
    }
    assert set(words.values()) == {"fine"}, words
    assert report.reading("recall").value > 0.9


@pytest.mark.parametrize(
    "wrapped",
    [lambda d, g: g, lambda d, g: Injected(d, g), lambda d, g: AtTemperature(Injected(d, g), 1.0)],
)
def test_stored_rows_that_come_again_are_told_whatever_wraps_them(world, wrapped):
    stored = RealSamples(world.dataset, world.dataset.test_unseen)
    report = measure(
        world.dataset, wrapped(world.dataset, stored), n=90, metrics=("spread",), repeats=4
    )
    assert any("only 60 stored rows" in note for note in report.notes)


def test_leading_axes_are_those_of_the_training_rows():
    dataset = gaussian_world(80, seen=14, unseen=5, attributes=4, samples=30).dataset
    axes = meters.leading_axes(dataset, 0)
    rows = dataset.features[dataset.train]
    expected = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][: meters.DIMENSIONS].T
    np.testing.assert_allclose(np.abs((axes[:, :20] * expected[:, :20]).sum(0)), 1, atol=0.02)
    assert axes.shape == (80, meters.DIMENSIONS)
    moved = replace(
        dataset,
        features=np.where(
            np.isin(np.arange(len(dataset.labels)), dataset.train)[:, None], dataset.features, 9
        ),
    )
    np.testing.assert_array_equal(meters.leading_axes(moved, 0), axes)
    assert meters.leading_axes(gaussian_world(meters.DIMENSIONS, samples=10).dataset, 0) is None


def test_all_classes_collapsed_to_one_point_are_shifted_in_every_meter(world):
    one = Changed(Truth(world), lambda x: torch.ones_like(x))
    report = measure(world.dataset, one, n=60, repeats=10)
    assert {report.reading(meter).word for meter in METERS[1:3]} == {"shifted"}
    assert report.reading("disparity").value == 1
    assert report.reading("scale").value == 0
    sound(report)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_the_features_does_not_matter(unit, world):
    d, source = world.dataset, Injected(world.dataset, Truth(world), variance=0.3, mixed=0.2)
    expected = measure(d, source, n=40, repeats=5)
    scaled = replace(d, features=d.features * np.float32(unit))
    found = measure(scaled, Changed(source, lambda x: x * unit), n=40, repeats=5)
    for r, s in zip(found.readings, expected.readings, strict=True):
        if r.metric in ("Frechet", "sliced Wasserstein"):
            r = replace(
                r, **{name: getattr(s, name) for name in NUMBERS[:5]}
            )  # they have the unit; their score has not
        assert same(r, s, rtol=0.02, atol=0.01), (r, s)


def test_an_offset_of_the_features_does_not_matter(world):
    d, source = world.dataset, Injected(world.dataset, Truth(world), variance=0.3)
    expected = measure(d, source, n=40, repeats=5)
    moved = measure(
        replace(d, features=d.features + 100), Changed(source, lambda x: x + 100), n=40, repeats=5
    )
    for r, s in zip(moved.readings, expected.readings, strict=True):
        assert same(r, s, rtol=0.02, atol=0.01), (r, s)


# --- The proof: each meter feels its own shift and no other ------------------------------------------------------------

LADDERS = {
    "variance": (0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "semantic": (0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "structure": (0, 0.25, 0.5, 0.75, 1, 1.5),
}


def headlines(monkeypatch, dataset, generator, n: int, seed: int) -> dict[str, Reading]:
    """The three headlines of a report, without the time that all else takes."""

    def skipped(*_):
        raise DataError("skipped")

    for name in ("own_class", "spectra", "recall", "overall", "two_sample_tests"):
        monkeypatch.setattr(meters, name, skipped)
    monkeypatch.setattr(meters.Answers, "of", skipped)
    report = measure(dataset, generator, n=n, seed=seed)
    return {meter: report.reading(meter) for meter in METERS[:3]}


@pytest.fixture(scope="module", params=["Gaussian world", "glyphs"])
def ladders(request, letters):
    """For each seed and shift, the headlines at every dose."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for seed in range(2):
            if request.param == "glyphs":
                rows, tested = letters.split_unseen(seed=seed)
                dataset, source, n = letters, RealSamples(letters, rows), 200
            else:
                world = gaussian_world(64, seed=seed)
                dataset, tested, source, n = world.dataset, world.dataset, Truth(world), 100
            start = headlines(patch, tested, source, n, seed)
            for shift, doses in LADDERS.items():
                injected = [
                    Injected(dataset, source, **{shift: dose}, seed=seed) for dose in doses[1:]
                ]
                found.append(
                    (shift, [start, *(headlines(patch, tested, one, n, seed) for one in injected)])
                )
    return found


@pytest.mark.parametrize("shift", LADDERS)
def test_a_meter_falls_step_by_step_with_the_dose_of_its_own_shift(shift, ladders):
    rho = [
        spearmanr(LADDERS[shift], [r[shift].value for r in one]).statistic
        for name, one in ladders
        if name == shift
    ]
    assert len(rho) == 2
    assert np.mean(rho) <= -0.95, rho


@pytest.mark.parametrize("shift", LADDERS)
def test_a_meter_stays_in_its_interval_whatever_the_dose_of_another_shift(shift, ladders):
    for name, readings in ladders:
        for meter in set(LADDERS) - {shift}:
            if name == shift:
                start = readings[0][meter]
                for dose, reading in zip(LADDERS[shift], readings, strict=True):
                    assert start.low <= reading[meter].value <= start.high, (
                        meter,
                        dose,
                        start,
                        reading[meter],
                    )


@pytest.mark.parametrize("shift", LADDERS)
def test_no_dose_is_fine_and_a_large_one_is_not(shift, ladders):
    for name, readings in ladders:
        if name == shift:
            assert readings[0][shift].word == "fine"
            assert readings[1][shift].word != "shifted"
            assert readings[-1][shift].word in ("watch", "shifted")


# --- What would mislead ----------------------------------------------------------------------------------------------


def test_one_wide_class_that_collapsed_is_not_hidden_by_the_others(world):
    dataset, wide = world.dataset, world.dataset.unseen_classes[-1]
    features = dataset.features.copy()
    features[dataset.labels == wide] *= 20
    stretched = replace(dataset, features=features)
    report = measure(stretched, Truth(world), n=20, repeats=5)
    assert report.reading("spread").value < 0.2
    assert report.reading("spread").word == "shifted"


def test_a_generator_that_works_in_place_does_not_change_what_it_is_asked(world):
    class InPlace(Linear):
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            made = super().synthesize(attributes, n, seed=seed)
            attributes.zero_()
            return made

    weights = np.random.default_rng(0).standard_normal((world.dataset.attributes.shape[1], 6))
    found = [
        measure(world.dataset, kind(weights), n=20, repeats=3).reading("response")
        for kind in (Linear, InPlace)
    ]
    assert found[0] == found[1]


def test_classes_of_one_name_are_told_apart_by_number(world):
    dataset = world.dataset
    names = list(dataset.class_names)
    for k in dataset.unseen_classes[:2]:
        names[k] = "twin"
    report = measure(replace(dataset, class_names=names), Truth(world), n=20, repeats=3)
    assert report.names[:2] == tuple(f"twin (class {k})" for k in dataset.unseen_classes[:2])
    assert len({(r.metric, r.label) for r in report.readings}) == len(report.readings)


def test_rows_that_come_again_are_noted(world):
    dataset = world.dataset
    few = np.concatenate([dataset.of_class(k)[:7] for k in dataset.unseen_classes])
    notes = {n: measure(dataset, RealSamples(dataset, few), n=n, repeats=3).notes for n in (7, 8)}
    assert not any("rows came again" in note for note in notes[7])
    assert any("only 7 stored rows" in note for note in notes[8])


@pytest.mark.parametrize(("p", "word"), [(0.04, "fine"), (0.05, "watch"), (None, "fine")])
def test_a_distance_order_that_chance_explains_is_not_fine(p, word):
    reading = Reading("structure", "distance order", None, 0.9, 0.8, 1.0, 0.0, 0.95, 0.95, "fine")
    assert shifts._by_chance(reading, p).word == word


def test_complex_features_are_refused(world):
    made = Changed(Truth(world), lambda x: x + 1j)
    with pytest.raises(DataError, match="must be real numbers, got complex"):
        measure(world.dataset, made, n=20, repeats=3)


def test_another_seed_draws_other_halves():
    rows = [np.eye(20)]
    one, other = (Halves(rows, rows, 3, seed) for seed in (0, 1))
    for name in ("first", "second", "synthesized"):
        assert not np.array_equal(getattr(one, name)[0], getattr(other, name)[0])


def test_only_the_metrics_that_are_wanted_are_read_and_they_are_those_of_the_whole_report(world):
    whole = measure(world.dataset, Truth(world), n=30, repeats=4, seed=2)
    some = measure(
        world.dataset,
        Truth(world),
        n=30,
        repeats=4,
        seed=2,
        metrics=("variance", "disparity", "Frechet"),
    )
    wanted = {shifts.HEADLINES["variance"], "disparity", "Frechet"}
    assert {(r.metric, r.label) for r in some.readings} == {
        (r.metric, r.label) for r in whole.readings if r.metric in wanted
    }
    for reading in some.readings:
        assert same(reading, whole.reading(reading.metric, reading.label), rtol=1e-9), reading


@pytest.mark.parametrize("name", [*METERS, *BY_NAME])
def test_each_metric_can_be_wanted_alone(world, name):
    report = measure(world.dataset, Truth(world), n=20, repeats=3, metrics=(name,))
    assert {r.metric for r in report.readings} == {shifts.HEADLINES.get(name, name)}
    assert len(report.readings) == 1 + len(world.dataset.unseen_classes)


def test_what_is_not_wanted_is_not_asked_of_the_generator(world):
    asked = []

    class Asked(Truth):
        def synthesize(self, attributes, n, **options):
            asked.append(n)
            return super().synthesize(attributes, n, **options)

    measure(world.dataset, Asked(world), n=20, repeats=3, metrics=METERS[:3])
    assert asked == [20]  # no permuted descriptions


@pytest.mark.parametrize(
    ("metrics", "got"), [(("variance", "beauty"), "beauty"), (("",), "''"), ((), r"\(\)")]
)
def test_a_metric_that_there_is_none_of_is_refused(world, metrics, got):
    with pytest.raises(
        ConfigError, match=f"metrics must be among semantic, variance, .*got .*{got}"
    ):
        measure(world.dataset, Truth(world), n=20, repeats=3, metrics=metrics)


def test_the_sentence_says_what_was_measured_and_no_more(world):
    whole = measure(world.dataset, Truth(world), n=20, repeats=3, metrics=METERS[:3]).sentence
    parts = [
        measure(world.dataset, Truth(world), n=20, repeats=3, metrics=(meter,)).sentence
        for meter in METERS[:3]
    ]
    assert f"{parts[0][:-1]}; {parts[1][:-1]}; and {parts[2]}" == whole
    assert measure(world.dataset, Truth(world), n=20, repeats=3, metrics=("recall",)).sentence == ""


def test_three_headlines_alone_still_make_a_sentence(world):
    report = measure(world.dataset, Truth(world), n=20, repeats=3, metrics=METERS[:3])
    assert len(report.sentence) > 40
    assert report.worst()
    json.dumps(report.to_dict(), allow_nan=False)
