"""Many arrays in one small blob: what a page carries, and how its worker finds it.

The blob is gzip. Unpacked it is: the length of the header in bytes, as 8 bytes, little-endian; the
header, which is JSON in UTF-8; and the bytes of the arrays. The header's ``arrays`` has, by name,
the type, the shape and the offset of each array, counted in bytes from the end of the header. All
offsets, and the end of the header, are multiples of 8, so that a browser may look at the bytes as
numbers where they lie. Equal arrays lie there once.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

#: How numbers are stored, by the names that the header gives them; all are little-endian.
TYPES = {name: np.dtype(f"<{name}") for name in ("f2", "f4", "u1", "u2", "u4")}
ALIGNED = 8  # bytes

Arrays = dict[str, Shaped[np.ndarray, " ..."]]  # by name


def pack(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Put a header and arrays into one blob; the same ones always give the same bytes.

    Arrays must have one of :data:`TYPES`.
    """
    body, table = _body(arrays)
    words = json.dumps({**header, "arrays": table}, ensure_ascii=False, separators=(",", ":"))
    text = _aligned(words.encode(errors="replace"), b" ")
    return gzip.compress(len(text).to_bytes(ALIGNED, "little") + text + body, 9, mtime=0)


def unpack(blob: bytes) -> tuple[dict[str, Any], dict[str, Shaped[np.ndarray, " ..."]]]:
    """Return the header and the arrays of a blob of :func:`pack`."""
    content = gzip.decompress(blob)
    start = ALIGNED + int.from_bytes(content[:ALIGNED], "little")
    header = json.loads(content[ALIGNED:start])
    arrays = {}
    for name, entry in header.pop("arrays").items():
        count = int(np.prod(entry["shape"], dtype=np.int64))
        flat = np.frombuffer(content, TYPES[entry["type"]], count, start + entry["offset"])
        arrays[name] = flat.reshape(entry["shape"])
    return header, arrays


def packed_size(content: bytes) -> int:
    """Return how many bytes some content takes in a page: compressed, in base64."""
    return -(-len(gzip.compress(content, 9, mtime=0)) // 3) * 4


def _body(arrays: Arrays) -> tuple[bytes, dict[str, dict[str, Any]]]:
    """The bytes of all arrays, one after the other, and where each one lies."""
    parts: list[bytes] = []
    offsets: dict[bytes, int] = {}
    table = {}
    end = 0
    for name, array in arrays.items():
        content = array.astype(TYPES[type_of(array)], copy=False).tobytes()
        if content not in offsets:
            offsets[content] = end
            parts.append(_aligned(content, b"\0"))
            end += len(parts[-1])
        shape = [int(side) for side in array.shape]
        table[name] = {"type": type_of(array), "shape": shape, "offset": offsets[content]}
    return b"".join(parts), table


def type_of(array: Shaped[np.ndarray, " ..."]) -> str:
    """Return what the header calls the type of an array: one of :data:`TYPES`."""
    name = f"{array.dtype.kind}{array.dtype.itemsize}"
    assert name in TYPES, f"{array.dtype} has no place in a page"
    return name


def _aligned(content: bytes, filler: bytes) -> bytes:
    return content + filler * (-len(content) % ALIGNED)
