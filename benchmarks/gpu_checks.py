"""Is what the GPU computes right? Each check gives a row that passed or FAILED, and by how much."""

from __future__ import annotations

import copy
import math
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from gpu_bench import Bench, Training
from gpu_rows import Row, Skipped, checked
from gpu_step import new_descent, take_steps
from torch import Tensor, nn

from gsmflow_lite import ClassifierConfig, Epoch, GSMFlow, GZSLDataset, fit, gaussian_world
from gsmflow_lite import new_model as new_small_model
from gsmflow_lite.config import MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.method import prior
from gsmflow_lite.method.captured import can_be_captured
from gsmflow_lite.scores.evaluation import softmax_logits

SHAPE = ModelConfig(blocks=2, hidden=64, embedding=16, start="ridge")
# Every mechanism; the drawn classes are fewer than all, and the last batch is incomplete.
SETTINGS = TrainingConfig(
    epochs=4,
    batch=48,
    lr=3e-3,
    prototype_classes=5,
    mining=MiningConfig(epochs=2, hidden=32, loops=3),
)
STOPPED_AFTER = 2  # epochs
COMPARED_STEPS = 8  # plain and captured ones, of which the first few are plain anyway
SAMPLES = 100  # synthesized features a class

# What rounding may do, at most.
APART_IN_DOUBLE = 1e-6  # of the way that weights moved
# Relative, of an epoch on two devices: the noise on features is drawn by each in its own way.
LOSS_APART = 1e-2
DENSITIES_APART = 1e-3  # of their size, or in nats
PLACES_APART = 1e-3  # in spreads of a feature
SCORES_APART = 0.5  # points
NOISE_APART = 1e-5


@cache
def world() -> GZSLDataset:
    return gaussian_world(8, seen=8, unseen=4, attributes=5, samples=60).dataset


def trained(
    device: torch.device, *, checkpoint: Path | None = None, stop_after: int = SETTINGS.epochs
) -> tuple[GSMFlow, list[Epoch]]:
    """Train a small flow with every mechanism; leave off after so many epochs."""
    model = new_small_model(world(), SHAPE, seed=0)
    events = fit(model, world(), SETTINGS, seed=0, device=str(device), checkpoint=checkpoint)
    epochs = []
    for event in events:
        if isinstance(event, Epoch):
            epochs.append(event)
        if len(epochs) == stop_after:
            break
    events.close()
    return model.eval(), epochs


def weights(model: nn.Module) -> Tensor:
    values = [value.detach().flatten() for value in model.state_dict().values()]
    return torch.cat(values).cpu().double()


def same_to_the_bit(work: str, one: Tensor, other: Tensor) -> Row:
    if torch.equal(one, other):
        return checked(work, True, "to the bit")
    unequal = int((one != other).sum())
    by = float((one - other).abs().max())
    return checked(work, False, f"{unequal} of {one.numel()} differ, by up to {by:.2g}")


def close(work: str, apart: float, most: float, unit: str = "") -> Row:
    """Not more apart than rounding allows; what is no number is."""
    words = f"apart by {apart:.2g} {unit}".rstrip()
    return checked(work, apart <= most, f"{words}, at most {most:g} is allowed")


# --- Training ------------------------------------------------------------------------------------


def repeats(bench: Bench) -> Iterator[Row]:
    """The same seed gives the same weights: a small flow with all mechanisms, and a large one."""
    first, again = (weights(trained(bench.device)[0]) for _ in range(2))
    yield same_to_the_bit("same seed, same weights: small, all mechanisms", first, again)
    first, again = (weights(_large(bench)) for _ in range(2))
    yield same_to_the_bit("same seed, same weights: the papers' size", first, again)


def _large(bench: Bench) -> GSMFlow:
    paper = bench.paper
    model = copy.deepcopy(paper.start)
    config = replace(paper.config, perturbation=0.1)
    for _ in fit(model, paper.data, config, seed=0, device=str(bench.device)):
        pass
    return model


def captured_is_plain(bench: Bench) -> Iterator[Row]:
    """A captured step is the plain one: judged in double precision, where rounding is small."""
    if not can_be_captured(bench.device):
        raise Skipped("only steps on CUDA are captured")
    small = Training(
        world(),
        new_small_model(world(), SHAPE, seed=0),
        replace(SETTINGS, mining=None),
        bench.device,
        COMPARED_STEPS,
    )
    paper = replace(bench.paper, steps=COMPARED_STEPS)
    for name, training in (("small", small), ("the papers' size", paper)):
        work = f"captured steps are the plain ones: {name}"
        row = close(work, _apart(training.in_double), APART_IN_DOUBLE, "of the way in double")
        apart = _apart(training)
        equal = "to the bit" if apart == 0 else f"to {apart:.2g}"
        yield replace(row, note=f"{row.note}; in float32 equal {equal}")


