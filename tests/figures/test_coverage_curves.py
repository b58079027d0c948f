"""The curves of a coverage show what is held against what should be, seen and unseen apart."""

from dataclasses import dataclass

import numpy as np

from gsmflow_lite import figures

SHARES = np.array([0.25, 0.5, 0.75])


@dataclass
class FakeHeld:
    kind: str
    held: np.ndarray
    gap: float = 0.125

    shares = SHARES

    @property
    def low(self):
        return self.held - 0.1

    @property
    def high(self):
        return self.held + 0.1


@dataclass
class FakeCoverage:
    curves: tuple


SEEN = FakeHeld("seen", np.array([0.3, 0.6, 0.8]))
UNSEEN = FakeHeld("unseen", np.array([0.1, 0.2, 0.3]))


def test_each_curve_has_its_band_and_the_diagonal_is_there():
    figure = figures.coverage_curves({"mine": FakeCoverage((SEEN, UNSEEN))})
    (axes,) = figure.axes
    lines = {tuple(line.get_ydata()) for line in axes.lines}
    assert {(0, 1), tuple(SEEN.held), tuple(UNSEEN.held)} == lines
    for band, curve in zip(axes.collections, (SEEN, UNSEEN), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == curve.low.min()
        assert heights.max() == curve.high.max()
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.lines[1:]}
    assert len(styles) == 2
    labels = [t.get_text() for t in axes.get_legend().get_texts()]
    assert labels == ["seen classes: gap 0.12", "unseen classes: gap 0.12"]


def test_each_generator_has_its_axes_and_hostile_names_are_text():
    both = {r"$\broken{$": FakeCoverage((SEEN,)), "other": FakeCoverage((UNSEEN,))}
    figure = figures.coverage_curves(both, title="a title", caption="a caption")
    figure.canvas.draw()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [r"\$\broken{\$", "other"]
