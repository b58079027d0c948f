"""A study: variants x presets x seeds x data sets from one small file, on local processes or a Dask cluster, resumable.

Its *plan* is a list of rows, each with the cell that fills it. A *cell* is one training with everything that determines its
result; the digest of that names the file which keeps the result. So a finished cell is never run twice, whatever else changes
in the study, and an old result is never taken for that of other data or settings.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import math
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from . import __version__
from . import protocol as rules
from .config import PUBLISHED, Config, check_seed, lite, preset
from .datasets import GZSLDataset, available, load
from .errors import ConfigError, DataError, GSMFlowError
from .events import Event, Stage, Step
from .experiment import _versions
from .generators import RealSamples
from .shifts import LEAST, measure
from .storage import write_json, write_whole

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1  # of a cell's file; a higher one makes all cells run anew
MOST_CELLS = 10_000  # a study file may come from a stranger
LARGEST_FILE = 1_000_000  # bytes
LARGEST = sys.float_info.max  # JSON has larger numbers
LONGEST = 80  # characters of a name
BASELINES = ("ridge-gaussian", "eszsl", "oracle")
SCORES = {"seen": "S", "unseen": "U", "harmonic": "H", "zsl": "T1"}
METERS = ("semantic", "variance", "structure")
NUMBERS = (*SCORES, "validation_harmonic", "calibration", *METERS, *(f"{m}_ceiling" for m in METERS),
           "train_seconds", "evaluate_seconds", "seconds")  # fmt: skip
TEXTS = ("setting", "chosen_on", "note", "versions", "revision", "time")
CONNECT = 20  # seconds that a scheduler and its first worker have to answer
NO_CHANGES: Mapping[str, Mapping[str, Any]] = {"as it is": {}}


def _require(holds: bool, rule: str, value: object) -> None:
    if not holds:
        raise ConfigError(f"{rule}, got {value!r}")


# --- What is asked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set as :func:`gsmflow_lite.datasets.load` takes it, and what tables call it.

    Raises ``ConfigError`` for a value that is not text.
    """

    data: str  # name, folder or .npz file; every worker must be able to read it
    features: str = "res101"
    name: str = ""

    def __post_init__(self) -> None:
        for key in ("data", "features", "name"):
            _require(isinstance(getattr(self, key), str), f"{key} of a data set must be text", getattr(self, key))
        _require(bool(self.data), "data of a data set must be a name, a folder or an .npz file", self.data)
        object.__setattr__(self, "name", _name(self.name or Path(self.data).stem or self.data, "the name of a data set"))

    @classmethod
    def of(cls, value: Any) -> Source:
        """From a name or path, or a table with ``data`` and perhaps ``features`` and ``name``.

        Raises ``ConfigError`` for anything else.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | Path):
            return cls(data=str(value))
        known = [f.name for f in fields(cls)]
        good = isinstance(value, Mapping) and "data" in value and set(value) <= set(known)
        _require(good, f"a data set must be a name, a path, or a table with data and perhaps {', '.join(known[1:])}", value)
        return cls(**value)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared. Everything is checked when it is made; ``ConfigError`` says what is wrong.

    ================ ==========================================================================================
    ``datasets``     names, folders, .npz files, or :class:`Source`
    ``presets``      such as ``lite/glyphs`` or ``tmm2022/CUB``; where empty, the ``lite`` one that suits the data
    ``seeds``        numbers, or how many: 5 is 0 to 4
    ``vary``         a row for each name: the preset with these settings changed, ``{"model.semantics": "none"}``
    ``overrides``    settings that are changed in every row
    ``baselines``    more rows, of ``ridge-gaussian``, ``eszsl`` and ``oracle``
    ``protocol``     as in :func:`gsmflow_lite.protocol.run`
    ``imagined``     features a class for the three meters; 0 measures nothing
    ``reference``    the row that others are compared with, by default the first of ``vary``
    ================ ==========================================================================================

    ``False`` takes away a setting that may be absent: ``{"training.mining": False}``. A row has one seed for weights, batches,
    noise and samples alike, and rows with the same seed are compared in pairs.
    """

    name: str
    datasets: Sequence[Any]
    presets: Sequence[str] = ()
    seeds: int | Sequence[int] = 5
    vary: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: dict(NO_CHANGES))
    overrides: Mapping[str, Any] = field(default_factory=dict)
    baselines: Sequence[str] = ()
    protocol: str = "validation"
    imagined: int = 400
    device: str = "cpu"  # several processes on one GPU get into each other's way
    reference: str = ""

    def __post_init__(self) -> None:
        _name(self.name, "the name of a study")
        for key in ("datasets", "presets", "baselines"):
            self._put(key, _listed(getattr(self, key), key))
        self._put("datasets", tuple(Source.of(value) for value in self.datasets))
        _require(bool(self.datasets), "datasets must name at least one", self.datasets)
        _distinct([source.name for source in self.datasets], "names of data sets (a table with name = ... gives another)")
        _distinct(self.presets, "presets")
        self._put("seeds", _seeds(self.seeds))
        self._check_rows()
        _require(self.count <= MOST_CELLS, f"a study may have {MOST_CELLS} cells at most", self.count)
        self._check_rules()
        for source in self.datasets:
            for name in self.presets_of(source):
                for variant in self.vary:
                    self.config(name, variant)

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    def _check_rows(self) -> None:
        _require(isinstance(self.vary, Mapping) and bool(self.vary), "vary must be a table with a row or more", self.vary)
        for name in self.vary:
            _name(name, "a name in vary")
        unknown = [name for name in self.baselines if name not in BASELINES]
        _require(not unknown, f"baselines must be among {', '.join(BASELINES)}", self.baselines)
        _distinct(self.rows, "rows (names in vary and baselines)")
        self._put("reference", self.reference or next(iter(self.vary)))
        _require(self.reference in self.rows, f"reference must be a row, one of {', '.join(self.rows)}", self.reference)

    def _check_rules(self) -> None:
        _require(self.protocol in rules.PROTOCOLS, f"protocol must be one of {', '.join(rules.PROTOCOLS)}", self.protocol)
        whole = isinstance(self.imagined, int) and not isinstance(self.imagined, bool)
        good = whole and (self.imagined == 0 or self.imagined >= LEAST)
        _require(good, f"imagined must be 0, or at least {LEAST} features a class", self.imagined)
        _require(isinstance(self.device, str), "device must be text", self.device)

    @property
    def count(self) -> int:
        """How many cells it has."""
        return len(self.datasets) * max(1, len(self.presets)) * len(self.seeds) * len(self.rows)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows of the table: the baselines, then what is varied."""
        return (*self.baselines, *self.vary)

    def presets_of(self, source: Source) -> tuple[str, ...]:
        """Names of the presets that a data set is run with."""
        return tuple(self.presets) or ("lite/glyphs" if source.data == "glyphs" else "lite/features",)

    def config(self, preset_name: str, variant: str | None = None) -> Config:
        """The settings of one row; of no variant, those of the baselines."""
        try:
            base = changed(named_preset(preset_name), self.overrides)
        except ConfigError as error:
            raise ConfigError(f"preset {preset_name!r} with the overrides: {error}") from None
        try:
            return base if variant is None else changed(base, self.vary[variant])
        except ConfigError as error:
            raise ConfigError(f"{variant!r} in vary, with the preset {preset_name!r}: {error}") from None

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """A study from a TOML file: the fields are its keys. Nothing in the file can run code.

        Relative paths of data are taken from the working directory. Raises ``ConfigError`` with the file's name.
        """
        try:
            values = _toml(Path(path))
            known = [f.name for f in fields(cls)]
            unknown = sorted(set(values) - set(known))
            if unknown:
                raise ConfigError(f"a study has no key {unknown[0]!r}: known are {', '.join(known)}")
            missing = [key for key in ("name", "datasets") if key not in values]
            if missing:
                raise ConfigError(f"a study needs the key {missing[0]!r}")
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _toml(path: Path) -> dict[str, Any]:
    if path.suffix == ".py":
        raise ConfigError("a study file must be TOML: in Python, make Study(...) and call run_study, which needs no file")
    if not path.is_file():
        raise ConfigError("a study must be a TOML file, and there is none: check the path")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigError(f"a study file may have {LARGEST_FILE} bytes at most")
        values = tomllib.loads(content.decode())
        json.dumps(values, default=str)  # writes no number of more than 4300 digits, and nor would an error
    except ConfigError:
        raise
    except (ValueError, RecursionError, OSError) as error:
        raise ConfigError(f"this cannot be read as TOML ({error}): correct it there") from None
    return values


def _name(value: Any, what: str) -> str:
    good = isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable() and value == value.strip()
    _require(good, f"{what} must be text of 1 to {LONGEST} printable characters, none of them a space at an end", value)
    return value


def _listed(value: Any, what: str) -> tuple:
    _require(isinstance(value, list | tuple), f"{what} must be a list", value)
    return tuple(value)


def _distinct(values: Sequence[str], what: str) -> None:
    twice = next((value for value in values if list(values).count(value) > 1), None)
    _require(twice is None, f"{what} must be distinct", twice)


def _seeds(value: Any) -> tuple[int, ...]:
    count = isinstance(value, int) and not isinstance(value, bool)
    if count:
        _require(0 < value <= MOST_CELLS, f"the number of seeds must be from 1 to {MOST_CELLS}", value)
        return tuple(range(value))
    seeds = _listed(value, "seeds, where they are not their number,")
    whole = bool(seeds) and all(isinstance(seed, int | np.integer) and not isinstance(seed, bool) for seed in seeds)
    _require(whole, "seeds must be whole numbers, one or more, or how many", seeds)
    for seed in seeds:
        check_seed(seed)
    _require(len(set(seeds)) == len(seeds), "seeds must be distinct", seeds)
    return tuple(int(seed) for seed in seeds)


def named_preset(name: str) -> Config:
    """Settings by the name that they have on the command line: ``lite/glyphs``, ``tmm2022/CUB``. Raises ``ConfigError``."""
    _require(isinstance(name, str), "preset must be text", name)
    family, _, which = name.partition("/")
    if family not in ("lite", *PUBLISHED):
        raise ConfigError(f"preset must begin with one of lite, {', '.join(PUBLISHED)} and a slash, got {name!r}")
    return lite(which) if family == "lite" else preset(family, which)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """``config`` with some settings changed, by dotted names or nested tables. Raises ``ConfigError`` for unknown ones."""
    _require(isinstance(changes, Mapping), "changed settings must be a table", changes)
    values = config.to_dict()
    for path, value in _leaves(changes):
        _put_at(values, path, value)
    result = Config.from_dict(values)
    try:
        json.dumps(result.to_dict(), allow_nan=False)
    except ValueError:
        raise ConfigError(f"settings must be finite numbers, got {dict(changes)!r}") from None
    return result


def _leaves(changes: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in changes.items():
        path = (*above, *str(name).split("."))
        value = asdict(value) if is_dataclass(value) else value
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _put_at(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(values.get(name), dict):
            values[name] = {}  # mining that was off, or a slip that Config.from_dict will name
        values = values[name]
    if isinstance(value, Mapping) and isinstance(values.get(path[-1]), dict):
        return  # an empty table changes nothing in a full one
    values[path[-1]] = None if value is False and path in _optional() else value


@lru_cache
def _optional(cls: type = Config, above: tuple[str, ...] = ()) -> frozenset[tuple[str, ...]]:
    """Settings that may be None, which TOML cannot say."""
    found = set()
    for name, hint in get_type_hints(cls).items():
        if type(None) in get_args(hint):
            found.add((*above, name))
        elif is_dataclass(hint):
            found |= _optional(hint, (*above, name))
    return frozenset(found)


# --- Cells -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training and its scores: all that determines them, and where a worker finds the data."""

    data: str
    features: str
    identity: str  # digest of the data's arrays, or the name of embedded ones
    method: str  # flow, or one of BASELINES
    config: Config
    seed: int
    protocol: str
    imagined: int
    device: str
    version: str = __version__

    @cached_property
    def key(self) -> dict[str, Any]:
        """What determines the result, as JSON would give it back; of the settings, those that the method reads."""
        settings = self.config.to_dict()
        for name in ("name", "source", *_unread(self.method)):
            settings.pop(name)
        key = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("data", "features", "config")}
        return json.loads(json.dumps({"format": FORMAT, **key, "settings": settings}))

    @cached_property
    def digest(self) -> str:
        """The name of the file that keeps the result."""
        return hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()[:32]


