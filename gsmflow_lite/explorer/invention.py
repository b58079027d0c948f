"""A class that nobody has: its description by arithmetic and by hand, what is synthesized of it, which real classes are near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..config import check_seed
from ..datasets.base import GZSLDataset
from ..errors import ConfigError, DataError
from ..figures.style import CONTEXT, INK, PALETTE, QUIET, plain_still, short, still_figure
from ..generators.base import Generator, ask
from ..shifts.readout import AttributeReadout
from .scene import Scene, Synthesized, proportions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLES = (
    40  # synthesized features of the class: enough for a mean, and quick enough to follow a drag
)
PICTURES = 12  # of these shown, the typical one among them
STEPS = 9  # of a sweep; odd, so that one is halfway
NEAREST = 5  # real classes that are listed
READABLE = 0.1  # attributes below this readability are not read off left-out classes any better than by guessing


# --- Descriptions ----------------------------------------------------------------------------------------------------


def ranges(dataset: GZSLDataset) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value of each attribute over all classes, (A,) and (A,)."""
    return dataset.attributes.min(0), dataset.attributes.max(0)


def describe(
    dataset: GZSLDataset,
    start: str,
    *,
    less: str = "",
    more: str = "",
    changes: Mapping[str, float] | None = None,
) -> np.ndarray:
    """The description ``start`` - ``less`` + ``more`` of classes by name, then single attributes set to ``changes``: (A,).

    Sums are clipped to :func:`ranges`, for a stem that is there twice is no description. ``""`` is no class. Raises
    ``ConfigError`` for a name that is not there, a value outside the range, or a description that is all zero.
    """
    classes, traits = dataset.unique_names, dataset.unique_attribute_names
    row = lambda name: dataset.attributes[_number(name, classes, "class")].astype(np.float64)  # noqa: E731
    low, high = ranges(dataset)
    total = row(start) - (row(less) if less else 0) + (row(more) if more else 0)
    result = np.clip(total, low, high).astype(np.float32)
    for name, value in (changes or {}).items():
        k = _number(name, traits, "attribute")
        result[k] = np.clip(_within(name, value, low[k], high[k]), low[k], high[k])
    if not result.any():
        raise ConfigError(
            "every class needs a description, but all attributes of this one are 0: raise one, or subtract less"
        )
    return result


def _number(name: str, names: Sequence[str], what: str) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise ConfigError(
            f"there is no {what} {short(name, 40)!r}: names are as in the data set"
        ) from None


def _within(name: str, value: float, low: float, high: float) -> float:
    room = 1e-5 * max(abs(low), abs(high))  # a value that was written down has six digits
    if not low - room <= value <= high + room:
        raise ConfigError(
            f"{short(name)} must be from {low:g} to {high:g}, as in the data, got {value:g}"
        )
    return value


# --- What is synthesized ------------------------------------------------------------------------------------------------


