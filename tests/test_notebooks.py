"""Every notebook runs from top to bottom, and is saved small and without widgets."""

import ast
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
# Flows are trained for some seconds: what they learn is in the notebooks, this is about their code.
BRIEFLY = """
from dataclasses import replace
from gsmflow_lite import config, presets

check = config.TrainingConfig.__post_init__

def brief(training):
    object.__setattr__(training, "epochs", min(training.epochs, 3))
    check(training)

config.TrainingConfig.__post_init__ = brief
for named in (presets.LITE, presets.FULL):
    for name, whole in named.items():
        named[name] = replace(whole, training=replace(whole.training), folds=1, checks=1)
"""
every_run = pytest.mark.parametrize(
    ("path", "first"),
    [
        # Solutions repeat what their notebook does, with other numbers.
        pytest.param(path, BRIEFLY, marks=pytest.mark.long if "solutions" in path.parts else ())
        for path in NOTEBOOKS
    ]
    + [pytest.param(path, "", marks=pytest.mark.long) for path in NOTEBOOKS],
    ids=[f"{name(path)}-{how}" for how in ("brief", "whole") for path in NOTEBOOKS],
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
    assert "gsmflow-note" not in path.read_text()
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


PANELS = ("compare", "design", "dissect", "explore", "train")
MOVES = ("close", "reset", "restore", "set", "undo")


def opened(expression) -> str:
    """The name of the panel that a call opens; empty if it opens none."""
    if not (isinstance(expression, ast.Call) and getattr(expression.func, "id", "") in PANELS):
        return ""
    names = [ast.unparse(word.value) for word in expression.keywords if word.arg == "name"]
    return names[0] if names else expression.func.id


def root(expression):
    """What a chain of methods such as ``panel.wait()`` begins with."""
    while isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        expression = expression.func.value
    return expression


def spoiled(cells: list[str]) -> list[str]:
    """What cells do to panels that earlier cells show: calls, and openings of the same name."""
    variables, shown, found = {}, set(), []
    for source in cells:
        tree = ast.parse("".join(line for line in source.splitlines(True) if line[0] != "%"))
        for node in ast.walk(tree):
            if opened(node) in shown:
                found.append(ast.unparse(node))
            if isinstance(node, ast.Assign) and opened(node.value):
                variables[ast.unparse(node.targets[0])] = opened(node.value)
            call = getattr(node, "func", None)
            moves = isinstance(call, ast.Attribute) and call.attr in MOVES
            if moves and variables.get(getattr(call.value, "id", "")) in shown:
                found.append(ast.unparse(node))
        last = root(tree.body[-1].value) if isinstance(tree.body[-1], ast.Expr) else None
        shown.add(opened(last) or variables.get(getattr(last, "id", "")))
        shown -= {None, ""}
    return found


@pytest.mark.parametrize(
    ("later", "spoils"),
    [("p.close()", 1), ("p.set(a=1).wait()", 1), ("explore(x)", 1), ("q = explore(name='q')", 0)],
)
def test_a_cell_that_spoils_a_panel_above_it_is_found(later, spoils):
    assert len(spoiled(["p = explore()\np", later])) == spoils
    assert spoiled(["p = explore()", "p.set(a=1)\np"]) == []


@every_notebook
def test_a_panel_stays_as_the_text_above_it_says_after_run_all(path):
    assert spoiled([cell.source for cell in code_cells(read(path))]) == []


@every_run
def test_it_runs_from_top_to_bottom(path, first, monkeypatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    )
    notebook = read(path)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    assert errors(notebook) == []
