"""The reference is built without a warning, holds every public name, and says of each what a reader needs."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import nbformat
import pytest

import gsmflow_lite
from gsmflow_lite import errors

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gsmflow_lite"
REFERENCE = (ROOT / "docs" / "reference.rst").read_text()
MODULES = re.findall(r"^\.\. automodule:: gsmflow_lite\.([\w.]+)$", REFERENCE, re.MULTILINE)
METHOD = ("flow", "semantics", "mining", "objective", "model")  # modules of the published method
METRICS = (
    "effective_rank",
    "log_volume",
    "neighbourhood",
    "rank_correlation",
    "mantel",
    "procrustes",
    "frechet",
    "mmd",
)
PUBLISHED = {
    *(f"metrics.{name}" for name in METRICS),
    *(
        "metrics.sliced_wasserstein",
        "metrics.two_sample_scores",
        "evaluation.eszsl_logits",
        "protocol.eszsl",
        "boundary_figures.TradeOff",
    ),
}
ERRORS = {name for name, value in vars(errors).items() if inspect.isclass(value)}
ARRAY = re.compile(r"\b(Tensor|ndarray)\b")
SHAPE = r"(?:\(\)|\((?:\.\.\.|\w+)(?: [-+*/] [\w()+ ]+)*,[\w .,+*/()-]*\))"  # (), (N,), (..., D), (2 * n * (m + 1), 2)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> set[str]:
    """The full names that the built reference describes."""
    folder = tmp_path_factory.mktemp("docs")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        str(ROOT / "docs"),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    inventory = (folder / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" py:")[0] for line in zlib.decompress(inventory).decode().splitlines()}


def taught() -> set[str]:
    """Full names of what the code of the README and of the notebooks imports from the package."""
    pieces = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        pieces += [re.sub("^%.*", "", cell, flags=re.MULTILINE) for cell in cells]
    froms = [
        node
        for piece in pieces
        for node in ast.walk(ast.parse(piece))
        if isinstance(node, ast.ImportFrom)
    ]
    ours = [node for node in froms if (node.module or "").startswith("gsmflow_lite")]
    return {f"{node.module}.{alias.name}" for node in ours for alias in node.names}


def known_as(name: str) -> set[str]:
    """The full names under which the reference may describe what is imported as ``name``."""
    module, _, short = name.rpartition(".")
    value = getattr(importlib.import_module(module), short)
    if inspect.ismodule(value):
        return {value.__name__}
    made_in = getattr(value, "__module__", "gsmflow_lite.config")  # a table of settings has none
    return {name, f"{made_in}.{short}", f"{made_in.rpartition('.')[0]}.{short}"}


def test_the_reference_is_built_without_a_warning(built):
    assert "gsmflow_lite.method.training.fit" in built


@pytest.mark.parametrize("source", ["__all__", "README and notebooks"])
def test_every_public_name_is_in_the_reference(built, source):
    names = (
        taught()
        if source != "__all__"
        else {f"gsmflow_lite.{name}" for name in [*gsmflow_lite.__all__, "explore"]}
    )
    assert len(names) > 20
    assert sorted(name for name in names if not known_as(name) & built) == []


def test_every_name_of_the_package_is_in_the_table_of_the_first_page():
    page = (ROOT / "docs" / "index.rst").read_text()
    table = re.findall(r"^   gsmflow_lite\.[\w.]+\.(\w+)$", page, re.MULTILINE)
    assert sorted(table) == sorted([*gsmflow_lite.__all__, "explore"])


class Described:
    """A public function, method or class of the reference: its code, and all that the reference says of it."""

    def __init__(
        self, name: str, code: ast.FunctionDef | ast.ClassDef, texts: list[str], raised: set[str]
    ) -> None:
        self.name, self.code, self.raised = name, code, raised
        self.own, self.text = texts[0], "\n".join(texts)

    def arrays(self) -> list[str]:
        """Names of the parameters or fields that are arrays."""
        if isinstance(self.code, ast.ClassDef):
            fields = [node for node in self.code.body if isinstance(node, ast.AnnAssign)]
            given = [
                (node.target.id, node.annotation)
                for node in fields
                if isinstance(node.target, ast.Name)
            ]
        else:
            given = [
                (one.arg, one.annotation) for one in self.code.args.args + self.code.args.kwonlyargs
            ]
        return [
            name
            for name, kind in given
            if not name.startswith("_") and kind and ARRAY.search(ast.unparse(kind))
        ]


def raised_in(
    node: ast.AST, helpers: dict[str, ast.FunctionDef], seen: tuple[str, ...] = ()
) -> set[str]:
    """The library's errors that some code raises, itself or in private functions of its module."""
    found: set[str] = set()
    for one in ast.walk(node):
        called = (
            getattr(one.func, "id", getattr(one.func, "attr", None))
            if isinstance(one, ast.Call)
            else None
        )
        if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call):
            found |= {getattr(one.exc.func, "id", "")} & ERRORS
        elif called in helpers and called not in seen:
            found |= raised_in(helpers[called], helpers, (*seen, called))
    return found


def sources() -> dict[Path, set[str]]:
    """The files behind the reference, with the names that it takes from them; a package lists its names in ``__all__``."""
    found: dict[Path, set[str]] = {}
    for module in MODULES:
        loaded = importlib.import_module(f"gsmflow_lite.{module}")
        for name in getattr(loaded, "__all__", vars(loaded)):
            value = getattr(loaded, name)
            of_package = getattr(value, "__module__", "").startswith(loaded.__name__)
            if of_package and not name.startswith("_") and hasattr(value, "__qualname__"):
                found.setdefault(Path(sys.modules[value.__module__].__file__), set()).add(name)
    return found


