"""Scores of generalized zero-shot learning, and the classifiers that they are scores of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .config import ClassifierConfig
from .datasets.base import GZSLDataset
from .generators import Generator
from .model import GSMFlow


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


class SoftmaxClassifier:
    r"""Linear softmax :math:`p(y \mid x) \propto \exp(w_y x + b_y)` over ``classes``, trained on weighted rows.

    ``solver="lbfgs"`` minimises :math:`\sum_i \omega_i \mathrm{CE}_i + \frac{\lambda}{2} |W|^2` with weights that sum to 1
    and the first of ``config.penalties``, to its (unique) optimum; ``adam`` runs epochs of batches with betas (0.5, 0.999)
    and no penalty, as the papers do.
    """

    def __init__(self, weight: Tensor, bias: Tensor, classes: Tensor) -> None:
        self.weight, self.bias, self.classes = weight, bias, classes

    @classmethod
    def fit(cls, x: Tensor, y: Tensor, config: ClassifierConfig, *, seed: int = 0) -> SoftmaxClassifier:
        """Train on x (N, D) with class numbers y (N,); the classes are those that occur in y."""
        classes, target = y.unique(return_inverse=True)
        importance = torch.full((len(x),), 1 / len(x), dtype=x.dtype, device=x.device)
        if config.balanced:
            counts = target.bincount()
            importance = (1 / (counts[target] * len(classes))).to(x)
        weight = torch.zeros(len(classes), x.shape[1], dtype=x.dtype, device=x.device, requires_grad=True)
        bias = torch.zeros(len(classes), dtype=x.dtype, device=x.device, requires_grad=True)
        solve = _solve_lbfgs if config.solver == "lbfgs" else _solve_adam
        solve(weight, bias, x, target, importance, config, seed)
        return cls(weight.detach(), bias.detach(), classes)

    def logits(self, x: Tensor) -> Tensor:
        """x (N, D) -> (N, number of classes), columns in the order of ``classes``."""
        return F.linear(x, self.weight, self.bias)


def _solve_lbfgs(weight, bias, x, target, importance, config: ClassifierConfig, seed: int) -> None:
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        losses = F.cross_entropy(F.linear(x, weight, bias), target, reduction="none")
        loss = losses @ importance + 0.5 * config.penalties[0] * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)


def _solve_adam(weight, bias, x, target, importance, config: ClassifierConfig, seed: int) -> None:
    optimiser = torch.optim.Adam([weight, bias], lr=config.lr, betas=(0.5, 0.999))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():  # torch.nn.Linear's usual start
        bound = x.shape[1] ** -0.5
        for parameter in (weight, bias):
            parameter.copy_(torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator))
    for _ in range(config.epochs):
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(config.batch):
            losses = F.cross_entropy(F.linear(x[rows], weight, bias), target[rows], reduction="none")
            loss = losses @ importance[rows] / importance[rows].sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def softmax_logits(
    generator: Generator, dataset: GZSLDataset, config: ClassifierConfig, *, seed: int = 0, temperature: float = 1.0
) -> TestLogits:
    """Train on real seen and synthesised unseen rows, and classify the test rows."""
    unseen = torch.from_numpy(dataset.attributes[dataset.unseen_classes])
    made = torch.as_tensor(generator.synthesize(unseen, config.samples, temperature=temperature, seed=seed))
    fake = made.flatten(0, 1)
    fake_labels = torch.from_numpy(dataset.unseen_classes).repeat_interleave(made.shape[1]).to(fake.device)
    real = torch.from_numpy(dataset.features[dataset.train]).to(fake)
    labels = torch.from_numpy(dataset.labels[dataset.train]).to(fake.device)
    joint = SoftmaxClassifier.fit(torch.cat([real, fake]), torch.cat([labels, fake_labels]), config, seed=seed)
    alone = SoftmaxClassifier.fit(fake, fake_labels, config, seed=seed)
    rows = [torch.from_numpy(dataset.features[index]).to(fake) for index in (dataset.test_seen, dataset.test_unseen)]
    return TestLogits(dataset, *(joint.logits(x).cpu().numpy() for x in rows), alone.logits(rows[1]).cpu().numpy())


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
