"""Background work: the latest job counts, cancel and pause act at the next event.

Results come in the thread of the caller.
"""

import asyncio
import threading
import time

import pytest

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.events import Epoch, Stage, Step
from gsmflow_lite.panels.worker import Cancelled, Worker, event_text, plainly

SOON = 10.0  # seconds: far more than any of these jobs needs


class Heard:
    """A worker with a record of all that it said, and of the threads in which it did."""

    def __init__(self) -> None:
        self.calls = []
        self.results = []
        self.errors = []
        self.threads = set()
        self.worker = Worker(self.busy, self.failed)

    def busy(self, name, event) -> None:
        self.calls.append((name, event))
        self.threads.add(threading.current_thread())

    def failed(self, name, error) -> None:
        self.errors.append((name, str(error)))
        self.threads.add(threading.current_thread())

    def deliver(self, result) -> None:
        self.results.append(result)
        self.threads.add(threading.current_thread())


@pytest.fixture
def heard():
    heard = Heard()
    yield heard
    heard.worker.close()


class Gate:
    """A job that sends events until it may end. It notes the exception that stopped it."""

    def __init__(self, result=None) -> None:
        self.result = result
        self.begun = threading.Event()
        self.open = threading.Event()
        self.stopped = None
        self.rounds = 0

    def __call__(self, task):
        self.begun.set()
        try:
            while not self.open.wait(0.002):
                self.rounds += 1
                task(None if self.rounds % 50 else Step("gate", self.rounds, 1))
        except Cancelled as error:
            self.stopped = error
            raise
        return self.result


def eventually(true) -> bool:
    end = time.monotonic() + SOON
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    return true()


def test_a_result_is_handed_over_by_wait_in_the_thread_that_waits(heard):
    ran_in = []
    heard.worker.submit(
        "a", lambda task: ran_in.append(threading.current_thread()) or 7, heard.deliver
    )
    heard.worker.wait(SOON)
    assert heard.results == [7]
    assert heard.threads == {threading.current_thread()}
    assert ran_in != [threading.current_thread()]


def test_nothing_is_handed_over_before_somebody_waits(heard):
    done = threading.Event()
    heard.worker.submit("a", lambda task: done.set(), heard.deliver)
    assert done.wait(SOON)
    assert eventually(lambda: heard.worker.idle)
    assert heard.results == heard.calls == []


def test_beginning_events_and_end_are_told_in_order(heard):
    events = [Stage("s", 2), Step("s", 1, 2), Step("s", 2, 2)]
    heard.worker.submit("a", lambda task: [task(event) for event in events], heard.deliver)
    heard.worker.wait(SOON)
    assert heard.calls == [
        ("a", None),
        ("a", None),
        *(("a", event) for event in events),
        (None, None),
    ]


def test_a_job_is_told_of_before_its_thread_comes_to_it(heard):
    with heard.worker.lock:  # the thread waits
        heard.worker.submit("a", lambda task: 7, heard.deliver)
        heard.worker.hand_over()
        assert heard.calls == [("a", None)]
        heard.worker.cancel()
    heard.worker.wait(SOON)
    assert heard.results == []
    assert heard.calls == [("a", None), (None, None)]  # its end, too, though it never began


def test_of_one_name_only_the_latest_counts(heard):
    first = Gate("old")
    heard.worker.submit("a", first, heard.deliver)
    assert first.begun.wait(SOON)
    ran = []
    for number in range(5):
        heard.worker.submit(
            "a", lambda task, number=number: ran.append(number) or number, heard.deliver
        )
    heard.worker.wait(SOON)
    assert heard.results == ran == [4]
    assert isinstance(first.stopped, Cancelled)


def test_a_finished_result_that_was_overtaken_is_not_handed_over(heard):
    done = threading.Event()
    heard.worker.submit("a", lambda task: done.set() or "old", heard.deliver)
    assert done.wait(SOON)
    assert eventually(lambda: heard.worker.idle)
    heard.worker.cancel()  # idle: too late for this one
    task = heard.worker.submit("a", lambda task: "new", heard.deliver)
    assert eventually(lambda: heard.worker.idle)
    task.cancel()
    heard.worker.wait(SOON)
    assert heard.results == ["old"]


def test_jobs_of_different_names_all_run_in_their_order(heard):
    for name in "abc":
        heard.worker.submit(name, lambda task, name=name: name, heard.deliver)
    heard.worker.wait(SOON)
    assert heard.results == ["a", "b", "c"]


def test_cancel_stops_a_job_at_its_next_event(heard):
    gate = Gate()
    heard.worker.submit("a", gate, heard.deliver)
    assert gate.begun.wait(SOON)
    heard.worker.cancel()
    heard.worker.wait(SOON)
    assert isinstance(gate.stopped, Cancelled)
    assert heard.results == heard.errors == []
    assert heard.calls[-1] == (None, None)


def test_events_of_a_cancelled_job_are_not_told_any_more(heard):
    gate = Gate()
    heard.worker.submit("a", gate, heard.deliver)
    assert eventually(lambda: gate.rounds > 120)
    heard.worker.cancel()
    heard.worker.wait(SOON)
    assert heard.calls == [(None, None)]


