"""One image file becomes an array of colours, or one sentence that says why not.

Files are hostile: they are looked at before they are decoded (``headers``), whatever Pillow raises
becomes one ``DataError``, and nothing of Pillow's own settings is left changed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from ..arguments import path_in, whole
from ..errors import ConfigError, DataError
from ..storage import nearby
from .headers import (
    BrokenImage,
    check_lines,
    check_tiff,
    claimed_size,
    jpeg_scans,
    needed,
    plugin_of,
    png_depth,
)
from .pixels import as_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_IMAGE = 1 << 27  # of one file
MOST_PIXELS = 1 << 26  # of one image
BELIEVED_PIXELS = 1 << 24  # however small the file is; with more, it may be made to fill memory
PIXELS_OF_BYTE = 1000  # that are believed to be in a larger image; a white page has some hundreds
MOST_SLOW_PIXELS = 1 << 22  # where Pillow decodes pixel by pixel, in Python
SLOW = ("ppm", "ppm_plain", "bmp_rle")
MOST_SCANNED = 1 << 31  # pixels that all scans of a JPEG go through
SENTENCES_SAID = 10  # left out images that a summary names
KINDS_OF_FILE = {"a folder": stat.S_ISDIR, "a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
ORIENTATION = 274  # of EXIF
TURNS = (2, 3, 4, 5, 6, 7, 8)


def read_image(
    path: str | os.PathLike[str],
    *,
    shrink: int | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """Read a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file as red, green and blue from 0 to 255.

    What is transparent lies on white. Grey becomes three equal colours; numbers of more than 8 bits
    are scaled by the range of their type. Of an animation, the first frame is read. An image that a
    camera has marked as turned is upright.

    With ``shrink``, a large image is read in a smaller size, the fastest whose shorter side has at
    least so many pixels. Pixels are averaged over, none is left out.

    Raises ``DataError`` for what is no such image, is damaged, or has more than ``MOST_PIXELS``
    pixels, and ``ConfigError`` where Pillow is missing.
    """
    if shrink is not None:
        shrink = whole(shrink, "shrink", least=1)
    _need_pillow()
    where = shown(path_in(path, "path"))
    content = _content(path, where)
    plugin = plugin_of(content)
    if not plugin:
        raise DataError(
            f"{where}: an image must be a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file, but begins "
            f"with {content[:12]!r}: save it as one of these"
        )
    with _one_sentence(where), _QUIET:
        return np.array(_decoded(content, plugin, shrink, where))


def read_or_say(
    path: str | os.PathLike[str],
    *,
    shrink: int | None = None,
) -> tuple[UInt8[np.ndarray, "H W 3"], None] | tuple[None, str]:
    """Return an image and None, or None and a sentence that says what is wrong with the file."""
    try:
        return read_image(path, shrink=shrink), None
    except DataError as error:
        return None, str(error)


def content_digest(path: str | os.PathLike[str]) -> bytes:
    """Return the sha256 of an image's file. Raises ``DataError`` as :func:`read_image` does."""
    return hashlib.sha256(_content(path, shown(path))).digest()


def left_out(sentences: Sequence[str], count: int, what: str = "images") -> str:
    """Return one sentence for all images that were left out of ``count``, naming the first ten.

    >>> left_out(["a.png: it is damaged", "b.png: it is empty"], 1000)
    '2 of 1,000 images were left out: a.png: it is damaged; b.png: it is empty'
    """
    if not sentences:
        return ""
    verb = "was" if len(sentences) == 1 else "were"
    more = len(sentences) - SENTENCES_SAID
    end = f"; and {more:,} more" if more > 0 else ""
    named = "; ".join(sentences[:SENTENCES_SAID])
    return f"{len(sentences):,} of {count:,} {what} {verb} left out: {named}{end}"


