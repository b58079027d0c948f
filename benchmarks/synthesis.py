"""Time synthesizing and scoring at the papers' scale, beside other libraries' conditional flows.

    python benchmarks/synthesis.py --json synthesis.json

600 features of each of 50 unseen classes, and the log-likelihood of 3000 rows under 200
descriptions. The published structure on FrEIA computes the same function with the same weights, a
class at a time. zuko's and normflows' flows are other functions of the same size: 2048 features,
six half-steps, hidden layers of 2048, a condition of 1024; zuko's masked layers multiply whole
matrices, and normflows has no affine coupling with a condition, so its rational-quadratic one
stands in. Of work that is the same for every class, slow ones do some classes only, and their time
is scaled up. Ours also runs in the shorter arithmetics of :func:`gsmflow_lite.numerics.arithmetic`,
FrEIA's in single precision throughout.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import normflows
import torch
import zuko
from pairs import Work, main
from published import PublishedFlow, log_prob, synthesize
from scale import CUB, TOY, Scale, dataset, model

from gsmflow_lite.method.model import GSMFlow
from gsmflow_lite.numerics import arithmetic
from gsmflow_lite.seeds import torch_stream

ROWS = 3000  # of the likelihood
CLASSES = 200  # of the likelihood
SOME = 4  # classes that the likelihood is timed on
HALF_STEPS = 2  # of a block
FREIA = "published structure on FrEIA"


def same(mine: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def works(options: argparse.Namespace) -> Iterator[Work]:
    scale = TOY if options.small else CUB
    data = dataset(replace(scale, train=scale.seen, test_seen=scale.seen, test_unseen=scale.unseen))
    ours = model(scale, data).eval()
    freia = PublishedFlow(ours).eval()
    attributes = torch.from_numpy(data.attributes[data.unseen_classes])

    def synthesized(precision: str = "float32") -> torch.Tensor:
        with arithmetic(precision):
            return ours.synthesize(attributes, scale.samples)

    def by_freia(classes: int = scale.unseen) -> torch.Tensor:
        noise = torch_stream(0, "latent noise")
        return synthesize(freia, attributes[:classes], scale.samples, noise)

    peers: dict[str, Callable] = {
        FREIA: by_freia,
        "zuko": _sampler(_zuko(scale), scale, classes=2),
        "normflows, splines": _sampler(_normflows(scale), scale, classes=1),
    }
    shares = {"zuko": 2 / scale.unseen, "normflows, splines": 1 / scale.unseen}
    name = f"synthesis, {scale.unseen} x {scale.samples}"
    check_same(ours, freia, attributes)
    yield Work(name, synthesized, peers, shares=shares)
    some = scale.unseen // 3
    for precision in ("tf32", "bf16"):
        peers = {FREIA: partial(by_freia, some)}
        yield Work(
            f"{name}, {precision}",
            partial(synthesized, precision),
            peers,
            shares={FREIA: some / scale.unseen},
        )

    x = torch.randn(ROWS, scale.features)
    few = torch.from_numpy(data.attributes[:SOME])
    constant = 0.5 * scale.features * torch.log(torch.tensor(2 * torch.pi))
    yield Work(
        f"log-likelihood, {ROWS} x {CLASSES} (timed on {SOME} classes)",
        lambda: ours.log_prob(x, few),
        {FREIA: lambda: log_prob(freia, x, few) - constant},
        per=SOME / CLASSES,
        same=same,
    )


@torch.no_grad()
def check_same(ours: GSMFlow, freia: PublishedFlow, attributes: torch.Tensor) -> None:
    """Raise ``AssertionError`` unless both make the same features of the same latent noise."""
    z = torch.randn(len(attributes), ours.features)
    mine, _ = ours.inverse(z, attributes)
    same(mine, freia.inverse(z, freia.condition(attributes)))


def _sampler(
    draw: Callable[[int, torch.Tensor], torch.Tensor], scale: Scale, classes: int
) -> Callable[[], list]:
    conditions = torch.rand(classes, scale.embedding)

    @torch.no_grad()
    def run() -> list[torch.Tensor]:
        return [draw(scale.samples, condition) for condition in conditions]

    return run


def _zuko(scale: Scale) -> Callable[[int, torch.Tensor], torch.Tensor]:
    flow = zuko.flows.MAF(
        scale.features,
        scale.embedding,
        transforms=HALF_STEPS * scale.blocks,
        hidden_features=(scale.hidden,),
        passes=2,
    )
    return lambda n, condition: flow(condition).sample((n,))


def _normflows(scale: Scale) -> Callable[[int, torch.Tensor], torch.Tensor]:
    steps = [
        normflows.flows.CoupledRationalQuadraticSpline(
            scale.features,
            1,
            scale.hidden,
            num_context_channels=scale.embedding,
            num_bins=4,
            reverse_mask=bool(i % 2),
        )
        for i in range(HALF_STEPS * scale.blocks)
    ]
    flow = normflows.ConditionalNormalizingFlow(
        normflows.distributions.DiagGaussian(scale.features, trainable=False), steps
    )
    return lambda n, condition: flow.sample(n, context=condition.expand(n, -1))[0]


if __name__ == "__main__":
    main(__doc__, works)
