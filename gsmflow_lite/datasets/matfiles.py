"""Read the arrays of a .mat file, MATLAB 5 to 7.3, without trusting it: sizes are checked before memory is spent."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ..errors import DataError
from .sandbox import survives

EXPANSION = 1032  # deflate's best case: 258 bytes from 2 bits. Nothing compressed can hold more than this ...
USUAL_RATIO = (
    100  # ... and what holds more than this may be made to fill the memory: it is believed up to
)
BELIEVED = 1 << 28  # bytes. Sorted labels of 30 million rows are so, and no features
LONGEST_STORED_NAME = 10_000  # characters in one name of a class or file
DEEPEST_CELL = 4  # cells within cells; published files have one level

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_OFFSETS = (0, 512, 1024, 2048)  # MATLAB puts a header of 512 bytes before the HDF5 part
IMPOSTORS = {  # what is found in place of a .mat file when a download went wrong
    b"version https://git-lfs": "it is a Git LFS pointer: fetch the file itself with git lfs pull",
    b"<": "it looks like a web page: the download was refused or needs a login",
    b"PK": "it is a zip archive: unpack it first",
    b"\x1f\x8b": "it is a gzip archive: unpack it first",
}

MI_MATRIX, MI_COMPRESSED = (
    14,
    15,
)  # types of element in a MATLAB 5 file, and how the others hold numbers or text:
MATLAB_TYPES = {
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
DOUBLE, PIECE = 9, 1 << 18  # the type of double precision; numbers that are converted at a time
ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, CHAR, SPARSE, OPAQUE = 1, 4, 5, 17  # classes of array
NUMERIC = range(6, 16)
REFUSED = {
    2: "a struct",
    3: "an object",
    SPARSE: "a sparse matrix",
    16: "a function",
    OPAQUE: "an opaque object",
}


def read_mat(
    path: str | Path,
    wanted: Iterable[str] | None = None,
    *,
    optional: Iterable[str] = (),
    single: Iterable[str] = (),
) -> dict[str, np.ndarray | list[str]]:
    """Read arrays by name: numbers as arrays in MATLAB's shape, text and cells of text as a list of ``str``.

    ``wanted`` must all be there; ``optional`` are read where they are there; None reads everything. Those of ``single`` that
    are in double precision become float32 as they are read, which takes a third of the memory that it takes later. The file's
    own header tells MATLAB 5 (to 7.2) from 7.3, which is HDF5. Raises ``DataError`` for a file that is missing, truncated,
    damaged, lacks a name, holds something else under it (sparse, struct, complex), or claims to hold more than fits.
    """
    path = Path(path)
    reader = _read_hdf5 if _is_hdf5(path) else _read_mat5
    with one_clear_error(path):
        return reader(path, None if wanted is None else list(wanted), list(optional), set(single))


def mat_names(path: str | Path) -> list[str]:
    """Names of the arrays in a .mat file, without reading them. Raises ``DataError``."""
    path = Path(path)
    hdf5 = _is_hdf5(path)
    with one_clear_error(path):
        if not hdf5:
            return list(_scan_mat5(path))
        with open_hdf5(path) as file:
            return _hdf5_names(file)


def mat_format(path: str | Path) -> str:
    """``"MATLAB 5"`` (versions 5 to 7.2) or ``"MATLAB 7.3"``, by the file's header."""
    return "MATLAB 7.3" if _is_hdf5(Path(path)) else "MATLAB 5"


def most_inflated(packed: int) -> int:
    """How many bytes are believed to be in ``packed`` deflated ones."""
    return min(EXPANSION * packed, max(USUAL_RATIO * packed, BELIEVED)) + 64


