"""A class that nobody has: describe it, ask for it, see which real classes are near, and vary it.

1. :func:`describe` makes its description out of those of real classes, by arithmetic and by hand.
2. :func:`invent` asks a generator for features of it, and finds the real classes near it.
3. :func:`sweep` moves one attribute from its lowest to its highest value and looks what follows.

The file ``invention_figures`` draws the results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from jaxtyping import Bool, Float, Int

from ..arguments import check_seed
from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError
from ..figures.style import short
from ..generators.base import Generator, ask
from ..shifts.readout import AttributeReadout
from ..texts.encoders import TextEncoder, encoder_of
from .scene import Scene, Synthesized, proportions

if TYPE_CHECKING:
    import pandas as pd

SAMPLES_INVENTED = (
    40  # synthesized features of a class: enough for a mean, and quick enough for a drag
)
PICTURES = 12  # of these shown, the typical one among them
STEPS = 9  # of a sweep; odd, so that one is halfway
NEAREST = 5  # real classes that are listed
READABLE = 0.1  # below this readability, reading off left-out classes is no better than guessing


# --- 1. Describe it ------------------------------------------------------------------------------


def ranges(dataset: GZSLDataset) -> tuple[Float[np.ndarray, " A"], Float[np.ndarray, " A"]]:
    """Find the lowest and the highest value of each attribute over all classes."""
    return dataset.attributes.min(0), dataset.attributes.max(0)


def describe(
    dataset: GZSLDataset,
    start: str,
    *,
    less: str = "",
    more: str = "",
    changes: Mapping[str, float] | None = None,
    sentence: str = "",
    encoder: TextEncoder | Callable[[list[str]], Any] | str | None = None,
) -> Float[np.ndarray, " A"]:
    """Compute the description ``start`` - ``less`` + ``more``, where these are names of classes.

    Of data whose attributes were made of texts, a ``sentence`` takes the place of ``start``. It is
    encoded as the texts were (see :func:`~gsmflow_lite.texts.encoder_of` for ``encoder``), and the
    result is brought to length 1, as theirs were.

    ``""`` stands for no class. Of other data, the result is clipped to :func:`ranges`, because no
    class has an attribute twice. Then the attributes in ``changes`` are set to their values; one
    that is in a group of the data set takes the place of the others there. Raises ``ConfigError``
    for a name that is not there, a value outside the range, or a description that is all zero.
    """
    low, high = ranges(dataset)
    total = _description_of(dataset, start)
    if sentence:
        total = encoder_of(dataset, encoder)([sentence])[0].astype(np.float64)
    if less:
        total = total - _description_of(dataset, less)
    if more:
        total = total + _description_of(dataset, more)
    if dataset.text_encoder:
        _check_no_changes(changes)
        return _of_length_one(total)
    description = np.clip(total, low, high).astype(np.float32)

    for name, value in (changes or {}).items():
        k = _number(name, dataset.unique_attribute_names, "attribute")
        _check_within(name, value, low[k], high[k])
        others = _others_of_its_group(dataset, k)
        description[others] = low[others]
        description[k] = np.clip(value, low[k], high[k])

    if not description.any():
        _refuse_nothing()
    return description


def _check_no_changes(changes: Mapping[str, float] | None) -> None:
    if changes:
        raise ConfigError(
            "changes must be empty where attributes were made of texts, because such a number says "
            f"nothing alone, got {short(next(iter(changes)), 40)!r}: give a sentence"
        )


def _of_length_one(total: Float[np.ndarray, " A"]) -> Float[np.ndarray, " A"]:
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        _refuse_nothing()
    return (total / length).astype(np.float32)


def _refuse_nothing() -> NoReturn:
    raise ConfigError(
        "every class needs a description, but all attributes of this one are 0: "
        "raise one, or subtract less"
    )


def _others_of_its_group(dataset: GZSLDataset, k: int) -> list[int]:
    groups = (dataset.attribute_groups or {}).values()
    return [other for numbers in groups if k in numbers for other in numbers if other != k]


def _description_of(
    dataset: GZSLDataset,
    name: str,
) -> Float[np.ndarray, " A"]:
    k = _number(name, dataset.unique_names, "class")
    return dataset.attributes[k].astype(np.float64)


def _number(
    name: str,
    names: Sequence[str],
    what: str,
) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise ConfigError(
            f"there is no {what} {short(name, 40)!r}: names are as in the data set"
        ) from None


def _check_within(
    name: str,
    value: float,
    low: float,
    high: float,
) -> None:
    room = 1e-5 * max(abs(low), abs(high))  # a value that was written down has six digits
    if not low - room <= value <= high + room:
        raise ConfigError(
            f"{short(name)} must be from {low:g} to {high:g}, as in the data, got {value:g}"
        )


# --- 2. Ask for it -------------------------------------------------------------------------------


def ask_one(
    generator: Generator,
    description: Float[np.ndarray, " A"],
    n: int = SAMPLES_INVENTED,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> Float[np.ndarray, "n D"]:
    """Synthesize ``n`` features of one description, as ``generator.synthesize`` does of it alone.

    Raises ``DataError`` for features that are not finite.
    """
    check_seed(seed)
    one_class = np.asarray(description, np.float32)[None]
    features = ask(generator, one_class, n, temperature=temperature, seed=seed, names=["designed"])
    return features[0].cpu().numpy()


def typical(
    generator: Generator, description: Float[np.ndarray, " A"]
) -> Float[np.ndarray, " D"] | None:
    """Synthesize the feature at temperature 0; None for a generator that has no temperature."""
    try:
        return ask_one(generator, description, 1, temperature=0.0)[0]
    except DataError:
        return None


@dataclass(frozen=True, eq=False)
class Invented:
    """A described class, what was synthesized of it, and where it stands among real classes.

    ``typical`` is the feature at temperature 0, or None. ``near`` is the table of
    :meth:`RealClasses.near`. ``reach`` says how far the description is from all real ones.
    """

    description: Float[np.ndarray, " A"]
    synthesized: Synthesized
    typical: Float[np.ndarray, " D"] | None
    near: pd.DataFrame
    reach: Reach
    temperature: float
    seed: int

    @property
    def features(self) -> Float[np.ndarray, "n D"]:
        """The synthesized features."""
        return self.synthesized.features

    @property
    def shown(self) -> Float[np.ndarray, "m D"]:
        """The features to picture: the typical one, if any, and then some of the others."""
        first = [] if self.typical is None else [self.typical]
        return np.stack([*first, *self.features])[:PICTURES]

    def nearest(self, by: str, most: int = NEAREST) -> pd.DataFrame:
        """The nearest real classes, the nearest first.

        ``by`` is ``cosine`` (of descriptions) or ``distance`` (of mean features).
        """
        order = self.near.sort_values(by, ascending=by == "distance", kind="stable")
        return order.head(most)


def invent(
    real: RealClasses,
    generator: Generator,
    description: Float[np.ndarray, " A"],
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> Invented:
    """Synthesize a class of a description, place it on the maps and find real classes near it."""
    features = ask_one(generator, description, temperature=temperature, seed=seed)
    no_class = np.full(len(features), -1)
    return Invented(
        description=description,
        synthesized=real.scene.place(features, no_class),
        typical=typical(generator, description),
        near=real.near(description, features),
        reach=real.reach(description),
        temperature=temperature,
        seed=seed,
    )


# --- Which real classes are near -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RealClasses:
    """What an invented class is compared with: all real classes of a scene."""

    scene: Scene

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all classes, no two alike."""
        return self.scene.dataset.unique_names

    @cached_property
    def seen(self) -> Bool[np.ndarray, " K"]:
        """Whether each class is seen."""
        return np.isin(np.arange(len(self.names)), self.scene.dataset.seen_classes)

    @cached_property
    def descriptions(self) -> Float[np.ndarray, "K A"]:
        """The attributes of each class as they are compared."""
        return self._compared(self.scene.dataset.attributes)

    def _compared(self, attributes: Float[np.ndarray, "... A"]) -> Float[np.ndarray, "... A"]:
        """Standardise attributes; those of texts stay rows of length 1."""
        if self.scene.dataset.text_encoder:
            return attributes
        return self.scene.readout.standardise(attributes)

    @cached_property
    def apart(self) -> Float[np.ndarray, " K"]:
        """How far each description lies from the nearest other one."""
        from scipy.spatial.distance import cdist

        between = cdist(self.descriptions, self.descriptions)
        np.fill_diagonal(between, np.inf)
        return between.min(1)

    @cached_property
    def means(self) -> Float[np.ndarray, "K D"]:
        """The mean real test feature of each class, in the proportions of the maps."""
        every = range(len(self.names))
        return proportions(self.scene.dataset, self.scene.real_means(every))

    @cached_property
    def usual(self) -> float:
        """The usual distance between two class means: the median over all pairs."""
        from scipy.spatial.distance import pdist

        return float(np.median(pdist(self.means))) or 1.0

    def near(
        self,
        description: Float[np.ndarray, " A"],
        features: Float[np.ndarray, "n D"],
    ) -> pd.DataFrame:
        """Compare a description, and features synthesized of it, with each real class.

        The class with the most similar description comes first.

        ============ ===================================================================
        ``class``    the name of the real class
        ``seen``     whether the generator could learn from it
        ``cosine``   of the standardised attributes, -1 to 1; larger is nearer; of attributes made
                     of texts as they are
        ``distance`` between the mean features, over the usual distance of real classes
        ============ ===================================================================
        """
        import pandas as pd

        mean = proportions(self.scene.dataset, features).mean(0)
        table = pd.DataFrame(
            {
                "class": self.names,
                "seen": self.seen,
                "cosine": _cosines(self.descriptions, self._compared(description)),
                "distance": np.linalg.norm(self.means - mean, axis=1) / self.usual,
            }
        )
        return table.sort_values("cosine", ascending=False, kind="stable")

    def reach(self, description: Float[np.ndarray, " A"]) -> Reach:
        """Measure how far a description lies from all real ones."""
        difference = self.descriptions - self._compared(description)
        distance = np.linalg.norm(difference, axis=1)
        k = int(distance.argmin())
        return Reach(
            distance=float(distance[k]),
            nearest=self.names[k],
            seen=bool(self.seen[k]),
            usual=float(np.median(self.apart)),
            most=float(self.apart.max()),
            digits=2 if self.scene.dataset.text_encoder else 1,
        )


