"""Streams of different names, numbers or seeds differ, and equal ones are equal everywhere."""

import ast
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

import gsmflow_lite
from gsmflow_lite import ModelConfig, new_model
from gsmflow_lite.seeds import derived_seed, stream, torch_stream

PACKAGE = Path(gsmflow_lite.__file__).parent
KEYS = [  # each differs from the first in one thing
    (0, "batches", 1),
    (1, "batches", 1),
    (0, "perturbation", 1),
    (0, "batches", 2),
    (0, "batches"),
    (0, "batches", 1, 1),
]


def numpy_draws(*key) -> np.ndarray:
    return stream(*key).standard_normal(5)


def torch_draws(*key) -> np.ndarray:
    return torch.randn(5, generator=torch_stream(*key)).numpy()


DRAWS = pytest.mark.parametrize("draws", [numpy_draws, torch_draws], ids=["numpy", "torch"])


@DRAWS
@pytest.mark.parametrize(("first", "second"), list(combinations(KEYS, 2)), ids=str)
def test_streams_of_another_seed_name_or_number_share_no_draw(draws, first, second):
    assert not set(draws(*first)) & set(draws(*second))


@DRAWS
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_same_stream_begins_anew_with_the_same_draws(draws, key):
    np.testing.assert_array_equal(draws(*key), draws(*key))


def test_names_of_the_same_letters_in_another_order_differ():
    assert derived_seed(0, "noise") != derived_seed(0, "onise")


def test_the_numbers_of_a_stream_are_not_added_to_its_seed():
    assert derived_seed(1, "batches", 0) != derived_seed(0, "batches", 1)


def test_thousands_of_epochs_and_seeds_hardly_ever_share_a_derived_seed():
    seeds = [derived_seed(seed, "batches", epoch) for seed in range(50) for epoch in range(100)]
    # Of 5000 draws from 2**32 numbers, 0.003 pairs are expected to be equal.
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_a_derived_seed_is_one_that_every_library_takes(seed):
    derived = derived_seed(seed, "UMAP", 3)
    assert type(derived) is int
    assert 0 <= derived < 2**32


def test_a_stream_is_the_same_in_another_process():
    # Another process has another hash of every text, unless PYTHONHASHSEED is set.
    code = """
import torch
from gsmflow_lite.seeds import stream, torch_stream

print(stream(3, "rows", 2).standard_normal(5).tolist())
print(torch.randn(5, generator=torch_stream(3, "rows", 2)).tolist())
"""
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        of_numpy, of_torch = done.stdout.splitlines()
        assert of_numpy == str(numpy_draws(3, "rows", 2).tolist())
        assert of_torch == str(torch_draws(3, "rows", 2).tolist())


def test_seeds_may_be_numbers_of_numpy():
    assert derived_seed(np.int64(3), "rows", np.int64(2)) == derived_seed(3, "rows", 2)


def test_streams_leave_the_global_ones_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    torch_draws(0, "rows")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_first_latent_noise_of_a_model_is_not_its_first_weights(make_dataset):
    data = make_dataset(width=8)
    config = ModelConfig(blocks=1, hidden=64, embedding=4, relative_positioning=False)
    model = new_model(data, config, seed=3)
    weights = model.flow.blocks[0].net1.from_x.detach().flatten() / 0.01  # their deviation
    attributes = torch.from_numpy(data.attributes[:1])
    synthesized = model.synthesize(attributes, 100, seed=3)[0]
    noise = model(synthesized, attributes)[0].detach().flatten()[: len(weights)]
    # The correlation of 256 independent pairs has a deviation of 1 / 16.
    assert abs(np.corrcoef(weights, noise)[0, 1]) < 4 / 16


def counts_of_numbers() -> dict[str, set[int]]:
    """Names of all streams in the package, each with how many numbers follow it."""
    counts: dict[str, set[int]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            called = getattr(getattr(node, "func", None), "id", None)
            if called not in ("stream", "torch_stream", "derived_seed") or len(node.args) < 2:
                continue
            name = node.args[1]
            if isinstance(name, ast.Constant):
                counts.setdefault(name.value, set()).add(len(node.args) - 2)
    return counts


def test_no_name_is_used_with_numbers_here_and_without_there():
    # A missing number and a 0 give the same stream, because NumPy fills up with zeros.
    counts = counts_of_numbers()
    assert len(counts) > 20
    assert {name for name, numbers in counts.items() if len(numbers) > 1} == set()
