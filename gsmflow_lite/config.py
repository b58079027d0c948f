"""Settings of a run, as frozen dataclasses that check themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .arguments import real, whole
from .errors import ConfigError, require

PRECISIONS = ("float32", "tf32", "bf16")
CLASSIFIERS = ("softmax", "likelihood")
#: Settings of a model that files of version 0.1 call by another name: former name, present name.
FORMER_NAMES = {"base": "start"}

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of the flow, and which semantics it reads.

    Widths of features and attributes are not settings: they come with the data.
    Raises ``ConfigError`` for a setting out of its range.
    """

    #: Coupling blocks. More bend the density further, and each costs as much again.
    blocks: int = 3
    #: Width of the hidden layers in the coupling networks.
    hidden: int = 2048
    #: Width C of the global semantics a^g.
    embedding: int = 1024
    #: A larger clamp lets one block stretch an entry further, by at most exp(clamp).
    clamp: float = 1.0
    #: Which coupling blocks read the semantics: every, first or none.
    semantics: str = "every"
    #: If off, the blocks read the attributes as they are.
    relative_positioning: bool = True
    #: If on, attributes are scaled to vary by about 1, so that a new network reacts to them.
    scale_attributes: bool = False
    #: The classes among which the anchors are chosen: all, or seen.
    anchors: str = "all"
    #: What the flow starts from: none, ridge (class means) or ridge-gaussian (and covariance).
    start: str = "none"

    def __post_init__(self) -> None:
        _take_types(self)
        _require_positive(self, ("blocks", "hidden", "embedding", "clamp"))
        _require_choice(self, "semantics", ("every", "first", "none"))
        _require_choice(self, "anchors", ("all", "seen"))
        _require_choice(self, "start", ("none", "ridge", "ridge-gaussian"))


@dataclass(frozen=True, kw_only=True)
class MiningConfig:
    """Boundary-sample mining: first the relation network is trained, then samples are moved.

    Raises ``ConfigError`` for a setting out of its range.
    """

    epochs: int = 50
    batch: int = 256
    lr: float = 3e-4
    weight_decay: float = 1e-6
    hidden: int = 2048
    #: A larger step moves a sample further in each loop. The papers' aug_lr is step * batch.
    step: float = 0.1
    loops: int = 20
    #: Weight of the entropy. A larger beta draws samples closer to the boundary.
    beta: float = 10.0

    def __post_init__(self) -> None:
        _take_types(self, "mining ")
        _require_positive(self, ("epochs", "batch", "lr", "hidden", "loops"), "mining ")
        _require_not_negative(self, ("weight_decay", "step", "beta"), "mining ")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the flow is fitted.

    ``prototype_weight`` 0, ``perturbation`` 0 and ``mining`` None switch these cures off.
    Raises ``ConfigError`` for a setting out of its range.
    """

    epochs: int = 100
    batch: int = 256
    lr: float = 3e-4
    weight_decay: float = 1e-5
    #: Epochs between two reductions of the learning rate.
    lr_step: int = 25
    #: The factor of each reduction.
    lr_gamma: float = 0.8
    #: A larger weight ties the image of the latent origin closer to the prototype.
    prototype_weight: float = 3.0
    #: Seen classes in the prototype loss of a step, drawn anew for each; None for all of them.
    prototype_classes: int | None = 64
    #: Standard deviation of the noise on features. A larger one spreads synthesized features more.
    perturbation: float = 0.1
    mining: MiningConfig | None = field(default_factory=MiningConfig)
    #: Of matrix products: float32, tf32 or bf16, see :func:`gsmflow_lite.numerics.arithmetic`.
    precision: str = "float32"

    def __post_init__(self) -> None:
        _take_types(self)
        _require_positive(self, ("epochs", "batch", "lr", "lr_step", "lr_gamma"))
        _require_not_negative(self, ("weight_decay", "prototype_weight", "perturbation"))
        drawn = self.prototype_classes
        require(
            drawn is None or drawn > 0,
            "prototype_classes must be positive, or None for all",
            drawn,
        )
        _require_choice(self, "precision", PRECISIONS)


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """The classifiers to choose from, and the settings of the softmax.

    The softmax is trained on real seen and synthesized unseen features. The likelihood is the
    density of a generator that has one. Raises ``ConfigError`` for a setting out of its range.
    """

    #: Which classifiers validation classes may choose: softmax, likelihood or both.
    kinds: tuple[str, ...] = CLASSIFIERS

    #: Features that are synthesized for each unseen class.
    samples: int = 300
    #: At most so many of them differ, and each then counts several times. More cost memory only.
    rows: int = 2048
    #: lbfgs (optimum of the regularised loss), lda (closed form) or adam (batches, as published).
    solver: str = "lbfgs"
    #: Penalties to choose from. A larger one is smoother, see SoftmaxClassifier. For lda below 1.
    penalties: tuple[float, ...] = (3e-2, 3e-3, 3e-4)
    #: If on, every class weighs the same, so that ``samples`` does not tilt the scale.
    balanced: bool = True
    #: ``epochs``, ``batch`` and ``lr`` are used by adam only.
    epochs: int = 30
    batch: int = 1000
    lr: float = 1e-3

    def __post_init__(self) -> None:
        _take_types(self, "classifier ")
        _require_positive(self, ("samples", "rows", "epochs", "batch", "lr"), "classifier ")
        require(
            len(self.kinds) > 0 and set(self.kinds) <= set(CLASSIFIERS),
            f"classifier kinds must be one or more of {', '.join(CLASSIFIERS)}",
            self.kinds,
        )
        require(
            len(self.penalties) > 0 and all(penalty > 0 for penalty in self.penalties),
            "classifier penalties must be one or more positive numbers",
            self.penalties,
        )
        _require_choice(self, "solver", ("lbfgs", "lda", "adam"))
        require(
            self.solver != "lda" or max(self.penalties) < 1,
            "classifier penalties must be below 1 for lda, a share of the covariance each",
            self.penalties,
        )


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that a run depends on, besides the data and the seed.

    Raises ``ConfigError`` for a setting out of its range.
    """

    name: str = "lite"
    source: str = ""
    preprocessing: str = "none"
    components: int | None = None
    #: Epochs at which the flow is judged when the length of its training is chosen.
    checks: int = 5
    #: Validation folds that the choice is averaged over. More give a steadier choice.
    folds: int = 1
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)

    def __post_init__(self) -> None:
        _take_types(self)
        for name in ("checks", "folds"):
            value = getattr(self, name)
            require(value > 0, f"{name} must be at least 1", value)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, strings and numbers, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Make settings from what :meth:`to_dict` gave.

        Raises ``ConfigError`` for a setting that is unknown or of another type.
        """
        return _build(cls, values, "config")


def of_kind(value: Any, kind: type[_Kind]) -> _Kind:
    """Return ``value``, which must be settings of this kind.

    Raises ``ConfigError`` that says what to hand in where others were, or anything else.
    """
    if isinstance(value, kind):
        return value
    raise ConfigError(
        f"config must be a {kind.__name__}, got {_kind_of(value)}: {_remedy(value, kind)}"
    )


def _remedy(value: Any, kind: type) -> str:
    if isinstance(value, Config):
        parts = [setting.name for setting in fields(value) if _of_type(value, setting.name, kind)]
        if parts:
            return f"hand in config.{parts[0]}"
        return f"make one by {kind.__name__}(...)"
    if kind is Config:
        names = {ModelConfig: "model", TrainingConfig: "training", ClassifierConfig: "classifier"}
        part = names.get(type(value))
        return f"hand in Config({part}=...)" if part else "hand in lite(), or Config(...)"
    return f"make one by {kind.__name__}(...)"


def _of_type(config: Config, name: str, kind: type) -> bool:
    return isinstance(getattr(config, name), kind)


def _kind_of(value: Any) -> str:
    return "None" if value is None else type(value).__name__


# --- Checks --------------------------------------------------------------------------------------


@cache  # finding them takes longer than all the checks
def _type_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _take_types(config: Any, prefix: str = "") -> None:
    """Bring every setting to its type: NumPy's numbers become plain ones, lists become tuples.

    So settings can be written as JSON, whatever made them. Raises ``ConfigError``.
    """
    kind: type = type(config)
    for name, hint in _type_hints(kind).items():
        object.__setattr__(config, name, _typed(hint, getattr(config, name), f"{prefix}{name}"))


def _require_positive(config: object, names: Iterable[str], prefix: str = "") -> None:
    for name in names:
        value = getattr(config, name)
        require(value > 0, f"{prefix}{name} must be positive", value)


def _require_not_negative(config: object, names: Iterable[str], prefix: str = "") -> None:
    for name in names:
        value = getattr(config, name)
        require(value >= 0, f"{prefix}{name} must not be negative", value)


def _require_choice(config: object, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, name)
    require(value in choices, f"{name} must be one of {', '.join(choices)}", value)


# --- Settings from JSON --------------------------------------------------------------------------


def present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Name the settings of a model as this version does, whatever version wrote them."""
    return {FORMER_NAMES.get(name, name): value for name, value in values.items()}


