"""Small flows that come trained with the package, one for each choice of mechanisms, and maps.

``data/build_zoo.py`` trains them and writes the files that :func:`glyph_zoo` and
:func:`hangul_zoo` read.
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

from ..config import Config
from ..datasets import GZSLDataset, Preprocessing, glyphs, hangul
from ..datasets.typefaces import embedded
from ..errors import require
from ..method.model import GSMFlow, rebuild
from ..method.start import GaussianStart
from ..presets import lite
from ..storage import read_tensors, write_tensors
from .mechanisms import SWITCHES
from .ridge_gaussian import RidgeGaussian

ZOO_SEED = 0
PREPROCESSING_ARRAYS = ("offset", "scale", "basis")
#: Width of the hidden layers, epochs, and epochs between two falls of the rate, by data set.
SHAPES = {"glyphs": (384, 24, 2), "hangul": (512, 16, 2)}


@dataclass(frozen=True)
class Mechanisms:
    """Which mechanisms are on; without arguments all of them are.

    :data:`gsmflow_lite.generators.mechanisms.SWITCHES` says what each one does.
    """

    semantics: bool = True
    positioning: bool = True
    perturbation: bool = True
    start: bool = True

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
        """The choice as four digits, 1 for a mechanism that is on and has an effect."""
        return "".join(str(int(is_on)) for is_on in astuple(self.effective))

    def config(self, dataset: str = "glyphs") -> Config:
        """The settings of the shipped flow of this data set: it is small enough to ship."""
        config = _with_every_mechanism(dataset)
        for name, is_on in vars(self.effective).items():
            if not is_on:
                config = SWITCHES[name].without(config)
        return replace(config, name=f"zoo/{dataset}/{self.key}", source="data/build_zoo.py")


def _with_every_mechanism(dataset: str) -> Config:
    """The settings of :func:`gsmflow_lite.presets.lite` in the shape of the shipped flows."""
    config = lite(dataset)
    hidden, epochs, lr_step = SHAPES[dataset]
    model = replace(
        config.model,
        hidden=hidden,
        embedding=64,
        relative_positioning=True,
        start="ridge-gaussian",
    )
    return replace(
        config, model=model, training=replace(config.training, epochs=epochs, lr_step=lr_step)
    )


@dataclass(frozen=True, eq=False)
class Zoo:
    """The trained flows, the data set they were trained on, and the map of its scene.

    ``tensors`` holds the weights of all flows by name. ``umap`` (R, 2) places the R real
    rows that the scene shows; it was made with ``neighbours`` neighbours. ``name`` is that of the
    data set, whose function makes it without any preprocessing.
    """

    name: str
    dataset: GZSLDataset
    umap: Float[np.ndarray, "R 2"]
    neighbours: int
    tensors: dict[str, Shaped[Tensor, " ..."]]

    @property
    def choices(self) -> tuple[Mechanisms, ...]:
        """The mechanisms of the flows that it holds, the best flow first."""
        return SHIPPED[self.name]

    def model(self, mechanisms: Mechanisms | None = None) -> GSMFlow:
        """The flow that was trained with these mechanisms, in evaluation mode on the CPU.

        None stands for the first of :attr:`choices`. Raises ``ConfigError`` for others.
        """
        mechanisms = (mechanisms or self.choices[0]).effective
        require(
            mechanisms in self.choices,
            f"mechanisms must be among the choices of the {self.name} flows that ship",
            mechanisms,
        )
        state = self._weights(f"{mechanisms.key}.")
        if mechanisms.start:
            start = self.baseline.start.state_dict()
            state |= {f"start.{name}": value for name, value in start.items()}
        features = self.dataset.features.shape[1]
        attributes = self.dataset.attributes.shape[1]
        return rebuild(features, attributes, mechanisms.config(self.name).model, state).eval()

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


#: The mechanisms of the flows that ship, by data set. Of Hangul one flow ships: what a switch does
#: is shown on letters.
SHIPPED = {"glyphs": tuple(Mechanisms.every()), "hangul": (Mechanisms(start=False),)}


@cache
def glyph_zoo() -> Zoo:
    """The flows of letters that ship. The letters are preprocessed as they were for training."""
    return _read("glyphs", glyphs(None))


@cache
def hangul_zoo() -> Zoo:
    """The flow of Korean syllables that ships, and its data."""
    return _read("hangul", hangul(None))


#: What reads the flows of an embedded data set, by its name.
ZOOS = {"glyphs": glyph_zoo, "hangul": hangul_zoo}


def zoo_file(name: str) -> str:
    """Return the name of the file that holds the flows of a data set."""
    return f"{name}_zoo.safetensors"


def _read(name: str, pixels: GZSLDataset) -> Zoo:
    tensors, settings = read_tensors(embedded(zoo_file(name), "build_zoo.py"))
    arrays = {name: tensors.pop(f"preprocessing.{name}").numpy() for name in PREPROCESSING_ARRAYS}
    dataset = pixels.transformed(Preprocessing(settings["preprocessing"], **arrays))
    umap = tensors.pop("map.umap").numpy().astype(np.float32)
    return Zoo(name, dataset, umap, settings["neighbours"], tensors)
