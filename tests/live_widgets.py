"""Which widgets are alive, for tests that panels leave none behind."""

from ipywidgets.widgets import widget


def live_widgets() -> dict:
    """All living widgets by id.

    This is ipywidgets' own table, which changes as widgets come and go.
    """
    return widget._instances
