"""A flow in two dimensions, taken apart into its half steps, and densities that can be checked.

Everything here needs a model of two features; :func:`world_flow` trains one in seconds. The file
``anatomy_figures`` draws the results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from ..config import ModelConfig, TrainingConfig
from ..datasets import CrescentWorld, GZSLDataset, crescent_world
from ..errors import ConfigError, DataError
from ..events import Watch
from ..method import prior
from ..method.flow import AffineCoupling
from ..method.model import GSMFlow
from ..method.start import NoStart
from ..method.training import fit, new_model

Box = tuple[float, float, float, float]  # left, right, bottom, top
SHARES = (0.5, 0.9, 0.99)  # of the probability, that curves of a density and circles enclose


# --- The way of points through a model -----------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Journey:
    """Where points are after each move of a model.

    A move is the start, or half of a coupling block. ``names`` say how the points came to each of
    their ``points``. ``log_dets`` are what each move added to the log-determinant, in nats; the
    first are 0. ``towards`` is ``noise`` or ``data``.
    """

    names: tuple[str, ...]
    points: Float[np.ndarray, "S N 2"]
    log_dets: Float[np.ndarray, "S N"]
    towards: str

    def __len__(self) -> int:
        return len(self.names)


def to_noise(model: GSMFlow, x: ArrayLike, attributes: ArrayLike) -> Journey:
    """Follow features ``x`` (N, 2) of one class to the noise that the model makes of them.

    ``attributes`` (1, A) describe the class. With B blocks the journey has 2 B + 1 places, and one
    more with a start. Rows that are NaN stay NaN, so :func:`grid_lines` can travel. Raises
    ``DataError`` for points that are not in two dimensions, or more than one class.
    """
    return _journey(model, x, attributes, _moves, ("data", "noise"))


def to_data(model: GSMFlow, z: ArrayLike, attributes: ArrayLike) -> Journey:
    """Follow noise ``z`` (N, 2) back to features: the same places in reverse, each move undone.

    Raises ``DataError`` as :func:`to_noise` does.
    """
    return _journey(model, z, attributes, _moves_back, ("noise", "data"))


class _Move(NamedTuple):
    """One move: its name, where it brings the points, and what it adds to the log-determinant."""

    name: str
    points: Float[Tensor, "N 2"]
    log_det: Float[Tensor, " N"]


_Moves = Callable[[GSMFlow, Tensor, Tensor], Iterator[_Move]]


@torch.no_grad()
def _journey(
    model: GSMFlow,
    x: ArrayLike,
    attributes: ArrayLike,
    moves: _Moves,
    ends: tuple[str, str],
) -> Journey:
    like = next(model.parameters())
    begin = torch.as_tensor(x).to(like)
    description = torch.as_tensor(attributes).to(like)
    _check_plane(model, begin)
    if len(description) != 1:
        raise DataError(
            f"attributes must describe one class, (1, A), got shape {tuple(description.shape)}: "
            "take one row"
        )

    nothing = begin.new_zeros(len(begin))
    steps = [_Move(ends[0], begin, nothing), *moves(model, begin, description)]
    points = torch.stack([step.points for step in steps]).cpu().numpy()
    log_dets = torch.stack([step.log_det for step in steps]).cpu().numpy()
    return Journey(tuple(step.name for step in steps), points, log_dets, ends[1])


def _check_plane(model: GSMFlow, x: Tensor) -> None:
    if model.features != 2 or x.ndim != 2 or x.shape[1] != 2:
        raise DataError(
            f"points must be (N, 2) and of a model of 2 features, got shape {tuple(x.shape)} and "
            f"{model.features} features: try world_flow()"
        )


def _moves(
    model: GSMFlow,
    x: Float[Tensor, "N 2"],
    attributes: Float[Tensor, "1 A"],
) -> Iterator[_Move]:
    if not isinstance(model.start, NoStart):
        x, log_det = model.start(x, attributes)
        yield _Move("start, centred and scaled", x, log_det)

    for i, block, c1, c2 in _blocks(model, attributes):
        x1, x2 = x.split(block.sizes, dim=1)
        y1, log_det = block.move(x1, block.net2(x2, c2))
        yield _Move(f"block {i}, sideways", torch.cat([y1, x2], dim=1), log_det)
        y2, log_det = block.move(x2, block.net1(y1, c1))
        x = torch.cat([y1, y2], dim=1)
        yield _Move(f"block {i}, up and down", x, log_det)


def _moves_back(
    model: GSMFlow,
    z: Float[Tensor, "N 2"],
    attributes: Float[Tensor, "1 A"],
) -> Iterator[_Move]:
    for i, block, c1, c2 in reversed(_blocks(model, attributes)):
        y1, y2 = z.split(block.sizes, dim=1)
        x2, log_det = block.move_back(y2, block.net1(y1, c1))
        yield _Move(f"block {i} undone, up and down", torch.cat([y1, x2], dim=1), log_det)
        x1, log_det = block.move_back(y1, block.net2(x2, c2))
        z = torch.cat([x1, x2], dim=1)
        yield _Move(f"block {i} undone, sideways", z, log_det)

    if not isinstance(model.start, NoStart):
        x, log_det = model.start.inverse(z, attributes)
        yield _Move("start undone, in its place", x, log_det)


class _Block(NamedTuple):
    """A coupling block, its number from 1, and the conditions of its two networks."""

    number: int
    coupling: AffineCoupling
    c1: Tensor
    c2: Tensor


def _blocks(
    model: GSMFlow,
    attributes: Float[Tensor, "1 A"],
) -> list[_Block]:
    c = model.flow.condition(model.embed(attributes))
    couplings = [cast(AffineCoupling, block) for block in model.flow.blocks]
    return [_Block(i + 1, block, c[2 * i], c[2 * i + 1]) for i, block in enumerate(couplings)]


# --- Squares and grids ---------------------------------------------------------------------------


def box_around(
    points: Float[np.ndarray, "... 2"],
    room: float = 0.15,
) -> Box:
    """Make a square around points, wider than they are by the share ``room`` on each side."""
    places = np.asarray(points, np.float64).reshape(-1, 2)
    low = np.nanmin(places, axis=0)
    high = np.nanmax(places, axis=0)

    half = (0.5 + room) * float((high - low).max() or 1.0)
    x, y = ((low + high) / 2).tolist()
    return x - half, x + half, y - half, y + half


def grid_lines(
    box: Box,
    lines: int = 13,
    detail: int = 60,
) -> Float[np.ndarray, "G 2"]:
    """Draw a grid over a box as one curve, which travels through a model as one set of points.

    There are ``lines`` upright lines and as many level ones, of ``detail`` points each. A row of
    NaN ends each line. Raises ``ConfigError`` for an empty box, or fewer than 2 lines or points.
    """
    left, right, bottom, top = _checked(box)
    if lines < 2 or detail < 2:
        raise ConfigError(f"lines and detail must be at least 2, got {lines} and {detail}")

    upright = np.full((lines, detail + 1, 2), np.nan)
    upright[:, :-1, 0] = np.linspace(0, 1, lines)[:, None]
    upright[:, :-1, 1] = np.linspace(0, 1, detail)
    level = upright[:, :, ::-1]

    unit = np.concatenate([upright, level]).reshape(-1, 2)
    return unit * (right - left, top - bottom) + (left, bottom)


def _checked(box: Box) -> Box:
    left, right, bottom, top = map(float, box)
    finite = np.isfinite([left, right, bottom, top]).all()
    if not (left < right and bottom < top and finite):
        raise ConfigError(
            "a box must be (left, right, bottom, top) with left < right and bottom < top, "
            f"got {tuple(box)}"
        )
    return left, right, bottom, top


# --- Densities -----------------------------------------------------------------------------------


class HasLogProb(Protocol):
    """A model, or a world: it knows the log-density of features of a class, in nats."""

    def log_prob(self, features: Any, which: Any, /) -> Any:
        """The log-density of each row of features of one class, in nats."""


@dataclass(frozen=True, eq=False)
class Density:
    """A density on the cells of a box: its values at their centres, from the bottom row up.

    Values are per unit of area.
    """

    values: Float[np.ndarray, "n n"]
    box: Box

    @property
    def x(self) -> Float[np.ndarray, " n"]:
        """The centres of the cells from left to right."""
        return _centres(self.box[0], self.box[1], self.values.shape[1])

    @property
    def y(self) -> Float[np.ndarray, " n"]:
        """The centres of the cells from the bottom up."""
        return _centres(self.box[2], self.box[3], self.values.shape[0])

    @property
    def mass(self) -> float:
        """The integral over the box by the midpoint rule.

        It is about 1 if the box holds the whole density and the cells are fine enough.
        """
        left, right, bottom, top = self.box
        return float(self.values.mean() * (right - left) * (top - bottom))

    def level(self, share: float) -> float:
        """Find the value of the contour line that encloses this share of the mass in the box.

        Everywhere inside the line the density is higher than on it. A larger share has a lower
        level. Raises ``ConfigError`` unless the share lies between 0 and 1.
        """
        if not 0 < share < 1:
            raise ConfigError(f"a share must lie between 0 and 1, got {share}")
        falling = np.sort(self.values, axis=None)[::-1]
        mass = falling.cumsum()
        return float(falling[np.searchsorted(mass, share * falling.sum())])

    def lines(self, shares: Iterable[float] = SHARES) -> Float[np.ndarray, "M 2"]:
        """Draw the contour lines of :meth:`level` as one curve, a row of NaN after each piece."""
        from contourpy import contour_generator  # comes with matplotlib

        draw = contour_generator(self.x, self.y, self.values)
        pieces: list[np.ndarray] = []
        for share in shares:
            pieces += cast(list[np.ndarray], draw.lines(self.level(share)))
        return _curve(pieces)


def density(
    source: HasLogProb,
    which: Any,
    box: Box,
    cells: int = 200,
) -> Density:
    """Compute the exact density of one class on ``cells`` x ``cells`` cells of a box.

    ``source`` is a model, and ``which`` are the attributes (1, A) of the class; or ``source`` is a
    world, and ``which`` is the number of the class. Raises ``ConfigError`` for an empty box or
    fewer than 2 cells, and ``DataError`` for more than one class.
    """
    if cells < 2:
        raise ConfigError(f"cells must be at least 2, got {cells}")
    left, right, bottom, top = _checked(box)

    x, y = np.meshgrid(_centres(left, right, cells), _centres(bottom, top, cells))
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    log_prob = torch.as_tensor(source.log_prob(places, which)).double().cpu().numpy()
    if log_prob.size != cells**2:
        classes = log_prob.size // cells**2
        raise DataError(
            f"a density must be of one class, got {classes}: take one row of attributes"
        )
    return Density(np.exp(log_prob).reshape(cells, cells), (left, right, bottom, top))


def normal_circles(shares: Iterable[float] = SHARES) -> Float[np.ndarray, "M 2"]:
    r"""Draw circles that hold these shares of a standard normal distribution in the plane.

    Their radius is :math:`\sqrt{-2 \log(1 - p)}`.
    """
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _curve([prior.circle_radius(share) * circle for share in shares])


def _centres(
    start: float,
    end: float,
    cells: int,
) -> Float[np.ndarray, " cells"]:
    return start + (np.arange(cells) + 0.5) * (end - start) / cells


def _curve(pieces: Sequence[Float[np.ndarray, "m 2"]]) -> Float[np.ndarray, "M 2"]:
    """Join pieces to one curve, with a row of NaN after each."""
    gap = np.full((1, 2), np.nan)
    if not pieces:
        return gap
    return np.concatenate([part for piece in pieces for part in (piece, gap)])


# --- A flow to take apart ------------------------------------------------------------------------

SMALL_MODEL = ModelConfig(
    blocks=3,
    hidden=48,
    relative_positioning=False,
    scale_attributes=True,
    start="ridge-gaussian",
)


def world_flow(
    seed: int = 0,
    *,
    epochs: int = 100,
    watch: Watch | None = None,
) -> tuple[CrescentWorld, GSMFlow]:
    """Make a :func:`gsmflow_lite.datasets.crescent_world` and train a :func:`small_flow` on it."""
    world = crescent_world(seed=seed)
    return world, small_flow(world.dataset, seed, epochs=epochs, watch=watch)


def small_flow(
    dataset: GZSLDataset,
    seed: int = 0,
    *,
    epochs: int = 100,
    watch: Watch | None = None,
) -> GSMFlow:
    """Train a flow of three blocks on the seen classes: a few seconds on one thread of a CPU.

    With ``epochs`` 0 it is untrained: a Gaussian in its start, and blocks close to the identity.
    ``watch`` gets every event.
    """
    model = new_model(dataset, SMALL_MODEL, seed=seed)
    if epochs:
        training = _small_training(epochs)
        for event in fit(model, dataset, training, seed=seed, device="cpu"):
            if watch is not None:
                watch(event)
    return model.eval()


def _small_training(epochs: int) -> TrainingConfig:
    """A training by likelihood alone."""
    return TrainingConfig(
        epochs=epochs,
        batch=400,
        lr=4e-3,
        lr_step=15,
        lr_gamma=0.6,
        prototype_weight=0.0,
        perturbation=0.0,
        mining=None,
    )
