"""Open the page that computes in Chromium, and read what it shows."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import lab
import numpy as np
import pytest
from odd_world import odd_world

from gsmflow_lite.generators.zoo import Zoo, glyph_zoo, hangul_zoo
from gsmflow_lite.page.export import page_of
from gsmflow_lite.page.world import world_of_zoo

PATIENCE = 60  # seconds, on a machine that computes other things, too
SIZES = {"laptop": (1366, 768), "wide": (1920, 1080), "phone": (360, 740)}
# The light of canvases, a list of rows of numbers each.
LIGHT = """(all) => all.filter((one) => one.checkVisibility()).map((one) => {
  const { width, height } = one;
  const { data } = one.getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => data[4 * i]);
})"""


@cache
def letters_and_hangul() -> str:
    """A page of what ships, with few real rows."""
    zoos = (glyph_zoo(), hangul_zoo())
    return page_of([world_of_zoo(zoo, most_rows=400) for zoo in zoos], "Letters").text


@cache
def odd() -> str:
    """A page of made-up data without pictures."""
    return page_of([odd_world()], "Odd").text


@contextmanager
def page_browser() -> Iterator:
    """A Chromium; the test is skipped where there is none."""
    if not importlib.util.find_spec("playwright") or not lab.chromium_path():
        pytest.skip("the page needs playwright and chromium (set CHROMIUM to its path)")
    with lab.chromium() as browser:
        yield browser


class OpenPage:
    """A page from disk, at an address, in a window of its own.

    ``complaints`` are the errors and warnings of its console, ``asked`` the addresses that it asked
    for.
    """

    def __init__(self, browser, text: str, folder: Path, address="", size="laptop", **options):
        width, height = SIZES[size]
        touch = size == "phone"
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=touch,
            is_mobile=touch,
            reduced_motion="reduce",
            **options,
        )
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(1000 * PATIENCE)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", self._heard)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        file = folder / "page.html"
        file.write_text(text, encoding="utf-8")
        self.address = f"{file.as_uri()}"
        self.go(address)

    def _heard(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, address: str) -> None:
        """Open the page anew, at what stands behind # of an address."""
        self.tab.goto("about:blank")
        self.tab.goto(f"{self.address}#{address}" if address else self.address)
        self.tab.wait_for_function(
            "() => document.querySelector('#story canvas, #gallery h2:not(:empty)')"
            " && !document.querySelector('#status').textContent"
        )
        self.rest()

    def rest(self) -> None:
        """Wait until nothing is drawn any more."""
        drawn = """() => {
          const all = [...document.querySelectorAll("#story canvas, #gallery canvas")];
          const now = all.map((one) => one.toDataURL()).join();
          const same = globalThis.drawnBefore === now;
          globalThis.drawnBefore = now;
          return same;
        }"""
        same = 0
        while same < 3:
            self.tab.wait_for_timeout(70)
            same = same + 1 if self.tab.evaluate(drawn) else 0

    def light(self, selector: str) -> np.ndarray:
        """The light of the canvases that are seen: a row of numbers from 0 to 255 for each."""
        return np.array(self.tab.locator(selector).evaluate_all(LIGHT), float)

    def move(self, label: str, value: float, within: str = "body") -> None:
        """Move the slider of this name."""
        self.tab.locator(within).get_by_label(label, exact=True).evaluate(
            "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
            value,
        )
        self.rest()

    def hash(self) -> str:
        """What stands behind # of the address, when it has been written."""
        self.tab.wait_for_timeout(500)
        return self.tab.evaluate("decodeURIComponent(location.hash.slice(1))")

    def close(self) -> None:
        self.context.close()


def violations(tab) -> list[str]:
    """What axe finds wrong anywhere on the page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def light_of(zoo: Zoo, features: np.ndarray) -> np.ndarray:
    """What PyTorch makes of features: light from 0 to 255, a row for each."""
    decode = zoo.dataset.decode
    ink = np.stack([np.asarray(decode(row), float).ravel() for row in np.atleast_2d(features)])
    return np.round(255 * (1 - np.clip(ink, 0, 1)))
