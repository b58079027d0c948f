"""``gsmflow-lite page`` writes what ships, or a run of one's own, and says what it weighs."""

import base64
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from odd_world import odd_dataset, odd_flows

from gsmflow_lite import SavedModel
from gsmflow_lite.cli import main
from gsmflow_lite.datasets import save_npz
from gsmflow_lite.figures import projection
from gsmflow_lite.page.packing import unpack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cheap_layout(monkeypatch, tmp_path):
    """A stand-in for UMAP that takes no time: the first two columns."""
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(projection, "lay_out", lambda x, *_, **__: x[:, :2].astype(np.float32))


@pytest.fixture
def data(tmp_path) -> Path:
    path = tmp_path / "mine.npz"
    save_npz(odd_dataset(), path)
    return path


@pytest.fixture
def run(tmp_path) -> Path:
    """The folder of a run on these data."""
    notes = {"dataset": odd_dataset().name, "seed": 0}
    SavedModel(model=odd_flows()[0].model, notes=notes).save(tmp_path / "run/model.safetensors")
    return tmp_path / "run"


def held(path: Path) -> dict:
    """The header of what a page holds."""
    found = re.search(r'<script [^>]*id="data">([^<]*)<', path.read_text())
    return unpack(base64.b64decode(found[1]))[0]


def test_it_holds_what_ships_and_says_what_it_weighs(tmp_path, capsys):
    out = tmp_path / "playground.html"
    assert main(["page", "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [world["name"] for world in held(out)["worlds"]] == ["glyphs", "hangul"]
    assert said[-2].split() == [f"{out.stat().st_size / 1e6:.2f}", "MB", "altogether"]
    assert any(line.endswith("MB  Hangul, flow GSMFlow") for line in said)
    assert said[-1].startswith(f"written: {out};")


@pytest.mark.parametrize("what", ["run", "run/model.safetensors"])
def test_it_holds_a_run_of_ones_own(tmp_path, run, data, what, capsys):
    out = tmp_path / "mine"
    assert main(["page", str(tmp_path / what), str(data), "--out", str(out)]) == 0
    (world,) = held(tmp_path / "mine.html")["worlds"]
    assert world["features"] == 7
    assert str(tmp_path) not in (tmp_path / "mine.html").read_text()
    captured = capsys.readouterr()
    assert f"written: {tmp_path / 'mine.html'}" in captured.out
    assert "note:" not in captured.err


def test_it_says_that_the_data_are_not_those_of_the_run(tmp_path, run, capsys):
    save_npz(replace(odd_dataset(), name="others"), tmp_path / "others.npz")
    options = [str(run), str(tmp_path / "others.npz"), "--out", str(tmp_path / "page")]
    assert main(["page", *options]) == 0
    note = "the model was trained on 'gaussian_world_7d', not on 'others'"
    assert f"note: {note}" in capsys.readouterr().err


def test_of_a_model_that_names_no_data_nothing_is_noted(tmp_path, data, capsys):
    SavedModel(model=odd_flows()[0].model).save(tmp_path / "model.safetensors")
    assert main(["page", str(tmp_path), str(data), "--out", str(tmp_path / "page")]) == 0
    assert "note:" not in capsys.readouterr().err


def test_the_data_of_a_run_are_found_where_they_come_along(tmp_path, capsys):
    from gsmflow_lite.generators.zoo import glyph_zoo

    zoo = glyph_zoo()
    saved = SavedModel(
        model=zoo.model(), preprocessing=zoo.dataset.preprocessing, notes={"dataset": "glyphs"}
    )
    saved.save(tmp_path / "model.safetensors")
    assert main(["page", str(tmp_path), "--out", str(tmp_path / "page"), "--rows", "200"]) == 0
    (world,) = held(tmp_path / "page.html")["worlds"]
    assert world["pictures"] == {"kind": "decoded", "height": 28, "width": 28}
    assert world["map"]["describe"].endswith("; 200 of these rows are shown")
    assert "note:" not in capsys.readouterr().err


def test_a_run_on_other_data_must_name_them(tmp_path, run, capsys):
    assert main(["page", str(run), "--out", str(tmp_path / "page")]) == 2
    assert "trained on 'gaussian_world_7d': name DATA after it" in capsys.readouterr().err


def test_a_file_of_another_kind_is_refused_before_the_work(tmp_path, capsys):
    assert main(["page", "--out", str(tmp_path / "page.npz")]) == 2
    captured = capsys.readouterr()
    assert "must end in .html" in captured.err
    assert captured.out == ""


def test_what_does_not_fit_is_weighed_and_not_written(tmp_path, run, data, capsys):
    out = tmp_path / "page.html"
    assert main(["page", str(run), str(data), "--out", str(out), "--most", "0.01"]) == 2
    captured = capsys.readouterr()
    assert "altogether" in captured.out
    assert "leave out a model" in captured.err
    assert not out.exists()


def test_make_builds_it():
    done = subprocess.run(["make", "-n", "page"], cwd=ROOT, capture_output=True, text=True)
    assert "gsmflow-lite page --out build/playground.html" in done.stdout
