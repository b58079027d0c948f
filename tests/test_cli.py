"""The command as a user calls it, on small data, and what it leaves in the folder."""

import json
import re
import textwrap

import numpy as np
import pandas as pd
import pytest
import scipy.io
import torch
from scipy.stats import sem
from scipy.stats import t as student

from gsmflow_lite import SavedModel, from_arrays
from gsmflow_lite.cli import main
from gsmflow_lite.datasets import gaussian_world, load, save_npz
from gsmflow_lite.generators.stored import FromFile
from gsmflow_lite.scores.labelled_rows import t1
from gsmflow_lite.scores.unlabelled_rows import with_unlabelled_rows
from gsmflow_lite.shifts.measuring import measure

ORDER = ("seen", "unseen", "harmonic", "zsl", "ausuc")
SCORES = set(ORDER)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GSMFLOW_CACHE", str(tmp_path_factory.mktemp("maps")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small data set in a file, with a class name that is markup."""
    d = gaussian_world(6, seen=8, unseen=4, attributes=5, samples=25).dataset
    names = ["<img src=x onerror=alert(1)>", *[f"k{i}" for i in range(1, 12)]]
    d = from_arrays(
        d.features,
        d.labels,
        d.attributes,
        unseen=d.unseen_classes,
        class_names=names,
        name="<b>world</b>",
    )
    path = tmp_path_factory.mktemp("data") / "world.npz"
    save_npz(d, path)
    return path


@pytest.fixture(scope="module")
def folder(data):
    out = data.parent / "run"
    assert main(["train", str(data), "--out", str(out), "--epochs", "2", "--seed", "3"]) == 0
    return out


@pytest.fixture(scope="module")
def result(folder):
    return json.loads((folder / "result.json").read_text())


def test_the_result_holds_what_is_promised(result):
    assert {
        "dataset",
        "seed",
        "protocol",
        "config",
        "scores",
        "baselines",
        "seconds",
        "versions",
    } <= set(result)
    assert set(result["scores"]) == SCORES
    assert {name: set(scores) for name, scores in result["baselines"].items()} == dict.fromkeys(
        ("ridge_gaussian", "eszsl", "oracle"), SCORES
    )
    assert {"train", "evaluate", "total"} <= set(result["seconds"])
    assert (result["seed"], result["protocol"]) == (3, "validation")


def test_scores_are_per_cent(result):
    for scores in (result["scores"], *result["baselines"].values()):
        assert all(0 <= value <= 100 for value in scores.values())
        assert scores["harmonic"] == pytest.approx(
            2 * scores["seen"] * scores["unseen"] / (scores["seen"] + scores["unseen"]), abs=0.02
        )


def test_a_finished_run_leaves_model_result_and_report_only(folder):
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "result.json",
        "report.html",
    }


def test_the_report_shows_names_as_text(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;world&lt;/b&gt;" in page
    assert r"\u003cimg src=x onerror=alert(1)\u003e" in page  # a seen class: only on the card
    assert "<b>world" not in page
    assert "<img src=x" not in page


def test_the_result_says_which_command_repeats_it(result, data, folder):
    assert result["repeat"] == f"gsmflow-lite train {data} --out {folder} --epochs 2 --seed 3"


def test_a_run_ends_with_the_meters_in_words(data, tmp_path, capsys):
    main(["train", str(data), "--out", str(tmp_path), "--epochs", "1"])
    lines = capsys.readouterr().out.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.startswith("has it drifted?"))
    assert lines[heading].split()[3:] == ["semantic", "variance", "structure", "overall"]
    shifts = json.loads((tmp_path / "result.json").read_text())["shifts"]
    for line, report in zip(lines[heading + 1 :], shifts.values(), strict=False):
        words = {r["metric"]: r["word"] for r in report["readings"] if r["label"] is None}
        expected = [
            words[metric] for metric in ("agreement", "spread", "distance order", "quadratic test")
        ]
        # Words stand in columns of 13 characters; some are two words.
        columns = [line[16 + 13 * i : 29 + 13 * i].strip() for i in range(4)]
        assert columns == expected


# --- Diagnose -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def synthesized(folder, data):
    """Features that a model wrote: 40 of each unseen class."""
    out = data.parent / "synthesized.npz"
    assert (
        main(
            [
                "synthesize",
                str(folder / "model.safetensors"),
                str(data),
                "-n",
                "40",
                "--out",
                str(out),
            ]
        )
        == 0
    )
    return out


