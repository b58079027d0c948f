"""method.rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..datasets.base import GZSLDataset
from ..datasets.on_disk import FeaturesOnDisk, in_chunks
from ..datasets.statistics import class_means
from ..seeds import torch_stream


@dataclass(frozen=True)
class TrainingRows:
    """Training rows on the device, or in their file. Labels number the seen classes, 0 to S - 1, the rows of ``attributes``."""

    features: Tensor | RowsOnDisk  # (n, D); rows are taken by ``features[index]``
    labels: Tensor  # (n,)
    attributes: Tensor  # (S, A)
    prototypes: Tensor  # (S, D), real class means

    @classmethod
    def of(
        cls, dataset: GZSLDataset, device: torch.device, *, mining: bool = False
    ) -> TrainingRows:
        """For ``mining`` there is room for as many rows again; else memory-mapped features stay where they are."""
        classes, n = dataset.seen_classes, len(dataset.train)
        labels = torch.from_numpy(np.searchsorted(classes, dataset.labels[dataset.train])).to(
            device
        )
        attributes = torch.from_numpy(dataset.attributes[classes]).to(device)
        if isinstance(dataset.features, FeaturesOnDisk) and not mining:
            means = torch.from_numpy(class_means(dataset, classes, dataset.train)).to(device)
            return cls(RowsOnDisk(dataset, device), labels, attributes, means)
        features = torch.empty((2 if mining else 1) * n, dataset.features.shape[1], device=device)
        for places, rows in in_chunks(dataset.features, dataset.train):
            features[places] = torch.from_numpy(rows).to(device)
        sums = torch.zeros(len(classes), features.shape[1], device=device).index_add_(
            0, labels, features[:n]
        )
        return cls(
            features, labels, attributes, sums / labels.bincount(minlength=len(sums))[:, None]
        )


class RowsOnDisk:
    """Training rows that are read when they are asked for: ``rows[index]`` is a tensor (len(index), D) on the device."""

    def __init__(self, dataset: GZSLDataset, device: torch.device) -> None:
        self.dataset, self.device = dataset, device

    def __len__(self) -> int:
        return len(self.dataset.train)

    def __getitem__(self, index: Tensor) -> Tensor:
        rows = self.dataset.train[index.cpu().numpy()]
        return torch.from_numpy(self.dataset.features[rows]).to(self.device)


def shuffled(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch_stream(seed, "batches", epoch))
