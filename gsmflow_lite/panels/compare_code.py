"""The library calls that make the view of a comparison."""

from __future__ import annotations

from ..shifts.meters import SHIFTS
from .compare_words import SIDES
from .map_panel import MEASURED, MapPanel, reader, zoo_code


def compare_code(panel: MapPanel) -> str:
    """The library calls that make the view of a comparison."""
    s = panel.shown
    lines = [
        "from gsmflow_lite import RidgeGaussian, measure",
        "from gsmflow_lite.shifts import differences",
        "from gsmflow_lite.generators import AtTemperature",
        "from gsmflow_lite.explorer import Scene",
    ]
    if panel.zoo:
        lines.append(f"from gsmflow_lite.generators import Mechanisms, {reader(panel.zoo)}")
        lines += ["", *zoo_code(panel.zoo)]
    else:
        lines += ["", f"scene = Scene.of(dataset, seed={panel.map_seed})"]

    sampled = f"{s['samples']}, temperature={s['temperature']:g}, seed={s['seed']}"
    for side in SIDES:
        lines.append(f"{side} = {panel.source_code(s[side])}")
        lines.append(f"synthesized_{side} = scene.ask({side}, {panel.classes}, {sampled})")

    reports = ", ".join(_measure_code(panel, side) for side in SIDES)
    lines.append(f"table = differences({reports})")
    return "\n".join(lines) + "\n"


def _measure_code(panel: MapPanel, side: str) -> str:
    s = panel.shown
    warm = side
    if s["temperature"] != 1:
        warm = f"AtTemperature({side}, {s['temperature']:g})"
    classes = sorted(panel.classes)
    options = f"n={MEASURED}, seed={s['seed']}, classes={classes}, metrics={SHIFTS}"
    return f"measure(scene.dataset, {warm}, {options})"
