"""One run from data to result.json: scores beside baselines and shifts, of a flow trained here or of any generator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError
from ..events import Stage, Step, Watch
from ..generators.base import Generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.stored import RealSamples
from ..method.model import GSMFlow, SavedModel
from ..scores import protocol as rules
from ..scores.evaluation import softmax_logits
from ..scores.protocol import PROTOCOLS, Outcome
from ..shifts.report import LEAST, ShiftReport, measure
from ..storage import write_json
from .provenance import versions

CLASSIFIERS = ("softmax", "likelihood")
OURS, RIVAL = "GSMFlow", "ridge-Gaussian"  # as reports call them


@dataclass(frozen=True)
class Experiment:
    """What a run leaves: ``result`` is what ``result.json`` holds; ``dataset`` has the features that ``model`` speaks of.

    ``shifts`` maps the name of a generator, the flow first, to what was measured on it; empty if nothing could be.
    """

    dataset: GZSLDataset
    model: GSMFlow
    result: dict[str, Any]
    shifts: dict[str, ShiftReport] = field(default_factory=dict)

    def save(self, folder: str | Path) -> None:
        """Write ``model.safetensors`` and ``result.json``, each whole or not at all."""
        folder = Path(folder)
        notes = {
            key: self.result[key]
            for key in ("dataset", "seed", "protocol", "classifier", "config", "choice", "scores")
        }
        SavedModel(model=self.model, preprocessing=self.dataset.preprocessing, notes=notes).save(
            folder / "model.safetensors"
        )
        write_json(folder / "result.json", self.result)


def run_experiment(
    dataset: GZSLDataset,
    config: Config,
    *,
    seed: int = 0,
    protocol: str = "validation",
    classifier: str = "softmax",
    baselines: bool = True,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    n: int = 400,
    repeat: str | None = None,
    watch: Watch = lambda event: None,
) -> Experiment:
    """Train the flow of ``config`` and its rivals under the same rules, and measure the shifts of what they synthesize.

    ``protocol`` as in :func:`gsmflow_lite.scores.protocol.run`; ``classifier`` is ``softmax`` or ``likelihood`` (for
    the flow alone). ``checkpoint`` is a file from which an interrupted final training goes on; choosing starts again.
    ``n``: synthesized features a class for :func:`gsmflow_lite.shifts.report.measure`; what cannot be measured becomes a note in the
    result. ``repeat`` says how to do it all again, such as a command line; a call of this function where None. Raises
    ``ConfigError`` for another ``classifier`` or too small an n, ``DataError`` for data that a baseline cannot use.
    """
    if classifier not in CLASSIFIERS:
        raise ConfigError(f"classifier must be one of {', '.join(CLASSIFIERS)}, got {classifier!r}")
    _check_n(n)  # now, not after hours of training
    started = time.perf_counter()
    dataset = dataset.preprocessed(config.preprocessing, config.components)
    options = {"seed": seed, "protocol": protocol, "folds": range(config.folds), "watch": watch}
    # The baselines take seconds, and data that they cannot use should say so before hours of training.
    rivals = _rivals(dataset, config, options) if baselines else {}
    method = rules.flow(config, classifier=classifier, device=device, checkpoint=checkpoint)
    ours = rules.run(method, dataset, **options)
    assert isinstance(ours.generator, GSMFlow)
    clock = time.perf_counter()
    generators = {OURS: ours.generator} | (
        {RIVAL: rivals["ridge_gaussian"].generator} if rivals else {}
    )
    shifts, notes = _shifts(dataset, generators, n=n, seed=seed, watch=watch)
    result = {
        "dataset": dataset.name,
        "seed": seed,
        "protocol": protocol,
        "rule": PROTOCOLS[protocol],
        "classifier": classifier,
        "config": config.to_dict(),
        "scores": _rounded(ours),
        "choice": _choice(ours),
        "baselines": {name: _rounded(outcome) for name, outcome in rivals.items()},
        "baseline_choices": {name: _choice(outcome) for name, outcome in rivals.items()},
        "shifts": _plain(shifts),
        "notes": notes,
        "seconds": {
            "train": round(ours.train_seconds, 2),
            "evaluate": round(ours.evaluate_seconds, 2),
            "shifts": round(time.perf_counter() - clock, 2),
            "total": round(time.perf_counter() - started, 2),
        },
        "versions": versions(),
        "repeat": repeat
        or "result = json.load(open('result.json'))\n"
        f"run_experiment(dataset, Config.from_dict(result['config']), {seed=}, {protocol=}, {classifier=}, {baselines=}, {n=})",
    }
    return Experiment(dataset, ours.generator, result, shifts)


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`diagnose` found: ``result`` is what ``result.json`` holds, ``shifts`` as in :class:`Experiment`."""

    dataset: GZSLDataset
    generator: Generator
    result: dict[str, Any]
    shifts: dict[str, ShiftReport]


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
    """Measure and score any generator of features like those of ``dataset``, beside the ridge-Gaussian and the oracle.

    Measured are the unseen classes that it has (those with rows, where it hands out the features of a file), with ``n``
    features a class or, where it has fewer, as many as it has of each. Scores are those of one linear softmax by the first
    penalty of ``config``, the same for all and not calibrated, since nothing is known to choose by; they are left out if
    an unseen class is missing. Raises ``DataError`` if no class can be measured, ``ConfigError`` for too small an n.
    """
    _check_n(n)
    started = time.perf_counter()
    if name == RIVAL:
        name = f"{name} of your own"
    classes, n, notes = _held(dataset, generator, n)
    rival = RidgeGaussian.fit(dataset)
    shifts, more = _shifts(
        dataset, {name: generator, RIVAL: rival}, n=n, seed=seed, classes=classes, watch=watch
    )
    if name not in shifts:
        raise DataError(more[0])
    notes += more
    whole = len(classes) == len(dataset.unseen_classes)
    if not whole:
        notes.append(
            f"no scores: {name} has {len(classes)} of the {len(dataset.unseen_classes)} unseen classes, and needs all"
        )
    scores = _fixed_scores(dataset, generator, rival, config, seed, notes, watch) if whole else {}
    preprocessing = dataset.preprocessing
    result = {
        "dataset": dataset.name,
        "source": dataset.source,
        "generator": name,
        "seed": seed,
        "rule": f"one linear softmax for all, penalty {config.classifier.penalties[0]:g}, no calibration; nothing was chosen",
        "classifier": "softmax",
        "preprocessing": preprocessing
        and {"kind": preprocessing.kind, "width": dataset.features.shape[1]},
        "samples": config.classifier.samples,
        "scores": scores.pop("own", None),
        "baselines": scores,
        "shifts": _plain(shifts),
        "notes": notes,
        "seconds": {"total": round(time.perf_counter() - started, 2)},
        "versions": versions(),
        "repeat": repeat or f"diagnose(dataset, generator, lite(), {name=}, {n=}, {seed=})",
    }
    return Diagnosis(dataset, generator, result, shifts)


