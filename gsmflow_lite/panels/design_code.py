"""The code of the class designer: the library calls that make its view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..generators.zoo import Zoo
from .map_panel import reader, zoo_code

_GIVEN = "# generator: the one you gave to design"


ENCODER_GIVEN = "# encoder: the one you gave to design"


def ready_code(zoo: Zoo, *, given: bool) -> str:
    """The code that makes the scene of embedded data and, unless one was given, the generator."""
    lines = [
        "from gsmflow_lite.explorer import Scene",
        f"from gsmflow_lite.generators import {reader(zoo)}",
        "",
        *zoo_code(zoo),
        "dataset = zoo.dataset",
        _GIVEN if given else "generator = zoo.model()",
    ]
    return "\n".join(lines) + "\n"


def dataset_code(*, given: bool) -> str:
    """The code that makes the scene of your own data and, unless one was given, the generator."""
    lines = [] if given else ["from gsmflow_lite import RidgeGaussian"]
    lines += [
        "from gsmflow_lite.explorer import Scene",
        "",
        "# dataset: the one you gave to design",
        "scene = Scene.of(dataset)",
        _GIVEN if given else "generator = RidgeGaussian.fit(dataset)",
    ]
    return "\n".join(lines) + "\n"


def sentence_code(settings: Mapping[str, Any], ready: str, *, encoder_given: bool) -> str:
    """The library calls that make the view of a sentence; ``ready`` is as for design_code."""
    s = settings
    sums = "".join(f", {key}={s[key]!r}" for key in ("less", "more") if s[key])
    given = bool(s["text"]) and encoder_given
    if s["text"]:
        sums += f", sentence={s['text']!r}" + (", encoder=encoder" if given else "")
    noise = f"temperature={s['temperature']:g}, seed={s['seed']}"
    return (
        "from gsmflow_lite.explorer import RealClasses, describe, design_figure, invent\n"
        f"{ready}" + (f"{ENCODER_GIVEN}\n" if given else "") + "\n"
        f"description = describe(dataset, {s['start']!r}{sums})\n"
        f"invented = invent(RealClasses(scene), generator, description, {noise})\n"
        "features, nearest = invented.features, invented.near  # an array, a table\n"
        "figure = design_figure(scene, invented)\n"
    )


def design_code(settings: Mapping[str, Any], changes: Mapping[str, float], ready: str) -> str:
    """The library calls that make the view of a designer.

    ``changes`` are the attributes that were changed by hand. ``ready`` is the code that makes
    ``dataset``, ``generator`` and ``scene``: :func:`ready_code` or :func:`dataset_code`.
    """
    s = settings
    sums = "".join(f", {key}={s[key]!r}" for key in ("less", "more") if s[key])
    if changes:
        sums += f", changes={changes!r}"
    noise = f"temperature={s['temperature']:g}, seed={s['seed']}"
    names = "RealClasses, describe, design_figure, invent, sweep"
    return (
        f"from gsmflow_lite.explorer import {names}\n"
        f"{ready}\n"
        f"description = describe(dataset, {s['start']!r}{sums})\n"
        f"invented = invent(RealClasses(scene), generator, description, {noise})\n"
        "features, nearest = invented.features, invented.near  # an array, a table\n"
        f"swept = sweep(scene, generator, description, {s['sweep']!r}, {noise})\n"
        "figure = design_figure(scene, invented, swept)\n"
    )