def _apart(training: Training) -> float:
    """How far captured and plain steps end apart, as a share of the way that weights move."""
    captured, plain = (weights(_after_steps(training, way)) for way in (True, False))
    way = (plain - weights(training.start)).norm()
    return float((captured - plain).norm() / way)


def _after_steps(training: Training, captured: bool) -> GSMFlow:
    descent = new_descent(training, captured=captured)
    take_steps(descent, training)
    if captured and math.isinf(descent.plain_steps):
        raise RuntimeError("recording failed: see the warning")
    return descent.model


# --- Checkpoints ---------------------------------------------------------------------------------


def goes_on(bench: Bench) -> Iterator[Row]:
    """A training that was stopped goes on from its checkpoint, there and on the CPU."""
    whole, epochs = trained(bench.device)
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder) / "here.safetensors", Path(folder) / "there.safetensors"
        trained(bench.device, checkpoint=here, stop_after=STOPPED_AFTER)
        there.write_bytes(here.read_bytes())
        resumed, _ = trained(bench.device, checkpoint=here)
        yield same_to_the_bit(
            "stopped and gone on from a checkpoint: as uninterrupted",
            weights(whole),
            weights(resumed),
        )
        cpu = torch.device("cpu")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "training that began on")  # as it should say
            on_cpu, its_epochs = trained(cpu, checkpoint=there)
    work = "saved on the device, gone on on the CPU"
    if not bool(weights(on_cpu).isfinite().all()) or len(its_epochs) != len(epochs):
        yield checked(work, False, "its weights are not finite, or epochs are missing")
    last, expected = its_epochs[-1].likelihood, epochs[-1].likelihood
    yield close(work, abs(last - expected) / abs(expected), LOSS_APART, "of the loss")


# --- The device against the CPU, and synthesizing ------------------------------------------------


def agrees(bench: Bench) -> Iterator[Row]:
    """The same weights give the same on the CPU and on the device."""
    model, _ = trained(bench.device)
    twin = copy.deepcopy(model).to("cpu")
    data = world()
    rows = torch.from_numpy(data.features[data.test_unseen])
    attributes = torch.from_numpy(data.attributes[data.unseen_classes])

    here, there = (one.log_prob(rows, attributes).cpu() for one in (model, twin))
    off = float(((here - there).abs() / there.abs().clamp(min=1)).max())
    yield close("device and CPU: log-densities", off, DENSITIES_APART, "of their size")

    here, there = (one.synthesize(attributes, SAMPLES, seed=3).cpu() for one in (model, twin))
    off = float(((here - there).abs() / rows.std(0)).max())
    yield close("device and CPU: synthesized features", off, PLACES_APART, "spreads")

    config = ClassifierConfig(solver="lda", penalties=(0.1,), samples=SAMPLES)
    here, there = (softmax_logits(one, data, config).scores() for one in (model, twin))
    off = max(abs(getattr(here, name) - getattr(there, name)) for name in ("seen", "unseen", "zsl"))
    yield close("device and CPU: scores S, U and T1", off, SCORES_APART, "points")


def same_in_any_batch(bench: Bench) -> Iterator[Row]:
    """What is synthesized depends on seed, class and place alone; so does its noise."""
    width = bench.scale.features
    device = bench.device
    classes = torch.arange(3, device=device).repeat_interleave(50)
    places = torch.arange(50, device=device).repeat(3)
    noise = prior.sample(5, classes, places, width)
    some = torch.arange(0, 150, 7, device=device)
    alone = prior.sample(5, classes[some], places[some], width)
    yield same_to_the_bit("noise of some rows alone is that of all", noise[some], alone)
    on_cpu = prior.sample(5, classes.cpu(), places.cpu(), width)
    off = float((noise.cpu() - on_cpu).abs().max())
    yield close("device and CPU: noise", off, NOISE_APART)

    model = copy.deepcopy(bench.paper.start).to(device).eval()
    attributes = bench.attributes[-3:]
    many, again = (model.synthesize(attributes, 50, seed=5) for _ in range(2))
    yield same_to_the_bit("same seed, same features", many, again)
    few = model.synthesize(attributes[:2], 7, seed=5)
    off = float(((many[:2, :7] - few).abs() / many.flatten(0, 1).std(0)).max())
    equal = "to the bit" if off == 0 else "to rounding"
    row = close("features do not depend on what is synthesized with them", off, PLACES_APART)
    yield replace(row, note=f"{row.note}; {equal}")
