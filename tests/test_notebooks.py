"""Every notebook runs from top to bottom, and is saved small and without widgets."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gsmflow_lite.figures.style import PLOTLY_TYPE

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
NOTEBOOKS = [path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts]
LARGEST = 1_000_000  # bytes of a notebook with its outputs


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "notebooks"))


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook) -> list:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def errors(notebook) -> list[str]:
    return [f"{o.ename}: {o.evalue}" for o in outputs(notebook) if o.output_type == "error"]


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
every_run = pytest.mark.parametrize(
    "path",
    [
        # Solutions repeat what their notebook does, with other numbers.
        pytest.param(path, marks=pytest.mark.long if "solutions" in path.parts else ())
        for path in NOTEBOOKS
    ],
    ids=name,
)


def test_there_is_a_notebook_to_start_with():
    assert (ROOT / "notebooks" / "00_start_here.ipynb") in NOTEBOOKS


@every_notebook
def test_it_is_valid_and_was_saved_after_a_clean_run(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in code_cells(notebook)] == list(
        range(1, len(code_cells(notebook)) + 1)
    )
    assert errors(notebook) == []


@every_notebook
def test_it_is_small_and_holds_no_widget(path):
    notebook = read(path)
    assert path.stat().st_size < LARGEST
    assert "widgets" not in notebook.metadata
    assert not any(
        "widget-view" in kind for output in outputs(notebook) for kind in output.get("data", {})
    )


@every_notebook
def test_every_interactive_figure_has_a_still_beside_it(path):
    for cell in code_cells(read(path)):
        kinds = [set(output.get("data", {})) for output in cell.outputs]
        for place, shown in enumerate(kinds):
            if PLOTLY_TYPE in shown:
                assert "image/png" in set().union(*kinds[:place])


@every_notebook
def test_its_outputs_name_no_folder_of_the_machine_and_warn_of_nothing(path):
    for output in outputs(read(path)):
        assert output.get("name") != "stderr", output.text
        text = output.get("text", "") + "".join(
            str(v) for k, v in output.get("data", {}).items() if k.startswith("text/")
        )
        assert not any(
            place in text for place in (str(ROOT), str(Path.home()), "site-packages", "/tmp/")
        )


@every_notebook
def test_its_cells_fit_under_the_eye(path):
    long = [
        cell.source for cell in code_cells(read(path)) if len(cell.source.strip().splitlines()) > 18
    ]
    assert long == []


@every_run
def test_it_runs_from_top_to_bottom(path, monkeypatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    )
    notebook = read(path)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    assert errors(notebook) == []