def _build(cls: type, values: Mapping[str, Any], where: str) -> Any:
    """Make a (nested) dataclass from JSON values. Checks names and types."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where} must be a table of settings, got {values!r}")
    if cls is ModelConfig:
        values = present_names(values)

    known = [setting.name for setting in fields(cls)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{where} has no setting {unknown[0]!r}: known are {', '.join(known)}")

    hints = _type_hints(cls)
    return cls(
        **{name: _typed(hints[name], value, f"{where}.{name}") for name, value in values.items()}
    )


def _typed(hint: Any, value: Any, where: str) -> Any:
    """Return ``value`` as the type that ``hint`` asks for: JSON has no tuples and few floats."""
    if get_origin(hint) is tuple:
        return _typed_tuple(get_args(hint)[0], value, where)

    options = get_args(hint) or (hint,)  # X | None has the arguments (X, NoneType)
    for option in options:
        if option is NoneType and value is None:
            return None
        if isinstance(option, type) and is_dataclass(option):
            if isinstance(value, Mapping):
                return _build(option, value, where)
            if isinstance(value, option):
                return value
        if option in PLAIN_TYPES:
            with suppress(ConfigError, TypeError):
                return PLAIN_TYPES[option](value)
    names = " or ".join(option.__name__ for option in options)
    words = " or ".join(IN_WORDS.get(option, f"{option.__name__}(...)") for option in options)
    raise ConfigError(f"{where} must be of type {names}, got {value!r}: give {words}")


def _typed_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    entries = value.tolist() if hasattr(value, "tolist") else value  # of NumPy and pandas
    require(isinstance(entries, list | tuple), f"{where} must be a list", value)
    return tuple(_typed(hint, entry, where) for entry in entries)


def _whole(value: Any) -> int:
    return whole(value, "it")


def _real(value: Any) -> float:
    return real(value, "it")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return str(value)


def _switch(value: Any) -> bool:
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if not isinstance(plain, bool):
        raise TypeError
    return plain


#: What makes a plain value of each type, or raises.
PLAIN_TYPES = {int: _whole, float: _real, str: _text, bool: _switch}
IN_WORDS = {
    int: "a whole number",
    float: "a finite number",
    str: "text",
    bool: "True or False",
    NoneType: "None",
}