def _unread(method: str) -> tuple[str, ...]:
    flow_only = ("model", "training", "checks")
    return {"flow": (), "eszsl": (*flow_only, "classifier")}.get(method, flow_only)


def plan(study: Study) -> list[tuple[dict[str, Any], Cell]]:
    """The rows of the table, ``{"dataset", "preset", "variant", "seed"}``, each with its cell; some may share one.

    Seed by seed, so that a study that was stopped compares all rows by fewer seeds. Reads all the data, to know them again.
    """
    rows = []
    for source in study.datasets:
        identity = _identity(source.data, load(source.data, features=source.features))
        for seed in study.seeds:
            for name in study.presets_of(source):
                for row in study.rows:
                    labels = {"dataset": source.name, "preset": name, "variant": row, "seed": seed}
                    rows.append((labels, _cell(study, source, identity, labels)))
    return rows


def _cell(study: Study, source: Source, identity: str, labels: Mapping[str, Any]) -> Cell:
    method = labels["variant"] if labels["variant"] in study.baselines else "flow"
    return Cell(
        data=source.data if source.data in available() else str(Path(source.data).resolve()),  # workers have other folders
        features=source.features,
        identity=identity,
        method=method,
        config=study.config(labels["preset"], labels["variant"] if method == "flow" else None),
        seed=0 if method == "eszsl" else labels["seed"],  # in closed form: the same for all
        protocol=study.protocol,
        imagined=0 if method in ("eszsl", "oracle") else study.imagined,  # which imagine nothing
        device=study.device if method == "flow" else "cpu",
    )


