"""What users hand in: numbers, seeds, names, paths and functions, each checked in one place."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import ConfigError

LARGEST_SEED = 2**32 - 1  # for which every random generator that is used has a state


def whole(value: Any, name: str, *, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number from ``least`` to ``most`` as Python's own; ``name`` is for messages.

    NumPy's and Torch's whole numbers are taken. Raises ``ConfigError`` for a fraction such as 2.0,
    text, True, None and a number out of the range.

    >>> import numpy as np
    >>> whole(np.int8(3), "n", least=1)
    3
    """
    plain = _of_one_entry(value)
    try:
        if isinstance(plain, bool):
            raise TypeError
        number = operator.index(plain)
    except (TypeError, RuntimeError):  # of Torch, for a tensor that holds no one number
        is_fraction = isinstance(plain, float) and math.isfinite(plain)
        remedy = "round it to an int" if is_fraction else "give an int"
        raise ConfigError(f"{name} must be a whole number, got {_shown(value)}: {remedy}") from None
    _check_range(number, name, least, most)
    return number


def real(value: Any, name: str, *, least: float | None = None, most: float | None = None) -> float:
    """Return a finite number from ``least`` to ``most`` as Python's own float.

    NumPy's and Torch's numbers are taken. ``name`` is for messages. Raises ``ConfigError`` for
    text, True, None, NaN, infinity, a complex number and a number out of the range.

    >>> real(2, "temperature", least=0)
    2.0
    """
    plain = _of_one_entry(value)
    if not isinstance(plain, Real) or isinstance(plain, bool):
        raise ConfigError(f"{name} must be a number, got {_shown(value)}: give an int or a float")
    try:
        number = float(plain)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError(f"{name} must be finite, got {_shown(value)}: give another number")
    _check_range(number, name, least, most)
    return number


def check_seed(seed: Any) -> int:
    """Return ``seed`` as a plain number that every random generator of a run can take.

    Raises ``ConfigError`` for any other.
    """
    return whole(seed, "seed", least=0, most=LARGEST_SEED)


def check_asked(n: Any, temperature: Any, seed: Any) -> tuple[int, float, int]:
    """Return what a generator is asked with as plain numbers.

    Raises ``ConfigError`` unless n is at least 1, the temperature at least 0, and ``seed`` a seed.
    """
    return whole(n, "n", least=1), real(temperature, "temperature", least=0), check_seed(seed)


def is_among(value: Any, known: Collection[str]) -> bool:
    """Whether ``value`` is one of the known names; a list, say, is none.

    >>> is_among(["a"], {"a": 1})
    False
    """
    return isinstance(value, str) and value in known


def names_in(value: Any, name: str) -> tuple[str, ...]:
    """Return names as a tuple; a text alone is one name.

    ``name`` is for messages. Raises ``ConfigError`` for what is no list of texts.

    >>> names_in("seed", "hide"), names_in(["seed", "lens"], "hide")
    (('seed',), ('seed', 'lens'))
    """
    if isinstance(value, str):
        return (value,)
    try:
        listed = tuple(value)
    except TypeError:  # of what cannot be gone through
        listed = (None,)
    if not all(isinstance(one, str) for one in listed):
        raise ConfigError(f"{name} must be a list of names, got {_shown(value)}: give texts")
    return listed


def path_in(value: Any, name: str) -> Path:
    """Return a path that is given as text or as one; ``name`` is for messages.

    Raises ``ConfigError`` for anything else.
    """
    if not isinstance(value, str | PathLike):
        raise ConfigError(f"{name} must be a path, got {_shown(value)}: give text, or a Path")
    return Path(value)


def check_function(value: Any, name: str) -> None:
    """Raise ``ConfigError`` unless ``value`` can be called; ``name`` is for messages."""
    if not callable(value):
        raise ConfigError(
            f"{name} must be a function, got {_shown(value)}: give one, or leave it out"
        )


def _of_one_entry(value: Any) -> Any:
    """The number that a scalar of NumPy or Torch holds; anything else as it is."""
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    try:
        return value.item()
    except RuntimeError:  # a tensor without data
        return value


def _check_range(number: float, name: str, least: float | None, most: float | None) -> None:
    below = least is not None and number < least
    above = most is not None and number > most
    if not (below or above):
        return
    if least is None:
        bounds = f"at most {most:.15g}"
    elif most is None:
        bounds = f"at least {least:.15g}"
    else:
        bounds = f"from {least:.15g} to {most:.15g}"
    remedy = "larger" if below else "smaller"
    raise ConfigError(f"{name} must be {bounds}, got {number!r}: give a {remedy} number")


def _shown(value: Any) -> str:
    """A value for a message: a number or text as it is, of anything else its type."""
    plain = _of_one_entry(value)
    if plain is None or isinstance(plain, bool | str | bytes | Real | complex):
        return repr(plain)
    return f"an object of type {type(value).__name__}"