def ask_one(
    generator: Generator,
    description: np.ndarray,
    n: int = SAMPLES,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> np.ndarray:
    """``n`` synthesized features of a description (A,): (n, D). The same as ``generator.synthesize`` of it alone.

    Raises ``DataError`` for features that are not finite.
    """
    check_seed(seed)
    asked = np.float32(description)[None]
    return (
        ask(generator, asked, n, temperature=temperature, seed=seed, names=["designed"])
        .cpu()
        .numpy()[0]
    )


def typical(generator: Generator, description: np.ndarray) -> np.ndarray | None:
    """The feature at temperature 0, (D,), of a ``description`` (A,); None for a generator that has no temperature."""
    try:
        return ask_one(generator, description, 1, temperature=0.0)[0]
    except DataError:
        return None


@dataclass(frozen=True, eq=False)
class RealClasses:
    """What an invented class is compared with: descriptions and mean features of all real classes of a scene."""

    scene: Scene

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all classes, each different."""
        return self.scene.dataset.unique_names

    @cached_property
    def seen(self) -> np.ndarray:
        """Whether each class is seen, (K,)."""
        return np.isin(np.arange(len(self.names)), self.scene.dataset.seen_classes)

    @cached_property
    def descriptions(self) -> np.ndarray:
        """Standardised attributes, (K, A)."""
        return self.scene.readout.standardise(self.scene.dataset.attributes)

    @cached_property
    def apart(self) -> np.ndarray:
        """How far each description lies from the nearest other one, (K,)."""
        return _nearest_other(self.descriptions)

    @cached_property
    def means(self) -> np.ndarray:
        """Mean real test features in the proportions of the map, (K, D)."""
        dataset = self.scene.dataset
        return proportions(dataset, self.scene.real_means(np.arange(len(self.names))))

    @cached_property
    def usual(self) -> float:
        """The usual distance between two class means: the median over all pairs."""
        from scipy.spatial.distance import pdist

        return float(np.median(pdist(self.means))) or 1.0

    def near(self, description: np.ndarray, features: np.ndarray) -> pd.DataFrame:
        """How near each real class is to a description (A,) and to features (n, D) synthesized of it; the likest first.

        ============ ================================================================================================
        ``class``    its name
        ``seen``     whether the generator could learn from it
        ``cosine``   of the standardised attributes, -1 to 1; larger is nearer
        ``distance`` between the mean features, as a share of the usual distance between two real classes
        ============ ================================================================================================
        """
        import pandas as pd

        mean = proportions(self.scene.dataset, features).mean(0)
        table = {
            "class": self.names,
            "seen": self.seen,
            "cosine": _cosines(self.descriptions, self.scene.readout.standardise(description)),
            "distance": np.linalg.norm(self.means - mean, axis=1) / self.usual,
        }
        return pd.DataFrame(table).sort_values("cosine", ascending=False, kind="stable")

    def reach(self, description: np.ndarray) -> Reach:
        """How far a description (A,) lies from all real ones."""
        distance = np.linalg.norm(
            self.descriptions - self.scene.readout.standardise(description), axis=1
        )
        k = int(distance.argmin())
        return Reach(
            float(distance[k]),
            self.names[k],
            bool(self.seen[k]),
            float(np.median(self.apart)),
            float(self.apart.max()),
        )


@dataclass(frozen=True)
class Reach:
    """Distance of a description to the ``nearest`` real one, beside what is ``usual`` and the ``most`` among real classes."""

    distance: float
    nearest: str
    seen: bool
    usual: float
    most: float

    @property
    def extrapolates(self) -> bool:
        """Further from every real class than any real class from its nearest."""
        return self.distance > self.most

    @property
    def sentence(self) -> str:
        """The same in words."""
        kind = "seen" if self.seen else "unseen"
        name = short(self.nearest)
        if self.distance < 1e-6:
            return f"This is the description of {name}, a real class ({kind})."
        far = f"The nearest real description is {name} ({kind}), {self.distance:.1f} away"
        if self.extrapolates:
            return f"Extrapolation: {far}, further than any real class from its nearest (at most {self.most:.1f})."
        return f"{far}; real classes are usually {self.usual:.1f} from their nearest, at most {self.most:.1f}."


def _nearest_other(points: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    between = cdist(points, points)
    np.fill_diagonal(between, np.inf)
    return between.min(1)


def _cosines(rows: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Cosine of each row with one vector; 0 where either has no length."""
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(one)
    return rows @ one / np.where(norms > 0, norms, 1)


@dataclass(frozen=True, eq=False)
class Invented:
    """A described class: what is synthesized of it, on the map, and the real classes near it (:meth:`RealClasses.near`).

    ``description`` (A,); ``typical`` (D,), the feature at temperature 0, or None.
    """

    description: np.ndarray
    synthesized: Synthesized
    typical: np.ndarray | None
    near: pd.DataFrame
    reach: Reach
    temperature: float
    seed: int

    @property
    def features(self) -> np.ndarray:
        """(n, D)."""
        return self.synthesized.features

    @property
    def shown(self) -> np.ndarray:
        """The features to picture, (m, D): the typical one, where there is one, and then some of the others."""
        first = [] if self.typical is None else [self.typical]
        return np.stack([*first, *self.features])[:PICTURES]

    def nearest(self, by: str, most: int = NEAREST) -> pd.DataFrame:
        """The nearest real classes by ``cosine`` of descriptions, or by ``distance`` of mean features."""
        return self.near.sort_values(by, ascending=by == "distance", kind="stable").head(most)


def invent(
    real: RealClasses,
    generator: Generator,
    description: np.ndarray,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> Invented:
    """Synthesize a class of a description (A,), and put it among the real ones."""
    features = ask_one(generator, description, temperature=temperature, seed=seed)
    synthesized = real.scene.place(features, np.full(len(features), -1))
    near, reach = real.near(description, features), real.reach(description)
    return Invented(
        description, synthesized, typical(generator, description), near, reach, temperature, seed
    )


# --- The response to one attribute -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sweep:
    """One attribute from low to high, all others and the noise as they are.

    =============== ============ ===========================================================================
    ``asked``       (s,)         values of the attribute
    ``features``    (s, n, D)    synthesized at each; ``features[:, 0]`` are pictured
    ``read``        (s, n)       the attribute as read off each, in its own units
    ``typical``     (s, D)       at temperature 0; None for a generator that has no temperature
    ``readability`` float        how well it is read off real features of left-out classes, 0 to 1
    =============== ============ ===========================================================================
    """

    name: str
    asked: np.ndarray
    features: np.ndarray
    read: np.ndarray
    typical: np.ndarray | None
    readability: float

    @property
    def sentence(self) -> str:
        """What the response is, in words."""
        name = short(self.name)
        if self.asked[0] == self.asked[-1]:
            return f"{name} is {self.asked[0]:g} in every class: there is nothing to sweep."
        if self.readability < READABLE:
            return (
                f"{name} cannot be read off features (readability {self.readability:.2f}): the numbers under the pictures say "
                "little, look at the pictures."
            )
        gain = (self.read[-1].mean() - self.read[0].mean()) / (self.asked[-1] - self.asked[0])
        return (
            f"Of a full step of {name}, {gain:.0%} is read off what is synthesized, on average of {self.read.shape[1]} samples "
            f"(readability {self.readability:.2f})."
        )


def sweep(
    scene: Scene,
    generator: Generator,
    description: np.ndarray,
    attribute: str,
    *,
    steps: int = STEPS,
    temperature: float = 1.0,
    seed: int = 0,
) -> Sweep:
    """Synthesize a description (A,) with one attribute at ``steps`` values over its range, each with the same noise.

    Raises ``ConfigError`` for an attribute that is not there, or too few steps.
    """
    names = scene.dataset.unique_attribute_names
    k = _number(attribute, names, "attribute")
    low, high = ranges(scene.dataset)
    asked = np.linspace(low[k], high[k], steps, dtype=np.float32)
    every = np.repeat(np.float32(description)[None], steps, axis=0)
    every[:, k] = asked
    # One call each: within a call every description has its own noise.
    features = np.stack(
        [ask_one(generator, one, PICTURES, temperature=temperature, seed=seed) for one in every]
    )
    middles = [typical(generator, one) for one in every]
    calm = None if any(one is None for one in middles) else np.stack(middles)
    read = read_off(scene.readout, features)[..., k]
    return Sweep(attribute, asked, features, read, calm, float(scene.readout.readability[k]))


def read_off(readout: AttributeReadout, features: np.ndarray) -> np.ndarray:
    """Attributes as read off features (..., D), in the units of the data: (..., A)."""
    return readout.read(features) * readout.spread + readout.typical


def telling(
    readout: AttributeReadout, description: np.ndarray, changed: Sequence[int], most: int = PICTURES
) -> np.ndarray:
    """Numbers (m,) of the attributes to show where no picture can be, of a class with this ``description`` (A,).

    First those that were changed, then what sets the class apart and can be read.
    """
    weight = np.abs(readout.standardise(description)) * readout.readability
    return np.array(
        list(dict.fromkeys([*changed, *np.argsort(-weight, kind="stable")]))[:most], np.int64
    )


# --- A still figure --------------------------------------------------------------------------------------------------


def design_figure(
    scene: Scene,
    invented: Invented,
    swept: Sweep,
    *,
    changed: Sequence[int] = (),
    title: str = "",
    caption: str = "",
) -> Figure:
    """What is synthesized, the sweep beneath it, and the nearest real classes, in matplotlib.

    Where features do not decode, bars of the attributes take the place of pictures; ``changed`` ones come first in them.
    """
    decode = scene.dataset.decode
    rows = _rows(invented, swept) if decode else []
    figure = still_figure(12.5, 4.6 + 1.1 * len(rows) + 0.9 * (not rows), title, caption)
    heights = [1] * len(rows) + [2.6] if rows else [1, 1]
    grid = figure.add_gridspec(
        max(1, len(rows)) + 1, 2, width_ratios=(2.6, 1), height_ratios=heights
    )
    tops = [figure.add_subplot(grid[i, :]) for i in range(max(1, len(rows)))]
    for axes, (features, heads, label) in zip(tops, rows, strict=False):
        _strip(axes, decode(features), heads, label)
    if not rows:
        _attribute_bars(
            tops[0], scene, invented, telling(scene.readout, invented.description, changed)
        )
    tops[0].set_title(
        plain_still(invented.reach.sentence, most=None),
        fontsize=12,
        loc="left",
        pad=22 if rows else 8,
    )
    _response(figure.add_subplot(grid[-1, 0]), swept)
    _neighbours_text(figure.add_subplot(grid[-1, 1]), invented)
    return figure


def _rows(invented: Invented, swept: Sweep) -> list[tuple[np.ndarray, list[str], str]]:
    """Rows of features to picture, with a word over each and a label."""
    heads = [
        "typical" if i == 0 and invented.typical is not None else ""
        for i in range(len(invented.shown))
    ]
    asked, name = [f"{value:.3g}" for value in swept.asked], plain_still(swept.name, 18)
    rows = [(invented.shown, heads, "synthesized")]
    if swept.typical is not None:
        rows.append((swept.typical, asked, f"{name}\ntypical"))
    return [*rows, (swept.features[:, 0], asked, f"{name}\none sample")]


def _strip(axes: Axes, pictures: np.ndarray, heads: Sequence[str], label: str) -> None:
    """Pictures in a row, each with a word above it."""
    n, height, width = pictures.shape
    canvas = np.full((height, n * (width + 2) - 2), np.nan)
    for i, picture in enumerate(pictures):
        canvas[:, i * (width + 2) : i * (width + 2) + width] = picture.clip(0, 1)
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(np.arange(n) * (width + 2) + width / 2, heads, fontsize=11)
    axes.set_yticks([height / 2], [label], fontsize=12)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("W")


def _attribute_bars(axes: Axes, scene: Scene, invented: Invented, chosen: np.ndarray) -> None:
    asked, read = bars(scene.readout, invented, chosen)
    place = np.arange(len(chosen))
    axes.bar(place - 0.2, asked, 0.38, color=CONTEXT, label="asked")
    axes.bar(place + 0.2, read, 0.38, color=PALETTE[1], label="read off what is synthesized")
    names = [plain_still(scene.dataset.attribute_names[k], 18) for k in chosen]
    axes.set_xticks(place, names, fontsize=10, rotation=30, ha="right")
    axes.set_ylabel("standardised", fontsize=12)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.legend(frameon=False, fontsize=11, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)


def bars(
    readout: AttributeReadout, invented: Invented, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Attributes ``chosen`` (m,), as asked and as read off the mean of what is synthesized, both standardised: (m,) and (m,)."""
    read = readout.read(invented.features).mean(0)
    return readout.standardise(invented.description)[chosen], read[chosen]


def _response(axes: Axes, swept: Sweep) -> None:
    axes.plot(swept.asked, swept.asked, color=QUIET, linestyle=(0, (4, 3)), label="as asked")
    axes.fill_between(
        swept.asked,
        *np.quantile(swept.read, [0.1, 0.9], axis=1),
        color=PALETTE[0],
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(
        swept.asked,
        swept.read.mean(1),
        color=PALETTE[0],
        marker="o",
        label=f"read, mean of {swept.read.shape[1]}",
    )
    axes.plot(
        swept.asked,
        swept.read[:, 0],
        "D",
        color=PALETTE[1],
        fillstyle="none",
        label="read, pictured one",
    )
    axes.set_xlabel(f"{plain_still(swept.name)}, asked", fontsize=12)
    axes.set_ylabel("read off", fontsize=12)
    axes.legend(frameon=False, fontsize=11, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)


def _neighbours_text(axes: Axes, invented: Invented) -> None:
    """The nearest real classes, as two lists."""
    axes.axis("off")
    lines = []
    for by, heading in (
        ("cosine", "nearest by description"),
        ("distance", "nearest by what is synthesized"),
    ):
        lines.append((heading, "bold"))
        for _, one in invented.nearest(by, 3).iterrows():
            kind = "seen" if one["seen"] else "unseen"
            lines.append((f"{plain_still(one['class'], 22)}  {one[by]:.2f}  {kind}", "normal"))
    for i, (text, weight) in enumerate(lines):
        axes.text(
            0,
            1 - i / len(lines),
            text,
            transform=axes.transAxes,
            va="top",
            fontsize=12,
            weight=weight,
            color=INK,
        )
