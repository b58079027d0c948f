"""Scores of generalized zero-shot learning, from what a classifier says of the test rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from ..config import ClassifierConfig
from ..datasets.base import GZSLDataset
from ..datasets.on_disk import in_chunks
from ..events import Stage, Step, Watch
from ..generators.base import ExactDensity, Generator, ask, ask_density
from .classifier import SoftmaxClassifier
from .few_rows import copies, few_of_each

JUDGED_AT_ONCE = 1024  # rows between two events

# --- Scores ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class GZSLScores:
    """Means of per-class accuracies, in per cent.

    In ``seen`` and ``unseen`` all classes compete; ``harmonic`` is their harmonic mean
    2SU / (S + U). In ``zsl`` (T1) only the unseen classes compete for the unseen rows. ``ausuc`` is
    the area under the curve of seen over unseen accuracy, which needs no calibration.
    """

    seen: float
    unseen: float
    harmonic: float
    zsl: float
    ausuc: float

    @classmethod
    def of(cls, seen: float, unseen: float, zsl: float, ausuc: float) -> GZSLScores:
        """The scores of three accuracies and an area, in per cent."""
        total = seen + unseen
        harmonic = 2 * seen * unseen / total if total else 0.0
        return cls(seen, unseen, harmonic, zsl, ausuc)

    def __str__(self) -> str:
        return (
            f"S {self.seen:.1f}  U {self.unseen:.1f}  H {self.harmonic:.1f}  "
            f"T1 {self.zsl:.1f}  AUSUC {self.ausuc:.1f}"
        )


def per_class_accuracy(
    truth: Shaped[np.ndarray, " N"], predicted: Shaped[np.ndarray, " N"]
) -> Float[np.ndarray, " K"]:
    """Share of right predictions of each class that occurs in ``truth``, classes ascending."""
    classes, index, counts = np.unique(truth, return_inverse=True, return_counts=True)
    return np.bincount(index, weights=truth == predicted, minlength=len(classes)) / counts


def _mean_accuracy(truth: Int[np.ndarray, " N"], predicted: Int[np.ndarray, " N"]) -> float:
    return float(100 * per_class_accuracy(truth, predicted).mean())


@dataclass(frozen=True, eq=False)
class _Contest:
    """Test rows between their best seen and their best unseen class.

    ``lead`` is by how much the logit of the best seen class is larger.
    """

    truth: Int[np.ndarray, " n"]
    best_seen: Int[np.ndarray, " n"]
    best_unseen: Int[np.ndarray, " n"]
    lead: Float[np.ndarray, " n"]

    @classmethod
    def of(
        cls, dataset: GZSLDataset, rows: Int[np.ndarray, " n"], logits: Float[np.ndarray, "n K"]
    ) -> _Contest:
        of_seen = logits[:, dataset.seen_classes]
        of_unseen = logits[:, dataset.unseen_classes]
        return cls(
            truth=dataset.labels[rows],
            best_seen=dataset.seen_classes[of_seen.argmax(1)],
            best_unseen=dataset.unseen_classes[of_unseen.argmax(1)],
            lead=of_seen.max(1) - of_unseen.max(1),
        )

    def accuracies(self, calibrations: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        """Mean per-class accuracy in per cent where a seen class needs a larger lead to win."""
        right_as_unseen = self._weight_at_most(calibrations, self.best_unseen == self.truth)
        return 100 * (self.right_as_seen(calibrations) + right_as_unseen)

    def right_as_seen(self, calibrations: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        """Weight of the rows whose best seen class is right, and wins."""
        right = self.best_seen == self.truth
        return self._weight_at_most(np.inf, right) - self._weight_at_most(calibrations, right)

    def _weight_at_most(
        self, leads: Float[np.ndarray, " C"] | float, counted: Bool[np.ndarray, " n"]
    ) -> Float[np.ndarray, " C"]:
        """Weight of the counted rows whose lead is at most so much."""
        order = np.argsort(self.lead[counted])
        weights = np.concatenate([[0.0], np.cumsum(self.weight[counted][order])])
        return weights[np.searchsorted(self.lead[counted][order], leads, side="right")]

    @property
    def weight(self) -> Float[np.ndarray, " n"]:
        """What each row counts in a mean of per-class accuracies."""
        classes, index, counts = np.unique(self.truth, return_inverse=True, return_counts=True)
        return 1 / (counts[index] * len(classes))


@dataclass(frozen=True, eq=False)
class TestLogits:
    """What a classifier says of the test rows.

    Higher means more likely. Columns are the K classes of ``dataset``, all of which compete in
    ``joint_seen`` and ``joint_unseen``; only the U unseen ones compete in ``zsl``.
    """

    dataset: GZSLDataset
    joint_seen: Float[np.ndarray, "n K"]
    joint_unseen: Float[np.ndarray, "m K"]
    zsl: Float[np.ndarray, "m U"]

    @cached_property
    def _of_seen(self) -> _Contest:
        return _Contest.of(self.dataset, self.dataset.test_seen, self.joint_seen)

    @cached_property
    def _of_unseen(self) -> _Contest:
        return _Contest.of(self.dataset, self.dataset.test_unseen, self.joint_unseen)

    def accuracies(self, calibrations: Float[np.ndarray, " C"]) -> Float[np.ndarray, "2 C"]:
        """Accuracies in per cent of seen, then of unseen rows, at each of the calibrations."""
        contests = (self._of_seen, self._of_unseen)
        return np.stack([contest.accuracies(calibrations) for contest in contests])

    def scores(self, calibration: float = 0.0) -> GZSLScores:
        """Scores after ``calibration`` has been subtracted from every seen class.

        Reference: calibrated stacking, Chao et al. (2016).
        """
        (seen,), (unseen,) = self.accuracies(np.array([calibration])).tolist()
        zsl_answers = self.dataset.unseen_classes[self.zsl.argmax(1)]
        zsl = _mean_accuracy(self._of_unseen.truth, zsl_answers)
        return GZSLScores.of(seen, unseen, zsl, self.ausuc)

    @cached_property
    def ausuc(self) -> float:
        """The area under the curve of seen over unseen accuracy, in per cent of the whole square.

        A point of the curve is a calibration. So the area is the weight of all pairs of a seen and
        an unseen row that one calibration gets right. Reference: Chao et al. (2016), sec. 4.
        """
        unseen = self._of_unseen
        right = unseen.best_unseen == unseen.truth
        return float(100 * (unseen.weight[right] @ self._of_seen.right_as_seen(unseen.lead[right])))

    @property
    def leads(self) -> Float[np.ndarray, " N"]:
        """The lead of the best seen over the best unseen class: of seen rows, then unseen ones."""
        return np.concatenate([self._of_seen.lead, self._of_unseen.lead])

    def best_calibration(self, most: int = 200) -> float:
        """The calibration with the highest harmonic mean on *these* rows.

        Call it on a validation fold, never on the test set. It tries ``most`` quantiles of the
        leads, so the scale of the logits does not matter.
        """
        candidates = np.quantile(self.leads, np.linspace(0, 1, most))
        seen, unseen = self.accuracies(candidates)
        harmonic = 2 * seen * unseen / np.maximum(seen + unseen, 1e-9)
        best = candidates[harmonic >= harmonic.max() - 1e-9]
        return float(best[len(best) // 2])  # the middle of a plateau is safer than its edge


# --- Classifiers -----------------------------------------------------------------------------


def softmax_logits(
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    *,
    seed: int = 0,
    temperature: float = 1.0,
) -> TestLogits:
    """Train a softmax on real seen and synthesized unseen rows, and classify the test rows.

    At most ``config.rows`` different rows of a class are held in memory. Where a class has more
    real rows, or is to have more synthesized ones (``config.samples``), some count several times.
    """
    rows = _classifier_rows(generator, dataset, config, seed, temperature)
    unseen = rows.of_unseen_classes()
    joint = SoftmaxClassifier.fit(rows.x, rows.y, config, times=rows.times, seed=seed)
    zsl = SoftmaxClassifier.fit(unseen.x, unseen.y, config, times=unseen.times, seed=seed)
    return TestLogits(
        dataset,
        _logits_of(joint, dataset, dataset.test_seen),
        _logits_of(joint, dataset, dataset.test_unseen),
        _logits_of(zsl, dataset, dataset.test_unseen),
    )


@dataclass(frozen=True, eq=False)
class _ClassifierRows:
    """Rows x of classes y that count ``times``; the first ``seen`` of them are real."""

    x: Float[Tensor, "N D"]
    y: Int[Tensor, " N"]
    times: Int[Tensor, " N"]
    seen: int

    def of_unseen_classes(self) -> _ClassifierRows:
        return _ClassifierRows(self.x[self.seen :], self.y[self.seen :], self.times[self.seen :], 0)


def _classifier_rows(
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    seed: int,
    temperature: float,
) -> _ClassifierRows:
    unseen = dataset.unseen_classes
    each = min(config.samples, config.rows)
    labels = dataset.labels[dataset.train]
    kept, real_times = few_of_each(labels, config.rows, seed)
    times_of_one_class = copies(np.arange(each), config.samples, each)

    synthesized = ask(
        generator,
        dataset.attributes[unseen],
        each,
        temperature=temperature,
        seed=seed,
        width=dataset.features.shape[1],
        names=[dataset.class_names[k] for k in unseen],
    )
    x = _real_then_synthesized(dataset, dataset.train[kept], synthesized.flatten(0, 1))
    y = np.concatenate([labels[kept], np.repeat(unseen, each)])
    times = np.concatenate([real_times, np.tile(times_of_one_class, len(unseen))])
    return _ClassifierRows(
        x, torch.from_numpy(y).to(x.device), torch.from_numpy(times).to(x.device), len(kept)
    )


def _real_then_synthesized(
    dataset: GZSLDataset, rows: Int[np.ndarray, " n"], synthesized: Float[Tensor, "m D"]
) -> Float[Tensor, "N D"]:
    """Both parts in one matrix; the real one is read a block at a time, to save memory."""
    x = synthesized.new_empty(len(rows) + len(synthesized), synthesized.shape[1])
    x[len(rows) :] = synthesized
    for places, block in in_chunks(dataset.features, rows):
        x[places] = torch.from_numpy(block).to(x)
    return x


def _logits_of(
    classifier: SoftmaxClassifier, dataset: GZSLDataset, rows: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n K"]:
    """Logits of ``rows``, a block at a time."""
    logits = []
    for _, block in in_chunks(dataset.features, rows):
        x = torch.from_numpy(block).to(classifier.weight)
        logits.append(classifier.logits(x).cpu().numpy())
    return np.concatenate(logits)


def likelihood_logits(
    density: ExactDensity, dataset: GZSLDataset, *, watch: Watch = lambda event: None
) -> TestLogits:
    """A density as the classifier: log p(x | a_c) in nats.

    It learns nothing from the classes that it tells apart. Rows are read and judged a block at a
    time, so the memory is bounded by the table of rows and classes. ``watch`` is called with
    events.
    """
    attributes = torch.from_numpy(dataset.attributes)
    rows = np.concatenate([dataset.test_seen, dataset.test_unseen])
    log_densities = np.empty((len(rows), len(attributes)), np.float32)
    watch(Stage("likelihood", len(rows)))
    for first in range(0, len(rows), JUDGED_AT_ONCE):
        part = slice(first, min(first + JUDGED_AT_ONCE, len(rows)))
        x = torch.from_numpy(dataset.features[rows[part]])
        log_densities[part] = ask_density(density, x, attributes).cpu().numpy()
        watch(Step("likelihood", part.stop, len(rows)))

    seen, unseen = np.split(log_densities, [len(dataset.test_seen)])
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])
