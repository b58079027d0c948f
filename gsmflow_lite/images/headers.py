"""What the bytes of an image file say of it, looked at before anything is decoded.

A small file may claim to be a huge image, or be made so that a decoder never ends. What no pixel
needs is left out: texts, colour profiles, the later frames of an animation.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from math import ceil
from typing import Any

MOST_SEGMENTS = 100_000  # of a PNG or JPEG; photographs have some hundreds
MOST_BLOCKS = 1_000_000  # of a GIF up to the end of its first frame, each of 255 bytes or less
MOST_JUNK = 1 << 16  # bytes between two segments of a JPEG, which Pillow skips one by one
MOST_TILE = 1 << 24  # pixels in a tile of a TIFF, for which room is made at once
LONGEST_PPM_HEADER = 1 << 16  # bytes of a PPM, with its remarks
PLUGIN_OF_START = {  # as the modules of Pillow are called, by how a file begins
    b"\x89PNG\r\n\x1a\n": "Png",
    b"\xff\xd8\xff": "Jpeg",
    b"GIF87a": "Gif",
    b"GIF89a": "Gif",
    b"BM": "Bmp",
    b"II*\0": "Tiff",
    b"MM\0*": "Tiff",
    b"II+\0": "Tiff",
    b"MM\0+": "Tiff",
}
PPM = re.compile(rb"P[1-6f]\s")
REMARK = re.compile(rb"#[^\r\n]*")
PNG_PARTS = {2: 3, 4: 2, 6: 4}  # numbers for a pixel, by the kind of colours; else one
ADAM7 = (  # first column and line of each pass, and how far the next ones are
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)),
    (0, 1, 1, 2),
)
INFLATED_AT_ONCE = 1 << 20  # bytes
PNG_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND")
# In a scan, ff 00 is a pixel's byte, and ff d0 to ff d7 are places to start from again.
JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
TIFF_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946)  # none, fax, LZW, JPEG, deflate, packbits


class BrokenImage(ValueError):
    """What is wrong with a file; the reader makes one sentence of it."""


def plugin_of(content: bytes) -> str:
    """Return which module of Pillow reads this content, or an empty text.

    >>> plugin_of(b"GIF89a..."), plugin_of(b"%!PS-Adobe")
    ('Gif', '')
    """
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if PPM.match(content):
        return "Ppm"
    return next((name for start, name in PLUGIN_OF_START.items() if content.startswith(start)), "")


def needed(plugin: str, content: bytes) -> bytes:
    """Return the part of an image file that its first frame needs. Raises ``BrokenImage``."""
    strip = {"Png": _png, "Gif": _gif, "Ppm": _ppm}.get(plugin)
    return strip(content) if strip else content


def claimed_size(plugin: str, content: bytes) -> tuple[int, int] | None:
    """Return the width and height, where room would be made for them before Pillow tells them."""
    head = content[:30].ljust(30, b"\0")
    if plugin == "WebP":
        return _webp_size(head)
    if plugin == "Png":
        width, height = struct.unpack_from(">II", head, 16)
    elif plugin == "Gif":
        width, height = struct.unpack_from("<HH", head, 6)
    else:
        return None
    return width, height


# --- PNG -----------------------------------------------------------------------------------------


def _png(content: bytes) -> bytes:
    """Leave out texts and profiles, which may expand, and the frames of an animation."""
    kept = [(kind, chunk) for kind, chunk in _chunks(content) if kind in PNG_NEEDED]
    kinds = [kind for kind, _ in kept]
    if kinds[:1] != [b"IHDR"] or b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise BrokenImage("it ends before its last chunk")
    return b"".join([content[:8], *(chunk for _, chunk in kept)])


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the bytes of each chunk up to the last, with checksums that hold."""
    at = 8
    for _ in range(MOST_SEGMENTS):
        if at + 12 > len(content):
            return
        (size,) = struct.unpack_from(">I", content, at)
        kind = content[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(content):
            return
        chunk = content[at:end]
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            raise BrokenImage(f"the checksum of its chunk {kind!r} is wrong")
        yield kind, chunk
        if kind == b"IEND":
            return
        at = end
    raise BrokenImage(f"it has more than {MOST_SEGMENTS:,} chunks")


def check_lines(content: bytes) -> None:
    """Raise ``BrokenImage`` unless a PNG has all its lines; Pillow leaves those missing black."""
    missing = _size_of_lines(content[16:29])
    inflate = zlib.decompressobj()
    for kind, chunk in _chunks(content):
        part = chunk[8:-4] if kind == b"IDAT" else b""
        while part and missing > 0:
            missing -= len(inflate.decompress(part, INFLATED_AT_ONCE))
            part = inflate.unconsumed_tail
    if missing > 0:
        raise BrokenImage("it ends before its last line")


def _size_of_lines(header: bytes) -> int:
    """How many bytes the lines of a PNG have, each with a byte that says its filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", header)
    bits = depth * PNG_PARTS.get(colour, 1)
    size = 0
    for left, top, right, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, lines = ceil((width - left) / right), ceil((height - top) / down)
        if columns > 0 and lines > 0:
            size += lines * (1 + ceil(columns * bits / 8))
    return size


def png_depth(content: bytes) -> int:
    """Return how many bits a PNG has for each colour of a pixel."""
    return content[24]


# --- GIF -----------------------------------------------------------------------------------------


def _gif(content: bytes) -> bytes:
    """Leave out remarks and all frames but the first."""
    at = _after_colours(content, 10, gap=2)
    kept = [content[:at]]
    blocks = iter(range(MOST_BLOCKS))
    for _ in blocks:
        start = content[at : at + 1]
        if start == b"!":
            end = _after_blocks(content, at + 2, blocks)
            if content[at + 1 : at + 2] == b"\xf9":  # says which colour is transparent
                kept[1:] = [content[at:end]]
            at = end
        elif start == b",":
            colours_end = _after_colours(content, at + 9, gap=0)
            end = _after_blocks(content, colours_end + 1, blocks)
            _check_frame(content, at)
            return b"".join([*kept, content[at:end], b";"])
        else:
            break
    raise BrokenImage("there is no frame in it")


def _check_frame(content: bytes, at: int) -> None:
    canvas = struct.unpack_from("<2H", content, 6)
    left, top, width, height = struct.unpack_from("<4H", content, at + 1)
    if left + width > canvas[0] or top + height > canvas[1]:
        raise BrokenImage("its first frame lies outside its canvas")


def _after_colours(content: bytes, flags: int, gap: int) -> int:
    """The place after a table of colours, which ``flags`` describes, ``gap`` bytes before it."""
    if len(content) <= flags:
        raise BrokenImage("it ends before its first frame")
    has_table = content[flags] & 128
    return flags + 1 + gap + (3 << (content[flags] & 7) + 1 if has_table else 0)


def _after_blocks(content: bytes, at: int, blocks: Iterator[int]) -> int:
    """The place after blocks, of which each begins with its size, and the last is empty."""
    for _ in blocks:
        if at >= len(content):
            break
        size = content[at]
        at += 1 + size
        if not size:
            return at
    raise BrokenImage("its first frame does not end")


# --- JPEG ----------------------------------------------------------------------------------------


def jpeg_scans(content: bytes) -> int:
    """Return how many times a decoder goes through all pixels of a JPEG.

    Raises ``BrokenImage`` for a file that has too many segments to be an image.
    """
    at = 2
    scans = 0
    for _ in range(MOST_SEGMENTS):
        found = JPEG_MARKER.search(content, at)
        if found is None or found[1] == b"\xd9":
            return scans
        if not scans and found.start() > at + MOST_JUNK:
            raise BrokenImage("there is something between its segments")
        scans += found[1] == b"\xda"
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    raise BrokenImage(f"it has more than {MOST_SEGMENTS:,} segments")


# --- WebP ----------------------------------------------------------------------------------------


def _webp_size(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(head[24:27], "little")
        height = int.from_bytes(head[27:30], "little")
        return width + 1, height + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


# --- PPM -----------------------------------------------------------------------------------------


def _ppm(content: bytes) -> bytes:
    """Take out remarks, which Pillow reads byte by byte, or copies the image for each."""
    if content[1:2] in b"123":
        return REMARK.sub(b" ", content)
    numbers = 2 if content[1:2] == b"4" else 3
    if len(REMARK.sub(b" ", content[:LONGEST_PPM_HEADER]).split(maxsplit=4)) <= numbers:
        raise BrokenImage(f"it says no size in its first {LONGEST_PPM_HEADER:,} bytes")
    return content


# --- TIFF ----------------------------------------------------------------------------------------


def check_tiff(tags: Any, size: int) -> None:
    """Raise ``BrokenImage`` unless all strips or tiles lie in the file, and there are enough.

    ``tags`` is what Pillow found, and ``size`` is that of the file in bytes.
    """
    compression = tags.get(259, 1)
    if compression not in TIFF_COMPRESSIONS:
        raise BrokenImage(f"its compression {compression!r} is not one that is read")
    width, height = _whole(tags.get(256)), _whole(tags.get(257))
    if 273 in tags:
        across, down = width, min(_whole(tags.get(278, height)), height)
        places, counts = _wholes(tags.get(273)), _wholes(tags.get(279, ()))
    else:
        across, down = _whole(tags.get(322)), _whole(tags.get(323))
        places, counts = _wholes(tags.get(324, ())), _wholes(tags.get(325, ()))
        if across * down > MOST_TILE:
            raise BrokenImage(f"its tiles have more than {MOST_TILE:,} pixels")
    layers = _whole(tags.get(277, 1)) if tags.get(284, 1) == 2 else 1
    if len(places) < ceil(width / across) * ceil(height / down) * layers:
        raise BrokenImage("some of its strips are missing")
    if not counts and compression == 1:
        counts = (1,) * len(places)
    inside = all(
        place >= 8 and 0 < count <= size - place
        for place, count in zip(places, counts, strict=False)
    )
    if len(counts) != len(places) or not inside:
        raise BrokenImage("some of its strips lie outside the file")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise BrokenImage(f"a size in it is {value!r}")
    return value


def _wholes(values: Any) -> tuple[int, ...]:
    listed = values if isinstance(values, tuple) else (values,)
    if not all(isinstance(value, int) for value in listed):
        raise BrokenImage("the places of its strips are no whole numbers")
    return listed
