"""One run from data to result.json: a flow trained here, its baselines, and their shifts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..arguments import check_function, check_seed, path_in, whole
from ..config import CLASSIFIERS, Config, of_kind
from ..datasets.base import GZSLDataset
from ..datasets.explained import explained_share
from ..datasets.given import dataset_or_load
from ..errors import ConfigError, DataError, require
from ..events import Stage, Step, Watch
from ..generators.base import Generator
from ..method.model import GSMFlow, SavedModel
from ..numerics import choose_device
from ..scores import protocol as rules
from ..scores.protocol import PROTOCOLS, Outcome
from ..shifts.measuring import FEWEST_ROWS, measure
from ..shifts.report import ShiftReport
from ..storage import write_json
from .provenance import versions

OURS = "GSMFlow"  # as reports call the flow
RIVAL = "ridge-Gaussian"  # as reports call the baseline that is measured beside it
NOTES = (
    *("dataset", "backbone", "text_encoder", "seed", "protocol", "classifier", "config"),
    *("choice", "scores"),
)


@dataclass(frozen=True, repr=False)
class Experiment:
    """What a run leaves.

    ``result`` is what ``result.json`` holds; ``dataset`` has the features that ``model``
    synthesizes. ``shifts`` maps the name of a generator, the flow first, to what was measured on
    it; it is empty if nothing could be.
    """

    dataset: GZSLDataset
    model: GSMFlow
    result: dict[str, Any]
    shifts: dict[str, ShiftReport] = field(default_factory=dict)

    def __repr__(self) -> str:
        return said_shortly(self, f"{OURS} on {self.result['dataset']}", self.result["scores"])

    def save(self, folder: str | Path) -> None:
        """Write ``model.safetensors`` and ``result.json``, each whole or not at all."""
        folder = path_in(folder, "folder")
        saved = SavedModel(
            model=self.model,
            preprocessing=self.dataset.preprocessing,
            notes={key: self.result[key] for key in NOTES},
        )
        saved.save(folder / "model.safetensors")
        write_json(folder / "result.json", self.result)


def run_experiment(
    dataset: GZSLDataset | str | Path,
    config: Config,
    *,
    seed: int = 0,
    protocol: str = "validation",
    classifier: str | None = None,
    baselines: bool = True,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    n: int = 400,
    repeat: str | None = None,
    watch: Watch = lambda event: None,
) -> Experiment:
    """Train the flow of ``config`` and its baselines under the same rules, and measure both.

    ``protocol`` is as in :func:`gsmflow_lite.scores.protocol.run`. ``classifier`` is ``softmax`` or
    ``likelihood``; where None, validation classes choose among ``config.classifier.kinds``, for the
    flow and for each baseline. ``checkpoint`` is a file from which an interrupted final training
    goes on; choosing starts again. ``n`` is the number of synthesized features a class for
    :func:`gsmflow_lite.shifts.measuring.measure`; what cannot be measured becomes a note in the
    result. ``repeat`` says how to do it all again, such as a command line; where None, it is a call
    of this function.

    ``dataset`` may be a name or path for :func:`gsmflow_lite.datasets.load`. Raises ``ConfigError``
    for another ``classifier`` or ``device`` and too small an n, ``DataError`` for data
    that a baseline cannot use.
    """
    config = of_kind(config, Config)
    seed = check_seed(seed)
    if classifier is not None:
        config = with_classifier(config, classifier)
    n = check_n(n)  # this and the rest now, not after hours of training
    choose_device(device)
    check_function(watch, "watch")
    if checkpoint is not None:
        checkpoint = path_in(checkpoint, "checkpoint")
    begin = time.perf_counter()
    dataset = dataset_or_load(dataset).preprocessed(config.preprocessing, config.components)
    options: dict[str, Any] = {
        "seed": seed,
        "protocol": protocol,
        "folds": range(config.folds),
        "watch": watch,
    }

    # The baselines take seconds, and data that they cannot use should say so before hours of work.
    rivals = _run_baselines(dataset, config, options) if baselines else {}
    method = rules.flow(config, device=device, checkpoint=checkpoint)
    ours = rules.run(method, dataset, **options)
    assert isinstance(ours.generator, GSMFlow)

    before_shifts = time.perf_counter()
    generators: dict[str, Generator] = {OURS: ours.generator}
    rival = rivals["ridge_gaussian"].generator if rivals else None
    if rival is not None:
        generators[RIVAL] = rival
    shifts, notes = measure_all(dataset, generators, n=n, seed=seed, watch=watch)
    call = (
        f"run_experiment(dataset, Config.from_dict(result['config']), "
        f"{seed=}, {protocol=}, {baselines=}, {n=})"
    )
    result = {
        "dataset": dataset.name,
        "backbone": dataset.backbone,
        "text_encoder": dataset.text_encoder,
        "seed": seed,
        "protocol": protocol,
        "rule": PROTOCOLS[protocol],
        "classifier": dict(ours.choice.setting)["classifier"],
        "config": config.to_dict(),
        **_outcomes(ours, rivals),
        "descriptions": explained_share(dataset.origin or dataset).to_dict(),
        "shifts": shifts_as_json(shifts),
        "notes": notes,
        "seconds": _seconds(ours, begin, before_shifts),
        "versions": versions(),
        "repeat": repeat or f"result = json.load(open('result.json'))\n{call}",
    }
    return Experiment(dataset, ours.generator, result, shifts)


def said_shortly(run: Any, what: str, scores: Mapping[str, float] | None) -> str:
    """A run in one line: its class, what was run on what, its scores if any, and its fields."""
    names = {"seen": "S", "unseen": "U", "harmonic": "H", "zsl": "T1", "ausuc": "AUSUC"}
    said = "  ".join(f"{short} {scores[key]:.1f}" for key, short in names.items()) if scores else ""
    parts = [what, f"seed {run.result['seed']}", said, "more: .result, .shifts"]
    return f"{type(run).__name__}({', '.join(part for part in parts if part)})"


def with_classifier(config: Config, classifier: str) -> Config:
    """Return ``config`` with one kind of classifier. Raises ``ConfigError`` for another kind."""
    require(
        classifier in CLASSIFIERS, f"classifier must be one of {', '.join(CLASSIFIERS)}", classifier
    )
    return replace(config, classifier=replace(config.classifier, kinds=(classifier,)))


def check_n(n: int) -> int:
    """Return n; raises ``ConfigError`` for fewer features a class than can be measured."""
    n = whole(n, "n")
    if n < FEWEST_ROWS:
        raise ConfigError(
            f"n, synthesized features a class, must be at least {FEWEST_ROWS} to be measured, "
            f"got {n}"
        )
    return n


def _run_baselines(
    dataset: GZSLDataset, config: Config, options: dict[str, Any]
) -> dict[str, Outcome]:
    methods: dict[str, rules.Method] = {
        "ridge_gaussian": rules.ridge_gaussian(config),
        "eszsl": rules.eszsl,
        "oracle": rules.oracle(config),
    }
    watch = options["watch"]
    watch(Stage("baselines", len(methods)))
    outcomes = {}
    for name, method in methods.items():
        try:
            outcomes[name] = rules.run(method, dataset, **options)
        except DataError as error:
            if _flow_needs_the_same(dataset, config, name, options):
                raise
            raise DataError(
                f"{error} (met by the baseline {name}; baselines=False, or --no-baselines, "
                "leaves them out)"
            ) from None
        watch(Step("baselines", len(outcomes), len(methods)))
    return outcomes


def _flow_needs_the_same(
    dataset: GZSLDataset, config: Config, name: str, options: Mapping[str, Any]
) -> bool:
    """Whether the flow would fail as this baseline did, so that leaving it out does not help."""
    if name == "ridge_gaussian" and config.model.start == "ridge-gaussian":
        return True
    try:
        if options["protocol"] == "validation":
            for number in options["folds"]:
                dataset.validation_fold(number)
    except DataError:
        return True
    return False


def measure_all(
    dataset: GZSLDataset,
    generators: Mapping[str, Generator],
    *,
    n: int,
    seed: int,
    watch: Watch,
    classes: Sequence[int] | None = None,
) -> tuple[dict[str, ShiftReport], list[str]]:
    """Measure the shifts of each generator; beside them stands what the ridge-Gaussian reaches.

    Returns their reports, and notes on those that could not be measured. Without a report on the
    first generator there is none on the others: it would be taken for one on the first.
    """
    reports: dict[str, ShiftReport] = {}
    notes: list[str] = []
    watch(Stage("shifts", len(generators)))
    for done, (name, generator) in enumerate(generators.items(), start=1):
        try:
            reports[name] = measure(dataset, generator, n=n, seed=seed, classes=classes)
        except DataError as error:
            notes.append(f"the shifts of {name} were not measured: {error}")
            if done == 1:
                break
        watch(Step("shifts", done, len(generators)))
    if RIVAL in reports:
        plain = reports[RIVAL]
        reports = {who: one if one is plain else one.beside(plain) for who, one in reports.items()}
    return reports, notes


def shifts_as_json(shifts: Mapping[str, ShiftReport]) -> dict[str, Any]:
    """The reports ready for JSON.

    Only the first one keeps its tables of attributes, which may have a hundred thousand entries.
    """
    plain = {name: report.to_dict() for name, report in shifts.items()}
    for name in list(plain)[1:]:
        del plain[name]["attributes"]
    return plain


def rounded_scores(scores: Any) -> dict[str, float]:
    """Scores with two digits, ready for JSON."""
    return {name: round(value, 2) for name, value in asdict(scores).items()}


def _outcomes(ours: Outcome, rivals: Mapping[str, Outcome]) -> dict[str, Any]:
    return {
        "scores": rounded_scores(ours.scores),
        "choice": _choice(ours),
        "baselines": {name: rounded_scores(rival.scores) for name, rival in rivals.items()},
        "baseline_choices": {name: _choice(rival) for name, rival in rivals.items()},
    }


def _choice(outcome: Outcome) -> dict[str, Any]:
    """How the scores came about, ready for JSON."""
    choice = outcome.choice
    return {
        "setting": dict(choice.setting),
        "calibration": choice.calibration,
        "chosen_on": choice.chosen_on,
        "scores_there": rounded_scores(choice.scores),
    }


def _seconds(ours: Outcome, begin: float, before_shifts: float) -> dict[str, float]:
    now = time.perf_counter()
    seconds = {
        "train": ours.train_seconds,
        "evaluate": ours.evaluate_seconds,
        "shifts": now - before_shifts,
        "total": now - begin,
    }
    return {name: round(value, 2) for name, value in seconds.items()}
