"""List every reader of files and texts, with good files for it and ways to break them.

For each reader it also says which rules must hold for whatever the reader lets through.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import image_files
import mutations as m
import numpy as np
import pandas as pd
import scipy.io
import torch

from gsmflow_lite.config import ModelConfig, TrainingConfig
from gsmflow_lite.datasets import (
    GZSLDataset,
    from_folder,
    from_hdf5,
    from_npz,
    load_folder,
    read_attribute_table,
    read_mat,
    save_folder,
    save_npz,
)
from gsmflow_lite.datasets.wording import clean_text
from gsmflow_lite.figures import map_cache
from gsmflow_lite.generators.stored import FromFile
from gsmflow_lite.images import read_image
from gsmflow_lite.method.model import SavedModel
from gsmflow_lite.method.training import fit, new_model
from gsmflow_lite.panels import state
from gsmflow_lite.runs import cells, results, tables
from gsmflow_lite.runs.study_file import MOST_CELLS, Study
from gsmflow_lite.texts import read_texts

Files = Mapping[str, bytes]  # of one folder, by name
CLASSES = 7
ROWS = 10  # of each class
WIDTH = 4  # features
TRAITS = 3  # attributes
NAMES = ("one", "two+three", "vier", "fünf", "<b>six</b>", "$7$", "0")
WORDS_OF_CLASSES = (
    ("the first", "it is alone"),
    ("two, then three",),
    ("vier; 4",),
    ("fünf Finger",),
    ("<b>six</b> legs",),
    ("a 'lucky' number",),
    ("한글 none",),
)
START = {
    "on": True,
    "count": 3,
    "share": 0.5,
    "word": "all",
    "classes": ("Q", "O"),
}  # as a panel may have
SHAPE = ModelConfig(blocks=2, hidden=8, embedding=6, start="ridge-gaussian")
STUDY = """
name = "what carries the letters"
datasets = ["glyphs", {data = "FOLDER", features = "lite0", name = "flowers"}]
seeds = 2
baselines = ["ridge-gaussian", "eszsl"]
synthesized = 400
overrides = {training.epochs = 6, training.mining = false}

