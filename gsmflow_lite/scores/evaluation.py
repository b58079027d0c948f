"""Scores of generalized zero-shot learning, and what a classifier, or the flow itself, says of the test rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..config import ClassifierConfig
from ..datasets.base import GZSLDataset
from ..datasets.on_disk import in_chunks
from ..generators.base import Generator, ask
from ..method.model import GSMFlow
from ..seeds import stream
from .classifier import SoftmaxClassifier


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
        """From the three accuracies, in per cent."""
        total = seen + unseen
        return cls(seen, unseen, 2 * seen * unseen / total if total else 0.0, zsl)

    def __str__(self) -> str:
        return f"S {self.seen:.1f}  U {self.unseen:.1f}  H {self.harmonic:.1f}  T1 {self.zsl:.1f}"


def per_class_accuracy(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of right predictions of each class that occurs in ``truth`` (N,), ascending: (K,); ``predicted`` is (N,), too."""
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
            100
            * per_class_accuracy(truth, np.where(lead > calibration, best_seen, best_unseen)).mean()
            for truth, best_seen, best_unseen, lead in self._contests
        )
        zsl = (
            100
            * per_class_accuracy(
                d.labels[d.test_unseen], d.unseen_classes[self.zsl.argmax(1)]
            ).mean()
        )
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
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    *,
    seed: int = 0,
    temperature: float = 1.0,
) -> TestLogits:
    """Train on real seen and synthesized unseen rows, and classify the test rows.

    At most ``config.rows`` different rows of a class are held, real or synthesized. Those of a class that has more of them,
    or is to have ``config.samples``, count several times.
    """
    made = min(config.samples, config.rows)
    picked, counts = _few_of_each(dataset.labels[dataset.train], config.rows, seed)
    asked, width = dataset.attributes[dataset.unseen_classes], dataset.features.shape[1]
    names = [dataset.class_names[k] for k in dataset.unseen_classes]
    fake = ask(
        generator, asked, made, temperature=temperature, seed=seed, width=width, names=names
    ).flatten(0, 1)
    first = len(picked)
    x = fake.new_empty(
        first + len(fake), fake.shape[1]
    )  # filled in turn: both parts beside it would be as much again
    x[first:] = fake
    del fake
    for places, rows in in_chunks(dataset.features, dataset.train[picked]):
        x[places] = torch.from_numpy(rows).to(x)
    y = np.concatenate(
        [dataset.labels[dataset.train[picked]], np.repeat(dataset.unseen_classes, made)]
    )
    y = torch.from_numpy(y).to(x.device)
    copies = np.tile(_copies(np.arange(made), config.samples, made), len(asked))
    times = torch.from_numpy(np.concatenate([counts, copies])).to(x.device)
    joint = SoftmaxClassifier.fit(x, y, config, times=times, seed=seed)
    alone = SoftmaxClassifier.fit(x[first:], y[first:], config, times=times[first:], seed=seed)
    seen, unseen = (
        _on_rows(joint, dataset, index, x) for index in (dataset.test_seen, dataset.test_unseen)
    )
    return TestLogits(dataset, seen, unseen, _on_rows(alone, dataset, dataset.test_unseen, x))


def _few_of_each(labels: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (m,) of at most ``most`` rows of each class in ``labels`` (n,), and how often each counts, (m,)."""
    _, target, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.max() <= most:
        return np.arange(len(labels)), np.ones(len(labels), np.int64)
    drawn = stream(seed, "rows of the classifier").permutation(len(labels))
    by_class = drawn[np.argsort(target[drawn], kind="stable")]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < most
    total = np.repeat(counts, counts)[kept]
    places, times = by_class[kept], _copies(rank[kept], total, np.minimum(total, most))
    order = np.argsort(places)
    return places[order], times[order]


def _copies(rank: np.ndarray, total: np.ndarray | int, kept: np.ndarray | int) -> np.ndarray:
    """How often the row of that rank counts, where ``kept`` rows stand for ``total``."""
    return total // kept + (rank < total % kept)


def _on_rows(
    classifier: SoftmaxClassifier, dataset: GZSLDataset, index: np.ndarray, like: Tensor
) -> np.ndarray:
    """Logits (n, K) of the rows ``index`` (n,), some at a time."""
    blocks = (torch.from_numpy(rows).to(like) for _, rows in in_chunks(dataset.features, index))
    return np.concatenate([classifier.logits(some).cpu().numpy() for some in blocks])


def likelihood_logits(model: GSMFlow, dataset: GZSLDataset) -> TestLogits:
    """The flow itself as the classifier: log p(x | a_c) in nats. It learns nothing from the classes it is to tell apart."""
    attributes = torch.from_numpy(dataset.attributes)
    rows = (
        torch.from_numpy(dataset.features[index])
        for index in (dataset.test_seen, dataset.test_unseen)
    )
    seen, unseen = (model.log_prob(x, attributes).cpu().numpy() for x in rows)
    return TestLogits(dataset, seen, unseen, unseen[:, dataset.unseen_classes])


def eszsl_logits(
    dataset: GZSLDataset, feature_penalty: float, attribute_penalty: float
) -> TestLogits:
    r"""ESZSL, the closed-form bilinear baseline: scores :math:`x^T V a` with

    .. math:: V = (X^T X + \gamma I)^{-1} X^T Y S (S^T S + \lambda I)^{-1}

    X (n, D) training features, Y (n, S) in {-1, 1}, S (S, A) attributes of the seen classes; the penalties :math:`\gamma`
    and :math:`\lambda` are relative to the mean eigenvalue of what they are added to. Romera-Paredes & Torr (2015), eq. 4.
    """
    seen, labels = (
        dataset.attributes[dataset.seen_classes].astype(np.float64),
        dataset.labels[dataset.train],
    )
    left, x_y = 0.0, 0.0
    for places, rows in in_chunks(dataset.features, dataset.train):
        x = rows.astype(np.float64)
        left += x.T @ x
        x_y += x.T @ np.where(labels[places][:, None] == dataset.seen_classes, 1.0, -1.0)
    left[np.diag_indices_from(left)] += feature_penalty * np.trace(left) / len(left)
    likeness = _ridge_kernel(seen, attribute_penalty) @ dataset.attributes.T.astype(np.float64)
    v_a = np.linalg.solve(left, x_y @ likeness).astype(np.float32)
    logits = [dataset.features[index] @ v_a for index in (dataset.test_seen, dataset.test_unseen)]
    return TestLogits(dataset, *logits, logits[1][:, dataset.unseen_classes])


def _ridge_kernel(s: np.ndarray, penalty: float) -> np.ndarray:
    r""":math:`S (S^T S + \lambda I)^{-1} = (S S^T + \lambda I)^{-1} S`, (S, A), by the smaller of the two inverses."""
    wide = len(s) < s.shape[1]
    gram = s @ s.T if wide else s.T @ s
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / s.shape[1]
    return np.linalg.solve(gram, s) if wide else np.linalg.solve(gram, s.T).T
