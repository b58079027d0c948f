"""Image files from anywhere are read rightly, or refused in one sentence, in time and memory.

Every file is made here, by code. Colours are compared with closed forms.
"""

import io
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.images import read_image, reading, thumbnail
from gsmflow_lite.images.reading import left_out, read_or_say

HEIGHT, WIDTH = 6, 9
SECONDS = 20  # that one test may take
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
COLOURS = np.stack([ROWS * 37 + 5, COLUMNS * 28, ROWS * 11 + COLUMNS * 20], axis=2).astype(np.uint8)
GREY = COLOURS[..., 2]
ALPHA = (ROWS * 50).astype(np.uint8)
WIDE = (ROWS * 12_000 + COLUMNS * 600).astype(np.uint16)  # 16 bits


@pytest.fixture(autouse=True)
def nothing_hangs():
    def too_long(*_):
        pytest.fail(f"it takes more than {SECONDS} s")  # no Exception, so that none catches it

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


# --- Files ----------------------------------------------------------------------------------------


def picture(array: np.ndarray, mode: str | None = None) -> PIL.Image.Image:
    image = PIL.Image.fromarray(array)
    return image if mode is None else image.convert(mode)


def saved(image: PIL.Image.Image | np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image = image if isinstance(image, PIL.Image.Image) else picture(image)
    image.save(file, kind, **options)
    return file.getvalue()


def merged(mode: str, *bands: np.ndarray) -> PIL.Image.Image:
    return PIL.Image.merge(mode, [picture(np.ascontiguousarray(band)) for band in bands])


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    lines: bytes,
    size: tuple[int, int],
    depth: int = 8,
    colour: int = 0,
    extra: bytes = b"",
) -> bytes:
    """A PNG of lines that each begin with their filter, 0."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(lines, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + body + chunk(b"IEND")


def png_of(array: np.ndarray, extra: bytes = b"", depth: int | None = None) -> bytes:
    """A PNG of an array of 8 or 16 bits, grey or in colour."""
    big = array.astype(array.dtype.newbyteorder(">"))
    lines = b"".join(b"\0" + row.tobytes() for row in big)
    colour = {2: 0, 3: 2}[array.ndim]
    return png(lines, array.shape[1::-1], depth or 8 * array.itemsize, colour, extra)


PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))


def interlaced(array: np.ndarray, passes: int = 7) -> bytes:
    """A PNG in seven passes, each of a part of the pixels."""
    steps = (*PASSES, (0, 1, 1, 2))[:passes]
    parts = [array[top::down, left::right] for left, top, right, down in steps]
    lines = b"".join(b"\0" + row.tobytes() for part in parts for row in part if row.size)
    content = bytearray(png(lines, array.shape[1::-1], 8, 2))
    content[28] = 1
    return with_size(bytes(content), 16, ">II", *array.shape[1::-1])


def with_size(content: bytes, place: int, layout: str, *size: int) -> bytes:
    """A file whose header claims another size; a PNG's checksum is made right again."""
    new = bytearray(content)
    struct.pack_into(layout, new, place, *size)
    if content[1:4] == b"PNG":
        struct.pack_into(">I", new, 29, zlib.crc32(new[12:29]))
    return bytes(new)


def tiff(
    pixels: bytes,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    bits: tuple[int, ...] = (8,),
    order: str = "<",
    changes: dict[int, tuple[int, ...] | None] | None = None,
) -> bytes:
    """A TIFF of one strip; ``changes`` has tags with other values, or None for no such tag."""
    tags = {
        256: (size[0],),
        257: (size[1],),
        258: bits,
        259: (1,),
        262: (1,),
        273: (8,),
        277: (len(bits),),
        278: (size[1],),
        279: (len(pixels),),
    }
    tags = {tag: each for tag, each in sorted((tags | (changes or {})).items()) if each}
    long_ones = b""
    entries = b""
    for tag, values in tags.items():
        data = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place = 8 + len(pixels) + len(long_ones)
            long_ones += data
            data = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + data
    start = 8 + len(pixels) + len(long_ones)
    header = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, start)
    directory = struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0)
    return header + pixels + long_ones + directory


