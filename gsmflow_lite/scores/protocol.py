"""The rules of a fair comparison: every method is chosen and scored in the same way, by ``run``.

A method offers candidates; the protocol says on which rows they may be judged.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import check_function, check_seed, is_among
from ..config import ClassifierConfig, Config
from ..datasets.base import GZSLDataset
from ..datasets.given import the_dataset
from ..errors import ConfigError
from ..events import Epoch, Event, Watch
from ..generators.base import ExactDensity, Generator
from ..generators.ridge_gaussian import RidgeGaussian
from ..generators.stored import RealSamples
from ..method.model import GSMFlow
from ..method.training import fit, new_model
from .eszsl import eszsl_logits
from .evaluation import GZSLScores, TestLogits, likelihood_logits, softmax_logits

PROTOCOLS = {
    "validation": (
        "everything is chosen on validation classes carved from the seen ones; "
        "the test set is looked at once"
    ),
    "published": (
        "epochs are chosen on the TEST set, as in the papers' code: "
        "optimistic, for comparison with it only"
    ),
}
LIKELIHOOD = ("classifier", "likelihood")
SOFTMAX = ("classifier", "softmax")
ESZSL_PENALTIES = tuple(10.0**power for power in range(-4, 2))

#: Such as (("epoch", 4), ("classifier", "softmax"), ("penalty", 0.001)).
Setting = tuple[tuple[str, float | str], ...]


@dataclass(frozen=True)
class Candidate:
    """One way to use a method: its setting, and how it judges the test rows of its data set.

    ``judge`` calls the function it is given with events. Judge a candidate before you ask for the
    next one, and copy its generator to keep it: a flow may go on learning then.
    """

    setting: Setting
    judge: Callable[[Watch], TestLogits]
    generator: Generator | None = None


#: A function of a data set, a seed and a chosen setting (or None). It yields events and
#: candidates; with a chosen setting, that candidate alone.
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
    """Test scores of a method, the choice that led to them, and the generator behind them.

    ``generator`` is None for a method without one. ``evaluate_seconds`` is the time for
    synthesizing, fitting classifiers and scoring, on validation classes too.
    """

    scores: GZSLScores
    choice: Choice
    generator: Generator | None
    train_seconds: float
    evaluate_seconds: float


# --- Methods ---------------------------------------------------------------------------------


def flow(
    config: Config,
    *,
    device: str = "auto",
    checkpoint: str | Path | None = None,
) -> Method:
    """The GSMFlow of ``config``.

    Candidates are ``config.checks`` epochs, spread over its training, with each of the classifiers.
    ``checkpoint`` is a file from which the final training goes on.
    """

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Event | Candidate]:
        model = new_model(dataset, config.model, seed=seed)
        training = config.training
        if chosen:  # train just as long as was chosen
            training = replace(training, epochs=int(dict(chosen)["epoch"]))
        epochs = {training.epochs} if chosen else _judged_epochs(training.epochs, config.checks)
        file = checkpoint if chosen else None  # no other training is worth a checkpoint

        for event in fit(model, dataset, training, seed=seed, device=device, checkpoint=file):
            yield event
            if isinstance(event, Epoch) and event.epoch in epochs:
                epoch = (("epoch", event.epoch),)
                yield from candidates(model, dataset, config.classifier, seed, epoch)

    return method


def ridge_gaussian(config: Config) -> Method:
    """The ridge-Gaussian generator, with each of the classifiers.

    Its ridge strength is chosen by leaving seen classes out, in closed form.
    """

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Candidate]:
        generator = RidgeGaussian.fit(dataset)
        yield from candidates(generator, dataset, config.classifier, seed)

    return method


def oracle(config: Config) -> Method:
    """Real unseen rows in training: what a perfect generator would get.

    Half of the unseen rows train the classifier, the other half is the test.
    """

    def method(
        dataset: GZSLDataset, seed: int, chosen: Setting | None = None
    ) -> Iterator[Candidate]:
        rows, rest = dataset.split_unseen(seed=seed)
        generator = RealSamples(dataset, rows)
        yield from candidates(generator, rest, config.classifier, seed)

    return method


def eszsl(dataset: GZSLDataset, seed: int, chosen: Setting | None = None) -> Iterator[Candidate]:
    """The closed-form bilinear baseline, over a grid of its two penalties.

    Reference: Romera-Paredes & Torr (2015).
    """
    for of_features, of_attributes in itertools.product(ESZSL_PENALTIES, repeat=2):
        setting = (("feature penalty", of_features), ("attribute penalty", of_attributes))
        judge = partial(eszsl_logits, dataset, of_features, of_attributes)
        yield Candidate(setting, _without_events(judge))


def candidates(
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    seed: int,
    setting: Setting = (),
) -> Iterator[Candidate]:
    """The generator with each classifier that it can have: any generator can have the softmax."""
    named: list[Setting] = []
    if isinstance(generator, ExactDensity) and "likelihood" in config.kinds:
        named.append((*setting, LIKELIHOOD))
    if not isinstance(generator, ExactDensity) or "softmax" in config.kinds:
        # The solver adam has no penalty.
        for penalty in config.penalties if config.solver != "adam" else (0.0,):
            named.append((*setting, SOFTMAX, ("penalty", penalty)))
    for one in named:
        yield Candidate(one, judge_of(generator, dataset, config, seed, one), generator)


def judge_of(
    generator: Generator,
    dataset: GZSLDataset,
    config: ClassifierConfig,
    seed: int,
    setting: Setting,
) -> Callable[[Watch], TestLogits]:
    """How a generator judges the test rows with the classifier and the penalty of a setting."""
    if LIKELIHOOD in setting and isinstance(generator, ExactDensity):
        return _likelihood_judge(generator, dataset)
    penalty = float(dict(setting).get("penalty", 0.0))
    fixed = replace(config, penalties=(penalty,)) if penalty else config
    return _without_events(partial(softmax_logits, generator, dataset, fixed, seed=seed))


def _likelihood_judge(density: ExactDensity, dataset: GZSLDataset) -> Callable[[Watch], TestLogits]:
    return lambda watch: likelihood_logits(density, dataset, watch=watch)


def _without_events(judge: Callable[[], TestLogits]) -> Callable[[Watch], TestLogits]:
    return lambda watch: judge()


def _judged_epochs(epochs: int, checks: int) -> set[int]:
    """Epochs after which a model is judged: evenly spread, the last one among them."""
    checks = min(checks, epochs)
    return {round(epochs * check / checks) for check in range(1, checks + 1)}


# --- Choosing and scoring --------------------------------------------------------------------


def run(
    method: Method,
    dataset: GZSLDataset,
    *,
    seed: int = 0,
    protocol: str = "validation",
    folds: Sequence[int] = (0,),
    watch: Watch = lambda event: None,
) -> Outcome:
    """Choose a method's setting by ``protocol``, and score it on the test set.

    ``validation``: candidates are trained and judged on each validation fold. The setting with the
    highest mean harmonic mean is taken together with its calibration, trained anew on all training
    rows, and scored on the test set once. ``published``: candidates are judged on the test set
    itself, without calibration, and the best one is reported. ``watch`` is called with every event.

    Raises ``ConfigError`` for another protocol, for no fold to choose on, and for a method that
    offers no candidate, or not the chosen one.

    >>> from gsmflow_lite import gaussian_world
    >>> run(ridge_gaussian(Config()), gaussian_world(2).dataset).scores.seen > 80
    True
    """
    if not is_among(protocol, PROTOCOLS):
        raise ConfigError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
    runner = _Runner(method, seed, watch)
    dataset = the_dataset(dataset)
    if protocol == "published":
        return runner.choose_on_test(dataset)
    judged = runner.judge_folds(dataset, folds)
    (outcome,) = runner.test(dataset, [_best(judged)])
    return outcome


def run_by_classifier(
    method: Method,
    dataset: GZSLDataset,
    *,
    seed: int = 0,
    folds: Sequence[int] = (0,),
    watch: Watch = lambda event: None,
) -> dict[str, Outcome]:
    """Do as :func:`run` with ``validation``, for each classifier that a method can have.

    The names of the classifiers are those of ``ClassifierConfig.kinds``. The first outcome is the
    one that :func:`run` gives. Trainings are shared, so this takes hardly longer than one run; each
    outcome has the seconds of all. Raises ``ConfigError`` as :func:`run` does, and for a method
    whose settings name no classifier.
    """
    return run_by("classifier", method, dataset, seed=seed, folds=folds, watch=watch)


def run_by(
    name: str,
    method: Method,
    dataset: GZSLDataset,
    *,
    seed: int = 0,
    folds: Sequence[int] = (0,),
    watch: Watch = lambda event: None,
) -> dict[Any, Outcome]:
    """Do as :func:`run` with ``validation``, for each value that ``name`` has in the settings.

    The first outcome is the one that :func:`run` gives. Trainings are shared. Raises
    ``ConfigError`` as :func:`run` does, and for a method whose settings do not have that name.
    """
    runner = _Runner(method, seed, watch)
    judged = runner.judge_folds(the_dataset(dataset), folds)
    if not all(name in dict(setting) for setting in judged):
        raise ConfigError(f"a method must name its {name} in its settings, got one that does not")

    values = {dict(setting)[name] for setting in judged}
    choices = {
        value: _best({s: found for s, found in judged.items() if (name, value) in s})
        for value in values
    }
    first = _best(judged).setting
    order = sorted(values, key=lambda value: (choices[value].setting != first, value))
    outcomes = runner.test(dataset, [choices[value] for value in order])
    return dict(zip(order, outcomes, strict=True))


def _check_method(given: Any) -> None:
    """Raise ``ConfigError`` for what is no method; a generator or a maker of methods is none."""
    takes_data = callable(given) and not isinstance(given, type | Generator)
    if takes_data and _takes(given, 3):
        return
    kind = "None" if given is None else type(given).__name__
    raise ConfigError(
        "a method must be a function of a data set, a seed and a setting, as scores.protocol has "
        f"them, got {kind}: {_instead_of(given)}"
    )


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # of a function that does not say
        return True
    return True


def _instead_of(given: Any) -> str:
    if isinstance(given, Config):
        return "hand in protocol.flow(config)"
    if isinstance(given, GZSLDataset):
        return "the method comes first, then the data set"
    if any(given is maker for maker in (flow, ridge_gaussian, oracle)):
        return f"hand in protocol.{given.__name__}(config)"
    return "hand in protocol.flow(config), protocol.ridge_gaussian(config) or protocol.eszsl"


class _Clock:
    """Adds up the time that passes inside it: judging and scoring, as opposed to training."""

    seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


@dataclass(frozen=True)
class _Judged:
    """How a candidate did on a validation fold, at its best calibration there."""

    calibration: float
    scores: GZSLScores


#: What was found out on validation folds, by setting.
_Findings = dict[Setting, list[_Judged]]


class _Runner:
    """Runs one method, reports its events, and times training and judging."""

    def __init__(self, method: Method, seed: int, watch: Watch) -> None:
        _check_method(method)
        check_function(watch, "watch")
        self.method = method
        self.seed = check_seed(seed)
        self.watch = watch
        self.clock = _Clock()
        self.started = time.perf_counter()

    def candidates(
        self, dataset: GZSLDataset, chosen: Setting | None = None
    ) -> Iterator[Candidate]:
        for item in self.method(dataset, self.seed, chosen):
            if isinstance(item, Candidate):
                yield item
            else:
                self.watch(item)

    def judge_folds(self, dataset: GZSLDataset, folds: Sequence[int]) -> _Findings:
        """How every setting did on each of the folds."""
        if not isinstance(folds, Sequence) or isinstance(folds, str):
            raise ConfigError(f"folds must be a list of numbers, got {folds!r}: give (0,), say")
        if not folds:
            raise ConfigError("at least one validation fold is needed to choose on, got none")
        judged: _Findings = {}
        for number in folds:
            for candidate in self.candidates(dataset.validation_fold(number)):
                judged.setdefault(candidate.setting, []).append(self._judge(candidate))
        if not judged:
            raise ConfigError("a method must offer at least one candidate, got none")
        return judged

    def _judge(self, candidate: Candidate) -> _Judged:
        with self.clock:
            logits = candidate.judge(self.watch)
            calibration = logits.best_calibration()
            return _Judged(calibration, logits.scores(calibration))

    def test(self, dataset: GZSLDataset, choices: Sequence[Choice]) -> list[Outcome]:
        """Train as was chosen, on all training rows, and look at the test set once a choice.

        Choices that differ in the classifier only share a training.
        """
        outcomes: dict[Setting, Outcome] = {}
        waiting = {choice.setting: choice for choice in choices}
        while waiting:
            setting = next(iter(waiting))
            for candidate in self.candidates(dataset, setting):
                if candidate.setting in waiting:
                    choice = waiting.pop(candidate.setting)
                    with self.clock:
                        scores = candidate.judge(self.watch).scores(choice.calibration)
                    outcomes[choice.setting] = self._outcome(scores, choice, candidate.generator)
                if not waiting:
                    break
            if setting in waiting:
                raise ConfigError(
                    f"a method must offer the setting {setting} on every data set, "
                    "but here it did not"
                )
        return [outcomes[choice.setting] for choice in choices]

    def _outcome(self, scores: GZSLScores, choice: Choice, generator: Generator | None) -> Outcome:
        judging = self.clock.seconds
        training = time.perf_counter() - self.started - judging
        return Outcome(scores, choice, generator, training, judging)

    def choose_on_test(self, dataset: GZSLDataset) -> Outcome:
        """The candidate with the highest harmonic mean on the test set, without calibration."""
        best: Candidate | None = None
        best_scores = None
        looks = 0
        for candidate in self.candidates(dataset):
            looks += 1
            with self.clock:
                scores = candidate.judge(self.watch).scores()
            if best_scores is None or scores.harmonic > best_scores.harmonic:
                best_scores = scores
                best = replace(candidate, generator=_kept(candidate.generator))

        if best is None or best_scores is None:
            raise ConfigError("a method must offer at least one candidate, got none")
        chosen_on = f"the TEST set, best of {looks} looks"
        choice = Choice(best.setting, 0.0, chosen_on, best_scores)
        return self._outcome(best_scores, choice, best.generator)


def _kept(generator: Generator | None) -> Generator | None:
    """The generator as it is now, though a flow may go on learning."""
    return copy.deepcopy(generator) if isinstance(generator, GSMFlow) else generator


def _best(judged: _Findings) -> Choice:
    """The setting with the highest harmonic mean, averaged over the folds."""
    best = max(judged, key=lambda setting: _mean_harmonic(judged[setting]))
    calibration = _mean([one.calibration for one in judged[best]])
    return Choice(best, calibration, "validation classes", _mean_scores(judged[best]))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mean_harmonic(judged: Sequence[_Judged]) -> float:
    return _mean([one.scores.harmonic for one in judged])


def _mean_scores(judged: Sequence[_Judged]) -> GZSLScores:
    return GZSLScores.of(
        seen=_mean([one.scores.seen for one in judged]),
        unseen=_mean([one.scores.unseen for one in judged]),
        zsl=_mean([one.scores.zsl for one in judged]),
        ausuc=_mean([one.scores.ausuc for one in judged]),
    )
