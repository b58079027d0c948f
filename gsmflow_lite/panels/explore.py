"""The shift explorer: cause a shift with a slider, see it through two lenses, read three meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..explorer.baseline import Baseline
from ..explorer.scene import Scene, Synthesized
from ..figures.lenses import two_lenses_on
from ..figures.style import still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Mechanisms, Zoo
from ..shifts.injection import Injected
from ..shifts.measuring import measure
from ..shifts.meters import SHIFTS
from ..shifts.metrics import spread_ratio
from ..shifts.report import ShiftReport
from . import show
from .controls import LABELLED, WIDE
from .curves import curves_over
from .explore_controls import DOSES, OVERLAYS, explore_controls, explore_order
from .map_panel import (
    MEASURED,
    Sources,
    check_generators,
    reader,
    source_of,
    stage,
    zoo_code,
)
from .panel import drawn
from .point_panel import PointPanel
from .tidy_code import tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOW = "GSMFlow, trained with the package"
EXPLORE_KEY = (
    '<span class="calm">Dots are real, open diamonds synthesized, grey ones other classes.</span>'
)


class ExplorePanel(PointPanel):
    """The panel of :func:`explore`."""

    kind = "explore"
    former = ("prototype", "mining")  # switches of version 0.1
    told = ("classes", "samples", *OVERLAYS)

    def __init__(
        self,
        scene: Scene,
        generators: Sources,
        *,
        zoo: Zoo | None,
        name: str,
        hide: Sequence[str] = (),
        state: str = "",
    ) -> None:
        switches = zoo is not None and len(zoo.choices) > 1
        controls = explore_controls(scene.dataset, list(generators), switches=switches)
        super().__init__(scene, generators, controls, zoo=zoo, name=name, hide=hide, start=state)
        self._synthesized: Synthesized | None = None
        self._report: ShiftReport | None = None
        self._baseline = Baseline(scene.dataset, n=MEASURED, metrics=SHIFTS)
        self._make_views()
        self._arrange()
        self.redraw()

    def _make_views(self) -> None:
        self.sentence = widgets.HTML(layout=widgets.Layout(width="100%"))
        self.table = widgets.HTML(layout=widgets.Layout(width="450px"))
        self.meters = (self.sentence, self.table)
        self.ranked = widgets.Select(
            description="Most shifted",
            options=[],
            rows=6,
            tooltip="By their worst meter; choose a class to see its samples",
            style=LABELLED,
            layout=widgets.Layout(width=WIDE),
        )
        self.ranked.observe(lambda change: self._class_picked(change["new"]), names="value")

    def _arrange(self) -> None:
        card = widgets.VBox([self.walk, self.card], layout=widgets.Layout(width="420px"))
        under = widgets.HBox(
            [self.table, card],
            layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"),
        )
        self.arrange(
            [*explore_order(self.controls), self.ranked],
            [self.sentence, self.map.figure, under, self.gallery],
        )

    # --- From settings to the view -----------------------------------------------------------

    @property
    def synthesized(self) -> Synthesized:
        """The features that are shown. Raises ``DataError`` if none were synthesized yet."""
        return drawn(self._synthesized)

    @property
    def sets(self) -> dict[str, Synthesized]:
        """The synthesized features by the kind of their points."""
        return {} if self._synthesized is None else {"synthesized": self._synthesized}

    @property
    def doses(self) -> dict[str, Any]:
        """The doses that are not 0, by name."""
        return {key: self.shown[key] for key in DOSES if self.shown[key]}

    @property
    def mechanisms(self) -> Mechanisms:
        """The mechanisms that are switched on, for flows of the zoo."""
        if self.has_switches:
            return Mechanisms(**{key: self.shown[key] for key in SWITCHES})
        assert self.zoo is not None, "only a zoo has flows by their mechanisms"
        return self.zoo.choices[0]

    @property
    def has_switches(self) -> bool:
        """Whether there are flows with a mechanism and flows without it."""
        return "semantics" in self.controls

    def source(self, name: str) -> Generator:
        """The generator of this name; for the flows of the zoo the switches say which."""
        if isinstance(self.generators[name], Mechanisms):
            return self.trained(self.mechanisms)
        return super().source(name)

    def generator(self) -> Generator:
        """What synthesizes: the chosen generator, with the doses injected."""
        source = self.source(self.shown["generator"])
        return Injected(self.scene.dataset, source, **self.doses) if self.doses else source

    def refresh(self) -> None:
        """Synthesize, draw, and begin to measure."""
        s = self.shown
        classes = self.classes
        generator = self.generator()
        self._synthesized = self.scene.ask(
            generator, classes, s["samples"], temperature=s["temperature"], seed=s["seed"]
        )
        # What is being measured now would be noted under the new settings.
        self.worker.cancel("measuring")
        self.focus(classes)  # not before: if synthesizing fails, the view must stay as it is
        self.map.show_synthesized(self.synthesized.points, self.synthesized_texts(self.synthesized))
        self.map.show_lines(curves_over(self.scene, self.synthesized, self.classes_on_map, s))
        self.map.mark({})
        self.follow_points()
        self.map.draw()
        self._enable_switches()
        self._measure(generator)

    def _enable_switches(self) -> None:
        """Disable the switches that change nothing: another generator has no mechanisms."""
        if not self.has_switches:
            return
        from_zoo = isinstance(self.generators[self.shown["generator"]], Mechanisms)
        for key in SWITCHES:
            other = replace(self.mechanisms, **{key: not self.shown[key]})
            changes = other.effective != self.mechanisms.effective
            self.controls[key].disabled = not (from_zoo and changes)

    # --- Meters ------------------------------------------------------------------------------

    @property
    def report(self) -> ShiftReport:
        """The meters of the view. Raises ``DataError`` if nothing was measured yet."""
        return drawn(self._report, "wait until the meters are read")

    def _measure(self, generator: Generator) -> None:
        """Measure the classes in the background; what was asked for last counts."""
        temperature = self.shown["temperature"]
        warm = generator if temperature == 1 else AtTemperature(generator, temperature)
        dataset = self.scene.dataset
        seed = self.shown["seed"]
        classes = self.measured_classes

        def measured() -> ShiftReport:
            report = measure(dataset, warm, n=MEASURED, seed=seed, classes=classes, metrics=SHIFTS)
            return self._baseline.beside(report, seed, classes)

        self.fade_meters(True)
        self.submit("measuring", lambda task: measured(), self._show_report)

    @property
    def measured_classes(self) -> list[int]:
        """All unseen classes and those in focus."""
        return np.union1d(self.scene.dataset.unseen_classes, self.classes).tolist()

    def _show_report(self, report: ShiftReport) -> None:
        self._report = report
        worst_first = report.worst()
        sentence = "" if self.sealed else f"{escape(report.sentence)}<br>"
        self.sentence.value = f'<p class="card">{sentence}{EXPLORE_KEY}</p>'
        self.table.value = self._verdicts(report, [name for name, _, _ in worst_first])
        with self.quietly():
            self.ranked.options = [
                (f"{name}   {score:.2f}  {meter}", name) for name, score, meter in worst_first
            ]
            self.ranked.value = None
        self.fade_meters(False)
        self.look_again()
        self.remember({meter: report.reading(meter).value for meter in SHIFTS})

    def reveal(self) -> ExplorePanel:
        """Break the seal of a state, and say what was measured in a sentence."""
        super().reveal()
        if self._report is not None:
            self._show_report(self._report)
        return self

    def _verdicts(self, report: ShiftReport, names: Sequence[str]) -> str:
        """The table of the classes in focus."""
        colours = {
            name: self.class_colours[k]
            for name, k in zip(report.names, report.classes, strict=True)
            if k in self.class_colours
        }
        in_focus = [name for name in names if name in colours]
        note = f"{self.caption}. Hold the pointer on a number for its interval"
        return show.verdict_table(report, in_focus, colours, SHIFTS, note)

    @property
    def caption(self) -> str:
        """Where the numbers come from."""
        s = self.shown
        settings = f"{s['generator']}, temperature {s['temperature']:g}, seed {s['seed']}"
        return (
            f"{self.scene.dataset.name}, {'sealed settings' if self.sealed else settings}; "
            f"{MEASURED} synthesized features a class against real test "
            f"features; {self.scene.projection.describe}"
        )

    # --- Classes by rank ---------------------------------------------------------------------

    def _class_picked(self, name: str | None) -> None:
        """Show the samples of a class of the ranking, and put it into focus if it is not there."""
        if self.quiet or name is None:
            return
        in_focus = self.settings["classes"]
        if name not in in_focus:
            self.set(classes=(*in_focus, name))
        k = self.scene.dataset.unique_names.index(name)
        self.select({"synthesized": np.flatnonzero(self.synthesized.points.labels == k)})

    # --- Code and still ----------------------------------------------------------------------

    def code(self) -> str:
        """Return the library calls that make this view."""
        return tidy(explore_code(self))

    def source_code(self, name: str) -> str:
        """The code that makes the generator; of mechanisms, only those that were switched."""
        if not isinstance(self.generators[name], Mechanisms):
            return super().source_code(name)
        if not self.has_switches:
            return "zoo.model()"
        everything = Mechanisms()
        switched = [
            f"{key}={self.shown[key]}"
            for key in SWITCHES
            if self.shown[key] != getattr(everything, key)
        ]
        return f"zoo.model(Mechanisms({', '.join(switched)}))"

    def still(self) -> Figure:
        """Return both lenses in matplotlib, with the curves over them and the changed settings."""
        synthesized = self.synthesized
        classes = self.classes_on_map
        settings = "" if self.sealed else f"; {self.as_text(self.shown)}"
        figure = still_figure(13, 6.4, "", f"{self.caption}{settings}")
        two_lenses_on(
            figure,
            self.scene.real,
            synthesized.points,
            names=self.scene.dataset.unique_names,
            focus=classes,
            colours=self.class_colours,
            spread=self._spreads(classes),
            over=curves_over(self.scene, synthesized, classes, self.shown),
        )
        return figure

    def _spreads(self, classes: Sequence[int]) -> dict[int, float]:
        """The spread ratio of each class that has one: of a single real row there is none."""
        ratios = {}
        for k in classes:
            features = self.synthesized.features[self.synthesized.points.labels == k]
            with suppress(DataError):
                ratios[k] = spread_ratio(self.scene.real_features(k), features)
        return ratios


def explore_code(panel: ExplorePanel) -> str:
    """The library calls that make the view of an explorer."""
    s = panel.shown
    warm = s["temperature"] != 1
    heat = f", temperature={s['temperature']:g}" if warm else ""
    measured = f"AtTemperature(generator, {s['temperature']:g})" if warm else "generator"

    lines = ["from gsmflow_lite import Injected, RidgeGaussian, measure"]
    if panel.zoo:
        lines.append(f"from gsmflow_lite.generators import Mechanisms, {reader(panel.zoo)}")
    if warm:
        lines.append("from gsmflow_lite.generators import AtTemperature")
    lines += ["from gsmflow_lite.explorer import Scene", ""]
    lines += _scene_code(panel)
    lines.append(f"generator = {panel.source_code(s['generator'])}")
    if panel.doses:
        doses = ", ".join(f"{key}={dose:g}" for key, dose in panel.doses.items())
        lines.append(f"generator = Injected(scene.dataset, generator, {doses})")
    asked = f"{panel.classes}, {s['samples']}{heat}, seed={s['seed']}"
    lines.append(f"synthesized = scene.ask(generator, {asked})")
    options = f"n={MEASURED}, seed={s['seed']}{_classes_code(panel)}, metrics={SHIFTS}"
    lines.append(f"report = measure(scene.dataset, {measured}, {options})")
    lines.append("ridge = RidgeGaussian.fit(scene.dataset)")
    lines.append(f"report = report.beside(measure(scene.dataset, ridge, {options}))")
    return "\n".join(lines) + "\n"


def _scene_code(panel: ExplorePanel) -> list[str]:
    if panel.zoo:
        return zoo_code(panel.zoo)
    seed = f", seed={panel.map_seed}" if panel.map_seed else ""
    return [f"scene = Scene.of(dataset{seed})"]


def _classes_code(panel: ExplorePanel) -> str:
    """The argument ``classes`` of ``measure``, where they are not the unseen ones."""
    measured = panel.measured_classes
    if measured == panel.scene.dataset.unseen_classes.tolist():
        return ""
    return f", classes={measured}"


def explore(
    dataset: GZSLDataset | str | None = None,
    generators: Mapping[str, Generator] | Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    seed: int = 0,
    name: str = "explore",
) -> ExplorePanel:
    """Open the shift explorer, as the last line of a notebook cell.

    Without arguments it shows embedded letters and flows that come trained with the package, with
    switches for mechanisms. ``explore("hangul")`` shows Korean syllables. For a ``dataset`` of your
    own, ``generators`` is one generator, or maps names to several; a ridge-Gaussian and real
    features stand beside them.

    ``state`` is the text of a :meth:`Panel.state`, or a sealed one: then the panel shows only what
    became of the features, until :meth:`Panel.reveal`. ``hide`` names controls to leave out, for a
    lesson. ``seed`` is that of the map of your own data. A second panel of the same ``name`` closes
    the first. Raises ``ConfigError`` and ``DataError``.
    """
    check_generators(dataset, generators)
    source = source_of(dataset)
    scene, sources = stage(source, generators, seed)
    if isinstance(source, Zoo):
        flows: Sources = {FLOW: source.choices[0], **sources}
        return ExplorePanel(scene, flows, zoo=source, name=name, hide=hide, state=state)

    panel = ExplorePanel(scene, sources, zoo=None, name=name, hide=hide, state=state)
    if not scene.has_map:
        panel.lay_out(source, seed)
    return panel
