"""The latent noise of the page against that of PyTorch, and against published random words."""

import numpy as np
import pytest
import torch
from engine import empty_page

from gsmflow_lite.method import prior
from gsmflow_lite.seeds import derived_seed


@pytest.fixture(scope="module")
def page():
    with empty_page() as page:
        yield page


def test_words_are_those_of_philox(page):
    # The first of the known answers that come with Random123, by the authors of Philox.
    script = """() => {
      const words = new Uint32Array(4);
      randomWords(words, 0, 0, 0, 0);
      return Array.from(words);
    }"""
    assert page.evaluate(script) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@pytest.mark.parametrize(
    ("seed", "number", "first", "count", "width"),
    [(0, 0, 0, 12, 96), (3, 0, 5, 4, 7), (99, 11, 0, 64, 64), (7, 2**31, 2**31 + 5, 3, 1)],
)
def test_noise_is_that_of_the_prior(page, seed, number, first, count, width):
    classes = torch.full((count,), number)
    places = first + torch.arange(count)
    expected = prior.sample(seed, classes, places, width).numpy()
    script = "(given) => plain(latentNoise(...given))"
    given = [derived_seed(seed, "latent noise"), number, first, count, width]
    noise = np.array(page.evaluate(script, given)).reshape(count, width)
    np.testing.assert_allclose(noise, expected, atol=2e-6)
