"""How long a training step takes: captured, plain, through ``fit``, and what it cannot do without.

Every contender takes the same steps one after the other, and gives the seconds of one.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from gpu_bench import Bench, Clock, Measure, Training, in_turn
from gpu_rows import Row, Skipped, alone, beside
from published import PublishedFlow, adam, train
from scale import Scale
from torch.profiler import ProfilerActivity, profile, supported_activities
from training_step import FREIA

from gsmflow_lite import Step, fit
from gsmflow_lite.config import PRECISIONS
from gsmflow_lite.method.captured import can_be_captured
from gsmflow_lite.method.descent import Descent
from gsmflow_lite.numerics import arithmetic

CAPTURED, PLAIN, FIT = "captured", "plain", "through fit()"
PRODUCTS = "its matrix products alone"
BUSY = "busy time of its kernels"
GOALS = {FREIA: 0.25, BUSY: 1.4, FIT: 1.15}
SECONDS_OF_LETTERS = 1e-3  # a goal
PROFILED = 5  # steps


def training_step(bench: Bench, precision: str) -> Iterator[Row]:
    """A step at the papers' size in one arithmetic."""
    training = replace(bench.paper, config=replace(bench.paper.config, precision=precision))
    makers = own_ways(training, bench.clock)
    makers[FREIA] = lambda: freia_steps(training, bench.clock)
    makers[PRODUCTS] = lambda: products(bench.scale, precision, bench.clock)
    work = f"training step, {precision}"
    times = in_turn(work, makers, bench.clock)
    if CAPTURED in times.of:
        bench.captured[precision] = statistics.median(times.of[CAPTURED])
    best = CAPTURED if CAPTURED in times.of else PLAIN
    for against in (PLAIN, FREIA, PRODUCTS):
        if against in times.of and against != best:
            goal = GOALS.get(against) if best == CAPTURED else None
            yield beside(f"{work}, {best}", times.of[best], against, times.of[against], goal=goal)
    for against, goal in ((best, GOALS[FIT] if best == CAPTURED else None), (FREIA, None)):
        if FIT in times.of and against in times.of:
            yield beside(f"{work}, {FIT}", times.of[FIT], against, times.of[against], goal=goal)
    if FREIA in times.of and best != PLAIN and PLAIN in times.of:
        yield beside(f"{work}, {PLAIN}", times.of[PLAIN], FREIA, times.of[FREIA])
    yield from times.failures


def letters_step(bench: Bench) -> Iterator[Row]:
    """A step at the size of ``lite("glyphs")``."""
    work = "training step of letters"
    times = in_turn(work, own_ways(bench.of_letters, bench.clock), bench.clock)
    for one in (CAPTURED, FIT):
        if one in times.of and PLAIN in times.of:
            yield beside(f"{work}, {one}", times.of[one], PLAIN, times.of[PLAIN])
    if FIT in times.of:
        milliseconds = 1000 * statistics.median(times.of[FIT])
        goal = 1000 * SECONDS_OF_LETTERS
        yield alone(f"{work}, {FIT}", milliseconds, "ms", goal=goal)
    yield from times.failures


def busy_time(bench: Bench) -> Iterator[Row]:
    """Captured steps beside the time that the GPU works in a step, as torch's profiler sees it."""
    for precision in PRECISIONS:
        config = replace(bench.paper.config, precision=precision)
        busy = busy_seconds(replace(bench.paper, config=config), bench.clock)
        work = f"training step, {precision}"
        if precision in bench.captured:
            captured = [bench.captured[precision]]
            yield beside(f"{work}, {CAPTURED}", captured, BUSY, [busy], goal=GOALS[BUSY])
        else:
            yield alone(f"{work}: {BUSY}", 1000 * busy, "ms", note="no captured step was timed")


# --- Ours ----------------------------------------------------------------------------------------


def own_ways(training: Training, clock: Clock) -> dict[str, Callable[[], Measure]]:
    return {
        CAPTURED: lambda: captured_steps(training, clock),
        PLAIN: lambda: partial(clock.of, plain_steps(training), len(training.batches)),
        FIT: lambda: partial(seconds_through_fit, training, clock),
    }


def captured_steps(training: Training, clock: Clock) -> Measure:
    """Steps that are recorded in the first call; it fails where recording did."""
    if not can_be_captured(training.device):
        raise Skipped("only steps on CUDA are captured")
    descent = new_descent(training, captured=True)
    steps = partial(take_steps, descent, training)

    def measure() -> float:
        seconds = clock.of(steps, len(training.batches))
        if math.isinf(descent.plain_steps):
            raise RuntimeError("recording failed: see the warning")
        return seconds

    return measure


