"""Fixtures that many test files share: real data, seeded random numbers, a tiny data set."""

import os
from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_dataset

# Files whose tests share what is made once, at length: a browser, a cluster, built pages, a map.
IN_CHROMIUM = (
    *("arrays", "noise", "flow", "lenses", "meters", "worker"),
    *("frame", "story", "design", "images", "map", "drifts", "quiz", "saving"),
)
ON_ONE_WORKER = (
    "tests/test_browser.py",
    "tests/test_browser_map.py",
    "tests/test_browser_motion.py",
    "tests/test_docs.py",
    *(f"tests/page/test_page_{part}.py" for part in IN_CHROMIUM),
    "tests/runs/test_study.py",
    "tests/figures/test_projection.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out tests one by one, but those of some files together."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return file if file in ON_ONE_WORKER else nodeid

    return Scheduling(config, log)


def pytest_collection_modifyitems(items):
    """Begin with the notebooks: they are the longest, and nobody should wait for the last one."""
    items.sort(key=lambda item: "test_it_runs_from_top_to_bottom" not in item.nodeid)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark files, or a skip that says where it was looked for."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "gzsl"
    folder = Path(os.environ.get("GSMFLOW_DATA") or beside)
    if not folder.is_dir():
        remedy = "set GSMFLOW_DATA to the folder that holds them"
        pytest.skip(f"real benchmark files are not at {folder}: {remedy}")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def make_dataset():
    return tiny_dataset
