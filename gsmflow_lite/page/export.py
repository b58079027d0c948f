"""Writes the page that computes: one file with data, flows and scripts, which fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import path_in, real, whole
from ..datasets.given import the_dataset
from ..errors import ConfigError
from ..events import Stage, Step, Watch
from ..explorer.scene import MOST_POINTS, Scene
from ..figures.style import short
from ..generators.zoo import glyph_zoo, hangul_zoo
from ..storage import to_write, write_whole
from .models import flows_of_models
from .modules import ENGINE, PAGE, page_modules, script
from .packing import Arrays, pack, packed_size
from .world import PageWorld, seed_words, world_of, world_of_zoo

if TYPE_CHECKING:
    from jinja2 import Template

PAGE_FORMAT = 1  # of the header; the scripts of a page read this one
MEGABYTE = 1e6  # bytes
MOST_MEGABYTES = 32.0  # a browser opens more, but nobody wants to send it
LANGUAGE = "en"
PROGRAM = "the page itself"
LONGEST_HEADING = 60  # characters
CRUMB = 5000  # bytes, too few to be told


@dataclass(frozen=True, eq=False)
class ComputingPage:
    """A page that is ready to be written: its text, and how many bytes each part of it takes."""

    text: str
    sizes: dict[str, int]

    @property
    def size(self) -> int:
        """How many bytes the file will have."""
        return len(self.text.encode(errors="replace"))

    @property
    def lines(self) -> list[str]:
        """What it weighs by part, the heaviest first, and altogether; crumbs are left out."""
        parts = [entry for entry in self._heaviest if entry[1] >= CRUMB]
        return [
            f"{_megabytes(count):>9s}  {part}"
            for part, count in [*parts, ("altogether", self.size)]
        ]

    @property
    def _heaviest(self) -> list[tuple[str, int]]:
        return sorted(self.sizes.items(), key=lambda entry: -entry[1])

    def save(self, path: str | Path, *, most_megabytes: float = MOST_MEGABYTES) -> Path:
        """Write the page, whole or not at all, and return its path.

        ``.html`` is appended where it is missing. Raises ``ConfigError`` for a page of more
        megabytes than ``most_megabytes``, and ``StorageError`` where it cannot be written.
        """
        path = to_write(path_in(path, "path"), ".html")
        most = real(most_megabytes, "most_megabytes")
        if self.size > most * MEGABYTE:
            parts = ", ".join(f"{part} {_megabytes(count)}" for part, count in self._heaviest[:6])
            raise ConfigError(
                f"a page must have at most {most:g} MB, got {_megabytes(self.size)} ({parts}): "
                "leave out a model, show fewer real rows (--rows, most_rows), or allow more "
                "(--most, most_megabytes)"
            )
        write_whole(path, self.text.encode(errors="replace"))
        return path


def export_page(
    path: str | Path,
    dataset: Any = None,
    models: Any = None,
    *,
    most_megabytes: float = MOST_MEGABYTES,
    most_rows: int = MOST_POINTS,
    watch: Watch = lambda event: None,
) -> Path:
    """Write one HTML file in which flows imagine while a slider moves, and return its path.

    It needs no installation and no network: the flows themselves are in it, and run in the browser
    of whoever opens it. Without ``dataset`` it holds the letters, the Korean syllables and the
    flows that come with the package. Else ``models`` is a :class:`~gsmflow_lite.GSMFlow`, a
    :class:`~gsmflow_lite.SavedModel`, or several of them by name, trained on ``dataset``. With
    fewer ``most_rows`` fewer real rows are on the maps, and the file is smaller. ``watch`` gets the
    stages; the last one says what the file weighs, before it is written. The same arguments give
    the same bytes.

    Raises ``ConfigError`` for a page of more than ``most_megabytes``, and says what it weighs by
    part; for models that do not go with the data; ``DataError`` for data with too few real rows,
    and ``StorageError`` where the file cannot be written.
    """
    to_write(path_in(path, "path"), ".html")  # before the work, not after it
    page = computing_page(dataset, models, most_rows=most_rows, watch=watch)
    stage = f"write {_megabytes(page.size)}"
    watch(Stage(stage, 1))
    written = page.save(path, most_megabytes=most_megabytes)
    watch(Step(stage, 1, 1))
    return written


def computing_page(
    dataset: Any = None,
    models: Any = None,
    *,
    most_rows: int = MOST_POINTS,
    watch: Watch = lambda event: None,
) -> ComputingPage:
    """Make the page of :func:`export_page`, and write it nowhere yet."""
    most_rows = whole(most_rows, "most_rows", least=20)
    if dataset is None and models is None:
        zoos = (glyph_zoo(), hangul_zoo())
        worlds = [world_of_zoo(zoo, most_rows=most_rows) for zoo in zoos]
        return page_of(worlds, "Letters that nobody drew")
    as_trained, flows = flows_of_models(the_dataset(dataset), models)
    world = world_of(Scene.of(as_trained, watch=watch), flows, most_rows=most_rows)
    return page_of([world], f"Imagine unseen classes of {short(world.title, LONGEST_HEADING)}")


def page_of(worlds: Sequence[PageWorld], title: str) -> ComputingPage:
    """Put worlds, scripts and words into one text."""
    header = {"format": PAGE_FORMAT, "worlds": [world.header() for world in worlds]}
    arrays: Arrays = dict(seed_words())
    sizes = {"names and settings": packed_size(json.dumps(header).encode())}
    for world in worlds:
        before = f"{world.title}, " if len(worlds) > 1 else ""
        for part, of_part in world.parts.items():
            sizes[f"{before}{part}"] = _added_size(of_part, arrays)
            arrays |= of_part
    data = base64.b64encode(pack(header, arrays)).decode()

    modules = page_modules()
    page_script = script(PAGE, modules, "startPage();")
    text = _template().render(
        title=title,
        policy=_security_policy([page_script]),
        style=page_file("page.css"),
        words=_json_in_markup(page_file(f"words.{LANGUAGE}.json")),
        data=data,
        engine=script(ENGINE, modules, "startWorker();"),
        page=page_script,
    )
    return ComputingPage(text, {**sizes, PROGRAM: len(text.encode(errors="replace")) - len(data)})


# --- Sizes ---------------------------------------------------------------------------------------


def _added_size(arrays: Arrays, others: Arrays) -> int:
    """What arrays add to a page that has others: equal ones are in it once."""
    there = {_bytes(array) for array in others.values()}
    fresh = {content: None for content in map(_bytes, arrays.values()) if content not in there}
    return packed_size(b"".join(fresh))


def _bytes(array: Any) -> bytes:
    return array.tobytes()


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:.2f} MB"


# --- Markup --------------------------------------------------------------------------------------


def _template() -> Template:
    """The page with places for its parts."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(page_file("page.html"))


def page_file(name: str) -> str:
    """A file of the page that comes with the package."""
    return (files(__package__) / "app" / name).read_text(encoding="utf-8")


def _json_in_markup(text: str) -> str:
    """JSON that may stand in a script element: nothing in it can end that element."""
    return json.dumps(json.loads(text), separators=(",", ":")).replace("<", "\\u003c")


def _security_policy(scripts: Iterable[str]) -> str:
    """The page's Content-Security-Policy: nothing is fetched, and no script runs but these.

    The worker is a blob that the page makes of a text of its own; a blob may run no other way.
    """
    digests = [hashlib.sha256(one.encode()).digest() for one in scripts]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; "
        f"img-src data: blob:; worker-src blob:; script-src {allowed} blob:"
    )
