"""The benches of reliability: that they run, and that they see what goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    """A script of ``benchmarks`` as a module."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name: str):
        return __import__(name)

    return load


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "options", "counted"),
    [
        ("faults", ["--kills", "4", "--faults", "2"], {"rows": 6}),
        ("reproduce", ["--runs", "1", "--threads", "1"], {"differ": 0, "threads": 3}),
        ("soak", ["--minutes", "0"], {"rounds": 2}),
    ],
)
def test_a_bench_runs_and_writes_what_it_found(name, options, counted, tmp_path):
    file = tmp_path / "found.json"
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options, "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(file.read_text())
    assert {what: len(found[what]) for what in counted} == counted, done.stdout
    if name == "faults":
        assert [row["faults"] for row in found["rows"]] == [[]] * 6


def test_half_a_file_and_a_step_back_are_faults(bench, tmp_path):
    faults = bench("faults")
    one = faults.Work("saving", faults.save, faults.saved, faults.saved)
    (tmp_path / "model.safetensors").write_bytes(b"half")
    assert faults.look(one, tmp_path, 3) == 0
    assert faults.look(one, tmp_path, 1) == 0
    assert [fault.split(":")[0] for fault in one.faults] == ["not whole", "went back from 1 to 0"]


def test_an_end_with_another_result_is_a_fault(bench, tmp_path):
    faults = bench("faults")
    one = faults.Work("saving", faults.save, faults.saved, faults.saved)
    faults.judge(one, tmp_path, 0, expected=1, last=0)
    faults.judge(one, tmp_path, 1, expected=0, last=0)
    assert one.faults == ["another result than undisturbed", "did not go on: exit status 1"]


@pytest.mark.parametrize(("each", "grown"), [(0.0, []), (1.0, ["memory, MB"])])
def test_memory_that_grows_with_every_round_is_seen(each, grown, bench):
    soak = bench("soak")
    rounds = [
        {"memory, MB": 500 + each * n, "open files": 6, "threads": 5, "widgets": 100}
        for n in range(100)
    ]
    found = soak.growth(rounds)
    assert [
        what for what, (before, after) in found.items() if after > before * soak.ALLOWED[what]
    ] == grown


def test_the_table_counts_what_is_lost_or_wrong(bench):
    ends = {
        "files": 9,
        "read": 5,
        "refused": 2,
        "hang": 1,
        "crash": 0,
        "memory": 0,
        "written": 0,
        "wrong": 1,
        "other": 0,
    }
    found = {
        "fuzz": {"readers": {"npz": ends}},
        "spellings": {"examples": 3, "wrong": 1},
        "faults": {"rows": [{"work": "saving", "times": 7, "ends": 1, "faults": ["half a file"]}]},
        "reproduce": {"runs": 4, "differ": [], "threads": {"samples": 0.0}, "beyond": []},
        "soak": {"minutes": 30, "rounds": [{}] * 5, "grown": ["widgets"]},
    }
    counted = [(row["times"], row["lost or wrong"]) for row in bench("reliability").rows(found)]
    assert counted == [(9, 2), (3, 1), (7, 1), (8, 0), (1, 0), (5, 1)]
