"""A file is whole or absent: failing writes leave the old one, and damaged ones are refused."""

import json
import math
import os
import stat
import struct
import time

import numpy as np
import pytest
import torch
from safetensors.torch import save

from gsmflow_lite.errors import StorageError
from gsmflow_lite.storage import (
    FORMAT,
    LEFT_BEHIND,
    SETTINGS,
    in_folder,
    nearby,
    read_tensors,
    to_read,
    to_write,
    write_json,
    write_tensors,
    write_whole,
)

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b.c": torch.tensor([1, 2]),
    "scalar": torch.tensor(0.5),
}
SETTINGS_OF = {"kind": "model", "numbers": [1, 2.5, None], "name": "é"}


def left_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


# --- what is written comes back ------------------------------------------------------------------


def test_tensors_and_settings_come_back(tmp_path):
    write_tensors(tmp_path / "f", TENSORS, SETTINGS_OF)
    tensors, settings = read_tensors(tmp_path / "f")
    assert settings == SETTINGS_OF | {"format": FORMAT}
    assert tensors.keys() == TENSORS.keys()
    assert all(
        torch.equal(tensors[name], value) and tensors[name].dtype == value.dtype
        for name, value in TENSORS.items()
    )


def test_a_transposed_tensor_comes_back_in_its_own_order(tmp_path):
    write_tensors(tmp_path / "f", {"t": TENSORS["a"].T}, {})
    assert torch.equal(read_tensors(tmp_path / "f")[0]["t"], TENSORS["a"].T)


def test_json_comes_back(tmp_path):
    write_json(tmp_path / "f.json", SETTINGS_OF)
    assert json.loads((tmp_path / "f.json").read_bytes()) == SETTINGS_OF


def test_a_missing_folder_is_made(tmp_path):
    write_whole(tmp_path / "a" / "b" / "f", b"content")
    assert (tmp_path / "a" / "b" / "f").read_bytes() == b"content"


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    for content in (b"old, and longer", b"new"):
        write_whole(tmp_path / "f", content)
    assert (tmp_path / "f").read_bytes() == b"new"
    assert left_in(tmp_path) == ["f"]


def test_a_reader_of_the_older_file_is_not_disturbed(tmp_path):
    write_whole(tmp_path / "f", b"old")
    with open(tmp_path / "f", "rb") as reader:
        write_whole(tmp_path / "f", b"new")
        assert reader.read() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_files_have_the_permissions_that_the_user_gives_new_files(tmp_path):
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "f", b"")
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


@pytest.mark.parametrize("name", ["f", "[f]*"])
def test_what_a_killed_process_left_goes_when_it_is_old(tmp_path, name):
    old, fresh, other = (
        tmp_path / part for part in (f".{name}.a.part", f".{name}.b.part", ".g.c.part")
    )
    for path in (old, fresh, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (time.time() - LEFT_BEHIND - 60,) * 2)
    write_whole(tmp_path / name, b"new")
    assert left_in(tmp_path) == sorted([name, fresh.name, other.name])


# --- writes that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [28, 30, 13], ids=["full", "read-only", "no permission"])
@pytest.mark.parametrize("call", ["os.replace", "os.fsync", "os.chmod", "tempfile.mkstemp"])
def test_a_failing_write_leaves_the_older_file_and_no_other(tmp_path, monkeypatch, call, number):
    write_whole(tmp_path / "f", b"old")
    monkeypatch.setattr(call, failing(number))
    with pytest.raises(
        StorageError,
        match=rf"f cannot be written \({os.strerror(number)}\); an older file there is untouched",
    ):
        write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert left_in(tmp_path) == ["f"]


