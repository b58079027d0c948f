"""Data sets from the user's own arrays, DataFrames and files (.npz, .npy, HDF5), and back to files."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path

import numpy as np

from ..errors import DataError, StorageError
from ..seeds import stream
from ..storage import written_whole
from .base import GZSLDataset, as_names, as_text, finite_matrix, hold_out
from .matfiles import most_inflated, one_clear_error, open_hdf5
from .on_disk import (
    FeaturesOnDisk,
    as_on_disk,
    check_size,
    hdf5_array,
    is_on_disk,
    npy_header,
    open_features,
)

REQUIRED = ("features", "labels", "attributes", "unseen")
UNNAMED = "res101"  # the features of the benchmarks, where no others are named
SPLITS = ("train", "test_seen", "test_unseen")
OPTIONAL = (
    *SPLITS,
    "class_names",
    "attribute_names",
    "groups",
    "images",
    "declared_validation",
    "name",
)


def from_arrays(
    features,
    labels,
    attributes,
    *,
    unseen,
    test_seen=None,
    train=None,
    test_unseen=None,
    class_names: Sequence[str] = (),
    attribute_names: Sequence[str] = (),
    groups=None,
    images=None,
    declared_validation=None,
    name: str = "my data",
    source: str = "",
    seed: int = 0,
) -> GZSLDataset:
    """A data set from plain arrays: NumPy arrays, torch tensors, lists, or pandas objects.

    ``features`` (N, D); where they do not fit into memory, the name of an .npy or HDF5 file, what :func:`open_features`
    returns, a memory map (``np.load(path, mmap_mode="r")``) or an h5py data set: these stay on disk, see
    :class:`MappedFeatures`; ``labels`` (N,), class numbers from 0 or class names; ``attributes`` (K, A), or a DataFrame whose
    index names the classes; ``unseen``, the numbers or names of the classes that are never trained on, or a mask (K,).

    Where ``test_seen`` is None, a fifth of the rows of each seen class is held out, drawn with ``seed`` (whole ``groups``
    where given). ``train`` and ``test_unseen`` are the remaining rows of seen classes and all rows of unseen ones, unless
    given. Splits are row numbers or masks (N,). Raises ``DataError``.
    """
    classes = None
    if _is_frame(attributes):
        classes = attributes.index.tolist()
        class_names = class_names if len(class_names) else [str(label) for label in classes]
        attribute_names = (
            attribute_names
            if len(attribute_names)
            else [str(column) for column in attributes.columns]
        )
    attributes = finite_matrix(as_array(attributes, "attributes", source), "attributes", source)
    class_names = as_names(class_names, "class", len(attributes), source)
    number = lambda values, what: class_numbers(values, what, class_names, classes, source)  # noqa: E731
    rows = lambda values: _unmasked(values, "a split", len(labels), source)  # noqa: E731
    labels, unseen = (
        number(labels, "labels"),
        number(_unmasked(unseen, "unseen", len(attributes), source), "unseen"),
    )
    if not len(unseen):
        raise DataError(
            f"{at_source(source)}unseen must name at least one class: without one there is nothing to synthesize"
        )
    strange = np.setdiff1d(unseen, labels)
    if len(strange):
        raise DataError(
            f"{at_source(source)}every unseen class needs rows to be tested on, but class {strange[0]} has none: check unseen"
        )
    of_unseen = np.isin(labels, unseen)
    if of_unseen.all():
        raise DataError(
            f"{at_source(source)}unseen must leave seen classes to learn from, but it names every class that has rows"
        )
    groups = None if groups is None else as_array(groups, "groups", source)
    if test_seen is None:
        if groups is not None and groups.shape != labels.shape:
            raise DataError(
                f"{at_source(source)}groups must have one entry per label ({len(labels)}), got shape {groups.shape}"
            )
        rng = stream(seed, "test rows of seen classes")
        pool = (
            np.flatnonzero(~of_unseen)
            if train is None
            else np.setdiff1d(np.flatnonzero(~of_unseen), rows(train))
        )
        test_seen = (
            hold_out(labels, pool, rng, groups=groups, source=source) if train is None else pool
        )
    test_seen = rows(test_seen)
    rest = np.setdiff1d(np.flatnonzero(~of_unseen), test_seen)
    return GZSLDataset(
        features=_as_features(features, source),
        labels=labels,
        attributes=attributes,
        train=rest if train is None else rows(train),
        test_seen=test_seen,
        test_unseen=np.flatnonzero(of_unseen) if test_unseen is None else rows(test_unseen),
        class_names=class_names,
        attribute_names=attribute_names,
        groups=groups,
        images=None if images is None else as_array(images, "images", source),
        declared_validation=None
        if declared_validation is None
        else number(declared_validation, "declared_validation"),
        name=name,
        source=source,
    )


def from_dataframe(
    frame, *, label: str, attributes, unseen, name: str = "my data", **options
) -> GZSLDataset:
    """A data set from a DataFrame with one row per image: column ``label`` is the class, all other columns are features.

    ``attributes`` is a DataFrame with one row per class, its index naming the classes, or an array; ``options`` go to
    :func:`from_arrays`. Raises ``DataError`` where a column cannot be a feature.
    """
    if label not in frame.columns:
        raise DataError(
            f"label must name a column of the frame ({', '.join(map(str, frame.columns[:10]))} ...), got {label!r}"
        )
    columns = frame.drop(columns=label)
    odd = [str(c) for c, kind in columns.dtypes.items() if getattr(kind, "kind", "O") not in "biuf"]
    if odd:
        raise DataError(
            f"all columns but {label!r} must be numbers, got {', '.join(odd[:10])}{' ...' * (len(odd) > 10)}: "
            f"take them out with frame.drop(columns=[...]), or turn them into numbers"
        )
    return from_arrays(columns, frame[label], attributes, unseen=unseen, name=name, **options)


def from_npz(path: str | Path, *, name: str | None = None, seed: int = 0) -> GZSLDataset:
    """A data set from an .npz file with features, labels, attributes, unseen and, where wanted, more of ``OPTIONAL``.

    The keys mean what the arguments of :func:`from_arrays` mean. Nothing is unpickled, and sizes are checked against the
    file before memory is spent. Raises ``DataError``.
    """
    path = Path(path)
    return _from_content(
        read_npz(path, REQUIRED, OPTIONAL), path, name or path.stem, bool(name), seed
    )


def save_npz(dataset: GZSLDataset, path: str | Path) -> Path:
    """Write a data set so that :func:`from_npz` and the command line read it; the old file stays until the new is whole.

    Features are written as they were before preprocessing, which belongs to a model; ``decode`` cannot be written.
    Raises ``StorageError``.
    """
    d, path = dataset.origin or dataset, Path(path)
    if isinstance(d.features, FeaturesOnDisk):
        raise StorageError(
            f"{path}: features on disk ({d.features.path}) are not packed into an .npz file, which is read whole: "
            "use save_folder(dataset, path)"
        )
    content = {"features": d.features, **_small_content(d)}
    with written_whole(path) as file:
        np.savez_compressed(file, **content)
    return path


def from_folder(
    path: str | Path, features: str = "features", *, name: str | None = None, seed: int = 0
) -> GZSLDataset:
    """A data set from a folder of .npy files, named as the arguments of :func:`from_arrays`; features stay on disk.

    ``<features>.npy``, ``labels.npy``, ``attributes.npy`` and ``unseen.npy`` must be there, and where wanted more of
    ``OPTIONAL``, such as ``class_names.npy``, an array of text. Nothing is unpickled. Raises ``DataError``.
    """
    path = Path(path)
    others = [key for key in (*REQUIRED[1:], *OPTIONAL) if (path / f"{key}.npy").is_file()]
    _check_keys(path, [*others, "features"], [f"{key}.npy" for key in others], "np.save")
    content = {key: read_npy(path / f"{key}.npy", on_disk=key == "images") for key in others}
    content["features"] = open_features(path / f"{features}.npy")
    return _from_content(content, path, name or path.resolve().name, bool(name), seed)


def features_file(folder: Path, features: str) -> str | None:
    """Which .npy file of a folder holds the features: the one that is named, or, where none was, ``features.npy``.

    None where neither is there. Raises ``DataError`` for a name that such a folder does not have.
    """
    named = features.removesuffix(".npy")
    if (folder / f"{named}.npy").is_file():
        return named
    if not (folder / "features.npy").is_file():
        return None
    if features != UNNAMED:
        if (folder / f"{features.removesuffix('.mat')}.mat").is_file():
            return None
        there = ", ".join(sorted(file.name for file in folder.glob("*.npy")))
        raise DataError(
            f"{folder}: features must name a file of the folder ({there}), got {features!r}: correct the name, or leave it out"
        )
    return "features"


def from_hdf5(path: str | Path, *, name: str | None = None, seed: int = 0) -> GZSLDataset:
    """A data set from an HDF5 file whose arrays are named as the arguments of :func:`from_arrays`; features stay on disk.

    See :func:`open_features` for how they are best stored. Links are not followed. Raises ``DataError``.
    """
    path = Path(path)
    features = open_features(path)
    with one_clear_error(path, "an HDF5"), open_hdf5(path) as file:
        there = list(file)
        _check_keys(path, there, there, "h5py")
        content = {
            key: _hdf5_values(path, file, key) for key in (*REQUIRED[1:], *OPTIONAL) if key in there
        }
    return _from_content(
        content | {"features": features}, path, name or path.stem, bool(name), seed
    )


def _check_keys(path: Path, keys: list[str], there: list[str], how: str) -> None:
    missing = [key for key in REQUIRED if key not in keys]
    if missing:
        raise DataError(
            f"{path}: a data set must hold {', '.join(map(repr, missing))}, got {', '.join(there) or 'nothing'}: "
            f"add what is missing with {how}"
        )


def _from_content(content: dict, path: Path, name: str, named: bool, seed: int) -> GZSLDataset:
    """What the readers of all kinds of files end with; the file's own ``name`` yields to one that was given."""
    own = content.pop("name", None)
    for key in ("class_names", "attribute_names"):
        if key in content and content[key].ndim != 1:
            raise DataError(
                f"{path}: {key} must be a list of names, got shape {content[key].shape}"
            )
    return from_arrays(
        **content, name=name if named or own is None else str(own), source=str(path), seed=seed
    )


