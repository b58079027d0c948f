"""Korean syllables and the letters that they are made of, by the arithmetic of Unicode.

A syllable of Hangul is an initial consonant, a vowel, and perhaps a final consonant, written
together in one square. Unicode numbers all 11,172 of them in this order, from U+AC00 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import DataError

FIRST = 0xAC00
SILENT = "silent"  # the initial that is written as a circle and not spoken
NONE = "none"  # the final of a syllable that ends with its vowel

# Letters in the order of Unicode, written as the Revised Romanization of Korean transliterates
# them. So different syllables have different romanised names.
# fmt: off
INITIALS = (
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "silent", "j", "jj", "ch", "k", "t",
    "p", "h",
)
VOWELS = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
)
FINALS = (
    "none", "g", "kk", "gs", "n", "nj", "nh", "d", "l", "lg", "lm", "lb", "ls", "lt", "lp", "lh",
    "m", "b", "bs", "s", "ss", "ng", "j", "ch", "k", "t", "p", "h",
)
# fmt: on
POSITIONS = {"initial": INITIALS, "vowel": VOWELS, "final": FINALS}

PART_NAMES = tuple(
    f"{position} {letter}" for position, letters in POSITIONS.items() for letter in letters
)
PART_GROUPS = {
    position: tuple(PART_NAMES.index(f"{position} {letter}") for letter in letters)
    for position, letters in POSITIONS.items()
}


class Letters(NamedTuple):
    """What a syllable is made of, romanised: one of INITIALS, of VOWELS and of FINALS."""

    initial: str
    vowel: str
    final: str = NONE


def parts_of(syllable: str) -> Letters:
    """Return the letters that a syllable is made of. Raises ``DataError``.

    >>> parts_of("한")
    Letters(initial='h', vowel='a', final='n')
    >>> parts_of("아")
    Letters(initial='silent', vowel='a', final='none')
    """
    if len(syllable) != 1 or not 0 <= ord(syllable) - FIRST < count():
        raise DataError(
            f"a syllable of Hangul must be one character from '가' to '힣', got {syllable!r}: "
            "give each syllable by itself, composed (unicodedata.normalize('NFC', text))"
        )
    rest, final = divmod(ord(syllable) - FIRST, len(FINALS))
    initial, vowel = divmod(rest, len(VOWELS))
    return Letters(INITIALS[initial], VOWELS[vowel], FINALS[final])


def syllable_of(initial: str, vowel: str, final: str = NONE) -> str:
    """Return the syllable that is made of these letters, romanised. Raises ``DataError``.

    >>> syllable_of("h", "a", "n"), syllable_of("silent", "a")
    ('한', '아')
    """
    places = []
    for position, letter in zip(POSITIONS, (initial, vowel, final), strict=True):
        letters = POSITIONS[position]
        if letter not in letters:
            raise DataError(f"{position} must be one of {', '.join(letters)}, got {letter!r}")
        places.append(letters.index(letter))
    number = (places[0] * len(VOWELS) + places[1]) * len(FINALS) + places[2]
    return chr(FIRST + number)


def romanised(syllable: str) -> str:
    """Write a syllable in Latin letters, each letter by itself, so that no two are written alike.

    It is the transliteration of the Revised Romanization: it says how a syllable is written, not
    how it sounds beside others.

    >>> romanised("한"), romanised("값"), romanised("아")
    ('han', 'gabs', 'a')
    """
    spoken = [letter for letter in parts_of(syllable) if letter not in (SILENT, NONE)]
    return "".join(spoken)


def attributes_of(syllables: Sequence[str]) -> Float[np.ndarray, "n 68"]:
    """Return a row for each syllable: 1 for each of its three letters, 0 for the others.

    Columns are named by PART_NAMES. Raises ``DataError``.
    """
    table = np.zeros((len(syllables), len(PART_NAMES)), np.float32)
    for row, syllable in enumerate(syllables):
        for position, letter in zip(POSITIONS, parts_of(syllable), strict=True):
            table[row, PART_NAMES.index(f"{position} {letter}")] = 1
    return table


def count() -> int:
    """Return how many syllables there are."""
    return len(INITIALS) * len(VOWELS) * len(FINALS)


def every_syllable() -> tuple[str, ...]:
    """Return all 11,172 syllables, in the order of Unicode."""
    return tuple(chr(FIRST + number) for number in range(count()))
