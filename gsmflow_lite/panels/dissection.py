"""What the flow anatomy shows: points and a grid on their way through a flow, and two densities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float

from ..datasets import GZSLDataset
from ..explorer.anatomy import (
    Box,
    Density,
    Journey,
    box_around,
    density,
    grid_lines,
    normal_circles,
    to_data,
    to_noise,
)
from ..explorer.anatomy_figures import view
from ..method import prior
from ..method.model import GSMFlow
from ..seeds import stream

DISSECT_SEED = 0
ROWS_SHOWN = 500  # drawn from a class; the panel shows at most as many
ROOM = 0.2  # around the points, as a share of the width of their picture
NOISE_BOX = (-3.0, 3.0, -3.0, 3.0)
NOISE_NAME = "latent noise"  # of the stream that the noise is drawn from

Pairs = Float[np.ndarray, "N 2"]


class World(Protocol):
    """A data set of two features together with its true distribution."""

    @property
    def dataset(self) -> GZSLDataset:
        """The classes, their names and their attributes."""
        ...

    def sample(self, number: int, n: int, *, seed: int = 0) -> Pairs:
        """Draw ``n`` rows of one class."""
        ...

    def log_prob(self, features: Pairs, number: int) -> Float[np.ndarray, " N"]:
        """The true log-density of features of one class, in nats."""
        ...


@dataclass(frozen=True, eq=False)
class FlowScene:
    """All that the panel can show of one class in one direction, at any step.

    - ``points`` and ``grid`` are on their way.
    - ``middle`` is the way of a single point: it begins at the mean of the points, where its
      log-density is ``first_log_density``, in nats.
    - ``learned`` is the density of the flow, ``truth`` that of the world.
    """

    points: Journey
    grid: Journey
    middle: Journey
    learned: Density
    truth: Density
    first_log_density: float

    @property
    def log_densities(self) -> Float[np.ndarray, " S"]:
        """Log-density of the middle point after each step. A move that spreads points lowers it."""
        return self.first_log_density - self.middle.log_dets[:, 0].cumsum()

    @property
    def mean_log_dets(self) -> Float[np.ndarray, " S"]:
        """The log-determinant of all moves up to each step, mean over the points."""
        return self.points.log_dets.mean(1).cumsum()

    def place(self, space: str, step: int) -> int:
        """The step of the points in a space: one space moves, the other shows the beginning."""
        return step if space == self.points.towards else 0

    def box(self, space: str) -> Box:
        """The part of a space that is in the picture, the same at all steps.

        A space in which points move has room for all their steps, the data among them.
        """
        if space == self.points.towards:
            step_of_data = len(self.points) - 1 if space == "data" else 0
            moved = view(np.delete(self.points.points, step_of_data, axis=0), normal_circles())
            return _around(moved, self.learned.box)
        return (
            self.learned.box if space == "data" else view(self.points.points[:1], normal_circles())
        )


def _around(*boxes: Box) -> Box:
    """The smallest square around boxes."""
    corners = [[(left, bottom), (right, top)] for left, right, bottom, top in boxes]
    return box_around(np.array(corners), 0.0)


def dissection(
    world: World,
    model: GSMFlow,
    number: int,
    towards: str,
    *,
    n: int = 300,
    temperature: float = 1.0,
) -> FlowScene:
    """Send points of class ``number`` through a flow, ``towards`` "noise" or "data".

    On the way to data, ``n`` points of noise begin, scaled by ``temperature``. Raises ``DataError``
    unless the world and the model have two features.
    """
    attributes = world.dataset.attributes[number : number + 1]
    rows = world.sample(number, ROWS_SHOWN, seed=DISSECT_SEED)
    box = box_around(rows, ROOM)

    def travel(places: Pairs) -> Journey:
        way = to_noise if towards == "noise" else to_data
        return way(model, places, attributes)

    start = rows[:n] if towards == "noise" else latent_noise(n, temperature)
    middle = travel(start.mean(0, keepdims=True))
    return FlowScene(
        points=travel(start),
        grid=travel(grid_lines(box if towards == "noise" else NOISE_BOX)),
        middle=middle,
        learned=density(model, attributes, box),
        truth=density(world, number, box),
        first_log_density=_first_log_density(model, middle, attributes),
    )


def latent_noise(n: int, temperature: float) -> Pairs:
    """Draw the noise that goes to data."""
    return temperature * stream(DISSECT_SEED, NOISE_NAME).standard_normal((n, 2))


def _first_log_density(model: GSMFlow, middle: Journey, attributes: Any) -> float:
    """The log-density of the middle point where it begins: of the flow, or of the noise."""
    point = middle.points[0]
    if middle.towards == "noise":
        return model.log_prob(point, attributes).item()
    return prior.log_density(torch.from_numpy(point).double()).item()