def gif(
    canvas: tuple[int, int],
    frame: tuple[int, int, int, int],
    pixels: list[int],
    before: bytes = b"",
) -> bytes:
    """A GIF of one frame with four colours: black, red, green, blue."""
    colours = bytes([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x81, 0, 0) + colours
    start = b"," + struct.pack("<4HB", *frame, 0)
    return head + before + start + b"\x02" + block(lzw(pixels)) + b"\0;"


def lzw(pixels: list[int]) -> bytes:
    """Codes of three bits each: 4 forgets all codes that were made, 5 is the end."""
    pairs = [pixels[at : at + 2] for at in range(0, len(pixels), 2)]
    codes = [code for pair in pairs for code in (4, *pair)] + [5]
    whole = sum(code << 3 * place for place, code in enumerate(codes))
    return whole.to_bytes(len(codes) * 3 // 8 + 1, "little")


def block(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def bmp(data: bytes, size: tuple[int, int], bits: int, packing: int = 0) -> bytes:
    """A BMP with a palette of 256 colours, of which number n is (n, 0, 255 - n)."""
    palette = b"".join(bytes([255 - n, 0, n, 0]) for n in range(256)) if bits == 8 else b""
    info = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, packing, len(data), 0, 0, 0, 0)
    start = 14 + len(info) + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    return head + info + palette + data


def jpeg(array: np.ndarray = COLOURS, **options) -> bytes:
    return saved(array, "JPEG", **({"quality": 95, "subsampling": 0} | options))


def oriented(turn: int) -> bytes:
    """EXIF that says how a camera was held."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, turn, 0, 0)


def frames(kind: str, **options) -> bytes:
    """An animation of four frames, in which the first is in colour and the others are black."""
    black = picture(np.zeros_like(COLOURS))
    options = {"save_all": True, "append_images": [black] * 3} | options
    return saved(COLOURS, kind, **options)


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(grey)[..., None], 3, axis=2)


def scaled(values: np.ndarray, least: float, most: float) -> np.ndarray:
    return three(np.round((values.astype(float) - least) / (most - least) * 255))


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def read(content: bytes, folder: Path, name: str = "image.png", **options) -> np.ndarray:
    (folder / name).write_bytes(content)
    return read_image(folder / name, **options)


# --- Read rightly ---------------------------------------------------------------------------------

INDEXED = picture((ROWS * WIDTH + COLUMNS).astype(np.uint8), "P")
INDEXED.putpalette([part for n in range(256) for part in (n, 255 - n, n // 2)])
INDEX = ROWS * WIDTH + COLUMNS
BY_INDEX = np.stack([INDEX, 255 - INDEX, INDEX // 2], axis=2)
BITS = (ROWS + COLUMNS) % 2 == 0
QUARTERS = bytes([0, 0b00_01_10_11, 0, 0b11_10_01_00])  # two lines of four pixels of two bits
INTS = (ROWS * 700_000_000 + COLUMNS * 80_000_000).astype(np.uint32)
SIGNED = (INTS.astype(int) - 2**31).astype(np.int32)
SHORTS = (ROWS * 12_000 - 32_000 + COLUMNS * 100).astype(np.int16)
INKS = np.stack([ROWS * 40, COLUMNS * 25, ROWS * 20 + 9, COLUMNS * 12], axis=2).astype(np.uint8)
ONE_COLOUR = np.full((16, 16, 3), (200, 30, 90), np.uint8)
INK = np.full((16, 16, 4), (10, 200, 60, 40), np.uint8)
RED_SQUARE = np.full((3, 4, 3), 255)
RED_SQUARE[1:, 1:3] = (255, 0, 0)
RED_HOLE = np.full((2, 2, 3), (255, 0, 0))
RED_HOLE[0, 1] = 255
COLOURS_16 = COLOURS * np.uint16(256) + np.uint16(9)
KEY_16 = COLOURS_16[1, 1].astype(">u2").tobytes()
KEY_3 = b"!\xf9\x04\x01\0\0\x03\0"  # colour 3 of a GIF is transparent


def without_black(inks: np.ndarray) -> np.ndarray:
    inks = inks.astype(float)
    return (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255


def bands(array: np.ndarray) -> list[np.ndarray]:
    return [array[..., n] for n in range(array.shape[2])]


RIGHT = {  # what, its bytes, the colours, and how far they may be off
    "grey": (saved(GREY, "PNG"), three(GREY), 0),
    "colour": (saved(COLOURS, "PNG"), COLOURS, 0),
    "a PNG made by hand": (png_of(COLOURS), COLOURS, 0),
    "an interlaced PNG": (interlaced(COLOURS), COLOURS, 0),
    "palette": (saved(INDEXED, "PNG"), BY_INDEX, 0),
    "one bit": (saved(picture(BITS), "PNG"), three(BITS * 255), 0),
    "alpha": (saved(merged("RGBA", *bands(COLOURS), ALPHA), "PNG"), on_white(COLOURS, ALPHA), 1),
    "grey with alpha": (
        saved(merged("LA", GREY, ALPHA), "PNG"),
        on_white(three(GREY), ALPHA),
        1,
    ),
    "a transparent colour of a palette": (
        saved(INDEXED, "PNG", transparency=4),
        np.where(three(INDEX) == 4, 255, BY_INDEX),
        0,
    ),
    "alpha for each colour of a palette": (
        saved(INDEXED, "PNG", transparency=bytes([128] * 256)),
        on_white(BY_INDEX, np.full_like(INDEX, 128)),
        1,
    ),
    "a transparent grey of two bits": (
        png(QUARTERS, (4, 2), 2, 0, chunk(b"tRNS", b"\0\1")),
        three([[0, 255, 170, 255], [255, 170, 255, 0]]),
        0,
    ),
    "a transparent grey of 16 bits": (
        png_of(WIDE, chunk(b"tRNS", struct.pack(">H", WIDE[2, 3]))),
        np.where(three(WIDE) == WIDE[2, 3], 255, scaled(WIDE, 0, 65535)),
        0,
    ),
    "a transparent colour of 16 bits": (
        png_of(
            COLOURS * np.uint16(257),
            chunk(b"tRNS", KEY_16),
        ),
        np.where((COLOURS[1, 1] == COLOURS).all(2)[..., None], 255, COLOURS),
        0,
    ),
    "16 bits": (png_of(WIDE), scaled(WIDE, 0, 65535), 0),
    "16 dark bits": (png_of(WIDE // 16), scaled(WIDE // 16, 0, 65535), 0),
    "texts that expand a thousandfold": (
        png_of(COLOURS, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))),
        COLOURS,
        0,
    ),
    "a profile that expands": (
        png_of(COLOURS, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))),
        COLOURS,
        0,
    ),
    "thousands of texts": (png_of(COLOURS, 5000 * chunk(b"tEXt", b"a\0" + b"b" * 500)), COLOURS, 0),
    "an animated PNG": (frames("PNG"), COLOURS, 0),
    "an animated WebP": (frames("WEBP", lossless=True), COLOURS, 0),
    "an animated GIF": (frames("GIF"), COLOURS, 0),
    "WebP": (saved(COLOURS, "WEBP", lossless=True), COLOURS, 0),
    "WebP with alpha": (
        saved(merged("RGBA", *bands(COLOURS), ALPHA), "WEBP", lossless=True, exact=True),
        on_white(COLOURS, ALPHA),
        1,
    ),
    "a GIF whose frame is smaller than it": (
        gif((4, 3), (1, 1, 2, 2), [1, 1, 1, 1]),
        RED_SQUARE,
        0,
    ),
    "a GIF with a hole": (gif((2, 2), (0, 0, 2, 2), [1, 3, 1, 1], KEY_3), RED_HOLE, 0),
    "a GIF with a megabyte of remarks": (
        gif((2, 2), (0, 0, 2, 2), [1] * 4, b"!\xfe" + block(b"a") * 500_000 + b"\0"),
        np.full((2, 2, 3), (255, 0, 0)),
        0,
    ),
    "BMP": (saved(COLOURS, "BMP"), COLOURS, 0),
    "BMP of runs": (
        bmp(bytes([2, 7, 1, 9, 0, 0, 3, 250, 0, 1]), (3, 2), 8, packing=1),
        [[[250, 0, 5]] * 3, [[7, 0, 248]] * 2 + [[9, 0, 246]]],
        0,
    ),
    "PPM": (saved(COLOURS, "PPM"), COLOURS, 0),
    "PPM as text with remarks": (
        b"P3 # a\n2 1\n# b\n10\n10 0 5 # c\n0 10 10\n",
        [[[255, 0, 128], [0, 255, 255]]],
        0,
    ),
    "PGM of 16 bits": (
        b"P5\n9 6\n65535\n" + WIDE.astype(">u2").tobytes(),
        scaled(WIDE, 0, 65535),
        0,
    ),
    "PGM of five values": (b"P5\n3 1\n4\n\0\1\4", three([[0, 64, 255]]), 0),
    "PBM": (b"P4\n8 2\n\x20\x20", three([[255, 255, 0, *[255] * 5]] * 2), 0),
    "PFM": (
        b"Pf\n9 6\n-1.0\n" + (GREY[::-1] / 255).astype("<f4").tobytes(),
        three(GREY),
        0,
    ),
    "TIFF": (tiff(GREY.tobytes()), three(GREY), 0),
    "TIFF, packed": (saved(COLOURS, "TIFF", compression="tiff_lzw"), COLOURS, 0),
    "TIFF, deflated": (saved(COLOURS, "TIFF", compression="tiff_adobe_deflate"), COLOURS, 0),
    "TIFF of several pages": (frames("TIFF"), COLOURS, 0),
    "TIFF of 16 bits": (tiff(WIDE.tobytes(), bits=(16,)), scaled(WIDE, 0, 65535), 0),
    "TIFF of 16 bits, high bytes first": (
        tiff(WIDE.astype(">u2").tobytes(), bits=(16,), order=">"),
        scaled(WIDE, 0, 65535),
        0,
    ),
    "TIFF of 16 bits, deflated": (
        saved(WIDE, "TIFF", compression="tiff_adobe_deflate"),
        scaled(WIDE, 0, 65535),
        0,
    ),
    "TIFF of 16 bits, where white is 0": (
        tiff(WIDE.tobytes(), bits=(16,), changes={262: (0,)}),
        255 - scaled(WIDE, 0, 65535),
        0,
    ),
    "TIFF of signed 16 bits": (
        tiff(SHORTS.tobytes(), bits=(16,), changes={339: (2,)}),
        scaled(SHORTS, -(2**15), 2**15 - 1),
        0,
    ),
    "TIFF of 32 bits": (tiff(INTS.tobytes(), bits=(32,)), scaled(INTS, 0, 2**32 - 1), 0),
    "TIFF of signed 32 bits": (
        tiff(SIGNED.tobytes(), bits=(32,), changes={339: (2,)}),
        scaled(INTS, 0, 2**32 - 1),
        0,
    ),
    "TIFF of floats to 1": (saved((GREY / 255).astype(np.float32), "TIFF"), three(GREY), 0),
    "TIFF of floats to 255": (saved(GREY.astype(np.float32), "TIFF"), three(GREY), 0),
    "TIFF of printers' colours": (
        saved(merged("CMYK", *bands(INKS)), "TIFF"),
        without_black(INKS),
        1,
    ),
    "JPEG of printers' colours, inverted as Adobe does": (
        saved(merged("CMYK", *bands(INK)), "JPEG", quality=100),
        without_black(INK),
        3,
    ),
    "JPEG": (jpeg(ONE_COLOUR), ONE_COLOUR, 2),
    "JPEG in grey": (jpeg(ONE_COLOUR[..., 0]), three(ONE_COLOUR[..., 0]), 1),
    "JPEG with something after its end": (jpeg(ONE_COLOUR) + os.urandom(5000), ONE_COLOUR, 2),
    "TIFF in Lab": (
        saved(merged("LAB", *[np.full((4, 4), n, np.uint8) for n in (137, 128, 128)]), "TIFF"),
        np.full((4, 4, 3), 128.0),  # L* of 53.7 is a grey of 128
        2,
    ),
    "TIFF in YCbCr": (
        tiff(bytes([76, 85, 255]) * 54, bits=(8, 8, 8), changes={262: (6,)}),
        np.full((HEIGHT, WIDTH, 3), (254, 0, 0)),
        2,
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_it_is_read_rightly(what, tmp_path):
    content, colours, off = RIGHT[what]
    image = read(content, tmp_path)
    assert (image.dtype, image.shape) == (np.uint8, np.shape(colours))
    assert np.abs(image - np.asarray(colours, float)).max() <= off


TURNED = {
    1: COLOURS,
    2: COLOURS[:, ::-1],
    3: COLOURS[::-1, ::-1],
    4: COLOURS[::-1],
    5: COLOURS.transpose(1, 0, 2),
    6: np.rot90(COLOURS, -1),
    7: COLOURS[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(COLOURS),
    9: COLOURS,  # there is no such orientation
}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("turn", TURNED)
def test_an_image_is_upright_however_the_camera_was_held(turn, kind, tmp_path):
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    exif = b"Exif\0\0" * (kind == "JPEG") + oriented(turn)
    content = saved(COLOURS, kind, exif=exif, **options)
    image = read(content, tmp_path)
    assert image.shape == TURNED[turn].shape
    assert np.abs(image - TURNED[turn].astype(float)).max() <= (12 if kind == "JPEG" else 0)


EXIFS = (b"", b"no exif", b"II*\0", oriented(6)[:12], b"MM\0*\0\0\0\x07\0\1", oriented(6)[:8] * 2)


@pytest.mark.parametrize("exif", EXIFS)
def test_damaged_exif_leaves_an_image_as_it_is(exif, tmp_path):
    image = read(jpeg(ONE_COLOUR[:, :8], exif=b"Exif\0\0" + exif), tmp_path)
    assert image.shape == (16, 8, 3)


def test_exif_that_pillow_cannot_read_leaves_an_image_as_it_is(tmp_path, monkeypatch):
    def damaged(_):
        raise SyntaxError("no EXIF")

    monkeypatch.setattr(PIL.Image.Image, "getexif", damaged)
    assert (read(PNG, tmp_path) == COLOURS).all()


def test_the_content_counts_and_not_the_ending(tmp_path):
    assert (read(saved(COLOURS, "PNG"), tmp_path, "photo.jpg") == COLOURS).all()


@pytest.mark.parametrize(
    "name", ["a\nb.png", "a\x1b[31m.png", "<b>&amp;.png", "-rf *.png", "e\u0301.png"]
)
def test_any_name_is_read_and_said_on_one_printable_line(name, tmp_path):
    assert (read(saved(COLOURS, "PNG"), tmp_path, name) == COLOURS).all()
    _, sentence = read_or_say(tmp_path / name / "x")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read_image(tmp_path / name)
    for text in (sentence, str(caught.value)):
        assert text.isprintable()


def test_a_name_in_bytes_that_are_no_text_is_read(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(name)).write_bytes(saved(COLOURS, "PNG"))
    assert (read_image(os.fsdecode(name)) == COLOURS).all()


# --- Refused --------------------------------------------------------------------------------------


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    content = saved(np.zeros((1000, 1000), np.uint8), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


PNG = saved(COLOURS, "PNG")
WEBP = saved(COLOURS, "WEBP")
TIFF = tiff(GREY.tobytes())
SHORT_LINES = b"".join(b"\0" + bytes(WIDTH) for _ in range(HEIGHT - 2))
PROGRAM = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"
NO_IMAGE = "must be a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file"
TOO_LARGE = "must have at most 16,777,216 pixels"
LONG_LINE = png(os.urandom(80_000), (2**26 + 1, 1))
DAMAGED = "must be readable to its end, but"
FLOATS = "numbers must be from 0 to 1 or from 0 to 255"

REFUSED = {
    "nothing": (b"", "must not be empty, got 0 bytes"),
    "text": (b"this is no photograph", NO_IMAGE),
    "a web page": (b"<!DOCTYPE html><h1>404", NO_IMAGE),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_IMAGE),
    "a program for printers": (PROGRAM.encode(), NO_IMAGE),
    "layers of Photoshop": (b"8BPS\0\1" + bytes(30), NO_IMAGE),
    "an icon": (b"\0\0\1\0\1\0" + bytes(99), NO_IMAGE),
    "a page": (b"%PDF-1.7\n", NO_IMAGE),
    "zeros": (bytes(1000), NO_IMAGE),
    "text that begins like a BMP": (b"BM is short for bitmap " * 3, DAMAGED),
    "text that begins like a PPM": (b"P1 is the first of them", DAMAGED),
    "the start of a PNG": (PNG[:8], DAMAGED),
    "the start of a GIF": (b"GIF89a", DAMAGED),
    "the start of a WebP": (b"RIFF\0\0\0\0WEBPVP8 ", DAMAGED),
    "the start of a JPEG": (b"\xff\xd8\xff", DAMAGED),
    "the start of a TIFF": (b"II*\0", DAMAGED),
    "the start of a BMP": (b"BM", DAMAGED),
    "a PNG of absurd size": (with_size(PNG, 16, ">II", 2**31 - 1, 2**31 - 1), TOO_LARGE),
    "a PNG of no size": (with_size(PNG, 16, ">II", 0, 5), DAMAGED),
    "a PNG one pixel too large": (with_size(PNG, 16, ">II", 2**24 + 1, 1), TOO_LARGE),
    "a large PNG one pixel too large": (LONG_LINE, "must have at most 67,108,864 pixels"),
    "a PNG with a changed byte": (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], "checksum of its"),
    "a PNG without an image": (PNG[:33] + PNG[-12:], "before its last chunk"),
    "a PNG without an end": (PNG[:-12], "before its last chunk"),
    "a PNG with too few lines": (png(SHORT_LINES, (WIDTH, HEIGHT)), "before its last line"),
    "a PNG of very many chunks": (png_of(GREY, chunk(b"tEXt") * 100_001), "100,000 chunks"),
    "a JPEG of absurd size": (
        with_size(jpeg(), jpeg().index(b"\xff\xc0") + 5, ">HH", 65_500, 65_500),
        TOO_LARGE,
    ),
    "a JPEG of a thousand scans": (many_scans(3000), "goes through its pixels"),
    "a JPEG with junk between": (
        jpeg()[:20] + bytes(100_000) + jpeg()[20:],
        "something between its segments",
    ),
    "a JPEG without pixels": (jpeg()[: jpeg().index(b"\xff\xda")], DAMAGED),
    "a JPEG of very many segments": (jpeg()[:2] + b"\xff\xfe\0\2" * 100_001, "100,000 segments"),
    "a WebP of absurd size": (
        b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + b"\xff" * 6,
        TOO_LARGE,
    ),
    "a GIF of absurd size": (gif((65_535, 65_535), (0, 0, 2, 2), [1] * 4), TOO_LARGE),
    "a GIF whose frame lies outside": (
        gif((2, 2), (60_000, 60_000, 2, 2), [1] * 4),
        "its first frame lies outside its canvas",
    ),
    "a GIF with too few pixels": (gif((2, 2), (0, 0, 2, 2), [1, 1]), DAMAGED),
    "a GIF without a frame": (gif((2, 2), (0, 0, 2, 2), [1])[:25] + b";", "no frame in it"),
    "a GIF of very many remarks": (
        gif((2, 2), (0, 0, 2, 2), [1] * 4, b"!\xfe\0" * 1_000_001),
        "no frame in it",
    ),
    "a BMP of absurd size": (bmp(b"", (2**30, 2**30), 24), TOO_LARGE),
    "a BMP of an unknown depth": (bmp(bytes(99), (2, 2), 7), DAMAGED),
    "a BMP of runs that is too large": (bmp(bytes(99), (3000, 3000), 8, 1), "at most 4,194,304"),
    "a PPM of absurd size": (b"P6 99999 99999 255 ", TOO_LARGE),
    "a PPM of digits that is too large": (b"P3 3000 3000 255 1 2 3", "at most 4,194,304 pixels"),
    "a PPM of an endless remark": (b"P6 #" + b"a" * 10_000_000, "says no size"),
    "a PPM of many remarks": (b"P3 9 9 255\n1 " + b"#\n" * 1_500_000, DAMAGED),
    "a TIFF of absurd size": (tiff(b"1", changes={256: (2**31,), 257: (2**31,)}), TOO_LARGE),
    "a TIFF whose strip lies outside": (
        tiff(GREY.tobytes(), changes={273: (100_000,)}),
        "strips lie outside the file",
    ),
    "a TIFF whose strip is too long": (
        tiff(GREY.tobytes(), changes={279: (100_000,)}),
        "strips lie outside the file",
    ),
    "a TIFF whose strips are missing": (
        tiff(GREY.tobytes(), changes={278: (2,)}),
        "strips are missing",
    ),
    "a TIFF of a huge tile": (
        tiff(
            GREY.tobytes(),
            changes=dict.fromkeys((273, 278, 279))
            | {322: (2**16,), 323: (2**16,), 324: (8,), 325: (54,)},
        ),
        "tiles have more than",
    ),
    "a TIFF that goes in a circle": (
        TIFF[:-4] + struct.pack("<I", len(TIFF) - 4 - 9 * 12 - 2),
        None,  # its first page is read
    ),
    "a TIFF of a rare compression": (
        tiff(GREY.tobytes(), changes={259: (34_925,)}),
        "its compression 34925",
    ),
    "a TIFF that is not deflated": (tiff(GREY.tobytes(), changes={259: (8,)}), DAMAGED),
    "a TIFF without a width": (tiff(GREY.tobytes(), changes={256: None}), DAMAGED),
    "floats below 0": (saved(GREY.astype(np.float32) - 9, "TIFF"), FLOATS),
    "floats above 255": (saved(GREY.astype(np.float32) * 9, "TIFF"), FLOATS),
    "floats that are none": (saved(np.full((4, 4), np.nan, np.float32), "TIFF"), FLOATS),
    "whole numbers in a corner of their range": (
        tiff((INTS >> 20).astype(np.uint32).tobytes(), bits=(32,)),
        "would become a single grey",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_sentence(what, tmp_path, capfd):
    content, rule = REFUSED[what]
    if rule is None:
        assert (read(content, tmp_path) == three(GREY)).all()
        return
    with pytest.raises(DataError) as caught:
        read(content, tmp_path)
    message = str(caught.value)
    assert re.search(re.escape(rule), message)
    assert message.startswith(str(tmp_path / "image.png") + ": ")
    assert "\n" not in message
    assert "0x" not in message  # an address says nothing
    if "TIFF" not in what:  # libtiff itself writes to the terminal
        assert capfd.readouterr() == ("", "")


WHOLE = {
    "PNG": PNG,
    "JPEG": jpeg(np.tile(COLOURS, (5, 5, 1))),
    "progressive JPEG": jpeg(np.tile(COLOURS, (5, 5, 1)), progressive=True),
    "WebP": WEBP,
    "GIF": saved(COLOURS, "GIF"),
    "BMP": saved(COLOURS, "BMP"),
    "TIFF": saved(COLOURS, "TIFF"),
    "packed TIFF": saved(COLOURS, "TIFF", compression="tiff_lzw"),
    "TIFF of many strips": saved(np.tile(COLOURS, (50, 50, 1)), "TIFF", strip_size=5000),
    "PPM": saved(COLOURS, "PPM"),
    "PPM of five values": b"P5 30 30 4 " + bytes(range(5)) * 180,
}


@pytest.mark.parametrize("half_images", [False, True])
@pytest.mark.parametrize("what", WHOLE)
def test_a_file_that_was_cut_is_refused_and_never_half_grey(
    what, half_images, tmp_path, monkeypatch
):
    """Also where the user lets Pillow show half images elsewhere."""
    monkeypatch.setattr(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", half_images)
    content = WHOLE[what]
    whole = read(content, tmp_path)
    for share in np.linspace(0.02, 0.98, 25):
        try:
            image = read(content[: int(share * len(content))], tmp_path)
        except DataError:
            continue
        assert (image == whole).all()  # what was cut off held no pixels
    assert half_images == PIL.ImageFile.LOAD_TRUNCATED_IMAGES


BLACK = np.zeros_like(COLOURS)
LACKING = {
    "lines of colour": png(b"".join(b"\0" + row.tobytes() for row in COLOURS[:-1]), (9, 6), 8, 2),
    "a part of a line": png(b"".join(b"\0" + row.tobytes() for row in COLOURS)[:-1], (9, 6), 8, 2),
    "all lines": png(b"", (9, 6), 8, 2),
    "passes": interlaced(COLOURS[:5], passes=6),
    "bits": png(b"\0\xff" * 5, (8, 6), 1, 0),
    "lines with alpha": png((b"\0" + b"\xff" * 36) * 5, (9, 6), 8, 6),
    "lines of 16 bits": png((b"\0" + b"\xff" * 18) * 5, (9, 6), 16, 0),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_png_that_lacks_lines_is_refused_and_one_that_is_black_is_not(what, tmp_path):
    with pytest.raises(DataError, match=r"before its last line|truncated"):
        read(LACKING[what], tmp_path)
    assert (read(saved(BLACK, "PNG"), tmp_path) == 0).all()
    assert (read(interlaced(BLACK), tmp_path) == 0).all()


# --- What is no file ------------------------------------------------------------------------------


def test_a_folder_a_pipe_a_socket_and_a_device_are_refused_unopened(tmp_path, monkeypatch):
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # names of sockets are short
        server.bind("socket.png")
        for kind in ("folder", "pipe", "socket", "device"):
            with pytest.raises(DataError, match=f"must be a file, got a {kind}: give a file"):
                read_image(tmp_path / f"{kind}.png")


def test_a_file_that_becomes_a_pipe_is_refused_too(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "file.png").write_bytes(PNG)
    about = os.stat(tmp_path / "file.png")
    monkeypatch.setattr(reading.os, "stat", lambda *_, **__: about)
    with pytest.raises(DataError, match="got a pipe"):
        read_image(tmp_path / "pipe.png")


def test_no_file_is_said_with_a_near_name(tmp_path):
    (tmp_path / "photo.png").write_bytes(PNG)
    with pytest.raises(DataError, match=r"no such image: .* did you mean '.*photo.png'"):
        read_image(tmp_path / "foto.png")


@pytest.mark.parametrize("name", ["a\0b.png", "a" * 300 + ".png"])
def test_a_name_that_no_file_can_have_is_refused(name, tmp_path):
    with pytest.raises(DataError, match="must be a file that can be read, got"):
        read_image(tmp_path / name)


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "a.png").symlink_to("a.png")
    with pytest.raises(DataError, match="must be a file that can be read, got Too many levels"):
        read_image(tmp_path / "a.png")


def test_a_file_of_terabytes_is_refused_unread(tmp_path):
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match=r"at most 134,217,728 bytes, got 1,099,511,627,776: save"):
        read_image(tmp_path / "a.png")


# --- Time, memory, and what is left behind --------------------------------------------------------

IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from gsmflow_lite.images.reading import read_image, read_or_say
import PIL.Image
folder = Path(sys.argv[1])
read_image(folder / "first.png")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in folder.iterdir():
    read_or_say(path)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_no_small_file_takes_much_memory(tmp_path):
    files = {what: content for what, (content, _) in REFUSED.items()}
    files |= {what: content for what, (content, _, _) in RIGHT.items()}
    for number, content in enumerate(files.values()):
        (tmp_path / f"{number}.png").write_bytes(content)
    (tmp_path / "first.png").write_bytes(PNG)
    run = [sys.executable, "-c", IN_LITTLE_MEMORY, str(tmp_path)]
    megabytes = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert megabytes < 150


def test_warnings_and_limits_of_pillow_stay_as_the_user_has_them(tmp_path):
    limit = PIL.Image.MAX_IMAGE_PIXELS
    filters = list(warnings.filters)
    odd = saved(INDEXED, "PNG", transparency=bytes([128] * 256))  # Pillow warns of such
    for content in (odd, REFUSED["a TIFF without a width"][0], PNG[:40]):
        (tmp_path / "a.png").write_bytes(content)
        read_or_say(tmp_path / "a.png")
    assert limit == PIL.Image.MAX_IMAGE_PIXELS
    assert filters == list(warnings.filters)


def test_a_lower_limit_of_the_user_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match="DecompressionBombError"):
        read(TIFF, tmp_path)


def test_several_threads_read_at_once_and_leave_nothing_changed(tmp_path):
    filters = list(warnings.filters)
    odd = saved(INDEXED, "PNG", transparency=bytes([128] * 256))
    (tmp_path / "a.png").write_bytes(odd)
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(read_or_say(tmp_path / "a.png")[1:] * 30))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [None] * 240
    assert filters == list(warnings.filters)


def test_no_memory_is_one_sentence(tmp_path, monkeypatch):
    def none_left(*_):
        raise MemoryError

    monkeypatch.setattr(reading, "as_rgb", none_left)
    with pytest.raises(DataError, match="must fit into memory"):
        read(PNG, tmp_path)


# --- Smaller --------------------------------------------------------------------------------------

LARGE = np.stack(
    [
        np.broadcast_to(np.linspace(0, 255, 1600)[None, :], (1200, 1600)),
        np.broadcast_to(np.linspace(255, 0, 1200)[:, None], (1200, 1600)),
        np.full((1200, 1600), 80),
    ],
    axis=2,
).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_large_image_is_read_smaller_and_looks_the_same(kind, tmp_path):
    content = saved(LARGE, kind)
    image = read(content, tmp_path, shrink=224)
    assert 224 <= min(image.shape[:2]) < 448
    whole = read(content, tmp_path)
    assert whole.shape == LARGE.shape
    difference = thumbnail(image, 224).astype(float) - thumbnail(whole, 224)
    assert np.abs(difference).max() <= 6


def test_an_image_is_never_read_smaller_than_asked(tmp_path):
    for side in (1, 5, 6, 7, 1000):
        image = read(PNG, tmp_path, shrink=side)
        assert min(image.shape[:2]) >= min(side, HEIGHT)


def test_pixels_are_averaged_over(tmp_path):
    board = np.where((np.indices((64, 64)).sum(0) % 2)[..., None], [255] * 3, [0] * 3)
    image = read(saved(board.astype(np.uint8), "PNG"), tmp_path, shrink=32)
    assert image.shape == (32, 32, 3)
    assert set(image.flat) <= {127, 128}


@pytest.mark.parametrize("shrink", [0, -1, 2.5, "224"])
def test_a_size_must_be_a_whole_number(shrink, tmp_path):
    with pytest.raises(ConfigError, match="shrink must be"):
        read(PNG, tmp_path, shrink=shrink)


def test_a_large_photograph_is_never_decoded_whole(tmp_path, monkeypatch):
    sizes = []
    as_rgb = reading.as_rgb
    monkeypatch.setattr(
        reading, "as_rgb", lambda image, *more: sizes.append(image.size) or as_rgb(image, *more)
    )
    read(saved(LARGE, "JPEG"), tmp_path, shrink=224)
    assert sizes == [(400, 300)]


def test_large_photographs_are_quick(tmp_path):
    """A thousand of them take well under two minutes on two cores."""
    noise = np.random.default_rng(0).integers(0, 40, (3000, 4000, 3), dtype=np.uint8)
    (tmp_path / "a.jpg").write_bytes(saved(noise, "JPEG", quality=85))
    read_image(tmp_path / "a.jpg", shrink=224)
    start = time.process_time()
    read_image(tmp_path / "a.jpg", shrink=224)
    assert time.process_time() - start < 0.3


# --- Thumbnails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 20), (20, 40), (7, 7), (1, 5000), (5000, 1), (1, 1)])
def test_a_thumbnail_holds_the_whole_image_between_white(shape):
    image = np.full((*shape, 3), (10, 200, 90), np.uint8)
    square = thumbnail(image, 32)
    assert square.shape == (32, 32, 3)
    inside = (square == (10, 200, 90)).all(2)
    assert (square[~inside] == 255).all()
    height, width = (max(1, round(32 * side / max(shape))) for side in shape)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert (len(rows), len(columns)) == (height, width)
    assert inside.sum() == height * width
    assert abs((31 - rows[-1]) - rows[0]) <= 1
    assert abs((31 - columns[-1]) - columns[0]) <= 1


def test_a_thumbnail_leaves_no_pixel_out():
    lines = np.zeros((320, 320, 3), np.uint8)
    lines[::10] = 255  # one line in ten is white
    square = thumbnail(lines, 32)
    assert np.abs(square.mean() - 25.5) < 2
    assert square.std() < 30


@pytest.mark.parametrize("wrong", [GREY, COLOURS / 255, COLOURS[:0], np.dstack([COLOURS, ALPHA])])
def test_a_thumbnail_is_made_of_what_read_image_gives(wrong):
    with pytest.raises(DataError, match=r"an image must be \(H, W, 3\) of whole numbers"):
        thumbnail(wrong, 8)


# --- Sentences ------------------------------------------------------------------------------------


def test_an_image_or_a_sentence(tmp_path):
    image, sentence = read_or_say(tmp_path / "none.png")
    assert image is None
    assert "there is no such image" in sentence
    (tmp_path / "a.png").write_bytes(PNG)
    image, sentence = read_or_say(tmp_path / "a.png")
    assert sentence is None
    assert (image == COLOURS).all()


def test_one_sentence_names_the_first_ten_that_were_left_out():
    sentence = left_out([f"{n}.png: it is empty" for n in range(13)], 2000)
    assert sentence.startswith("13 of 2,000 images were left out: 0.png: it is empty; 1.png")
    assert sentence.endswith("9.png: it is empty; and 3 more")
    assert left_out(["a: b"], 1) == "1 of 1 images was left out: a: b"
    assert left_out([], 5) == ""


def test_pillow_is_named_where_it_is_missing(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(PNG)
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ConfigError, match=r"missing: pip install 'gsmflow-lite\[images\]'"):
        read_or_say(tmp_path / "a.png")
