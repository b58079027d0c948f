"""Numbers that depend on their place alone: the published bits, and a standard normal."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from gsmflow_lite.method import philox

KEY = (17, 4)

# Of the authors' table of known answers: a counter, a key, and the words that they give.
KNOWN = {
    "zeros": ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    "ones": (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    "pi": (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
}


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def rows(n: int, of_class: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes and places of ``n`` rows of one class."""
    return torch.full((n,), of_class), torch.arange(n)


@pytest.mark.parametrize("case", KNOWN)
def test_the_bits_are_the_published_ones(case):
    counter, key, expected = map(words, KNOWN[case])
    found = philox.bits(tuple(torch.tensor([word]) for word in counter), tuple(key))
    assert [int(word) for word in found] == expected


def test_every_counter_of_many_gives_its_own_bits():
    many = philox.bits(tuple(torch.arange(50).reshape(5, 10) + 100 * i for i in range(4)), KEY)
    one = philox.bits(tuple(torch.tensor(23 + 100 * i) for i in range(4)), KEY)
    assert [int(word[2, 3]) for word in many] == [int(word) for word in one]


def test_the_numbers_are_box_and_mullers_of_the_bits():
    found = philox.normal(KEY, torch.tensor([7]), torch.tensor([300]), 8)[0].numpy()
    counters = [torch.tensor([0, 1]), torch.tensor([300, 300]), torch.tensor([7, 7])]
    bits = philox.bits((*counters, torch.zeros(2, dtype=torch.int64)), KEY)
    u = (np.stack(bits, axis=1).astype(float) + 0.5) / 2**32
    radius, angle = np.sqrt(-2 * np.log(u[:, ::2])), 2 * np.pi * u[:, 1::2]
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).ravel()
    assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_numbers_are_standard_normal_and_no_column_knows_of_another():
    z = philox.normal(KEY, *rows(20_000), 6).numpy()
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > 0.001
    assert np.abs(np.corrcoef(z.T) - np.eye(6)).max() < 0.03
    assert abs(np.corrcoef(z[:-1, 0], z[1:, 0])[0, 1]) < 0.03


def test_the_squares_of_rows_are_chi_squared():
    z = philox.normal(KEY, *rows(5000), 64)
    assert stats.kstest(z.square().sum(1).numpy(), stats.chi2(64).cdf).pvalue > 0.001


@pytest.mark.parametrize("width", [1, 3, 4, 5, 64])
def test_a_row_depends_on_its_class_and_place_alone(width):
    classes = torch.arange(60) // 20
    places = torch.arange(60) % 20
    whole = philox.normal(KEY, classes, places, width)
    some = torch.tensor([59, 3, 21, 3])
    assert torch.equal(philox.normal(KEY, classes[some], places[some], width), whole[some])
    assert len(whole[:, 0].unique()) == 60


def test_the_first_columns_do_not_depend_on_the_width():
    wide = philox.normal(KEY, *rows(9), 30)
    assert torch.equal(philox.normal(KEY, *rows(9), 7), wide[:, :7])


@pytest.mark.parametrize("key", [(18, 4), (17, 5)])
def test_another_key_gives_other_numbers(key):
    assert not torch.isclose(philox.normal(KEY, *rows(9), 8), philox.normal(key, *rows(9), 8)).any()


@pytest.mark.parametrize("width", [2, 40])
def test_how_many_are_made_at_once_changes_nothing(width, monkeypatch):
    whole = philox.normal(KEY, *rows(50, of_class=2), width)
    monkeypatch.setattr(philox, "COUNTERS_ON_CPU", 30)
    assert torch.equal(philox.normal(KEY, *rows(50, of_class=2), width), whole)


@pytest.mark.parametrize("width", [2, 40])
def test_classes_and_places_are_left_as_they_are(width):
    classes, places = rows(5, of_class=3)
    philox.normal(KEY, classes, places, width)
    assert classes.tolist() == [3] * 5
    assert places.tolist() == list(range(5))


def test_no_number_is_infinite_whatever_the_bits():
    extremes = torch.tensor([0, philox.WORD])
    unit = philox._unit(extremes)
    assert (unit > 0).all()
    assert (unit <= 1).all()
    assert torch.isfinite(unit.log()).all()