def test_a_disk_that_fills_up_half_way_leaves_the_older_file_and_no_other(tmp_path, monkeypatch):
    class Full:
        """A file that takes the first half of what is written to it."""

        def __init__(self, handle, mode):
            self.file = open(handle, mode)  # noqa: SIM115 - closed in __exit__

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, content):
            self.file.write(content[: len(content) // 2])
            failing(28)()

    write_tensors(tmp_path / "f", TENSORS, SETTINGS_OF)
    monkeypatch.setattr("os.fdopen", Full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_tensors(tmp_path / "f", {"other": torch.ones(1000)}, {})
    assert read_tensors(tmp_path / "f")[0].keys() == TENSORS.keys()
    assert left_in(tmp_path) == ["f"]


def test_an_interrupt_while_writing_leaves_the_older_file_and_no_other(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    write_whole(tmp_path / "f", b"old")
    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert left_in(tmp_path) == ["f"]


def test_a_folder_of_that_name_is_not_overwritten(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(StorageError, match="f cannot be written"):
        write_whole(tmp_path / "f", b"new")
    assert left_in(tmp_path) == ["f"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(StorageError, match="inside cannot be written"):
        write_whole(tmp_path / "f" / "inside", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_no_nan_or_infinity(tmp_path, value):
    write_json(tmp_path / "f", {"score": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "f", {"score": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_tensors(tmp_path / "f", TENSORS, {"score": value})
    assert json.loads((tmp_path / "f").read_text()) == {"score": 1.0}
    assert left_in(tmp_path) == ["f"]


# --- files that cannot be read -------------------------------------------------------------------


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(StorageError, match=r"f is a folder: .* such as .*f/model.safetensors$"):
        read_tensors(tmp_path / "f")
    assert nearby(tmp_path / "f") == "; it is a folder: give the file in it"


def test_what_is_there_is_not_suggested(tmp_path):
    (tmp_path / "model.mat").touch()
    assert nearby(tmp_path / "model.mat") == ""


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(StorageError, match="f is not a file: check the path"):
        read_tensors(tmp_path / "f")


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_are_refused(tmp_path, length, seed):
    (tmp_path / "f").write_bytes(np.random.default_rng(seed).bytes(length))
    with pytest.raises(
        StorageError, match=r"f cannot be read as a safetensors file .*it is damaged"
    ):
        read_tensors(tmp_path / "f")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    write_tensors(tmp_path / "f", {str(n): torch.rand(50) for n in range(20)}, SETTINGS_OF)
    content = (tmp_path / "f").read_bytes()
    assert len(content) > 5000
    for length in [*range(0, len(content), 64), len(content) - 1]:
        (tmp_path / "f").write_bytes(content[:length])
        with pytest.raises(
            StorageError, match=r"f cannot be read as a safetensors file .*it is damaged"
        ):
            read_tensors(tmp_path / "f")


def test_a_changed_byte_in_the_header_gives_a_storage_error_or_tensors_of_the_right_size(tmp_path):
    write_tensors(tmp_path / "f", TENSORS, SETTINGS_OF)
    content = (tmp_path / "f").read_bytes()
    refused = 0
    for place in range(8 + struct.unpack("<Q", content[:8])[0]):
        (tmp_path / "f").write_bytes(
            content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :]
        )
        try:
            tensors, _ = read_tensors(tmp_path / "f")
        except StorageError:
            refused += 1
        else:
            assert sum(t.nbytes for t in tensors.values()) == sum(
                t.nbytes for t in TENSORS.values()
            )
    assert refused > 100


def headed(**metadata: str) -> bytes:
    return save({"a": torch.ones(2)}, metadata=metadata)


@pytest.mark.parametrize(
    "content", [save({"a": torch.ones(2)}), headed(format="pt")], ids=["none", "another's"]
)
def test_a_header_of_another_program_is_refused(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(
        StorageError,
        match=f"f was not written by gsmflow_lite: its header has no '{SETTINGS}' entry",
    ):
        read_tensors(tmp_path / "f")


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "\ud7ff{}"], ids=["empty", "cut off", "nested", "stray letter"]
)
def test_settings_that_are_no_json_are_refused(tmp_path, text):
    (tmp_path / "f").write_bytes(headed(**{SETTINGS: text}))
    with pytest.raises(StorageError, match=r"f cannot be read .*it is damaged"):
        read_tensors(tmp_path / "f")


@pytest.mark.parametrize(
    "text", ["{}", "[]", "5", "null", '{"format": "1"}', '{"format": null}', '{"format": 1.5}']
)
def test_settings_without_a_format_number_are_refused(tmp_path, text):
    (tmp_path / "f").write_bytes(headed(**{SETTINGS: text}))
    with pytest.raises(StorageError, match=r"f must state its format number, got .*it is damaged"):
        read_tensors(tmp_path / "f")


def test_a_newer_format_asks_for_an_update(tmp_path):
    (tmp_path / "f").write_bytes(headed(**{SETTINGS: json.dumps({"format": FORMAT + 1})}))
    with pytest.raises(
        StorageError,
        match=f"f has format {FORMAT + 1}, this version reads up to {FORMAT}: install a newer",
    ):
        read_tensors(tmp_path / "f")


# --- names of files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("data", "data.npz"),
        ("data.npz", "data.npz"),
        ("DATA.NPZ", "DATA.NPZ"),
        ("run.2", "run.2.npz"),
        (".hidden", ".hidden.npz"),
    ],
)
def test_a_suffix_is_appended_where_it_is_missing(given, written, tmp_path):
    assert to_write(tmp_path / given, ".npz") == tmp_path / written


@pytest.mark.parametrize("given", ["data.mat", "data.NPY", "model.safetensors", ""])
def test_a_file_is_not_called_like_another_kind(given):
    with pytest.raises(StorageError, match=r"the name of this file must end in .npz, got"):
        to_write(given, ".npz")


def test_what_is_read_is_the_file_itself_or_what_the_suffix_makes_of_it(tmp_path):
    assert to_read(tmp_path / "a", ".npz", ".mat") == tmp_path / "a"
    (tmp_path / "a.npz").touch()
    assert to_read(tmp_path / "a", ".npz", ".mat") == tmp_path / "a.npz"
    (tmp_path / "a.mat").touch()
    assert to_read(tmp_path / "a", ".npz", ".mat") == tmp_path / "a"  # which of the two?
    (tmp_path / "a.mat").unlink()
    (tmp_path / "a").touch()
    assert to_read(tmp_path / "a", ".npz", ".mat") == tmp_path / "a"


def test_a_file_of_a_folder_is_found_by_its_name_but_for_capitals(tmp_path):
    assert in_folder(tmp_path, "res101.mat") is None
    (tmp_path / "RES101.mat").touch()
    assert in_folder(tmp_path, "res101.mat") == tmp_path / "RES101.mat"
    (tmp_path / "Res101.MAT").touch()
    assert in_folder(tmp_path, "res101.mat") is None  # which of the two?
    (tmp_path / "res101.mat").touch()
    assert in_folder(tmp_path, "res101.mat") == tmp_path / "res101.mat"


def test_a_missing_model_is_named_with_the_nearest_one(tmp_path):
    write_tensors(tmp_path / "model.safetensors", {"x": torch.ones(1)}, {})
    with pytest.raises(StorageError, match=r"did you mean '.*/model.safetensors'\?$"):
        read_tensors(tmp_path / "modle.safetensors")


def test_nothing_is_suggested_where_nothing_is_near(tmp_path):
    (tmp_path / "other").touch()
    assert nearby(tmp_path / "model.safetensors") == ""
    assert nearby(tmp_path / "nowhere" / "model.safetensors") == ""