def _identity(data: str, dataset: GZSLDataset) -> str:
    """What tells one data set from another. Embedded ones come with the package, but their last bits with the processor."""
    return f"{data}, embedded" if data in available() else fingerprint(dataset)


def fingerprint(dataset: GZSLDataset) -> str:
    """A digest of everything in the data that scores depend on."""
    digest = hashlib.sha256()
    for name in ("features", "labels", "attributes", "train", "test_seen", "test_unseen", "groups", "declared_validation"):
        array = getattr(dataset, name)
        digest.update(f"{name} {None if array is None else (array.shape, array.dtype.str)}\n".encode())
        for block in () if array is None else array.chunks() if hasattr(array, "chunks") else (array,):  # features on disk
            digest.update(np.ascontiguousarray(block))
    return digest.hexdigest()


_ALONE = threading.Lock()  # torch's random state belongs to the process, and a Dask worker may run several threads


def run_cell(cell: Cell) -> dict[str, Any]:
    """Run one cell, in a worker, on one thread: ``{"status": "done", ...}``, or ``failed`` with its error as text.

    Raises nothing: a ``DataError`` or ``ConfigError`` is such a text, too.
    """
    import joblib

    started = time.perf_counter()
    with _ALONE, _one_thread(), joblib.parallel_config("sequential"):  # Dask's would send scikit-learn's loops around
        try:
            found = {"status": "done", "error": "", **_scored(cell)}
        except GSMFlowError as error:
            found = _failed(str(error))
        except Exception as error:  # out of memory, say: one cell's fault must not cost the others
            found = _failed(f"{type(error).__name__}: {error}")
    return found | {"seconds": round(time.perf_counter() - started, 2), "versions": _versions()}


