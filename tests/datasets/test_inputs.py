"""Arrays of every kind keep their meaning, or are refused with one sentence that fits."""

import decimal
import fractions
import io

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import from_arrays
from gsmflow_lite.datasets.inputs import as_array, whole_numbers
from gsmflow_lite.errors import DataError

SAME = {
    "nullable": lambda x: pd.DataFrame(x).astype("Float64"),
    "sparse column": lambda x: pd.DataFrame(x).astype(pd.SparseDtype("float32", 0.5)),
    "cells of numbers": lambda x: x.astype(object),
    "decimals": lambda x: [[decimal.Decimal(float(v)) for v in row] for row in x],
    "fractions": lambda x: [[fractions.Fraction(float(v)) for v in row] for row in x],
    "cells of arrays": lambda x: [[np.array(v) for v in row] for row in x],
    "rows of tensors": lambda x: [torch.tensor(row, requires_grad=True) for row in x],
    "tuple of arrays": tuple,
    "generator": iter,
    "big-endian": lambda x: x.astype(">f8"),
    "negative strides": lambda x: x[:, ::-1][:, ::-1],
    "read-only": lambda x: np.frombuffer(x.tobytes(), np.float32).reshape(x.shape),
    "nothing masked": lambda x: np.ma.masked_array(x, mask=np.zeros(x.shape, bool)),
    "sparse tensor": lambda x: torch.tensor(x).to_sparse(),
    "long double": lambda x: x.astype(np.longdouble),
    "numerals": lambda x: x.astype(str),
}


@pytest.mark.parametrize("kind", SAME)
def test_numbers_of_any_kind_are_read(kind, parts):
    features, labels, attributes = parts
    d = from_arrays(SAME[kind](features), labels, attributes, unseen=[3])
    assert_array_equal(d.features, features)


BAD = {
    "nothing": (lambda x: None, "got nothing"),
    "a text": (lambda x: b"features", "got a text|there is no such file"),
    "an open file": (lambda x: io.BytesIO(x.tobytes()), "got an open file"),
    "a set": (lambda x: {1, 2}, "got a set"),
    "a dict": (lambda x: {"a": x}, "got a dict"),
    "sparse": (scipy.sparse.csr_matrix, r"got a sparse matrix: give its toarray\(\)"),
    "sparse array": (scipy.sparse.coo_array, r"got a sparse matrix"),
    "masked": (lambda x: np.ma.masked_greater(x, 0.5), "must have no masked entries, got "),
    "complex": (lambda x: x + 0j, "must be real numbers, got complex ones"),
    "complex tensor": (lambda x: torch.tensor(x) + 0j, "must be real numbers, got complex ones"),
    "dates": (lambda x: x.astype("datetime64[s]"), "must be numbers or text, got datetime64"),
    "records": (lambda x: np.zeros(80, [("a", "f4")]), "must be numbers or text, got "),
    "missing": (
        lambda x: pd.DataFrame(x).astype("Float64").mask(x > 0.5),
        r"must be finite .* got nan in row \d+",
    ),
    "words": (lambda x: np.full(x.shape, "a"), "must be a matrix of numbers: could not convert"),
    "a decimal comma": (lambda x: np.full(x.shape, "1,5"), "must be a matrix of numbers"),
    "cells of lists": (lambda x: np.array([[[1], [2, 3]]] * 80, object), "matrix of numbers"),
    "huge": (lambda x: [[10**400] * 3] * 80, "must be a matrix of numbers|finite"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("where", ["features", "attributes"])
def test_what_holds_no_numbers_is_refused(kind, where, parts):
    make, words = BAD[kind]
    given = dict(zip(("features", "labels", "attributes"), parts, strict=True))
    if where == "attributes" and kind in ("a dict", "a text"):
        return  # a dict and a path are read
    if where == "attributes" and kind == "missing":
        given["attributes"] = make(np.random.default_rng(0).random((4, 5)))
    else:
        given[where] = make(parts[0])
    with pytest.raises(DataError, match=words):
        from_arrays(**given, unseen=[3])


@pytest.mark.parametrize(
    "result", [lambda x: x.astype(np.float64), lambda x: x.copy(), lambda x: x + 0]
)
def test_results_of_a_memory_map_are_in_memory(result, parts, tmp_path):
    features, labels, attributes = parts
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    d = from_arrays(result(mapped), labels, attributes, unseen=[3])
    assert isinstance(d.features, np.ndarray)
    assert_array_equal(d.features, features)


def test_a_memory_map_whose_file_is_gone_is_taken_into_memory(parts, tmp_path):
    features, labels, attributes = parts
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    (tmp_path / "x.npy").unlink()
    d = from_arrays(mapped, labels, attributes, unseen=[3])
    assert isinstance(d.features, np.ndarray)
    assert_array_equal(d.features, features)


def test_a_memory_map_may_hold_labels_and_attributes(parts, tmp_path):
    features, labels, attributes = parts
    for name, array in {"y": labels, "a": attributes}.items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "ya"]
    d = from_arrays(features, *mapped, unseen=[3])
    assert_array_equal(d.labels, labels)


@pytest.mark.parametrize(
    "labels",
    [
        lambda y: y.astype(np.float16),
        lambda y: y.astype(object),
        lambda y: pd.array(y, dtype="Int8"),
        lambda y: pd.Series(y, dtype="UInt16"),
        lambda y: y.astype(str),
        lambda y: [float(k) for k in y],
        lambda y: pd.Categorical(y),
    ],
)
def test_labels_of_any_kind_are_read(labels, parts):
    features, numbers, attributes = parts
    d = from_arrays(features, labels(numbers), attributes, unseen=[3])
    assert_array_equal(d.labels, numbers)


def test_whole_numbers_in_cells_are_whole_numbers():
    assert whole_numbers(np.array([1, 2.0, np.int8(3)], object), "x", "").tolist() == [1, 2, 3]
    with pytest.raises(DataError, match=r"x must be whole numbers, got 2\.5 in place 1"):
        whole_numbers(np.array([1, 2.5], object), "x", "")


def test_truth_values_in_cells_are_a_mask():
    assert as_array(np.array([True, np.bool_(False)], object), "x", "").dtype == bool
