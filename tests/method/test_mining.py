"""The relation network and mining agree with their naive forms, written out here."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gsmflow_lite.config import MiningConfig
from gsmflow_lite.method import mining
from gsmflow_lite.method.mining import (
    RelationNetwork,
    entropy,
    mine_boundary_samples,
    relation_loss,
    train_relation_network,
)

D = 4
A = 3
HIDDEN = 16
PIECES = pytest.mark.parametrize(
    "at_once", [1, 2 * 9 * HIDDEN, 10**6], ids=["class by class", "a few", "all"]
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_network(seed: int = 0) -> RelationNetwork:
    network = RelationNetwork(D, A, HIDDEN).double()
    for number, weight in enumerate(network.parameters()):
        weight.data = 0.7 * normal(*weight.shape, seed=100 * seed + number)
    return network


def on_pairs(network: RelationNetwork, x: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
    """Logits (N, K) by the published form: two layers on all pairs, (N * K, D + A)."""
    first = nn.Linear(D + A, HIDDEN).double()
    second = nn.Linear(HIDDEN, 1).double()
    weights = {
        "weight": torch.cat([network.from_x.weight, network.from_a.weight], dim=1),
        "bias": network.from_x.bias,
    }
    pairs = torch.stack([torch.cat([row, a]) for row in x for a in attributes])
    hidden = torch.func.functional_call(first, weights, pairs).relu()
    return torch.func.functional_call(second, dict(network.out.named_parameters()), hidden).view(
        len(x), len(attributes)
    )


def clusters(rows: int = 60) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features around three well separated class means, labels and attributes, in float32."""
    attributes = torch.eye(3)
    labels = torch.arange(rows) % 3
    means = torch.tensor([[3.0, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]])
    return means[labels] + 0.3 * normal(rows, D).float(), labels, attributes


def trained(config: MiningConfig, seed: int = 0) -> RelationNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = RelationNetwork(D, A, HIDDEN)
    list(train_relation_network(network, *clusters(), config, seed))
    return network


# --- the network ---------------------------------------------------------------------------------


@pytest.fixture
def pieces(monkeypatch, at_once):
    """Hidden values are made for that many entries at a time."""
    monkeypatch.setattr(mining, "values_at_once", lambda device: at_once)


@PIECES
@pytest.mark.parametrize("classes", [1, 5])
@pytest.mark.usefixtures("pieces")
def test_scores_equal_those_on_concatenated_pairs(classes):
    network = random_network()
    x = normal(7, D)
    attributes = normal(classes, A, seed=1)
    torch.testing.assert_close(network(x, attributes), on_pairs(network, x, attributes))


@PIECES
@pytest.mark.parametrize("classes", [1, 5])
@pytest.mark.usefixtures("pieces")
def test_gradients_equal_those_on_concatenated_pairs(classes):
    network = random_network()
    x = normal(7, D).requires_grad_()
    attributes = normal(classes, A, seed=1)
    weighting = normal(7, classes, seed=2)
    inputs = [x, *network.parameters()]
    ours = torch.autograd.grad((network(x, attributes).sigmoid() * weighting).sum(), inputs)
    naive = torch.autograd.grad(
        (on_pairs(network, x, attributes).sigmoid() * weighting).sum(), inputs
    )
    torch.testing.assert_close(ours, naive)


