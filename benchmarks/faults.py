"""Kill work at random moments, and look whether anything finished is lost or wrong.

    python benchmarks/faults.py --kills 200 --json faults.json

Each kind of work is done once undisturbed. Then a process doing the same is killed at a moment
drawn from the time that it took; what it left is looked at, and the next process goes on from
there, until one comes to the end; then it starts anew. What must hold: a file that was whole stays
whole and does not go back to an older state; what comes out in the end is what the undisturbed work
gave, bit for bit.

Then training is disturbed otherwise, ``--faults`` times each: a call of the system that writes the
checkpoint fails (no space left, read-only, folder gone), or the interrupt of a notebook's kernel
comes, at any line of the code. The error must be a ``StorageError``, the model usable, and the next
call must go on to the same end. Needs fork: Linux or macOS.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pandas as pd
import torch
from scale import TOY, dataset

from gsmflow_lite import RidgeGaussian, TrainingConfig, fit, new_model
from gsmflow_lite.config import ModelConfig
from gsmflow_lite.datasets import gaussian_world, save_npz
from gsmflow_lite.errors import StorageError
from gsmflow_lite.method.model import SavedModel
from gsmflow_lite.presets import lite
from gsmflow_lite.runs.diagnosis import diagnose
from gsmflow_lite.runs.report import write_report
from gsmflow_lite.runs.study import run_study
from gsmflow_lite.runs.study_file import Study
from gsmflow_lite.storage import read_tensors, write_json

DATA = dataset(TOY)
MODEL = ModelConfig(blocks=2, hidden=32, embedding=8)
TRAINING = TrainingConfig(epochs=30, batch=16, lr=1e-3, mining=None)
SAVES = 40


@dataclass
class Work:
    """A kind of work that may be killed and must go on.

    ``run`` does all that is left to do in a folder. ``state`` looks at the files there and raises
    an error where they are not whole.

    ``state`` returns how far the work is, and ``outcome`` what it came to, both to be compared with
    ``==``.
    """

    name: str
    run: Callable[[Path], None]
    state: Callable[[Path], int]
    outcome: Callable[[Path], object]
    times: int = 0
    ends: int = 0
    faults: list[str] = field(default_factory=list)


def train(folder: Path) -> None:
    for _ in fit(new_model(DATA, MODEL), DATA, TRAINING, device="cpu", checkpoint=folder / "run"):
        pass


def epochs(folder: Path) -> int:
    path = folder / "run"
    return len(read_tensors(path)[1]["history"]) if path.exists() else 0


def weights(folder: Path) -> dict[str, bytes]:
    return {
        name: value.numpy().tobytes() for name, value in read_tensors(folder / "run")[0].items()
    }


def save(folder: Path) -> None:
    model = new_model(DATA, MODEL)
    for number in range(saved(folder) + 1, SAVES + 1):
        with torch.no_grad():
            for weight in model.parameters():
                weight.fill_(number)
        SavedModel(model=model, notes={"number": number}).save(folder / "model.safetensors")


def saved(folder: Path) -> int:
    path = folder / "model.safetensors"
    if not path.exists():
        return 0
    found = SavedModel.load(path)
    values = {
        float(value) for weight in found.model.parameters() for value in weight.detach().unique()
    }
    assert values == {found.notes["number"]}, (
        f"a model of {values} says that it is number {found.notes['number']}"
    )
    return found.notes["number"]


def study(folder: Path) -> None:
    save_npz(DATA, folder / "toy.npz")
    baselines = ("ridge-gaussian", "eszsl", "oracle")
    few = {"training.epochs": 1, "checks": 1, "preprocessing": "none", "components": False}
    run_study(
        Study(
            name="toy",
            datasets=[str(folder / "toy.npz")],
            seeds=3,
            overrides=few,
            baselines=baselines,
        ),
        folder,
        jobs=1,
    )


def cells(folder: Path) -> int:
    found = list((folder / "cells").glob("[!.]*.json"))
    assert all(json.loads(path.read_text())["status"] == "done" for path in found), "a cell failed"
    return len(found)


def table(folder: Path) -> str:
    frame = pd.read_parquet(folder / "results.parquet")
    return frame.drop(
        columns=[name for name in frame if name in ("time", "data") or "seconds" in name]
    ).to_json()


def report(folder: Path) -> None:
    world = gaussian_world(seed=0).dataset
    generator = RidgeGaussian.fit(world)
    found = diagnose(world, generator, lite(), n=20)
    for _ in range(3):
        write_report(
            folder / "report.html",
            dataset=world,
            generator=generator,
            result=found.result,
            shifts=found.shifts,
        )


def pages(folder: Path) -> int:
    path = folder / "report.html"
    if not path.exists():
        return 0
    assert path.read_text().rstrip().endswith("</html>"), "half a page"
    return 1


def work() -> list[Work]:
    return [
        Work("training", train, epochs, weights),
        Work("saving", save, saved, saved),
        Work("study", study, cells, table),
        Work("report", report, pages, pages),
    ]


def start(run: Callable[[Path], None], folder: Path) -> int:
    """A process of its own that does the work; its number."""
    child = os.fork()
    if child:
        return child
    try:
        os.close(1)
        os.close(2)
        run(folder)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


def until(child: int, seconds: float) -> int | None:
    """The exit status of a process that ended within so many seconds, None if it did not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def torment(one: Work, kills: int, rng: random.Random) -> None:
    """Kill that work so often; what was found goes into it."""
    with tempfile.TemporaryDirectory() as name:
        calm = Path(name)
        started = time.monotonic()
        if until(start(one.run, calm), 600):
            raise SystemExit(f"{one.name} fails undisturbed")
        took = time.monotonic() - started
        expected = one.outcome(calm)
        last = one.state(calm)
    while one.times < kills:
        with tempfile.TemporaryDirectory() as name:
            before = 0
            for _ in itertools.count():
                child = start(one.run, Path(name))
                status = until(child, rng.uniform(0, took) if one.times < kills else 600)
                if status is None:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    one.times += 1
                before = look(one, Path(name), before)
                if status is not None:
                    one.ends += 1
                    judge(one, Path(name), status, expected, last)
                    break


