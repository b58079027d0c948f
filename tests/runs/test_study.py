"""A study reads its file, knows its cells, and runs each of them once.

That holds on this machine and on a real Dask cluster.
"""

import importlib
import json
import operator
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from gsmflow_lite import ConfigError, MiningConfig, gaussian_world, lite, load, measure, preset
from gsmflow_lite.datasets import open_features, save_npz
from gsmflow_lite.presets import PUBLISHED, PUBLISHED_BENCHMARKS
from gsmflow_lite.runs import cells, provenance, study_file, workers
from gsmflow_lite.runs import study as module
from gsmflow_lite.runs.cells import fingerprint, plan, run_cell
from gsmflow_lite.runs.provenance import device_name, git_revision
from gsmflow_lite.runs.settings import named_preset, with_changes
from gsmflow_lite.runs.study import run_study
from gsmflow_lite.runs.study_file import Study
from gsmflow_lite.runs.tables import readable, scores_by_seed, student_half_width, summary
from gsmflow_lite.scores import protocol as rules

ROOT = Path(__file__).resolve().parents[2]
TIMES = [
    "seconds",
    "train_seconds",
    "evaluate_seconds",
    "time",
    "revision",
]  # all that may differ between two runs
PATIENCE = 120  # seconds, for what takes five on a quiet machine
TINY = {
    "preprocessing": "none",
    "components": False,
    "checks": 1,
    "training.epochs": 2,
    "model": {"hidden": 8, "embedding": 8, "blocks": 2},
    "classifier.penalties": [0.01],
    "classifier.samples": 40,
}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> list[str]:
    """Two small data sets in files."""
    folder = tmp_path_factory.mktemp("worlds")
    for seed, name in enumerate(("north", "south")):
        save_npz(
            gaussian_world(6, seen=8, unseen=4, attributes=5, samples=20, seed=seed).dataset,
            folder / f"{name}.npz",
        )
    return [str(folder / f"{name}.npz") for name in ("north", "south")]


@pytest.fixture(scope="module")
def study(worlds) -> Study:
    """24 cells: 2 data sets x 4 seeds x 3 rows."""
    return Study(
        name="tiny",
        datasets=worlds,
        seeds=4,
        overrides=TINY,
        vary={"lite": {}, "no semantics": {"model.semantics": "none"}},
        baselines=["ridge-gaussian"],
        synthesized=20,
    )


@pytest.fixture(scope="module")
def small(worlds) -> Study:
    """Four cells."""
    vary = {"lite": {}, "no semantics": {"model.semantics": "none"}}
    return Study(
        name="small", datasets=worlds[:1], seeds=2, overrides=TINY, vary=vary, synthesized=0
    )