@dataclass(frozen=True)
class Reach:
    """How far a description is from the ``nearest`` real one.

    ``usual`` and ``most`` are the median and the largest distance of a real class from its own
    nearest. ``seen`` says whether the nearest class is seen. ``digits`` are those after the point
    that are worth saying.
    """

    distance: float
    nearest: str
    seen: bool
    usual: float
    most: float
    digits: int = 1

    @property
    def extrapolates(self) -> bool:
        """Whether it is further from every real class than any real class from its nearest."""
        return self.distance > self.most

    @property
    def sentence(self) -> str:
        """The same in words."""
        kind = "seen" if self.seen else "unseen"
        name = short(self.nearest)
        if self.distance < 1e-6:
            return f"This is the description of {name}, a real class ({kind})."

        away, usual, most = (
            f"{number:.{self.digits}f}" for number in (self.distance, self.usual, self.most)
        )
        far = f"The nearest real description is {name} ({kind}), {away} away"
        if self.extrapolates:
            return (
                f"Extrapolation: {far}, further than any real class from its nearest "
                f"(at most {most})."
            )
        return f"{far}; real classes are usually {usual} from their nearest, at most {most}."


def _cosines(
    rows: Float[np.ndarray, "K A"],
    vector: Float[np.ndarray, " A"],
) -> Float[np.ndarray, " K"]:
    """The cosine of each row with a vector; 0 where either has no length."""
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    return rows @ vector / np.where(norms > 0, norms, 1)


