"""A .mat file is read as it was written; a broken or hostile one is refused."""

import zlib

import h5py
import numpy as np
import pytest
import scipy.io
from mat_files import EVERY_FORMAT, cell, save_mat73
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import mat_names, read_mat
from gsmflow_lite.errors import DataError

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
NAMED_X = (1 | 1 << 16, ord("x"))  # the element of a file that holds a variable's name, x


def words(*numbers):
    """Numbers as a file of MATLAB 5 holds them."""
    return np.array(numbers, "<u4").tobytes()


@EVERY_FORMAT
@pytest.mark.parametrize("kind", [">f8", "<f4", np.int16])
def test_double_precision_becomes_single_where_it_is_asked_for(kind, save, tmp_path, rng):
    numbers = (200 * rng.random((700, 800))).astype(kind)
    values = {"x": numbers, "y": rng.random((2, 1))}
    save(tmp_path / "some.mat", values)
    found = read_mat(tmp_path / "some.mat", single=["x"])
    expected = np.int16 if kind is np.int16 else np.float32
    assert found["x"].dtype == expected
    assert_array_equal(found["x"], values["x"].astype(expected))
    assert_array_equal(found["y"], values["y"])


@pytest.fixture(params=["5", "5 compressed", "7.3"])
def some_mat(request, tmp_path, rng):
    """A good file and its content."""
    path = tmp_path / "some.mat"
    content = {
        "numbers": rng.random((6, 40)),
        "names": cell(["one", "two+three", "vier", "fünf", ""]),
        "flags": np.eye(2) > 0,
    }
    if request.param == "7.3":
        content["names"] = content["names"][:4]
        save_mat73(path, content)
    else:
        scipy.io.savemat(path, content, do_compression="compressed" in request.param)
    return path, content


def test_arrays_and_names_are_read_as_they_were_written(some_mat):
    path, content = some_mat
    found = read_mat(path)
    assert set(found) == set(mat_names(path)) == set(content)
    assert_array_equal(found["numbers"], content["numbers"])
    assert_array_equal(found["flags"], content["flags"])
    assert found["names"] == content["names"].ravel().tolist()


@pytest.mark.parametrize(
    "kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">f8", ">i2"]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5_numbers_are_read_as_scipy_reads_them(kind, compressed, tmp_path, rng):
    path = tmp_path / "some.mat"
    numbers = (rng.random((3, 4, 2)) * 100).astype(kind)
    content = {"x": numbers, "y": np.zeros((0, 3), kind)}
    scipy.io.savemat(path, content, do_compression=compressed)
    ours = read_mat(path)
    theirs = scipy.io.loadmat(path)
    for key in "xy":
        assert_array_equal(ours[key], theirs[key])
        assert ours[key].dtype == theirs[key].dtype.newbyteorder("=")


def test_rows_of_characters_are_read_as_names(tmp_path):
    scipy.io.savemat(tmp_path / "some.mat", {"x": np.array(["ab", "cde"]), "y": "hello"})
    assert read_mat(tmp_path / "some.mat") == {"x": ["ab", "cde"], "y": ["hello"]}


def test_big_endian_files_are_read(tmp_path):
    """The example of the format's description, written by hand: x = [1 2; 3 4] as int16."""

    def element(kind, values, dtype):
        data = np.array(values, dtype).tobytes()
        tag = np.array([kind, len(data)], ">u4").tobytes()
        return tag + data + bytes(-len(data) % 8)

    flags = element(6, [10, 0], ">u4")
    dims = element(5, [2, 2], ">i4")
    name = element(1, [ord("x")], "i1")
    numbers = element(3, [1, 3, 2, 4], ">i2")
    array = element(14, list(flags + dims + name + numbers), "u1")
    path = tmp_path / "some.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + array)
    assert_array_equal(read_mat(path)["x"], [[1, 2], [3, 4]])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(share, some_mat):
    path, _ = some_mat
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"some.mat: .*truncated or damaged"):
        read_mat(path)


def test_flipped_bits_give_the_content_or_one_clear_error(some_mat, rng):
    path, _ = some_mat
    whole = path.read_bytes()
    for _ in range(150):
        spoiled = bytearray(whole)
        for place in rng.integers(128, len(whole), 3):
            spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled)
        try:
            found = read_mat(path)
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            arrays = [value for value in found.values() if isinstance(value, np.ndarray)]
            assert sum(array.nbytes for array in arrays) <= 1032 * len(whole)


def test_a_flipped_bit_in_compressed_numbers_is_noticed(tmp_path, rng):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": rng.random((50, 50))}, do_compression=True)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 4
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        read_mat(path)


def test_a_wrong_checksum_of_compressed_numbers_is_noticed(tmp_path):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": np.eye(9)}, do_compression=True)
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        read_mat(path)