@contextmanager
def one_clear_error(path: Path, what: str = "a .mat") -> Iterator[None]:
    """Whatever a reader raises on a broken file becomes one DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(
            f"{path}: {what} file must fit into memory to be read, but there is too little ({error}): close other programs, or "
            "keep features on disk (datasets.open_features)"
        ) from None
    except Exception as error:  # h5py, zlib and struct raise some twenty kinds on damaged files
        raise DataError(
            f"{path}: {what} file must be readable to its end, but reading failed ({type(error).__name__}: {error}): "
            "it is truncated or damaged, so copy or download it again"
        ) from None


def _is_hdf5(path: Path) -> bool:
    """Tell the two formats apart by the header, and refuse everything else."""
    try:
        with open(path, "rb") as file:
            head = file.read(HDF5_OFFSETS[-1] + len(HDF5_SIGNATURE))
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file: check the folder's name, or put the file there"
        ) from None
    except OSError as error:
        raise DataError(
            f"{path}: the file must be readable, got {error.strerror or error}"
        ) from None
    if any(head[at : at + len(HDF5_SIGNATURE)] == HDF5_SIGNATURE for at in HDF5_OFFSETS):
        return True
    if head[126:128] in (b"IM", b"MI"):
        return False
    hint = next((text for start, text in IMPOSTORS.items() if head.lstrip().startswith(start)), "")
    if not hint:
        hint = (
            "it is empty: copy or download it again"
            if not head
            else "save it with MATLAB's -v7 or -v7.3 option"
        )
    raise DataError(
        f"{path}: a .mat file must start with a MATLAB 5 or 7.3 header, got {head[:12]!r}: {hint}"
    )


def _choose(
    path: Path, there: list[str], wanted: list[str] | None, optional: list[str]
) -> list[str]:
    """Names to read, or an error that lists the names that are there."""
    if wanted is None:
        return there
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DataError(
            f"{path}: the file must hold {', '.join(map(repr, missing))}, got {', '.join(map(repr, there)) or 'nothing'}: "
            "is it the right file, in the layout that was meant?"
        )
    return wanted + [name for name in optional if name in there and name not in wanted]


# --- MATLAB 5 -------------------------------------------------------------------------------------------------------
# Read here and not by scipy.io.loadmat, which a damaged file can bring down together with the interpreter.


def _read_mat5(path: Path, wanted: list[str] | None, optional: list[str], single: set[str]) -> dict:
    places = _scan_mat5(path)
    names = _choose(path, list(places), wanted, optional)
    with open(path, "rb") as file:
        return {name: _mat5_value(path, file, places[name], name, name in single) for name in names}


def _scan_mat5(path: Path) -> dict[str, int]:
    """Where in the file each variable starts, by name."""
    found, size, at = {}, os.path.getsize(path), 128
    with open(path, "rb") as file:
        while at < size:
            tape = _Tape(file, at)
            name = _array_header(tape).name
            if name in found:
                raise ValueError(f"the name {name!r} occurs twice")
            if name:  # MATLAB keeps its function workspace in a nameless variable
                found[name] = at
            at = tape.end
    return found


def _mat5_value(
    path: Path, file: BinaryIO, at: int, name: str, single: bool
) -> np.ndarray | list[str]:
    tape = _Tape(file, at)
    header = _array_header(tape)
    if header.kind in REFUSED:
        raise DataError(
            f"{path}: {name!r} is {REFUSED[header.kind]}: save it as a full array of numbers"
        )
    if header.complex:
        raise DataError(
            f"{path}: {name!r} must hold real numbers, got complex ones: save its real part"
        )
    value = _array_content(tape, header, single)
    tape.finish()
    return value


class _Header(NamedTuple):
    kind: int  # MATLAB's class of array
    complex: bool
    dims: tuple[int, ...]
    name: str


class _Tape:
    """The bytes of the variable that starts at ``at``, read forwards only; compressed ones are inflated piece by piece.

    ``left`` is how many bytes can still come, at most; every claim is held against it before memory is spent.
    """

    def __init__(self, file: BinaryIO, at: int) -> None:
        self.file, self.inflate, self.pending = file, None, b""
        file.seek(126)
        self.order = "<" if file.read(2) == b"IM" else ">"
        self.left = file.seek(0, os.SEEK_END) - at
        file.seek(at)
        kind, length, _ = self.tag()
        self.end = at + 8 + length  # where the next variable starts
        if kind == MI_COMPRESSED:
            self.inflate, self.packed, self.left = (
                zlib.decompressobj(),
                length,
                most_inflated(length),
            )
            kind, length, _ = self.tag()
        if kind != MI_MATRIX:
            raise ValueError(f"a variable must be an array, got an element of type {kind}")
        self.left = length

    def tag(self) -> tuple[int, int, bytes | None]:
        """Type and length in bytes of the next element, and its content where that is packed into the tag."""
        kind, length = struct.unpack(self.order + "II", self.read(8))
        if not kind >> 16:
            if length > self.left:
                raise EOFError(f"{length:,} bytes are claimed where at most {self.left:,} can be")
            return kind, length, None
        if kind >> 16 > 4:
            raise ValueError("an element within a tag is longer than 4 bytes")
        return kind & 0xFFFF, kind >> 16, struct.pack(self.order + "I", length)[: kind >> 16]

    def element(self, most: int | None = None) -> tuple[int, bytes]:
        """Type and content of the next element, of at most ``most`` bytes."""
        kind, length, content = self.tag()
        if most is not None and length > most:
            raise ValueError(f"an entry of {length:,} bytes is longer than {most}")
        if content is None:
            content = self.read(length)
            self.padding(length)
        return kind, content

    def padding(self, length: int) -> None:
        """Go to where the next element may start; some writers leave padding out at the end."""
        self.read(min(-length % 8, self.left))

    def read(self, count: int) -> bytes:
        if count > self.left:
            raise EOFError(f"{count:,} bytes are wanted where at most {self.left:,} can be")
        data = self.file.read(count) if self.inflate is None else self._inflated(count)
        if len(data) < count:
            raise EOFError("the file ends within an array")
        self.left -= count
        return data

    def _inflated(self, count: int) -> bytes:
        """The next ``count`` bytes, or fewer where the stream ends; memory grows with what comes, not with ``count``."""
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
        """Go to the end of a compressed variable, where its checksum is."""
        if self.inflate is not None:
            self._inflated(64)
            if not self.inflate.eof:
                raise EOFError("a compressed array goes on after its end, or has no checksum")


def _array_header(tape: _Tape) -> _Header:
    flags = struct.unpack(tape.order + "II", tape.element(8)[1])[0]
    kind, has_imaginary = flags & 0xFF, bool(flags & 0x800)
    if kind == OPAQUE:  # objects have no dimensions
        return _Header(kind, False, (), tape.element(256)[1].decode("ascii"))
    raw = tape.element(4 * 32)[1]
    dims = struct.unpack(f"{tape.order}{len(raw) // 4}i", raw)
    if len(dims) < 2 or min(dims) < 0:
        raise ValueError(f"an array has impossible dimensions {dims}")
    return _Header(kind, has_imaginary, dims, tape.element(256)[1].decode("ascii"))


def _array_content(tape: _Tape, header: _Header, single: bool = False) -> np.ndarray | list[str]:
    if header.kind == CELL:
        return _cells(tape, header.dims)
    if header.kind != CHAR and header.kind not in NUMERIC:
        raise ValueError(f"an array of unknown class {header.kind}")
    if header.kind == CHAR:
        return _rows_of_text(*tape.element(), tape.order, header.dims)
    return _numbers(tape, header.dims, single).reshape(header.dims, order="F")


def _numbers(tape: _Tape, dims: tuple[int, ...], single: bool) -> np.ndarray:
    """The numbers of an array, (n,), in this machine's byte order; ``single`` makes float32 of double precision."""
    kind, length, content = tape.tag()
    if kind not in MATLAB_TYPES:
        raise ValueError(f"numbers of unknown type {kind}")
    dtype, count = np.dtype(MATLAB_TYPES[kind]), prod(dims)
    if count * dtype.itemsize != length:
        raise ValueError(f"dimensions {dims} of {dtype} do not go with {length:,} bytes")
    stored = dtype.newbyteorder(tape.order)
    if content is not None:
        return np.frombuffer(content, stored).astype(dtype)
    out = np.empty(count, np.float32 if single and kind == DOUBLE else dtype)
    with np.errstate(over="ignore"):  # becomes infinite, which is for the caller to judge
        for start in range(0, count, PIECE):  # memory is not taken before its content comes
            end = min(start + PIECE, count)
            out[start:end] = np.frombuffer(tape.read((end - start) * dtype.itemsize), stored)
    tape.padding(length)
    return out


