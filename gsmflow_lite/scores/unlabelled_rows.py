r"""Unlabelled rows of unseen classes, which tell where these lie: transductive scores.

The model is a mixture of the classes, each of which may be moved in latent space, with
:class:`gsmflow_lite.scores.class_prior.ClassPrior` as the prior of its shift:

.. math:: \sum_i \log \frac1M \sum_c p(x_i \mid a_c, \delta_c) + \sum_c \log N(\delta_c; 0, T)

Expectation and maximisation go in turns, both exact: the responsibility of class c for row i is its
share of the likelihood, and then :math:`\delta_c = (T^{-1} + n_c I)^{-1} \sum_i r_{ic} z_{ic}`. So
the objective never falls (Dempster, Laird and Rubin 1977). For a flow no weight is trained: its map
stays, and its latent Gaussians move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from ..arguments import whole
from ..datasets.base import GZSLDataset
from ..datasets.on_disk import rows_of
from ..errors import DataError
from ..events import Event, Watch
from ..generators.base import ask_density
from ..generators.moved import Invertible, MovedClasses, latents, movable
from ..numerics import memory_in_bytes
from .class_prior import ClassPrior
from .evaluation import TestLogits, likelihood_logits
from .protocol import Candidate, Method, Setting

UNLABELLED_ROWS = "unlabelled rows"  # in a setting
ENOUGH_GAIN = 1e-4  # nats a row: a smaller gain ends the turns
MOST_ROUNDS = 100
MOST_OF_MEMORY = 0.5  # that the latent rows may fill


@dataclass(frozen=True, eq=False)
class Mixture:
    """The generator with its unseen classes moved to unlabelled rows.

    ``objective`` is its value before the first turn and after each, in nats a row: it never falls.
    ``responsibilities`` are the probabilities of the M classes for each row. ``converged`` says
    whether the last turn gained less than ``ENOUGH_GAIN``.
    """

    generator: MovedClasses
    objective: tuple[float, ...]
    responsibilities: Float[np.ndarray, "N M"]
    converged: bool


def with_unlabelled_rows(
    generator: Invertible,
    dataset: GZSLDataset,
    rows: Int[np.ndarray, " N"],
    *,
    prior: ClassPrior | None = None,
    among_all: bool = False,
    rounds: int = MOST_ROUNDS,
) -> Mixture:
    """Move the unseen classes so that ``rows`` become likely, whose labels are not read.

    ``rows`` are of unseen classes. With ``among_all`` they may be of seen ones, too: then these
    take part, and stay where they are. ``prior`` is ``ClassPrior.fit(dataset)`` where it is not
    given. Of N rows, U unseen classes and D features, N U D numbers are held in memory. Raises
    ``DataError`` where they would fill more than half of it.
    """
    rounds = whole(rounds, "rounds", least=0)
    prior = ClassPrior.fit(dataset) if prior is None else prior
    x = torch.from_numpy(rows_of(dataset.features, np.asarray(rows)))
    unseen = dataset.attributes[dataset.unseen_classes]
    _check_memory(len(x), len(unseen), x.shape[1])
    z, start = _latents_of_pairs(generator, x, unseen)
    fixed = np.empty((len(x), 0))
    if among_all:
        seen = torch.from_numpy(dataset.attributes[dataset.seen_classes])
        fixed = ask_density(generator, x, seen).double().cpu().numpy()

    found = turns(z, start, fixed, prior, rounds)
    return Mixture(MovedClasses(generator, unseen, found.shifts), *found.rest)


def _check_memory(rows: int, classes: int, width: int) -> None:
    needed = 4 * rows * classes * width
    memory = memory_in_bytes()
    if memory is not None and needed > MOST_OF_MEMORY * memory:
        raise DataError(
            f"unlabelled rows must fit into half of the memory in the latent space of each unseen "
            f"class, but {rows} rows x {classes} classes x {width} features take "
            f"{needed / 2**30:.1f} GiB of {memory / 2**30:.1f}: give fewer rows"
        )


def _latents_of_pairs(
    generator: Invertible, x: torch.Tensor, attributes: Float[np.ndarray, "M A"]
) -> tuple[Float[np.ndarray, "M N D"], Float[np.ndarray, "N M"]]:
    """Where rows lie in the latent space of each class, and their log-densities there."""
    z = np.empty((len(attributes), len(x), x.shape[1]), np.float32)
    densities = np.empty((len(x), len(attributes)))
    constant = x.shape[1] * np.log(2 * np.pi) / 2
    for place, description in enumerate(attributes):
        of_class, log_det = latents(generator, x, description)
        z[place] = of_class.numpy()
        squares = of_class.double().square().sum(1)
        densities[:, place] = (log_det.double() - squares / 2).numpy() - constant
    return z, densities


@dataclass(frozen=True, eq=False)
class Turns:
    """What the turns of :func:`turns` ended with."""

    shifts: Float[np.ndarray, "M D"]
    rest: tuple[tuple[float, ...], Float[np.ndarray, "N M"], bool]


def turns(
    z: Float[np.ndarray, "M N D"],
    start: Float[np.ndarray, "N M"],
    fixed: Float[np.ndarray, "N F"],
    prior: ClassPrior,
    rounds: int,
) -> Turns:
    """Go through expectation and maximisation, until a turn gains nothing, or ``rounds`` times.

    ``z`` are the rows in the latent space of each of M classes that may move, ``start`` their
    log-densities with no shift. ``fixed`` are those in F classes that do not move.
    """
    from scipy.special import logsumexp  # slow to import

    classes = len(z) + fixed.shape[1]
    shifts = np.zeros((len(z), z.shape[2]))
    objective: list[float] = []
    while True:
        moved = start + _gains(z, shifts)
        joint = np.hstack([moved, fixed])
        total = logsumexp(joint, axis=1)
        value = (total.sum() - prior.cost(shifts)) / len(joint) - np.log(classes)
        converged = bool(objective and value - objective[-1] < ENOUGH_GAIN)
        objective.append(float(value))
        responsibilities = np.exp(moved - total[:, None])
        if converged or len(objective) > rounds:
            return Turns(shifts, (tuple(objective), responsibilities, converged))
        weights = responsibilities.astype(z.dtype)
        sums = np.stack([w @ of_class for w, of_class in zip(weights.T, z, strict=True)])
        shifts = prior.expected(sums.astype(np.float64), responsibilities.sum(0))


def _gains(
    z: Float[np.ndarray, "M N D"], shifts: Float[np.ndarray, "M D"]
) -> Float[np.ndarray, "N M"]:
    """By how much a shift changes the log-density of each row in its class."""
    along = [of_class @ shift for of_class, shift in zip(z, shifts, strict=True)]
    return np.stack(along, axis=1) - (shifts**2).sum(1) / 2


# --- Chosen and scored as everything else --------------------------------------------------------


def transductive(method: Method) -> Method:
    """A method of :mod:`gsmflow_lite.scores.protocol` that reads the test rows without labels.

    Each of its generators is offered once, with its likelihood as the classifier. For T1, the rows
    are those of the unseen classes; for all other scores, all test rows, among all classes.
    """

    def wrapped(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Event | Candidate]:
        prior = ClassPrior.fit(dataset)
        done = set()
        for item in method(dataset, seed, chosen):
            if not isinstance(item, Candidate):
                yield item
                continue
            kept = ("epoch", "classifier")
            named = tuple(one for one in item.setting if one[0] in kept)
            setting = (*named, (UNLABELLED_ROWS, "test rows"))
            if "likelihood" in dict(named).values() and setting not in done:
                done.add(setting)
                generator = movable(item.generator)
                yield Candidate(setting, _judge(generator, dataset, prior), generator)

    return wrapped


def _judge(
    generator: Invertible, dataset: GZSLDataset, prior: ClassPrior
) -> Callable[[Watch], TestLogits]:
    return lambda watch: _logits(generator, dataset, prior)


def _logits(generator: Invertible, dataset: GZSLDataset, prior: ClassPrior) -> TestLogits:
    unseen = with_unlabelled_rows(generator, dataset, dataset.test_unseen, prior=prior)
    every = np.concatenate([dataset.test_seen, dataset.test_unseen])
    joint = with_unlabelled_rows(generator, dataset, every, prior=prior, among_all=True)
    logits = likelihood_logits(joint.generator, dataset)
    zsl = np.log(np.maximum(unseen.responsibilities, 1e-300)).astype(np.float32)
    return TestLogits(dataset, logits.joint_seen, logits.joint_unseen, zsl)
