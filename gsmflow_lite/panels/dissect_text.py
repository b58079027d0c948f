"""The words of the flow anatomy, and its view as code."""

from __future__ import annotations

from html import escape

from ..datasets import GZSLDataset
from ..figures.style import short
from .dissection import DISSECT_SEED, NOISE_BOX, NOISE_NAME, ROOM, ROWS_SHOWN, FlowScene
from .state import Settings

MINUS = "\N{MINUS SIGN}"
ATTRIBUTES_SHOWN = 4


def account(scene: FlowScene, step: int, *, trained: bool) -> str:
    """Say what the moves up to a step did to areas, and so to the density, as markup."""
    lines = [_of_step(scene, step), _of_middle(scene, step), _of_density(scene, trained)]
    return f'<div class="card" role="status">{"<br>".join(lines)}</div>'


def _of_step(scene: FlowScene, step: int) -> str:
    names = scene.points.names
    return (
        f"<b>Step {step} of {len(names) - 1}: {escape(names[step])}.</b> "
        "Log-determinant so far, mean over the points: "
        f"<b>{_nats(scene.mean_log_dets[step])}</b>."
    )


def _of_middle(scene: FlowScene, step: int) -> str:
    log_det = scene.middle.log_dets[: step + 1, 0].sum()
    return (
        "The point ✕ began in the middle: "
        f"log-density {_nats(scene.first_log_density)} there, "
        f"minus its own log-determinant {_nats(log_det)}, "
        f"makes <b>{_nats(scene.log_densities[step])}</b> here."
    )


def _of_density(scene: FlowScene, trained: bool) -> str:
    return (
        f"The density of the {'' if trained else 'untrained '}flow integrates to "
        f"<b>{scene.learned.mass:.3f}</b> over a square around the data; "
        f"the truth to {scene.truth.mass:.3f}."
    )


def _nats(value: float) -> str:
    return f"{value:.2f} nats".replace("-", MINUS)


def class_attributes(dataset: GZSLDataset, number: int) -> str:
    """Write the first attributes of a class, as markup."""
    values = dataset.attributes[number]
    pairs = list(zip(dataset.attribute_names, values, strict=False))[:ATTRIBUTES_SHOWN]
    parts = [f"{short(name)} {value:.2f}".replace("-", MINUS) for name, value in pairs]
    return f'<div class="card calm" style="text-align: right">{escape(", ".join(parts))}</div>'


# --- The view as code ------------------------------------------------------------------------


def dissect_code(settings: Settings, *, own_world: bool, own_model: bool, trained: bool) -> str:
    """Write the library calls that make the view.

    A world and a model that the panel was given are variables of the reader's notebook.
    """
    number = settings["number"]
    lines = [
        *_imports(settings["towards"], own_world=own_world, own_model=own_model),
        "",
        *_making(own_world=own_world, own_model=own_model, trained=trained),
        f"description = world.dataset.attributes[{number}:{number + 1}]",
        f"x = world.sample({number}, {ROWS_SHOWN}, seed={DISSECT_SEED})",
        f"box = box_around(x, {ROOM})",
        *_journeys(settings),
        "learned = density(model, description, box)",
        f"truth = density(world, {number}, box)",
        f"anatomy_figure(points, grid, {settings['step']}, target=learned)  # this step",
        "anatomy_still(points, grid, target=learned)  # all of them",
    ]
    return "\n".join(lines)


def _imports(towards: str, *, own_world: bool, own_model: bool) -> list[str]:
    names = ["box_around", "density", "grid_lines", f"to_{towards}"]
    if not own_world:
        names.append("world_flow")
    elif not own_model:
        names.append("small_flow")
    lines = [
        f"from gsmflow_lite.explorer.anatomy import {', '.join(sorted(names))}",
        "from gsmflow_lite.explorer.anatomy_figures import anatomy_figure, anatomy_still",
    ]
    if towards == "data":
        lines.append("from gsmflow_lite.seeds import stream")
    return lines


def _making(*, own_world: bool, own_model: bool, trained: bool) -> list[str]:
    """The lines that make ``world`` and ``model``."""
    options = "" if trained else ", epochs=0"
    if not own_world:
        return [f"world, model = world_flow(seed={DISSECT_SEED}{options})"]
    if not own_model:
        return [
            "# world: as you handed it in",
            f"model = small_flow(world.dataset, {DISSECT_SEED}{options})",
        ]
    return ["# world and model: as you handed them in"]


def _journeys(settings: Settings) -> list[str]:
    """The lines from ``x`` and ``description`` to ``points`` and ``grid``."""
    count = settings["points"]
    if settings["towards"] == "noise":
        return [
            f"points = to_noise(model, x[:{count}], description)",
            "grid = to_noise(model, grid_lines(box), description)",
        ]
    draws = f'stream({DISSECT_SEED}, "{NOISE_NAME}").standard_normal(({count}, 2))'
    return [
        f"noise = {settings['temperature']!r} * {draws}",
        "points = to_data(model, noise, description)",
        f"grid = to_data(model, grid_lines({NOISE_BOX}), description)",
    ]
