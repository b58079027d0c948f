"""How much descriptions say of where classes lie: the explained share, and what carries it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Int

from ..arguments import check_seed, whole
from ..seeds import stream
from .base import GZSLDataset
from .given import the_dataset
from .left_out import SURE, Bounds, LeftOut, ratio
from .names import unique_names
from .statistics import class_means

if TYPE_CHECKING:
    import pandas as pd

MOST_LEFT_OUT = 1000  # that are looked at: time grows with the third power
FEWEST_TO_TELL = 10  # seen ones; fewer cannot tell good descriptions from shuffled ones
SHUFFLES = 200
CHANCE = 0.99  # of the shuffles stay below what counts as chance
BEST_AND_WORST = 3  # attributes, and classes at either end, that are named in words
LONGEST_SAID = 32  # characters of a name in words

#: What was found with the usual settings: panels, reports and checks ask for the same again.
_KEPT: WeakKeyDictionary[GZSLDataset, Explained] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Explained:
    """How much of the variance between seen classes their descriptions explain.

    =========== ====================================================================================
    ``share``   of the variance, for a class that is left out, with its 95 % interval over classes,
                ``low`` to ``high`` (by the jackknife, which is cautious: in simulations it holds
                the truth in 93 to 100 of 100 draws); below 0 where descriptions lead astray
    ``chance``  what 99 in 100 shuffles of the descriptions stay below
    ``p``       the part of the shuffles, and of the true order, that reach the share
    ``unclear`` why it cannot be told; empty where it can. Then the numbers are NaN
    =========== ====================================================================================

    ``of_classes`` and ``of_attributes`` are what :attr:`classes` and :attr:`attributes` show.
    """

    share: float
    low: float
    high: float
    chance: float
    p: float
    of_classes: OfClasses
    of_attributes: OfAttributes
    unclear: str = ""

    @property
    def beyond_chance(self) -> bool:
        """Whether the descriptions explain more than shuffled ones do."""
        return self.p <= 1 - CHANCE + 1e-9

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        if self.unclear:
            return f"How much descriptions explain cannot be told: {self.unclear}."
        if not self.beyond_chance:
            return (
                "Descriptions explain nothing of where a left-out class lies beyond chance "
                f"({_percent(self.share)}; shuffled ones up to {_percent(self.chance)})."
            )
        interval = f"{100 * max(self.low, 0):.0f} to {_percent(self.high)}"
        return (
            f"Descriptions explain {_percent(self.share)} ({interval}) of where a left-out class "
            f"lies; shuffled ones up to {_percent(self.chance)}."
        )

    @property
    def expect(self) -> str:
        """What a generator can be expected to do with such descriptions; empty if unclear."""
        if self.unclear:
            return ""
        if not self.beyond_chance:
            return (
                "Expect unseen classes to be synthesized no nearer to where they lie than the mean "
                "of the seen ones."
            )
        return (
            f"Expect linear regression to go about {_percent(self.share)} of the way from the mean "
            "of the seen classes to an unseen one."
        )

    @property
    def carried(self) -> str:
        """The attributes that carry the share, in a sentence; empty where none can be named."""
        found = self.of_attributes
        order = np.argsort(-found.lost, kind="stable")[:BEST_AND_WORST]
        told = [i for i in order if found.lost_low[i] > 0] if self.beyond_chance else []
        if not told:
            return ""
        named = [f"{_short(found.names[i])} ({_percent(found.lost[i])})" for i in told]
        return f"What is lost most without: {', '.join(named)}."

    @property
    def ends(self) -> str:
        """The classes that are described best and worst, in a sentence; empty if unclear."""
        if self.unclear or not self.beyond_chance:
            return ""
        order = np.argsort(-self.of_classes.share, kind="stable")
        names = [_short(self.of_classes.names[i]) for i in order]
        best = ", ".join(names[:BEST_AND_WORST])
        worst = ", ".join(names[: -BEST_AND_WORST - 1 : -1])
        return f"Best described: {best}; worst: {worst}."

    @property
    def lines(self) -> list[str]:
        """All of the sentences that there are."""
        return [line for line in (self.sentence, self.expect, self.carried, self.ends) if line]

    @cached_property
    def classes(self) -> pd.DataFrame:
        """A row for each seen class, the best described first.

        ``share`` is that of its squared distance from the mean of the others, ``distance``.
        ``rows`` are training rows: an uncertain mean, of few rows, lowers the share.
        """
        import pandas as pd

        found = self.of_classes
        columns = {"share": found.share, "distance": found.distance, "rows": found.rows}
        table = pd.DataFrame(columns, index=pd.Index(found.names, name="class"))
        return table.sort_values("share", ascending=False, kind="stable")

    @cached_property
    def attributes(self) -> pd.DataFrame:
        """A row for each attribute, or group of attributes; the one that carries most first.

        ``lost`` is how much the share falls without it, with a 95 % interval over classes that
        holds for all attributes at once. ``alone`` is the share that it explains alone. An
        attribute that others stand in for loses little and explains much. Empty where names say
        nothing, as in an embedding.
        """
        import pandas as pd

        found = self.of_attributes
        columns = {
            "lost": found.lost,
            "low": found.lost_low,
            "high": found.lost_high,
            "alone": found.alone,
        }
        table = pd.DataFrame(columns, index=pd.Index(found.names, name="attribute"))
        return table.sort_values("lost", ascending=False, kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers and sentences, ready for JSON; numbers that are not told are None."""
        numbers = {name: getattr(self, name) for name in ("share", "low", "high", "chance", "p")}
        return {
            **{key: None if np.isnan(x) else round(x, 4) for key, x in numbers.items()},
            "sentences": self.lines,
        }

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(line)}</p>" for line in self.lines)
        tables = [table for table in (self.attributes, self.classes) if len(table)]
        shown = [
            table.to_html(max_rows=2 * BEST_AND_WORST, float_format="{:.2f}".format)
            for table in tables
        ]
        return words + "".join(shown)


