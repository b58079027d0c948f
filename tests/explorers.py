"""What an explorer shows, as tests read it."""

import numpy as np
from pages import Page

from gsmflow_lite.panels.explore import ExplorePanel
from gsmflow_lite.shifts.meters import SHIFTS

LETTERS = ("A", "B", "I", "Q")


def xy(panel: ExplorePanel, part: str, lens: str = "pca") -> np.ndarray:
    """The places of a trace of the map."""
    trace = panel.map.trace(part, lens)
    return np.stack([trace.x, trace.y], axis=1)


def by_class(panel: ExplorePanel) -> np.ndarray:
    """What is drawn through the linear lens: (classes, samples, 2), in float64."""
    shape = (len(panel.settings["classes"]), panel.settings["samples"], 2)
    return xy(panel, "synthesized").reshape(shape).astype(np.float64)


def said(panel: ExplorePanel) -> str:
    """The line under the controls."""
    return Page(panel.tools.line.value).said


def check_same_readings(report, other, *, labels=(None,)) -> None:
    """The headlines of two reports agree, for all classes together or for classes by name."""
    for meter in SHIFTS:
        for label in labels:
            one = report.reading(meter, label)
            two = other.reading(meter, label)
            assert one.word == two.word
            np.testing.assert_allclose(one.value, two.value, atol=1e-5)
            np.testing.assert_allclose(one.low, two.low, atol=1e-5)
            np.testing.assert_allclose(one.high, two.high, atol=1e-5)
