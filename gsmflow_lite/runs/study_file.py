"""What a study compares, in Python or in a TOML file, checked when it is made."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import check_seed
from ..config import Config
from ..datasets import GZSLDataset, load
from ..errors import ConfigError, require
from ..presets import suited
from ..scores import protocol as rules
from ..shifts.measuring import FEWEST_ROWS
from ..storage import nearby, suffix_of, to_read
from .settings import named_preset, with_changes

MOST_CELLS = 10_000  # a study file may come from a stranger
LARGEST_FILE = 1_000_000  # bytes
LONGEST_LABEL = 80  # characters of a name
BASELINES = ("ridge-gaussian", "eszsl", "oracle")
FORMER_KEYS = {"imagined": "synthesized"}  # of study files of version 0.1
NO_CHANGES: Mapping[str, Mapping[str, Any]] = {"as it is": {}}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set as :func:`gsmflow_lite.datasets.load` takes it, and what tables call it.

    Raises ``ConfigError`` for a value that is not text.
    """

    data: str  # name, folder, .npz or .h5 file; every worker must be able to read it
    features: str = ""  # empty: the usual file of a folder
    splits: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for key in ("data", "features", "splits", "name"):
            value = getattr(self, key)
            require(isinstance(value, str), f"{key} of a data set must be text", value)
        require(
            bool(self.data),
            "data of a data set must be a name, a folder, an .npz or an .h5 file",
            self.data,
        )
        name = self.name or Path(self.data).stem or self.data
        object.__setattr__(self, "name", _label(name, "the name of a data set"))

    def load(self) -> GZSLDataset:
        """Read the data set. Raises ``DataError``."""
        return load(self.data, features=self.features or None, splits=self.splits or None)

    @classmethod
    def of(cls, value: Any) -> Source:
        """Make one from a name, a path, or a table with ``data`` and perhaps other fields.

        Raises ``ConfigError`` for anything else.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str | Path):
            return cls(data=str(value))
        keys = [f.name for f in fields(cls)]
        good = isinstance(value, Mapping) and "data" in value and set(value) <= set(keys)
        rule = "a data set must be a name, a path, or a table with data and perhaps "
        require(good, rule + ", ".join(keys[1:]), value)
        return cls(**value)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared. Everything is checked when it is made; ``ConfigError`` says what is wrong.

    =============== =============================================================================
    ``datasets``    names, folders, .npz files, or :class:`Source`
    ``presets``     such as ``lite/glyphs`` or ``tmm2022/CUB``; where empty, the ``lite`` one
                    that suits the data
    ``seeds``       numbers, or how many: 5 is 0 to 4
    ``vary``        a row for each name: the preset with these settings changed,
                    ``{"model.semantics": "none"}``
    ``overrides``   settings that are changed in every row
    ``baselines``   more rows, of ``ridge-gaussian``, ``eszsl`` and ``oracle``
    ``protocol``    as in :func:`gsmflow_lite.scores.protocol.run`
    ``synthesized`` features a class for the three meters; 0 measures nothing
    ``reference``   the row that others are compared with, by default the first of ``vary``
    =============== =============================================================================

    ``False`` takes away a setting that may be absent: ``{"training.mining": False}``. A row has
    one seed for weights, batches, noise and samples alike. Rows with the same seed are compared in
    pairs.
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
        _label(self.name, "the name of a study")
        for key in ("datasets", "presets", "baselines"):
            self._put(key, _listed(getattr(self, key), key))
        self._check_datasets()
        _check_distinct(self.presets, "presets")
        self._put("seeds", _seed_numbers(self.seeds))
        self._check_rows()
        rule = f"a study may have {MOST_CELLS} cells at most"
        require(self.count <= MOST_CELLS, rule, self.count)
        self._check_rules()
        self._check_settings()

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # the dataclass is frozen for everyone else

    def _check_datasets(self) -> None:
        self._put("datasets", tuple(Source.of(value) for value in self.datasets))
        require(bool(self.datasets), "datasets must name at least one", self.datasets)
        names = [source.name for source in self.datasets]
        _check_distinct(names, "names of data sets (a table with name = ... gives another)")

    def _check_rows(self) -> None:
        good = isinstance(self.vary, Mapping) and bool(self.vary)
        require(good, "vary must be a table with a row or more", self.vary)
        for name in self.vary:
            _label(name, "a name in vary")
        known = all(name in BASELINES for name in self.baselines)
        require(known, f"baselines must be among {', '.join(BASELINES)}", self.baselines)
        _check_distinct(self.rows, "rows (names in vary and baselines)")
        self._put("reference", self.reference or next(iter(self.vary)))
        rule = f"reference must be a row, one of {', '.join(self.rows)}"
        require(self.reference in self.rows, rule, self.reference)

    def _check_rules(self) -> None:
        rule = f"protocol must be one of {', '.join(rules.PROTOCOLS)}"
        require(self.protocol in rules.PROTOCOLS, rule, self.protocol)
        count = self.synthesized
        good = _is_whole(count) and (count == 0 or count >= FEWEST_ROWS)
        require(good, f"synthesized must be 0, or at least {FEWEST_ROWS} features a class", count)
        require(isinstance(self.device, str), "device must be text", self.device)

    def _check_settings(self) -> None:
        for source in self.datasets:
            for preset_name in self.presets_of(source):
                for variant in self.vary:
                    self.config(preset_name, variant)

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds, however they were given."""
        return _seed_numbers(self.seeds)

    @property
    def count(self) -> int:
        """How many cells it has."""
        presets = max(1, len(self.presets))
        return len(self.datasets) * presets * len(self.seed_numbers) * len(self.rows)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows of the table: the baselines, then what is varied."""
        return (*self.baselines, *self.vary)

    def presets_of(self, source: Source) -> tuple[str, ...]:
        """Names of the presets that a data set is run with."""
        return tuple(self.presets) or (f"lite/{suited(source.data)}",)

    def config(self, preset_name: str, variant: str | None = None) -> Config:
        """The settings of one row; without a variant, those of the baselines."""
        try:
            common = with_changes(named_preset(preset_name), self.overrides)
        except ConfigError as error:
            raise ConfigError(f"preset {preset_name!r} with the overrides: {error}") from None
        if variant is None:
            return common
        try:
            return with_changes(common, self.vary[variant])
        except ConfigError as error:
            raise ConfigError(
                f"{variant!r} in vary, with the preset {preset_name!r}: {error}"
            ) from None

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a study from a TOML file, whose keys are the fields. The file cannot run code.

        Relative paths of data are taken from the working directory. Raises ``ConfigError`` with
        the file's name.
        """
        try:
            return cls(**_known_keys(_toml(Path(path)), [f.name for f in fields(cls)]))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None


