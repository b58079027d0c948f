"""Hand the same data to ``from_arrays`` and ``from_dataframe`` in many ways: is it read right?

    python benchmarks/spellings.py --examples 2000 --json spellings.json

Each example draws data whose truth is known, and then how they are written: which containers and
number types, which index and in which order, names beside the table or in it, masks. Whatever is
not refused must give each row the description, the name and the status (seen or unseen) of its
class. What says the same thing in one way only must not be refused. Hypothesis makes a failing
example small.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gsmflow_lite import DataError, GZSLDataset, from_arrays, from_dataframe
from gsmflow_lite.datasets.names import as_text
from gsmflow_lite.storage import write_json

NAMES = ("bee", "Äsche", "10 cats", "d e", "<f>", "naïve", "7", "0")
ROWS = 4  # of each class


@dataclass
class Truth:
    """What is so, however it is written."""

    names: list[str]
    attributes: np.ndarray  # (K, A), of whole numbers, so that every type holds them
    labels: np.ndarray  # (N,), places in names
    features: np.ndarray  # (N, D)
    unseen: list[int]

    @classmethod
    def draw(cls, pick: Any) -> Truth:
        count = pick(st.integers(3, 6))
        names = pick(st.permutations(NAMES))[:count]
        rng = np.random.default_rng(pick(st.integers(0, 2**16)))
        width = pick(st.integers(2, 5))
        attributes = 1 + rng.permutation(count * width).reshape(count, width)
        labels = rng.permutation(np.repeat(np.arange(count), ROWS))
        unseen = pick(st.sets(st.integers(0, count - 1), min_size=1, max_size=count - 2))
        features = rng.random((len(labels), 3)).astype(np.float32)
        return cls(list(names), attributes, labels, features, sorted(unseen))


@dataclass
class Spelling:
    """One way to write it: the arguments, and why they may be refused."""

    features: Any
    labels: Any
    attributes: Any
    options: dict[str, Any]
    named: bool  # whether the classes have their names
    doubts: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)  # what was drawn, for the table


def draw_spelling(pick: Any, truth: Truth) -> Spelling:
    """Draw how the truth is written."""
    count = len(truth.names)
    table = pick(st.sampled_from(("array", "names", "numbers", "numerals", "dict of names")))
    attributes = _TABLES[table](pick, truth)
    named = table in ("names", "dict of names")
    beside = pick(st.sampled_from(tuple(_NAMES_BESIDE)))
    class_names = _NAMES_BESIDE[beside](pick, truth)
    spelling = Spelling(None, None, attributes, {}, named or beside != "none")
    if class_names is not None:
        spelling.options["class_names"] = class_names

    call = pick(st.sampled_from(("name", "number", "numeral") if spelling.named else ("number",)))
    # Without other numbers, those of a table by name are its places.
    places = list(range(count))
    if table == "names" and beside == "none":
        places = [list(map(as_text, attributes.index)).index(name) for name in truth.names]
    every = [_called(truth, k, places[k], call) for k in range(count)]
    labels = [every[k] for k in truth.labels]
    spelling.doubts += _doubts(truth, table, beside, call)
    spelling.options["unseen"] = _unseen(pick, truth, every, spelling)
    spelling.features, spelling.labels = _rows(pick, truth, labels)
    spelling.words = {"table": table, "names beside it": beside, "labels": call}
    assert count == len(truth.attributes)
    return spelling


# --- the table -----------------------------------------------------------------------------------


def _array(pick: Any, truth: Truth) -> Any:
    makers = (
        np.asarray,
        np.ndarray.tolist,
        torch.from_numpy,
        np.asfortranarray,
        lambda a: a.astype(">f4"),
        lambda a: a.astype(object),
        lambda a: np.ma.masked_array(a, mask=False),
        pd.DataFrame,
    )
    return pick(st.sampled_from(makers))(truth.attributes)


def _frame(pick: Any, truth: Truth, index: list) -> pd.DataFrame:
    order = pick(st.permutations(range(len(truth.names))))
    frame = pd.DataFrame(truth.attributes, index=pd.Index(index, dtype=object)).iloc[list(order)]
    kind = pick(st.sampled_from(("object", "inferred")))
    return frame if kind == "object" else frame.set_axis(frame.index.infer_objects())


def _by_name(pick: Any, truth: Truth) -> pd.DataFrame:
    encode = pick(st.sampled_from((str, str.encode, np.str_)))
    return _frame(pick, truth, [encode(name) for name in truth.names])


def _by_number(pick: Any, truth: Truth) -> pd.DataFrame:
    kind = pick(st.sampled_from((int, float, np.int16, np.uint8)))
    return _frame(pick, truth, [kind(k) for k in range(len(truth.names))])


def _by_numeral(pick: Any, truth: Truth) -> Any:
    numerals = [str(k) for k in range(len(truth.names))]
    frame = _frame(pick, truth, numerals)
    return frame if pick(st.booleans()) else dict(zip(frame.index, frame.to_numpy(), strict=True))


def _dict(pick: Any, truth: Truth) -> dict:
    order = pick(st.permutations(range(len(truth.names))))
    rows = {truth.names[k]: truth.attributes[k] for k in order}
    if pick(st.booleans()):
        return {name: row.tolist() for name, row in rows.items()}
    columns = pick(st.permutations(range(truth.attributes.shape[1])))
    return {name: {f"a{c}": row[c] for c in sorted(columns)} for name, row in rows.items()}


_TABLES = {
    "array": _array,
    "names": _by_name,
    "numbers": _by_number,
    "numerals": _by_numeral,
    "dict of names": _dict,
}


# --- names beside it -----------------------------------------------------------------------------


def _list(pick: Any, truth: Truth) -> Any:
    makers = (list, tuple, np.array, pd.Series, pd.Index, iter, lambda x: np.array(x, object))
    return pick(st.sampled_from(makers))(truth.names)


def _number_to_name(pick: Any, truth: Truth) -> Any:
    number = pick(st.sampled_from((int, str, np.int64)))
    order = pick(st.permutations(range(len(truth.names))))
    names = {number(k): truth.names[k] for k in order}
    return names if pick(st.booleans()) else pd.Series(names)


def _name_to_number(pick: Any, truth: Truth) -> Any:
    number = pick(st.sampled_from((int, np.int64, float)))
    order = pick(st.permutations(range(len(truth.names))))
    return {truth.names[k]: number(k) for k in order}


_NAMES_BESIDE = {
    "none": lambda pick, truth: None,
    "list": _list,
    "number to name": _number_to_name,
    "name to number": _name_to_number,
}


# --- labels, unseen classes and rows -------------------------------------------------------------


def _called(truth: Truth, k: int, number: int, call: str) -> Any:
    return {"name": truth.names[k], "number": number, "numeral": str(number)}[call]


def _doubts(truth: Truth, table: str, beside: str, call: str) -> list[str]:
    """Say what makes a spelling mean two things, or nothing."""
    doubts = []
    numerals = [name for name in truth.names if name.isdigit()]
    if call != "name" and table == "dict of names" and beside == "none":
        doubts.append("numbers of a dict by name")
    if call != "name" and numerals and table == "names" and beside == "none":
        doubts.append("numbers of a table with numbers among its names")
    if call == "numeral" and numerals:
        doubts.append("a text that may be a name or a number")
    if call == "name" and numerals and table in ("numbers", "numerals"):
        doubts.append("a name that may be a number of the table")
    if beside == "list" and table in ("numbers", "numerals"):
        doubts.append("a list beside a table in another order")
    if beside != "none" and numerals:
        doubts.append("names that may be numbers")
    return doubts


def _unseen(pick: Any, truth: Truth, every: list, spelling: Spelling) -> Any:
    """Write which classes are unseen; ``every`` says how each class is called."""
    is_unseen = [k in truth.unseen for k in range(len(truth.names))]
    mask = {every[k]: is_unseen[k] for k in pick(st.permutations(range(len(truth.names))))}
    makers = {
        "list": list,
        "set": set,
        "array": np.array,
        "mask by name": lambda _: pd.Series(mask),
        "dict of masks": lambda _: mask,
        "mask": lambda _: _in_table_order(spelling, truth, is_unseen),
    }
    kind = pick(st.sampled_from(tuple(makers)))
    return makers[kind]([every[k] for k in truth.unseen])


def _in_table_order(spelling: Spelling, truth: Truth, is_unseen: list[bool]) -> list[bool]:
    table = spelling.attributes
    if not isinstance(table, pd.DataFrame | dict):
        return is_unseen
    spelling.doubts.append("a mask beside names that may change the order")
    rows = (
        table.to_numpy()
        if isinstance(table, pd.DataFrame)
        else [list(row.values()) if isinstance(row, dict) else row for row in table.values()]
    )
    attributes = truth.attributes.tolist()
    return [is_unseen[attributes.index(list(map(int, row)))] for row in rows]


def _rows(pick: Any, truth: Truth, labels: list) -> tuple[Any, Any]:
    """Features and labels, alone or with an index, the labels then perhaps in another order."""
    kind = pick(st.sampled_from(("arrays", "alike", "shuffled", "text")))
    if kind == "arrays":
        makers = (list, np.array, tuple, pd.Series, lambda x: np.array(x, object))
        return truth.features, pick(st.sampled_from(makers))(labels)
    count = len(labels)
    index = [f"row {i}" for i in range(count)] if kind == "text" else list(range(50, 50 + count))
    frame = pd.DataFrame(truth.features, index=index)
    column = pd.Series(labels, index=index)
    if pick(st.booleans()):
        column = column.astype("category")
    if kind == "alike":
        return frame, column
    return frame, column.iloc[list(pick(st.permutations(range(count))))]


# --- the check -----------------------------------------------------------------------------------


def read(pick: Any, spelling: Spelling) -> GZSLDataset:
    """Make the data set in one of the two ways."""
    features, labels = spelling.features, spelling.labels
    if isinstance(features, pd.DataFrame) and pick(st.booleans()):
        frame = features.rename(columns=str).assign(kind=labels)  # pandas brings rows together
        return from_dataframe(
            frame, label="kind", attributes=spelling.attributes, **spelling.options
        )
    return from_arrays(features, labels, spelling.attributes, **spelling.options)


def check(truth: Truth, spelling: Spelling, dataset: GZSLDataset) -> None:
    """Assert that each row has the description, the name and the status of its class."""
    assert np.array_equal(dataset.features, truth.features)
    for row, k in enumerate(truth.labels):
        number = dataset.labels[row]
        assert np.array_equal(dataset.attributes[number], truth.attributes[k]), "description"
        assert (number in dataset.unseen_classes) == (k in truth.unseen), "status"
        if spelling.named and "class_names" in spelling.options:
            assert dataset.class_names[number] == truth.names[k], "name"


def example(pick: Any, count: Counter) -> None:
    """Draw one example, read and check it."""
    truth = Truth.draw(pick)
    spelling = draw_spelling(pick, truth)
    try:
        dataset = read(pick, spelling)
    except DataError as error:
        if not spelling.doubts:
            raise AssertionError(f"refused without need: {error}") from None
        count["refused"] += 1
        return
    count["read right"] += 1
    check(truth, spelling, dataset)


def run(examples: int, seed: int | None = None) -> dict[str, int]:
    """Check so many examples; returns how many were read, and how many refused."""
    count: Counter = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def every(data: Any) -> None:
        example(data.draw, count)

    every()
    return dict(count)


def main() -> None:
    """Run the bench and print what became of the examples; a wrong one is shown, made small."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found = {"examples": options.examples, "wrong": 0}
    try:
        found |= run(options.examples)
    except BaseException as error:  # Hypothesis may find several, and raises them as a group
        if isinstance(error, KeyboardInterrupt):
            raise
        traceback.print_exc()
        found["wrong"] = 1
    write_json(options.json, found)
    print(found)
    sys.exit(found["wrong"])


if __name__ == "__main__":
    main()
