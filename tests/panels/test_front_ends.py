"""What front ends besides JupyterLab ask for: nothing from the net, messages of a known size."""

import json
import re
from pathlib import Path

import pytest

from gsmflow_lite import panels
from gsmflow_lite.panels.live import LiveFigure

SCRIPTS = sorted(Path(panels.__file__).parent.glob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_our_javascript_loads_nothing_from_the_net(script):
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"^\s*import\b.*|https?://\S+|\bfetch\(", text, re.MULTILINE) == []
    for imported in re.findall(r"import\(([^)]*)", text):
        assert imported.startswith("URL.createObjectURL")  # from the state of the widget itself


def test_the_largest_message_is_plotly_and_stays_below_ten_megabytes():
    state = LiveFigure().get_state()
    sizes = {name: len(json.dumps(value, default=str)) for name, value in state.items()}
    assert max(sizes, key=sizes.get) == "_plotly"
    assert sum(sizes.values()) < 10e6  # tornado, below Jupyter's server, takes this much at once
