"""Run notebooks from top to bottom, and save them with outputs but without live widgets.

    python notebooks/run.py notebooks/03_variance_collapse.ipynb ...

A live panel leaves its still figure, which shows wherever no kernel runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LIVE = "application/vnd.jupyter.widget-view+json"


def run(path: Path) -> None:
    """Run a notebook in its own folder and save it; a notebook that fails is left as it was."""
    notebook = nbformat.read(path, as_version=4)
    options = {
        "timeout": 900,
        "store_widget_state": False,
        "resources": {"metadata": {"path": str(path.parent)}},
    }
    NotebookClient(notebook, **options).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _still(output)]
    nbformat.write(notebook, path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def _still(output) -> bool:
    """Whether an output is neither the live view of a panel nor the sentence below one."""
    data = output.get("data", {})
    return LIVE not in data and "gsmflow-note" not in data.get("text/html", "")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
