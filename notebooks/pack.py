"""Put the course into a wheel, without outputs: they are most of its size, and its answers.

The builder of the wheel calls this; ``gsmflow-lite lesson`` copies the course from there.
"""

from __future__ import annotations

import json
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "gsmflow_lite/embedded/course"
PAGES = (
    "notebooks/README.md",
    "docs/glossary.md",
    "docs/images/seen_classes.png",
    "data/README.md",
)


class Course(BuildHookInterface):
    """Adds the course to the files of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        """Clear the notebooks into build/course; an editable install reads them where they are."""
        if version == "editable":
            return
        root = Path(self.root)
        files = build_data["force_include"]
        for page in PAGES:
            files[str(root / page)] = f"{INSIDE}/{page}"
        for path in sorted((root / "notebooks").rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                name = path.relative_to(root).as_posix()
                files[str(_cleared(path, root / "build" / "course" / name))] = f"{INSIDE}/{name}"


def _cleared(path: Path, to: Path) -> Path:
    """Write a notebook without its outputs."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    return to