[vary.lite]
[vary."no semantics"]
model.semantics = "none"
classifier.penalties = [0.1, 0.01]
"""


class WrongData(Exception):
    """What was read breaks a rule that every reader promises to keep."""


def _require(holds: Any, rule: str) -> None:
    if not holds:
        raise WrongData(rule)


@dataclass(frozen=True)
class Reader:
    """A reader, with good files for it and ways to break them.

    ``make()`` gives good files. ``read(folder)`` reads files, and raises :class:`WrongData` where
    they break a rule. ``attacks`` break files in ways that need knowledge of the format.

    A file of ``exact`` has checksums: where single bytes of it were changed, it must be refused, or
    give what it did before.
    """

    name: str
    make: Callable[[], Files]
    read: Callable[[Path], Any]
    attacks: Sequence[m.Mutation]
    exact: bool = False


def broken(reader: Reader, rng: Random) -> tuple[Files, bool]:
    """The reader's files, one of them broken, and whether only its bytes were changed.

    A checksum shows changed bytes.
    """
    files = dict(reader.make())
    name = rng.choice(sorted(files))
    good = files[name]
    what = rng.random()
    if what < 0.45:
        files[name] = m.spoil(good, rng)
    elif what < 0.5:
        files[name] = m.splice(good, rng.choice([*files.values()]), rng)
    else:
        files[name] = rng.choice(reader.attacks)(good, rng)
        if what > 0.9:
            files[name] = m.spoil(files[name], rng)
    return files, what < 0.45


# --- Good files -----------------------------------------------------------------------------------


@cache
def world() -> GZSLDataset:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(CLASSES), ROWS))
    rank = np.array([np.sum(labels[:i] == k) for i, k in enumerate(labels)])
    seen = labels < 5
    return GZSLDataset(
        features=rng.random((len(labels), WIDTH), dtype=np.float32)
        + labels[:, None].astype(np.float32),
        labels=labels,
        attributes=rng.random((CLASSES, TRAITS)) + 0.1,
        train=np.flatnonzero(seen & (rank < 8)),
        test_seen=np.flatnonzero(seen & (rank >= 8)),
        test_unseen=np.flatnonzero(~seen),
        class_names=NAMES,
        attribute_names=("a", "b", "<i>c</i>"),
        groups=rank,
        images=rng.integers(0, 255, (len(labels), 3, 3), np.uint8),
        declared_validation=np.array([1]),
        texts=WORDS_OF_CLASSES,
        text_encoder="letters sha256:1a2b3c4d",
        name="world",
    )


def _written(write: Callable[[Path], Any]) -> Files:
    """What ``write(folder)`` leaves in a folder."""
    with TemporaryDirectory() as folder:
        write(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def mat_cell(names: Sequence[str]) -> np.ndarray:
    return np.array(list(names), object)[:, None]


def _up(index: np.ndarray) -> np.ndarray:
    return (index + 1).astype(np.float64)[:, None]


def xlsa17_files() -> dict[str, dict[str, np.ndarray]]:
    d = world()
    splits = {
        "trainval_loc": d.train,
        "test_seen_loc": d.test_seen,
        "test_unseen_loc": d.test_unseen,
    }
    held = np.isin(d.labels[d.train], d.declared_validation)
    splits |= {"train_loc": d.train[~held], "val_loc": d.train[held]}
    two = {
        "att": d.attributes.T.astype(np.float64),
        **{key: _up(rows) for key, rows in splits.items()},
    }
    one = {"features": d.features.T.astype(np.float64), "labels": _up(d.labels)}
    return {"res101.mat": one, "att_splits.mat": two | {"allclasses_names": mat_cell(NAMES)}}


def _epgn() -> dict[str, dict[str, np.ndarray]]:
    d = world()
    parts = {"train": d.train, "test_seen": d.test_seen, "test_unseen": d.test_unseen}
    features = {f"{name}_fea": d.features[rows] for name, rows in parts.items()}
    own = d.labels[d.train]
    a = d.attributes
    data = features | {"attribute": a, "seen_pro": a[:5], "unseen_pro": a[5:], "att_train": a[own]}
    index = {
        "train_idx": own,
        "test_seen_idex": d.labels[d.test_seen],
        "test_unseen_idex": d.labels[d.test_unseen],
    }
    return {"data.mat": data, "label.mat": {key: _up(values) for key, values in index.items()}}


def _save5(path: Path, content: dict[str, np.ndarray]) -> None:
    scipy.io.savemat(path, content)


def _save5_packed(path: Path, content: dict[str, np.ndarray]) -> None:
    scipy.io.savemat(path, content, do_compression=True)


def _save73(path: Path, content: dict[str, np.ndarray]) -> None:
    """Write HDF5 as MATLAB does.

    Dimensions are reversed, text is uint16, cells are references, the header has 512 bytes.
    """
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in content.items():
            kind = "cell" if value.dtype == object else "double"
            if kind == "cell":
                texts = [
                    np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]
                    for text in value.flat
                ]
                inside = [
                    file.create_dataset(f"#refs#/{name}{i}", data=text)
                    for i, text in enumerate(texts)
                ]
                value = np.array([[entry.ref for entry in inside]], h5py.ref_dtype).T
            options = {"compression": "gzip"} if value.size > 100 else {}
            file.create_dataset(name, data=value.T, **options).attrs["MATLAB_class"] = np.bytes_(
                kind
            )
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _mats(content: Callable[[], dict], save: Callable[[Path, dict], None]) -> Callable[[], Files]:
    return cache(
        lambda: _written(
            lambda folder: [save(folder / name, arrays) for name, arrays in content().items()]
        )
    )


@cache
def _npz() -> Files:
    return _written(lambda folder: save_npz(world(), folder / "world.npz"))


@cache
def _folder() -> Files:
    return _written(lambda folder: save_folder(world(), folder))


def _save_hdf5(folder: Path) -> None:
    with (
        np.load(io.BytesIO(_npz()["world.npz"])) as arrays,
        h5py.File(folder / "world.h5", "w") as file,
    ):
        for name, value in arrays.items():
            if value.dtype.kind == "U":
                file.create_dataset(name, data=value.astype(object), dtype=h5py.string_dtype())
            else:
                options = (
                    {"chunks": (20, *value.shape[1:]), "compression": "gzip"}
                    if name in ("images", "labels")
                    else {}
                )
                file.create_dataset(name, data=value, **options)


@cache
def _hdf5() -> Files:
    return _written(_save_hdf5)


@cache
def _hdf5_chunked() -> Files:
    """The features in compressed chunks, which are read by slices."""
    image = io.BytesIO(_hdf5()["world.h5"])
    with h5py.File(image, "r+") as file:
        features = file["features"][()]
        del file["features"]
        file.create_dataset(
            "features", data=features, chunks=(20, 4), compression="gzip", fletcher32=True
        )
    return {"world.h5": image.getvalue()}


@cache
def _model() -> Files:
    data = world().preprocessed("pca", 3)
    saved = SavedModel(
        model=new_model(data, SHAPE),
        preprocessing=data.preprocessing,
        notes={"seed": 0, "data": "world"},
    )
    return _written(lambda folder: saved.save(folder / "model.safetensors"))


def _training(epochs: int) -> TrainingConfig:
    return TrainingConfig(epochs=epochs, batch=20, mining=None)


def _trained(folder: Path, epochs: int) -> Any:
    model = new_model(world(), SHAPE)
    list(
        fit(
            model,
            world(),
            _training(epochs),
            device="cpu",
            checkpoint=folder / "checkpoint.safetensors",
        )
    )
    return model


@cache
def _checkpoint() -> Files:
    name = "checkpoint.safetensors"
    return {name: _written(lambda folder: _trained(folder, 2))[name]}


def _synthesized() -> dict[str, np.ndarray]:
    d = world()
    rows = d.test_unseen
    return {"features": d.features[rows], "labels": d.labels[rows], "class_names": np.array(NAMES)}


@cache
def _generator_npz() -> Files:
    return _written(
        lambda folder: np.savez_compressed(folder / "synthesized.npz", **_synthesized())
    )


def _generator_mat() -> dict[str, dict[str, np.ndarray]]:
    arrays = _synthesized()
    arrays |= {"labels": _up(arrays["labels"]), "class_names": mat_cell(NAMES)}
    return {"synthesized.mat": arrays}


@cache
def _study() -> Files:
    return {"study.toml": STUDY.encode()}


def study_and_cell() -> tuple[Study, dict[str, Any], cells.Cell]:
    """A study of one cell, without reading the data."""
    study = Study(name="one", datasets=["glyphs"], seeds=1)
    labels = {"dataset": "glyphs", "preset": "lite/glyphs", "variant": "as it is", "seed": 0}
    return study, labels, cells.cell_of(study, study.datasets[0], "glyphs, embedded", labels)


@cache
def _cell_file() -> Files:
    _, _, cell = study_and_cell()
    scores = dict.fromkeys(results.NUMBER_COLUMNS, 50.0) | {
        "setting": {"penalty": 0.1},
        "chosen_on": "3 folds",
    }
    about = {"versions": {"torch": "2"}, "revision": "abc", "time": "2025-01-01T00:00:00+00:00"}
    held = {"key": cell.key, "status": "done", "error": "", **scores, **about}
    return {f"{cell.digest}.json": json.dumps(held, indent=2).encode()}


@cache
def _state() -> Files:
    return {
        "state.txt": b"toy?on=off&count=4&share=0.25&word=one+two"
        b"&classes=Q&classes=%3Cb%3E&classes=100%25"
    }


def _table() -> pd.DataFrame:
    d = world()
    return pd.DataFrame(d.attributes, index=NAMES, columns=d.attribute_names)


@cache
def _csv_table() -> Files:
    return {"table.csv": _table().to_csv(sep=";", decimal=",").encode("utf-8-sig")}


@cache
def _txt_table() -> Files:
    return _written(lambda folder: np.savetxt(folder / "table.txt", world().attributes))


@cache
def _json_table() -> Files:
    return {"table.json": _table().to_json(orient="index").encode()}


@cache
def _csv_texts() -> Files:
    pairs = [(name, text) for name, of in zip(NAMES, WORDS_OF_CLASSES, strict=True) for text in of]
    frame = pd.DataFrame(pairs, columns=["class", "text"])
    return {"texts.csv": frame.to_csv(index=False).encode()}


@cache
def _txt_texts() -> Files:
    lines = [f"{name}: {texts[0]}\n" for name, texts in zip(NAMES, WORDS_OF_CLASSES, strict=True)]
    return {"texts.txt": "".join(lines).encode()}


@cache
def _json_texts() -> Files:
    texts = dict(zip(NAMES, map(list, WORDS_OF_CLASSES), strict=True))
    return {"texts.json": json.dumps(texts, ensure_ascii=False).encode()}


@cache
def _npy_table() -> Files:
    return _written(lambda folder: np.save(folder / "table.npy", world().attributes))


def _layout() -> np.ndarray:
    return np.random.default_rng(0).random((70, 2), dtype=np.float32)


@cache
def _map() -> Files:
    def write(folder: Path) -> None:
        with _cached_in(folder):
            map_cache.keep_map("0", _layout())

    return _written(write)


# --- Reading, and what must hold ------------------------------------------------------------------


def _obeys(d: GZSLDataset) -> GZSLDataset:
    """Check the rules of a data set by code of our own."""
    features = d.features[:]
    _obey_matrix(features, "features")
    _obey_matrix(d.attributes, "attributes")

    rows = len(features)
    in_range = set(d.labels.tolist()) <= set(range(len(d.attributes)))
    _require(d.labels.shape == (rows,) and in_range, "labels are out of range")

    _obey_splits(d, rows)
    _obey_names(d)
    _obey_rows(d, rows)
    return d


def _obey_matrix(matrix: np.ndarray, name: str) -> None:
    good = matrix.dtype == np.float32 and matrix.ndim == 2 and matrix.size
    _require(good, f"{name} are no matrix of float32")
    _require(np.isfinite(matrix).all(), f"{name} are not finite")
    _require(not (matrix == m.SECRET).any(), f"{name} are of a file that is not the one given")


def _obey_splits(d: GZSLDataset, rows: int) -> None:
    splits = [d.train.tolist(), d.test_seen.tolist(), d.test_unseen.tolist()]
    together = [row for split in splits for row in split]
    _require(all(splits) and set(together) <= set(range(rows)), "splits are out of range")
    _require(len(set(together)) == len(together), "splits overlap")

    seen = set(d.labels[d.train].tolist())
    unseen = set(d.labels[d.test_unseen].tolist())
    good = not seen & unseen and seen | unseen == set(range(len(d.attributes)))
    _require(good, "classes are not seen or unseen")


def _obey_names(d: GZSLDataset) -> None:
    classes, attributes = d.attributes.shape
    good = len(d.class_names) == classes and len(d.attribute_names) == attributes
    _require(good, "names are not one each")

    names = (*d.class_names, *d.attribute_names, d.name)
    _require(all(type(text) is str for text in names), "names are no text")


def _obey_rows(d: GZSLDataset, rows: int) -> None:
    """Check what a data set may have for each row."""
    if d.groups is not None:
        good = d.groups.shape == (rows,) and d.groups.dtype == np.int64
        _require(good, "groups are not one a row")
    if d.images is not None:
        good = d.images.ndim >= 3 and len(d.images) == rows and d.images.dtype.kind in "biuf"
        _require(good, "images are not one a row")


def unchanged(reader: Reader, found: Any) -> None:
    """As good as it was: what a checksum must make sure of."""
    if isinstance(found, GZSLDataset):
        for name in ("features", "labels", "attributes", "train", "test_seen", "test_unseen"):
            _require(
                np.array_equal(getattr(found, name), getattr(world(), name)),
                f"{name} have changed unseen",
            )
    elif found.ndim == 3:
        _require(np.array_equal(found, image_files.colours()), "an image has changed unseen")
    else:
        _require(np.array_equal(found, _layout()), "a map has changed unseen")


def _read_folder(folder: Path) -> GZSLDataset:
    for path in folder.iterdir():
        _arrays(path)
    return _obeys(load_folder(folder))


def _arrays(path: Path) -> None:
    """Everything in a .mat file, or an error that the reader means."""
    for value in read_mat(path).values():
        good = isinstance(value, np.ndarray) or all(type(text) is str for text in value)
        _require(
            good and not np.any(np.asarray(value) == m.SECRET),
            "arrays are neither numbers nor text of this file",
        )


def _read_model(folder: Path) -> SavedModel:
    saved = SavedModel.load(folder / "model.safetensors")
    model = saved.model
    pre = saved.preprocessing
    _require(isinstance(saved.notes, Mapping), "notes are no table")
    _require(
        all(tensor.isfinite().all() for tensor in model.state_dict().values()),
        "weights are not finite",
    )
    synthesized = model.synthesize(torch.ones(2, model.attributes), 3)
    good = synthesized.shape == (2, 3, model.features) and synthesized.dtype == torch.float32
    _require(good, "synthesized features have another shape")
    if pre is not None:
        with np.errstate(all="ignore"):  # numbers in it may be large
            x = pre.transform(np.ones((5, len(pre.offset)), np.float32))
            back = pre.inverse(x)
        _require(
            x.shape == (5, len(pre.scale)) and x.dtype == np.float32,
            "preprocessed features have another shape",
        )
        _require(back.shape == (5, len(pre.offset)), "features do not come back in their shape")
        _require(
            np.isfinite(pre.offset).all() and np.isfinite(pre.scale).all(),
            "preprocessing is not finite",
        )
    return saved


def _read_checkpoint(folder: Path) -> Any:
    model = _trained(folder, 3)
    _require(
        all(tensor.isfinite().all() for tensor in model.state_dict().values()),
        "weights are not finite",
    )
    return model


def _read_generator(path: Path) -> FromFile:
    generator = FromFile.read(path, world())
    _require(
        generator.features.dtype == np.float32 and np.isfinite(generator.features).all(),
        "features are not finite",
    )
    _require(generator.labels.shape == (len(generator.features),), "labels are not one a row")
    _require(set(generator.labels.tolist()) <= set(range(CLASSES)), "labels are out of range")
    synthesized = generator.synthesize(world().attributes[generator.classes], 2)
    good = synthesized.shape == (len(generator.classes), 2, WIDTH)
    _require(good, "synthesized features have another shape")
    return generator


def _read_table(folder: Path) -> pd.DataFrame:
    (path,) = folder.iterdir()
    table = read_attribute_table(path)
    good = table.values.dtype == np.float64 and table.size and np.isfinite(table.values).all()
    _require(good, "a table is no matrix of finite numbers")
    for names in (table.index, table.columns):
        _require(names.is_unique, "a name occurs twice")
        kinds = {type(name) for name in names.tolist()}
        _require(kinds in ({str}, {int}), "names are neither text nor whole numbers")
    return table


def _read_texts(folder: Path) -> Any:
    (path,) = folder.iterdir()
    texts = read_texts(path, NAMES)
    if texts is None:  # it would be read as a table of numbers
        return texts
    _require(len(texts) == CLASSES and all(texts), "a class has no text")
    for text in (text for of_class in texts for text in of_class):
        _require(isinstance(text, str) and text == clean_text(text, "it"), "a text is not clean")
    return texts


def _read_study(folder: Path) -> Study:
    study = Study.read(folder / "study.toml")
    _require(0 < study.count <= MOST_CELLS, "a study has too many cells")
    for source in study.datasets:
        for preset in study.presets_of(source):
            for row in study.vary:
                json.dumps(study.config(preset, row).to_dict(), allow_nan=False)
    _require(
        all(name.isprintable() for name in (study.name, *study.rows)), "names are not printable"
    )
    return study


def _read_cell(folder: Path) -> Any:
    study, labels, cell = study_and_cell()
    kept = folder.parent / "cells"
    held = results.read_result(folder.parent, cell) if kept.is_dir() else None
    if held is None:
        return None
    table = results.results_table(study, [(labels, cell)], {cell.digest: held})
    _require(
        all(math.isfinite(table[name][0]) for name in tables.STUDY_SCORES), "scores are not finite"
    )
    _require(
        all(isinstance(table[name][0], str) for name in ("status", *results.TEXT_COLUMNS)),
        "texts are no text",
    )
    table.to_parquet(io.BytesIO(), index=False)
    return held


def _read_state(folder: Path) -> dict[str, Any]:
    text = (folder / "state.txt").read_bytes().decode(errors="surrogateescape")
    found = state.from_text("toy", text, START)
    _require(set(found) == set(START), "settings are missing")
    _require(
        all(type(found[key]) is type(START[key]) for key in START), "settings have another type"
    )
    _require(
        state.from_text("toy", state.to_text("toy", found, START), START) == found,
        "settings do not come back",
    )
    return found


class _cached_in:
    """The cache of maps is another folder for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.before, map_cache.cache_folder = map_cache.cache_folder, lambda: self.folder

    def __exit__(self, *_: object) -> None:
        map_cache.cache_folder = self.before


