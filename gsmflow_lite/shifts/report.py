"""How far synthesized features have drifted from reality: three meters and an overall view, each with floor, ceiling, interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..config import check_seed
from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError
from ..generators.base import Generator, ask
from ..generators.stored import FromFile, RealSamples
from . import meters
from .estimates import BY_NAME, METRICS, Estimate, Goodness, Metric
from .halves import Halves, leading_axes
from .readout import AttributeReadout

if TYPE_CHECKING:
    import pandas as pd

SHIFTS = ("semantic", "variance", "structure")  # the three generation shifts, each with its meter
METERS = (*SHIFTS, "overall")
HEADLINES = {
    name: next(metric.name for metric in METRICS if metric.meter == name) for name in METERS
}
FINE, SHIFTED = 0.8, 0.5  # scores from which on a reading is fine, and below which it is shifted
NOT_MEASURED = "not measured"
STORED = (FromFile, RealSamples)  # generators that have so many rows and no more
LEAST = 4  # rows of a class that can be halved and still have a spread


@dataclass(frozen=True)
class Reading:
    """One metric on one class, or on all (``label`` None).

    ``value`` with its 95 % interval ``low`` to ``high``; ``floor``, what it would be if the labels were shuffled (for
    variance: if every sample were the same); ``ceiling``, what real features get against real ones with as many rows.
    ``score`` is where the value lies between the two, 0 to 1. ``word``:

    - ``fine``: the score is at least 0.8;
    - ``shifted``: it is below 0.5, and how good value and ceiling are differs beyond the 95 % intervals of both;
    - ``watch``: anything else, and a distance order that chance explains (Mantel's p of 0.05 or more);
    - ``not measured``: the numbers are NaN, and the report's ``notes`` say why.

    Where real features do no better than the floor there is no scale to judge by: the word is ``watch``, and the score is 1 or
    0 as the value reaches the ceiling or not.
    """

    meter: str
    metric: str
    label: str | None
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    score: float
    word: str


@dataclass(frozen=True, eq=False)
class ShiftReport:
    """What :func:`measure` found.

    ``readings`` of every metric, of all classes together first; ``classes`` (U,) and their ``names``; ``asked``, ``read_real``
    and ``read_made`` (U, A): attributes as described and as read off real and synthesized class means, in units of their spread
    among seen classes, with their ``readability`` (A,), 0 to 1; ``responses``: for each permuted attribute, how far it was
    followed; ``mantel_p`` of the distance order; ``changed``: names of classes (c, i, j) and a size, where i is nearer to c
    than j in reality and further away in imagination, beyond chance (at 5 % for all together);
    ``settings`` that repeat the measurement; ``notes`` on what was not measured and why.
    """

    readings: tuple[Reading, ...]
    classes: np.ndarray
    names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    asked: np.ndarray
    read_real: np.ndarray
    read_made: np.ndarray
    readability: np.ndarray
    responses: dict[str, float]
    mantel_p: float | None
    changed: tuple[tuple[str, str, str, float], ...]
    settings: dict[str, Any]
    notes: tuple[str, ...]

    @cached_property
    def _by_key(self) -> dict[tuple[str, str | None], Reading]:
        return {(reading.metric, reading.label): reading for reading in self.readings}

    def reading(self, metric: str, label: str | None = None) -> Reading:
        """One metric by name (a meter's name stands for its headline), of a class by name or of all (None).

        Raises ``ConfigError`` for a metric or class that is not there.
        """
        key = (HEADLINES.get(metric, metric), label)
        if key not in self._by_key:
            known, names = (
                ", ".join(m.name for m in METRICS),
                ", ".join(self.names[:5]) + " ..." * (len(self.names) > 5),
            )
            raise ConfigError(
                f"there is no reading of {metric!r} for {label!r}: metrics are {known}; classes are {names}, or None for all"
            )
        return self._by_key[key]

    def table(self, *, by_class: bool = False) -> pd.DataFrame:
        """The readings of all classes together, one row each, or of every class with ``by_class``."""
        import pandas as pd

        table = pd.DataFrame(
            [asdict(r) for r in self.readings if (r.label is not None) == by_class]
        )
        if by_class:
            return table.rename(columns={"label": "class"}).set_index(["meter", "metric", "class"])
        return table.drop(columns="label").set_index(["meter", "metric"])

    def attribute_table(self) -> pd.DataFrame:
        """What each class says of each attribute: read off synthesized minus read off real means, (U, A), in units of spread."""
        import pandas as pd

        return pd.DataFrame(
            self.read_made - self.read_real,
            index=list(self.names),
            columns=list(self.attribute_names),
        )

    def worst(self) -> list[tuple[str, float, str]]:
        """Classes by their lowest score among the three headlines, worst first: name, score, and the meter that it is of."""
        found = []
        for name in self.names:
            scores = {m: self.reading(m, name).score for m in METERS[:3]}
            measured = {m: s for m, s in scores.items() if np.isfinite(s)}
            if measured:
                meter = min(measured, key=measured.__getitem__)
                found.append((name, measured[meter], meter))
        return sorted(found, key=lambda one: one[1])

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: what was not measured is None."""
        plain = lambda x: None if isinstance(x, float) and not np.isfinite(x) else x  # noqa: E731
        return {
            "readings": [
                {key: plain(value) for key, value in asdict(r).items()} for r in self.readings
            ],
            "classes": list(self.names),
            "attributes": {
                "names": list(self.attribute_names),
                **{
                    key: np.round(getattr(self, key), 4).tolist()
                    for key in ("asked", "read_real", "read_made", "readability")
                },
            },
            "responses": {name: round(value, 4) for name, value in self.responses.items()},
            "mantel_p": self.mantel_p,
            "changed_places": [list(one) for one in self.changed],
            "settings": self.settings,
            "notes": list(self.notes),
            "sentence": self.sentence,
        }

    @property
    def sentence(self) -> str:
        """The meters whose headlines were asked for, in words for a student."""
        parts = [
            say(self.reading(name))
            for name, say in SENTENCES.items()
            if (HEADLINES[name], None) in self._by_key
        ]
        *first, last = parts or [""]
        return "; and ".join(filter(None, ["; ".join(first), last])) + "." * bool(parts)

    def __str__(self) -> str:
        head = f"{'':10s} {'metric':18s}{'value':>10s}{'95 % interval':>25s}{'floor':>10s}{'ceiling':>10s}{'score':>7s}  word"
        rows = [
            f"{r.meter:10s} {r.metric:18s}{r.value:10.4g}{f'{r.low:.4g} to {r.high:.4g}':>25s}"
            f"{r.floor:10.4g}{r.ceiling:10.4g}{r.score:7.2f}  {r.word}"
            for r in self.readings
            if r.label is None
        ]
        return "\n".join(
            [self.sentence, "", head, *rows, *(f"note: {note}" for note in self.notes)]
        )


def measure(
    dataset: GZSLDataset,
    generator: Generator,
    *,
    n: int = 400,
    seed: int = 0,
    classes: Sequence[int] | None = None,
    repeats: int = 40,
    metrics: Sequence[str] | None = None,
) -> ShiftReport:
    """Measure the three generation shifts of ``generator``, with ``n`` synthesized features a class.

    ``classes``: numbers of the classes to measure, the unseen ones where None; seen ones are compared with their test rows.
    Larger ``repeats`` makes intervals steadier. ``metrics``: names of those that are wanted (a meter's name stands for its
    headline), all where None; the three headlines alone take a twentieth of the time. How each number comes about:
    :mod:`gsmflow_lite.shifts.meters`; the words: :class:`Reading`. Raises ``DataError`` where nothing can be compared: fewer than 4
    rows, or features that are not finite; ``ConfigError`` for unknown metrics, n below 4 or fewer than 2 repeats.
    """
    check_seed(seed)
    if n < LEAST or repeats < 2:
        raise ConfigError(
            f"measuring needs n of at least {LEAST} and at least 2 repeats, got n {n} and {repeats} repeats"
        )
    n, seed, repeats = int(n), int(seed), int(repeats)  # of NumPy, small ones overflow
    wanted = _wanted(metrics)
    classes, real, notes = real_features(dataset, classes)
    made = synthesized_features(generator, dataset, classes, n, seed)
    stored = _stored(generator)
    if stored is not None:
        held = dict(zip(stored.classes.tolist(), stored.counts.tolist(), strict=True))
        fewest = min(held.get(int(k), n) for k in classes)
        if fewest < n:
            notes.append(
                f"some classes have only {fewest} stored rows, so that rows came again: ask for n of {fewest} at most"
            )
    with threadpool_limits(
        1
    ):  # thousands of small matrices: a second thread costs more than it brings
        halves = Halves(real, list(made), repeats, seed, partial(leading_axes, dataset, seed))
        return _report(dataset, generator, classes, halves, notes, wanted)


def _stored(generator: Generator) -> FromFile | RealSamples | None:
    """The generator of stored rows that this one is, or changes (:class:`Injected`, :class:`AtTemperature`)."""
    while not isinstance(generator, STORED):
        generator = getattr(generator, "source", None)
        if not isinstance(generator, Generator):
            return None
    return generator


def _wanted(metrics: Sequence[str] | None) -> frozenset[str]:
    """Names of metrics, with headlines for meters."""
    if metrics is None:
        return frozenset(BY_NAME)
    wanted = frozenset(HEADLINES.get(name, name) for name in metrics)
    unknown = sorted(wanted - BY_NAME.keys())
    if unknown or not wanted:
        raise ConfigError(
            f"metrics must be among {', '.join((*HEADLINES, *BY_NAME))}, got {unknown or metrics!r}"
        )
    return wanted


def _report(
    dataset: GZSLDataset,
    generator: Generator,
    classes: np.ndarray,
    halves: Halves,
    notes: list[str],
    wanted: frozenset[str],
) -> ShiftReport:
    readout = AttributeReadout.fit(dataset)
    named = [dataset.unique_names[k] for k in classes]
    found = _Collector(named, notes, wanted)
    found.add("agreement", lambda: [meters.agreement(halves, readout, dataset.attributes, classes)])
    found.add("own class", lambda: [meters.own_class(halves)])
    answers = None
    if "response" in wanted:
        answers = found.attempt(
            "response", lambda: _answers(generator, readout, dataset, classes, halves.seed)
        )
    if answers is not None:
        found.add("response", lambda: [answers.estimate(halves.repeats, halves.seed)])
    found.add("spread", lambda: [meters.spread(halves)])
    found.add("effective rank, volume", lambda: meters.spectra(halves))
    found.add("recall", lambda: [meters.recall_estimate(halves)])
    found.add(
        "distance order, disparity, scale, neighbour order",
        lambda: meters.structure(halves),
        name="structure",
    )
    found.add("Frechet, sliced Wasserstein", lambda: meters.overall(halves))
    found.add(
        "quadratic test, neighbour test",
        lambda: meters.two_sample_tests(halves),
        name="two-sample tests",
    )
    p = halves.mantel[0] if "distance order" in found.estimates else None
    return ShiftReport(
        readings=tuple(_by_chance(reading, p) for reading in found.readings()),
        classes=classes,
        names=tuple(named),
        attribute_names=tuple(dataset.attribute_names),
        asked=readout.standardise(dataset.attributes[classes]),
        read_real=readout.read(np.stack([x.mean(0, dtype=np.float64) for x in halves.real])),
        read_made=readout.read(np.stack([x.mean(0, dtype=np.float64) for x in halves.made])),
        readability=readout.readability,
        responses={dataset.attribute_names[j]: slope for j, slope in answers.slopes().items()}
        if answers
        else {},
        mantel_p=p,
        changed=tuple(
            (named[c], named[i], named[j], size) for c, i, j, size in meters.changed_places(halves)
        ),
        settings={
            "dataset": dataset.name,
            "n": len(halves.made[0]),
            "seed": halves.seed,
            "repeats": halves.repeats,
        },
        notes=tuple(found.notes),
    )


def _answers(
    generator: Generator, readout: AttributeReadout, dataset: GZSLDataset, classes, seed: int
) -> meters.Answers:
    if isinstance(generator, STORED):
        raise DataError(
            "stored features cannot be asked what they would be for another description"
        )
    return meters.Answers.of(generator, readout, dataset, classes, seed)


def real_features(
    dataset: GZSLDataset, classes: Sequence[int] | None
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """The classes that can be measured, (U,), their real test rows, (n, D) each, and a note on those that cannot.

    Raises ``DataError`` for classes that are not there, or none with enough rows.
    """
    wanted = dataset.unseen_classes if classes is None else np.asarray(classes)
    known = np.union1d(dataset.seen_classes, dataset.unseen_classes)
    if (
        wanted.ndim != 1
        or not len(wanted)
        or not np.isin(wanted, known).all()
        or len(np.unique(wanted)) < len(wanted)
    ):
        raise DataError(
            f"classes must be different class numbers from 0 to {len(dataset.attributes) - 1}, got {classes}"
        )
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    rows = {int(k): dataset.of_class(k, tests) for k in wanted}
    kept = [k for k in rows if len(rows[k]) >= LEAST]
    few = [dataset.class_names[k] for k in rows if len(rows[k]) < LEAST]
    if not kept:
        raise DataError(
            f"to be measured a class needs at least {LEAST} real test rows, but none of {', '.join(few[:5])} has: give more"
        )
    notes = [f"left out, for want of {LEAST} real test rows: {', '.join(few)}"] if few else []
    return np.array(kept), [dataset.features[rows[k]] for k in kept], notes


def synthesized_features(
    generator: Generator, dataset: GZSLDataset, classes: np.ndarray, n: int, seed: int
) -> np.ndarray:
    """Synthesized features of ``classes`` (U,): (U, n, D), known to be of the right shape and finite."""
    names, width = [dataset.class_names[k] for k in classes], dataset.features.shape[1]
    return (
        ask(generator, dataset.attributes[classes], n, seed=seed, width=width, names=names)
        .cpu()
        .numpy()
    )


class _Collector:
    """Gathers estimates; what cannot be measured becomes a note and a reading that says so."""

    def __init__(self, names: Sequence[str], notes: list[str], wanted: frozenset[str]) -> None:
        self.names, self.notes, self.wanted = names, notes, wanted
        self.estimates: dict[str, Estimate] = {}

    def attempt(self, what: str, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, or None and a note where it cannot."""
        try:
            return make()
        except DataError as error:
            self.notes.append(f"{what}: {error}")

    def add(
        self, metrics: str, make: Callable[[], Sequence[Estimate]], name: str | None = None
    ) -> None:
        """Of ``metrics``, those that are wanted, made together; notes call them ``name``."""
        if self.wanted.isdisjoint(metrics.split(", ")):
            return
        for estimate in self.attempt(name or metrics, make) or ():
            self.estimates[estimate.metric.name] = estimate
            without = [
                name for name, there in zip(self.names, estimate.measured, strict=True) if not there
            ]
            if (
                0 < len(without) < len(self.names)
            ):  # where it is all of them, it is a metric of all together
                self.notes.append(
                    f"{estimate.metric.name}: too few or too equal rows, or descriptions, of {', '.join(without)}"
                )

    def readings(self) -> tuple[Reading, ...]:
        """Of all classes together first, then class by class."""
        every = [
            (metric, self.estimates.get(metric.name))
            for metric in METRICS
            if metric.name in self.wanted
        ]
        whole = [
            _missing(metric, None) if e is None else _together(metric, e) for metric, e in every
        ]
        return (
            *whole,
            *(
                _single(metric, e, k, name)
                for k, name in enumerate(self.names)
                for metric, e in every
            ),
        )


def _by_chance(reading: Reading, p: float | None) -> Reading:
    """A distance order that chance explains is not fine: three classes have few orders."""
    lucky = (
        reading.metric == "distance order"
        and reading.word == "fine"
        and p is not None
        and p >= 0.05
    )
    return replace(reading, word="watch") if lucky and reading.label is None else reading


def _together(metric: Metric, e: Estimate) -> Reading:
    return _reading(metric, None, e.all_value, e.all_ceiling, e.all_floor, e.all_goodness)


def _single(metric: Metric, e: Estimate | None, k: int, name: str) -> Reading:
    if e is None or not e.measured[k]:
        return _missing(metric, name)
    value, floor, ceiling = e.value[:, k], e.floor[k], e.ceiling[:, k]
    return _reading(
        metric, name, value, ceiling, floor, tuple(map(metric.goodness, (value, floor, ceiling)))
    )


def _missing(metric: Metric, label: str | None) -> Reading:
    return Reading(metric.meter, metric.name, label, *[float("nan")] * 6, NOT_MEASURED)


def _reading(
    metric: Metric, label: str | None, value, ceiling, floor: float, goodness: Goodness
) -> Reading:
    low, high = interval(value, metric)
    of_value, of_floor, of_ceiling = (float(np.mean(x)) for x in goodness)
    room = of_ceiling - of_floor
    if room <= 1e-9 * max(
        abs(of_floor), abs(of_ceiling)
    ):  # relative, as distances have the units of the features
        score, word = float(of_value >= of_ceiling), "watch"
    else:
        score = float(np.clip((of_value - of_floor) / room, 0, 1))
        meet = abs(of_ceiling - of_value) <= _half(goodness[0]) + _half(goodness[2])
        word = "fine" if score >= FINE else "shifted" if score < SHIFTED and not meet else "watch"
    return Reading(
        metric.meter,
        metric.name,
        label,
        float(value.mean()),
        low,
        high,
        float(floor),
        float(ceiling.mean()),
        score,
        word,
    )


def interval(values: np.ndarray, metric: Metric) -> tuple[float, float]:
    """Mean of ``values`` (R,) plus and minus 1.96 standard deviations, within what the metric can be."""
    middle, half = values.mean(), _half(values)
    return float(max(middle - half, metric.least)), float(min(middle + half, metric.most))


def _half(values: np.ndarray) -> float:
    """Half of the width of a 95 % interval, from values (R,) of repeats."""
    return 1.96 * float(values.std(ddof=1))


def _say_semantic(r: Reading) -> str:
    if r.word == NOT_MEASURED:
        return "What the synthesized classes say could not be read"
    return (
        f"The synthesized classes agree with their descriptions at {r.value:.2f}, where real ones reach {r.ceiling:.2f} "
        f"and mistaken ones {r.floor:.2f} (semantic: {r.word})"
    )


def _say_variance(r: Reading) -> str:
    if r.word == NOT_MEASURED:
        return "their variety could not be measured"
    return f"they are {r.value:.2f} times as varied as real ones (variance: {r.word})"


def _say_structure(r: Reading) -> str:
    if r.word == NOT_MEASURED:
        return "how they stand to each other could not be measured"
    return (
        f"they stand to each other as in reality at a rank correlation of {r.value:.2f}, where real data reach {r.ceiling:.2f} "
        f"(structure: {r.word})"
    )


SENTENCES = {"semantic": _say_semantic, "variance": _say_variance, "structure": _say_structure}
