"""Files that an older version wrote are read for ever.

For each format there is a model and a checkpoint, with what they gave when they were saved. A new
format gets files of its own by ``python tests/test_golden.py``; the old ones stay. Settings and
study files of version 0.1, which had other names for some settings, are here as well.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsmflow_lite import (
    ClassifierConfig,
    Config,
    Epoch,
    MiningConfig,
    ModelConfig,
    SavedModel,
    TrainingConfig,
    fit,
    gaussian_world,
    new_model,
)
from gsmflow_lite.datasets import GZSLDataset
from gsmflow_lite.errors import ConfigError, StorageError
from gsmflow_lite.method.start import GaussianStart
from gsmflow_lite.runs.study_file import Study
from gsmflow_lite.storage import FORMAT, read_tensors, write_tensors

FOLDER = Path(__file__).parent / "golden"
MODELS = sorted(FOLDER.glob("model_*.safetensors"))
CHECKPOINTS = sorted(FOLDER.glob("checkpoint_*.safetensors"))

EVERY_MODEL = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
EVERY_CHECKPOINT = pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.name)


@pytest.mark.parametrize(("kind", "paths"), [("model", MODELS), ("checkpoint", CHECKPOINTS)])
def test_there_is_a_file_of_every_format(kind, paths):
    formats = range(1, FORMAT + 1)
    assert [path.name for path in paths] == [f"{kind}_{n}.safetensors" for n in formats]


# --- Models --------------------------------------------------------------------------------------


@EVERY_MODEL
def test_an_old_model_gives_what_it_gave(path):
    saved = SavedModel.load(path)
    x = np.array(saved.notes["x"], np.float32)
    attributes = np.array(saved.notes["attributes"], np.float32)
    expected = torch.tensor(saved.notes["log_prob"])
    log_prob = saved.model.log_prob(saved.preprocessing.transform(x), attributes)
    torch.testing.assert_close(log_prob, expected, rtol=1e-4, atol=1e-4)


@EVERY_MODEL
def test_an_old_model_keeps_the_start_that_it_was_trained_from(path):
    model = SavedModel.load(path).model
    assert model.config.start == "ridge-gaussian"
    assert isinstance(model.start, GaussianStart)


@EVERY_MODEL
def test_an_old_model_is_saved_anew_without_a_loss(path, tmp_path):
    SavedModel.load(path).save(tmp_path / "again")
    old, _ = read_tensors(path)
    new, settings = read_tensors(tmp_path / "again")
    old = {name.replace("model.base.", "model.start."): value for name, value in old.items()}
    assert settings["format"] == FORMAT
    assert new.keys() == old.keys()
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_a_model_of_a_later_version_says_so(tmp_path):
    tensors, settings = read_tensors(MODELS[-1])
    write_tensors(tmp_path / "later", tensors, settings | {"format": FORMAT + 1})
    message = f"format {FORMAT + 1}, this version reads up to {FORMAT}: install a newer"
    with pytest.raises(StorageError, match=message):
        SavedModel.load(tmp_path / "later")


# --- Checkpoints ---------------------------------------------------------------------------------

# Two of three epochs are done in the file. Each is one batch of all rows without noise, so that
# the third one gives the same numbers whatever random streams a version has.
SHAPE = ModelConfig(blocks=1, hidden=4, embedding=3, start="ridge-gaussian")
TRAINING = TrainingConfig(epochs=3, batch=15, lr=0.01, lr_step=2, perturbation=0.0, mining=None)


def small_dataset() -> GZSLDataset:
    """A data set of numbers that every machine knows exactly."""
    rows = np.arange(30)
    labels = rows // 6
    place = rows % 6
    seen = labels < 3
    features = np.stack([7 * rows % 11, 5 * rows % 13, 4 * labels + place % 3], axis=1) / 8
    return GZSLDataset(
        features=features.astype(np.float32),
        labels=labels,
        attributes=np.array([[1, 2], [2, 1], [3, 5], [4, 3], [5, 8]]) / 4,
        train=np.flatnonzero(seen & (place < 5)),
        test_seen=np.flatnonzero(seen & (place == 5)),
        test_unseen=np.flatnonzero(~seen),
    )


def expected_of(path: Path) -> dict:
    """What a whole training gave: both losses of each epoch, and densities at the end."""
    return json.loads(path.with_suffix(".json").read_text())


@pytest.fixture
def resumed(tmp_path):
    """Train on from a copy of a checkpoint. Returns the model and all events."""

    def run(path: Path):
        data = small_dataset()
        model = new_model(data, SHAPE, seed=99)  # other weights than those in the file
        copy = shutil.copy(path, tmp_path / path.name)
        return model, fit(model, data, TRAINING, device="cpu", checkpoint=copy)

    return run


@EVERY_CHECKPOINT
def test_an_old_checkpoint_knows_its_first_two_epochs(path, resumed):
    _, events = resumed(path)
    expected = expected_of(path)
    for number in (0, 1):
        epoch = next(events)
        assert (epoch.epoch, epoch.epochs) == (number + 1, 3)
        assert epoch.likelihood == pytest.approx(expected["likelihood"][number], rel=1e-5)
        assert epoch.prototype == pytest.approx(expected["prototype"][number], rel=1e-5)
    events.close()


@EVERY_CHECKPOINT
def test_an_old_checkpoint_puts_its_weights_into_the_model(path, resumed):
    model, events = resumed(path)
    next(events)
    saved, _ = read_tensors(path)
    for name, value in model.state_dict().items():
        former = "model." + name.replace("start.", "base.") if path == CHECKPOINTS[0] else name
        assert torch.equal(value, saved[former]), name
    events.close()


@EVERY_CHECKPOINT
def test_training_goes_on_from_an_old_checkpoint_as_if_it_had_never_stopped(path, resumed):
    model, events = resumed(path)
    last = [event for event in events if isinstance(event, Epoch)][-1]
    expected = expected_of(path)
    assert last.epoch == 3
    assert last.likelihood == pytest.approx(expected["likelihood"][2], rel=1e-4)
    assert last.prototype == pytest.approx(expected["prototype"][2], rel=1e-4)
    data = small_dataset()
    log_prob = model.log_prob(data.features[:3], data.attributes)
    torch.testing.assert_close(log_prob, torch.tensor(expected["log_prob"]), rtol=1e-4, atol=1e-4)


# --- Settings and studies ------------------------------------------------------------------------


def test_old_settings_are_read_with_their_present_names():
    values = json.loads((FOLDER / "config_1.json").read_text())
    assert "base" in values["model"]  # or this test would show nothing
    assert Config.from_dict(values) == Config(
        name="mine",
        preprocessing="pca",
        components=7,
        checks=2,
        model=ModelConfig(blocks=2, hidden=32, embedding=8, semantics="first", start="ridge"),
        training=TrainingConfig(epochs=7, lr=1e-3, mining=MiningConfig(loops=5)),
        classifier=ClassifierConfig(solver="lda", penalties=(0.5, 0.25)),
    )


def test_a_former_name_does_not_let_an_impossible_value_through():
    with pytest.raises(ConfigError, match="start must be one of none, ridge, ridge-gaussian"):
        Config.from_dict({"model": {"base": "flow"}})


def test_an_old_study_file_is_read_with_its_present_names():
    study = Study.read(FOLDER / "study_1.toml")
    assert study.synthesized == 60
    starts = {name: study.config("lite/glyphs", name).model.start for name in study.vary}
    assert starts == {"ridge": "ridge", "from nothing": "none"}
    assert study.config("lite/glyphs").model.start == "ridge"  # of the baselines


# --- Files of a new format -----------------------------------------------------------------------


def write_model() -> None:
    data = gaussian_world(seed=0).dataset.preprocessed("standardise")
    model = new_model(data, ModelConfig(blocks=2, hidden=8, embedding=4, start="ridge-gaussian"))
    for _ in fit(model, data, TrainingConfig(epochs=1, mining=None), device="cpu"):
        pass
    x = data.origin.features[:3]
    attributes = data.attributes[:2]
    log_prob = model.log_prob(data.features[:3], attributes)
    notes = {"x": x.tolist(), "attributes": attributes.tolist(), "log_prob": log_prob.tolist()}
    saved = SavedModel(model=model, preprocessing=data.preprocessing, notes=notes)
    saved.save(FOLDER / f"model_{FORMAT}.safetensors")


def write_checkpoint() -> None:
    data = small_dataset()
    path = FOLDER / f"checkpoint_{FORMAT}.safetensors"
    path.unlink(missing_ok=True)
    two_epochs = replace(TRAINING, epochs=2)
    list(fit(new_model(data, SHAPE), data, two_epochs, device="cpu", checkpoint=path))

    whole = new_model(data, SHAPE)
    events = list(fit(whole, data, TRAINING, device="cpu"))
    epochs = [event for event in events if isinstance(event, Epoch)]
    expected = {
        "likelihood": [epoch.likelihood for epoch in epochs],
        "prototype": [epoch.prototype for epoch in epochs],
        "log_prob": whole.log_prob(data.features[:3], data.attributes).tolist(),
    }
    path.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    write_model()
    write_checkpoint()
