"""One run from data to result.json: train by a protocol, score beside the baselines, save everything in one folder."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import protocol as rules
from .config import Config
from .datasets.base import GZSLDataset
from .errors import ConfigError, DataError
from .model import GSMFlow, SavedModel
from .protocol import PROTOCOLS, Outcome
from .storage import write_json
from .training import Event, Stage, Step

VERSIONS = ("torch", "numpy", "scikit-learn", "umap-learn", "plotly")
CLASSIFIERS = ("softmax", "likelihood")


@dataclass(frozen=True)
class Experiment:
    """What a run leaves: ``result`` is what ``result.json`` holds; ``dataset`` has the features that ``model`` speaks of."""

    dataset: GZSLDataset
    model: GSMFlow
    result: dict[str, Any]

    def save(self, folder: str | Path) -> None:
        """Write ``model.safetensors`` and ``result.json``, each whole or not at all."""
        folder = Path(folder)
        notes = {key: self.result[key] for key in ("dataset", "seed", "protocol", "classifier", "config", "choice", "scores")}
        SavedModel(model=self.model, preprocessing=self.dataset.preprocessing, notes=notes).save(folder / "model.safetensors")
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
    watch: Callable[[Event], None] = lambda event: None,
) -> Experiment:
    """Train the flow of ``config`` and its rivals under the same rules.

    ``protocol`` as in :func:`gsmflow_lite.protocol.run`; ``classifier`` is ``softmax`` or ``likelihood`` (for
    the flow alone). ``checkpoint`` is a file from which an interrupted final training goes on; choosing starts again.
    """
    if classifier not in CLASSIFIERS:
        raise ConfigError(f"classifier must be one of {', '.join(CLASSIFIERS)}, got {classifier!r}")
    started = time.perf_counter()
    dataset = dataset.preprocessed(config.preprocessing, config.components)
    options = {"seed": seed, "protocol": protocol, "folds": range(config.folds), "watch": watch}
    # The baselines take seconds, and data that they cannot use should say so before hours of training.
    rivals = _rivals(dataset, config, options) if baselines else {}
    method = rules.flow(config, classifier=classifier, device=device, checkpoint=checkpoint)
    ours = rules.run(method, dataset, **options)
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
        "seconds": {
            "train": round(ours.train_seconds, 2),
            "evaluate": round(ours.evaluate_seconds, 2),
            "total": round(time.perf_counter() - started, 2),
        },
        "versions": {name: version(name) for name in ("gsmflow-lite", *VERSIONS)} | {"python": platform.python_version()},
    }
    assert isinstance(ours.generator, GSMFlow)
    return Experiment(dataset, ours.generator, result)


def _rivals(dataset: GZSLDataset, config: Config, options: dict[str, Any]) -> dict[str, Outcome]:
    methods = {"ridge_gaussian": rules.ridge_gaussian(config), "eszsl": rules.eszsl, "oracle": rules.oracle(config)}
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