@dataclass(frozen=True, eq=False)
class OfClasses:
    """What descriptions explain of each of S seen classes."""

    names: Sequence[str]
    share: Float[np.ndarray, " S"]
    distance: Float[np.ndarray, " S"]
    rows: Int[np.ndarray, " S"]


@dataclass(frozen=True, eq=False)
class OfAttributes:
    """What each of P attributes, or groups of attributes, is worth."""

    names: Sequence[str]
    lost: Float[np.ndarray, " P"]
    lost_low: Float[np.ndarray, " P"]
    lost_high: Float[np.ndarray, " P"]
    alone: Float[np.ndarray, " P"]


NO_CLASSES = OfClasses((), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
NO_ATTRIBUTES = OfAttributes((), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def explained_share(
    dataset: GZSLDataset,
    *,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Explained:
    """Measure how well the means of seen classes are predicted from their descriptions alone.

    Each class in turn is left out, its mean feature is predicted by a ridge regression on the
    others, and the squared error is compared with that of the mean of the others. The strength of
    the ridge is the one with the least error, for the true order and for each shuffle alike. Only
    training rows are read, once; of more than 1000 classes, 1000 are drawn.

    ``unclear`` says so where there are fewer than 10 seen classes, or where their means or their
    descriptions do not differ. Raises ``DataError`` for what is no data set, ``ConfigError`` for a
    number of shuffles below 1.
    """
    dataset = the_dataset(dataset)
    shuffles = whole(shuffles, "shuffles", least=1)
    seed = check_seed(seed)
    is_usual = (shuffles, seed) == (SHUFFLES, 0)
    if is_usual and dataset in _KEPT:
        return _KEPT[dataset]
    found = _measure(dataset, shuffles, seed)
    if is_usual:
        _KEPT[dataset] = found
    return found


def _measure(dataset: GZSLDataset, shuffles: int, seed: int) -> Explained:
    seen = few_of(dataset.seen_classes, MOST_LEFT_OUT, seed)
    if len(seen) < FEWEST_TO_TELL:
        return _unclear(f"there are {len(seen)} seen classes, and it takes {FEWEST_TO_TELL}")
    means = class_means(dataset, seen, dataset.train)
    data = LeftOut.of(means, dataset.attributes[seen])
    if not data.varies:
        what = "descriptions" if data.means.any() else "means"
        return _unclear(f"the {what} of all seen classes are equal")

    share = data.share
    rng = stream(seed, "shuffled descriptions")
    shuffled = data.shuffled(np.array([rng.permutation(len(seen)) for _ in range(shuffles)]))
    p = (1 + int((shuffled >= share.value).sum())) / (1 + shuffles)
    chance = float(np.quantile(shuffled, CHANCE))
    of_classes = _of_classes(dataset, seen, data, means)
    return Explained(*share, chance, p, of_classes, _of_attributes(dataset, data))


def few_of(classes: Int[np.ndarray, " S"], most: int, seed: int) -> Int[np.ndarray, " s"]:
    """Return the classes, or ``most`` of them, drawn at random and in ascending order."""
    if len(classes) <= most:
        return classes
    return np.sort(stream(seed, "classes to look at").choice(classes, most, replace=False))


def _unclear(why: str) -> Explained:
    nan = float("nan")
    return Explained(nan, nan, nan, nan, nan, NO_CLASSES, NO_ATTRIBUTES, why)


def _of_classes(
    dataset: GZSLDataset,
    seen: Int[np.ndarray, " S"],
    data: LeftOut,
    means: Float[np.ndarray, "S D"],
) -> OfClasses:
    count = len(seen)
    centred = means.astype(np.float64) - means.mean(0, dtype=np.float64)
    share = np.full(count, np.nan)  # which stays where a class lies at the mean of the others
    np.divide(data.without - data.errors, data.without, out=share, where=data.without > 0)
    rows = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.attributes))[seen]
    names = [dataset.unique_names[k] for k in seen]
    return OfClasses(names, share, np.linalg.norm(centred, axis=1) * count / (count - 1), rows)


def _of_attributes(dataset: GZSLDataset, data: LeftOut) -> OfAttributes:
    parts = _parts(dataset)
    if not parts:
        return NO_ATTRIBUTES
    sure = 1 - (1 - SURE) / len(parts)  # for all of them at once, by Bonferroni
    lost: list[Bounds] = []
    alone = []
    for columns in parts.values():
        lost.append(ratio(data.without_columns(columns) - data.errors, data.without, sure))
        alone.append(1 - data.of_columns(columns).sum() / data.without.sum())
    value, low, high = np.array(lost).T
    wider = data.caution  # the fits scatter, too
    low, high = value - wider * (value - low), value + wider * (high - value)
    return OfAttributes(list(parts), value, low, high, np.array(alone))


def _parts(dataset: GZSLDataset) -> dict[str, Sequence[int]]:
    """Columns of descriptions by name: of each group, and of each attribute that is in none.

    Attributes that say nothing by their name are left out.
    """
    groups = {} if dataset.attribute_groups is None else dict(dataset.attribute_groups)
    grouped = {int(number) for columns in groups.values() for number in columns}
    single: dict[str, Sequence[int]] = {}
    if not dataset.text_encoder and _say_something(dataset.attribute_names):
        single = {
            name: [number]
            for number, name in enumerate(dataset.unique_attribute_names)
            if number not in grouped
        }
    names = unique_names([*groups, *single], "attribute")
    return dict(zip(names, [*groups.values(), *single.values()], strict=True))


def _say_something(names: Sequence[str]) -> bool:
    """Whether names differ in more than a number."""
    return len(names) == 1 or len({re.sub(r"\d+", "", name) for name in names}) > 1


def _percent(share: float) -> str:
    return f"{100 * max(share, 0):.0f} %"


def _short(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= LONGEST_SAID else line[: LONGEST_SAID - 1] + "…"
