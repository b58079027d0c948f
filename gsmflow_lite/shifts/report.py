"""The report of a measurement: readings of every metric, as tables, as JSON and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from ..errors import ConfigError
from ..figures.style import number
from .estimates import Bounded, Estimate
from .foresight import advice
from .meters import BY_NAME, HEADLINES, SHIFTS
from .metric import Metric
from .verdict import CANNOT_TELL, NOT_MEASURED, judge

if TYPE_CHECKING:
    import pandas as pd

NAMES_LISTED = 5  # class names in an error message


@dataclass(frozen=True)
class Reading:
    """One metric on one class, or on all classes together (``label`` None).

    =========== ====================================================================================
    ``value``   the mean over repeats, with its 95 % interval ``low`` to ``high``
    ``floor``   what it would be if labels were shuffled; for variance: if all features were equal
    ``ceiling`` what real features get against real ones, with as many rows
    ``score``   where the value lies on the way from floor (0) to ceiling (1)
    ``word``    ``fine``, ``watch``, ``shifted``, ``cannot tell`` or ``not measured``: see
                :mod:`gsmflow_lite.shifts.verdict`
    ``advice``  how many rows or classes would do, where it cannot tell
    ``beside``  what another generator reaches, such as the ridge-Gaussian; None where there is none
    =========== ====================================================================================

    Where a metric was not measured all numbers are NaN.
    """

    meter: str
    metric: str
    label: str | None
    value: float
    low: float
    high: float
    floor: float
    ceiling: float
    score: float
    word: str
    advice: str = ""
    beside: float | None = None

    @property
    def measured(self) -> bool:
        """Whether there are numbers."""
        return self.word != NOT_MEASURED

    @property
    def half_width(self) -> float:
        """Half of the width of the interval, from the side that no limit of the metric cut off."""
        return max(self.value - self.low, self.high - self.value)

    @classmethod
    def of_all_classes(cls, estimate: Estimate, rows: float = np.nan) -> Reading:
        """Read an estimate of all classes together, of about ``rows`` rows a class."""
        reading = cls.of(estimate.metric, None, estimate.together, estimate.goodness, p=estimate.p)
        if reading.word != CANNOT_TELL:
            return reading
        return replace(reading, advice=advice(estimate, rows))

    @classmethod
    def of_class(cls, estimate: Estimate, k: int, label: str) -> Reading:
        """Read the k-th class of an estimate."""
        if not estimate.measured[k]:
            return cls.missing(estimate.metric, label)
        numbers = estimate.by_class.map(lambda x: x[..., k])
        return cls.of(estimate.metric, label, numbers, numbers.map(estimate.metric.goodness))

    @classmethod
    def of(
        cls,
        metric: Metric,
        label: str | None,
        numbers: Bounded,
        goodness: Bounded,
        p: float | None = None,
    ) -> Reading:
        """Read ``numbers`` over repeats, and judge them by their ``goodness`` and by chance, p."""
        low, high = metric.interval(numbers.value)
        score, word = judge(goodness, p)
        return cls(
            meter=metric.meter,
            metric=metric.name,
            label=label,
            value=float(numbers.value.mean()),
            low=low,
            high=high,
            floor=float(np.mean(numbers.floor)),
            ceiling=float(numbers.ceiling.mean()),
            score=score,
            word=word,
        )

    @classmethod
    def missing(cls, metric: Metric, label: str | None) -> Reading:
        """Make the reading of a metric that was not measured."""
        nan = float("nan")
        return cls(metric.meter, metric.name, label, nan, nan, nan, nan, nan, nan, NOT_MEASURED)


@dataclass(frozen=True, eq=False)
class ShiftReport:
    """What :func:`gsmflow_lite.shifts.measure` gives.

    ==================== ===========================================================================
    ``readings``         of every metric: all classes together first, then class by class
    ``classes``          numbers of the classes measured, with their ``names``
    ``attributes``       of each class, in units of their spread among seen classes
    ``read_real``        the same attributes as read off real class means
    ``read_synthesized`` the same as read off synthesized class means
    ``readability``      how well each attribute can be read, 0 to 1
    ``responses``        for each permuted attribute, how far it was followed
    ``mantel_p``         p-value of the distance order
    ``changed``          names of classes c, i, j and a size: i is nearer to c than j in reality,
                         and further away when synthesized, beyond chance (at 5 % for all together)
    ``settings``         repeat the measurement
    ``notes``            say what was not measured, and why
    ==================== ===========================================================================
    """

    readings: tuple[Reading, ...]
    classes: Int[np.ndarray, " U"]
    names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    attributes: Float[np.ndarray, "U A"]
    read_real: Float[np.ndarray, "U A"]
    read_synthesized: Float[np.ndarray, "U A"]
    readability: Float[np.ndarray, " A"]
    responses: dict[str, float]
    mantel_p: float | None
    changed: tuple[tuple[str, str, str, float], ...]
    settings: dict[str, Any]
    notes: tuple[str, ...]

    @cached_property
    def _by_key(self) -> dict[tuple[str, str | None], Reading]:
        return {(reading.metric, reading.label): reading for reading in self.readings}

    def reading(self, metric: str, label: str | None = None) -> Reading:
        """Return one metric by name, of a class by name or of all classes (None).

        A meter's name stands for its headline. Raises ``ConfigError`` for a metric or a class that
        the report does not have.
        """
        key = (HEADLINES.get(metric, metric), label)
        if key not in self._by_key:
            names = ", ".join(self.names[:NAMES_LISTED])
            more = " ..." if len(self.names) > NAMES_LISTED else ""
            raise ConfigError(
                f"there is no reading of {metric!r} for {label!r}: metrics are "
                f"{', '.join(BY_NAME)}; classes are {names}{more}, or None for all"
            )
        return self._by_key[key]

    def beside(self, other: ShiftReport) -> ShiftReport:
        """Return the same report with what ``other`` reaches beside each reading.

        ``other`` is mostly a report on the ridge-Gaussian of the same data, measured with the same
        seed. A reading that it does not have stays without.
        """
        values = {(r.metric, r.label): r.value for r in other.readings if r.measured}
        readings = [replace(r, beside=values.get((r.metric, r.label))) for r in self.readings]
        return replace(self, readings=tuple(readings))

    def with_readings_of(self, other: ShiftReport) -> ShiftReport:
        """Return the same report with the readings of ``other`` that this one does not have."""
        new = [r for r in other.readings if (r.metric, r.label) not in self._by_key]
        return replace(self, readings=(*self.readings, *new))

    def table(self, *, by_class: bool = False) -> pd.DataFrame:
        """Return a row for each metric of all classes together, or of each class (``by_class``)."""
        import pandas as pd

        chosen = [asdict(r) for r in self.readings if (r.label is not None) == by_class]
        table = pd.DataFrame(chosen)
        if by_class:
            return table.rename(columns={"label": "class"}).set_index(["meter", "metric", "class"])
        return table.drop(columns="label").set_index(["meter", "metric"])

    def attribute_table(self) -> pd.DataFrame:
        """Return what synthesized class means say more of each attribute than real ones.

        It has a row for each class and a column for each attribute, in units of spread.
        """
        import pandas as pd

        return pd.DataFrame(
            self.read_synthesized - self.read_real,
            index=list(self.names),
            columns=list(self.attribute_names),
        )

    def worst(self) -> list[tuple[str, float, str]]:
        """Return classes by their lowest score among the three headlines, worst first.

        Each entry has the name of the class, the score, and the meter that gave it. What cannot be
        told counts only where nothing else was read of a class, and such classes come last.
        """
        lowest = []
        for name in self.names:
            readings = [self.reading(meter, name) for meter in SHIFTS]
            measured = [r for r in readings if np.isfinite(r.score)]
            if measured:
                lowest.append((name, min(measured, key=_badness)))
        lowest.sort(key=lambda entry: _badness(entry[1]))
        return [(name, reading.score, reading.meter) for name, reading in lowest]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON; numbers that were not measured are None."""
        return {
            "readings": [_without_nan(asdict(reading)) for reading in self.readings],
            "classes": list(self.names),
            "attributes": {
                "names": list(self.attribute_names),
                "asked": _rounded(self.attributes),
                "read_real": _rounded(self.read_real),
                "read_made": _rounded(self.read_synthesized),
                "readability": _rounded(self.readability),
            },
            "responses": {name: round(value, 4) for name, value in self.responses.items()},
            "mantel_p": self.mantel_p,
            "changed_places": [list(change) for change in self.changed],
            "settings": self.settings,
            "notes": list(self.notes),
            "sentence": self.sentence,
        }

    @property
    def sentences(self) -> list[str]:
        """What each meter says in words for a student, as far as it was read."""
        return [
            say(self.reading(meter))
            for meter, say in SENTENCES.items()
            if (HEADLINES[meter], None) in self._by_key
        ]

    @property
    def sentence(self) -> str:
        """All :attr:`sentences` in one line."""
        return " ".join(self.sentences)

    def __str__(self) -> str:
        rows = [_row(reading) for reading in self.readings if reading.label is None]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([self.sentence, "", HEAD, *rows, *notes])


