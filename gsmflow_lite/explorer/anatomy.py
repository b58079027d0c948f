"""A flow in two dimensions, taken apart: where points are after each half of a block, and a density that can be checked.

Everything here needs a model of two features: :func:`world_flow` trains one in seconds. ``anatomy_figures`` draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..config import ModelConfig, TrainingConfig
from ..datasets import CrescentWorld, GZSLDataset, crescent_world
from ..errors import ConfigError, DataError
from ..events import Event
from ..method.flow import AffineCoupling
from ..method.model import GSMFlow
from ..method.start import NoStart
from ..method.training import fit, new_model

Box = tuple[float, float, float, float]  # left, right, bottom, top
SHARES = (
    0.5,
    0.9,
    0.99,
)  # of the probability: what the curves of a density and the circles of the noise enclose


# --- The way of points through a model -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Journey:
    """Where points are after each move of a model; a move is the start, or half of a coupling block.

    ``names`` (S,) say how the points came to each of their places ``points`` (S, N, 2); ``log_dets`` (S, N) is what each move
    added to the log-determinant, in nats; 0 at the start. ``towards`` is ``noise`` or ``data``.
    """

    names: tuple[str, ...]
    points: np.ndarray
    log_dets: np.ndarray
    towards: str

    def __len__(self) -> int:
        return len(self.names)


def to_noise(model: GSMFlow, x, attributes) -> Journey:
    """The journey of features x (N, 2) of one class, described by ``attributes`` (1, A), to the noise that the model makes.

    With B blocks it has 2 B + 1 places, one more with a start. Rows that are NaN stay NaN, so :func:`grid_lines` can travel.
    Raises ``DataError`` for points that are not in two dimensions, or more than one class.
    """
    return _journey(model, x, attributes, _moves, ("data", "noise"))


def to_data(model: GSMFlow, z, attributes) -> Journey:
    """The way back, of noise z (N, 2) to features: the same places in reverse order, each move undone.

    Raises ``DataError`` as :func:`to_noise` does.
    """
    return _journey(model, z, attributes, _moves_back, ("noise", "data"))


Move = tuple[
    str, Tensor, Tensor
]  # its name, where the points are then, and what it added to the log-determinant


@torch.no_grad()
def _journey(model: GSMFlow, x, attributes, moves, ends: tuple[str, str]) -> Journey:
    own = next(model.parameters())
    x, attributes = (torch.as_tensor(values).to(own) for values in (x, attributes))
    if model.features != 2 or x.ndim != 2 or x.shape[1] != 2:
        raise DataError(
            f"points must be (N, 2) and of a model of 2 features, got shape {tuple(x.shape)} and {model.features} features: "
            "try world_flow()"
        )
    if len(attributes) != 1:
        raise DataError(
            f"attributes must describe one class, (1, A), got shape {tuple(attributes.shape)}: take one row"
        )
    names, places, log_dets = zip(
        (ends[0], x, x.new_zeros(len(x))), *moves(model, x, attributes), strict=True
    )
    return Journey(
        names, *(torch.stack(parts).cpu().numpy() for parts in (places, log_dets)), ends[1]
    )


def _moves(model: GSMFlow, x: Tensor, attributes: Tensor) -> Iterator[Move]:
    if not isinstance(model.start, NoStart):
        x, log_det = model.start(x, attributes)
        yield "start, centred and scaled", x, log_det
    for i, block, c1, c2 in _blocks(model, attributes):
        x1, x2 = x.split(block.sizes, dim=1)
        y1, log_det = block.move(x1, block.net2(x2, c2))
        yield f"block {i}, sideways", torch.cat([y1, x2], dim=1), log_det
        y2, log_det = block.move(x2, block.net1(y1, c1))
        x = torch.cat([y1, y2], dim=1)
        yield f"block {i}, up and down", x, log_det


def _moves_back(model: GSMFlow, z: Tensor, attributes: Tensor) -> Iterator[Move]:
    for i, block, c1, c2 in reversed(_blocks(model, attributes)):
        y1, y2 = z.split(block.sizes, dim=1)
        x2, log_det = block.move_back(y2, block.net1(y1, c1))
        yield f"block {i} undone, up and down", torch.cat([y1, x2], dim=1), log_det
        x1, log_det = block.move_back(y1, block.net2(x2, c2))
        z = torch.cat([x1, x2], dim=1)
        yield f"block {i} undone, sideways", z, log_det
    if not isinstance(model.start, NoStart):
        yield "start undone, in its place", *model.start.inverse(z, attributes)


def _blocks(model: GSMFlow, attributes: Tensor) -> list[tuple[int, AffineCoupling, Tensor, Tensor]]:
    """Each block with its number from 1 and the conditions of its two networks."""
    c = model.flow.condition(model.embed(attributes))
    return [(i + 1, block, c[2 * i], c[2 * i + 1]) for i, block in enumerate(model.flow.blocks)]


# --- Squares, grids, densities ---------------------------------------------------------------------------------------


def box_around(points: np.ndarray, room: float = 0.15) -> Box:
    """A square around ``points`` (..., 2), wider than they are by the share ``room`` on each side."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    middle, half = (low + high) / 2, (0.5 + room) * ((high - low).max() or 1.0)
    return tuple(
        float(v) for v in (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
    )


def grid_lines(box: Box, lines: int = 13, detail: int = 60) -> np.ndarray:
    """``lines`` upright and as many level lines over a box, of ``detail`` points each: (2 * lines * (detail + 1), 2).

    A row of NaN ends each line, so the grid is drawn as one curve and travels through a model as one set of points. Raises
    ``ConfigError`` for an empty box, or fewer than 2 lines or points.
    """
    left, right, bottom, top = _checked(box)
    if lines < 2 or detail < 2:
        raise ConfigError(f"lines and detail must be at least 2, got {lines} and {detail}")
    fixed, running = np.linspace(0, 1, lines), np.append(np.linspace(0, 1, detail), np.nan)
    across, along = (part.ravel() for part in np.meshgrid(fixed, running, indexing="ij"))
    across = np.where(np.isnan(along), np.nan, across)
    unit = np.vstack([np.stack([across, along], axis=1), np.stack([along, across], axis=1)])
    return unit * (right - left, top - bottom) + (left, bottom)


class _Source(Protocol):
    def log_prob(self, features: Any, which: Any) -> Any: ...


@dataclass(frozen=True, eq=False)
class Density:
    """A density on the cells of a box: ``values`` (n, n) at their centres, from the bottom row up, per unit of area."""

    values: np.ndarray
    box: Box

    @property
    def x(self) -> np.ndarray:
        """Centres of the cells from left to right, (n,)."""
        return _centres(self.box[0], self.box[1], self.values.shape[1])

    @property
    def y(self) -> np.ndarray:
        """Centres of the cells from the bottom up, (n,)."""
        return _centres(self.box[2], self.box[3], self.values.shape[0])

    @property
    def mass(self) -> float:
        """Its integral over the box by the midpoint rule: about 1 if the box holds all of it and the cells are fine enough."""
        left, right, bottom, top = self.box
        return float(self.values.mean() * (right - left) * (top - bottom))

    def level(self, share: float) -> float:
        """The value that is exceeded on the smallest region which holds this share of what is in the box.

        Raises ``ConfigError`` unless it lies between 0 and 1.
        """
        if not 0 < share < 1:
            raise ConfigError(f"a share must lie between 0 and 1, got {share}")
        falling = np.sort(self.values, axis=None)[::-1]
        return float(falling[np.searchsorted(falling.cumsum(), share * falling.sum())])

    def lines(self, shares: Iterable[float] = SHARES) -> np.ndarray:
        """The borders of these regions as one curve (M, 2), a row of NaN after each piece."""
        from contourpy import contour_generator  # comes with matplotlib

        draw = contour_generator(self.x, self.y, self.values)
        pieces = [piece for share in shares for piece in draw.lines(self.level(share))]
        return _curve(pieces)


def density(source: _Source, which, box: Box, cells: int = 200) -> Density:
    """The exact density of one class on ``cells`` x ``cells`` cells of a box.

    ``source`` is a model, and ``which`` the attributes (1, A) of the class; or a world, and ``which`` the number of the class.
    Raises ``ConfigError`` for an empty box or fewer than 2 cells, ``DataError`` for more than one class.
    """
    if cells < 2:
        raise ConfigError(f"cells must be at least 2, got {cells}")
    left, right, bottom, top = _checked(box)
    centres = np.meshgrid(_centres(left, right, cells), _centres(bottom, top, cells))
    log_prob = (
        torch.as_tensor(source.log_prob(np.stack(centres, axis=-1).reshape(-1, 2), which))
        .double()
        .cpu()
        .numpy()
    )
    if log_prob.size != cells**2:
        raise DataError(
            f"a density must be of one class, got {log_prob.size // cells**2}: take one row of attributes"
        )
    return Density(np.exp(log_prob).reshape(cells, cells), (left, right, bottom, top))


def _centres(start: float, end: float, cells: int) -> np.ndarray:
    return start + (np.arange(cells) + 0.5) * (end - start) / cells


def _checked(box: Box) -> Box:
    left, right, bottom, top = map(float, box)
    if not (left < right and bottom < top and np.isfinite([left, right, bottom, top]).all()):
        raise ConfigError(
            f"a box must be (left, right, bottom, top) with left < right and bottom < top, got {tuple(box)}"
        )
    return left, right, bottom, top


def _curve(pieces: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for piece in pieces for part in (piece, gap)]) if pieces else gap