def _check_n(n: int) -> None:
    if n < LEAST:
        raise ConfigError(
            f"n, synthesized features a class, must be at least {LEAST} to be measured, got {n}"
        )


def _held(dataset: GZSLDataset, generator: Generator, n: int) -> tuple[np.ndarray, int, list[str]]:
    """The unseen classes that a generator has, how many features of each can be asked for, and notes on both."""
    if not hasattr(generator, "counts"):
        return dataset.unseen_classes, n, []
    counts = dict(zip(generator.classes.tolist(), generator.counts.tolist(), strict=True))
    there = {int(k): counts.get(int(k), 0) for k in dataset.unseen_classes}
    kept = {k: count for k, count in there.items() if count >= LEAST}
    if not kept:
        raise DataError(
            f"at least one unseen class needs {LEAST} synthesized rows to be measured, but the largest of the "
            f"{len(there)} has {max(there.values())}: are these features of the unseen classes of {dataset.name}?"
        )
    names = dataset.class_names
    few = [f"{names[k]} ({count} rows)" for k, count in there.items() if k not in kept]
    notes = [f"left out, for want of {LEAST} synthesized rows: {', '.join(few)}"] if few else []
    least = min(kept, key=kept.__getitem__)
    if kept[least] < n:
        notes.append(
            f"{kept[least]} synthesized rows a class were used, not {n}: {names[least]} has no more"
        )
    return np.array(list(kept)), min(n, kept[least]), notes


