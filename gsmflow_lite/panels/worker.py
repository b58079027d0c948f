"""Background work of a panel: one thread, named jobs, and only the latest job of a name counts.

Events, results and errors of a job are handed over in the thread of the kernel, between two
messages of the page. So no widget is ever touched from two threads.
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
from functools import partial
from typing import Any

import torch

from ..errors import GSMFlowError
from ..events import Epoch, Event, Stage, Step

ALL_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()

Call = Callable[[], None]
Deliver = Callable[[Any], None]
Job = Callable[["Task"], Any]


class Cancelled(Exception):
    """Raised in a job, at its next event after the job was cancelled."""


class Task:
    """A job that was submitted. The job calls its task with every event.

    The call waits while the task is paused, and raises :class:`Cancelled` after a cancel.
    """

    def __init__(self, name: str, job: Job, deliver: Deliver, tell: Callable[[Any], None]) -> None:
        self.name = name
        self.deliver = deliver
        self.cancelled = threading.Event()
        self._job = job
        self._tell = tell
        self._may_go_on = threading.Event()
        self._may_go_on.set()

    def __call__(self, event: Any = None) -> None:
        """Pass on an event, or a message of another kind that the panel knows.

        Without one, only wait or stop if somebody asked for that.
        """
        self._may_go_on.wait()
        if self.cancelled.is_set():
            raise Cancelled(self.name)
        if event is not None:
            self._tell(event)

    def pause(self, on: bool) -> None:
        """Let the job wait at its next event, or let it go on."""
        if on:
            self._may_go_on.clear()
        else:
            self._may_go_on.set()

    @property
    def paused(self) -> bool:
        """Whether the job waits, or will wait at its next event."""
        return not self._may_go_on.is_set()

    def rest(self, seconds: float) -> None:
        """Wait, and stop at once if the job is cancelled meanwhile."""
        self.cancelled.wait(seconds)
        self()

    def cancel(self) -> None:
        """Stop the job at its next event; a paused or resting job stops at once."""
        self.cancelled.set()
        self._may_go_on.set()

    def run(self) -> Any:
        """Do the job in this thread, and return its result."""
        return self._job(self)


class Worker:
    """One thread for the jobs of a panel.

    - ``busy(name, event)`` is called when a job is submitted and when it begins (then ``event`` is
      None), and with each of its events. ``busy(None, None)`` says that all jobs are done.
    - ``failed(name, error)`` is called with an error that a job raised, or its delivery.

    All calls come in the thread that made the worker: from the loop of the kernel or, where no loop
    runs, in :meth:`wait`.
    """

    def __init__(
        self,
        busy: Callable[[str | None, Any], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._busy = busy
        self._failed = failed
        self._jobs: OrderedDict[str, Task] = OrderedDict()
        self._running: Task | None = None
        self._calls: deque[tuple[str, Call]] = deque()  # each with the name of its job
        self._closed = False
        self._loop = _running_loop()
        self.lock = threading.Condition()  # held while the jobs change, told when they have
        self.thread: threading.Thread | None = None
        ALL_WORKERS.add(self)

    def submit(self, name: str, job: Job, deliver: Deliver) -> Task:
        """Run ``job(task)`` in the background, and hand its result to ``deliver``.

        An earlier job of the same name is cancelled, and its result is never delivered.
        """
        task = Task(name, job, deliver, lambda event: self._announce(task, event))
        with self.lock:
            if self._closed:
                task.cancel()
                return task
            self._drop(name)
            self._jobs[name] = task
            self._begin_thread()
            self._announce(task, None)  # now: the thread may come to it late, and the panel is busy
            self.lock.notify_all()
        return task

    def cancel(self, name: str | None = None) -> None:
        """Stop the jobs of that name, or all jobs."""
        with self.lock:
            for job_name in [task.name for task in self._unfinished()]:
                if name in (None, job_name):
                    self._drop(job_name)
            self.lock.notify_all()
            if self.idle:
                self._announce_end()

    @property
    def idle(self) -> bool:
        """Whether no job runs and none waits."""
        with self.lock:
            return not self._unfinished()

    def wait(self, timeout: float = 600.0) -> None:
        """Return when all jobs are done and all results are delivered.

        Raises ``TimeoutError`` after ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        with self.lock:
            while self._calls or not self.idle:
                self.hand_over()
                if not self.idle and not self.lock.wait(end - time.monotonic()):
                    raise TimeoutError(f"still busy after {timeout:g} s")

    def hand_over(self) -> None:
        """Make the calls that the thread asked for so far.

        An error of a call is an error of its job.
        """
        while self._calls:
            name, call = self._calls.popleft()
            if self._closed:
                continue
            try:
                call()
            except Exception as error:  # the others must still be made
                self._failed(name, error)

    def close(self) -> None:
        """Cancel all jobs, and end the thread."""
        self._closed = True
        self.cancel()

    # --- Jobs: whoever calls these holds the lock --------------------------------------------

    def _unfinished(self) -> list[Task]:
        running = [] if self._running is None else [self._running]
        return [*self._jobs.values(), *running]

    def _drop(self, name: str) -> None:
        """Cancel the jobs of a name, and forget those that have not begun."""
        for task in self._unfinished():
            if task.name == name:
                task.cancel()
        self._jobs.pop(name, None)

    def _begin_thread(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(
                target=self._work, name="gsmflow_lite panel", daemon=True
            )
            self.thread.start()

    # --- Calls that are to be made in the thread of the kernel -------------------------------

    def _post(self, name: str, call: Call) -> None:
        self._calls.append((name, call))
        with self.lock:
            self.lock.notify_all()
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self.hand_over)

    def _announce(self, task: Task, event: Any) -> None:
        call = partial(self._busy, task.name, event)
        self._post(task.name, lambda: None if task.cancelled.is_set() else call())

    def _announce_end(self) -> None:
        self._post("the end of background work", lambda: self._busy(None, None))

    # --- In the thread -----------------------------------------------------------------------

    def _work(self) -> None:
        """Do one job after the other until the worker is closed."""
        while (task := self._next_task()) is not None:
            self._announce(task, None)
            self._do(task)
            with self.lock:  # both at once: else `wait` could return between them
                self._running = None
                if not self._jobs:
                    self._announce_end()

    def _next_task(self) -> Task | None:
        """Wait for a job; None when the worker is closed."""
        with self.lock:
            while not self._jobs and not self._closed:
                self.lock.wait()
            if self._closed:
                self.thread = None
                return None
            _, self._running = self._jobs.popitem(last=False)
            return self._running

    def _do(self, task: Task) -> None:
        try:
            with _half_the_threads():
                result = task.run()
        except Cancelled:
            return
        except BaseException as error:  # nobody else hears of it, and the thread must go on
            if not task.cancelled.is_set():
                self._post(task.name, partial(self._failed, task.name, error))
            return
        if not task.cancelled.is_set():
            deliver = partial(task.deliver, result)
            self._post(task.name, lambda: None if task.cancelled.is_set() else deliver())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of the kernel; None where there is no kernel."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@atexit.register
def _end_all_threads() -> None:
    """End all threads before the interpreter ends. One left in native code would abort it."""
    for worker in list(ALL_WORKERS):
        thread = worker.thread
        worker.close()
        if thread is not None:
            thread.join(10)


@contextmanager
def _half_the_threads() -> Iterator[None]:
    """Leave half of torch's threads to the kernel and the page.

    With all of them, small networks train twenty times slower beside a busy kernel.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def event_text(name: str, event: Event | None) -> tuple[str, float | None]:
    """Describe the work of a job in words, with the share that is done, 0 to 1, or None."""
    if isinstance(event, Stage):
        return event.name, 0.0
    if isinstance(event, Step):
        return event.stage, event.done / max(1, event.total)
    if isinstance(event, Epoch):
        return f"epoch {event.epoch} of {event.epochs}", event.epoch / max(1, event.epochs)
    return name, None


def plainly(error: BaseException) -> str:
    """Write an error as one line. An error that is not of this library begins with its kind."""
    line = " ".join(str(error).split())
    return line if isinstance(error, GSMFlowError) else f"{type(error).__name__}: {line}"
