"""Which metric sees which shift: every metric at every dose of every injected shift.

It covers the metrics of the meters and, where wanted, well-known metrics of the literature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from threadpoolctl import threadpool_limits

from ..datasets.base import GZSLDataset
from ..events import Stage, Step, Watch
from ..generators.base import Generator
from . import metrics
from .halves import Halves, leading_axes
from .injection import Injected
from .measuring import measure, real_features, synthesized_features
from .meters import BY_NAME, HEADLINES
from .metric import Metric
from .two_sample import auc, two_sample_scores

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
    Metric(
        meter="known",
        name="precision",
        better="higher",
        text="share of synthesized rows within the real manifold",
    ),
    Metric(
        meter="known",
        name="recall, not centred",
        better="higher",
        text="share of real rows within the synthesized manifold",
    ),
    Metric(
        meter="known",
        name="density",
        better="one",
        text="real balls that hold a synthesized row, over the number of neighbours",
    ),
    Metric(
        meter="known",
        name="coverage",
        better="higher",
        text="share of real balls that hold a synthesized row",
    ),
    Metric(
        meter="known",
        name="MMD",
        better="lower",
        text="squared maximum mean discrepancy",
    ),
    Metric(
        meter="known",
        name="linear test",
        better="half",
        text="AUC of telling synthesized from real rows by a linear classifier",
    ),
)
KNOWN_REPEATS = 10  # of the well-known metrics
KNOWN_ROWS = 100  # of each half for them


class Response(NamedTuple):
    """One metric at one dose: a row of the table that :func:`dose_response` gives."""

    shift: str
    dose: float
    seed: int
    meter: str
    metric: str
    value: float
    low: float
    high: float
    badness: float


class Measured(NamedTuple):
    """The value of one metric, with its 95 % interval."""

    metric: Metric
    value: float
    low: float
    high: float


def dose_response(
    dataset: GZSLDataset,
    source: Generator,
    *,
    doses: Mapping[str, Sequence[float]] = PURE,
    n: int = 200,
    seed: int = 0,
    repeats: int = 40,
    known: bool = False,
    watch: Watch = lambda event: None,
) -> pd.DataFrame:
    """Inject each shift into ``source`` at each of its doses, and measure.

    There is a row for each shift, dose and metric. The columns are ``shift``, ``dose``, ``seed``,
    ``meter``, ``metric``, ``value``, ``low``, ``high`` and ``badness``, which is larger the worse
    the value is. The first dose of each shift should be 0, because the others are compared with it.

    ``known`` adds metrics of the literature that do not belong to the meters. ``dataset`` must not
    hold, as its test rows, the rows that ``source`` hands out. ``watch`` is told of each dose that
    is done.
    """
    import pandas as pd

    rows: list[Response] = []
    done, total = 0, sum(map(len, doses.values()))
    watch(Stage("measuring doses", total))
    for shift, ladder in doses.items():
        for dose in ladder:
            generator = _injected(dataset, source, shift, dose, seed)
            numbers = [*_of_meters(dataset, generator, n, seed, repeats)]
            if known:
                numbers += _of_known(dataset, generator, n, seed)
            rows += [_response(shift, dose, seed, measured) for measured in numbers]
            done += 1
            watch(Step("measuring doses", done, total))
    return pd.DataFrame(rows, columns=list(Response._fields))


def _injected(
    dataset: GZSLDataset,
    source: Generator,
    shift: str,
    dose: float,
    seed: int,
) -> Injected:
    name = "variance" if shift == "too wide" else shift
    return Injected(dataset, source, **{name: dose}, seed=seed)


def _response(shift: str, dose: float, seed: int, measured: Measured) -> Response:
    metric, value, low, high = measured
    badness = -float(metric.goodness(np.array(value)))
    return Response(shift, abs(dose), seed, metric.meter, metric.name, value, low, high, badness)


def _of_meters(
    dataset: GZSLDataset,
    generator: Generator,
    n: int,
    seed: int,
    repeats: int,
) -> Iterator[Measured]:
    """Give the metrics of the meters, of all classes together, as far as they are measured."""
    report = measure(dataset, generator, n=n, seed=seed, repeats=repeats)
    for r in report.readings:
        if r.label is None and r.measured:
            yield Measured(BY_NAME[r.metric], r.value, r.low, r.high)


def _of_known(dataset: GZSLDataset, generator: Generator, n: int, seed: int) -> Iterator[Measured]:
    """Give the well-known metrics between real and synthesized halves: means over classes."""
    classes, real, _ = real_features(dataset, None)
    synthesized = synthesized_features(generator, dataset, classes, n, seed)
    with threadpool_limits(1):
        axes = partial(leading_axes, dataset, seed)
        halves = Halves(real, list(synthesized), KNOWN_REPEATS, seed, axes)
        by_class = [_known_numbers(halves, k, seed) for k in range(halves.count)]

    for metric, values in zip(KNOWN, np.mean(by_class, 0).T, strict=True):
        yield Measured(metric, float(values.mean()), *metric.interval(values))


def _known_numbers(halves: Halves, k: int, seed: int) -> list[list[float]]:
    """Return the numbers of :data:`KNOWN` on one class, for each repeat."""
    numbers = []
    for rows in halves.drawn(k, KNOWN_REPEATS, KNOWN_ROWS):
        real = rows.first
        synthesized = rows.synthesized
        near = metrics.neighbourhood(real, synthesized)
        scores = two_sample_scores(real, synthesized, "linear", seed=seed)
        of_manifolds = [near[name] for name in ("precision", "recall", "density", "coverage")]
        numbers.append([*of_manifolds, metrics.mmd(real, synthesized), float(auc(*scores))])
    return numbers


def proof(frame: pd.DataFrame) -> pd.DataFrame:
    """Say what the three headlines do under each injected shift: a row for each shift and meter.

    ==================== ===========================================================================
    ``rank_correlation`` of badness with the dose, mean over seeds; 1 where each step is worse
    ``lowest``           the lowest of these correlations over seeds
    ``inside``           the share of doses above 0 at which the value stays in the interval that it
                         had at dose 0
    ==================== ===========================================================================

    A meter should have a rank correlation of 1 under its own shift, and stay inside under others.
    """
    import pandas as pd

    rows = []
    for shift in PURE:
        for meter in PURE:
            chosen = (frame["shift"] == shift) & (frame["metric"] == HEADLINES[meter])
            rows.append((shift, meter, *_proof_numbers(frame[chosen])))
    return pd.DataFrame(rows, columns=["shift", "meter", "rank_correlation", "lowest", "inside"])


def _proof_numbers(responses: pd.DataFrame) -> tuple[float, float, float]:
    ladders = [ladder for _, ladder in responses.groupby("seed")]
    ranks = [metrics.rank_correlation(ladder["dose"], ladder["badness"]) for ladder in ladders]
    inside = np.concatenate([_inside(ladder) for ladder in ladders])
    return float(np.mean(ranks)), float(np.min(ranks)), float(inside.mean())


def _inside(ladder: pd.DataFrame) -> Bool[np.ndarray, " doses"]:
    """Say which values at doses above 0 lie in the interval of dose 0."""
    start = ladder[ladder["dose"] == 0].iloc[0]
    later = ladder[ladder["dose"] > 0]
    return later["value"].between(start["low"], start["high"]).to_numpy()


def first_seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Say from which dose on each metric sees each shift.

    Columns are ``meter``, ``metric``, ``shift``, ``dose`` and ``worse``. ``dose`` is the smallest
    one from which on the value has left the interval of dose 0, in more than half of the seeds.
    NaN means never: the metric is blind. ``worse`` is whether the metric is worse at the largest
    dose than at 0. A metric that improves under a shift misleads.
    """
    import pandas as pd

    rows = []
    for key, responses in frame.groupby(["meter", "metric", "shift"], sort=False):
        ladders = [ladder.sort_values("dose") for _, ladder in responses.groupby("seed")]
        change = np.mean([_change(ladder) for ladder in ladders])
        rows.append((*key, _first_dose_outside(ladders), bool(change > 0)))
    return pd.DataFrame(rows, columns=["meter", "metric", "shift", "dose", "worse"])


def _first_dose_outside(ladders: Sequence[pd.DataFrame]) -> float:
    """Return the smallest dose from which on most seeds are outside; NaN where there is none."""
    outside = np.mean([~_inside(ladder) for ladder in ladders], axis=0) > 0.5
    doses = ladders[0]["dose"].to_numpy()[1:]
    for place, dose in enumerate(doses):
        if outside[place:].all():
            return float(dose)
    return float("nan")


def _change(ladder: pd.DataFrame) -> Float[np.ndarray, ""]:
    """Return by how much the metric is worse at the largest dose than at the smallest."""
    badness = ladder["badness"].to_numpy()
    return badness[-1] - badness[0]
