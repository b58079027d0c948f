"""A training step of the flow at the papers' scale, beside the published structure on FrEIA and the matrix products alone.

    python benchmarks/training_step.py --json training_step.json

Both train the same model on the same rows for epochs of three batches with the prototype loss on, and have the same weights
after the first; times are of one step. *Matrix products* is the time that the products of a step take at the rate at which
this machine multiplies matrices of these shapes: no implementation of this method can avoid them.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from pairs import Row, Work, main, row
from published import PublishedFlow, train
from scale import CUB, TOY, Scale, dataset, model

from gsmflow_lite import GSMFlow, fit
from gsmflow_lite.config import TrainingConfig
from gsmflow_lite.training import _Resident, _shuffled

STEPS = 3
CONFIG = TrainingConfig(epochs=1, lr=3e-4, weight_decay=1e-5, prototype_weight=1.0, perturbation=0.0, mining=None)


def scaled(options: argparse.Namespace) -> Scale:
    scale = TOY if options.small else CUB
    return replace(scale, train=STEPS * scale.batch, test_seen=scale.seen, test_unseen=scale.unseen)


def works(options: argparse.Namespace) -> Iterator[Work]:
    scale = scaled(options)
    data, config = dataset(scale), replace(CONFIG, batch=scale.batch)
    start = model(scale, data)
    mine, theirs = copy.deepcopy(start), PublishedFlow(start)
    rows = _Resident.of(data, torch.device("cpu"))
    order = _shuffled(scale.train, 0, 0)  # the order in which `fit` goes, so that the peer sees the same batches

    def ours() -> GSMFlow:
        for _ in fit(mine, data, config, seed=0, device="cpu"):
            pass
        return mine

    def freia() -> PublishedFlow:
        train(theirs, rows.features, rows.labels, rows.attributes, rows.prototypes, order, config)
        return theirs

    def same(mine: GSMFlow, theirs: PublishedFlow) -> None:
        """Adam divides gradients by their size, so those of nothing but rounding may differ: compare moves on the whole."""
        for before, block, glow in zip(start.flow.blocks, mine.flow.blocks, theirs.blocks, strict=True):
            move = block.net1.out - before.net1.out
            apart = (block.net1.out - glow.subnet1[2].weight).norm() / move.norm()
            assert apart < 0.01, f"the weights moved apart by {apart:.3f} of their way"

    yield Work("training step", ours, {"published structure on FrEIA": freia}, per=STEPS, same=same)


def products(options: argparse.Namespace, rows: list[Row]) -> list[Row]:
    """The step against its matrix products: each at the rate measured for its own shape, forward and both ways backward."""
    s, total = scaled(options), 0.0
    half, classes = s.features // 2, s.seen
    for n in (s.batch, classes):  # the likelihood of a batch, and the prototypes of all classes
        for shape in ((n, half, s.hidden), (n, s.hidden, 2 * half)):
            total += 2 * s.blocks * _three_ways(*shape)
    for passes in range(2):  # the classes' semantics into every network; the second time their gradient ends there
        total += 2 * s.blocks * _three_ways(classes, s.embedding, s.hidden, inputs=not passes)
    total += 3 * _three_ways(classes, s.attributes, s.embedding, inputs=False)
    return [row(rows[0].work, "its matrix products alone", [rows[0].ours], [total], "s")]


def _three_ways(n: int, inside: int, out: int, *, inputs: bool = True, repeats: int = 5) -> float:
    """Seconds of (n, inside) @ (inside, out), of the weight's gradient and, where wanted, of the input's."""
    x, weight, gradient = torch.randn(n, inside), torch.randn(out, inside), torch.randn(n, out)
    calls = [lambda: x @ weight.T, lambda: gradient.T @ x] + ([lambda: gradient @ weight] if inputs else [])
    total = 0.0
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
