"""Files from anywhere are read by the rules or refused with an error.

Nothing hangs or crashes, no code is run, and no other file is touched.
"""

import gc
import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pytest
import scipy.io
import victims
from hypothesis import given, settings
from hypothesis import strategies as st

from gsmflow_lite import RidgeGaussian, lite
from gsmflow_lite.datasets import (
    Preprocessing,
    from_folder,
    from_hdf5,
    from_npz,
    load_folder,
    open_features,
    read_attribute_table,
    read_mat,
)
from gsmflow_lite.datasets.formats import sandbox
from gsmflow_lite.datasets.formats.limits import ALWAYS_BELIEVED, most_inflated
from gsmflow_lite.errors import ConfigError, DataError, GSMFlowError, StorageError
from gsmflow_lite.figures.projection import Projection
from gsmflow_lite.generators.stored import FromFile
from gsmflow_lite.panels.explore import explore
from gsmflow_lite.panels.state import from_text
from gsmflow_lite.runs import report, results
from gsmflow_lite.runs.diagnosis import diagnose
from gsmflow_lite.runs.study_file import Study
from gsmflow_lite.storage import read_tensors

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import fuzz
import mutations
import readers

FEW = 4  # broken files for each reader in the short run
MANY = 14  # broken files for each reader in the long run
SCRIPT = "<script>alert(1)</script>"
NAMES = (
    "a&b",
    "$x$ %{y}",
    "\x1b[31mred",
    "</td></table>",
    "<b>five</b>",
    SCRIPT,
    "<img src=x onerror=alert(1)>",
)  # two unseen


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """A folder to be in, within one that must stay as it is."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def lay_out(folder: Path, name: str, **changes: bytes) -> Path:
    """The good files of a reader, some of them replaced."""
    for file, content in {**readers.READERS[name].make(), **changes}.items():
        (folder / file).write_bytes(content)
    return folder


def in_npz(content: bytes, name: str, data: bytes) -> bytes:
    """The archive with one member replaced or added."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    return mutations.zipped([*(members | {name: data}).items()])


def good_npz() -> bytes:
    return readers.READERS["npz"].make()["world.npz"]


# --- Files broken at random -----------------------------------------------------------------------


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.long)])
def broken(request):
    """Every reader's files, broken and read in a process that may die of it."""
    numbers = range(request.param)
    cases = [fuzz.Case(name, 7, number) for name in readers.READERS for number in numbers]
    return list(fuzz.results(cases, jobs=1))


@pytest.mark.parametrize("name", readers.READERS)
def test_broken_files_are_read_by_the_rules_or_refused_in_words(name, broken):
    of_reader = [result for result in broken if result.case.reader == name]
    assert len(of_reader) == len(broken) / len(readers.READERS)
    assert not [result for result in of_reader if result.outcome in fuzz.WRONG]


def test_most_broken_files_are_refused(broken):
    assert sum(result.outcome == "refused" for result in broken) > len(broken) / 2


@pytest.mark.parametrize("name", readers.READERS)
def test_good_files_are_read(name, tmp_path):
    (tmp_path / "cells").mkdir()
    assert readers.READERS[name].read(lay_out(tmp_path / "cells", name)) is not None


@pytest.mark.parametrize("name", readers.READERS)
def test_a_broken_file_comes_again_from_its_seed(name):
    first = fuzz.Case(name, 3, 4).files()
    assert fuzz.Case(name, 3, 4).files() == first
    assert first != fuzz.Case(name, 3, 5).files()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_any_text_is_a_state_or_refused(text):
    try:
        found = from_text("toy", "toy?" + text, readers.START)
    except ConfigError:
        return
    assert set(found) == set(readers.START)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.booleans())
def test_any_text_behind_a_seal_is_a_state_or_refused(content, packed):
    inside = zlib.compress(b"toy?" + content) if packed else content
    try:
        found = from_text("toy", "sealed:" + urlsafe_b64encode(inside).decode(), readers.START)
    except ConfigError:
        return
    assert set(found) == set(readers.START)


