"""The cache of images: what was kept comes back to the bit, and no fault of a file is an error."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import zlib

import numpy as np
import pytest

from gsmflow_lite.images import cache
from gsmflow_lite.images.cache import FeatureCache, images_cache

WIDTH, SIDE = 7, 4


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(recipe: str | None = "recipe", name: str = "net") -> FeatureCache:
    return FeatureCache(name, recipe, WIDTH, SIDE)


def rows(count: int, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    return [
        (
            hashlib.sha256(f"{seed} {number}".encode()).digest(),
            rng.standard_normal(WIDTH, np.float32),
            rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
        )
        for number in range(count)
    ]


def assert_found(found, expected) -> None:
    found = {content: parts for content, *parts in found}
    assert set(found) == {content for content, *_ in expected}
    for content, features, picture in expected:
        np.testing.assert_array_equal(found[content][0], features)
        np.testing.assert_array_equal(found[content][1], picture)


def keep(listed) -> None:
    with opened() as store:
        store.keep(listed)
        assert store.notes == []


def look(listed, recipe: str = "recipe"):
    with opened(recipe) as store:
        return list(store.look([content for content, *_ in listed])), store.notes


def test_what_was_kept_comes_back_to_the_bit_and_the_rest_is_left_out():
    kept, other = rows(3), rows(2, seed=1)
    keep(kept)
    assert_found(look([*kept, *other])[0], kept)


def test_more_rows_than_one_question_may_ask_for_come_back(monkeypatch):
    monkeypatch.setattr(cache, "AT_A_TIME", 10)
    kept = rows(35)
    keep(kept)
    assert_found(look(kept)[0], kept)


def test_a_row_that_is_kept_again_replaces_the_former():
    (content, *_), (_, features, picture) = rows(2)
    keep(rows(1))
    keep([(content, features, picture)])
    assert_found(look(rows(1))[0], [(content, features, picture)])


@pytest.mark.parametrize(
    "other",
    [
        lambda: FeatureCache("net", "another recipe", WIDTH, SIDE),
        lambda: FeatureCache("net", "recipe", WIDTH + 1, SIDE),
        lambda: FeatureCache("net", "recipe", WIDTH, SIDE + 1),
    ],
)
def test_what_is_made_in_another_way_is_kept_in_another_file(other):
    keep(rows(2))
    with other() as store:
        assert list(store.look([content for content, *_ in rows(2)])) == []
    assert len(list(images_cache().glob("*.sqlite"))) == 2


def test_without_a_recipe_nothing_is_kept(folder):
    with opened(None) as store:
        store.keep(rows(2))
        assert list(store.look([content for content, *_ in rows(2)])) == []
        assert store.notes == []
    assert not folder.exists()


def test_the_name_of_the_file_is_plain_whatever_the_backbone_is_called():
    with opened(name="../../open_clip:ViT/<b>\n" * 9) as store:
        store.keep(rows(1))
    (file,) = images_cache().iterdir()
    assert file.name.startswith("open-clip-ViT-b-")
    assert len(file.name) < 100


def test_what_was_kept_before_a_process_was_killed_is_there(folder):
    code = (
        "import os, numpy as np\n"
        "from gsmflow_lite.images.cache import FeatureCache\n"
        f"store = FeatureCache('net', 'recipe', {WIDTH}, {SIDE})\n"
        "row = (b'x' * 32, np.ones(7, np.float32), np.ones((4, 4, 3), np.uint8))\n"
        "store.keep([row])\n"
        "store._connection().execute('begin')\n"
        "store._connection().execute('delete from rows')\n"
        "os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 9
    expected = (b"x" * 32, np.ones(7, np.float32), np.ones((4, 4, 3), np.uint8))
    assert_found(look([expected])[0], [expected])


def test_two_that_write_at_once_do_each_other_no_harm():
    first, second = rows(3), rows(3, seed=1)
    with opened() as one, opened() as two:
        for mine, theirs in zip(first, second, strict=True):
            one.keep([mine])
            two.keep([theirs, mine])
        assert one.notes == two.notes == []
    assert_found(look([*first, *second])[0], [*first, *second])


# --- faults --------------------------------------------------------------------------------------


def the_file():
    (file,) = images_cache().glob("*.sqlite")
    return file


@pytest.mark.parametrize("column", ["features", "picture", "proof"])
def test_a_row_that_was_changed_is_not_believed(column):
    kept = rows(2)
    keep(kept)
    changed = 0 if column == "proof" else bytes(len(kept[0][1 + (column == "picture")].tobytes()))
    with sqlite3.connect(the_file()) as file:
        file.execute(f"update rows set {column} = ? where content = ?", (changed, kept[0][0]))
    file.close()
    found, notes = look(kept)
    assert_found(found, kept[1:])
    assert notes == []


@pytest.mark.parametrize("value", [None, 3, "text", b"short"])
def test_a_row_of_another_kind_is_not_believed(value):
    keep(rows(1))
    with sqlite3.connect(the_file()) as file:
        file.execute("create table other as select content, features, picture, proof from rows")
        file.execute("drop table rows")
        file.execute("alter table other rename to rows")
        file.execute("update rows set features = ?", (value,))
    file.close()
    assert look(rows(1)) == ([], [])


def test_a_row_of_another_length_is_not_believed_even_with_its_checksum():
    ((content, features, picture),) = rows(1)
    keep(rows(1))
    short = features.tobytes()[:-4]
    proof = zlib.crc32(content + short + picture.tobytes())
    with sqlite3.connect(the_file()) as file:
        file.execute("update rows set features = ?, proof = ?", (short, proof))
    file.close()
    assert look(rows(1)) == ([], [])


def no_database(path):
    path.write_bytes(b"this is no database, but a text" * 100)


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwritten(path):
    content = bytearray(path.read_bytes())
    content[100:5000] = b"\xff" * 4900
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [no_database, cut, overwritten])
def test_a_damaged_file_is_set_aside_and_said_and_a_new_one_begun(damage):
    kept = rows(200)
    keep(kept)
    path = the_file()
    damage(path)
    with opened() as store:
        list(store.look([content for content, *_ in kept]))
        store.keep(kept)
        assert len(store.notes) == 1
        assert "was damaged" in store.notes[0]
        assert ".damaged" in store.notes[0]
    assert path.with_suffix(".damaged").exists()
    found, notes = look(kept)
    assert_found(found, kept)
    assert notes == []


def test_another_process_that_has_begun_anew_keeps_its_file():
    kept = rows(200)
    keep(kept)
    path = the_file()
    with opened() as slow:
        overwritten(path)
        with opened() as quick:  # sets the file aside, and begins a new one
            list(quick.look([kept[0][0]]))
            quick.keep(kept)
        os.replace(path, path)
        list(slow.look([content for content, *_ in kept]))
        slow.keep(kept[:1])
    assert_found(look(kept)[0], kept)


def test_a_folder_that_cannot_be_made_is_a_note(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "file" / "cache"))
    found, notes = look(rows(1))
    assert found == []
    assert "features are not kept in" in notes[0]


def test_a_user_without_a_home_does_without(monkeypatch):
    monkeypatch.delenv("GSMFLOW_CACHE")

    def homeless(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", homeless)
    found, notes = look(rows(1))
    assert found == []
    assert "home directory" in notes[0]


def test_a_file_that_another_holds_for_long_is_a_note(monkeypatch):
    keep(rows(1))
    monkeypatch.setattr(cache, "SECONDS_TO_WAIT", 0.05)
    other = sqlite3.connect(the_file(), isolation_level=None)
    other.execute("begin exclusive")
    try:
        with opened() as store:
            store.keep(rows(1))
            assert "locked" in store.notes[0]
            store.keep(rows(1))  # it is not asked again
            assert len(store.notes) == 1
    finally:
        other.close()


def test_a_file_that_may_only_be_read_is_read(folder):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    keep(rows(2))
    the_file().chmod(0o444)
    images_cache().chmod(0o555)
    try:
        found, notes = look(rows(2))
        assert_found(found, rows(2))
        assert notes == []
        with opened() as store:
            store.keep(rows(3))
            assert len(store.notes) == 1
    finally:
        images_cache().chmod(0o755)
