"""The parts of the page beside a fake engine, in a Chromium for each file of tests."""

import pytest
from parts import browser, open_parts


@pytest.fixture(scope="module")
def chromium():
    with browser() as opened:
        yield opened


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    opened = open_parts(context)
    yield opened
    assert opened.errors == []
    context.close()