@pytest.mark.parametrize(
    ("start", "reader"),
    [
        (
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, ",
            open_features,
        ),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM\x0e\x00\x00\x00", read_mat),
        (b"PK\x03\x04", from_npz),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{", read_tensors),
    ],
    ids=["npy", "mat", "npz", "safetensors"],
)
@settings(deadline=None, max_examples=40)
@given(rest=st.binary(max_size=300))
def test_any_bytes_after_a_good_beginning_are_refused_or_read(
    start, reader, rest, tmp_path_factory
):
    path = tmp_path_factory.getbasetemp() / "some"
    path.write_bytes(start + rest)
    try:
        reader(path)
    except GSMFlowError as error:
        assert str(path) in str(error)  # noqa: PT017


# --- The fuzzer sees what it is to see ------------------------------------------------------------


def fake(read) -> readers.Reader:
    return readers.Reader("fake", lambda: {"f": bytes(50)}, read, (mutations.flip,))


def hidden_lack_of_memory(_):
    try:
        raise MemoryError
    except MemoryError:
        raise DataError("it is damaged") from None


def raises(error):
    def read(*_, **__):
        raise error

    return read


READ = {
    "read": lambda folder: len(list(folder.iterdir())),
    "refused": raises(DataError("no")),
    "wrong": raises(readers.WrongData("labels are out of range")),
    "other": raises(KeyError("x")),
    "memory": hidden_lack_of_memory,
    "written": lambda folder: (folder.parent / "evil").write_text("x"),
}


@pytest.mark.parametrize("outcome", READ)
def test_the_fuzzer_tells_what_became_of_a_file(outcome, tmp_path, monkeypatch):
    monkeypatch.setitem(readers.READERS, "fake", fake(READ[outcome]))
    fuzz.furnish(tmp_path)
    assert fuzz.attempt(tmp_path, fuzz.Case("fake", 0, 0)).outcome == outcome


def test_the_fuzzer_sees_memory_that_was_taken_and_given_back(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "MEGABYTES", 50)
    monkeypatch.setitem(readers.READERS, "fake", fake(lambda _: np.ones(20_000_000).sum()))
    fuzz.furnish(tmp_path)
    assert fuzz.attempt(tmp_path, fuzz.Case("fake", 0, 0)).outcome == "memory"


def test_the_fuzzer_sees_a_changed_byte_that_a_checksum_let_through(tmp_path, monkeypatch):
    monkeypatch.setitem(
        readers.READERS, "fake", replace(fake(lambda _: np.zeros((70, 2))), exact=True)
    )
    case = next(case for number in range(99) if (case := fuzz.Case("fake", 0, number)).files()[1])
    fuzz.furnish(tmp_path)
    assert fuzz.attempt(tmp_path, case).outcome == "wrong"


@pytest.mark.parametrize(("target", "outcome"), [(victims.dies, "crash"), (victims.hangs, "hang")])
def test_the_fuzzer_survives_what_the_reader_does_not(target, outcome, monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 1.0)
    worker = fuzz.Worker(target)
    assert worker.read(fuzz.Case("npz", 0, 0)).outcome == outcome
    assert worker.process is None
    worker.close()


def test_the_fuzzer_counts_and_says_that_something_was_wrong(tmp_path, monkeypatch, capsys):
    def results(cases, jobs):
        return [fuzz.Result(case, "hang" if case.number == 3 else "refused") for case in cases]

    monkeypatch.setattr(fuzz, "results", results)
    assert (
        fuzz.main(
            ["--files", "10", "--readers", "npz", "HDF5", "--json", str(tmp_path / "fuzz.json")]
        )
        == 1
    )
    counts = json.loads((tmp_path / "fuzz.json").read_text())["readers"]
    assert counts["npz"] == dict.fromkeys(fuzz.OUTCOMES, 0) | {"files": 5, "refused": 4, "hang": 1}
    assert "| **all** | 10 | 0 | 8 | 2 |" in capsys.readouterr().out


# --- Code and other files -------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["npz", "npy folder", "generator npz"])
def test_a_pickle_is_not_opened(reader, in_folder):
    evil = mutations.pickled()
    if reader == "npy folder":
        lay_out(in_folder, reader, **{"class_names.npy": evil})
        read = lambda: from_folder(in_folder)  # noqa: E731
    elif reader == "npz":
        (in_folder / "world.npz").write_bytes(in_npz(good_npz(), "groups.npy", evil))
        read = lambda: from_npz("world.npz")  # noqa: E731
    else:
        content = readers.READERS[reader].make()["synthesized.npz"]
        (in_folder / "synthesized.npz").write_bytes(in_npz(content, "class_names.npy", evil))
        read = lambda: FromFile.read("synthesized.npz", readers.world())  # noqa: E731
    with pytest.raises(DataError, match="must hold numbers or text, got object"):
        read()
    assert not (in_folder / "pwned").exists()


@pytest.mark.parametrize("name", ["../evil.npy", "/tmp/evil.npy", "..\\evil.npy"])
def test_an_archive_with_names_of_other_folders_writes_nothing(name, in_folder):
    (in_folder / "world.npz").write_bytes(in_npz(good_npz(), name, mutations.in_npy(np.ones(3))))
    before = sorted(in_folder.parent.rglob("*"))
    assert len(from_npz("world.npz").labels) == 70
    assert sorted(in_folder.parent.rglob("*")) == before


def test_an_array_under_two_spellings_of_its_name_is_refused(tmp_path):
    (tmp_path / "world.npz").write_bytes(
        in_npz(good_npz(), "features", mutations.in_npy(np.ones((70, 4))))
    )
    with pytest.raises(DataError, match="each array must occur once"):
        from_npz(tmp_path / "world.npz")


@pytest.mark.parametrize("key", ["labels", "class_names", "images"])
@pytest.mark.parametrize("way", ["link", "storage", "virtual"])
def test_no_array_of_an_hdf5_data_set_comes_from_another_file(key, way, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones(70)
    lay_out(tmp_path, "HDF5")
    with h5py.File(tmp_path / "world.h5", "r+") as file:
        del file[key]
        if way == "link":
            file[key] = h5py.ExternalLink("secret.h5", "x")
        elif way == "storage":
            file.create_dataset(
                key, shape=(70,), dtype="f8", external=[(str(tmp_path / "secret.h5"), 0, 560)]
            )
        else:
            layout = h5py.VirtualLayout((70,), "f8")
            layout[:] = h5py.VirtualSource("secret.h5", "x", (70,))
            file.create_virtual_dataset(key, layout)
    with pytest.raises(DataError, match=rf"{key}.* not followed"):
        from_hdf5(tmp_path / "world.h5")


# --- Claims ---------------------------------------------------------------------------------------

MUCH = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4)}"