# --- 3. Vary one attribute -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sweep:
    """One attribute from its lowest to its highest value; all others and the noise stay.

    =============== ============================================================================
    ``values``      of the attribute, as asked for
    ``features``    synthesized at each value; the first of each are pictured
    ``read``        the attribute as read off each feature, in the units of the data
    ``typical``     features at temperature 0; None for a generator that has no temperature
    ``readability`` how well the attribute is read off real features of left-out classes, 0 to 1
    =============== ============================================================================
    """

    name: str
    values: Float[np.ndarray, " s"]
    features: Float[np.ndarray, "s n D"]
    read: Float[np.ndarray, "s n"]
    typical: Float[np.ndarray, "s D"] | None
    readability: float

    @property
    def sentence(self) -> str:
        """The response to the attribute in words."""
        name = short(self.name)
        first, last = self.values[[0, -1]]
        if first == last:
            return f"{name} is {first:g} in every class: there is nothing to sweep."
        if self.readability < READABLE:
            return (
                f"{name} cannot be read off features (readability {self.readability:.2f}): "
                "the numbers under the pictures say little, look at the pictures."
            )

        means = self.read.mean(1)
        gain = (means[-1] - means[0]) / (last - first)
        return (
            f"Of a full step of {name}, {gain:.0%} is read off what is synthesized, on average of "
            f"{self.read.shape[1]} samples (readability {self.readability:.2f})."
        )


