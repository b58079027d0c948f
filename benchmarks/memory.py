"""Measure the memory of a whole run at AWA2's size, from .mat files to scores and meters.

    python benchmarks/memory.py --json memory.json

37,322 x 2048 made-up features in xlsa17's layout and the published settings of 2022 for AWA2 - the
flow at full width, boundary mining, 50,000 samples a class - with all baselines and meters, in a
process of its own. Only the time is cut short, which does not change what is held: one epoch of the
flow, of ten batches, one of the relation network and the classifier, and one loop of mining. The
published way holds 10 x 50,000 x 2048 floats of samples alone, twice where it concatenates them
with the real rows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from loading import write
from pairs import Row, highest_memory, parser, row, setting, table
from scale import AWA2, TOY, Scale, dataset

from gsmflow_lite.config import Config
from gsmflow_lite.datasets import load_folder
from gsmflow_lite.method import training
from gsmflow_lite.presets import lite, preset
from gsmflow_lite.progress import Stage
from gsmflow_lite.runs.experiment import run_experiment
from gsmflow_lite.storage import write_json

LIMIT = 3000  # MB


def settings(small: bool) -> Config:
    config = preset("tmm2022", "AWA2")
    if small:
        config = replace(
            config, model=lite().model, classifier=replace(config.classifier, samples=5000)
        )
    mining = replace(config.training.mining, epochs=1, loops=1)
    config = replace(config, checks=1, classifier=replace(config.classifier, epochs=1))
    return replace(config, training=replace(config.training, epochs=1, mining=mining))


def ten_batches(n: int, seed: int, epoch: int) -> torch.Tensor:
    """In place of an epoch's shuffled rows."""
    return torch.arange(min(n, 2560))


def inside(folder: Path, small: bool) -> None:
    """The run itself; prints the highest resident memory so far whenever a stage begins."""
    training.shuffled = ten_batches
    print(f"libraries {highest_memory():.0f}", flush=True)
    data = load_folder(folder)
    print(f"loaded {highest_memory():.0f}", flush=True)

    def watch(event: object) -> None:
        if isinstance(event, Stage):
            print(f"until {event.name.replace(' ', '-')} {highest_memory():.0f}", flush=True)

    run = run_experiment(
        data, settings(small), n=100 if not small else 10, device="cpu", watch=watch
    )
    print(f"whole run {highest_memory():.0f}", flush=True)
    print(f"H {run.result['scores']['harmonic']}", file=sys.stderr)


def main() -> None:
    options = parser(__doc__).parse_args()
    torch.set_num_threads(options.threads)
    if options.alone:
        return inside(Path(options.alone), options.small)
    about = setting()
    scale = TOY if options.small else AWA2
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), dataset(scale), np.float64, "MATLAB 5")
        command = [sys.executable, __file__, "--alone", name, "--threads", str(options.threads)]
        command += ["--small"] * options.small
        highest = {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
            for line in run.stdout:
                stage, megabytes = line.rsplit(" ", 1)
                highest[stage] = int(megabytes)
                print(f"{stage:40s}{highest[stage]:8d} MB", flush=True)
    if run.returncode:
        sys.exit("the run failed")
    found = rows(highest["whole run"], scale)
    print(table(found))
    if options.json:
        write_json(
            options.json,
            {"setting": about, "stages": highest, "rows": [vars(one) for one in found]},
        )


def rows(whole: int, scale: Scale) -> list[Row]:
    samples = scale.unseen * scale.samples * scale.features * 4 / 2**20
    return [
        row("whole run, AWA2", "samples that the published way holds", [whole], [samples], "MB"),
        row("whole run, AWA2", "three gigabytes", [whole], [LIMIT], "MB"),
    ]


if __name__ == "__main__":
    main()
