"""Time boundary mining at the papers' scale, beside a plain relation network.

    python benchmarks/mining.py --json mining.json

The plain network reads every pair of a row and a class.

A batch of 256 rows of 2048 features is walked towards the boundary between 150 classes of 64
attributes, by a frozen relation network with a hidden layer of 2048. The plain way lays out all
pairs, (256 x 150, 2112), and all their hidden values; both give the same rows. Times are of one
step of the walk; memory is what a process of its own grows by.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from pairs import Work, main
from torch import Tensor

from gsmflow_lite.config import MiningConfig
from gsmflow_lite.method.mining import RelationNetwork, mine_boundary_samples

LOOPS = 2


def works(options: argparse.Namespace) -> Iterator[Work]:
    rows, width, classes, traits, hidden = (
        (8, 16, 5, 4, 12) if options.small else (256, 2048, 150, 64, 2048)
    )
    torch.manual_seed(0)
    network = RelationNetwork(width, traits, hidden).requires_grad_(False)
    x = torch.randn(rows, width)
    labels = torch.arange(rows) % classes
    attributes = torch.rand(classes, traits)
    config = MiningConfig(batch=rows, hidden=hidden, loops=LOOPS, step=3.0, beta=10.0)

    def plainly() -> Tensor:
        return _plain_walk(network, x, labels, attributes, config)

    def same(mine: Tensor, theirs: Tensor) -> None:
        apart = (mine - theirs).norm() / (mine - x).norm()
        assert apart < 1e-3, f"the walks end {apart:.2g} of their way apart"

    yield Work(
        "mining step",
        lambda: mine_boundary_samples(network, x, labels, attributes, config),
        {"all pairs laid out": plainly},
        per=LOOPS,
        memory=True,
        same=same,
    )


def _plain_walk(
    network: RelationNetwork, x: Tensor, labels: Tensor, attributes: Tensor, config: MiningConfig
) -> Tensor:
    weight = torch.cat([network.from_x.weight, network.from_a.weight], dim=1)
    target = torch.nn.functional.one_hot(labels, len(attributes)).float()
    for _ in range(config.loops):
        x = x.detach().requires_grad_(True)
        every_row = x[:, None].expand(-1, len(attributes), -1)
        every_class = attributes.expand(len(x), -1, -1)
        pairs = torch.cat([every_row, every_class], dim=2).flatten(0, 1)
        hidden = torch.relu(torch.nn.functional.linear(pairs, weight, network.from_x.bias))
        scores = network.out(hidden).sigmoid().view(len(x), len(attributes))
        log_p = scores.log_softmax(1)
        doubt = -(log_p.exp() * log_p).sum(1).mean()
        loss = torch.nn.functional.mse_loss(scores, target) - config.beta * doubt
        (gradient,) = torch.autograd.grad(loss * len(x), x)
        x = x - config.step * gradient
    return x.detach()


if __name__ == "__main__":
    main(__doc__, works)
