"""What helps when descriptions do not: a few labelled rows of unseen classes, or unlabelled ones.

    python benchmarks/labelled_rows.py --dataset glyphs --classifier likelihood --json glyphs.json
    python benchmarks/labelled_rows.py --dataset FLO --features lite0 --json flowers.json
    python benchmarks/labelled_rows.py --dataset hangul --shipped --json hangul.json

Only the column "0 labelled" is a score of zero-shot learning. Half of the rows of the unseen
classes are the test of every column, as for the oracle; labelled rows come from the other half,
which the oracle gets as a whole. *Unlabelled*: the test rows themselves are read, without labels.
Each seed draws the halves, the labelled rows, weights, batches and samples. Everything is chosen on
validation classes, whose rows are labelled alike.

Prints T1 and H: means over seeds with 95 % intervals (Student's t). With --shipped, nothing is
trained: it prints T1 by likelihood, of the flow that comes with the package. Finished cells are
kept in the JSON file. A seed of letters takes five minutes, with --shipped a few seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from ablation import interval

from gsmflow_lite import GZSLDataset, RidgeGaussian, lite, load
from gsmflow_lite.generators.zoo import ZOOS
from gsmflow_lite.presets import suited
from gsmflow_lite.scores import protocol
from gsmflow_lite.scores.class_prior import ClassPrior
from gsmflow_lite.scores.labelled_rows import (
    LABELLED_ROWS,
    choose_doubts,
    draw_labelled,
    labelled,
    labelled_alone,
    labelled_rows_alone,
    t1,
    with_labelled_rows,
)
from gsmflow_lite.scores.unlabelled_rows import transductive, with_unlabelled_rows
from gsmflow_lite.storage import write_json

COUNTS = (0, 1, 3, 5)
UNLABELLED = "unlabelled"
ORACLE = "all of the other half"
COLUMNS = (*map(str, COUNTS), UNLABELLED, ORACLE)
Cell = dict[str, dict[str, float]]  # T1 and H by column


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    done: dict[str, Cell] = {}
    if options.json.exists():
        done = json.loads(options.json.read_text())
    dataset, rows = _rows(options)
    rows = {name: rows[name] for name in options.only or rows}
    for seed in range(options.seeds):
        for name, scored in rows.items():
            key = f"{name}|{seed}"
            if key not in done:
                done[key] = scored(dataset, seed)
                write_json(options.json, done)
                print(f"{key:30s}{done[key]}", flush=True)
    for score in ("T1", "H"):
        print(_table(done, list(rows), score))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="glyphs", help="glyphs, hangul, or a folder")
    parser.add_argument("--features")
    parser.add_argument("--classifier", choices=("likelihood", "softmax"), help="the only one")
    parser.add_argument("--shipped", action="store_true", help="T1 of the flow of the package")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="some rows (default: all)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args()


def _rows(options: argparse.Namespace) -> tuple[GZSLDataset, dict[str, Callable[..., Cell]]]:
    """The data, and what fills the cells of each row of the table."""
    if options.shipped:
        zoo = ZOOS[options.dataset]()
        flow = zoo.model()
        return zoo.dataset, {
            "labelled rows alone": _alone_by_likelihood,
            "ridge-Gaussian": lambda d, seed: _by_likelihood(d, seed, RidgeGaussian.fit(d)),
            "flow": lambda d, seed: _by_likelihood(d, seed, flow),
        }
    config = lite(suited(options.dataset))
    if options.classifier:
        only = replace(config.classifier, kinds=(options.classifier,))
        config = replace(config, classifier=only)
    dataset = load(options.dataset, features=options.features)
    of_flow = protocol.flow(config, device="cpu")
    of_formula = protocol.ridge_gaussian(config)
    return dataset.preprocessed(config.preprocessing, config.components), {
        "labelled rows alone": lambda d, seed: _alone(d, seed, config),
        "ridge-Gaussian": lambda d, seed: _by_protocol(d, seed, config, of_formula),
        "flow": lambda d, seed: _by_protocol(d, seed, config, of_flow),
    }


def _by_protocol(dataset: GZSLDataset, seed: int, config: Any, method: protocol.Method) -> Cell:
    folds = range(config.folds)
    by_count = labelled(method, config, COUNTS)
    found = protocol.run_by(LABELLED_ROWS, by_count, dataset, seed=seed, folds=folds)
    cell = {str(count): _scores(outcome) for count, outcome in found.items()}
    half = dataset.split_unseen(seed=seed)[1]
    read = protocol.run(transductive(method), half, seed=seed, folds=folds)
    return cell | {UNLABELLED: _scores(read)}


def _alone(dataset: GZSLDataset, seed: int, config: Any) -> Cell:
    folds = range(config.folds)
    method = labelled_alone(config, [count for count in COUNTS if count])
    found = protocol.run_by(LABELLED_ROWS, method, dataset, seed=seed, folds=folds)
    cell = {str(count): _scores(outcome) for count, outcome in found.items()}
    every = protocol.run(protocol.oracle(config), dataset, seed=seed, folds=folds)
    return cell | {ORACLE: _scores(every)}


def _scores(outcome: protocol.Outcome) -> dict[str, float]:
    return {"T1": round(outcome.scores.zsl, 2), "H": round(outcome.scores.harmonic, 2)}


def _by_likelihood(dataset: GZSLDataset, seed: int, generator: Any) -> Cell:
    rows, rest = draw_labelled(dataset, max(COUNTS), seed=seed)
    prior = ClassPrior.fit(rest)
    doubts = choose_doubts(rest, COUNTS[1:], seed=seed)
    cell = {"0": {"T1": t1(generator, rest)}}
    for count in COUNTS[1:]:
        chosen = prior.doubting(doubts[count])
        moved = with_labelled_rows(generator, rest, rows[:, :count], prior=chosen)
        cell[str(count)] = {"T1": t1(moved, rest)}
    mixture = with_unlabelled_rows(generator, rest, rest.test_unseen, prior=prior)
    return cell | {UNLABELLED: {"T1": t1(mixture.generator, rest)}}


def _alone_by_likelihood(dataset: GZSLDataset, seed: int) -> Cell:
    rows, rest = draw_labelled(dataset, max(COUNTS), seed=seed)
    counts = [count for count in COUNTS if count]
    return {str(n): {"T1": t1(labelled_rows_alone(rest, rows[:, :n]), rest)} for n in counts}


def _table(done: dict[str, Cell], names: list[str], score: str) -> str:
    heads = [f"{name} labelled" if name.isdigit() else name for name in COLUMNS]
    lines = [f"\n| {score} | {' | '.join(heads)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in names:
        cells = [cell for key, cell in done.items() if key.partition("|")[0] == name]
        shown = [interval(list(_values(cells, column, score))) for column in COLUMNS]
        if set(shown) != {"-"}:
            lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def _values(cells: list[Cell], column: str, score: str) -> Iterator[float]:
    for cell in cells:
        if score in cell.get(column, {}):
            yield cell[column][score]


if __name__ == "__main__":
    main()
