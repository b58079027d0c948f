"""The rooms of the package, found by walking its folders: the API reference is never out of date.

A directive for Sphinx, ``.. room:: shifts``, describes a room and all its modules. Another one,
``.. public-names::``, lists what can be imported from ``gsmflow_lite`` itself.
"""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

NAME = "gsmflow_lite"
PACKAGE = Path(__file__).resolve().parents[1] / NAME
GROUND = "ground"  # the modules that stand beside the folders

# The order of the rooms is the direction of imports: a room knows those before it.
ORDER = (
    GROUND,
    "datasets",
    "texts",
    "images",
    "method",
    "generators",
    "scores",
    "figures",
    "shifts",
    "explorer",
    "panels",
    "page",
    "runs",
    "doctor",
)


@dataclass(frozen=True)
class Constant:
    """A public name in capitals, and the comment that stands beside it or above it."""

    name: str
    text: str


def rooms() -> dict[str, list[str]]:
    """Each room with the full names of its modules, in the order of the imports."""
    found = {GROUND: _modules_in(PACKAGE)}
    for folder in sorted(PACKAGE.iterdir()):
        if (folder / "__init__.py").is_file():
            found[folder.name] = _modules_in(folder)
    return dict(sorted(found.items(), key=lambda room: _place(room[0])))


def modules() -> list[str]:
    """The full names of all modules and rooms of the package."""
    names = [name for names in rooms().values() for name in names]
    packages = [package(room) for room in rooms() if room != GROUND]
    return [*packages, *names]


def package(room: str) -> str:
    """The full name of the package that a room is."""
    return NAME if room == GROUND else f"{NAME}.{room}"


def source_of(module: str) -> Path:
    """The file of a module, or the ``__init__.py`` of a room."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _modules_in(folder: Path) -> list[str]:
    """The modules of a room and of its inner folders. Of the package, those beside the rooms."""
    paths = folder.glob("*.py") if folder == PACKAGE else folder.rglob("*.py")
    inner = [path for path in paths if path != folder / "__init__.py"]
    return sorted(_module_of(path) for path in inner)


def _module_of(path: Path) -> str:
    module = path.parent if path.stem == "__init__" else path.with_suffix("")
    return ".".join(module.relative_to(PACKAGE.parent).parts)


def _place(room: str) -> tuple[int, str]:
    return (ORDER.index(room) if room in ORDER else len(ORDER), room)


# --- What is public ------------------------------------------------------------------------------


def public_names() -> dict[str, str]:
    """What can be imported from the package, with the full name under which it is defined."""
    root = importlib.import_module(NAME)
    imported = _imports_of(source_of(NAME))
    names = sorted({*root.__all__, "explore"}, key=str.lower)
    return {name: _defined_as(name, getattr(root, name), imported) for name in names}


def _imports_of(path: Path) -> dict[str, str]:
    """Each name that ``__init__.py`` imports, with the module that it is imported from."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            module = f"{NAME}.{node.module}" if node.module else NAME
            found.update({alias.name: module for alias in node.names})
    return found


def _defined_as(name: str, value: object, imported: dict[str, str]) -> str:
    if hasattr(value, "__path__") or hasattr(value, "__file__"):
        return value.__name__
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return f"{imported[name]}.{name}"


def constants(module: str) -> list[Constant]:
    """The constants of a module that have a comment, or that its room exports.

    Constants that a ``#:`` describes are left to autodoc.
    """
    path = source_of(module)
    lines = path.read_text().splitlines()
    described = {name for _, name in ModuleAnalyzer.for_module(module).find_attr_docs()}
    exported = getattr(importlib.import_module(module.rpartition(".")[0]), "__all__", [])
    found = []
    for node in ast.parse(path.read_text()).body:
        for name in _assigned(node):
            text = _comment_on(node, lines)
            is_constant = re.fullmatch(r"[A-Z][A-Z0-9_]*", name) and name not in described
            if is_constant and (text or name in exported):
                found.append(Constant(name, text))
    return found


def _assigned(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.AnnAssign):
        targets: list[ast.expr] = [node.target]
    else:
        targets = node.targets if isinstance(node, ast.Assign) else []
    parts = [part for target in targets for part in ast.walk(target)]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _comment_on(node: ast.stmt, lines: list[str]) -> str:
    """The comment beside a definition, or else the lines of comment right above it."""
    for line in (lines[node.lineno - 1], lines[node.end_lineno - 1]):
        beside = re.search(r"(?<=  )#:? (.*)$", line)
        if beside:
            return beside[1]
    above = []
    for line in reversed(lines[: node.lineno - 1]):
        if not line.startswith("# ") or line.startswith("# ---"):
            break
        above.insert(0, line[2:])
    return " ".join(above)


# --- For Sphinx ----------------------------------------------------------------------------------


class Room(SphinxDirective):
    """Describes a room and, under a heading each, its modules."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of the room."""
        room = self.arguments[0]
        lines = [] if room == GROUND else _automodule(package(room), ["   :ignore-module-all:"])
        for module in rooms()[room]:
            lines += ["", *_heading(module.removeprefix(f"{NAME}."), "-"), *_described(module)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class PublicNames(SphinxDirective):
    """A table of what can be imported from the package itself, with a sentence each."""

    def run(self) -> list[nodes.Node]:
        """Return what autosummary makes of the names."""
        lines = [".. autosummary::", ""]
        lines += [f"   {full_name}" for full_name in public_names().values()]
        return self.parse_text_to_nodes("\n".join(lines))


def _heading(text: str, underline: str) -> list[str]:
    return [text, underline * len(text), ""]


def _described(module: str) -> list[str]:
    lines = _automodule(module)
    for constant in constants(module):
        lines += [f".. py:data:: {constant.name}", f"   :module: {module}", ""]
        lines += [f"   {constant.text}", ""]
    return lines


def _automodule(module: str, options: list[str] | None = None) -> list[str]:
    return [f".. automodule:: {module}", *(options or []), ""]


def find_definition(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a reference to a name where it is imported by looking where it is defined.

    An alias of a type is described nowhere: its name stays plain text.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith(f"{NAME}."):
        return None
    value = _value_of(target)
    if value is None:
        return None
    if not hasattr(value, "__qualname__"):
        return content
    defined = f"{value.__module__}.{value.__qualname__}"
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], defined, node, content
    )


def _value_of(target: str) -> Any:
    """What a full name stands for; None for a name of nothing."""
    value: Any = importlib.import_module(NAME)
    for part in target.split(".")[1:]:
        value = getattr(value, part, None)
    return value


def drop_foreign_text(
    app: Sphinx, what: str, name: str, value: Any, options: object, lines: list[str]
) -> None:
    """Drop the text of a method that comes from a base class of another library."""
    if what == "method" and not getattr(value, "__doc__", None) and not _has_text_here(name):
        lines.clear()


def _has_text_here(method: str) -> bool:
    """Whether a class of this package that the method's class is made from documents it."""
    module, class_name, name = method.rsplit(".", 2)
    bases = getattr(importlib.import_module(module), class_name).__mro__
    ours = [base for base in bases if base.__module__.startswith(NAME)]
    return any(getattr(vars(base).get(name), "__doc__", None) for base in ours)


def setup(app: Sphinx) -> dict[str, bool]:
    """Give Sphinx the two directives and what goes with them."""
    app.add_directive("room", Room)
    app.add_directive("public-names", PublicNames)
    app.connect("autodoc-process-docstring", drop_foreign_text)
    app.connect("missing-reference", find_definition)
    return {"parallel_read_safe": True}
