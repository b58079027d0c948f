"""The state of a panel: its settings as a short text, to share or to keep.

An example is ``explore?classes=Q&temperature=0.5``: the kind of the panel, then every setting that
differs from the start. A setting that holds several names stands there once for each name.

A state can be sealed: it then looks like ``sealed:eNpLrSjIyU...``. That keeps it from being read by
chance, in a lesson. It is no secret from who wants to know it.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..errors import ConfigError

Settings = Mapping[str, Any]  # of bool, int, float, str, or a tuple of str
LONGEST_STATE = 20_000  # characters: a text to read may come from anywhere
SEAL = "sealed:"


def seal(text: str) -> str:
    """Write a state so that nobody reads it by chance; panels take it as any other state.

    Raises ``ConfigError`` for what is no text of a state. One that is sealed stays as it is.

    >>> unsealed(seal("explore?variance=0.4"))
    'explore?variance=0.4'
    """
    text = _checked(text)
    if is_sealed(text):
        return text
    return SEAL + base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode()


def is_sealed(text: object) -> bool:
    """Whether a state is sealed."""
    return isinstance(text, str) and text.strip().startswith(SEAL)


def unsealed(text: str) -> str:
    """Read a state that may be sealed. Raises ``ConfigError`` for a damaged one."""
    text = _checked(text)
    if not is_sealed(text):
        return text
    opening = zlib.decompressobj()
    try:
        packed = base64.b64decode(text.removeprefix(SEAL), altchars=b"-_", validate=True)
        content = opening.decompress(packed, LONGEST_STATE + 1)  # not more, whatever it holds
        plain = content.decode()
    except (binascii.Error, ValueError, zlib.error):
        plain = ""
    if not plain or is_sealed(plain) or not (opening.eof or len(plain) > LONGEST_STATE):
        raise ConfigError("a sealed state must be whole, but this one is damaged: copy it again")
    return _checked(plain)


def to_text(panel: str, settings: Settings, start: Settings) -> str:
    """Write the settings that differ from those in ``start``; ``panel`` is the kind of panel."""
    pairs = []
    for name, value in settings.items():
        if value != start[name]:
            pairs += [(name, word) for word in _words(value)]
    return f"{panel}?{urlencode(pairs, errors='replace')}" if pairs else panel


def from_text(
    panel: str, text: str, start: Settings, former: Collection[str] = ()
) -> dict[str, Any]:
    """Read all settings: those of ``start``, replaced by those that stand in the text.

    ``former`` are names of settings that older versions had; they are passed over. Raises
    ``ConfigError`` for a text that is no state of this kind of panel.
    """
    settings = dict(start)
    lists: dict[str, list[str]] = {}

    for name, word in parse_qsl(_pairs(panel, unsealed(text)), keep_blank_values=True):
        if name in former:
            continue
        if name not in start:
            raise ConfigError(f"this panel has no setting {name[:40]!r}: it has {', '.join(start)}")
        if isinstance(start[name], tuple):
            lists.setdefault(name, []).extend([word] if word else [])
        else:
            settings[name] = _value(name, word, start[name])

    without_repeats = {name: tuple(dict.fromkeys(words)) for name, words in lists.items()}
    return settings | without_repeats


def _checked(text: object) -> str:
    """A text that may be a state, without blanks around it."""
    if not isinstance(text, str):
        kind = type(text).__name__
        raise ConfigError(f"a state must be text, got {kind}: give what panel.state() returns")
    text = text.strip()
    if len(text) > LONGEST_STATE:
        raise ConfigError(
            f"a state must have at most {LONGEST_STATE} characters, got {len(text)}: is it one?"
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError("a state must be text, got some that cannot be written: copy it again")
    return text


def _pairs(panel: str, text: str) -> str:
    """The part of a state after the kind of its panel."""
    kind, _, pairs = text.partition("?")
    if kind != panel:
        raise ConfigError(
            f"a state of this panel must begin with {panel!r}, got {text[:60]!r}: "
            "was it copied from another one?"
        )
    return pairs


def _words(value: object) -> list[str]:
    """A value as the words that stand for it. No name at all is written as an empty word."""
    if isinstance(value, tuple):
        return list(value) or [""]
    if isinstance(value, bool):
        return ["on" if value else "off"]
    if isinstance(value, float):
        return [str(value).removesuffix(".0")]
    return [str(value)]


def _value(name: str, word: str, like: object) -> object:
    """The value that a word stands for, of the same type as ``like``."""
    if isinstance(like, bool):
        if word not in ("on", "off"):
            raise ConfigError(f"{name} must be on or off, got {word[:40]!r}")
        return word == "on"
    if isinstance(like, int | float):
        return _number(name, word, type(like))
    return word


def _number(name: str, word: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(word)
    except (ValueError, OverflowError):
        raise ConfigError(f"{name} must be a number, got {word[:40]!r}") from None
