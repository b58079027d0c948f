"""Try everything that might go wrong: one table, all zeros where nothing is lost or wrong.

    python benchmarks/reliability.py --json reliability.json

``make reliability`` runs this. It runs ``fuzz.py``, ``spellings.py``, ``faults.py``,
``reproduce.py`` and ``soak.py``, which say what they do, one after the other. ``--small`` tries
little of each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pairs import setting

from gsmflow_lite.storage import write_json

HERE = Path(__file__).parent
FULL = {
    "fuzz": ["--files", "24000"],
    "spellings": ["--examples", "2000"],
    "faults": ["--kills", "200", "--faults", "100"],
    "reproduce": ["--runs", "20"],
    "soak": ["--minutes", "30"],
}
SMALL = {
    "fuzz": ["--files", "40"],
    "spellings": ["--examples", "40"],
    "faults": ["--kills", "4", "--faults", "2"],
    "reproduce": ["--runs", "1"],
    "soak": ["--minutes", "0"],
}
Row = dict[str, Any]  # what was tried, how often, and how many of them were lost or wrong


def run(name: str, options: list[str]) -> dict[str, Any]:
    """What the script of that name writes; its output goes where ours does."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), *options, "--json", str(file)], check=False
        )
        if not file.exists():
            raise SystemExit(f"{name}.py did not come to an end")
        return json.loads(file.read_text())


def rows(found: dict[str, dict[str, Any]]) -> list[Row]:
    fuzz, spellings, faults, again, soak = (found[name] for name in FULL)
    wrong = ("hang", "crash", "memory", "written", "wrong", "other")
    return [
        *(
            _row(f"mutated files, {name}", ends["files"], sum(ends[end] for end in wrong))
            for name, ends in fuzz["readers"].items()
        ),
        _row("ways to hand in the same data", spellings["examples"], spellings["wrong"]),
        *(
            _row(NAMES.get(one["work"], f"kills, {one['work']}"), one["times"], len(one["faults"]))
            for one in faults["rows"]
        ),
        _row("runs reproduced to the last bit", 2 * again["runs"], len(again["differ"])),
        _row("measures compared across threads", len(again["threads"]), len(again["beyond"])),
        _row(
            f"rounds of long use, {soak['minutes']:g} minutes: kinds of growth",
            len(soak["rounds"]),
            len(soak["grown"]),
        ),
    ]


NAMES = {"failing call": "faults of the system", "interrupt": "interrupts"}


def _row(tried: str, times: int, lost: int) -> Row:
    return {"tried": tried, "times": times, "lost or wrong": lost}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--small", action="store_true")
    options.add_argument("--json", metavar="FILE", default="reliability.json")
    options = options.parse_args()
    table = rows(
        {
            name: run(name, arguments)
            for name, arguments in (SMALL if options.small else FULL).items()
        }
    )
    print("| tried | times | lost or wrong |\n|---|---|---|")
    for row in table:
        print(f"| {row['tried']} | {row['times']} | {row['lost or wrong']} |")
    write_json(options.json, {"setting": setting(), "rows": table})
    sys.exit(any(row["lost or wrong"] for row in table))


if __name__ == "__main__":
    main()
