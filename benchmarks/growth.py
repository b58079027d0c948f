"""Fit how time and memory grow with rows, features, classes and blocks, one exponent for each.

    python benchmarks/growth.py --json growth.json

Each stage starts from 2000 rows of 256 features, 20 classes (10 seen), 2 blocks with hidden layers
of 512, and one count is doubled, three times. An exponent is the slope of the logarithm of time (of
memory: of what a process of its own grows by) over that of the count, by least squares; the
exponent of a stage that does not depend on a count is 0. Times are the best of some runs. At these
sizes fixed costs still show: exponents rise to their limit as counts grow.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from pairs import alone, parser, setting
from scale import Scale, dataset, model

from gsmflow_lite import ClassifierConfig, RidgeGaussian, TrainingConfig, fit
from gsmflow_lite.config import MiningConfig
from gsmflow_lite.method.mining import RelationNetwork, mine_boundary_samples
from gsmflow_lite.scores.evaluation import softmax_logits
from gsmflow_lite.storage import write_json

START = Scale(
    features=256,
    attributes=32,
    embedding=256,
    hidden=512,
    blocks=2,
    seen=10,
    unseen=10,
    train=1600,
    test_seen=200,
    test_unseen=200,
    samples=20,
)
TINY = replace(START, features=16, hidden=16, embedding=8, train=80, test_seen=20, test_unseen=20)
STAGES = (
    "training epoch",
    "synthesis",
    "log-likelihood",
    "mining",
    "classifier, lbfgs",
    "classifier, lda",
)
COUNTS = ("rows", "features", "classes", "blocks")
STEPS = 4  # sizes: 1, 2, 4 and 8 times the start


def sized(start: Scale, count: str, times: int) -> Scale:
    """The start with one count multiplied; synthesized rows grow with the real ones."""
    grown = {
        "rows": ("train", "test_seen", "test_unseen", "samples"),
        "features": ("features",),
        "classes": ("seen", "unseen"),
        "blocks": ("blocks",),
    }[count]
    scale = replace(start, **{name: getattr(start, name) * times for name in grown})
    if count == "classes":  # as many rows in all
        scale = replace(scale, samples=max(1, start.samples // times))
    return scale


def call(stage: str, scale: Scale) -> Callable[[], object]:
    """What is timed, ready to run."""
    data = dataset(scale)
    flow, unseen = model(scale, data), torch.from_numpy(data.attributes[data.unseen_classes])
    if stage == "training epoch":
        config = TrainingConfig(epochs=1, prototype_weight=1.0, mining=None)
        return lambda: list(fit(flow, data, config, device="cpu"))
    if stage == "synthesis":
        return lambda: flow.synthesize(unseen, scale.samples * 10)
    if stage == "log-likelihood":
        x = torch.from_numpy(data.features[data.test_unseen])
        return lambda: flow.log_prob(x, torch.from_numpy(data.attributes))
    if stage == "mining":
        network = RelationNetwork(scale.features, scale.attributes, scale.hidden).requires_grad_(
            False
        )
        x, labels = (
            torch.from_numpy(data.features[data.train]),
            torch.from_numpy(data.labels[data.train]),
        )
        seen = torch.from_numpy(data.attributes[data.seen_classes])
        return lambda: mine_boundary_samples(network, x, labels, seen, MiningConfig(loops=2))
    penalties = {"lbfgs": (1e-3,), "lda": (0.5,)}
    solver = stage.rsplit(" ", 1)[1]
    config, rival = (
        ClassifierConfig(samples=scale.samples, solver=solver, penalties=penalties[solver]),
        RidgeGaussian.fit(data),
    )
    return lambda: softmax_logits(rival, data, config)


def seconds(run: Callable[[], object], repeats: int) -> float:
    run()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)


def megabytes(stage: str, count: str, times: int, options: argparse.Namespace) -> float:
    command = [
        sys.executable,
        __file__,
        "--alone",
        f"{stage}: {count}: {times}",
        "--threads",
        str(options.threads),
    ]
    done = subprocess.run(
        [*command, *["--small"] * options.small], check=True, capture_output=True, text=True
    )
    return float(done.stdout.splitlines()[-1])


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main() -> None:
    options = parser(__doc__).parse_args()
    torch.set_num_threads(options.threads)
    start = TINY if options.small else START
    if options.alone:
        stage, count, times = options.alone.split(": ")
        return alone(call(stage, sized(start, count, int(times))))
    about = setting()
    steps = 2 if options.small else STEPS
    counts = COUNTS[:1] if options.small else COUNTS
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    heads = [f"{what} ~ {count}" for what in ("time", "memory") for count in counts]
    print(f"| stage | {' | '.join(heads)} |")
    print("|---" * (1 + 2 * len(counts)) + "|")
    found = []
    for stage in STAGES[: 1 if options.small else None]:
        row = {"stage": stage}
        for count in counts:
            sizes = [2**step for step in range(steps)]
            times = [
                seconds(call(stage, sized(start, count, size)), options.runs) for size in sizes
            ]
            ends = sizes[0], sizes[-1]
            grown = [megabytes(stage, count, size, options) for size in ends]
            row |= {f"{count}, s": times, f"{count}, MB": grown}
            row |= {
                f"time ~ {count}": exponent(sizes, times),
                f"memory ~ {count}": exponent(ends, grown),
            }
        found.append(row)
        shown = [
            f"{row[f'{what} ~ {count}']:.2f}" for what in ("time", "memory") for count in counts
        ]
        print(f"| {stage} | {' | '.join(shown)} |", flush=True)
    if options.json:
        write_json(options.json, {"setting": about, "start": asdict(start), "rows": found})


if __name__ == "__main__":
    main()
