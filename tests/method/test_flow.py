"""The flow agrees with autograd's Jacobian and FrEIA's GLOW blocks, and its inverse undoes it."""

import math

import pytest
import torch
from FrEIA.modules import GLOWCouplingBlock
from torch import nn

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.method.flow import ATAN_TO_UNIT, ConditionalFlow

WIDTHS = [1, 2, 3, 5, 8]  # odd ones: the two parts differ in length; 1: the first part is empty
CONTEXT = 3


def random_flow(features: int, *, seed: int = 0, size: float = 0.3, **settings) -> ConditionalFlow:
    """A float64 flow far from the identity, where a wrong inverse or log-det cannot pass."""
    flow = ConditionalFlow(features, CONTEXT, **{"blocks": 2, "hidden": 7} | settings).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in flow.parameters():
            weight.copy_(size * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return flow


def normal(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def as_freia(flow: ConditionalFlow, features: int, clamp: float) -> list[GLOWCouplingBlock]:
    """GLOW blocks of FrEIA with the same weights.

    At clamp 1, as published, FrEIA's own ATAN is ours.
    """

    def network(inputs: int, outputs: int) -> nn.Module:
        hidden = flow.blocks[0].net1.bias.shape[0]
        return nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, outputs)
        )

    ours = "ATAN" if clamp == 1 else lambda raw: ATAN_TO_UNIT * torch.atan(raw / clamp)
    blocks = []
    for block in flow.blocks:
        glow = GLOWCouplingBlock(
            [(features,)],
            [(CONTEXT,)],
            network,
            clamp=clamp,
            clamp_activation=ours,
            split_len=features // 2,
        ).double()
        for theirs, net in ((glow.subnet1, block.net1), (glow.subnet2, block.net2)):
            theirs[0].weight.data = torch.cat([net.from_x, net.from_c], dim=1).detach()
            theirs[0].bias.data = net.bias.data
            theirs[2].weight.data = net.out.data
            theirs[2].bias.data = net.out_bias.data
        blocks.append(glow)
    return blocks


@pytest.mark.parametrize("features", WIDTHS)
def test_forward_log_det_equals_the_autograd_jacobian(features):
    flow = random_flow(features)
    x = normal(1, features)
    c = normal(1, CONTEXT, seed=2)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, c)[0], x)
    expected = torch.linalg.slogdet(jacobian.reshape(features, features)).logabsdet
    assert abs(expected) > 0.01  # or a log-det of zero would pass
    torch.testing.assert_close(flow(x, c)[1].squeeze(), expected)


@pytest.mark.parametrize("features", WIDTHS)
def test_inverse_log_det_equals_the_autograd_jacobian_of_the_inverse(features):
    flow = random_flow(features)
    z = normal(1, features)
    c = normal(1, CONTEXT, seed=2)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow.inverse(v, c)[0], z)
    expected = torch.linalg.slogdet(jacobian.reshape(features, features)).logabsdet
    torch.testing.assert_close(flow.inverse(z, c)[1].squeeze(), expected)


