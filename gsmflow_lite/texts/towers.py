"""Text encoders of other libraries, where these are installed: sentence-transformers, open_clip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from ..datasets.names import did_you_mean
from ..errors import ConfigError

EncodeTexts = Callable[[list[str]], Float[np.ndarray, "n A"]]

_AT_ONCE = 64  # texts in a batch


def sentence_transformer(model_name: str) -> tuple[str, int, EncodeTexts]:
    """Return the full name of a model of sentence-transformers, its width, and its function.

    The library fetches weights that are not there yet. Raises ``ConfigError``.
    """
    which = f"sentence-transformers:{model_name}"
    library = _imported("sentence_transformers", "sentence-transformers")
    model = _made(which, lambda: library.SentenceTransformer(model_name, device="cpu"))

    def encode(texts: list[str]) -> Float[np.ndarray, "n A"]:
        return np.asarray(model.encode(texts, batch_size=_AT_ONCE, show_progress_bar=False))

    return _full_name(which, library, model), encode(["a bird"]).shape[1], encode


def open_clip_tower(model_and_weights: str) -> tuple[str, int, EncodeTexts]:
    """Return the full name of a text tower of open_clip, its width, and its function.

    The library fetches weights that are not there yet. Raises ``ConfigError``.
    """
    which = f"open_clip:{model_and_weights}"
    library = _imported("open_clip", "open_clip_torch")
    model_name, _, weights = model_and_weights.rpartition("/")
    known = [f"{model}/{tag}" for model, tag in library.list_pretrained()]
    if model_and_weights not in known:
        raise ConfigError(
            "open_clip must know the model and its weights (open_clip.list_pretrained()), got "
            f"{model_and_weights!r}: write MODEL/PRETRAINED as it does"
            f"{did_you_mean(model_and_weights, known)}"
        )
    model = _made(which, lambda: library.create_model(model_name, pretrained=weights)).eval()
    tokenizer = _made(which, lambda: library.get_tokenizer(model_name))

    @torch.no_grad()
    def encode(texts: list[str]) -> Float[np.ndarray, "n A"]:
        batches = [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]
        rows = [model.encode_text(tokenizer(batch)).float().cpu() for batch in batches]
        return torch.cat(rows).numpy()

    return _full_name(which, library, model), encode(["a bird"]).shape[1], encode


def _imported(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            f"a text encoder of {module} needs that library, which is not installed: "
            f"pip install {package}"
        ) from None


def _made(which: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:  # each library has kinds of its own, and those of the network
        raise ConfigError(
            f"the weights of {which} must be on this machine or be fetched, but "
            f"{type(error).__name__}: {str(error)[:300]}: check the name and the connection, or "
            "fetch them on another machine and copy the cache"
        ) from None


def _full_name(which: str, library: Any, model: nn.Module) -> str:
    """Name a model with the version of its library and a digest of its weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    release = getattr(library, "__version__", "of unknown version")
    return f"{which} {release} sha256:{digest.hexdigest()[:8]}"
