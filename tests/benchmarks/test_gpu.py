"""The bench of a GPU keeps to its minutes, says what failed, and judges what is right and fast."""

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gsmflow_lite.method import captured, descent

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = ["--device", "cpu", "--small"]


@pytest.fixture
def bench(monkeypatch):
    """The files of the bench, and one of toy sizes on the CPU."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import gpu
    import gpu_bench
    import gpu_checks
    import gpu_rows
    import gpu_step
    import gpu_work

    clock = gpu_bench.Clock(torch.device("cpu"), 60, 1)
    return SimpleNamespace(
        command=gpu,
        checks=gpu_checks,
        rows=gpu_rows,
        step=gpu_step,
        work=gpu_work,
        on_toys=gpu_bench.Bench(clock, small=True),
        in_turn=gpu_bench.in_turn,
        clock=clock,
    )


def lines_of(printed: str) -> list[list[str]]:
    """The cells of the rows of the table."""
    table = [line for line in printed.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


# --- The whole bench -----------------------------------------------------------------------------


def test_all_parts_run_and_are_printed_and_written(bench, tmp_path, capsys):
    file = tmp_path / "gpu.json"
    assert bench.command.main([*SMALL, "--minutes", "5", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "device cpu" in printed
    assert "No check failed." in printed

    written = json.loads(file.read_text())
    rows = written["rows"]
    assert written["left_out"] == []
    assert written["checks_passed"] is True
    assert written["setting"]["torch"] == torch.__version__
    assert [row["work"] for row in rows] == [cells[0] for cells in lines_of(printed)]
    assert {row["part"] for row in rows} == {part.name for part in bench.command.PARTS}
    verdicts = {row["verdict"] for row in rows}
    assert verdicts <= {"", "passed", "reached", "MISSED", "skipped"}, printed
    assert all(row["value"] > 0 for row in rows if row["verdict"] in ("", "reached", "MISSED"))
    assert all(row["ratio"] > 0 and row["peer"] > 0 for row in rows if row["against"])


def test_a_budget_of_nothing_leaves_out_every_part_by_its_name(bench, tmp_path, capsys):
    file = tmp_path / "gpu.json"
    assert bench.command.main([*SMALL, "--minutes", "0", "--json", str(file)]) == 0
    names = [part.name for part in bench.command.PARTS]
    written = json.loads(file.read_text())
    assert written["left_out"] == names
    assert {row["verdict"] for row in written["rows"]} == {"left out"}
    assert f"Left out for lack of time: {'; '.join(names)}." in capsys.readouterr().out


def test_without_a_gpu_it_says_so_in_one_sentence(bench, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert bench.command.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert f"torch {torch.__version__} finds no GPU here" in said.err


def test_a_file_that_cannot_be_written_is_refused_at_once(bench, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert bench.command.main([*SMALL, "--json", str(tmp_path / "file" / "gpu.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err


# --- What fails ----------------------------------------------------------------------------------


def run_parts(bench, monkeypatch, *parts) -> int:
    monkeypatch.setattr(bench.command, "PARTS", parts)
    return bench.command.main(SMALL)


def a_part(bench, name, rows, **options):
    return bench.command.Part(name, 0, rows, **options)


@pytest.mark.parametrize("check", [False, True])
def test_a_part_that_fails_is_told_and_the_rest_goes_on(bench, monkeypatch, capsys, check):
    def fails(_):
        yield bench.rows.alone("half", 2.0)
        raise RuntimeError("CUDA error: an illegal memory access\nCompile with ...")

    def runs(_):
        yield bench.rows.alone("the rest", 3.0)

    parts = a_part(bench, "bad", fails, check=check), a_part(bench, "good", runs)
    assert run_parts(bench, monkeypatch, *parts) == (1 if check else 0)
    half, bad, rest = lines_of(capsys.readouterr().out)
    assert (half[:2], rest[:2]) == (["half", "2 s"], ["the rest", "3 s"])
    assert bad[0] == "bad"
    assert bad[6] == "ERROR"
    assert bad[7].startswith("RuntimeError: CUDA error: an illegal memory access (test_gpu.py, ")


def test_a_check_that_fails_decides_the_exit_status(bench, monkeypatch, capsys):
    def check(_):
        yield bench.checks.same_to_the_bit("a", torch.zeros(3), torch.tensor([0.0, 0.5, 0.0]))
        yield bench.checks.close("b", float("nan"), 1.0)
        yield bench.checks.close("c", 0.5, 1.0)

    assert run_parts(bench, monkeypatch, a_part(bench, "check", check, check=True)) == 1
    printed = capsys.readouterr().out
    assert [cells[6] for cells in lines_of(printed)] == ["FAILED", "FAILED", "passed"]
    assert "1 of 3 differ, by up to 0.5" in printed
    assert "A check FAILED." in printed


def test_an_interrupt_leaves_out_what_was_to_come(bench, monkeypatch, capsys):
    def interrupted(_):
        yield bench.rows.alone("half", 2.0)
        raise KeyboardInterrupt

    parts = [a_part(bench, name, interrupted) for name in ("first", "second")]
    assert run_parts(bench, monkeypatch, *parts) == 0
    found = [(cells[0], cells[6]) for cells in lines_of(capsys.readouterr().out)]
    assert found == [("half", ""), ("first", "left out"), ("second", "left out")]


def test_without_freia_its_rows_say_so_and_ours_stand_alone(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "FrEIA.modules", None)
    ours, freia = bench.work.likelihood(bench.on_toys)
    assert ours.value > 0
    assert ours.against == ""
    assert (freia.verdict, freia.note) == ("skipped", "FrEIA is not installed")


# --- Times ---------------------------------------------------------------------------------------


def test_who_fails_in_the_first_try_does_not_stop_the_others(bench):
    def fails():
        raise RuntimeError("out of memory")

    clock = replace(bench.clock, most_rounds=3)
    makers = {"ours": lambda: lambda: 2.0, "peer": lambda: fails, "other": fails}
    times = bench.in_turn("w", makers, clock)
    assert times.of == {"ours": [2.0, 2.0, 2.0]}
    assert [row.work for row in times.failures] == ["w: peer", "w: other"]


def test_a_first_try_that_took_all_the_time_leaves_the_work_out(bench):
    clock = replace(bench.clock, seconds=0.0)
    clock.started = torch.inf  # so nothing is spent before the try

    def slow() -> float:
        clock.started = -1e9
        return 1.0

    with pytest.raises(bench.rows.LeftOut, match="0 s are left"):
        bench.in_turn("w", {"ours": lambda: slow}, clock)


def test_a_goal_is_the_most_that_a_ratio_or_a_lonely_value_may_be(bench):
    rows = bench.rows
    row = rows.beside("w", [0.002, 0.004, 0.003], "peer", [0.01, 0.01, 0.01], goal=0.3)
    assert (row.value, row.peer, row.ratio, row.unit) == (3.0, 10.0, pytest.approx(0.3), "ms")
    assert "3 rounds: 0.20 to 0.40" in row.note
    verdicts = [rows.alone("w", 1.0, goal=goal).verdict for goal in (None, 1.0, 0.9)]
    assert verdicts == ["", "reached", "MISSED"]


def test_a_cell_of_the_table_cannot_break_it(bench):
    row = bench.rows.told("w", ValueError("a | b"))
    assert row.line.count("|") == 9


# --- Captured steps, which the CPU plays back as tests/method/test_captured.py does --------------


@pytest.fixture
def recording(bench, monkeypatch):
    """Record on the CPU. What is played back may be set: by default the recorded code."""
    log = SimpleNamespace(play=lambda run: run())
    monkeypatch.setattr(captured, "recorded", lambda run, noise: lambda: log.play(run))
    monkeypatch.setattr(descent, "aside", lambda step, *inputs: step(*inputs))
    for module in (descent, bench.step, bench.checks):
        monkeypatch.setattr(module, "can_be_captured", lambda device: True)
    adam = torch.optim.Adam  # which refuses to be captured on the CPU
    monkeypatch.setattr(
        torch.optim, "Adam", lambda *args, capturable=None, **options: adam(*args, **options)
    )
    return log


def test_captured_steps_are_timed_beside_all_others(bench, recording):
    rows = list(bench.step.training_step(bench.on_toys, "float32"))
    found = {(row.work.split(", ")[-1], row.against): row for row in rows}
    goals = {
        ("captured", bench.step.FREIA): 0.25,
        ("captured", bench.step.PRODUCTS): None,
        ("captured", "plain"): None,
        ("through fit()", "captured"): 1.15,
        ("through fit()", bench.step.FREIA): None,
        ("plain", bench.step.FREIA): None,
    }
    assert {key: row.goal for key, row in found.items()} == goals
    own = 1000 * bench.on_toys.captured["float32"]
    assert found["captured", "plain"].value == pytest.approx(own)


def test_a_captured_step_that_is_the_plain_one_passes(bench, recording):
    small, large = bench.checks.captured_is_plain(bench.on_toys)
    assert (small.verdict, large.verdict) == ("passed", "passed")
    assert "in float32 equal to the bit" in large.note


def test_a_captured_step_that_is_not_the_plain_one_fails(bench, recording):
    recording.play = lambda run: None
    small, large = bench.checks.captured_is_plain(bench.on_toys)
    assert (small.verdict, large.verdict) == ("FAILED", "FAILED")


def test_a_recording_that_fails_is_told_with_its_cause(bench, recording, monkeypatch, capsys):
    def fails(run, noise):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(captured, "recorded", fails)
    check = bench.command.Part("check", 0, bench.checks.captured_is_plain, check=True)
    assert run_parts(bench, monkeypatch, check) == 1
    warned, failed = lines_of(capsys.readouterr().out)
    assert warned[6] == "warned"
    assert "not permitted when stream is capturing" in warned[7]
    assert (failed[6], "recording failed" in failed[7]) == ("ERROR", True)


# --- Beside it -----------------------------------------------------------------------------------


def test_the_products_are_those_that_training_step_counts(bench, monkeypatch):
    """A product takes as many seconds as it has multiplications, in both."""
    import training_step

    def three_ways(precision, n, inside, out, *, inputs=True):
        return n * inside * out * (3 if inputs else 2)

    monkeypatch.setattr(training_step, "_three_ways", three_ways)
    monkeypatch.setattr(training_step, "PRECISIONS", ("float32",))
    step = SimpleNamespace(work="training step, float32", ours=1.0)
    (expected,) = training_step.products(SimpleNamespace(small=True), [step])

    launched = []

    def launches(precision, device, n, inside, out):
        return [lambda: launched.append(n * inside * out)] * 3

    monkeypatch.setattr(bench.step, "three_ways", launches)
    bench.step.products(bench.on_toys.scale, "float32", bench.clock)()
    assert sum(launched) / bench.step.PROFILED == expected.peer


def test_mining_is_timed_only_where_both_walk_to_the_same_rows(bench, monkeypatch):
    assert next(bench.work.mining(bench.on_toys)).against == bench.work.BROADCAST
    monkeypatch.setattr(bench.work, "mine_boundary_samples", lambda network, x, *_: x + 1)
    with pytest.raises(AssertionError, match="of their way apart"):
        next(bench.work.mining(bench.on_toys))


def test_busy_time_is_the_sum_of_the_kernels_of_a_step(bench, monkeypatch):
    """The profiler of a machine with a GPU also gives calls of the host, and named ranges."""
    kinds = torch.autograd.DeviceType

    def event(microseconds, kind=kinds.CUDA, named=False):
        span = SimpleNamespace(elapsed_us=lambda: microseconds)
        return SimpleNamespace(time_range=span, device_type=kind, is_user_annotation=named)

    events = [event(30), event(20), event(1000, kinds.CPU), event(500, named=True)]
    profiler = nullcontext(SimpleNamespace(events=lambda: events))
    monkeypatch.setattr(bench.step, "profile", lambda activities: profiler)
    cuda = bench.step.ProfilerActivity.CUDA
    monkeypatch.setattr(bench.step, "supported_activities", lambda: {cuda})
    taken = []
    training = SimpleNamespace(device=torch.device("cuda"))
    monkeypatch.setattr(bench.step, "new_descent", lambda training, captured: "descent")
    monkeypatch.setattr(bench.step, "take_steps", lambda descent, of, steps: taken.append(steps))
    busy = bench.step.busy_seconds(training, bench.clock)
    assert busy == pytest.approx(50e-6 / bench.step.PROFILED)
    assert taken == [bench.step.PROFILED] * 2
