"""Bars and interrupts."""

import torch

from gsmflow_lite import Epoch, ProgressBar, Stage, Step, follow


def epoch(number: int) -> Epoch:
    return Epoch(number, 3, 1.5, 0.25, 1e-3, 0.1)


def events(stop_after: int = 3):
    yield Stage("flow", 3)
    for number in range(1, 4):
        yield Step("flow", 1, 1, torch.tensor(1.0))
        if number > stop_after:
            raise KeyboardInterrupt
        yield epoch(number)


def test_following_returns_every_epoch():
    assert [e.epoch for e in follow(events(), bar=False)] == [1, 2, 3]


def test_an_interrupt_is_reported_and_keeps_the_history(capsys):
    assert [e.epoch for e in follow(events(stop_after=2), bar=False)] == [1, 2]
    assert "stopped by you after 2 whole epochs" in capsys.readouterr().out


def test_then_is_called_after_each_epoch():
    seen = []
    follow(events(), then=seen.append, bar=False)
    assert seen == [epoch(1), epoch(2), epoch(3)]


def test_the_bar_names_the_stage_and_shows_the_loss(capsys):
    with ProgressBar() as bar:
        for event in events():
            bar(event)
        shown = capsys.readouterr().err
    assert "flow" in shown
    assert "nll=1.500" in shown
    assert "3/3" in shown


def test_a_stage_of_plain_steps_counts_to_its_total():
    with ProgressBar() as bar:
        bar(Stage("boundary samples", 10))
        bar(Step("boundary samples", 7, 10))
        assert (bar._bar.n, bar._bar.total) == (7, 10)


def test_a_stages_bar_does_not_count_another_stages_steps():
    with ProgressBar() as bar:
        bar(Stage("flow", 3))
        bar(Step("boundary samples", 7, 10))
        assert bar._bar.n == 0


# --- A loss that bursts ---------------------------------------------------------------------------

CALM = Epoch(1, 2, -0.25, 0.0, 1.0, 0.1)
BURST = Epoch(2, 2, 4.654436e38, 0.0, 1.0, 0.1)


def test_a_loss_that_burst_is_said_once_by_the_bar(capsys):
    with ProgressBar() as bar:
        for event in (Stage("flow", 3), CALM, BURST, BURST):
            bar(event)
    said = [line for line in capsys.readouterr().err.splitlines() if "has burst" in line]
    assert len(said) == 1
    assert "4.65e+38 nats a dimension after epoch 2" in said[0]
    assert "lower the learning rate (1)" in said[0]


def test_without_a_bar_it_is_said_at_the_end(capsys):
    follow([CALM], bar=False)
    assert capsys.readouterr().out == ""
    follow([CALM, BURST], bar=False)
    assert "the loss has burst: 4.65e+38" in capsys.readouterr().out


def test_what_is_not_a_number_has_burst_too():
    assert not CALM.has_burst
    assert BURST.has_burst
    assert Epoch(1, 1, float("nan"), 0.0, 1.0, 0.1).has_burst
