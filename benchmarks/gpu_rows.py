"""Rows of the table of ``gpu.py``: times beside a peer and a goal, checks, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pairs

LONGEST_NOTE = 300  # characters

REACHED, MISSED = "reached", "MISSED"
PASSED, FAILED = "passed", "FAILED"
ERROR, LEFT_OUT, SKIPPED, WARNED = "ERROR", "left out", "skipped", "warned"


class LeftOut(Exception):
    """There is not enough time for it."""


class Skipped(Exception):
    """It cannot be done here, and this is no fault."""


@dataclass(frozen=True)
class Row:
    """What was found of one work: a time beside that of a peer, or whether a check passed.

    The ``goal`` is the most that the ratio may be; where there is no peer, that the value may be.
    """

    work: str
    value: float | None = None
    unit: str = ""
    against: str = ""
    peer: float | None = None
    ratio: float | None = None
    goal: float | None = None
    verdict: str = ""
    note: str = ""
    part: str = ""

    @property
    def line(self) -> str:
        """The row as a line of a table in markdown."""
        cells = (
            self.work,
            _number(self.value, self.unit),
            self.against,
            _number(self.peer, self.unit),
            _number(self.ratio, ""),
            "" if self.goal is None else f"at most {self.goal:g}",
            self.verdict,
            self.note,
        )
        return "| " + " | ".join(_in_one_cell(cell) for cell in cells) + " |"


HEAD = "\n".join(
    ["| work | ours | beside | peer | ratio | goal | | note |", "|---" * 8 + "|"],
)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g} {unit}".strip()


def _in_one_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")[:LONGEST_NOTE]


# --- Making rows ---------------------------------------------------------------------------------


def beside(
    work: str,
    ours: Sequence[float],
    against: str,
    peer: Sequence[float],
    *,
    unit: str = "ms",
    goal: float | None = None,
    note: str = "",
) -> Row:
    """Compare what was taken in turn: medians, and the median of the ratios of each round."""
    found = pairs.row(work, against, ours, peer, unit)
    scale = 1000 if unit == "ms" else 1
    spread = f"{found.runs} rounds: {found.low:.2f} to {found.high:.2f}" if found.runs > 1 else ""
    return Row(
        work,
        scale * found.ours,
        unit,
        against,
        scale * found.peer,
        found.ratio,
        goal,
        _reached(found.ratio, goal),
        "; ".join(filter(None, (note, spread))),
    )


def alone(
    work: str, value: float, unit: str = "s", *, goal: float | None = None, note: str = ""
) -> Row:
    """A value that has no peer."""
    return Row(work, value, unit, goal=goal, verdict=_reached(value, goal), note=note)


def _reached(value: float, goal: float | None) -> str:
    return "" if goal is None else REACHED if value <= goal else MISSED


def checked(work: str, right: bool, note: str) -> Row:
    """Whether something is as it must be."""
    return Row(work, verdict=PASSED if right else FAILED, note=note)


def told(work: str, error: BaseException) -> Row:
    """What an exception says, and where it came from."""
    if isinstance(error, LeftOut):
        return Row(work, verdict=LEFT_OUT, note=str(error))
    if isinstance(error, Skipped):
        return Row(work, verdict=SKIPPED, note=str(error))
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("FrEIA"):
        return Row(work, verdict=SKIPPED, note="FrEIA is not installed")
    words = next(iter(str(error).splitlines()), "")
    place = _last_place(error.__traceback__)
    return Row(work, verdict=ERROR, note=f"{type(error).__name__}: {words}{place}")


def _last_place(trace: TracebackType | None) -> str:
    """The line that raised, without the folder, which is nobody's business."""
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
