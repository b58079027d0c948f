"""A meter: metrics that belong together, and the functions that measure them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from ..datasets.base import GZSLDataset
from ..generators.base import Generator
from .answers import Answers
from .estimates import Estimate
from .halves import Halves
from .metric import Metric
from .readout import AttributeReadout


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a metric may look at: the data, the generator, and halves of both on ``classes``."""

    dataset: GZSLDataset
    generator: Generator
    classes: Int[np.ndarray, " U"]
    halves: Halves
    readout: AttributeReadout

    @cached_property
    def answers(self) -> Answers:
        """How the generator answers permuted attributes; it is asked when this is first read."""
        seed = self.halves.seed
        return Answers.of(self.generator, self.readout, self.dataset, self.classes, seed)


@dataclass(frozen=True)
class Measurement:
    """One function that measures one metric, or several that share their work.

    ``estimates`` gives an estimate for each of the ``metrics``. It raises ``DataError`` where they
    cannot be measured, which becomes a note of the report that begins with ``name``.
    """

    metrics: tuple[Metric, ...]
    estimates: Callable[[Evidence], Sequence[Estimate]]
    name: str


@dataclass(frozen=True)
class Meter:
    """A meter by name. Its first metric is the headline."""

    name: str
    metrics: tuple[Metric, ...]
    measurements: tuple[Measurement, ...]

    @property
    def headline(self) -> Metric:
        """The metric that stands for the whole meter."""
        return self.metrics[0]


def from_halves(
    estimates: Callable[[Halves], Sequence[Estimate]],
) -> Callable[[Evidence], Sequence[Estimate]]:
    """Let a function of halves alone take the whole evidence."""
    return lambda evidence: estimates(evidence.halves)
