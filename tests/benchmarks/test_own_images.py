"""The bench of own images: which folders are classes, and whose words describe them."""

import csv
import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("own_images", FOLDER / "own_images.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """Images that nobody opens: 9 cats, 8 dogs, 3 of a litter of dogs, and 9 of something else."""
    for name, count in {"cats": 9, "dogs": 8, "dogs/puppies": 3, "other": 9}.items():
        place = tmp_path / "pictures" / name
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"{number}.png").touch()
            (place / f"{number}.txt").write_text(f"{name} {number}\nmore", "utf-8")
    return tmp_path / "pictures"


def test_small_folders_count_to_the_one_above(bench, folder):
    classes = bench.classes_of(folder, [], ["other"])
    assert {name: len(files) for name, files in classes.items()} == {"cats": 9, "dogs": 11}
    assert set(bench.classes_of(folder, ["cats"], [])) == {"dogs", "other"}


def test_no_test_row_is_described_by_its_own_words(bench, folder, tmp_path):
    classes = bench.classes_of(folder, [], [])
    words = {name: bench.words_of(files) for name, files in classes.items()}
    assert words["cats"] == ["cats 0", "cats 3", "cats 6"]
    unseen = set()
    for draw in range(6):
        bench.write_table(tmp_path / "table.csv", folder, classes, draw)
        with (tmp_path / "table.csv").open() as file:
            rows = list(csv.DictReader(file))
        tests = [row for row in rows if row["split"] != "train"]
        own = [(folder / row["file"]).with_suffix(".txt").read_text("utf-8") for row in tests]
        lent = {line for lines in words.values() for line in lines}
        assert lent.isdisjoint(text.splitlines()[0] for text in own)
        assert {row["class"] for row in tests} == set(classes)
        unseen |= {row["class"] for row in tests if row["split"] == "test_unseen"}
    assert len(unseen) > 1
