"""What each stage would read, hold and compute at a scale that was never run: a plan in numbers.

    python benchmarks/plan.py --rows 14e6 --width 2048 --classes 21000

Prints the tables of docs/imagenet21k.md, which explains the formulas. Nothing is measured: a time
is what a stage reads over the rate of a disk or what it computes over the rate of a processor,
whichever is longer, and these rates are assumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields

ADAM = 16  # bytes a weight: itself, its gradient and two moments, float32


@dataclass(frozen=True)
class Size:
    """Numbers for the formulas; the defaults are ImageNet-21k and the published settings on CUB."""

    rows: float = 14e6  # N, images in all
    width: float = 2048  # D, of a feature
    classes: float = 21_000  # K
    unseen: float = 1000  # U of them
    tested: float = 0.2  # share of the rows that is not trained on
    attributes: float = 500  # A, of a description
    blocks: float = 3  # B
    hidden: float = 2048  # H
    embedding: float = 1024  # E
    batch: float = 256  # b
    samples: float = 300  # n, synthesized a class
    kept: float = 100  # real rows a class that a classifier sees, where it cannot see all
    drawn: float = 256  # classes in a step, where it cannot be all
    near: float = 32  # classes that boundary mining looks at, where it cannot be all
    loops: float = 20  # L, steps of mining
    passes: float = 50  # epochs of its relation network
    iterations: float = 200  # of a classifier's optimiser
    drawn_rows: float = 20_000  # rows on a map, where it cannot be all
    disk: float = 2e9  # bytes a second
    cpu: float = 200e9  # floating-point operations a second that are reached, in double precision
    gpu: float = 50e12  # the same of one accelerator, in single precision (TF32)

    @property
    def train(self) -> float:
        return self.rows * (1 - self.tested)

    @property
    def seen(self) -> float:
        return self.classes - self.unseen

    @property
    def through(self) -> float:
        """Operations that take a row through the flow, forward; with gradients three times that."""
        return 6 * self.blocks * self.width * self.hidden

    @property
    def describe(self) -> float:
        """Operations that embed one class and project it into every block, forward."""
        return 6 * self.attributes * self.embedding + 4 * self.blocks * self.embedding * self.hidden

    @property
    def weights(self) -> float:
        """Bytes of the flow's weights and what Adam keeps of them; biases are too few to count."""
        return ADAM * (
            self.blocks * self.hidden * (3 * self.width + 2 * self.embedding)
            + 3 * self.attributes * self.embedding
        )

    @property
    def layers(self) -> float:
        """Bytes of what one row leaves in the layers until the way back."""
        return 4 * self.blocks * (2 * self.hidden + 4 * self.width)


@dataclass(frozen=True)
class Stage:
    """A stage of the plan.

    ``read`` from disk and ``held`` in memory are bytes. ``work`` is floating-point operations, and
    ``on`` says which processor does them.
    """

    name: str
    on: str  # disk, CPU or GPU
    read: float
    held: float
    work: float

    def seconds(self, size: Size) -> float:
        """A lower limit, as if reading and computing overlapped and nothing else took time."""
        return max(self.read / size.disk, self.work / (size.gpu if self.on == "GPU" else size.cpu))


def once(s: Size) -> Iterator[Stage]:
    """What is done once, before and after training, on features that stay on disk."""
    all_rows = 4 * s.rows * s.width
    train = 4 * s.train * s.width
    block = 2**25
    gram = 2 * s.train * s.width**2
    yield Stage("storing, float32 (float16: half)", "disk", all_rows, 0, 0)
    yield Stage("checking", "CPU", all_rows, block, s.rows * s.width)
    yield Stage("preprocessing: standardise", "CPU", 2 * train, 3 * block, 5 * s.train * s.width)
    yield Stage(
        "preprocessing: PCA", "CPU", 2 * train, 3 * block + 24 * s.width**2, gram + 9 * s.width**3
    )
    yield Stage(
        "prototypes (class means)", "CPU", train, 8 * s.seen * s.width + block, s.train * s.width
    )
    yield Stage(
        "covariance within classes",
        "CPU",
        train,
        4 * s.seen * s.width + 8 * s.width**2 + 3 * block,
        gram,
    )
    yield Stage(
        "synthesis", "GPU", 0, 4 * s.unseen * s.samples * s.width, s.unseen * s.samples * s.through
    )


