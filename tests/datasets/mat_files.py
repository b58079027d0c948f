"""Write .mat files as MATLAB does, for the tests of several readers."""

import h5py
import numpy as np
import pytest
import scipy.io

MAT73_HEADER = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"


def save_compressed(path, content: dict) -> None:
    """Write as MATLAB 5 does, compressed."""
    scipy.io.savemat(path, content, do_compression=True)


def save_mat73(path, content: dict) -> None:
    """Write as MATLAB 7.3 does: dimensions reversed, text as uint16, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in content.items():
            if value.dtype == object:
                _save_cells(file, name, value)
            else:
                _save_numbers(file, name, value)
    with open(path, "r+b") as file:
        file.write(MAT73_HEADER)


def _save_cells(file, name: str, texts: np.ndarray) -> None:
    references = np.empty(texts.T.shape, h5py.ref_dtype)
    references.flat = [
        file.create_dataset(f"#refs#/{name}{i}", data=_characters(text)).ref
        for i, text in enumerate(texts.flat)
    ]
    entry = file.create_dataset(name, data=references, dtype=h5py.ref_dtype)
    entry.attrs["MATLAB_class"] = np.bytes_("cell")


def _save_numbers(file, name: str, values: np.ndarray) -> None:
    options = {"compression": "gzip"} if values.size > 50 else {}
    entry = file.create_dataset(name, data=values.T, **options)
    entry.attrs["MATLAB_class"] = np.bytes_("double")


def _characters(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]


def cell(names) -> np.ndarray:
    """A cell array of text, as a column."""
    return np.array(list(names), object)[:, None]


def one_up(index, kind=np.uint16, shape=(-1, 1)) -> np.ndarray:
    """An index from 0 as MATLAB has it, from 1."""
    return (np.asarray(index) + 1).astype(kind).reshape(shape)


EITHER_FORMAT = pytest.mark.parametrize("save", [scipy.io.savemat, save_mat73], ids=["5", "7.3"])
EVERY_FORMAT = pytest.mark.parametrize(
    "save", [scipy.io.savemat, save_compressed, save_mat73], ids=["5", "5 compressed", "7.3"]
)
