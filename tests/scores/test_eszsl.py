"""ESZSL against the gradient of its objective."""

import numpy as np
import pytest
import torch

from gsmflow_lite.datasets import blocks
from gsmflow_lite.scores.eszsl import eszsl_logits


def optimum(x, y, s, gamma: float, lam: float) -> torch.Tensor:
    """The V (D, A) at which the gradient of the objective vanishes, to rounding."""
    identity = torch.eye(x.shape[1], dtype=torch.float64)
    left = torch.linalg.solve(x.T @ x + gamma * identity, x.T @ y @ s)
    v = left @ torch.linalg.inv(s.T @ s + lam * torch.eye(s.shape[1], dtype=torch.float64))

    v.requires_grad_()
    errors = (x @ v @ s.T - y).square().sum()
    penalties = gamma * (v @ s.T).square().sum() + lam * (x @ v).square().sum()
    objective = errors + penalties + gamma * lam * v.square().sum()
    (gradient,) = torch.autograd.grad(objective, v)
    assert gradient.abs().max() < 1e-9 * (x.T @ y @ s).abs().max()
    return v.detach()


@pytest.mark.parametrize("seen", [4, 8])  # fewer and more than attributes
def test_eszsl_is_where_the_gradient_of_its_objective_vanishes(seen, make_dataset):
    d = make_dataset(width=3, seen=seen)
    x = torch.from_numpy(d.features[d.train]).double()
    s = torch.from_numpy(d.attributes[d.seen_classes]).double()
    y = torch.from_numpy(np.where(d.labels[d.train][:, None] == d.seen_classes, 1.0, -1.0))
    gamma = 0.1 * float((x.T @ x).trace()) / 3
    lam = 0.2 * float((s.T @ s).trace()) / 5
    v = optimum(x, y, s, gamma, lam)

    expected = d.features[d.test_seen] @ (v @ torch.from_numpy(d.attributes).double().T).numpy()
    logits = eszsl_logits(d, 0.1, 0.2)
    np.testing.assert_allclose(logits.joint_seen, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(logits.zsl, logits.joint_unseen[:, d.unseen_classes])
    assert logits.joint_seen.dtype == np.float32


def test_eszsl_is_the_same_from_one_block_of_rows_or_from_many(make_dataset, monkeypatch):
    d = make_dataset()
    whole = eszsl_logits(d, 0.1, 0.2).joint_unseen
    monkeypatch.setattr(blocks, "BLOCK", 5 * 4 * 3)  # five rows of three features
    blockwise = eszsl_logits(d, 0.1, 0.2).joint_unseen
    np.testing.assert_allclose(blockwise, whole, rtol=1e-5, atol=1e-6)
