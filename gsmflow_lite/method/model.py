"""GSMFlow, the generator of features: relative positioning and the conditional flow together.

Reference: Chen et al. (2021, 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..arguments import check_asked, path_in
from ..config import ModelConfig, present_names
from ..datasets.preprocessing import Preprocessing
from ..errors import ConfigError, StorageError
from ..numerics import values_at_once
from ..storage import read_tensors, to_write, write_tensors
from . import prior
from .flow import Condition, ConditionalFlow
from .semantics import RelativePositioning
from .start import GaussianStart, NoStart
from .tensors import (
    check_attribute_shape,
    check_feature_shape,
    checked_attributes,
    checked_features,
)

FORMER_PREFIX = "base."  # what version 0.1 called the tensors of the start of a flow

Matrix = Tensor | np.ndarray


class GSMFlow(nn.Module):
    r"""A conditional density of features given the attributes of a class, and a sampler of it.

    .. math:: z = f(W (x - m(a));\, a^g(a)), \qquad
        \log p(x \mid a) = \log N(z; 0, I) + \log |\det \partial z / \partial x|

    f is the flow and a^g the relative positioning. As published, m = 0 and W = I. A ``start`` is
    this library's addition (see the README): the flow then models only what a ridge-Gaussian leaves
    unexplained. m(a) is the class mean that ridge regression predicts, and W whitens the covariance
    around it. A new flow is close to the identity, so its training starts from the ridge-Gaussian.

    ``anchors``, divided by ``unit``, position the attributes. The flow reads attributes divided by
    ``unit`` as well (1 as published). Attributes always have one row per *class*, and ``index``
    says which row belongs to each row of features. Use
    :func:`gsmflow_lite.method.training.new_model` to make a model that fits a data set.
    Methods raise ``DataError`` for features or attributes of another width than in training;
    :meth:`log_prob` and :meth:`synthesize` also where they are not finite.
    Reference: Chen et al. (2021), sec. 3.

    >>> config = ModelConfig(blocks=1, hidden=8, embedding=8)
    >>> model = GSMFlow(features=4, anchors=torch.eye(3), config=config)
    >>> model.synthesize(torch.eye(3), n=5).shape
    torch.Size([3, 5, 4])
    >>> model.log_prob(torch.zeros(2, 4), torch.eye(3)).shape
    torch.Size([2, 3])
    """

    unit: Float[Tensor, ""]

    def __init__(
        self,
        features: int,
        anchors: Float[Tensor, "3 A"],
        config: ModelConfig,
        start: GaussianStart | None = None,
        unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.config = config
        self.attributes = anchors.shape[1]
        if config.relative_positioning:
            context = config.embedding
            self.positioning: nn.Module = RelativePositioning(anchors, config.embedding)
        else:
            context = self.attributes
            self.positioning = nn.Identity()
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

    def embed(self, attributes: Float[Tensor, "M A"]) -> Float[Tensor, "M C"]:
        """Compute the global semantics of each class, which the coupling blocks read."""
        check_attribute_shape(attributes, self.attributes)
        return self.positioning(attributes / self.unit)

    def forward(
        self,
        x: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Map features x to latent z. Also returns log|det dz/dx|, in nats."""
        check_feature_shape(x, self.features)
        u, of_start = self.start(x, attributes, index)
        z, of_flow = self.flow(u, self.embed(attributes), index)
        return z, of_flow + of_start

    def inverse(
        self,
        z: Float[Tensor, "N D"],
        attributes: Float[Tensor, "M A"],
        index: Int[Tensor, " N"] | None = None,
    ) -> tuple[Float[Tensor, "N D"], Float[Tensor, " N"]]:
        """Map latent z to features x. Also returns log|det dx/dz|, in nats."""
        u, of_flow = self.flow.inverse(z, self.embed(attributes), index)
        x, of_start = self.start.inverse(u, attributes, index)
        return x, of_flow + of_start

    @torch.no_grad()
    def log_prob(
        self, x: Float[Matrix, "N D"], attributes: Float[Matrix, "M A"]
    ) -> Float[Tensor, "N M"]:
        """Return the exact log-density of every row in every class, in nats.

        One row of ``attributes`` describes each class.
        """
        parameter = next(self.parameters())
        x = checked_features(x, self.features).to(parameter)
        attributes = checked_attributes(attributes, self.attributes).to(parameter)
        condition = self.flow.condition(self.embed(attributes))
        log_densities = x.new_empty(len(x), len(attributes))
        pairs_at_once = self._rows_at_once()
        for rows, of_rows in zip(
            x.split(pairs_at_once), log_densities.split(pairs_at_once), strict=True
        ):
            classes = max(1, pairs_at_once // max(1, len(rows)))
            for first in range(0, len(attributes), classes):
                some = slice(first, first + classes)
                part = tuple(projected[some] for projected in condition)
                of_rows[:, some] = self._log_prob_of_pairs(rows, attributes[some], part)
        return log_densities

    def _log_prob_of_pairs(
        self, x: Tensor, attributes: Tensor, condition: Condition
    ) -> Float[Tensor, "N M"]:
        """Return the log-density of every row in every class, all at once."""
        classes = len(attributes)
        index = None  # one class serves all rows
        if classes > 1:
            index = torch.arange(classes, device=x.device).repeat_interleave(len(x))
            x = x.repeat(classes, 1)
        u, of_start = self.start(x, attributes, index)
        log_densities = self.flow.log_prob(u, condition, index) + of_start
        return log_densities.view(classes, -1).T

    def _rows_at_once(self) -> int:
        """Return how many rows may pass the hidden layers together."""
        widest = max(self.config.hidden, self.features)
        return max(1, values_at_once(self.unit.device) // widest)

    @torch.no_grad()
    def synthesize(
        self,
        attributes: Float[Matrix, "M A"],
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> Float[Tensor, "M n D"]:
        """Synthesize ``n`` features of each class on the model's device.

        ``temperature`` scales the latent noise: 0 gives the image of the latent origin, a larger
        one gives more varied features. A row depends on the seed, the number of its class and its
        place alone: with a larger ``n`` the first rows stay. The same seed gives the same features
        again on one device, and on another the same to rounding. Raises ``ConfigError`` for n below
        1, a negative temperature and what is no seed.
        """
        n, temperature, seed = check_asked(n, temperature, seed)
        attributes = checked_attributes(attributes, self.attributes).to(next(self.parameters()))
        condition = self.flow.condition(self.embed(attributes))
        synthesized = attributes.new_empty(len(attributes) * n, self.features)
        for rows, classes, z in prior.blocks(
            seed,
            len(attributes),
            n,
            self.features,
            rows_at_once=self._rows_at_once(),
            device=attributes.device,
        ):
            u, _ = self.flow.inverse(z.to(attributes) * temperature, condition, classes)
            synthesized[rows] = self.start.inverse(u, attributes, classes)[0]
        return synthesized.view(len(attributes), n, self.features)


# --- Saving and loading --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A trained flow with what is needed to use it.

    ``preprocessing`` is what its features need. ``notes`` say how it was trained: data set, seed,
    settings, scores, versions and so on, as JSON can hold them.
    """

    model: GSMFlow
    preprocessing: Preprocessing | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> Path:
        """Write one safetensors file with the settings in its header, and return its path.

        ``.safetensors`` is appended where the path does not end so. An older file there survives a
        failure. Raises ``StorageError``.
        """
        path = to_write(path_in(path, "path"), ".safetensors")
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        settings: dict[str, Any] = {
            "kind": "model",
            "features": self.model.features,
            "attributes": self.model.attributes,
            "model": asdict(self.model.config),
            "preprocessing": None,
            "notes": dict(self.notes),
        }
        if self.preprocessing is not None:
            settings["preprocessing"] = self.preprocessing.kind
            for name in ("offset", "scale", "basis"):
                array = getattr(self.preprocessing, name)
                if array is not None:
                    tensors[f"preprocessing.{name}"] = torch.from_numpy(array.copy())
        write_tensors(path, tensors, settings)
        return path

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> SavedModel:
        """Read what :meth:`save` wrote.

        Raises ``StorageError`` if the file is missing, damaged, or holds something else, and
        ``ConfigError`` for what is no path.
        """
        path = path_in(path, "path")
        tensors, settings = read_tensors(path)
        if settings.get("kind") != "model":
            raise StorageError(
                f"{path} must hold a model, got {settings.get('kind')!r}: "
                "did you name a checkpoint?"
            )
        try:
            parts = _by_part(tensors)
            config = ModelConfig(**present_names(dict(settings["model"])))
            model = rebuild(settings["features"], settings["attributes"], config, parts["model"])
            return cls(
                model=model.to(device).eval(),
                preprocessing=_saved_preprocessing(
                    settings["preprocessing"], parts["preprocessing"]
                ),
                notes=dict(settings["notes"]),
            )
        except (KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise StorageError(
                f"{path} must hold a whole model, but {error}: it is damaged, use another copy"
            ) from None


def rebuild(
    features: int,
    attributes: int,
    config: ModelConfig,
    state: dict[str, Float[Tensor, " ..."]],
) -> GSMFlow:
    """Make a model whose weights are the tensors of ``state``, without drawing or copying any.

    Raises ``ConfigError`` where the settings do not fit the tensors, or these are not finite.
    """
    state = present_tensor_names(state)
    if config.blocks > len(state):
        raise ConfigError(
            f"its settings ask for {config.blocks} blocks, its tensors are {len(state)}"
        )
    start = None if config.start == "none" else _saved_start(state, features, attributes)
    with torch.device("meta"), _NoDraws():
        model = GSMFlow(features, torch.zeros(3, attributes), config, start)
    model.load_state_dict(state, assign=True)
    _check_numbers(state)
    return model


def present_tensor_names(
    state: Mapping[str, Float[Tensor, " ..."]],
) -> dict[str, Float[Tensor, " ..."]]:
    """Name the tensors of a model as this version does, whatever version wrote them."""
    present = {}
    for name, value in state.items():
        if name.startswith(FORMER_PREFIX):
            name = "start." + name.removeprefix(FORMER_PREFIX)
        present[name] = value
    return present


def _by_part(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Sort the tensors of a file by the first word of their names."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "preprocessing": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    return parts


def _saved_preprocessing(kind: str | None, tensors: Mapping[str, Tensor]) -> Preprocessing | None:
    if kind is None:
        return None
    return Preprocessing(kind, **{name: value.numpy() for name, value in tensors.items()})


def _saved_start(state: Mapping[str, Tensor], features: int, attributes: int) -> GaussianStart:
    """Make the start of a flow from its saved tensors. Checks their shapes."""
    start = GaussianStart(state["start.weights"], state["start.root"])
    shapes = (tuple(start.weights.shape), tuple(start.root.shape))
    expected = ((attributes + 1, features), (features, features))
    if shapes != expected:
        raise ConfigError(f"its start must be of shapes {expected}, got {shapes}")
    return start


def _check_numbers(state: Mapping[str, Tensor]) -> None:
    types = {value.dtype for value in state.values()}
    finite = all(value.isfinite().all() for value in state.values())
    if types not in ({torch.float32}, {torch.float64}) or not finite:
        raise ConfigError(
            f"its tensors must be finite, and all in single or all in double precision, got {types}"
        )


class _NoDraws(TorchFunctionMode):
    """Leaves out the drawing of first weights, where others follow.

    On the meta device the draw alone would import torch's compiler, which takes a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return None if func is nn.init.normal_ else func(*args, **(kwargs or {}))
