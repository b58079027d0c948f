"""Scores of generalized zero-shot learning, and what a classifier, or the flow itself, says of the test rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .classifier import SoftmaxClassifier
from .config import ClassifierConfig
from .datasets.base import GZSLDataset
from .generators import Generator
from .model import ROWS_AT_ONCE, GSMFlow


@dataclass(frozen=True)
class GZSLScores:
    """Means of per-class accuracies, in per cent.

    ``seen`` and ``unseen`` when every class competes, ``harmonic`` their harmonic mean 2SU / (S + U), and ``zsl`` (T1) of
    unseen rows when only unseen classes compete.
    """

    seen: float
    unseen: float
    harmonic: float
    zsl: float

    @classmethod
    def of(cls, seen: float, unseen: float, zsl: float) -> GZSLScores:
        total = seen + unseen
        return cls(seen, unseen, 2 * seen * unseen / total if total else 0.0, zsl)

    def __str__(self) -> str:
        return f"S {self.seen:.1f}  U {self.unseen:.1f}  H {self.harmonic:.1f}  T1 {self.zsl:.1f}"


def per_class_accuracy(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of right predictions for each class that occurs in ``truth``, ascending by class; both (N,)."""
    classes, index, counts = np.unique(truth, return_inverse=True, return_counts=True)
    return np.bincount(index, weights=truth == predicted, minlength=len(classes)) / counts


