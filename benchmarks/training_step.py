"""Time a training step of the flow at the papers' scale.

    python benchmarks/training_step.py --json training_step.json

Beside it stand the published structure on FrEIA and the matrix products alone.

Both train the same model on the same rows for epochs of six batches with the prototype loss on;
times are of one step. That both are the same function is checked before, in double precision, where
rounding is no excuse. Ours runs in each arithmetic of
``TrainingConfig.precision``, the peer in single precision, and in bfloat16 beside ours in it.
*Matrix products* is the time that the products of a step take at the rate at which this machine
multiplies matrices of these shapes in that arithmetic: no implementation of this method can avoid
them.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from pairs import Row, Work, main, row
from published import PublishedFlow, train
from scale import CUB, TOY, Scale, dataset, model
from torch import Tensor

from gsmflow_lite import GSMFlow, fit
from gsmflow_lite.config import PRECISIONS, TrainingConfig
from gsmflow_lite.method.descent import Descent
from gsmflow_lite.method.rows import TrainingRows, shuffled
from gsmflow_lite.numerics import arithmetic

STEPS = 6
CHECKED_STEPS = 2
# How far weights may be apart in double precision, as a share of the way that they move.
APART = 1e-6
FREIA = "published structure on FrEIA"
CONFIG = TrainingConfig(
    epochs=1,
    lr=3e-4,
    weight_decay=1e-5,
    prototype_weight=1.0,
    prototype_classes=None,  # the peer takes all of them
    perturbation=0.0,
    mining=None,
)


def scaled(options: argparse.Namespace) -> Scale:
    scale = TOY if options.small else CUB
    return replace(scale, train=STEPS * scale.batch, test_seen=scale.seen, test_unseen=scale.unseen)


def works(options: argparse.Namespace) -> Iterator[Work]:
    scale = scaled(options)
    data = dataset(scale)
    config = replace(CONFIG, batch=scale.batch)
    start = model(scale, data)
    rows = TrainingRows.of(data, torch.device("cpu"))
    order = shuffled(scale.train, 0, 0)  # `fit` has the same order: the peer sees the same batches
    check_same(start, rows, order[: CHECKED_STEPS * scale.batch], config)

    def ours(mine: GSMFlow, precision: str) -> GSMFlow:
        for _ in fit(mine, data, replace(config, precision=precision), seed=0, device="cpu"):
            pass
        return mine

    def freia(theirs: PublishedFlow, precision: str) -> PublishedFlow:
        train(
            theirs,
            rows.features,
            rows.labels,
            rows.attributes,
            rows.prototypes,
            order,
            config,
            precision,
        )
        return theirs

    for precision in PRECISIONS:
        peers = {FREIA: partial(freia, PublishedFlow(start), "float32")}
        if precision == "bf16":
            peers[f"{FREIA}, in bf16"] = partial(freia, PublishedFlow(start), precision)
        mine = partial(ours, copy.deepcopy(start), precision)
        yield Work(
            f"training step, {precision}",
            mine,
            peers,
            per=STEPS,
        )


def check_same(start: GSMFlow, rows: TrainingRows, order: Tensor, config: TrainingConfig) -> None:
    """Raise ``AssertionError`` unless a few steps move both from ``start`` to the same weights."""
    mine = copy.deepcopy(start).double()
    theirs = PublishedFlow(start).double()
    double = TrainingRows(
        rows.features.double(), rows.labels, rows.attributes.double(), rows.prototypes.double()
    )
    descent = Descent(mine, config)
    descent.begin_epoch(1, seed=0)
    for batch in order.split(config.batch):
        descent.step(double, double.features[batch], double.labels[batch])
    train(
        theirs,
        double.features,
        double.labels,
        double.attributes,
        double.prototypes,
        order,
        config,
    )
    for before, block, glow in zip(start.flow.blocks, mine.flow.blocks, theirs.blocks, strict=True):
        move = block.net1.out - before.net1.out
        apart = (block.net1.out - glow.subnet1[2].weight).norm() / move.norm()
        assert apart < APART, f"the weights moved apart by {apart:.2g} of their way"


def products(options: argparse.Namespace, rows: list[Row]) -> list[Row]:
    """The step against its matrix products.

    Each product counts at the rate measured for its own shape, forward and both ways backward.
    """
    s = scaled(options)
    half = s.features // 2
    classes = s.seen
    found = []
    for precision in PRECISIONS:
        ways = partial(_three_ways, precision)
        total = 0.0
        for n in (s.batch, classes):  # the likelihood of a batch, and the prototypes of all classes
            for shape in ((n, half, s.hidden), (n, s.hidden, 2 * half)):
                total += 2 * s.blocks * ways(*shape)
        # The semantics of the classes go into every network; the second time their gradient ends
        # there.
        for inputs in (True, False):
            total += 2 * s.blocks * ways(classes, s.embedding, s.hidden, inputs=inputs)
        total += 3 * ways(classes, s.attributes, s.embedding, inputs=False)
        step = next(one for one in rows if one.work.endswith(precision))
        found.append(row(step.work, "its matrix products alone", [step.ours], [total], "s"))
    return found


def _three_ways(
    precision: str, n: int, inside: int, out: int, *, inputs: bool = True, repeats: int = 5
) -> float:
    """Seconds of (n, inside) @ (inside, out) and of its gradients.

    The gradient of the weight counts always, that of the input if ``inputs``.
    """
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    x, weight, gradient = (
        torch.randn(shape, dtype=kind) for shape in ((n, inside), (out, inside), (n, out))
    )
    calls = [lambda: x @ weight.T, lambda: gradient.T @ x] + (
        [lambda: gradient @ weight] if inputs else []
    )
    total = 0.0
    with arithmetic("float32" if precision == "bf16" else precision):
        for call in calls:
            call()
            times = []
            for _ in range(repeats):
                started = time.perf_counter()
                call()
                times.append(time.perf_counter() - started)
            total += sorted(times)[repeats // 2]
    return total


if __name__ == "__main__":
    main(__doc__, works, products)
