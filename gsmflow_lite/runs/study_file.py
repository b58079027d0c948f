"""runs.study_file."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from ..config import FORMER_NAMES, PUBLISHED, Config, check_seed, lite, preset
from ..errors import ConfigError, require
from ..scores import protocol as rules
from ..shifts.report import LEAST

MOST_CELLS = 10_000  # a study file may come from a stranger


LARGEST_FILE = 1_000_000  # bytes


LARGEST = sys.float_info.max  # JSON has larger numbers


LONGEST_LABEL = 80  # characters of a name


BASELINES = ("ridge-gaussian", "eszsl", "oracle")


FORMER_KEYS = {"imagined": "synthesized"}  # of study files of version 0.1
NO_CHANGES: Mapping[str, Mapping[str, Any]] = {"as it is": {}}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set as :func:`gsmflow_lite.datasets.load` takes it, and what tables call it.

    Raises ``ConfigError`` for a value that is not text.
    """

    data: str  # name, folder or .npz file; every worker must be able to read it
    features: str = "res101"
    name: str = ""

    def __post_init__(self) -> None:
        for key in ("data", "features", "name"):
            require(
                isinstance(getattr(self, key), str),
                f"{key} of a data set must be text",
                getattr(self, key),
            )
        require(
            bool(self.data),
            "data of a data set must be a name, a folder or an .npz file",
            self.data,
        )
        object.__setattr__(
            self,
            "name",
            _name(self.name or Path(self.data).stem or self.data, "the name of a data set"),
        )

    @classmethod
    def of(cls, value: Any) -> Source:
        """From a name or path, or a table with ``data`` and perhaps ``features`` and ``name``.

        Raises ``ConfigError`` for anything else.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | Path):
            return cls(data=str(value))
        known = [f.name for f in fields(cls)]
        good = isinstance(value, Mapping) and "data" in value and set(value) <= set(known)
        require(
            good,
            f"a data set must be a name, a path, or a table with data and perhaps {', '.join(known[1:])}",
            value,
        )
        return cls(**value)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared. Everything is checked when it is made; ``ConfigError`` says what is wrong.

    ================ ==========================================================================================
    ``datasets``     names, folders, .npz files, or :class:`Source`
    ``presets``      such as ``lite/glyphs`` or ``tmm2022/CUB``; where empty, the ``lite`` one that suits the data
    ``seeds``        numbers, or how many: 5 is 0 to 4
    ``vary``         a row for each name: the preset with these settings changed, ``{"model.semantics": "none"}``
    ``overrides``    settings that are changed in every row
    ``baselines``    more rows, of ``ridge-gaussian``, ``eszsl`` and ``oracle``
    ``protocol``     as in :func:`gsmflow_lite.scores.protocol.run`
    ``synthesized``     features a class for the three meters; 0 measures nothing
    ``reference``    the row that others are compared with, by default the first of ``vary``
    ================ ==========================================================================================

    ``False`` takes away a setting that may be absent: ``{"training.mining": False}``. A row has one seed for weights, batches,
    noise and samples alike, and rows with the same seed are compared in pairs.
    """

    name: str
    datasets: Sequence[Any]
    presets: Sequence[str] = ()
    seeds: int | Sequence[int] = 5
    vary: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: dict(NO_CHANGES))
    overrides: Mapping[str, Any] = field(default_factory=dict)
    baselines: Sequence[str] = ()
    protocol: str = "validation"
    synthesized: int = 400
    device: str = "cpu"  # several processes on one GPU get into each other's way
    reference: str = ""

    def __post_init__(self) -> None:
        _name(self.name, "the name of a study")
        for key in ("datasets", "presets", "baselines"):
            self._put(key, _listed(getattr(self, key), key))
        self._put("datasets", tuple(Source.of(value) for value in self.datasets))
        require(bool(self.datasets), "datasets must name at least one", self.datasets)
        _distinct(
            [source.name for source in self.datasets],
            "names of data sets (a table with name = ... gives another)",
        )
        _distinct(self.presets, "presets")
        self._put("seeds", _seeds(self.seeds))
        self._check_rows()
        require(
            self.count <= MOST_CELLS, f"a study may have {MOST_CELLS} cells at most", self.count
        )
        self._check_rules()
        for source in self.datasets:
            for name in self.presets_of(source):
                for variant in self.vary:
                    self.config(name, variant)

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    def _check_rows(self) -> None:
        require(
            isinstance(self.vary, Mapping) and bool(self.vary),
            "vary must be a table with a row or more",
            self.vary,
        )
        for name in self.vary:
            _name(name, "a name in vary")
        unknown = [name for name in self.baselines if name not in BASELINES]
        require(not unknown, f"baselines must be among {', '.join(BASELINES)}", self.baselines)
        _distinct(self.rows, "rows (names in vary and baselines)")
        self._put("reference", self.reference or next(iter(self.vary)))
        require(
            self.reference in self.rows,
            f"reference must be a row, one of {', '.join(self.rows)}",
            self.reference,
        )

    def _check_rules(self) -> None:
        require(
            self.protocol in rules.PROTOCOLS,
            f"protocol must be one of {', '.join(rules.PROTOCOLS)}",
            self.protocol,
        )
        whole = isinstance(self.synthesized, int) and not isinstance(self.synthesized, bool)
        good = whole and (self.synthesized == 0 or self.synthesized >= LEAST)
        require(
            good, f"synthesized must be 0, or at least {LEAST} features a class", self.synthesized
        )
        require(isinstance(self.device, str), "device must be text", self.device)

    @property
    def count(self) -> int:
        """How many cells it has."""
        return len(self.datasets) * max(1, len(self.presets)) * len(self.seeds) * len(self.rows)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows of the table: the baselines, then what is varied."""
        return (*self.baselines, *self.vary)

    def presets_of(self, source: Source) -> tuple[str, ...]:
        """Names of the presets that a data set is run with."""
        return tuple(self.presets) or (
            "lite/glyphs" if source.data == "glyphs" else "lite/features",
        )

    def config(self, preset_name: str, variant: str | None = None) -> Config:
        """The settings of one row; of no variant, those of the baselines."""
        try:
            base = with_changes(named_preset(preset_name), self.overrides)
        except ConfigError as error:
            raise ConfigError(f"preset {preset_name!r} with the overrides: {error}") from None
        try:
            return base if variant is None else with_changes(base, self.vary[variant])
        except ConfigError as error:
            raise ConfigError(
                f"{variant!r} in vary, with the preset {preset_name!r}: {error}"
            ) from None

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """A study from a TOML file: the fields are its keys. Nothing in the file can run code.

        Relative paths of data are taken from the working directory. Raises ``ConfigError`` with the file's name.
        """
        try:
            values = {FORMER_KEYS.get(key, key): value for key, value in _toml(Path(path)).items()}
            known = [f.name for f in fields(cls)]
            unknown = sorted(set(values) - set(known))
            if unknown:
                raise ConfigError(
                    f"a study has no key {unknown[0]!r}: known are {', '.join(known)}"
                )
            missing = [key for key in ("name", "datasets") if key not in values]
            if missing:
                raise ConfigError(f"a study needs the key {missing[0]!r}")
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _toml(path: Path) -> dict[str, Any]:
    if path.suffix == ".py":
        raise ConfigError(
            "a study file must be TOML: in Python, make Study(...) and call run_study, which needs no file"
        )
    if not path.is_file():
        raise ConfigError("a study must be a TOML file, and there is none: check the path")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigError(f"a study file may have {LARGEST_FILE} bytes at most")
        values = tomllib.loads(content.decode())
        json.dumps(
            values, default=str
        )  # writes no number of more than 4300 digits, and nor would an error
    except ConfigError:
        raise
    except (ValueError, RecursionError, OSError) as error:
        raise ConfigError(f"this cannot be read as TOML ({error}): correct it there") from None
    return values


def _name(value: Any, what: str) -> str:
    good = (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_LABEL
        and value.isprintable()
        and value == value.strip()
    )
    require(
        good,
        f"{what} must be text of 1 to {LONGEST_LABEL} printable characters, none of them a space at an end",
        value,
    )
    return value


def _listed(value: Any, what: str) -> tuple:
    require(isinstance(value, list | tuple), f"{what} must be a list", value)
    return tuple(value)


def _distinct(values: Sequence[str], what: str) -> None:
    twice = next((value for value in values if list(values).count(value) > 1), None)
    require(twice is None, f"{what} must be distinct", twice)


def _seeds(value: Any) -> tuple[int, ...]:
    count = isinstance(value, int) and not isinstance(value, bool)
    if count:
        require(
            0 < value <= MOST_CELLS, f"the number of seeds must be from 1 to {MOST_CELLS}", value
        )
        return tuple(range(value))
    seeds = _listed(value, "seeds, where they are not their number,")
    whole = bool(seeds) and all(
        isinstance(seed, int | np.integer) and not isinstance(seed, bool) for seed in seeds
    )
    require(whole, "seeds must be whole numbers, one or more, or how many", seeds)
    for seed in seeds:
        check_seed(seed)
    require(len(set(seeds)) == len(seeds), "seeds must be distinct", seeds)
    return tuple(int(seed) for seed in seeds)


def named_preset(name: str) -> Config:
    """Settings by the name that they have on the command line: ``lite/glyphs``, ``tmm2022/CUB``. Raises ``ConfigError``."""
    require(isinstance(name, str), "preset must be text", name)
    family, _, which = name.partition("/")
    if family not in ("lite", *PUBLISHED):
        raise ConfigError(
            f"preset must begin with one of lite, {', '.join(PUBLISHED)} and a slash, got {name!r}"
        )
    return lite(which) if family == "lite" else preset(family, which)


def with_changes(config: Config, changes: Mapping[str, Any]) -> Config:
    """``config`` with some settings changed, by dotted names or nested tables. Raises ``ConfigError`` for unknown ones."""
    require(isinstance(changes, Mapping), "changed settings must be a table", changes)
    values = config.to_dict()
    for path, value in _leaves(changes):
        if path[0] == "model":
            path = (*path[:-1], FORMER_NAMES.get(path[-1], path[-1]))
        _put_at(values, path, value)
    result = Config.from_dict(values)
    try:
        json.dumps(result.to_dict(), allow_nan=False)
    except ValueError:
        raise ConfigError(f"settings must be finite numbers, got {dict(changes)!r}") from None
    return result


def _leaves(
    changes: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in changes.items():
        path = (*above, *str(name).split("."))
        value = asdict(value) if is_dataclass(value) else value
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _put_at(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(values.get(name), dict):
            values[name] = {}  # mining that was off, or a slip that Config.from_dict will name
        values = values[name]
    if isinstance(value, Mapping) and isinstance(values.get(path[-1]), dict):
        return  # an empty table changes nothing in a full one
    values[path[-1]] = None if value is False and path in _optional() else value


@lru_cache
def _optional(cls: type = Config, above: tuple[str, ...] = ()) -> frozenset[tuple[str, ...]]:
    """Settings that may be None, which TOML cannot say."""
    found = set()
    for name, hint in get_type_hints(cls).items():
        if type(None) in get_args(hint):
            found.add((*above, name))
        elif is_dataclass(hint):
            found |= _optional(hint, (*above, name))
    return frozenset(found)
