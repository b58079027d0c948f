"""Tables in JSON: classes by name, or in a list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ...errors import DataError
from ..names import as_text, whole_number_in
from .text_tables import Cells, is_key_heading, read_text


def json_rows(path: Path) -> Cells:
    """Read ``{class: ...}`` or a list of classes. Raises ``DataError``."""
    content = parsed_json(path)
    if isinstance(content, dict) and content:
        _check_direction(path, content)
        return _rows(path, list(content.values()), tuple(content))
    if isinstance(content, list) and content:
        return _list(path, content)
    _refuse(path, f"got {_kind(content)}")


def parsed_json(path: Path) -> Any:
    """Read JSON with distinct keys and without NaN. Raises ``DataError``."""

    def refuse_constant(text: str) -> NoReturn:
        raise DataError(f"{path}: attributes must be finite numbers, got {text}: fill in a number")

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            name = as_text(key).strip()
            if name in found:
                raise DataError(
                    f"{path}: each name must occur once, but {name!r} occurs again: rename it, or "
                    "leave it out"
                )
            found[name] = value
        return found

    text = read_text(path)
    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=distinct)
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: a table must be good JSON, but {error}: correct it there"
        ) from None


def _check_direction(path: Path, content: dict[str, Any]) -> None:
    """Refuse numbers in numbers, which pandas writes by attribute unless it is told."""
    inner = {key for row in content.values() if isinstance(row, dict) for key in row}
    if inner and all(whole_number_in(key) is not None for key in (*content, *inner)):
        raise DataError(
            f"{path}: classes must come first, then attributes, but all keys are numbers, and so "
            "nothing says which come first: name the classes, and write it with orient='index'"
        )


def _list(path: Path, content: list[Any]) -> Cells:
    if not isinstance(content[0], dict):
        return _rows(path, content, ())
    key = _class_key(path, content[0])
    names = []
    rows = []
    for place, entry in enumerate(content):
        if not isinstance(entry, dict) or (key is not None and key not in entry):
            _refuse(path, f"got {_kind(entry)} in place {place + 1} without {key!r}")
        if key is not None:
            names.append(_name(path, entry[key], place))
        rows.append({name: value for name, value in entry.items() if name != key})
    return _rows(path, rows, tuple(names))


def _class_key(path: Path, entry: dict[str, Any]) -> str | None:
    """Return the key that names the class; None where there is none."""
    keys = [key for key in entry if is_key_heading(key)]
    texts = [key for key in keys if isinstance(entry[key], str)]
    chosen = texts or keys
    if len(chosen) > 1:
        _refuse(path, f"got {chosen[0]!r} and {chosen[1]!r}, which both may name the class")
    return chosen[0] if chosen else None


def _name(path: Path, value: Any, place: int) -> Any:
    if not isinstance(value, str | int) or isinstance(value, bool):
        _refuse(path, f"got {_kind(value)} as the name of the class in place {place + 1}")
    return value.strip() if isinstance(value, str) else value


def _rows(path: Path, rows: Sequence[Any], classes: tuple[Any, ...]) -> Cells:
    """Return the cells of classes that are all lists, or all tables of the same attributes."""
    if isinstance(rows[0], dict):
        attributes = tuple(rows[0])
        return Cells(
            [_in_order(path, row, attributes, place) for place, row in enumerate(rows)],
            classes,
            attributes,
        )
    for place, row in enumerate(rows):
        if not isinstance(row, list):
            _refuse(path, f"got {_kind(row)} in place {place + 1}")
    return Cells([list(row) for row in rows], classes)


def _in_order(path: Path, row: Any, attributes: tuple[str, ...], place: int) -> list[Any]:
    if not isinstance(row, dict):
        _refuse(path, f"got {_kind(row)} in place {place + 1}")
    differing = sorted(set(attributes) ^ set(row))
    if differing:
        raise DataError(
            f"{path}: all classes must have the same attributes, but {differing[0]!r} is not in "
            f"both the first and that in place {place + 1}: fill it in, or leave it out of both"
        )
    return [row[name] for name in attributes]


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    if value is None:
        return "null"
    kind = kinds.get(type(value), "a number")
    return f"an empty {kind.split()[1]}" if value in ({}, []) else kind


def _refuse(path: Path, got: str) -> NoReturn:
    raise DataError(
        f"{path}: a table in JSON must be {{class: [numbers]}}, {{class: {{attribute: number}}}}, "
        f"or a list of lists or of such objects, {got}: write it so"
    )
