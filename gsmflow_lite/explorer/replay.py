"""A training as it was watched, to replay it: losses, a quick score, and what was synthesized."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
from jaxtyping import Float, Int

from ..config import Config
from ..datasets.base import GZSLDataset
from ..datasets.statistics import class_means
from ..events import Epoch
from ..generators.base import Generator, ask
from ..progress import loss_text
from ..scores.evaluation import TestLogits
from .pictures import PictureRow, picture_rows
from .scene import Scene, Synthesized

MOST_FRAMES = 60  # of a recording: each holds features
MOST_CLASSES = 8  # that are synthesized on the map: more cannot be told apart
SAMPLES_EACH = 40  # synthesized features of a class
CLASSES_PICTURED = 3  # classes whose synthesized features are shown as pictures
PICTURES_EACH = 4  # of a class: the same noise in all frames
CANDIDATES = 60  # calibrations to try after each epoch; the search must be cheaper than the epoch
HOW_H = (
    "H: nearest class mean; seen classes have their real mean, the others that of 50 synthesized; "
    "best calibration there"
)


# --- A quick score -------------------------------------------------------------------------------


def quick_harmonic(
    generator: Generator,
    fold: GZSLDataset,
    *,
    samples: int = 50,
    seed: int = 0,
) -> float:
    r"""Compute the harmonic mean H, in per cent, of a classifier that needs no training.

    It is the classifier of the nearest class mean,

    .. math:: \hat y(x) = \arg\min_y |x - \mu_y|^2 + \gamma \, [y \text{ seen}]

    with real means of seen classes, and means of ``samples`` synthesized features of the unseen
    ones. The calibration :math:`\gamma` is the best on these very rows, so hand in a validation
    fold and never the test set. The score sees where classes are synthesized, but not how widely
    they spread. What is reported is the softmax classifier of
    :mod:`gsmflow_lite.scores.protocol`.
    """
    means = _class_means(generator, fold, samples, seed)
    seen_rows = _mean_logits(fold, fold.test_seen, means)
    unseen_rows = _mean_logits(fold, fold.test_unseen, means)
    logits = TestLogits(fold, seen_rows, unseen_rows, unseen_rows[:, fold.unseen_classes])
    return logits.scores(logits.best_calibration(CANDIDATES)).harmonic


def _class_means(
    generator: Generator, fold: GZSLDataset, samples: int, seed: int
) -> Float[np.ndarray, "K D"]:
    """Real means of the seen classes, and means of synthesized features of the unseen ones."""
    unseen = fold.unseen_classes
    width = fold.features.shape[1]
    features = ask(generator, fold.attributes[unseen], samples, seed=seed, width=width)

    means = np.empty((len(fold.attributes), width))
    means[fold.seen_classes] = class_means(fold, fold.seen_classes, fold.train)
    means[unseen] = features.cpu().numpy().mean(1)
    return means


def _mean_logits(
    fold: GZSLDataset,
    rows: Int[np.ndarray, " N"],
    means: Float[np.ndarray, "K D"],
) -> Float[np.ndarray, "N K"]:
    """Minus the squared distances to the means, without |x|^2, which all classes have in common."""
    return 2 * fold.features[rows] @ means.T - (means**2).sum(1)


# --- Where a training is looked at ---------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class View:
    """What is trained on, ``problem``, and the ``scene`` in which it is looked at.

    ``classes`` are the numbers in ``problem`` of the classes that are synthesized. The data set of
    the scene may have another preprocessing, and other numbers: there they are ``shown``.
    """

    problem: GZSLDataset
    scene: Scene
    classes: Int[np.ndarray, " M"]
    shown: Int[np.ndarray, " M"]

    @classmethod
    def of(
        cls,
        dataset: GZSLDataset,
        scene: Scene,
        *,
        fold: bool,
    ) -> View:
        """Choose what to train on, and the classes to look at.

        With ``fold``, some seen classes are kept for validation. They play the unseen classes, and
        the training has the other seen classes. Without, it has all seen classes.
        """
        problem = dataset.validation_fold() if fold else dataset
        classes = problem.unseen_classes
        if len(classes) > MOST_CLASSES:
            evenly = np.linspace(0, len(classes) - 1, MOST_CLASSES).round().astype(int)
            classes = classes[evenly]
        # A fold consists of training rows, and numbers the seen classes anew in their order.
        shown = dataset.seen_classes[classes] if fold else classes
        return cls(problem, scene, classes, shown)

    @property
    def names(self) -> list[str]:
        """The names of all classes that play the unseen ones."""
        return [self.problem.class_names[k] for k in self.problem.unseen_classes]

    def ask(
        self,
        generator: Generator,
        *,
        each: int = SAMPLES_EACH,
        seed: int = 0,
    ) -> Synthesized:
        """Synthesize so many features of each class in view, and place them on the maps.

        The arrays belong to nobody else, so training on may change the generator.
        """
        attributes = self.problem.attributes[self.classes]
        width = self.problem.features.shape[1]
        features = ask(generator, attributes, each, seed=seed, width=width).flatten(0, 1)
        return self.scene.place(self.translate(features.cpu().numpy()), self.shown.repeat(each))

    def translate(self, features: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N D"]:
        """Turn features of the problem into those of the scene's data set."""
        ours = self.problem.preprocessing
        theirs = self.scene.dataset.preprocessing
        if ours is theirs:
            return features
        raw = features if ours is None else ours.inverse(features)
        return raw if theirs is None else np.asarray(theirs.transform(raw))


