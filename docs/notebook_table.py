"""The table of the notebooks, read from the notebooks: each says at its head what the table says.

    python docs/notebook_table.py            # writes the table into notebooks/README.md
    python docs/notebook_table.py --check    # fails if the table there is not up to date

Under its title a notebook has a line such as

    *20 minutes · needs 00 · explains `method.flow` · words: [glossary](../docs/glossary.md)*
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
PAGE = NOTEBOOKS / "README.md"
BEGIN = "<!-- The table is written by docs/notebook_table.py. -->"
END = "<!-- End of the table. -->"

TITLE = re.compile(r"# (?P<number>\d\d) (?P<title>.+)")
HEAD = re.compile(
    r"\*(?P<minutes>\d+) minutes · needs (?P<needs>.+?) · explains (?P<explains>.+?) · words: "
    r"\[glossary\]\(\.\./docs/glossary\.md\)\*"
)


@dataclass(frozen=True)
class Head:
    """What a notebook says of itself in its first cell."""

    file: str
    number: str
    title: str
    minutes: str
    needs: str
    explains: str

    @property
    def modules(self) -> list[str]:
        """Names of the modules that the notebook explains, without the package's name."""
        return re.findall("`([^`]+)`", self.explains)

    @property
    def row(self) -> str:
        """The notebook's row of the table."""
        link = f"[{self.title}]({self.file})"
        return f"| {self.number} | {link} | {self.minutes} | {self.needs} | {self.explains} |"


def read_head(path: Path) -> Head:
    """Read the first cell of a notebook. Raises ``ValueError`` for a head of another form."""
    cells = json.loads(path.read_text())["cells"]
    title, head, *_ = "".join(cells[0]["source"]).split("\n\n")
    titled = TITLE.fullmatch(title)
    headed = HEAD.fullmatch(head)
    if titled is None or headed is None:
        raise ValueError(
            f"{path}: the first cell must begin with a title and a head line:{__doc__}"
        )
    return Head(path.name, **titled.groupdict(), **headed.groupdict())


def heads() -> list[Head]:
    """The heads of all notebooks of the course, in their order."""
    return [read_head(path) for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]


def table() -> str:
    """The table in Markdown, between the two comments that mark it."""
    rows = ["| | title | minutes | needs | explains |", "|---|---|---|---|---|"]
    rows += [head.row for head in heads()]
    return "\n".join([BEGIN, "", *rows, "", END])


def with_table(page: str) -> str:
    """The text of a page with the table as it should be."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return before + table() + after


def main() -> None:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    page = PAGE.read_text()
    if parser.parse_args().check:
        if page != with_table(page):
            raise SystemExit(f"{PAGE} is not up to date: python docs/notebook_table.py")
    else:
        PAGE.write_text(with_table(page))


if __name__ == "__main__":
    main()
