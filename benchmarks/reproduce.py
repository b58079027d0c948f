"""Check that the same seed gives the same answer in one process, in two, and on other threads.

    python benchmarks/reproduce.py --runs 20 --json reproduce.json

A run trains *lite* on the letters for one epoch (seeds 0, 1, ...), with boundary mining and
prototype loss, synthesizes the unseen classes, scores and measures. Twice in one process and once
in another, its weights, samples, scores and meters must be the same to the last bit. With other
numbers of threads sums are taken in another order: how far samples (whose variance is about 1),
harmonic mean and meters then move is printed, and must stay within the tolerances below.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from gsmflow_lite import fit, glyphs, lite, measure, new_model
from gsmflow_lite.config import MiningConfig
from gsmflow_lite.scores.evaluation import softmax_logits
from gsmflow_lite.storage import write_json

TOLERANCE = {"samples": 1e-3, "harmonic": 0.5, "meters": 1e-3}
THREADS = (2, 4)


def answer(seed: int) -> dict[str, Any]:
    """Everything that a run comes to, ready for JSON, which keeps every bit of a number."""
    config = lite("glyphs")
    data = glyphs().preprocessed(config.preprocessing, config.components)
    training = replace(
        config.training,
        epochs=1,
        prototype_weight=1.0,
        mining=MiningConfig(epochs=1, hidden=64, loops=3),
    )
    model = new_model(data, config.model, seed=seed)
    for _ in fit(model, data, training, seed=seed, device="cpu"):
        pass
    samples = model.synthesize(data.attributes[data.unseen_classes], 20, seed=seed)
    scores = softmax_logits(
        model, data, replace(config.classifier, penalties=(3e-3,)), seed=seed
    ).scores()
    report = measure(data, model, n=50, seed=seed, metrics=("semantic", "variance", "structure"))
    return {
        "weights": [value.sum(dtype=torch.float64).item() for value in model.state_dict().values()],
        "samples": samples.flatten().tolist(),
        "harmonic": scores.harmonic,
        "meters": [report.reading(name).value for name in ("semantic", "variance", "structure")],
    }


def elsewhere(seed: int, threads: int) -> dict[str, Any]:
    """The answer of a process of its own."""
    command = [sys.executable, __file__, "--alone", str(seed), "--threads", str(threads)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
    )
    return json.loads(done.stdout)


def far(one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    """The largest difference in each part for which there is a tolerance."""
    return {name: float(np.abs(np.subtract(one[name], other[name])).max()) for name in TOLERANCE}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--json", metavar="FILE")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    threadpool_limits(options.threads)  # NumPy's products, too
    if options.alone is not None:
        return print(json.dumps(answer(options.alone)))
    differ = []
    most = dict.fromkeys(TOLERANCE, 0.0)
    for seed in range(options.runs):
        first = answer(seed)
        others = {
            "the same process": answer(seed),
            "another process": elsewhere(seed, options.threads),
        }
        differ += [f"seed {seed}: {where}" for where, other in others.items() if other != first]
        for threads in THREADS if seed < 3 else ():
            most = {
                name: max(most[name], value)
                for name, value in far(first, elsewhere(seed, threads)).items()
            }
    beyond = [name for name, value in most.items() if value > TOLERANCE[name]]
    print(f"{options.runs} runs three times, {len(differ)} not the same to the last bit")
    print("\n".join(differ))
    for name, value in most.items():
        allowed = f"(allowed {TOLERANCE[name]})"
        print(f"{name:10s} moves by {value:.2g} at most with {THREADS} threads {allowed}")
    if options.json:
        write_json(
            options.json,
            {"runs": options.runs, "differ": differ, "threads": most, "beyond": beyond},
        )
    sys.exit(bool(differ or beyond))


if __name__ == "__main__":
    main()
