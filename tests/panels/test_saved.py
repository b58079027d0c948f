"""What JupyterLab shows of a panel: the live view or the still figure, and never an error.

Its pages are written here as HTML, and the rules of style are applied by soupsieve.
"""

import re

import pytest
from bs4 import BeautifulSoup

from gsmflow_lite.panels.explore import explore
from gsmflow_lite.panels.saved import NOTE, outputs

VIEW = "application/vnd.jupyter.widget-view+json"
BUNDLE = {VIEW: {"model_id": "x"}, "image/png": "iVBO", "text/plain": "explore: a panel"}
LIVE = '<div class="lm-Panel"><div class="gsmflow widget-vbox">sliders</div></div>'
GONE = "Error displaying widget: model not found"


def page(of_view: str, before: str = "<pre>printed</pre>", after: str = "<pre>more</pre>") -> str:
    """What JupyterLab makes of the outputs of a cell."""
    _, note, _ = outputs(BUNDLE)
    parts = [before, of_view, note["text/html"], "<img>", after]
    children = "".join(
        '<div class="lm-Widget jp-OutputArea-child"><div class="jp-OutputPrompt"></div>'
        f'<div class="lm-Widget jp-OutputArea-output">{part}</div></div>'
        for part in parts
    )
    return f'<div class="jp-OutputArea">{children}</div>'


def visible(html: str) -> str:
    """What is left of a page when its own style has hidden the rest."""
    soup = BeautifulSoup(html, "html.parser")
    rules = re.findall(r"([^{}]+)\{ display: none; \}", soup.style.extract().string)
    hidden = [element for rule in rules for element in soup.select(rule)]
    for element in hidden:
        element.extract()
    return str(soup)


def test_while_the_panel_lives_only_it_is_seen():
    seen = visible(page(LIVE))
    assert "sliders" in seen
    assert NOTE not in seen
    assert "<img" not in seen


@pytest.mark.parametrize("gone", [GONE, "Loading widget..."])
def test_without_its_kernel_the_picture_and_a_sentence_are_seen(gone):
    seen = visible(page(gone))
    assert gone not in seen
    assert NOTE in seen
    assert "<img" in seen


@pytest.mark.parametrize("of_view", [LIVE, GONE])
def test_other_outputs_of_the_cell_stay(of_view):
    seen = visible(page(of_view))
    assert "printed" in seen
    assert "more" in seen


def test_the_picture_is_an_output_of_its_own():
    live, note, still = outputs(BUNDLE)
    assert set(live) == {VIEW, "text/plain"}
    assert set(note) == {"text/html", "text/plain"}
    assert set(still) == {"image/png", "text/plain"}
    assert outputs(live) == [live]


def test_a_cell_that_ends_with_a_panel_displays_all_three(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(set(bundle)))
    panel = explore(name="saved")
    panel._ipython_display_()
    panel.close()
    assert shown == [set(bundle) for bundle in outputs(BUNDLE)]
