"""Menus for attributes in groups: what they say is what a description takes, and nothing else."""

import numpy as np
import pytest

from gsmflow_lite.datasets.syllables import PART_GROUPS, PART_NAMES, attributes_of, syllable_of
from gsmflow_lite.explorer.invention import describe
from gsmflow_lite.generators.zoo import hangul_zoo
from gsmflow_lite.panels.part_menus import PartMenus


@pytest.fixture
def menus():
    control = PartMenus(PART_NAMES, PART_GROUPS)
    control.describe(attributes_of(["곡"])[0])  # g, o, g
    return control


def chosen(control: PartMenus) -> tuple[str, ...]:
    return tuple(menu.value for menu in control.menus.values())


def test_at_first_the_menus_say_what_the_description_says(menus):
    assert chosen(menus) == ("initial g", "vowel o", "final g")
    assert menus.value == ()
    assert menus.clear.disabled


def test_a_menu_that_is_moved_is_one_change_and_is_told_once(menus):
    told = []
    menus.observe(lambda control: told.append(control.value))
    menus.menus["vowel"].value = "vowel a"
    menus.menus["final"].value = "final none"
    assert menus.value == ("vowel a=1", "final none=1")
    assert told == [("vowel a=1",), ("vowel a=1", "final none=1")]


def test_going_back_to_the_description_is_no_change(menus):
    menus.menus["initial"].value = "initial h"
    menus.menus["initial"].value = "initial g"
    assert menus.value == ()


def test_a_change_stays_while_another_class_is_described(menus):
    menus.value = ("initial h=1",)
    menus.describe(attributes_of(["난"])[0])
    assert chosen(menus) == ("initial h", "vowel a", "final n")
    menus.clear.click()
    assert chosen(menus) == ("initial n", "vowel a", "final n")


@pytest.mark.parametrize(
    "texts", [("initial x=1",), ("initial h=0",), ("initial h=1", "initial g=1"), ("initial h",)]
)
def test_what_is_no_change_of_a_group_is_refused_and_changes_nothing(menus, texts):
    with pytest.raises(ValueError, match=r"there is no attribute|choose one|convert"):
        menus.value = texts
    assert menus.value == ()


def test_every_choice_of_three_parts_is_the_description_of_that_syllable():
    dataset = hangul_zoo().dataset
    start = dataset.unique_names[0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        parts = [PART_NAMES[rng.choice(numbers)] for numbers in PART_GROUPS.values()]
        found = describe(dataset, start, changes=dict.fromkeys(parts, 1.0))
        letters = [part.split()[1] for part in parts]
        np.testing.assert_array_equal(found, attributes_of([syllable_of(*letters)])[0])
