"""Running a study: variants x presets x seeds x data sets, on processes or a cluster, resumable."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..events import Stage, Step, Watch
from ..storage import write_whole
from .cells import Cell, Result, failed, plan, run_cell
from .provenance import git_revision
from .results import read_result, results_table, write_result
from .study_file import Study
from .workers import RunCalls, workers

if TYPE_CHECKING:
    import pandas as pd


def run_study(
    study: Study,
    folder: str | Path,
    *,
    jobs: int | None = None,
    cluster: str | None = None,
    backend: str = "loky",
    watch: Watch = lambda event: None,
) -> pd.DataFrame:
    """Run the cells that ``folder`` does not hold yet, and return the table of all.

    The table has one line for each row of the plan and is written to ``results.parquet``, too.
    Each finished cell is a file in ``folder/cells`` at once, so the same call goes on after an
    interrupt. A cell that fails is a line of status *failed* with its error; the others go on,
    and the next call tries it again.

    ``jobs`` is the number of local processes, each on one thread; where None, one for each core,
    and 1 runs in this process. ``cluster`` is the address of a Dask scheduler,
    ``tcp://host:8786``. The scheduler and its workers need this package, and the workers need the
    data under the same path, but no folder for results. With a device ``auto`` or ``cuda`` in the
    study, each worker trains on the GPU that it sees: start one for each GPU. ``backend`` may name
    any other backend that joblib knows. ``watch`` gets each cell as a step of one stage.

    Raises ``ConfigError`` for want of pyarrow or of workers.
    """
    if find_spec("pyarrow") is None:  # now, not after a night of running
        raise ConfigError(
            "results are kept as Parquet, for which pyarrow is missing: "
            "pip install 'gsmflow-lite[study]'"
        )
    folder = Path(folder)
    rows = plan(study)
    cells = {cell.digest: cell for _, cell in rows}
    results = _finished(folder, cells.values())
    waiting = [cell for digest, cell in cells.items() if digest not in results]
    revision = git_revision()

    watch(Stage(study.name, len(cells)))
    watch(Step(study.name, len(results), len(cells)))
    try:
        with closing(_run_all(waiting, jobs, cluster, backend)) as running:
            for cell, result in running:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                results[cell.digest] = result | {"revision": revision, "time": now}
                write_result(folder, cell, results[cell.digest])
                watch(Step(study.name, len(results), len(cells)))
    finally:  # after an interrupt, too: what there is
        table = results_table(study, rows, results)
        _write_table(folder / "results.parquet", table)
    return table


def _finished(folder: Path, cells: Iterable[Cell]) -> dict[str, Result]:
    """Results that are on file, by digest."""
    results = {cell.digest: read_result(folder, cell) for cell in cells}
    return {digest: result for digest, result in results.items() if result is not None}


def _write_table(path: Path, table: pd.DataFrame) -> None:
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    write_whole(path, content.getvalue())


def _run_all(
    cells: Sequence[Cell], jobs: int | None, cluster: str | None, backend: str
) -> Generator[tuple[Cell, Result], None, None]:
    """Each cell with its result, in the order in which they are ready.

    If a local process is killed, joblib loses all cells that were being run. They wait until the
    others are done, and are run again one by one. One that is killed alone, too, is the culprit,
    and fails.
    """
    from concurrent.futures import BrokenExecutor

    if not cells:
        return
    suspects: list[Cell] = []
    waiting = iter(cells)
    with workers(jobs, cluster, backend) as run:
        while True:
            running: dict[str, Cell] = {}
            try:
                for digest, result in run(_calls(waiting, running)):
                    yield running.pop(digest), result
                break
            except BrokenExecutor:
                suspects += running.values()
        for cell in suspects:
            yield cell, _run_alone(run, cell)


def _run_alone(run: RunCalls, cell: Cell) -> Result:
    from concurrent.futures import BrokenExecutor

    try:
        _, result = next(iter(run(_calls([cell], {}))))
        return result
    except BrokenExecutor:
        return failed(
            "the process that ran it was killed, twice: is there too little memory for it?"
        )


def _calls(cells: Iterable[Cell], running: dict[str, Cell]) -> Iterator[Any]:
    """Calls for joblib, which takes one when a process is free.

    ``running`` gets the cells that it has taken.
    """
    from joblib import delayed

    for cell in cells:
        running[cell.digest] = cell
        yield delayed(_run_named)(cell)


def _run_named(cell: Cell) -> tuple[str, Result]:
    return cell.digest, run_cell(cell)
