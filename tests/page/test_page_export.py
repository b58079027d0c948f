"""The page is one file: its scripts hold together, names are text, and it says what it weighs."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest
from odd_world import odd_dataset, odd_flows, odd_world, turned_map

import gsmflow_lite
from gsmflow_lite import ConfigError, DataError, SavedModel, StorageError
from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.figures import projection
from gsmflow_lite.page import export
from gsmflow_lite.page.export import ComputingPage, computing_page, export_page, page_of
from gsmflow_lite.page.modules import Module, bundle, page_modules, script
from gsmflow_lite.page.packing import unpack
from gsmflow_lite.page.world import world_of

# --- Modules -------------------------------------------------------------------------------------

SOURCES = {
    "main.js": 'import { half } from "./numbers.js";\nimport { say } from "./words.js";\n\n'
    "export function startPage() {\n  say(half(4));\n}\n",
    "numbers.js": "// Halves.\n\nexport const TWO = 2;\n\nexport function half(x) {\n"
    "  return x / TWO;\n}\n",
    "words.js": 'import { TWO } from "./numbers.js";\n\nexport async function say(x) {\n'
    "  console.log(x, TWO);\n}\n\nexport function* count() {}\nexport class Word {}\n",
    "alone.js": "const lonely = 1;\n",
}


def test_modules_stand_behind_those_that_they_need():
    text = bundle("main.js", SOURCES)
    places = [text.index(f"// --- {name}") for name in ("numbers.js", "words.js", "main.js")]
    assert places == sorted(places)
    assert "lonely" not in text
    assert not re.search(r"^(import|export)", text, re.MULTILINE)
    declared = ("const TWO", "function half", "async function say", "function* count", "class Word")
    for line in declared:
        assert len(re.findall(rf"^{re.escape(line)}\b", text, re.MULTILINE)) == 1


def test_a_script_keeps_its_names_to_itself_and_ends_with_its_call():
    text = script("main.js", SOURCES, "startPage();")
    assert text.startswith('(() => {\n"use strict";\n')
    assert text.endswith("startPage();\n})();\n")


@pytest.mark.parametrize(
    ("name", "source", "match"),
    [
        ("alone.js", "function half() {}", "half must be declared in one module, got numbers.js"),
        ("alone.js", "let TWO = 3;", "TWO must be declared in one module"),
        ("alone.js", 'import { TWO } from "./other.js";', "got TWO of other.js"),
        ("alone.js", 'import { lonely } from "./main.js";', "got lonely of main.js"),
        ("numbers.js", 'import { Word } from "./words.js";\nexport const TWO = 2;\n'
         "export function half() {}", "a circle, got"),
        ("alone.js", 'import { TWO as two } from "./numbers.js";', "import by one line"),
        ("alone.js", 'import * as all from "./numbers.js";', "import by one line"),
        ("alone.js", "export default function f() {}", "where they are declared"),
        ("alone.js", "export { f };", "where they are declared"),
        ("alone.js", "export let f = 1;", "where they are declared"),
        ("alone.js", "const { a, b } = f();", "where they are declared"),
        ("alone.js", "var a = 1;", "where they are declared"),
        ("alone.js", 'const end = "</SCRIPT>";', "end no script"),
        ("alone.js", 'const end = "<!-- x";', "end no script"),
    ],
)  # fmt: skip
def test_what_cannot_be_put_into_a_script_is_refused(name, source, match):
    with pytest.raises(ValueError, match=re.escape(match)):
        bundle("main.js", SOURCES | {name: source})


@pytest.mark.parametrize("entry", ["main.js", "worker.js"])
def test_the_modules_of_the_page_hold_together(entry):
    modules = page_modules()
    assert modules[entry]
    text = bundle(entry, modules)
    assert re.findall(r"^// --- (\S+\.js)$", text, re.MULTILINE)[-1] == entry


def test_every_module_of_the_page_is_used():
    modules = page_modules()
    both = bundle("main.js", modules) + bundle("worker.js", modules)
    assert [name for name in modules if f"// --- {name}\n" not in both] == []


def test_what_a_page_starts_is_exported():
    modules = page_modules()
    assert "startPage" in Module.of("main.js", modules["main.js"]).exported
    assert "startWorker" in Module.of("worker.js", modules["worker.js"]).exported


# --- The page ------------------------------------------------------------------------------------


class Parts(HTMLParser):
    """The elements of a page: scripts and styles with their texts, and the tags of all others."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[tuple[dict, str]] = []
        self.title = ""
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        if self.inside == "title":
            self.title += data

    def by_id(self, name: str) -> str:
        return next(text for attributes, text in self.scripts if attributes.get("id") == name)

    @property
    def policy(self) -> dict[str, list[str]]:
        content = next(
            attributes["content"]
            for tag, attributes in self.tags
            if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
        )
        rules = [rule.split() for rule in content.split(";")]
        return {name: sources for name, *sources in rules}


