"""How long `measure` takes, and how it grows with samples, dimensions and classes.

    python benchmarks/measure.py --json measure.json

Prints seconds (median of three runs) at the size of glyphs (9 unseen classes, 400 samples each,
64-d) and of CUB (50 x 600 x 2048), then grows one size at a time from a base case and fits an
exponent: time ~ size^exponent. The generator hands out stored features, so that nothing but the
measuring is timed.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from gsmflow_lite import FromFile, GZSLDataset, from_arrays, glyphs, measure
from gsmflow_lite.storage import write_json

BASE = {"samples": 200, "features": 256, "classes": 20}
GROWTH = {
    "samples": (100, 200, 400, 800),
    "features": (64, 256, 1024, 2048),
    "classes": (5, 10, 20, 40, 80),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    versions = f"torch {torch.__version__}, numpy {np.__version__}"
    print(f"{os.cpu_count()} cores, {versions}; medians of {options.runs} runs, seconds")
    named = {
        "glyphs, 9 x 400 x 64": _glyphs(),
        "CUB scale, 50 x 600 x 2048": _made_up(600, 2048, 50, seen=150, train=47),
    }
    result = {name: _seconds(*case, options.runs) for name, case in named.items()}
    for name, seconds in result.items():
        print(f"{name:30s}{seconds:8.2f}")
    for what, sizes in GROWTH.items():
        times = [_seconds(*_made_up(**(BASE | {what: size})), options.runs) for size in sizes]
        exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        result[what] = {"sizes": list(sizes), "seconds": times, "exponent": float(exponent)}
        print(
            f"{what:10s}"
            + "".join(f"{size:8d}: {t:6.2f}" for size, t in zip(sizes, times, strict=True))
            + f"   ^ {exponent:.2f}"
        )
    write_json(options.json, result)


def _glyphs() -> tuple[GZSLDataset, FromFile, int]:
    d = glyphs(64)
    rng = np.random.default_rng(0)
    labels = np.repeat(d.unseen_classes, 400)
    rows = np.concatenate([rng.choice(d.of_class(k), 400) for k in d.unseen_classes])
    noise = 0.1 * rng.standard_normal((len(rows), 64))
    features = (d.features[rows] + noise).astype(np.float32)
    return d, FromFile(d, features, labels, preprocessed=True), 400


def _made_up(
    samples: int, features: int, classes: int, *, seen: int = 30, train: int = 20
) -> tuple[GZSLDataset, FromFile, int]:
    """Gaussian classes with ``samples`` real and as many synthesized rows of each unseen class."""
    rng = np.random.default_rng(0)
    attributes = rng.random((seen + classes, 64))
    means = attributes @ rng.standard_normal((64, features)) / 4
    labels = np.concatenate(
        [np.repeat(np.arange(seen), train), np.repeat(np.arange(seen, seen + classes), samples)]
    )

    def draw(labels: np.ndarray) -> np.ndarray:
        noise = rng.standard_normal((len(labels), features))
        return (means[labels] + noise).astype(np.float32)

    d = from_arrays(draw(labels), labels, attributes, unseen=np.arange(seen, seen + classes))
    synthesized = np.repeat(d.unseen_classes, samples)
    return d, FromFile(d, draw(synthesized), synthesized), samples


def _seconds(dataset: GZSLDataset, generator: FromFile, n: int, runs: int) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        measure(dataset, generator, n=n)
        times.append(time.perf_counter() - started)
    return round(float(np.median(times)), 3)


if __name__ == "__main__":
    main()
