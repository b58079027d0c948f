"""Is the flow ahead on other unseen letters, too? The same comparison on several draws of them.

    python benchmarks/draws.py --draws 6 --json build/draws.json

A draw is ``dataset.resplit(seed)``: other letters are unseen. Everything is chosen on validation
classes of that draw. Prints H and T1 of each method by draw, and by how much the flow is ahead of
the best baseline of each draw, with a 95 % interval over draws (Student's t). Finished cells are
kept in the JSON file. A draw takes two minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from ablation import BASELINE, HEADINGS, PLAIN, filled, interval, methods_of

from gsmflow_lite import lite, load
from gsmflow_lite.presets import suited
from gsmflow_lite.storage import write_json

BASELINES = (BASELINE, PLAIN, "ESZSL")
FLOW = "lite"
SEED = 0  # of training


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    done = json.loads(options.json.read_text()) if options.json.exists() else {}
    settings = suited(options.dataset)
    config = lite(settings)
    methods = methods_of(settings)
    for draw in range(options.draws):
        dataset = load(options.dataset).resplit(draw)
        dataset = dataset.preprocessed(config.preprocessing, config.components)
        for name in (*BASELINES, FLOW):
            key = f"{name}|{draw}"
            if key not in done:
                done[key] = filled({}, methods[name], dataset, SEED, config.folds, None)
                write_json(options.json, done)
                print(f"{key:45s}{done[key]}", flush=True)
    for score in ("harmonic", "zsl"):
        print(_table(done, score, options.draws))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", default="glyphs", choices=["glyphs", "hangul"])
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, default=Path("build/draws.json"))
    return parser.parse_args()


def _table(done: dict[str, dict], score: str, draws: int) -> str:
    """The score of each method by draw, and the lead of the flow over the best baseline."""
    values = {
        name: np.array([done[f"{name}|{draw}"][score] for draw in range(draws)])
        for name in (*BASELINES, FLOW)
    }
    best = np.max([values[name] for name in BASELINES], axis=0)
    values["flow - best baseline"] = values[FLOW] - best
    heads = [*(f"draw {draw}" for draw in range(draws)), "mean"]
    lines = [f"\n| {HEADINGS[score]} | {' | '.join(heads)} |", "|---" * (draws + 2) + "|"]
    for name, row in values.items():
        shown = [*(f"{value:.1f}" for value in row), interval(row.tolist())]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
