"""Where the cells of a study run: in this process, in local ones, or on a Dask cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..errors import ConfigError, require
from .cells import failed

CONNECT = 20  # seconds that a scheduler and its first worker have to answer
RunCalls = Callable[[Iterable[Any]], Iterator[Any]]  # from calls to their results, in any order


@contextmanager
def workers(jobs: int | None, cluster: str | None, backend: str) -> Iterator[RunCalls]:
    """Give a function that runs calls somewhere. The caller's settings of joblib stay.

    Raises ``ConfigError`` for a number of jobs below 1, or a cluster that does not answer.
    """
    good = jobs is None or (type(jobs) is int and jobs > 0)
    require(good, "jobs must be a number of processes, at least 1", jobs)
    if cluster is None:
        yield partial(run_calls, _local(jobs, backend), "n_jobs")
        return
    with _client(cluster) as client:
        # All are handed over at once, so that workers that join later get some, too.
        yield lambda calls: run_calls({"backend": _dask(client), "n_jobs": -1}, "all", calls)


def _local(jobs: int | None, backend: str) -> dict[str, Any]:
    from joblib import cpu_count

    settings = {"backend": backend, "n_jobs": jobs or cpu_count(only_physical_cores=True)}
    return settings | {"inner_max_num_threads": 1} if backend == "loky" else settings


def run_calls(
    settings: Mapping[str, Any], pre_dispatch: str, calls: Iterable[Any]
) -> Iterator[Any]:
    """Run joblib's calls, in batches of one: a worker that is killed loses its whole batch.

    Raises ``ConfigError`` for a backend that joblib does not know.
    """
    from joblib import Parallel, parallel_config

    try:
        with parallel_config(**settings):
            parallel = Parallel(
                return_as="generator_unordered", batch_size=1, pre_dispatch=pre_dispatch
            )
    except ValueError as error:
        raise ConfigError(
            f"backend must be one that joblib knows, got {settings['backend']!r}: {error}"
        ) from None
    return parallel(calls)


# --- A Dask cluster ---------------------------------------------------------------------------


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection to a Dask scheduler that has a worker."""
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError(
            "a cluster needs dask.distributed: pip install 'gsmflow-lite[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            "cluster must be the address of a running Dask scheduler, such as tcp://host:8786, "
            f"got {address!r}: {error}"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise ConfigError(
                f"the scheduler at {address} has no worker: start some with dask worker {address}"
            ) from None
        yield client


def _dask(client: Any) -> Any:
    """joblib's backend for Dask, made to report tasks that the scheduler gives up.

    joblib hears nothing of such a task and would wait for it for ever. The scheduler gives up a
    task that took too many workers with it (its ``allowed-failures``, by default more than 3; a
    cell that waited at the same workers may go with it), and one that no worker can read because
    the package is missing there.
    """
    from joblib._dask import DaskDistributedBackend

    class ReportingBackend(DaskDistributedBackend):
        def submit(self, func, callback=None):
            ((_, (cell,), _),) = func.items
            self._cells[callback] = cell
            return super().submit(func, callback)

        def effective_n_jobs(self, n_jobs: int) -> int:
            # For a single worker joblib would run all in this process.
            return max(2, super().effective_n_jobs(n_jobs))

        async def _collect(self) -> None:
            while self._continue:
                async for future, result in self.waiting_futures:
                    self._hand_over(future, result)
                await asyncio.sleep(0.01)

        def _hand_over(self, future, result) -> None:
            waiting = self._results.pop(future)
            callback = self._callbacks.pop(future)
            cell = self._cells.pop(callback)
            if future.status == "error":
                result = [(cell.digest, failed(given_up(result[1])))]
            waiting.set_result(result)
            callback(result)

    backend = ReportingBackend(client=client)
    backend._cells = {}
    return backend


def given_up(error: BaseException) -> str:
    """What is said of a cell that the cluster gave up."""
    reason = " ".join(str(error).split())
    return (
        f"the cluster gave it up ({reason}): have its scheduler and its workers gsmflow_lite, too, "
        "and memory enough?"
    )
