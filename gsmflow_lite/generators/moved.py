"""Another generator, some of whose classes lie elsewhere than it thinks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..method.tensors import checked_attributes
from .base import ExactDensity, Generator, ask, ask_density, check_generator


class GeneratorWithDensity(Generator, ExactDensity, Protocol):
    """A generator that also knows how likely features are: a flow, or the ridge-Gaussian."""


class MovedClasses:
    r"""Another generator whose M classes with these ``attributes`` are moved by ``shifts``.

    What it synthesizes of class c is :math:`x + \delta_c`, and its density is
    :math:`p(x - \delta_c \mid a_c)`: a class keeps its shape. All other classes stay where they
    are, and classes that are moved by 0 are exactly those of ``source``.

    A class is known by its attributes. Raises ``DataError`` where two of the M classes have the
    same ones but different shifts.
    """

    def __init__(
        self,
        source: GeneratorWithDensity,
        attributes: Float[np.ndarray, "M A"],
        shifts: Float[np.ndarray, "M D"],
    ) -> None:
        check_generator(source)
        self.source = source
        moves = shifts.any(1)
        self.attributes = np.asarray(attributes, np.float32)[moves]
        self.shifts = np.asarray(shifts, np.float32)[moves]
        same = (self.attributes[:, None] == self.attributes).all(2)
        alike = (self.shifts[:, None] == self.shifts).all(2)
        if (same & ~alike).any():
            raise DataError(
                "classes that are moved must have descriptions that differ, but two have the same: "
                "give each class a description of its own"
            )

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize as the source does, and move what is of a moved class."""
        features = ask(self.source, attributes, n, temperature=temperature, seed=seed)
        for place, moved in enumerate(self._moved(checked_attributes(attributes))):
            if moved >= 0:
                features[place] += torch.from_numpy(self.shifts[moved]).to(features)
        return features

    def log_prob(
        self, x: Float[Tensor, "N D"], attributes: Float[Tensor, "M A"]
    ) -> Float[Tensor, "N M"]:
        """Return the exact log-density of every row in every class, in nats."""
        moved = self._moved(checked_attributes(attributes))
        stay = torch.from_numpy(np.flatnonzero(moved < 0))
        if len(stay) == len(moved):
            return ask_density(self.source, x, attributes)
        densities = torch.empty(len(x), len(moved))
        if len(stay):
            of_others = ask_density(self.source, x, attributes[stay])
            densities = densities.to(of_others)
            densities[:, stay] = of_others
        for place in np.flatnonzero(moved >= 0):
            shifted = x - torch.from_numpy(self.shifts[moved[place]]).to(x)
            of_class = ask_density(self.source, shifted, attributes[place : place + 1])
            densities[:, place] = of_class[:, 0].to(densities)
        return densities

    def _moved(self, attributes: Float[Tensor, "M A"]) -> Int[np.ndarray, " M"]:
        """The place of each class among those that are moved; -1 for one that is not."""
        asked = attributes.detach().cpu().float().numpy()
        if not len(self.attributes):
            return np.full(len(asked), -1)
        same = (asked[:, None] == self.attributes).all(2)
        return np.where(same.any(1), same.argmax(1), -1)
