"""A captured step is the plain step, played back; and a step never waits for the device."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gsmflow_lite.config import MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.events import Epoch
from gsmflow_lite.method import captured, descent
from gsmflow_lite.method.training import fit, new_model

SMALL = ModelConfig(blocks=2, hidden=8, embedding=6)
PLAIN = TrainingConfig(epochs=3, batch=16, lr=0.01, mining=None)

MECHANISMS = {
    "all": {},
    "no prototype loss": {"prototype_weight": 0.0},
    "some prototypes": {"prototype_classes": 2},
    "no perturbation": {"perturbation": 0.0},
    "bf16": {"precision": "bf16"},
    "more classes than rows": {"batch": 3, "prototype_classes": 1},
    "more classes than rows, no prototype loss": {"batch": 3, "prototype_weight": 0.0},
    "mining": {"mining": MiningConfig(epochs=1, hidden=8, loops=1)},
}


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(seen=5)


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


# --- a step never waits --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def on_pretend() -> dict[str, str]:
    """What came of each case of pretend.py: nothing, or the error."""
    path = Path(__file__).with_name("pretend.py")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_step_waits_for_a_value_or_moves_one(on_pretend):
    steps = {case: error for case, error in on_pretend.items() if case.startswith("step")}
    assert set(steps.values()) == {""}, steps
    assert len(steps) == 37  # with noise and mining


@pytest.mark.parametrize("waits", ["item", "nonzero", "unique", "cpu", "host noise", "mask"])
def test_the_device_that_is_not_there_refuses_what_would_wait(on_pretend, waits):
    """Without this the test above could not fail."""
    refused = "_local_scalar_dense|nonzero|_unique2|goes from one device to another|two devices"
    assert re.search(refused, on_pretend[f"waits: {waits}"])


# --- played back ---------------------------------------------------------------------------------


@pytest.fixture
def recording(monkeypatch):
    """Record on the CPU, where a playback runs the same code on the recorded tensors again."""
    log = SimpleNamespace(recorded=0, played=0, aside=0)

    def recorded(run, noise):
        log.recorded += 1

        def play() -> None:
            log.played += 1
            run()

        return play

    def aside(step, *inputs):
        log.aside += 1
        return step(*inputs)

    monkeypatch.setattr(captured, "recorded", recorded)
    monkeypatch.setattr(descent, "aside", aside)
    monkeypatch.setattr(descent, "can_be_captured", lambda device: True)
    adam = torch.optim.Adam  # which refuses to be captured on the CPU
    monkeypatch.setattr(
        torch.optim, "Adam", lambda *args, capturable=None, **options: adam(*args, **options)
    )
    return log


def trained(dataset, config=PLAIN, shape=SMALL, **options) -> tuple[torch.Tensor, list[Epoch]]:
    model = new_model(dataset, shape)
    events = fit(model, dataset, config, device="cpu", **options)
    epochs = [replace(event, seconds=0) for event in events if isinstance(event, Epoch)]
    return weights(model), epochs


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_captured_training_is_plain_training_bit_for_bit(dataset, recording, mechanism):
    config = replace(PLAIN, **MECHANISMS[mechanism])
    expected, epochs = trained(dataset, config, captured=False)
    assert recording.recorded == recording.played == recording.aside == 0
    found, captured_epochs = trained(dataset, config)
    assert torch.equal(found, expected)
    assert captured_epochs == epochs
    assert recording.recorded == 1
    assert recording.aside == descent.STEPS_BEFORE_CAPTURE
    rows = len(dataset.train) * (2 if config.mining else 1)
    assert recording.played == 3 * (rows // config.batch) - recording.aside


def test_all_rows_in_one_batch_are_captured_too(dataset, recording):
    config = replace(PLAIN, epochs=6, batch=4000)
    expected, _ = trained(dataset, config, captured=False)
    assert torch.equal(trained(dataset, config)[0], expected)
    assert recording.played == 3


def test_a_captured_run_goes_on_from_its_checkpoint_bit_for_bit(dataset, recording, tmp_path):
    expected, _ = trained(dataset)
    trained(dataset, replace(PLAIN, epochs=1), checkpoint=tmp_path / "run")
    assert torch.equal(trained(dataset, checkpoint=tmp_path / "run")[0], expected)


def test_a_recording_of_weights_that_were_moved_is_not_played(dataset, recording):
    """A validation may move the model to another device and back: its tensors are new then."""

    def moved(model, epoch):
        for parameter in model.parameters():
            parameter.data = parameter.data.clone()

    expected, _ = trained(dataset, validate=moved, captured=False)
    assert torch.equal(trained(dataset, validate=moved)[0], expected)
    assert recording.recorded == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("operation not permitted when stream is capturing\nmore")]
)
def test_where_recording_fails_training_goes_on_and_says_why(
    dataset, recording, monkeypatch, error
):
    expected, _ = trained(dataset, captured=False)

    def fails(run, noise):
        run_half = noise.initial_seed()  # a failed recording may leave the generator unusable
        noise.manual_seed(run_half + 1)
        raise error

    monkeypatch.setattr(captured, "recorded", fails)
    with pytest.warns(
        RuntimeWarning,
        match=r"steps could not be captured on cpu, .*one by one, .*\(operation not permitted when "
        r"stream is capturing\): give fit\(..., captured=False\)",
    ):
        found, _ = trained(dataset)
    assert torch.equal(found, expected)


def test_an_error_of_the_step_itself_is_no_failed_recording(dataset, recording, monkeypatch):
    def fails(*_):
        raise ValueError("a bug")

    monkeypatch.setattr(descent, "batch_losses", fails)
    with pytest.raises(ValueError, match="a bug"):
        trained(dataset)


# --- recorded on CUDA ----------------------------------------------------------------------------


def test_a_recording_knows_the_noise_and_lets_other_threads_work(monkeypatch):
    calls = []

    class Graph:
        def register_generator_state(self, noise) -> None:
            calls.append(("noise", noise))

        def replay(self) -> None:
            calls.append("replay")

    @contextmanager
    def within(*arguments, **options):
        calls.append((*arguments[1:], *options.values()))
        yield
        calls.append("end")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(torch.cuda, "device", lambda device: within(None, device))
    monkeypatch.setattr(torch.cuda, "graph", within)
    noise = SimpleNamespace(device="second GPU")
    play = captured.recorded(lambda: calls.append("run"), noise)
    recording = ("stream of second GPU", "thread_local")
    assert calls == [("noise", noise), ("second GPU",), recording, "run", "end", "end"]
    play()
    assert calls[6:] == ["replay"]


def test_only_steps_on_cuda_are_captured():
    assert captured.can_be_captured(torch.device("cuda", 1))
    assert not captured.can_be_captured(torch.device("cpu"))
    assert not captured.can_be_captured(torch.device("mps"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_on_a_gpu_captured_training_is_plain_training(dataset, mechanism):
    config = replace(PLAIN, **MECHANISMS[mechanism])

    def on_gpu(**options) -> torch.Tensor:
        model = new_model(dataset, SMALL)
        list(fit(model, dataset, config, device="cuda", **options))
        return weights(model).cpu()

    torch.testing.assert_close(on_gpu(), on_gpu(captured=False), rtol=1e-4, atol=1e-5)
    assert torch.equal(on_gpu(), on_gpu())