def plain_steps(training: Training) -> Callable[[], None]:
    return partial(take_steps, new_descent(training, captured=False), training)


def new_descent(training: Training, *, captured: bool) -> Descent:
    model = copy.deepcopy(training.start).to(training.device).train()
    descent = Descent(model, training.config, captured=captured)
    descent.begin_epoch(1, 0)
    return descent


def take_steps(descent: Descent, training: Training, steps: int | None = None) -> None:
    rows = training.rows
    for index in training.batches[:steps]:
        descent.step(rows, rows.features[index], rows.labels[index])


def seconds_through_fit(training: Training, clock: Clock) -> float:
    """Seconds of a step between two events of an epoch, of its last three quarters.

    The first steps are plain, and one of them records. An incomplete last batch is left out, too.
    """
    config = replace(training.config, epochs=1)
    model = copy.deepcopy(training.start)
    last = len(training.data.train) // config.batch
    first = last // 4
    moments = {}
    for event in fit(model, training.data, config, seed=0, device=str(training.device)):
        if isinstance(event, Step) and event.stage == "flow" and event.done in (first, last):
            moments[event.done] = clock.spent_when_idle()
    return (moments[last] - moments[first]) / (last - first)


# --- Beside it -----------------------------------------------------------------------------------


def freia_steps(training: Training, clock: Clock) -> Measure:
    """Steps of the published structure; its gradients are in the same arithmetic, too."""
    flow = PublishedFlow(training.start).to(training.device)
    optimiser = adam(flow, training.config)
    rows = training.rows
    precision = training.config.precision
    outside = precision if precision == "tf32" else "float32"

    def steps() -> None:
        with arithmetic(outside, training.device):
            train(
                flow,
                rows.features,
                rows.labels,
                rows.attributes,
                rows.prototypes,
                training.order,
                training.config,
                precision,
                optimiser,
            )

    return partial(clock.of, steps, len(training.batches))


def products(scale: Scale, precision: str, clock: Clock) -> Measure:
    """The matrix products that no implementation of a step can avoid, forward and both ways back.

    They are those of ``products`` in training_step.py, launched one after the other.
    """
    calls: list[Callable[[], torch.Tensor]] = []
    half = scale.features // 2
    ways = partial(three_ways, "bf16" if precision == "bf16" else "float32", clock.device)
    for n in (scale.batch, scale.seen):  # the rows of a batch, and the prototypes
        calls += 2 * scale.blocks * ways(n, half, scale.hidden)
        calls += 2 * scale.blocks * ways(n, scale.hidden, 2 * half)
    # The semantics of the classes; the second time their gradient ends there.
    calls += 2 * scale.blocks * ways(scale.seen, scale.embedding, scale.hidden)
    calls += 2 * scale.blocks * ways(scale.seen, scale.embedding, scale.hidden)[:2]
    calls += 3 * ways(scale.seen, scale.attributes, scale.embedding)[:2]

    def steps() -> None:
        with arithmetic("tf32" if precision == "tf32" else "float32", clock.device):
            for _ in range(PROFILED):
                for call in calls:
                    call()

    return partial(clock.of, steps, PROFILED)


def three_ways(
    precision: str, device: torch.device, n: int, inside: int, out: int
) -> list[Callable[[], torch.Tensor]]:
    """(n, inside) @ (inside, out), and the gradients of the weight and of the input."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    x, weight, gradient = (
        torch.randn(shape, dtype=kind, device=device)
        for shape in ((n, inside), (out, inside), (n, out))
    )
    return [lambda: x @ weight.T, lambda: gradient.T @ x, lambda: gradient @ weight]


def busy_seconds(training: Training, clock: Clock) -> float:
    """Seconds in which the GPU runs kernels in a plain step: the sum over all of them."""
    if ProfilerActivity.CUDA not in supported_activities() or training.device.type != "cuda":
        raise Skipped("torch's profiler sees no kernels here")
    descent = new_descent(training, captured=False)
    steps = partial(take_steps, descent, training, PROFILED)
    clock.of(steps)
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        clock.of(steps)
    microseconds = sum(
        event.time_range.elapsed_us()
        for event in found.events()
        if event.device_type == torch.autograd.DeviceType.CUDA
        and not getattr(event, "is_user_annotation", False)
    )
    if microseconds == 0:
        raise Skipped("torch's profiler saw no kernels")
    return microseconds * 1e-6 / PROFILED
