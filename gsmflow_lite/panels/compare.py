"""Two generators on one map: the same real points, the same classes, the same noise, and by how much their meters differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError
from ..explorer.scene import Scene, Synthesized
from ..figures import overlays
from ..figures.lenses import LENSES, two_lenses_on
from ..figures.style import number, plain_still, still_figure
from ..generators.base import AtTemperature, Generator
from ..generators.zoo import Mechanisms
from ..shifts.comparison import differences
from ..shifts.report import HEADLINES, SHIFTS, ShiftReport, measure
from . import show
from .controls import choice, heading, rows, slider, switch
from .map_panel import MEASURED, REAL, RIDGE, MapPanel, stage, trained
from .panel import Panel

SHIPPED = {  # by name; the code of each
    "GSMFlow": Mechanisms(),
    "GSMFlow minus semantics": Mechanisms(semantics=False),
    "GSMFlow minus relative positioning": Mechanisms(positioning=False),
    "GSMFlow minus prototype loss": Mechanisms(prototype=False),
    "GSMFlow minus perturbation": Mechanisms(perturbation=False),
    "GSMFlow minus boundary mining": Mechanisms(mining=False),
    "GSMFlow on a ridge start": Mechanisms(start=True),
    "ridge start and semantics alone": Mechanisms(True, False, False, False, False, True),
}
COMPARE_KEY = (
    "Dots are real, diamonds the first, triangles the second; arrows lead from first to second."
)
SIDES = ("first", "second")


class ComparePanel(MapPanel):
    """See :func:`compare`."""

    kind = "compare"

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
        MapPanel.__init__(self, scene, generators, sets=2)
        self.zoo = zoo
        self.synthesized: dict[str, Synthesized] = {}
        self.reports: dict[str, ShiftReport] = {}
        self.table: pd.DataFrame | None = None
        self._sentence, self._table = (
            widgets.HTML(),
            widgets.HTML(layout=widgets.Layout(width="100%")),
        )
        self.map.on_point = lambda kind, number: None
        Panel.__init__(self, self._controls(), name=name, hide=hide, start=state)
        c = self.controls
        left = [
            c["classes"].widget,
            c["first"],
            c["second"],
            heading("Sampling, the same for both"),
        ]
        left += [
            c["temperature"],
            c["samples"],
            c["seed"],
            heading("Drawn over the points"),
            *rows([c["prototypes"]]),
        ]
        self.arrange(left, [self._sentence, self.map.figure, self._table])
        self._redraw()

    def _controls(self) -> dict[str, Any]:
        names = list(self.generators)
        if len(names) < 2:
            raise ConfigError(
                f"to compare, at least 2 generators are needed, got {names}: give another one"
            )
        return {
            "classes": self.chooser(),
            "first": choice("First  ◇", names, names[0], "Open diamonds on the map"),
            "second": choice("Second  △", names, names[1], "Open triangles on the map"),
            "temperature": slider(
                "Temperature",
                1.0,
                0.0,
                2.0,
                0.05,
                "Scale of the latent noise: 0 typical samples only",
            ),
            "samples": slider(
                "Samples",
                25,
                5,
                100,
                5,
                "Synthesized features of each class and generator that are drawn",
            ),
            "seed": slider("Seed", 0, 0, 20, 1, "Of the noise"),
            "prototypes": switch(
                "prototype arrows",
                True,
                "From the middle of a class as the first synthesizes it to the second's",
            ),
        }

    def generator(self, side: str) -> Generator:
        """The first or the second generator."""
        one = self.generators[self.shown[side]]
        return trained(one) if isinstance(one, Mechanisms) else one

    def refresh(self) -> None:
        self.worker.cancel(
            "measuring"
        )  # of other settings than those that it would now be noted under
        s, classes = self.shown, self.classes
        sampled = {"temperature": s["temperature"], "seed": s["seed"]}
        self.synthesized = {
            side: self.scene.ask(self.generator(side), classes, s["samples"], **sampled)
            for side in SIDES
        }
        self.focus(classes)  # not before: where synthesizing fails, all that is shown stays
        for side, kind in zip(SIDES, self.map.kinds[1:], strict=True):
            self.map.show_synthesized(
                self.synthesized[side].points, self.texts(self.synthesized[side], s[side]), kind
            )
        ends = {
            lens: [overlays.centres(self.synthesized[side].points, classes, lens) for side in SIDES]
            for lens in LENSES
        }
        arrows = {lens: overlays.arrows(*pair) for lens, pair in ends.items()}
        self.map.show_lines({"moved": arrows} if s["prototypes"] else {})
        self.map.draw()
        self._measure()

    def _measure(self) -> None:
        s, dataset, classes = self.shown, self.scene.dataset, sorted(self.classes)
        generators = {side: AtTemperature(self.generator(side), s["temperature"]) for side in SIDES}
        if s["temperature"] == 1:
            generators = {side: one.source for side, one in generators.items()}
        options = {"n": MEASURED, "seed": s["seed"], "classes": classes, "metrics": SHIFTS}
        self.submit(
            "measuring",
            lambda task: {
                side: measure(dataset, one, **options) for side, one in generators.items()
            },
            self._measured,
        )

    def _measured(self, reports: dict[str, ShiftReport]) -> None:
        self.reports, self.table = reports, differences(reports["first"], reports["second"])
        s, whole = self.shown, self.table[self.table["class"].isna()].set_index("metric")
        parts = [_say(meter, whole.loc[HEADLINES[meter]], s) for meter in SHIFTS]
        self._sentence.value = f'<p class="card">{escape("; ".join(parts))}.<br><span class="calm">{COMPARE_KEY}</span></p>'
        self._table.value = self._html()
        self.remember({meter: whole.loc[HEADLINES[meter], "difference"] for meter in SHIFTS})

    def _html(self) -> str:
        head = "".join(
            f'<th scope="colgroup" colspan="3" class="group">{meter}</th>' for meter in SHIFTS
        )
        sub = (
            '<th scope="col">first</th><th scope="col">second</th><th scope="col">difference</th>'
            * len(SHIFTS)
        )
        lines = "".join(self._line(one) for one in [None, *self.reports["first"].names])
        return (
            f"<table><caption>{escape(self.caption)}</caption><thead><tr><td></td>{head}</tr><tr><td></td>{sub}</tr></thead>"
            f"<tbody>{lines}</tbody></table>"
        )

    def _line(self, label: str | None) -> str:
        own = self.table[
            self.table["class"].isna() if label is None else self.table["class"] == label
        ].set_index("metric")
        cells = "".join(_cells(own.loc[HEADLINES[meter]]) for meter in SHIFTS)
        return f'<tr><th scope="row">{"all together" if label is None else show.name(label)}</th>{cells}</tr>'

    @property
    def caption(self) -> str:
        """Where the numbers come from."""
        s = self.shown
        return (
            f"{self.scene.dataset.name}; first: {s['first']}, second: {s['second']}; temperature {s['temperature']:g}, seed "
            f"{s['seed']}; {MEASURED} synthesized features a class; bold: nearer to real data, beyond chance (95 %); "
            f"{self.scene.projection.describe}"
        )

    def code(self) -> str:
        s = self.shown
        make = f"scene = Scene.of(dataset, seed={self.map_seed})"
        if self.zoo:
            make = "zoo = glyph_zoo()\nscene = Scene.of_zoo(zoo)"
        shipped = (
            "from gsmflow_lite.generators.zoo import Mechanisms, glyph_zoo\n" if self.zoo else ""
        )
        heat = f", temperature={s['temperature']:g}"
        sides = "".join(
            f"{side} = {self._source_code(s[side])}\n"
            f"synthesized_{side} = scene.ask({side}, {self.classes}, {s['samples']}{heat}, seed={s['seed']})\n"
            for side in SIDES
        )
        options = (
            f"n={MEASURED}, seed={s['seed']}, classes={sorted(self.classes)}, metrics={SHIFTS}"
        )
        warm = "{}" if s["temperature"] == 1 else f"AtTemperature({{}}, {s['temperature']:g})"
        reports = ", ".join(
            f"measure(scene.dataset, {warm.format(side)}, {options})" for side in SIDES
        )
        return (
            "from gsmflow_lite import RidgeGaussian, measure\nfrom gsmflow_lite.shifts.comparison import differences\n"
            f"from gsmflow_lite.generators.base import AtTemperature\nfrom gsmflow_lite.explorer.scene import Scene\n{shipped}\n"
            f"{make}\n{sides}table = differences({reports})\n"
        )

    def _source_code(self, name: str) -> str:
        one = self.generators[name]
        if isinstance(one, Mechanisms):
            return f"zoo.model({one})"
        return {RIDGE: "RidgeGaussian.fit(scene.dataset)", REAL: "scene.oracle"}.get(
            name, f"generators[{name!r}]"
        )

    def still(self):
        """Both generators as a matplotlib figure, one row of lenses each."""
        if not self.synthesized:
            raise DataError("there is nothing to draw yet: choose a class")
        s, focus = self.shown, [k for k in self.classes if (self.scene.real.labels == k).any()]
        figure = still_figure(13, 12.6, "", self.caption)
        for part, side in zip(figure.subfigures(2, 1), SIDES, strict=True):
            part.suptitle(plain_still(f"{side}: {s[side]}"), fontsize=16, x=0.01, ha="left")
            two_lenses_on(
                part, self.scene.real, self.synthesized[side].points, names=self.scene.dataset.class_names, focus=focus,
                colours=self._colours,
            )  # fmt: skip
        return figure


def _say(meter: str, row: pd.Series, settings: Mapping[str, Any]) -> str:
    if row["nearer"] in SIDES:
        values = f"{number(row['first'])} against {number(row['second'])}"
        return f"{meter}: {settings[row['nearer']]} is nearer to real data ({values})"
    return (
        f"{meter}: no difference beyond chance"
        if row["nearer"] == "chance"
        else f"{meter}: not measured"
    )


def _cells(row: pd.Series) -> str:
    if row["nearer"] not in (*SIDES, "chance"):
        return '<td colspan="3"><span class="calm">not measured</span></td>'
    values = [
        f"<b>{number(row[side])}</b>" if row["nearer"] == side else number(row[side])
        for side in SIDES
    ]
    interval = escape(f"95 % interval {number(row['low'])} to {number(row['high'])}")
    return f'<td>{values[0]}</td><td>{values[1]}</td><td title="{interval}">{row["difference"]:+.2f}</td>'


def compare(
    dataset: GZSLDataset | None = None,
    generators: Mapping[str, Generator] | Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    seed: int = 0,
    name: str = "compare",
) -> ComparePanel:
    """Two generators side by side on one map, as the last line of a notebook cell.

    Without arguments: the flows that come trained with the package, a ridge-Gaussian and real features, on embedded letters.
    With a ``dataset`` of your own, ``generators`` by name (:class:`~gsmflow_lite.generators.stored.FromFile`: of other programs).
    ``state``, ``hide``, ``seed`` and ``name`` as in :func:`gsmflow_lite.panels.explore`.
    """
    scene, own = stage(dataset, generators, seed)
    own = {**SHIPPED, **own} if dataset is None else own
    panel = ComparePanel(scene, own, zoo=dataset is None, name=name, hide=hide, state=state)
    if not scene.has_map:
        panel.lay_out(dataset, seed)
    return panel
