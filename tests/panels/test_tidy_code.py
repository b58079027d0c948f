"""Code that panels show imports what it uses, and nothing else."""

import ast

import pytest

from gsmflow_lite.panels import compare, design, dissect, explore, train
from gsmflow_lite.panels.tidy_code import tidy


def imported(code: str) -> list[str]:
    tree = ast.parse(code)
    return [
        name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names
    ]


def never_named(code: str) -> list[str]:
    """The imported names that the code below them does not hold."""
    below = "\n".join(line for line in code.splitlines() if not line.startswith("from "))
    return [name for name in imported(code) if name not in below]


OPENINGS = {
    "explore": explore,
    "explore, cold": lambda **o: explore(state="explore?temperature=0.5&variance=0.3", **o),
    "explore, switched": lambda **o: explore(state="explore?perturbation=off", **o),
    "explore, real": lambda **o: explore(state="explore?generator=real+features", **o),
    "compare": compare,
    "design": design,
    "design, hangul": lambda **o: design("hangul", **o),
    "dissect": lambda **o: dissect(state="dissect?towards=data", **o),
    "train": train,
    "train, without H": lambda **o: train(state="train?watch=off&mining=0", **o),
}


@pytest.mark.parametrize("opening", OPENINGS)
def test_the_code_of_a_panel_imports_nothing_in_vain(opening):
    panel = OPENINGS[opening](name="code")
    code = panel.code()
    panel.close()
    assert imported(code)
    assert never_named(code) == []


def test_what_is_used_stays_and_modules_are_named_once():
    code = "from a import x, y\nfrom b import z\nfrom a import w\n\nw = x(1)  # y\nw()\n"
    assert tidy(code) == "from a import w, x\n\nw = x(1)  # y\nw()\n"