def look(one: Work, folder: Path, before: int) -> int:
    try:
        now = one.state(folder)
    except Exception as error:
        one.faults.append(f"not whole: {error}")
        shutil.rmtree(folder)
        folder.mkdir()
        return 0
    if now < before:
        one.faults.append(f"went back from {before} to {now}")
    return now


def judge(one: Work, folder: Path, status: int, expected: object, last: int) -> None:
    if status:
        one.faults.append(f"did not go on: exit status {status}")
    elif one.state(folder) != last or one.outcome(folder) != expected:
        one.faults.append("another result than undisturbed")


CALLS = ("os.replace", "os.fsync", "os.chmod", "tempfile.mkstemp", "pathlib.Path.mkdir")
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EIO, errno.EDQUOT)


@contextmanager
def failing_call(rng: random.Random) -> Iterator[None]:
    """One call of the system fails once, sooner or later."""
    name = rng.choice(CALLS)
    code = rng.choice(ERRORS)
    wait = rng.randrange(TRAINING.epochs)
    left = itertools.count(wait, -1)
    real = pkgutil.resolve_name(name)

    def maybe(*args, **options):
        if next(left) == 0:
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    with mock.patch(name, maybe):
        yield


@contextmanager
def interrupt(rng: random.Random) -> Iterator[None]:
    """Ctrl-C comes, if the work is not done before."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.001, 0.5))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def disturbed(
    name: str,
    disturb: Callable[[random.Random], AbstractContextManager],
    times: int,
    rng: random.Random,
) -> Work:
    """Train under a disturbance, look at the model, and go on without it."""
    one = Work(name, train, epochs, weights)
    with tempfile.TemporaryDirectory() as calm:
        train(Path(calm))
        expected = weights(Path(calm))
    for one.times in range(1, times + 1):
        model = new_model(DATA, MODEL)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run"
            try:
                with disturb(rng):
                    for _ in fit(model, DATA, TRAINING, device="cpu", checkpoint=path):
                        pass
            except (StorageError, KeyboardInterrupt):
                pass
            except Exception as error:
                one.faults.append(f"{type(error).__name__}: {error}")
            if not model.synthesize(DATA.attributes, 3).isfinite().all():
                one.faults.append("the model is not usable")
            one.ends += 1
            train(Path(folder))
            if weights(Path(folder)) != expected:
                one.faults.append("another result than undisturbed")
    return one


def tell(one: Work) -> None:
    print(
        f"{one.name:14s}{one.times:5d} times, came to the end {one.ends}, faults {len(one.faults)}",
        flush=True,
    )
    for fault in one.faults:
        print(f"    {fault}")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--kills", type=int, default=200, help="in all, shared by the kinds of work"
    )
    options.add_argument(
        "--faults", type=int, default=100, help="failing calls, and as many interrupts"
    )
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", metavar="FILE")
    options = options.parse_args()
    torch.set_num_threads(1)  # threads do not survive a fork
    rng = random.Random(options.seed)
    done = work()
    for number, one in enumerate(done):
        before = options.kills * number // len(done)
        after = options.kills * (number + 1) // len(done)
        torment(one, after - before, rng)
        tell(one)
    for name, disturb in (("failing call", failing_call), ("interrupt", interrupt)):
        done.append(disturbed(name, disturb, options.faults, rng))
        tell(done[-1])
    if options.json:
        rows = [
            {"work": one.name, "times": one.times, "ends": one.ends, "faults": one.faults}
            for one in done
        ]
        write_json(options.json, {"seed": options.seed, "rows": rows})
    sys.exit(any(one.faults for one in done))


if __name__ == "__main__":
    main()