@cache
def odd_page() -> ComputingPage:
    return page_of([odd_world()], "Odd")


@cache
def odd_parts() -> Parts:
    return Parts(odd_page().text)


def test_the_data_of_a_page_are_those_of_its_worlds():
    header, arrays = unpack(base64.b64decode(odd_parts().by_id("data"), validate=True))
    assert header["format"] == 1
    assert header["worlds"] == json.loads(json.dumps([odd_world().header()]))
    expected = {"seeds"}.union(*odd_world().parts.values())
    assert set(arrays) == expected


def test_a_page_holds_the_engine_the_words_and_no_other_script():
    kinds = [attributes.get("type") for attributes, _ in odd_parts().scripts]
    assert sorted(map(str, kinds)) == [
        "None",
        "application/json",
        "application/octet-stream",
        "text/plain",
    ]
    assert "startWorker();" in odd_parts().by_id("engine")
    words = json.loads(odd_parts().by_id("words"))
    assert all(isinstance(text, str) for text in words.values())


def test_only_its_own_script_runs_and_nothing_is_fetched():
    policy = odd_parts().policy
    (running,) = [text for attributes, text in odd_parts().scripts if not attributes]
    digest = base64.b64encode(hashlib.sha256(running.encode()).digest()).decode()
    assert policy["script-src"] == [f"'sha256-{digest}'", "blob:"]
    assert policy["default-src"] == ["'none'"]
    assert policy["worker-src"] == ["blob:"]
    assert policy["img-src"] == ["data:", "blob:"]
    assert "connect-src" not in policy
    fetching = {"src", "srcset", "href", "data", "action"}
    assert [tag for tag, attributes in odd_parts().tags if fetching & attributes.keys()] == []
    assert "\r" not in running  # a browser would change it, and the digest with it


MARKUP = "</script><img src=x onerror=alert(1)>\u2028"


def test_names_from_files_are_text():
    dataset = odd_dataset()
    hostile = replace(
        dataset,
        name=MARKUP,
        class_names=[f"{MARKUP}{k}" for k in range(13)],
        attribute_names=[f"{MARKUP}{k}" for k in range(5)],
    )
    flows = [replace(flow, title=MARKUP) for flow in odd_flows()]
    page = page_of([world_of(Scene.through(hostile, turned_map), flows)], f"of {MARKUP}")
    parts = Parts(page.text)
    assert [tag for tag, _ in parts.tags] == [tag for tag, _ in odd_parts().tags]
    assert parts.title == f"of {MARKUP}"
    header, _ = unpack(base64.b64decode(parts.by_id("data")))
    assert header["worlds"][0]["classes"]["names"][3] == f"{MARKUP}3"


def test_words_cannot_end_their_element(monkeypatch):
    real = export.page_file
    words = json.dumps({"a": MARKUP})
    monkeypatch.setattr(export, "page_file", lambda name: words if "words" in name else real(name))
    parts = Parts(page_of([odd_world()], "Odd").text)
    assert json.loads(parts.by_id("words")) == {"a": MARKUP}


