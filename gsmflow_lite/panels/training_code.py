"""A training as code: the library calls that repeat what the panel does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from ..config import Config
from ..figures.style import short
from .state import Settings

IMPORTS = (
    "from gsmflow_lite import "
    "MiningConfig, ModelConfig, TrainingConfig, fit, follow, load, new_model"
)
IMPORT_H = "from gsmflow_lite.explorer.replay import quick_harmonic"


def training_code(
    settings: Settings, config: Config, loading: Sequence[str], class_names: Sequence[str]
) -> str:
    """Write the code of a training.

    ``loading`` are the lines that make ``dataset``; ``class_names`` those of the classes that play
    the unseen, empty if they are not known yet.
    """
    with_h = settings["watch"]
    problem = "fold" if with_h else "dataset"
    seed = settings["seed"]
    lines = [
        IMPORTS,
        IMPORT_H if with_h else "",
        "",
        *loading,
        *([_fold(class_names)] if with_h else []),
        f"model = new_model({problem}, {spelled(config.model)}, seed={seed})",
        f"training = {spelled(config.training)}",
        *([f"validate = lambda model, epoch: {_quick_h(seed)}"] if with_h else []),
        f"history = follow(fit(model, {problem}, training, {_options(settings)}))",
    ]
    return "\n".join(lines)


def _fold(class_names: Sequence[str]) -> str:
    names = short(", ".join(short(name) for name in class_names), 70) or "validation classes"
    return f"fold = dataset.validation_fold()  # {names} play the unseen"


def _quick_h(seed: int) -> str:
    return f"quick_harmonic(model, fold, seed={seed})"


def _options(settings: Settings) -> str:
    seed = f"seed={settings['seed']}"
    return f"{seed}, validate=validate" if settings["watch"] else seed


def spelled(config: Any) -> str:
    """Write a dataclass of settings as the call that makes it, without its default values."""
    parts = []
    for field in fields(config):
        value = getattr(config, field.name)
        if value != _default(field):
            text = spelled(value) if is_dataclass(value) else repr(value)
            parts.append(f"{field.name}={text}")
    return f"{type(config).__name__}({', '.join(parts)})"


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