def _read_map(folder: Path) -> Any:
    with _cached_in(folder):
        layout = map_cache.cached_map("0", 70)
    if layout is not None:
        _require(layout.shape == (70, 2) and np.isfinite(layout).all(), "a map is not finite")
    return layout


def _read_images(folder: Path) -> Any:
    """All images of a folder, of which the last is returned."""
    for path in sorted(folder.iterdir()):
        image = read_image(path)
        _obey_image(image)
        _obey_image(read_image(path, shrink=8))
    return image


def _obey_image(image: np.ndarray) -> None:
    good = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size
    _require(good, "an image is no array (H, W, 3) of uint8")


READERS = {
    reader.name: reader
    for reader in (
        Reader("mat 5", _mats(xlsa17_files, _save5), _read_folder, (m.mat5,)),
        Reader("mat 5 packed", _mats(xlsa17_files, _save5_packed), _read_folder, (m.mat5,)),
        Reader("mat 5 EPGN", _mats(_epgn, _save5), _read_folder, (m.mat5,)),
        Reader("mat 7.3", _mats(xlsa17_files, _save73), _read_folder, (m.hdf5,)),
        Reader("mat 7.3 EPGN", _mats(_epgn, _save73), _read_folder, (m.hdf5,)),
        Reader("npz", _npz, lambda f: _obeys(from_npz(f / "world.npz")), (m.npz,), exact=True),
        Reader("npy folder", _folder, lambda f: _obeys(from_folder(f)), (m.npy,)),
        Reader("HDF5", _hdf5, lambda f: _obeys(from_hdf5(f / "world.h5")), (m.hdf5,)),
        Reader(
            "HDF5 in chunks", _hdf5_chunked, lambda f: _obeys(from_hdf5(f / "world.h5")), (m.hdf5,)
        ),
        Reader("saved model", _model, _read_model, (m.safetensors,)),
        Reader("checkpoint", _checkpoint, _read_checkpoint, (m.safetensors,)),
        Reader(
            "generator npz",
            _generator_npz,
            lambda f: _read_generator(f / "synthesized.npz"),
            (m.npz,),
        ),
        Reader(
            "generator mat",
            _mats(_generator_mat, _save5),
            lambda f: _read_generator(f / "synthesized.mat"),
            (m.mat5,),
        ),
        Reader("table csv", _csv_table, _read_table, (m.words,)),
        Reader("table txt", _txt_table, _read_table, (m.words,)),
        Reader("table json", _json_table, _read_table, (m.json_file, m.words)),
        Reader("table npy", _npy_table, _read_table, (m.npy,)),
        Reader("texts csv", _csv_texts, _read_texts, (m.words,)),
        Reader("texts txt", _txt_texts, _read_texts, (m.words,)),
        Reader("texts json", _json_texts, _read_texts, (m.json_file, m.words)),
        Reader("study file", _study, _read_study, (m.words,)),
        Reader("study cell", _cell_file, _read_cell, (m.json_file,)),
        Reader("panel state", _state, _read_state, (m.words,)),
        Reader("png", image_files.png_files, _read_images, (image_files.image,), exact=True),
        Reader("images", image_files.image_files, _read_images, (image_files.image,)),
        Reader("map cache", _map, _read_map, (m.npy,), exact=True),
    )
}
