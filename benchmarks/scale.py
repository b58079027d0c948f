"""Make up data of the size of the published benchmarks.

What is timed does not depend on what the numbers say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gsmflow_lite import GSMFlow, GZSLDataset, new_model
from gsmflow_lite.config import ModelConfig


@dataclass(frozen=True)
class Scale:
    """Widths and counts; the defaults are those of the papers on CUB."""

    features: int = 2048
    attributes: int = 312
    embedding: int = 1024
    hidden: int = 2048
    blocks: int = 3
    batch: int = 256
    seen: int = 150
    unseen: int = 50
    train: int = 7057
    test_seen: int = 1764
    test_unseen: int = 2967
    samples: int = 600  # synthesized features a class


# In so many directions the features of a class vary. The spectra are about those of Oxford Flowers
# (EfficientNet-Lite0).
DIRECTIONS = 1000
DESCRIBED = 0.8  # how far classes lie apart as their attributes say
OWN = 0.4  # how far they lie apart beyond that
CUB = Scale()
AWA2 = Scale(
    attributes=85, seen=40, unseen=10, train=23527, test_seen=5882, test_unseen=7913, samples=50000
)
TOY = Scale(
    features=16,
    attributes=6,
    embedding=8,
    hidden=12,
    batch=8,
    seen=6,
    unseen=3,
    train=40,
    test_seen=12,
    test_unseen=12,
    samples=9,
)


def dataset(scale: Scale, *, seed: int = 0) -> GZSLDataset:
    """Classes that lie near points that their attributes say, without negative features.

    The leading directions vary most, and tell classes apart best.
    """
    rng = np.random.default_rng(seed)
    classes = scale.seen + scale.unseen
    factors = min(DIRECTIONS, scale.features)
    rank = np.arange(1, factors + 1, dtype=np.float32)
    loadings = (
        rank[:, None] ** -0.57
        * rng.standard_normal((factors, scale.features), dtype=np.float32)
        / 4
    )
    attributes = rng.random((classes, scale.attributes), dtype=np.float32)
    said = (attributes - 0.5) @ rng.standard_normal((scale.attributes, factors), dtype=np.float32)
    said *= DESCRIBED / said.std()
    centres = said + OWN * rng.standard_normal((classes, factors), dtype=np.float32)
    centres *= (rank.clip(10) / 10) ** -0.3

    labels = _labels(scale, classes)
    features = rng.standard_normal((len(labels), factors), dtype=np.float32)
    features += centres[labels]
    features = features @ loadings
    features += 0.05 * rng.standard_normal(features.shape, dtype=np.float32)
    np.maximum(features, 0, out=features)

    ends = np.cumsum([scale.train, scale.test_seen])
    train, test_seen, test_unseen = np.split(np.arange(len(labels)), ends)
    return GZSLDataset(
        features=features,
        labels=labels,
        attributes=attributes,
        train=train,
        test_seen=test_seen,
        test_unseen=test_unseen,
        name="made up",
        source="benchmarks/scale.py",
    )


def _labels(scale: Scale, classes: int) -> np.ndarray:
    """Classes in turn: seen ones in the training rows and test_seen, unseen ones in test_unseen."""
    train = np.arange(scale.train) % scale.seen
    test_seen = np.arange(scale.test_seen) % scale.seen
    test_unseen = scale.seen + np.arange(scale.test_unseen) % (classes - scale.seen)
    return np.concatenate([train, test_seen, test_unseen])


def model(scale: Scale, data: GZSLDataset, *, seed: int = 0) -> GSMFlow:
    """An untrained flow as published: no start, relative positioning."""
    config = ModelConfig(
        blocks=scale.blocks,
        hidden=scale.hidden,
        embedding=scale.embedding,
        start="none",
        relative_positioning=True,
    )
    torch.manual_seed(seed)
    return new_model(data, config, seed=seed)