def _shifts(
    dataset: GZSLDataset,
    generators: Mapping[str, Generator],
    *,
    n: int,
    seed: int,
    watch: Watch,
    classes=None,
) -> tuple[dict[str, ShiftReport], list[str]]:
    """A report on each generator, the first one's first, and notes on those that could not be measured."""
    reports, notes = {}, []
    watch(Stage("shifts", len(generators)))
    for done, (name, generator) in enumerate(generators.items(), start=1):
        try:
            reports[name] = measure(dataset, generator, n=n, seed=seed, classes=classes)
        except DataError as error:
            notes.append(f"the shifts of {name} were not measured: {error}")
            if (
                done == 1
            ):  # a report on the rival alone would be taken for one on what was asked for
                break
        watch(Step("shifts", done, len(generators)))
    return reports, notes


def _plain(shifts: Mapping[str, ShiftReport]) -> dict[str, Any]:
    """Ready for JSON. Only the first one keeps its tables of attributes, which may have a hundred thousand entries."""
    plain = {name: report.to_dict() for name, report in shifts.items()}
    for name in list(plain)[1:]:
        del plain[name]["attributes"]
    return plain


def _fixed_scores(
    dataset: GZSLDataset,
    generator: Generator,
    rival: Generator,
    config: Config,
    seed: int,
    notes: list[str],
    watch: Watch,
) -> dict[str, dict[str, float]]:
    """Scores of the generator (``own``), the rival and the oracle by one classifier with fixed settings, no calibration."""
    classifier = replace(config.classifier, penalties=config.classifier.penalties[:1])
    watch(Stage("scores", 3))
    scores = {}
    for name, one in (("own", generator), ("ridge_gaussian", rival), ("oracle", None)):
        try:
            data = dataset
            if one is None:
                rows, data = dataset.split_unseen(seed=seed)
                one = RealSamples(data, rows)
            found = softmax_logits(one, data, classifier, seed=seed).scores()
        except DataError as error:
            notes.append(f"no scores of the {name.replace('_', '-')}: {error}")
        else:
            scores[name] = {key: round(value, 2) for key, value in asdict(found).items()}
        watch(Step("scores", len(scores), 3))
    return scores


def _rivals(dataset: GZSLDataset, config: Config, options: dict[str, Any]) -> dict[str, Outcome]:
    methods = {
        "ridge_gaussian": rules.ridge_gaussian(config),
        "eszsl": rules.eszsl,
        "oracle": rules.oracle(config),
    }
    outcomes = {}
    options["watch"](Stage("baselines", len(methods)))
    for name, method in methods.items():
        try:
            outcomes[name] = rules.run(method, dataset, **options)
        except DataError as error:
            raise DataError(
                f"{error} (met by the baseline {name}; baselines=False, or --no-baselines, leaves them out)"
            ) from None
        options["watch"](Step("baselines", len(outcomes), len(methods)))
    return outcomes


def _rounded(outcome: Outcome) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(outcome.scores).items()}


def _choice(outcome: Outcome) -> dict[str, Any]:
    """How the scores came about, ready for JSON."""
    choice = outcome.choice
    return {
        "setting": dict(choice.setting),
        "calibration": choice.calibration,
        "chosen_on": choice.chosen_on,
        "scores_there": {name: round(value, 2) for name, value in asdict(choice.scores).items()},
    }
