"""Names that are shown differ, whatever the data call their classes."""

import pytest

from gsmflow_lite.datasets.names import unique_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "b", "a"], ("a (class 0)", "b", "a (class 2)")),
        (["", "b"], ("class 0", "b")),
        (["", ""], ("class 0", "class 1")),
        (["class 1", ""], ("class 1", "class 1'")),
        (["a", "a", "a (class 0)"], ("a (class 0)'", "a (class 1)", "a (class 0)")),
    ],
)
def test_names_that_occur_twice_get_their_number(names, expected):
    assert unique_names(names, "class") == expected