def save_folder(dataset: GZSLDataset, path: str | Path) -> Path:
    """Write a data set so that :func:`from_folder` and the command line read it; features go from disk to disk by blocks.

    Like :func:`save_npz`, it writes features as they were before preprocessing. Raises ``StorageError``.
    """
    d, path = dataset.origin or dataset, Path(path)
    content = _small_content(d)
    if not isinstance(d.features, FeaturesOnDisk):
        content["features"] = d.features
    for (
        key,
        value,
    ) in content.items():  # what is written may be a map of the file that is written over
        with written_whole(path / f"{key}.npy") as file:
            np.save(file, value, allow_pickle=False)
    for key in set(OPTIONAL) - set(content):  # of a data set that was here before
        (path / f"{key}.npy").unlink(missing_ok=True)
    if isinstance(d.features, FeaturesOnDisk):
        d.features.save(path / "features.npy")
    return path


def _small_content(d: GZSLDataset) -> dict[str, np.ndarray]:
    """All that a file holds beside the features."""
    content = {
        key: getattr(d, key)
        for key in (*REQUIRED[1:3], *SPLITS, "groups", "images", "declared_validation")
    }
    content |= {
        key: np.asarray(getattr(d, key), dtype=str)
        for key in ("class_names", "attribute_names", "name")
    }
    content["unseen"] = d.unseen_classes
    return {key: value for key, value in content.items() if value is not None}