def diagnosed(out, *arguments):
    assert main(["diagnose", *map(str, arguments), "--out", str(out)]) == 0
    return json.loads((out / "result.json").read_text())


def test_a_diagnosis_leaves_a_report_and_a_result(synthesized, data, tmp_path, capsys):
    result = diagnosed(tmp_path, synthesized, "--dataset", data, "-n", 30)
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "result.json"}
    shown = capsys.readouterr().out
    assert result["shifts"]["synthesized"]["sentence"] in shown
    assert f"{tmp_path / 'report.html'}" in shown
    assert f"{result['scores']['harmonic']:.1f}" in shown
    assert (
        result["repeat"]
        == f"gsmflow-lite diagnose {synthesized} --dataset {data} -n 30 --out {tmp_path}"
    )
    assert "<h1>synthesized: what it synthesizes of &lt;b&gt;world" in (
        tmp_path / "report.html"
    ).read_text(encoding="utf-8")


def test_a_file_that_is_named_as_a_baseline_keeps_its_own_scores(
    synthesized, data, tmp_path, capsys
):
    own = tmp_path / "oracle.npz"
    own.write_bytes(synthesized.read_bytes())
    result = diagnosed(tmp_path / "out", own, "--dataset", data, "-n", 30)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("oracle ")]
    shown = [[float(word) for word in line.split()[1:-1]] for line in lines[:2]]
    tables = (result["scores"], result["baselines"]["oracle"])
    expected = [[round(scores[key], 1) for key in ORDER] for scores in tables]
    assert shown == expected


def test_features_are_measured_in_the_space_of_training_unless_raw(synthesized, data, tmp_path):
    usual, raw = (
        diagnosed(tmp_path / name, synthesized, "--dataset", data, *more)
        for name, more in (("a", []), ("b", ["--raw"]))
    )
    spreads = []
    for result, dataset in ((usual, load(data).preprocessed("pca", 256)), (raw, load(data))):
        (spread,) = [
            r["value"]
            for r in result["shifts"]["synthesized"]["readings"]
            if r["metric"] == "spread" and r["label"] is None
        ]
        expected = (
            measure(dataset, FromFile.read(synthesized, dataset), n=40).reading("spread").value
        )
        assert spread == pytest.approx(expected)
        spreads.append(spread)
    assert usual["preprocessing"]["kind"] == "pca"
    assert raw["preprocessing"] is None


def test_a_saved_model_is_measured_as_it_was_after_training(folder, data, result, tmp_path):
    again = diagnosed(tmp_path, folder / "model.safetensors", "--dataset", data, "--seed", 3)
    assert again["shifts"]["GSMFlow"]["readings"] == result["shifts"]["GSMFlow"]["readings"]


def test_a_mat_file_gives_the_same_diagnosis(synthesized, data, tmp_path):
    from scipy.io import savemat

    content = np.load(synthesized)
    path = tmp_path / "synthesized.mat"
    savemat(path, {"features": content["features"], "labels": content["labels"] + 1})
    from_mat, from_npz = (
        diagnosed(tmp_path / p.suffix[1:], p, "--dataset", data, "-n", 10)
        for p in (path, synthesized)
    )
    assert (
        from_mat["shifts"]["synthesized"]["readings"]
        == from_npz["shifts"]["synthesized"]["readings"]
    )


