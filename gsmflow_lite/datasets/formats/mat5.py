"""A .mat file of MATLAB 5 to 7.2, read here and not by SciPy, which a damaged file can crash.

The file is a row of variables. A variable is a tag (type and length) and its elements: flags,
dimensions, name and content. A variable may be compressed. The format is described in MathWorks'
"MAT-File Format".
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Shaped

from ...errors import DataError
from .limits import most_inflated

FILE_HEADER = 128  # bytes before the first variable; the last two tell the order of bytes
LONGEST_TEXT = 10_000  # characters in one name of a class or file
DEEPEST_CELL = 4  # cells within cells; published files have one level
MOST_DIMENSIONS = 32
CONVERTED_AT_ONCE = 1 << 18  # numbers

MI_MATRIX = 14  # types of element
MI_COMPRESSED = 15
MI_DOUBLE = 9
NUMBER_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

CELL = 1  # classes of array
CHAR = 4
OPAQUE = 17
NUMERIC = range(6, 16)
AS_TEXT = "save it as a cell array of text"
REFUSED = {
    2: "a struct",
    3: "an object",
    5: "a sparse matrix",
    16: "a function",
    OPAQUE: "an object of MATLAB, perhaps a string array",
}


def mat5_names(path: Path) -> list[str]:
    """Return the names of the arrays in the file."""
    return list(_places(path))


def read_mat5(
    path: Path,
    choose: Callable[[list[str]], list[str]],
    single: set[str],
    spared: Mapping[str, list[str]],
) -> dict[str, Shaped[np.ndarray, " ..."] | list[str]]:
    """Read the arrays that ``choose`` picks from the names of all.

    Those named in ``single`` become float32, where they are in double precision. Those in
    ``spared`` are left out where they are of a kind that is not read; why is added to their list.
    Raises ``DataError``.
    """
    places = _places(path)
    names = choose(list(places))
    with open(path, "rb") as file:
        return values_by_name(
            names, lambda name: _value(path, file, places[name], name, name in single), spared
        )


def values_by_name(
    names: Iterable[str],
    read: Callable[[str], Shaped[np.ndarray, " ..."] | list[str]],
    spared: Mapping[str, list[str]],
) -> dict[str, Shaped[np.ndarray, " ..."] | list[str]]:
    """Return what ``read`` returns for each name, without those in ``spared`` that it refuses.

    Why they are refused is added to their list. Raises ``DataError`` for any other.
    """
    values = {}
    for name in names:
        try:
            values[name] = read(name)
        except DataError as error:
            if name not in spared:
                raise
            spared[name].append(f"{name!r} is left out: {error}")
    return values


def _places(path: Path) -> dict[str, int]:
    """Return where in the file each variable starts, by name."""
    places: dict[str, int] = {}
    size = os.path.getsize(path)
    start = FILE_HEADER
    with open(path, "rb") as file:
        while start < size:
            variable = _Variable(file, start)
            name = _read_header(variable).name
            if name in places:
                raise ValueError(f"the name {name!r} occurs twice")
            if name:  # MATLAB keeps its function workspace in a nameless variable
                places[name] = start
            start = variable.end
    return places


def _value(
    path: Path, file: BinaryIO, start: int, name: str, single: bool
) -> np.ndarray | list[str]:
    variable = _Variable(file, start)
    header = _read_header(variable)
    if header.kind in REFUSED:
        raise DataError(
            f"{path}: {name!r} is {REFUSED[header.kind]}: save it as a full array of numbers, "
            "or text as a cell array (cellstr)"
        )
    if header.complex:
        raise DataError(
            f"{path}: {name!r} must hold real numbers, got complex ones: save its real part"
        )
    try:
        value = _read_content(variable, header, single)
    except _NoTextError as error:
        raise DataError(f"{path}: {name!r} must be text, but {error}: {AS_TEXT}") from None
    variable.source.finish()
    return value


class _NoTextError(ValueError):
    """What should be text is something else, though the file is not damaged."""


# --- bytes ---------------------------------------------------------------------------------------


class _Plain:
    """Bytes of a variable that is not compressed."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, or fewer where the file ends."""
        return self.file.read(count)

    def finish(self) -> None:
        """Do nothing: there is no checksum."""


