"""Explorers for the tests: one of the letters that all tests share, and others of small data."""

import numpy as np
import pytest

from gsmflow_lite.datasets import GZSLDataset
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.panels.explore import ExplorePanel, explore


@pytest.fixture(scope="module")
def letters():
    """One explorer of the letters; tests get it by way of ``explorer``."""
    panel = explore(name="explore letters")
    yield panel
    panel.close()


@pytest.fixture
def explorer(letters) -> ExplorePanel:
    """The explorer of the letters, as at the start."""
    letters.reset()
    letters.card.value = ""
    letters.gallery.value = ""
    return letters


@pytest.fixture
def no_layout(monkeypatch, tmp_path):
    """Maps take no time: they are the first two columns. The cache is an empty folder."""

    def first_columns(space, **_):
        places = space[:, :2].astype(np.float32)
        return Projection.ready(space, places, neighbours=3, seed=0)

    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(Projection, "fit", first_columns)


@pytest.fixture
def explore_own():
    """Opens explorers of any data, and closes them after the test."""
    panels = []

    def build(dataset: GZSLDataset, generators=None, **options) -> ExplorePanel:
        panels.append(explore(dataset, generators, name=f"own {len(panels)}", **options))
        return panels[-1]

    yield build
    for panel in panels:
        panel.close()
