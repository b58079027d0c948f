"""What each mechanism is worth: the flow with one thing changed at a time, and the baselines, under the same rules.

    python benchmarks/ablation.py --dataset glyphs --seeds 5 --json ablation_glyphs.json
    python benchmarks/ablation.py --dataset FOLDER --features lite0 --seeds 3 --json ablation_flo.json

Prints a table in Markdown: means over seeds with 95 % intervals (Student's t), per cent. Everything, training length,
classifier penalty and calibration, is chosen on validation classes; each seed draws its own weights, batches, noise and
samples. Finished cells are kept in the JSON file, so that an interrupted table goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from gsmflow_lite import Config, MiningConfig, lite, load
from gsmflow_lite.protocol import Method, eszsl, flow, oracle, ridge_gaussian, run
from gsmflow_lite.storage import write_json

MINING = MiningConfig(epochs=3, hidden=128, step=0.3, loops=10, beta=10.0)
BASELINE = "ridge-Gaussian"
CURES = {"prototype_weight": 3.0, "perturbation": 0.2, "mining": MINING, "lr": 3e-4}
CHANGES = {
    "lite": ({}, {}),
    "no semantics in the flow": ({"semantics": "none"}, {}),
    "semantics in the first block only": ({"semantics": "first"}, {}),
    "with relative positioning": ({"relative_positioning": True}, {}),
    "no relative positioning": ({"relative_positioning": False}, {}),
    "attributes scaled": ({"scale_attributes": True}, {}),
    "with prototype loss": ({}, {"prototype_weight": 1.0}),
    "with perturbation": ({}, {"perturbation": 0.2}),
    "with boundary mining": ({}, {"mining": MINING}),
    "start from ridge means only": ({"base": "ridge"}, {}),
    "as published (no start, all cures)": ({"base": "none", "relative_positioning": True}, CURES),
    "as published, attributes scaled": ({"base": "none", "relative_positioning": True, "scale_attributes": True}, CURES),
    "no start, no semantics": ({"base": "none", "semantics": "none"}, {"lr": 3e-4}),
}


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    config = lite("glyphs" if options.dataset == "glyphs" else "features")
    dataset = load(options.dataset, features=options.features).preprocessed(config.preprocessing, config.components)
    done = json.loads(options.json.read_text()) if options.json.exists() else {"dataset": dataset.name, "cells": {}}
    methods = {k: m for k, m in _methods(config).items() if options.only is None or k in options.only}
    folds = options.folds or config.folds
    for seed in range(options.seeds):
        for name, method in methods.items():
            key = f"{name}|{seed}"
            if key not in done["cells"]:
                done["cells"][key] = _cell(method, dataset, seed, folds)
                write_json(options.json, done)
                print(f"{key:45s}{done['cells'][key]}", flush=True)
    print(_table(done["cells"], list(methods)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="glyphs", help="glyphs, or the folder of a benchmark")
    parser.add_argument("--features", default="res101")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, help="validation folds to choose on (default: as the settings say)")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="some rows of the table (default: all)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args()


def _methods(config: Config) -> dict[str, Method]:
    methods = {BASELINE: ridge_gaussian(config), "ESZSL": eszsl, "oracle": oracle(config)}
    for name, (model, training) in CHANGES.items():
        changed = replace(config.model, **model)
        if name != "lite" and changed == config.model and not training:
            continue  # the settings are so already
        if "published" in name and config.name == "lite/features":
            training = training | {"epochs": 30}  # without a start it is still learning after the others' 9
        whole = replace(config, model=changed, training=replace(config.training, **training))
        methods[name] = flow(whole, device="cpu")
    return methods


def _cell(method: Method, dataset, seed: int, folds: int) -> dict:
    started = time.perf_counter()
    outcome = run(method, dataset, seed=seed, folds=range(folds))
    return {
        **{name: round(value, 2) for name, value in asdict(outcome.scores).items()},
        "setting": dict(outcome.choice.setting),
        "validation_harmonic": round(outcome.choice.scores.harmonic, 2),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _table(cells: dict[str, dict], names: list[str]) -> str:
    """Means over seeds, and the differences to the baseline seed by seed."""
    lines = ["| | S | U | H | T1 | H - baseline | T1 - baseline | seeds |", "|---|---|---|---|---|---|---|---|"]
    for name in names:
        rows = {key.split("|")[1]: cell for key, cell in cells.items() if key.split("|")[0] == name}
        shown = [_interval([row[score] for row in rows.values()]) for score in ("seen", "unseen", "harmonic", "zsl")]
        for score in ("harmonic", "zsl"):
            gains = [
                row[score] - cells[f"{BASELINE}|{seed}"][score] for seed, row in rows.items() if f"{BASELINE}|{seed}" in cells
            ]
            shown.append("" if name == BASELINE else _interval(gains))
        lines.append(f"| {name} | {' | '.join(shown)} | {len(rows)} |")
    return "\n".join(lines)


def _interval(values: list[float]) -> str:
    from scipy.stats import t

    if len(values) < 2:
        return f"{values[0]:.1f}" if values else "-"
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.1f} ± {half:.1f}"


if __name__ == "__main__":
    main()
