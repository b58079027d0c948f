"""Events that long work reports while it runs, so that a bar, a plot or a test can watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

BURST = 100.0  # nats a dimension; a flow that fits data of about unit scale is near 0


@dataclass(frozen=True)
class Stage:
    """A named part of the work begins. It will count to ``total``."""

    name: str
    total: int


@dataclass(frozen=True)
class Step:
    """One unit of a stage is done.

    ``loss`` stays on the device until ``float(event.loss)`` asks for it.
    """

    stage: str
    done: int
    total: int
    loss: Float[Tensor, ""] | None = None


@dataclass(frozen=True)
class Epoch:
    """One pass over the data is done.

    Losses are means over the epoch. ``score`` is what ``validate`` returned, if anything.
    """

    epoch: int  # counts from 1
    epochs: int
    likelihood: float  # negative log-likelihood per dimension without its constant, in nats
    prototype: float
    lr: float
    seconds: float
    score: float | None = None

    @property
    def has_burst(self) -> bool:
        """Whether the loss is so large that the model is of no use."""
        return not self.likelihood < BURST


Event = Stage | Step | Epoch

#: A function that is called with each event of long work.
Watch = Callable[[Event], None]