def claiming(path: Path, kind: str) -> None:
    """A small file that claims 10^12 rows."""
    header = b"\x93NUMPY\x01\x00" + len(MUCH).to_bytes(2, "little") + MUCH + bytes(160)
    if kind == "npy folder":
        lay_out(path, kind, **{"features.npy": header})
    elif kind == "npz":
        (path / "world.npz").write_bytes(in_npz(good_npz(), "features.npy", header))
    else:
        lay_out(path, kind)
        with h5py.File(path / "world.h5", "r+") as file:
            del file["features"]
            file.create_dataset(
                "features", shape=(10**12, 4), dtype="f4", chunks=(1000, 4), compression="gzip"
            )


@pytest.mark.parametrize("kind", ["npz", "npy folder", "HDF5"])
def test_a_small_file_that_claims_a_million_million_rows_is_refused_before_memory_is_taken(
    kind, tmp_path
):
    claiming(tmp_path, kind)
    read = {
        "npz": lambda: from_npz(tmp_path / "world.npz"),
        "npy folder": lambda: from_folder(tmp_path),
    }
    tracemalloc.start()
    with pytest.raises(DataError, match=r"claims .*shape \(1000000000000, 4\)"):
        read.get(kind, lambda: from_hdf5(tmp_path / "world.h5"))()
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["npz", "npy", "on disk"])
def test_a_header_that_claims_two_gigabytes_is_refused_before_memory_is_taken(kind, tmp_path):
    claim = b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b"{'descr': '<f4', "
    (tmp_path / "f.npy").write_bytes(claim)
    (tmp_path / "f.npz").write_bytes(in_npz(good_npz(), "features.npy", claim))
    read = {
        "npz": lambda: from_npz(tmp_path / "f.npz"),
        "npy": lambda: read_attribute_table(tmp_path / "f.npy"),
        "on disk": lambda: open_features(tmp_path / "f.npy"),
    }
    tracemalloc.start()
    with pytest.raises(DataError, match="its header claims 2,147,483,648 bytes"):
        read[kind]()
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["npz", "mat", "HDF5"])
def test_what_inflates_a_thousandfold_is_not_believed_beyond_a_limit(kind, tmp_path, monkeypatch):
    """One megabyte of zeros in a kilobyte, where a hundred kilobytes are the limit."""
    monkeypatch.setattr("gsmflow_lite.datasets.formats.limits.ALWAYS_BELIEVED", 100_000)
    zeros = np.zeros((10, 100_000), np.int8)
    if kind == "npz":
        (tmp_path / "f.npz").write_bytes(
            in_npz(good_npz(), "features.npy", mutations.in_npy(zeros))
        )
        read = lambda: from_npz(tmp_path / "f.npz")  # noqa: E731
    elif kind == "mat":
        scipy.io.savemat(tmp_path / "f.mat", {"x": zeros}, do_compression=True)
        read = lambda: read_mat(tmp_path / "f.mat")  # noqa: E731
    else:
        with h5py.File(tmp_path / "f.h5", "w") as file:
            file.create_dataset("features", data=zeros, compression="gzip", chunks=zeros.shape)
        read = lambda: open_features(tmp_path / "f.h5")  # noqa: E731
    with pytest.raises(DataError, match=r"are claimed|are believed"):
        read()


