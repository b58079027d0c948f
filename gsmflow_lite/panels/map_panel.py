"""What panels with a map share: a scene, the classes in focus, the generators, and hover texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from ..arguments import check_seed
from ..datasets.base import GZSLDataset
from ..datasets.given import dataset_or_load
from ..errors import ConfigError, DataError
from ..explorer.scene import Scene, Synthesized
from ..figures.style import dataset_colours, plain
from ..generators.base import Generator, check_generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.zoo import ZOOS, Mechanisms, Zoo
from .controls import Chooser
from .lensmap import LensMap
from .panel import Panel

RIDGE_NAME = "ridge-Gaussian"
REAL_NAME = "real features"
AT_FIRST = 3  # classes in focus: a first look is calm
MEASURED = 200  # synthesized features of each class behind the meters, however many are drawn

# A generator by its name; Mechanisms stand for the flow that was trained with them.
Sources = Mapping[str, Generator | Mechanisms]


class MapPanel(Panel):
    """A panel with one map.

    A subclass gives ``super().__init__`` its scene, its generators by name, and its controls. One
    of them must be ``classes``, from :func:`class_chooser`. After that the subclass makes its views
    and puts ``map.figure`` among them. See :class:`Panel` for the rest.

    ``zoo`` holds the flows that come trained with the package, where the scene is that of their
    data.
    """

    def __init__(
        self,
        scene: Scene,
        generators: Sources,
        controls: Mapping[str, Any],
        *,
        zoo: Zoo | None,
        name: str,
        hide: Sequence[str] = (),
        start: str = "",
    ) -> None:
        super().__init__(controls, name=name, hide=hide, start=start)
        self.scene = scene
        self.generators = dict(generators)
        self.zoo = zoo
        self.map = self.make_map()
        self.map_seed = 0
        self.class_colours: dict[int, str] = {}  # of the classes in focus
        self._colours = dataset_colours(scene.dataset)
        self._in_focus: tuple[int, ...] = ()
        self.meters: Sequence[widgets.DOMWidget] = ()  # what measures the view

    def make_map(self) -> LensMap:
        """Make the map. It is called once, and a panel may have a map of its own kind."""
        return LensMap(self.scene.dataset.unique_names)

    # --- Classes in focus --------------------------------------------------------------------

    @property
    def classes(self) -> list[int]:
        """Numbers of the classes in focus, in the order of the list.

        Raises ``ConfigError`` if no class is chosen.
        """
        numbers = {name: k for k, name in enumerate(self.scene.dataset.unique_names)}
        chosen = [numbers[name] for name in self.shown["classes"]]
        if not chosen:
            raise ConfigError(
                "choose at least one class: click in the list on the left, "
                "or press an arrow key in it"
            )
        return chosen

    @property
    def classes_on_map(self) -> list[int]:
        """Those of the classes in focus that have real points on the map."""
        labels = self.scene.real.labels
        return [k for k in self.classes if (labels == k).any()]

    def focus(self, classes: Sequence[int]) -> None:
        """Show the real points of these classes in colour, if others were in focus before."""
        if tuple(classes) == self._in_focus:
            return
        self.class_colours = {k: self._colours[k] for k in classes}
        self.map.show_real(self.scene.real, classes, self.real_texts(), self.class_colours)
        self._in_focus = tuple(classes)

    def fade_meters(self, stale: bool) -> None:
        """Fade the meters while they are those of an earlier view, or show them clearly."""
        for meter in self.meters:
            if stale:
                meter.add_class("stale")
            else:
                meter.remove_class("stale")

    # --- Generators --------------------------------------------------------------------------

    def source(self, name: str) -> Generator:
        """The generator of this name."""
        chosen = self.generators[name]
        return self.trained(chosen) if isinstance(chosen, Mechanisms) else chosen

    def trained(self, mechanisms: Mechanisms) -> Generator:
        """The flow that comes trained with these mechanisms."""
        assert self.zoo is not None, "only a zoo has flows by their mechanisms"
        return trained(self.zoo.name, mechanisms)

    def source_code(self, name: str) -> str:
        """The code that makes the generator of this name."""
        chosen = self.generators[name]
        if isinstance(chosen, Mechanisms):
            return f"zoo.model({chosen})"
        known = {RIDGE_NAME: "RidgeGaussian.fit(scene.dataset)", REAL_NAME: "scene.oracle"}
        return known.get(name, f"generators[{name!r}]")

    # --- Hover texts -------------------------------------------------------------------------

    def synthesized_texts(self, synthesized: Synthesized, origin: str = "synthesized") -> list[str]:
        """What the map says of each synthesized point; ``origin`` stands beside its class."""
        names = self.map.names
        nearest = self.scene.dataset.labels[self.scene.rows[synthesized.near]]
        points = zip(synthesized.points.labels, nearest, synthesized.far, strict=True)
        return [
            f"<b>{names[k]}</b>, {plain(origin)}<br>nearest real: {names[j]}<br>{distance(far)}"
            for k, j, far in points
        ]

    def real_texts(self) -> list[str]:
        """What the map says of each real point."""
        names = self.map.names
        status = [class_status(self.scene.dataset, k) for k in range(len(names))]
        points = zip(self.scene.real.labels, self.scene.rows, strict=True)
        return [f"<b>{names[k]}</b>, real, {status[k]}<br>row {row}" for k, row in points]

    # --- The UMAP map ------------------------------------------------------------------------

    def lay_out(self, dataset: GZSLDataset, seed: int) -> None:
        """Make the UMAP map in the background; until then the linear lens stands alone."""
        self.map_seed = seed
        self.submit(
            "map", lambda task: Scene.of(dataset, seed=seed, watch=task), self._change_scene
        )

    def _change_scene(self, scene: Scene) -> None:
        before = self.scene
        self.scene = scene
        self._in_focus = ()
        if not self.draw_again() and self.has_view:
            self.scene = before  # that of the view


def class_chooser(dataset: GZSLDataset) -> Chooser:
    """Make the control for the classes in focus; at the start they are the first unseen ones."""
    names = dataset.unique_names
    return Chooser("Classes", names, [names[k] for k in dataset.unseen_classes[:AT_FIRST]])


def class_status(dataset: GZSLDataset, k: int) -> str:
    """Whether a class is seen or unseen, in a word."""
    return "unseen" if k in dataset.unseen_classes else "seen"


def distance(far: float) -> str:
    """How far a point is from all real ones, in words."""
    text = f"{far:.1f} x the usual distance"
    return f"{text}: off the map" if far > 1 else text


@lru_cache(maxsize=64)
def trained(name: str, mechanisms: Mechanisms) -> Generator:
    """The flow of a data set that comes trained with these mechanisms; each is read once."""
    return ZOOS[name]().model(mechanisms)


def zoo_code(zoo: Zoo) -> list[str]:
    """The lines of code that make ``zoo`` and ``scene``."""
    return [f"zoo = {reader(zoo)}()", "scene = Scene.of_zoo(zoo)"]


def reader(zoo: Zoo) -> str:
    """The name of the function that reads this zoo."""
    return ZOOS[zoo.name].__name__


def source_of(dataset: GZSLDataset | Zoo | str | Path | None) -> GZSLDataset | Zoo:
    """The data set that a panel was asked for; a zoo where flows come trained for it.

    None stands for the glyphs. A text is the name of embedded data, or where the data lie. Raises
    ``DataError`` for anything else.
    """
    given = "glyphs" if dataset is None else dataset
    if isinstance(given, Zoo):
        return given
    return ZOOS[given]() if isinstance(given, str) and given in ZOOS else dataset_or_load(given)


def stage(
    source: GZSLDataset | Zoo,
    generators: Mapping[str, Generator] | Generator | None,
    seed: int,
) -> tuple[Scene, dict[str, Generator]]:
    """Make a scene, and name the generators that can synthesize on it.

    The generators are those given, a ridge-Gaussian where it can be fitted, and real features where
    some can be held back. Raises ``DataError`` for a generator that cannot synthesize, and where no
    generator is given and none can be fitted.
    """
    seed = check_seed(seed)
    named = _named(generators)
    if isinstance(source, Zoo):
        scene = Scene.of_zoo(source)
        # Not fitted: scikit-learn, which fits it, takes a second to import.
        named.setdefault(RIDGE_NAME, source.baseline)
    else:
        scene = Scene.first(source, seed=seed)
        _add_ridge(named, scene.dataset)
    if scene.oracle is not None:
        named.setdefault(REAL_NAME, scene.oracle)
    return scene, named


def _add_ridge(named: dict[str, Generator], dataset: GZSLDataset) -> None:
    """Put a ridge-Gaussian among the generators, if it can be fitted or there is no other."""
    if RIDGE_NAME in named:
        return
    try:
        named[RIDGE_NAME] = RidgeGaussian.fit(dataset)
    except DataError:
        if not named:
            raise


def check_generators(dataset: GZSLDataset | str | None, generators: object) -> None:
    """Raise ``ConfigError`` for generators without the data set that they synthesize."""
    if dataset is None and generators is not None:
        raise ConfigError(
            "generators need the data set that they synthesize features of: "
            "give both, (dataset, generators)"
        )


def _named(generators: Mapping[str, Generator] | Generator | None) -> dict[str, Generator]:
    """Generators by name. Raises ``DataError`` for one that cannot synthesize."""
    if generators is None:
        return {}
    named = generators if isinstance(generators, Mapping) else {"generator": generators}
    for name, generator in named.items():
        try:
            check_generator(generator)
        except DataError as error:
            raise DataError(f"generator {name!r}: {error}") from None
    return {str(name): generator for name, generator in named.items()}
