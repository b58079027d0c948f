"""The model's density and samples agree with its own map, and a saved model is the same model."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from scipy import stats

import gsmflow_lite.method.model
from gsmflow_lite.config import ModelConfig, TrainingConfig
from gsmflow_lite.datasets.preprocessing import Preprocessing
from gsmflow_lite.datasets.statistics import within_covariance
from gsmflow_lite.errors import ConfigError, DataError, StorageError
from gsmflow_lite.method.model import GSMFlow, SavedModel
from gsmflow_lite.method.start import GaussianStart
from gsmflow_lite.method.training import fit, new_model
from gsmflow_lite.storage import FORMAT, SETTINGS, read_tensors, write_tensors

SMALL = ModelConfig(blocks=2, hidden=6, embedding=4)
STARTS = ["none", "ridge", "ridge-gaussian"]


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(seen=5)


@pytest.fixture
def make_model(dataset):
    """A model far from the identity, so that a wrong direction or a lost log-determinant shows."""

    def make(**settings) -> GSMFlow:
        model = new_model(dataset, replace(SMALL, **settings))
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return model

    return make


@pytest.fixture
def saved(make_model, tmp_path):
    """The path of a saved model."""
    path = tmp_path / "model.safetensors"
    SavedModel(model=make_model(start="ridge-gaussian"), notes={"seed": 3}).save(path)
    return path


def tables(dataset) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(dataset.features), torch.from_numpy(dataset.attributes)


# --- density -------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_forward_log_det_equals_the_autograd_jacobian(dataset, make_model, start):
    model = make_model(start=start).double()
    x, a = (t.double() for t in tables(dataset))
    jacobian = torch.autograd.functional.jacobian(lambda v: model(v, a[2:3])[0], x[:1]).reshape(
        3, 3
    )
    torch.testing.assert_close(
        model(x[:1], a[2:3])[1].squeeze(), torch.linalg.slogdet(jacobian).logabsdet
    )


@pytest.mark.parametrize("start", STARTS)
def test_inverse_undoes_forward_and_its_log_det(dataset, make_model, start):
    model = make_model(start=start).double()
    x, a = (t.double() for t in tables(dataset))
    index = torch.from_numpy(dataset.labels)
    z, log_det = model(x, a, index)
    back, log_det_back = model.inverse(z, a, index)
    torch.testing.assert_close(back, x)
    torch.testing.assert_close(log_det_back, -log_det)


@pytest.mark.parametrize("start", STARTS)
def test_log_prob_of_every_pair_is_the_change_of_variables_through_forward(
    dataset, make_model, start
):
    model = make_model(start=start).double()
    x, a = (t.double() for t in tables(dataset))
    log_prob = model.log_prob(x, a)
    assert log_prob.shape == (len(x), len(a))
    for row in (0, 7, 33):
        for k in range(len(a)):
            z, log_det = model(x[row : row + 1], a[k : k + 1])
            expected = stats.norm.logpdf(z.detach().numpy()).sum() + log_det.item()
            assert log_prob[row, k].item() == pytest.approx(expected, rel=1e-9)


def test_log_prob_of_many_rows_is_that_of_few(dataset, make_model, monkeypatch):
    model = make_model(start="ridge-gaussian")
    (x, a) = tables(dataset)
    whole = model.log_prob(x, a)
    monkeypatch.setattr(gsmflow_lite.method.model, "values_at_once", lambda device: 7 * 16)
    torch.testing.assert_close(model.log_prob(x, a), whole)


def test_with_a_gaussian_start_and_no_flow_the_density_is_the_ridge_gaussian(dataset, make_model):
    model = make_model(start="ridge-gaussian")
    (x, a) = tables(dataset)
    for weight in model.flow.parameters():
        weight.data.zero_()
    covariance = within_covariance(dataset)
    for k, mean in enumerate(model.start.means(a).double().numpy()):
        expected = stats.multivariate_normal(mean, covariance).logpdf(x.numpy())
        np.testing.assert_allclose(
            model.log_prob(x, a)[:, k].numpy(), expected, rtol=1e-4, atol=1e-3
        )


def test_a_new_model_starts_from_its_start(dataset):
    model = new_model(dataset, replace(SMALL, start="ridge-gaussian"))
    (_, a) = tables(dataset)
    torch.testing.assert_close(
        model.synthesize(a, 1, temperature=0)[:, 0], model.start.means(a), atol=0.2, rtol=0
    )


def test_without_relative_positioning_the_flow_reads_the_attributes_as_they_are(
    dataset, make_model
):
    model = make_model(relative_positioning=False)
    (_, a) = tables(dataset)
    assert torch.equal(model.embed(a), a)


@pytest.mark.parametrize("positioning", [True, False])
def test_with_scaled_attributes_their_unit_does_not_matter(dataset, positioning):
    settings = replace(SMALL, scale_attributes=True, relative_positioning=positioning)
    per_cent = replace(dataset, attributes=100 * dataset.attributes)
    plain, scaled = (
        new_model(data, settings).embed(torch.from_numpy(data.attributes))
        for data in (dataset, per_cent)
    )
    torch.testing.assert_close(scaled, plain, atol=1e-4, rtol=1e-4)


def test_scaled_attributes_of_seen_classes_vary_by_one(dataset):
    model = new_model(dataset, replace(SMALL, scale_attributes=True, relative_positioning=False))
    embedded = model.embed(torch.from_numpy(dataset.attributes[dataset.seen_classes])).numpy()
    assert embedded.var(0).mean() == pytest.approx(1, rel=1e-4)


# --- synthesis -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_samples_are_the_inverse_of_standard_normal_noise(dataset, make_model, start):
    model = make_model(start=start)
    (_, a) = tables(dataset)
    x = model.synthesize(a, 4000, seed=1)
    z = model(x.flatten(0, 1), a, torch.arange(len(a)).repeat_interleave(4000))[0].detach()
    assert z.mean(0).abs().max() < 5 / len(z) ** 0.5
    assert (z.T.cov() - torch.eye(3)).abs().max() < 5 * (2 / len(z)) ** 0.5


def test_samples_of_a_class_are_probable_under_its_own_description(dataset, make_model):
    model = make_model(start="ridge")
    (_, a) = tables(dataset)
    x = model.synthesize(a, 5000)
    mean = torch.stack(
        [model.log_prob(of_class, a).mean(0) for of_class in x]
    )  # (class, description)
    assert mean.argmax(1).tolist() == list(range(len(a)))


@pytest.mark.parametrize("start", STARTS)
def test_temperature_zero_gives_the_image_of_the_latent_origin(dataset, make_model, start):
    model = make_model(start=start)
    (_, a) = tables(dataset)
    expected = model.inverse(torch.zeros(len(a), 3), a)[0].detach()
    torch.testing.assert_close(
        model.synthesize(a, 4, temperature=0), expected[:, None].expand(-1, 4, -1)
    )


def test_temperature_scales_the_latent_noise(dataset, make_model):
    model = make_model(start="ridge")
    (_, a) = tables(dataset)
    z = [model(model.synthesize(a[:1], 50, temperature=t)[0], a[:1])[0] for t in (1.0, 0.25)]
    torch.testing.assert_close(z[1], 0.25 * z[0], atol=1e-4, rtol=1e-3)


def test_more_rows_than_fit_at_once_are_the_same_rows(dataset, make_model, monkeypatch):
    model = make_model()
    (_, a) = tables(dataset)
    whole = model.synthesize(a, 40, seed=5)
    monkeypatch.setattr(gsmflow_lite.method.model, "values_at_once", lambda device: 7 * 16)
    torch.testing.assert_close(model.synthesize(a, 40, seed=5), whole)


def test_with_more_samples_the_first_ones_stay(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    few = model.synthesize(a, 3, seed=5)
    torch.testing.assert_close(model.synthesize(a, 40, seed=5)[:, :3], few)


def test_the_same_seed_gives_the_same_samples(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    assert torch.equal(model.synthesize(a, 5, seed=2), model.synthesize(a, 5, seed=2))


def test_another_seed_gives_other_samples(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    assert not torch.isclose(model.synthesize(a, 5, seed=2), model.synthesize(a, 5, seed=3)).any()


def test_classes_get_noise_of_their_own(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    twins = model.synthesize(a[[1, 1]], 5)
    assert not torch.isclose(twins[0], twins[1]).any()


def test_synthesis_leaves_the_global_random_stream_alone(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    before = torch.get_rng_state()
    model.synthesize(a, 5)
    assert torch.equal(before, torch.get_rng_state())


def test_attributes_may_be_a_float64_array(dataset, make_model):
    model = make_model()
    (_, a) = tables(dataset)
    torch.testing.assert_close(model.synthesize(a.double().numpy(), 5), model.synthesize(a, 5))


@pytest.mark.parametrize("shape", [(2, 6), (6,)])
@pytest.mark.parametrize("call", ["synthesize", "log_prob"])
def test_attributes_of_another_width_are_refused(make_model, call, shape):
    model = make_model()
    attributes = torch.ones(shape)
    with pytest.raises(
        DataError, match=r"must be a matrix with 5 columns, .*got shape \(.*another data set"
    ):
        model.synthesize(attributes, 1) if call == "synthesize" else model.log_prob(
            torch.zeros(1, 3), attributes
        )


@pytest.mark.parametrize(
    ("n", "temperature", "words"),
    [
        (0, 1.0, "n must be at least 1, got 0"),
        (2.0, 1.0, "n must be a whole number, got 2.0"),
        (1, -0.5, "temperature must be at least 0, got -0.5"),
        (1, float("nan"), "temperature must be finite, got nan"),
        (1, float("inf"), "temperature must be finite, got inf"),
    ],
)
def test_no_rows_or_a_negative_temperature_are_refused(dataset, make_model, n, temperature, words):
    with pytest.raises(ConfigError, match=words):
        make_model().synthesize(dataset.attributes, n, temperature=temperature)


FORMS = {
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "objects": lambda a: a.astype(object),
    "lists": lambda a: a.tolist(),
    "a DataFrame": pd.DataFrame,
    "a list of tensors": lambda a: list(torch.from_numpy(a)),
    "sparse": lambda a: torch.from_numpy(a).to_sparse(),
}


@pytest.mark.parametrize("form", FORMS)
def test_attributes_and_features_may_have_any_form(dataset, make_model, form):
    model = make_model()
    (x, a) = tables(dataset)
    take = FORMS[form]
    given = take(a.numpy())
    torch.testing.assert_close(model.synthesize(given, 2), model.synthesize(a, 2))
    torch.testing.assert_close(model.log_prob(take(x[:4].numpy()), given), model.log_prob(x[:4], a))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_attributes_and_features_must_be_finite(dataset, make_model, bad):
    model = make_model()
    (x, a) = tables(dataset)
    for call in (lambda: model.synthesize(a * bad, 2), lambda: model.log_prob(x, a * bad)):
        with pytest.raises(DataError, match="attributes must be finite, got"):
            call()
    with pytest.raises(DataError, match="features must be finite, got"):
        model.log_prob(x * bad, a)


# --- saving and loading --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"), [("m", "m.safetensors"), ("M.SAFETENSORS", "M.SAFETENSORS")]
)
def test_a_model_is_loaded_under_the_name_it_was_saved_under(make_model, tmp_path, name, written):
    assert SavedModel(model=make_model(), notes={"seed": 5}).save(tmp_path / name) == (
        tmp_path / written
    )
    assert [path.name for path in tmp_path.iterdir()] == [written]
    assert SavedModel.load(tmp_path / name).notes["seed"] == 5


def test_a_model_is_not_saved_as_another_kind_of_file(make_model, tmp_path):
    with pytest.raises(StorageError, match=r"must end in .safetensors, got '.pt'"):
        SavedModel(model=make_model()).save(tmp_path / "m.pt")


@pytest.mark.parametrize("positioning", [True, False])
@pytest.mark.parametrize("semantics", ["every", "first", "none"])
@pytest.mark.parametrize("start", STARTS)
def test_a_loaded_model_gives_bit_equal_samples(
    dataset, make_model, tmp_path, start, semantics, positioning
):
    model = make_model(start=start, semantics=semantics, relative_positioning=positioning)
    SavedModel(model=model).save(tmp_path / "m")
    loaded = SavedModel.load(tmp_path / "m").model
    assert torch.equal(
        loaded.synthesize(dataset.attributes, 9), model.synthesize(dataset.attributes, 9)
    )


@pytest.mark.parametrize("scale", [False, True])
def test_a_loaded_model_gives_bit_equal_densities(dataset, make_model, tmp_path, scale):
    model = make_model(start="ridge-gaussian", scale_attributes=scale)
    (x, a) = tables(dataset)
    SavedModel(model=model).save(tmp_path / "m")
    assert torch.equal(SavedModel.load(tmp_path / "m").model.log_prob(x, a), model.log_prob(x, a))


def test_a_tiny_model_without_positioning_survives_though_its_unused_embedding_is_wide(
    dataset, tmp_path
):
    model = new_model(
        dataset, ModelConfig(blocks=1, hidden=4, embedding=1024, relative_positioning=False)
    )
    SavedModel(model=model).save(tmp_path / "m")
    assert SavedModel.load(tmp_path / "m").model.config == model.config


@pytest.mark.parametrize("kind", ["none", "min-max", "standardise", "pca", "whitened-pca"])
def test_preprocessing_is_saved_with_the_model(dataset, make_model, tmp_path, kind):
    pre = Preprocessing.fit(kind, dataset.features)
    SavedModel(model=make_model(), preprocessing=pre).save(tmp_path / "m")
    loaded = SavedModel.load(tmp_path / "m").preprocessing
    assert loaded.kind == kind
    np.testing.assert_array_equal(
        loaded.transform(dataset.features), pre.transform(dataset.features)
    )
    np.testing.assert_array_equal(loaded.inverse(dataset.features), pre.inverse(dataset.features))


def test_settings_and_notes_come_back(make_model, tmp_path):
    model = make_model(clamp=0.7)
    notes = {"seed": 3, "scores": {"harmonic": 51.5}, "name": "é"}
    SavedModel(model=model, notes=notes).save(tmp_path / "m")
    loaded = SavedModel.load(tmp_path / "m")
    assert (loaded.model.config, loaded.notes, loaded.preprocessing) == (model.config, notes, None)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        StorageError,
        match="nothing-here is not a file: check the path, or train and save a model first",
    ):
        SavedModel.load(tmp_path / "nothing-here")


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_model_is_refused(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(StorageError, match=r"cannot be read as a safetensors file .*damaged"):
        SavedModel.load(saved)


def test_a_file_of_another_program_is_refused(tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "other.safetensors")
    with pytest.raises(StorageError, match=r"other\.safetensors was not written by gsmflow_lite"):
        SavedModel.load(tmp_path / "other.safetensors")


def test_a_model_of_a_newer_version_asks_for_an_update(saved):
    tensors, settings = read_tensors(saved)
    newer = json.dumps(settings | {"format": FORMAT + 1})
    save_file(tensors, saved, metadata={SETTINGS: newer})
    with pytest.raises(
        StorageError, match=f"has format {FORMAT + 1}, .*install a newer gsmflow_lite"
    ):
        SavedModel.load(saved)


def test_a_checkpoint_is_not_taken_for_a_model(dataset, make_model, tmp_path):
    config = TrainingConfig(epochs=1, mining=None)
    list(fit(make_model(), dataset, config, device="cpu", checkpoint=tmp_path / "run"))
    with pytest.raises(
        StorageError, match="must hold a model, got 'checkpoint': did you name a checkpoint"
    ):
        SavedModel.load(tmp_path / "run")


class Explosive:
    """Unpickling this writes a file, which shows that code from a model file was run."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_a_pickle_is_refused_and_not_run(tmp_path, write):
    path = tmp_path / "model.pt"
    trace = tmp_path / "trace"
    torch.save(Explosive(trace), path) if write == "torch" else path.write_bytes(
        pickle.dumps(Explosive(trace))
    )
    with pytest.raises(StorageError, match=r"model\.pt cannot be read as a safetensors file"):
        SavedModel.load(path)
    assert not trace.exists()


