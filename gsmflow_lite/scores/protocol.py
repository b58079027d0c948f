"""The rules of a fair comparison: what may be chosen, on which data, and that every method goes through the same door."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..config import ClassifierConfig, Config, check_seed
from ..datasets.base import GZSLDataset
from ..errors import ConfigError
from ..events import Epoch, Event
from ..generators.base import Generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.stored import RealSamples
from ..method.model import GSMFlow
from ..method.training import fit, new_model
from .evaluation import GZSLScores, TestLogits, eszsl_logits, likelihood_logits, softmax_logits

PROTOCOLS = {
    "validation": "everything is chosen on validation classes carved from the seen ones; the test set is looked at once",
    "published": "epochs are chosen on the TEST set, as in the papers' code: optimistic, for comparison with it only",
}
Setting = tuple[tuple[str, float], ...]  # such as (("epoch", 4), ("penalty", 0.001))


@dataclass(frozen=True)
class Candidate:
    """One way to use a method: its setting, and how it judges the test rows of the data set that it was made on.

    Judge it before the next one is asked for, and copy its generator to keep it: a flow may go on learning then.
    """

    setting: Setting
    judge: Callable[[], TestLogits]
    generator: Generator | None = None


# (data set, seed, chosen setting or None) -> progress and candidates; with a chosen setting, that candidate alone
Method = Callable[[GZSLDataset, int, Setting | None], Iterator[Event | Candidate]]


@dataclass(frozen=True)
class Choice:
    """What was chosen, where, and how well it did there."""

    setting: Setting
    calibration: float  # subtracted from the logits of seen classes
    chosen_on: str
    scores: GZSLScores


@dataclass(frozen=True)
class Outcome:
    """Test scores of a method, the choice that led to them, and the generator that earned them (None for ESZSL)."""

    scores: GZSLScores
    choice: Choice
    generator: Generator | None
    train_seconds: float
    evaluate_seconds: (
        float  # synthesizing, fitting classifiers and scoring, on validation classes too
    )


# --- Methods ---------------------------------------------------------------------------------------------------------


def flow(
    config: Config,
    *,
    classifier: str = "softmax",
    device: str = "auto",
    checkpoint: str | Path | None = None,
) -> Method:
    """The GSMFlow of ``config``; candidates are ``config.checks`` epochs spread over its training, and the penalties."""

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Event | Candidate]:
        model, training = new_model(dataset, config.model, seed=seed), config.training
        if chosen:  # train just as long as was chosen; only this training is worth a checkpoint
            training = replace(training, epochs=int(dict(chosen)["epoch"]))
        marks = {training.epochs} if chosen else _marks(training.epochs, config.checks)
        events = fit(
            model,
            dataset,
            training,
            seed=seed,
            device=device,
            checkpoint=checkpoint if chosen else None,
        )
        for event in events:
            yield event
            if isinstance(event, Epoch) and event.epoch in marks:
                setting = (("epoch", event.epoch),)
                if classifier == "likelihood":
                    yield Candidate(setting, lambda: likelihood_logits(model, dataset), model)
                else:
                    yield from _softmax_candidates(model, dataset, config.classifier, seed, setting)

    return method


def ridge_gaussian(config: Config) -> Method:
    """The ridge-Gaussian generator; its ridge strength is chosen by leaving seen classes out, in closed form."""

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Candidate]:
        yield from _softmax_candidates(RidgeGaussian.fit(dataset), dataset, config.classifier, seed)

    return method


def oracle(config: Config) -> Method:
    """Real unseen images in training: half of them train, the other half is the test. What perfect imagination would get."""

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Candidate]:
        rows, rest = dataset.split_unseen(seed=seed)
        yield from _softmax_candidates(RealSamples(dataset, rows), rest, config.classifier, seed)

    return method


def eszsl(dataset: GZSLDataset, seed: int, chosen: Setting | None = None) -> Iterator[Candidate]:
    """The closed-form bilinear baseline over a grid of its two penalties. Romera-Paredes & Torr (2015)."""
    for left, right in itertools.product(10.0 ** np.arange(-4, 2), repeat=2):
        setting = (("feature penalty", float(left)), ("attribute penalty", float(right)))
        yield Candidate(setting, lambda a=left, b=right: eszsl_logits(dataset, a, b))


def _softmax_candidates(
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    seed: int,
    setting: Setting = (),
) -> Iterator[Candidate]:
    for penalty in (0.0,) if config.solver == "adam" else config.penalties:
        fixed = replace(config, penalties=(penalty,)) if penalty else config
        yield Candidate(
            (*setting, ("penalty", penalty)),
            lambda c=fixed: softmax_logits(generator, dataset, c, seed=seed),
            generator,
        )


def _marks(epochs: int, checks: int) -> set[int]:
    """Epochs at which a model is judged: evenly spread, the last among them."""
    return {round(epochs * (i + 1) / min(checks, epochs)) for i in range(min(checks, epochs))}


# --- The door --------------------------------------------------------------------------------------------------------


def run(
    method: Method,
    dataset: GZSLDataset,
    *,
    seed: int = 0,
    protocol: str = "validation",
    folds: Sequence[int] = (0,),
    watch: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Choose a method's setting by ``protocol`` and score it on the test set.

    ``validation``: candidates are trained and judged on each validation fold; the setting with the highest mean harmonic
    mean is taken together with its calibration, trained anew on all training rows, and scored on the test set once.
    ``published``: candidates are judged on the test set itself, uncalibrated, and the best one is reported.
    ``watch`` is told every event. Raises ``ConfigError`` for another protocol, or no fold to choose on.

    >>> from gsmflow_lite import gaussian_world
    >>> run(ridge_gaussian(Config()), gaussian_world(2).dataset).scores.seen > 80
    True
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
    check_seed(seed)
    if not len(folds):
        raise ConfigError("at least one validation fold is needed to choose on, got none")
    clock, started = _Clock(), time.perf_counter()
    if protocol == "published":
        scores, choice, generator = _choose_on_test(method, dataset, seed, watch, clock)
    else:
        choice = _choose(method, (dataset.validation_fold(n) for n in folds), seed, watch, clock)
        scores, generator = _test(method, dataset, seed, choice, watch, clock)
    total = time.perf_counter() - started
    return Outcome(scores, choice, generator, total - clock.seconds, clock.seconds)


class _Clock:
    """Adds up the time that passes inside it: judging and scoring, as opposed to training."""

    seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


def _choose(
    method: Method,
    folds: Iterable[GZSLDataset],
    seed: int,
    watch: Callable[[Event], None],
    clock: _Clock,
) -> Choice:
    """The setting with the highest harmonic mean, averaged over the folds, each at its own best calibration."""
    found: dict[Setting, list[tuple[float, GZSLScores]]] = {}
    for fold in folds:
        for candidate in _candidates(method(fold, seed, None), watch):
            with clock:
                logits = candidate.judge()
                calibration = logits.best_calibration()
                found.setdefault(candidate.setting, []).append(
                    (calibration, logits.scores(calibration))
                )
    means = {
        setting: float(np.mean([s.harmonic for _, s in results]))
        for setting, results in found.items()
    }
    best = max(means, key=means.__getitem__)
    calibration = float(np.mean([c for c, _ in found[best]]))
    fields = zip(*((s.seen, s.unseen, s.zsl) for _, s in found[best]), strict=True)
    scores = GZSLScores.of(*(float(np.mean(values)) for values in fields))
    return Choice(best, calibration, "validation classes", scores)


def _test(
    method: Method,
    dataset: GZSLDataset,
    seed: int,
    choice: Choice,
    watch: Callable[[Event], None],
    clock: _Clock,
) -> tuple[GZSLScores, Generator | None]:
    """Train as was chosen, on all training rows, and look at the test set once."""
    for candidate in _candidates(method(dataset, seed, choice.setting), watch):
        if candidate.setting == choice.setting:
            with clock:
                return candidate.judge().scores(choice.calibration), candidate.generator
    raise ConfigError(
        f"a method must offer the setting {choice.setting} on every data set, but here it did not"
    )


def _choose_on_test(
    method: Method, dataset: GZSLDataset, seed: int, watch: Callable[[Event], None], clock: _Clock
) -> tuple[GZSLScores, Choice, Generator | None]:
    best, looks = None, 0
    for candidate in _candidates(method(dataset, seed, None), watch):
        with clock:
            scores, looks = candidate.judge().scores(), looks + 1
        if best is None or scores.harmonic > best[0].harmonic:
            best = scores, candidate.setting, _kept(candidate.generator)
    scores, setting, generator = best
    return scores, Choice(setting, 0.0, f"the TEST set, best of {looks} looks", scores), generator


def _kept(generator: Generator | None) -> Generator | None:
    """The generator as it is now, though a flow may go on learning."""
    return copy.deepcopy(generator) if isinstance(generator, GSMFlow) else generator


def _candidates(
    items: Iterator[Event | Candidate], watch: Callable[[Event], None]
) -> Iterator[Candidate]:
    for item in items:
        if isinstance(item, Candidate):
            yield item
        else:
            watch(item)
