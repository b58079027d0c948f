"""The ablation's table: it goes on where it stopped, and its intervals are Student's."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from scipy import stats

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "ablation.py"


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
    asked = ["--dataset", "gaussian_world_2d", "--only", "ESZSL", "ridge-Gaussian", "--json", str(cells)]
    run(ablation, monkeypatch, *asked, "--seeds", "1")
    first = json.loads(cells.read_text())["cells"]
    run(ablation, monkeypatch, *asked, "--seeds", "2")
    second = json.loads(cells.read_text())["cells"]
    assert {key: second[key] for key in first} == first  # their seconds too: they were not timed again
    assert set(second) == {f"{name}|{seed}" for name in ("ESZSL", "ridge-Gaussian") for seed in (0, 1)}
    table = capsys.readouterr().out.splitlines()[-2:]
    assert [row.split("|")[1].strip() for row in table] == ["ridge-Gaussian", "ESZSL"]


def test_the_interval_is_students(ablation):
    values = [50.0, 52.0, 57.0]
    low, high = stats.t.interval(0.95, 2, loc=53, scale=stats.sem(values))
    assert ablation._interval(values) == f"53.0 ± {(high - low) / 2:.1f}"


def test_every_row_but_the_first_changes_something(ablation):
    from gsmflow_lite import lite

    for name in ("glyphs", "features"):
        config = lite(name)
        changed = [row for row in ablation._methods(config) if row in ablation.CHANGES]
        assert changed[0] == "lite"
        assert ("with relative positioning" in changed) != config.model.relative_positioning
        assert ("no relative positioning" in changed) == config.model.relative_positioning
