"""Flows with random weights, far from the identity, that several test files take apart."""

import torch

from gsmflow_lite.config import ModelConfig
from gsmflow_lite.method.model import GSMFlow
from gsmflow_lite.method.start import GaussianStart

A = 3  # attributes


def normal(*shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def random_model(
    *, start: bool = True, blocks: int = 2, features: int = 2, size: float = 0.5
) -> GSMFlow:
    """Make a float64 model far from the identity, where a wrong half step cannot pass."""
    config = ModelConfig(blocks=blocks, hidden=7, embedding=5)
    gaussian = GaussianStart(
        normal(A + 1, features, seed=5),
        normal(features, features, seed=6) + 2 * torch.eye(features),
    )
    anchors = normal(3, A, seed=3)
    model = GSMFlow(features, anchors, config, gaussian if start else None).double()

    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(size * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return model
