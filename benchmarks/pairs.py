"""Run our code and its peers in turn on the same work, and give medians and ratios.

A benchmark here is a list of :class:`Work`; :func:`main` gives it its command line, prints a table
and writes JSON.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from gsmflow_lite.storage import write_json

SMALLEST = 0.1  # megabytes: less growth cannot be told from none
PEERS = ("torch", "numpy", "scikit-learn", "FrEIA", "zuko", "normflows")


@dataclass(frozen=True)
class Work:
    """A piece of work that ``ours`` and every peer do once a call.

    What they return is dropped after ``same`` saw it.

    A peer that would take too long does a ``shares`` of the work only, and its time is divided by
    that: the work must grow in proportion. ``same`` is then left out for it.
    """

    name: str
    ours: Callable[[], Any]
    peers: Mapping[str, Callable[[], Any]]
    unit: str = "s"
    per: float = 1.0  # pieces in a call: times are divided by it
    shares: Mapping[str, float] = field(default_factory=dict)
    memory: bool = False  # whether the growth of memory is compared with the (only) peer's, too
    same: Callable[[Any, Any], None] = lambda ours, peer: None  # raises where the results differ


@dataclass(frozen=True)
class Row:
    """The times of ours and of a peer.

    ``ratio`` is the median of the ratios of paired runs, ``low`` the least, ``high`` the largest.
    """

    work: str
    against: str
    ours: float
    peer: float
    ratio: float
    low: float
    high: float
    unit: str
    runs: int


def alternate(work: Work, runs: int) -> list[Row]:
    """Run ours and the peers in turn, ``runs`` times.

    A round before that is not counted; its results are compared.
    """
    everyone = {"ours": work.ours, **work.peers}
    first = {name: call() for name, call in everyone.items()}
    for name in work.peers:
        if name not in work.shares:
            work.same(first["ours"], first[name])
    del first
    times: dict[str, list[float]] = {name: [] for name in everyone}
    for _ in range(runs):
        for name, call in everyone.items():
            started = time.perf_counter()
            call()
            times[name].append(
                (time.perf_counter() - started) / work.per / work.shares.get(name, 1.0)
            )
    return [row(work.name, name, times["ours"], times[name], work.unit) for name in work.peers]


def row(work: str, against: str, ours: Sequence[float], peer: Sequence[float], unit: str) -> Row:
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    middle = statistics.median
    return Row(
        work,
        against,
        middle(ours),
        middle(peer),
        middle(ratios),
        min(ratios),
        max(ratios),
        unit,
        len(ratios),
    )


def peak(script: str, name: str, options: argparse.Namespace) -> float:
    """Megabytes by which a call of ``script`` grows a fresh process; see :func:`alone`."""
    command = [
        sys.executable,
        script,
        "--alone",
        name,
        "--threads",
        str(options.threads),
        *["--small"] * options.small,
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def alone(call: Callable[[], Any]) -> None:
    """Print the megabytes by which this process's highest memory grows while ``call`` runs."""
    before = highest_memory()
    call()
    print(max(SMALLEST, highest_memory() - before))


def highest_memory() -> float:
    """Highest resident memory of this process, in megabytes.

    ``getrusage`` would not do: it inherits from the parent process.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def setting() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    versions = {}
    for name in PEERS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **versions,
    }


def table(rows: Sequence[Row]) -> str:
    lines = ["| work | against | ours | peer | ratio | of the runs | runs |", "|---" * 7 + "|"]
    for r in rows:
        lines.append(
            f"| {r.work} | {r.against} "
            f"| {r.ours:.3g} {r.unit} | {r.peer:.3g} {r.unit} | **{r.ratio:.2f}** "
            f"| {r.low:.2f} to {r.high:.2f} | {r.runs} |"
        )
    return "\n".join(lines)


def parser(doc: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    command = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the rows here, too")
    command.add_argument("--runs", type=int, default=5, help="paired runs (default: %(default)s)")
    command.add_argument(
        "--threads",
        type=int,
        default=torch.get_num_threads(),
        help="of torch (default: %(default)s)",
    )
    # A call in a process of its own, for its memory.
    command.add_argument("--alone", metavar="CALL", help=argparse.SUPPRESS)
    command.add_argument(
        "--small",
        action="store_true",
        help="a toy size, to see that everything runs: its figures mean nothing",
    )
    return command


def main(
    doc: str,
    make: Callable[[argparse.Namespace], Iterator[Work]],
    more: Callable[..., list[Row]] | None = None,
    more_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> None:
    """Run every work that ``make(options)`` yields, print a table and write it as JSON.

    ``more(options, rows)`` may add rows, and ``more_options(parser)`` options.
    """
    reader = parser(doc)
    more_options(reader)
    options = reader.parse_args()
    torch.set_num_threads(options.threads)
    if options.alone:
        work, _, who = options.alone.partition(": ")
        found = next(one for one in make(options) if one.name == work)
        return alone({"ours": found.ours, **found.peers}[who])
    about = setting()
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    rows: list[Row] = []
    for work in make(options):
        rows += alternate(work, options.runs)
        if work.memory:
            mine, theirs = (
                peak(sys.argv[0], f"{work.name}: {who}", options) for who in ("ours", *work.peers)
            )
            rows.append(
                row(f"{work.name}, peak memory", next(iter(work.peers)), [mine], [theirs], "MB")
            )
    if more is not None:
        rows += more(options, rows)
    print(table(rows))
    if options.json:
        write_json(options.json, {"setting": about, "rows": [asdict(one) for one in rows]})
