"""Everything but the training step: synthesis, likelihood, mining, classifiers, and whole runs."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import torch
from gpu_bench import Bench, Measure, in_turn
from gpu_rows import LeftOut, Row, Skipped, alone, beside
from published import PublishedFlow, classify, log_prob, synthesize
from scale import dataset
from torch import Tensor
from torch.nn import functional as F
from training_step import FREIA

from gsmflow_lite import ClassifierConfig, Config, Epoch, GSMFlow, fit, new_model, preset, protocol
from gsmflow_lite.config import MiningConfig
from gsmflow_lite.events import Event
from gsmflow_lite.method.mining import (
    RelationNetwork,
    mine_boundary_samples,
    train_relation_network,
)
from gsmflow_lite.numerics import arithmetic
from gsmflow_lite.runs import run_experiment
from gsmflow_lite.scores.classifier import SoftmaxClassifier
from gsmflow_lite.seeds import torch_stream

MANY = 50_000  # synthesized rows a class, as for AWA2
ROWS = 3000  # of the likelihood
CLASSES_OF_FREIA = 20  # of the likelihood; its time grows with the classes
BROADCAST = "plain broadcasting of all pairs"
EPOCHS_OF_LETTERS = 100
SECONDS_OF_LETTERS = 15.0  # a goal, for the training above on an H100
CUB_EPOCHS = 3
MINED_BATCHES = 24
APART = 1e-2  # how far boundary samples of ours and of the peer may be apart, of their way
UNITS_OF_MEMORY = 2**20


def against(
    bench: Bench,
    work: str,
    ours: Callable[[], Measure],
    peers: Mapping[str, Callable[[], Measure]],
    *,
    goal: float | None = None,
    note: str = "",
) -> Iterator[Row]:
    """Time ours and its peers in turn; alone, where no peer could do it."""
    times = in_turn(work, {"ours": ours, **peers}, bench.clock)
    mine = times.of.get("ours")
    found = [name for name in peers if name in times.of]
    if mine is not None:
        for name in found:
            yield beside(work, mine, name, times.of[name], unit="s", goal=goal, note=note)
        if not found:
            yield alone(work, statistics.median(mine), note=note)
    yield from times.failures


# --- Synthesis and likelihood --------------------------------------------------------------------


def synthesis(bench: Bench, precision: str) -> Iterator[Row]:
    """Features of all unseen classes in one arithmetic."""
    scale = bench.scale
    yield from _synthesis(bench, scale.unseen, scale.samples, precision, goal=0.5)


def synthesis_of_many(bench: Bench) -> Iterator[Row]:
    """Many features of a few classes."""
    samples = 20 if bench.small else MANY
    yield from _synthesis(bench, min(4, bench.scale.unseen), samples, "float32", goal=None)


def _synthesis(
    bench: Bench, classes: int, samples: int, precision: str, goal: float | None
) -> Iterator[Row]:
    """Ours beside FrEIA, whose noise is drawn on the device, too."""
    device = bench.device
    attributes = bench.attributes[-classes:]
    noise = torch_stream(0, "latent noise", device=device)

    def timed(call: Callable[[], object]) -> Measure:
        def in_arithmetic() -> None:
            with arithmetic(precision, device):
                call()

        return partial(bench.clock.of, in_arithmetic)

    def ours() -> Measure:
        model = untrained(bench)
        return timed(lambda: model.synthesize(attributes, samples))

    def freia() -> Measure:
        flow = published_flow(bench)
        return timed(lambda: synthesize(flow, attributes, samples, noise))

    work = f"synthesis, {classes} x {samples}, {precision}"
    yield from against(bench, work, ours, {FREIA: freia}, goal=goal)


def published_flow(bench: Bench) -> PublishedFlow:
    return PublishedFlow(bench.paper.start).to(bench.device).eval()


def untrained(bench: Bench) -> GSMFlow:
    return copy.deepcopy(bench.paper.start).to(bench.device).eval()


def likelihood(bench: Bench) -> Iterator[Row]:
    """Log-densities of rows in all classes; FrEIA does some classes, and its time is scaled up."""
    attributes = bench.attributes
    some = attributes[:CLASSES_OF_FREIA]
    share = len(some) / len(attributes)
    rows = 30 if bench.small else ROWS
    x = torch.randn(rows, bench.scale.features, device=bench.device)

    def ours() -> Measure:
        model = untrained(bench)
        return partial(bench.clock.of, lambda: model.log_prob(x, attributes))

    def freia() -> Measure:
        flow = published_flow(bench)
        return partial(bench.clock.of, lambda: log_prob(flow, x, some), share)

    work = f"log-likelihood, {rows} x {len(attributes)}, float32"
    note = f"FrEIA did {len(some)} classes"
    yield from against(bench, work, ours, {FREIA: freia}, goal=1.0, note=note)


# --- Mining --------------------------------------------------------------------------------------


def mining(bench: Bench) -> Iterator[Row]:
    """One loop of a batch towards the boundary: its time, and the memory that it takes at most."""
    scale = bench.scale
    network, x, labels, attributes = _mined(bench)
    config = MiningConfig(batch=len(x), hidden=scale.hidden, loops=1, step=3.0, beta=10.0)
    ours = partial(mine_boundary_samples, network, x, labels, attributes, config)
    plainly = partial(_broadcast_walk, network, x, labels, attributes, config)
    mine, theirs = ours(), plainly()
    apart = float((mine - theirs).norm() / (theirs - x).norm())
    if not apart < APART:
        raise AssertionError(f"the walks end {apart:.2g} of their way apart")
    del mine, theirs

    work = f"mining, {scale.batch} rows x {scale.seen} classes, one loop"
    timed = partial(partial, bench.clock.of)
    yield from against(
        bench, work, partial(timed, ours), {BROADCAST: partial(timed, plainly)}, goal=1.2
    )
    memory = [_peak(bench, call) for call in (ours, plainly)]
    yield beside(f"{work}: peak memory", memory[:1], BROADCAST, memory[1:], unit="MiB", goal=0.2)


def relation_network(bench: Bench) -> Iterator[Row]:
    """One epoch of training of the relation network."""
    paper = bench.paper
    network, *_ = _mined(bench)
    network.requires_grad_(True)
    n = min(MINED_BATCHES * bench.scale.batch, len(paper.rows.labels))
    features, labels = paper.rows.features[:n], paper.rows.labels[:n]
    config = MiningConfig(epochs=1, batch=bench.scale.batch, hidden=bench.scale.hidden)

    def epoch() -> None:
        for _ in train_relation_network(
            network, features, labels, paper.rows.attributes, config, seed=0
        ):
            pass

    work = f"relation network, {n // config.batch} batches"
    yield from against(bench, work, lambda: partial(bench.clock.of, epoch), {})


def _mined(bench: Bench) -> tuple[RelationNetwork, Tensor, Tensor, Tensor]:
    scale, rows = bench.scale, bench.paper.rows
    torch.manual_seed(0)
    network = RelationNetwork(scale.features, scale.attributes, scale.hidden)
    network.to(bench.device).requires_grad_(False)
    return network, rows.features[: scale.batch], rows.labels[: scale.batch], rows.attributes


def _broadcast_walk(
    network: RelationNetwork, x: Tensor, labels: Tensor, attributes: Tensor, config: MiningConfig
) -> Tensor:
    """Walk as :func:`mine_boundary_samples` does, written plainly: all hidden values at once."""
    target = F.one_hot(labels, len(attributes)).to(x)
    for _ in range(config.loops):
        x = x.detach().requires_grad_(True)
        hidden = torch.relu(network.from_x(x)[:, None] + network.from_a(attributes))
        scores = network.out(hidden).squeeze(2).sigmoid()
        log_p = scores.log_softmax(1)
        doubt = -(log_p.exp() * log_p).sum(1).mean()
        loss = F.mse_loss(scores, target) - config.beta * doubt
        (gradient,) = torch.autograd.grad(loss * len(x), x)
        x = x - config.step * gradient
    return x.detach()


def _peak(bench: Bench, call: Callable[[], object]) -> float:
    """MiB of the GPU that a call takes at most, beyond what was taken before."""
    if bench.device.type != "cuda":
        raise Skipped("memory is counted on CUDA only")
    bench.clock.wait()
    torch.cuda.reset_peak_memory_stats(bench.device)
    before = torch.cuda.memory_allocated(bench.device)
    call()
    bench.clock.wait()
    return (torch.cuda.max_memory_allocated(bench.device) - before) / UNITS_OF_MEMORY


# --- Classifiers ---------------------------------------------------------------------------------


def classifier(bench: Bench) -> Iterator[Row]:
    """Our solvers on made-up real and synthesized rows, beside the papers' batches."""
    scale = bench.scale
    classes = scale.seen + scale.unseen
    per_class = torch.tensor(
        [scale.train // scale.seen] * scale.seen + [scale.samples] * scale.unseen
    )
    y = torch.arange(classes).repeat_interleave(per_class).to(bench.device)
    draws = torch_stream(0, "rows of a classifier", device=bench.device)
    normal = partial(torch.randn, generator=draws, device=bench.device)
    centres = normal(classes, scale.features)
    x = centres[y] + 4 * normal(len(y), scale.features)  # classes overlap

    published = preset("mm2021", "CUB").classifier

    def papers() -> None:
        with torch.device(bench.device):
            classify(x, y, classes, published)

    peer = f"batches as in 2021, {published.epochs} epochs"
    solvers = {"lda": (0.5,), "lbfgs": (3e-3,)}
    for solver, penalties in solvers.items():
        config = ClassifierConfig(solver=solver, penalties=penalties)
        ours = partial(SoftmaxClassifier.fit, x, y, config)
        work = f"classifier, {len(y)} rows, {solver}"
        yield from against(
            bench,
            work,
            partial(partial, bench.clock.of, ours),
            {peer: partial(partial, bench.clock.of, papers)},
        )


# --- Whole runs ----------------------------------------------------------------------------------


def hundred_epochs(bench: Bench) -> Iterator[Row]:
    """All the training of the full method on the letters: mining, and a hundred epochs."""
    epochs = 3 if bench.small else EPOCHS_OF_LETTERS
    config = replace(bench.full.training, epochs=epochs)
    model = new_model(bench.letters, bench.full.model, seed=0)

    def train() -> None:
        begun = bench.clock.spent
        for event in fit(model, bench.letters, config, seed=0, device=str(bench.device)):
            _stop_in_time(bench, event)
            if isinstance(event, Epoch) and event.epoch == 2:
                _need_for_rest(bench, event, begun)

    seconds = bench.clock.of(train)
    work = f"training on letters, full method, {epochs} epochs with mining"
    yield alone(work, seconds, goal=SECONDS_OF_LETTERS, note="the goal is that of an H100")


def _need_for_rest(bench: Bench, epoch: Epoch, begun: float) -> None:
    """Raise ``LeftOut`` unless the epochs to come fit into the budget."""
    rest = (epoch.epochs - epoch.epoch) * epoch.seconds
    if rest > bench.clock.left:
        whole = bench.clock.spent - begun + rest
        raise LeftOut(f"would take about {whole:.3g} s in all, as two epochs of it said")


def letters_run(bench: Bench) -> Iterator[Row]:
    """``run_experiment`` with ``lite("glyphs")``: folds, test, baselines and measuring."""
    data, config = bench.letters, bench.lite

    def run() -> dict:
        watch = partial(_stop_in_time, bench)
        found = run_experiment(
            data, config, device=str(bench.device), n=9 if bench.small else 400, watch=watch
        )
        return found.result["seconds"]

    yield from _whole_run(bench, 'run_experiment with lite("glyphs")', run)


def cub_run(bench: Bench) -> Iterator[Row]:
    """The papers' method at the size of CUB for a few epochs: a fold, the test, all its scores."""
    data = dataset(bench.scale)
    config = bench.full if bench.small else preset("tmm2022", "CUB")
    config = _short(config, 1 if bench.small else CUB_EPOCHS)

    def run() -> dict:
        method = protocol.flow(config, device=str(bench.device))
        found = protocol.run(method, data, seed=0, watch=partial(_stop_in_time, bench))
        return {"train": found.train_seconds, "evaluate": found.evaluate_seconds}

    yield from _whole_run(bench, f"a run of CUB's size, {config.training.epochs} epochs", run)


def _short(config: Config, epochs: int) -> Config:
    training = config.training
    assert training.mining is not None
    short = replace(training, epochs=epochs, mining=replace(training.mining, epochs=epochs))
    return replace(config, training=short)


def _whole_run(bench: Bench, work: str, run: Callable[[], Mapping[str, float]]) -> Iterator[Row]:
    seconds: dict[str, float] = {}
    whole = bench.clock.of(lambda: seconds.update(run()))
    parts = ", ".join(f"{name} {value:.2g} s" for name, value in seconds.items())
    yield alone(work, whole, note=parts)


def _stop_in_time(bench: Bench, event: Event) -> None:
    if bench.clock.left < 0:
        raise LeftOut("was begun, and stopped when the time was over")
