"""Anchors agree with a loop over pairs, and relative positioning with three linear layers."""

import math

import pytest
import torch
from torch import nn

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.method.semantics import RelativePositioning, choose_anchors


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def closeness_by_loop(attributes: torch.Tensor) -> list[float]:
    rows = attributes.tolist()

    def cosine(a, b):
        return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))

    return [sum(cosine(a, b) for b in rows) for a in rows]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [3, 4, 7, 20])
def test_anchors_are_the_least_the_middle_and_the_most_similar_class(classes, seed):
    attributes = (
        normal(classes, 6, seed=seed).abs() * torch.arange(1, classes + 1)[:, None]
    )  # lengths must not matter
    r = closeness_by_loop(attributes)
    ranked = sorted(range(classes), key=r.__getitem__)
    expected = [r.index(min(r)), ranked[classes // 2], r.index(max(r))]
    assert choose_anchors(attributes).tolist() == expected


def test_one_class_is_all_three_anchors():
    assert choose_anchors(normal(1, 4)).tolist() == [0, 0, 0]


def test_of_two_classes_one_is_an_anchor_twice():
    lowest, middle, highest = choose_anchors(normal(2, 4).abs()).tolist()
    assert {lowest, highest} == {0, 1}
    assert middle == highest  # rank floor(2 / 2)


def test_ties_go_by_the_order_of_the_classes():
    assert choose_anchors(torch.eye(7)).tolist() == [0, 3, 6]


def test_anchors_do_not_depend_on_the_scale_of_a_description():
    attributes = normal(9, 4).abs()
    scaled = attributes * (1 + torch.arange(9.0))[:, None]
    assert torch.equal(choose_anchors(attributes), choose_anchors(scaled))


def test_positioning_equals_the_sum_of_three_linear_layers():
    module = RelativePositioning(normal(3, 5), 8).double()
    attributes = normal(11, 5, seed=1)
    expected = torch.zeros(11, 8, dtype=torch.float64)
    for anchor, weight, bias in zip(module.anchors, module.weight, module.bias, strict=True):
        layer = nn.Linear(5, 8).double()
        layer.weight.data = weight.data
        layer.bias.data = bias.data
        expected = expected + torch.relu(layer(attributes - anchor))
    torch.testing.assert_close(module(attributes), expected)


def test_positioning_is_never_negative():
    embedded = RelativePositioning(normal(3, 5), 64).double()(10 * normal(200, 5, seed=1))
    assert embedded.min() == 0


def test_a_class_is_embedded_alike_whoever_stands_beside_it():
    module = RelativePositioning(normal(3, 5), 8).double()
    attributes = normal(11, 5, seed=1)
    torch.testing.assert_close(module(attributes)[4:5], module(attributes[4:5]))


def test_each_layer_starts_as_a_linear_layer_does():
    module = RelativePositioning(normal(3, 4), 5000)
    for parameter in (module.weight, module.bias):
        assert parameter.abs().max() <= 0.5
        assert parameter.std().item() == pytest.approx(
            0.5 / math.sqrt(3), rel=0.05
        )  # uniform in +-1/sqrt(4)


def test_anchors_are_saved_with_the_weights_and_not_trained():
    module = RelativePositioning(normal(3, 5), 8)
    assert "anchors" in module.state_dict()
    assert "anchors" not in dict(module.named_parameters())


def test_anchors_are_a_copy():
    anchors = normal(3, 5)
    module = RelativePositioning(anchors, 8)
    anchors.zero_()
    assert module.anchors.abs().min() > 0


def test_an_embedding_of_one_number_will_do():
    assert RelativePositioning(normal(3, 5), 1).double()(normal(4, 5)).shape == (4, 1)


def test_an_empty_embedding_is_refused():
    with pytest.raises(ConfigError, match="embedding must be positive, got 0"):
        RelativePositioning(normal(3, 5), 0)
