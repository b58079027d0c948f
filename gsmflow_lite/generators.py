"""The Generator protocol, and what speaks it besides the flow: baselines and real data."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from .datasets.base import GZSLDataset
from .errors import DataError
from .gaussian import GaussianBase


@runtime_checkable
class Generator(Protocol):
    """Anything that imagines features of a class from its description."""

    def synthesize(self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0) -> Tensor:
        """Attributes (M, A) -> features (M, n, D); the same seed gives the same features."""
        ...


class RidgeGaussian:
    r"""The baseline to beat: :math:`x \sim N(m(a), \Sigma)`, means by ridge regression, one pooled within-class covariance."""

    def __init__(self, base: GaussianBase) -> None:
        self.base = base

    @classmethod
    def fit(cls, dataset: GZSLDataset) -> RidgeGaussian:
        """Fit on the training rows."""
        return cls(GaussianBase.fit(dataset))

    def synthesize(self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0) -> Tensor:
        attributes = torch.as_tensor(attributes).to(self.base.weights)
        width = len(self.base.root)
        z = temperature * torch.randn(len(attributes) * n, width, generator=torch.Generator().manual_seed(seed))
        each = torch.arange(len(attributes)).repeat_interleave(n)
        return self.base.inverse(z, attributes, each)[0].view(len(attributes), n, width)


class RealSamples:
    """The oracle as a generator: it hands out real features of a class, drawn with replacement.

    ``rows`` are row numbers of ``dataset``; a class is recognised by its attributes, which must be among the data set's.
    """

    def __init__(self, dataset: GZSLDataset, rows: np.ndarray) -> None:
        self.dataset = dataset
        self.rows = rows

    def synthesize(self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0) -> Tensor:
        if temperature != 1:
            raise DataError(f"real features have no temperature: it must be 1, got {temperature}")
        rng = np.random.default_rng(seed)
        picked = [rng.choice(self._rows_of(a), n) for a in np.asarray(attributes)]
        return torch.from_numpy(self.dataset.features[np.stack(picked)])

    def _rows_of(self, attributes: np.ndarray) -> np.ndarray:
        matches = np.flatnonzero((self.dataset.attributes == attributes).all(1))
        rows = self.rows[np.isin(self.dataset.labels[self.rows], matches)]
        if not len(rows):
            raise DataError("real features exist only for classes of the data set: no class with rows has these attributes")
        return rows
