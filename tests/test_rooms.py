"""The rooms of the package: imports between them go one way, and every name has one home."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gsmflow_lite"
FLOORS = [  # a room imports from the floors above it in this list, and from no other
    {"ground"},
    {"datasets"},
    {"texts"},
    {"images"},
    {"method"},
    {"generators"},
    {"scores"},
    {"figures"},
    {"shifts"},
    {"explorer"},
    {"panels", "page"},
    {"runs"},
    {"doctor"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))
TOP = PACKAGE / "__init__.py"  # it hands the public names on


def module_of(path: Path) -> tuple[str, ...]:
    """The dotted name of a file, without the package's."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {module_of(path): path for path in FILES}


def room_of(module: tuple[str, ...]) -> str:
    if len(module) > 1 or (PACKAGE / module[0]).is_dir():
        return module[0]
    return "cli" if module == ("cli",) else "ground"


def imports(path: Path) -> set[tuple[str, ...]]:
    """Modules of the package that a file imports, also within functions and for types alone."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        above = package[: len(package) - node.level + 1]
        base = (*above, *(node.module or "").split(".")) if node.module else above
        for alias in node.names:
            inner = (*base, alias.name)
            found.add(inner if inner in MODULES else base)
    return found - {()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_from_lower_floors_only(path):
    if path == TOP:
        return
    room = room_of(module_of(path))
    others = {other for other in map(room_of, imports(path)) if other != room}
    assert {other for other in others if FLOOR[other] >= FLOOR[room]} == set()


def test_no_files_import_each_other_in_a_circle():
    arrows = {path: imports(path) for path in FILES if path.name != "__init__.py"}
    arrows = {module_of(path): {m for m in of if m in MODULES} for path, of in arrows.items()}
    while leaves := [m for m, of in arrows.items() if not of & arrows.keys()]:
        for module in leaves:
            del arrows[module]
    assert sorted(map(".".join, arrows)) == []


def test_every_room_has_a_floor_and_says_what_it_is_for():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(FLOOR) - {"ground", "cli"}
    for room in rooms:
        assert ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))


def test_no_public_name_is_defined_in_two_files():
    homes = defaultdict(set)
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            names += [target.id for target in targets if isinstance(target, ast.Name)]
            for name in names:
                homes[name].add(path)
    twice = {name for name, files in homes.items() if len(files) > 1 and not name.startswith("_")}
    assert twice == set()


FOLDERS = ("gsmflow_lite", "benchmarks", "tests", "data", "docs")
OURS = {"gsmflow_lite"} | {path.stem for name in FOLDERS for path in (ROOT / name).rglob("*.py")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_private_name_is_imported_from_another_file(folder):
    borrowed = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and is_ours(node):
                private = [a.name for a in node.names if a.name.startswith("_")]
                borrowed += [f"{path.name}: {name}" for name in private if name != "__version__"]
    assert borrowed == []


def is_ours(node: ast.ImportFrom) -> bool:
    """Whether the names come from a file of this repository."""
    return node.level > 0 or node.module.split(".")[0] in OURS


def test_the_ground_floor_is_small():
    assert len(list(PACKAGE.glob("*.py"))) <= 11  # ten and __init__


def test_tests_lie_in_the_rooms_that_they_test():
    rooms = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert {room for floor in FLOORS for room in floor} - {"ground", "cli"} <= rooms
