"""The default text encoder: the mean of static vectors of word pieces, from the wordllama package.

The vectors and the tokenizer lie in the wheel of wordllama. They are read as files, and the package
itself is not imported: it would fetch the tokenizer, which it looks for in another folder than the
wheel has, and it changes the logging of the program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError

_CONFIGURATION = "l2_supercat_256"
WORDLLAMA_FILES = (
    f"weights/{_CONFIGURATION}.safetensors",
    "tokenizers/l2_supercat_tokenizer_config.json",
)
_TENSOR = "embedding.weight"


@cache
def wordllama() -> tuple[str, int, Callable[[list[str]], Float[np.ndarray, "n A"]]]:
    """Return the full name of the encoder, its width, and its function. Nothing is fetched.

    Raises ``ConfigError`` where the package or one of its files is missing or damaged.
    """
    weights, pieces = (wordllama_folder() / name for name in WORDLLAMA_FILES)
    vectors, tokenizer = _opened(weights, pieces)

    def encode(texts: list[str]) -> Float[np.ndarray, "n A"]:
        # One by one: in a batch the tokenizer starts threads, which do not survive a fork.
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        return np.stack([_mean_of(vectors, one) for one in ids])

    digest = hashlib.sha256(weights.read_bytes() + pieces.read_bytes()).hexdigest()[:8]
    name = f"wordllama {_CONFIGURATION} sha256:{digest}"  # another release may bring the same files
    return name, vectors.shape[1], encode


def wordllama_folder() -> Path:
    """Return where the package is installed, without importing it. Raises ``ConfigError``."""
    try:
        spec = find_spec("wordllama")
    except ValueError:  # something else is in its place
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    folders = [Path(place) for place in places]
    found = [
        folder for folder in folders if all((folder / name).is_file() for name in WORDLLAMA_FILES)
    ]
    if not found:
        _refuse_missing()
    return found[0]


def _refuse_missing() -> NoReturn:
    raise ConfigError(
        "the text encoder wordllama is not installed: pip install 'gsmflow-lite[texts]', or give "
        "another encoder"
    )


def _opened(weights: Path, pieces: Path) -> tuple[Float[np.ndarray, "pieces A"], Any]:
    """Return the vectors of all pieces of words, and what divides a text into these."""
    try:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ImportError:
        _refuse_missing()
    try:
        vectors = load_file(weights)[_TENSOR]
        tokenizer = Tokenizer.from_file(str(pieces))
    except Exception as error:  # each library has kinds of its own
        raise ConfigError(
            f"{weights.parent.parent}: the files of wordllama must be readable, but "
            f"{type(error).__name__}: {error}: pip install --force-reinstall wordllama"
        ) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return vectors, tokenizer


def _mean_of(vectors: Float[np.ndarray, "pieces A"], ids: list[int]) -> Float[np.ndarray, " A"]:
    if not ids:
        return np.zeros(vectors.shape[1], np.float32)
    return vectors[np.clip(ids, 0, len(vectors) - 1)].astype(np.float32).mean(0)