def sweep(
    scene: Scene,
    generator: Generator,
    description: Float[np.ndarray, " A"],
    attribute: str,
    *,
    steps: int = STEPS,
    temperature: float = 1.0,
    seed: int = 0,
) -> Sweep:
    """Synthesize a description with one attribute at ``steps`` values over its range.

    Each value gets the same noise. Raises ``ConfigError`` for an attribute that is not there.
    """
    k = _number(attribute, scene.dataset.unique_attribute_names, "attribute")
    low, high = ranges(scene.dataset)
    values = np.linspace(low[k], high[k], steps, dtype=np.float32)
    descriptions = np.repeat(np.asarray(description, np.float32)[None], steps, axis=0)
    descriptions[:, k] = values

    # One call for each value: within a call every description has noise of its own.
    features = [
        ask_one(generator, one, PICTURES, temperature=temperature, seed=seed)
        for one in descriptions
    ]
    read = read_off(scene.readout, np.stack(features))[..., k]
    return Sweep(
        name=attribute,
        values=values,
        features=np.stack(features),
        read=read,
        typical=_typical_of_each(generator, descriptions),
        readability=float(scene.readout.readability[k]),
    )


def _typical_of_each(
    generator: Generator, descriptions: Float[np.ndarray, "s A"]
) -> Float[np.ndarray, "s D"] | None:
    features = []
    for description in descriptions:
        feature = typical(generator, description)
        if feature is None:
            return None
        features.append(feature)
    return np.stack(features)


# --- What is read off the features ---------------------------------------------------------------


def read_off(
    readout: AttributeReadout, features: Float[np.ndarray, "... D"]
) -> Float[np.ndarray, "... A"]:
    """Read attributes off features, in the units of the data."""
    return readout.read(features) * readout.spread + readout.typical


def telling(
    readout: AttributeReadout,
    description: Float[np.ndarray, " A"],
    changed: Sequence[int],
    most: int = PICTURES,
) -> Int[np.ndarray, " m"]:
    """Number the attributes to show of a class that has no pictures.

    First come those that were ``changed``, then those that set the class apart and can be read.
    """
    weight = np.abs(readout.standardise(description)) * readout.readability
    by_weight = np.argsort(-weight, kind="stable").tolist()
    different = dict.fromkeys([*changed, *by_weight])
    return np.array(list(different)[:most], np.int64)


def bars(
    readout: AttributeReadout,
    invented: Invented,
    chosen: Int[np.ndarray, " m"],
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The chosen attributes as asked for, and as read off the mean synthesized feature.

    Both are standardised.
    """
    read = readout.read(invented.features).mean(0)
    return readout.standardise(invented.description)[chosen], read[chosen]
