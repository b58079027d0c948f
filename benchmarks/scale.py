"""Made-up data of the size of the published benchmarks: what is timed does not depend on what the numbers say."""

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
    samples: int = 600  # imagined features a class


CUB = Scale()
AWA2 = Scale(attributes=85, seen=40, unseen=10, train=23527, test_seen=5882, test_unseen=7913, samples=50000)
TOY = Scale(
    features=16, attributes=6, embedding=8, hidden=12, batch=8, seen=6, unseen=3, train=40,
    test_seen=12, test_unseen=12, samples=9,
)  # fmt: skip


def dataset(scale: Scale, *, seed: int = 0) -> GZSLDataset:
    """Classes around points that their attributes say, to a part; rectified, as the features of networks are."""
    rng = np.random.default_rng(seed)
    classes = scale.seen + scale.unseen
    attributes = rng.random((classes, scale.attributes), dtype=np.float32)
    means = (attributes - 0.5) @ rng.standard_normal((scale.attributes, scale.features), dtype=np.float32)
    means = 0.3 * means / np.sqrt(scale.attributes / 12) + 0.1 * rng.standard_normal(means.shape, dtype=np.float32)
    parts = [(scale.train, 0, scale.seen), (scale.test_seen, 0, scale.seen), (scale.test_unseen, scale.seen, classes)]
    labels = np.concatenate([first + np.arange(rows) % (end - first) for rows, first, end in parts])
    features = rng.standard_normal((len(labels), scale.features), dtype=np.float32)
    features *= 0.6
    features += means[labels]
    np.maximum(features, 0, out=features)
    train, test_seen, test_unseen = np.split(np.arange(len(labels)), np.cumsum([rows for rows, _, _ in parts])[:-1])
    return GZSLDataset(
        features=features, labels=labels, attributes=attributes, train=train, test_seen=test_seen, test_unseen=test_unseen,
        name="made up", source="benchmarks/scale.py",
    )  # fmt: skip


def model(scale: Scale, data: GZSLDataset, *, seed: int = 0) -> GSMFlow:
    """An untrained flow as published: no base, relative positioning."""
    config = ModelConfig(
        blocks=scale.blocks, hidden=scale.hidden, embedding=scale.embedding, base="none", relative_positioning=True
    )
    torch.manual_seed(seed)
    return new_model(data, config, seed=seed)
