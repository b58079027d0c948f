"""One offline HTML page from a run: the scores, what drifted and how far, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import figures
from ..datasets.base import GZSLDataset
from ..events import Stage, Step, Watch
from ..figures.style import VERDICTS
from ..generators.base import Generator
from ..shifts.meters import METERS
from ..shifts.report import ShiftReport
from ..shifts.verdict import FINE, SHIFTED
from ..storage import write_whole
from . import report_parts as parts
from .report_page import asset, page_scripts, security_policy, template

PARTS = (
    "descriptions",
    "scores",
    "meters",
    "regions",
    "lenses",
    "pictures",
    "classes",
    "attributes",
    "changed",
)
LONGEST_TITLE = 60  # characters of a name in the title


def write_report(
    path: str | Path,
    *,
    dataset: GZSLDataset,
    generator: Generator,
    result: Mapping[str, Any],
    shifts: Mapping[str, ShiftReport],
    watch: Watch = lambda event: None,
) -> None:
    """Write the page, whole or not at all.

    Opening it fetches nothing, and names from files are shown as text. ``dataset`` has the
    features that ``generator`` synthesizes; ``result`` is what ``result.json`` holds; ``shifts``
    maps the name of each generator to its report, the one that the page is about first. A part
    that cannot be made is left out, and the page says why.
    """
    write_whole(path, render(dataset, generator, result, shifts, watch).encode(errors="replace"))


def render(
    dataset: GZSLDataset,
    generator: Generator,
    result: Mapping[str, Any],
    shifts: Mapping[str, ShiftReport],
    watch: Watch = lambda event: None,
) -> str:
    """Return the page as text."""
    name = next(iter(shifts), result.get("generator", "the generator"))
    report = shifts.get(name)
    notes = [*result.get("notes", ())]
    for who, one in shifts.items():
        notes += [f"{who}: {note}" for note in one.notes]

    makers: dict[str, Callable[[], Any]] = {"descriptions": lambda: parts.descriptions(dataset)}
    if result.get("scores"):
        makers["scores"] = lambda: parts.scores(name, result)
    if report is not None:
        makers |= _shift_makers(dataset, generator, report, shifts, watch)
    made = _make(makers, notes, watch)
    scripts = page_scripts() if made["lenses"] else []
    title = figures.short(name, LONGEST_TITLE)
    data_name = figures.short(dataset.name, LONGEST_TITLE)
    return template().render(
        title=f"{title}: what it synthesizes of {data_name}",
        headline=report and report.sentence,
        badges=report and [(meter, report.reading(meter).word) for meter in METERS],
        symbols={word: verdict.symbol for word, verdict in VERDICTS.items()},
        fine=FINE,
        shifted=SHIFTED,
        notes=notes,
        made=parts.facts(result),
        scripts=scripts,
        policy=security_policy(scripts),
        style=asset("report.css"),
        **made,
    )


def _shift_makers(
    dataset: GZSLDataset,
    generator: Generator,
    report: ShiftReport,
    shifts: Mapping[str, ShiftReport],
    watch: Watch,
) -> dict[str, Callable[[], Any]]:
    """What makes each part that is about shifts."""
    return {
        "meters": lambda: parts.meters(shifts),
        "regions": lambda: parts.regions(dataset, generator, report.settings["seed"]),
        "lenses": lambda: parts.lenses(dataset, generator, report, watch),
        "pictures": lambda: parts.pictures(dataset, generator, report),
        "classes": lambda: parts.classes(report),
        "attributes": lambda: parts.attributes(report),
        "changed": lambda: parts.changed(report),
    }


def _make(
    makers: Mapping[str, Callable[[], Any]], notes: list[str], watch: Watch
) -> dict[str, Any]:
    """Make each part of the page; one that fails is None and gets a note."""
    made: dict[str, Any] = dict.fromkeys(PARTS)
    for part, make in makers.items():
        watch(Stage(f"report: {part}", 1))
        try:
            made[part] = make()
        except Exception as error:  # hours of training must not be lost for want of one picture
            notes.append(f"the part of the page on {part} is left out: {error}")
        watch(Step(f"report: {part}", 1, 1))
    return made