@pytest.fixture(scope="module")
def local(study, tmp_path_factory) -> pd.DataFrame:
    """The table of the 24 cells on two processes of this machine."""
    return run_study(study, tmp_path_factory.mktemp("local"), jobs=2)


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal in everything but times, bit for bit; somebody may commit between the two."""
    pd.testing.assert_frame_equal(
        one.drop(columns=TIMES), other.drop(columns=TIMES), check_exact=True
    )


class Told(list):
    """Counts how many cells were run, from the events."""

    @property
    def run(self) -> int:
        done = [event.done for event in self if hasattr(event, "done")]
        return done[-1] - done[0]


def watched(study, folder, **options):
    told = Told()
    return run_study(study, folder, watch=told.append, **({"jobs": 1} | options)), told


# --- The file -------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text)
    return path


def test_a_toml_file_says_what_python_says(tmp_path):
    path = written(
        tmp_path,
        """
        name = "mining"
        datasets = ["glyphs", {data = "data/FLO", features = "lite0", name = "flowers"}]
        presets = ["lite/glyphs", "tmm2022/CUB"]
        seeds = [3, 5]
        baselines = ["oracle"]
        reference = "with"
        overrides = {training.epochs = 4}
        [vary.with]
        training.mining = {epochs = 7}
        [vary."with no mining"]
        training.mining = false
        """,
    )
    assert Study.read(path) == Study(
        name="mining",
        datasets=["glyphs", {"data": "data/FLO", "features": "lite0", "name": "flowers"}],
        presets=["lite/glyphs", "tmm2022/CUB"],
        seeds=[3, 5],
        baselines=["oracle"],
        reference="with",
        overrides={"training": {"epochs": 4}},
        vary={
            "with": {"training": {"mining": {"epochs": 7}}},
            "with no mining": {"training": {"mining": False}},
        },
    )


def test_another_file_of_splits_is_read_by_the_study(tmp_path, monkeypatch):
    path = written(
        tmp_path,
        """
        name = "sentences"
        datasets = ["glyphs", {data = "CUB", features = "vit", splits = "sent_splits.mat"}]
        """,
    )
    asked = []
    monkeypatch.setattr(study_file, "load", lambda data, **options: asked.append((data, options)))
    for source in Study.read(path.with_suffix("")).datasets:  # .toml may be left out
        source.load()
    assert asked == [
        ("glyphs", {"features": None, "splits": None}),
        ("CUB", {"features": "vit", "splits": "sent_splits.mat"}),
    ]


GOOD = 'name = "x"\ndatasets = ["glyphs"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "cannot be read as TOML"),
        ("a = " + "[" * 5000, "cannot be read as TOML"),
        ('datasets = ["glyphs"]', "a study needs the key 'name'"),
        ('name = "x"', "a study needs the key 'datasets'"),
        (GOOD + "colour = 1", "a study has no key 'colour': known are name, datasets"),
        ('name = "x"\ndatasets = "glyphs"', "datasets must be a list, got 'glyphs'"),
        ('name = "x"\ndatasets = []', "datasets must name at least one"),
        ('name = "x"\ndatasets = [3]', "a data set must be a name, a path, or a table"),
        ('name = "x"\ndatasets = [{path = "p"}]', "a data set must be a name, a path, or a table"),
        (
            'name = "x"\ndatasets = ["a/c.npz", "b/c.npz"]',
            "names of data sets .* must be distinct, got 'c'",
        ),
        ('name = "x\\u001b[2J"\ndatasets = ["glyphs"]', "printable"),
        ('name = "' + "x" * 81 + '"\ndatasets = ["glyphs"]', "1 to 80 printable"),
        (GOOD + "seeds = true", "seeds, .* must be a list, got True"),
        (GOOD + "seeds = 0", "number of seeds must be from 1"),
        (GOOD + "seeds = [1, 1]", "seeds must be distinct"),
        (GOOD + "seeds = [-1]", "seed must be from 0 to 4294967295, got -1"),
        (GOOD + "seeds = [0.5]", "seeds must be whole numbers"),
        (
            GOOD + 'presets = ["lite/nothing"]',
            "settings must be one of glyphs, hangul, features, got 'nothing'",
        ),
        (GOOD + 'presets = ["glyphs"]', "preset must begin with one of lite"),
        (GOOD + "presets = [1]", "preset must be text, got 1"),
        (GOOD + 'presets = ["lite/glyphs", "lite/glyphs"]', "presets must be distinct"),
        (GOOD + 'baselines = ["svm"]', "baselines must be among ridge-gaussian, eszsl, oracle"),
        (GOOD + "baselines = [{}]", "baselines must be among .*got .{}"),
        (GOOD + 'baselines = ["oracle", "oracle"]', "rows .* must be distinct, got 'oracle'"),
        (GOOD + 'baselines = ["oracle"]\n[vary.oracle]', "rows .* must be distinct, got 'oracle'"),
        (GOOD + "vary = {}", "vary must be a table with a row or more"),
        (GOOD + "vary = {a = 1}", "'a' in vary, .*changed settings must be a table, got 1"),
        (GOOD + "[vary.a]\nmodle.hidden = 3", "'a' in vary, .*config has no setting 'modle'"),
        (GOOD + "[vary.a]\nmodel.hiden = 3", "'a' in vary, .*config.model has no setting 'hiden'"),
        (
            GOOD + '[vary.a]\nmodel.hidden = "3"',
            "'a' in vary, .*config.model.hidden must be of type int, got '3'",
        ),
        (GOOD + "[vary.a]\nname.x = 1", "'a' in vary, .*config.name must be of type str"),
        (GOOD + "[vary.a]\ntraining.lr = inf", "'a' in vary, .*training.lr must be of type float"),
        (
            GOOD + "[vary.a]\ntraining.lr = 1979-05-27",
            "'a' in vary, .*config.training.lr must be of type float",
        ),
        (
            GOOD + "[overrides]\ntraining.epochs = 0",
            "preset 'lite/glyphs' with the overrides: epochs must be positive, got 0",
        ),
        (
            GOOD + "[overrides]\ntraining.epochs = false",
            "config.training.epochs must be of type int, got False",
        ),
        (GOOD + 'protocol = "mine"', "protocol must be one of validation, published, got 'mine'"),
        (GOOD + "synthesized = 3", "synthesized must be 0, or at least 4"),
        (GOOD + "synthesized = true", "synthesized must be 0, or at least 4"),
        (GOOD + 'reference = "b"', "reference must be a row, one of as it is, got 'b'"),
        (GOOD + "reference = 3", "reference must be a row"),
        (GOOD + "seeds = 5001\nvary = {a = {}, b = {}}", "may have 10000 cells at most, got 10002"),
    ],
)
def test_what_a_study_may_not_say_is_refused_in_words_with_the_files_name(text, words, tmp_path):
    with pytest.raises(ConfigError, match=rf"(?s)study\.toml: .*{words}"):
        Study.read(written(tmp_path, text))


def test_a_python_file_is_not_run(tmp_path):
    (tmp_path / "study.py").write_text("raise SystemExit")
    with pytest.raises(ConfigError, match=r"in Python, make Study\(...\) and call run_study"):
        Study.read(tmp_path / "study.py")


def test_files_that_are_missing_huge_or_no_text_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is none: check the path"):
        Study.read(tmp_path / "no.toml")
    with pytest.raises(ConfigError, match="1000000 bytes at most"):
        Study.read(written(tmp_path, "#" * 1_000_001))
    (tmp_path / "study.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        Study.read(tmp_path / "study.toml")


def test_dotted_names_and_nested_tables_are_the_same():
    assert with_changes(lite(), {"model.hidden": 3}) == with_changes(
        lite(), {"model": {"hidden": 3}}
    )
    assert with_changes(lite(), {"model.hidden": 3}) == replace(
        lite(), model=replace(lite().model, hidden=3)
    )


def test_mining_is_switched_on_changed_and_off():
    on = with_changes(lite(), {"training.mining": {}})
    assert on.training.mining == MiningConfig()
    more = with_changes(on, {"training.mining": {"epochs": 3}})
    assert more.training.mining == MiningConfig(epochs=3)
    assert with_changes(more, {"training.mining": {}}) == more
    assert with_changes(
        more, {"training.mining": MiningConfig(beta=2.0)}
    ).training.mining == MiningConfig(beta=2.0)
    assert with_changes(more, {"training.mining": False}) == lite()


def test_false_takes_away_each_setting_that_may_be_absent():
    for path, value in (("components", 3), ("training.mining", {"epochs": 3})):
        there = with_changes(lite(), {path: value})
        assert operator.attrgetter(path)(there) is not None
        assert operator.attrgetter(path)(with_changes(there, {path: False})) is None
    assert (
        with_changes(lite(), {"model.relative_positioning": False}).model.relative_positioning
        is False
    )


def test_every_preset_has_its_name():
    for paper in PUBLISHED:
        for benchmark in PUBLISHED_BENCHMARKS:
            assert named_preset(f"{paper}/{benchmark}") == preset(paper, benchmark)
    assert named_preset("lite/glyphs") == lite("glyphs")


def test_without_presets_each_data_set_has_the_one_that_suits_it():
    study = Study(name="x", datasets=["glyphs", "gaussian_world"])
    assert [study.presets_of(source) for source in study.datasets] == [
        ("lite/glyphs",),
        ("lite/features",),
    ]


# --- Cells ----------------------------------------------------------------------------------------


def digests(study: Study) -> set[str]:
    return {cell.digest for _, cell in plan(study)}


def test_a_study_has_every_row_for_every_seed_and_data_set(study):
    rows = [tuple(labels.values()) for labels, _ in plan(study)]
    names = ("ridge-gaussian", "lite", "no semantics")
    expected = {
        (d, "lite/features", row, seed)
        for d in ("north", "south")
        for row in names
        for seed in range(4)
    }
    assert (set(rows), len(rows), len(digests(study))) == (expected, 24, 24)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [7, 8]},
        {"overrides": TINY | {"training.lr": 0.5}},
        {"overrides": TINY | {"folds": 2}},
        {"protocol": "published"},
        {"synthesized": 9},
        {"device": "cuda"},
    ],
    ids=str,
)
def test_what_determines_a_result_gives_a_new_cell(small, change):
    assert digests(small).isdisjoint(digests(replace(small, **change)))


def test_other_data_under_the_same_path_give_a_new_cell(small, tmp_path):
    path = tmp_path / "world.npz"
    found = []
    for seed in range(2):
        save_npz(gaussian_world(6, seen=8, unseen=4, samples=20, seed=seed).dataset, path)
        found.append(digests(replace(small, datasets=[path])))
    assert found[0].isdisjoint(found[1])


def test_another_version_gives_a_new_cell(small, monkeypatch):
    before = {replace(cell, version="0.0.1").digest for _, cell in plan(small)}
    assert before.isdisjoint(digests(small))


def test_names_and_places_do_not_determine_a_result(small, worlds, tmp_path):
    moved = tmp_path / "moved.npz"
    moved.write_bytes(Path(worlds[0]).read_bytes())
    vary = {f"{name}!": changes for name, changes in small.vary.items()}
    other = replace(
        small,
        name="other",
        datasets=[{"data": str(moved), "name": "elsewhere"}],
        vary=vary,
        reference="lite!",
    )
    assert digests(other) == digests(small)


def test_a_baseline_does_not_depend_on_what_it_does_not_read(small):
    one = replace(small, baselines=["ridge-gaussian", "oracle", "eszsl"])
    other = replace(one, overrides=TINY | {"model.hidden": 16, "training.epochs": 3})
    shared = [cell.method for _, cell in plan(one) if cell.digest in digests(other)]
    assert set(shared) == {"ridge-gaussian", "oracle", "eszsl"}
    assert (
        len({cell.digest for _, cell in plan(one) if cell.method == "eszsl"}) == 1
    )  # it has no seed


@pytest.mark.parametrize(
    "field", ["features", "labels", "attributes", "train", "test_seen", "groups"]
)
def test_the_fingerprint_sees_a_change_of_any_array(field, make_dataset):
    dataset = make_dataset(groups=np.tile(np.arange(10), 6))
    array = getattr(dataset, field).copy()
    if field in ("features", "attributes"):
        array[0, 0] += 1e-3
    else:
        array[[0, 1] if field in ("train", "test_seen") else [0, 59]] = array[
            [1, 0] if field in ("train", "test_seen") else [59, 0]
        ]
    if field == "labels":  # each class keeps its rows: another order of the classes' numbers
        order = np.array([1, 0, 2, 3, 4, 5])
        array = order[dataset.labels]
    assert fingerprint(replace(dataset, **{field: array})) != fingerprint(dataset)


def test_the_fingerprint_sees_groups_of_attributes_on_which_folds_depend(make_dataset):
    plain = make_dataset()
    grouped = replace(plain, attribute_groups={"shape": [0]})
    other = replace(plain, attribute_groups={"shape": [1]})
    assert len({fingerprint(d) for d in (plain, grouped, other)}) == 3


def test_embedded_data_are_known_by_name_for_their_last_bits_differ_between_machines(monkeypatch):
    study = Study(name="letters", datasets=["gaussian_world"], seeds=1, overrides=TINY)
    here = [cell.digest for _, cell in plan(study)]
    world = load("gaussian_world")
    other = replace(world, features=world.features * np.float32(1 + 1e-6))
    assert fingerprint(other) != fingerprint(world)
    monkeypatch.setattr("gsmflow_lite.runs.study_file.load", lambda *_, **__: other)
    assert [cell.digest for _, cell in plan(study)] == here


def test_features_on_disk_have_the_fingerprint_of_the_same_in_memory(make_dataset, tmp_path):
    dataset = make_dataset()
    np.save(tmp_path / "features.npy", dataset.features)
    mapped = replace(dataset, features=open_features(tmp_path / "features.npy"))
    assert not isinstance(mapped.features, np.ndarray)
    assert fingerprint(mapped) == fingerprint(dataset)


def test_a_cell_is_what_the_protocol_and_the_meters_say(study, worlds):
    labels, cell = next(
        (labels, cell) for labels, cell in plan(study) if labels["variant"] == "no semantics"
    )
    with cells.one_thread():
        outcome = rules.run(
            rules.flow(study.config("lite/features", "no semantics"), device="cpu"),
            load(worlds[0]),
            seed=0,
        )
        report = measure(load(worlds[0]), outcome.generator, n=20, seed=0)
    found = run_cell(cell)
    assert (labels["seed"], found["status"]) == (0, "done")
    assert {name: found[name] for name in vars(outcome.scores)} == vars(outcome.scores)
    assert found["setting"] == dict(outcome.choice.setting)
    assert found["calibration"] == outcome.choice.calibration
    for meter in ("semantic", "variance", "structure"):
        assert (found[meter], found[f"{meter}_ceiling"]) == (
            report.reading(meter).value,
            report.reading(meter).ceiling,
        )


def test_a_worker_with_other_data_or_another_version_says_so(small):
    cell = plan(small)[0][1]
    assert "workers must read the same data" in run_cell(replace(cell, identity="0" * 64))["error"]
    assert "workers must have gsmflow_lite 9.9" in run_cell(replace(cell, version="9.9"))["error"]


def test_the_callers_threads_are_as_they_were(small):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run_cell(plan(small)[0][1])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_process_of_several_threads_runs_one_cell_at_a_time(small, monkeypatch):
    inside, most = [], []

    def scored(cell):  # torch's random state belongs to the process
        inside.append(cell)
        most.append(len(inside))
        time.sleep(0.1)
        inside.pop()
        return {}

    monkeypatch.setattr(cells, "_score", scored)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run_cell, [cell for _, cell in plan(small)]))
    assert most == [1, 1, 1, 1]


# --- Running --------------------------------------------------------------------------------------


def test_processes_threads_and_this_process_give_the_same_table(study, local, tmp_path):
    part = replace(study, datasets=study.datasets[:1], seeds=2)
    here, told = watched(part, tmp_path / "here")
    threads = run_study(part, tmp_path / "threads", jobs=2, backend="threading")
    assert told.run == 6
    assert_same(here, threads)
    assert_same(
        here, local[(local["dataset"] == "north") & (local["seed"] < 2)].reset_index(drop=True)
    )


def test_the_table_says_what_each_row_is(local, worlds):
    row = local[(local["variant"] == "no semantics") & (local["dataset"] == "south")].iloc[0]
    settings = json.loads(row["settings"])
    assert (
        settings["model"]["semantics"],
        settings["training"]["epochs"],
        settings["synthesized"],
    ) == ("none", 2, 20)
    assert json.loads(row["versions"])["torch"] == torch.__version__
    assert row["ran_on"] == "cpu"
    assert re.fullmatch("unknown|[0-9a-f]{40}(-dirty)?", row["revision"])
    assert pd.Timestamp(row["time"]).tzinfo is not None
    assert (
        not local.astype(str).map(lambda text: str(Path(worlds[0]).parent) in text).any(axis=None)
    )


def test_the_parquet_file_is_the_table(small, tmp_path):
    table, _ = watched(small, tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "results.parquet"), table)
    assert {path.name for path in tmp_path.iterdir()} == {"cells", "results.parquet"}


def test_a_second_run_runs_nothing(small, tmp_path):
    first, told = watched(small, tmp_path)
    again, told_again = watched(small, tmp_path)
    assert (told.run, told_again.run) == (4, 0)
    pd.testing.assert_frame_equal(first, again)  # times, too


def test_a_changed_study_runs_only_what_is_new(small, tmp_path):
    watched(small, tmp_path)
    vary = {
        "renamed": {},
        "no semantics": {"model.semantics": "none"},
        "first": {"model.semantics": "first"},
    }
    table, told = watched(replace(small, seeds=3, vary=vary, reference="renamed"), tmp_path)
    assert (told.run, len(table)) == (5, 9)


def test_an_interrupted_study_keeps_what_is_done_and_goes_on(small, tmp_path):
    def stop(event):
        if getattr(event, "done", 0) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(small, tmp_path, jobs=1, watch=stop)
    assert pd.read_parquet(tmp_path / "results.parquet")["status"].tolist() == [
        "done",
        "done",
        "waiting",
        "waiting",
    ]
    table, told = watched(small, tmp_path)
    assert (told.run, set(table["status"])) == (2, {"done"})


def spoilt(held: dict) -> dict[str, str]:
    """What a file may have become."""
    return {
        "half": json.dumps(held)[:50],
        "of another cell": json.dumps(held | {"key": held["key"] | {"seed": 99}}),
        "without a score": json.dumps({k: v for k, v in held.items() if k != "zsl"}),
        "with no number": json.dumps(held | {"unseen": "a lot"}),
        "with no finite number": json.dumps(held).replace(
            f'"harmonic": {held["harmonic"]}', '"harmonic": NaN'
        ),
        "a list": "[]",
        "deep": "[" * 100_000,
    }


@pytest.mark.parametrize("how", spoilt({"key": {}, "harmonic": 0}))
def test_a_cell_whose_file_is_spoilt_is_run_again(how, small, tmp_path):
    part = replace(small, seeds=1, vary={"lite": {}})
    first, _ = watched(part, tmp_path)
    (path,) = (tmp_path / "cells").iterdir()
    path.write_text(spoilt(json.loads(path.read_text()))[how])
    again, told = watched(part, tmp_path)
    assert told.run == 1
    assert_same(first, again)


def test_a_cell_that_fails_is_told_and_the_others_go_on(small, tmp_path):
    vary = {"lite": {}, "too many folds": {"folds": 99}}
    table, _ = watched(replace(small, vary=vary), tmp_path)
    by_row = table.set_index("variant")
    assert set(by_row.loc["lite", "status"]) == {"done"}
    assert set(by_row.loc["too many folds", "status"]) == {"failed"}
    assert by_row.loc["too many folds", "error"].str.contains("disjoint validation folds").all()
    assert by_row.loc["too many folds", "harmonic"].isna().all()


def test_a_failed_cell_is_tried_again(small, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cells.rules, "run", lambda *_, **__: 1 / 0)
        failed, _ = watched(small, tmp_path)
    assert failed["error"].tolist() == ["ZeroDivisionError: division by zero"] * 4
    table, told = watched(small, tmp_path)
    assert (told.run, set(table["status"]), set(table["error"])) == (4, {"done"}, {""})


def test_two_runs_in_one_folder_do_each_other_no_harm(small, tmp_path):
    inner = []

    def nested(event):
        if getattr(event, "done", 0) == 1 and not inner:
            inner.append(run_study(small, tmp_path, jobs=1))

    outer = run_study(small, tmp_path, jobs=1, watch=nested)
    assert_same(outer, inner[0])
    assert_same(pd.read_parquet(tmp_path / "results.parquet"), outer)
    assert len(list((tmp_path / "cells").iterdir())) == 4


def killer(marker: Path, variant: dict, seed: int, *, once: bool):
    """What workers run in place of a cell: of one cell, the process is killed."""

    def run(cell):
        if (cell.config.model.semantics, cell.seed) == (variant["model.semantics"], seed) and not (
            once and marker.exists()
        ):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return cell.digest, run_cell(cell)

    return run


def test_a_local_worker_that_is_killed_costs_no_cell(study, local, tmp_path, monkeypatch):
    part = replace(study, datasets=study.datasets[:1])
    monkeypatch.setattr(
        module, "_run_named", killer(tmp_path / "killed", study.vary["no semantics"], 1, once=True)
    )
    table = run_study(part, tmp_path / "out", jobs=2)
    assert (tmp_path / "killed").exists()
    assert_same(table, local[local["dataset"] == "north"])


def test_a_cell_that_kills_its_local_worker_fails_alone(study, tmp_path, monkeypatch):
    part = replace(study, datasets=study.datasets[:1])
    monkeypatch.setattr(
        module, "_run_named", killer(tmp_path / "killed", study.vary["no semantics"], 1, once=False)
    )
    table = run_study(part, tmp_path / "out", jobs=2)
    failed = table[table["status"] != "done"]
    assert failed[["variant", "seed", "status"]].values.tolist() == [["no semantics", 1, "failed"]]
    assert "was killed, twice" in failed["error"].item()


def test_jobs_and_backends_that_are_none_are_refused(small, tmp_path):
    with pytest.raises(ConfigError, match="jobs must be a number of processes, at least 1, got 0"):
        run_study(small, tmp_path, jobs=0)
    with pytest.raises(ConfigError, match="backend must be one that joblib knows, got 'abacus'"):
        run_study(small, tmp_path, backend="abacus", jobs=2)


def test_missing_pyarrow_is_told_before_anything_is_run(small, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'gsmflow-lite\[study\]'"):
        run_study(small, tmp_path)


def test_a_gpu_is_called_by_its_name_and_the_cpu_is_the_cpu(monkeypatch):
    assert device_name("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"the GPU of {device}")
    monkeypatch.setattr(provenance, "choose_device", lambda name: torch.device("cuda", 1))
    assert device_name("auto") == "the GPU of cuda:1"


def test_a_cell_with_the_device_auto_says_which_it_took(small):
    (_, cell), *_ = plan(replace(small, device="auto"))
    assert run_cell(cell)["ran_on"] == device_name("auto")


def test_the_revision_is_that_of_the_working_directorys_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_revision() == "unknown"
    (tmp_path / "a").write_text("1")
    git = partial(subprocess.run, check=True, capture_output=True, text=True)
    for command in ("init", "add a", "-c user.name=n -c user.email=e commit -m one"):
        git(["git", *command.split()])
    assert git_revision() == git(["git", "rev-parse", "HEAD"]).stdout.strip()
    (tmp_path / "a").write_text("2")
    assert git_revision().endswith("-dirty")


def test_importing_the_package_loads_no_study_and_no_joblib():
    slow = ("gsmflow_lite.runs.study", "joblib", "dask", "pyarrow")
    code = f"import sys, gsmflow_lite; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.strip() == "[]"


# --- On a Dask cluster ----------------------------------------------------------------------------


def until(holds, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        time.sleep(0.02)


def started(command: str, *arguments: str, **variables: str) -> subprocess.Popen:
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        **variables,
    }
    call = [sys.executable, "-m", f"distributed.cli.{command}", "--no-dashboard", *arguments]
    return subprocess.Popen(
        call, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@contextmanager
def cluster_of(workers: int, folder: Path):
    """The address of a scheduler on this machine, and its workers, each a process of one thread.

    Each has been pinned to a GPU of its own, as one would on a machine that has them.
    """
    about = folder / "scheduler.json"
    running = [
        started(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(about)
        )
    ]
    try:
        until(lambda: about.exists() and about.read_text().endswith("}"), "the scheduler")
        address = json.loads(about.read_text())["address"]
        options = ("--no-nanny", "--nthreads", "1", "--local-directory", str(folder))
        running += [
            started("dask_worker", address, *options, CUDA_VISIBLE_DEVICES=str(gpu))
            for gpu in range(workers)
        ]
        yield address, running[1:]
    finally:
        for process in running:
            process.kill()
            process.wait(PATIENCE)


def test_24_cells_on_two_workers_survive_one_that_is_killed_half_way(study, local, tmp_path):
    from distributed import Client

    with (
        cluster_of(2, tmp_path) as (address, workers),
        Client(address, timeout=PATIENCE, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=PATIENCE)
        victim = next(name for name, pid in client.run(os.getpid).items() if pid == workers[0].pid)

        def kill_half_way(event):
            if getattr(event, "done", 0) == 12:
                until(
                    lambda: client.processing([victim])[victim],
                    "work for the worker that is to be killed",
                )
                os.kill(workers[0].pid, signal.SIGKILL)

        table = run_study(study, tmp_path / "out", cluster=address, watch=kill_half_way)
        until(
            lambda: len(client.scheduler_info()["workers"]) == 1, "the scheduler to miss the worker"
        )
    assert workers[0].returncode == -signal.SIGKILL
    assert (len(table), set(table["status"])) == (24, {"done"})
    assert_same(table, local)


def noting_the_gpu(folder: Path):
    """What workers run in place of a cell: the cell, and a file says which GPU it was given."""

    def run(cell):
        (folder / f"{cell.digest} {os.getpid()}").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        return cell.digest, run_cell(cell)

    return run


def test_each_cell_runs_on_one_of_the_workers_and_sees_the_gpu_of_this_worker(
    study, local, tmp_path, monkeypatch
):
    from distributed import Client

    part = replace(study, datasets=study.datasets[:1])
    (tmp_path / "seen").mkdir()
    monkeypatch.setattr(module, "_run_named", noting_the_gpu(tmp_path / "seen"))
    with (
        cluster_of(2, tmp_path) as (address, workers),
        Client(address, timeout=PATIENCE, set_as_default=False) as client,
    ):
        client.wait_for_workers(2, timeout=PATIENCE)
        table = run_study(part, tmp_path / "out", cluster=address)
    seen = {path.name: path.read_text() for path in (tmp_path / "seen").iterdir()}
    assert sorted(name.split()[0] for name in seen) == sorted(table["cell"])
    given = {(name.split()[1], gpu) for name, gpu in seen.items()}
    assert given == {(str(worker.pid), str(gpu)) for gpu, worker in enumerate(workers)}
    assert_same(table, local[local["dataset"] == "north"])


def test_a_cell_that_the_cluster_gives_up_fails_alone_and_nothing_hangs(
    study, tmp_path, monkeypatch
):
    part = replace(study, datasets=study.datasets[:1])
    monkeypatch.setattr(
        module, "_run_named", killer(tmp_path / "killed", study.vary["no semantics"], 1, once=False)
    )
    monkeypatch.setenv(
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0"
    )  # else four workers would have to die
    monkeypatch.setenv(
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION", "1.0"
    )  # no other cell waits at that worker
    with cluster_of(2, tmp_path) as (address, _):
        table = run_study(part, tmp_path / "out", cluster=address)
    failed = table[table["status"] != "done"]
    assert failed[["variant", "seed", "status"]].values.tolist() == [["no semantics", 1, "failed"]]
    assert failed["error"].str.contains("the cluster gave it up .*1 different workers").all()


def test_a_cluster_without_the_package_is_told_and_nothing_hangs(small, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()  # Dask workers import from their own folder
    (tmp_path / "here" / "package_of_this_machine.py").write_text("def run(cell): pass")
    monkeypatch.syspath_prepend(tmp_path / "here")
    monkeypatch.setattr(
        module, "_run_named", importlib.import_module("package_of_this_machine").run
    )
    with cluster_of(1, tmp_path) as (address, _):
        table = run_study(small, tmp_path / "out", cluster=address)
    assert set(table["status"]) == {"failed"}
    assert (
        table["error"]
        .str.contains(
            "the cluster gave it up .*deserialization.*: have its scheduler and its workers"
        )
        .all()
    )


def test_a_worker_of_several_threads_gives_the_same_scores(study, local, tmp_path):
    part = replace(study, datasets=study.datasets[:1], seeds=2)
    with cluster_of(0, tmp_path) as (address, running):
        running.append(
            started(
                "dask_worker",
                address,
                "--no-nanny",
                "--nthreads",
                "4",
                "--local-directory",
                str(tmp_path),
            )
        )
        try:
            table = run_study(part, tmp_path / "out", cluster=address)
        finally:
            running[-1].kill()
            running[-1].wait(PATIENCE)
    assert_same(
        table, local[(local["dataset"] == "north") & (local["seed"] < 2)].reset_index(drop=True)
    )


def test_a_cluster_that_is_not_there_or_has_no_worker_is_told(small, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "CONNECT", 2)
    with pytest.raises(
        ConfigError, match="cluster must be the address of a running Dask scheduler"
    ):
        run_study(small, tmp_path, cluster="tcp://127.0.0.1:9")
    with pytest.raises(
        ConfigError, match="cluster must be the address of a running Dask scheduler"
    ):
        run_study(small, tmp_path, cluster="nonsense://")
    with (
        cluster_of(0, tmp_path) as (address, _),
        pytest.raises(ConfigError, match="has no worker: start some"),
    ):
        run_study(small, tmp_path, cluster=address)


# --- Tables ---------------------------------------------------------------------------------------


def frame_of(values: dict[str, list[float]], **columns) -> pd.DataFrame:
    """A table of a study from the harmonic means of its rows, by seed."""
    lines = [
        {
            "dataset": "d",
            "preset": "p",
            "variant": row,
            "seed": seed,
            "status": "done",
            "harmonic": value,
        }
        | dict.fromkeys(OTHER_SCORES, np.nan)
        for row, found in values.items()
        for seed, value in enumerate(found)
    ]
    return pd.DataFrame(lines).assign(**columns)


OTHER_SCORES = ("seen", "unseen", "zsl", "ausuc", "semantic", "variance", "structure")
A, B = [50.0, 52.0, 57.0, 51.0], [51.0, 54.5, 57.5, 53.0]


def test_the_interval_is_students():
    low, high = stats.t.interval(0.95, 3, loc=np.mean(A), scale=stats.sem(A))
    row = summary(frame_of({"a": A})).iloc[0]
    assert (row["mean"] - row["half"], row["mean"] + row["half"]) == pytest.approx((low, high))
    assert np.isnan(student_half_width([50.0]))


def test_differences_are_taken_seed_by_seed():
    row = summary(frame_of({"a": A, "b": B}), reference="a").iloc[0]
    test = stats.ttest_rel(B, A).confidence_interval(0.95)
    assert (row["mean"] - row["half"], row["mean"] + row["half"]) == pytest.approx(
        (test.low, test.high)
    )


def test_a_seed_that_one_of_the_two_lacks_is_in_no_difference():
    frame = frame_of({"a": A, "b": B})
    frame.loc[(frame["variant"] == "b") & (frame["seed"] == 2), "status"] = "failed"
    found = scores_by_seed(frame, reference="a")
    assert found["seed"].tolist() == [0, 1, 3]
    assert found["value"].tolist() == [1.0, 2.5, 2.0]


def test_differences_stay_within_a_data_set_and_a_preset():
    two = pd.concat([frame_of({"a": A, "b": B}), frame_of({"a": B, "b": A}, dataset="e")])
    means = summary(two, reference="a").set_index("dataset")["mean"]
    assert means.to_dict() == pytest.approx(
        {"d": np.mean(B) - np.mean(A), "e": np.mean(A) - np.mean(B)}
    )


def test_a_reference_that_is_no_row_is_refused():
    with pytest.raises(ConfigError, match="reference must be a row, one of a, b, got 'c'"):
        summary(frame_of({"a": A, "b": B}), reference="c")


def test_the_readable_table_has_a_line_for_each_row_and_says_how_many_seeds():
    frame = frame_of({"a": A, "b": B})
    frame.loc[frame["variant"] == "b", "status"] = ["done", "waiting", "waiting", "waiting"]
    table = readable(frame, reference="a")
    assert table.index.tolist() == ["a", "b"]
    assert table["seeds"].tolist() == [4, 1]
    assert table.loc["a", "H"] == f"{np.mean(A):.1f} ± {stats.sem(A) * stats.t.ppf(0.975, 3):.1f}"
    assert (table.loc["b", "H"], table.loc["b", "H - a"], table.loc["a", "H - a"]) == (
        "51.0",
        "1.0",
        "",
    )
    assert "S" not in table


def test_a_study_without_a_finished_cell_has_a_readable_table():
    frame = frame_of({"a": A}).assign(status="failed")
    assert readable(frame, reference="a")["seeds"].tolist() == [0]
