"""Work in the background: named stages, cancel, and of jobs that overtake each other only the latest.

What a job finds is handed over in the kernel's own thread, between two messages: widgets are never touched from two threads.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import GSMFlowError
from ..events import Epoch, Event, Stage, Step

_workers: weakref.WeakSet[Worker] = weakref.WeakSet()
Deliver = Callable[[Any], None]
Job = Callable[["Task"], Any]


class Cancelled(Exception):
    """Raised in a job at its next event after it was cancelled."""


class Task:
    """What a running job holds: call it with events; it raises :class:`Cancelled` once nobody wants the result any more."""

    def __init__(
        self, name: str, job: Job, deliver: Deliver, tell: Callable[[Event], None]
    ) -> None:
        self.name, self._job, self.deliver, self._tell = name, job, deliver, tell
        self.cancelled = threading.Event()
        self._resume = threading.Event()
        self._resume.set()

    def __call__(self, event: Event | None = None) -> None:
        """Go on, or wait while paused, or stop by an exception."""
        self._resume.wait()
        if self.cancelled.is_set():
            raise Cancelled(self.name)
        if event is not None:
            self._tell(event)

    def pause(self, on: bool) -> None:
        (self._resume.clear if on else self._resume.set)()

    @property
    def paused(self) -> bool:
        return not self._resume.is_set()

    def cancel(self) -> None:
        self.cancelled.set()
        self._resume.set()

    def run(self) -> Any:
        return self._job(self)


class Worker:
    """One thread for the jobs of a panel.

    ``busy(name, event)`` is called when a job is submitted and when it begins (event None), with its events, and with name None
    when all is done; ``failed(name, error)`` with what it raised. All calls come in the thread that made the worker: from the
    kernel's loop, or in :meth:`wait`.
    """

    def __init__(
        self,
        busy: Callable[[str | None, Event | None], None],
        failed: Callable[[str, Exception], None],
    ) -> None:
        self._busy, self._failed = busy, failed
        self._jobs: OrderedDict[str, Task] = OrderedDict()
        self._running: Task | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        _workers.add(self)
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:  # no kernel: results wait for `wait`
            self._loop = None

    def submit(self, name: str, job: Job, deliver: Deliver) -> Task:
        """Run ``job(task)`` in the background and hand its result to ``deliver``; an earlier job of that name is dropped."""
        task = Task(name, job, deliver, lambda event: self._announce(task, event))
        with self._changed:
            if self._closed:
                task.cancel()
                return task
            for old in (self._jobs.pop(name, None), self._running):
                if old is not None and old.name == name:
                    old.cancel()
            self._jobs[name] = task
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="gsmflow_lite panel", daemon=True
                )
                self._thread.start()
            self._announce(
                task, None
            )  # not only once the thread comes to it: until then the panel would look idle
            self._changed.notify_all()
        return task

    def cancel(self, name: str | None = None) -> None:
        """Stop the jobs of that name, or all."""
        with self._changed:
            for task in [*self._jobs.values(), *([self._running] if self._running else [])]:
                if name in (None, task.name):
                    self._jobs.pop(task.name, None)
                    task.cancel()
            self._changed.notify_all()
            if not self._jobs and self._running is None:
                self._post(lambda: self._busy(None, None))

    @property
    def idle(self) -> bool:
        with self._changed:
            return not self._jobs and self._running is None

    def wait(self, timeout: float = 600.0) -> None:
        """Return when all jobs are done and handed over. Raises ``TimeoutError``."""
        end = time.monotonic() + timeout
        with self._changed:
            while self._jobs or self._running or self._calls:
                self._drain()
                if (self._jobs or self._running) and not self._changed.wait(end - time.monotonic()):
                    raise TimeoutError(f"still busy after {timeout:g} s")

    def close(self) -> None:
        """Cancel everything and end the thread."""
        self._closed = True
        self.cancel()

    def _post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        with self._changed:
            self._changed.notify_all()
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._drain)

    def _announce(self, task: Task, event: Event | None) -> None:
        self._post(lambda: None if task.cancelled.is_set() else self._busy(task.name, event))

    def _drain(self) -> None:
        while self._calls:
            call = self._calls.popleft()
            if not self._closed:
                call()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                if self._closed:
                    self._thread = None
                    return
                _, task = self._jobs.popitem(last=False)
                self._running = task
            self._announce(task, None)
            self._do(task)
            with self._changed:  # or `wait` could return between the two
                self._running = None
                if not self._jobs:
                    self._post(lambda: self._busy(None, None))

    def _do(self, task: Task) -> None:
        try:
            with _half_the_threads():
                result = task.run()
        except Cancelled:
            return
        except Exception as error:  # said in the panel: a thread has nobody else to tell
            if not task.cancelled.is_set():
                self._post(lambda error=error: self._failed(task.name, error))
            return
        if not task.cancelled.is_set():
            self._post(lambda: None if task.cancelled.is_set() else task.deliver(result))


@atexit.register
def _end() -> None:
    """End all threads before the interpreter goes: one that is left in native code would abort the process."""
    for worker in list(_workers):
        thread = worker._thread
        worker.close()
        if thread is not None:
            thread.join(10)


@contextmanager
def _half_the_threads() -> Iterator[None]:
    """The kernel and the page need the others; with all, small nets train twenty times slower beside a busy kernel."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def event_text(name: str, event: Event | None) -> tuple[str, float | None]:
    """A stage in words, and how much of it is done, 0 to 1, where known."""
    if isinstance(event, Stage):
        return event.name, 0.0
    if isinstance(event, Step):
        return event.stage, event.done / max(1, event.total)
    if isinstance(event, Epoch):
        return f"epoch {event.epoch} of {event.epochs}", event.epoch / max(1, event.epochs)
    return name, None


def plainly(error: Exception) -> str:
    """An error as one line: ours as they are, others with their kind."""
    line = " ".join(str(error).split())
    return line if isinstance(error, GSMFlowError) else f"{type(error).__name__}: {line}"