def normal_circles(shares: Iterable[float] = SHARES) -> np.ndarray:
    r"""Circles (M, 2) that hold these shares of a standard normal in the plane, of radius :math:`\sqrt{-2 \log(1 - p)}`."""
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _curve([np.sqrt(-2 * np.log1p(-share)) * circle for share in shares])


# --- A flow to take apart --------------------------------------------------------------------------------------------


def world_flow(
    seed: int = 0, *, epochs: int = 100, watch: Callable[[Event], None] | None = None
) -> tuple[CrescentWorld, GSMFlow]:
    """A :func:`gsmflow_lite.datasets.crescent_world` and a :func:`small_flow` for it."""
    world = crescent_world(seed=seed)
    return world, small_flow(world.dataset, seed, epochs=epochs, watch=watch)


def small_flow(
    dataset: GZSLDataset,
    seed: int = 0,
    *,
    epochs: int = 100,
    watch: Callable[[Event], None] | None = None,
) -> GSMFlow:
    """A flow of three blocks, trained on the seen classes in a few seconds on one thread of a CPU.

    With ``epochs`` 0 it is untrained: a Gaussian in its start, and blocks close to the identity. ``watch`` gets every event.
    """
    shape = ModelConfig(
        blocks=3,
        hidden=48,
        relative_positioning=False,
        scale_attributes=True,
        start="ridge-gaussian",
    )
    model = new_model(dataset, shape, seed=seed)
    if epochs:
        bare = TrainingConfig(
            epochs=epochs,
            batch=400,
            lr=4e-3,
            lr_step=15,
            lr_gamma=0.6,
            prototype_weight=0.0,
            perturbation=0.0,
            mining=None,
        )
        for event in fit(model, dataset, bare, seed=seed, device="cpu"):
            if watch is not None:
                watch(event)
    return model.eval()
