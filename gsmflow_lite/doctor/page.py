"""What the doctor found, as lines of text and as data for a report of a bug."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import __version__
from .device import built_for
from .finding import Answer
from .versions import all_versions

MARKS = {"ok": "ok", "note": "note", "fault": "FAULT"}
INDENT = " " * 24  # of what was found


def text_of(answer: Answer) -> str:
    """Return the line of an answer, and a second one where there is something to do."""
    finding = answer.finding
    line = f"{MARKS[finding.state]:7}{answer.what:17}{finding.found}"
    return f"{line}\n{INDENT}-> {finding.remedy}" if finding.remedy else line


def sentence(answers: Sequence[Answer]) -> str:
    """Return the last line: whether all is well, else what must be mended."""
    faults = [answer.what for answer in answers if answer.finding.state == "fault"]
    notes = sum(answer.finding.state == "note" for answer in answers)
    seconds = sum(answer.seconds for answer in answers)
    beside = {0: "", 1: ", with a note"}.get(notes, f", with {notes} notes")
    if not faults:
        return f"All is well{beside} ({seconds:.0f} s)."
    return f"To be mended: {', '.join(faults)}{beside} ({seconds:.0f} s)."


def is_well(answers: Sequence[Answer]) -> bool:
    """Whether there is no fault among the answers."""
    return all(answer.finding.state != "fault" for answer in answers)


def answers_as_data(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return all answers and versions as JSON can hold them."""
    found = [
        {"what": answer.what, **vars(answer.finding), "seconds": round(answer.seconds, 3)}
        for answer in answers
    ]
    return {
        "gsmflow_lite": __version__,
        "well": is_well(answers),
        "sentence": sentence(answers),
        "versions": all_versions(),
        "built_for": built_for(),
        "answers": found,
    }
