"""The method: a conditional flow, the semantics that it reads, boundary samples, and training.

- ``philox``: random numbers that depend on their place alone, on every device.
- ``prior``: N(0, I), the base distribution of the flow.
- ``flow``: the coupling blocks between features and latent noise.
- ``semantics``: relative positioning, which turns attributes into global semantics.
- ``start``: what a flow starts from: nothing, or a ridge-Gaussian.
- ``model``: GSMFlow, all of these as one generator of features; saving and loading.
- ``objective``: the losses and the perturbation of features.
- ``mining``: boundary samples and the relation network.
- ``rows``: the rows that training reads, in memory or on disk.
- ``descent``: steps of Adam on both losses.
- ``captured``: a step as one launch, on CUDA.
- ``checkpoint``: a training run in one file.
- ``training``: the epochs, as an iterator of events.

Reference: Chen et al. (2021), Chen et al. (2022).
"""

from __future__ import annotations

from ..numerics import choose_device
from .checkpoint import Checkpoint
from .descent import Descent
from .flow import AffineCoupling, ConditionalFlow
from .mining import RelationNetwork, mine_boundary_samples, train_relation_network
from .model import GSMFlow, SavedModel
from .objective import negative_log_likelihood, perturb, prototype_loss
from .rows import TrainingRows
from .semantics import RelativePositioning, choose_anchors
from .start import GaussianStart, NoStart, ridge_means
from .training import fit, new_model

__all__ = [
    "AffineCoupling",
    "Checkpoint",
    "ConditionalFlow",
    "Descent",
    "GSMFlow",
    "GaussianStart",
    "NoStart",
    "RelationNetwork",
    "RelativePositioning",
    "SavedModel",
    "TrainingRows",
    "choose_anchors",
    "choose_device",
    "fit",
    "mine_boundary_samples",
    "negative_log_likelihood",
    "new_model",
    "perturb",
    "prototype_loss",
    "ridge_means",
    "train_relation_network",
]
