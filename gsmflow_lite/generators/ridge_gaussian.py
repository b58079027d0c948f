"""The ridge-Gaussian: the simplest generator that makes sense, and the baseline to beat."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ..arguments import check_asked
from ..datasets.base import GZSLDataset
from ..method import prior
from ..method.model import Matrix
from ..method.start import GaussianStart
from ..method.tensors import checked_attributes, checked_features
from ..numerics import values_at_once


class RidgeGaussian:
    r"""Synthesize from a Gaussian around each class mean: :math:`x \sim N(m(a), \Sigma)`.

    The means m(a) come from ridge regression on the attributes; the covariance :math:`\Sigma` is
    the one within classes, pooled over all seen classes. Make one with :meth:`fit`. Its density as
    a classifier is linear discriminant analysis on predicted means.
    """

    def __init__(self, start: GaussianStart) -> None:
        self.start = start

    @classmethod
    def fit(cls, dataset: GZSLDataset) -> RidgeGaussian:
        """Fit on the training rows."""
        return cls(GaussianStart.fit(dataset))

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize ``n`` features of each class; larger ``temperature`` spreads them further."""
        n, temperature, seed = check_asked(n, temperature, seed)
        attributes = checked_attributes(attributes, self.start.attributes).to(self.start.root)
        width = len(self.start.root)
        features = attributes.new_empty(len(attributes) * n, width)
        for rows, classes, z in prior.blocks(
            seed,
            len(attributes),
            n,
            width,
            rows_at_once=max(1, values_at_once(attributes.device) // width),
            device=attributes.device,
        ):
            u = z.to(features) * temperature
            features[rows] = self.start.inverse(u, attributes, classes)[0]
        return features.view(len(attributes), n, width)

    @torch.no_grad()
    def log_prob(
        self, x: Float[Matrix, "N D"], attributes: Float[Matrix, "M A"]
    ) -> Float[Tensor, "N M"]:
        """Return the exact log-density of every row in every class, in nats."""
        start = self.start
        # In double precision, because the squared distance is a small difference of large numbers.
        unroot = start.unroot.double()
        of_x = checked_features(x, len(unroot)).to(unroot) @ unroot.T
        rows = checked_attributes(attributes, start.attributes).to(start.root)
        of_means = start.means(rows).double() @ unroot.T
        across = of_x @ of_means.T
        distances = of_x.square().sum(1)[:, None] + of_means.square().sum(1) - 2 * across
        constant = start.log_det.double() - unroot.shape[0] * math.log(2 * math.pi) / 2
        return (constant - distances / 2).to(start.root)
