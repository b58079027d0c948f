"""The class designer: sliders invent a class, and its synthesized features appear at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..datasets.base import GZSLDataset
from ..explorer.invention import (
    SAMPLES_INVENTED,
    Invented,
    RealClasses,
    Sweep,
    describe,
    invent,
    sweep,
    telling,
)
from ..explorer.invention_figures import design_figure
from ..explorer.row_pictures import has_pictures
from ..explorer.scene import Scene
from ..figures.style import short
from ..generators.base import Generator, check_generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.zoo import Zoo
from . import show
from .attribute_sliders import changed_attributes
from .controls import button
from .design_code import dataset_code, design_code, ready_code, sentence_code
from .design_controls import design_controls, design_order
from .design_map import DesignMap
from .design_sentence import SentenceEncoder, Sentences, nearest_texts
from .design_views import (
    empty_bars,
    empty_response,
    near_table,
    sample_row,
    show_bars,
    show_response,
    sweep_rows,
)
from .exports import Exports
from .live import LiveFigure
from .map_panel import source_of
from .panel import Panel, drawn
from .stage import text_in
from .tidy_code import tidy
from .tools import close_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Design:
    """What the designer shows: an invented class, and the sweep of one attribute of it, if any."""

    invented: Invented
    swept: Sweep | None


class DesignPanel(Panel):
    """The panel of :func:`design`.

    ``ready`` is the code that makes ``dataset``, ``generator`` and ``scene``; :meth:`code` begins
    with it. Of data whose attributes were made of texts, a sentence takes the place of sliders and
    sweeps; ``encoder`` is the one that has read the texts, where it is not the default.
    """

    kind = "design"
    help = "Start from O and raise diagonal_lower_right: is that a Q? Then sweep the attribute."

    def __init__(
        self,
        scene: Scene,
        generator: Generator,
        ready: str = "",
        *,
        name: str = "design",
        hide: Sequence[str] = (),
        state: str = "",
        encoder: SentenceEncoder | None = None,
    ) -> None:
        self.words = Sentences(scene.dataset, encoder) if scene.dataset.text_encoder else None
        if self.words is not None:
            self.help = self.words.help
        super().__init__(design_controls(scene, generator), name=name, hide=hide, start=state)
        self.scene = scene
        self.generator = generator
        self.ready = ready
        self.real = RealClasses(scene)
        self.names = scene.dataset.unique_names
        self.attribute_names = scene.dataset.unique_attribute_names
        self._design: Design | None = None
        self._make_views()
        self._arrange()
        self.redraw()

    # --- The views, made once ----------------------------------------------------------------

    def _make_views(self) -> None:
        self.sentence, self.pictures = text_in("words"), text_in("words")
        self.table, self.answer, self.strip = (
            text_in("meters"),
            text_in("card"),
            text_in("pictures"),
        )
        self.pictures.add_class("pictures")
        for pictured in (self.pictures, self.strip):
            pictured.layout.display = "block" if has_pictures(self.scene.dataset) else "none"
        self.map = DesignMap(self.real)
        self.bars = LiveFigure(empty_bars())
        self.response = LiveFigure(empty_response())
        self.response.add_class("card")
        if self.words is not None:
            self.words.attach(self.controls)
        self.keep = button(
            "Keep",
            "bookmark",
            "Put these settings on the list of those that were tried",
            self._keep,
        )

    def _arrange(self) -> None:
        pictured = has_pictures(self.scene.dataset) or self.words is not None
        samples = self.pictures if pictured else self.bars
        self.unused = [self.bars if pictured else self.pictures]  # are freed with the rest
        buttons = [] if self.words is None else self.words.buttons
        left = [*design_order(self.controls, buttons), self.keep]
        near = [self.table, self.answer]
        (near if self.words is None else self.unused).append(self.response)
        self.exports = Exports(self, lambda: self.scene.dataset.name).box
        views = [self.sentence, samples, self.map.figure, *near, self.strip]
        self.tools.shared = [self.exports]
        self.arrange(left, views)

    # --- From settings to the view -----------------------------------------------------------

    @property
    def invented(self) -> Invented:
        """The invented class. Raises ``DataError`` if none was synthesized yet."""
        return drawn(self._design, "choose another description").invented

    @property
    def swept(self) -> Sweep | None:
        """The sweep; None of a sentence. Raises ``DataError`` if there was none yet."""
        return drawn(self._design, "choose another description").swept

    @property
    def changes(self) -> dict[str, float]:
        """The attributes that were changed by hand."""
        return dict(changed_attributes(self.shown.get("changes", ())))

    @property
    def description(self) -> Float[np.ndarray, " A"]:
        """The attributes of the invented class."""
        return self._describe(self.changes)

    def _describe(self, changes: dict[str, float]) -> Float[np.ndarray, " A"]:
        s = self.shown
        given = {} if self.words is None else self.words.read(s["text"])
        return describe(
            self.scene.dataset, s["start"], less=s["less"], more=s["more"], changes=changes, **given
        )

    @property
    def temperature(self) -> float:
        """The temperature, to as many digits as are written in a state and in code."""
        return float(f"{self.shown['temperature']:g}")

    def refresh(self) -> None:
        """Synthesize the class and show it everywhere."""
        description = self.description
        seed = self.shown["seed"]
        temperature = self.temperature
        invented = invent(
            self.real, self.generator, description, temperature=temperature, seed=seed
        )
        swept = self._swept(description)
        self._design = Design(invented, swept)  # not before: if the sweep fails, the view stays
        if self.words is None:
            self.controls["changes"].describe(self._describe({}))
        self.map.show_invented(invented)
        self._show_words()
        self._show_samples()
        if swept is None:
            self._show_nearest()
        else:
            self._show_sweep(swept)
        self.say("" if self.words is None else self.words.problem)

    def _swept(self, description: Float[np.ndarray, " A"]) -> Sweep | None:
        """Sweep an attribute; one that was made of texts says nothing alone."""
        if self.words is not None:
            return None
        return sweep(
            self.scene,
            self.generator,
            description,
            self.shown["sweep"],
            temperature=self.temperature,
            seed=self.shown["seed"],
        )

    def follow_map(self, scene: Scene) -> None:
        """Take another scene of the same data, whose UMAP map is there."""
        before = self.scene
        self._take_scene(scene)
        if not self.draw_again() and self.has_view:
            self._take_scene(before)  # that of the view

    def _take_scene(self, scene: Scene) -> None:
        self.scene = scene
        self.real = RealClasses(scene)
        self.map.follow(self.real)

    def _show_words(self) -> None:
        reach = self.invented.reach
        look = "bad" if reach.extrapolates else ""
        self.sentence.value = (
            f'<span role="status" class="{look}" style="font-size:15px">'
            f"<b>{escape(self.title)}</b>&ensp;{escape(reach.sentence)}</span>"
        )
        off = int((self.invented.synthesized.far > 1).sum())
        compared = "standardised attributes" if self.words is None else "the encoded texts"
        caption = (
            f"cosine of {compared}; distance of mean features, where 1 is usual "
            f"between two real classes. {off} of {SAMPLES_INVENTED} samples are off the map: "
            "no real point as near as 95 % of the real points have one."
        )
        self.table.value = near_table(self.invented, self.map.class_colours, caption)

    @property
    def title(self) -> str:
        """The description in words, on one line."""
        s = self.shown
        words = [short(s["start"])]
        if s.get("text", "").strip():
            words = [show.in_quotes(s["text"], 80)]
        if s["less"]:
            words.append(f"\N{MINUS SIGN} {short(s['less'])}")
        if s["more"]:
            words.append(f"+ {short(s['more'])}")
        in_groups = self.scene.dataset.attribute_groups is not None
        changes = [
            short(name) if in_groups else f"{short(name)} {number:g}"
            for name, number in self.changes.items()
        ]
        if changes:
            more = f", and {len(changes) - 3} more" if len(changes) > 3 else ""
            words.append(f"with {', '.join(changes[:3])}{more}")
        return " ".join(words)

    def _show_samples(self) -> None:
        """Show samples as pictures or, where there are none, their attributes as bars."""
        pictured = has_pictures(self.scene.dataset)
        if pictured:
            self.pictures.value = sample_row(self.invented, self.scene)
        if pictured or self.words is not None:
            return
        readout = self.scene.readout
        chosen = telling(readout, self.invented.description, self._changed_numbers())
        show_bars(self.bars, readout, self.invented, chosen, self.attribute_names)

    def _changed_numbers(self) -> list[int]:
        return [self.attribute_names.index(name) for name in self.changes]

    def _show_nearest(self) -> None:
        """Say which texts are nearest to the sentence, and what lies nearest to what it became."""
        self.answer.value = nearest_texts(self.invented, self.scene.dataset)

    def _show_sweep(self, swept: Sweep) -> None:
        if has_pictures(self.scene.dataset):
            self.strip.value = sweep_rows(swept, self.scene)
        self.answer.value = f"<b>Response</b> {escape(swept.sentence)}"
        show_response(self.response, swept)

    # --- What stays --------------------------------------------------------------------------

    def _keep(self) -> None:
        """Note the settings in the log, with the nearest classes."""
        if self._design is None:
            return
        near = self.invented.near
        self.remember(
            {
                "cosine": near["cosine"].max(),
                "distance": near["distance"].min(),
                "away": self.invented.reach.distance,
            }
        )
        self.say("kept: it stands in Tried, under Share")

    def code(self) -> str:
        """Return the library calls that make this view."""
        if self.words is not None:
            given = self.words.was_given
            return tidy(sentence_code(self.shown, self.ready, encoder_given=given))
        return tidy(design_code(self.shown, self.changes, self.ready))

    def still(self) -> Figure:
        """Return pictures, sweep and nearest classes in matplotlib."""
        s = self.shown
        projection = self.scene.projection.describe
        recipe = projection if self.scene.has_map else "its UMAP map is not there yet"
        source = f"{SAMPLES_INVENTED} samples of {type(self.generator).__name__}"
        noise = f"temperature {s['temperature']:g}, seed {s['seed']}"
        return design_figure(
            self.scene,
            self.invented,
            self.swept,
            changed=self._changed_numbers(),
            title=f"Invented: {self.title}",
            caption=f"{source}, {noise}; {recipe}",
        )

    def close(self) -> None:
        """End background work, and free every widget of the panel."""
        super().close()
        for one in self.unused:
            close_all(one)


def design(
    dataset: GZSLDataset | str | None = None,
    generator: Generator | None = None,
    *,
    state: str = "",
    hide: Sequence[str] = (),
    name: str = "design",
    encoder: SentenceEncoder | None = None,
) -> DesignPanel:
    """Open the class designer, as the last line of a notebook cell.

    Without arguments it shows glyphs and the flow that comes with the package; ``design("hangul")``
    draws any Korean syllable. For a ``dataset`` of
    your own, a ridge-Gaussian stands in for a missing ``generator``, and the UMAP map is fitted in
    the background. ``state`` is the text of a :meth:`Panel.state`. ``hide`` names controls to leave
    out. A second panel of the same ``name`` closes the first.

    Where the attributes of ``dataset`` were made of texts, you describe a class in a sentence.
    ``encoder`` is what has read the texts, where that was not the default one. Raises
    ``ConfigError`` and ``DataError``.
    """
    source = source_of(dataset)
    if generator is not None:
        check_generator(generator)
    if isinstance(source, Zoo):
        ready = ready_code(source, given=generator is not None)
        return DesignPanel(
            Scene.of_zoo(source),
            source.model() if generator is None else generator,
            ready,
            name=name,
            hide=hide,
            state=state,
        )

    ready = dataset_code(given=generator is not None)
    panel = DesignPanel(
        Scene.first(source),
        RidgeGaussian.fit(source) if generator is None else generator,
        ready,
        name=name,
        hide=hide,
        state=state,
        encoder=encoder,
    )
    panel.submit("UMAP map", lambda task: Scene.of(source, watch=task), panel.follow_map)
    return panel