@pytest.mark.parametrize(
    ("packed", "most"),
    [
        (1000, 1032 * 1000),
        (10**6, ALWAYS_BELIEVED),
        (ALWAYS_BELIEVED // 100, ALWAYS_BELIEVED),
        (10**9, 10**11),
    ],
)
def test_large_arrays_are_believed_to_inflate_a_hundredfold_and_small_ones_as_far_as_can_be(
    packed, most
):
    assert most - 100 <= most_inflated(packed) - 64 <= most


def test_many_class_names_take_no_text_apart_each():
    d = readers.world()
    names = np.full(10**5, "other", "<U10")
    names[:7] = d.class_names
    tracemalloc.start()
    FromFile(d, d.features, d.labels, class_names=names)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("key", "words"),
    [("labels", "labels must be one per row"), ("class_names", "must be a list of names")],
)
def test_very_many_labels_or_numbers_for_names_are_refused_before_they_are_converted(
    key, words, tmp_path
):
    content = readers.READERS["generator npz"].make()["synthesized.npz"]
    (tmp_path / "f.npz").write_bytes(
        in_npz(content, f"{key}.npy", mutations.in_npy(np.zeros(10**6, np.int8)))
    )
    tracemalloc.start()
    with pytest.raises(DataError, match=words):
        FromFile.read(tmp_path / "f.npz", readers.world())
    assert tracemalloc.get_traced_memory()[1] < 3e6
    tracemalloc.stop()


@pytest.mark.parametrize("key", ["class_names", "attribute_names"])
def test_very_many_names_are_counted_before_they_are_made_text(key, tmp_path):
    (tmp_path / "f.npz").write_bytes(
        in_npz(good_npz(), f"{key}.npy", mutations.in_npy(np.arange(200_000).astype("U6")))
    )
    read = lambda: from_npz(tmp_path / "f.npz")  # noqa: E731
    tracemalloc.start()
    with pytest.raises(DataError, match=f"{key} must be .*, got 200000"):
        read()
    assert tracemalloc.get_traced_memory()[1] < 1.2e7
    tracemalloc.stop()


def test_lack_of_memory_is_not_called_damage(tmp_path, monkeypatch):
    (tmp_path / "world.npz").write_bytes(good_npz())
    monkeypatch.setattr(
        np.lib.format, "read_array", raises(MemoryError("Unable to allocate 9 GiB"))
    )
    with pytest.raises(DataError, match="must fit into memory") as caught:
        from_npz(tmp_path / "world.npz")
    assert "damaged" not in str(caught.value)


# --- HDF5's library -------------------------------------------------------------------------------


@pytest.fixture
def hanging(tmp_path):
    """A file over which HDF5 runs in a circle.

    In the heap that holds texts a text has no length, and so the next one is itself.
    """
    with h5py.File(tmp_path / "names.h5", "w") as file:
        file.create_dataset(
            "names", data=np.array(["one", "two"], object), dtype=h5py.string_dtype()
        )
    content = (tmp_path / "names.h5").read_bytes()
    at = content.index(b"GCOL") + 24
    (tmp_path / "names.h5").write_bytes(content[:at] + bytes(8) + content[at + 8 :])
    return tmp_path / "names.h5"


