"""Random bits and normal numbers that depend on their place alone, on every device.

A generator gives one number after another, so what a place gets depends on all that was drawn
before. Here a number is a function of a key and of its place: any part may be drawn by itself, in
any order, on any device.
Reference: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
STEPS_OF_KEY = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
WORD = 2**32 - 1  # the bits of a word; words are kept in tensors of 64-bit integers
# Counters at once. On a CPU as many as keep its cache; on an accelerator launches would count.
COUNTERS_ON_CPU = 2**16
COUNTERS_ON_ACCELERATOR = 2**22


def bits(
    counter: tuple[Int[Tensor, "*shape"], ...], key: tuple[int, int]
) -> tuple[Int[Tensor, "*shape"], ...]:
    """Return four random words for each counter of four words. All are from 0 to 2^32 - 1.

    The tensors of ``counter`` are written over.
    """
    c0, c1, c2, c3 = counter
    first, second = torch.empty_like(c0), torch.empty_like(c0)
    k0, k1 = key
    for _ in range(ROUNDS):
        torch.mul(c0, MULTIPLIERS[0], out=first)
        torch.mul(c2, MULTIPLIERS[1], out=second)
        _mix(second, c1, k0, out=c0)
        _mix(first, c3, k1, out=c2)
        c1, second = second, c1
        c3, first = first, c3
        k0, k1 = (k0 + STEPS_OF_KEY[0]) & WORD, (k1 + STEPS_OF_KEY[1]) & WORD
    return c0, c1 & WORD, c2, c3 & WORD


def _mix(product: Tensor, word: Tensor, key: int, *, out: Tensor) -> None:
    """Write the upper word of a product, mixed with another word and the key, into ``out``."""
    torch.bitwise_right_shift(product, 32, out=out)
    out.bitwise_xor_(word).bitwise_xor_(key).bitwise_and_(WORD)


def normal(
    key: tuple[int, int],
    classes: Int[Tensor, " N"],
    places: Int[Tensor, " N"],
    width: int,
) -> Float[Tensor, "N {width}"]:
    """Return ``width`` standard normal numbers for each class and place, on their device.

    Row i depends on the key, ``classes[i]`` and ``places[i]`` alone; classes and places are below
    2^32. The bits are the same on every device, the numbers are so to rounding.
    """
    fours = -(-width // 4)
    numbers = torch.empty(len(classes), 4 * fours, device=classes.device)
    at_once = COUNTERS_ON_CPU if classes.is_cpu else COUNTERS_ON_ACCELERATOR
    rows = max(1, at_once // max(1, fours))
    for part, of_class, place in zip(
        numbers.split(rows), classes.split(rows), places.split(rows), strict=True
    ):
        _fill(part.view(len(part), fours, 4), key, of_class, place)
    return numbers[:, :width]


def _fill(
    part: Float[Tensor, "N fours 4"],
    key: tuple[int, int],
    classes: Int[Tensor, " N"],
    places: Int[Tensor, " N"],
) -> None:
    """Make normal numbers of uniform ones, two of two: Box and Muller's way."""
    n, fours, _ = part.shape
    columns = torch.arange(fours, device=part.device).repeat(n, 1)
    of_rows = [rows[:, None].repeat(1, fours) for rows in (places, classes)]
    words = bits((columns, *of_rows, torch.zeros_like(columns)), key)
    for first in (0, 2):
        radius = _unit(words[first]).log_().mul_(-2).sqrt_()
        angle = _unit(words[first + 1]).mul_(2 * math.pi)
        torch.mul(radius, angle.cos(), out=part[:, :, first])
        torch.mul(radius, angle.sin_(), out=part[:, :, first + 1])


def _unit(words: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return numbers above 0 and at most 1: a logarithm of them is finite."""
    return words.float().add_(0.5).mul_(2.0**-32)