def test_a_file_without_some_unseen_class_gets_a_report_without_scores(
    synthesized, data, tmp_path, capsys
):
    content = np.load(synthesized)
    kept = content["labels"] != content["labels"].max()
    np.savez(
        tmp_path / "part.npz", features=content["features"][kept], labels=content["labels"][kept]
    )
    result = diagnosed(tmp_path / "out", tmp_path / "part.npz", "--dataset", data)
    assert result["scores"] is None
    assert "note: no scores: part has 3 of the 4 unseen classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no_such.npz", "--dataset", "gaussian_world"], "no_such.npz"),
        (["x.csv", "--dataset", "gaussian_world"], "must be in an .npz or a .mat file"),
        (["x.npz", "--dataset", "no_such_place"], "no_such_place"),
        (
            ["no_model.safetensors", "--dataset", "gaussian_world"],
            "no_model.safetensors is not a file",
        ),
        (
            ["model.safetensors", "--dataset", "gaussian_world", "--raw"],
            "--raw and --preprocessed are for files of features",
        ),
        (
            ["FILE", "--dataset", "gaussian_world", "-n", "3"],
            "n, synthesized features a class, must be at least 4",
        ),
        (
            ["FILE", "--dataset", "gaussian_world", "--out", "/dev/null/x"],
            "/dev/null/x must be a folder",
        ),
        (
            ["FILE", "--dataset", "gaussian_world_2d"],
            "features must be 2 wide before preprocessing",
        ),
    ],
)
def test_what_cannot_be_diagnosed_ends_with_status_2_and_one_plain_message(
    arguments, words, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    d = load("gaussian_world")
    rows = d.test_unseen
    np.savez("FILE.npz", features=d.features[rows], labels=d.labels[rows])
    assert main(["diagnose", *(a.replace("FILE", "FILE.npz") for a in arguments)]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message


def test_evaluating_the_saved_model_gives_the_scores_of_the_run(folder, data, result, capsys):
    assert main(["evaluate", str(folder / "model.safetensors"), str(data)]) == 0
    shown = capsys.readouterr().out
    assert f"H {result['scores']['harmonic']:.1f}" in shown
    assert f"T1 {result['scores']['zsl']:.1f}" in shown


def test_rows_of_unseen_classes_are_told_under_names_of_their_own(folder, data, result, capsys):
    path = str(folder / "model.safetensors")
    assert main(["evaluate", path, str(data), "--labelled", "2", "0", "--unlabelled"]) == 0
    _, warning, how, *lines = capsys.readouterr().out.splitlines()
    assert "not zero-shot" in warning
    assert "5 draws from seed 3, " in how
    assert [line.split(": ")[0] for line in lines] == [
        "0 labelled rows a class",
        "2 labelled rows a class",
        "2 labelled rows a class alone",
        "unlabelled rows (transductive), all tested",
    ]
    saved = SavedModel.load(path)
    d = load(str(data)).transformed(saved.preprocessing)
    draws = [t1(saved.model, d.split_unseen(seed=seed)[1]) for seed in range(3, 8)]
    half = student.interval(0.95, 4, 0, sem(draws))[1]
    assert half > 0
    mixture = with_unlabelled_rows(saved.model, d, d.test_unseen)
    assert lines[0].endswith(f": {np.mean(draws):.1f} ± {half:.1f}")
    assert lines[3].endswith(f": {t1(mixture.generator, d):.1f}")
    assert result["seed"] == 3


def test_labelled_rows_are_drawn_by_the_seed(folder, data, capsys):
    path = str(folder / "model.safetensors")
    said = []
    for seed in ("5", "5", "60"):
        assert main(["evaluate", path, str(data), "--labelled", "1", "--seed", seed]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "draws from seed 60" in said[2]
    assert said[0].replace("seed 5", "seed 60") != said[2]


def test_more_labelled_rows_than_there_are_stop_before_anything_is_printed(folder, data, capsys):
    path = str(folder / "model.safetensors")
    assert main(["evaluate", path, str(data), "--labelled", "0", "14"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "14 were asked for: ask for at most 13" in captured.err


def test_a_run_ends_with_lines_that_open_its_model(data, tmp_path, capsys, monkeypatch):
    out = tmp_path / "it's a run"
    main(["train", str(data), "--out", str(out), "--epochs", "1", "--no-baselines"])
    lines = capsys.readouterr().out.split("in a notebook:\n")[1]
    opened = []
    monkeypatch.setattr("gsmflow_lite.explore", lambda *given: opened.append(given))
    exec(textwrap.dedent(lines))
    ((dataset, generators),) = opened
    assert np.isfinite(t1(generators["flow"], dataset))
    config = json.loads((out / "result.json").read_text())["config"]
    trained_on = load(data).preprocessed(config["preprocessing"], config["components"])
    np.testing.assert_allclose(dataset.features, trained_on.features, atol=1e-5)


def test_synthesized_features_are_in_the_units_of_the_data(folder, data, tmp_path):
    out = tmp_path / "synthesized.npz"
    arguments = [
        "synthesize",
        str(folder / "model.safetensors"),
        str(data),
        "-n",
        "7",
        "--classes",
        "k9",
        "k2",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    synthesized, d = np.load(out), load(data)
    saved = SavedModel.load(folder / "model.safetensors")
    expected = saved.preprocessing.inverse(
        saved.model.synthesize(torch.from_numpy(d.attributes[[9, 2]]), 7).numpy()
    )
    np.testing.assert_allclose(synthesized["features"], expected.reshape(14, 6), rtol=1e-5)
    assert synthesized["labels"].tolist() == [9] * 7 + [2] * 7


def test_the_same_command_gives_the_same_scores(folder, data, result, tmp_path):
    main(
        [
            "train",
            str(data),
            "--out",
            str(tmp_path),
            "--epochs",
            "2",
            "--seed",
            "3",
            "--no-baselines",
        ]
    )
    assert json.loads((tmp_path / "result.json").read_text())["scores"] == result["scores"]


def test_the_published_protocol_says_so_in_its_output(data, tmp_path, capsys):
    main(
        [
            "train",
            str(data),
            "--out",
            str(tmp_path),
            "--epochs",
            "2",
            "--protocol",
            "published",
            "--no-baselines",
        ]
    )
    assert "chosen on the TEST set" in capsys.readouterr().out
    assert "TEST" in json.loads((tmp_path / "result.json").read_text())["choice"]["chosen_on"]


def test_the_likelihood_classifier_is_evaluated_again_as_it_was(data, tmp_path, capsys):
    main(
        [
            "train",
            str(data),
            "--out",
            str(tmp_path),
            "--epochs",
            "2",
            "--classifier",
            "likelihood",
            "--no-baselines",
        ]
    )
    harmonic = json.loads((tmp_path / "result.json").read_text())["scores"]["harmonic"]
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "model.safetensors"), str(data)]) == 0
    assert f"H {harmonic:.1f}" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_to_the_same_result(data, result, tmp_path, monkeypatch):
    from gsmflow_lite.method import checkpoint

    saved = checkpoint.write_tensors

    def interrupted(path, tensors, settings):
        saved(path, tensors, settings)
        raise KeyboardInterrupt

    arguments = [
        "train",
        str(data),
        "--out",
        str(tmp_path),
        "--epochs",
        "2",
        "--seed",
        "3",
        "--no-baselines",
    ]
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_tensors", interrupted)
        assert main(arguments) == 130
    assert (tmp_path / "checkpoint.safetensors").exists()
    assert main(arguments) == 0
    assert json.loads((tmp_path / "result.json").read_text())["scores"] == result["scores"]


def test_a_good_folder_passes_the_check(shared_data, capsys):
    assert main(["datasets", "check", str(shared_data / "FLO_lite0"), "--features", "lite0"]) == 0
    assert "102" in capsys.readouterr().out


def test_a_folder_without_features_fails_the_check_with_one_message(shared_data, capsys):
    assert main(["datasets", "check", str(shared_data / "AWA2_attributes")]) == 2
    message = capsys.readouterr().err.strip()
    assert "res101.mat" in message
    assert "Traceback" not in message


def test_whatever_loads_can_be_checked(data, capsys):
    assert main(["datasets", "check", str(data)]) == 0
    assert f"{data}: a good .npz file\n" in capsys.readouterr().out
    assert main(["datasets", "check", "gaussian_world_2d"]) == 0
    assert "gaussian_world_2d: an embedded data set\n" in capsys.readouterr().out


@pytest.fixture
def sentences(tmp_path):
    """A benchmark folder whose splits and descriptions lie in a file of another name."""
    d = gaussian_world(6, seen=8, unseen=4, attributes=5, samples=25).dataset
    splits = {"trainval": d.train, "test_seen": d.test_seen, "test_unseen": d.test_unseen}
    table = {f"{name}_loc": rows[:, None] + 1 for name, rows in splits.items()}
    scipy.io.savemat(tmp_path / "sent_splits.mat", {"att": d.attributes.T, **table})
    features = {"features": d.features.T, "labels": d.labels[:, None] + 1}
    scipy.io.savemat(tmp_path / "res101.mat", features)
    return tmp_path


def test_another_file_of_splits_may_be_named_by_every_command(sentences, folder, tmp_path, capsys):
    model = str(folder / "model.safetensors")
    place = [str(sentences), "--splits", "sent_splits.mat"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["datasets", "check", *place]) == 0
    assert "sent_splits.mat (MATLAB 5): att, trainval_loc" in capsys.readouterr().out
    assert main(["evaluate", model, *place]) == 0
    assert main(["synthesize", model, *place, *out, "-n", "2"]) == 0
    assert (tmp_path / "out.npz").is_file()
    asked = ["diagnose", model, "--dataset", *place, *out, "-n", "20"]
    assert main(asked) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert "--splits sent_splits.mat" in result["repeat"]
    assert main(["train", *place, *out, "--epochs", "1", "--no-baselines"]) == 0
    assert main(["train", str(sentences), *out]) == 2
    assert "--splits sent_splits.mat" in capsys.readouterr().err


def test_what_is_left_out_of_the_data_is_said_on_the_way(sentences, folder, capsys):
    path = sentences / "sent_splits.mat"
    content = scipy.io.loadmat(path)
    kept = {name: value for name, value in content.items() if not name.startswith("_")}
    scipy.io.savemat(path, kept | {"allclasses_names": np.ones((12, 1))})
    model = str(folder / "model.safetensors")
    assert main(["evaluate", model, str(sentences), "--splits", "sent_splits"]) == 0
    assert "note: allclasses_names is left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["synthesized", "SYNTHESIZED.NPZ"])
def test_what_synthesize_writes_diagnose_reads_under_the_same_name(name, folder, data, tmp_path):
    out = str(tmp_path / name)
    model = str(folder / "model")  # without its suffix, too
    assert main(["synthesize", model, str(data), "--out", out, "-n", "20"]) == 0
    asked = ["diagnose", out, "--dataset", str(data), "--out", str(tmp_path / "d"), "-n", "20"]
    assert main(asked) == 0


def test_training_in_shorter_arithmetic_is_what_the_result_says(data, tmp_path):
    arguments = [
        "train",
        str(data),
        "--out",
        str(tmp_path),
        "--epochs",
        "1",
        "--precision",
        "bf16",
        "--no-baselines",
    ]
    assert main(arguments) == 0
    assert (
        json.loads((tmp_path / "result.json").read_text())["config"]["training"]["precision"]
        == "bf16"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "no_such_place", "--out", "x"], "no_such_place"),
        (["train", "gaussian_world", "--out", "x", "--preset", "tmm2022/MNIST"], "MNIST"),
        (
            ["train", "gaussian_world", "--out", "x", "--preset", "foo"],
            "must begin with one of lite, full, mm2021, tmm2022",
        ),
        (
            ["train", "gaussian_world", "--out", "x", "--epochs", "0"],
            "epochs must be positive, got 0",
        ),
        (["train", "gaussian_world", "--out", "x", "--device", "abacus"], "abacus"),
        (
            ["train", "gaussian_world", "--out", "x", "--seed", "-1"],
            "seed must be from 0 to 4294967295, got -1",
        ),
        (
            ["train", "gaussian_world", "--out", "x", "--folds", "0"],
            "folds must be at least 1, got 0",
        ),
        (["evaluate", "no_model", "gaussian_world"], "no_model is not a file"),
        (["datasets", "check", "no_such_place"], "no_such_place"),
        (["datasets", "check", "glyps"], "did you mean 'glyphs'?"),
        (
            ["train", "gaussian_world", "--out", "x", "--features", "vit"],
            "the embedded gaussian_world must come without it, got 'vit': leave out features "
            "(--features)",
        ),
        (
            ["datasets", "check", "gaussian_world", "--splits", "vit"],
            "leave out splits (--splits)",
        ),
        (
            ["study", "no_such.toml", "--out", "x"],
            "no_such.toml: a study must be a TOML file, and there is none",
        ),
        (
            ["train", "gaussian_world", "--out", "/dev/null/x"],
            "/dev/null/x must be a folder that can be written",
        ),
    ],
)
def test_bad_input_ends_with_status_2_and_one_plain_message(
    arguments, words, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message


def test_a_model_that_no_run_saved_cannot_be_scored(folder, data, tmp_path, capsys):
    model = SavedModel.load(folder / "model.safetensors").model
    SavedModel(model=model).save(tmp_path / "bare.safetensors")
    assert main(["evaluate", str(tmp_path / "bare.safetensors"), str(data)]) == 2
    assert "was not saved by a run" in capsys.readouterr().err


def test_scoring_on_other_data_is_noted(folder, tmp_path, capsys):
    other = gaussian_world(6, seen=8, unseen=4, attributes=5, samples=25, seed=9).dataset
    save_npz(other, tmp_path / "other.npz")
    assert main(["evaluate", str(folder / "model.safetensors"), str(tmp_path / "other.npz")]) == 0
    assert "the model was trained on '<b>world</b>'" in capsys.readouterr().err


def test_the_report_of_the_likelihood_classifier_says_so(data, tmp_path):
    main(
        [
            "train",
            str(data),
            "--out",
            str(tmp_path),
            "--epochs",
            "1",
            "--classifier",
            "likelihood",
            "--no-baselines",
        ]
    )
    page = (tmp_path / "report.html").read_text()
    assert "by its exact likelihood" in page
    assert "A linear classifier trained" not in page


@pytest.mark.parametrize(
    ("option", "value"),
    [("--temperature", "inf"), ("--temperature", "-1"), ("--seed", "-1"), ("-n", "0")],
)
def test_impossible_wishes_for_synthesis_are_refused(folder, data, tmp_path, capsys, option, value):
    arguments = [
        "synthesize",
        str(folder / "model.safetensors"),
        str(data),
        "--out",
        str(tmp_path / "x.npz"),
        option,
        value,
    ]
    assert main(arguments) == 2
    assert not (tmp_path / "x.npz").exists()


def test_an_unknown_class_is_refused_by_name(folder, data, tmp_path, capsys):
    arguments = [
        "synthesize",
        str(folder / "model.safetensors"),
        str(data),
        "--classes",
        "zebra",
        "--out",
        str(tmp_path / "x.npz"),
    ]
    assert main(arguments) == 2
    assert "'zebra'" in capsys.readouterr().err


def test_the_list_names_what_ships_and_what_can_be_fetched(capsys):
    assert main(["datasets"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("glyphs", "gaussian_world", "AWA2", "CUB"))


# --- Study ----------------------------------------------------------------------------------------


@pytest.fixture
def study_file(data, tmp_path):
    """Two rows, two seeds; the second row of a study that fails asks for too many folds."""
    path = tmp_path / "tiny.toml"
    path.write_text(
        f"""
        name = "tiny"
        datasets = [{str(data)!r}]
        seeds = 2
        baselines = ["ridge-gaussian"]
        synthesized = 20
        overrides.training.epochs = 1
        overrides.checks = 1
        overrides.model = {{hidden = 8, embedding = 8, blocks = 1}}
        [vary.lite]
        [vary.more]
        folds = 1
        """
    )
    return path


def test_a_study_prints_means_and_leaves_a_table_and_a_picture(study_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["study", str(study_file), "--out", str(out), "--jobs", "1"]) == 0
    assert {path.name for path in out.iterdir()} == {"cells", "results.parquet", "summary.png"}
    table = pd.read_parquet(out / "results.parquet")
    shown = capsys.readouterr().out
    for row in ("ridge-gaussian", "lite", "more"):
        mean = table.loc[table["variant"] == row, "harmonic"].mean()
        assert re.search(rf"^{row} .* {mean:.1f} ± ", shown, re.MULTILINE)
    assert "tiny: 6 cells" in shown
    assert "H - lite" in shown
    assert str(out / "results.parquet") in shown


def test_the_reference_of_a_study_may_be_named(study_file, tmp_path, capsys):
    main(
        [
            "study",
            str(study_file),
            "--out",
            str(tmp_path / "out"),
            "--jobs",
            "1",
            "--reference",
            "ridge-gaussian",
        ]
    )
    assert "H - ridge-gaussian" in capsys.readouterr().out


def test_a_study_with_a_failed_cell_ends_with_status_1_and_says_which(study_file, tmp_path, capsys):
    study_file.write_text(study_file.read_text().replace("folds = 1", "folds = 99"))
    assert main(["study", str(study_file), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 1
    assert (
        "failed: world, lite/features, more, seed 1: this data set has" in capsys.readouterr().err
    )


def test_an_interrupted_study_says_that_it_goes_on(study_file, tmp_path, capsys, monkeypatch):
    from gsmflow_lite.runs import study

    def interrupted(cell):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "run_cell", interrupted)
        assert (
            main(["study", str(study_file), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 130
        )
    assert "finished cells are kept, the same command runs the rest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--jobs", "0"], "jobs must be a number of processes, at least 1, got 0"),
        (
            ["--reference", "nobody"],
            "reference must be a row, one of ridge-gaussian, lite, more, got 'nobody'",
        ),
        (["--cluster", "nonsense://"], "cluster must be the address of a running Dask scheduler"),
    ],
)
def test_a_study_that_cannot_be_run_ends_with_status_2_and_one_plain_message(
    study_file, tmp_path, capsys, more, words
):
    assert main(["study", str(study_file), "--out", str(tmp_path / "out"), *more]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["demo"],
        ["train"],
        ["study"],
        ["diagnose"],
        ["evaluate"],
        ["synthesize"],
        ["datasets"],
        ["datasets", "check"],
        ["images"],
    ],
)
def test_help_exists_for_every_command(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert "usage: gsmflow-lite" in capsys.readouterr().out