class _Inflated:
    """Bytes of a compressed variable, which are inflated piece by piece."""

    def __init__(self, file: BinaryIO, packed: int) -> None:
        self.file = file
        self.packed = packed  # bytes that are still to be read from the file
        self.pending = b""
        self.inflate = zlib.decompressobj()

    def read(self, count: int) -> bytearray:
        """Return the next ``count`` bytes, or fewer where the stream ends.

        Memory grows with what comes, not with ``count``.
        """
        out = bytearray()
        while len(out) < count and not self.inflate.eof:
            if not self.pending:
                self.pending = self.file.read(min(self.packed, 1 << 16))
                self.packed -= len(self.pending)
            piece = self.inflate.decompress(self.pending, min(count - len(out), 1 << 20))
            ended = not piece and not self.pending
            self.pending = self.inflate.unconsumed_tail
            if ended:
                break
            out += piece
        return out

    def finish(self) -> None:
        """Go to the end of the stream, where zlib compares the checksum."""
        self.read(64)
        if not self.inflate.eof:
            raise EOFError("a compressed array goes on after its end, or has no checksum")


class _Variable:
    """The variable that starts at ``start``, read forwards only.

    ``left`` is how many bytes can still come, at most. Each claim is compared with it before
    memory is taken. ``end`` is where the next variable starts.
    """

    def __init__(self, file: BinaryIO, start: int) -> None:
        self.source: _Plain | _Inflated = _Plain(file)
        file.seek(FILE_HEADER - 2)
        self.order = "<" if file.read(2) == b"IM" else ">"
        self.left = file.seek(0, os.SEEK_END) - start
        file.seek(start)

        kind, length, _ = self.tag()
        self.end = start + 8 + length
        if kind == MI_COMPRESSED:
            self.source = _Inflated(file, length)
            self.left = most_inflated(length)
            kind, length, _ = self.tag()
        if kind != MI_MATRIX:
            raise ValueError(f"a variable must be an array, got an element of type {kind}")
        self.left = length

    def tag(self) -> tuple[int, int, bytes | None]:
        """Read type and length in bytes of the next element.

        A short element is packed into the tag; then its content is returned as well.
        """
        kind, length = struct.unpack(self.order + "II", self.read(8))
        packed = kind >> 16
        if not packed:
            if length > self.left:
                raise EOFError(f"{length:,} bytes are claimed where at most {self.left:,} can be")
            return kind, length, None
        if packed > 4:
            raise ValueError("an element within a tag is longer than 4 bytes")
        return kind & 0xFFFF, packed, struct.pack(self.order + "I", length)[:packed]

    def element(self, most: int | None = None) -> tuple[int, bytes | bytearray]:
        """Read type and content of the next element, which may have at most ``most`` bytes."""
        kind, length, packed = self.tag()
        if most is not None and length > most:
            raise ValueError(f"an entry of {length:,} bytes is longer than {most}")
        if packed is not None:
            return kind, packed
        content = self.read(length)
        self.skip_padding(length)
        return kind, content

    def skip_padding(self, length: int) -> None:
        """Go to where the next element may start; some writers leave padding out at the end."""
        self.read(min(-length % 8, self.left))

    def read(self, count: int) -> bytes | bytearray:
        """Read ``count`` bytes, or raise ``EOFError``."""
        if count > self.left:
            raise EOFError(f"{count:,} bytes are wanted where at most {self.left:,} can be")
        data = self.source.read(count)
        if len(data) < count:
            raise EOFError("the file ends within an array")
        self.left -= count
        return data


# --- arrays --------------------------------------------------------------------------------------


class _Header(NamedTuple):
    kind: int  # MATLAB's class of array
    complex: bool
    dims: tuple[int, ...]
    name: str


def _read_header(variable: _Variable) -> _Header:
    flags = struct.unpack(variable.order + "II", variable.element(8)[1])[0]
    kind = flags & 0xFF
    if kind == OPAQUE:  # objects have no dimensions
        return _Header(kind, False, (), _read_name(variable))

    raw = variable.element(4 * MOST_DIMENSIONS)[1]
    dims = struct.unpack(f"{variable.order}{len(raw) // 4}i", raw)
    if len(dims) < 2 or min(dims) < 0:
        raise ValueError(f"an array has impossible dimensions {dims}")
    return _Header(kind, bool(flags & 0x800), dims, _read_name(variable))


def _read_name(variable: _Variable) -> str:
    return variable.element(256)[1].decode("ascii")


