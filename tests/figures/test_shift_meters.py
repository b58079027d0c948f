"""The meters show value, interval, classes, floor and ceiling, and say number and word."""

from dataclasses import dataclass, replace

import numpy as np

from gsmflow_lite import figures

NASTY = "<b>x</b><a href='javascript:1'>%{x} $y$</a>"


@dataclass
class FakeReading:
    metric: str
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    word: str
    beside: float | None = None


class FakeShifts:
    """Readings by meter, the same for each class but ``apart`` further along."""

    names = ("a", NASTY)

    def __init__(self, readings, apart=(0.0, 0.0)):
        self.readings, self.apart = readings, dict(zip(self.names, apart, strict=True))

    def reading(self, metric, label=None):
        whole = self.readings[metric]
        return replace(whole, value=whole.value + self.apart.get(label, 0.0))


NAN = float("nan")


def shifts(word="watch", *, start=0.0, apart=(-0.1, 0.1)):
    common = FakeReading("agreement", 0.5 + start, 0.4 + start, 0.6 + start, 0.0, 0.9, word)
    lower = FakeReading("Frechet", 20 + start, 18 + start, 22 + start, 60.0, 5.0, "shifted")
    none = FakeReading("spread", NAN, NAN, NAN, NAN, NAN, "not measured")
    return FakeShifts(
        {"semantic": common, "variance": none, "structure": common, "overall": lower}, apart
    )


def test_each_meter_shows_value_interval_classes_floor_and_ceiling():
    figure = figures.shift_meters({"mine": shifts(), "rival": shifts("fine", start=0.2)})
    semantic = figure.axes[0]
    lines = {
        (line.get_marker(), *np.round(line.get_xdata(), 6))
        for line in semantic.lines
        if len(line.get_xdata()) < 3
    }
    assert {("^", 0.5), ("o", 0.7), ("|", 0.4, 0.6), ("|", 0.6, 0.8)} <= lines
    assert {("None", 0.4, 0.6), ("None", 0.6, 0.8), ("None", 0.0, 0.0), ("None", 0.9, 0.9)} <= lines


def test_each_meter_says_number_and_word_for_each_generator():
    figure = figures.shift_meters({"mine": shifts(), "rival": shifts("fine", start=0.2)})
    texts = {t.get_text() for t in figure.axes[0].texts}
    assert {"0.50  watch", "0.70  fine", "floor 0.00", "real data 0.90"} <= texts
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["mine", "rival"]


def test_what_the_ridge_gaussian_reaches_has_a_small_mark_with_its_word():
    report = shifts()
    report.readings["semantic"].beside = 0.3
    semantic, *_, overall = figures.shift_meters({"mine": report}).axes
    marks = {(line.get_marker(), line.get_xdata()[0]) for line in semantic.lines}
    assert ("^", 0.3) in marks
    assert "ridge-Gaussian" in {t.get_text() for t in semantic.texts}
    report.readings["overall"].beside = None
    assert "ridge-Gaussian" not in {t.get_text() for t in overall.texts}


def test_what_stands_far_beside_does_not_squeeze_a_meter():
    report = shifts()
    report.readings["semantic"].beside = -1000.0
    semantic = figures.shift_meters({"mine": report}).axes[0]
    assert semantic.get_xlim()[0] > -2
    marks = {line.get_xdata()[0] for line in semantic.lines if line.get_markersize() == 6}
    assert semantic.get_xlim()[0] in marks


def test_a_meter_that_cannot_tell_says_so():
    texts = {
        t.get_text() for t in figures.shift_meters({"mine": shifts("cannot tell")}).axes[0].texts
    }
    assert "0.50  cannot tell" in texts


def test_the_names_of_floor_and_ceiling_part_where_these_are_close():
    def sides(ceiling):
        report = shifts()
        report.readings["semantic"].ceiling = ceiling
        semantic = figures.shift_meters({"mine": report}).axes[0]
        return [t.get_ha() for t in semantic.texts if t.get_text().startswith(("floor", "real"))]

    assert sides(0.9) == ["center", "center"]
    assert sides(0.05) == ["right", "left"]


def test_better_is_always_to_the_right():
    semantic, _, _, overall = figures.shift_meters({"mine": shifts()}).axes
    assert semantic.get_xlim()[0] < semantic.get_xlim()[1]
    assert overall.get_xlim()[0] > overall.get_xlim()[1]  # of a distance less is better


def test_a_meter_that_was_not_measured_says_so():
    assert [t.get_text() for t in figures.shift_meters({"mine": shifts()}).axes[1].texts] == [
        "not measured"
    ]


def test_one_odd_class_does_not_squeeze_a_meter():
    semantic = figures.shift_meters({"mine": shifts(apart=(0.0, 1000.0))}).axes[0]
    assert semantic.get_xlim()[1] < 2


def test_hostile_names_of_generators_are_text_on_the_meters():
    figure = figures.shift_meters({r"$\broken{$": shifts()})
    figure.canvas.draw()
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [r"\$\broken{\$"]
