"""Ours and peers run in turn on the same work, and the table says what came of it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


SCRIPTS = (
    "training_step",
    "synthesis",
    "classifier",
    "mining",
    "glyphs",
    "memory",
    "loading",
    "rows",
    "imports",
)


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import pairs

    return pairs


class Clock:
    """Time passes only where somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = []

    def worker(self, name: str, *seconds: float):
        left = [0.0, *seconds]  # the first round is not counted

        def work() -> str:
            self.calls.append(name)
            self.now += left.pop(0)
            return name

        return work


@pytest.fixture
def clock(pairs, monkeypatch):
    one = Clock()
    monkeypatch.setattr(pairs.time, "perf_counter", lambda: one.now)
    return one


def test_everyone_works_in_turn_and_ratios_are_of_pairs(pairs, clock):
    work = pairs.Work("w", clock.worker("ours", 1, 2, 9), {"peer": clock.worker("peer", 2, 2, 3)})
    (row,) = pairs.alternate(work, 3)
    assert clock.calls == ["ours", "peer"] * 4
    assert (row.ours, row.peer, row.ratio, row.low, row.high, row.runs) == (2, 2, 1.0, 0.5, 3.0, 3)


def test_times_are_of_one_piece_and_a_share_is_scaled_up(pairs, clock):
    peers = {"all": clock.worker("all", 8), "a quarter": clock.worker("a quarter", 8)}
    work = pairs.Work("w", clock.worker("ours", 4), peers, per=2, shares={"a quarter": 0.25})
    whole, quarter = pairs.alternate(work, 1)
    assert (whole.ours, whole.peer, quarter.peer) == (2, 4, 16)


def test_results_are_compared_but_for_those_of_a_share(pairs, clock):
    seen = []
    peers = {"all": clock.worker("all", 1), "part": clock.worker("part", 1)}

    def same(*results):
        seen.append(results)

    work = pairs.Work("w", clock.worker("ours", 1), peers, shares={"part": 0.5}, same=same)
    pairs.alternate(work, 1)
    assert seen == [("ours", "all")]


def test_a_call_that_takes_memory_is_seen_to():
    code = "import pairs; pairs.alone(lambda: bytearray(2**20 * 300))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=FOLDER
    )
    assert 290 < float(done.stdout) < 310


@pytest.mark.long
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_runs_and_writes_its_rows(name, tmp_path):
    """Run a script at toy size; it fails itself where our results differ from the peer's."""
    file = tmp_path / "rows.json"
    command = [
        sys.executable,
        str(FOLDER / f"{name}.py"),
        "--small",
        "--runs",
        "2",
        "--threads",
        "1",
        "--json",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = json.loads(file.read_text())
    assert written["setting"]["threads"] == 1
    assert all(row["ratio"] > 0 and row["unit"] in ("s", "MB") for row in written["rows"])
    assert all(
        row["work"] in done.stdout and row["against"] in done.stdout for row in written["rows"]
    )


@pytest.mark.long
def test_growth_of_a_stage_is_fitted_and_written(tmp_path):
    file = tmp_path / "growth.json"
    command = [
        sys.executable,
        str(FOLDER / "growth.py"),
        "--small",
        "--runs",
        "1",
        "--threads",
        "1",
        "--json",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(file.read_text())["rows"]
    assert row["stage"] in done.stdout
    assert len(row["rows, s"]) == 2
    first, second = row["rows, s"]
    assert 2 ** row["time ~ rows"] == pytest.approx(second / first)


def test_a_step_that_is_another_function_is_not_timed(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import published
    import scale
    import torch
    import training_step

    from gsmflow_lite.method.rows import TrainingRows

    toy = scale.TOY
    data = scale.dataset(toy)
    start = scale.model(toy, data)
    rows = TrainingRows.of(data, torch.device("cpu"))
    config = replace(training_step.CONFIG, batch=toy.batch)
    order = torch.arange(2 * toy.batch)
    training_step.check_same(start, rows, order, config)

    def train(*given):
        published.train(*given[:-1], replace(given[-1], prototype_weight=0.9))

    monkeypatch.setattr(training_step, "train", train)
    with pytest.raises(AssertionError, match="the weights moved apart by"):
        training_step.check_same(start, rows, order, config)