# --- What is kept of it --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Frame:
    """What the model of one epoch synthesizes; epoch 0 is the untrained model."""

    epoch: int
    synthesized: Synthesized


@dataclass(eq=False)
class Recording:
    """A training that grows: every epoch, the loss of some batches, and at most 60 frames.

    ``batches`` are pairs of the place in the training, in epochs, and the loss there.
    """

    view: View
    config: Config
    seed: int
    history: list[Epoch] = field(default_factory=list)
    batches: list[tuple[float, float]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What is trained on, in words."""
        return f"Training on {self.view.problem.name}"

    @property
    def caption(self) -> str:
        """Data, settings, seed, length and the recipe of the map: enough to make it again."""
        scene = self.view.scene
        maps = f"PCA fitted on {scene.real.count} real rows"
        if scene.has_map:
            maps = scene.projection.describe
        return (
            f"{self.view.problem.name}; settings {self.config.name}, seed {self.seed}, "
            f"epoch {len(self.history)} of {self.config.training.epochs}; map: {maps}"
        )

    def pictures(self, frame: Frame) -> list[PictureRow]:
        """Pictures of a few features of the first classes in view, beside a real one of each.

        They come from the same noise in all frames, so they sharpen as the model learns. There are
        none where the data have no pictures.
        """
        classes = self.view.shown[:CLASSES_PICTURED].tolist()
        return picture_rows(self.view.scene, [frame.synthesized], classes, PICTURES_EACH)

    def in_words(self, epoch: int) -> str:
        """Say what happened in an epoch."""
        if not epoch:
            return "epoch 0, untrained"
        event = self.history[epoch - 1]
        score = "" if event.score is None else f", validation H {event.score:.1f} %"
        burst = " (it has burst)" if event.has_burst else ""
        loss = f"{loss_text(event.likelihood)}{burst}"
        return f"epoch {epoch}: negative log-likelihood {loss}{score}"

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """The epochs where a field of them, such as ``likelihood``, is known, and its values."""
        known = {e.epoch: getattr(e, name) for e in self.history if getattr(e, name) is not None}
        return list(known), list(known.values())


def frame_epochs(epochs: int, every: int) -> set[int]:
    """Choose the epochs after which a frame is kept: 0, the last, and every so many between them.

    There are fewer where these would be more than 60.
    """
    step = every * ceil(epochs / (every * (MOST_FRAMES - 2)))
    return {*range(0, epochs, step), epochs}


def extent(
    points: Float[np.ndarray, "N 2"],
    pad: float = 0.08,
) -> tuple[list[float], list[float]]:
    """Find the ranges of x and y around real points, with room on each side.

    They frame a map that must not move with what is synthesized.
    """
    low = points.min(0)
    high = points.max(0)
    room = pad * (high - low) + 1e-9
    x, y = np.stack([low - room, high + room], axis=1).astype(float).tolist()
    return x, y