def _failed(error: str) -> dict[str, Any]:
    return {"status": "failed", "error": error}


@contextmanager
def _one_thread() -> Iterator[None]:
    """As fast where all cores are busy with cells anyway, and the order of sums does not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _scored(cell: Cell) -> dict[str, Any]:
    if cell.version != __version__:
        raise ConfigError(f"workers must have gsmflow_lite {cell.version}, this one has {__version__}: install the same")
    dataset = _prepared(cell.data, cell.features, cell.identity, cell.config.preprocessing, cell.config.components)
    options = {"seed": cell.seed, "protocol": cell.protocol, "folds": range(cell.config.folds)}
    outcome = rules.run(_method(cell), dataset, **options)
    return {
        **asdict(outcome.scores),
        "validation_harmonic": outcome.choice.scores.harmonic,
        "calibration": outcome.choice.calibration,
        "setting": dict(outcome.choice.setting),
        "chosen_on": outcome.choice.chosen_on,
        **_meters(cell, dataset, outcome.generator),
        "train_seconds": round(outcome.train_seconds, 2),
        "evaluate_seconds": round(outcome.evaluate_seconds, 2),
    }


def _method(cell: Cell) -> rules.Method:
    if cell.method == "flow":
        return rules.flow(cell.config, device=cell.device)
    return {"ridge-gaussian": rules.ridge_gaussian(cell.config), "oracle": rules.oracle(cell.config), "eszsl": rules.eszsl}[
        cell.method
    ]


@lru_cache(maxsize=1)  # a worker runs many cells on the same data
def _prepared(data: str, features: str, identity: str, kind: str, components: int | None) -> GZSLDataset:
    dataset = load(data, features=features)
    found = _identity(data, dataset)
    if found != identity:
        raise DataError(
            f"{data}: workers must read the same data as the study, got other arrays here (digest {found[:8]}, the study's is "
            f"{identity[:8]}): copy the data to every machine, or put them where all can read them"
        )
    return dataset.preprocessed(kind, components)


def _meters(cell: Cell, dataset: GZSLDataset, generator: Any) -> dict[str, Any]:
    """The three headlines and what real features get; or a note why there are none."""
    if not cell.imagined or generator is None or isinstance(generator, RealSamples):
        return {}
    try:
        report = measure(dataset, generator, n=cell.imagined, seed=cell.seed, metrics=METERS)
    except DataError as error:
        return {"note": f"the shifts were not measured: {error}"}
    readings = {meter: report.reading(meter) for meter in METERS}
    values = {meter: r.value for meter, r in readings.items()} | {
        f"{meter}_ceiling": r.ceiling for meter, r in readings.items()
    }
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}  # JSON has no NaN


# --- Running ---------------------------------------------------------------------------------------------------------


def run_study(
    study: Study,
    folder: str | Path,
    *,
    jobs: int | None = None,
    cluster: str | None = None,
    backend: str = "loky",
    watch: Callable[[Event], None] = lambda event: None,
) -> pd.DataFrame:
    """Run what is not yet in ``folder``, write ``results.parquet`` there, and return its table, one row for each of the plan.

    ``jobs``: local processes (where None, one for each core), each on one thread; 1 runs in this process. ``cluster``: address
    of a Dask scheduler, ``tcp://host:8786``; it and its workers need this package, and the workers the data under the same
    path, but no folder for results. Or the name of any other ``backend`` that joblib knows. ``watch`` is told each cell, as
    steps of one stage.

    Each finished cell is a file in ``folder/cells`` at once, so that the same call goes on after an interrupt. A cell that
    fails is a row of status *failed* with its error, the others go on, and the next call tries it again. Raises ``ConfigError``
    for want of pyarrow or of workers.
    """
    if find_spec("pyarrow") is None:  # now, not after a night of running
        raise ConfigError("results are kept as Parquet, for which pyarrow is missing: pip install 'gsmflow-lite[study]'")
    folder, rows = Path(folder), plan(study)
    cells = {cell.digest: cell for _, cell in rows}
    found = {digest: kept for digest, cell in cells.items() if (kept := _kept(folder, cell))}
    waiting = [cell for digest, cell in cells.items() if digest not in found]
    revision = git_revision()
    watch(Stage(study.name, len(cells)))
    watch(Step(study.name, len(found), len(cells)))
    try:
        with closing(_results(waiting, jobs, cluster, backend)) as results:
            for cell, result in results:
                result |= {"revision": revision, "time": datetime.now(UTC).isoformat(timespec="seconds")}
                write_json(_file(folder, cell), {"key": cell.key, **result})
                found[cell.digest] = result
                watch(Step(study.name, len(found), len(cells)))
    finally:  # after an interrupt, too: what there is
        table = _table(study, rows, found)
        content = io.BytesIO()
        table.to_parquet(content, index=False)
        write_whole(folder / "results.parquet", content.getvalue())
    return table


def _file(folder: Path, cell: Cell) -> Path:
    return folder / "cells" / f"{cell.digest}.json"


def _kept(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """What is on file for a cell; None if it is not done, or the file is not what this version writes of this very cell."""
    try:
        held = json.loads(_file(folder, cell).read_text(encoding="utf-8"))
        json.dumps(held, ensure_ascii=False).encode()  # what cannot be written was not written
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(held, dict) or held.get("key") != cell.key or held.get("status") != "done":
        return None
    numbers = [held.get(name) for name in SCORES] + [held[name] for name in NUMBERS if name in held]
    return held if all(type(n) in (int, float) and abs(n) <= LARGEST for n in numbers) else None


def git_revision() -> str:
    """Of the repository that the working directory lies in: the commit, with ``-dirty`` where files have changed since."""
    command = [
        "git",
        "--no-optional-locks",
        "-c",
        "core.fsmonitor=false",
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _results(
    cells: Sequence[Cell], jobs: int | None, cluster: str | None, backend: str
) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Each cell with its result, as they come.

    If a local process is killed, joblib loses all that were at work, one cell each. They wait until the others are done and are
    run again one by one: one that is killed alone, too, is the culprit, and fails.
    """
    from concurrent.futures import BrokenExecutor

    if not cells:
        return
    with _workers(jobs, cluster, backend) as run:
        waiting, suspects = iter(cells), []
        while True:
            handed: dict[str, Cell] = {}
            try:
                for digest, result in run(_tasks(waiting, handed)):
                    yield handed.pop(digest), result
                break
            except BrokenExecutor:
                suspects += handed.values()
        for cell in suspects:
            try:
                result = next(iter(run(_tasks([cell], {}))))[1]
            except BrokenExecutor:
                result = _failed("the process that ran it was killed, twice: is there too little memory for it?")
            yield cell, result


