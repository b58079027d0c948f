"""Inject known doses of each shift, and look whether the meters measure what they say.

    python benchmarks/meters.py --json meters.json                  # the Gaussian world and glyphs
    python benchmarks/meters.py --json meters.json --flo FOLDER --features lite0

Prints, for each shift injected, the rank correlation of each meter with the dose and whether the
others stayed inside the intervals that they had without it; then, for every metric and shift, the
dose from which on the metric sees it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gsmflow_lite import DataError, RealSamples, gaussian_world, glyphs, lite, load
from gsmflow_lite.datasets import GaussianWorld, GZSLDataset
from gsmflow_lite.shifts.dose_response import LIFELIKE, PURE, dose_response, first_seen, proof
from gsmflow_lite.storage import write_json


class Truth:
    """The Gaussian world itself as a generator: fresh samples of the true distributions."""

    def __init__(self, world: GaussianWorld) -> None:
        self.world = world

    def synthesize(
        self, attributes, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> torch.Tensor:
        matches = [
            np.flatnonzero((self.world.dataset.attributes == a).all(1))
            for a in np.asarray(attributes)
        ]
        if not all(map(len, matches)):
            raise DataError("the world has no class of these attributes")
        drawn = self.world.sample([m[0] for m in matches], n, seed=seed + 1)
        return torch.from_numpy(drawn).float()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--flo", metavar="FOLDER", help="real benchmark features as well")
    parser.add_argument("--features")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    result = {}
    for name in ["gaussian_world", "glyphs", *(["FLO"] if options.flo else [])]:
        frame = pd.concat(
            [_responses(*_setting(name, seed, options), seed) for seed in range(options.seeds)]
        )
        result[name] = {key: table.to_dict("records") for key, table in _tables(frame).items()} | {
            "responses": frame.round(5).to_dict("records")
        }
        _show(name, options.seeds, **_tables(frame))
    write_json(options.json, _without_nan(result))


def _setting(name: str, seed: int, options: argparse.Namespace) -> tuple[GZSLDataset, object, int]:
    """A data set, a perfect generator that hands out none of its test rows, and a sample size."""
    if name == "gaussian_world":
        world = gaussian_world(64, seed=seed)
        return world.dataset, Truth(world), 200
    config = lite("glyphs" if name == "glyphs" else "features")
    dataset = glyphs() if name == "glyphs" else load(options.flo, features=options.features)
    dataset = dataset.preprocessed(config.preprocessing, config.components)
    rows, rest = dataset.split_unseen(seed=seed)
    # No more than the smallest class has, so that no row comes twice.
    fewest = min(len(dataset.of_class(k, rows)) for k in dataset.unseen_classes)
    return rest, RealSamples(dataset, rows), min(200, fewest)


def _responses(dataset: GZSLDataset, source, n: int, seed: int) -> pd.DataFrame:
    return dose_response(dataset, source, doses=PURE | LIFELIKE, n=n, seed=seed, known=True)


def _tables(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {"proof": proof(frame), "first_seen": first_seen(frame)}


def _show(name: str, seeds: int, *, proof: pd.DataFrame, first_seen: pd.DataFrame) -> None:
    print(
        f"\n## {name}, {seeds} seeds: "
        "rank correlation with the dose (lowest over seeds), or doses inside the interval\n"
    )
    print(f"| injected | {' | '.join(PURE)} |\n|---|{'---|' * len(PURE)}")
    for shift, rows in proof.groupby("shift", sort=False):
        cells = [
            f"**{r.rank_correlation:.2f}** ({r.lowest:.2f})"
            if r.meter == shift
            else f"{100 * r.inside:.0f} % inside"
            for r in rows.itertuples()
        ]
        print(f"| {shift} | {' | '.join(cells)} |")
    print(
        f"\n## {name}: the dose from which on a metric sees a shift "
        "(- : blind; better: it says that things improve)\n"
    )
    shifts = list(PURE | LIFELIKE)
    print(f"| metric | {' | '.join(shifts)} |\n|---|{'---|' * len(shifts)}")
    for metric, rows in first_seen.groupby("metric", sort=False):
        found = {
            r.shift: "-" if np.isnan(r.dose) else f"{r.dose:g}{'' if r.worse else ' better'}"
            for r in rows.itertuples()
        }
        print(f"| {metric} | {' | '.join(found.get(shift, '') for shift in shifts)} |")


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


if __name__ == "__main__":
    main()
