"""Models that were saved by an older version load for ever: one file for each format, with what it gave when it was saved.

A new format gets a file of its own by ``python tests/test_golden.py``; the old ones stay.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from gsmflow_lite import ModelConfig, SavedModel, TrainingConfig, fit, gaussian_world, new_model
from gsmflow_lite.errors import StorageError
from gsmflow_lite.storage import FORMAT, read_tensors, write_tensors

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("model_*.safetensors"))


def test_there_is_a_file_of_every_format():
    assert [path.name for path in FILES] == [
        f"model_{number}.safetensors" for number in range(1, FORMAT + 1)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_old_model_gives_what_it_gave(path):
    saved = SavedModel.load(path)
    x, attributes, expected = (
        np.array(saved.notes[name], np.float32) for name in ("x", "attributes", "log_prob")
    )
    given = saved.model.log_prob(saved.preprocessing.transform(x), attributes)
    torch.testing.assert_close(given, torch.from_numpy(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_old_model_is_saved_anew_without_a_loss(path, tmp_path):
    SavedModel.load(path).save(tmp_path / "again")
    (old, _), (new, settings) = read_tensors(path), read_tensors(tmp_path / "again")
    assert settings["format"] == FORMAT
    assert all(torch.equal(old[name], new[name]) for name in old)


def test_a_model_of_a_later_version_says_so(tmp_path):
    tensors, settings = read_tensors(FILES[-1])
    write_tensors(tmp_path / "later", tensors, settings | {"format": FORMAT + 1})
    with pytest.raises(
        StorageError,
        match=f"format {FORMAT + 1}, this version reads up to {FORMAT}: install a newer",
    ):
        SavedModel.load(tmp_path / "later")


def make() -> None:
    data = gaussian_world(seed=0).dataset.preprocessed("standardise")
    model = new_model(data, ModelConfig(blocks=2, hidden=8, embedding=4, start="ridge-gaussian"))
    for _ in fit(model, data, TrainingConfig(epochs=1, mining=None), device="cpu"):
        pass
    x, attributes = data.origin.features[:3], data.attributes[:2]
    log_prob = model.log_prob(data.features[:3], attributes)
    notes = {"x": x.tolist(), "attributes": attributes.tolist(), "log_prob": log_prob.tolist()}
    SavedModel(model=model, preprocessing=data.preprocessing, notes=notes).save(
        FOLDER / f"model_{FORMAT}.safetensors"
    )


if __name__ == "__main__":
    make()
