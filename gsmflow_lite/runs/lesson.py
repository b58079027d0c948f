"""The course as a lesson: notebooks that nobody has run yet, copied into a folder.

An installed package carries the course; a checkout has it at its top.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..storage import write_whole

START = Path("notebooks/00_start_here.ipynb")
PAGES = ("docs/glossary.md", "docs/images/seen_classes.png", "data/README.md")  # of many links
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
TABLE = re.compile("^<!-- The table .*?^<!-- End of the table. -->$", re.MULTILINE | re.DOTALL)
WELCOME = """# The course

Open the notebooks in JupyterLab, and begin with [00](00_start_here.ipynb). Where it says *predict
first*, write your guess down, and only then run the next cells. What came of it stands folded below
them. What a word means stands in the [glossary](../docs/glossary.md).

"""
LINK = re.compile(r"!?\[(?P<words>[^\]]+)\]\((?P<target>[^)\s]+)\)")
ASKED = "**Predict first"
SECTION = re.compile(r"^#+ ", re.MULTILINE)
FOLD = """<details><summary>What came of it: read on when you have looked</summary>

{}

</details>
"""


def write_lesson(folder: Path, *, answers: bool = False) -> Path:
    """Copy the course without answers into ``folder``, and return the notebook to begin with.

    The notebooks have no outputs, and what the text says of a question is folded. ``answers``
    copies the solutions of the exercises, too. Raises ``StorageError`` if one of the files is there
    already, or cannot be written; then none has been replaced.
    """
    course = course_folder()
    names = _names(course, answers)
    there = [folder / name for name in names if (folder / name).exists()]
    if there:
        raise StorageError(
            f"{there[0]}: a lesson must not replace files, but {len(there)} of its {len(names)} "
            "are there: name another folder, or move them away"
        )
    for name in names:
        write_whole(folder / name, _copied(course, name, names))
    return folder / START


def course_folder() -> Path:
    """Return the folder that has the course below it, as a checkout has.

    Raises ``StorageError`` if the package came without it.
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package / "embedded" / "course", package.parent):
        if (place / START).is_file():
            return place
    raise StorageError(
        f"{package}: the course comes with the package and must be there, but it is not: "
        "install the package again"
    )


def without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as one that nobody has run, for any kernel of Python."""
    cells = [{**cell, "metadata": {}} for cell in notebook["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return {**notebook, "cells": cells, "metadata": METADATA}


def fold_answers(texts: list[str | None]) -> list[str | None]:
    """Fold what is said of each question; of a notebook's cells, those of code are None.

    A question is asked before cells of code. What is said of it stands after them, up to the next
    section or the next question.
    """
    folded: list[str | None] = []
    asked, ran = False, False
    for text in texts:
        if text is None:
            ran = asked
        elif asked and ran:
            folded.append(_fold_beginning(text))
            asked, ran = ASKED in text, False
            continue
        else:
            asked = asked or ASKED in text
        folded.append(text)
    return folded


def _fold_beginning(text: str) -> str:
    """Fold a text up to its first section or question."""
    section = SECTION.search(text)
    end = section.start() if section else len(text)
    question = text.find(ASKED)
    if 0 <= question < end:
        end = text.rfind("\n\n", 0, question) + 1
    said = text[:end].strip()
    return FOLD.format(said) + f"\n{text[end:].lstrip()}" if said else text


def _names(course: Path, answers: bool) -> list[str]:
    """The files of a lesson, by their paths in the course."""
    solutions = (course / "notebooks" / "solutions").glob("*.ipynb") if answers else ()
    notebooks = sorted((course / "notebooks").glob("*.ipynb"))
    paths = [*notebooks, *sorted(solutions)]
    return [*(path.relative_to(course).as_posix() for path in paths), "notebooks/README.md", *PAGES]


def _copied(course: Path, name: str, names: Collection[str]) -> bytes:
    """What a file of the course holds in a lesson that has the files ``names``."""
    content = (course / name).read_bytes()
    if name.endswith(".png"):
        return content
    if name.endswith(".ipynb"):
        return _lesson_notebook(json.loads(content), name, names).encode()
    text = content.decode()
    if name == "notebooks/README.md":
        table = TABLE.search(text)
        text = WELCOME + (f"{table[0]}\n" if table else "")
    return _with_living_links(text, name, names).encode()


def _lesson_notebook(notebook: dict[str, Any], name: str, names: Collection[str]) -> str:
    """The text of a notebook's file."""
    notebook = without_outputs(notebook)
    is_text = [cell["cell_type"] == "markdown" for cell in notebook["cells"]]
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    texts = [source if text else None for source, text in zip(sources, is_text, strict=True)]
    for cell, source, text in zip(notebook["cells"], sources, fold_answers(texts), strict=True):
        cell["source"] = source if text is None else _with_living_links(text, name, names)
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _with_living_links(text: str, name: str, names: Collection[str]) -> str:
    """A page without links to files that are not in the lesson; their words stay."""

    def living(link: re.Match[str]) -> str:
        target = link["target"].partition("#")[0]
        if not target or "://" in target:
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if path in names:
            return link[0]
        if path.startswith("notebooks/solutions/"):
            return "kept apart (`gsmflow-lite lesson DIR --answers` copies them)"
        return link["words"]

    return LINK.sub(living, text)