def test_the_memory_of_hidden_values_does_not_grow_with_the_classes():
    network = RelationNetwork(D, A, 1024).requires_grad_(False)
    x = torch.randn(64, D).requires_grad_()
    kept = []

    def note(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network(x, torch.randn(500, A)).sum().backward()
    # The classes' share of the hidden layer. All pairs have 64 times as much.
    assert max(kept) <= 500 * 1024


def test_the_relation_loss_is_the_mean_squared_distance_to_one_hot():
    scores = normal(5, 3).sigmoid()
    labels = torch.tensor([0, 2, 1, 1, 0])
    expected = np.mean(
        [(scores[i, k].item() - (k == labels[i].item())) ** 2 for i in range(5) for k in range(3)]
    )
    assert relation_loss(scores, labels).item() == pytest.approx(expected, rel=1e-12)


def test_entropy_is_that_of_torch_distributions():
    scores = 3 * normal(6, 4)
    expected = torch.distributions.Categorical(logits=scores).entropy().mean()
    torch.testing.assert_close(entropy(scores), expected)


def test_entropy_of_equal_scores_is_the_logarithm_of_the_number_of_classes():
    torch.testing.assert_close(entropy(torch.full((2, 7), 0.3)), torch.tensor(7.0).log())


# --- its training --------------------------------------------------------------------------------


def test_training_lowers_the_relation_loss():
    x, y, attributes = clusters()
    config = MiningConfig(epochs=60, batch=20, lr=0.01)
    before, after = (
        relation_loss(net(x, attributes).sigmoid(), y).item()
        for net in (trained(MiningConfig(epochs=1, lr=1e-9)), trained(config))
    )
    assert after < 0.1 * before


def test_weight_decay_holds_the_weights_back():
    free, held = (
        sum(weight.square().sum().item() for weight in trained(config).parameters())
        for config in (
            MiningConfig(epochs=20, batch=20, lr=0.01, weight_decay=decay) for decay in (0.0, 0.1)
        )
    )
    assert held < 0.1 * free


def test_training_yields_each_epoch():
    network = RelationNetwork(D, A, HIDDEN)
    config = MiningConfig(epochs=3)
    assert list(train_relation_network(network, *clusters(), config, 0)) == [1, 2, 3]


def test_a_batch_is_scored_against_the_classes_that_occur_in_it():
    # Class 2 has no rows: with its description anywhere, the same network is learned.
    x, y, attributes = clusters()
    x = x[y < 2]
    y = y[y < 2]
    learned = []
    for stray in (0.0, 50.0):
        torch.manual_seed(0)
        network = RelationNetwork(D, A, HIDDEN)
        table = torch.cat([attributes[:2], torch.full((1, A), stray)])
        list(train_relation_network(network, x, y, table, MiningConfig(epochs=3, lr=0.01), 0))
        learned.append(network(x, attributes))
    assert torch.equal(*learned)


def test_the_seed_alone_decides_the_order_of_the_rows():
    config = MiningConfig(epochs=3, batch=7, lr=0.01)
    same, again, other = (trained(config, seed).out.weight for seed in (1, 1, 2))
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


# --- mining --------------------------------------------------------------------------------------


def mined_one_by_one(network, x, labels, attributes, config) -> torch.Tensor:
    """Each row by itself, every formula written out: the naive form of the walk."""
    rows = []
    for row, label in zip(x, labels, strict=True):
        for _ in range(config.loops):
            row = row.detach().requires_grad_()
            r = on_pairs(network, row[None], attributes).sigmoid()[0]
            target = torch.tensor([float(k == label) for k in range(len(attributes))]).double()
            p = r.exp() / r.exp().sum()
            loss = ((r - target) ** 2).mean() + config.beta * (p * p.log()).sum()
            loss.backward()
            row = row - config.step * row.grad
        rows.append(row.detach())
    return torch.stack(rows)


@pytest.mark.parametrize("beta", [0.0, 10.0])
@PIECES
@pytest.mark.parametrize("classes", [5])
@pytest.mark.usefixtures("pieces")
def test_mining_equals_the_naive_walk_of_each_sample(classes, beta):
    network = random_network()
    x = normal(9, D)
    attributes = normal(classes, A, seed=1)
    labels = torch.arange(9) % classes
    config = MiningConfig(loops=4, step=0.5, beta=beta, batch=4)
    mined = mine_boundary_samples(network, x, labels, attributes, config)
    torch.testing.assert_close(mined, mined_one_by_one(network, x, labels, attributes, config))
    assert (mined - x).abs().max() > 0.01


@pytest.mark.parametrize("batch", [1, 4, 8])
def test_mining_does_not_depend_on_the_batches(batch):
    network = random_network()
    x = normal(9, D)
    attributes = normal(5, A, seed=1)
    labels = torch.arange(9) % 5
    whole, split = (
        mine_boundary_samples(
            network, x, labels, attributes, MiningConfig(loops=4, step=0.5, batch=size)
        )
        for size in (100, batch)
    )
    torch.testing.assert_close(split, whole)


def test_the_published_batch_mean_with_its_aug_lr_is_ours_with_step_aug_lr_over_batch():
    network = random_network()
    x = normal(12, D)
    attributes = normal(5, A, seed=1)
    labels = torch.arange(12) % 5
    aug_lr = 20.0
    beta = 10.0
    published = x.clone().requires_grad_()
    walk = torch.optim.SGD([published], lr=aug_lr)
    for _ in range(5):
        r = on_pairs(network, published, attributes).sigmoid()
        of_scores = -(F.softmax(r, dim=1) * F.log_softmax(r, dim=1)).sum(1).mean()
        walk.zero_grad()
        (F.mse_loss(r, F.one_hot(labels, 5).double()) - beta * of_scores).backward()
        walk.step()
    config = MiningConfig(loops=5, step=aug_lr / 12, beta=beta, batch=12)
    torch.testing.assert_close(
        mine_boundary_samples(network, x, labels, attributes, config), published.detach()
    )


def test_mined_samples_are_less_certain():
    network = trained(MiningConfig(epochs=60, batch=20, lr=0.01))
    (x, labels, attributes) = clusters()
    config = MiningConfig(loops=20, step=1.0, beta=10.0)
    of_real = entropy(network(x, attributes).sigmoid()).item()
    of_mined = entropy(
        network(mine_boundary_samples(network, x, labels, attributes, config), attributes).sigmoid()
    ).item()
    assert of_real < of_mined <= np.log(3)
    assert np.log(3) - of_mined < 0.3 * (np.log(3) - of_real)


def test_more_loops_move_samples_further():
    network = random_network()
    x = normal(9, D)
    attributes = normal(5, A, seed=1)
    moved = [
        (
            mine_boundary_samples(
                network, x, torch.arange(9) % 5, attributes, MiningConfig(loops=loops)
            )
            - x
        )
        .norm()
        .item()
        for loops in (1, 5, 25)
    ]
    assert moved == sorted(moved)
    assert moved[2] > 2 * moved[0]


def test_mining_changes_neither_the_features_nor_the_network():
    network = random_network()
    x = normal(9, D)
    attributes = normal(5, A, seed=1)
    before = [weight.detach().clone() for weight in network.parameters()]
    mine_boundary_samples(network, x, torch.arange(9) % 5, attributes, MiningConfig(loops=3))
    assert torch.equal(x, normal(9, D))
    assert not x.requires_grad
    assert all(
        torch.equal(a, b) and b.grad is None
        for a, b in zip(before, network.parameters(), strict=True)
    )


def test_mined_samples_carry_no_history():
    network = random_network()
    x = normal(9, D)
    attributes = normal(5, A, seed=1)
    assert not mine_boundary_samples(
        network, x, torch.arange(9) % 5, attributes, MiningConfig(loops=1)
    ).requires_grad
