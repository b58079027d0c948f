"""Give broken files to every reader, which must read them by the rules or refuse them.

    python benchmarks/fuzz.py --json fuzz.json               # 24,000 files
    python benchmarks/fuzz.py --files 500 --readers npz      # fewer files, for one reader
    python benchmarks/fuzz.py --keep wrong                   # keep files that were read wrongly

A refusal must be one clear error, in bounded time and memory.

Files are made from a seed, so a run can be repeated. Each is read in a process of its own kind,
which may take so much address space and time and no more. What may happen to a file:

==========  ========================================================================================
read        and all rules hold: shapes agree, numbers are finite, labels and splits are in range
refused     with a ``GSMFlowError`` of moderate length, or, where a cache is read, made again
hang        no answer in time
crash       the interpreter died
memory      more was taken than is allowed, or an allocation failed
written     something was written outside the folder
wrong       what was read breaks a rule, or a checksum let a changed byte through
other       any other exception
==========  ========================================================================================

Of formats with checksums (.npz, compressed variables of MATLAB 5, the cache of maps) a changed byte
is told from a good one. MATLAB 5 without compression, .npy, HDF5 without its own checksums and
safetensors have none: a changed number that is finite and in range reads as another number.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

OUTCOMES = ("read", "refused", "hang", "crash", "memory", "written", "wrong", "other")
WRONG = OUTCOMES[2:]
SECONDS = 20.0  # that reading a file of some kilobytes may take on a busy machine
MEGABYTES = 512  # by which the process may grow while it reads one
LONGEST = 2000  # characters of an error
NO_MEMORY = re.compile(
    "allocation failed|(not|n.t|unable to|failed to) allocate|for allocation|out of memory",
    re.IGNORECASE,
)
START = 120.0  # seconds that a process may take to import everything


class Case(NamedTuple):
    """One broken file, known by its reader, the seed of the run and its number."""

    reader: str
    seed: int
    number: int

    def files(self) -> tuple[dict[str, bytes], bool]:
        """The folder with the broken file; whether only bytes were changed."""
        import readers

        files, bytes_only = readers.broken(readers.READERS[self.reader], Random(repr(self)))
        return dict(files), bytes_only


class Result(NamedTuple):
    case: Case
    outcome: str
    detail: str = ""
    megabytes: float = 0.0


# --- In the process that reads --------------------------------------------------------------------


def serve(connection: Connection, place: str) -> None:
    """Read one case after the other, in a folder of this process alone, until the asker ends."""
    import readers

    base = Path(place)
    furnish(base)
    os.chdir(base / "work")
    warnings.simplefilter("error")
    for reader in readers.READERS.values():  # whatever is imported late, and takes memory once
        _lay_out(base / "cells", reader.make())
        reader.read(base / "cells")
    most = _kilobytes("VmSize") * 1024 + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    connection.send("ready")
    with suppress(EOFError):
        while True:
            connection.send(attempt(base, Case(*connection.recv())))


def furnish(base: Path) -> None:
    """What files may point to and must not reach."""
    import h5py
    import mutations
    import numpy as np

    for name in ("work", "cells", "outside"):
        (base / name).mkdir(exist_ok=True)
    secret = np.full((70, 4), mutations.SECRET)
    (base / "outside" / "secret.bin").write_bytes(secret.tobytes())
    with h5py.File(base / "outside" / "secret.h5", "w") as file:
        file["x"] = secret


def _lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def attempt(base: Path, case: Case) -> Result:
    """Read one broken file and say what came of it."""
    files, bytes_only = case.files()
    _lay_out(base / "cells", files)
    before = _listing(base)
    Path("/proc/self/clear_refs").write_text("5")  # the highest memory is counted from now
    resident = _kilobytes("VmRSS")
    outcome, detail = _read(case, base / "cells", bytes_only)
    grown = (_kilobytes("VmHWM") - resident) / 1024
    if grown > MEGABYTES and outcome in OUTCOMES[:2]:
        outcome, detail = "memory", f"{grown:.0f} MB"
    if _listing(base) != before:
        outcome, detail = "written", f"{set(_listing(base)) ^ set(before)}"
        furnish(base)
    return Result(case, outcome, detail, grown)


def _read(case: Case, folder: Path, bytes_only: bool) -> tuple[str, str]:
    import readers

    from gsmflow_lite.errors import GSMFlowError

    reader = readers.READERS[case.reader]
    try:
        found = reader.read(folder)
        if found is not None and bytes_only and reader.exact:
            readers.unchanged(reader, found)
        return ("refused", "None") if found is None else ("read", "")
    except readers.WrongData as error:
        return "wrong", str(error)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        if _of_memory(error):
            return "memory", said
        clear = isinstance(error, GSMFlowError) and len(said) <= LONGEST and "\x1b" not in said
        return ("refused" if clear else "other"), said[:300]


def _of_memory(error: BaseException | None) -> bool:
    """Whether an allocation failed somewhere below, whatever became of that error."""
    while error is not None:
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _listing(base: Path) -> list[tuple[str, int, int]]:
    """Everything outside the folder that is read."""
    found = [*os.scandir(base), *os.scandir(base / "work"), *os.scandir(base / "outside")]
    return sorted(
        (entry.path, entry.stat().st_size, entry.is_file() and entry.stat().st_mtime_ns)
        for entry in found
    )


def _kilobytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


# --- In the process that asks ---------------------------------------------------------------------


class Worker:
    """A process that reads, and another one when it died or hung."""

    def __init__(self, target: Callable[[Connection, str], None] = serve) -> None:
        self.target = target
        self.process = None
        self.connection = None
        self.place = tempfile.TemporaryDirectory()

    def read(self, case: Case) -> Result:
        if self.process is None:
            self._start()
        self.connection.send(tuple(case))
        if not self.connection.poll(SECONDS):
            self._stop()
            return Result(case, "hang", f"no answer in {SECONDS:g} s")
        try:
            return self.connection.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            self._stop()
            return Result(case, "crash", f"the process ended with {code}")

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=self.target, args=(theirs, self.place.name), daemon=True
        )
        self.process.start()
        theirs.close()
        if not self.connection.poll(START) or self.connection.recv() != "ready":
            raise RuntimeError("the process that reads did not start")

    def _stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None

    def close(self) -> None:
        self._stop()
        self.place.cleanup()


def results(cases: Iterable[Case], jobs: int) -> Iterator[Result]:
    """Each case read by one of ``jobs`` processes."""
    own = threading.local()
    workers = []

    def read(case: Case) -> Result:
        if not hasattr(own, "worker"):
            own.worker = Worker()
            workers.append(own.worker)
        return own.worker.read(case)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(read, cases)
    finally:
        for worker in workers:
            worker.close()


def count(found: Iterable[Result]) -> dict[str, Counter]:
    """How many files of each reader met which end."""
    counts: dict[str, Counter] = {}
    for result in found:
        counts.setdefault(result.case.reader, Counter())[result.outcome] += 1
    return counts


def table(counts: dict[str, Counter]) -> str:
    lines = [
        "| reader | files | " + " | ".join(OUTCOMES) + " |",
        "|---" * (len(OUTCOMES) + 2) + "|",
    ]
    whole = sum(counts.values(), Counter())
    for name, ends in [*counts.items(), ("**all**", whole)]:
        lines.append(
            f"| {name} | {ends.total()} | "
            + " | ".join(str(ends[outcome]) for outcome in OUTCOMES)
            + " |"
        )
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    import readers

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=24_000, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes that read (default: %(default)s)"
    )
    parser.add_argument(
        "--readers",
        nargs="+",
        choices=tuple(readers.READERS),
        default=tuple(readers.READERS),
        metavar="NAME",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts here, too")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="write files that were read wrongly here"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    from gsmflow_lite.storage import write_json

    options = _options(arguments)
    each = -(-options.files // len(options.readers))
    cases = [Case(name, options.seed, number) for name in options.readers for number in range(each)]
    started = time.perf_counter()
    all_results = []
    for result in results(cases, options.jobs):
        all_results.append(result)
        if result.outcome in WRONG:
            print(
                f"{result.outcome}: {result.case.reader} {result.case.number}: {result.detail}",
                flush=True,
            )
            if options.keep:
                _keep(options.keep, result.case)
    seconds = time.perf_counter() - started
    counts = count(all_results)
    heaviest = max(all_results, key=lambda result: result.megabytes)
    print(table(counts))
    print(
        f"{len(cases)} files in {seconds:.0f} s; "
        f"the heaviest was {heaviest.case}: {heaviest.megabytes:.0f} MB"
    )
    if options.json:
        rows = {
            name: {"files": ends.total(), **{key: ends[key] for key in OUTCOMES}}
            for name, ends in counts.items()
        }
        about = {
            "seed": options.seed,
            "seconds": round(seconds),
            "most megabytes": round(heaviest.megabytes),
        }
        write_json(options.json, about | {"readers": rows})
    return int(any(ends[key] for ends in counts.values() for key in WRONG))


def _keep(folder: Path, case: Case) -> None:
    for name, content in case.files()[0].items():
        path = folder / f"{case.reader} {case.number}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