def _tasks(cells: Iterable[Cell], handed: dict[str, Cell]) -> Iterator[Any]:
    """Calls for joblib, which takes one when a process is free; ``handed`` are those that it has taken."""
    from joblib import delayed

    for cell in cells:
        handed[cell.digest] = cell
        yield delayed(_run_named)(cell)


def _run_named(cell: Cell) -> tuple[str, dict[str, Any]]:
    return cell.digest, run_cell(cell)


Run = Callable[[Iterable[Any]], Iterator[Any]]  # from calls to their results, in any order


@contextmanager
def _workers(jobs: int | None, cluster: str | None, backend: str) -> Iterator[Run]:
    """Where the calls run. What is settled here leaves joblib's settings of the caller's alone."""
    from joblib import cpu_count

    _require(jobs is None or (type(jobs) is int and jobs > 0), "jobs must be a number of processes, at least 1", jobs)
    if cluster is None:
        settings = {"backend": backend, "n_jobs": jobs or cpu_count(only_physical_cores=True)}
        yield partial(_run, settings | ({"inner_max_num_threads": 1} if backend == "loky" else {}), "n_jobs")
    else:
        with _client(cluster) as client:  # all are handed over, so that workers that join later get some, too
            yield lambda calls: _run({"backend": _dask(client), "n_jobs": -1}, "all", calls)


