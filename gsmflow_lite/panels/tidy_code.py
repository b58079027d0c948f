"""Code that a panel shows imports what it uses, and nothing else."""

from __future__ import annotations

import ast


def tidy(code: str) -> str:
    """Leave out the names that are imported and not used; one line imports from one module.

    ``code`` must be Python in which each import stands on a line of its own, as in
    ``from module import a, b``.
    """
    tree = ast.parse(code)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]

    names: dict[str, list[str]] = {}  # by module
    for node in imports:
        of_module = names.setdefault(str(node.module), [])
        of_module += [each.name for each in node.names if each.name in used]

    without = {node.lineno for node in imports}
    rest = [line for i, line in enumerate(code.splitlines(), 1) if i not in without]
    lines = [
        f"from {module} import {', '.join(sorted(set(found)))}"
        for module, found in names.items()
        if found
    ]
    return "\n".join([*lines, "", *rest]).replace("\n\n\n", "\n\n").strip() + "\n"
