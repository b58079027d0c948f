"""Measure a generator: from its features to a report on how far they shifted from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from ..arguments import check_seed, names_in, whole
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..datasets.inputs import as_array
from ..errors import ConfigError, DataError
from ..events import Watch
from ..generators.base import Generator, ask, check_generator
from ..generators.stored import FromFile, RealSamples
from .answers import STORED
from .estimates import Estimate
from .halves import Half, Halves, leading_axes
from .meter import Evidence, Measurement
from .meters import BY_NAME, HEADLINES, MEASUREMENTS, METRICS
from .metric import Metric
from .readout import AttributeReadout
from .report import Reading, ShiftReport
from .semantic import RESPONSE
from .structure import DISTANCE_ORDER, changed_places

FEWEST_ROWS = 4  # rows of a class that can be halved and still have a spread


def measure(
    dataset: GZSLDataset,
    generator: Generator,
    *,
    n: int = 400,
    seed: int = 0,
    classes: Sequence[int] | Sequence[str] | None = None,
    repeats: int = 40,
    metrics: Sequence[str] | str | None = None,
    watch: Watch = lambda event: None,
) -> ShiftReport:
    """Measure the three generation shifts of ``generator``, with ``n`` features for each class.

    ``classes`` are numbers or names of the classes to measure; None stands for the unseen ones.
    Seen classes are compared with their test rows. More ``repeats`` make the intervals steadier.

    ``metrics`` are the names of those to measure; None stands for all. A meter's name stands for
    its headline. The three headlines of the shifts alone take a twentieth of the time.

    ``watch`` gets a step for each class of what takes longer. What it raises ends the measurement.

    :mod:`gsmflow_lite.shifts.meters` says how each number comes about, and
    :mod:`gsmflow_lite.shifts.verdict` what the words mean.

    Raises ``DataError`` where nothing can be compared: fewer than 4 rows, or features that are not
    finite. Raises ``ConfigError`` for unknown metrics, n below 4 or fewer than 2 repeats.
    """
    dataset = the_dataset(dataset)
    check_generator(generator)
    seed = check_seed(seed)
    n = whole(n, "n")
    repeats = whole(repeats, "repeats")
    if n < FEWEST_ROWS or repeats < 2:
        raise ConfigError(
            f"measuring needs n of at least {FEWEST_ROWS} and at least 2 repeats, got n {n} "
            f"and {repeats} repeats"
        )
    chosen = _chosen_metrics(metrics)

    numbers, real, notes = real_features(dataset, classes)
    synthesized = synthesized_features(generator, dataset, numbers, n, seed)
    notes += _note_on_repeated_rows(generator, numbers, n)

    # There are thousands of small matrices: a second thread costs more than it brings.
    with threadpool_limits(1):
        axes = partial(leading_axes, dataset, seed)
        halves = Halves(real, list(synthesized), repeats, seed, axes, watch)
        readout = AttributeReadout.fit(dataset)
        evidence = Evidence(dataset, generator, numbers, halves, readout)
        return _report(evidence, chosen, notes)


def _chosen_metrics(names: Sequence[str] | str | None) -> frozenset[str]:
    """Return names of metrics, with headlines in place of meters."""
    if names is None:
        return frozenset(BY_NAME)
    names = names_in(names, "metrics")
    chosen = frozenset(HEADLINES.get(name, name) for name in names)
    unknown = sorted(chosen - BY_NAME.keys())
    if unknown or not chosen:
        raise ConfigError(
            f"metrics must be among {', '.join((*HEADLINES, *BY_NAME))}, got {unknown or names!r}"
        )
    return chosen


def real_features(
    dataset: GZSLDataset,
    classes: Sequence[int] | Sequence[str] | None,
) -> tuple[Int[np.ndarray, " U"], list[Float[np.ndarray, "N D"]], list[str]]:
    """Return the classes that can be measured, their real test rows, and a note on the others.

    Raises ``DataError`` for classes that do not exist, or where no class has enough rows.
    """
    numbers = dataset.unseen_classes
    if classes is not None:
        numbers = _numbers_of(dataset, classes)
    _check_classes(dataset, numbers, classes)

    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    rows = {int(k): dataset.of_class(k, tests) for k in numbers}
    kept = [k for k in rows if len(rows[k]) >= FEWEST_ROWS]
    too_few = ", ".join(dataset.class_names[k] for k in rows if k not in kept)
    if not kept:
        first = ", ".join(dataset.class_names[k] for k in list(rows)[:5])
        raise DataError(
            f"to be measured a class needs at least {FEWEST_ROWS} real test rows, "
            f"but none of {first} has: give more"
        )

    notes = [f"left out, for want of {FEWEST_ROWS} real test rows: {too_few}"] if too_few else []
    return np.array(kept), [dataset.features[rows[k]] for k in kept], notes


def _numbers_of(dataset: GZSLDataset, classes: Sequence[int] | Sequence[str]) -> np.ndarray:
    """The classes as numbers, where all are names of classes; anything else as it is."""
    given = as_array(classes, "classes", "")
    number_of = {name: k for k, name in enumerate(dataset.unique_names)}
    by_name = given.ndim == 1 and all(isinstance(one, str) for one in given.tolist())
    if not by_name or not number_of.keys() >= set(given.tolist()):
        return given
    return np.array([number_of[name] for name in given.tolist()], np.int64)


def _check_classes(
    dataset: GZSLDataset,
    numbers: np.ndarray,
    classes: Sequence[int] | Sequence[str] | None,
) -> None:
    known = np.union1d(dataset.seen_classes, dataset.unseen_classes)
    is_list = numbers.ndim == 1 and len(numbers) > 0 and numbers.dtype.kind in "iuf"
    if not is_list or not np.isin(numbers, known).all() or len(np.unique(numbers)) < len(numbers):
        last = len(dataset.attributes) - 1
        raise DataError(
            f"classes must be different class numbers from 0 to {last}, got {classes}: "
            "give a list of numbers, or of names as in dataset.class_names (np.flatnonzero(mask) "
            "in place of a mask)"
        )


def synthesized_features(
    generator: Generator,
    dataset: GZSLDataset,
    classes: Int[np.ndarray, " U"],
    n: int,
    seed: int,
) -> Float[np.ndarray, "U n D"]:
    """Ask the generator for features of the classes; they have the right shape and are finite."""
    names = [dataset.class_names[k] for k in classes]
    width = dataset.features.shape[1]
    features = ask(generator, dataset.attributes[classes], n, seed=seed, width=width, names=names)
    return features.cpu().numpy()


def _note_on_repeated_rows(
    generator: Generator,
    classes: Int[np.ndarray, " U"],
    n: int,
) -> list[str]:
    stored = _stored_source(generator)
    if stored is None:
        return []

    counts = dict(zip(stored.classes.tolist(), stored.counts.tolist(), strict=True))
    fewest = min(counts.get(int(k), n) for k in classes)
    if fewest >= n:
        return []
    return [
        f"some classes have only {fewest} stored rows, so that rows came again: "
        f"ask for n of {fewest} at most"
    ]


def _stored_source(generator: object) -> FromFile | RealSamples | None:
    """Return the generator of stored rows that this one is, or that it wraps."""
    while not isinstance(generator, STORED):
        generator = getattr(generator, "source", None)
        if not isinstance(generator, Generator):
            return None
    return generator


def _report(evidence: Evidence, chosen: frozenset[str], notes: list[str]) -> ShiftReport:
    dataset = evidence.dataset
    halves = evidence.halves
    readout = evidence.readout
    names = tuple(dataset.unique_names[k] for k in evidence.classes)

    collector = Collector(names, chosen, notes, rows=_rows_compared(halves))
    for measurement in MEASUREMENTS:
        collector.add(measurement, evidence)

    has_order = DISTANCE_ORDER.name in collector.estimates
    p = halves.mantel.p if has_order and halves.mantel is not None else None
    has_answers = RESPONSE.name in collector.estimates
    return ShiftReport(
        readings=collector.readings(),
        classes=evidence.classes,
        names=names,
        attribute_names=tuple(dataset.attribute_names),
        attributes=readout.standardise(dataset.attributes[evidence.classes]),
        read_real=readout.read(_class_means(halves.first)),
        read_synthesized=readout.read(_class_means(halves.synthesized)),
        readability=readout.readability,
        responses=_responses(evidence) if has_answers else {},
        mantel_p=p,
        changed=_named_changes(halves, names),
        settings=_settings(evidence),
        notes=tuple(collector.notes),
    )


def _rows_compared(halves: Halves) -> float:
    """Return the mean number of rows a class in both halves together."""
    return 2 * float(np.mean([rows.shape[1] for rows in halves.first.rows]))


def _class_means(half: Half) -> Float[np.ndarray, "U D"]:
    return np.stack([x.mean(0, dtype=np.float64) for x in half.features])


def _responses(evidence: Evidence) -> dict[str, float]:
    slopes = evidence.answers.slopes()
    return {evidence.dataset.attribute_names[j]: slope for j, slope in slopes.items()}


def _named_changes(halves: Halves, names: Sequence[str]) -> tuple[tuple[str, str, str, float], ...]:
    changes = changed_places(halves)
    return tuple((names[c], names[i], names[j], size) for c, i, j, size in changes)


def _settings(evidence: Evidence) -> dict[str, str | int]:
    return {
        "dataset": evidence.dataset.name,
        "n": len(evidence.halves.synthesized.features[0]),
        "seed": evidence.halves.seed,
        "repeats": evidence.halves.repeats,
    }


class Collector:
    """Collects estimates of the ``chosen`` metrics on the classes of these ``names``.

    About ``rows`` rows a class are compared. What cannot be measured becomes a note, and a reading
    that says so.
    """

    def __init__(
        self,
        names: Sequence[str],
        chosen: frozenset[str],
        notes: list[str],
        rows: float = np.nan,
    ) -> None:
        self.names = names
        self.chosen = chosen
        self.notes = notes
        self.rows = rows
        self.estimates: dict[str, Estimate] = {}

    def add(self, measurement: Measurement, evidence: Evidence) -> None:
        """Measure, if one of the metrics is chosen."""
        if self.chosen.isdisjoint(metric.name for metric in measurement.metrics):
            return

        try:
            estimates = measurement.estimates(evidence)
        except DataError as error:
            self.notes.append(f"{measurement.name}: {error}")
            return

        for estimate in estimates:
            self.estimates[estimate.metric.name] = estimate
            self._note_missing_classes(estimate)

    def _note_missing_classes(self, estimate: Estimate) -> None:
        """Note classes that were not measured; if none was, it is a metric of all together."""
        measured = zip(self.names, estimate.measured, strict=True)
        missing = [name for name, is_measured in measured if not is_measured]
        if 0 < len(missing) < len(self.names):
            self.notes.append(
                f"{estimate.metric.name}: too few or too equal rows, or descriptions, "
                f"of {', '.join(missing)}"
            )

    def readings(self) -> tuple[Reading, ...]:
        """Return the readings of all classes together first, then class by class."""
        metrics = [metric for metric in METRICS if metric.name in self.chosen]
        of_all = [self._reading_of_all(metric) for metric in metrics]
        of_classes = [
            self._reading_of_class(metric, k) for k in range(len(self.names)) for metric in metrics
        ]
        return (*of_all, *of_classes)

    def _reading_of_all(self, metric: Metric) -> Reading:
        estimate = self.estimates.get(metric.name)
        if estimate is None:
            return Reading.missing(metric, None)
        return Reading.of_all_classes(estimate, self.rows)

    def _reading_of_class(self, metric: Metric, k: int) -> Reading:
        estimate = self.estimates.get(metric.name)
        label = self.names[k]
        return Reading.of_class(estimate, k, label) if estimate else Reading.missing(metric, label)
