"""Measure this package on a GPU: is it right there, and how fast beside the published structure?

    make bench-gpu
    python benchmarks/gpu.py --minutes 4 --json gpu.json

Prints one table, a row as soon as it is known, and writes the same as JSON. First come checks, then
times in order of importance. What does not fit into the minutes is left out, and said to be. What
fails is a row with the cause, and the rest goes on. A peer does the same work in alternation; the
ratio is ours over the peer's, and a goal is the most that a ratio may be. The exit status is 1 if
a check failed, 2 if there is no such device or the file cannot be written, and else 0.

It needs this package and what that needs. FrEIA (pip install FrEIA) is the peer where it is there.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gpu_checks
import gpu_step
import gpu_work
import torch
from gpu_bench import Bench, Clock
from gpu_rows import ERROR, FAILED, HEAD, LEFT_OUT, WARNED, Row, told

from gsmflow_lite import ConfigError, GSMFlowError, __version__
from gsmflow_lite.numerics import choose_device
from gsmflow_lite.runs.provenance import git_revision
from gsmflow_lite.storage import write_json

TOY_SECONDS = 0.01  # of any part
REFUSED = 2  # exit status


@dataclass(frozen=True)
class Part:
    """Some rows of the table. It is begun only if so many ``seconds`` are left.

    They are for getting ready and a first try, which says how long the rest would take.
    """

    name: str
    seconds: float
    rows: Callable[[Bench], Iterator[Row]]
    check: bool = False


def of_precision(
    rows: Callable[[Bench, str], Iterator[Row]], precision: str
) -> Callable[[Bench], Iterator[Row]]:
    return lambda bench: rows(bench, precision)


#: The most important ones first. Seconds are those of an H100.
PARTS = (
    Part("check: same seed", 6, gpu_checks.repeats, check=True),
    Part("check: captured and plain", 6, gpu_checks.captured_is_plain, check=True),
    Part("check: going on", 5, gpu_checks.goes_on, check=True),
    Part("check: device and CPU", 3, gpu_checks.agrees, check=True),
    Part("check: synthesizing", 2, gpu_checks.same_in_any_batch, check=True),
    Part("training step, tf32", 8, of_precision(gpu_step.training_step, "tf32")),
    Part("training step, bf16", 8, of_precision(gpu_step.training_step, "bf16")),
    Part("training step, float32", 8, of_precision(gpu_step.training_step, "float32")),
    Part("training step of letters", 4, gpu_step.letters_step),
    Part("synthesis, float32", 4, of_precision(gpu_work.synthesis, "float32")),
    Part("mining", 3, gpu_work.mining),
    Part("training on letters", 15, gpu_work.hundred_epochs),
    Part("log-likelihood", 4, gpu_work.likelihood),
    Part("synthesis, bf16", 4, of_precision(gpu_work.synthesis, "bf16")),
    Part("busy time of a step", 8, gpu_step.busy_time),
    Part("relation network", 2, gpu_work.relation_network),
    Part("synthesis of many", 5, gpu_work.synthesis_of_many),
    Part("classifier", 10, gpu_work.classifier),
    Part("a run of letters", 20, gpu_work.letters_run),
    Part("a run of CUB's size", 25, gpu_work.cub_run),
)


# --- Running -------------------------------------------------------------------------------------


def measured(bench: Bench, todo: Sequence[Part]) -> Iterator[Row]:
    """Give the rows of all parts; no part stops the others, but an interrupt leaves them out."""
    interrupted = False
    for part in todo:
        if interrupted:
            yield Row(part.name, verdict=LEFT_OUT, note="interrupted", part=part.name)
            continue
        try:
            yield from _rows_of(bench, part)
        except KeyboardInterrupt:
            interrupted = True
            yield Row(part.name, verdict=LEFT_OUT, note="interrupted", part=part.name)


def _rows_of(bench: Bench, part: Part) -> Iterator[Row]:
    """The rows of a part, then what it warned of, and why it ended early."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ending = None
        try:
            bench.clock.need(TOY_SECONDS if bench.small else part.seconds)
            for row in part.rows(bench):
                yield replace(row, part=part.name)
        except Exception as error:
            ending = told(part.name, error)
    for words in dict.fromkeys(str(one.message) for one in caught):
        yield Row(part.name, verdict=WARNED, note=words, part=part.name)
    if ending is not None:
        yield replace(ending, part=part.name)
    _free(bench)


