"""The protocols of generators, ``ask`` and ``ask_density``: the only ways to call one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, isclass, signature
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from ..arguments import check_asked, real
from ..errors import DataError, GSMFlowError, such_classes
from ..method.tensors import checked_attributes, real_tensor


@runtime_checkable
class Generator(Protocol):
    """Anything that synthesizes features of a class from its attributes.

    A generator may leave ``temperature`` out. It can then be asked at temperature 1 only.
    """

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize ``n`` features of each class. The same seed gives the same features.

        A larger ``temperature`` gives more varied features.
        """
        ...


@runtime_checkable
class ExactDensity(Protocol):
    """A generator that also knows how likely features are: it can be a classifier itself."""

    def log_prob(
        self, x: Float[Tensor, "N D"], attributes: Float[Tensor, "M A"]
    ) -> Float[Tensor, "N M"]:
        """Return the exact log-density of every row in every class, in nats."""
        ...


def ask(
    generator: Generator,
    attributes: ArrayLike,
    n: int,
    *,
    temperature: float = 1.0,
    seed: int = 0,
    width: int | None = None,
    names: Sequence[str] | None = None,
) -> Float[Tensor, "M n D"]:
    """Ask any generator for ``n`` features of each class, and check what it returns.

    Every part of the library that needs features calls this function. ``attributes`` (M, A) may
    be any array or tensor; the generator gets a float32 copy on the CPU, which it may change. The
    result is a float32 copy that is contiguous and needs no gradient; it stays on the device of
    what the generator returned.

    ``temperature`` is handed on only where it is not 1, because not every generator has one.
    ``width`` is D, where the caller knows it. ``names`` are the names of the classes, for messages.

    Raises ``ConfigError`` for n below 1, a negative temperature or what is no seed. Raises
    ``DataError`` where ``generator`` has no method ``synthesize`` or no temperature or raises an
    error of its own, where ``attributes`` are no matrix of finite numbers, and for features of
    another shape, complex, not numbers or not finite.
    """
    check_generator(generator)
    n, temperature, seed = check_asked(n, temperature, seed)
    copied = checked_attributes(attributes).detach().to("cpu", torch.float32, copy=True)
    classes = len(copied)  # before the call: the generator may change even the shape of its copy
    options = _temperature_option(generator, temperature)

    returned = _called(generator, "synthesize", copied, n, seed=seed, **options)

    values = real_tensor(returned, "synthesized features")
    _check_shape(values, classes, n, width)
    features = values.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    _check_finite(features, names)
    return features


def ask_density(
    density: ExactDensity, x: Float[Tensor, "N D"], attributes: Float[Tensor, "M A"]
) -> Float[Tensor, "N M"]:
    """Ask any generator for the log-density of every row in every class, in nats.

    Raises ``DataError`` where it raises an error of its own, or gives another shape or numbers that
    are not finite.
    """
    given = _called(density, "log_prob", x, attributes)
    densities = real_tensor(given, "log-densities").detach()
    expected = (len(x), len(attributes))
    broken = int((~densities.isfinite()).sum())
    if tuple(densities.shape) != expected or broken:
        raise DataError(
            "log_prob must give a finite density for each row and class, shape "
            f"{expected}, got shape {tuple(densities.shape)} with "
            f"{broken} that are not finite: mend the generator"
        )
    return densities


def check_generator(generator: object) -> None:
    """Raise ``DataError`` for what cannot be asked for features, such as a bare function."""
    if isclass(generator):
        raise DataError(
            f"a generator must be an object, got the class {generator.__name__}: "
            f"hand in what {generator.__name__}(...) returns"
        )
    if not callable(getattr(generator, "synthesize", None)):
        raise DataError(
            "a generator must have a method synthesize(attributes, n, *, temperature, seed), "
            f"got {_kind(generator)}: {_remedy(generator)}"
        )


def _kind(generator: object) -> str:
    return "None" if generator is None else type(generator).__name__


def _remedy(generator: object) -> str:
    owner = getattr(generator, "__self__", None)  # of a method
    if callable(getattr(owner, "synthesize", None)):
        return f"hand in the {type(owner).__name__} itself, not its method"
    if callable(getattr(getattr(generator, "model", None), "synthesize", None)):
        return "hand in its .model"
    if isinstance(generator, Mapping):
        return "hand in one of its values"
    if callable(generator):
        return "make it a method of that name in a class"
    return "see notebook 08"


def _called(generator: object, method: str, *given: Any, **options: Any) -> Any:
    """What a method returns. Any error that is not of this library becomes a ``DataError``."""
    call: Callable[..., Any] = getattr(generator, method)
    try:
        return call(*given, **options)
    except GSMFlowError:
        raise
    except Exception as error:
        raise DataError(
            f"a generator must not fail, but {type(generator).__name__}.{method} raised "
            f"{type(error).__name__}: {error}"
        ) from error


def _temperature_option(generator: Generator, temperature: float) -> Mapping[str, float]:
    """Give the keyword for the generator: none at temperature 1, so that it need not know it."""
    if temperature == 1:
        return {}
    if not _takes_temperature(generator):
        raise DataError(
            f"{type(generator).__name__} features have no temperature: "
            f"it must be 1, got {temperature}"
        )
    return {"temperature": temperature}


def _takes_temperature(generator: Generator) -> bool:
    try:
        parameters = signature(generator.synthesize).parameters
    except (TypeError, ValueError):  # of a function that was not written in Python
        return True
    takes_any_keyword = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    return takes_any_keyword or "temperature" in parameters


def _check_shape(values: Tensor, classes: int, n: int, width: int | None) -> None:
    fits = values.ndim == 3 and values.shape[:2] == (classes, n)
    if width is not None:
        fits = fits and values.shape[2] == width
    if not fits:
        expected = f"({classes}, {n}, {'D' if width is None else width})"
        raise DataError(
            f"a generator asked for {n} features of {classes} classes must give shape {expected}, "
            f"got {tuple(values.shape)}"
        )


def _check_finite(features: Float[Tensor, "M n D"], names: Sequence[str] | None) -> None:
    broken = ~features.isfinite().all(2).all(1)
    if not broken.any():
        return
    first = int(broken.int().argmax())
    name = f"number {first} of those asked for" if names is None else repr(names[first])
    raise DataError(
        f"synthesized features must be finite, but those of class {name} are not "
        f"({such_classes(int(broken.sum()))}): lower the temperature, "
        "or train with a smaller learning rate"
    )


class AtTemperature:
    """Another generator whose temperature is multiplied by ``temperature``.

    It is for callers that set no temperature of their own, such as ``measure``.
    """

    def __init__(self, source: Generator, temperature: float) -> None:
        check_generator(source)
        self.source = source
        self.temperature = real(temperature, "temperature", least=0)

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize as the source does at the product of both temperatures."""
        product = real(temperature, "temperature", least=0) * self.temperature
        return ask(self.source, attributes, n, temperature=product, seed=seed)