def test_compressed_bytes_after_the_end_of_an_array_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "plain.mat", {"x": np.eye(9)})
    whole = (tmp_path / "plain.mat").read_bytes()
    packed = zlib.compress(whole[128:] + bytes(2000))
    (tmp_path / "some.mat").write_bytes(whole[:128] + words(15, len(packed)) + packed)
    with pytest.raises(DataError, match="goes on after its end"):
        read_mat(tmp_path / "some.mat")


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / "some.mat"
    scipy.io.savemat(path, {"x": np.eye(9)})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[128:])
    with pytest.raises(DataError, match="the name 'x' occurs twice"):
        read_mat(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_small_file_that_claims_a_large_array_is_refused(compressed, tmp_path):
    """10^5 x 10^4 doubles, 8 GB, in a few hundred bytes."""
    body = words(6, 8, 6, 0, 5, 8, 10**5, 10**4, *NAMED_X, 9, 2**31)
    element = words(14, len(body) + 2**31) + body + bytes(300)
    if compressed:
        packed = zlib.compress(element)
        element = words(15, len(packed)) + packed
    path = tmp_path / "some.mat"
    path.write_bytes(HEADER + element)
    with pytest.raises(DataError, match=r"some.mat: .*claimed where at most"):
        read_mat(path)


def test_an_hdf5_file_that_claims_a_large_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "some.mat", "w") as file:
        # No chunk is ever written.
        file.create_dataset("x", shape=(10**12,), dtype="f8", chunks=(1000,))
    with pytest.raises(DataError, match=r"'/x' claims shape \(1000000000000,\) .*at most 64 bytes"):
        read_mat(tmp_path / "some.mat")


def test_an_hdf5_link_into_another_file_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones((2, 2))
    with h5py.File(tmp_path / "some.mat", "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "/x")
    with pytest.raises(DataError, match=r"'x' points into another file"):
        read_mat(tmp_path / "some.mat")


def test_an_hdf5_array_kept_in_another_file_is_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(80))
    with h5py.File(tmp_path / "some.mat", "w") as file:
        file.create_dataset("x", shape=(10,), dtype="f8", external=[(str(secret), 0, 80)])
    with pytest.raises(DataError, match=r"'/x' keeps its data in another file"):
        read_mat(tmp_path / "some.mat")


def save_cell_of_numbers(path):
    scipy.io.savemat(path, {"names": np.array([[np.ones(3)]], object)})


def save_cell_of_numbers_mat73(path):
    with h5py.File(path, "w") as file:
        file["#refs#/a"] = np.ones(3)
        references = np.array([[file["#refs#/a"].ref]], h5py.ref_dtype)
        file.create_dataset("names", data=references, dtype=h5py.ref_dtype)


@pytest.mark.parametrize("save", [save_cell_of_numbers, save_cell_of_numbers_mat73])
def test_a_cell_that_holds_no_text_is_refused(save, tmp_path):
    save(tmp_path / "some.mat")
    with pytest.raises(DataError, match=r"cells .*must .*hold"):
        read_mat(tmp_path / "some.mat")


def test_deeply_nested_cells_are_refused(tmp_path):
    body = b""
    for _ in range(3000):
        body = words(6, 8, 1, 0, 5, 8, 1, 1, 1, 0) + body
        body = words(14, len(body)) + body
    named = words(6, 8, 1, 0, 5, 8, 1, 1, *NAMED_X) + body
    path = tmp_path / "some.mat"
    path.write_bytes(HEADER + words(14, len(named)) + named)
    with pytest.raises(DataError, match="not further cells"):
        read_mat(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"must start with a MATLAB 5 or 7.3 header, got b'': it is empty"),
        (b"<!DOCTYPE html><html>", r"looks like a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"Git LFS pointer"),
        (b"PK\x03\x04", r"zip archive"),
        (b"\x80\x04\x95junk", r"save it with MATLAB's -v7"),
    ],
)
def test_a_file_that_is_no_mat_file_is_refused_with_a_guess_at_what_happened(
    content, words, tmp_path
):
    (tmp_path / "some.mat").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_mat(tmp_path / "some.mat")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.mat: there is no such file"):
        read_mat(tmp_path / "none.mat")


@pytest.mark.parametrize("save", [save_cell_of_numbers, save_cell_of_numbers_mat73])
def test_an_optional_array_of_a_kind_that_is_not_read_is_left_out_in_words(save, tmp_path):
    save(tmp_path / "some.mat")
    left_out = []
    assert read_mat(tmp_path / "some.mat", [], optional=["names"], left_out=left_out) == {}
    assert len(left_out) == 1
    assert left_out[0].startswith("'names' is left out: ")


def test_an_array_that_is_wanted_is_never_left_out(tmp_path):
    save_cell_of_numbers(tmp_path / "some.mat")
    with pytest.raises(DataError, match="cells must hold text"):
        read_mat(tmp_path / "some.mat", ["names"], optional=["other"], left_out=[])


def test_text_that_cannot_be_decoded_is_no_sign_of_damage(tmp_path):
    """SciPy writes text as UTF-8."""
    scipy.io.savemat(tmp_path / "some.mat", {"names": np.array(["abcdefgh"])})
    content = (tmp_path / "some.mat").read_bytes()
    (tmp_path / "some.mat").write_bytes(content.replace(b"abcdefgh", b"abcd\xff\xfefg"))
    with pytest.raises(DataError, match=r"'names' must be text, but .*cell array of text"):
        read_mat(tmp_path / "some.mat")
