"""The protocols of generators, and ``ask``, the only way in which the library calls one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, isclass, signature
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import DataError


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

    Raises ``DataError`` where ``generator`` has no method ``synthesize`` or no temperature, where
    ``attributes`` are no matrix of numbers, and for features of another shape, complex, not numbers
    or not finite.
    """
    _check_method(generator)
    copied = _copy_of_attributes(attributes)
    classes = len(copied)  # before the call: the generator may change even the shape of its copy
    options = _temperature_option(generator, temperature)

    returned = generator.synthesize(copied, n, seed=seed, **options)

    values = _real_tensor(returned)
    _check_shape(values, classes, n, width)
    features = values.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    _check_finite(features, names)
    return features


def _check_method(generator: object) -> None:
    if isclass(generator):
        raise DataError(
            f"a generator must be an object, got the class {generator.__name__}: "
            f"hand in what {generator.__name__}(...) returns"
        )
    if not isinstance(generator, Generator):
        raise DataError(
            "a generator must have a method synthesize(attributes, n, *, temperature, seed), "
            f"got {type(generator).__name__}"
        )


def _copy_of_attributes(attributes: object) -> Float[Tensor, "M A"]:
    if not isinstance(attributes, Tensor):
        try:
            attributes = torch.from_numpy(np.array(attributes, np.float32))
        except (TypeError, ValueError) as error:
            raise DataError(f"attributes must be a matrix of numbers: {error}") from None
    if attributes.ndim != 2:
        raise DataError(
            "attributes must be a matrix with one row per class, "
            f"got shape {tuple(attributes.shape)}: for one class, hand in attributes[None]"
        )
    return attributes.detach().to("cpu", torch.float32, copy=True)


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
    parameters = signature(generator.synthesize).parameters
    takes_any_keyword = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    return takes_any_keyword or "temperature" in parameters


def _real_tensor(returned: object) -> Tensor:
    """A tensor of whatever a generator returned: a tensor, an array, or lists of these."""
    if isinstance(returned, list | tuple) and any(isinstance(one, Tensor) for one in returned):
        returned = _stacked(returned)
    if isinstance(returned, Tensor):
        _check_real(returned.is_complex())
        return returned
    return torch.from_numpy(_float32_array(returned))


def _check_real(is_complex: bool) -> None:
    if is_complex:
        raise DataError(
            "synthesized features must be real numbers, got complex ones: take their real part"
        )


def _stacked(parts: Sequence[object]) -> Tensor:
    """One tensor of a list with a tensor for each class."""
    shapes = {tuple(part.shape) if isinstance(part, Tensor) else None for part in parts}
    if None in shapes or len(shapes) > 1:
        raise DataError(
            "synthesized features must be one tensor, got a list whose parts differ: "
            "use torch.stack, with equally many features of each class"
        )
    return torch.stack([part for part in parts if isinstance(part, Tensor)])


def _float32_array(values: object) -> np.ndarray:
    """A copy that torch takes: it knows no negative strides, read-only memory or longdouble."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # parts of different lengths, or no array at all
        raise DataError(
            f"synthesized features must be one array, got {type(values).__name__}: {error}"
        ) from None
    _check_real(array.dtype.kind == "c")
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"synthesized features must be numbers, got {array.dtype}: return a tensor or an array"
        )
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused later
        return np.array(array, np.float32, order="C")


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
        f"({int(broken.sum())} such classes): lower the temperature, "
        "or train with a smaller learning rate"
    )


class AtTemperature:
    """Another generator whose temperature is multiplied by ``temperature``.

    It is for callers that set no temperature of their own, such as ``measure``.
    """

    def __init__(self, source: Generator, temperature: float) -> None:
        self.source = source
        self.temperature = temperature

    def synthesize(
        self,
        attributes: Float[Tensor, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize as the source does at the product of both temperatures."""
        product = temperature * self.temperature
        return ask(self.source, attributes, n, temperature=product, seed=seed)
