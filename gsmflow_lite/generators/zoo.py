"""Small flows that come trained with the package, one for every choice of mechanisms, and a map.

``data/build_zoo.py`` trains them and writes the file that :func:`glyph_zoo` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from functools import cache, cached_property
from itertools import product
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..config import Config, MiningConfig, ModelConfig, TrainingConfig
from ..datasets import GZSLDataset, Preprocessing, glyphs
from ..datasets.glyphs import embedded
from ..method.model import GSMFlow, rebuild
from ..method.start import GaussianStart
from ..presets import lite
from ..storage import read_tensors, write_tensors
from .mechanisms import MECHANISMS
from .ridge_gaussian import RidgeGaussian

ZOO_SEED = 0
#: Settings of mining for the letters: with these the relation network tells letters apart.
MINING = MiningConfig(epochs=15, hidden=256, lr=6e-3, step=3.0, loops=10, beta=10.0)
PREPROCESSING_ARRAYS = ("offset", "scale", "basis")


@dataclass(frozen=True)
class Mechanisms:
    """Which mechanisms are on; without arguments as published, that is, all but ``start``.

    :data:`gsmflow_lite.generators.mechanisms.MECHANISMS` says what each one does.
    """

    semantics: bool = True
    positioning: bool = True
    prototype: bool = True
    perturbation: bool = True
    mining: bool = True
    start: bool = False

    @classmethod
    def every(cls) -> Iterator[Mechanisms]:
        """All choices that make a difference: without semantics there is nothing to position."""
        for switches in product((True, False), repeat=len(fields(cls))):
            choice = cls(*switches)
            if choice == choice.effective:
                yield choice

    @property
    def effective(self) -> Mechanisms:
        """The same choice, with relative positioning off where no block reads the semantics."""
        return self if self.semantics else replace(self, positioning=False)

    @property
    def key(self) -> str:
        """The choice as six digits, 1 for a mechanism that is on and has an effect."""
        return "".join(str(int(is_on)) for is_on in astuple(self.effective))

    def config(self) -> Config:
        """The settings of the shipped flow: a GSMFlow that is small enough to ship."""
        config = _with_every_mechanism()
        for name, is_on in vars(self.effective).items():
            if not is_on:
                config = MECHANISMS[name].without(config)
        return replace(config, name=f"zoo/{self.key}", source="data/build_zoo.py")


def _with_every_mechanism() -> Config:
    model = ModelConfig(
        blocks=2,
        hidden=32,
        embedding=32,
        semantics="every",
        relative_positioning=True,
        start="ridge-gaussian",
    )
    training = TrainingConfig(
        epochs=9, lr=3e-4, prototype_weight=3.0, perturbation=0.2, mining=MINING
    )
    return replace(lite("glyphs"), model=model, training=training)


@dataclass(frozen=True, eq=False)
class Zoo:
    """The trained flows, the data set they were trained on, and the map of its scene.

    ``tensors`` holds the weights of all flows by name. ``umap`` (R, 2) places the R real
    rows that the scene shows; it was made with ``neighbours`` neighbours.
    """

    dataset: GZSLDataset
    umap: Float[np.ndarray, "R 2"]
    neighbours: int
    tensors: dict[str, Shaped[Tensor, " ..."]]

    def model(self, mechanisms: Mechanisms = Mechanisms()) -> GSMFlow:
        """The flow that was trained with these mechanisms, in evaluation mode on the CPU."""
        state = self._weights(f"{mechanisms.key}.")
        if mechanisms.start:
            start = self.baseline.start.state_dict()
            state |= {f"start.{name}": value for name, value in start.items()}
        features = self.dataset.features.shape[1]
        attributes = self.dataset.attributes.shape[1]
        return rebuild(features, attributes, mechanisms.config().model, state).eval()

    def _weights(self, prefix: str) -> dict[str, Float[Tensor, ...]]:
        return {
            name.removeprefix(prefix): value.float()
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }

    @cached_property
    def baseline(self) -> RidgeGaussian:
        """The ridge-Gaussian that flows with a ``start`` start from.

        It is what ``RidgeGaussian.fit(dataset)`` gave when the flows were trained.
        """
        return RidgeGaussian(
            GaussianStart(self.tensors["start.weights"], self.tensors["start.root"])
        )

    def save(self, path: str | Path) -> None:
        """Write everything as one safetensors file; weights of flows in half precision."""
        preprocessing = self.dataset.preprocessing
        assert preprocessing is not None, "the flows were trained on preprocessed features"
        content = {
            name: value if name.startswith("start.") else value.half()
            for name, value in self.tensors.items()
        }
        content["map.umap"] = torch.from_numpy(self.umap.astype(np.float16))
        for name in PREPROCESSING_ARRAYS:
            array = getattr(preprocessing, name).copy()
            content[f"preprocessing.{name}"] = torch.from_numpy(array)
        settings = {
            "kind": "zoo",
            "preprocessing": preprocessing.kind,
            "neighbours": self.neighbours,
        }
        write_tensors(path, content, settings)


@cache
def glyph_zoo() -> Zoo:
    """The shipped flows. Their data are ``glyphs``, preprocessed as they were for the training."""
    tensors, settings = read_tensors(embedded("zoo.safetensors", "build_zoo.py"))
    arrays = {name: tensors.pop(f"preprocessing.{name}").numpy() for name in PREPROCESSING_ARRAYS}
    dataset = glyphs(None).transformed(Preprocessing(settings["preprocessing"], **arrays))
    umap = tensors.pop("map.umap").numpy().astype(np.float32)
    return Zoo(dataset, umap, settings["neighbours"], tensors)
