"""A few labelled rows of each unseen class, with the predicted class as prior: no zero-shot score.

The rows are drawn from those of the unseen classes and taken out of the test. Scores are told under
their own name, because a method that has seen rows of a class does not compare with one that has
not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int

from ..arguments import whole
from ..config import Config
from ..datasets.base import GZSLDataset
from ..datasets.on_disk import rows_of
from ..errors import DataError
from ..events import Event
from ..generators.moved import Invertible, MovedClasses, latents, movable
from ..generators.ridge_gaussian import RidgeGaussian
from ..seeds import stream
from .class_prior import ClassPrior
from .evaluation import per_class_accuracy
from .protocol import Candidate, Method, Setting, candidates, judge_of

LABELLED_ROWS = "labelled rows"  # of each unseen class, in a setting
DOUBTS = (0.25, 0.5, 1.0)
DOUBT_FOLDS = (0, 1)


def draw_labelled(
    dataset: GZSLDataset, most: int = 5, *, seed: int = 0
) -> tuple[Int[np.ndarray, "U most"], GZSLDataset]:
    """Draw rows of each unseen class to be labelled, and take them and more out of the test.

    Half of the unseen rows (whole ``groups``) are the test, whatever ``most`` is: the same half as
    for the oracle of this seed. Labelled rows come from the other half. The first n columns are n
    labelled rows, so that more rows are always the same ones and some others.

    Raises ``DataError`` where a class has fewer rows in that half.
    """
    most = whole(most, "labelled rows of a class", least=1)
    drawn, rest = _drawn(dataset, most, seed)
    fewest = int(np.argmin([len(of_class) for of_class in drawn]))
    fits = len(drawn[fewest])
    if fits < most:
        name = dataset.class_names[dataset.unseen_classes[fewest]]
        remedy = f"ask for at most {fits}" if fits else "add rows, or leave that class out"
        raise DataError(
            f"labelled rows of a class must be at most those that are not tested, but {name!r} has "
            f"{fits} and {most} were asked for: {remedy}"
        )
    return np.stack(drawn), rest


def _drawn(
    dataset: GZSLDataset, most: int, seed: int
) -> tuple[list[Int[np.ndarray, " n"]], GZSLDataset]:
    """At most so many rows of each unseen class, and the data without them in the test."""
    rows, rest = dataset.split_unseen(seed=seed)
    rng = stream(seed, "labelled rows")
    drawn = [rng.permutation(dataset.of_class(k, rows))[:most] for k in dataset.unseen_classes]
    return drawn, rest


def _drawn_of_fold(
    fold: GZSLDataset, most: int, seed: int
) -> tuple[list[Int[np.ndarray, " n"]], GZSLDataset]:
    """The same, but of seen classes, whom nothing is asked of: those that share a description, and
    so cannot be moved, have none."""
    drawn, rest = _drawn(fold, most, seed)
    described = fold.attributes[fold.unseen_classes]
    _, place, count = np.unique(described, axis=0, return_inverse=True, return_counts=True)
    alone = count[place.reshape(-1)] == 1
    return [rows if one else rows[:0] for rows, one in zip(drawn, alone, strict=True)], rest


def _first(rows: Iterable[Int[np.ndarray, " n"]], count: int) -> Int[np.ndarray, " m"]:
    return np.concatenate([of_class[:count] for of_class in rows])


def with_labelled_rows(
    generator: Invertible,
    dataset: GZSLDataset,
    rows: Int[np.ndarray, " n"],
    *,
    prior: ClassPrior | None = None,
) -> MovedClasses:
    """The generator with each class moved to where its labelled ``rows`` and its description say.

    A class without such rows stays exactly where the description puts it; with many rows, it lies
    at their mean. ``prior`` is ``ClassPrior.fit(dataset)`` where it is not given.

    Raises ``DataError`` for rows that ``dataset`` tests: they would be known to the classifier.
    """
    rows = np.asarray(rows).reshape(-1)
    _check_untested(dataset, rows)
    prior = ClassPrior.fit(dataset) if prior is None else prior
    classes, sums, counts = _sums(generator, dataset, rows)
    return _moved(generator, dataset, classes, prior.expected(sums, counts))


def labelled_rows_alone(dataset: GZSLDataset, rows: Int[np.ndarray, " n"]) -> MovedClasses:
    """The ridge-Gaussian with each class at the mean of its labelled ``rows``: no description.

    Its likelihood says which of these means is nearest, in units of the width of the seen classes.
    Raises ``DataError`` for rows that ``dataset`` tests.
    """
    rows = np.asarray(rows).reshape(-1)
    _check_untested(dataset, rows)
    generator = RidgeGaussian.fit(dataset)
    classes, sums, counts = _sums(generator, dataset, rows)
    return _moved(generator, dataset, classes, sums / counts[:, None])


def _moved(
    generator: Invertible,
    dataset: GZSLDataset,
    classes: Int[np.ndarray, " M"],
    shifts: Float[np.ndarray, "M D"],
) -> MovedClasses:
    names = [dataset.class_names[k] for k in classes]
    return MovedClasses(generator, dataset.attributes[classes], shifts, names=names)


def _check_untested(dataset: GZSLDataset, rows: Int[np.ndarray, " n"]) -> None:
    tested = np.isin(rows, np.concatenate([dataset.test_seen, dataset.test_unseen]))
    if tested.any():
        raise DataError(
            f"labelled rows must not be tested, but {int(tested.sum())} of them are: "
            "take both from draw_labelled"
        )


def _sums(
    generator: Invertible, dataset: GZSLDataset, rows: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " M"], Float[np.ndarray, "M D"], Float[np.ndarray, " M"]]:
    """The classes of rows, and of each the sum and the count of its rows in its latent space."""
    classes = np.unique(dataset.labels[rows])
    sums = np.zeros((len(classes), dataset.features.shape[1]))
    counts = np.zeros(len(classes))
    for place, k in enumerate(classes):
        x = torch.from_numpy(rows_of(dataset.features, dataset.of_class(k, rows)))
        z, _ = latents(generator, x, dataset.attributes[k])
        sums[place] = z.double().sum(0).numpy()
        counts[place] = len(x)
    return classes, sums, counts


# --- Chosen and scored as everything else --------------------------------------------------------


def labelled(method: Method, config: Config, counts: Sequence[int] = (1, 3, 5)) -> Method:
    """A method of :mod:`gsmflow_lite.scores.protocol` that gets labelled rows of unseen classes.

    It offers each candidate with each of ``counts``, which stands in the setting as "labelled
    rows". 0 is the method itself, on the same test rows. Use ``run_by(LABELLED_ROWS, ...)``. In a
    validation fold, classes that play the unseen ones have as many labelled rows, or all that there
    are.
    """
    counts = tuple(whole(count, "labelled rows of a class", least=0) for count in counts)

    def wrapped(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Event | Candidate]:
        draw = draw_labelled if chosen else _drawn_of_fold
        rows, rest = draw(dataset, max(*counts, 1), seed=seed)
        prior = ClassPrior.fit(rest)
        doubts = choose_doubts(rest, [count for count in counts if count], seed=seed)
        for item in method(rest, seed, chosen):
            if not isinstance(item, Candidate):
                yield item
                continue
            generator = movable(item.generator)
            for count in counts:
                moved: Invertible | MovedClasses = generator
                if count:
                    doubting = prior.doubting(doubts[count])
                    some = _first(rows, count)
                    moved = with_labelled_rows(generator, rest, some, prior=doubting)
                judge = judge_of(moved, rest, config.classifier, seed, item.setting)
                yield Candidate((*item.setting, (LABELLED_ROWS, count)), judge, moved)

    return wrapped


def labelled_alone(config: Config, counts: Sequence[int] = (1, 3, 5)) -> Method:
    """The method of :func:`labelled_rows_alone`, with as many labelled rows, on the same test."""
    counts = tuple(whole(count, "labelled rows of a class", least=1) for count in counts)

    def wrapped(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Event | Candidate]:
        draw = draw_labelled if chosen else _drawn_of_fold
        rows, rest = draw(dataset, max(counts), seed=seed)
        for count in counts:
            generator = labelled_rows_alone(rest, _first(rows, count))
            for item in candidates(generator, rest, config.classifier, seed):
                yield replace(item, setting=(*item.setting, (LABELLED_ROWS, count)))

    return wrapped


def choose_doubts(
    dataset: GZSLDataset, counts: Sequence[int], *, seed: int = 0
) -> dict[int, float]:
    """For each count of labelled rows, the doubt with the highest T1 on two validation folds.

    It is that of the ridge-Gaussian, among ``DOUBTS``; no row of an unseen class is read. A class
    of a fold that has fewer rows lends all of them.
    """
    right = np.zeros((len(counts), len(DOUBTS)))
    for number in DOUBT_FOLDS if len(counts) else ():
        fold = dataset.validation_fold(number)
        generator = RidgeGaussian.fit(fold)
        prior = ClassPrior.fit(fold)
        rows, rest = _drawn_of_fold(fold, max(counts), seed)
        for i, count in enumerate(counts):
            for j, doubt in enumerate(DOUBTS):
                chosen = prior.doubting(doubt)
                moved = with_labelled_rows(generator, rest, _first(rows, count), prior=chosen)
                right[i, j] += t1(moved, rest)
    return {count: DOUBTS[int(right[i].argmax())] for i, count in enumerate(counts)}


def t1_of_draw(
    generator: Invertible, dataset: GZSLDataset, counts: Sequence[int], *, seed: int = 0
) -> dict[str, dict[int, float]]:
    """T1 of one draw by each count: ``described`` with the descriptions, ``alone`` without.

    0 stands for the descriptions alone, on the same test rows. Raises ``DataError`` as
    :func:`draw_labelled` does, and where two unseen classes have the same description.
    """
    some = [count for count in counts if count]
    rows, rest = draw_labelled(dataset, max([*some, 1]), seed=seed)
    prior = ClassPrior.fit(rest)
    doubts = choose_doubts(rest, some, seed=seed)
    described = {0: t1(generator, rest)} if 0 in counts else {}
    alone = {}
    for count in some:
        labelled_now = _first(rows, count)
        trust = prior.doubting(doubts[count])
        described[count] = t1(with_labelled_rows(generator, rest, labelled_now, prior=trust), rest)
        alone[count] = t1(labelled_rows_alone(rest, labelled_now), rest)
    return {"described": described, "alone": alone}


def t1(generator: Invertible | MovedClasses, dataset: GZSLDataset) -> float:
    """T1 of the likelihood in per cent: the unseen classes compete for the unseen test rows."""
    unseen = dataset.unseen_classes
    x = torch.from_numpy(rows_of(dataset.features, dataset.test_unseen))
    densities = generator.log_prob(x, torch.from_numpy(dataset.attributes[unseen]))
    answers = unseen[densities.argmax(1).cpu().numpy()]
    return float(100 * per_class_accuracy(dataset.labels[dataset.test_unseen], answers).mean())
