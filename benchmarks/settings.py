"""Compare settings of the flow on validation folds of letters: how ``lite("glyphs")`` was found.

    python benchmarks/settings.py --json build/settings.json          # an hour on two cores
    python benchmarks/settings.py --only lite "perturbation 0.6" --folds 2

Letters of the training set play the unseen ones; no test row is read. Each row of the table
changes one thing. Scores are those of the likelihood at its best calibration on the fold; *own
class* is the share of synthesized rows that a classifier of real letters gives to the class asked
for, *order* the rank correlation of class distances, *spread* a ratio of variances. Finished cells
are kept in the JSON file, so that an interrupted table goes on.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from gsmflow_lite import Config, GZSLDataset, RidgeGaussian, fit, glyphs, lite, measure, new_model
from gsmflow_lite.generators import Generator
from gsmflow_lite.presets import GLYPH_MINING
from gsmflow_lite.runs.settings import with_changes
from gsmflow_lite.scores.evaluation import GZSLScores, likelihood_logits, softmax_logits
from gsmflow_lite.storage import write_json

SEED = 0
METERS = {"own class": "own class", "spread": "spread", "distance order": "order"}
BASELINES = {  # the space of the features, and the classifier
    "ridge-Gaussian, softmax": ("whitened-pca", "softmax"),
    "ridge-Gaussian, likelihood": ("whitened-pca", "likelihood"),
    "ridge-Gaussian, softmax, plain PCA": ("pca", "softmax"),
}
CHANGES = {
    "lite": {},
    "40 epochs": {"training.epochs": 40, "training.lr_step": 4},
    "8 epochs": {"training.epochs": 8, "training.lr_step": 1},
    "rate 3e-4": {"training.lr": 3e-4},
    "rate 2e-3": {"training.lr": 2e-3},
    "no perturbation": {"training.perturbation": 0.0},
    "perturbation 0.2": {"training.perturbation": 0.2},
    "perturbation 0.3": {"training.perturbation": 0.3},
    "perturbation 0.6": {"training.perturbation": 0.6},
    "perturbation 0.8": {"training.perturbation": 0.8},
    "no prototype loss": {"training.prototype_weight": 0.0},
    "prototype weight 3": {"training.prototype_weight": 3.0},
    "no relative positioning": {"model.relative_positioning": False},
    "no start": {"model.start": "none"},
    "start from ridge means only": {"model.start": "ridge"},
    "attributes scaled": {"model.scale_attributes": True},
    "hidden 256": {"model.hidden": 256},
    "embedding 64": {"model.embedding": 64},
    "embedding 1024": {"model.embedding": 1024},
    "5 blocks": {"model.blocks": 5},
    "clamp 2": {"model.clamp": 2.0},
    "weight decay 1e-3": {"training.weight_decay": 1e-3},
    "batch 128": {"training.batch": 128},
    "96 components": {"components": 96},
    "plain PCA, perturbation 0.3": {"preprocessing": "pca", "training.perturbation": 0.3},
    "boundary mining, half the epochs": {"training.epochs": 8, "training.mining": GLYPH_MINING},
}


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    done = json.loads(options.json.read_text()) if options.json.exists() else {}
    names = options.only or [*BASELINES, *CHANGES]
    for name in names:
        for fold in range(options.folds):
            key = f"{name}|{fold}"
            if key not in done:
                done[key] = _baseline(name, fold) if name in BASELINES else _flow(name, fold)
                write_json(options.json, done)
                print(f"{key:45s}{done[key]}", flush=True)
    print(_table(done, names, options.folds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("build/settings.json"))
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=[*BASELINES, *CHANGES], metavar="ROW")
    return parser.parse_args()


@cache
def _fold(number: int, kind: str, components: int) -> GZSLDataset:
    return glyphs(None).preprocessed(kind, components).validation_fold(number)


def _flow(name: str, number: int) -> dict[str, float]:
    config = with_changes(lite("glyphs"), CHANGES[name])
    fold = _fold(number, config.preprocessing, config.components or 64)
    model = new_model(fold, config.model, seed=SEED)
    for _ in fit(model, fold, config.training, seed=SEED, device="cpu"):
        pass
    return _worth(model.eval(), fold, "likelihood", config)


def _baseline(name: str, number: int) -> dict[str, float]:
    kind, classifier = BASELINES[name]
    fold = _fold(number, kind, 64)
    return _worth(RidgeGaussian.fit(fold), fold, classifier, lite("glyphs"))


def _worth(
    generator: Generator, fold: GZSLDataset, classifier: str, config: Config
) -> dict[str, float]:
    scores = _scores(generator, fold, classifier, config)
    report = measure(fold, generator, n=200, seed=SEED, repeats=10, metrics=tuple(METERS))
    meters = {METERS[name]: report.reading(name).value for name in METERS}
    found = {"H": scores.harmonic, "T1": scores.zsl, **meters}
    return {name: round(float(value), 3) for name, value in found.items()}


def _scores(generator: Generator, fold: GZSLDataset, classifier: str, config: Config) -> GZSLScores:
    """At the best calibration, and for a softmax at the best penalty, on the fold."""
    if classifier == "likelihood":
        tried = [likelihood_logits(generator, fold)]
    else:
        fixed = [replace(config.classifier, penalties=(p,)) for p in config.classifier.penalties]
        tried = [softmax_logits(generator, fold, one, seed=SEED) for one in fixed]
    found = [logits.scores(logits.best_calibration()) for logits in tried]
    return max(found, key=lambda scores: scores.harmonic)


def _table(done: dict[str, dict[str, float]], names: list[str], folds: int) -> str:
    """Means over the folds, and H of each fold."""
    columns = ("H", "T1", *METERS.values())
    lines = [
        f"| | {' | '.join(columns)} | H by fold |",
        f"|---|{'---|' * (len(columns) + 1)}",
    ]
    for name in names:
        cells = [done[f"{name}|{fold}"] for fold in range(folds)]
        digits = [1, 1, 2, 2, 2]
        means = [np.mean([cell[column] for cell in cells]) for column in columns]
        shown = [f"{mean:.{n}f}" for mean, n in zip(means, digits, strict=True)]
        by_fold = ", ".join(f"{cell['H']:.1f}" for cell in cells)
        lines.append(f"| {name} | {' | '.join(shown)} | {by_fold} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