def _run(settings: Mapping[str, Any], pre_dispatch: str, calls: Iterable[Any]) -> Iterator[Any]:
    from joblib import Parallel, parallel_config

    try:
        with parallel_config(**settings):  # in batches of one: a killed worker loses the whole batch
            parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=pre_dispatch)
    except ValueError as error:
        raise ConfigError(f"backend must be one that joblib knows, got {settings['backend']!r}: {error}") from None
    return parallel(calls)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection to a Dask scheduler that has a worker."""
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError("a cluster needs dask.distributed: pip install 'gsmflow-lite[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"cluster must be the address of a running Dask scheduler, such as tcp://host:8786, got {address!r}: {error}"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise ConfigError(f"the scheduler at {address} has no worker: start some with dask worker {address}") from None
        yield client


def _dask(client: Any) -> Any:
    """joblib's Dask backend, which hears nothing of a task that the scheduler gives up, and would wait for it for ever.

    That is one that took too many workers with it (``allowed-failures`` of the scheduler, by default more than 3; a cell that
    waited at the same workers may be given up with it), or that no worker can read because the package is missing there.
    """
    from joblib._dask import DaskDistributedBackend

    class Telling(DaskDistributedBackend):
        def submit(self, func, callback=None):
            ((_, (cell,), _),) = func.items
            self._cells[callback] = cell
            return super().submit(func, callback)

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, super().effective_n_jobs(n_jobs))  # for a single worker joblib would run all in this process

        async def _collect(self) -> None:
            while self._continue:
                async for future, result in self.waiting_futures:
                    done, callback = self._results.pop(future), self._callbacks.pop(future)
                    cell = self._cells.pop(callback)
                    if future.status == "error":
                        result = [(cell.digest, _failed(_given_up(result[1])))]
                    done.set_result(result)
                    callback(result)
                await asyncio.sleep(0.01)

    backend = Telling(client=client)
    backend._cells = {}
    return backend


def _given_up(error: BaseException) -> str:
    reason = " ".join(str(error).split())
    return f"the cluster gave it up ({reason}): have its scheduler and its workers gsmflow_lite, too, and memory enough?"


# --- Tables ----------------------------------------------------------------------------------------------------------


def _table(study: Study, rows: Sequence[tuple[dict[str, Any], Cell]], found: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """One row for each of the plan: names, status, scores, meters, times, settings, versions; what is missing is NaN or ''."""
    import pandas as pd

    lines = []
    for labels, cell in rows:
        held = found.get(cell.digest, {"status": "waiting"})
        line = {"study": study.name, **labels, "method": cell.method, "status": held["status"]}
        line |= {name: float(held.get(name, math.nan)) for name in NUMBERS}
        line |= {name: _text(held.get(name, "")) for name in ("error", *TEXTS)}
        rules_of_it = {name: cell.key[name] for name in ("protocol", "imagined", "device")}
        settings = json.dumps(cell.key["settings"] | rules_of_it)
        lines.append(line | {"settings": settings, "data": cell.identity, "cell": cell.digest})
    return pd.DataFrame(lines)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def scores_by_seed(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """The long table behind figures: ``dataset, preset, variant, seed, score, value``, of finished cells.

    ``score``: seen, unseen, harmonic, zsl (per cent), semantic, variance, structure (headlines of the meters). With
    ``reference``, values are differences to that row with the same data set, preset and seed, and it is itself left out. Raises
    ``ConfigError`` for a reference that is not a row.
    """
    keys = ["dataset", "preset", "seed", "score"]
    done = frame[frame["status"] == "done"]
    long = done.melt(["dataset", "preset", "variant", "seed"], [*SCORES, *METERS], "score", "value").dropna(subset="value")
    if reference is None:
        return long.reset_index(drop=True)
    if reference not in set(frame["variant"]):
        raise ConfigError(f"reference must be a row, one of {', '.join(dict.fromkeys(frame['variant']))}, got {reference!r}")
    theirs = long[long["variant"] == reference].drop(columns="variant").rename(columns={"value": "theirs"})
    both = long[long["variant"] != reference].merge(theirs, on=keys)
    return both.assign(value=both["value"] - both["theirs"]).drop(columns="theirs")


def summary(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Means over seeds: ``dataset, preset, variant, score, mean, half, seeds``; of differences, where ``reference`` is given.

    ``half`` is the half-width of the 95 % interval by Student's t over seeds, NaN for a single one. It says what other seeds
    would do with the same data, not what other data would.
    """
    long = scores_by_seed(frame, reference=reference)
    groups = long.groupby(["dataset", "preset", "variant", "score"], sort=False)["value"]
    return groups.agg(mean="mean", half=half_width, seeds="count").reset_index()


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean, by Student's t; NaN for fewer than two values."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else math.nan


