"""Random streams by name: whatever draws asks here, so no two purposes ever share their draws.

A stream is known by the seed of the run, by what it is for, and where there are many of a kind by their
numbers: ``stream(seed, "batches", epoch)``. It depends on nothing else, so that a run that goes on from a
checkpoint needs no saved generator.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """NumPy's generator for one purpose.

    >>> stream(0, "rows").integers(100, size=3)
    array([..., ..., ...])
    """
    return np.random.default_rng(_sequence(seed, name, numbers))


def torch_stream(
    seed: int, name: str, *numbers: int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Torch's generator for one purpose, on the device where it draws."""
    return torch.Generator(device).manual_seed(derived_seed(seed, name, *numbers))


def derived_seed(seed: int, name: str, *numbers: int) -> int:
    """A seed from 0 to 2^32 - 1 for one purpose, for libraries that take a number.

    >>> derived_seed(0, "map") == derived_seed(0, "batches")
    False
    """
    return int(_sequence(seed, name, numbers).generate_state(1)[0])


def _sequence(seed: int, name: str, numbers: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence([int(seed), zlib.crc32(name.encode()), *map(int, numbers)])
