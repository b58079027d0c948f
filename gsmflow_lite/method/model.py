"""GSMFlow: relative positioning and the conditional flow as one generator of features. Chen et al. (2021, 2022)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..config import ModelConfig, check_seed, present_names
from ..datasets.preprocessing import Preprocessing
from ..errors import ConfigError, DataError, StorageError
from ..seeds import torch_stream
from ..storage import read_tensors, write_tensors
from .flow import Condition, ConditionalFlow
from .semantics import RelativePositioning
from .start import GaussianStart, NoStart

ROWS_AT_ONCE = 8192  # bounds the memory of hidden layers while synthesizing and scoring


class GSMFlow(nn.Module):
    r"""A conditional density of features given a class description, and a sampler of it.

    .. math:: z = f(W (x - m(a));\, a^g(a)), \qquad
        \log p(x \mid a) = \log N(z; 0, I) + \log |\det \partial z / \partial x|

    f is the flow and a^g the relative positioning. As published, m = 0 and W = I. With a ``start`` (this library's addition,
    see the README) the flow models only what a ridge-Gaussian leaves unexplained: m(a) is the class mean predicted by ridge
    regression and W whitens the covariance around it. Since the flow starts close to the identity, training then starts
    from the ridge-Gaussian.

    ``anchors`` (3, A), divided by ``unit``, position the attributes. Attributes are always (M, A) with one row per *class*;
    ``index`` (N,) says which row each sample has; the flow reads them divided by ``unit`` (1 as published).
    Use :func:`gsmflow_lite.method.training.new_model` to make one that fits a data set.
    Reference: Chen et al. (2021), sec. 3. Methods raise ``DataError`` for features or attributes of another width than in
    training.

    >>> model = GSMFlow(features=4, anchors=torch.eye(3), config=ModelConfig(blocks=1, hidden=8, embedding=8))
    >>> model.synthesize(torch.eye(3), n=5).shape
    torch.Size([3, 5, 4])
    >>> model.log_prob(torch.zeros(2, 4), torch.eye(3)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        features: int,
        anchors: Tensor,
        config: ModelConfig,
        start: GaussianStart | None = None,
        unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.config = config
        self.attributes = anchors.shape[1]
        if config.relative_positioning:
            self.positioning: nn.Module = RelativePositioning(anchors, config.embedding)
        else:
            self.positioning = nn.Identity()
        context = config.embedding if config.relative_positioning else self.attributes
        self.flow = ConditionalFlow(
            features,
            context,
            blocks=config.blocks,
            hidden=config.hidden,
            clamp=config.clamp,
            semantics=config.semantics,
        )
        self.start = start or NoStart()
        self.register_buffer("unit", torch.tensor(unit))

    @property
    def features(self) -> int:
        """D, how many numbers a feature has."""
        return self.flow.features

    def embed(self, attributes: Tensor) -> Tensor:
        """Attributes (M, A) -> global semantics (M, C), what the coupling blocks read."""
        if attributes.ndim != 2 or attributes.shape[1] != self.attributes:
            raise DataError(
                f"attributes must be a matrix with {self.attributes} columns, as in training, got shape "
                f"{tuple(attributes.shape)}: are they of another data set?"
            )
        return self.positioning(attributes / self.unit)

    def forward(
        self, x: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features x (N, D) -> latent z (N, D) and log|det dz/dx| (N,), in nats."""
        self._expect(x)
        u, of_start = self.start(x, attributes, index)
        z, of_flow = self.flow(u, self.embed(attributes), index)
        return z, of_flow + of_start

    def inverse(
        self, z: Tensor, attributes: Tensor, index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Latent z (N, D) -> features x (N, D) and log|det dx/dz| (N,), in nats."""
        u, of_flow = self.flow.inverse(z, self.embed(attributes), index)
        x, of_start = self.start.inverse(u, attributes, index)
        return x, of_flow + of_start

    @torch.no_grad()
    def log_prob(self, x: Tensor, attributes: Tensor) -> Tensor:
        """Exact log-density of every row under every description: x (N, D), attributes (M, A) -> (N, M), in nats."""
        x, attributes = self._own(x), self._own(attributes)
        self._expect(x)
        columns = []
        for one, condition in self._one_by_one(attributes):
            parts = []
            for rows in x.split(ROWS_AT_ONCE):
                u, of_start = self.start(rows, one)
                parts.append(self.flow.log_prob(u, condition) + of_start)
            columns.append(torch.cat(parts))
        return torch.stack(columns, dim=1)

    @torch.no_grad()
    def synthesize(
        self, attributes: Tensor, n: int, *, temperature: float = 1.0, seed: int = 0
    ) -> Tensor:
        """Synthesize ``n`` features of each described class: attributes (M, A) -> (M, n, D) on the model's device.

        ``temperature`` scales the latent noise: 0 gives the image of the latent origin, larger gives more varied samples.
        The same seed gives the same noise on every device.
        """
        check_seed(seed)
        if n < 1 or not 0 <= temperature < math.inf:
            raise DataError(
                f"n must be at least 1 and temperature finite and not negative, got {n} and {temperature}"
            )
        attributes = self._own(attributes)
        noise = torch_stream(seed, "latent noise")
        out = attributes.new_empty(len(attributes), n, self.features)
        for m, (one, condition) in enumerate(self._one_by_one(attributes)):
            for start in range(0, n, ROWS_AT_ONCE):
                rows = min(ROWS_AT_ONCE, n - start)
                z = torch.randn(rows, self.features, generator=noise).to(out) * temperature
                u, _ = self.flow.inverse(z, condition)
                out[m, start : start + rows] = self.start.inverse(u, one)[0]
        return out

    def _one_by_one(self, attributes: Tensor) -> Iterator[tuple[Tensor, Condition]]:
        """Each class's attributes (1, A) with its condition, all projected together."""
        conditions = self.flow.condition(self.embed(attributes))
        for m in range(len(attributes)):
            yield attributes[m : m + 1], tuple(c[m : m + 1] for c in conditions)

    def _expect(self, x: Tensor) -> None:
        if x.ndim != 2 or x.shape[1] != self.features:
            raise DataError(
                f"features must be a matrix with {self.features} columns, as in training, got shape {tuple(x.shape)}: "
                "do they need the preprocessing of the model?"
            )

    def _own(self, values: Tensor) -> Tensor:
        """Values as a tensor of the model's type on its device."""
        if (
            isinstance(values, np.ndarray) and not values.flags.writeable
        ):  # torch would warn that it shares it
            values = values.copy()
        return torch.as_tensor(values).to(next(self.parameters()))


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A trained flow with what is needed to use it: the preprocessing of its features, and notes on how it was made."""

    model: GSMFlow
    preprocessing: Preprocessing | None = None
    notes: Mapping[str, Any] = field(
        default_factory=dict
    )  # JSON-able: data set, seed, settings, scores, versions ...

    def save(self, path: str | Path) -> None:
        """Write one safetensors file with the settings in its header; an older file survives a failure."""
        model, pre = self.model, self.preprocessing
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        settings: dict[str, Any] = {
            "kind": "model",
            "features": model.features,
            "attributes": model.attributes,
            "model": asdict(model.config),
            "preprocessing": pre and pre.kind,
            "notes": dict(self.notes),
        }
        if pre is not None:
            arrays = {name: getattr(pre, name) for name in ("offset", "scale", "basis")}
            tensors |= {
                f"preprocessing.{k}": torch.from_numpy(v.copy())
                for k, v in arrays.items()
                if v is not None
            }
        write_tensors(path, tensors, settings)

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> SavedModel:
        """Read what :meth:`save` wrote. Raises ``StorageError`` if the file is missing, damaged, or holds something else."""
        tensors, settings = read_tensors(path)
        if settings.get("kind") != "model":
            raise StorageError(
                f"{path} must hold a model, got {settings.get('kind')!r}: did you name a checkpoint?"
            )
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "preprocessing": {}}
        try:
            for name, value in tensors.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = value
            config = ModelConfig(**present_names(settings["model"]))
            model = (
                rebuild(settings["features"], settings["attributes"], config, parts["model"])
                .to(device)
                .eval()
            )
            pre = None
            if settings["preprocessing"] is not None:
                arrays = {name: value.numpy() for name, value in parts["preprocessing"].items()}
                pre = Preprocessing(settings["preprocessing"], **arrays)
            return cls(model=model, preprocessing=pre, notes=dict(settings["notes"]))
        except (KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise StorageError(
                f"{path} must hold a whole model, but {error}: it is damaged, use another copy"
            ) from None


def rebuild(
    features: int, attributes: int, config: ModelConfig, state: dict[str, Tensor]
) -> GSMFlow:
    """A model of that shape, laid out without memory, that takes the tensors of ``state`` as its weights (anchors (3, A)).

    Raises ``ConfigError`` where the settings ask for more blocks than there are tensors.
    """
    state = {
        re.sub(r"^base\.", "start.", name): value for name, value in state.items()
    }  # as version 0.1 wrote it
    if config.blocks > len(state):
        raise ConfigError(
            f"its settings ask for {config.blocks} blocks, its tensors are {len(state)}"
        )
    start = None
    if config.start != "none":
        start = GaussianStart(state["start.weights"], state["start.root"])
        shapes, wanted = (
            (start.weights.shape, start.root.shape),
            ((attributes + 1, features), (features, features)),
        )
        if shapes != wanted:
            raise ConfigError(
                f"its start must be of shapes {wanted}, got {tuple(map(tuple, shapes))}"
            )
    with torch.device("meta"), _Undrawn():
        model = GSMFlow(features, torch.zeros(3, attributes), config, start)
    model.load_state_dict(state, assign=True)
    types = {value.dtype for value in state.values()}
    if types not in ({torch.float32}, {torch.float64}) or not all(
        value.isfinite().all() for value in state.values()
    ):
        raise ConfigError(
            f"its tensors must be finite, and all in single or all in double precision, got {types}"
        )
    return model


class _Undrawn(TorchFunctionMode):
    """Weights are not drawn where others follow: on the meta device, the draw alone imports torch's compiler for a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return None if func is nn.init.normal_ else func(*args, **(kwargs or {}))