HEAD = (
    f"{'':10s} {'metric':18s}{'value':>10s}{'95 % interval':>25s}{'floor':>10s}{'ceiling':>10s}"
    f"{'score':>7s}  word"
)


def _badness(r: Reading) -> tuple[bool, float]:
    """A key by which the worst comes first: what tells, and then by its score."""
    return r.word == CANNOT_TELL, r.score


def _row(r: Reading) -> str:
    interval = f"{r.low:.4g} to {r.high:.4g}"
    return (
        f"{r.meter:10s} {r.metric:18s}{r.value:10.4g}{interval:>25s}"
        f"{r.floor:10.4g}{r.ceiling:10.4g}{r.score:7.2f}  {r.word}"
    )


def _rounded(numbers: Float[np.ndarray, ...]) -> list:
    return np.round(numbers, 4).tolist()


def _without_nan(entries: dict[str, Any]) -> dict[str, Any]:
    is_nan = {key: isinstance(x, float) and not np.isfinite(x) for key, x in entries.items()}
    return {key: None if is_nan[key] else x for key, x in entries.items()}


def _sentence(meter: str, r: Reading, what: str) -> str:
    return f"{meter}: {r.word}. {what}" if r.measured else f"{meter}: not measured."


def _say_semantic(r: Reading) -> str:
    how = {
        "fine": "Descriptions can be read off the synthesized classes",
        "watch": "Descriptions can be read off the synthesized classes in part",
        "shifted": "Descriptions can hardly be read off the synthesized classes",
        CANNOT_TELL: f"Descriptions can hardly be read off real classes: {r.advice}",
    }
    scale = f"real classes {number(r.ceiling)}, guessing {number(r.floor)}"
    return _sentence("Semantic", r, f"{how.get(r.word, '')} ({number(r.value)}; {scale}).")


