"""Time what ``import gsmflow_lite`` adds to ``import torch``, beside other flow libraries.

    python benchmarks/imports.py --json imports.json

Each import runs in a fresh process, ours and the peers' in alternation, after torch has been
imported there; files are in the page cache after a round that is not counted. A library that puts
off its own imports is quick here and pays later: so is ours, which leaves plotly, umap,
scikit-learn, pandas and h5py until something needs them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from pairs import Row, Work, main, row

OURS = "gsmflow_lite"
PEERS = ("zuko", "FrEIA", "normflows")
GOAL = 0.3  # seconds beyond torch

CODE = """
import time
start = time.perf_counter()
import torch
middle = time.perf_counter()
import {name}
print(middle - start, time.perf_counter() - middle)
"""


def works(options: argparse.Namespace) -> Iterator[Work]:
    yield from ()  # what counts is timed within each process, not around it


def imports(options: argparse.Namespace, rows: list[Row]) -> list[Row]:
    there = [name for name in PEERS if find_spec(name)]
    names = [OURS, *(there[:1] if options.small else there)]
    rounds = [{name: seconds(name) for name in names} for _ in range(options.runs + 1)][1:]
    ours = [one[OURS][1] for one in rounds]
    work = "import beyond torch"
    found = [
        row(work, f"import {name}", ours, [one[name][1] for one in rounds], "s")
        for name in names[1:]
    ]
    found.append(row(work, "import torch itself", ours, [one[OURS][0] for one in rounds], "s"))
    return [*found, row(work, "the goal", ours, [GOAL] * len(ours), "s")]


def seconds(name: str) -> tuple[float, float]:
    """For importing torch and then ``name``, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(name=name)], check=True, capture_output=True, text=True
    )
    torch, other = map(float, done.stdout.split()[-2:])
    return torch, other


if __name__ == "__main__":
    main(__doc__, works, imports)