def test_cancel_of_one_name_leaves_the_others(heard):
    gate = Gate("kept")
    heard.worker.submit("kept", gate, heard.deliver)
    heard.worker.submit("dropped", lambda task: "dropped", heard.deliver)
    assert gate.begun.wait(SOON)
    heard.worker.cancel("dropped")
    gate.open.set()
    heard.worker.wait(SOON)
    assert heard.results == ["kept"]


def test_a_paused_job_stands_still_until_it_may_go_on(heard):
    gate = Gate("done")
    task = heard.worker.submit("a", gate, heard.deliver)
    assert eventually(lambda: gate.rounds > 3)
    task.pause(True)
    time.sleep(0.05)
    before = gate.rounds
    time.sleep(0.1)
    assert task.paused
    assert gate.rounds == before
    task.pause(False)
    assert eventually(lambda: gate.rounds > before)
    gate.open.set()
    heard.worker.wait(SOON)
    assert heard.results == ["done"]


def test_a_paused_job_can_be_cancelled(heard):
    gate = Gate()
    task = heard.worker.submit("a", gate, heard.deliver)
    assert gate.begun.wait(SOON)
    task.pause(True)
    heard.worker.cancel()
    heard.worker.wait(SOON)
    assert isinstance(gate.stopped, Cancelled)


def test_a_job_that_fails_is_reported_and_the_next_one_runs(heard):
    def fail(task):
        raise ValueError("no such thing")

    heard.worker.submit("bad", fail, heard.deliver)
    heard.worker.submit("good", lambda task: 1, heard.deliver)
    heard.worker.wait(SOON)
    assert heard.errors == [("bad", "no such thing")]
    assert heard.results == [1]
    assert heard.threads == {threading.current_thread()}


def test_when_wait_returns_the_end_has_been_told(heard):
    for _ in range(300):
        heard.worker.submit("a", lambda task: None, heard.deliver)
        heard.worker.wait(SOON)
        assert heard.calls[-1] == (None, None)


def test_a_job_that_talks_all_the_time_does_not_put_off_the_end_of_waiting(heard):
    gate = Gate()
    heard.worker.submit("a", gate, heard.deliver)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"still busy after 0.3 s"):
        heard.worker.wait(0.3)
    assert time.monotonic() - began < 2


def test_what_is_delivered_may_start_more_work(heard):
    heard.worker.submit(
        "a",
        lambda task: 1,
        lambda one: heard.worker.submit("b", lambda task: one + 1, heard.deliver),
    )
    heard.worker.wait(SOON)
    assert heard.results == [2]


def test_with_a_running_loop_results_are_handed_over_in_it_without_waiting():
    async def notebook() -> Heard:
        heard = Heard()
        heard.worker.submit("a", lambda task: task(Stage("s", 1)) or 7, heard.deliver)
        end = time.monotonic() + SOON
        while heard.calls[-1:] != [(None, None)] and time.monotonic() < end:
            await asyncio.sleep(0.005)
        heard.worker.close()
        return heard

    heard = asyncio.run(notebook())
    assert heard.results == [7]
    assert heard.calls == [("a", None), ("a", None), ("a", Stage("s", 1)), (None, None)]
    assert heard.threads == {threading.current_thread()}


def test_close_ends_the_thread_and_the_job_in_it(heard):
    gate = Gate()
    heard.worker.submit("a", gate, heard.deliver)
    assert gate.begun.wait(SOON)
    thread = heard.worker.thread
    heard.worker.close()
    thread.join(SOON)
    assert not thread.is_alive()
    heard.worker.wait(SOON)
    assert heard.results == heard.calls == []


def test_a_closed_worker_takes_no_more_jobs(heard):
    heard.worker.close()
    task = heard.worker.submit("a", lambda task: 1, heard.deliver)
    heard.worker.wait(0.5)
    assert task.cancelled.is_set()
    assert heard.results == []


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (None, ("maps", None)),
        (Stage("flow", 9), ("flow", 0.0)),
        (Step("flow", 3, 12), ("flow", 0.25)),
        (Step("flow", 0, 0), ("flow", 0.0)),
        (Epoch(2, 8, 0.0, 0.0, 0.1, 1.0), ("epoch 2 of 8", 0.25)),
    ],
)
def test_a_stage_is_described_in_words_with_its_share(event, expected):
    assert event_text("maps", event) == expected


def test_errors_are_one_line_and_foreign_ones_say_their_kind():
    assert plainly(ConfigError("a\n  b")) == "a b"
    assert plainly(KeyError("x")) == "KeyError: 'x'"


def test_a_job_that_rests_ends_at_once_when_it_is_cancelled(heard):
    resting = threading.Event()

    def job(task):
        resting.set()
        task.rest(60)
        return "rested"

    began = time.monotonic()
    heard.worker.submit("job", job, heard.deliver)
    assert resting.wait(SOON)
    heard.worker.cancel()
    heard.worker.wait(SOON)
    assert time.monotonic() - began < SOON
    heard.worker.submit("job", lambda task: task.rest(0.01) or "rested", heard.deliver)
    heard.worker.wait(SOON)
    assert heard.results == ["rested"]


def test_nothing_is_done_after_a_rest_that_was_cancelled(heard):
    done = []
    resting = threading.Event()

    def job(task):
        resting.set()
        task.rest(60)
        done.append("more")

    heard.worker.submit("job", job, heard.deliver)
    assert resting.wait(SOON)
    heard.worker.cancel()
    heard.worker.wait(SOON)
    assert done == []
