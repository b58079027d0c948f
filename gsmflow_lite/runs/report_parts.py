"""The parts of a report, each as the values that the page's template asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from .. import figures
from ..datasets.base import GZSLDataset
from ..datasets.class_order import order_note
from ..datasets.explained import explained_share
from ..events import Watch
from ..explorer.row_pictures import (
    has_pictures,
    imagined_pictures,
    kept_pictures,
    real_pictures,
    shows_nearest,
)
from ..explorer.scene import IN_FOCUS, Scene
from ..figures import number, short
from ..figures.ink import alike
from ..figures.sprites import sprite_sheet
from ..generators.base import ExactDensity, Generator, ask
from ..seeds import stream
from ..shifts.coverage import coverage
from ..shifts.meters import METERS, METRICS, SHIFTS
from ..shifts.report import Reading, ShiftReport
from . import report_lenses
from .report_page import in_base64, number_or_dash, picture

PICTURES_PER_CLASS = 8  # in each row, real and synthesized
PICTURED = 24  # classes with pictures
HEAT_ROWS = 40  # classes in the heat map
LARGEST_DIFFERENCES = 5  # that are said in words
CHANGED = 10  # classes that changed places
LONGEST_CLASS = 60  # characters of a name in the table of classes
SCORES = ("seen", "unseen", "harmonic", "zsl", "ausuc")
NAMES = {
    "ridge_gaussian": "ridge-Gaussian",
    "eszsl": "ESZSL",
    "oracle": "oracle (real unseen rows)",
}
CLASSIFIER_SENTENCES = {
    "softmax": "A linear classifier trained on real seen and synthesized unseen rows",
    "likelihood": "The flow itself as classifier, by its exact likelihood,",
}
MEANINGS = {
    "semantic": "attributes are read off the synthesized classes, by a reader fitted on real seen "
    "ones, and compared with the descriptions that were asked for; 1 is full agreement.",
    "variance": "the variance of synthesized features over that of real ones; 1 is right, below 1 "
    "they vary too little, above 1 too much.",
    "structure": "whether classes that are near each other in reality are near each other among "
    "the synthesized ones: the rank correlation of the distances between classes; 1 is the same "
    "order.",
    "overall": "how surely a classifier that sees features and their squares tells synthesized "
    "from real rows of a class; 0.5 is guessing, 1 is always.",
}
NOT_IN_SETTINGS = {
    "scores",
    "baselines",
    "shifts",
    "notes",
    "repeat",
    "versions",
    "descriptions",
}


# --- Descriptions -------------------------------------------------------------------------------


def descriptions(dataset: GZSLDataset) -> dict[str, Any]:
    """How much the descriptions explain of the features as they came, in words and as bars."""
    raw = dataset.origin or dataset
    found = explained_share(raw)
    note = order_note(raw)
    drawn = None
    if not found.unclear:
        drawn = picture(figures.explained_bars(found), " ".join(found.lines))
    sentences = [*found.lines, *([f"Look again: {note}"] if note else [])]
    return {"sentences": sentences, "picture": drawn}


# --- Scores and meters --------------------------------------------------------------------------


def scores(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The table of scores of one generator and its baselines, and a sentence."""
    own = result["scores"]
    rows = [(name, own)]
    rows += [(NAMES.get(key, key), other) for key, other in result["baselines"].items()]
    classifiers = chosen_classifiers(result)
    classifier = CLASSIFIER_SENTENCES[result["classifier"]]
    share = _share_of_oracle(own, result["baselines"].get("oracle"))
    return {
        "sentence": f"{classifier} reaches a harmonic mean of {own['harmonic']:.1f} %{share}.",
        "rows": [
            {
                "name": short(who),
                "values": [f"{values[key]:.1f}" for key in SCORES],
                "classifier": classifier,
            }
            for (who, values), classifier in zip(rows, classifiers, strict=True)
        ],
        "rule": result["rule"],
        "seed": result["seed"],
    }