def _rows_of_text(kind: int, content: bytes, order: str, dims: tuple[int, ...]) -> list[str]:
    """The rows of an array of characters, without the blanks that make them equally long."""
    if kind not in ENCODINGS:
        raise ValueError(f"text of unknown type {kind}")
    encoding = ENCODINGS[kind]
    text = content.decode(
        encoding + ("" if encoding in ("latin-1", "utf-8") else "-le" if order == "<" else "-be")
    )
    rows = dims[0]
    if not text:
        return []
    if rows < 1 or len(text) > LONGEST_STORED_NAME * rows or (rows > 1 and len(text) != prod(dims)):
        raise ValueError(f"dimensions {dims} do not go with {len(text):,} characters")
    return [text[i::rows].rstrip() for i in range(rows)]


def _cells(tape: _Tape, dims: tuple[int, ...], depth: int = 1) -> list[str]:
    """One text per cell; a cell may hold a cell of one."""
    count = prod(dims)
    if depth > DEEPEST_CELL or (depth > 1 and count != 1):
        raise ValueError("cells must hold one text each, not further cells")
    if count * 8 > tape.left:
        raise EOFError(f"{count:,} cells are claimed where at most {tape.left // 8:,} can be")
    texts = []
    for _ in range(count):
        kind, length, _ = tape.tag()
        if kind != MI_MATRIX:
            raise ValueError(f"a cell must hold an array, got an element of type {kind}")
        outside, tape.left = tape.left - length, length
        texts.append(
            _cell_text(tape, depth) if length else ""
        )  # an empty array may be nothing but its tag
        tape.read(tape.left)
        tape.left = outside
    return texts


