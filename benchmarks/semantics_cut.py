"""Compare a flow that has semantics in every coupling block with one from which they are cut out.

    python benchmarks/semantics_cut.py --out docs/images/semantics_cut.png

Three flows: the usual one; one that does not start from a ridge-Gaussian, so that its coupling
blocks are the only way for a description to get in; and that one with the semantics cut out of all
its blocks.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from gsmflow_lite import figures, glyphs, lite, run
from gsmflow_lite.scores.protocol import flow

FLOWS = {
    "the usual flow": ({}, {}),
    "without a ridge start": ({"start": "none"}, {"prototype_weight": 3.0}),
    "semantics cut out": ({"start": "none", "semantics": "none"}, {"prototype_weight": 3.0}),
}
TEMPERATURE = 0.5  # of the pictures: nearer to what is typical of a class than a draw at 1 is


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/images/semantics_cut.png"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    d = glyphs()
    rng = np.random.default_rng(options.seed)
    drawn = [
        d.decode(d.features[rng.choice(d.of_class(k, d.test_unseen), 1)])[0]
        for k in d.unseen_classes
    ]
    rows = {"real": np.stack(drawn)}
    chance = 100 / len(d.attributes)
    for label, (model, training) in FLOWS.items():
        config = lite("glyphs")
        config = replace(
            config,
            model=replace(config.model, **model),
            training=replace(config.training, **training),
        )
        outcome = run(flow(config, device="cpu"), d, seed=options.seed)
        chance_t1 = 100 / len(d.unseen_classes)
        print(f"{label}: {outcome.scores} (chance: U {chance:.1f}, T1 {chance_t1:.1f})")
        synthesized = outcome.generator.synthesize(
            d.attributes[d.unseen_classes], 2, temperature=TEMPERATURE, seed=options.seed
        )
        rows[label] = np.stack([d.decode(synthesized[:, i].numpy()) for i in range(2)])
    names = [d.class_names[k] for k in d.unseen_classes]
    figure = figures.picture_grid(
        rows,
        columns=names,
        title="Letters that the flow has never seen",
        caption=f"temperature {TEMPERATURE}, seed {options.seed}",
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
