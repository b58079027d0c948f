"""Small flows that come trained with the package, one for every choice of mechanisms, and a map to see them on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, cached_property
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..config import Config, MiningConfig, ModelConfig, TrainingConfig, lite
from ..datasets import GZSLDataset, Preprocessing, glyphs
from ..datasets.glyphs import embedded
from ..method.model import GSMFlow, rebuild
from ..method.start import GaussianStart
from ..storage import read_tensors, write_tensors
from .ridge_gaussian import RidgeGaussian

ZOO_SEED = 0
MINING = MiningConfig(
    epochs=15, hidden=256, lr=6e-3, step=3.0, loops=10, beta=10.0
)  # so that its network tells letters apart


@dataclass(frozen=True)
class Mechanisms:
    """Which parts of the method are on; as published, all but ``start``."""

    semantics: bool = True  # coupling blocks read the description
    positioning: bool = True  # relative positioning of the description among anchors
    prototype: bool = True  # prototype loss
    perturbation: bool = True  # noise on features in training
    mining: bool = True  # boundary samples by entropy maximisation
    start: bool = False  # this library's: the flow starts from a ridge-Gaussian

    @classmethod
    def every(cls) -> Iterator[Mechanisms]:
        """All choices that make a difference: without semantics there is nothing to position."""
        every = (cls(*choice) for choice in product((True, False), repeat=len(fields(cls))))
        return (one for one in every if one == one.effective)

    @property
    def effective(self) -> Mechanisms:
        """The same without what is on in vain."""
        return self if self.semantics else replace(self, positioning=False)

    @property
    def key(self) -> str:
        """Six digits, 1 for on."""
        return "".join(str(int(on)) for on in asdict(self.effective).values())

    def config(self) -> Config:
        """The settings that the shipped flow was trained with: those of a laptop-size GSMFlow, narrow enough to ship."""
        one, base = self.effective, lite("glyphs")
        model = ModelConfig(
            blocks=2,
            hidden=32,
            embedding=32,
            semantics="every" if one.semantics else "none",
            relative_positioning=one.positioning,
            start="ridge-gaussian" if one.start else "none",
        )
        training = TrainingConfig(
            epochs=9,
            lr=3e-4,
            prototype_weight=3.0 * one.prototype,
            perturbation=0.2 * one.perturbation,
            mining=MINING if one.mining else None,
        )
        return replace(
            base, name=f"zoo/{one.key}", source="data/build_zoo.py", model=model, training=training
        )


@dataclass(frozen=True, eq=False)
class Zoo:
    """The trained flows, as ``tensors`` (...,) by name, the data they know, and the map of its scene: ``umap`` (R, 2)."""

    dataset: GZSLDataset
    umap: np.ndarray
    neighbours: int
    tensors: dict[str, Tensor]

    def model(self, mechanisms: Mechanisms = Mechanisms()) -> GSMFlow:
        """The flow trained with these mechanisms, in evaluation mode on the CPU."""
        prefix = f"{mechanisms.key}."
        state = {
            k.removeprefix(prefix): v.float()
            for k, v in self.tensors.items()
            if k.startswith(prefix)
        }
        if mechanisms.start:
            state |= {
                f"start.{name}": value for name, value in self.baseline.start.state_dict().items()
            }
        widths = self.dataset.features.shape[1], self.dataset.attributes.shape[1]
        return rebuild(*widths, mechanisms.config().model, state).eval()

    @cached_property
    def baseline(self) -> RidgeGaussian:
        """The ridge-Gaussian that the flows with a ``start`` start from: ``RidgeGaussian.fit(dataset)``, kept since."""
        return RidgeGaussian(
            GaussianStart(self.tensors["start.weights"], self.tensors["start.root"])
        )

    def save(self, path: str | Path) -> None:
        """Write all as one safetensors file; the weights of flows in half precision."""
        pre = self.dataset.preprocessing
        extra = {
            "map.umap": torch.from_numpy(self.umap.astype(np.float16)),
            **{
                f"preprocessing.{name}": torch.from_numpy(getattr(pre, name).copy())
                for name in ("offset", "scale", "basis")
            },
        }
        halves = {k: v if k.startswith("start.") else v.half() for k, v in self.tensors.items()}
        write_tensors(
            path,
            halves | extra,
            {"kind": "zoo", "preprocessing": pre.kind, "neighbours": self.neighbours},
        )


@cache
def glyph_zoo() -> Zoo:
    """The flows that are shipped. Their data are ``glyphs`` under the preprocessing that they were trained with."""
    tensors, settings = read_tensors(embedded("zoo.safetensors", "build_zoo.py"))
    arrays = {
        name: tensors.pop(f"preprocessing.{name}").numpy() for name in ("offset", "scale", "basis")
    }
    dataset = glyphs(None).transformed(Preprocessing(settings["preprocessing"], **arrays))
    umap = tensors.pop("map.umap").numpy().astype(np.float32)
    tensors = {re.sub(r"\bbase\.", "start.", name): value for name, value in tensors.items()}
    return Zoo(dataset, umap, settings["neighbours"], tensors)