def _cell_text(tape: _Tape, depth: int) -> str:
    header = _array_header(tape)
    if header.kind == CELL:
        return _cells(tape, header.dims, depth + 1)[0]
    if header.kind != CHAR and prod(header.dims):
        raise ValueError("cells must hold text, got an array of another class")
    rows = _array_content(tape, header)
    if len(rows) > 1:
        raise ValueError(f"cells must hold one text each, got {len(rows)} rows")
    return rows[0] if len(rows) else ""


# --- MATLAB 7.3: HDF5 -----------------------------------------------------------------------------------------------


def open_hdf5(path: str | Path, **options):
    """An HDF5 file to read from; ``options`` go to ``h5py.File``."""
    import h5py

    fate = survives(path)
    if fate:
        raise DataError(
            f"{path}: an HDF5 file must be readable, but {fate}: it is damaged, so copy or download it again"
        )
    try:  # whoever else has the file open in this process must do it in the same way: the usual one, if it works
        return h5py.File(path, "r", **options)
    except OSError:  # locks fail on some network disks, and nothing is written
        return h5py.File(path, "r", locking=False, **options)


def _hdf5_names(file) -> list[str]:
    return [
        name for name in file if not name.startswith("#")
    ]  # '#refs#' holds the contents of cells


def _read_hdf5(path: Path, wanted: list[str] | None, optional: list[str], single: set[str]) -> dict:
    with open_hdf5(path) as file:
        names = _choose(path, _hdf5_names(file), wanted, optional)
        return {name: _hdf5_value(path, file, name, name in single) for name in names}


