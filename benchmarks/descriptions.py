"""How much do descriptions say, and can that be believed? Three tables.

    python benchmarks/descriptions.py coverage
    python benchmarks/descriptions.py expect --flowers FOLDER
    python benchmarks/descriptions.py order --flowers FOLDER

``coverage``: Gaussian classes of which a part of the attributes is told. How often does the 95 %
interval of the explained share hold the truth, which is the share over all draws together?

``expect``: the explained share of the seen classes, in the features as they came and whitened by
the scatter within classes, beside what linear regression then does for the unseen ones: the share
of their distance from the seen mean that it explains, how far it goes towards them, T1 of the
ridge-Gaussian's likelihood and of one with real means, and the semantic meter. The last lines are
rank correlations over the rows.

``order``: descriptions of other classes, by some slips. How often is that noted, and is the right
order named? *swapped* classes are counted among the worst described sixth.

``--flowers`` is a folder in the layout of Xian et al. with lite0.mat.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from gsmflow_lite import (
    GZSLDataset,
    RidgeGaussian,
    explained_share,
    gaussian_world,
    glyphs,
    hangul,
    lite,
    measure,
)
from gsmflow_lite.datasets import class_means, load_folder, within_covariance
from gsmflow_lite.datasets.class_order import order_note, other_order
from gsmflow_lite.datasets.left_out import LeftOut
from gsmflow_lite.method.start import GaussianStart, ridge_means
from gsmflow_lite.presets import suited
from gsmflow_lite.scores.evaluation import per_class_accuracy

WORLD = {"seen": 1990, "unseen": 10, "attributes": 16, "samples": 20}
TOLD = (2, 4, 8, 16)  # attributes of the 16 that descriptions tell
SIZES = (12, 25, 50, 100, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", choices=("coverage", "expect", "order"))
    parser.add_argument("--flowers", type=Path, metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    {"coverage": _coverage, "expect": _expect, "order": _order}[options.table](options)


# --- Does the interval hold? ----------------------------------------------------------------------


def _coverage(options: argparse.Namespace) -> None:
    print("| seen classes | attributes told | true share | mean width | holds the truth |")
    print("|---|---|---|---|---|")
    d = gaussian_world(**WORLD).dataset
    means = class_means(d, d.seen_classes, d.train)
    descriptions = d.attributes[d.seen_classes]
    for count in SIZES:
        for told in TOLD:
            rng = np.random.default_rng([count, told])
            found = []
            for _ in range(options.draws):
                drawn = rng.choice(len(means), count, replace=False)
                data = LeftOut.of(means[drawn], descriptions[drawn, :told])
                # Each draw is brought to its own size: undo that for the sums.
                size = np.abs(means[drawn] - means[drawn].mean(0)).max() ** 2
                found.append((*data.share, size * data.errors.sum(), size * data.without.sum()))
            _, low, high, errors, without = np.array(found).T
            truth = 1 - errors.sum() / without.sum()
            held = np.mean((low <= truth) & (truth <= high))
            print(
                f"| {count} | {told} | {truth:.1%} | {(high - low).mean():.1%} | {held:.1%} |",
                flush=True,
            )


# --- What to expect -------------------------------------------------------------------------------


def _expect(options: argparse.Namespace) -> None:
    print(
        "| data | share, seen (interval) | whitened | share, unseen | of the way | T1 | "
        "T1, real means | semantic meter |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = []
    for name, dataset in _data_sets(options.flowers):
        found = explained_share(dataset)
        share, way = _on_unseen(dataset)
        config = lite(suited(dataset.name))
        d = dataset.preprocessed(config.preprocessing, config.components)
        generator = RidgeGaussian.fit(d)
        unseen = d.unseen_classes
        asked = torch.from_numpy(d.attributes[unseen])
        t1 = [_t1(d, generator, asked), _t1(d, *_with_real_means(d, generator))]
        report = measure(d, generator, n=100, metrics=("agreement",))
        meter = report.reading("semantic").value
        white = _whitened_share(d)
        rows.append((found.share, white, share, way, t1[0], t1[0] / t1[1], meter))
        print(
            f"| {name} | {found.share:.1%} ({found.low:.1%} to {found.high:.1%}) | {white:.1%} | "
            f"{share:.1%} | {way:.1%} | {t1[0]:.1f} | {t1[1]:.1f} | {meter:.2f} |",
            flush=True,
        )
    from scipy.stats import spearmanr

    numbers = np.array(rows)
    what = ("share, unseen", "of the way", "T1", "T1 over that of real means", "semantic meter")
    for i, name in enumerate(what, start=2):
        raw, white = (spearmanr(numbers[:, j], numbers[:, i]).statistic for j in (0, 1))
        print(f"rank correlation of {name} with the share: {raw:.2f}, whitened: {white:.2f}")
    off = np.abs(numbers[:, 0] - numbers[:, 3])
    print(f"share against of the way: off by {off.mean():.1%} in the mean, {off.max():.1%} at most")


def _data_sets(flowers: Path | None) -> Iterator[tuple[str, GZSLDataset]]:
    yield "letters", _raw(glyphs())
    for seed in range(4):
        yield f"letters, split {seed}", _raw(glyphs()).resplit(seed)
    for count in (25, 50, 100, 200, 400):
        yield f"Hangul, {count} seen", _raw(hangul()).with_seen(count)
    if flowers is not None:
        d = load_folder(flowers, "lite0")
        yield "flowers", d
        for seed in range(3):
            yield f"flowers, split {seed}", d.resplit(seed)
    for told in (1, 2, 4, 8, 16):
        yield f"Gaussian world, {told} of 16 told", _world(told)


def _world(told: int) -> GZSLDataset:
    """Gaussian classes whose descriptions tell a part of the 16 attributes that move them."""
    d = gaussian_world(seen=60, unseen=15, attributes=16).dataset
    return replace(d, attributes=d.attributes[:, :told], attribute_names=())


def _raw(dataset: GZSLDataset) -> GZSLDataset:
    return dataset.origin or dataset


def _on_unseen(dataset: GZSLDataset) -> tuple[float, float]:
    """What the regression explains of where unseen classes lie, and how far it goes."""
    seen = class_means(dataset, dataset.seen_classes, dataset.train).mean(0)
    unseen = dataset.unseen_classes
    real = class_means(dataset, unseen, dataset.test_unseen) - seen
    weights = ridge_means(dataset).numpy()
    predicted = dataset.attributes[unseen] @ weights[:-1] + weights[-1] - seen
    size = (real**2).sum()
    return float(1 - ((real - predicted) ** 2).sum() / size), float((real * predicted).sum() / size)


def _whitened_share(dataset: GZSLDataset) -> float:
    """The share in units of the scatter within classes, which is what a classifier sees."""
    seen = dataset.seen_classes
    means = class_means(dataset, seen, dataset.train)
    covariance = within_covariance(dataset)
    covariance += 1e-6 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    white = np.linalg.solve(np.linalg.cholesky(covariance), means.T).T
    return LeftOut.of(white, dataset.attributes[seen]).share.value


def _with_real_means(
    dataset: GZSLDataset, generator: RidgeGaussian
) -> tuple[RidgeGaussian, torch.Tensor]:
    """The same Gaussians at the real means of the unseen classes, and how to ask for them."""
    unseen = dataset.unseen_classes
    means = torch.from_numpy(class_means(dataset, unseen, dataset.test_unseen))
    weights = torch.zeros(len(unseen) + 1, means.shape[1])
    weights[:-1] = means
    return RidgeGaussian(GaussianStart(weights, generator.start.root)), torch.eye(len(unseen))


def _t1(dataset: GZSLDataset, generator: RidgeGaussian, asked: torch.Tensor) -> float:
    """T1 of the likelihood, in per cent, where ``asked`` describes the unseen classes."""
    rows = dataset.test_unseen
    densities = generator.log_prob(torch.from_numpy(dataset.features[rows]), asked)
    answers = dataset.unseen_classes[densities.argmax(1).numpy()]
    return 100 * float(per_class_accuracy(dataset.labels[rows], answers).mean())


# --- Is another order noted? ----------------------------------------------------------------------


def _order(options: argparse.Namespace) -> None:
    print("| data | slip | tries | noted | right order named | swapped among the worst |")
    print("|---|---|---|---|---|---|")
    sets = {"letters": _raw(glyphs()), "Hangul, 100 seen": _raw(hangul()).with_seen(100)}
    if options.flowers is not None:
        sets["flowers"] = load_folder(options.flowers, "lite0")
    for told in (4, 16):
        sets[f"Gaussian world, {told} of 16 told"] = _world(told)
    for name, dataset in sets.items():
        for slip in (
            "none",
            "shuffled",
            "1 place",
            "3 places",
            "reversed",
            "2 swapped",
            "6 swapped",
            "half shuffled",
        ):
            _print_slip(name, dataset, slip, options.draws)


def _print_slip(name: str, dataset: GZSLDataset, slip: str, draws: int) -> None:
    tries = min(draws, 20) if slip in ("shuffled", "2 swapped", "6 swapped", "half shuffled") else 1
    noted = named = 0
    worst = []
    for i in range(tries):
        order = _slipped(slip, dataset, np.random.default_rng(i))
        moved = replace(
            dataset, attributes=dataset.attributes[order], attribute_groups=None, made_from=None
        )
        noted += bool(order_note(moved))
        other = other_order(moved)
        named += other is not None and bool((order[other.order] == np.arange(len(order))).all())
        touched = np.flatnonzero(order != np.arange(len(order)))
        if 0 < len(touched) <= 6:
            ranked = list(explained_share(moved).classes.index)
            last = set(ranked[-max(2, len(ranked) // 6) :])
            names = moved.unique_names
            worst.append(np.mean([names[k] in last for k in touched]))
    among = f"{np.mean(worst):.0%}" if worst else "-"
    print(f"| {name} | {slip} | {tries} | {noted} | {named} | {among} |", flush=True)


def _slipped(slip: str, dataset: GZSLDataset, rng: np.random.Generator) -> np.ndarray:
    """The row of the attributes that each class gets by a slip."""
    own = np.arange(len(dataset.attributes))
    if slip == "none":
        return own
    if slip == "shuffled":
        return rng.permutation(own)
    if slip.endswith(("place", "places")):
        return np.roll(own, int(slip[0]))
    if slip == "reversed":
        return own[::-1].copy()
    seen = dataset.seen_classes
    count = len(seen) // 2 if slip == "half shuffled" else int(slip[0])
    chosen = rng.choice(seen, count, replace=False)
    own[chosen] = rng.permutation(chosen) if count > 6 else np.roll(chosen, 1)
    return own


if __name__ == "__main__":
    main()