def described() -> list[Described]:
    """Everything that the reference describes, read from the source."""
    found = []
    for path, names in sorted(sources().items()):
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        helpers = {node.name: node for node in functions if re.match("_[^_]", node.name)}
        of_module = ast.get_docstring(tree) or ""
        where = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        for node in tree.body:
            if getattr(node, "name", None) not in names:
                continue
            text = ast.get_docstring(node) or ""
            methods = (
                [one for one in node.body if isinstance(one, ast.FunctionDef)]
                if isinstance(node, ast.ClassDef)
                else []
            )
            made = (
                [one for one in methods if one.name in ("__init__", "__post_init__")]
                if methods
                else [node]
            )
            raised = set().union(*(raised_in(one, helpers) for one in made))
            found.append(Described(f"{where}.{node.name}", node, [text, of_module], raised))
            for one in methods:
                if one.name == "__init__" or not one.name.startswith("_"):
                    texts = [ast.get_docstring(one) or "", text, of_module]
                    found.append(
                        Described(
                            f"{where}.{node.name}.{one.name}", one, texts, raised_in(one, helpers)
                        )
                    )
    return found


EVERYTHING = described()


def test_every_function_method_and_class_says_what_it_is():
    documented_above = (
        "forward",
        "inverse",
        "refresh",
        "code",
        "still",
        "__init__",
        "__post_init__",
    )
    assert [
        one.name for one in EVERYTHING if not one.own and one.code.name not in documented_above
    ] == []


def test_what_raises_an_error_of_the_library_names_it():
    assert [
        f"{one.name}: {missing}"
        for one in EVERYTHING
        if (missing := {e for e in one.raised if e not in one.text})
    ] == []


def test_every_array_that_is_asked_for_has_a_shape():
    def shaped(name: str, text: str) -> bool:
        return bool(re.search(rf"\b{name}\b[^;]{{0,90}}?{SHAPE}", text, re.DOTALL | re.IGNORECASE))

    assert [
        f"{one.name}: {name}"
        for one in EVERYTHING
        for name in one.arrays()
        if not shaped(name, one.text)
    ] == []


def test_every_array_that_is_returned_has_a_shape():
    kinds = {one.name: getattr(one.code, "returns", None) for one in EVERYTHING}
    returning = [
        one for one in EVERYTHING if kinds[one.name] and ARRAY.search(ast.unparse(kinds[one.name]))
    ]
    assert [one.name for one in returning if not re.search(SHAPE, one.text)] == []


def test_log_densities_and_log_determinants_have_a_unit():
    named = re.compile("log_prob|log_likelihood|log_volume")
    measured = [
        one
        for one in EVERYTHING
        if named.search(one.code.name) or re.search(r"log-density|log\|det", one.own)
    ]
    assert len(measured) > 3
    assert [one.name for one in measured if "nats" not in one.text] == []


def test_published_methods_name_their_source():
    published = [
        one for one in EVERYTHING if one.name in PUBLISHED or one.name.split(".")[0] in METHOD
    ]
    assert {one.name for one in published} >= PUBLISHED
    assert [one.name for one in published if not re.search(r"\b(19|20)\d\d\b", one.text)] == []


# --- Troubleshooting -------------------------------------------------------------------------------------------------


def template(node: ast.AST) -> str:
    """A message as the code has it, with … for what is put in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "…"


@cache
def messages() -> dict[str, str]:
    """Templates of what the library raises on purpose, each with the file and line that raise it."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.exc if isinstance(node, ast.Raise) else node
            name = (
                getattr(called.func, "id", getattr(called.func, "attr", ""))
                if isinstance(called, ast.Call)
                else ""
            )
            if isinstance(node, ast.Raise) and name in ERRORS | {"ImportError", "_error"}:
                said = called.args[0]
            elif name == "require":  # a condition, its rule and the value
                said = called.args[1]
            else:
                continue
            for text in [said.body, said.orelse] if isinstance(said, ast.IfExp) else [said]:
                if re.search(r"\w{4}", template(text)):
                    found[template(text)] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


@cache
def entries() -> dict[str, list[str]]:
    """What stands in the code spans of the first column of the page's tables, each with the messages that it fits."""
    rows = re.findall(
        r"^\| (`.*?) \| ", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE
    )
    spans = [span for row in rows for span in re.findall("`([^`]+)`", row)]
    wanted = {span: re.compile(".*".join(map(re.escape, span.split("…")))) for span in spans}
    return {
        span: [one for one in messages() if pattern.search(one)] for span, pattern in wanted.items()
    }


def test_every_message_of_the_code_is_on_the_troubleshooting_page():
    explained = {message for fitting in entries().values() for message in fitting}
    assert [
        f"{where}: {message}" for message, where in messages().items() if message not in explained
    ] == []


def test_every_entry_of_the_troubleshooting_page_is_a_message_of_the_code():
    assert [entry for entry, fitting in entries().items() if not fitting] == []


def test_no_entry_of_the_troubleshooting_page_fits_everything():
    assert [entry for entry, fitting in entries().items() if len(fitting) > 12] == []
