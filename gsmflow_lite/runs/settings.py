"""Settings by name, and settings with changes: what a study varies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from typing import Any, get_args, get_type_hints

from ..config import FORMER_NAMES, Config
from ..errors import ConfigError, require
from ..presets import PUBLISHED, full, lite, preset

OWN_PRESETS = {"lite": lite, "full": full}
Path = tuple[str, ...]  # of a setting in its tables: ("model", "hidden")


def named_preset(name: str) -> Config:
    """Return the settings that the command line calls ``lite/glyphs`` or ``tmm2022/CUB``.

    Raises ``ConfigError`` for a name that is not known.
    """
    require(isinstance(name, str), "preset must be text", name)
    family, _, member = name.partition("/")
    if family in OWN_PRESETS:
        return OWN_PRESETS[family](member)
    if family not in PUBLISHED:
        families = ", ".join((*OWN_PRESETS, *PUBLISHED))
        raise ConfigError(f"preset must begin with one of {families} and a slash, got {name!r}")
    return preset(family, member)


def with_changes(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return ``config`` with some settings changed, by dotted names or by nested tables.

    ``False`` takes away a setting that may be absent, which TOML cannot say otherwise. Raises
    ``ConfigError`` for a setting that is not known or not finite.
    """
    require(isinstance(changes, Mapping), "changed settings must be a table", changes)
    values = config.to_dict()
    for path, value in _leaves(changes):
        _put(values, _present(path), value)
    return Config.from_dict(values)


def _present(path: Path) -> Path:
    """The path as this version calls it."""
    if path[0] != "model":
        return path
    return (*path[:-1], FORMER_NAMES.get(path[-1], path[-1]))


def _leaves(changes: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The single settings of nested tables, each with its path."""
    for name, value in changes.items():
        path = (*above, *str(name).split("."))
        if is_dataclass(value) and not isinstance(value, type):
            value = asdict(value)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    """Set one setting in nested tables."""
    *tables, name = path
    for table in tables:
        if not isinstance(values.get(table), dict):
            values[table] = {}  # mining that was off, or a slip that Config.from_dict will name
        values = values[table]

    empty_table = isinstance(value, Mapping)
    if empty_table and isinstance(values.get(name), dict):
        return  # it changes nothing in a full one
    taken_away = value is False and path in _optional()
    values[name] = None if taken_away else value


@lru_cache
def _optional(cls: type = Config, above: Path = ()) -> frozenset[Path]:
    """Paths of the settings that may be None."""
    paths: set[Path] = set()
    for name, hint in get_type_hints(cls).items():
        if type(None) in get_args(hint):
            paths.add((*above, name))
        elif isinstance(hint, type) and is_dataclass(hint):
            paths |= _optional(hint, (*above, name))
    return frozenset(paths)
