"""The linear softmax that is trained on real seen and synthesized unseen rows."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..config import ClassifierConfig
from . import solvers
from .solvers import WeightedRows


class SoftmaxClassifier:
    r"""Linear softmax over ``classes``, trained on weighted rows.

    .. math:: p(y \mid x) \propto \exp(w_y x + b_y)

    ``config.solver`` is one of

    - ``lbfgs``: minimises :math:`\sum_i \omega_i \mathrm{CE}_i + \frac{\lambda}{2} |W|^2` to its
      (unique) optimum, with weights :math:`\omega_i` that sum to 1 and the first of
      ``config.penalties`` for :math:`\lambda`;
    - ``lda``: linear discriminant analysis, in closed form and many times as fast. Classes are
      Gaussians of one covariance. The penalty, from 0 to 1, is the share of the covariance that is
      replaced by its mean variance in all directions, as in scikit-learn's ``ShrunkCovariance``;
    - ``adam``: epochs of batches with betas (0.5, 0.999) and no penalty, as in the papers.

    ``weight`` (K, D), ``bias`` (K,) and ``classes`` (K,) hold what was learnt.
    """

    def __init__(
        self,
        weight: Float[Tensor, "K D"],
        bias: Float[Tensor, " K"],
        classes: Int[Tensor, " K"],
    ) -> None:
        self.weight = weight
        self.bias = bias
        self.classes = classes

    @classmethod
    def fit(
        cls,
        x: Float[Tensor, "N D"],
        y: Int[Tensor, " N"],
        config: ClassifierConfig,
        *,
        times: Int[Tensor, " N"] | None = None,
        seed: int = 0,
    ) -> SoftmaxClassifier:
        """Train on rows x with class numbers y; the classes are those that occur in y.

        Row i counts as ``times[i]`` equal rows; as one where ``times`` is None.
        """
        classes, target = y.unique(return_inverse=True)
        times = torch.ones_like(target) if times is None else times.to(target)
        copy_weight = _copy_weight(x, target, times, len(classes), config.balanced)
        rows = WeightedRows(x, target, times, copy_weight, len(classes))

        if config.solver == "adam":
            weight, bias = solvers.adam(rows, config, seed)
        elif config.solver == "lda":
            weight, bias = solvers.discriminant(rows, config.penalties[0])
        else:
            weight, bias = solvers.optimum(rows, config.penalties[0])
        return cls(weight, bias, classes)

    def logits(self, x: Float[Tensor, "N D"]) -> Float[Tensor, "N K"]:
        """A number for each row and class, columns in the order of ``classes``."""
        return F.linear(x, self.weight, self.bias)


def _copy_weight(
    x: Float[Tensor, "N D"],
    target: Int[Tensor, " N"],
    times: Int[Tensor, " N"],
    classes: int,
    balanced: bool,
) -> Float[Tensor, " N"]:
    """What one copy of a row weighs; ``balanced`` gives every class the same weight."""
    if not balanced:
        return torch.full_like(x[:, 0], 1 / int(times.sum()))
    counts = torch.zeros(classes, dtype=target.dtype, device=target.device)
    counts.index_add_(0, target, times)
    return (1 / (counts[target] * classes)).to(x)
