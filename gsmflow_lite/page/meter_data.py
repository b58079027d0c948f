"""What the meters of a page read: real rows, which halves are drawn of them, and how to read them.

A page draws no halves itself: they come from NumPy's generator, which no browser has. So its meters
repeat on the very halves that :func:`gsmflow_lite.shifts.measure` draws.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..seeds import stream
from ..shifts.directions import Directions
from ..shifts.halves import Half, Halves
from ..shifts.injection import Injected
from ..shifts.measuring import real_features
from ..shifts.readout import AttributeReadout
from .packing import Arrays
from .small import halved_rows

SYNTHESIZED_EACH = 64  # synthesized features of each class
REPEATS = 40
PERMUTATIONS = 999
SEED = 0  # of the halves and of the injector
#: What the header says of the meters.
METER_SETTINGS = {"samples": SYNTHESIZED_EACH, "repeats": REPEATS, "permutations": PERMUTATIONS}


def meter_arrays(dataset: GZSLDataset, classes: Int[np.ndarray, " U"]) -> Arrays:
    """Return all that meters of ``classes`` read; the test rows of ``dataset`` are compared.

    Raises ``DataError`` where no class has enough test rows.
    """
    _, real, _ = real_features(dataset, classes.tolist())
    rows = halved_rows(np.concatenate(real))
    counts = np.array([len(of_class) for of_class in real])
    arrays: Arrays = {"measured.features": rows, "measured.counts": counts.astype(np.uint16)}
    readout = AttributeReadout.fit(dataset)
    for name in ("weights", "centre", "typical", "spread", "readability"):
        arrays[f"readout.{name}"] = np.asarray(getattr(readout, name), np.float32)
    return arrays | _halves(counts) | _injector(dataset, dataset.attributes[classes])


def _halves(counts: Int[np.ndarray, " U"]) -> Arrays:
    """Which rows each repeat takes: what is drawn depends on the numbers of rows alone."""
    real = [np.zeros((count, 1)) for count in counts]
    synthesized = [np.zeros((SYNTHESIZED_EACH, 1)) for _ in counts]
    halves = Halves(real, synthesized, REPEATS, SEED)
    arrays: Arrays = {"halves.sizes": np.array([r.shape[1] for r in halves.first.rows], np.uint16)}
    for name in ("first", "second", "synthesized", "again"):
        half: Half = getattr(halves, name)
        arrays[f"halves.{name}"] = np.concatenate(half.rows, axis=1).astype(np.uint8)
    classes = np.tile(np.arange(len(counts)), (PERMUTATIONS, 1))
    orders = stream(SEED, "permuted classes").permuted(classes, axis=1)  # as in metrics.mantel
    return arrays | {"halves.orders": orders.astype(np.uint8)}


# --- Doses ---------------------------------------------------------------------------------------


def _injector(dataset: GZSLDataset, attributes: Float[np.ndarray, "U A"]) -> Arrays:
    """The directions in which doses move class means; none where a dose cannot be given."""
    directions = Directions.of(dataset, SEED)
    arrays = {"injector.centre": directions.centre}
    with suppress(DataError):
        left, right = directions.planes
        arrays |= {"injector.left": left, "injector.right": right}
    with suppress(DataError):
        still = Still(dataset.features.shape[1])
        moved = Injected(dataset, still, structure=1.0, seed=SEED)
        arrays["injector.steps"] = moved.synthesize(torch.from_numpy(attributes), 1)[:, 0].numpy()
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


class Still:
    """A generator that always gives the origin, so that one sees by how much it is moved."""

    def __init__(self, width: int) -> None:
        self.width = width

    def synthesize(
        self, attributes: Float[Tensor, "M A"], n: int, **_: Any
    ) -> Float[Tensor, "M n D"]:
        """Give the origin ``n`` times for each class."""
        return torch.zeros(len(attributes), n, self.width)