def chosen_classifiers(result: Mapping[str, Any]) -> list[str]:
    """The classifier of the generator and of each baseline; ESZSL is one itself."""
    own = result["classifier"]
    choices = result.get("baseline_choices", {})  # a diagnosis has none: one classifier for all
    of_baselines = {
        name: choices[name]["setting"].get("classifier", "bilinear") if choices else own
        for name in result["baselines"]
    }
    return [own, *of_baselines.values()]


def _share_of_oracle(own: Mapping[str, float], oracle: Mapping[str, float] | None) -> str:
    if not oracle or not oracle["harmonic"]:
        return ""
    return f", {100 * own['harmonic'] / oracle['harmonic']:.0f} % of the oracle's"


def meters(shifts: Mapping[str, ShiftReport]) -> dict[str, Any]:
    """The picture of all meters, what each says, and all metrics as tables."""
    report = next(iter(shifts.values()))
    headlines = {meter: report.reading(meter) for meter in METERS}
    in_words = [f"{meter}: {number_or_dash(r.value)}, {r.word}" for meter, r in headlines.items()]
    settings = report.settings
    return {
        "picture": picture(figures.shift_meters(shifts), "; ".join(in_words)),
        "caption": f"{settings['n']} synthesized rows a class, {len(report.names)} classes, "
        f"{settings['repeats']} random halves of the rows, seed {settings['seed']}.",
        "sentences": [
            {"meter": meter, "word": reading.word, "text": _meaning(reading)}
            for meter, reading in headlines.items()
        ],
        "tables": [_metrics_table(name, report) for name, report in shifts.items()],
    }


def _meaning(headline: Reading) -> str:
    """What a meter says, what the ridge-Gaussian reaches, and what would do if it cannot tell."""
    parts = [MEANINGS[headline.meter]]
    if headline.beside is not None:
        parts.append(f"The ridge-Gaussian of the same data gets to {number(headline.beside)}.")
    if headline.advice:
        parts.append(f"With these data it cannot be told: {headline.advice}.")
    return " ".join(parts)


def _metrics_table(name: str, report: ShiftReport) -> dict[str, Any]:
    overall = [reading for reading in report.readings if reading.label is None]
    return {"name": short(name), "rows": [_metric_row(reading) for reading in overall]}


def _metric_row(reading: Reading) -> dict[str, str]:
    row = {
        "meter": reading.meter,
        "metric": reading.metric,
        "interval": f"{number_or_dash(reading.low)} to {number_or_dash(reading.high)}",
        "word": reading.word,
        "text": next(metric.text for metric in METRICS if metric.name == reading.metric),
    }
    for key in ("value", "floor", "ceiling", "score"):
        row[key] = number_or_dash(getattr(reading, key))
    return row


def regions(dataset: GZSLDataset, generator: Generator, seed: int) -> dict[str, Any] | None:
    """What the regions of the density hold of real rows; None where there is no density."""
    if not isinstance(generator, ExactDensity):
        return None
    seen = coverage(dataset, generator, seed=seed)
    figure = figures.coverage_curves({"": seen})
    rows = " and ".join(
        f"{curve.rows} rows of {curve.classes} {curve.kind} classes" for curve in seen.curves
    )
    return {
        "sentence": seen.sentence,
        "picture": picture(figure, seen.sentence),
        "caption": f"Real test rows: {rows}; {seen.settings['n']} synthesized rows a class. The "
        "band is what chance does, at 95 %. The gap is the mean distance from the diagonal.",
    }


# --- Lenses and pictures ------------------------------------------------------------------------


