"""What ``gpu.py`` measures on, and how a time is taken: warmed up, in turn, within a budget."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from gpu_rows import LeftOut, Row, told
from scale import CUB, TOY, Scale, dataset, model
from torch import Tensor
from training_step import CONFIG

from gsmflow_lite import Config, GSMFlow, GZSLDataset, full, glyphs, lite, new_model
from gsmflow_lite.config import MiningConfig, ModelConfig, TrainingConfig
from gsmflow_lite.method.rows import TrainingRows

#: Does its work once and returns what it took of a piece, in seconds.
Measure = Callable[[], float]

STEPS = 40  # in a row, of a training
STEPS_OF_TOY = 10
MOST_ROUNDS = 7
SECONDS_A_COMPARISON = 15.0  # no further round begins then
TOY_MINING = MiningConfig(epochs=1, batch=8, hidden=8, loops=2)


@dataclass
class Clock:
    """Takes times on a device, and knows how much is left of the budget."""

    device: torch.device
    seconds: float  # of the budget
    most_rounds: int = MOST_ROUNDS
    started: float = field(default_factory=time.perf_counter)

    @property
    def spent(self) -> float:
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        return self.seconds - self.spent

    def need(self, seconds: float) -> None:
        """Raise ``LeftOut`` where so much time is not left."""
        left = self.left
        if seconds > left:
            raise LeftOut(f"takes about {seconds:.3g} s, and {max(0.0, left):.3g} s are left")

    def wait(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def spent_when_idle(self) -> float:
        """Return the seconds since the start, once the device has done all."""
        self.wait()
        return self.spent

    def of(self, call: Callable[[], object], pieces: float = 1) -> float:
        """Return the seconds of a piece, from an idle device to an idle device."""
        self.wait()
        started = time.perf_counter()
        call()
        self.wait()
        return (time.perf_counter() - started) / pieces


@dataclass(frozen=True)
class Times:
    """What each took who could do the work, a time a round; and a row for each who could not."""

    of: Mapping[str, Sequence[float]]
    failures: Sequence[Row]


def in_turn(work: str, makers: Mapping[str, Callable[[], Measure]], clock: Clock) -> Times:
    """Make everyone ready, let them do the work once uncounted, and then in turn.

    The uncounted try warms up, and says how many rounds there is time for. Who fails in it is told,
    and does not stop the others. Raises ``LeftOut`` where there is no time for one round.
    """
    calls: dict[str, Measure] = {}
    failures = []
    seconds = 0.0  # of a round
    for name, make in makers.items():
        clock.need(seconds)
        try:
            call = make()
            started = time.perf_counter()
            call()
            seconds += time.perf_counter() - started
            calls[name] = call
        except Exception as error:
            failures.append(told(f"{work}: {name}", error))
    clock.need(seconds)
    fitting = int(min(SECONDS_A_COMPARISON, clock.left) / max(seconds, 1e-9))
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(min(clock.most_rounds, max(1, fitting))):
        for name, call in calls.items():
            taken[name].append(call())
    return Times(taken, failures)


@dataclass(frozen=True)
class Training:
    """A data set, an untrained flow on the CPU, and the settings of its training."""

    data: GZSLDataset
    start: GSMFlow
    config: TrainingConfig
    device: torch.device
    steps: int

    @cached_property
    def rows(self) -> TrainingRows:
        """The training rows on the device, in the precision of the flow."""
        rows = TrainingRows.of(self.data, self.device)
        kind = self.start.unit.dtype
        parts = (rows.features.to(kind), rows.labels, rows.attributes.to(kind))
        return TrainingRows(*parts, rows.prototypes.to(kind))

    @property
    def in_double(self) -> Training:
        return replace(self, start=copy.deepcopy(self.start).double())

    @cached_property
    def order(self) -> Tensor:
        """Rows of ``steps`` whole batches, or of as many as there are."""
        batches = min(self.steps, len(self.data.train) // self.config.batch)
        return torch.arange(batches * self.config.batch, device=self.device)

    @property
    def batches(self) -> tuple[Tensor, ...]:
        return self.order.split(self.config.batch)


@dataclass
class Bench:
    """The device, the sizes and the data, made when they are first asked for.

    ``small`` takes toys for everything, to see that it runs.
    """

    clock: Clock
    small: bool = False
    #: Seconds of a captured step by its precision, once they are known.
    captured: dict[str, float] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        return self.clock.device

    @property
    def scale(self) -> Scale:
        return TOY if self.small else CUB

    @cached_property
    def paper(self) -> Training:
        """The size of the papers on CUB, with rows for whole batches only."""
        scale = self.scale
        steps = STEPS_OF_TOY if self.small else STEPS
        rows = steps * scale.batch
        data = dataset(replace(scale, train=rows, test_seen=scale.seen, test_unseen=scale.unseen))
        config = replace(CONFIG, batch=scale.batch)
        return Training(data, model(scale, data), config, self.device, steps)

    @cached_property
    def letters(self) -> GZSLDataset:
        return dataset(TOY) if self.small else glyphs()

    @property
    def lite(self) -> Config:
        """This library's settings for the letters."""
        return _toy(lite("glyphs")) if self.small else lite("glyphs")

    @property
    def full(self) -> Config:
        """The papers' method on the letters, with mining."""
        return _toy(full("glyphs")) if self.small else full("glyphs")

    @cached_property
    def of_letters(self) -> Training:
        config = self.lite
        start = new_model(self.letters, config.model, seed=0)
        return Training(self.letters, start, config.training, self.device, STEPS)

    @cached_property
    def attributes(self) -> Tensor:
        """The descriptions of all classes at the papers' size, unseen ones last."""
        return torch.from_numpy(self.paper.data.attributes).to(self.device)


def _toy(config: Config) -> Config:
    training = replace(
        config.training,
        epochs=2,
        batch=8,
        mining=None if config.training.mining is None else TOY_MINING,
    )
    shape = ModelConfig(blocks=2, hidden=8, embedding=6, start=config.model.start)
    return replace(
        config, preprocessing="none", components=None, folds=1, model=shape, training=training
    )
