"""Good image files of every format, and ways to break them that need knowledge of the format."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from random import Random

import mutations as m
import numpy as np
import PIL.Image

SIZE = (20, 24)
SIDES = (0, 1, 2, 255, 4096, 2**14, 2**15, 2**16 - 1, 2**24 - 1, 2**31 - 1, 2**32 - 1)
BOMB = zlib.compress(bytes(4_000_000), 9)
TURNED = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)  # EXIF: held sideways


@cache
def colours() -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([rows * 12, columns * 10, (rows + columns) * 5], axis=2).astype(np.uint8)


@cache
def png_files() -> dict[str, bytes]:
    return {"a.png": _saved(_picture(), "PNG")}


@cache
def image_files() -> dict[str, bytes]:
    """One file at least of each format that is read, in as many kinds of numbers."""
    picture = _picture()
    grey = picture.convert("L")
    wide = PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    floats = PIL.Image.fromarray(np.asarray(grey).astype(np.float32))
    clear = picture.convert("RGBA")
    clear.putalpha(grey)
    black = PIL.Image.new("RGB", picture.size)
    frames = {"save_all": True, "append_images": [black] * 2}
    return {
        "alpha.png": _saved(clear, "PNG"),
        "wide.png": _saved(wide, "PNG"),
        "palette.png": _saved(picture.quantize(20), "PNG", transparency=3, exif=TURNED),
        "frames.png": _saved(picture, "PNG", **frames),
        "photo.jpg": _saved(picture, "JPEG", exif=b"Exif\0\0" + TURNED),
        "grey.jpg": _saved(grey, "JPEG"),
        "progressive.jpg": _saved(picture, "JPEG", progressive=True),
        "inks.jpg": _saved(picture.convert("CMYK"), "JPEG"),
        "lossy.webp": _saved(picture, "WEBP", exif=TURNED),
        "lossless.webp": _saved(clear, "WEBP", lossless=True),
        "frames.webp": _saved(picture, "WEBP", **frames),
        "frames.gif": _saved(picture, "GIF", **frames),
        "photo.bmp": _saved(picture, "BMP"),
        "palette.bmp": _saved(picture.quantize(20), "BMP"),
        "photo.ppm": _saved(picture, "PPM"),
        "text.pgm": b"P2 # grey\n3 2\n9\n0 1 2 3 4 9\n",
        "floats.pfm": _saved(floats, "PPM"),
        "photo.tif": _saved(picture, "TIFF"),
        "wide.tif": _saved(wide, "TIFF"),
        "floats.tif": _saved(floats, "TIFF"),
        "inks.tif": _saved(picture.convert("CMYK"), "TIFF"),
        "lzw.tif": _saved(picture, "TIFF", compression="tiff_lzw"),
        "deflate.tif": _saved(clear, "TIFF", compression="tiff_adobe_deflate", exif=TURNED),
        "jpeg.tif": _saved(picture, "TIFF", compression="jpeg"),
        "fax.tif": _saved(picture.convert("1"), "TIFF", compression="group4"),
        "strips.tif": _saved(picture, "TIFF", compression="packbits", strip_size=300),
        "pages.tif": _saved(picture, "TIFF", **frames),
    }


def _picture() -> PIL.Image.Image:
    return PIL.Image.fromarray(colours())


def _saved(image: PIL.Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# --- Broken --------------------------------------------------------------------------------------


def image(content: bytes, rng: Random) -> bytes:
    """Change a part of the file, with checksums and lengths that still fit, or its claimed size."""
    if content.startswith(b"\x89PNG"):
        return _png(content, rng)
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content, rng)
    if content[:2] in (b"II", b"MM"):
        return _tiff(content, rng)
    return _head(content, rng)


def _png(content: bytes, rng: Random) -> bytes:
    chunks = []
    at = 8
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    number = rng.randrange(len(chunks))
    kind, data = chunks[number]
    what = rng.random()
    if what < 0.3:
        chunks[number] = kind, m.spoil(data or b"a", rng)
    elif what < 0.5:
        sizes = struct.pack(">II", rng.choice(SIDES), rng.choice(SIDES))
        chunks[0] = b"IHDR", sizes + chunks[0][1][8:]
    elif what < 0.6:
        chunks[0] = b"IHDR", chunks[0][1][:8] + rng.randbytes(5)
    elif what < 0.7:
        del chunks[number]
    elif what < 0.8:
        chunks.insert(rng.randrange(len(chunks)), chunks[number])
    else:
        new = rng.choice((b"zTXt", b"iTXt", b"iCCP", b"tRNS", b"PLTE", b"eXIf", b"acTL", b"fcTL"))
        data = rng.choice((b"a\0\0" + BOMB, rng.randbytes(30), b"", b"a\0\1\0\0\0" + BOMB))
        chunks.insert(rng.randrange(1, len(chunks)), (new, data))
    return content[:8] + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    sum_of = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + sum_of


def _jpeg(content: bytes, rng: Random) -> bytes:
    segments = [content[:2]]
    at = 2
    while content[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        segments.append(content[at:end])
        at = end
    segments.append(content[at:])
    number = rng.randrange(1, len(segments))
    segment = segments[number]
    what = rng.random()
    if what < 0.3 and number < len(segments) - 1:
        data = m.spoil(segment[4:] or b"a", rng)[:65_000]
        segments[number] = segment[:2] + struct.pack(">H", len(data) + 2) + data
    elif what < 0.5:
        frame = next(n for n, each in enumerate(segments) if each[1] in (0xC0, 0xC2))
        sizes = struct.pack(">HH", rng.choice(SIDES[:-3]), rng.choice(SIDES[:-3]))
        segments[frame] = segments[frame][:5] + sizes + segments[frame][9:]
    elif what < 0.6:
        del segments[number]
    elif what < 0.7:
        segments.insert(number, segment * rng.choice((1, 50)))
    elif what < 0.8:
        segments.insert(number, rng.randbytes(rng.choice((1, 50, 3000))))
    else:
        segments[-1] = m.spoil(segments[-1], rng)
    return b"".join(segments)


def _tiff(content: bytes, rng: Random) -> bytes:
    """Another value, type or count for one entry of the directory."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    if start + 2 > len(content):
        return m.spoil(content, rng)
    (count,) = struct.unpack_from(f"{order}H", content, start)
    at = start + 2 + 12 * rng.randrange(max(1, count))
    if at + 12 > len(content):
        return m.spoil(content, rng)
    tag, kind, size, value = struct.unpack_from(f"{order}HHII", content, at)
    what = rng.random()
    if what < 0.5:
        value = rng.choice((*SIDES, 7, 8, start, len(content) - 1, len(content)))
    elif what < 0.7:
        kind = rng.randrange(20)
    elif what < 0.85:
        size = rng.choice(SIDES)
    else:
        tag = rng.choice((256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 317, 322, 323, 339))
    out = bytearray(content)
    struct.pack_into(f"{order}HHII", out, at, tag, kind, size, value)
    return bytes(out)


def _head(content: bytes, rng: Random) -> bytes:
    """Another number among those that say how large the image is."""
    at = rng.randrange(min(40, len(content) - 4))
    width = rng.choice((1, 2, 4))
    new = (rng.choice(SIDES) % (1 << 8 * width)).to_bytes(width, "little")
    return content[:at] + new + content[at + width :]
