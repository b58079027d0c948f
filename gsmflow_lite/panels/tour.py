"""A guided tour of the explorer: a strip that says what to do next, and notices when it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from ..errors import ConfigError
from ..shifts.report import ShiftReport
from .controls import button
from .map_panel import RIDGE_NAME
from .stage import text_in

READ_ALOUD = ("variance", "semantic", "structure")
COLLAPSE = 0.5  # a dose of variance: every class is half as wide, or less


class Guided(Protocol):
    """What the tour needs of an explorer."""

    controls: dict[str, Any]
    gallery: widgets.HTML
    table: widgets.HTML
    tools: Any

    @property
    def settings(self) -> dict[str, Any]: ...

    @property
    def report(self) -> ShiftReport: ...


@dataclass(frozen=True)
class TourStep:
    """One thing to do: ``ask`` says what, ``done`` whether it is, ``then`` what to see in it.

    ``group`` is the group of controls to open, ``control`` the one that is needed.
    """

    ask: str
    done: Callable[[Guided], bool]
    then: Callable[[Guided], str] | str
    group: str
    control: str


def _has_pictures(panel: Guided) -> bool:
    return bool(panel.gallery.value)


def _has_collapsed(panel: Guided) -> bool:
    return panel.settings["variance"] >= COLLAPSE


def _is_measured(panel: Guided) -> bool:
    """Whether the meters that can be read are those of a collapse."""
    is_read = panel.table.value and "stale" not in panel.table._dom_classes
    return bool(is_read) and _has_collapsed(panel)


def _verdicts(panel: Guided) -> str:
    """The word of each meter, that of the collapse first."""
    first, *others = (f"{meter} {panel.report.reading(meter).word}" for meter in READ_ALOUD)
    return f"Meters say: {first}; {' and '.join(others)}. Each answers a question of its own."


TOUR = (
    TourStep(
        "Look at one class: under <b>Classes</b>, click a single name in the list.",
        lambda panel: len(panel.settings["classes"]) == 1,
        "Its dots are real, its diamonds are imagined from a description alone.",
        "Classes",
        "classes",
    ),
    TourStep(
        "See its pictures: draw a lasso around some diamonds, or choose the class at "
        "<b>Most shifted</b>.",
        _has_pictures,
        "These are the points that you chose. They stand below the map, and are marked in both "
        "lenses.",
        "Classes",
        "classes",
    ),
    TourStep(
        f"Cause a variance collapse: under <b>Shifts</b>, move <b>Variance</b> to {COLLAPSE:g} or "
        "more. Which of the two lenses hides it?",
        _has_collapsed,
        "PCA shows a class that has shrunk to a core. In UMAP the diamonds still lie all over the "
        "dots: it keeps neighbours, not spread.",
        "Shifts",
        "variance",
    ),
    TourStep(
        "Read the meter that says so. With the collapse on, wait until the three meters are "
        "measured.",
        _is_measured,
        _verdicts,
        "Shifts",
        "variance",
    ),
    TourStep(
        f"Compare: under <b>Generator</b>, choose <b>{RIDGE_NAME}</b>, a formula without a flow.",
        lambda panel: panel.settings["generator"] == RIDGE_NAME,
        "Same classes, same dose, another generator: look at the pictures and the meters again.",
        "Generator",
        "generator",
    ),
    TourStep(
        "Go back: press <b>Undo</b> until the first generator is there again. Then copy the text "
        "at <b>State</b>, under <b>Share</b>.",
        lambda panel: panel.settings["generator"] != RIDGE_NAME,
        "You are back. Whoever gives your text to <code>explore(state=...)</code> sees this view.",
        "Share",
        "generator",
    ),
)


class Tour:
    """The strip of a tour: ``widget`` has the words and three buttons.

    It watches the explorer and changes nothing in it but the group of controls that is open. Steps
    whose control is hidden are left out. :meth:`end` takes the strip away. Raises ``ConfigError``
    if no step is left.
    """

    def __init__(self, panel: Guided, steps: Sequence[TourStep] = TOUR) -> None:
        self.panel = panel
        self.steps = [
            step for step in steps if panel.controls[step.control].layout.display != "none"
        ]
        if not self.steps:
            raise ConfigError(
                "a tour must have something to move, but all of it is hidden: hide less"
            )
        self.number = 0  # of the step, from 0
        self.words = text_in("words")
        self.back = button("Back", "arrow-left", "The step before", lambda: self.go(-1))
        self.next = button("Next", "arrow-right", "The next step", lambda: self.go(1))
        self.stop = button("End", "times", "End the tour", self.end)
        self.widget = widgets.HBox(
            [self.words, self.back, self.next, self.stop],
            layout=widgets.Layout(align_items="center"),
        )
        self.widget.add_class("tour")
        self._watch()
        self.go(0)

    @property
    def step(self) -> TourStep:
        """The step that is shown."""
        return self.steps[self.number]

    def go(self, by: int) -> None:
        """Show another step, and open its group of controls."""
        self.number = max(0, min(self.number + by, len(self.steps) - 1))
        groups = self.panel.tools.groups
        if groups is not None and self.step.group in groups.tabs.options:
            groups.open(self.step.group)
        self.back.disabled = self.number == 0
        self.next.disabled = self.number == len(self.steps) - 1
        self.look()

    def look(self) -> None:
        """Say what to do and, once it is done, what to see in it."""
        step = self.step
        said = f"<b>Tour, step {self.number + 1} of {len(self.steps)}.</b> {step.ask}"
        if step.done(self.panel):
            then = step.then if isinstance(step.then, str) else escape(step.then(self.panel))
            said += f" <b>✓ Done.</b> {then}"
        self.words.value = f'<p role="status">{said}</p>'

    def end(self) -> None:
        """End the tour: the strip goes away, and the explorer stays as it is."""
        self.widget.layout.display = "none"

    def _watch(self) -> None:
        """Look again whenever a setting, the pictures or the meters have changed."""
        for one in [*self.panel.controls.values(), self.panel.gallery]:
            one.observe(lambda _: self.look(), names="value")
        self.panel.table.observe(lambda _: self.look(), names="_dom_classes")  # faded or not