def read_npz(
    path: Path, required: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of an .npz file by name, never unpickled, or one ``DataError`` that names the file."""
    try:
        size = os.path.getsize(path)
        with (
            open(path, "rb") as file,
            one_clear_error(path, "an .npz"),
            zipfile.ZipFile(file) as archive,
        ):
            there = _members(path, archive)
            missing = [key for key in required if key not in there]
            if missing:
                got = ", ".join(map(repr, there)) or "nothing"
                raise DataError(
                    f"{path}: the file must hold {', '.join(map(repr, missing))}, got {got}: add what is missing with np.savez"
                )
            keys = [*required, *(key for key in optional if key in there)]
            return {key: _member(path, archive, there[key], key, size) for key in keys}
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file: check its name") from None
    except OSError as error:
        raise DataError(
            f"{path}: the file must be readable, got {error.strerror or error}"
        ) from None


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise DataError(
            f"{path}: each array must occur once in the file, but one occurs again: write the file anew"
        )
    return members


def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, size: int
) -> np.ndarray:
    """One array, once its header's claim is known to fit into the bytes that can be there."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            f"{path}: {key!r} must be stored plainly or deflated, got method {info.compress_type}: use np.savez_compressed"
        )
    packed = min(info.compress_size, size)
    most = min(
        info.file_size,
        most_inflated(packed) if info.compress_type == zipfile.ZIP_DEFLATED else packed,
    )
    with archive.open(info) as stream:
        shape, _, dtype = npy_header(stream)
        if dtype.kind not in "biufSU":
            raise DataError(
                f"{path}: {key!r} must hold numbers or text, got {dtype}: convert it with astype before saving"
            )
        claimed = prod(shape) * max(dtype.itemsize, 1)
        if min(shape, default=0) < 0 or claimed > most:
            raise DataError(
                f"{path}: {key!r} claims shape {shape} ({claimed:,} bytes) but at most {most:,} bytes are believed to be "
                "there: the file is truncated or damaged, so write it again"
            )
    with archive.open(info) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):
            raise ValueError(f"{key!r} has bytes after its end")
    return _of_characters(array)


def _of_characters(array: np.ndarray) -> np.ndarray:
    """The same, bytes as text; raises ``ValueError`` for what is no character, over which Python stumbles much later."""
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    if array.dtype.kind == "U" and array.nbytes:
        numbers = (
            np.atleast_1d(array)
            .astype(array.dtype.newbyteorder("="), order="C", copy=False)
            .view(np.uint32)
        )
        if numbers.max() > sys.maxunicode or ((numbers >= 0xD800) & (numbers < 0xE000)).any():
            raise ValueError("its text holds what is no character")
    return array


