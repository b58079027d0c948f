"""One offline HTML page from a run: what the scores are, what drifted and how far, and how it looks."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from .. import figures
from ..datasets.base import GZSLDataset
from ..events import Event, Stage, Step
from ..explorer.scene import IN_FOCUS
from ..generators.base import Generator, ask
from ..seeds import stream
from ..shifts.estimates import METRICS
from ..shifts.report import FINE, METERS, SHIFTED, Reading, ShiftReport
from ..storage import write_whole
from . import report_lenses

PARTS = ("scores", "meters", "lenses", "pictures", "classes", "attributes", "changed")
PICTURES_PER_CLASS = 8  # per class and row
PICTURED = 24  # classes with pictures
HEAT_ROWS = 40  # classes in the heat map
CHANGED = 10  # classes that changed places
SHARPNESS = 140  # dots per inch of still figures: clear on paper and on a fine screen
INCH = 92  # pixels of the page
SYMBOLS = {"fine": "✓", "watch": "!", "shifted": "✕", "not measured": "-"}
NAMES = {
    "ridge_gaussian": "ridge-Gaussian",
    "eszsl": "ESZSL",
    "oracle": "oracle (real unseen rows)",
}
CLASSIFIER_SENTENCES = {
    "softmax": "A linear classifier trained on real seen and synthesized unseen rows",
    "likelihood": "The flow itself as classifier, by its exact likelihood (the baselines below use a linear one),",
}
MEANINGS = {
    "semantic": "attributes are read off the synthesized classes, by a reader fitted on real seen ones, and compared with the "
    "descriptions that were asked for; 1 is full agreement.",
    "variance": "the variance of synthesized features over that of real ones; 1 is right, below 1 imagination is too timid, "
    "above 1 too wild.",
    "structure": "whether classes that are near each other in reality are near each other in imagination: the rank "
    "correlation of the distances between classes; 1 is the same order.",
    "overall": "how surely a classifier that sees features and their squares tells synthesized from real rows of a class; "
    "0.5 is guessing, 1 is always.",
}


def write_report(
    path: str | Path,
    *,
    dataset: GZSLDataset,
    generator: Generator,
    result: Mapping[str, Any],
    shifts: Mapping[str, ShiftReport],
    watch: Callable[[Event], None] = lambda event: None,
) -> None:
    """Write the page, whole or not at all; opening it fetches nothing, and names from files are shown as text.

    ``dataset`` has the features that ``generator`` speaks of; ``result`` is what ``result.json`` holds; ``shifts`` maps the
    name of each generator to its report, the one that the page is about first. A part that cannot be made is left out and the
    page says why.
    """
    write_whole(path, render(dataset, generator, result, shifts, watch).encode(errors="replace"))


def render(
    dataset: GZSLDataset,
    generator: Generator,
    result: Mapping[str, Any],
    shifts: Mapping[str, ShiftReport],
    watch: Callable[[Event], None] = lambda event: None,
) -> str:
    """The page as text."""
    name = next(iter(shifts), result.get("generator", "the generator"))
    own = shifts.get(name)
    notes = [
        *result.get("notes", ()),
        *(f"{who}: {note}" for who, report in shifts.items() for note in report.notes),
    ]
    makers = {"scores": lambda: _scores(name, result)} if result.get("scores") else {}
    if own is not None:
        makers |= {
            "meters": lambda: _meters(shifts),
            "lenses": lambda: _lenses(dataset, generator, own, watch),
            "pictures": lambda: _pictures(dataset, generator, own),
            "classes": lambda: _classes(own),
            "attributes": lambda: _attributes(own),
            "changed": lambda: _changed(own),
        }
    parts = _made(makers, notes, watch)
    scripts = _scripts() if parts.get("lenses") else []
    return _template().render(
        title=f"{figures.short(name, 60)}: what it synthesizes of {figures.short(dataset.name, 60)}",
        headline=own and own.sentence,
        badges=own and [(meter, own.reading(meter).word) for meter in METERS],
        symbols=SYMBOLS,
        fine=FINE,
        shifted=SHIFTED,
        notes=notes,
        made=_facts(result),
        scripts=scripts,
        policy=_policy(scripts),
        style=_asset("report.css"),
        **parts,
    )


def _made(
    makers: Mapping[str, Callable[[], Any]], notes: list[str], watch: Callable[[Event], None]
) -> dict[str, Any]:
    """Each part of the page, or None and a note."""
    parts: dict[str, Any] = dict.fromkeys(PARTS)
    for part, make in makers.items():
        watch(Stage(f"report: {part}", 1))
        try:
            parts[part] = make()
        except (
            Exception
        ) as error:  # whatever it is, hours of training must not be lost for want of one picture
            parts[part] = None
            notes.append(f"the part of the page on {part} is left out: {error}")
        watch(Step(f"report: {part}", 1, 1))
    return parts


# --- Parts -----------------------------------------------------------------------------------------------------------


def _scores(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    scores, oracle = result["scores"], result["baselines"].get("oracle")
    share = (
        f", {100 * scores['harmonic'] / oracle['harmonic']:.0f} % of the oracle's"
        if oracle and oracle["harmonic"]
        else ""
    )
    rows = {name: scores} | {NAMES.get(key, key): one for key, one in result["baselines"].items()}
    return {
        "sentence": f"{CLASSIFIER_SENTENCES[result['classifier']]} reaches a harmonic mean of {scores['harmonic']:.1f} %{share}.",
        "rows": [
            {
                "name": short(who),
                "values": [f"{one[key]:.1f}" for key in ("seen", "unseen", "harmonic", "zsl")],
            }
            for who, one in rows.items()
        ],
        "rule": result["rule"],
        "seed": result["seed"],
    }


def _meters(shifts: Mapping[str, ShiftReport]) -> dict[str, Any]:
    own = next(iter(shifts.values()))
    headlines = {meter: own.reading(meter) for meter in METERS}
    return {
        "picture": _picture(figures.shift_meters(shifts), _in_words(headlines)),
        "caption": f"{own.settings['n']} synthesized rows a class, {len(own.names)} classes, {own.settings['repeats']} random "
        f"halves of the rows, seed {own.settings['seed']}.",
        "sentences": [
            {"meter": meter, "word": r.word, "text": MEANINGS[meter]}
            for meter, r in headlines.items()
        ],
        "tables": [
            {"name": short(name), "rows": [_row(r) for r in _whole(report)]}
            for name, report in shifts.items()
        ],
    }


def _whole(report: ShiftReport) -> list[Reading]:
    return [reading for reading in report.readings if reading.label is None]


def _row(r: Reading) -> dict[str, str]:
    text = next(metric.text for metric in METRICS if metric.name == r.metric)
    numbers = {key: _number(getattr(r, key)) for key in ("value", "floor", "ceiling", "score")}
    interval = f"{_number(r.low)} to {_number(r.high)}"
    return {
        "meter": r.meter,
        "metric": r.metric,
        "interval": interval,
        "word": r.word,
        "text": text,
        **numbers,
    }


def _in_words(headlines: Mapping[str, Reading]) -> str:
    return "; ".join(f"{m}: {_number(r.value)}, {r.word}" for m, r in headlines.items())


def _lenses(
    dataset: GZSLDataset, generator: Generator, own: ShiftReport, watch: Callable[[Event], None]
) -> dict[str, Any]:
    order = _worst_first(own)
    focus = [int(own.classes[i]) for i in order[:IN_FOCUS]]
    settings = own.settings
    seen = report_lenses.look(
        dataset, generator, focus, n=settings["n"], seed=settings["seed"], watch=watch
    )
    spread = {int(k): own.reading("spread", own.names[i]).value for i, k in enumerate(own.classes)}
    spread = {k: value for k, value in spread.items() if np.isfinite(value)}
    sprite = None if seen.pictures is None else report_lenses.sprite_sheet(seen.pictures)
    figure = report_lenses.interactive(seen, dataset.class_names, spread)
    more = len(order) - len(focus)
    return {
        "chosen": f"; in colour are the {len(focus)} of {len(order)} measured classes that shifted most"
        if more
        else "",
        "still": _picture(
            report_lenses.still_lenses(seen, dataset.class_names, spread),
            "Real and synthesized rows in PCA and UMAP",
        ),
        "sprite": sprite and {"png": _base64(sprite[0])},
        "data": report_lenses.page_data(seen, dataset, figure, sprite and sprite[1]),
        "caption": f"{seen.describe}. {'Of decoded pixels' if sprite else 'Of features'}; synthesized rows are placed afterwards.",
    }


def _worst_first(own: ShiftReport) -> list[int]:
    """Places of the classes in the report, those that shifted most first, those that were not measured last."""
    place = {name: i for i, (name, _, _) in enumerate(own.worst())}
    return sorted(range(len(own.names)), key=lambda i: place.get(own.names[i], len(place)))


def _pictures(
    dataset: GZSLDataset, generator: Generator, own: ShiftReport
) -> dict[str, Any] | None:
    if dataset.decode is None:
        return None
    order, seed = _worst_first(own), own.settings["seed"]
    shown = [int(own.classes[i]) for i in order[:PICTURED]]
    count = min(PICTURES_PER_CLASS, own.settings["n"])
    made = ask(
        generator, dataset.attributes[shown], count, seed=seed, width=dataset.features.shape[1]
    )
    tests, rng = (
        np.concatenate([dataset.test_seen, dataset.test_unseen]),
        stream(seed, "real pictures"),
    )
    pairs = []
    for k, features in zip(shown, made.cpu().numpy(), strict=True):
        rows = dataset.of_class(k, tests)
        real = dataset.features[rng.choice(rows, count, replace=len(rows) < count)]
        name = short(dataset.class_names[k])
        figure = figures.picture_grid(
            {"real": dataset.decode(real), "synthesized": dataset.decode(features)}
        )
        pairs.append(
            {"name": name} | _picture(figure, f"real and synthesized pictures of {name}", dpi=80)
        )
    return {"pairs": pairs, "left_out": len(order) - len(shown)}


def _classes(own: ShiftReport) -> dict[str, Any]:
    worst = {name: meter for name, _, meter in own.worst()}
    return {
        "meters": METERS[:3],
        "rows": [
            {
                "name": short(own.names[i], 60),
                "worst": worst.get(own.names[i], "-"),
                "cells": [_cell(own.reading(meter, own.names[i])) for meter in METERS[:3]],
                "spread": _number(own.reading("spread", own.names[i]).value),
            }
            for i in _worst_first(own)
        ],
    }


def _cell(reading: Reading) -> tuple[str, str]:
    return (_number(reading.score) if np.isfinite(reading.score) else "", reading.word)


def _attributes(own: ShiftReport) -> dict[str, Any] | None:
    table = own.attribute_table()
    columns = figures.telling_attributes(table.to_numpy(), own.readability)
    if not len(columns):
        return None
    order = _worst_first(own)[:HEAT_ROWS]
    shown = table.iloc[order, columns]
    caption = (
        "What is read off synthesized class means minus what is read off real ones, in units of the attribute's spread among seen "
        "classes. Orange: said too loudly; blue: too quietly. Classes that shifted most are on top"
    )
    few = (
        f"; the {len(columns)} of {table.shape[1]} attributes with the largest readable differences"
    )
    rest = (
        f"; {len(table) - len(order)} further classes are not shown"
        if len(table) > len(order)
        else ""
    )
    return {
        "picture": _picture(figures.attribute_heatmap(shown), "Differences of attributes by class"),
        "caption": caption + (few if len(columns) < table.shape[1] else "") + rest + ".",
        "list": _largest(own, order, columns),
    }


def _largest(own: ShiftReport, order: list[int], columns: np.ndarray, most: int = 5) -> str:
    """The largest differences in words, each weighted by how well its attribute can be read."""
    difference = own.read_made - own.read_real
    weight = np.abs(difference * own.readability)[np.ix_(order, columns)]
    cells = [
        np.unravel_index(i, weight.shape)
        for i in np.argsort(-weight, axis=None, kind="stable")[:most]
    ]
    words = []
    for row, column in cells:
        i, j = order[row], columns[column]
        way = "too much" if difference[i, j] > 0 else "too little"
        words.append(
            f"{short(own.names[i])} has {way} of {short(own.attribute_names[j])} ({difference[i, j]:+.1f})"
        )
    return "; ".join(words)


def _changed(own: ShiftReport) -> dict[str, Any] | None:
    rows = [[short(name) for name in one[:3]] for one in own.changed[:CHANGED]]
    return {"rows": rows, "more": len(own.changed) - len(rows)} if rows else None


def _facts(result: Mapping[str, Any]) -> dict[str, Any]:
    apart = {"scores", "baselines", "shifts", "notes", "repeat", "versions"}
    settings = {key: value for key, value in result.items() if key not in apart}
    facts = {
        key: result[key]
        for key in ("dataset", "source", "seed", "protocol")
        if result.get(key) is not None
    }
    facts |= {
        "seconds": ", ".join(f"{key} {value}" for key, value in result.get("seconds", {}).items())
    }
    facts |= {
        "versions": ", ".join(f"{key} {value}" for key, value in result.get("versions", {}).items())
    }
    return {
        "facts": [(key, value) for key, value in facts.items() if value != ""],
        "repeat": result.get("repeat"),
        "settings": json.dumps(settings, indent=2, ensure_ascii=False),
    }


# --- Bits of a page --------------------------------------------------------------------------------------------------


def short(name: object, most: int = figures.LONGEST_NAME) -> str:
    """A name, cut to ``most`` characters."""
    return figures.short(name, most)


def _number(value: float) -> str:
    return figures.number(value) if np.isfinite(value) else "-"


def _picture(figure, alt: str, dpi: float = SHARPNESS) -> dict[str, Any]:
    """Width in pixels of the page, so that letters are of one size in narrow and wide figures."""
    return {
        "png": _base64(figures.png(figure, dpi)),
        "alt": alt,
        "width": round(INCH * figure.get_figwidth()),
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _template():
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(_asset("report.html"))


def _asset(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def _scripts() -> list[str]:
    """Plotly and our own, in the order in which they run."""
    from plotly.offline import get_plotlyjs

    return [get_plotlyjs(), _asset("report.js")]


def _policy(scripts: list[str]) -> str:
    """Content-Security-Policy: nothing is fetched, and no script runs but these, whatever else should get into the page."""
    hashes = [f"'sha256-{_base64(hashlib.sha256(script.encode()).digest())}'" for script in scripts]
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {' '.join(hashes) or _NOTHING}"


_NOTHING = "'none'"
