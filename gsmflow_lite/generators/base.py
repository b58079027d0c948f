"""The Generator protocol, and the one door through which every generator is asked for features."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, signature
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import DataError


@runtime_checkable
class Generator(Protocol):
    """Anything that synthesizes features of a class from its description."""

    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D); the same seed gives the same features."""
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
    """Ask any generator for ``n`` features of each described class, and check what it gives.

    Every part of the library that needs features comes through here. The generator gets attributes (M, A) of
    its own, float32 on the CPU, so it may change them. The result is float32, contiguous, detached and nobody
    else's; it stays on the device where it was made. ``temperature`` is handed on only where it is not 1,
    because not every generator has one. ``width`` is D, where the caller knows it; ``names`` are those of the
    classes, for messages.

    Raises ``DataError`` for features of another shape, complex, not numbers or not finite, and for a
    temperature that the generator does not have.
    """
    asked = _attributes_for(attributes)
    options = (
        {} if temperature == 1 else {"temperature": _checked_temperature(generator, temperature)}
    )
    given = _as_tensor(generator.synthesize(asked, n, seed=seed, **options))
    if given.is_complex():
        raise DataError(
            "synthesized features must be real numbers, got complex ones: take their real part"
        )
    shape = (len(asked), n, given.shape[-1] if width is None and given.ndim else width)
    if given.shape != shape:
        raise DataError(
            f"a generator asked for {n} features of {len(asked)} classes must give shape {shape}, "
            f"got {tuple(given.shape)}"
        )
    features = given.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    _check_finite(features, names)
    return features


def _attributes_for(values: ArrayLike) -> Float[Tensor, "M A"]:
    """Attributes that the generator may keep and change."""
    if not isinstance(values, Tensor):
        values = torch.from_numpy(np.array(values, np.float32))
    return values.detach().to("cpu", torch.float32, copy=True)


def _as_tensor(values: object) -> Tensor:
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise DataError(
            f"synthesized features must be numbers, got {array.dtype}: return a tensor or an array"
        )
    return torch.from_numpy(
        np.array(array)
    )  # torch takes no negative strides and no read-only memory


def _checked_temperature(generator: Generator, temperature: float) -> float:
    takes = signature(generator.synthesize).parameters
    if "temperature" not in takes and all(
        one.kind is not Parameter.VAR_KEYWORD for one in takes.values()
    ):
        raise DataError(
            f"{type(generator).__name__} features have no temperature: it must be 1, got {temperature}"
        )
    return temperature


def _check_finite(features: Float[Tensor, "M n D"], names: Sequence[str] | None) -> None:
    broken = ~features.isfinite().all(2).all(1)
    if broken.any():
        first = int(broken.int().argmax())
        name = f"{names[first]!r}" if names is not None else f"number {first} of those asked for"
        raise DataError(
            f"synthesized features must be finite, but those of class {name} are not ({int(broken.sum())} such "
            "classes): lower the temperature, or train with a smaller learning rate"
        )


class AtTemperature:
    """Another generator at a temperature of its own: for callers that know of none, such as ``measure``."""

    def __init__(self, source: Generator, temperature: float) -> None:
        self.source, self.temperature = source, temperature

    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Attributes (M, A) -> features (M, n, D), as the source at ``temperature`` times its own."""
        return ask(
            self.source, attributes, n, temperature=temperature * self.temperature, seed=seed
        )
