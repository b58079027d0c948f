"""The scripts of a page: modules of one folder, put one after the other.

A page that is opened from disk may load no module, so each module becomes a part of a script: the
modules that it imports stand before it, its imports are left out, and so is the word ``export``.
That needs rules, which :func:`bundle` checks: an import is one line and renames nothing, there are
no cycles, and no two modules have a name in common at their top level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files

IMPORT = re.compile(r'^import \{ ([\w$]+(?:, [\w$]+)*) \} from "\./([\w-]+\.js)";$', re.MULTILINE)
KEYWORDS = r"(?:(?:async )?function\*?|class|const|let) ([\w$]+)"
DECLARED = re.compile(rf"^{KEYWORDS}", re.MULTILINE)
EXPORTED = re.compile(rf"^export (?!let )(?={KEYWORDS})", re.MULTILINE)
#: What must not begin a line: other ways to import, to export and to declare.
OTHER_WAYS = re.compile(r"^(?:import|export|var|(?:const|let) [\[{]).*$", re.MULTILINE)
#: What would end a script element, or begin a comment within it.
ENDS_A_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)

ENGINE = "worker.js"
PAGE = "main.js"


@dataclass(frozen=True)
class Module:
    """A module: which names it takes from which others, what it declares, and its lines."""

    imports: tuple[tuple[str, tuple[str, ...]], ...]
    declared: tuple[str, ...]
    exported: frozenset[str]
    text: str

    @classmethod
    def of(cls, name: str, source: str) -> Module:
        """Read a module. Raises ``ValueError`` for what cannot be put into a script."""
        imports = tuple((m[2], tuple(m[1].split(", "))) for m in IMPORT.finditer(source))
        exported = frozenset(m[1] for m in EXPORTED.finditer(source))
        text = EXPORTED.sub("", IMPORT.sub("", source)).strip() + "\n"
        other = OTHER_WAYS.search(text) or ENDS_A_SCRIPT.search(text)
        if other:
            raise ValueError(
                f"{name} must import by one line, export functions, classes and constants where "
                f"they are declared, and end no script, got {other[0]!r}: write it in another way"
            )
        return cls(imports, tuple(m[1] for m in DECLARED.finditer(text)), exported, text)


def page_modules() -> dict[str, str]:
    """The modules that come with the package, by the names of their files."""
    folder = files(__package__) / "app"
    found = {one.name: one for one in folder.iterdir() if one.name.endswith(".js")}
    return {name: found[name].read_text(encoding="utf-8") for name in sorted(found)}


def script(entry: str, sources: Mapping[str, str], last: str = "") -> str:
    """Put a module and all that it needs into one script, with the line ``last`` at the end.

    What it declares is seen in this script alone.
    """
    return f'(() => {{\n"use strict";\n{bundle(entry, sources)}{last}\n}})();\n'


def bundle(entry: str, sources: Mapping[str, str]) -> str:
    """Put a module behind all that it needs, in order of dependence.

    ``sources`` are all modules of the folder. Raises ``ValueError`` for a name that two of them
    declare, an import of what is not exported, and for cycles.
    """
    modules = {name: Module.of(name, source) for name, source in sources.items()}
    _check_unique(modules)
    _check_imports(modules)
    needs = {name: [other for other, _ in module.imports] for name, module in modules.items()}
    reached = set(_reached(entry, needs))
    try:
        order = list(
            TopologicalSorter({name: needs[name] for name in sorted(reached)}).static_order()
        )
    except CycleError as error:
        cycle = ", ".join(error.args[1])
        raise ValueError(f"modules must not import each other in a circle, got {cycle}") from None
    return "\n".join(f"// --- {name}\n{modules[name].text}" for name in order)


def _reached(entry: str, needs: Mapping[str, list[str]]) -> Iterator[str]:
    """A module and all that it needs, directly or not."""
    open_ones, known = [entry], {entry}
    while open_ones:
        name = open_ones.pop()
        yield name
        fresh = [other for other in needs[name] if other not in known]
        known.update(fresh)
        open_ones += fresh


def _check_unique(modules: Mapping[str, Module]) -> None:
    home: dict[str, str] = {}
    for name, module in modules.items():
        for declared in module.declared:
            other = home.setdefault(declared, name)
            if other != name:
                raise ValueError(
                    f"{declared} must be declared in one module, got {other} and {name}: "
                    "rename one, or import it"
                )


def _check_imports(modules: Mapping[str, Module]) -> None:
    for name, module in modules.items():
        for other, names in module.imports:
            there = modules[other].exported if other in modules else frozenset[str]()
            missing = sorted(set(names) - there)
            if missing:
                raise ValueError(
                    f"{name} must import what is exported, got {', '.join(missing)} of {other}"
                )