def _read_content(
    variable: _Variable, header: _Header, single: bool = False
) -> np.ndarray | list[str]:
    if header.kind == CELL:
        return _cells(variable, header.dims)
    if header.kind == CHAR:
        return _rows_of_text(*variable.element(), variable.order, header.dims)
    if header.kind in NUMERIC:
        return _numbers(variable, header.dims, single).reshape(header.dims, order="F")
    raise ValueError(f"an array of unknown class {header.kind}")


def _numbers(
    variable: _Variable,
    dims: tuple[int, ...],
    single: bool,
) -> np.ndarray:
    """Read the numbers of an array, in this machine's order of bytes.

    ``single`` makes float32 of double precision.
    """
    kind, length, packed = variable.tag()
    if kind not in NUMBER_TYPES:
        raise ValueError(f"numbers of unknown type {kind}")
    dtype = np.dtype(NUMBER_TYPES[kind])
    count = prod(dims)
    if count * dtype.itemsize != length:
        raise ValueError(f"dimensions {dims} of {dtype} do not go with {length:,} bytes")

    stored = np.dtype(variable.order + NUMBER_TYPES[kind])
    if packed is not None:
        return np.frombuffer(packed, stored).astype(dtype)
    out = np.empty(count, np.float32 if single and kind == MI_DOUBLE else dtype)
    _fill(out, variable, stored)
    variable.skip_padding(length)
    return out


def _fill(
    out: np.ndarray,
    variable: _Variable,
    stored: np.dtype,
) -> None:
    """Read numbers piece by piece, so that no memory is filled before its content comes."""
    with np.errstate(over="ignore"):  # becomes infinite, which is for the caller to judge
        for start in range(0, len(out), CONVERTED_AT_ONCE):
            end = min(start + CONVERTED_AT_ONCE, len(out))
            piece = variable.read((end - start) * stored.itemsize)
            out[start:end] = np.frombuffer(piece, stored)


def _rows_of_text(
    kind: int,
    content: bytes | bytearray,
    order: str,
    dims: tuple[int, ...],
) -> list[str]:
    """Return the rows of an array of characters, without the blanks that make them equally long."""
    if kind not in ENCODINGS:
        raise ValueError(f"text of unknown type {kind}")
    try:
        text = content.decode(_encoding(kind, order))
    except UnicodeDecodeError as error:
        raise _NoTextError(str(error)) from None
    if not text:
        return []

    rows = dims[0]
    too_long = len(text) > LONGEST_TEXT * rows
    if rows < 1 or too_long or (rows > 1 and len(text) != prod(dims)):
        raise ValueError(f"dimensions {dims} do not go with {len(text):,} characters")
    return [text[row::rows].rstrip() for row in range(rows)]


def _encoding(kind: int, order: str) -> str:
    encoding = ENCODINGS[kind]
    if encoding in ("latin-1", "utf-8"):
        return encoding
    return encoding + ("-le" if order == "<" else "-be")


def _cells(
    variable: _Variable,
    dims: tuple[int, ...],
    depth: int = 1,
) -> list[str]:
    """Read one text per cell; a cell may hold another cell, of one text."""
    count = prod(dims)
    if depth > DEEPEST_CELL or (depth > 1 and count != 1):
        raise _NoTextError("cells must hold one text each, not further cells")
    if count * 8 > variable.left:
        raise EOFError(f"{count:,} cells are claimed where at most {variable.left // 8:,} can be")
    return [_cell(variable, depth) for _ in range(count)]


def _cell(variable: _Variable, depth: int) -> str:
    kind, length, _ = variable.tag()
    if kind != MI_MATRIX:
        raise ValueError(f"a cell must hold an array, got an element of type {kind}")

    after = variable.left - length
    variable.left = length
    text = _cell_text(variable, depth) if length else ""  # an empty array may be only its tag
    variable.read(variable.left)
    variable.left = after
    return text


def _cell_text(variable: _Variable, depth: int) -> str:
    header = _read_header(variable)
    if header.kind == CELL:
        return _cells(variable, header.dims, depth + 1)[0]
    if header.kind != CHAR and 0 not in header.dims:
        raise _NoTextError("cells must hold text, got an array of another class")
    rows = _read_content(variable, header)
    if len(rows) > 1:
        raise _NoTextError(f"cells must hold one text each, got {len(rows)} rows")
    return rows[0] if len(rows) else ""
