"""A matrix in a broken or hostile .npy or HDF5 file is refused with one clear error."""

import h5py
import numpy as np
import pytest
from feature_files import write_hdf5, write_npy

from gsmflow_lite.datasets import open_features
from gsmflow_lite.errors import DataError


def header(shape, kind="'<f4'", size=0) -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(size)


BAD_NPY = {
    "truncated": (
        header((100, 5), size=1996),
        r"claims float32 of shape \(100, 5\), 2,000 bytes, but 1,996 follow",
    ),
    "more rows than there are": (
        header((10**13, 2048), size=80),
        r"of shape \(10000000000000, 2048\), .*but 80 follow",
    ),
    "bytes after the end": (header((2, 2), size=20), r"16 bytes, but 20 follow"),
    "negative rows": (header((-1, 2), size=20), r"claims|matrix"),
    "objects": (
        header((2, 2), "'|O'", 32),
        r"features must be real numbers, got object: save them as float32",
    ),
    "complex numbers": (
        header((2, 2), "'<c8'", 32),
        r"features must be real numbers, got complex64",
    ),
    "text": (header((2, 2), "'<U1'", 16), r"features must be real numbers, got <U1"),
    "records": (header((2,), "[('a', '<f4')]", 8), r"features must be real numbers, got \[\('a'"),
    "one dimension": (
        header((4,), size=16),
        r"features must be a matrix with rows and columns, got shape \(4,\)",
    ),
    "three dimensions": (
        header((2, 2, 1), size=16),
        r"must be a matrix with rows and columns, got shape \(2, 2, 1\)",
    ),
    "no rows": (header((0, 4)), r"must be a matrix with rows and columns, got shape \(0, 4\)"),
    "a header of nonsense": (
        b"\x93NUMPY\x01\x00\x10\x00" + b"[" * 16,
        r"an .npy file must be readable to its end",
    ),
    "a header that ends": (b"\x93NUMPY\x01\x00\xff", r"an .npy file must be readable to its end"),
    "another version": (b"\x93NUMPY\x09\x00\x10\x00" + bytes(16), r"unknown version \(9, 0\)"),
    "an .npz": (
        b"PK\x03\x04",
        r"must be in an .npy or an HDF5 file, got one that starts with b'PK",
    ),
    "nothing": (b"", r"must be in an .npy or an HDF5 file, got one that starts with b''"),
    "a pickle": (b"\x80\x04\x95", r"must be in an .npy or an HDF5 file"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_a_bad_npy_file_is_refused_with_file_rule_and_value(case, tmp_path):
    content, words = BAD_NPY[case]
    (tmp_path / "some.npy").write_bytes(content)
    with pytest.raises(DataError, match=rf"some.npy: .*({words})"):
        open_features(tmp_path / "some.npy")


def test_flipped_bits_in_an_npy_give_features_or_one_clear_error(plain, tmp_path, rng):
    path = write_npy(tmp_path, plain)
    whole = path.read_bytes()
    for _ in range(200):
        spoiled = bytearray(whole)
        for place in rng.integers(0, 140, 2):
            spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled[: rng.integers(len(whole) // 2, 2 * len(whole))])
        try:
            open_features(path)[:]
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017


def outside(path):
    (path / "raw").write_bytes(bytes(80))
    return {"shape": (10, 2), "dtype": "f4", "external": [(str(path / "raw"), 0, 80)]}


def link(target):
    def write(file, path):
        with h5py.File(path / "other.h5", "w") as other:
            other["x/features"] = np.ones((3, 2))
        file["group/here"] = np.ones((3, 2))
        file[target[0]] = (
            h5py.ExternalLink(*target[1])
            if isinstance(target[1], tuple)
            else h5py.SoftLink(target[1])
        )

    return write


BAD_HDF5 = {
    "another name": (
        lambda f, p: f.create_dataset("x", data=np.ones((2, 2))),
        r"must hold 'features', got 'x': name the",
    ),
    "nothing": (lambda f, p: None, r"must hold 'features', got nothing"),
    "a group": (lambda f, p: f.create_group("features"), r"'features' must be an array, got group"),
    "text": (
        lambda f, p: f.create_dataset("features", data=[["a", "b"]]),
        r"features must be real numbers, got object",
    ),
    "complex numbers": (
        lambda f, p: f.create_dataset("features", data=np.ones((2, 2), complex)),
        r"numbers, got complex128",
    ),
    "one dimension": (
        lambda f, p: f.create_dataset("features", data=np.ones(4)),
        r"rows and columns, got shape \(4,\)",
    ),
    "a scalar": (
        lambda f, p: f.create_dataset("features", data=1.0),
        r"matrix with rows and columns, got shape \(\)",
    ),
    "no space": (
        lambda f, p: f.create_dataset("features", data=h5py.Empty("f4")),
        r"holds nothing: save the array again",
    ),
    "never written": (
        lambda f, p: f.create_dataset(
            "features", shape=(10**9, 2048), dtype="f4", chunks=(16, 2048)
        ),
        r"claims shape \(1000000000, 2048\) .*at most 64 bytes",
    ),
    "data in another file": (
        lambda f, p: f.create_dataset("features", **outside(p)),
        r"keeps its data in another file",
    ),
    "a link into another file": (
        link(("features", ("other.h5", "/x/features"))),
        r"'features' points elsewhere, which is not",
    ),
    "a link within": (link(("features", "/group/here")), r"'features' points elsewhere"),
    "references": (
        lambda f, p: f.create_dataset(
            "features", data=np.full((1, 1), f.ref, h5py.ref_dtype), dtype=h5py.ref_dtype
        ),
        r"features must be real numbers, got object",
    ),
}


@pytest.mark.parametrize("case", BAD_HDF5)
def test_a_bad_hdf5_file_is_refused_with_file_rule_and_value(case, tmp_path):
    write, words = BAD_HDF5[case]
    with h5py.File(tmp_path / "some.h5", "w") as file:
        write(file, tmp_path)
    with pytest.raises(DataError, match=rf"some.h5: .*{words}"):
        open_features(tmp_path / "some.h5")


def test_a_link_on_the_way_to_an_array_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "some.h5", "w") as file:
        link(("x", ("other.h5", "/x")))(file, tmp_path)
    with pytest.raises(DataError, match=r"'x' points elsewhere"):
        open_features(tmp_path / "some.h5", "x/features")


def test_a_virtual_array_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((4, 2))
    layout = h5py.VirtualLayout(shape=(4, 2), dtype="f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(4, 2))
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file.create_virtual_dataset("features", layout)
    with pytest.raises(DataError, match=r"keeps its data in another file"):
        open_features(tmp_path / "some.h5")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.98])
@pytest.mark.parametrize("options", [{}, {"chunks": (8, 5), "compression": "gzip"}])
def test_a_truncated_hdf5_file_is_refused(options, share, plain, tmp_path):
    path = write_hdf5(tmp_path, plain, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        DataError, match=r"some.h5: an HDF5 file must be readable to its end|some.h5: .*truncated"
    ):
        open_features(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.npy: there is no such file"):
        open_features(tmp_path / "none.npy")
