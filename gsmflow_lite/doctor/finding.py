"""What a check is given, and what it gives: all is well, a note, or a fault with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mark = Literal["ok", "note", "fault"]

LONGEST_FINDING = 400  # characters of what was found: errors of other libraries may be pages long


@dataclass(frozen=True)
class Visit:
    """What the user asked for: the device to look at, and whether to make the map of letters."""

    device: str = "auto"
    warm: bool = False


@dataclass(frozen=True)
class Finding:
    """What a check found, in words, and what to do about it.

    ``ok`` is well, ``note`` is worth knowing, and a ``fault`` must be mended.
    """

    state: Mark
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Answer:
    """A finding, with what was looked at and for how many seconds."""

    what: str
    finding: Finding
    seconds: float


def well(found: str) -> Finding:
    """All is well."""
    return Finding("ok", found)


def noted(found: str, remedy: str = "") -> Finding:
    """Nothing is broken, but this is worth knowing."""
    return Finding("note", found, remedy)


def faulty(found: str, remedy: str) -> Finding:
    """Something must be mended."""
    return Finding("fault", found, remedy)


def counted(number: int, word: str) -> str:
    """Return the number and the word, with an s where there is not one of them.

    >>> counted(1, "map"), counted(0, "map")
    ('1 map', '0 maps')
    """
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def in_one_line(text: str) -> str:
    """Return text that can be shown to others: one line, not too long, ``~`` for the home folder.

    >>> in_one_line("no such file:\\n  x")
    'no such file: x'
    """
    words = " ".join(text.split())
    plain = "".join(letter for letter in words if letter.isprintable())
    home = _home()
    if home:
        plain = plain.replace(home, "~")
    return plain if len(plain) <= LONGEST_FINDING else f"{plain[:LONGEST_FINDING]} ..."


def _home() -> str:
    """The home folder; nothing where there is none, or where it is the root of all paths."""
    try:
        home = Path.home()
    except RuntimeError:
        return ""
    return str(home) if len(home.parts) > 1 else ""
