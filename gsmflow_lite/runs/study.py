"""A study: variants x presets x seeds x data sets from one small file, on local processes or a Dask cluster, resumable.

Its *plan* is a list of rows, each with the cell that fills it. A *cell* is one training with everything that determines its
result; the digest of that names the file which keeps the result. So a finished cell is never run twice, whatever else changes
in the study, and an old result is never taken for that of other data or settings.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..events import Event, Stage, Step
from ..storage import write_json, write_whole
from .cells import NUMBER_COLUMNS, TEXT_COLUMNS, Cell, cell_text, failed, plan, run_cell
from .provenance import git_revision
from .study_file import LARGEST, Study
from .tables import STUDY_SCORES
from .workers import workers

if TYPE_CHECKING:
    import pandas as pd


# --- What is asked ---------------------------------------------------------------------------------------------------


# --- Cells -----------------------------------------------------------------------------------------------------------


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
        raise ConfigError(
            "results are kept as Parquet, for which pyarrow is missing: pip install 'gsmflow-lite[study]'"
        )
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
                result |= {
                    "revision": revision,
                    "time": datetime.now(UTC).isoformat(timespec="seconds"),
                }
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
    numbers = [held.get(name) for name in STUDY_SCORES] + [
        held[name] for name in NUMBER_COLUMNS if name in held
    ]
    return held if all(type(n) in (int, float) and abs(n) <= LARGEST for n in numbers) else None


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
    with workers(jobs, cluster, backend) as run:
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
                result = failed(
                    "the process that ran it was killed, twice: is there too little memory for it?"
                )
            yield cell, result


def _tasks(cells: Iterable[Cell], handed: dict[str, Cell]) -> Iterator[Any]:
    """Calls for joblib, which takes one when a process is free; ``handed`` are those that it has taken."""
    from joblib import delayed

    for cell in cells:
        handed[cell.digest] = cell
        yield delayed(_run_named)(cell)


def _run_named(cell: Cell) -> tuple[str, dict[str, Any]]:
    return cell.digest, run_cell(cell)


# --- Tables ----------------------------------------------------------------------------------------------------------


def _table(
    study: Study, rows: Sequence[tuple[dict[str, Any], Cell]], found: Mapping[str, dict[str, Any]]
) -> pd.DataFrame:
    """One row for each of the plan: names, status, scores, meters, times, settings, versions; what is missing is NaN or ''."""
    import pandas as pd

    lines = []
    for labels, cell in rows:
        held = found.get(cell.digest, {"status": "waiting"})
        line = {"study": study.name, **labels, "method": cell.method, "status": held["status"]}
        line |= {name: float(held.get(name, math.nan)) for name in NUMBER_COLUMNS}
        line |= {name: cell_text(held.get(name, "")) for name in ("error", *TEXT_COLUMNS)}
        rules_of_it = {name: cell.key[name] for name in ("protocol", "synthesized", "device")}
        settings = json.dumps(cell.key["settings"] | rules_of_it)
        lines.append(line | {"settings": settings, "data": cell.identity, "cell": cell.digest})
    return pd.DataFrame(lines)
