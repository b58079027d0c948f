"""The shift explorer: cause each generation shift with a slider, see it through two lenses, read it off three meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..explorer.scene import Scene, Synthesized
from ..figures import overlays
from ..figures.lenses import LENSES, two_lenses_on
from ..figures.style import still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.zoo import Mechanisms
from ..shifts.injection import Injected
from ..shifts.metrics import spread_ratio
from ..shifts.report import SHIFTS, ShiftReport, measure
from . import show
from .controls import choice, heading, rows, slider, switch
from .map_panel import MEASURED, REAL, RIDGE, MapPanel, distance, stage, trained
from .panel import Panel

FLOW = "GSMFlow, trained with the package"
EXPLORE_KEY = (
    '<span class="calm">Dots are real, open diamonds synthesized, grey ones other classes.</span>'
)
DOSES = ("semantic", "variance", "structure", "mixed", "towards_seen")
MECHANISMS = {
    "semantics": ("semantics", "Every coupling block reads the description"),
    "positioning": ("relative positioning", "The description is seen from three anchor classes"),
    "prototype": ("prototype loss", "The typical sample is tied to the real class mean"),
    "perturbation": ("perturbation", "Noise on the features in training"),
    "mining": ("boundary mining", "Training samples near the class boundaries"),
    "start": ("ridge start", "Not of the papers: the flow starts from a ridge-Gaussian"),
}


class ExplorePanel(MapPanel):
    """See :func:`explore`."""

    kind = "explore"

    def __init__(
        self,
        scene: Scene,
        generators: Mapping[str, Any],
        *,
        zoo: bool,
        name: str,
        hide: Sequence[str],
        state: str,
    ) -> None:
        MapPanel.__init__(self, scene, generators)
        self.zoo = zoo
        self.synthesized: Synthesized | None = None
        self.report: ShiftReport | None = None
        self._looked = ("synthesized", 0)  # an example says more than an empty card
        self.map.on_point, self.map.on_select = self.look_at, self.select
        self._views()
        Panel.__init__(self, self._controls(), name=name, hide=hide, start=state)
        self._arrange()
        self._redraw()

    # --- Controls and views, made once -------------------------------------------------------------------------------

    def _controls(self) -> dict[str, Any]:
        sources = list(self.generators)
        chosen = {
            "classes": self.chooser(),
            "generator": choice("Generator", sources, sources[0], "What synthesizes the features"),
        }
        if self.zoo:
            defaults = Mechanisms()
            chosen |= {
                key: switch(text, getattr(defaults, key), tip)
                for key, (text, tip) in MECHANISMS.items()
            }
        return chosen | {
            "temperature": slider(
                "Temperature",
                1.0,
                0.0,
                2.0,
                0.05,
                "Scale of the latent noise: 0 typical samples only",
            ),
            "samples": slider(
                "Samples", 50, 5, 200, 5, "Synthesized features of each class that are drawn"
            ),
            "seed": slider(
                "Seed", 0, 0, 20, 1, "Of the noise: is what you see there with other seeds?"
            ),
            "semantic": slider(
                "Semantic",
                0.0,
                0.0,
                2.0,
                0.05,
                "Dose: class means turn away from their descriptions",
            ),
            "variance": slider(
                "Variance", 0.0, -1.0, 1.0, 0.05, "Dose: classes shrink; below 0 they grow"
            ),
            "structure": slider(
                "Structure", 0.0, 0.0, 2.0, 0.05, "Dose: classes move to where they do not belong"
            ),
            "mixed": slider(
                "Mixed", 0.0, 0.0, 1.0, 0.05, "Dose: this share of samples is of other classes"
            ),
            "towards_seen": slider(
                "To the seen",
                0.0,
                0.0,
                1.0,
                0.05,
                "Dose: classes are drawn to the nearest seen one",
            ),
            "prototypes": switch(
                "prototype arrows", True, "From the real middle of a class to the synthesized one"
            ),
            "ellipses": switch(
                "ellipses",
                False,
                "Two standard deviations: solid real, dashed synthesized; linear lens only",
            ),
            "graph": switch(
                "class graph", False, "Which classes are neighbours: blue lost, orange dashed added"
            ),
        }

    def _views(self) -> None:
        self.sentence, self.table, self.card, self.gallery = (
            widgets.HTML(layout=widgets.Layout(width="100%")) for _ in range(4)
        )
        self.card.add_class("card")
        self.gallery.add_class("pictures")
        self.walk = slider(
            "Point", 0, 0, 1, 1, "Walk through the synthesized points by key, as the pointer does"
        )
        self.walk.observe(lambda change: self.look_at("synthesized", change["new"]), names="value")
        self.ranked = widgets.Select(
            description="Most shifted", options=[], rows=6, tooltip="By their worst meter; choose a class to see its samples",
            style={"description_width": "104px"}, layout=widgets.Layout(width="318px"),
        )  # fmt: skip
        self.ranked.observe(lambda change: self._picked(change["new"]), names="value")

    def _arrange(self) -> None:
        c = self.controls
        doses = [c[key] for key in DOSES]
        left = [c["classes"].widget, c["generator"]]
        if self.zoo:
            keys = list(MECHANISMS)
            left += [
                heading("Mechanisms in training"),
                *rows(*([c[a], c[b]] for a, b in zip(keys[::2], keys[1::2], strict=True))),
            ]
        left += [
            heading("Sampling"),
            c["temperature"],
            c["samples"],
            c["seed"],
            heading("Injected shifts, of known dose"),
            *doses,
        ]
        left += [
            heading("Drawn over the points"),
            *rows([c["prototypes"], c["ellipses"]], [c["graph"]]),
        ]
        under = widgets.HBox(
            [
                self.table,
                widgets.VBox([self.walk, self.card], layout=widgets.Layout(width="420px")),
            ],
            layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"),
        )
        self.table.layout.width = "450px"
        self.arrange([*left, self.ranked], [self.sentence, self.map.figure, under, self.gallery])

    # --- From settings to the view -----------------------------------------------------------------------------------

    def generator(self) -> Generator:
        """What synthesizes: the chosen generator, with the doses injected."""
        s = self.shown
        source = self._source(s["generator"])
        doses = {key: s[key] for key in DOSES if s[key]}
        return Injected(self.scene.dataset, source, **doses) if doses else source

    def _source(self, name: str) -> Generator:
        if self.zoo and name == FLOW:
            return trained(Mechanisms(**{key: self.shown[key] for key in MECHANISMS}))
        return self.generators[name]

    def refresh(self) -> None:
        self.worker.cancel(
            "measuring"
        )  # of other settings than those that it would now be noted under
        s, classes = self.shown, self.classes
        generator = self.generator()
        self.synthesized = self.scene.ask(
            generator, classes, s["samples"], temperature=s["temperature"], seed=s["seed"]
        )
        self.focus(classes)  # not before: where synthesizing fails, all that is shown stays
        self.map.show_synthesized(self.synthesized.points, self.texts(self.synthesized))
        self.map.show_lines(self._over(classes))
        self.map.mark({})
        self.map.draw()
        with self.quietly():
            self.walk.max = self.synthesized.points.count - 1
        self._measure(generator, s)

    def _over(self, classes: Sequence[int]) -> dict[str, dict[str, np.ndarray]]:
        """What is drawn over the points: curves by kind and lens."""
        s, real, made = self.shown, self.scene.real, self.synthesized.points
        there = [k for k in classes if (real.labels == k).any()]
        curves = {}
        ends = {
            lens: [overlays.centres(points, there, lens) for points in (real, made)]
            for lens in LENSES
        }
        if s["prototypes"]:
            curves["moved"] = {lens: overlays.arrows(*pair) for lens, pair in ends.items()}
        if s["ellipses"]:
            curves["real ellipse"] = {"pca": overlays.ellipses(real, there)}
            curves["synthesized ellipse"] = {"pca": overlays.ellipses(made, there)}
        if s["graph"] and len(there) > 2:
            means = np.stack([self.synthesized.features[made.labels == k].mean(0) for k in there])
            graphs = [
                overlays.neighbour_graph(m.astype(np.float64))
                for m in (self.scene.real_means(there), means)
            ]
            for part, edges in overlays.changed_edges(*graphs).items():
                curves[part] = {
                    lens: overlays.graph_lines(edges, pair[0]) for lens, pair in ends.items()
                }
        return curves

    # --- Meters ------------------------------------------------------------------------------------------------------

    def _measure(self, generator: Generator, s: Mapping[str, Any]) -> None:
        """All unseen classes and those in focus, in the background: what was asked for last counts."""
        classes = self._measured_classes()
        known = generator if s["temperature"] == 1 else AtTemperature(generator, s["temperature"])
        dataset, seed = self.scene.dataset, s["seed"]
        self.submit(
            "measuring",
            lambda task: measure(
                dataset, known, n=MEASURED, seed=seed, classes=classes, metrics=SHIFTS
            ),
            self._measured,
        )

    def _measured_classes(self) -> np.ndarray:
        return np.union1d(self.scene.dataset.unseen_classes, self.classes)

    def _measured(self, report: ShiftReport) -> None:
        self.report = report
        mine = {
            one: self._colours[k]
            for one, k in zip(report.names, report.classes, strict=True)
            if k in self._colours
        }
        order = [one for one, _, _ in report.worst() if one in mine]
        self.sentence.value = f'<p class="card">{show.escape(report.sentence)}<br>{EXPLORE_KEY}</p>'
        note = f"{self.caption}. Hold the pointer on a number for its interval"
        self.table.value = show.verdicts(report, order, mine, SHIFTS, note)
        with self.quietly():
            self.ranked.options = [
                (f"{one}   {score:.2f}  {meter}", one) for one, score, meter in report.worst()
            ]
            self.ranked.value = None
        kind, number = self._looked
        self.look_at(
            kind,
            min(number, self.synthesized.points.count - 1) if kind == "synthesized" else number,
        )
        self.remember({meter: report.reading(meter).value for meter in SHIFTS})

    @property
    def caption(self) -> str:
        """Where the numbers come from."""
        s = self.shown
        return (
            f"{self.scene.dataset.name}, {s['generator']}, temperature {s['temperature']:g}, seed {s['seed']}; "
            f"{MEASURED} synthesized features a class against real test features; {self.scene.projection.describe}"
        )

    # --- Looking at points -------------------------------------------------------------------------------------------

    def look_at(self, kind: str, number: int) -> None:
        """Show one point: what it is, its picture, its nearest real neighbour, what is read off it. Rings mark both."""
        made = self.synthesized
        if (
            made is None
            or self._quiet
            or not 0 <= number < (made.points if kind == "synthesized" else self.scene.real).count
        ):
            return
        own = made.points if kind == "synthesized" else self.scene.real
        places = {lens: getattr(own, lens)[[number]] for lens in LENSES}
        if kind == "synthesized":
            near = made.near[number]
            places = {
                lens: np.concatenate([getattr(self.scene.real, lens)[[near]], place])
                for lens, place in places.items()
            }
        self._looked = (kind, number)
        self.map.mark(places)
        self.map.draw()
        self.card.value = self._card(kind, number)

    def _card(self, kind: str, number: int) -> str:
        dataset, readout = self.scene.dataset, self.scene.readout
        own = self.synthesized.points if kind == "synthesized" else self.scene.real
        k = int(own.labels[number])
        feature = (
            self.synthesized.features[number]
            if kind == "synthesized"
            else dataset.features[self.scene.rows[number]]
        )
        named = [(feature, f"{dataset.class_names[k]}, {kind}, {self.status(k)} class")]
        away = ""
        if kind == "synthesized":
            near = self.scene.rows[self.synthesized.near[number]]
            named.append(
                (
                    dataset.features[near],
                    f"nearest real point: {dataset.class_names[dataset.labels[near]]}, row {near}",
                )
            )
            away = f"<br>{distance(self.synthesized.far[number])}"
        images = (
            ""
            if dataset.decode is None
            else " ".join(show.picture(dataset.decode(f[None])[0], text) for f, text in named)
        )
        words = "<br>".join(
            show.name(text) if len(text) < 30 else show.escape(text) for _, text in named
        )
        table = show.attributes(
            dataset.attribute_names,
            readout.standardise(dataset.attributes[k]),
            readout.read(feature),
        )
        return f"<p>{images}<br>{words}{away}</p>{table}"

    def select(self, kind: str, numbers: np.ndarray) -> None:
        """Show the pictures of several points, how many there are of each class, and what is read off them."""
        dataset = self.scene.dataset
        real = kind == "real"
        features = (
            dataset.features[self.scene.rows[numbers]]
            if real
            else self.synthesized.features[numbers]
        )
        labels = (self.scene.real if real else self.synthesized.points).labels[numbers]
        counts = ", ".join(
            f"{show.name(dataset.class_names[k])} {(labels == k).sum()}" for k in np.unique(labels)
        )
        images = ""
        if dataset.decode is not None:
            some = np.linspace(0, len(features) - 1, min(len(features), show.MOST_PICTURES)).astype(
                int
            )
            images = show.pictures(
                dataset.decode(features[some]), f"{len(some)} of the selected {kind} points"
            )
        asked = self.scene.readout.standardise(dataset.attributes[labels]).mean(0)
        table = show.attributes(
            dataset.attribute_names, asked, self.scene.readout.read(features).mean(0)
        )
        self.gallery.value = (
            f"<p>{len(numbers)} {kind} points selected: {counts}</p>{images}{table}"
        )

    def _picked(self, name: str | None) -> None:
        """Show the samples of a class of the ranking; it comes into focus if it is not."""
        if self._quiet or name is None:
            return
        k = int(self.report.classes[self.report.names.index(name)])
        own = self.scene.dataset.unique_names[k]
        if own not in self.settings["classes"]:
            self.set(classes=(*self.settings["classes"], own))
        self.select("synthesized", np.flatnonzero(self.synthesized.points.labels == k))

    # --- Code and still ----------------------------------------------------------------------------------------------

    def code(self) -> str:
        s = self.shown
        imports, seed = (
            "from gsmflow_lite import Injected, RidgeGaussian, measure",
            f", seed={self.map_seed}",
        )
        make = f"scene = Scene.of(dataset{seed * bool(self.map_seed)})"
        if self.zoo:
            imports += "\nfrom gsmflow_lite.generators.zoo import Mechanisms, glyph_zoo"
            make = "zoo = glyph_zoo()\nscene = Scene.of_zoo(zoo)"
        doses = ", ".join(f"{key}={s[key]:g}" for key in DOSES if s[key])
        inject = f"generator = Injected(scene.dataset, generator, {doses})\n" if doses else ""
        heat = f", temperature={s['temperature']:g}" if s["temperature"] != 1 else ""
        warm = "AtTemperature(generator, {:g})".format(s["temperature"]) if heat else "generator"
        imports += "\nfrom gsmflow_lite.generators.base import AtTemperature" * bool(heat)
        measured = (
            self._measured_classes()
        )  # where these are the unseen ones, `measure` needs not be told
        which = (
            ""
            if np.array_equal(measured, self.scene.dataset.unseen_classes)
            else f", classes={measured.tolist()}"
        )
        return (
            f"{imports}\nfrom gsmflow_lite.explorer.scene import Scene\n\n{make}\ngenerator = {self._source_code()}\n{inject}"
            f"synthesized = scene.ask(generator, {self.classes}, {s['samples']}{heat}, seed={s['seed']})\n"
            f"report = measure(scene.dataset, {warm}, n={MEASURED}, seed={s['seed']}{which}, metrics={SHIFTS})\n"
        )

    def _source_code(self) -> str:
        s = self.shown
        if self.zoo and s["generator"] == FLOW:
            off = [f"{key}={s[key]}" for key in MECHANISMS if s[key] != getattr(Mechanisms(), key)]
            return f"zoo.model(Mechanisms({', '.join(off)}))"
        return {RIDGE: "RidgeGaussian.fit(scene.dataset)", REAL: "scene.oracle"}.get(
            s["generator"], f"generators[{s['generator']!r}]"
        )

    def still(self):
        """Both lenses as a matplotlib figure, with what is drawn over them and the settings that were changed."""
        made = self.synthesized
        if made is None:
            raise DataError("there is nothing to draw yet: choose a class")
        focus = [k for k in self.classes if (self.scene.real.labels == k).any()]
        spread = {
            k: spread_ratio(self.scene.real_features(k), made.features[made.points.labels == k])
            for k in focus
        }
        words = {
            "names": self.scene.dataset.class_names,
            "focus": focus,
            "colours": self._colours,
            "spread": spread,
        }
        figure = still_figure(13, 6.4, "", f"{self.caption}; {self.as_text(self.shown)}")
        two_lenses_on(figure, self.scene.real, made.points, over=self._over(self.classes), **words)
        return figure


def explore(
    dataset: GZSLDataset | None = None,
    generators: Mapping[str, Generator] | Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    seed: int = 0,
    name: str = "explore",
) -> ExplorePanel:
    """The shift explorer, as the last line of a notebook cell.

    Without arguments: embedded letters, and flows that come trained with the package, with a switch for every mechanism. With
    a ``dataset`` of your own: ``generators`` is one, or maps names to several; a ridge-Gaussian and real features stand
    beside them. ``state``: a text of :meth:`Panel.state`; ``hide``: names of controls to leave out, for a lesson; ``seed`` of
    the map of your own data. A second panel of the same ``name`` closes the first. Raises ``ConfigError`` and ``DataError``.
    """
    scene, own = stage(dataset, generators, seed)
    own = {FLOW: None, **own} if dataset is None else own
    panel = ExplorePanel(scene, own, zoo=dataset is None, name=name, hide=hide, state=state)
    if not scene.has_map:
        panel.lay_out(dataset, seed)
    return panel
