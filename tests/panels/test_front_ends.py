"""What front ends besides JupyterLab ask for: nothing from the net, messages of a known size."""

import json
import re

import anywidget
import pytest

from gsmflow_lite.panels.live import LiveFigure


def all_kinds(kind) -> set[type]:
    """A class and all that are derived from it."""
    return {kind}.union(*map(all_kinds, kind.__subclasses__()))


OURS = [k for k in all_kinds(anywidget.AnyWidget) if k.__module__.startswith("gsmflow_lite.panels")]
OURS.append(LiveFigure)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_its_javascript_is_inside_and_loads_nothing_from_the_net(kind):
    text = str(kind._esm)
    assert "export default" in text
    assert re.findall(r"^\s*import\b.*|https?://\S+|\bfetch\(", text, re.MULTILINE) == []
    for imported in re.findall(r"import\(([^)]*)", text):
        assert imported.startswith("URL.createObjectURL")  # from the state of the widget itself


def test_the_largest_message_is_plotly_and_stays_below_ten_megabytes():
    state = LiveFigure().get_state()
    sizes = {name: len(json.dumps(value, default=str)) for name, value in state.items()}
    assert max(sizes, key=sizes.get) == "_plotly"
    assert sum(sizes.values()) < 10e6  # tornado, below Jupyter's server, takes this much at once