def _hdf5_value(path: Path, file, name: str, single: bool) -> np.ndarray | list[str]:
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise DataError(
            f"{path}: {name!r} points into another file, which is not followed: save the array itself"
        )
    entry = file[name]
    if "MATLAB_sparse" in entry.attrs:
        raise DataError(
            f"{path}: {name!r} is {REFUSED[SPARSE]}, which cannot be used here: save it with full(...)"
        )
    if not isinstance(entry, h5py.Dataset):
        raise DataError(
            f"{path}: {name!r} must be an array, got a struct: save its fields as variables"
        )
    check_hdf5_array(path, entry, os.path.getsize(path))
    kind = _matlab_class(entry)
    if kind == "char":
        return _hdf5_rows_of_text(entry)
    if h5py.check_ref_dtype(entry.dtype) is not None:
        return _hdf5_cells(path, file, entry)
    if h5py.check_string_dtype(entry.dtype) is not None:  # written from Python, not by MATLAB
        return [str(text).rstrip() for text in np.ravel(entry.asstr()[()], order="F")]
    if entry.dtype.kind not in "biuf":  # complex numbers are stored as pairs
        raise DataError(
            f"{path}: {name!r} must hold real numbers, got {entry.dtype}: save its real part"
        )
    if "MATLAB_empty" in entry.attrs:  # the data are the dimensions of an array without entries
        return np.zeros((0, 0))
    if single and entry.dtype in (np.dtype("<f8"), np.dtype(">f8")):
        entry = entry.astype(np.float32)  # by HDF5, a piece at a time
    return np.asarray(entry[()]).T  # HDF5 lists the dimensions in the opposite order


def _matlab_class(entry) -> str:
    kind = entry.attrs.get("MATLAB_class", b"")
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def check_hdf5_array(path: Path, entry, size: int) -> None:
    """The bytes that are stored must be able to hold what the shape promises; all bytes must be in this file."""
    if entry.external or entry.is_virtual:
        raise DataError(
            f"{path}: {entry.name!r} keeps its data in another file, which is not followed: save the array itself"
        )
    if entry.shape is None:
        raise DataError(f"{path}: {entry.name!r} holds nothing: save the array again")
    stored = min(entry.id.get_storage_size(), size)
    filters = [
        entry.id.get_create_plist().get_filter(i)[0]
        for i in range(entry.id.get_create_plist().get_nfilters())
    ]
    if set(filters) - {1, 2, 3, 32000} or len(set(filters)) < len(
        filters
    ):  # deflate, shuffle, checksum, LZF
        raise DataError(
            f"{path}: {entry.name!r} is compressed in an unknown way (filters {filters}): save it with gzip (-v7.3)"
        )
    most = most_inflated(stored) if filters else stored + 64
    claimed = prod(entry.shape) * entry.dtype.itemsize
    chunk = prod(entry.chunks or ()) * entry.dtype.itemsize
    if claimed > most or chunk > max(claimed, 1 << 20) + (1 << 20):
        raise DataError(
            f"{path}: {entry.name!r} claims shape {entry.shape} ({max(claimed, chunk):,} bytes) but at most {most:,} bytes "
            "are believed to be there: the file is truncated or damaged, copy or download it again"
        )


def _hdf5_rows_of_text(entry) -> list[str]:
    if "MATLAB_empty" in entry.attrs:
        return []
    rows = np.atleast_2d(np.asarray(entry[()]).T)
    if rows.shape[-1] > LONGEST_STORED_NAME:
        raise ValueError(
            f"a text of {rows.shape[-1]:,} characters is longer than {LONGEST_STORED_NAME:,}"
        )
    return [row.astype("<u2").tobytes().decode("utf-16-le").rstrip() for row in rows]


def _hdf5_cells(path: Path, file, entry) -> list[str]:
    import h5py

    texts = []
    for reference in np.ravel(np.asarray(entry[()]).T, order="F"):
        cell = file[reference]
        if not isinstance(cell, h5py.Dataset) or cell.dtype.kind not in "iu":
            raise DataError(
                f"{path}: the cells of {entry.name!r} must each hold one text, got {cell}"
            )
        check_hdf5_array(path, cell, os.path.getsize(path))
        text = _hdf5_rows_of_text(cell)
        if len(text) > 1:
            raise DataError(
                f"{path}: the cells of {entry.name!r} must each hold one text, got {len(text)} rows"
            )
        texts.append(text[0] if text else "")
    return texts
