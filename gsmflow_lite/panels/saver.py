"""Files for the user's disk, made here and saved by the page."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import anywidget

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 60  # characters of a part of a file name
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes a cell that begins so


class Saver(anywidget.AnyWidget):
    """Sends files to the page, which saves them as the browser saves any download.

    So they reach the user where the kernel is on another machine, too.
    """

    _esm = files(__package__).joinpath("saver.js").read_text(encoding="utf-8")

    def save(self, name: str, kind: str, content: bytes) -> None:
        """Save a file. ``kind`` is its type, such as ``image/png``."""
        self.send({"name": name, "type": kind}, [content])


def file_name(*parts: str, suffix: str) -> str:
    """Make a file name of these parts, of safe characters only.

    >>> file_name("../my <data>", "explore", suffix="csv")
    'my-data-explore.csv'
    """
    safe = [re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-")[:LONGEST] for part in parts]
    return f"{'-'.join(part for part in safe if part) or 'gsmflow'}.{suffix}"


def as_csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV, without a column of row numbers.

    Names come from files. One that a spreadsheet would take for a formula gets an apostrophe in
    front, which says that it is text.

    >>> import pandas as pd
    >>> as_csv(pd.DataFrame({"class": ["=1+1", "Q"], "x": [-1.5, 2.0]}))
    b"class,x\\n'=1+1,-1.5\\nQ,2.0\\n"
    """
    safe = table.rename(columns=_as_text)
    for place, kind in enumerate(table.dtypes):
        if not _is_number(kind):
            safe.isetitem(place, safe.iloc[:, place].map(_as_text))
    return safe.to_csv(index=False, lineterminator="\n").encode()


def _is_number(kind: object) -> bool:
    return getattr(kind, "kind", "O") in "biuf"


def _as_text(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