def lenses(
    dataset: GZSLDataset, generator: Generator, report: ShiftReport, watch: Watch
) -> dict[str, Any]:
    """Both lenses, to move in and to keep, on the classes that shifted most."""
    order = _worst_first(report)
    focus = [int(report.classes[i]) for i in order[:IN_FOCUS]]
    settings = report.settings
    seen = report_lenses.look(
        dataset, generator, focus, n=settings["n"], seed=settings["seed"], watch=watch
    )
    spread = _spread_by_class(report)
    sprite = None if seen.pictures is None else sprite_sheet(seen.pictures)
    figure = report_lenses.interactive(seen, dataset.class_names, spread)
    still = report_lenses.still_lenses(seen, dataset.class_names, spread)
    chosen = ""
    if len(order) > len(focus):
        chosen = (
            f"; in colour are the {len(focus)} of {len(order)} measured classes that shifted most"
        )
    return {
        "chosen": chosen,
        "still": picture(still, "Real and synthesized rows in PCA and UMAP"),
        "sprite": sprite and {"kind": sprite[2], "content": in_base64(sprite[0])},
        "nearest": shows_nearest(dataset),
        "data": report_lenses.page_data(seen, dataset, figure, sprite and sprite[1]),
        "caption": f"{seen.describe}. Synthesized rows are placed afterwards.",
    }


def _worst_first(report: ShiftReport) -> list[int]:
    """Places of the classes in the report: those that shifted most first, unmeasured ones last."""
    place = {name: i for i, (name, _, _) in enumerate(report.worst())}
    last = len(place)
    return sorted(range(len(report.names)), key=lambda i: place.get(report.names[i], last))


def _spread_by_class(report: ShiftReport) -> dict[int, float]:
    spread = {}
    for k, name in zip(report.classes, report.names, strict=True):
        value = report.reading("spread", name).value
        if np.isfinite(value):
            spread[int(k)] = value
    return spread


def pictures(
    dataset: GZSLDataset, generator: Generator, report: ShiftReport
) -> dict[str, Any] | None:
    """Real pictures above synthesized ones, class by class; None where the data have none.

    Where features do not decode, the real images that are nearest to them on the maps stand for
    them.
    """
    if not has_pictures(dataset):
        return None
    order = _worst_first(report)
    seed = report.settings["seed"]
    count = min(PICTURES_PER_CLASS, report.settings["n"])
    numbers = [int(report.classes[i]) for i in order[:PICTURED]]
    width = dataset.features.shape[1]
    synthesized = ask(generator, dataset.attributes[numbers], count, seed=seed, width=width)
    rng = stream(seed, "real pictures")
    tests = np.concatenate([dataset.test_seen, dataset.test_unseen])
    scene = Scene.first(dataset, seed=seed)
    kept = None
    pairs = []
    for k, features in zip(numbers, synthesized.cpu().numpy(), strict=True):
        rows = dataset.of_class(k, tests)
        rows = rng.choice(rows, count, replace=len(rows) < count)
        grids = {"real": real_pictures(dataset, rows)}
        kept = kept_pictures(dataset, rows)
        if kept is not None:
            grids["decoded"] = kept
        shown = imagined_pictures(scene, features)
        what = "synthesized" if shown.rows is None else "nearest real"
        grids[what] = shown.pixels
        sized = dict(zip(grids, alike(list(grids.values())), strict=True))
        grid = figures.picture_grid(sized)
        name = short(dataset.class_names[k])
        alt = f"real and {what} pictures of {name}"
        words = "" if shown.rows is None else _nearest_classes(dataset, k, shown.rows)
        pairs.append({"name": name, "words": words, **picture(grid, alt, dpi=80)})
    return {
        "pairs": pairs,
        "left_out": len(order) - len(numbers),
        "kept": kept is not None,
        "nearest": shows_nearest(dataset),
    }


def _nearest_classes(dataset: GZSLDataset, number: int, rows: Int[np.ndarray, " n"]) -> str:
    """Say of which classes the nearest real images are, the class that was asked for first."""
    classes, counts = np.unique(dataset.labels[rows], return_counts=True)
    order = sorted(range(len(classes)), key=lambda i: (classes[i] != number, -counts[i]))
    return ", ".join(f"{short(dataset.class_names[classes[i]])} {counts[i]}" for i in order)


# --- Classes and attributes ---------------------------------------------------------------------


