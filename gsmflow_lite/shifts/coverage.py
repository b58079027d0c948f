"""Coverage: does the region that holds 90 % of what is synthesized hold 90 % of the real rows?

It takes a generator with an exact density. The region of a share q is where its density is highest,
and it holds q of what the generator synthesizes of a class. It is never drawn: a row lies in it
where less than q of the synthesized rows have a higher density than this row. So each real row has
a *level*, the share of the smallest region that it lies in. Of a generator that is right the levels
are uniform (Hyndman 1996, *Computing and graphing highest density regions*).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..arguments import check_seed, whole
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..errors import ConfigError, DataError
from ..generators.base import ExactDensity, Generator, ask, ask_density, check_generator
from ..seeds import stream

CLASSES_ASKED = 60  # of the seen, and of the unseen ones
ROWS_ASKED = 50  # real rows of a class
LEVELS_DRAWN = np.linspace(0.01, 0.99, 99)  # of the regions
SAID = 0.9  # the share that is spoken of
RESAMPLED = 200  # times for the intervals


@dataclass(frozen=True, eq=False)
class Held:
    """What the regions hold of the real rows of some classes; classes count alike.

    =========== ====================================================================================
    ``kind``    ``seen`` or ``unseen``
    ``shares``  Q shares of what is synthesized, from 0 to 1
    ``held``    the share of real rows in each region, with a 95 % interval ``low`` to ``high``
    ``gap``     the mean absolute difference between the two shares: 0 if all is right, 0.5 at worst
    ``excess``  the mean of held less synthesized, with a 95 % interval ``excess_low`` to
                ``excess_high``: above 0 the regions are too wide; below 0 they are too narrow, or
                in the wrong place
    ``classes`` how many classes were looked at
    ``rows``    how many real rows of them
    =========== ====================================================================================

    The gap is what a curve is judged by, because regions that are too wide in the middle and too
    narrow at the edge have an excess of 0. It is never negative, and of few rows it is above 0 by
    chance; so the sign, and whether chance explains it, are those of the excess.
    """

    kind: str
    shares: Float[np.ndarray, " Q"]
    held: Float[np.ndarray, " Q"]
    low: Float[np.ndarray, " Q"]
    high: Float[np.ndarray, " Q"]
    gap: float
    excess: float
    excess_low: float
    excess_high: float
    classes: int
    rows: int

    @classmethod
    def of(cls, kind: str, levels: Sequence[Float[np.ndarray, " n"]], seed: int) -> Held:
        """Read the curve off the levels of real rows, a list of them for each class.

        The intervals resample classes, and rows within them, so they are rather wide than narrow.
        """
        held = np.mean([_held(of_class) for of_class in levels], 0)
        resampled = _resampled(levels, seed)
        low, high = np.quantile(resampled, (0.025, 0.975), axis=0)
        excess_low, excess_high = np.quantile((resampled - LEVELS_DRAWN).mean(1), (0.025, 0.975))
        return cls(
            kind=kind,
            shares=LEVELS_DRAWN,
            held=held,
            low=low,
            high=high,
            gap=float(np.abs(held - LEVELS_DRAWN).mean()),
            excess=float((held - LEVELS_DRAWN).mean()),
            excess_low=float(excess_low),
            excess_high=float(excess_high),
            classes=len(levels),
            rows=sum(map(len, levels)),
        )

    @property
    def sentence(self) -> str:
        """What the region of 90 % holds, in words."""
        place = int(np.abs(self.shares - SAID).argmin())
        says = "as it should, as far as chance allows"
        if self.low[place] > SAID:
            says = "it is too wide"
        elif self.high[place] < SAID:
            says = "it is too narrow, or in the wrong place"
        return (
            f"The region that holds {SAID:.0%} of what it synthesizes holds "
            f"{self.held[place]:.0%} of the real rows of {self.kind} classes: {says}."
        ).replace("%", " %")


@dataclass(frozen=True, eq=False)
class Coverage:
    """What :func:`coverage` gives: the curves of seen and of unseen classes.

    ``settings`` repeat it.
    """

    seen: Held
    unseen: Held
    settings: dict[str, str | int]

    @property
    def curves(self) -> tuple[Held, Held]:
        """Both curves."""
        return self.seen, self.unseen

    @property
    def sentence(self) -> str:
        """What the regions of 90 % hold, in words."""
        return " ".join(curve.sentence for curve in self.curves)


def coverage(
    dataset: GZSLDataset,
    generator: Generator,
    n: int = 200,
    seed: int = 0,
) -> Coverage:
    """Compare the highest-density regions of ``generator`` with the real test rows.

    ``generator`` also has ``log_prob(x, attributes)``, as the flow and the ridge-Gaussian have it.
    There are ``n`` synthesized features of each class, compared with at most 50 real rows, of at
    most 60 seen and 60 unseen classes drawn at random. So the cost does not grow with the data: at
    most 120 (n + 50) densities, each of one row in one class.

    Raises ``DataError`` for a generator without a density, or one that gives something else than
    finite numbers; ``ConfigError`` for n below 10.
    """
    the_dataset(dataset)
    check_generator(generator)
    seed = check_seed(seed)
    n = whole(n, "n")
    if n < 10:
        raise ConfigError(f"coverage needs n of at least 10, got {n}: give more")
    if not isinstance(generator, ExactDensity):
        raise DataError(
            "coverage needs a generator with an exact density, a method log_prob(x, attributes), "
            f"got {type(generator).__name__}: take the flow or the ridge-Gaussian"
        )
    asked = _Asked(dataset, generator, n, seed)
    return Coverage(
        seen=asked.curve("seen", dataset.seen_classes, dataset.test_seen),
        unseen=asked.curve("unseen", dataset.unseen_classes, dataset.test_unseen),
        settings={"dataset": dataset.name, "n": n, "seed": seed},
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """A generator with a density, and how it is asked."""

    dataset: GZSLDataset
    generator: ExactDensity
    n: int
    seed: int

    def curve(
        self,
        kind: str,
        classes: Int[np.ndarray, " M"],
        rows: Int[np.ndarray, " N"],
    ) -> Held:
        """Look at some of the classes that have any of these rows."""
        present = np.intersect1d(classes, self.dataset.labels[rows])
        rng = stream(self.seed, f"coverage of {kind} classes")
        chosen = np.sort(rng.permutation(present)[:CLASSES_ASKED])

        levels = []
        for k in chosen.tolist():
            of_class = rng.permutation(self.dataset.of_class(k, rows))[:ROWS_ASKED]
            levels.append(self._levels(k, self.dataset.features[np.sort(of_class)]))
        return Held.of(kind, levels, self.seed)

    def _levels(self, k: int, real: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " N"]:
        """Return the share of the smallest region in which each real row of class k lies."""
        description = self.dataset.attributes[[k]]
        synthesized = ask(
            self.generator,  # type: ignore[arg-type]
            description,
            self.n,
            seed=self.seed,
            width=real.shape[1],
            names=[self.dataset.class_names[k]],
        )[0]
        together = torch.cat([torch.from_numpy(real).to(synthesized), synthesized])
        densities = self._densities(together, torch.from_numpy(description))
        of_real, of_synthesized = np.split(densities, [len(real)])
        return levels(of_real, of_synthesized)

    def _densities(self, x: Tensor, description: Tensor) -> Float[np.ndarray, " N"]:
        return ask_density(self.generator, x, description.to(x))[:, 0].cpu().double().numpy()


def levels(
    of_real: Float[np.ndarray, " N"],
    of_synthesized: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " N"]:
    """Return for each real density the share of synthesized ones above it, from 0 to 1.

    If both are of one distribution, each place among the n synthesized ones is equally likely. Ties
    count half.

    >>> levels(np.array([5.0, 0.0]), np.array([1.0, 2.0, 3.0])).tolist()
    [0.125, 0.875]
    """
    ordered = np.sort(of_synthesized)
    above = len(ordered) - np.searchsorted(ordered, of_real, side="right")
    ties = len(ordered) - np.searchsorted(ordered, of_real, side="left") - above
    return (above + ties / 2 + 0.5) / (len(ordered) + 1)


def _held(of_class: Float[np.ndarray, " n"]) -> Float[np.ndarray, " Q"]:
    """Return the share of these levels up to each of those that are drawn."""
    return np.searchsorted(np.sort(of_class), LEVELS_DRAWN, side="right") / len(of_class)


def _resampled(
    levels_of_classes: Sequence[Float[np.ndarray, " n"]], seed: int
) -> Float[np.ndarray, "B Q"]:
    """Return the curve of resampled rows of resampled classes, many times."""
    rng = stream(seed, "resampled coverage")
    count = len(levels_of_classes)
    curves = np.empty((RESAMPLED, len(LEVELS_DRAWN)))
    for b in range(RESAMPLED):
        drawn = [levels_of_classes[k] for k in rng.integers(count, size=count)]
        curves[b] = np.mean([_held(rng.choice(x, len(x))) for x in drawn], 0)
    return curves
