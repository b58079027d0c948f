"""Korean syllables and their letters, against what Python itself knows of Unicode."""

import unicodedata

import numpy as np
import pytest

from gsmflow_lite.datasets import syllables
from gsmflow_lite.datasets.syllables import (
    PART_GROUPS,
    PART_NAMES,
    POSITIONS,
    attributes_of,
    every_syllable,
    parts_of,
    romanised,
    syllable_of,
)
from gsmflow_lite.errors import DataError

# Conjoining letters of Unicode, in its order: what NFD takes a syllable apart into.
BLOCKS = {"initial": 0x1100, "vowel": 0x1161, "final": 0x11A7}


def conjoining(syllable: str) -> str:
    """The letters that the library finds, as Unicode's own letters."""
    letters = ""
    for (position, first), letter in zip(BLOCKS.items(), parts_of(syllable), strict=True):
        place = POSITIONS[position].index(letter)
        if (position, place) != ("final", 0):
            letters += chr(first + place)
    return letters


def test_all_syllables_are_taken_apart_as_unicode_does():
    everyone = every_syllable()
    assert len(everyone) == 11172
    assert all(unicodedata.name(s).startswith("HANGUL SYLLABLE") for s in everyone)
    assert [conjoining(s) for s in everyone] == [unicodedata.normalize("NFD", s) for s in everyone]


def test_letters_are_put_together_again():
    assert all(syllable_of(*parts_of(s)) == s for s in every_syllable())


def test_no_two_syllables_are_romanised_alike():
    assert len({romanised(s) for s in every_syllable()}) == 11172


# Unicode names syllables by an older table, which differs in these letters.
OLDER = {"kk": "gg", "tt": "dd", "pp": "bb", "ch": "c", "wo": "weo", "ui": "yi"}


def test_romanisation_is_that_of_the_names_of_unicode_but_for_six_letters():
    for syllable in every_syllable():
        letters = [OLDER.get(letter, letter) for letter in parts_of(syllable)]
        spoken = [letter for letter in letters if letter not in ("silent", "none")]
        assert unicodedata.name(syllable) == f"HANGUL SYLLABLE {''.join(spoken).upper()}"
        assert romanised(syllable) == "".join(parts_of(syllable)).replace("silent", "").replace(
            "none", ""
        )


def test_each_syllable_has_one_letter_of_each_kind():
    table = attributes_of(every_syllable())
    assert table.shape == (11172, 68)
    assert set(np.unique(table)) == {0, 1}
    assert [len(numbers) for numbers in PART_GROUPS.values()] == [19, 21, 28]
    for numbers in PART_GROUPS.values():
        assert (table[:, list(numbers)].sum(1) == 1).all()
    assert len(np.unique(table, axis=0)) == 11172


def test_columns_are_named_by_position_and_letter():
    row = attributes_of(["한"])[0]
    assert [PART_NAMES[k] for k in np.flatnonzero(row)] == ["initial h", "vowel a", "final n"]
    row = attributes_of(["어"])[0]
    names = [PART_NAMES[k] for k in np.flatnonzero(row)]
    assert names == ["initial silent", "vowel eo", "final none"]


@pytest.mark.parametrize(
    "text", ["", "a", "한글", "ㅎ", "\uabff", unicodedata.normalize("NFD", "한"), "\ud7a4"]
)
def test_what_is_no_single_syllable_is_refused(text):
    with pytest.raises(DataError, match=r"a syllable of Hangul must be one character .*NFC"):
        parts_of(text)


def test_a_letter_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match=r"vowel must be one of a, ae.*got 'x'"):
        syllable_of("h", "x")
    with pytest.raises(DataError, match=r"initial must be one of g, kk.*got 'ng'"):
        syllable_of("ng", "a")


def test_the_first_syllables_are_in_the_order_of_unicode():
    assert every_syllable()[:3] == ("가", "각", "갂")
    assert syllables.count() == 11172
