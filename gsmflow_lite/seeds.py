"""Named random streams. All of the library's random numbers come from here.

A stream is known by the seed of the run and by what it is for. Where there are many of one kind,
numbers tell them apart: ``stream(seed, "batches", epoch)``. So no two purposes ever share their
draws. A stream depends on nothing else, so a run that goes on from a checkpoint needs no saved
generator. One name always comes with the same count of numbers: a 0 at the end changes nothing.
All functions raise ``ConfigError`` for a seed that is no whole number from 0 to 2^32 - 1.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch

from .arguments import check_seed


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """Return NumPy's generator for one purpose.

    >>> stream(0, "rows").integers(100, size=3).tolist()
    [57, 72, 57]
    """
    return np.random.default_rng(_sequence(seed, name, numbers))


def torch_stream(
    seed: int,
    name: str,
    *numbers: int,
    device: str | torch.device = "cpu",
) -> torch.Generator:
    """Return Torch's generator for one purpose, on the device where it draws."""
    return torch.Generator(device).manual_seed(derived_seed(seed, name, *numbers))


def derived_seed(seed: int, name: str, *numbers: int) -> int:
    """Return a seed from 0 to 2^32 - 1 for one purpose, for libraries that take a number.

    >>> derived_seed(0, "map") == derived_seed(0, "batches")
    False
    """
    return int(_sequence(seed, name, numbers).generate_state(1)[0])


def _sequence(seed: int, name: str, numbers: tuple[int, ...]) -> np.random.SeedSequence:
    plain = check_seed(seed)
    return np.random.SeedSequence([plain, zlib.crc32(name.encode()), *map(int, numbers)])
