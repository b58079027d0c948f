"""A cell: one training and its scores, with everything that determines them.

A finished cell is known by the digest of what determines its result. So it is never run twice,
whatever else changes in the study, and an old result is never taken for that of other data or
settings.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from .. import __version__
from ..config import Config
from ..datasets import GZSLDataset, available
from ..errors import ConfigError, DataError, GSMFlowError
from ..generators.stored import RealSamples
from ..scores import protocol as rules
from ..shifts.measuring import measure
from ..shifts.meters import SHIFTS
from .provenance import device_name, versions
from .study_file import Source, Study

CELL_FORMAT = 3  # of a cell's file; a higher one makes all cells run anew
FLOW_SETTINGS = ("model", "training", "checks")  # that only the flow reads
ARRAYS = (
    "features",
    "labels",
    "attributes",
    "train",
    "test_seen",
    "test_unseen",
    "groups",
    "declared_validation",
)
Result = dict[str, Any]  # of a cell, ready for JSON


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What determines one training and its scores, and where a worker finds the data."""

    data: str
    features: str
    splits: str
    identity: str  # digest of the data's arrays, or the name of embedded ones
    method: str  # flow, or one of BASELINES
    config: Config
    seed: int
    protocol: str
    synthesized: int
    device: str
    version: str = __version__

    @cached_property
    def key(self) -> dict[str, Any]:
        """What determines the result, as JSON would give it back.

        Of the settings, it holds those that the method reads.
        """
        settings = self.config.to_dict()
        for name in ("name", "source", *_unread(self.method)):
            settings.pop(name)
        places = ("data", "features", "splits", "config")
        names = [f.name for f in fields(self) if f.name not in places]
        values = {name: getattr(self, name) for name in names}
        return json.loads(json.dumps({"format": CELL_FORMAT, **values, "settings": settings}))

    @cached_property
    def digest(self) -> str:
        """The name of the file that keeps the result."""
        text = json.dumps(self.key, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _unread(method: str) -> tuple[str, ...]:
    """Names of the settings that a method does not read."""
    if method == "flow":
        return ()
    return (*FLOW_SETTINGS, "classifier") if method == "eszsl" else FLOW_SETTINGS


# --- The plan of a study ----------------------------------------------------------------------


def plan(study: Study) -> list[tuple[dict[str, Any], Cell]]:
    """Return the rows of the table, ``dataset, preset, variant, seed``, each with its cell.

    Some rows may share a cell. They come seed by seed, so that a study that was stopped compares
    all rows by fewer seeds. All the data are read, to know them again.
    """
    rows = []
    for source in study.datasets:
        identity = _identity(source.data, source.load())
        for seed in study.seed_numbers:
            for preset in study.presets_of(source):
                for variant in study.rows:
                    labels = {
                        "dataset": source.name,
                        "preset": preset,
                        "variant": variant,
                        "seed": seed,
                    }
                    rows.append((labels, cell_of(study, source, identity, labels)))
    return rows


def cell_of(study: Study, source: Source, identity: str, labels: Mapping[str, Any]) -> Cell:
    """The cell of one row of the table."""
    variant = labels["variant"]
    is_flow = variant not in study.baselines
    method = "flow" if is_flow else variant
    embedded = source.data in available()
    synthesizes = method not in ("eszsl", "oracle")
    return Cell(
        data=source.data if embedded else str(Path(source.data).resolve()),  # for other folders
        features=source.features,
        splits=source.splits,
        identity=identity,
        method=method,
        config=study.config(labels["preset"], variant if is_flow else None),
        seed=0 if method == "eszsl" else labels["seed"],  # in closed form: the same for all
        protocol=study.protocol,
        synthesized=study.synthesized if synthesizes else 0,
        device=study.device if is_flow else "cpu",
    )


def _identity(data: str, dataset: GZSLDataset) -> str:
    """What tells one data set from another.

    Embedded ones come with the package, but their last bits come from the processor.
    """
    return f"{data}, embedded" if data in available() else fingerprint(dataset)


def fingerprint(dataset: GZSLDataset) -> str:
    """Return a digest of everything in the data that scores depend on."""
    digest = hashlib.sha256()
    for name in ARRAYS:
        array = getattr(dataset, name)
        shape = None if array is None else (array.shape, array.dtype.str)
        digest.update(f"{name} {shape}\n".encode())
        for block in _blocks(array):
            digest.update(np.ascontiguousarray(block).data)
    if dataset.attribute_groups is not None:  # the folds depend on them
        digest.update(f"attribute_groups {sorted(dataset.attribute_groups.items())}\n".encode())
    return digest.hexdigest()


def _blocks(array: Any) -> Iterator[np.ndarray]:
    """The array, piece by piece where it is on disk."""
    if hasattr(array, "chunks"):
        yield from array.chunks()
    elif array is not None:
        yield array


# --- Running one ------------------------------------------------------------------------------


# Torch's random state belongs to the process, and a Dask worker may run several threads.
_ALONE = threading.Lock()


def run_cell(cell: Cell) -> Result:
    """Run one cell, in a worker, on one thread: ``{"status": "done", ...}``, or *failed*.

    Raises nothing: an error is kept as text in the result, a ``DataError`` or ``ConfigError`` too.
    """
    import joblib

    begin = time.perf_counter()
    sequential = joblib.parallel_config("sequential")  # or Dask would send loops around
    with _ALONE, one_thread(), sequential:
        try:
            result = {"status": "done", "error": "", **_score(cell)}
        except GSMFlowError as error:
            result = failed(str(error))
        except Exception as error:  # out of memory, say: one cell's fault must not cost the others
            result = failed(f"{type(error).__name__}: {error}")
    seconds = round(time.perf_counter() - begin, 2)
    return result | {"seconds": seconds, "versions": versions()}


def failed(error: str) -> Result:
    """The result of a cell that failed."""
    return {"status": "failed", "error": error}


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread inside.

    That is as fast where all cores are busy with cells, and the order of sums then does not depend
    on how many cores the machine has.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _score(cell: Cell) -> Result:
    if cell.version != __version__:
        raise ConfigError(
            f"workers must have gsmflow_lite {cell.version}, this one has {__version__}: "
            "install the same"
        )
    config = cell.config
    source = Source(data=cell.data, features=cell.features, splits=cell.splits)
    dataset = _prepared(source, cell.identity, config.preprocessing, config.components)
    outcome = rules.run(
        _method(cell),
        dataset,
        seed=cell.seed,
        protocol=cell.protocol,
        folds=range(config.folds),
    )
    choice = outcome.choice
    return {
        **asdict(outcome.scores),
        "validation_harmonic": choice.scores.harmonic,
        "calibration": choice.calibration,
        "setting": dict(choice.setting),
        "chosen_on": choice.chosen_on,
        **_meters(cell, dataset, outcome.generator),
        "train_seconds": round(outcome.train_seconds, 2),
        "evaluate_seconds": round(outcome.evaluate_seconds, 2),
        "ran_on": device_name(cell.device),
    }


def _method(cell: Cell) -> rules.Method:
    config = cell.config
    if cell.method == "flow":
        return rules.flow(config, device=cell.device)
    if cell.method == "ridge-gaussian":
        return rules.ridge_gaussian(config)
    return rules.oracle(config) if cell.method == "oracle" else rules.eszsl


@lru_cache(maxsize=1)  # a worker runs many cells on the same data
def _prepared(source: Source, identity: str, kind: str, components: int | None) -> GZSLDataset:
    """The data of a cell, known to be those of the study."""
    dataset = source.load()
    here = _identity(source.data, dataset)
    if here != identity:
        raise DataError(
            f"{source.data}: workers must read the same data as the study, got other arrays here "
            f"(digest {here[:8]}, the study's is {identity[:8]}): copy the data to every machine, "
            "or put them where all can read them"
        )
    return dataset.preprocessed(kind, components)


def _meters(cell: Cell, dataset: GZSLDataset, generator: Any) -> Result:
    """The three headlines and what real features get; or a note why there are none."""
    if not cell.synthesized or generator is None or isinstance(generator, RealSamples):
        return {}
    try:
        report = measure(dataset, generator, n=cell.synthesized, seed=cell.seed, metrics=SHIFTS)
    except DataError as error:
        return {"note": f"the shifts were not measured: {error}"}
    values = {}
    for meter in SHIFTS:
        reading = report.reading(meter)
        values[meter] = reading.value
        values[f"{meter}_ceiling"] = reading.ceiling
    return {name: float(value) for name, value in values.items() if np.isfinite(value)}