@pytest.fixture
def impatient(monkeypatch):
    """Another process that tries files for a second."""
    monkeypatch.setattr(sandbox, "PROCESSOR_SECONDS", 1)
    monkeypatch.setattr(sandbox, "trial", sandbox.Trial())
    yield sandbox.trial
    sandbox.trial.close()


def test_a_file_over_which_hdf5_hangs_is_refused(hanging, impatient):
    with pytest.raises(
        DataError, match="must be readable, but HDF5 did not finish reading it: it is damaged"
    ):
        read_mat(hanging)


def test_after_a_file_over_which_hdf5_hangs_another_one_is_read(hanging, impatient, tmp_path):
    assert sandbox.failure(hanging)
    with h5py.File(tmp_path / "good.h5", "w") as file:
        file["x"] = np.eye(3)
    np.testing.assert_array_equal(read_mat(tmp_path / "good.h5")["x"], np.eye(3))


DYING = """
import os, sys, time
for line in sys.stdin:
    bad = "bad" in line
    print("it asks for too much" if bad else "", flush=True)
    if bad:
        sys.stdin.close(); time.sleep(0.3); os._exit(1)
"""


def test_a_good_file_is_read_right_after_one_that_brought_the_process_to_its_end(
    impatient, tmp_path, monkeypatch
):
    (tmp_path / "dying.py").write_text(DYING)
    monkeypatch.setattr(sandbox, "__file__", str(tmp_path / "dying.py"))
    assert [impatient.ask(name) for name in ("good", "bad", "good")] == [
        "",
        "it asks for too much",
        "",
    ]


def test_another_process_follows_one_that_has_ended(impatient, tmp_path):
    with h5py.File(tmp_path / "good.h5", "w") as file:
        file["x"] = np.eye(3)
    assert impatient.ask(str(tmp_path / "good.h5")) == ""
    impatient.process.kill()
    impatient.process.wait()
    assert impatient.ask(str(tmp_path / "good.h5")) == ""
    gc.collect()  # what was left open would warn


