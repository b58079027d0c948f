"""Pixels of pictures: grey ones hold ink on paper, coloured ones hold light.

A grey picture is of floats, (H, W): 0 is paper and 1 is ink. A coloured one is of uint8, (H, W, 3):
0 is black and 255 is full light. Both kinds may stand in stacks, with more axes in front.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped, UInt8

WHITE = 255


def is_coloured(pixels: Shaped[np.ndarray, " ..."]) -> bool:
    """Return whether pictures hold light in three colours, and not ink.

    >>> is_coloured(np.zeros((5, 8, 8, 3), np.uint8)), is_coloured(np.zeros((5, 8, 3)))
    (True, False)
    """
    return pixels.dtype == np.uint8 and pixels.ndim >= 3 and pixels.shape[-1] == 3


def height_and_width(pixels: Shaped[np.ndarray, " ..."]) -> tuple[int, int]:
    """Return how many pixels high and wide each picture is."""
    height, width = pixels.shape[-3:-1] if is_coloured(pixels) else pixels.shape[-2:]
    return int(height), int(width)


def as_light(pixels: Shaped[np.ndarray, " ..."]) -> UInt8[np.ndarray, " ..."]:
    """Return pixels as a screen has them: ink becomes dark, colours stay; NaN becomes paper."""
    if is_coloured(pixels):
        return pixels
    ink = np.nan_to_num(pixels).clip(0, 1)
    return (WHITE * (1 - ink)).astype(np.uint8)


def paper(shape: Sequence[int], like: Shaped[np.ndarray, " ..."]) -> Shaped[np.ndarray, " ..."]:
    """Return blank pixels of ``shape`` (without colours), of the kind of other pictures."""
    if is_coloured(like):
        return np.full((*shape, 3), WHITE, np.uint8)
    return np.zeros(shape, np.float32)


def alike(stacks: Sequence[Shaped[np.ndarray, " ..."]]) -> list[Shaped[np.ndarray, " ..."]]:
    """Bring stacks of pictures to one kind and one size, so that they fit on one sheet.

    Ink beside colours becomes grey light. Smaller pictures become as large as the largest.
    """
    if any(is_coloured(stack) for stack in stacks):
        stacks = [_in_colour(stack) for stack in stacks]
    sizes = [height_and_width(stack) for stack in stacks]
    height, width = (max(side) for side in zip(*sizes, strict=True))
    return [_stretched(stack, height, width) for stack in stacks]


def _in_colour(pixels: Shaped[np.ndarray, " ..."]) -> UInt8[np.ndarray, "... 3"]:
    if is_coloured(pixels):
        return pixels
    return np.repeat(as_light(pixels)[..., None], 3, axis=-1)


def _stretched(
    pixels: Shaped[np.ndarray, " ..."], height: int, width: int
) -> Shaped[np.ndarray, " ..."]:
    tall, wide = height_and_width(pixels)
    if (tall, wide) == (height, width):
        return pixels
    lines = np.arange(height) * tall // height
    columns = np.arange(width) * wide // width
    axis = pixels.ndim - (3 if is_coloured(pixels) else 2)
    return pixels.take(lines, axis).take(columns, axis + 1)


def at_most(pixels: Shaped[np.ndarray, " ..."], side: int) -> Shaped[np.ndarray, " ..."]:
    """Make pictures smaller, by means of whole blocks, until neither side is above ``side``.

    >>> at_most(np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5]]), 2).tolist()
    [[0.5, 0.5]]
    """
    step = -(-max(height_and_width(pixels)) // side)
    if step <= 1:
        return pixels
    axis = pixels.ndim - (3 if is_coloured(pixels) else 2)
    small = _means(_means(pixels.astype(np.float32), step, axis), step, axis + 1)
    return np.rint(small).astype(np.uint8) if is_coloured(pixels) else small


def _means(pixels: Shaped[np.ndarray, " ..."], step: int, axis: int) -> Shaped[np.ndarray, " ..."]:
    """The means of ``step`` neighbours along an axis; the last ones may be fewer."""
    starts = np.arange(0, pixels.shape[axis], step)
    counts = np.diff(np.append(starts, pixels.shape[axis]))
    counts = np.expand_dims(counts, tuple(range(1, pixels.ndim - axis)))
    return np.add.reduceat(pixels, starts, axis=axis) / counts.astype(np.float32)
