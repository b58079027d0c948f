"""The flows of a page: their weights in half precision, and what says how to use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped
from torch import Tensor

from ..config import Config
from ..generators.mechanisms import SWITCHES
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.zoo import Mechanisms, Zoo
from ..method.flow import CouplingNetwork
from ..method.model import GSMFlow
from ..method.semantics import RelativePositioning
from ..method.start import GaussianStart, NoStart
from .packing import Arrays
from .small import halved

ONE_FLOW = "GSMFlow"
RIDGE_KEY = "ridge"
#: Whether the ridge-Gaussian has each mechanism: it reads descriptions, and is nothing but a start.
OF_RIDGE = {name: name in ("semantics", "start") for name in SWITCHES}


@dataclass(frozen=True, eq=False)
class PageFlow:
    """A flow, or the ridge-Gaussian, as a page holds it.

    ``key`` names its arrays, and ``title`` is what people read. ``switches`` say which mechanisms
    it was trained with.
    """

    key: str
    title: str
    model: GSMFlow | RidgeGaussian
    switches: Mapping[str, bool]

    def header(self) -> dict[str, Any]:
        """What the page reads of it before its weights."""
        about: dict[str, Any] = {"key": self.key, "title": self.title}
        about |= {"blocks": 0, "hidden": 0, "clamp": 1.0, "reads": [], "positioning": False}
        about |= {"start": self._start is not None, "unit": 1.0}
        about["startLogDet"] = 0.0 if self._start is None else float(self._start.log_det)
        if isinstance(self.model, GSMFlow):
            about |= _of_flow(self.model)
        return about | {"switches": dict(self.switches)}

    def arrays(self) -> Arrays:
        """Its weights by name."""
        found: Arrays = {}
        if isinstance(self.model, GSMFlow):
            for name, network in _networks(self.model):
                for part, weight in network.named_parameters():
                    found[f"{name}.{part}"] = _weights(weight)
            positioning = self.model.positioning
            if isinstance(positioning, RelativePositioning):
                found["positioning.anchors"] = _single(positioning.anchors)
                found["positioning.weight"] = _weights(positioning.weight)
                found["positioning.bias"] = _weights(positioning.bias)
        if self._start is not None:
            for part in ("weights", "root", "unroot"):
                found[f"start.{part}"] = _single(getattr(self._start, part))
        return {f"{self.key}/{name}": array for name, array in found.items()}

    @property
    def _start(self) -> GaussianStart | None:
        start = self.model.start
        return None if isinstance(start, NoStart) else start


def flows_of_zoo(zoo: Zoo) -> list[PageFlow]:
    """The best flow that ships, those that lack one of its mechanisms, and the ridge-Gaussian."""
    best, *others = zoo.choices
    near = [other for other in others if _lacks_one(best, other)]
    chosen = {best: ONE_FLOW} | {other: _without(best, other) for other in near}
    flows = [
        PageFlow(choice.key, title, zoo.model(choice), vars(choice))
        for choice, title in chosen.items()
    ]
    return [*flows, ridge(zoo.baseline)]


def flow_of(key: str, title: str, model: GSMFlow, config: Config | None) -> PageFlow:
    """A flow of one's own; without its settings it counts as trained with perturbation."""
    whole = Config(model=model.config) if config is None else config
    return PageFlow(key, title, model, {name: one.is_on(whole) for name, one in SWITCHES.items()})


def ridge(baseline: RidgeGaussian) -> PageFlow:
    """The ridge-Gaussian as the last flow of a page."""
    return PageFlow(RIDGE_KEY, "ridge-Gaussian", baseline, OF_RIDGE)


def _lacks_one(best: Mechanisms, other: Mechanisms) -> bool:
    """Whether ``other`` is ``best`` with one mechanism off, and what cannot be on without it."""
    on = [name for name, is_on in vars(best).items() if is_on]
    off = [type(best)(**(vars(best) | {name: False})).effective for name in on]
    return other in off


def _without(best: Mechanisms, other: Mechanisms) -> str:
    """The title of a flow: the first mechanism that it lacks is the one that was switched off."""
    name = next(name for name, is_on in vars(best).items() if is_on and not vars(other)[name])
    return f"without {SWITCHES[name].label}"


def _of_flow(model: GSMFlow) -> dict[str, Any]:
    blocks = model.flow.blocks
    return {
        "blocks": len(blocks),
        "hidden": model.config.hidden,
        "clamp": model.config.clamp,
        "reads": [bool(block.net1.from_c.shape[1]) for block in blocks],
        "positioning": isinstance(model.positioning, RelativePositioning),
        "unit": float(model.unit),
    }


def _networks(model: GSMFlow) -> Iterator[tuple[str, CouplingNetwork]]:
    for number, block in enumerate(model.flow.blocks):
        yield f"net{number}.1", block.net1
        yield f"net{number}.2", block.net2


def _weights(weight: Tensor) -> Shaped[np.ndarray, " ..."]:
    """Weights in half precision, where their largest one allows it."""
    array = weight.detach().cpu().numpy()
    return halved(array, np.abs(array).max(initial=0))


def _single(values: Tensor) -> Shaped[np.ndarray, " ..."]:
    return values.detach().cpu().numpy().astype(np.float32)