def classes(report: ShiftReport) -> dict[str, Any]:
    """The table of classes, those that shifted most first."""
    worst_meter = {name: meter for name, _, meter in report.worst()}
    names = [report.names[i] for i in _worst_first(report)]
    rows = [_class_row(report, name, worst_meter.get(name, "-")) for name in names]
    return {"meters": SHIFTS, "rows": rows}


def _class_row(report: ShiftReport, name: str, worst: str) -> dict[str, Any]:
    readings = [report.reading(meter, name) for meter in SHIFTS]
    return {
        "name": short(name, LONGEST_CLASS),
        "worst": worst,
        "cells": [_score_and_word(reading) for reading in readings],
        "spread": number_or_dash(report.reading("spread", name).value),
    }


def _score_and_word(reading: Reading) -> tuple[str, str]:
    return (number_or_dash(reading.score) if np.isfinite(reading.score) else "", reading.word)


def attributes(report: ShiftReport) -> dict[str, Any] | None:
    """The heat map of differences of attributes by class; None where none can be read."""
    table = report.attribute_table()
    columns = figures.telling_attributes(table.to_numpy(), report.readability)
    if not len(columns):
        return None
    order = _worst_first(report)[:HEAT_ROWS]
    caption = (
        "What is read off synthesized class means minus what is read off real ones, in units of "
        "the attribute's spread among seen classes. Orange: said too loudly; blue: too quietly. "
        "Classes that shifted most are on top"
    )
    if len(columns) < table.shape[1]:
        caption += (
            f"; the {len(columns)} of {table.shape[1]} attributes with the largest readable "
            "differences"
        )
    if len(table) > len(order):
        caption += f"; {len(table) - len(order)} further classes are not shown"
    table.index = figures.legible(report.names, numbers=report.classes)
    table.columns = figures.legible(report.attribute_names, "attribute")
    heatmap = figures.attribute_heatmap(table.iloc[order, columns])
    return {
        "picture": picture(heatmap, "Differences of attributes by class"),
        "caption": f"{caption}.",
        "list": _largest_differences(report, order, columns),
    }


def _largest_differences(
    report: ShiftReport, order: Sequence[int], columns: Int[np.ndarray, " J"]
) -> str:
    """The largest differences in words, each weighted by how well its attribute can be read."""
    difference = report.read_synthesized - report.read_real
    weight = np.abs(difference * report.readability)[np.asarray(order)][:, columns]
    largest = np.argsort(-weight, axis=None, kind="stable")[:LARGEST_DIFFERENCES]
    sentences = []
    for row, column in zip(*np.unravel_index(largest, weight.shape), strict=True):
        i = order[row]
        j = columns[column]
        amount = "too much" if difference[i, j] > 0 else "too little"
        attribute = short(report.attribute_names[j])
        sentences.append(
            f"{short(report.names[i])} has {amount} of {attribute} ({difference[i, j]:+.1f})"
        )
    return "; ".join(sentences)


def changed(report: ShiftReport) -> dict[str, Any] | None:
    """The classes that changed places; None where there are none."""
    if not report.changed:
        return None
    shown = report.changed[:CHANGED]
    rows = [[short(name) for name in places[:3]] for places in shown]
    return {"rows": rows, "more": len(report.changed) - len(rows)}


# --- Facts --------------------------------------------------------------------------------------


def facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """How the run was made: data, seed, settings, seconds, versions, and how to repeat it."""
    rows = {key: result.get(key) for key in ("dataset", "source", "seed", "protocol")}
    rows["seconds"] = _as_list(result.get("seconds", {}))
    rows["versions"] = _as_list(result.get("versions", {}))
    settings = {key: value for key, value in result.items() if key not in NOT_IN_SETTINGS}
    return {
        "facts": [(key, value) for key, value in rows.items() if value not in (None, "")],
        "repeat": result.get("repeat"),
        "settings": json.dumps(settings, indent=2, ensure_ascii=False),
    }


def _as_list(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
