"""What long work says while it goes on; whoever watches need not know who is at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Stage:
    """A named part of the work begins; it will count to ``total``."""

    name: str
    total: int


@dataclass(frozen=True)
class Step:
    """One unit of a stage is done. ``loss``, of shape (), stays on the device until somebody asks ``float(event.loss)``."""

    stage: str
    done: int
    total: int
    loss: Tensor | None = None


@dataclass(frozen=True)
class Epoch:
    """One pass over the data. Losses are means over the epoch; ``score`` is what ``validate`` returned, if anything."""

    epoch: int  # counts from 1
    epochs: int
    likelihood: float  # negative log-likelihood per dimension without its constant, nats
    prototype: float
    lr: float
    seconds: float
    score: float | None = None


Event = Stage | Step | Epoch


Watch = Callable[[Event], None]  # what is told of the events of long work
