"""Features and small pictures on disk, by the content of the image's file.

A backbone has one SQLite file, ``$GSMFLOW_CACHE/images/NAME-DIGEST.sqlite``. It may be lost at any
time. What cannot be read or written is a note, never an error: the caller makes it anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from ..errors import StorageError
from ..storage import cache_folder

CACHE_FORMAT = 1
AT_A_TIME = 500  # contents in one question; SQLite allows 999 at least
SECONDS_TO_WAIT = 30  # seconds to wait for another process that writes
_TABLE = """
create table if not exists rows (
    content blob primary key, features blob not null, picture blob not null, proof integer not null
)
"""

_Answer = TypeVar("_Answer")
Row = tuple[bytes, Float[np.ndarray, " D"], UInt8[np.ndarray, "s s 3"]]


def images_cache() -> Path:
    """Return the folder of what is kept of images. Raises ``StorageError`` without a home."""
    try:
        return cache_folder() / "images"
    except RuntimeError as error:
        raise StorageError(
            f"the cache must have a folder, but {error}: set GSMFLOW_CACHE to one"
        ) from None


class FeatureCache:
    """What is kept of one recipe: features and a picture by the sha256 of an image's file.

    ``recipe`` says all that features depend on beside the image, ``width`` their number, ``side``
    the pixels of a picture. Where ``recipe`` is None, nothing is kept. Rows are kept as bytes of
    known length with a checksum; nothing in the file can run code. Several processes may use one
    file. Use it as a context. ``notes`` say what went wrong.
    """

    def __init__(self, name: str, recipe: str | None, width: int, side: int) -> None:
        self.width = width
        self.side = side
        self.notes: list[str] = []
        self.path: Path | None = None
        self._file: sqlite3.Connection | None = None
        self._identity = 0
        self._was_damaged = False
        if recipe is None:
            return
        try:
            self.path = images_cache() / _file_name(name, (CACHE_FORMAT, recipe, width, side))
        except StorageError as error:
            self._give_up(error)
        else:
            self._try(self._open, None)

    def __enter__(self) -> FeatureCache:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def look(self, contents: Sequence[bytes]) -> Iterator[Row]:
        """Go through what is kept of these contents, in any order.

        A row that is damaged, or that is not kept, is left out.
        """
        for start in range(0, len(contents), AT_A_TIME):
            asked = contents[start : start + AT_A_TIME]
            none: list[Row] = []
            yield from self._try(partial(self._read, asked), none)

    def keep(self, rows: Iterable[Row]) -> None:
        """Keep rows; when it returns, they are on disk, even if the process is killed now."""
        listed = [_packed(*row) for row in rows]
        self._try(lambda: self._write(listed), None)

    def _read(self, contents: Sequence[bytes]) -> list[Row]:
        places = ", ".join("?" * len(contents))
        question = f"select * from rows where content in ({places})"
        found = self._connection().execute(question, list(contents)).fetchall()
        return [row for packed in found if (row := self._unpacked(*packed)) is not None]

    def _write(self, packed: list[tuple]) -> None:
        with self._connection() as transaction:
            transaction.executemany("insert or replace into rows values (?, ?, ?, ?)", packed)

    def _unpacked(self, content: object, features: object, picture: object, proof: object):
        """Return a row, or None where it is not what was written."""
        if not all(isinstance(part, bytes) for part in (content, features, picture)):
            return None
        lengths = (len(features), len(picture))  # type: ignore[arg-type]
        if lengths != (4 * self.width, 3 * self.side**2):
            return None
        if zlib.crc32(content + features + picture) != proof:  # type: ignore[operator]
            return None
        square = (self.side, self.side, 3)
        return (
            content,
            np.frombuffer(features, "<f4"),  # type: ignore[call-overload]
            np.frombuffer(picture, np.uint8).reshape(square),  # type: ignore[call-overload]
        )

    # --- the file --------------------------------------------------------------------------------

    def _open(self) -> None:
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
        self._file.execute(_TABLE)
        self._identity = path.stat().st_ino

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self) -> Path:
        assert self.path is not None
        return self.path

    def _connection(self) -> sqlite3.Connection:
        assert self._file is not None
        return self._file

    def _try(self, work: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
        """Do what needs the file; a fault ends its use, or begins a new file, and is noted."""
        if self.path is None or (self._file is None and work != self._open):
            return otherwise
        try:
            return work()
        except (OSError, sqlite3.OperationalError) as error:  # read-only, full, locked for long
            self._give_up(error)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        return otherwise

    def _give_up(self, error: Exception) -> None:
        self._close()
        self.notes.append(
            f"features are not kept in {self.path or 'a cache'}, so they are made anew next time: "
            f"{error}"
        )
        self.path = None

    def _begin_anew(self, error: Exception) -> None:
        """Set a damaged file aside, unless another process has done so, and begin a new one."""
        self._close()
        if self._was_damaged:
            return self._give_up(error)
        self._was_damaged = True
        path = self._path()
        aside = path.with_suffix(".damaged")
        try:
            if not self._identity or path.stat().st_ino == self._identity:
                os.replace(path, aside)
                path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        except OSError as fault:
            return self._give_up(fault)
        self.notes.append(
            f"{path} was damaged ({error}): it is set aside as {aside.name}, and features that it "
            "held are made anew"
        )
        self._try(self._open, None)


def _file_name(name: str, recipe: tuple) -> str:
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60]
    return f"{plain or 'backbone'}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}.sqlite"


def _packed(
    content: bytes,
    features: Float[np.ndarray, " D"],
    picture: UInt8[np.ndarray, "s s 3"],
) -> tuple[bytes, bytes, bytes, int]:
    parts = (content, features.astype("<f4").tobytes(), picture.tobytes())
    return (*parts, zlib.crc32(b"".join(parts)))
