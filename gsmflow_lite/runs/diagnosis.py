"""A diagnosis: scores and shifts of any generator, whoever trained it, beside baselines."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..arguments import check_seed
from ..config import Config, of_kind
from ..datasets.base import GZSLDataset
from ..datasets.explained import explained_share
from ..datasets.given import the_dataset
from ..errors import DataError
from ..events import Stage, Step, Watch
from ..generators.base import Generator, check_generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.stored import FromFile, RealSamples
from ..scores.evaluation import softmax_logits
from ..shifts.measuring import FEWEST_ROWS
from ..shifts.report import ShiftReport
from .experiment import (
    RIVAL,
    check_n,
    measure_all,
    rounded_scores,
    said_shortly,
    shifts_as_json,
)
from .provenance import versions

Scores = dict[str, float]


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What :func:`diagnose` says of a generator.

    ``result`` is what ``result.json`` holds, ``shifts`` is as in
    :class:`gsmflow_lite.runs.experiment.Experiment`.
    """

    dataset: GZSLDataset
    generator: Generator
    result: dict[str, Any]
    shifts: dict[str, ShiftReport]

    def __repr__(self) -> str:
        what = f"{self.result['generator']} on {self.result['dataset']}"
        return said_shortly(self, what, self.result["scores"])


def diagnose(
    dataset: GZSLDataset,
    generator: Generator,
    config: Config,
    *,
    name: str = "generator",
    n: int = 400,
    seed: int = 0,
    repeat: str | None = None,
    watch: Watch = lambda event: None,
) -> Diagnosis:
    """Measure and score any generator, beside the ridge-Gaussian and the oracle.

    The generator must give features like those of ``dataset``. Measured are the unseen classes
    that it has (those with rows, where it hands out the features of a file), with ``n`` features a
    class or, where it has fewer, as many as it has of each. Scores are those of one linear softmax
    by the first penalty of ``config``, the same for all and not calibrated, since nothing is known
    to choose by. They are left out if an unseen class is missing. ``descriptions`` of the result
    says how much the descriptions explain.

    Raises ``DataError`` for what is no generator and if no class can be measured, ``ConfigError``
    for too small an n.
    """
    dataset = the_dataset(dataset)
    check_generator(generator)
    config = of_kind(config, Config)
    seed = check_seed(seed)
    n = check_n(n)
    begin = time.perf_counter()
    if name == RIVAL:
        name = f"{name} of your own"
    available = _available(dataset, generator, n)
    rival = RidgeGaussian.fit(dataset)
    shifts, notes = measure_all(
        dataset,
        {name: generator, RIVAL: rival},
        n=available.n,
        seed=seed,
        classes=available.classes,
        watch=watch,
    )
    if name not in shifts:
        raise DataError(notes[0])

    notes = [*available.notes, *notes]
    scores: dict[str, Scores] = {}
    missing = len(dataset.unseen_classes) - len(available.classes)
    if missing:
        notes.append(
            f"no scores: {name} has {len(available.classes)} of the "
            f"{len(dataset.unseen_classes)} unseen classes, and needs all"
        )
    else:
        scores = _fixed_scores(dataset, generator, rival, config, seed, notes, watch)
    call = f"diagnose(dataset, generator, lite(), {name=}, n={available.n}, {seed=})"
    result = {
        "dataset": dataset.name,
        "source": dataset.source,
        "generator": name,
        "seed": seed,
        **_rules(dataset, config),
        "scores": scores.pop("generator", None),
        "baselines": scores,
        "descriptions": explained_share(dataset.origin or dataset).to_dict(),
        "shifts": shifts_as_json(shifts),
        "notes": notes,
        "seconds": {"total": round(time.perf_counter() - begin, 2)},
        "versions": versions(),
        "repeat": repeat or call,
    }
    return Diagnosis(dataset, generator, result, shifts)


@dataclass(frozen=True)
class Available:
    """What can be measured of a generator: which classes, how many features of each, and notes."""

    classes: list[int]
    n: int
    notes: list[str]


def _available(dataset: GZSLDataset, generator: Generator, n: int) -> Available:
    unseen = dataset.unseen_classes.tolist()
    if not isinstance(generator, FromFile | RealSamples):
        return Available(unseen, n, [])

    stored = dict(zip(generator.classes.tolist(), generator.counts.tolist(), strict=True))
    counts = {k: stored.get(k, 0) for k in unseen}
    kept = {k: count for k, count in counts.items() if count >= FEWEST_ROWS}
    if not kept:
        raise DataError(
            f"at least one unseen class needs {FEWEST_ROWS} synthesized rows to be measured, "
            f"but the largest of the {len(counts)} has {max(counts.values())}: "
            f"are these features of the unseen classes of {dataset.name}?"
        )

    notes = []
    names = dataset.class_names
    few = [f"{names[k]} ({count} rows)" for k, count in counts.items() if k not in kept]
    if few:
        notes.append(f"left out, for want of {FEWEST_ROWS} synthesized rows: {', '.join(few)}")
    smallest = min(kept, key=kept.__getitem__)
    if kept[smallest] < n:
        notes.append(
            f"{kept[smallest]} synthesized rows a class were used, not {n}: "
            f"{names[smallest]} has no more"
        )
    return Available(list(kept), min(n, kept[smallest]), notes)


def _rules(dataset: GZSLDataset, config: Config) -> dict[str, Any]:
    """By which rules the scores came about, ready for JSON."""
    fitted = dataset.preprocessing
    space = fitted and {"kind": fitted.kind, "width": dataset.features.shape[1]}
    penalty = config.classifier.penalties[0]
    return {
        "rule": f"one linear softmax for all, penalty {penalty:g}, no calibration; "
        "nothing was chosen",
        "classifier": "softmax",
        "preprocessing": space,
        "samples": config.classifier.samples,
    }


def _fixed_scores(
    dataset: GZSLDataset,
    generator: Generator,
    rival: Generator,
    config: Config,
    seed: int,
    notes: list[str],
    watch: Watch,
) -> dict[str, Scores]:
    """Scores by one classifier with fixed settings, no calibration; what has none gets a note."""
    classifier = replace(config.classifier, penalties=config.classifier.penalties[:1])

    def scores_of(generator: Generator, data: GZSLDataset) -> Scores:
        return rounded_scores(softmax_logits(generator, data, classifier, seed=seed).scores())

    def of_oracle() -> Scores:
        rows, rest = dataset.split_unseen(seed=seed)
        return scores_of(RealSamples(rest, rows), rest)

    candidates: dict[str, Callable[[], Scores]] = {
        "generator": lambda: scores_of(generator, dataset),
        "ridge_gaussian": lambda: scores_of(rival, dataset),
        "oracle": of_oracle,
    }
    watch(Stage("scores", len(candidates)))
    scores = {}
    for name, score in candidates.items():
        try:
            scores[name] = score()
        except DataError as error:
            notes.append(f"no scores of the {name.replace('_', '-')}: {error}")
        watch(Step("scores", len(scores), len(candidates)))
    return scores
