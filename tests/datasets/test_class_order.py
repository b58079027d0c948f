"""Whether features and descriptions have their classes in one order, and which order is likely."""

from dataclasses import replace

import numpy as np
import pytest

from gsmflow_lite.datasets import gaussian_world, glyphs, hangul, load_folder
from gsmflow_lite.datasets.class_order import order_note, other_order
from gsmflow_lite.datasets.explained import explained_share

ASKED = "are the classes of the features and of the descriptions in the same order?"


def described_by(dataset, order):
    """The same data, where class k has the description of class ``order[k]``."""
    return replace(
        dataset, attributes=dataset.attributes[order], attribute_groups=None, made_from=None
    )


def shuffled(dataset, seed=0):
    return described_by(dataset, np.random.default_rng(seed).permutation(len(dataset.attributes)))


@pytest.fixture(scope="module")
def world():
    """Forty classes whose names, sorted, stand in another order: 10 comes before 2."""
    d = gaussian_world(16, seen=32, unseen=8, attributes=6, noise=1.0).dataset
    names = [f"bird {k}" for k in range(40)]
    return replace(d, class_names=names)


def test_the_right_order_is_not_noted(world, make_dataset):
    assert order_note(world) == ""
    assert other_order(world) is None
    assert order_note(make_dataset(seen=9)) == ""


def test_a_shuffle_is_noted_and_no_order_is_suggested(world):
    for seed in range(10):
        moved = shuffled(world, seed)
        note = order_note(moved)
        assert note.startswith("descriptions explain nothing of where classes lie beyond chance (")
        assert note.endswith(ASKED)
        assert other_order(moved) is None


def test_names_that_describe_are_asked_no_order_of(world):
    moved = shuffled(world)
    names = [f"{k:03}.Bird_{'abcdefgh'[k % 8]}" for k in range(40)]
    own = [[name.split(".")[1].replace("_", " ").lower()] for name in names]
    assert order_note(replace(moved, class_names=names, texts=own)) == ""
    other = [[f"{text}, which sings"] for (text,) in own]
    assert order_note(replace(moved, class_names=names, texts=other)).endswith(ASKED)
    two = [[text, text] for (text,) in own]
    assert order_note(replace(moved, class_names=names, texts=two)).endswith(ASKED)


by_text = sorted(range(40), key=lambda k: f"bird {k}")  # 0, 1, 10, 11, ...
SLIPS = {
    "with each class described by the row after its own": lambda d: np.roll(np.arange(40), 1),
    "with each class described by the row before its own": lambda d: np.roll(np.arange(40), -1),
    "with each class described by the row 3 places after its own": lambda d: np.roll(
        np.arange(40), 3
    ),
    "with the descriptions in reverse": lambda d: np.arange(40)[::-1],
    "if the descriptions stand sorted by name": lambda d: np.array(by_text),
    "if the features are numbered sorted by name": lambda d: np.argsort(by_text),
    "if the descriptions stand with seen classes first": lambda d: np.concatenate(
        [d.seen_classes, d.unseen_classes]
    ),
    "if the features are numbered with seen classes first": lambda d: np.argsort(
        np.concatenate([d.seen_classes, d.unseen_classes])
    ),
}


@pytest.mark.parametrize("words", SLIPS)
def test_a_slip_is_noted_and_the_order_that_mends_it_is_named(words, world):
    order = SLIPS[words](world)
    moved = described_by(world, order)
    other = other_order(moved)
    np.testing.assert_array_equal(order[other.order], np.arange(40))
    assert other.words == words
    assert other.share == pytest.approx(explained_share(world).share, abs=1e-9)
    note = order_note(moved)
    assert ASKED in note
    assert note.endswith(f"{words[0].upper()}{words[1:]}, they explain {other.share:.0%}.")


def test_a_slip_that_leaves_much_explained_is_noted():
    """Syllables in the order of their code: the next one has mostly the same initial and vowel."""
    d = hangul().with_seen(250)
    moved = described_by(d, np.roll(np.arange(len(d.attributes)), 1))
    assert explained_share(moved).beyond_chance
    note = order_note(moved)
    assert "of where classes lie, in another order more: are the classes" in note
    assert "With each class described by the row after its own, they explain" in note


def test_where_descriptions_say_nothing_no_order_is_suggested(world):
    """Of 100 tables of noise, at most one gets a suggestion."""
    rng = np.random.default_rng(0)
    suggested = 0
    for _ in range(100):
        noise = rng.normal(size=world.attributes.shape)
        suggested += other_order(replace(world, attributes=noise)) is not None
    assert suggested <= 1


@pytest.mark.parametrize("make", [glyphs, lambda: hangul().with_seen(200)])
def test_embedded_data_are_in_order(make):
    assert order_note(make()) == ""
    if make is glyphs:
        assert "explain nothing" in order_note(shuffled(make()))


def test_real_flowers_are_explained_by_their_own_descriptions_only(shared_data):
    if not (shared_data / "FLO_lite0" / "lite0.mat").is_file():
        pytest.skip(f"no FLO_lite0/lite0.mat in {shared_data}")
    flowers = load_folder(shared_data / "FLO_lite0", "lite0")
    assert order_note(flowers) == ""
    assert "explain nothing" in order_note(shuffled(flowers))