def _say_variance(r: Reading) -> str:
    times = f"The synthesized classes are {number(r.value)} times as varied as real ones."
    unsure = f"So few real rows do not say how varied the classes are: {r.advice}."
    return _sentence("Variance", r, unsure if r.word == CANNOT_TELL else times)


def _say_structure(r: Reading) -> str:
    few = "rows a class" if "rows a class" in r.advice else "classes"  # one thing, as the advice
    how = {
        "fine": "Which class is near which is as in reality",
        "watch": "Which class is near which is right in part",
        "shifted": "Which class is near which is mostly wrong",
        CANNOT_TELL: f"There are too few {few} to say which is near which: {r.advice}",
    }
    scale = f"({number(r.value)}; real classes {number(r.ceiling)})"
    return _sentence("Structure", r, f"{how.get(r.word, '')} {scale}.")


def _say_overall(r: Reading) -> str:
    how = {
        "fine": "A classifier can hardly tell synthesized rows from real ones",
        "watch": "A classifier tells some synthesized rows from real ones",
        "shifted": "A classifier tells synthesized rows from real ones",
        CANNOT_TELL: f"There are too few rows for a classifier: {r.advice}",
    }
    scale = f"(AUC {number(r.value)}; real from real {number(r.ceiling)})"
    return _sentence("Overall", r, f"{how.get(r.word, '')} {scale}.")


SENTENCES = {
    "semantic": _say_semantic,
    "variance": _say_variance,
    "structure": _say_structure,
    "overall": _say_overall,
}
