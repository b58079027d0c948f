"""What panels with a map share: a scene, classes in focus, the generators to choose from, and the words at each point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..datasets.base import GZSLDataset
from ..errors import ConfigError
from ..explorer.scene import IN_FOCUS, Scene, Synthesized
from ..figures.style import plain
from ..generators.base import Generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.zoo import Mechanisms, glyph_zoo
from .controls import Chooser
from .lensmap import LensMap, focus_colours
from .panel import Panel

RIDGE, REAL = "ridge-Gaussian", "real features"
MEASURED = 200  # synthesized features a class behind the meters, however many are drawn


class MapPanel(Panel):
    """A panel with one map. A subclass has a control ``classes`` and the views; see :class:`Panel`."""

    map_seed = 0  # of the scene of one's own data

    def __init__(self, scene: Scene, generators: Mapping[str, Any], *, sets: int = 1) -> None:
        self.scene, self.generators = scene, dict(generators)
        self._colours: dict[int, str] = {}
        self._in_focus: tuple[int, ...] = ()
        self.map = LensMap(scene.dataset.class_names, sets=sets)

    def chooser(self) -> Chooser:
        """A control for the classes in focus; at the start the unseen ones."""
        names = self.scene.dataset.unique_names
        return Chooser(
            "Classes", names, [names[k] for k in self.scene.dataset.unseen_classes[:IN_FOCUS]]
        )

    @property
    def classes(self) -> list[int]:
        """Numbers of the classes in focus, as they stand in the list. Raises ``ConfigError`` where there is none."""
        numbers = {name: k for k, name in enumerate(self.scene.dataset.unique_names)}
        chosen = [numbers[name] for name in self.shown["classes"]]
        if not chosen:
            raise ConfigError(
                "choose at least one class: click in the list on the left, or press an arrow key in it"
            )
        return chosen

    def focus(self, classes: Sequence[int]) -> None:
        """Real points anew, where other classes came into focus."""
        if tuple(classes) != self._in_focus:
            self._colours = focus_colours(classes, self._colours)
            self.map.show_real(self.scene.real, classes, self._real_texts(), self._colours)
            self._in_focus = tuple(classes)

    def status(self, k: int) -> str:
        return "unseen" if k in self.scene.dataset.unseen_classes else "seen"

    def texts(self, made: Synthesized, origin: str = "synthesized") -> list[str]:
        """What the map says of each synthesized point."""
        names = [plain(name) for name in self.scene.dataset.class_names]
        near = self.scene.dataset.labels[self.scene.rows[made.near]]
        return [
            f"<b>{names[k]}</b>, {plain(origin)}<br>nearest real: {names[j]}<br>{distance(far)}"
            for k, j, far in zip(made.points.labels, near, made.far, strict=True)
        ]

    def _real_texts(self) -> list[str]:
        names = [plain(name) for name in self.scene.dataset.class_names]
        status = [self.status(k) for k in range(len(names))]
        rows = zip(self.scene.real.labels, self.scene.rows, strict=True)
        return [f"<b>{names[k]}</b>, real, {status[k]}<br>row {row}" for k, row in rows]

    def lay_out(self, dataset: GZSLDataset, seed: int) -> None:
        """Make the UMAP map in the background; until then the linear lens stands alone."""
        self.map_seed = seed
        self.submit("map", lambda task: Scene.of(dataset, seed=seed, watch=task), self._mapped)

    def _mapped(self, scene: Scene) -> None:
        self.scene, self._in_focus = scene, ()
        self._redraw()


def distance(far: float) -> str:
    """How far a point is from all real ones, in words."""
    text = f"{far:.1f} x the usual distance"
    return f"{text}: off the map" if far > 1 else text


@lru_cache(maxsize=64)
def trained(mechanisms: Mechanisms) -> Generator:
    """A flow that comes with the package, read once."""
    return glyph_zoo().model(mechanisms)


def stage(
    dataset: GZSLDataset | None, generators: Mapping[str, Generator] | Generator | None, seed: int
):
    """The scene of a data set (of glyphs where None), and generators by name: those given, ridge-Gaussian, real features."""
    if dataset is None and generators is not None:
        raise ConfigError(
            "generators need the data set that they synthesize features of: give both, (dataset, generators)"
        )
    named = _named(generators)
    if dataset is None:
        scene = Scene.of_zoo(glyph_zoo())
        named[RIDGE] = (
            glyph_zoo().baseline
        )  # a fit would begin with the second that scikit-learn takes to import
    else:
        scene = Scene.first(dataset, seed=seed)
        named.setdefault(RIDGE, RidgeGaussian.fit(scene.dataset))
    if scene.oracle is not None:
        named.setdefault(REAL, scene.oracle)
    return scene, named


def _named(generators: Mapping[str, Generator] | Generator | None) -> dict[str, Any]:
    if generators is None:
        return {}
    named = dict(generators) if isinstance(generators, Mapping) else {"generator": generators}
    for name, one in named.items():
        if not isinstance(one, Generator):
            raise ConfigError(
                f"generator {name!r} must have a method synthesize(attributes, n, temperature=, seed=)"
            )
    return {str(name): one for name, one in named.items()}
