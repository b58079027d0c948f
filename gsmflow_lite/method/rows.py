"""Training rows, as the training reads them: in memory, or one batch at a time from disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..datasets.base import GZSLDataset
from ..datasets.on_disk import FeaturesOnDisk, in_chunks
from ..datasets.statistics import class_means
from ..seeds import torch_stream


@dataclass(frozen=True)
class TrainingRows:
    """Training rows on the device or on disk, with what is known of the seen classes.

    Labels number the rows of ``attributes`` and ``prototypes``, from 0 to S - 1.
    """

    features: Float[Tensor, "n D"] | RowsOnDisk  # rows are taken by ``features[index]``
    labels: Int[Tensor, " n"]
    attributes: Float[Tensor, "S A"]
    prototypes: Float[Tensor, "S D"]

    @classmethod
    def of(
        cls, dataset: GZSLDataset, device: torch.device, *, mining: bool = False
    ) -> TrainingRows:
        """Take the training rows of a data set.

        For ``mining``, ``features`` are in memory and have room for as many rows again. Otherwise
        features that are on disk stay there.
        """
        seen = dataset.seen_classes
        numbers = np.searchsorted(seen, dataset.labels[dataset.train])
        labels = torch.from_numpy(numbers).to(device)
        attributes = torch.from_numpy(dataset.attributes[seen]).to(device)

        prototypes = torch.from_numpy(class_means(dataset, seen, dataset.train)).to(device)

        if isinstance(dataset.features, FeaturesOnDisk) and not mining:
            return cls(RowsOnDisk(dataset, device), labels, attributes, prototypes)
        features = _in_memory(dataset, device, copies=2 if mining else 1)
        return cls(features, labels, attributes, prototypes)


class RowsOnDisk:
    """Training rows that are read when they are needed: ``rows[index]`` puts them on the device."""

    def __init__(self, dataset: GZSLDataset, device: torch.device) -> None:
        self.dataset = dataset
        self.device = device

    def __len__(self) -> int:
        return len(self.dataset.train)

    def __getitem__(self, index: Int[Tensor, " N"]) -> Float[Tensor, "N D"]:
        rows = self.dataset.train[index.cpu().numpy()]
        return torch.from_numpy(self.dataset.features[rows]).to(self.device)


def shuffled(n: int, seed: int, epoch: int) -> Int[Tensor, " n"]:
    """Return the order of ``n`` training rows in an epoch, which counts from 0."""
    return torch.randperm(n, generator=torch_stream(seed, "batches", epoch))


def _in_memory(dataset: GZSLDataset, device: torch.device, copies: int) -> Tensor:
    """Copy the training rows to the device, into room for ``copies`` times as many."""
    n = len(dataset.train)
    features = torch.empty(copies * n, dataset.features.shape[1], device=device)
    for places, rows in in_chunks(dataset.features, dataset.train):
        features[places] = torch.from_numpy(rows).to(device)
    return features