def training(s: Size) -> Iterator[Stage]:
    """A step of the flow in its parts, and an epoch; then boundary mining."""
    rows = Stage(
        "step: rows of a batch",
        "GPU",
        4 * s.batch * s.width,
        s.weights + s.batch * s.layers,
        3 * s.batch * s.through,
    )
    yield rows
    steps = {}
    for name, classes in (("all classes", s.seen), (f"{s.drawn:g} classes", s.drawn)):
        conditions = Stage(
            f"step: conditions of {name}",
            "GPU",
            0,
            16 * s.blocks * s.hidden * classes,
            3 * classes * s.describe,
        )
        prototypes = Stage(
            f"step: prototype loss of {name}", "GPU", 0, classes * s.layers, 3 * classes * s.through
        )
        yield from (conditions, prototypes)
        steps[name] = [rows, conditions, prototypes]
    for name, parts in steps.items():
        work = s.train / s.batch * sum(part.work for part in parts)
        yield Stage(
            f"epoch: {name} each step",
            "GPU",
            4 * s.train * s.width,
            sum(part.held for part in parts),
            work,
        )
    yield from _mining(s)


def _mining(s: Size) -> Iterator[Stage]:
    # The relation network is trained against the classes of the batch only.
    work = s.train * s.passes * s.hidden * (6 * s.width + 8 * s.batch)
    held = ADAM * s.hidden * s.width + 4 * s.batch * (s.batch + 3 * s.hidden)
    yield Stage("mining: its relation network", "GPU", 4 * s.train * s.passes * s.width, held, work)
    for name, classes in (("all classes", s.seen), (f"{s.near:g} near classes", s.near)):
        work = s.train * s.loops * s.hidden * (6 * s.width + 8 * classes)
        yield Stage(
            f"mining: {name}",
            "GPU",
            4 * s.train * s.width,
            4 * s.batch * (classes + 3 * s.hidden),
            work,
        )


def judging(s: Size) -> Iterator[Stage]:
    """Classifiers and their scores, and what is measured and drawn."""
    weights = 4 * s.width * s.classes
    synthesized = s.unseen * s.samples
    counts = {
        "all rows": s.train + synthesized,
        f"{s.kept:g} rows a seen class": s.seen * s.kept + synthesized,
    }
    for name, n in counts.items():
        work = 6 * s.iterations * n * s.width * s.classes
        yield Stage(
            f"softmax, L-BFGS: {name}", "GPU", 4 * n * s.width, 4 * n * s.width + 44 * weights, work
        )
    n = counts["all rows"]
    held = 4 * weights + 8 * s.batch * s.classes
    yield Stage(
        "softmax, batches: all rows, 10 epochs",
        "GPU",
        40 * n * s.width,
        held,
        60 * n * s.width * s.classes,
    )
    yield from _scoring(s, weights)


def _scoring(s: Size, weights: float) -> Iterator[Stage]:
    """Scores of the test rows, and what is measured and drawn."""
    tests = s.rows * s.tested
    work = 2 * tests * s.width * s.classes
    yield Stage("scores: every logit kept", "GPU", 4 * tests * s.width, 4 * tests * s.classes, work)
    yield Stage(
        "scores: the best of either kind kept",
        "GPU",
        4 * tests * s.width,
        20 * tests + weights,
        work,
    )
    yield Stage(
        "likelihoods: every class",
        "GPU",
        4 * tests * s.width,
        4 * tests * s.classes,
        tests * s.classes * s.through,
    )
    for name, k in (("all class means", s.classes), ("unseen class means", s.unseen)):
        yield Stage(f"meters: distances of {name}", "CPU", 0, 8 * k**2, 2 * k**2 * s.width)
    for name, n in (("all rows", s.rows), (f"{s.drawn_rows:g} rows", s.drawn_rows)):
        yield Stage(
            f"UMAP: exact neighbours of {name}", "GPU", 4 * n * s.width, 120 * n, 2 * n**2 * s.width
        )


def table(stages: Iterator[Stage], size: Size) -> str:
    lines = ["| stage | on | reads | holds | operations | at least |", "|---" * 6 + "|"]
    for one in stages:
        cells = (
            one.on,
            bytes_of(one.read),
            bytes_of(one.held),
            plain(one.work, ""),
            time_of(one.seconds(size)),
        )
        lines.append(f"| {one.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bytes_of(value: float) -> str:
    unit, name = next(
        ((u, n) for u, n in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if value >= u), (1e3, "kB")
    )
    return f"{value / unit:.3g} {name}" if value else "-"


def time_of(seconds: float) -> str:
    unit, name = next(
        ((u, n) for u, n in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")) if seconds >= u),
        (1e-3, "ms"),
    )
    return plain(seconds / unit, f" {name}")


def plain(value: float, unit: str) -> str:
    """Two digits: more would pretend."""
    return (
        f"{value:.1e}" if value >= 1e5 else f"{float(f'{value:.2g}'):g}" if value else "-"
    ) + unit


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for field in fields(Size):
        parser.add_argument(
            f"--{field.name}", type=float, default=field.default, help="default: %(default)g"
        )
    size = Size(**vars(parser.parse_args()))
    for name, stages in (("Once", once), ("Training", training), ("Judging", judging)):
        print(f"{name}\n\n{table(stages(size), size)}\n")


if __name__ == "__main__":
    main()