def read_npy(path: Path, *, on_disk: bool = False) -> np.ndarray:
    """Numbers or text of an .npy file, never unpickled, or one ``DataError``; ``on_disk`` leaves them there."""
    try:
        with open(path, "rb") as file, one_clear_error(path, "an .npy"):
            shape, _, dtype = npy_header(file)
            if dtype.kind not in "biufSU":
                raise DataError(
                    f"{path}: the file must hold numbers or text, got {dtype}: convert it with astype before saving"
                )
            check_size(path, shape, dtype, os.fstat(file.fileno()).st_size - file.tell())
            return _of_characters(
                np.load(path, mmap_mode="r" if on_disk else None, allow_pickle=False)
            )
    except OSError as error:
        raise DataError(
            f"{path}: the file must be readable, got {error.strerror or error}"
        ) from None


def _hdf5_values(path: Path, file, key: str) -> np.ndarray:
    import h5py

    entry = hdf5_array(path, file, key)
    if h5py.check_string_dtype(entry.dtype) is not None:
        return np.asarray(entry.asstr()[()], dtype=str)
    if entry.dtype.kind not in "biufS":
        raise DataError(
            f"{path}: {key!r} must hold numbers or text, got {entry.dtype}: save it as one of these"
        )
    return entry[()]


# --- what users hand in ---------------------------------------------------------------------------------------------


def at_source(source: str) -> str:
    return f"{source}: " if source else ""


def _is_frame(values) -> bool:
    return hasattr(values, "columns") and hasattr(
        values, "index"
    )  # a DataFrame, told without importing pandas


def _as_features(values, source: str) -> np.ndarray | FeaturesOnDisk:
    """An array in memory, or features that stay on disk."""
    if isinstance(values, str | os.PathLike):
        return open_features(values)
    return (
        as_on_disk(values, source) if is_on_disk(values) else as_array(values, "features", source)
    )


def as_array(values, name: str, source: str) -> np.ndarray:
    """A NumPy array of whatever was handed in, on whatever device it lives."""
    try:
        if hasattr(values, "detach"):  # a torch tensor; NumPy knows no bfloat16
            values = values.detach().cpu()
            values = values.float() if str(values.dtype) == "torch.bfloat16" else values
            return values.numpy()
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{at_source(source)}{name} must be an array, got {type(values).__name__}: {error}"
        ) from None


def _unmasked(values, what: str, count: int, source: str) -> np.ndarray:
    """Numbers, from a mask over all ``count`` of them; whatever else it is, as it is."""
    array = as_array(values, what, source)
    if array.dtype != bool:
        return array
    if array.shape != (count,):
        raise DataError(
            f"{at_source(source)}{what} as a mask must have an entry for each of {count}, got shape {array.shape}: "
            "give one for each, or numbers"
        )
    return np.flatnonzero(array)


def class_numbers(
    values, what: str, names: Sequence[str], index: list | None, source: str
) -> np.ndarray:
    """Class numbers from 0, looked up where ``values`` are names or entries of the attribute table's own index."""
    array = np.atleast_1d(as_array(values, what, source))
    array = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    if array.ndim != 1:
        raise DataError(
            f"{at_source(source)}{what} must be one-dimensional, got shape {array.shape}"
        )
    if array.dtype.kind in "biuf" and not (
        index and all(isinstance(entry, int) for entry in index)
    ):
        return array  # numbers already; GZSLDataset checks their range
    keys = index if array.dtype.kind in "biuf" else list(map(as_text, names))
    if not keys:
        if not array.size:
            return array.astype(np.int64)
        raise DataError(
            f"{at_source(source)}{what} are names ({array.tolist()[0]!r} ...), so class_names must name the rows of attributes"
        )
    numbers = {key: k for k, key in enumerate(keys)}
    if len(numbers) < len(keys):
        raise DataError(
            f"{at_source(source)}class names must differ, but {_repeated(keys)!r} occurs twice: rename one"
        )
    odd = [value for value in array.tolist() if isinstance(value, list | dict | set)]
    if odd:
        raise DataError(
            f"{at_source(source)}{what} must be numbers or names, got {odd[0]!r}: give one label a row"
        )
    found = [numbers.get(value) for value in array.tolist()]
    if None in found:
        value = array.tolist()[found.index(None)]
        raise DataError(
            f"{at_source(source)}{what} must be among the classes ({', '.join(map(str, keys[:5]))} ...), got {value!r} "
            f"({found.count(None)} such entries): correct the spelling, or add its row of attributes"
        )
    return np.array(found, np.int64)


def _repeated(keys: list):
    seen = set()
    return next(key for key in keys if key in seen or seen.add(key))
