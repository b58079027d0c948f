"""The command that makes data of a folder of images, with a small network in place of timm's."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from colour_folders import COLOURS, IMAGES, colour_folder
from torch import nn

from gsmflow_lite import load
from gsmflow_lite.cli import main

pytest.importorskip("PIL")
SIDE = 16


class Halves(nn.Module):
    """The mean of each colour in the upper half of an image and in the lower."""

    def forward(self, x):
        upper, lower = x[:, :, : SIDE // 2], x[:, :, SIDE // 2 :]
        return nn.functional.pad(upper.mean((2, 3)), (0, 3)) + nn.functional.pad(
            lower.mean((2, 3)), (3, 0)
        )


@pytest.fixture(autouse=True)
def timm(monkeypatch, tmp_path):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))
    timm = ModuleType("timm")
    timm.__version__ = "9.8"
    timm.list_models = lambda: ["tiny"]
    timm.is_model = lambda name: name == "tiny"
    timm.create_model = lambda name, **options: Halves()
    facts = {"input_size": (3, SIDE, SIDE), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    timm.data = SimpleNamespace(resolve_model_data_config=lambda net: facts)
    monkeypatch.setitem(sys.modules, "timm", timm)


@pytest.fixture
def place(tmp_path):
    """A folder of images, and a table of attributes beside it."""
    colour_folder(tmp_path / "my colours")
    lines = [f"{name},{','.join(map(str, rgb))}" for name, rgb in COLOURS.items()]
    (tmp_path / "colours.csv").write_text("\n".join(["class,r,g,b", *lines]))
    return tmp_path


def call(place, *more, out="data.npz"):
    command = ["images", str(place / "my colours"), "--descriptions", str(place / "colours.csv")]
    command += ["--backbone", "timm:tiny", "--device", "cpu", "--out", str(place / out)]
    return main([*command, *more])


def test_what_it_writes_can_be_loaded_and_it_says_what_is_next(place, capsys):
    assert call(place, "--unseen", "blue", "grey") == 0
    said = capsys.readouterr().out
    data = load(place / "data.npz")
    assert [data.class_names[k] for k in data.unseen_classes] == ["blue", "grey"]
    assert data.features.shape == (5 * IMAGES, 6)
    assert data.images.shape == (5 * IMAGES, 48, 48, 3)
    assert data.backbone.startswith("timm:tiny 9.8 sha256:")
    assert data.backbone in said
    assert "unseen classes: blue, grey" in said
    assert f"next: gsmflow-lite train {place / 'data.npz'} --out runs/mine" in said
    assert f"explore(load({str(place / 'data.npz')!r}))" in said


def test_columns_of_a_table_are_left_as_written_where_that_is_asked(place):
    highest = []
    for more in ([], ["--as-written"]):
        assert call(place, "--unseen", "2", *more) == 0
        highest.append(load(place / "data.npz").attributes.max())
    assert highest == [1, 220]


def test_a_folder_is_written_where_the_name_has_no_ending(place):
    assert call(place, "--unseen", "2", "--seed", "5", out="data") == 0
    assert len(load(place / "data").unseen_classes) == 2
    assert (place / "data" / "features.npy").exists()


def test_a_number_draws_by_the_seed(place):
    draws = []
    for seed in ("1", "1", "2", "3"):
        assert call(place, "--unseen", "2", "--seed", seed) == 0
        draws.append(tuple(load(place / "data.npz").unseen_classes))
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


def test_a_table_says_classes_and_splits(place):
    rows = ["file,class,split"]
    for number, name in enumerate(COLOURS):
        kinds = ["test_unseen"] * 2 if number == 4 else ["train", "test_seen"]
        rows += [f"{name}/img{k}.png,{name},{kind}" for k, kind in enumerate(kinds)]
    (place / "images.csv").write_text("\n".join(rows))
    assert call(place, "--table", str(place / "images.csv")) == 0
    data = load(place / "data.npz")
    assert (len(data.train), len(data.test_seen), len(data.test_unseen)) == (4, 4, 2)
    assert [data.class_names[k] for k in data.unseen_classes] == ["grey"]


def test_broken_images_are_notes(place, capsys):
    (place / "my colours" / "red" / "img2.png").write_text("no image")
    assert call(place) == 0
    assert "note: 1 of 25 images was left out" in capsys.readouterr().out


def test_an_interrupted_reading_says_that_it_goes_on(place, capsys, monkeypatch):
    from gsmflow_lite.images import extraction

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "read_image", interrupted)
        assert call(place) == 130
    said = capsys.readouterr().err
    assert "images that were read are kept, the same command goes on with the rest" in said
    assert "training" not in said


def test_what_is_said_holds_no_control_characters_of_names(place, capsys):
    (place / "my colours" / "red").rename(place / "my colours" / "red\x1b[31m")
    text = (place / "colours.csv").read_text().replace("red,", "red\x1b[31m,")
    (place / "colours.csv").write_text(text)
    assert call(place, "--unseen", "red\x1b[31m") in (0, 2)
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err.replace("\x1b[A", "")


@pytest.mark.parametrize(
    ("more", "out", "words"),
    [
        (["--unseen", "bleu"], "data.npz", "did you mean 'blue'"),
        ([], "data.csv", "written into a file that ends in .npz or into a folder, got '.csv'"),
        (["--backbone", "timm:tinny"], "data.npz", "did you mean 'tiny'"),
        (["--table", "no_such.csv"], "data.npz", "no_such.csv"),
        (["--seed", "-1"], "data.npz", "seed must be from 0"),
        ([], "colours.csv/x", "must be a folder that can be written"),
    ],
)
def test_bad_input_ends_with_status_2_and_one_line(place, capsys, more, out, words):
    assert call(place, *more, out=out) == 2
    message = capsys.readouterr().err
    assert words in message
    assert "Traceback" not in message


def test_data_of_another_backbone_than_the_models_are_noted(place, capsys):
    assert call(place, "--unseen", "blue", "grey") == 0
    run = ["--epochs", "1", "--folds", "1", "--no-baselines", "--classifier", "softmax"]
    data, model = str(place / "data.npz"), str(place / "run" / "model.safetensors")
    assert main(["train", data, "--out", str(place / "run"), "--device", "cpu", *run]) == 0
    capsys.readouterr()
    assert main(["evaluate", model, data]) == 0
    assert "trained on features by" not in capsys.readouterr().err
    content = dict(np.load(data))
    np.savez(data, **content | {"backbone": np.asarray("another 1")})
    assert main(["evaluate", model, data]) == 0
    assert "and these are by 'another 1'" in capsys.readouterr().err
