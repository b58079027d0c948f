"""The ablation's table: it goes on where it stopped, and its intervals are Student's."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from scipy import stats

from gsmflow_lite import lite
from gsmflow_lite.generators import MECHANISMS

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "ablation.py"


@pytest.fixture(scope="module")
def ablation():
    spec = importlib.util.spec_from_file_location("ablation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(module, monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["ablation.py", *arguments])
    module.main()


def test_finished_cells_are_not_run_again(ablation, monkeypatch, tmp_path, capsys):
    cells = tmp_path / "cells.json"
    options = [
        "--dataset",
        "gaussian_world_2d",
        "--only",
        "ESZSL",
        "ridge-Gaussian",
        "--json",
        str(cells),
    ]
    run(ablation, monkeypatch, *options, "--seeds", "1")
    first = json.loads(cells.read_text())["cells"]
    run(ablation, monkeypatch, *options, "--seeds", "2")
    second = json.loads(cells.read_text())["cells"]
    assert {
        key: second[key] for key in first
    } == first  # their seconds too: they were not timed again
    assert set(second) == {
        f"{name}|{seed}" for name in ("ESZSL", "ridge-Gaussian") for seed in (0, 1)
    }
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()[-3:]
    assert [row.split("|")[1].strip() for row in table] == [
        "ridge-Gaussian",
        "ESZSL",
        "*real against real*",
    ]


def test_the_interval_is_students(ablation):
    values = [50.0, 52.0, 57.0]
    low, high = stats.t.interval(0.95, 2, loc=53, scale=stats.sem(values))
    assert ablation.interval(values) == f"53.0 ± {(high - low) / 2:.1f}"


@pytest.mark.parametrize("name", ["glyphs", "hangul", "features"])
def test_every_row_but_the_first_changes_something(ablation, name):
    config = lite(name)
    rows = ablation.settings_of(name)
    assert next(iter(rows)) == "lite"
    assert all(one != config for row, one in rows.items() if row != "lite")
    assert ("with relative positioning" in rows) != config.model.relative_positioning
    assert ("no relative positioning" in rows) == config.model.relative_positioning


@pytest.mark.parametrize("name", ["glyphs", "hangul", "features"])
def test_each_row_of_the_papers_method_takes_one_mechanism_from_the_full_one(ablation, name):
    rows = ablation.settings_of(name)
    whole = {one for one in MECHANISMS if MECHANISMS[one].is_on(rows[ablation.FULL_METHOD])}
    assert whole == set(MECHANISMS) - {"start"}
    for row, mechanism in ablation.MINUS.items():
        kept = {one for one in MECHANISMS if MECHANISMS[one].is_on(rows[row])}
        assert whole - kept == {mechanism}


def test_the_difference_to_a_row_is_taken_seed_by_seed(ablation):
    cell = {"seen": 50.0, "unseen": 50.0, "harmonic": 50.0, "zsl": 50.0, "ausuc": 25.0}
    cells = {
        f"{name}|{seed}": cell | {"harmonic": h}
        for seed, pair in enumerate([(40, 43), (60, 63)])
        for name, h in zip("ab", pair, strict=True)
    }
    row = ablation.table(cells, ["a", "b"], against="a").splitlines()[3]
    assert row.split("|")[10].strip() == "3.0 ± 0.0"


def test_meters_are_compared_seed_by_seed_too(ablation):
    cell = dict.fromkeys(ablation.SCORES, 50.0)
    spreads = {"a|0": 0.9, "a|1": 0.5, "b|0": 1.0, "b|1": 0.6}
    cells = {
        key: cell | {"meters": {"spread": [spread, 0, 1, 0.5]}} for key, spread in spreads.items()
    }
    assert (
        ablation.differences(cells, ["a", "b"], "a").splitlines()[2]
        == "| b | 0.0 ± 0.0 | 0.0 ± 0.0 | - | 0.10 ± 0.00 | - |"
    )


def test_a_kept_model_is_measured_and_not_trained_again(ablation, tmp_path):
    from gsmflow_lite import GSMFlow, ModelConfig, SavedModel, gaussian_world, measure, new_model

    dataset = gaussian_world(8, seen=6, unseen=3, attributes=3, samples=30).dataset
    model = new_model(dataset, ModelConfig(blocks=1, hidden=8, embedding=8), seed=0)
    assert isinstance(model, GSMFlow)
    SavedModel(model=model).save(tmp_path / "kept.safetensors")
    scores = dict.fromkeys(ablation.SCORES, 1.0)
    cell = ablation.filled(
        scores, None, dataset, 0, 1, tmp_path / "kept.safetensors"
    )  # None cannot be trained
    direct = measure(dataset, model, n=ablation.SYNTHESIZED, seed=0).reading("spread")
    assert cell["meters"]["spread"] == [
        round(x, 4) for x in (direct.value, direct.floor, direct.ceiling, direct.score)
    ]


def test_each_classifier_has_its_own_columns(ablation):
    both = {"softmax": {"harmonic": 40.0, "zsl": 50.0}, "likelihood": {"harmonic": 60, "zsl": 70}}
    only = {"softmax": {"harmonic": 10.0, "zsl": 20.0}}
    cells = {"a|0": {"classifiers": both}, "b|0": {"classifiers": only}}
    assert ablation.by_classifier(cells, ["b", "a"]).splitlines() == [
        "| | H, softmax | T1, softmax | H, likelihood | T1, likelihood |",
        "|---|---|---|---|---|",
        "| b | 10.0 | 20.0 | - | - |",
        "| a | 40.0 | 50.0 | 60.0 | 70.0 |",
    ]


def test_a_few_test_rows_of_each_class_are_judged_and_nothing_else_changes(ablation):
    from gsmflow_lite import gaussian_world

    dataset = gaussian_world(4, seen=5, unseen=3, samples=20).dataset
    few = ablation.with_few_test_rows(dataset, 2, 6)
    assert (few.train == dataset.train).all()
    for rows, all_rows, most in [
        (few.test_seen, dataset.test_seen, 2),
        (few.test_unseen, dataset.test_unseen, 6),
    ]:
        assert set(rows) < set(all_rows)
        assert set(Counter(dataset.labels[rows]).values()) == {most}
    assert (ablation.with_few_test_rows(dataset, 2, 6).test_unseen == few.test_unseen).all()
