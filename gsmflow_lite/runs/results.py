"""Results of cells: the file that keeps one, and the table of all."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..shifts.meters import SHIFTS
from ..storage import write_json
from .cells import Cell, Result
from .study_file import Study
from .tables import STUDY_SCORES

if TYPE_CHECKING:
    import pandas as pd

LARGEST = sys.float_info.max  # JSON has larger numbers
NUMBER_COLUMNS = (
    *STUDY_SCORES,
    "validation_harmonic",
    "calibration",
    *SHIFTS,
    *(f"{meter}_ceiling" for meter in SHIFTS),
    "train_seconds",
    "evaluate_seconds",
    "seconds",
)
TEXT_COLUMNS = ("error", "setting", "chosen_on", "note", "ran_on", "versions", "revision", "time")
RULES = ("protocol", "synthesized", "device")


def write_result(folder: Path, cell: Cell, result: Result) -> None:
    """Keep the result of a cell in its file."""
    write_json(_file(folder, cell), {"key": cell.key, **result})


def read_result(folder: Path, cell: Cell) -> Result | None:
    """Read the result of a finished cell.

    Returns None if the cell is not done, or if the file is not what this version writes of this
    very cell.
    """
    try:
        held = json.loads(_file(folder, cell).read_text(encoding="utf-8"))
        json.dumps(held, ensure_ascii=False).encode()  # what cannot be written was not written
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(held, dict) or held.get("key") != cell.key or held.get("status") != "done":
        return None
    numbers = [held.get(name) for name in STUDY_SCORES]
    numbers += [held[name] for name in NUMBER_COLUMNS if name in held]
    return held if all(map(_is_number, numbers)) else None


def _file(folder: Path, cell: Cell) -> Path:
    return folder / "cells" / f"{cell.digest}.json"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST


def results_table(
    study: Study, rows: Sequence[tuple[dict[str, Any], Cell]], results: Mapping[str, Result]
) -> pd.DataFrame:
    """One line for each row of the plan: names, status, scores, meters, times, settings, versions.

    ``results`` has the digests of cells as its keys. What is missing is NaN or empty text.
    """
    import pandas as pd

    return pd.DataFrame([_line(study, labels, cell, results) for labels, cell in rows])


def _line(
    study: Study, labels: Mapping[str, Any], cell: Cell, results: Mapping[str, Result]
) -> dict[str, Any]:
    result = results.get(cell.digest, {"status": "waiting"})
    line: dict[str, Any] = {"study": study.name, **labels}
    line |= {"method": cell.method, "status": result["status"]}
    for name in NUMBER_COLUMNS:
        line[name] = float(result.get(name, math.nan))
    for name in TEXT_COLUMNS:
        line[name] = _text(result.get(name, ""))
    settings = cell.key["settings"] | {name: cell.key[name] for name in RULES}
    line["settings"] = json.dumps(settings)
    line |= {"data": cell.identity, "cell": cell.digest}
    return line


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