def test_sizes_add_up_to_the_file():
    page = odd_page()
    assert page.size == len(page.text.encode())
    assert sum(page.sizes.values()) == pytest.approx(page.size, rel=0.1)
    assert set(page.sizes) >= {"the page itself", "flow GSMFlow", "real rows and maps"}
    assert page.sizes["flow ridge-Gaussian"] < 100  # it is the start of the first flow as well
    weights = [float(line.split()[0]) for line in page.lines]
    assert weights[:-1] == sorted(weights[:-1], reverse=True)
    assert weights[-1] == round(page.size / 1e6, 2)


def test_a_heavier_part_says_so():
    scene = Scene.through(odd_dataset(), turned_map)
    fewer = page_of([world_of(scene, odd_flows(), most_rows=30)], "Odd")
    assert fewer.sizes["real rows and maps"] < 0.4 * odd_page().sizes["real rows and maps"]
    assert fewer.sizes["flow GSMFlow"] == odd_page().sizes["flow GSMFlow"]


def test_what_does_not_fit_is_said_by_part_and_is_not_written(tmp_path):
    heaviest = max(odd_page().sizes, key=odd_page().sizes.get)
    with pytest.raises(ConfigError, match=rf"at most 0.01 MB, got .* \({heaviest} .*leave out"):
        odd_page().save(tmp_path / "page.html", most_megabytes=0.01)
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_of_another_kind_is_not_replaced(tmp_path):
    with pytest.raises(StorageError, match=r"must end in \.html"):
        odd_page().save(tmp_path / "page.npz")


# --- From the package ----------------------------------------------------------------------------


@pytest.fixture
def cheap_layout(monkeypatch, tmp_path):
    """A stand-in for UMAP that takes no time: the first two columns."""
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(projection, "lay_out", lambda x, *_, **__: x[:, :2].astype(np.float32))


@pytest.mark.usefixtures("cheap_layout")
def test_a_page_of_ones_own_is_the_same_whenever_it_is_written(tmp_path):
    saved = SavedModel(model=odd_flows()[0].model)
    events = []
    one = gsmflow_lite.export_page(tmp_path / "one", odd_dataset(), saved, watch=events.append)
    other = export_page(tmp_path / "other.html", odd_dataset(), {"GSMFlow": saved})
    assert one == tmp_path / "one.html"
    assert one.read_bytes() == other.read_bytes()
    last = events[-2]
    assert last.name == f"write {one.stat().st_size / 1e6:.2f} MB"
    parts = Parts(one.read_text())
    assert parts.title == "Imagine unseen classes of gaussian_world_7d"
    header, _ = unpack(base64.b64decode(parts.by_id("data")))
    assert [flow["title"] for flow in header["worlds"][0]["flows"]] == ["GSMFlow", "ridge-Gaussian"]


def test_what_ships_fits_into_eight_megabytes():
    page = computing_page()
    assert page.size <= 8e6
    header, _ = unpack(base64.b64decode(Parts(page.text).by_id("data")))
    assert [world["title"] for world in header["worlds"]] == ["Letters", "Hangul"]
    assert page.sizes["Letters, flow GSMFlow"] > 5e5
    fewer = computing_page(most_rows=40)
    for part in ("Letters, real rows and maps", "Hangul, real rows and maps"):
        assert fewer.sizes[part] < 0.4 * page.sizes[part]


def test_data_without_models_and_models_without_data_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="a page needs flows"):
        export_page(tmp_path / "page", odd_dataset())
    with pytest.raises(DataError, match="a GZSLDataset is needed"):
        export_page(tmp_path / "page", models=odd_flows()[0].model)
    with pytest.raises(ConfigError, match="most_rows"):
        export_page(tmp_path / "page", most_rows=3)


def test_a_file_of_another_kind_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "computing_page", None)  # so that the work would fail
    with pytest.raises(StorageError, match=r"must end in \.html"):
        export_page(tmp_path / "page.npz")
