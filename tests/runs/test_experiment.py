"""A whole run on the letters keeps what the demo claims, and any generator can be diagnosed."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from gsmflow_lite import (
    ClassifierConfig,
    Config,
    ConfigError,
    DataError,
    Epoch,
    ModelConfig,
    TrainingConfig,
)
from gsmflow_lite.datasets import explained_share, gaussian_world, glyphs
from gsmflow_lite.generators.ridge_gaussian import RidgeGaussian
from gsmflow_lite.generators.stored import FromFile, RealSamples
from gsmflow_lite.runs.diagnosis import Diagnosis, diagnose
from gsmflow_lite.runs.experiment import Experiment, run_experiment
from gsmflow_lite.runs.report import write_report
from gsmflow_lite.scores.evaluation import softmax_logits
from gsmflow_lite.shifts.measuring import measure

QUICK = Config(
    name="quick",
    preprocessing="whitened-pca",
    components=32,
    checks=1,
    model=ModelConfig(blocks=2, hidden=64, embedding=32, start="ridge-gaussian"),
    training=TrainingConfig(
        epochs=2, lr=5e-4, batch=512, prototype_weight=0.0, perturbation=0.0, mining=None
    ),
    classifier=ClassifierConfig(samples=60, penalties=(3e-3,)),
)


TINY = replace(
    QUICK,
    preprocessing="none",
    components=None,
    model=ModelConfig(blocks=1, hidden=4, embedding=4),
    training=TrainingConfig(epochs=1, mining=None),
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GSMFLOW_CACHE", str(tmp_path_factory.mktemp("maps")))
        yield


def test_a_run_is_printed_in_one_short_line():
    scores = {"seen": 61.24, "unseen": 50, "harmonic": 55.05, "zsl": 70, "ausuc": 40}
    result = {
        "dataset": "birds",
        "generator": "mine",
        "seed": 3,
        "scores": scores,
        "more": [0] * 999,
    }
    line = "S 61.2  U 50.0  H 55.0  T1 70.0  AUSUC 40.0"
    assert repr(Experiment(None, None, result)) == (
        f"Experiment(GSMFlow on birds, seed 3, {line}, more: .result, .shifts)"
    )
    assert str(Diagnosis(None, None, result | {"scores": None}, {})) == (
        "Diagnosis(mine on birds, seed 3, more: .result, .shifts)"
    )


@pytest.fixture(scope="module")
def experiment():
    return run_experiment(glyphs(), QUICK, n=60)


@pytest.fixture(scope="module")
def world():
    return gaussian_world(4, seen=8, unseen=4, attributes=5, samples=24).dataset


def test_the_result_says_what_the_descriptions_explain(experiment):
    found = experiment.result["descriptions"]
    assert found == explained_share(glyphs(None)).to_dict()
    assert 0 < found["share"] < 1


def test_synthesized_letters_are_recognised_far_above_chance(experiment):
    assert experiment.result["scores"]["zsl"] > 5 * 100 / 9


def test_the_oracle_is_above_every_generator(experiment):
    baselines = experiment.result["baselines"]
    others = [experiment.result["scores"], baselines["ridge_gaussian"], baselines["eszsl"]]
    assert baselines["oracle"]["harmonic"] > max(scores["harmonic"] for scores in others)


def test_features_have_the_preprocessing_of_the_settings(experiment):
    assert experiment.dataset.features.shape[1] == experiment.model.features == 32


def report_of(run, path):
    write_report(
        path, dataset=run.dataset, generator=run.model, result=run.result, shifts=run.shifts
    )
    return path.read_text(encoding="utf-8")


def test_the_report_on_glyphs_is_whole_and_small(experiment, tmp_path):
    page = report_of(experiment, tmp_path / "report.html")
    assert page.count('alt="real and synthesized pictures of') == 9
    assert (tmp_path / "report.html").stat().st_size < 8e6
    for part in (
        "scores",
        "meters",
        "lenses",
        "pictures",
        "classes",
        "attributes",
        "made",
    ):
        assert f'<section id="{part}">' in page
    report = next(iter(experiment.shifts.values()))
    assert ('<section id="changed">' in page) == bool(report.changed)
    assert '<section id="notes">' not in page


def test_data_without_pictures_get_a_report_without_pictures(world, tmp_path):
    run = run_experiment(world, TINY, baselines=False, n=20)
    assert "pictures of" not in report_of(run, tmp_path / "report.html")


def test_the_shifts_of_the_flow_and_of_the_ridge_gaussian_are_measured(experiment):
    assert list(experiment.shifts) == ["GSMFlow", "ridge-Gaussian"]
    data = experiment.dataset
    for name, generator in (
        ("GSMFlow", experiment.model),
        ("ridge-Gaussian", RidgeGaussian.fit(data)),
    ):
        found = experiment.shifts[name].readings[0]
        assert replace(found, beside=None) == measure(data, generator, n=60).readings[0]
    of_ours, of_ridge = (report.readings for report in experiment.shifts.values())
    assert [r.beside for r in of_ours if r.measured] == [r.value for r in of_ridge if r.measured]
    assert {r.beside for r in of_ridge} == {None}


def test_the_result_holds_the_shifts_and_is_ready_for_json(experiment):
    shifts = json.loads(json.dumps(experiment.result, allow_nan=False))["shifts"]
    assert shifts["GSMFlow"]["sentence"] == experiment.shifts["GSMFlow"].sentence
    assert len(shifts["GSMFlow"]["attributes"]["asked"]) == 9
    assert "attributes" not in shifts["ridge-Gaussian"]


def test_without_baselines_only_the_flow_is_measured(world):
    assert list(run_experiment(world, TINY, baselines=False, n=20).shifts) == ["GSMFlow"]


def test_the_call_that_repeats_a_run_repeats_it(world):
    run = run_experiment(world, TINY, baselines=False, n=20, seed=3)
    call = run.result["repeat"].splitlines()[-1]
    names = {
        "run_experiment": run_experiment,
        "Config": Config,
        "dataset": world,
        "result": json.loads(json.dumps(run.result)),
    }
    again = eval(call, names)
    assert again.result["scores"] == run.result["scores"]
    assert again.result["shifts"] == run.result["shifts"]


def test_data_that_cannot_be_measured_do_not_spoil_the_run(make_dataset, tmp_path):
    few = make_dataset(
        rows=10, test_unseen=[40, 41, 42, 50, 51, 52]
    )  # three rows of each unseen class
    run = run_experiment(few, TINY, baselines=False)
    assert run.shifts == {}
    assert (
        "the shifts of GSMFlow were not measured: to be measured a class needs"
        in run.result["notes"][0]
    )
    assert "needs at least 4 real test rows" in report_of(run, tmp_path / "report.html")


def test_too_few_features_to_measure_are_refused_before_training(world):
    events = []
    with pytest.raises(
        ConfigError,
        match=r"n, synthesized features a class, must be at least 4 to be measured, got 3",
    ):
        run_experiment(world, TINY, n=3, watch=events.append)
    assert not events


def test_data_that_a_baseline_cannot_use_say_so_before_the_flow_is_trained(make_dataset):
    lonely = make_dataset(rows=10, test_unseen=[40, 50, 51])  # one row of the first unseen class
    events = []
    with pytest.raises(
        DataError, match=r"met by the baseline oracle; baselines=False, or --no-baselines"
    ):
        run_experiment(lonely, Config(classifier=ClassifierConfig(samples=5)), watch=events.append)
    assert not any(isinstance(event, Epoch) for event in events)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(
        ConfigError, match=r"classifier must be one of softmax, likelihood, got 'trees'"
    ):
        run_experiment(gaussian_world(2).dataset, QUICK, classifier="trees")


def test_the_global_random_state_is_left_alone(world):
    before = torch.random.get_rng_state()
    run_experiment(world, TINY, baselines=False, n=20)
    assert torch.equal(before, torch.random.get_rng_state())


# --- Diagnosis ------------------------------------------------------------------------------------


def rows_of(dataset, counts):
    """A generator that hands out so many real rows of each class number, as if read from a file."""
    rows = np.concatenate([dataset.of_class(k)[:count] for k, count in counts.items()])
    return FromFile(
        dataset, dataset.features[rows], [dataset.class_names[k] for k in dataset.labels[rows]]
    )


def test_real_rows_are_diagnosed_as_fine(world):
    # Of four classes chance alone often gives the right order: the verdict depends on the draw.
    real = RealSamples(world, world.test_unseen)
    found = diagnose(world, real, TINY, name="real", n=24, seed=2)
    report = found.shifts["real"]
    assert {report.reading(meter).word for meter in ("semantic", "variance")} == {"fine"}
    assert report.reading("structure").word == "cannot tell"
    assert "more than 24 rows a class" in report.reading("structure").advice


def test_a_diagnosis_measures_what_measure_does_beside_the_ridge_gaussian(world):
    found = diagnose(world, RidgeGaussian.fit(world), TINY, name="mine", n=20, seed=5)
    expected = measure(world, RidgeGaussian.fit(world), n=20, seed=5)
    for report in found.shifts.values():
        found_table = report.table(by_class=True).drop(columns="beside")
        expected_table = expected.table(by_class=True).drop(columns="beside")
        pd.testing.assert_frame_equal(found_table, expected_table)


def test_all_are_scored_by_the_same_fixed_classifier(world):
    config = replace(TINY, classifier=ClassifierConfig(samples=30, penalties=(1.0, 1e-4)))
    found = diagnose(world, RidgeGaussian.fit(world), config, n=20)
    first, other = (
        softmax_logits(
            RidgeGaussian.fit(world), world, ClassifierConfig(samples=30, penalties=(p,))
        ).scores(0.0)
        for p in config.classifier.penalties
    )
    assert abs(first.harmonic - other.harmonic) > 0.1
    assert found.result["scores"]["harmonic"] == pytest.approx(first.harmonic, abs=0.01)
    assert found.result["scores"] == found.result["baselines"]["ridge_gaussian"]
    assert "penalty 1, no calibration" in found.result["rule"]


def test_a_file_without_some_unseen_class_is_measured_but_not_scored(world):
    kept, dropped = world.unseen_classes[:3], world.unseen_classes[3]
    found = diagnose(world, rows_of(world, dict.fromkeys(kept, 20)), TINY, name="file", n=20)
    assert found.shifts["file"].names == tuple(world.class_names[k] for k in kept)
    assert found.result["scores"] is None
    assert any(
        "no scores: file has 3 of the 4 unseen classes" in note for note in found.result["notes"]
    )
    assert any(world.class_names[dropped] in note for note in found.result["notes"])


def test_no_row_of_a_file_is_asked_for_twice(world):
    counts = dict(zip(world.unseen_classes, (20, 9, 20, 20), strict=True))
    found = diagnose(world, rows_of(world, counts), TINY, name="file", n=15)
    assert found.shifts["file"].settings["n"] == 9
    assert any(
        "9 synthesized rows a class were used, not 15" in note for note in found.result["notes"]
    )


def test_features_of_seen_classes_alone_cannot_be_diagnosed(world):
    with pytest.raises(
        DataError, match=r"the largest of the 4 has 0: are these features of the unseen classes of"
    ):
        diagnose(world, rows_of(world, dict.fromkeys(world.seen_classes, 9)), TINY)


def test_a_generator_called_like_the_rival_is_kept_apart_from_it(world):
    found = diagnose(world, RidgeGaussian.fit(world), TINY, name="ridge-Gaussian", n=20)
    assert len(found.shifts) == 2


def test_broken_features_are_refused(world):
    class Broken:
        def synthesize(self, attributes, n, *, temperature=1.0, seed=0):
            return torch.full((len(attributes), n, 4), torch.nan)

    with pytest.raises(
        DataError, match="the shifts of mine were not measured: synthesized features must be finite"
    ):
        diagnose(world, Broken(), TINY, name="mine")
