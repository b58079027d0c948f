"""The blob of a page: what is packed comes out again, lies where browsers can read it, and once."""

import gzip
import json

import numpy as np
import pytest

from gsmflow_lite.page.packing import pack, packed_size, unpack
from gsmflow_lite.page.small import halved, halved_rows

ARRAYS = {
    "halves": np.array([[0.5, -2.0, 65504.0]], np.float16),
    "singles": np.array([1e-9, np.pi], np.float32),
    "bytes": np.array([3, 1, 255], np.uint8),
    "shorts": np.arange(65533, 65536, dtype=np.uint16),
    "words": np.array([2**32 - 1], np.uint32),
    "none": np.empty((0, 4), np.float32),
}


def test_what_is_packed_comes_out_again():
    header, arrays = unpack(
        pack({"format": 1, "names": ["한글", "</script>", "\N{SNOWMAN}"]}, ARRAYS)
    )
    assert header == {"format": 1, "names": ["한글", "</script>", "\N{SNOWMAN}"]}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def by_hand(blob: bytes) -> tuple[dict, bytes]:
    """The header and the bytes behind it, read as the module says and by nothing of it."""
    content = gzip.decompress(blob)
    length = int.from_bytes(content[:8], "little")
    assert (8 + length) % 8 == 0
    return json.loads(content[8 : 8 + length].decode()), content[8 + length :]


def test_numbers_lie_where_a_browser_may_look_at_them():
    header, body = by_hand(pack({"title": "ü"}, ARRAYS))
    assert {entry["offset"] % 8 for entry in header["arrays"].values()} == {0}
    entry = header["arrays"]["shorts"]
    assert (entry["type"], entry["shape"]) == ("u2", [3])
    found = body[entry["offset"] : entry["offset"] + 6]
    assert found == b"\xfd\xff\xfe\xff\xff\xff"  # the low byte first


def test_equal_arrays_lie_there_once():
    one = np.arange(12, dtype=np.float32)
    header, body = by_hand(pack({}, {"a": one, "b": one.reshape(3, 4).copy(), "c": one + 1}))
    offsets = {name: entry["offset"] for name, entry in header["arrays"].items()}
    assert offsets["a"] == offsets["b"] != offsets["c"]
    assert header["arrays"]["b"]["shape"] == [3, 4]
    assert len(body) == 2 * 48


def test_views_in_any_order_are_packed_as_they_read():
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    _, arrays = unpack(pack({}, {"turned": table.T, "swapped": table.astype(">f4")}))
    np.testing.assert_array_equal(arrays["turned"], table.T)
    np.testing.assert_array_equal(arrays["swapped"], table)


def test_the_same_input_gives_the_same_bytes(monkeypatch):
    first = pack({"a": 1}, ARRAYS)
    monkeypatch.setattr("time.time", lambda: 2e9)  # gzip would write the hour into its header
    assert pack({"a": 1}, ARRAYS) == first


def test_a_name_with_half_a_character_does_no_harm():
    header, _ = unpack(pack({"name": "a\ud800b"}, {}))
    assert header == {"name": "a?b"}


def test_a_packed_size_is_that_of_base64():
    noise = np.random.default_rng(0).bytes(30_000)  # does not compress
    assert packed_size(noise) == pytest.approx(40_000, rel=0.01)
    assert packed_size(bytes(30_000)) < 200


# --- Half precision ------------------------------------------------------------------------------


def test_what_half_precision_holds_is_halved(rng):
    weights = rng.standard_normal((40, 30)).astype(np.float32)
    small = halved(weights, 1.0)
    assert small.dtype == np.float16
    np.testing.assert_allclose(small, weights, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (np.array([1.0, 70_000.0]), 70_000.0),  # beyond its end
        (np.array([1e-9, 2e-9]), 2e-9),  # below its beginning
        (np.array([1000.3, 1000.8]), 0.5),  # small differences of large numbers
    ],
)
def test_what_half_precision_would_spoil_stays_single(values, unit):
    kept = halved(values, unit)
    assert kept.dtype == np.float32
    np.testing.assert_allclose(kept, values, rtol=1e-6)


def test_features_are_judged_by_their_least_spread(rng):
    features = rng.standard_normal((50, 3))
    assert halved_rows(features).dtype == np.float16
    assert halved_rows(features * [1, 1, 0] + [0, 0, 0.1]).dtype == np.float16  # says nothing
    assert halved_rows(features * [1, 1, 1e-3] + [0, 0, 1]).dtype == np.float32
