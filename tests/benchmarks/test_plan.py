"""The plan for ImageNet-21k has formulas that agree with torch, and a page that agrees with it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gsmflow_lite import ModelConfig, new_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import plan

    return plan


@pytest.fixture
def model(make_dataset):
    data = make_dataset(width=12)
    return new_model(data, ModelConfig(blocks=2, hidden=20, embedding=7), seed=0)


@pytest.fixture
def size(plan):
    return plan.Size(width=12, attributes=5, blocks=2, hidden=20, embedding=7)


def counted(call) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def test_operations_of_a_row_are_those_that_torch_counts(size, model):
    condition = model.flow.condition(torch.randn(1, 7))
    assert counted(lambda: model.flow(torch.randn(9, 12), condition)) == 9 * size.through
    assert counted(lambda: model.flow.inverse(torch.randn(9, 12), condition)) == 9 * size.through


def test_operations_of_a_description_are_those_that_torch_counts(size, model):
    assert (
        counted(lambda: model.flow.condition(model.embed(torch.randn(4, 5)))) == 4 * size.describe
    )


def test_the_way_back_costs_twice_the_way_there(size, model):
    """But for the first layer of the first network.

    It has no gradient to hand on, because the features are given.
    """
    x = torch.randn(9, 12)
    condition = model.flow.condition(torch.randn(1, 7))
    condition = tuple(part.detach().requires_grad_() for part in condition)
    saved = 2 * 9 * (12 // 2) * 20
    found = counted(lambda: sum(part.sum() for part in model.flow(x, condition)).backward())
    assert 3 * 9 * size.through - 2 * saved <= found <= 3 * 9 * size.through


def test_bytes_of_weights_are_those_of_the_model(plan, size, model):
    matrices = sum(weight.numel() for weight in model.parameters() if weight.ndim > 1)
    anchors = model.positioning.bias.numel()
    assert size.weights == plan.ADAM * (matrices - anchors)


def test_bytes_of_layers_are_those_that_torch_keeps_for_the_way_back(size, model):
    """They agree to a factor of two.

    The plan counts hidden values before and after the activation, and what moves the features.
    """
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.numel() * 4 * (tensor.shape[:1] == (90,))
        return tensor

    condition = tuple(part.detach() for part in model.flow.condition(torch.randn(1, 7)))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.flow(torch.randn(90, 12), condition)
    assert 0.5 < 90 * size.layers / kept < 2


def test_a_time_is_the_longer_of_reading_and_computing(plan):
    size = plan.Size(disk=10, cpu=100, gpu=1000)
    times = [
        plan.Stage("", on, read, 0, 4000).seconds(size)
        for on, read in (("CPU", 0), ("GPU", 0), ("GPU", 500))
    ]
    np.testing.assert_allclose(times, [40, 4, 50])


def test_the_page_shows_what_the_script_prints():
    printed = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "plan.py"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    page = (ROOT / "docs" / "imagenet21k.md").read_text()
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(lines) > 30
    assert [line for line in lines if line not in page] == []