@pytest.mark.parametrize("clamp", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("features", WIDTHS)
def test_inverse_undoes_forward(features, clamp):
    flow = random_flow(features, clamp=clamp)
    x = normal(20, features)
    c = normal(20, CONTEXT, seed=2)
    z, _ = flow(x, c)
    assert (z - x).abs().max() > 0.1
    torch.testing.assert_close(flow.inverse(z, c)[0], x)


def test_a_block_stretches_an_entry_by_e_at_most_by_default():
    flow = ConditionalFlow(2, 1, blocks=1, hidden=1)
    flow.blocks[0].net2.out_bias.data[0] = 1e6  # what scales the first entry
    stretched = flow(
        torch.tensor([[1.0, 0.0], [2.0, 0.0]]), torch.zeros(1, 1), torch.zeros(2, dtype=torch.long)
    )[0]
    assert math.log((stretched[1, 0] - stretched[0, 0]).item()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("features", WIDTHS)
def test_log_dets_of_both_directions_add_to_zero(features):
    flow = random_flow(features)
    x = normal(20, features)
    c = normal(20, CONTEXT, seed=2)
    z, log_det = flow(x, c)
    torch.testing.assert_close(flow.inverse(z, c)[1], -log_det)


@pytest.mark.parametrize("clamp", [1.0, 0.4, 2.5])
@pytest.mark.parametrize("features", [2, 5, 8])
def test_forward_agrees_with_freia(features, clamp):
    flow = random_flow(features, clamp=clamp, blocks=3)
    x = normal(20, features)
    c = normal(20, CONTEXT, seed=2)
    expected = x
    total = 0
    for glow in as_freia(flow, features, clamp):
        (expected,), log_det = glow([expected], [c])
        total = total + log_det
    z, log_det = flow(x, c)
    torch.testing.assert_close(z, expected)
    torch.testing.assert_close(log_det, total)


@pytest.mark.parametrize("clamp", [1.0, 0.4, 2.5])
@pytest.mark.parametrize("features", [2, 5, 8])
def test_inverse_agrees_with_freia(features, clamp):
    flow = random_flow(features, clamp=clamp, blocks=3)
    z = normal(20, features)
    c = normal(20, CONTEXT, seed=2)
    expected = z
    total = 0
    for glow in reversed(as_freia(flow, features, clamp)):
        (expected,), log_det = glow([expected], [c], rev=True)
        total = total + log_det
    x, log_det = flow.inverse(z, c)
    torch.testing.assert_close(x, expected)
    torch.testing.assert_close(log_det, total)


def test_a_network_equals_two_layers_on_the_concatenated_input():
    net = random_flow(6).blocks[0].net1
    x = normal(9, 3)
    c = normal(9, CONTEXT, seed=2)
    expected = []
    for pair in torch.cat([x, c], dim=1):
        hidden = [
            w @ pair + b
            for w, b in zip(torch.cat([net.from_x, net.from_c], dim=1), net.bias, strict=True)
        ]
        hidden = torch.stack([h if h > 0 else 0.2 * h for h in hidden])
        expected.append(
            torch.stack([w @ hidden + b for w, b in zip(net.out, net.out_bias, strict=True)])
        )
    torch.testing.assert_close(net(x, net.project(c)), torch.stack(expected))


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_conditions_by_class_equal_conditions_by_row(direction):
    flow = random_flow(5)
    x = normal(30, 5)
    classes = normal(4, CONTEXT, seed=2)
    index = torch.arange(30) % 4
    run = getattr(flow, direction)
    torch.testing.assert_close(run(x, classes, index), run(x, classes[index]))


def test_one_condition_serves_all_rows():
    flow = random_flow(5)
    x = normal(30, 5)
    c = normal(1, CONTEXT, seed=2)
    torch.testing.assert_close(flow(x, c), flow(x, c.expand(30, -1)))


@pytest.mark.parametrize("direction", ["forward", "inverse", "log_prob"])
def test_a_condition_projected_beforehand_gives_the_same(direction):
    flow = random_flow(5)
    x = normal(30, 5)
    classes = normal(4, CONTEXT, seed=2)
    index = torch.arange(30) % 4
    run = getattr(flow, direction)
    torch.testing.assert_close(run(x, flow.condition(classes), index), run(x, classes, index))


def test_rows_do_not_influence_each_other():
    flow = random_flow(5)
    x = normal(10, 5)
    c = normal(10, CONTEXT, seed=2)
    torch.testing.assert_close(flow(x, c)[0][3:4], flow(x[3:4], c[3:4])[0])


def test_log_prob_integrates_to_one_in_two_dimensions():
    flow = random_flow(2)
    c = normal(1, CONTEXT, seed=2)
    line = torch.linspace(-15, 15, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    mass = flow.log_prob(grid, c).exp().sum() * (line[1] - line[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)


def test_log_prob_is_the_change_of_variables_of_a_standard_normal():
    flow = random_flow(4)
    x = normal(6, 4)
    c = normal(6, CONTEXT, seed=2)
    z, log_det = flow(x, c)
    latent = torch.distributions.Independent(
        torch.distributions.Normal(torch.zeros(4).double(), 1.0), 1
    )
    torch.testing.assert_close(flow.log_prob(x, c), latent.log_prob(z) + log_det)


def test_semantics_in_every_block_reads_them_in_every_network():
    flow = random_flow(4, blocks=3)
    flow.log_prob(normal(6, 4), normal(6, CONTEXT, seed=2)).sum().backward()
    assert all(
        net.from_c.grad.abs().min() > 0 for block in flow.blocks for net in (block.net1, block.net2)
    )


def test_without_semantics_the_condition_changes_nothing():
    flow = random_flow(5, semantics="none")
    x = normal(8, 5)
    results = [flow(x, normal(8, CONTEXT, seed=seed)) for seed in (2, 3)]
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


def test_semantics_in_the_first_block_only_reach_no_other():
    flow = random_flow(5, semantics="first", blocks=3)
    x = normal(8, 5)
    first, second = (flow.condition(normal(8, CONTEXT, seed=seed)) for seed in (2, 3))
    assert not any(torch.equal(a, b) for a, b in zip(first[:2], second[:2], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first[2:], second[2:], strict=True))
    assert not torch.allclose(flow(x, first)[0], flow(x, second)[0])


@pytest.mark.parametrize("semantics", ["every", "first", "none"])
@pytest.mark.parametrize("features", WIDTHS[1:])  # with 1 feature, one network moves nothing
def test_gradients_reach_every_weight(features, semantics):
    flow = random_flow(features, semantics=semantics)
    flow.log_prob(normal(20, features), normal(20, CONTEXT, seed=2)).mean().backward()
    starved = [
        name for name, w in flow.named_parameters() if w.numel() and not w.grad.abs().sum() > 0
    ]
    assert starved == []


def test_gradients_reach_the_semantics():
    flow = random_flow(4)
    c = normal(6, CONTEXT, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda c: flow(normal(6, 4), c), (c,))


@pytest.mark.parametrize("semantics", ["every", "first", "none"])
def test_a_condition_taken_twice_teaches_what_two_conditions_teach_the_second_detached(semantics):
    flow = random_flow(4, semantics=semantics)
    x = normal(3, 4)
    classes = torch.tensor([0, 1, 0])
    gradients = []
    for twice in (flow.condition_twice, lambda c: (flow.condition(c), flow.condition(c.detach()))):
        c = normal(2, CONTEXT, seed=2).requires_grad_()
        taught, apart = twice(c)
        loss = (
            flow(x, taught, classes)[0].square().sum()
            + flow.inverse(x, apart, classes)[0].square().sum()
        )
        gradients.append(torch.autograd.grad(loss, [c, *flow.parameters()], materialize_grads=True))
    torch.testing.assert_close(*gradients)


def test_a_new_flow_starts_close_to_the_identity():
    torch.manual_seed(0)
    flow = ConditionalFlow(8, CONTEXT, blocks=3, hidden=64)
    x = torch.randn(50, 8)
    assert (flow(x, torch.randn(50, CONTEXT))[0] - x).abs().max() < 0.3


def test_weights_and_biases_start_with_a_spread_of_a_hundredth():
    torch.manual_seed(0)
    for weight in ConditionalFlow(40, 30, blocks=2, hidden=500).parameters():
        assert weight.std().item() == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize("clamp", [0.5, 1.0, 2.0])
def test_one_block_stretches_no_entry_by_more_than_the_exponential_of_the_clamp(clamp):
    # Large weights drive the arctangent to its ends.
    flow = random_flow(2, blocks=1, size=50.0, clamp=clamp)
    per_entry = flow(normal(500, 2), normal(500, CONTEXT, seed=2))[1].abs() / 2
    bound = clamp * ATAN_TO_UNIT * math.pi / 2
    assert 0.95 * bound < per_entry.max() <= bound <= clamp


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("features", 0),
        ("context", 0),
        ("blocks", 0),
        ("hidden", -1),
        ("clamp", 0.0),
        ("clamp", math.nan),
    ],
)
def test_sizes_that_are_not_positive_are_refused(setting, value):
    settings = {"features": 2, "context": 3, "blocks": 1, "hidden": 4, "clamp": 1.0} | {
        setting: value
    }
    with pytest.raises(ConfigError, match=f"must be positive, got .*{value}"):
        ConditionalFlow(settings.pop("features"), settings.pop("context"), **settings)


def test_an_unknown_place_for_the_semantics_is_refused():
    with pytest.raises(
        ConfigError, match="semantics must be one of every, first, none, got 'last'"
    ):
        ConditionalFlow(2, 3, blocks=1, hidden=4, semantics="last")
