"""What the colours of points can say, besides their classes: a number of each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..explorer.scene import Scene, Synthesized
from ..figures.looks import VIRIDIS, Scale, Tints
from ..figures.style import number

CLASS, DESCRIBED, READ, DISTANCE = "class", "described", "read", "distance"
COLOUR_BY = (
    ("class", CLASS),
    ("attribute, as described", DESCRIBED),
    ("attribute, as read off", READ),
    ("distance to the nearest real", DISTANCE),
)
OF_TEXTS = tuple(pair for pair in COLOUR_BY if pair[1] not in (DESCRIBED, READ))

Values = Mapping[str, Float[np.ndarray, " n"]]  # of points, by their kind


@dataclass(frozen=True, eq=False)
class Coloured:
    """Colours of points by kind, and what a legend says of them; both empty for classes."""

    tints: Tints
    key: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The key for a caption, after a semicolon."""
        if not self.key:
            return ""
        return "; colours: {text}, from {low} (dark) to {high} (light)".format(**self.key)


class PointColours:
    """Colours points by a number; what real points have is computed once."""

    def __init__(self) -> None:
        self._real: tuple[tuple[Any, ...], Float[np.ndarray, " n"]] | None = None

    def by(self, how: str, attribute: str, scene: Scene, synthesized: Synthesized) -> Coloured:
        """Colour by one of ``COLOUR_BY``; ``attribute`` is the name of an attribute."""
        if how == CLASS:
            return Coloured({}, {})
        column = scene.dataset.unique_attribute_names.index(attribute)
        values = {
            "real": self._of_real(how, column, scene),
            "synthesized": _of_synthesized(how, column, scene, synthesized),
        }
        scale = Scale.over(list(values.values()))
        text = "times the usual distance" if how == DISTANCE else f"{attribute}, in spreads"
        key = {"text": text, "low": number(scale.low), "high": number(scale.high), "ramp": VIRIDIS}
        return Coloured({kind: scale.colours(one) for kind, one in values.items()}, key)

    def _of_real(self, how: str, column: int, scene: Scene) -> Float[np.ndarray, " n"]:
        wanted = (how, column, scene)
        if self._real is None or self._real[0] != wanted:
            self._real = wanted, _of_real(how, column, scene)
        return self._real[1]


def _of_real(how: str, column: int, scene: Scene) -> Float[np.ndarray, " n"]:
    if how == DISTANCE:
        return scene.real_far
    if how == READ:
        return scene.readout.read(scene.dataset.features[scene.rows])[:, column]
    return _described(scene, column)[scene.real.labels]


def _of_synthesized(
    how: str, column: int, scene: Scene, synthesized: Synthesized
) -> Float[np.ndarray, " n"]:
    if how == DISTANCE:
        return synthesized.far
    if how == READ:
        return scene.readout.read(synthesized.features)[:, column]
    return _described(scene, column)[synthesized.points.labels]


def _described(scene: Scene, column: int) -> Float[np.ndarray, " K"]:
    """What the description of each class says of an attribute, in units of spread."""
    return scene.readout.standardise(scene.dataset.attributes)[:, column]