def _known_keys(values: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """The keys as this version calls them; unknown and missing ones are refused."""
    present = {FORMER_KEYS.get(key, key): value for key, value in values.items()}
    unknown = sorted(set(present) - set(known))
    if unknown:
        raise ConfigError(f"a study has no key {unknown[0]!r}: known are {', '.join(known)}")
    for key in ("name", "datasets"):
        if key not in present:
            raise ConfigError(f"a study needs the key {key!r}")
    return present


def _toml(path: Path) -> dict[str, Any]:
    path = to_read(path, ".toml")
    if suffix_of(path) == ".py":
        raise ConfigError(
            "a study file must be TOML: in Python, make Study(...) and call run_study, "
            "which needs no file"
        )
    if not path.is_file():
        raise ConfigError(
            f"a study must be a TOML file, and there is none: check the path{nearby(path)}"
        )
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ConfigError(f"a study file may have {LARGEST_FILE} bytes at most")
        values = tomllib.loads(content.decode("utf-8-sig"))
        json.dumps(values, default=str)  # refuses numbers too long for any message
    except ConfigError:
        raise
    except (ValueError, RecursionError, OSError) as error:
        raise ConfigError(f"this cannot be read as TOML ({error}): correct it there") from None
    return values


def _label(value: Any, what: str) -> str:
    """A name that fits into a table: short, printable text."""
    rule = (
        f"{what} must be text of 1 to {LONGEST_LABEL} printable characters, "
        "none of them a space at an end"
    )
    require(isinstance(value, str), rule, value)
    require(0 < len(value) <= LONGEST_LABEL, rule, value)
    require(value.isprintable() and value == value.strip(), rule, value)
    return value


def _listed(value: Any, what: str) -> tuple:
    require(isinstance(value, list | tuple), f"{what} must be a list", value)
    return tuple(value)


def _check_distinct(values: Sequence[str], what: str) -> None:
    twice = next((value for value in values if list(values).count(value) > 1), None)
    require(twice is None, f"{what} must be distinct", twice)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _seed_numbers(value: Any) -> tuple[int, ...]:
    """The seeds themselves, where only their number was given, too."""
    if _is_whole(value):
        rule = f"the number of seeds must be from 1 to {MOST_CELLS}"
        require(0 < value <= MOST_CELLS, rule, value)
        return tuple(range(value))
    seeds = _listed(value, "seeds, where they are not their number,")
    good = bool(seeds) and all(map(_is_whole, seeds))
    require(good, "seeds must be whole numbers, one or more, or how many", seeds)
    for seed in seeds:
        check_seed(seed)
    require(len(set(seeds)) == len(seeds), "seeds must be distinct", seeds)
    return tuple(int(seed) for seed in seeds)