def thumbnail(
    image: UInt8[np.ndarray, "H W 3"],
    side: int,
) -> UInt8[np.ndarray, "side side 3"]:
    """Return the whole image in a square, as large as fits, with white beside or above it.

    Raises ``DataError`` for what is no image, ``ConfigError`` where Pillow is missing.
    """
    _need_pillow()
    import PIL.Image

    side = whole(side, "side", least=1)
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        raise DataError(
            f"an image must be (H, W, 3) of whole numbers from 0 to 255 in uint8, got "
            f"{array.dtype} of shape {array.shape}: read it with read_image"
        )
    height, width = array.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = PIL.Image.fromarray(array).resize(size, PIL.Image.Resampling.BICUBIC)
    square = PIL.Image.new("RGB", (side, side), "white")
    square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.array(square)


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path for a message, on one line, with all that cannot be printed escaped.

    >>> shown("a\\nb\\x1b.png")
    'a\\\\nb\\\\x1b.png'
    """
    text = os.fsdecode(path)
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


# --- From the disk -------------------------------------------------------------------------------


def _content(path: str | os.PathLike[str], where: str) -> bytes:
    """Read a file, of which nothing waits: a pipe and a device are refused unopened."""
    try:
        _check_kind(os.stat(path), where)
        quick = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, os.O_RDONLY | quick), "rb") as file:
            _check_kind(os.fstat(file.fileno()), where)
            content = file.read(LARGEST_IMAGE + 1)
    except FileNotFoundError:
        end = nearby(Path(path)) if where == os.fsdecode(path) else ""
        raise DataError(f"{where}: there is no such image: check its name{end}") from None
    except DataError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{where}: an image must be a file that can be read, got {reason}: check its name, and "
            "who may read it"
        ) from None
    _check_length(len(content), where)
    return content


def _check_kind(about: os.stat_result, where: str) -> None:
    if not stat.S_ISREG(about.st_mode):
        kinds = (name for name, is_kind in KINDS_OF_FILE.items() if is_kind(about.st_mode))
        raise DataError(
            f"{where}: an image must be a file, got {next(kinds, 'a device')}: give a file"
        )
    _check_length(about.st_size, where)


def _check_length(size: int, where: str) -> None:
    if not size:
        raise DataError(f"{where}: an image must not be empty, got 0 bytes: copy it again")
    if size > LARGEST_IMAGE:
        raise DataError(
            f"{where}: an image file must have at most {LARGEST_IMAGE:,} bytes, got {size:,}: save "
            "it as PNG or JPEG, or smaller"
        )


# --- Decoding ------------------------------------------------------------------------------------


def _decoded(content: bytes, plugin: str, shrink: int | None, where: str) -> Image:
    """Return the first frame in colour, upright."""
    depth = png_depth(content) if plugin == "Png" and len(content) > 24 else 8
    _check_pixels(claimed_size(plugin, content), _most_pixels(content), where)
    content = needed(plugin, content)
    scans = jpeg_scans(content) if plugin == "Jpeg" else 1

    module = import_module(f"PIL.{plugin}ImagePlugin")
    with getattr(module, f"{plugin}ImageFile")(BytesIO(content)) as image:
        most = MOST_SLOW_PIXELS if _is_slow(image) else _most_pixels(content)
        _check_pixels(image.size, most, where)
        if scans * image.width * image.height > MOST_SCANNED:
            raise BrokenImage(f"it goes through its pixels {scans} times")
        if plugin == "Tiff":
            check_tiff(image.tag_v2, len(content))
        if plugin == "Jpeg" and shrink is not None:
            image.draft(None, (shrink, shrink))
        box = image.tile[0][1] if plugin == "Gif" else None
        image.load()
        if plugin == "Png" and _may_lack_lines(image):
            check_lines(content)
        colours = as_rgb(image, plugin, depth)
        turn = _turn(image)
    if box is not None:
        colours = _on_canvas(colours, box)
    return _upright(_smaller(colours, shrink), turn)


def _most_pixels(content: bytes) -> int:
    return min(MOST_PIXELS, max(BELIEVED_PIXELS, PIXELS_OF_BYTE * len(content)))


def _may_lack_lines(image: Image) -> bool:
    """Whether the last line of a PNG is as Pillow leaves it where there is none: all 0."""
    last = image.crop((0, image.height - 1, image.width, image.height))
    return bool(image.info.get("interlace")) or not np.asarray(last).any()


def _is_slow(image: Any) -> bool:
    return any(tile[0] in SLOW for tile in image.tile)


def _check_pixels(size: tuple[int, int] | None, most: int, where: str) -> None:
    if size is not None and size[0] * size[1] > most:
        raise DataError(
            f"{where}: an image in a file of this kind and size must have at most {most:,} pixels, "
            f"got {size[0]:,} x {size[1]:,}: make it smaller"
        )


def _on_canvas(image: Image, box: tuple[int, int, int, int]) -> Image:
    """Make white what the first frame of a GIF does not cover."""
    import PIL.Image

    if box == (0, 0, *image.size):
        return image
    white = PIL.Image.new("RGB", image.size, "white")
    white.paste(image.crop(box), box)
    return white


def _turn(image: Image) -> int:
    """Return how a camera was held, as EXIF says; 1 is upright, and so is what cannot be read."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # Pillow raises a dozen kinds on damaged EXIF
        return 1


def _upright(image: Image, turn: int) -> Image:
    from PIL.Image import Transpose

    turns = (
        Transpose.FLIP_LEFT_RIGHT,
        Transpose.ROTATE_180,
        Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE,
        Transpose.ROTATE_270,
        Transpose.TRANSVERSE,
        Transpose.ROTATE_90,
    )
    return image.transpose(turns[TURNS.index(turn)]) if turn in TURNS else image


def _smaller(image: Image, shrink: int | None) -> Image:
    """Average over squares of pixels, as far as the shorter side stays long enough."""
    factor = min(image.size) // shrink if shrink else 1
    return image.reduce(factor) if factor > 1 else image


@contextmanager
def _one_sentence(where: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except MemoryError:
        raise DataError(
            f"{where}: an image must fit into memory, but there is too little: close other "
            "programs, or make it smaller"
        ) from None
    except Exception as error:  # Pillow and zlib raise a dozen kinds on damaged files
        reason = error if isinstance(error, BrokenImage) else f"{type(error).__name__}: {error}"
        raise DataError(
            f"{where}: an image must be readable to its end, but {reason}: it is damaged or of a "
            "rare kind, so copy it again, or save it as PNG"
        ) from None


# --- Pillow --------------------------------------------------------------------------------------


class _Quiet:
    """While any thread reads: no warnings of Pillow's, and no half images.

    Both are settings of the whole process, so the first thread that comes keeps them, and the last
    that goes gives them back.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0

    def __enter__(self) -> None:
        from PIL import ImageFile

        with self._lock:
            if not self._readers:
                logging.getLogger("PIL").addHandler(_SILENT)
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b|gsmflow_lite\.images\b")
                self._half_images = ImageFile.LOAD_TRUNCATED_IMAGES
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        from PIL import ImageFile

        with self._lock:
            self._readers -= 1
            if not self._readers:
                ImageFile.LOAD_TRUNCATED_IMAGES = self._half_images
                self._warnings.__exit__(None, None, None)


_QUIET = _Quiet()
_SILENT = logging.NullHandler()  # else Python prints what nobody handles


def _need_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise ConfigError(
            "images are read with Pillow, which is missing: pip install 'gsmflow-lite[images]'"
        ) from None
