"""Named settings: this library's own for a laptop, and those that the papers published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .arguments import is_among
from .config import ClassifierConfig, Config, MiningConfig, ModelConfig, TrainingConfig
from .errors import require

ROWS_A_COMPONENT = 7  # training rows for each principal component, at least
LEAST_COMPONENTS = 8

# --- Settings of this library --------------------------------------------------------------------

#: Of mining for the letters: with these the relation network tells letters apart.
GLYPH_MINING = MiningConfig(epochs=15, hidden=256, lr=6e-3, step=3.0, loops=10, beta=10.0)

LITE = {
    "glyphs": Config(
        name="lite/glyphs",
        source="this library, chosen on four validation folds of glyphs",
        preprocessing="whitened-pca",
        components=64,
        checks=1,
        folds=2,
        model=ModelConfig(hidden=512, embedding=256, start="ridge-gaussian"),
        training=TrainingConfig(
            epochs=24,
            lr=1e-3,
            lr_step=3,
            prototype_weight=1.0,
            perturbation=0.4,
            mining=None,
        ),
        classifier=ClassifierConfig(penalties=(3e-3, 5e-4)),
    ),
    "hangul": Config(
        name="lite/hangul",
        source="this library, from a few trials on a validation fold of hangul",
        preprocessing="whitened-pca",
        components=96,
        checks=1,
        model=ModelConfig(hidden=512, embedding=256),
        training=TrainingConfig(
            epochs=16,
            lr=1e-3,
            lr_step=2,
            lr_gamma=0.75,
            prototype_weight=0.0,
            perturbation=0.3,
            mining=None,
        ),
        classifier=ClassifierConfig(solver="lda", penalties=(0.1, 0.01)),
    ),
    "features": Config(
        name="lite/features",
        source="this library, chosen on validation classes of Oxford Flowers "
        "(EfficientNet-Lite0, 64 px)",
        preprocessing="pca",
        components=256,
        checks=3,
        model=ModelConfig(
            blocks=3,
            hidden=512,
            embedding=512,
            start="ridge-gaussian",
        ),
        training=TrainingConfig(
            epochs=9,
            lr=1e-4,
            prototype_weight=0.0,
            perturbation=0.0,
            mining=None,
        ),
        classifier=ClassifierConfig(penalties=(3e-2, 1e-2)),
    ),
}

ALL_MECHANISMS = "the papers' method with every mechanism, as wide and long as a laptop allows"
#: The papers' method, all of it and without a start, at a length at which it works.
FULL = {
    "hangul": replace(
        LITE["hangul"],
        name="full/hangul",
        source=ALL_MECHANISMS,
        training=replace(
            LITE["hangul"].training,
            epochs=8,
            lr_step=1,
            prototype_weight=1.0,
            mining=MiningConfig(epochs=3, hidden=256, lr=1e-3, step=3.0, loops=5, beta=10.0),
        ),
    ),
    "features": replace(
        LITE["features"],
        name="full/features",
        source=ALL_MECHANISMS,
        model=replace(LITE["features"].model, start="none"),
        training=TrainingConfig(
            epochs=30,
            lr=3e-4,
            prototype_weight=3.0,
            perturbation=0.2,
            mining=MiningConfig(epochs=3, hidden=128, step=0.3, loops=10, beta=10.0),
        ),
    ),
    "glyphs": replace(
        LITE["glyphs"],
        name="full/glyphs",
        source=ALL_MECHANISMS,
        folds=1,
        model=ModelConfig(hidden=512, embedding=256),
        training=replace(LITE["glyphs"].training, epochs=20, lr_step=2, mining=GLYPH_MINING),
    ),
}


def lite(name: str = "features") -> Config:
    """Return this library's own settings for a laptop.

    ``glyphs`` and ``hangul`` suit the embedded data, ``features`` the features of any extractor.
    No test row had a say in them (``benchmarks/settings.py`` prints the comparison for glyphs,
    ``benchmarks/ablation.py`` that for features; ``hangul`` has seen a few trials only). Raises
    ``ConfigError`` for another name.

    >>> lite("glyphs").training.epochs
    24
    """
    require(is_among(name, LITE), f"settings must be one of {', '.join(LITE)}", name)
    return LITE[name]


def full(name: str = "glyphs") -> Config:
    """Return the papers' method with every mechanism, at a length at which it works.

    It is for lessons and for the ablation. Raises ``ConfigError`` for another name.

    >>> full("glyphs").model.start
    'none'
    """
    require(is_among(name, FULL), f"settings must be one of {', '.join(FULL)}", name)
    return FULL[name]


def suited(dataset_name: str) -> str:
    """Return the name of the settings of :func:`lite` that suit a data set of this name."""
    return dataset_name if dataset_name in LITE else "features"


def for_few_rows(config: Config, rows: int) -> Config:
    """Return the settings with fewer principal components, where there are few training rows.

    Each component has at least ``ROWS_A_COMPONENT`` rows: with fewer, what a likelihood says of
    one class beside another is noise (``benchmarks/own_images.py --components`` prints it for
    folders of images).

    >>> for_few_rows(lite(), 455).components, for_few_rows(lite(), 5000).components
    (65, 256)
    """
    if config.components is None or "pca" not in config.preprocessing:
        return config
    most = max(LEAST_COMPONENTS, rows // ROWS_A_COMPONENT)
    return replace(config, components=min(config.components, most))


# --- Published settings --------------------------------------------------------------------------

#: Where the settings of :func:`preset` are published.
PAPERS = {
    "mm2021": "Chen et al., ACM MM 2021, arXiv 2107.03163, and the settings of its released code",
    "tmm2022": "Chen et al., IEEE TMM 2022, arXiv 2207.01798, and the settings of its released "
    "code",
}
#: The columns of both tables below, in this order.
PUBLISHED_BENCHMARKS = ("CUB", "AWA2", "FLO", "aPY")
MIN_MAX_SCALED = ("AWA2", "aPY")  # the features of the others are used as stored
#: What the papers state for each benchmark. Embeddings have 1024 and hidden layers 2048 entries.
PUBLISHED: dict[str, dict[str, tuple]] = {
    "mm2021": {
        "epochs": (600, 500, 300, 600),
        "batch": (256, 256, 256, 200),
        "lr": (3e-4, 3e-4, 3e-4, 3e-4),
        "weight_decay": (1e-5, 3e-6, 1e-4, 1e-6),
        "lr_step": (15, 15, 15, 15),
        "lr_gamma": (0.8, 0.92, 0.8, 0.55),
        "blocks": (5, 3, 5, 5),
        "prototype_weight": (1.0, 10.0, 3.0, 3.0),
        "perturbation": (0.05, 0.15, 0.07, 0.02),
        "samples": (600, 50_000, 3000, 9000),
        "classifier_lr": (0.01, 0.001, 0.005, 0.001),
        "classifier_epochs": (30, 30, 30, 20),
        "classifier_batch": (3000, 1200, 1000, 1200),
        "anchors": ("seen", "seen", "seen", "all"),
        "seed": (6152, 6152, 6152, 6152),
    },
    "tmm2022": {
        "epochs": (1500, 1000, 1000, 600),
        # The released code asks for 256 on FLO. With mining on, it trains the flow at the 64 of
        # the relation network.
        "batch": (256, 256, 64, 200),
        "lr": (1e-4, 3e-4, 1e-4, 3e-4),
        "weight_decay": (3e-5, 3e-6, 1e-4, 1e-5),
        "lr_step": (25, 17, 30, 20),
        "lr_gamma": (0.8, 0.92, 0.8, 0.55),
        "blocks": (3, 3, 3, 5),
        "prototype_weight": (1.0, 10.0, 3.0, 3.0),
        "perturbation": (0.05, 0.15, 0.1, 0.02),
        "samples": (600, 50_000, 3000, 9000),
        "classifier_lr": (0.003, 0.005, 0.005, 0.001),
        "classifier_epochs": (50, 30, 30, 20),
        "classifier_batch": (600, 1200, 1000, 1200),
        "anchors": ("all", "all", "all", "all"),
        "seed": (6167, 7848, 6289, 6152),
        "mining_epochs": (100, 50, 60, 50),
        "mining_batch": (256, 256, 64, 200),
        "mining_lr": (1e-4, 3e-4, 3e-4, 1e-3),
        "mining_weight_decay": (1e-6, 3e-6, 1e-6, 3e-6),
        "aug_lr": (20, 100, 20, 30),
        "loops": (20, 30, 20, 20),
        "beta": (10.0, 20.0, 1.0, 10.0),
    },
}


def preset(paper: str, benchmark: str) -> Config:
    """Return the settings that a paper published for a benchmark.

    Papers are ``mm2021``, which does not mine, and ``tmm2022``, which mines boundary samples.
    Benchmarks are CUB, AWA2, FLO and aPY. Features of AWA2 and aPY are min-max scaled, those of CUB
    and FLO are used as stored. Raises ``ConfigError`` for another paper or benchmark.

    >>> preset("tmm2022", "AWA2").classifier.samples
    50000
    """
    row = _published_row(paper, benchmark)
    return Config(
        name=f"{paper}/{benchmark}",
        source=PAPERS[paper],
        preprocessing="min-max" if benchmark in MIN_MAX_SCALED else "none",
        model=ModelConfig(
            blocks=row["blocks"],
            hidden=2048,
            embedding=1024,
            anchors=row["anchors"],
        ),
        training=_published_training(row),
        classifier=_published_classifier(row),
    )


def published_seed(paper: str, benchmark: str) -> int:
    """Return the one seed with which the code of a paper was run.

    Raises ``ConfigError`` as :func:`preset` does.
    """
    return _published_row(paper, benchmark)["seed"]


def _published_row(paper: str, benchmark: str) -> dict[str, Any]:
    """Return all that a paper states for one benchmark, by name."""
    require(is_among(paper, PUBLISHED), f"paper must be one of {', '.join(PUBLISHED)}", paper)
    require(
        is_among(benchmark, PUBLISHED_BENCHMARKS),
        f"benchmark must be one of {', '.join(PUBLISHED_BENCHMARKS)}",
        benchmark,
    )
    place = PUBLISHED_BENCHMARKS.index(benchmark)
    return {name: values[place] for name, values in PUBLISHED[paper].items()}


def _published_training(row: dict[str, Any]) -> TrainingConfig:
    return TrainingConfig(
        epochs=row["epochs"],
        batch=row["batch"],
        lr=row["lr"],
        weight_decay=row["weight_decay"],
        lr_step=row["lr_step"],
        lr_gamma=row["lr_gamma"],
        prototype_weight=row["prototype_weight"],
        prototype_classes=None,
        perturbation=row["perturbation"],
        mining=_published_mining(row) if "aug_lr" in row else None,
    )


def _published_mining(row: dict[str, Any]) -> MiningConfig:
    # The published loss is a mean over the batch, ours is a sum.
    step = row["aug_lr"] / row["mining_batch"]
    return MiningConfig(
        epochs=row["mining_epochs"],
        batch=row["mining_batch"],
        lr=row["mining_lr"],
        weight_decay=row["mining_weight_decay"],
        step=step,
        loops=row["loops"],
        beta=row["beta"],
    )


def _published_classifier(row: dict[str, Any]) -> ClassifierConfig:
    return ClassifierConfig(
        kinds=("softmax",),
        samples=row["samples"],
        solver="adam",
        balanced=False,
        epochs=row["classifier_epochs"],
        batch=row["classifier_batch"],
        lr=row["classifier_lr"],
    )