def _free(bench: Bench) -> None:
    """Give the memory of a part back; after some errors CUDA refuses even that."""
    if bench.device.type == "cuda":
        gc.collect()
        with suppress(RuntimeError):
            torch.cuda.empty_cache()


def is_right(rows: Sequence[Row]) -> bool:
    """Whether no check failed, or ended in an error."""
    checks = {part.name for part in PARTS if part.check}
    return not any(row.verdict in (FAILED, ERROR) and row.part in checks for row in rows)


# --- The command ---------------------------------------------------------------------------------


def setting(device: torch.device) -> dict[str, Any]:
    """What the figures depend on."""
    about = {
        "device": _name_of(device),
        "torch": torch.__version__,
        "CUDA": torch.version.cuda or "none",
        "gsmflow-lite": __version__,
        "revision": git_revision(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    return about | {name: _version(name) for name in ("numpy", "scikit-learn", "FrEIA")}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _name_of(device: torch.device) -> str:
    if device.type != "cuda":
        return device.type
    of_device = torch.cuda.get_device_properties(device)
    memory = of_device.total_memory / 2**30
    return f"{of_device.name}, {memory:.0f} GiB"


def found_device(name: str) -> torch.device:
    """Return the device of that name. Raises ``ConfigError`` where torch has none."""
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(
            f"torch {torch.__version__} finds no GPU here: gsmflow-lite doctor says why, and "
            "--device cpu --small shows that the script runs"
        )
    device = choose_device(name)
    if device.index is not None and device.type == "cuda":
        torch.cuda.set_device(device)  # graphs are recorded on the current one
    return device


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--device", default="cuda", help="default: %(default)s")
    command.add_argument(
        "--minutes", type=float, default=4.0, help="budget of all together (default: %(default)s)"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the rows here, too")
    command.add_argument(
        "--small",
        action="store_true",
        help="toy sizes, to see that everything runs: its figures mean nothing",
    )
    return command.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = options_of(arguments)
    try:
        device = found_device(options.device)
        about = setting(device)
        if options.json:  # a path that cannot be written should say so now
            write_json(options.json, {"setting": about})
    except GSMFlowError as error:
        print(error, file=sys.stderr)
        return REFUSED
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    if options.small:
        print("Toy sizes: the figures mean nothing.")
    print(HEAD, flush=True)

    clock = Clock(device, 60 * options.minutes, **({"most_rounds": 1} if options.small else {}))
    rows: list[Row] = []
    for row in measured(Bench(clock, options.small), PARTS):
        print(row.line, flush=True)
        rows.append(row)
        if options.json:  # at once: a driver may take the process with it
            write_json(options.json, _as_data(about, clock, rows, is_right(rows)))
    right = is_right(rows)
    print(_last_words(clock, rows, right))
    return 0 if right else 1


def _as_data(
    about: dict[str, Any], clock: Clock, rows: Sequence[Row], right: bool
) -> dict[str, Any]:
    return {
        "setting": about,
        "minutes": clock.seconds / 60,
        "seconds": clock.spent,
        "checks_passed": right,
        "left_out": [row.work for row in rows if row.verdict == LEFT_OUT],
        "rows": [asdict(row) for row in rows],
    }


def _last_words(clock: Clock, rows: Sequence[Row], right: bool) -> str:
    left_out = [row.work for row in rows if row.verdict == LEFT_OUT]
    words = [f"{clock.spent:.0f} s.", "No check failed." if right else "A check FAILED."]
    if left_out:
        words.append(f"Left out for lack of time: {'; '.join(left_out)}.")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
