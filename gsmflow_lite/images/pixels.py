"""Whatever numbers an image holds become red, green and blue from 0 to 255."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped, UInt8

from .headers import BrokenImage

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS_AT_ONCE = 256  # rows that are scaled at a time
INVERTED = 0  # a TIFF whose largest numbers are black


def as_rgb(image: Image, plugin: str, depth: int) -> Image:
    """Return an image in colour on white, as a picture of Pillow in the mode RGB.

    Grey whole numbers of 16 or 32 bits are scaled by the range of their type, and floats from 0 to
    1 or from 0 to 255. ``depth`` is the number of bits for each colour in a PNG. CMYK is read
    without its colour profile. Raises ``BrokenImage``.
    """
    import PIL.Image

    if image.mode == "F" or image.mode.startswith("I"):
        return PIL.Image.fromarray(_grey(image, plugin)).convert("RGB")
    if image.mode == "LAB":
        return _from_lab(image)
    if plugin == "Png":
        _correct_key(image, depth)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _correct_key(image: Image, depth: int) -> None:
    """Give the transparent colour in 8 bits, as the pixels are."""
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int) and depth < 8:
        image.info["transparency"] = key * 255 // (2**depth - 1)
    if image.mode == "RGB" and isinstance(key, tuple) and depth == 16:
        image.info["transparency"] = tuple(part >> 8 for part in key)


def _on_white(image: Image) -> Image:
    import PIL.Image

    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    white = PIL.Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _from_lab(image: Image) -> Image:
    from PIL import ImageCms

    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    if converted is None:
        raise BrokenImage("its colours cannot be converted")
    return converted


# --- Grey numbers of many bits -------------------------------------------------------------------


def _grey(image: Image, plugin: str) -> UInt8[np.ndarray, "H W"]:
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if image.mode == "F":
        least, most = 0.0, _most_of_floats(values)
    else:
        values, least, most = _whole_range(values, plugin, tags)
    grey = _scaled(values, least, most)
    if (grey == grey.flat[0]).all() and (values != values.flat[0]).any():
        raise BrokenImage(
            f"its numbers, {values.min():g} to {values.max():g} of {least:g} to {most:g}, would "
            "become a single grey"
        )
    if tags.get(262) == INVERTED:
        grey = 255 - grey
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey[values == key] = 255
    return grey


def _most_of_floats(values: Shaped[np.ndarray, "H W"]) -> float:
    least, most = float(values.min()), float(values.max())
    if not 0 <= least <= most <= 255:  # or NaN
        raise BrokenImage(
            f"its numbers must be from 0 to 1 or from 0 to 255, but are from {least:g} to {most:g}"
        )
    return 1.0 if most <= 1 else 255.0


def _whole_range(
    values: Shaped[np.ndarray, "H W"],
    plugin: str,
    tags: Any,
) -> tuple[Shaped[np.ndarray, "H W"], float, float]:
    """The numbers, and the least and the largest that their type can hold."""
    if plugin != "Tiff":
        return values, 0, 2**16 - 1
    bits, signed = tags.get(258, (16,))[0], tags.get(339, (1,))[0] == 2
    if signed:
        return values, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return values.view(np.uint32) if bits == 32 else values, 0, 2**bits - 1


def _scaled(
    values: Shaped[np.ndarray, "H W"],
    least: float,
    most: float,
) -> UInt8[np.ndarray, "H W"]:
    grey = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = values[start : start + ROWS_AT_ONCE].astype(np.float64)
        grey[start : start + ROWS_AT_ONCE] = np.rint((part - least) * (255 / (most - least)))
    return grey
