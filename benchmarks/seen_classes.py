"""How many classes must a generator have seen? Hangul with 25 to 840 seen syllables.

    python benchmarks/seen_classes.py --json build/seen_classes.json --figure seen_classes.png

Prints H and T1 of each method on the same 60 unseen syllables, as means over seeds with 95 %
intervals (Student's t). A seed draws the seen classes (``dataset.with_seen(n, seed=...)``),
weights, batches, noise and samples. Everything is chosen on validation classes: the classifier, the
calibration, the length of the flow's training, and its perturbation: the first seed chooses that
for each number of classes, the others keep it. *Nearest mean* has no generator: it says how far
predicted class means get (ridge regression), and real ones. To save time a few test rows of each
class are judged. Finished cells are kept in the JSON file, so that an interrupted table goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from ablation import with_few_test_rows

from gsmflow_lite import Config, GZSLDataset, hangul, lite
from gsmflow_lite.datasets.statistics import class_means
from gsmflow_lite.method.start import ridge_means
from gsmflow_lite.runs.tables import student_half_width
from gsmflow_lite.scores.evaluation import per_class_accuracy
from gsmflow_lite.scores.protocol import Method, Outcome, flow, ridge_gaussian, run
from gsmflow_lite.storage import write_json

COUNTS = (25, 50, 100, 200, 400, 840)
PERTURBATIONS = (0.1, 0.3, 0.6)
STEPS_LIKE = 840  # with fewer classes an epoch has fewer steps, so there are more epochs
MOST_EPOCHS = 64
ROWS_JUDGED = (3, 20)  # of each seen, and of each unseen class
FLOW = "flow"
BASELINE = "ridge-Gaussian"
FLOWS: dict[str, dict] = {  # changes of the model, by row
    FLOW: {},
    "flow, ridge-Gaussian start": {"start": "ridge-gaussian"},
    "flow, no relative positioning": {"relative_positioning": False, "scale_attributes": True},
}
MEANS = ("nearest mean, predicted", "nearest mean, real")
ROWS = (*FLOWS, BASELINE, *MEANS)


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    done = json.loads(options.json.read_text()) if options.json.exists() else {}
    whole = hangul()
    for seed in range(options.seeds):
        for count in options.counts:
            cells = [(f"{row}|{count}|{seed}", row) for row in options.only or ROWS]
            missing = [(key, row) for key, row in cells if key not in done]
            dataset = (
                with_few_test_rows(whole.with_seen(count, seed=seed), *ROWS_JUDGED)
                if missing
                else whole
            )
            for key, row in missing:
                first = done.get(f"{row}|{count}|0", {})
                done[key] = _cell(row, dataset, count, seed, first.get("perturbation"))
                write_json(options.json, done)
                print(f"{key:45s}{done[key]}", flush=True)
    print(_table(done, options))
    if options.figure:
        _figure(done, options).savefig(options.figure, dpi=150)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("build/seen_classes.json"))
    parser.add_argument("--figure", type=Path, metavar="FILE.png")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW")
    return parser.parse_args()


# --- One cell -------------------------------------------------------------------------------------


def _cell(
    row: str, dataset: GZSLDataset, count: int, seed: int, perturbation: float | None
) -> dict:
    started = time.perf_counter()
    if row in MEANS:
        found: dict = {"zsl": round(_nearest_mean(dataset, real=row == MEANS[1]), 2)}
    elif row == BASELINE:
        found = _scores(run(ridge_gaussian(lite("hangul")), dataset, seed=seed))
    else:
        strengths = PERTURBATIONS if perturbation is None else (perturbation,)
        found = _best_flow(row, dataset, count, seed, strengths)
    return found | {"seconds": round(time.perf_counter() - started, 1)}


def _best_flow(
    row: str, dataset: GZSLDataset, count: int, seed: int, strengths: Sequence[float]
) -> dict:
    """The flow with the perturbation, of these strengths, that is best on validation classes."""
    outcomes = {}
    for perturbation in strengths:
        config = _settings(FLOWS[row], perturbation, count)
        outcomes[perturbation] = run(_method(config), dataset, seed=seed)
    best = max(outcomes, key=lambda strength: outcomes[strength].choice.scores.harmonic)
    tried = {str(strength): _scores(outcome) for strength, outcome in outcomes.items()}
    return _scores(outcomes[best]) | {"perturbation": best, "tried": tried}


def _method(config: Config) -> Method:
    return flow(config, device="cpu")


def _settings(model: dict, perturbation: float, count: int) -> Config:
    config = lite("hangul")
    training = config.training
    longer = min(STEPS_LIKE / count, MOST_EPOCHS / training.epochs)
    training = replace(
        training,
        epochs=round(training.epochs * longer),
        lr_step=max(1, round(training.lr_step * longer)),
        perturbation=perturbation,
    )
    checks = 1 if longer == 1 else 3
    return replace(config, checks=checks, model=replace(config.model, **model), training=training)


def _scores(outcome: Outcome) -> dict:
    scores = {name: round(value, 2) for name, value in asdict(outcome.scores).items()}
    choice = outcome.choice
    validation = round(choice.scores.harmonic, 2)
    return scores | {"setting": dict(choice.setting), "validation_harmonic": validation}


def _nearest_mean(dataset: GZSLDataset, *, real: bool) -> float:
    """T1 of the nearest of the unseen class means, predicted by ridge regression, or real ones."""
    unseen = dataset.unseen_classes
    if real:
        means = class_means(dataset, unseen, dataset.test_unseen)
    else:
        weights = ridge_means(dataset).numpy()
        means = dataset.attributes[unseen] @ weights[:-1] + weights[-1]
    rows = dataset.test_unseen
    distances = torch.cdist(torch.from_numpy(dataset.features[rows]), torch.from_numpy(means))
    answers = unseen[distances.argmin(1).numpy()]
    return 100 * float(per_class_accuracy(dataset.labels[rows], answers).mean())


# --- The table and the figure ---------------------------------------------------------------------


def _table(done: dict, options: argparse.Namespace) -> str:
    lines = []
    for score, heading in (("harmonic", "H"), ("zsl", "T1")):
        lines += [
            f"\n| {heading} of {', '.join(map(str, options.counts))} seen classes | "
            + " | ".join(map(str, options.counts))
            + " |",
            "|---|" + "---|" * len(options.counts),
        ]
        for row in options.only or ROWS:
            values = [_values(done, row, count, options.seeds, score) for count in options.counts]
            if any(values):
                lines.append(f"| {row} | " + " | ".join(map(_interval, values)) + " |")
    return "\n".join(lines)


def _values(done: dict, row: str, count: int, seeds: int, score: str) -> list[float]:
    cells = [done.get(f"{row}|{count}|{seed}", {}) for seed in range(seeds)]
    return [cell[score] for cell in cells if score in cell]


def _interval(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {student_half_width(values):.1f}" if values else "-"


def _figure(done: dict, options: argparse.Namespace):
    from gsmflow_lite.figures.style import PALETTE, open_axes, still_figure

    caption = f"Hangul, 60 unseen syllables; mean and 95 % interval of {options.seeds} seeds"
    figure = still_figure(9, 4.2, "How many classes must one have seen?", caption)
    for axes, (score, label) in zip(
        figure.subplots(1, 2, sharey=True), (("harmonic", "H (%)"), ("zsl", "T1 (%)")), strict=True
    ):
        for row, colour in zip(options.only or ROWS, PALETTE, strict=False):
            values = [_values(done, row, count, options.seeds, score) for count in options.counts]
            if all(values):
                means = [np.mean(value) for value in values]
                errors = [student_half_width(value) for value in values]
                style = {"marker": "o", "capsize": 3, "color": colour, "label": row}
                axes.errorbar(options.counts, means, errors, **style)
        axes.set(xscale="log", ylim=(0, 100), xlabel="seen classes", title=label)
        axes.set_xticks(options.counts, list(map(str, options.counts)))
        axes.minorticks_off()
        open_axes(axes)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


if __name__ == "__main__":
    main()
