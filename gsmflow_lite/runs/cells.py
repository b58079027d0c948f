"""runs.cells."""

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
from ..datasets import GZSLDataset, available, load
from ..errors import ConfigError, DataError, GSMFlowError
from ..generators.stored import RealSamples
from ..scores import protocol as rules
from ..shifts.report import SHIFTS, measure
from .provenance import versions
from .study_file import Source, Study
from .tables import STUDY_SCORES

CELL_FORMAT = 1  # of a cell's file; a higher one makes all cells run anew
NUMBER_COLUMNS = (*STUDY_SCORES, "validation_harmonic", "calibration", *SHIFTS, *(f"{m}_ceiling" for m in SHIFTS),
           "train_seconds", "evaluate_seconds", "seconds")  # fmt: skip


TEXT_COLUMNS = ("setting", "chosen_on", "note", "versions", "revision", "time")


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
    synthesized: int
    device: str
    version: str = __version__

    @cached_property
    def key(self) -> dict[str, Any]:
        """What determines the result, as JSON would give it back; of the settings, those that the method reads."""
        settings = self.config.to_dict()
        for name in ("name", "source", *_unread(self.method)):
            settings.pop(name)
        key = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in ("data", "features", "config")
        }
        return json.loads(json.dumps({"format": CELL_FORMAT, **key, "settings": settings}))

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
        data=source.data
        if source.data in available()
        else str(Path(source.data).resolve()),  # workers have other folders
        features=source.features,
        identity=identity,
        method=method,
        config=study.config(labels["preset"], labels["variant"] if method == "flow" else None),
        seed=0 if method == "eszsl" else labels["seed"],  # in closed form: the same for all
        protocol=study.protocol,
        synthesized=0
        if method in ("eszsl", "oracle")
        else study.synthesized,  # which synthesize nothing
        device=study.device if method == "flow" else "cpu",
    )


def _identity(data: str, dataset: GZSLDataset) -> str:
    """What tells one data set from another. Embedded ones come with the package, but their last bits with the processor."""
    return f"{data}, embedded" if data in available() else fingerprint(dataset)


def fingerprint(dataset: GZSLDataset) -> str:
    """A digest of everything in the data that scores depend on."""
    digest = hashlib.sha256()
    for name in (
        "features",
        "labels",
        "attributes",
        "train",
        "test_seen",
        "test_unseen",
        "groups",
        "declared_validation",
    ):
        array = getattr(dataset, name)
        digest.update(
            f"{name} {None if array is None else (array.shape, array.dtype.str)}\n".encode()
        )
        for block in (
            () if array is None else array.chunks() if hasattr(array, "chunks") else (array,)
        ):  # features on disk
            digest.update(np.ascontiguousarray(block))
    return digest.hexdigest()


_ALONE = (
    threading.Lock()
)  # torch's random state belongs to the process, and a Dask worker may run several threads


def run_cell(cell: Cell) -> dict[str, Any]:
    """Run one cell, in a worker, on one thread: ``{"status": "done", ...}``, or ``failed`` with its error as text.

    Raises nothing: a ``DataError`` or ``ConfigError`` is such a text, too.
    """
    import joblib

    started = time.perf_counter()
    with (
        _ALONE,
        one_thread(),
        joblib.parallel_config("sequential"),
    ):  # Dask's would send scikit-learn's loops around
        try:
            found = {"status": "done", "error": "", **_scored(cell)}
        except GSMFlowError as error:
            found = failed(str(error))
        except Exception as error:  # out of memory, say: one cell's fault must not cost the others
            found = failed(f"{type(error).__name__}: {error}")
    return found | {"seconds": round(time.perf_counter() - started, 2), "versions": versions()}


def failed(error: str) -> dict[str, Any]:
    return {"status": "failed", "error": error}


@contextmanager
def one_thread() -> Iterator[None]:
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
        raise ConfigError(
            f"workers must have gsmflow_lite {cell.version}, this one has {__version__}: install the same"
        )
    dataset = _prepared(
        cell.data, cell.features, cell.identity, cell.config.preprocessing, cell.config.components
    )
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
    return {
        "ridge-gaussian": rules.ridge_gaussian(cell.config),
        "oracle": rules.oracle(cell.config),
        "eszsl": rules.eszsl,
    }[cell.method]


@lru_cache(maxsize=1)  # a worker runs many cells on the same data
def _prepared(
    data: str, features: str, identity: str, kind: str, components: int | None
) -> GZSLDataset:
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
    if not cell.synthesized or generator is None or isinstance(generator, RealSamples):
        return {}
    try:
        report = measure(dataset, generator, n=cell.synthesized, seed=cell.seed, metrics=SHIFTS)
    except DataError as error:
        return {"note": f"the shifts were not measured: {error}"}
    readings = {meter: report.reading(meter) for meter in SHIFTS}
    values = {meter: r.value for meter, r in readings.items()} | {
        f"{meter}_ceiling": r.ceiling for meter, r in readings.items()
    }
    return {
        name: float(value) for name, value in values.items() if np.isfinite(value)
    }  # JSON has no NaN


def cell_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
