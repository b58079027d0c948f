"""Run the engine of the page in Chromium, on the worlds that ship and on one of odd width."""

import base64
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import lab
import pytest
from odd_world import odd_world, packed

from gsmflow_lite.generators.zoo import glyph_zoo, hangul_zoo
from gsmflow_lite.page.modules import ENGINE, bundle, page_modules
from gsmflow_lite.page.world import PageWorld, world_of_zoo

NAMES = ("letters", "hangul", "odd")
# Typed arrays as lists, and numbers of a half that went wrong as they are.
PLAIN = """
globalThis.plain = (value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plain(of)]));
};
globalThis.toTheEnd = (work) => {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
};
"""
OPEN = """async (base64) => {
  const { header, arrays } = await unpackData(base64);
  globalThis.worlds = header.worlds.map((of) => new World(of, arrays));
}"""


@cache
def engine_script() -> str:
    """The engine in one classic script."""
    return bundle(ENGINE, page_modules())


@cache
def worlds() -> dict[str, PageWorld]:
    """The worlds by :data:`NAMES`."""
    made = (world_of_zoo(glyph_zoo()), world_of_zoo(hangul_zoo()), odd_world())
    return dict(zip(NAMES, made, strict=True))


@cache
def packed_worlds() -> str:
    """All of them as the page carries them, in base64."""
    return base64.b64encode(packed(*worlds().values())).decode()


def each_flow() -> list[tuple[str, int]]:
    """Every flow of every world: its world's name, and its number there."""
    return [(name, i) for name, world in worlds().items() for i in range(len(world.flows))]


@contextmanager
def empty_page() -> Iterator:
    """A page in which the engine's names are known; the test is skipped without Chromium."""
    if not importlib.util.find_spec("playwright") or not lab.chromium_path():
        pytest.skip("the page's engine needs playwright and chromium (set CHROMIUM to its path)")
    with lab.chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(content=PLAIN)
        page.add_script_tag(content=engine_script())
        yield page


@contextmanager
def engine_page() -> Iterator:
    """The same with ``worlds``, a list of all of :data:`NAMES`."""
    with empty_page() as page:
        page.evaluate(OPEN, packed_worlds())
        yield page


def asked(page, method: str, world: str, **values):
    """What the world of this name answers; work in parts is done to its end."""
    return page.evaluate(
        """([number, method, values]) => {
          const result = worlds[number][method](values);
          return plain(typeof result.next === "function" ? toTheEnd(result) : result);
        }""",
        [NAMES.index(world), method, values],
    )