def test_a_good_file_is_tried_once_until_it_changes(impatient, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(impatient, "ask", lambda path: tried.append(path) or "")
    for content in (b"x", b"longer"):
        (tmp_path / "f.h5").write_bytes(content)
        sandbox.failure(tmp_path / "f.h5")
        sandbox.failure(tmp_path / "f.h5")
    assert tried == [str(tmp_path / "f.h5")] * 2


def test_the_process_that_tries_files_ends_with_the_one_that_asked(tmp_path):
    with h5py.File(tmp_path / "good.h5", "w") as file:
        file["x"] = np.eye(3)
    code = (
        "import sys; from gsmflow_lite.datasets.formats import sandbox;"
        "sandbox.failure(sys.argv[1]); print(sandbox.trial.process.pid)"
    )
    command = [sys.executable, "-W", "error", "-c", code, tmp_path / "good.h5"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr
    assert not Path(f"/proc/{done.stdout.strip()}").exists()


def test_broken_chunks_are_refused_when_they_are_read(tmp_path):
    values = np.random.default_rng(0).random((100, 8))
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("features", data=values, chunks=(10, 8), compression="gzip")
        place = file["features"].id.get_chunk_info(7)
    content = bytearray((tmp_path / "f.h5").read_bytes())
    content[place.byte_offset + place.size // 2] ^= 255
    (tmp_path / "f.h5").write_bytes(content)
    with pytest.raises(DataError, match=r"f.h5: a feature file must be readable to its end"):
        open_features(tmp_path / "f.h5")


def test_an_array_that_is_listed_but_cannot_be_found_is_missed_in_words(tmp_path, monkeypatch):
    """A damaged index of names lists what it does not find."""
    lay_out(tmp_path, "HDF5")
    monkeypatch.setattr(h5py.Group, "__contains__", lambda group, name: name == "features")
    with pytest.raises(DataError, match=r"world.h5: 'labels'"):
        from_hdf5(tmp_path / "world.h5")


# --- Files that change while they are in use ------------------------------------------------------

CUT = """
import os, sys
from gsmflow_lite.datasets import open_features
from gsmflow_lite.errors import DataError
features = open_features(sys.argv[1])
os.truncate(sys.argv[1], 5000)
try:
    features[[0, 900]]
except DataError as error:
    print(error)
"""


def test_a_file_that_was_cut_while_it_was_open_is_refused_and_does_not_end_the_process(tmp_path):
    np.save(tmp_path / "f.npy", np.ones((1000, 100), np.float32))
    done = subprocess.run(
        [sys.executable, "-c", CUT, tmp_path / "f.npy"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "it was cut to 5,000 of 400,128 bytes while it was in use" in done.stdout


def test_a_file_that_is_replaced_while_it_is_open_is_read_as_it_was(tmp_path):
    np.save(tmp_path / "f.npy", np.ones((1000, 100), np.float32))
    features = open_features(tmp_path / "f.npy")
    np.save(tmp_path / "new.npy", np.zeros((1, 1), np.float32))
    os.replace(tmp_path / "new.npy", tmp_path / "f.npy")
    assert (features[[0, 900]] == 1).all()


# --- Numbers and text that are none ---------------------------------------------------------------


@pytest.mark.parametrize("number", [0x110000, 0xD800])
@pytest.mark.parametrize("kind", ["npz", "npy folder"])
def test_text_of_numbers_that_are_no_characters_is_refused(number, kind, tmp_path):
    names = np.array(["abc"] * 7)
    names.view(np.uint32)[4] = number
    if kind == "npz":
        (tmp_path / "f.npz").write_bytes(
            in_npz(good_npz(), "class_names.npy", mutations.in_npy(names))
        )
    else:
        lay_out(tmp_path, kind, **{"class_names.npy": mutations.in_npy(names)})
    with pytest.raises(DataError, match="holds what is no character"):
        from_npz(tmp_path / "f.npz") if kind == "npz" else from_folder(tmp_path)


@pytest.mark.parametrize(
    "images", [np.array(["x"] * 70), np.float32(1), np.ones(70), np.ones((70, 9), "c8")]
)
def test_images_that_are_no_pictures_are_refused(images, tmp_path):
    (tmp_path / "f.npz").write_bytes(
        in_npz(good_npz(), "images.npy", mutations.in_npy(np.asarray(images)))
    )
    with pytest.raises(DataError, match="images"):
        from_npz(tmp_path / "f.npz")


def test_a_declared_class_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "f.npz").write_bytes(
        in_npz(good_npz(), "declared_validation.npy", mutations.in_npy(np.array([99])))
    )
    with pytest.raises(
        DataError, match="validation classes must be seen ones, but class 99 is not"
    ):
        from_npz(tmp_path / "f.npz")


def test_the_place_of_a_number_that_is_not_whole_is_told_far_into_an_array(tmp_path, monkeypatch):
    monkeypatch.setattr("gsmflow_lite.datasets.inputs.CHECKED_AT_ONCE", 8)
    labels = readers.world().labels.astype(np.float64)
    labels[29] = 0.5
    (tmp_path / "f.npz").write_bytes(in_npz(good_npz(), "labels.npy", mutations.in_npy(labels)))
    with pytest.raises(DataError, match=r"labels must be whole numbers, got 0.5 in place 29"):
        from_npz(tmp_path / "f.npz")


ONES = np.ones(3, np.float32)
PARTS = {
    "another kind": ("magic", ONES, ONES, None),
    "widths that differ": ("none", ONES, ONES[:2], None),
    "a basis of another width": ("pca", ONES, ONES[:2], np.ones((2, 2), np.float32)),
    "matrices for vectors": ("none", ONES[None], ONES[None], None),
    "double precision": ("none", np.ones(3), ONES, None),
    "a number that is none": ("none", ONES, ONES * np.nan, None),
    "a scale of zero": ("none", ONES, ONES * 0, None),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_of_a_preprocessing_that_do_not_go_together_are_refused(case):
    with pytest.raises(ConfigError, match=r"preprocessing must (be|have)"):
        Preprocessing(*PARTS[case])


# --- Studies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000])
def test_a_study_with_a_number_of_thousands_of_digits_is_refused(number, tmp_path):
    (tmp_path / "study.toml").write_text(
        f'name = "x"\ndatasets = ["glyphs"]\nsynthesized = {number}\n'
    )
    with pytest.raises(ConfigError, match=r"study.toml: this cannot be read as TOML"):
        Study.read(tmp_path / "study.toml")


CHANGES = {
    "a score of hundreds of digits": {"harmonic": 10**400},
    "a score that is no number": {"harmonic": float("nan")},
    "a score that is true": {"seen": True},
    "a time of hundreds of digits": {"seconds": 10**400},
    "text that cannot be written": {"note": "\ud800"},
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_finished_cell_that_is_damaged_is_run_anew(case, tmp_path):
    _, _, cell = readers.study_and_cell()
    ((name, content),) = readers.READERS["study cell"].make().items()
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / name).write_bytes(content)
    assert results.read_result(tmp_path, cell) is not None
    (tmp_path / "cells" / name).write_text(json.dumps(json.loads(content) | CHANGES[case]))
    assert results.read_result(tmp_path, cell) is None


# --- Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GSMFlowError, DataError, ConfigError, StorageError])
def test_what_cannot_be_seen_is_escaped_in_an_error(kind):
    assert str(kind("a\x1b[31m\u202ered\ud800\nline")) == "a\\x1b[31m\\u202ered\\ud800\nline"


def test_a_long_error_keeps_its_beginning_and_its_end():
    said = str(DataError("file: " + "x" * 10**6 + ": mend it"))
    assert len(said) <= 1500
    assert said.startswith("file: xx")
    assert said.endswith("xx: mend it")


def test_a_state_that_cannot_be_written_is_refused():
    with pytest.raises(ConfigError, match="a state must be text"):
        from_text("toy", "toy?classes=\ud800", readers.START)


class Tags(HTMLParser):
    """Every tag of a page, with the names of its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name for name, _ in attrs}))


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A data set from a file whose class names are markup, with a quick map that is not cached."""
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))

    def ready(space, **_):
        return Projection.ready(space, space[:, :2].astype(np.float32), neighbours=3, seed=0)

    monkeypatch.setattr(Projection, "fit", ready)
    for name, content in readers.xlsa17_files().items():
        names = {"allclasses_names": readers.mat_cell(NAMES)} if "att" in content else {}
        scipy.io.savemat(tmp_path / name, content | names)
    return load_folder(tmp_path, name=SCRIPT)


def test_class_names_of_a_file_are_text_on_the_page_of_a_report(named):
    config = replace(lite(), classifier=replace(lite().classifier, samples=30))
    found = diagnose(named, RidgeGaussian.fit(named), config, name=SCRIPT, n=30)
    page = report.render(found.dataset, found.generator, found.result, found.shifts)
    tags = Tags(page).found
    assert sum(tag == "script" for tag, _ in tags) == 3  # the data, plotly, our own
    assert not [names for _, names in tags if any(name.startswith("on") for name in names)]
    assert SCRIPT not in page


def test_class_names_of_a_file_are_text_in_a_panel(named):
    panel = explore(named, {SCRIPT: RidgeGaussian.fit(named)}, name="hostile")
    try:
        panel.set(classes=named.class_names)
        panel.wait()
        panel.look_at("synthesized", 0)
        html = [
            panel.card.value,
            panel.table.value,
            panel.gallery.value,
            panel.sentence.value,
            panel.tools.code.value,
        ]
    finally:
        panel.close()
    assert not [
        tag
        for text in html
        for tag, names in Tags(text).found
        if tag == "script" or "onerror" in names
    ]


def test_class_names_of_a_file_write_nothing_but_text_to_a_terminal(named):
    with pytest.raises(DataError) as caught:
        FromFile(named, named.features, named.labels).synthesize(
            named.attributes[:1], 1, temperature=2
        )
    assert "\x1b" not in str(caught.value)
    labels = np.full(len(named.labels), "\x1b[31mblue")
    with pytest.raises(
        DataError, match=r"must be among the classes .* got '\\x1b\[31mblue'"
    ) as caught:
        FromFile(named, named.features, labels)
    assert "\x1b" not in str(caught.value)


def test_a_random_change_is_a_change():
    """Else the fuzzer would read good files."""
    content = readers.READERS["mat 5"].make()["res101.mat"]
    changed = [mutations.spoil(content, Random(number)) != content for number in range(200)]
    assert np.mean(changed) > 0.9
