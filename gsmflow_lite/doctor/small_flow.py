"""A small flow on the device: it trains, goes on, repeats itself, and is the same on the CPU."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from ..config import MiningConfig, ModelConfig, TrainingConfig
from ..datasets import GZSLDataset, gaussian_world, glyphs
from ..events import Epoch, Step
from ..method.model import GSMFlow
from ..method.training import fit, new_model
from ..numerics import choose_device
from ..presets import lite
from ..shifts.measuring import measure
from ..shifts.meters import METERS
from .finding import Finding, Visit, faulty, noted, well

SMALL_SHAPE = ModelConfig(blocks=2, hidden=64, embedding=16, start="ridge")
SMALL_MINING = MiningConfig(epochs=2, hidden=32, loops=3)
SMALL_SETTINGS = TrainingConfig(epochs=4, batch=64, lr=3e-3, mining=SMALL_MINING)
STOPPED_AFTER = 2  # epochs, of the training that goes on from its checkpoint
DENSITY_TOLERANCE = 1e-3  # of a log-density on two devices, as a share of its size, or in nats
PLACE_TOLERANCE = 1e-3  # of features of the same seed, in spreads of a feature
READING_TOLERANCE = 0.02  # of a headline
TELLING = 100  # synthesized features a class that are compared
PART = 6  # of the letters' rows, the first sixth is trained on while steps are timed
NEWER = "report it with what --json FILE writes; until then train on --device cpu"


@dataclass(frozen=True)
class Trained:
    """A small flow that was trained, its epochs, and what the training complained of."""

    model: GSMFlow
    epochs: list[Epoch]
    complaints: str


def world() -> GZSLDataset:
    """The data of the small flow: Gaussian classes, a tenth of a second to learn."""
    return gaussian_world(6, seen=8, unseen=4, attributes=5, samples=60).dataset


def train_small(
    device: torch.device,
    *,
    checkpoint: Path | None = None,
    stop_after: int = SMALL_SETTINGS.epochs,
) -> Trained:
    """Train the small flow with every mechanism; leave off after so many epochs.

    One thread does the work: on a busy machine, two wait for each other.
    """
    data = world()
    model = new_model(data, SMALL_SHAPE, seed=0)
    epochs: list[Epoch] = []
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        events = fit(model, data, SMALL_SETTINGS, seed=0, device=str(device), checkpoint=checkpoint)
        for event in events:
            if isinstance(event, Epoch):
                epochs.append(event)
            if len(epochs) == stop_after:
                break
        events.close()  # type: ignore[attr-defined]
    complaints = dict.fromkeys(str(one.message) for one in caught)
    return Trained(model.eval(), epochs, "; ".join(complaints))


def unequal_tensors(first: GSMFlow, second: GSMFlow) -> dict[str, float]:
    """Return the tensors in which two models are not the same to the bit, and by how much."""
    others = second.state_dict()
    pairs = {name: (value.cpu(), others[name].cpu()) for name, value in first.state_dict().items()}
    return {
        name: float((one - other).abs().max())
        for name, (one, other) in pairs.items()
        if not torch.equal(one, other)
    }


# --- The checks ----------------------------------------------------------------------------------


def trains(visit: Visit) -> Finding:
    """Whether a flow with every mechanism learns on the device, and what its training says."""
    device = choose_device(visit.device)
    trained = train_small(device)
    first, last = (trained.epochs[i].likelihood for i in (0, -1))
    found = f"of a small flow on {device}: its loss went from {first:.2f} to {last:.2f}"
    if not last < first:
        return faulty(f"{found}: it does not learn", NEWER)
    if trained.complaints:
        return noted(f"{found}; it says: {trained.complaints}")
    return well(found)


def goes_on(visit: Visit) -> Finding:
    """Whether a training that was stopped goes on as if it had not, bit for bit."""
    device = choose_device(visit.device)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint.safetensors"
        train_small(device, checkpoint=checkpoint, stop_after=STOPPED_AFTER)
        resumed = train_small(device, checkpoint=checkpoint).model
    whole = train_small(device).model
    different = unequal_tensors(whole, resumed)
    if not different:
        return well("from a checkpoint, bit for bit as if it had not stopped")
    by = f"by up to {max(different.values()):.2g} in {len(different)} tensors"
    if unequal_tensors(whole, train_small(device).model):
        return faulty(f"two trainings of the same seed differ on {device}, {by}", NEWER)
    return faulty(f"a training goes on otherwise than one that was not stopped, {by}", NEWER)


def repeats(visit: Visit) -> Finding:
    """Whether the same seed gives the same features again."""
    device = choose_device(visit.device)
    data = world()
    model = train_small(device, stop_after=1).model
    attributes = data.attributes[data.unseen_classes]
    first, again = (model.synthesize(attributes, TELLING, seed=3) for _ in range(2))
    if not torch.equal(first, again):
        by = float((first - again).abs().max())
        return faulty(f"the same seed gives other features, by up to {by:.2g}", NEWER)
    return well("the same seed gives the same features, bit for bit")


def agrees(visit: Visit) -> Finding:
    """Whether the same weights give the same densities, features and readings on the CPU."""
    device = choose_device(visit.device)
    if device.type == "cpu":
        return well("CPU only: there is nothing to compare")
    model = train_small(device).model
    twin = copy.deepcopy(model).to("cpu")
    faults = list(disagreements(model, twin, world()))
    if faults:
        return faulty("; ".join(faults), NEWER)
    return well(
        f"log-densities to {DENSITY_TOLERANCE:g} of their size, features to {PLACE_TOLERANCE:g} of "
        f"their spread, readings to {READING_TOLERANCE:g}"
    )


def disagreements(model: GSMFlow, twin: GSMFlow, data: GZSLDataset) -> Iterator[str]:
    """Say in which ways two models, which should be the same, are not."""
    unseen = data.unseen_classes
    rows = torch.from_numpy(data.features[data.test_unseen])
    attributes = torch.from_numpy(data.attributes[unseen])

    here, there = (one.log_prob(rows, attributes).cpu() for one in (model, twin))
    off = float(((here - there).abs() / there.abs().clamp(min=1)).max())
    if not off <= DENSITY_TOLERANCE:
        yield f"log-densities are off by {off:.2g} of their size"

    here, there = (one.synthesize(attributes, TELLING, seed=3).cpu() for one in (model, twin))
    off = float(((here - there).abs() / rows.std(0)).max())
    if not off <= PLACE_TOLERANCE:
        yield f"features of the same seed are off by {off:.2g} spreads"

    reports = [measure(data, one, n=TELLING, metrics=METERS, repeats=10) for one in (model, twin)]
    for meter in METERS:
        one, other = (report.reading(meter).value for report in reports)
        if not abs(one - other) <= READING_TOLERANCE:
            yield f"the {meter} reading is {one:.2f} in place of {other:.2f}"


# --- Speed ---------------------------------------------------------------------------------------


def speed(visit: Visit) -> Finding:
    """How long a step takes in training on the letters, on the device and on the CPU."""
    device = choose_device(visit.device)
    letters = glyphs()
    own = seconds_a_step(letters, device)
    training = lite("glyphs").training
    steps = -(-len(letters.train) // training.batch) * training.epochs
    found = f"{_ms(own)} a step of letters on {device}, {steps * own:.0f} s for all {steps}"
    if device.type == "cpu":
        return well(found)

    if device.type == "cuda" and "captured" in signature(fit).parameters:
        found += f"; {_ms(seconds_a_step(letters, device, captured=False))} where none is captured"
    other = seconds_a_step(letters, torch.device("cpu"))
    found += f"; {_ms(other)} on the CPU"
    if own > other:
        return noted(f"{found}, which is faster", "train letters with --device cpu")
    return well(found)


def seconds_a_step(letters: GZSLDataset, device: torch.device, **options: Any) -> float:
    """Return how long a step takes in the second epoch, on a part of the rows.

    ``options`` are those of :func:`gsmflow_lite.method.training.fit`.
    """
    config = lite("glyphs")
    training = replace(config.training, epochs=2)
    fewer = replace(letters, train=letters.train[: len(letters.train) // PART])
    model = new_model(fewer, config.model, seed=0)
    steps = 0
    seconds = 0.0
    for event in fit(model, fewer, training, seed=0, device=str(device), **options):
        steps += isinstance(event, Step)
        if isinstance(event, Epoch):
            seconds = event.seconds
    return 2 * seconds / steps


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
