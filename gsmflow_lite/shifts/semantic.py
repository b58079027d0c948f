"""The semantic meter: do synthesized classes say what their descriptions say?

The floor of a metric is what it would be under a wrong description or label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ..errors import DataError
from ..seeds import stream
from .answers import Answers
from .estimates import ALONE, TOO_FEW_ROWS, Bounded, Estimate
from .halves import TRAINED_REPEATS, Drawn, Half, Halves, means_and_traces
from .meter import Evidence, Measurement, Meter, from_halves
from .metric import Metric
from .readout import AttributeReadout

if TYPE_CHECKING:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

AGREEMENT = Metric(
    meter="semantic",
    name="agreement",
    better="higher",
    text="cosine of the attributes read off a class with those of its description",
    least=-1,
    most=1,
)
OWN_CLASS = Metric(
    meter="semantic",
    name="own class",
    better="higher",
    text="share of samples that a classifier of real classes gives to their own class",
    most=1,
)
RESPONSE = Metric(
    meter="semantic",
    name="response",
    better="higher",
    text="how far a permuted attribute is followed, 0 if it is ignored",
    least=-np.inf,
)


def agreement(evidence: Evidence) -> list[Estimate]:
    """Compare attributes read off class means with descriptions; the floor is any other one.

    Raises ``DataError`` where no attribute can be read.
    """
    readout = evidence.readout
    if not readout.readability.any():
        raise DataError("no attribute can be read off real features of classes that were left out")

    halves = evidence.halves
    classes = evidence.classes
    places = np.arange(len(classes))
    described = readout.standardise(evidence.dataset.attributes)

    with_each = _agreement(readout, halves.synthesized, described)
    value = with_each[:, places, classes]
    floor = (with_each.sum(2) - value) / (len(described) - 1)
    ceiling = _agreement(readout, halves.second, described[classes])[:, places, places]
    return [Estimate.mean_over_classes(AGREEMENT, Bounded(value, floor, ceiling))]


def _agreement(
    readout: AttributeReadout,
    half: Half,
    described: Float[np.ndarray, "K A"],
) -> Float[np.ndarray, "R U K"]:
    """Return the agreement of what is read off class means with each of the descriptions."""
    read = []
    noise = []
    for x, rows in zip(half.features, half.rows, strict=True):
        means, _ = means_and_traces(x, rows)
        _, traces = means_and_traces(readout.read(x) * np.sqrt(readout.readability), rows)
        read.append(readout.read(means))
        # Half of the noise: as if both halves had been taken, of real and of synthesized rows.
        noise.append(traces / (2 * rows.shape[1]))
    return readout.agreement(np.stack(read, 1), described, np.stack(noise, 1))


def own_class(halves: Halves) -> list[Estimate]:
    """Let a classifier that was trained on first halves name the class of all other rows.

    It is linear discriminant analysis. Raises ``DataError`` with one class, or too few rows.
    """
    if halves.count < 2:
        raise DataError(ALONE)
    if not halves.varies.any():
        raise DataError(TOO_FEW_ROWS)

    repeats = min(TRAINED_REPEATS, halves.repeats)
    shares = np.empty((3, repeats, halves.count))  # of synthesized, second and mistaken rows
    of_classes = [halves.drawn(k, repeats) for k in range(halves.count)]
    for repeat, drawn in enumerate(zip(*of_classes, strict=True)):
        classifier = _class_classifier(drawn)
        for k, rows in enumerate(drawn):
            for place, x in enumerate((rows.synthesized, rows.second, rows.mistaken)):
                shares[place, repeat, k] = (classifier.predict(x) == k).mean()

    value, ceiling, floor = shares
    return [Estimate.mean_over_classes(OWN_CLASS, Bounded(value, floor, ceiling))]


def _class_classifier(drawn: Sequence[Drawn]) -> LinearDiscriminantAnalysis:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # slow to import

    count = len(drawn)
    rows = np.concatenate([one.first for one in drawn])
    labels = np.repeat(np.arange(count), [len(one.first) for one in drawn])
    priors = np.full(count, 1 / count)
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1, priors=priors)
    return classifier.fit(rows, labels)


def response(evidence: Evidence) -> list[Estimate]:
    """Measure how far permuted attributes are followed, over random halves of the answers.

    Real data cannot be asked, so the linear map from descriptions to real means is the ceiling.
    Raises ``DataError`` where the generator does not answer.
    """
    answers = evidence.answers
    means = _halved_answers(answers, evidence.halves.repeats, evidence.halves.seed)
    wanted = answers.changes_wanted
    squares = wanted**2
    total = squares.sum(0)

    value = means * wanted
    ceiling = np.broadcast_to(answers.linear[:, None] * squares, means.shape)
    of_class = np.where(total > 0, total, np.nan)
    by_class = Bounded(value.sum(1) / of_class, 0.0, ceiling.sum(1) / of_class)
    of_all = total.sum()
    together = Bounded(value.sum((1, 2)) / of_all, 0.0, ceiling.sum((1, 2)) / of_all)
    return [Estimate.of_all_classes(RESPONSE, together, by_class)]


def _halved_answers(answers: Answers, repeats: int, seed: int) -> Float[np.ndarray, "R J U"]:
    """Return the mean change over a random half of the samples, in each repeat."""
    rng = stream(seed, "halves of answers")
    n = answers.changes_read.shape[2]
    halves = [rng.permutation(n)[: n // 2] for _ in range(repeats)]
    return np.stack([answers.changes_read[..., half].mean(2) for half in halves])


SEMANTIC = Meter(
    name="semantic",
    metrics=(AGREEMENT, OWN_CLASS, RESPONSE),
    measurements=(
        Measurement((AGREEMENT,), agreement, "agreement"),
        Measurement((OWN_CLASS,), from_halves(own_class), "own class"),
        Measurement((RESPONSE,), response, "response"),
    ),
)