def damage(path, *, tensors=None, drop=None, **settings):
    """Write the model at ``path`` again with other tensors or settings, or without one tensor."""
    old, header = read_tensors(path)
    kept = {name: value for name, value in (old | (tensors or {})).items() if name != drop}
    write_tensors(path, kept, header | settings)


DAMAGES = {
    "a lost weight": {"drop": "model.flow.blocks.0.net1.out"},
    "a lost start": {"drop": "model.start.root"},
    "a lost half of the start": {"drop": "model.start.unroot"},
    "a weight of another shape": {"tensors": {"model.flow.blocks.0.net1.out": torch.ones(2, 2)}},
    "a weight that is not finite": {
        "tensors": {"model.flow.blocks.0.net1.bias": torch.full((6,), torch.nan)}
    },
    "a weight of another type": {
        "tensors": {"model.flow.blocks.0.net1.bias": torch.ones(6, dtype=torch.int64)}
    },
    "means of another width": {"tensors": {"model.start.weights": torch.ones(6, 1)}},
    "a tensor of no part": {"tensors": {"stray.weight": torch.ones(2)}},
    "an unknown setting": {"model": {"depth": 3}},
    "a setting out of range": {"model": {"blocks": 0}},
    "a setting of another type": {"model": {"blocks": "three"}},
    "settings that are no table": {"model": 5},
    "preprocessing without its arrays": {"preprocessing": "min-max"},
    "more blocks than fit in memory": {"model": {"blocks": 10**9}},
    "more features than fit in memory": {"features": 10**9},
    "a width that is no number": {"features": None},
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_model_is_refused_with_its_path(saved, what):
    damage(saved, **DAMAGES[what])
    with pytest.raises(
        StorageError, match=r"(?s)model\.safetensors must hold a whole model, but .*it is damaged"
    ):
        SavedModel.load(saved)


def test_a_failed_save_leaves_the_older_model(dataset, saved, make_model, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = SavedModel.load(saved).model.synthesize(dataset.attributes, 3)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        SavedModel(model=make_model()).save(saved)
    assert torch.equal(SavedModel.load(saved).model.synthesize(dataset.attributes, 3), before)


def test_a_start_given_by_hand_is_used():
    start = GaussianStart(torch.tensor([[1.0, 0.0], [0.0, 1.0], [5.0, 6.0]]), torch.eye(2))
    model = GSMFlow(2, torch.zeros(3, 2), SMALL, start)
    torch.testing.assert_close(
        model.synthesize(torch.zeros(1, 2), 1, temperature=0)[0, 0],
        torch.tensor([5.0, 6.0]),
        atol=0.1,
        rtol=0,
    )


def test_features_of_another_width_are_refused(dataset, make_model):
    x, a = tables(dataset)
    model = make_model()
    for call in (lambda: model.log_prob(x[:, :-1], a), lambda: model(x[:, :-1], a[:1])):
        with pytest.raises(
            DataError, match=r"features must be a matrix with 3 columns, as in training, got shape"
        ):
            call()


def test_the_size_of_a_block_of_rows_changes_no_density(make_dataset, monkeypatch):
    data = make_dataset(rows=20)
    density = new_model(data, ModelConfig(blocks=2, hidden=16, embedding=4))
    rows = torch.from_numpy(data.features)
    whole = density.log_prob(rows, data.attributes)
    monkeypatch.setattr("gsmflow_lite.method.model.values_at_once", lambda device: 7 * 16)
    torch.testing.assert_close(density.log_prob(rows, data.attributes), whole)
    one_by_one = [density.log_prob(rows[i : i + 1], data.attributes) for i in range(len(rows))]
    torch.testing.assert_close(torch.cat(one_by_one), whole)
