"""Relative positioning: the attributes of a class, seen from three anchor classes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError


def choose_anchors(attributes: Float[Tensor, "K A"]) -> Int[Tensor, " 3"]:
    r"""Choose the rows of the classes that are least, middling and most similar to all others.

    With :math:`r_c = \sum_j \cos(a_c, a_j)`, the anchors are argmin r, the class at rank
    floor(K / 2) of r, and argmax r. Fewer than three classes give repeated anchors.
    Reference: Chen et al. (2021), sec. 3.3.

    >>> choose_anchors(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.2]])).tolist()
    [2, 3, 1]
    """
    unit = F.normalize(attributes, dim=1)
    similarity = (unit @ unit.T).sum(1)
    order = similarity.argsort(stable=True)
    return order[[0, len(order) // 2, -1]]


class RelativePositioning(nn.Module):
    r"""Compute the global semantics of a class from its differences to the anchors.

    .. math:: a^g = \sum_{k=1}^{3} \mathrm{ReLU}(W_k (a - a_k) + b_k)

    The anchors are saved with the weights. The semantics are never negative.
    Raises ``ConfigError`` unless ``embedding``, their width C, is positive.
    Reference: Chen et al. (2021), sec. 3.3.
    """

    anchors: Float[Tensor, "3 A"]

    def __init__(self, anchors: Float[Tensor, "3 A"], embedding: int) -> None:
        super().__init__()
        if embedding < 1:
            raise ConfigError(f"embedding must be positive, got {embedding}")
        self.register_buffer("anchors", anchors.clone())
        width = anchors.shape[1]
        self.weight = nn.Parameter(torch.empty(len(anchors), embedding, width))
        self.bias = nn.Parameter(torch.empty(len(anchors), embedding))
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)  # as torch.nn.Linear starts

    def forward(self, attributes: Float[Tensor, "M A"]) -> Float[Tensor, "M C"]:
        differences = attributes - self.anchors[:, None]  # (3, M, A)
        return torch.baddbmm(self.bias[:, None], differences, self.weight.mT).relu().sum(0)
