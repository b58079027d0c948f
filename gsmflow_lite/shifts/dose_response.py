"""Which metric sees which shift: every metric at every dose of every injected shift, the meters' own and well-known others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from ..datasets.base import GZSLDataset
from ..generators.base import Generator
from . import metrics
from .estimates import BY_NAME, Metric
from .halves import Halves, leading_axes
from .injection import Injected
from .report import HEADLINES, interval, measure, real_features, synthesized_features

if TYPE_CHECKING:
    import pandas as pd

PURE = {
    "semantic": (0.0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "variance": (0.0, 0.15, 0.3, 0.45, 0.6, 0.75),
    "structure": (0.0, 0.25, 0.5, 0.75, 1.0, 1.5),
}
LIFELIKE = {
    "too wide": (0.0, -0.15, -0.3, -0.45, -0.6, -0.75),  # negative doses of variance
    "mixed": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "towards_seen": (0.0, 0.15, 0.3, 0.45, 0.6, 0.75),
}
KNOWN = (
    Metric("known", "precision", "higher", "share of synthesized rows within the real manifold"),
    Metric(
        "known",
        "recall, not centred",
        "higher",
        "share of real rows within the synthesized manifold",
    ),
    Metric(
        "known",
        "density",
        "one",
        "real balls that hold a synthesized row, over the number of neighbours",
    ),
    Metric("known", "coverage", "higher", "share of real balls that hold a synthesized row"),
    Metric("known", "MMD", "lower", "squared maximum mean discrepancy"),
    Metric(
        "known",
        "linear test",
        "half",
        "AUC of telling synthesized from real rows by a linear classifier",
    ),
)
BY_KNOWN_NAME = {metric.name: metric for metric in KNOWN}
REPEATS = 10  # of the well-known metrics
DOSE_ROWS = 100  # of each half for them


def dose_response(
    dataset: GZSLDataset,
    source: Generator,
    *,
    doses: Mapping[str, Sequence[float]] = PURE,
    n: int = 200,
    seed: int = 0,
    repeats: int = 40,
    known: bool = False,
) -> pd.DataFrame:
    """Inject each shift into ``source`` at each of its doses and measure: one row per shift, dose and metric.

    Columns: ``shift``, ``dose``, ``seed``, ``meter``, ``metric``, ``value``, ``low``, ``high``, ``badness`` (what is larger the
    worse a value is). The first dose of each shift should be 0: what follows is compared with it. ``known`` adds metrics of
    the literature that are no part of the meters. ``dataset`` must not hold the rows that ``source`` hands out as its test.
    """
    import pandas as pd

    rows = []
    for shift, ladder in doses.items():
        for dose in ladder:
            generator = Injected(
                dataset, source, **{"variance" if shift == "too wide" else shift: dose}, seed=seed
            )
            found = [
                (BY_NAME[r.metric], r.value, r.low, r.high)
                for r in _readings(dataset, generator, n, seed, repeats)
            ]
            if known:
                found += _known(dataset, generator, n, seed)
            for metric, value, low, high in found:
                bad = -float(metric.goodness(np.float64(value)))
                rows.append(
                    (shift, abs(dose), seed, metric.meter, metric.name, value, low, high, bad)
                )
    return pd.DataFrame(
        rows,
        columns=["shift", "dose", "seed", "meter", "metric", "value", "low", "high", "badness"],
    )


def _readings(dataset: GZSLDataset, generator: Generator, n: int, seed: int, repeats: int):
    report = measure(dataset, generator, n=n, seed=seed, repeats=repeats)
    return [r for r in report.readings if r.label is None and np.isfinite(r.value)]


def _known(
    dataset: GZSLDataset, generator: Generator, n: int, seed: int
) -> list[tuple[Metric, float, float, float]]:
    """Well-known metrics between real and synthesized halves of each class, means over classes, with intervals over repeats."""
    classes, real, _ = real_features(dataset, None)
    made = synthesized_features(generator, dataset, classes, n, seed)
    with threadpool_limits(1):
        halves = Halves(real, list(made), REPEATS, seed, partial(leading_axes, dataset, seed))
        by_class = [
            [_of_pair(a, g, seed) for a, _, g, _ in halves.triples(k, REPEATS, DOSE_ROWS)]
            for k in range(len(real))
        ]
    values = np.array(by_class).mean(0)  # (R, metrics)
    return [(m, float(v.mean()), *interval(v, m)) for m, v in zip(KNOWN, values.T, strict=True)]


def _of_pair(real: np.ndarray, made: np.ndarray, seed: int) -> list[float]:
    near = metrics.neighbourhood(real, made)
    linear = metrics.auc(*metrics.two_sample_scores(real, made, "linear", seed=seed))
    return [
        near["precision"],
        near["recall"],
        near["density"],
        near["coverage"],
        metrics.mmd(real, made),
        linear,
    ]


def proof(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each injected shift, what the three headlines do: rows of shift and meter with

    ``rank_correlation`` of badness with the dose, the mean over seeds (1: it gets worse step by step), its ``lowest`` over
    seeds, and ``inside``, the share of doses above 0 at which the value stays in the interval that it had at dose 0.
    """
    import pandas as pd

    rows = []
    for shift in PURE:
        for meter in PURE:
            own = frame[(frame["shift"] == shift) & (frame["metric"] == HEADLINES[meter])]
            ranks = [
                float(metrics.rank_correlation(one["dose"], one["badness"]))
                for _, one in own.groupby("seed")
            ]
            inside = np.concatenate([_inside(one) for _, one in own.groupby("seed")])
            rows.append(
                (shift, meter, float(np.mean(ranks)), float(np.min(ranks)), float(inside.mean()))
            )
    return pd.DataFrame(rows, columns=["shift", "meter", "rank_correlation", "lowest", "inside"])


def _inside(ladder: pd.DataFrame) -> np.ndarray:
    """Whether values at doses above 0 lie in the interval of dose 0."""
    start, rest = ladder[ladder["dose"] == 0].iloc[0], ladder[ladder["dose"] > 0]
    return rest["value"].between(start["low"], start["high"]).to_numpy()


def first_seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each metric and shift: the smallest dose from which on it has left the interval of dose 0, and which way.

    Columns ``meter``, ``metric``, ``shift``, ``dose`` (NaN: never, it is blind) and ``worse`` (whether the metric says so at
    the largest dose; a metric that improves under a shift misleads). In more than half of the seeds.
    """
    import pandas as pd

    rows = []
    for (meter, metric, shift), own in frame.groupby(["meter", "metric", "shift"], sort=False):
        ladders = [one.sort_values("dose") for _, one in own.groupby("seed")]
        left = np.mean([~_inside(one) for one in ladders], axis=0) > 0.5
        doses = ladders[0]["dose"].to_numpy()[1:]
        from_here = [bool(left[i:].all()) for i in range(len(left))]
        dose = float(doses[from_here.index(True)]) if any(from_here) else float("nan")
        change = np.mean([one["badness"].iloc[-1] - one["badness"].iloc[0] for one in ladders])
        rows.append((meter, metric, shift, dose, bool(change > 0)))
    return pd.DataFrame(rows, columns=["meter", "metric", "shift", "dose", "worse"])