@dataclass(frozen=True, eq=False)
class TestLogits:
    """What a classifier says of the test rows: higher means more likely, columns are the classes of ``dataset``.

    ``joint_seen`` (n, K) and ``joint_unseen`` (m, K) with all classes competing; ``zsl`` (m, U) with the unseen ones only.
    """

    dataset: GZSLDataset
    joint_seen: np.ndarray
    joint_unseen: np.ndarray
    zsl: np.ndarray

    @cached_property
    def _contests(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """For seen and for unseen rows: the truth, the best seen class, the best unseen class, and the former's lead."""
        d, contests = self.dataset, []
        for logits, rows in ((self.joint_seen, d.test_seen), (self.joint_unseen, d.test_unseen)):
            of_seen, of_unseen = logits[:, d.seen_classes], logits[:, d.unseen_classes]
            best = d.seen_classes[of_seen.argmax(1)], d.unseen_classes[of_unseen.argmax(1)]
            contests.append((d.labels[rows], *best, of_seen.max(1) - of_unseen.max(1)))
        return contests

    def scores(self, calibration: float = 0.0) -> GZSLScores:
        """Scores after ``calibration`` has been subtracted from every seen class (calibrated stacking, Chao et al. 2016)."""
        d = self.dataset
        seen, unseen = (
            100 * per_class_accuracy(truth, np.where(lead > calibration, best_seen, best_unseen)).mean()
            for truth, best_seen, best_unseen, lead in self._contests
        )
        zsl = 100 * per_class_accuracy(d.labels[d.test_unseen], d.unseen_classes[self.zsl.argmax(1)]).mean()
        return GZSLScores.of(float(seen), float(unseen), float(zsl))

    def best_calibration(self, most: int = 200) -> float:
        """The calibration with the highest harmonic mean *on these rows*: hand in a validation fold, never the test set.

        Candidates are quantiles of the lead of the best seen over the best unseen class, so the scale of the logits does
        not matter.
        """
        leads = np.concatenate([lead for *_, lead in self._contests])
        candidates = np.quantile(leads, np.linspace(0, 1, most))
        harmonic = np.array([self.scores(c).harmonic for c in candidates])
        best = candidates[harmonic >= harmonic.max() - 1e-9]
        return float(best[len(best) // 2])  # the middle of a plateau is safer than its edge


def softmax_logits(
    generator: Generator, dataset: GZSLDataset, config: ClassifierConfig, *, seed: int = 0, temperature: float = 1.0
) -> TestLogits:
    """Train on real seen and synthesised unseen rows, and classify the test rows.

    At most ``config.rows`` different rows a class are synthesised, all in memory once; to make ``config.samples`` of them,
    each counts several times.
    """
    made = min(config.samples, config.rows)
    x, y = _training_rows(generator, dataset, made, seed=seed, temperature=temperature)
    real, times = len(dataset.train), torch.ones_like(y)
    copies = torch.full((made,), config.samples // made)
    copies[: config.samples % made] += 1
    times[real:] = copies.repeat(len(dataset.unseen_classes)).to(y)
    joint = SoftmaxClassifier.fit(x, y, config, times=times, seed=seed)
    alone = SoftmaxClassifier.fit(x[real:], y[real:], config, times=times[real:], seed=seed)
    seen, unseen = (_on_rows(joint, dataset, index, x) for index in (dataset.test_seen, dataset.test_unseen))
    return TestLogits(dataset, seen, unseen, _on_rows(alone, dataset, dataset.test_unseen, x))


def _training_rows(
    generator: Generator, dataset: GZSLDataset, made: int, *, seed: int, temperature: float
) -> tuple[Tensor, Tensor]:
    """Real training rows, then ``made`` of each unseen class, in one matrix (N, D); their class numbers (N,)."""
    unseen = torch.from_numpy(dataset.attributes[dataset.unseen_classes])
    fake = torch.as_tensor(generator.synthesize(unseen, made, temperature=temperature, seed=seed)).flatten(0, 1)
    real = torch.from_numpy(dataset.features[dataset.train])
    labels = np.concatenate([dataset.labels[dataset.train], np.repeat(dataset.unseen_classes, made)])
    return torch.cat([real.to(fake), fake]), torch.from_numpy(labels).to(fake.device)


def _on_rows(classifier: SoftmaxClassifier, dataset: GZSLDataset, index: np.ndarray, like: Tensor) -> np.ndarray:
    """Logits (n, K) of the rows ``index`` (n,), some at a time."""
    parts = np.array_split(index, max(1, len(index) // ROWS_AT_ONCE))
    return np.concatenate(
        [classifier.logits(torch.from_numpy(dataset.features[part]).to(like)).cpu().numpy() for part in parts]
    )


def likelihood_logits(model: GSMFlow, dataset: GZSLDataset) -> TestLogits:
    """The flow itself as the classifier: log p(x | a_c) in nats. It learns nothing from the classes it is to tell apart."""
    attributes = torch.from_numpy(dataset.attributes)
    rows = (torch.from_numpy(dataset.features[index]) for index in (dataset.test_seen, dataset.test_unseen))
    seen, unseen = (model.log_prob(x, attributes).cpu().numpy() for x in rows)
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])


def eszsl_logits(dataset: GZSLDataset, feature_penalty: float, attribute_penalty: float) -> TestLogits:
    r"""ESZSL, the closed-form bilinear baseline: scores :math:`x^T V a` with

    .. math:: V = (X^T X + \gamma I)^{-1} X^T Y S (S^T S + \lambda I)^{-1}

    X (n, D) training features, Y (n, S) in {-1, 1}, S (S, A) attributes of the seen classes; the penalties :math:`\gamma`
    and :math:`\lambda` are relative to the mean eigenvalue of what they are added to. Romera-Paredes & Torr (2015), eq. 4.
    """
    x = dataset.features[dataset.train].astype(np.float64)
    seen = dataset.attributes[dataset.seen_classes].astype(np.float64)
    y = np.where(dataset.labels[dataset.train][:, None] == dataset.seen_classes, 1.0, -1.0)
    left, right = x.T @ x, seen.T @ seen
    for gram, penalty in ((left, feature_penalty), (right, attribute_penalty)):
        gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    v = np.linalg.solve(left, x.T @ y @ seen) @ np.linalg.inv(right)
    v_a = (v @ dataset.attributes.T.astype(np.float64)).astype(np.float32)
    logits = [dataset.features[index] @ v_a for index in (dataset.test_seen, dataset.test_unseen)]
    return TestLogits(dataset, *logits, logits[1][:, dataset.unseen_classes])
