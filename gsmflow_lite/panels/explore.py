"""The shift explorer: cause a shift with a slider, see it through two lenses, read three meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import names_in
from ..datasets.base import GZSLDataset
from ..datasets.class_order import order_note
from ..datasets.explained import explained_share
from ..errors import DataError
from ..explorer.baseline import Baseline
from ..explorer.scene import Scene, Synthesized
from ..figures.lenses import two_lenses_on
from ..figures.looks import Looks
from ..figures.style import MIDDLE_GREY, number, still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.mechanisms import SWITCHES
from ..generators.zoo import Mechanisms, Zoo
from ..shifts.injection import Injected
from ..shifts.measuring import measure
from ..shifts.meters import SHIFTS
from ..shifts.metrics import spread_ratio
from ..shifts.report import ShiftReport
from . import show
from .controls import choice, label
from .curves import curves_over
from .explore_controls import (
    DOSES,
    VIEW_SETTINGS,
    explore_controls,
    explore_order,
    meaningless,
)
from .legend import Legend, hidden_layers
from .lensmap import Curves
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
from .stage import text_in
from .tidy_code import tidy
from .tints import DESCRIBED, READ, Coloured, PointColours
from .tour import Tour
from .worker import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OVERALL_COMES = '<span class="calm">Overall: comes when the sliders rest</span>'
UNMOVED = 0.4  # seconds without a move before what takes longer is measured
TO_CHOOSE = "choose to see its samples"
FLOW = "GSMFlow, as shipped"


class ExplorePanel(PointPanel):
    """The panel of :func:`explore`."""

    kind = "explore"
    former = ("prototype", "mining")  # switches of version 0.1
    told = ("classes", "samples", *VIEW_SETTINGS)

    def __init__(
        self,
        scene: Scene,
        generators: Sources,
        *,
        zoo: Zoo | None,
        name: str,
        hide: Sequence[str] = (),
        state: str = "",
        tour: bool = False,
    ) -> None:
        switches = zoo is not None and len(zoo.choices) > 1
        controls = explore_controls(scene.dataset, list(generators), switches=switches)
        hide = [*names_in(hide, "hide"), *meaningless(scene.dataset)]
        super().__init__(scene, generators, controls, zoo=zoo, name=name, hide=hide, start=state)
        self._synthesized: Synthesized | None = None
        self._drawn: tuple[Any, ...] | None = None  # what the features on the map were made for
        self._tinting = PointColours()
        self.legend: Legend = controls["hidden"]
        self.legend.add_class("map")
        self.pointer.on_alone = self._name_clicked
        self._report: ShiftReport | None = None
        self._reported: tuple[Any, ...] | None = None  # what the features measured were made for
        self._baseline = Baseline(scene.dataset, n=MEASURED, metrics=SHIFTS)
        self._make_views()
        self.tour = Tour(self) if tour else None
        self._arrange()
        self.redraw()
        self._look_at_descriptions()

    def _make_views(self) -> None:
        self.sentence = text_in("words")
        self.table = text_in("meters")
        self.source_line = text_in("calm")
        self.described = text_in("calm")
        self.meters = (self.sentence, self.table)
        self.ranked = choice(
            "Most shifted", [(TO_CHOOSE, "")], "", "By their worst meter; one is shown when chosen"
        )
        self.ranked.observe(lambda change: self._class_picked(change["new"]), names="value")

    def _arrange(self) -> None:
        self.arrange(
            explore_order(self.controls, self.ranked),
            [
                *([self.tour.widget] if self.tour else []),
                self.sentence,
                self.map.figure,
                self.legend,
                self.table,
                self.walk,
                self.card,
                self.gallery,
                self.source_line,
                self.described,
            ],
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
        """Synthesize, draw, and begin to measure; where only looks have changed, draw."""
        if self._drawn == self._made_of:
            self._draw()
            return
        self._drawn = None
        s = self.shown
        classes = self.classes
        generator = self.generator()
        self._synthesized = self.scene.ask(
            generator, classes, s["samples"], temperature=s["temperature"], seed=s["seed"]
        )
        # What is being measured now would be noted under the new settings.
        for job in ("measuring", "overall"):
            self.worker.cancel(job)
        self._draw()  # not before: if synthesizing fails, the view must stay as it is
        self._enable_switches()
        self._measure(generator)
        self._drawn = self._made_of

    @property
    def _made_of(self) -> tuple[Any, ...]:
        """What the features on the map depend on."""
        return self.scene, {
            key: value for key, value in self.shown.items() if key not in VIEW_SETTINGS
        }

    # --- From features to the map ------------------------------------------------------------

    @property
    def looks(self) -> Looks:
        """How the map looks."""
        s = self.shown
        names = self.scene.dataset.unique_names
        return Looks(
            size=s["size"],
            opacity=s["opacity"],
            points=s["layers"] != "contours",
            contours=s["layers"] != "points",
            hidden=hidden_layers(s["hidden"]),
            off=frozenset(k for k, name in enumerate(names) if name in s["hidden"]),
        )

    @property
    def classes_drawn(self) -> list[int]:
        """Those of the classes on the map that the legend does not hide."""
        return [k for k in self.classes_on_map if k not in self.looks.off]

    @property
    def _coloured(self) -> Coloured:
        s = self.shown
        return self._tinting.by(s["colour"], s["attribute"], self.scene, self.synthesized)

    def _draw(self) -> None:
        """Show the features as the looks say, with the curves over them."""
        coloured = self._coloured
        self.map.look(self.looks, coloured.tints)
        self.focus(self.classes)
        self.map.show_synthesized(self.synthesized.points, self.synthesized_texts(self.synthesized))
        self.map.show_lines(self._curves())
        self.map.mark({})
        self.follow_points()
        self.map.draw()
        self._show_legend(coloured)

    def _curves(self) -> Curves:
        """The curves over the points, but for arrows that the legend hides."""
        s = self.shown
        arrows = s["prototypes"] and self.looks.shows("arrows")
        settings = {**s, "prototypes": arrows}
        return curves_over(self.scene, self.synthesized, self.classes_drawn, settings)

    def _show_legend(self, coloured: Coloured) -> None:
        names = self.scene.dataset.unique_names
        colours = self._legend_colours(coloured)
        key = coloured.key if self.looks.points else {}  # contours have the colours of classes
        self.legend.show([(names[k], colours[k]) for k in self.classes_on_map], key)
        self.controls["attribute"].disabled = self.shown["colour"] not in (DESCRIBED, READ)

    def _legend_colours(self, coloured: Coloured) -> dict[int, str]:
        """The colours that stand for classes; grey where colours say something else."""
        if self.looks.contours or not coloured.key:
            return self.class_colours
        return dict.fromkeys(self.class_colours, MIDDLE_GREY)

    def _name_clicked(self, number: str) -> None:
        """Show a class alone whose name on the map was clicked twice, or all again."""
        names = self.scene.dataset.unique_names
        if number.isdecimal() and int(number) < len(names):
            self.legend.alone(names[int(number)])

    def _enable_switches(self) -> None:
        """Disable the switches that change nothing: another generator has no mechanisms."""
        if not self.has_switches:
            return
        from_zoo = isinstance(self.generators[self.shown["generator"]], Mechanisms)
        for key in SWITCHES:
            other = replace(self.mechanisms, **{key: not self.shown[key]})
            changes = other.effective != self.mechanisms.effective
            self.controls[key].disabled = not (from_zoo and changes)

    # --- Descriptions ------------------------------------------------------------------------

    def _look_at_descriptions(self) -> None:
        """Say below all how much the descriptions explain; they do not change, so once will do."""
        dataset = self.scene.dataset.origin or self.scene.dataset

        def look(_: Task) -> list[str]:
            note = order_note(dataset)
            return [*explained_share(dataset).lines, *([f"Look again: {note}"] if note else [])]

        self.submit("descriptions", look, self._show_descriptions)

    def _show_descriptions(self, lines: Sequence[str]) -> None:
        self.described.value = escape(" ".join(lines))

    # --- Meters ------------------------------------------------------------------------------

    @property
    def report(self) -> ShiftReport:
        """The meters of the view. Raises ``DataError`` if nothing was measured yet."""
        return drawn(self._report, "wait until the meters are read")

    def _measure(self, generator: Generator) -> None:
        """Measure the classes in the background; what was asked for last counts."""
        temperature = self.shown["temperature"]
        warm = generator if temperature == 1 else AtTemperature(generator, temperature)
        seed = self.shown["seed"]
        classes = self.measured_classes
        measured = partial(
            measure, self.scene.dataset, warm, n=MEASURED, seed=seed, classes=classes
        )

        def shifts() -> ShiftReport:
            return self._baseline.beside(measured(metrics=SHIFTS), seed, classes)

        def overall(task: Task) -> ShiftReport:
            task.rest(UNMOVED)
            return measured(metrics="overall", watch=task)

        def show_shifts(report: ShiftReport) -> None:
            self._show_report(report)
            self.submit("overall", overall, self._add_overall)

        self.fade_meters(True)
        self.submit("measuring", lambda task: shifts(), show_shifts)

    def _add_overall(self, overall: ShiftReport) -> None:
        """Say what a classifier can tell apart: it takes longer to find out than the shifts."""
        self._report = self.report.with_readings_of(overall)
        self._show_words(self._report)

    @property
    def measured_classes(self) -> list[int]:
        """All unseen classes and those in focus."""
        return np.union1d(self.scene.dataset.unseen_classes, self.classes).tolist()

    def _show_report(self, report: ShiftReport) -> None:
        self._report = report
        self._reported = self._drawn
        self._show_words(report)
        self.table.value = self._verdicts(report)
        self.source_line.value = escape(self.caption)
        with self.quietly():
            self.ranked.options = [(TO_CHOOSE, ""), *_ranking(report)]
            self.ranked.value = ""
        self.fade_meters(False)
        self.look_again()
        self.remember({meter: report.reading(meter).value for meter in SHIFTS})

    def _show_words(self, report: ShiftReport) -> None:
        """One sentence for each meter; a sealed panel leaves them to the meters."""
        sentences = [] if self.sealed else [show.plain_sentence(one) for one in report.sentences]
        if len(sentences) == len(SHIFTS):
            sentences.append(OVERALL_COMES)  # its line stays free, or all below would jump
        self.sentence.value = f"<p>{'<br>'.join(sentences)}</p>"

    def reveal(self) -> ExplorePanel:
        """Break the seal of a state, and say what was measured in a sentence."""
        super().reveal()
        if self._report is not None:
            self._show_report(self._report)
        return self

    def _verdicts(self, report: ShiftReport) -> str:
        """The meters of the classes in focus, in the order of the list."""
        names = self.scene.dataset.unique_names
        colours = {names[k]: self.class_colours[k] for k in self.classes if k in report.classes}
        return show.verdict_table(report, colours, SHIFTS)

    @property
    def caption(self) -> str:
        """Where the numbers come from."""
        s = self.shown
        settings = f"{s['generator']}, temperature {s['temperature']:g}, seed {s['seed']}"
        undosed = "; the ridge-Gaussian without the doses" if self.doses and not self.sealed else ""
        return (
            f"{self.scene.dataset.name}, {'sealed settings' if self.sealed else settings}; "
            f"all {len(self.measured_classes)} unseen or chosen classes, "
            f"{MEASURED} synthesized features of each against real test "
            f"features{undosed}; {self.scene.projection.describe}"
        )

    # --- Classes by rank ---------------------------------------------------------------------

    def _class_picked(self, name: str | None) -> None:
        """Show the samples of a class of the ranking, and put it into focus if it is not there."""
        if self.quiet or not name:
            return
        in_focus = self.settings["classes"]
        if name not in in_focus:
            self.set(classes=(*in_focus, name))
        k = self.scene.dataset.unique_names.index(name)
        of_class = np.flatnonzero(self.synthesized.points.labels == k)
        self.select({"synthesized": of_class})
        self.look_at("synthesized", int(of_class[0]))

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
        classes = self.classes_drawn
        coloured = self._coloured
        settings = "" if self.sealed else f"; {self.as_text(self.shown)}"
        figure = still_figure(13, 6.4, "", f"{self.caption}{settings}{coloured.words}")
        two_lenses_on(
            figure,
            self.scene.real,
            synthesized.points,
            names=self.scene.dataset.unique_names,
            focus=classes,
            colours=self._legend_colours(coloured),
            spread=self._spreads(classes),
            over=self._curves(),
            looks=self.looks,
            tints=coloured.tints,
        )
        return figure

    def _spreads(self, classes: Sequence[int]) -> dict[int, float]:
        """The spread ratio of each class that has one: of a single real row there is none.

        It is the one of the table, where the view has been measured.
        """
        ratios = {}
        report = self._report if self._reported == self._drawn else None
        for k in classes:
            if report is not None and k in report.classes:
                ratios[k] = report.reading("variance", self.scene.dataset.unique_names[k]).value
                continue
            features = self.synthesized.features[self.synthesized.points.labels == k]
            with suppress(DataError):
                ratios[k] = spread_ratio(self.scene.real_features(k), features)
        return ratios


def _ranking(report: ShiftReport) -> list[tuple[str, str]]:
    """The classes to choose from, worst first: a label that says which meter, and the name."""
    lines = []
    for place, (name, _, meter) in enumerate(report.worst(), start=1):
        reading = report.reading(meter, name)
        said = f"{meter} {number(reading.value)}, {reading.word}"
        lines.append((f"{place}. {label(name)}: {said}", name))
    return lines


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
    tour: bool = False,
    name: str = "explore",
) -> ExplorePanel:
    """Open the shift explorer, as the last line of a notebook cell.

    Without arguments it shows embedded letters and flows that come trained with the package, with
    switches for mechanisms. ``explore("hangul")`` shows Korean syllables. For a ``dataset`` of your
    own, ``generators`` is one generator, or maps names to several; a ridge-Gaussian and real
    features stand beside them.

    ``state`` is the text of a :meth:`Panel.state`, or a sealed one: then the panel shows only what
    became of the features, until :meth:`Panel.reveal`. ``hide`` names controls to leave out, for a
    lesson. ``seed`` is that of the map of your own data. With ``tour=True`` a strip on top leads
    through the panel in six steps. A second panel of the same ``name`` closes the first. Raises
    ``ConfigError`` and ``DataError``.
    """
    check_generators(dataset, generators)
    source = source_of(dataset)
    scene, sources = stage(source, generators, seed)
    options: dict[str, Any] = {"name": name, "hide": hide, "state": state, "tour": tour}
    if isinstance(source, Zoo):
        flows: Sources = {FLOW: source.choices[0], **sources}
        return ExplorePanel(scene, flows, zoo=source, **options)

    panel = ExplorePanel(scene, sources, zoo=None, **options)
    if not scene.has_map:
        panel.lay_out(source, seed)
    return panel
