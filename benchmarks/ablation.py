"""Measure what each mechanism is worth: change one thing of the flow at a time.

    python benchmarks/ablation.py --dataset glyphs --seeds 5 --json glyphs.json --figure glyphs.png
    python benchmarks/ablation.py --dataset hangul --judged 3 20 --seeds 3 --json hangul.json
    python benchmarks/ablation.py --dataset FOLDER --features lite0 --seeds 5 --json flo.json

Every row of the table, the baselines too, is chosen and scored under the same rules.

Prints tables in Markdown: means over seeds with 95 % intervals (Student's t). Scores are per cent;
*semantic*, *variance* and *structure* are the headlines of the three shift meters (agreement with
the description, spread as a ratio of variances, rank correlation of class distances), on unseen
classes. Everything, training length, classifier, its penalty and the calibration, is chosen on
validation classes; one more table has the scores of each classifier. Each seed draws its own
weights, batches, noise and samples. Finished cells are kept in the JSON file, so that an
interrupted table goes on; with ``--models`` trained models are kept too, and never trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from gsmflow_lite import Config, GSMFlow, GZSLDataset, RealSamples, SavedModel, full, lite, load
from gsmflow_lite.events import Event
from gsmflow_lite.generators import MECHANISMS
from gsmflow_lite.presets import suited
from gsmflow_lite.runs.settings import with_changes
from gsmflow_lite.scores.protocol import (
    Candidate,
    Method,
    Outcome,
    Setting,
    eszsl,
    flow,
    oracle,
    ridge_gaussian,
    run,
    run_by_classifier,
)
from gsmflow_lite.seeds import stream
from gsmflow_lite.shifts.measuring import measure
from gsmflow_lite.storage import write_json

BASELINE = "ridge-Gaussian"
PLAIN = "ridge-Gaussian, plain PCA"  # whitening, which suits the flow, does not suit it
FULL_METHOD = "full method"
MINUS = {  # what is switched off in the full method, by row
    "minus semantics": "semantics",
    "minus mining": "mining",
    "minus mining, twice the epochs": "mining",
    "minus perturbation": "perturbation",
    "minus relative positioning": "positioning",
    "minus prototype loss": "prototype",
}
OURS: dict[str, dict] = {  # changes of this library's settings, by row
    "lite": {},
    "no semantics in the flow": {"model.semantics": "none"},
    "semantics in the first block only": {"model.semantics": "first"},
    "with relative positioning": {"model.relative_positioning": True},
    "no relative positioning": {"model.relative_positioning": False},
    "attributes scaled": {"model.scale_attributes": True},
    "with prototype loss": {"training.prototype_weight": 1.0},
    "no prototype loss": {"training.prototype_weight": 0.0},
    "with perturbation": {"training.perturbation": 0.2},
    "no perturbation": {"training.perturbation": 0.0},
    "start from ridge means only": {"model.start": "ridge"},
    "no start": {"model.start": "none"},
    "no start, no semantics": {"model.start": "none", "model.semantics": "none"},
}
SCORES = ("seen", "unseen", "harmonic", "zsl", "ausuc")
METERS = ("semantic", "variance", "structure")
HEADINGS = {"seen": "S", "unseen": "U", "harmonic": "H", "zsl": "T1", "ausuc": "AUSUC"}
SYNTHESIZED = 400  # features of each class for the meters


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    settings = suited(options.dataset)
    config = lite(settings)
    dataset = load(options.dataset, features=options.features).preprocessed(
        config.preprocessing, config.components
    )
    if options.judged is not None:
        dataset = with_few_test_rows(dataset, *options.judged)
    done = {"dataset": dataset.name, "cells": {}}
    if options.json.exists():
        done = json.loads(options.json.read_text())

    methods = methods_of(settings)
    if options.only is not None:
        methods = {name: methods[name] for name in methods if name in options.only}

    folds = options.folds or config.folds
    for seed in range(options.seeds):
        for name, method in methods.items():
            key = f"{name}|{seed}"
            kept = _model_file(options.models, key)
            cell = filled(done["cells"].get(key, {}), method, dataset, seed, folds, kept)
            if cell != done["cells"].get(key):
                done["cells"][key] = cell
                write_json(options.json, done)
                print(f"{key:45s}{cell}", flush=True)
    print(table(done["cells"], list(methods), options.against))
    print("\nWith each classifier")
    print(by_classifier(done["cells"], list(methods)))
    print(f"\nDifferences to {options.against}, seed by seed")
    print(differences(done["cells"], list(methods), options.against))
    if options.figure:
        _figure(done["cells"], list(methods), f"{dataset.name}, {options.seeds} seeds").savefig(
            options.figure
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="glyphs", help="glyphs, or the folder of a benchmark")
    parser.add_argument("--features")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--folds", type=int, help="validation folds to choose on (default: as the settings say)"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="ROW", help="some rows of the table (default: all)"
    )
    parser.add_argument(
        "--against",
        default=BASELINE,
        metavar="ROW",
        help="differences are to this row (default: %(default)s)",
    )
    parser.add_argument(
        "--judged",
        type=int,
        nargs=2,
        metavar=("SEEN", "UNSEEN"),
        help="judge at most so many test rows of each seen, and of each unseen class",
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="keep the trained models here"
    )
    parser.add_argument("--figure", type=Path, metavar="FILE.png", help="draw the table")
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args()


def with_few_test_rows(dataset: GZSLDataset, seen: int, unseen: int) -> GZSLDataset:
    """The data set with at most so many test rows of each class, the same ones at each call."""
    rows = {}
    for split, most in {"test_seen": seen, "test_unseen": unseen}.items():
        order = stream(0, "rows judged").permutation(getattr(dataset, split))
        of_class = [order[dataset.labels[order] == label][:most] for label in set(dataset.labels)]
        rows[split] = np.sort(np.concatenate(of_class))
    return replace(dataset, **rows)


def methods_of(name: str) -> dict[str, Method]:
    """The baselines, then a flow for each row of :func:`settings_of`."""
    config = lite(name)
    baseline = ridge_gaussian(config)
    methods: dict[str, Method] = {BASELINE: baseline}
    if config.preprocessing == "whitened-pca":
        methods[PLAIN] = partial(_in_plain_pca, baseline)
    methods |= {"ESZSL": eszsl, "oracle": oracle(config)}
    return methods | {row: flow(one, device="cpu") for row, one in settings_of(name).items()}


def _in_plain_pca(
    method: Method, dataset: GZSLDataset, seed: int, chosen: Setting | None = None
) -> Iterator[Event | Candidate]:
    """Do as ``method`` does, without whitening. Its generator makes features of another space."""
    plain = dataset.origin.preprocessed("pca", dataset.features.shape[1])
    for item in method(plain, seed, chosen):
        yield replace(item, generator=None) if isinstance(item, Candidate) else item


def settings_of(name: str) -> dict[str, Config]:
    """This library's settings and changes of them, then the papers' method and parts of it."""
    config = lite(name)
    changed = {row: with_changes(config, changes) for row, changes in OURS.items()}
    rows = {row: one for row, one in changed.items() if row == "lite" or one != config}

    whole = full(name)
    rows[FULL_METHOD] = whole
    for row, mechanism in MINUS.items():
        rows[row] = MECHANISMS[mechanism].without(whole)
        if "twice" in row:  # mining makes two rows of each, and so takes twice as many steps
            twice = replace(rows[row].training, epochs=2 * whole.training.epochs)
            rows[row] = replace(rows[row], training=twice)
    return rows


def _model_file(folder: Path | None, key: str) -> Path | None:
    return folder and folder / f"{key.replace(' ', '_').replace('|', '_')}.safetensors"


def filled(
    cell: dict, method: Method, dataset: GZSLDataset, seed: int, folds: int, kept: Path | None
) -> dict:
    """Add to a cell the scores and meters that it lacks.

    Scores need training. Meters need training, too, unless the model was kept.
    """
    if cell.keys() >= {*SCORES, "meters"}:
        return cell
    started = time.perf_counter()
    if cell.keys() >= set(SCORES) and kept and kept.exists():
        return cell | {"meters": _meters(dataset, SavedModel.load(kept).model, seed)}
    outcomes = _outcomes(method, dataset, seed, range(folds))
    chosen = next(iter(outcomes.values()))
    if kept and isinstance(chosen.generator, GSMFlow):
        kept.parent.mkdir(parents=True, exist_ok=True)
        SavedModel(
            model=chosen.generator, preprocessing=dataset.preprocessing, notes={"seed": seed}
        ).save(kept)
    return {
        **_scores(chosen),
        "classifiers": {name: _scores(outcome) for name, outcome in outcomes.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "meters": _meters(dataset, chosen.generator, seed),
    }


def _outcomes(method: Method, dataset: GZSLDataset, seed: int, folds: range) -> dict[str, Outcome]:
    """The outcome with each classifier, the one that validation classes prefer first."""
    if method is eszsl:
        return {"bilinear": run(method, dataset, seed=seed, folds=folds)}
    return run_by_classifier(method, dataset, seed=seed, folds=folds)


def _scores(outcome: Outcome) -> dict:
    scores = {name: round(value, 2) for name, value in asdict(outcome.scores).items()}
    choice = outcome.choice
    validation = round(choice.scores.harmonic, 2)
    return scores | {"setting": dict(choice.setting), "validation_harmonic": validation}


def _meters(dataset: GZSLDataset, generator, seed: int) -> dict[str, list[float]]:
    """Value, floor, ceiling and score of every metric.

    Empty for a method that synthesizes nothing, and for one that hands out the test rows.
    """
    if generator is None or isinstance(generator, RealSamples):
        return {}
    readings = measure(dataset, generator, n=SYNTHESIZED, seed=seed).readings
    measured = [r for r in readings if r.label is None and np.isfinite(r.value)]
    return {
        r.metric: [round(x, 4) for x in (r.value, r.floor, r.ceiling, r.score)] for r in measured
    }


# --- The table ------------------------------------------------------------------------------------

HEADLINES = {"semantic": "agreement", "variance": "spread", "structure": "distance order"}


def _values(cells: dict[str, dict], name: str) -> dict[str, dict[str, float]]:
    """Scores and headlines of the meters of one row of the table, by seed."""
    found = {}
    for key, cell in cells.items():
        row, _, seed = key.partition("|")
        if row == name:
            meters = {
                m: cell["meters"][metric][0]
                for m, metric in HEADLINES.items()
                if metric in cell.get("meters", {})
            }
            found[seed] = {score: cell[score] for score in SCORES} | meters
    return found


def table(cells: dict[str, dict], names: list[str], against: str = BASELINE) -> str:
    """Means over seeds, and the differences in H and T1 to the row ``against``, seed by seed."""
    heads = [*(HEADINGS[s] for s in SCORES), *METERS, f"H - {against}", f"T1 - {against}", "seeds"]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    reference = _values(cells, against)
    for name in names:
        rows = _values(cells, name)
        shown = [interval([row[s] for row in rows.values()]) for s in SCORES]
        shown += [interval([row[m] for row in rows.values() if m in row], digits=2) for m in METERS]
        for score in ("harmonic", "zsl"):
            gains = [
                row[score] - reference[seed][score]
                for seed, row in rows.items()
                if seed in reference
            ]
            shown.append("" if name == against else interval(gains))
        lines.append(f"| {name} | {' | '.join(shown)} | {len(rows)} |")
    return "\n".join([*lines, _ceilings(cells)])


def by_classifier(cells: dict[str, dict], names: list[str]) -> str:
    """Means over seeds of H and T1 with each classifier."""
    found: dict[str, dict[str, list[dict]]] = {}
    for key, cell in cells.items():
        for classifier, scores in cell.get("classifiers", {}).items():
            found.setdefault(classifier, {}).setdefault(key.partition("|")[0], []).append(scores)

    heads = [f"{HEADINGS[s]}, {classifier}" for classifier in found for s in ("harmonic", "zsl")]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name in names:
        shown = [
            interval([one[score] for one in rows.get(name, [])])
            for rows in found.values()
            for score in ("harmonic", "zsl")
        ]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def differences(cells: dict[str, dict], names: list[str], against: str) -> str:
    """Means over seeds of the differences to the row ``against``, with intervals."""
    columns = {"harmonic": ("H", 1), "zsl": ("T1", 1)} | {meter: (meter, 2) for meter in METERS}
    lines = [
        f"| | {' | '.join(head for head, _ in columns.values())} |",
        "|---" * (len(columns) + 1) + "|",
    ]
    reference = _values(cells, against)
    for name in names:
        pairs = [
            (row, reference[seed])
            for seed, row in _values(cells, name).items()
            if seed in reference and name != against
        ]
        shown = [
            interval([row[key] - to[key] for row, to in pairs if key in row and key in to], digits)
            for key, (_, digits) in columns.items()
        ]
        if pairs:
            lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _ceilings(cells: dict[str, dict]) -> str:
    """Row of the table for real features against real ones.

    It is the same for all methods, but for the random halves that are compared.
    """
    shown = [
        f"{np.mean(found):.2f}" if (found := _of_real(cells, meter)) else "-" for meter in METERS
    ]
    return f"| *real against real* | | | | | {' | '.join(shown)} | | | |"


def _of_real(cells: dict[str, dict], meter: str) -> list[float]:
    """The ceilings of a meter in all cells that have one."""
    metric = HEADLINES[meter]
    return [
        cell["meters"][metric][2] for cell in cells.values() if metric in cell.get("meters", {})
    ]


def interval(values: list[float], digits: int = 1) -> str:
    from scipy.stats import t

    if len(values) < 2:
        return f"{values[0]:.{digits}f}" if values else "-"
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} ± {half:.{digits}f}"


def _points(cells: dict[str, dict], names: list[str], columns: dict[str, str]) -> list[dict]:
    """One record for each row, seed and column that has a value."""
    return [
        {"": name, "seed": seed, "column": columns[key], "value": row[key]}
        for name in names
        for seed, row in _values(cells, name).items()
        for key in columns
        if key in row
    ]


def _figure(cells: dict[str, dict], names: list[str], title: str):
    """Draw each row's mean with its 95 % interval over seeds, a panel for each score and meter.

    A dotted line shows what real features get.
    """
    import pandas as pd
    import seaborn as sns
    from scipy.stats import t

    columns = {"harmonic": "H (%)", "zsl": "T1 (%)"} | {m: f"{m}: {HEADLINES[m]}" for m in METERS}

    def error_bar(values):
        half = t.ppf(0.975, len(values) - 1) * values.sem()
        return values.mean() - half, values.mean() + half

    grid = sns.catplot(
        pd.DataFrame(_points(cells, names, columns)),
        kind="point",
        x="value",
        y="",
        col="column",
        order=names,
        sharex=False,
        linestyle="none",
        errorbar=error_bar,
        height=0.4 * len(names) + 1.2,
        aspect=8 / (0.4 * len(names) + 6),
        color="#0072B2",
        markersize=5,
        err_kws={"linewidth": 1.5},
    )
    for (column, axes), name in zip(grid.axes_dict.items(), columns, strict=True):
        axes.grid(axis="x", color="#E6E6E6")
        axes.set(xlabel="", title=column)
        if name in METERS and (found := _of_real(cells, name)):
            axes.axvline(np.mean(found), color="#6B6B6B", linestyle=":")
    grid.figure.suptitle(
        f"{title}: means with 95 % intervals; dotted: real against real", x=0.01, ha="left"
    )
    grid.tight_layout()
    return grid.figure


if __name__ == "__main__":
    main()
