"""The method: a conditional flow, the semantics it reads, mining, the losses and their training."""

from __future__ import annotations

from .checkpoint import Checkpoint
from .flow import AffineCoupling, ConditionalFlow
from .mining import RelationNetwork, mine_boundary_samples, train_relation_network
from .model import GSMFlow, SavedModel
from .objective import negative_log_likelihood, perturb, prototype_loss
from .semantics import RelativePositioning, choose_anchors
from .start import GaussianStart, NoStart, ridge_means
from .training import choose_device, fit, new_model

__all__ = [
    "AffineCoupling",
    "Checkpoint",
    "ConditionalFlow",
    "GSMFlow",
    "GaussianStart",
    "NoStart",
    "RelationNetwork",
    "RelativePositioning",
    "SavedModel",
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
