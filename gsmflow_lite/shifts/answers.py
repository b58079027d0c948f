"""What a generator answers when an attribute of its classes is permuted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from ..datasets.base import GZSLDataset
from ..errors import DataError
from ..generators.base import Generator, ask
from ..generators.stored import FromFile, RealSamples
from ..method.start import ridge_means
from ..seeds import stream
from .halves import derangement
from .readout import AttributeReadout

PERMUTED = 12  # the most attributes that are permuted
SAMPLES = 30  # features that a generator synthesizes for each class and permuted attribute
STORED = (FromFile, RealSamples)  # generators that have stored rows and no others

Synthesize = Callable[[Float[np.ndarray, "U A"]], Float[np.ndarray, "U n D"]]


@dataclass(frozen=True, eq=False)
class Answers:
    r"""How what is read off a generator changes when an attribute is permuted among the classes.

    There are J permuted attributes, those that are read best.

    =================== ============================================================================
    ``attributes``      their numbers
    ``changes_read``    the change of what is read off n synthesized features of each class
    ``changes_wanted``  the change of the attribute itself
    ``linear``          the slope of the linear map from descriptions to real class means
    =================== ============================================================================

    The slope of a generator that ignores its condition is 0:

    .. math:: \sum \Delta_{read} \Delta_{wanted} / \sum \Delta_{wanted}^2
    """

    attributes: Int[np.ndarray, " J"]
    changes_read: Float[np.ndarray, "J U n"]
    changes_wanted: Float[np.ndarray, "J U"]
    linear: Float[np.ndarray, " J"]

    @classmethod
    def of(
        cls,
        generator: Generator,
        readout: AttributeReadout,
        dataset: GZSLDataset,
        classes: Int[np.ndarray, " U"],
        seed: int,
    ) -> Answers:
        """Ask ``generator`` for features of permuted descriptions, always with the same seed.

        Raises ``DataError`` for stored features, where no attribute can change, and where the
        generator fails.
        """
        if isinstance(generator, STORED):
            raise DataError(
                "stored features cannot be asked what they would be for another description"
            )

        synthesize = partial(_synthesize, generator, dataset, classes, seed)
        table = dataset.attributes[classes]
        described = readout.standardise(table)
        chosen = _best_read(readout, described)
        other = derangement(len(classes), stream(seed, "permuted attributes"))

        unchanged = synthesize(table)
        changes_read = []
        for j in chosen:
            permuted = table.copy()
            permuted[:, j] = table[other, j]
            change = _answer(synthesize, permuted).astype(np.float64) - unchanged
            changes_read.append(change @ readout.weights[:, j])

        changes_wanted = (described[other] - described)[:, chosen].T
        linear = _linear_slopes(dataset, readout, chosen)
        return cls(chosen, np.stack(changes_read), changes_wanted, linear)

    def slopes(self) -> dict[int, float]:
        """Return the slope of each permuted attribute, by its number."""
        followed = (self.changes_read.mean(2) * self.changes_wanted).sum(1)
        slopes = followed / np.square(self.changes_wanted).sum(1)
        return dict(zip(self.attributes.tolist(), slopes.tolist(), strict=True))


def _synthesize(
    generator: Generator,
    dataset: GZSLDataset,
    classes: Int[np.ndarray, " U"],
    seed: int,
    table: Float[np.ndarray, "U A"],
) -> Float[np.ndarray, "U n D"]:
    """Synthesize features of ``classes`` as they would be with the attributes of ``table``."""
    names = [dataset.class_names[k] for k in classes]
    width = dataset.features.shape[1]
    return ask(generator, table, SAMPLES, seed=seed, width=width, names=names).cpu().numpy()


def _best_read(
    readout: AttributeReadout,
    described: Float[np.ndarray, "U A"],
) -> Int[np.ndarray, " J"]:
    """Return the attributes that differ between these classes and are read best."""
    worth = readout.readability * described.var(0)
    chosen = np.argsort(-worth, kind="stable")[:PERMUTED]
    chosen = chosen[worth[chosen] > 1e-9]
    if not len(chosen):
        raise DataError("no readable attribute differs between the classes measured")
    return chosen


def _answer(synthesize: Synthesize, table: Float[np.ndarray, "U A"]) -> Float[np.ndarray, "U n D"]:
    """Synthesize features of new descriptions; a generator may know its classes and no others."""
    try:
        return synthesize(table)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        raise DataError(f"the generator does not answer a permuted attribute: {error}") from error


def _linear_slopes(
    dataset: GZSLDataset,
    readout: AttributeReadout,
    chosen: Int[np.ndarray, " J"],
) -> Float[np.ndarray, " J"]:
    """Return how far the ridge map from descriptions to real class means follows each attribute."""
    per_unit = (ridge_means(dataset).numpy()[chosen] * readout.weights[:, chosen].T).sum(1)
    return per_unit * readout.spread[chosen]
