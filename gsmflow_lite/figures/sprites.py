"""Many pictures as one: a sheet that a page cuts up again."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import Shaped, UInt8

from .ink import as_light, height_and_width, is_coloured, paper

JPEG_QUALITY = 75
JPEG_BLOCK = 8  # pixels a side that JPEG compresses together


def sprite_sheet(
    pictures: Shaped[np.ndarray, "n H W ..."],
) -> tuple[bytes, dict[str, int], str]:
    """Put all pictures on one sheet: grey ones in a PNG, coloured ones in a JPEG.

    Returns the file, its measures (count, columns, lines, width and height of a picture), and
    which of both it is. In a JPEG a picture begins and ends with a block of its own, so that none
    shines into its neighbours; ``width`` and ``height`` are then those of whole blocks.
    """
    from PIL import Image  # comes with matplotlib

    if is_coloured(pictures):
        pictures = _in_whole_blocks(pictures)
    count = len(pictures)
    height, width = height_and_width(pictures)
    columns = int(np.ceil(np.sqrt(count)))
    lines = -(-count // columns)

    sheet = paper((lines * columns, height, width), pictures)
    sheet[:count] = pictures
    colours = sheet.shape[3:]
    grid = sheet.reshape(lines, columns, height, width, *colours).swapaxes(1, 2)
    light = as_light(grid.reshape(lines * height, columns * width, *colours))

    content = io.BytesIO()
    measures = {"columns": columns, "lines": lines, "width": width, "height": height}
    measures["count"] = count
    if is_coloured(pictures):
        Image.fromarray(light).save(content, format="jpeg", quality=JPEG_QUALITY, subsampling=0)
        return content.getvalue(), measures, "jpeg"
    # Sixteen greys: half the size of 256, and no eye sees a difference.
    levels = np.round(light / 17).astype(np.uint8) * np.uint8(17)
    Image.fromarray(levels).save(content, format="png", optimize=True)
    return content.getvalue(), measures, "png"


def _in_whole_blocks(
    pictures: UInt8[np.ndarray, "n H W 3"],
) -> UInt8[np.ndarray, "n H W 3"]:
    """Add lines and columns of white until both sides are multiples of a block of JPEG."""
    height, width = (-(-side // JPEG_BLOCK) * JPEG_BLOCK for side in height_and_width(pictures))
    whole = paper((len(pictures), height, width), pictures)
    whole[:, : pictures.shape[1], : pictures.shape[2]] = pictures
    return whole
