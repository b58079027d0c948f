"""The embedded Korean syllables: where they come from, how they are split, what they decode to."""

import csv
import hashlib
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gsmflow_lite
from gsmflow_lite.datasets import load, typefaces
from gsmflow_lite.datasets.syllables import attributes_of, romanised

DATA = Path(__file__).resolve().parents[2] / "data"
FREE = {"OFL-1.1", "Apache-2.0", "permissive (MIT, BSD and the like)"}
FACES = 58


@pytest.fixture(scope="module")
def pixels():
    return gsmflow_lite.hangul(None)


@pytest.fixture(scope="module")
def stored():
    with np.load(typefaces.embedded("hangul.npz", "build_hangul.py")) as file:
        return dict(file)


@pytest.fixture(scope="module")
def faces() -> list[dict[str, str]]:
    with (DATA / "hangul_faces.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_is_the_one_that_was_built_and_is_small():
    expected, name = (DATA / "hangul.sha256").read_text().split()
    content = (DATA / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == expected
    assert len(content) < 8e6


def test_every_face_is_listed_with_a_free_licence(faces, stored):
    assert [face["face"] for face in faces] == stored["faces"].tolist()
    assert {face["licence"] for face in faces} <= FREE
    assert all(face["holder"] and face["package"] and face["version"] for face in faces)
    assert [face["test"] == "1" for face in faces] == stored["test_faces"].tolist()


def test_there_are_840_seen_and_60_unseen_syllables_of_everyday_korean(pixels):
    syllables = [name.split()[1] for name in pixels.class_names]
    assert (len(pixels.seen_classes), len(pixels.unseen_classes)) == (840, 60)
    assert len(set(syllables)) == 900
    assert all(len(s.encode("euc_kr")) == 2 for s in syllables)  # a double byte of KS X 1001
    assert pixels.class_names == tuple(f"{romanised(s)} {s}" for s in syllables)
    assert_array_equal(pixels.attributes, attributes_of(syllables))


def test_every_letter_is_seen_and_those_of_unseen_syllables_at_least_four_times(pixels):
    def letters(classes):
        texts = [unicodedata.normalize("NFD", pixels.class_names[k].split()[1]) for k in classes]
        return np.unique([letter for text in texts for letter in text], return_counts=True)

    seen, counts = letters(pixels.seen_classes)
    assert len(seen) == 67  # that a final is missing is no letter
    enough = set(seen[counts >= 4])
    assert set(letters(pixels.unseen_classes)[0]) <= enough


def test_each_row_is_one_face_of_one_syllable(pixels, stored):
    for face, k in [(0, 0), (17, 333), (57, 899)]:
        row = face * 900 + k
        assert pixels.labels[row] == k
        assert_array_equal(pixels.images[row], stored["images"][face, k])
        assert_allclose(pixels.features[row] * 255, stored["images"][face, k].ravel(), rtol=1e-5)


def test_every_unseen_syllable_has_a_row_of_each_face(pixels):
    counts = np.bincount(pixels.labels[pixels.test_unseen], minlength=900)
    assert set(counts[pixels.unseen_classes]) == {FACES}


def test_no_design_is_on_both_sides_of_the_split(pixels):
    face = np.arange(len(pixels.labels)) // 900
    assert not np.intersect1d(face[pixels.train], face[pixels.test_seen]).size
    assert not np.intersect1d(pixels.groups[pixels.train], pixels.groups[pixels.test_seen]).size
    tested = len(np.unique(face[pixels.test_seen]))
    assert 0.15 <= tested / FACES <= 0.25


def test_groups_are_designs(pixels, stored):
    groups = pixels.groups[::900]  # of the first row of each face
    assert_array_equal(pixels.groups, np.repeat(groups, 900))
    designs = stored["designs"]
    assert_array_equal(groups[:, None] == groups, designs[:, None] == designs)
    assert 20 < len(set(designs)) < FACES


def test_no_picture_of_a_tested_face_is_among_the_training_rows(pixels):
    trained = {image.tobytes() for image in pixels.images[pixels.train]}
    assert not any(image.tobytes() in trained for image in pixels.images[pixels.test_seen])


def test_every_face_draws_nearly_every_syllable_in_its_own_way_and_crops_none(stored):
    for images in stored["images"]:
        assert len({image.tobytes() for image in images}) >= 0.97 * 900
        assert images.max((1, 2)).min() > 60
    border = [stored["images"][:, :, [0, -1]], stored["images"][:, :, :, [0, -1]]]
    assert max(lines.max() for lines in border) < 64  # at most a quarter of a pixel wide


def test_sixteen_grey_levels_reach_from_paper_to_ink(stored):
    assert_array_equal(np.unique(stored["images"]), np.arange(0, 256, 17))


def test_components_decode_to_readable_pictures(pixels):
    d = load("hangul")
    assert d.features.shape == (FACES * 900, 96)
    pictures = d.decode(d.features[d.test_unseen]) * 255
    truth = d.images[d.test_unseen].astype(np.float64)
    assert 1 - ((pictures - truth) ** 2).mean() / truth.var() > 0.6


def test_attributes_are_grouped_by_position(pixels):
    assert {name: len(k) for name, k in pixels.attribute_groups.items()} == {
        "initial": 19,
        "vowel": 21,
        "final": 28,
    }
    names = [pixels.attribute_names[k] for k in pixels.attribute_groups["final"][:3]]
    assert names == ["final none", "final g", "final kk"]
