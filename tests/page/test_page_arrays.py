"""The page reads its blob: numbers of every type, and halves of every value."""

import base64

import numpy as np
import pytest
from engine import empty_page

from gsmflow_lite.page.packing import pack

READ = """async (base64) => {
  const { header, arrays } = await unpackData(base64);
  const read = Object.keys(header.arrays).map((name) => [name, arrays.get(name)]);
  return plain({ format: header.format, arrays: Object.fromEntries(read) });
}"""


@pytest.fixture(scope="module")
def page():
    with empty_page() as page:
        yield page


def test_arrays_of_every_type_are_read(page):
    ramp = np.arange(6).reshape(2, 3)
    arrays = {
        "a/half": (ramp / 3).astype(np.float16),
        "a/single": (ramp / 3).astype(np.float32),
        "a/byte": (ramp + 250).astype(np.uint8),
        "a/short": (ramp + 65530).astype(np.uint16),
        "a/word": (ramp + 2**32 - 6).astype(np.uint32),
        "a/half again": (ramp / 3).astype(np.float16),
    }
    blob = base64.b64encode(pack({"format": 1, "worlds": []}, arrays)).decode()
    read = page.evaluate(READ, blob)
    assert read["format"] == 1
    for name, array in arrays.items():
        assert read["arrays"][name]["shape"] == [2, 3]
        np.testing.assert_array_equal(read["arrays"][name]["data"], array.ravel())


def test_every_half_becomes_the_number_that_it_is(page):
    bits = np.arange(2**16, dtype=np.uint16)
    given = page.evaluate("() => plain(widened(Uint16Array.from({ length: 65536 }, (_, i) => i)))")
    np.testing.assert_array_equal(given, bits.view(np.float16).astype(np.float32))


def test_an_array_that_is_missing_is_named(page):
    script = """() => {
      try {
        new PackedArrays({}, new ArrayBuffer(0), 0).get("letters/widths");
      } catch (error) {
        return error.message;
      }
    }"""
    assert "letters/widths" in page.evaluate(script)
