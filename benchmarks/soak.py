"""Train, synthesize, measure and explore again and again, and look whether memory grows.

    python benchmarks/soak.py --minutes 30 --json soak.json

One process goes through rounds of an epoch of training with a checkpoint, samples, meters, a new
setting in a shift explorer that stays open, and an explorer that is opened and closed again. After
each round it notes its resident memory, open files, threads and widgets. The first fifth of the
time warms up; what counts is how much the last tenth holds more than the tenth after that, in
medians. Files, threads and widgets must not grow at all, memory by no more than 2 %. Linux only: it
reads /proc.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from ipywidgets.widgets import widget

from gsmflow_lite import explore, fit, glyphs, lite, measure, new_model
from gsmflow_lite.storage import write_json

ALLOWED = {  # the end as a multiple of the beginning
    "memory, MB": 1.02,
    "open files": 1.0,
    "threads": 1.0,
    "widgets": 1.0,
}


def held() -> dict[str, float]:
    """What this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "memory, MB": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "widgets": len(widget._instances),
    }


class Round:
    """Everything that a user does, once a call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0
        self.config = lite("glyphs")
        self.data = glyphs().preprocessed(self.config.preprocessing, self.config.components)
        self.panel = explore(name="soak")

    def __call__(self) -> None:
        seed = self.number
        self.number += 1
        model = new_model(self.data, self.config.model, seed=seed)
        for _ in fit(
            model,
            self.data,
            replace(self.config.training, epochs=1),
            seed=seed,
            checkpoint=self.folder / "run",
        ):
            pass
        (self.folder / "run").unlink()
        measure(self.data, model, n=50, seed=seed)
        self.panel.set(variance=seed % 5 / 5, structure=seed % 3 / 3)
        self.panel.wait()
        passing = explore(name="passing")
        passing.wait()
        passing.close()


def growth(rounds: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Medians of a tenth of the rounds: after the warm-up, and at the end."""
    tenth = max(1, len(rounds) // 10)
    begin = len(rounds) // 5
    parts = rounds[begin : begin + tenth], rounds[-tenth:]
    return {
        name: tuple(statistics.median(one[name] for one in part) for part in parts)
        for name in ALLOWED
    }


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--json", metavar="FILE")
    options = options.parse_args()
    torch.set_num_threads(1)
    end = time.monotonic() + 60 * options.minutes
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        one = Round(Path(name))
        while len(rounds) < 2 or time.monotonic() < end:
            one()
            rounds.append(held())
    found = growth(rounds)
    grown = [what for what, (before, after) in found.items() if after > before * ALLOWED[what]]
    for what, (before, after) in found.items():
        print(f"{what:12s}{before:10.1f}{after:10.1f}{'   GREW' if what in grown else ''}")
    print(f"{len(rounds)} rounds in {options.minutes:g} minutes")
    if options.json:
        write_json(options.json, {"minutes": options.minutes, "rounds": rounds, "grown": grown})
    sys.exit(bool(grown))


if __name__ == "__main__":
    main()
