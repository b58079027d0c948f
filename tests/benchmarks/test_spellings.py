"""The same data, written in many ways, is read right or refused; the bench would notice."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

from gsmflow_lite import from_arrays

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("array", "names", "numbers", "numerals", "dict of names")


@pytest.fixture
def spellings(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import spellings

    return spellings


def test_whatever_way_data_are_written_they_are_read_right_or_refused(spellings):
    found = spellings.run(200)
    assert found["read right"] > found["refused"] > 0


def test_the_bench_notices_descriptions_of_the_wrong_classes(spellings, monkeypatch):
    def by_place(features, labels, attributes, **options):
        if hasattr(attributes, "index"):
            attributes = attributes.set_axis(attributes.index[::-1])
        return from_arrays(features, labels, attributes, **options)

    monkeypatch.setattr(spellings, "from_arrays", by_place)
    with pytest.raises(BaseException, match=r"description|refused|distinct failures"):
        spellings.run(200)


def test_the_bench_notices_what_is_refused_without_need(spellings, monkeypatch):
    def never(*given, **options):
        raise spellings.DataError("no")

    monkeypatch.setattr(spellings, "from_arrays", never)
    with pytest.raises(AssertionError, match="refused without need: no"):
        spellings.run(50)


@pytest.mark.parametrize("table", TABLES)
def test_every_kind_of_table_is_drawn(table, spellings):
    def is_drawn(data):
        truth = spellings.Truth.draw(data.draw)
        return spellings.draw_spelling(data.draw, truth).words["table"] == table

    find(
        st.data(),
        is_drawn,
        settings=settings(
            max_examples=200,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_truth_has_a_description_and_rows_for_each_class(spellings):
    truth = find(st.builds(lambda d: spellings.Truth.draw(d.draw), st.data()), lambda _: True)
    assert len(truth.attributes) == len(truth.names)
    assert (np.bincount(truth.labels) == spellings.ROWS).all()
