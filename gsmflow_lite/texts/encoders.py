"""Text encoders: what turns texts into rows of numbers, by a name or of any function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ..arguments import names_in
from ..datasets.base import GZSLDataset
from ..datasets.inputs import as_array
from ..datasets.names import did_you_mean
from ..datasets.wording import clean_text
from ..errors import ConfigError, DataError
from .static_vectors import wordllama
from .towers import open_clip_tower, sentence_transformer

DEFAULT_ENCODER = "wordllama"
_WITH_A_NAME = {  # what comes before the colon, and what reads the rest
    "sentence-transformers": sentence_transformer,
    "open_clip": open_clip_tower,
}
_TRIAL = "a bird"  # what a function is tried on, to learn how wide its rows are


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """Turns texts into rows of length 1.

    ============ ===============================================================================
    ``name``     says exactly what it is, with a digest of its weights
    ``width``    how many numbers a text becomes
    ``function`` from a list of n texts to an array (n, width)
    ============ ===============================================================================
    """

    name: str
    width: int
    function: Callable[[list[str]], Any]

    def __call__(self, texts: Sequence[str]) -> Float[np.ndarray, "n A"]:
        """Encode texts, each as a row of length 1.

        Raises ``DataError`` for what is no text, is too long, holds control characters or words
        that the encoder does not know, and for what ``function`` returns amiss.
        """
        clean = [clean_text(text, "a text") for text in names_in(texts, "texts")]
        if not clean:
            return np.empty((0, self.width), np.float32)
        return _unit_rows(self.function(clean), clean, self.width, self.name)


def _unit_rows(
    values: Any, texts: list[str], width: int | None, name: str
) -> Float[np.ndarray, "n A"]:
    """Check what an encoder returns, and bring each row to length 1."""
    rows = as_array(values, f"what {name} returns", "")
    wanted = (len(texts), width or rows.shape[-1] if rows.ndim else 0)
    if rows.dtype.kind not in "iuf" or rows.shape != wanted or 0 in rows.shape:
        numbers = f"{width} numbers" if width else "numbers"
        raise DataError(
            f"a text encoder must return a row of {numbers} for each of {len(texts)} texts, but "
            f"{name} returned {rows.dtype} of shape {rows.shape}: correct it"
        )
    rows = rows.astype(np.float64)
    _check_rows(rows, texts, name)
    rows /= np.abs(rows).max(1, keepdims=True)  # the squares of large numbers would be infinite
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _check_rows(rows: Float[np.ndarray, "n A"], texts: list[str], name: str) -> None:
    strange = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(strange):
        raise DataError(
            f"a text encoder must return finite numbers, but {name} did not for "
            f"{texts[strange[0]][:60]!r}: reword that text, or take another encoder"
        )
    zero = np.flatnonzero(~rows.any(1))
    if len(zero):
        raise DataError(
            f"a text must hold words that its encoder knows, but {name} knows none of "
            f"{texts[zero[0]][:60]!r}: say it in other words, or take another encoder"
        )


def text_encoder(
    which: str | Callable[[list[str]], Any] | TextEncoder = DEFAULT_ENCODER, *, name: str = ""
) -> TextEncoder:
    """Return a text encoder.

    ``which`` is

    - ``"wordllama"``: static vectors of 256 numbers for English words. Its weights come with
      ``pip install 'gsmflow-lite[texts]'``; nothing is ever fetched.
    - ``"sentence-transformers:NAME"`` or ``"open_clip:MODEL/PRETRAINED"``, where these libraries
      are installed. They fetch weights that are not there yet.
    - any function from a list of n texts to n rows of numbers. ``name`` says what it is; give
      another name to a function that gives other numbers.

    Raises ``ConfigError`` for what is unknown or missing, and ``DataError`` for a function that
    returns no such rows.
    """
    if isinstance(which, TextEncoder):
        return which
    if isinstance(which, str):
        return TextEncoder(*_by_name(which))
    if not callable(which):
        raise ConfigError(
            f"a text encoder must be a name or a function, got {type(which).__name__}: give one"
        )
    called = name or _name_of(which)
    row = _unit_rows(which([_TRIAL]), [_TRIAL], None, called)
    return TextEncoder(clean_text(called, "the name of a text encoder"), row.shape[1], which)


def _by_name(which: str) -> tuple[str, int, Callable[[list[str]], Any]]:
    if which == DEFAULT_ENCODER:
        return wordllama()
    kind, colon, rest = which.partition(":")
    if not colon or kind not in _WITH_A_NAME or not rest or any(map(str.isspace, rest)):
        known = (DEFAULT_ENCODER, "sentence-transformers:NAME", "open_clip:MODEL/PRETRAINED")
        raise ConfigError(
            f"a text encoder must be {', '.join(known)} or a function, got {which!r}: give one of "
            f"these{did_you_mean(kind, [DEFAULT_ENCODER, *_WITH_A_NAME])}"
        )
    return _WITH_A_NAME[kind](rest)


def _name_of(function: Callable) -> str:
    owner = function if hasattr(function, "__qualname__") else type(function)
    return f"{owner.__module__}.{owner.__qualname__}"


def encoder_of(
    dataset: GZSLDataset, given: str | Callable[[list[str]], Any] | TextEncoder | None = None
) -> TextEncoder:
    """Return the encoder that made the attributes of a data set of texts.

    Without ``given``, only the default one is opened: a file must not choose what is fetched. A
    function has no name of its own, so it is taken for the one that is wanted, if it is as wide.
    Raises ``ConfigError`` where it is another encoder, or cannot be opened.
    """
    wanted = dataset.text_encoder
    if not wanted:
        raise ConfigError(
            "sentences can only be read where an encoder has made the attributes of texts, and the "
            f"attributes of {dataset.name!r} are none: move single attributes instead"
        )
    if given is None and not wanted.startswith(f"{DEFAULT_ENCODER} "):
        raise ConfigError(
            f"the attributes were made by {wanted!r}, which is not opened unasked: give "
            f"encoder=text_encoder({wanted.split()[0]!r})"
        )
    is_function = callable(given) and not isinstance(given, TextEncoder)
    encoder = text_encoder(given or DEFAULT_ENCODER, name=wanted if is_function else "")
    if encoder.name != wanted or encoder.width != dataset.attributes.shape[1]:
        raise ConfigError(
            f"sentences must be encoded as the descriptions were, by {wanted!r} with "
            f"{dataset.attributes.shape[1]} numbers, got {encoder.name!r} with {encoder.width}: "
            "install that version, or make the data set anew with this one"
        )
    return encoder
