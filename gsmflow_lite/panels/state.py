"""Settings of a panel as a short text, to share, to note down, to come back to: ``explore?classes=Q&temperature=0.5``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..errors import ConfigError

Settings = Mapping[str, Any]  # bool, int, float, str, or a tuple of str
LONGEST_STATE = 20_000  # characters of a text that is read: it may come from anywhere


def to_text(panel: str, settings: Settings, start: Settings) -> str:
    """Those of ``settings`` that are not as in ``start``."""
    pairs = []
    for name, value in settings.items():
        if value == start[name]:
            continue
        if isinstance(value, tuple):
            pairs += [(name, one) for one in value] or [(name, "")]
        else:
            pairs.append((name, _word(value)))
    return f"{panel}?{urlencode(pairs)}" if pairs else panel


def from_text(panel: str, text: str, start: Settings) -> dict[str, Any]:
    """All settings: those of ``start`` with what the text says. Raises ``ConfigError`` for a text that is not of ``panel``."""
    text = text.strip()
    kind, _, rest = text.partition("?")
    if len(text) > LONGEST_STATE:
        raise ConfigError(
            f"a state must have at most {LONGEST_STATE} characters, got {len(text)}: is it one?"
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError("a state must be text, got some that cannot be written: copy it again")
    if kind != panel:
        raise ConfigError(
            f"a state of this panel must begin with {panel!r}, got {text[:60]!r}: was it copied from another one?"
        )
    found = dict(start)
    lists: dict[str, list[str]] = {}
    for name, word in parse_qsl(rest, keep_blank_values=True):
        if name not in start:
            raise ConfigError(f"this panel has no setting {name[:40]!r}: it has {', '.join(start)}")
        if isinstance(start[name], tuple):
            lists.setdefault(name, []).extend([word] if word else [])
        else:
            found[name] = _value(name, word, start[name])
    return found | {name: tuple(dict.fromkeys(words)) for name, words in lists.items()}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return ("off", "on")[value]
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _value(name: str, word: str, like: object) -> object:
    if isinstance(like, bool):
        if word not in ("on", "off"):
            raise ConfigError(f"{name} must be on or off, got {word[:40]!r}")
        return word == "on"
    if isinstance(like, str):
        return word
    try:
        return type(like)(word)
    except (ValueError, OverflowError):
        raise ConfigError(f"{name} must be a number, got {word[:40]!r}") from None