def readable(frame: pd.DataFrame, *, reference: str | None = None) -> pd.DataFrame:
    """Means ± half-widths as text, a line for each row of the study; differences to ``reference`` at the end."""
    import pandas as pd

    parts = {SCORES.get(score, score): _cells_of(frame, score) for score in (*SCORES, *METERS)}
    if reference is not None:
        parts |= {f"{SCORES[s]} - {reference}": _cells_of(frame, s, reference) for s in ("harmonic", "zsl")}
    rows = pd.MultiIndex.from_frame(frame[["dataset", "preset", "variant"]].drop_duplicates())
    table = pd.DataFrame(parts).reindex(rows).fillna("")
    done = frame[frame["status"] == "done"].groupby(["dataset", "preset", "variant"]).size()
    table["seeds"] = done.reindex(rows).fillna(0).astype(int)
    single = [name for name in ("dataset", "preset") if frame[name].nunique() == 1]
    return table.droplevel(single).loc[:, (table != "").any()]


def _cells_of(frame: pd.DataFrame, score: str, reference: str | None = None) -> pd.Series:
    means = summary(frame, reference=reference)
    means = means[means["score"] == score].set_index(["dataset", "preset", "variant"])
    digits = 2 if score in METERS else 1
    texts = [
        f"{m:.{digits}f}" + (f" ± {h:.{digits}f}" if h == h else "") for m, h in zip(means["mean"], means["half"], strict=True)
    ]
    return means.assign(text=texts)["text"] if texts else means["mean"].astype(str)
