"""Write the published structure plainly, on FrEIA's coupling blocks.

This is what a user would have without this library.

The condition goes through the relative positioning and every first layer once per *row*; the
likelihood and the prototype loss are two backward passes; Adam as torch has it by default. Weights
are copied from one of our models, so that both are the same function and the same work.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gsmflow_lite import GSMFlow
from gsmflow_lite.config import ClassifierConfig, TrainingConfig
from gsmflow_lite.numerics import arithmetic


class PublishedFlow(nn.Module):
    """The same function as ``model``, a :class:`GSMFlow` at clamp 1.

    ``model`` has no start and has relative positioning.
    """

    def __init__(self, model: GSMFlow) -> None:
        super().__init__()
        positioning = model.positioning
        context = model.config.embedding
        self.register_buffer("anchors", positioning.anchors.clone())
        self.embed = nn.ModuleList(
            nn.Linear(positioning.weight.shape[2], context) for _ in positioning.weight
        )
        for layer, weight, bias in zip(
            self.embed, positioning.weight, positioning.bias, strict=True
        ):
            layer.weight.data = weight.data.clone()
            layer.bias.data = bias.data.clone()
        self.blocks = nn.ModuleList(
            _glow(block, model.features, context, model.config.hidden)
            for block in model.flow.blocks
        )

    def condition(self, attributes: Tensor) -> Tensor:
        return sum(
            torch.relu(layer(attributes - anchor))
            for layer, anchor in zip(self.embed, self.anchors, strict=True)
        )

    def forward(self, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        total = 0
        for block in self.blocks:
            (x,), log_det = block((x,), [c])
            total = total + log_det
        return x, total

    def inverse(self, z: Tensor, c: Tensor) -> Tensor:
        for block in reversed(self.blocks):
            (z,), _ = block((z,), [c], rev=True)
        return z


def _glow(block, features: int, context: int, hidden: int) -> nn.Module:
    from FrEIA.modules import GLOWCouplingBlock  # the rest of this file does without

    def network(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, outputs)
        )

    glow = GLOWCouplingBlock(
        [(features,)],
        [(context,)],
        network,
        clamp=1.0,
        clamp_activation="ATAN",
        split_len=features // 2,
    )
    for theirs, net in ((glow.subnet1, block.net1), (glow.subnet2, block.net2)):
        theirs[0].weight.data = torch.cat([net.from_x, net.from_c], dim=1).detach().clone()
        theirs[0].bias.data = net.bias.data.clone()
        theirs[2].weight.data = net.out.data.clone()
        theirs[2].bias.data = net.out_bias.data.clone()
    return glow


def adam(model: PublishedFlow, config: TrainingConfig) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)


def train(
    model: PublishedFlow,
    features: Tensor,
    labels: Tensor,
    attributes: Tensor,
    prototypes: Tensor,
    order: Tensor,
    config: TrainingConfig,
    precision: str = "float32",
    optimiser: torch.optim.Optimizer | None = None,
) -> None:
    """Train for an epoch over the rows in ``order``, without perturbation.

    ``precision`` is one of our arithmetics. ``optimiser`` goes on where an epoch before left it;
    None starts anew.
    """
    optimiser = optimiser or adam(model, config)
    for rows in order.split(config.batch):
        x, each = features[rows], attributes[labels[rows]]
        optimiser.zero_grad()
        with arithmetic(precision, features.device):
            z, log_det = model(x, model.condition(each))
        (0.5 * z.square().mean() - log_det.mean() / x.shape[1]).backward()
        with arithmetic(precision, features.device):
            condition = model.condition(attributes).detach()
            synthesized = model.inverse(torch.zeros_like(prototypes), condition)
        loss = nn.functional.mse_loss(synthesized, prototypes)
        (config.prototype_weight * loss).backward()
        optimiser.step()


@torch.no_grad()
def synthesize(
    model: PublishedFlow, attributes: Tensor, n: int, generator: torch.Generator
) -> Tensor:
    """``n`` features of each class in one batch a class: (M, n, D)."""
    features = model.blocks[0].split_len1 + model.blocks[0].split_len2
    synthesized = []
    for one in attributes:
        z = torch.randn(n, features, generator=generator, device=generator.device)
        synthesized.append(model.inverse(z, model.condition(one.expand(n, -1))))
    return torch.stack(synthesized)


@torch.no_grad()
def log_prob(model: PublishedFlow, x: Tensor, attributes: Tensor) -> Tensor:
    """Log-likelihood of each row under each description, (N, M), in nats up to the constant."""
    columns = []
    for one in attributes:
        z, log_det = model(x, model.condition(one.expand(len(x), -1)))
        columns.append(log_det - 0.5 * z.square().sum(1))
    return torch.stack(columns, dim=1)


def classify(x: Tensor, y: Tensor, classes: int, config: ClassifierConfig) -> tuple[Tensor, Tensor]:
    """Weights and biases of the linear softmax classifier, trained on all rows in batches."""
    torch.manual_seed(0)
    layer = nn.Linear(x.shape[1], classes)
    loss = nn.CrossEntropyLoss()
    optimiser = torch.optim.Adam(layer.parameters(), lr=config.lr, betas=(0.5, 0.999))
    for _ in range(config.epochs):
        for rows in torch.randperm(len(x)).split(config.batch):
            optimiser.zero_grad()
            loss(layer(x[rows]), y[rows]).backward()
            optimiser.step()
    return layer.weight.detach(), layer.bias.detach()
