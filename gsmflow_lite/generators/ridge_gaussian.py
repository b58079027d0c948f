"""generators.ridge_gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from ..datasets.base import GZSLDataset
from ..method.start import GaussianStart
from ..seeds import torch_stream


class RidgeGaussian:
    r"""The baseline to beat: :math:`x \sim N(m(a), \Sigma)`, means by ridge regression, one pooled within-class covariance."""

    def __init__(self, start: GaussianStart) -> None:
        self.start = start

    @classmethod
    def fit(cls, dataset: GZSLDataset) -> RidgeGaussian:
        """Fit on the training rows."""
        return cls(GaussianStart.fit(dataset))

    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D), float32; a larger ``temperature`` gives more varied ones."""
        attributes, noise = (
            torch.as_tensor(attributes).to(self.start.weights),
            torch_stream(seed, "latent noise"),
        )
        out = attributes.new_empty(len(attributes), n, len(self.start.root))
        for m in range(len(attributes)):
            z = torch.randn(n, out.shape[2], generator=noise).mul_(temperature)
            out[m] = self.start.inverse(z, attributes[m : m + 1])[0]
        return out
