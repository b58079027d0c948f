"""The settings of a training: presets, the controls, and the ``Config`` that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets as widgets

from ..config import Config, MiningConfig, ModelConfig, TrainingConfig
from ..generators.mechanisms import MECHANISMS
from ..presets import GLYPH_MINING, full, lite
from .controls import WIDE, choice, slider, switch
from .state import Settings

READ_BY_NO_TRAINING = ("umap", "live")  # of the settings
OWN = "own"  # the data set that the panel was given, or the settings that it was given
TWO_DIMENSIONS = Config(
    name="two dimensions",
    source="this library, to draw with: chosen on nothing",
    model=ModelConfig(blocks=4, hidden=64, embedding=32),
    training=TrainingConfig(
        epochs=40, batch=64, lr=2e-3, prototype_weight=0.0, perturbation=0.0, mining=None
    ),
)
PRESETS = {
    "lite/glyphs": lite("glyphs"),
    "lite/features": lite("features"),
    "lite/hangul": lite("hangul"),
    "as published, laptop size": full("glyphs"),
    "two dimensions": TWO_DIMENSIONS,
}
PRESET_OF_DATA = {
    "glyphs": "lite/glyphs",
    "hangul": "lite/hangul",
    "gaussian_world_2d": "two dimensions",
}
PRESET_OF_OTHER_DATA = "lite/features"


def first_preset(data: str, presets: Mapping[str, Config]) -> str:
    """The preset that a panel begins with: the settings that it was given, else the usual one."""
    return OWN if OWN in presets else PRESET_OF_DATA.get(data, PRESET_OF_OTHER_DATA)


# --- Between controls and Config -------------------------------------------------------------


def settings_of(config: Config) -> dict[str, Any]:
    """The values of the controls that a preset fills in."""
    model = config.model
    training = config.training
    mining = training.mining
    return {
        "blocks": model.blocks,
        "hidden": model.hidden,
        "semantics": model.semantics,
        "positioning": MECHANISMS["positioning"].is_on(config),
        "start": MECHANISMS["start"].is_on(config),
        "perturbation": float(training.perturbation),
        "prototype": float(training.prototype_weight),
        "mining": mining.loops if mining else 0,
        "strength": round((mining or GLYPH_MINING).beta),
        "lr": training.lr,
        "epochs": training.epochs,
    }


def config_of(settings: Settings, preset: Config) -> Config:
    """The preset with what the controls say. What no control shows stays as in the preset."""
    is_changed = any(settings[key] != value for key, value in settings_of(preset).items())
    return replace(
        preset,
        name=f"{preset.name}, changed" if is_changed else preset.name,
        model=_model(settings, preset.model),
        training=_training(settings, preset.training),
    )


def _model(settings: Settings, preset: ModelConfig) -> ModelConfig:
    start = preset.start if preset.start != "none" else "ridge-gaussian"
    return replace(
        preset,
        blocks=settings["blocks"],
        hidden=settings["hidden"],
        semantics=settings["semantics"],
        relative_positioning=settings["positioning"],
        start=start if settings["start"] else "none",
    )


def _training(settings: Settings, preset: TrainingConfig) -> TrainingConfig:
    return replace(
        preset,
        epochs=settings["epochs"],
        lr=settings["lr"],
        prototype_weight=settings["prototype"],
        perturbation=settings["perturbation"],
        mining=_mining(settings, preset.mining or GLYPH_MINING),
    )


def _mining(settings: Settings, preset: MiningConfig) -> MiningConfig | None:
    """Mining with the steps and the strength of the controls; None for no steps.

    The control shows the strength rounded. Until it is moved, that of the preset counts.
    """
    if not settings["mining"]:
        return None
    is_moved = settings["strength"] != round(preset.beta)
    beta = float(settings["strength"]) if is_moved else preset.beta
    return replace(preset, loops=settings["mining"], beta=beta)


def for_training(settings: Settings) -> dict[str, Any]:
    """Those of the settings that a training depends on."""
    return {key: value for key, value in settings.items() if key not in READ_BY_NO_TRAINING}


# --- The controls ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """A slider: its label, its numbers and its tooltip. ``high`` grows with the first value."""

    label: str
    low: float
    high: float
    step: float
    tooltip: str

    def slider(self, value: float) -> widgets.FloatSlider | widgets.IntSlider:
        """Make the slider, standing at ``value``."""
        high = max(self.high, value)
        return slider(self.label, value, self.low, high, self.step, self.tooltip)


RANGES = {
    "blocks": Range("Layers", 1, 8, 1, "Coupling layers: more bend further"),
    "hidden": Range("Width", 8, 1024, 8, "Of the coupling networks"),
    "perturbation": Range("Perturbation", 0.0, 1.0, 0.01, "Noise on features in training"),
    "prototype": Range("Prototype", 0.0, 10.0, 0.5, "Weight of that loss"),
    "mining": Range("Mining steps", 0, 30, 1, "Of boundary samples; 0: no mining"),
    "strength": Range("Strength", 0, 30, 1, "How far mining draws samples"),
    "epochs": Range("Epochs", 1, 200, 1, "Passes over the training rows"),
    "every": Range("Map every", 1, 20, 1, "Epochs between two maps"),
    "seed": Range("Seed", 0, 20, 1, "Of the weights, the order of batches and the noise"),
}


def training_controls(
    data: list[tuple[str, str]], first_data: str, presets: Mapping[str, Config], seed: int
) -> dict[str, Any]:
    """Make all controls, by name of the setting.

    ``data`` is the list of data sets to choose from, as pairs of text and value.
    """
    preset = first_preset(first_data, presets)
    values = settings_of(presets[preset])
    rates = [values["lr"], *(config.training.lr for config in presets.values())]
    return {
        "data": choice("Data", data, first_data, "What is trained on"),
        "preset": choice("Preset", list(presets), preset, "Fills in the settings below"),
        **_model_controls(values),
        **_cure_controls(values),
        "lr": _rate_control(values["lr"], rates),
        "epochs": RANGES["epochs"].slider(values["epochs"]),
        **_watch_controls(),
        "seed": RANGES["seed"].slider(seed),
        "live": _live_switch(),
    }


def _model_controls(values: Settings) -> dict[str, Any]:
    return {
        "blocks": RANGES["blocks"].slider(values["blocks"]),
        "hidden": RANGES["hidden"].slider(values["hidden"]),
        "semantics": choice(
            "Semantics",
            ["every", "first", "none"],
            values["semantics"],
            "Layers that read the description",
        ),
        "positioning": _mechanism_switch("positioning", values),
        "start": _mechanism_switch("start", values),
    }


def _mechanism_switch(name: str, values: Settings) -> widgets.Checkbox:
    mechanism = MECHANISMS[name]
    return switch(mechanism.label, values[name], mechanism.help)


def _cure_controls(values: Settings) -> dict[str, Any]:
    """What the papers add to the likelihood."""
    names = ("perturbation", "prototype", "mining", "strength")
    return {name: RANGES[name].slider(values[name]) for name in names}


def _watch_controls() -> dict[str, Any]:
    return {
        "watch": switch(
            "watch H", True, "On validation classes, which are then left out of training"
        ),
        "umap": switch(
            "UMAP map",
            False,
            "Lay out the second map: a minute the first time (glyphs bring theirs)",
        ),
        "every": RANGES["every"].slider(1),
    }


def _live_switch() -> widgets.Checkbox:
    made = switch(
        "Train anew at each move", False, "A new model, with the new settings, once a slider rests"
    )
    made.layout.width = WIDE
    return made


def _rate_control(value: float, needed: Iterable[float]) -> widgets.SelectionSlider:
    return widgets.SelectionSlider(
        options=_rates(needed),
        value=value,
        description="Learning rate",
        tooltip="Larger learns faster, until the loss bursts",
        style={"description_width": "104px"},
        layout=widgets.Layout(width=WIDE),
    )


def _rates(needed: Iterable[float]) -> list[tuple[str, float]]:
    """Learning rates to choose from: evenly spread to the eye, and all that are ``needed``.

    A slider of logarithms would change a preset's 3e-4 to 3.2e-4.
    """
    usual = [digit * 10.0**power for power in range(-5, -1) for digit in (1, 2, 3, 5)]
    rounded = {float(f"{rate:g}") for rate in [*usual, 0.1, 1.0]}
    return [(f"{rate:g}", rate) for rate in sorted(rounded | {*needed})]
