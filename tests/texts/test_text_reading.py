"""Texts by class, of files as people write them, and names of classes as words."""

import json

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite.datasets.wording import LONGEST_DESCRIPTION
from gsmflow_lite.errors import DataError
from gsmflow_lite.texts import read_texts
from gsmflow_lite.texts.class_names import places_of_classes, words_of

NAMES = ["black_bear", "Emu"]
TEXTS = (("a large black animal",), ("a tall bird, which runs", "it cannot fly"))

FILES = {
    "headed.csv": 'class,text\nEmu,"a tall bird, which runs"\n'
    "black_bear,a large black animal\nEmu,it cannot fly\n",
    "bare.csv": 'Emu,"a tall bird, which runs"\nblack_bear,a large black animal\n'
    "Emu,it cannot fly\n",
    "captioned.csv": 'Emu,caption\nEmu,"a tall bird, which runs"\n'
    "black_bear,a large black animal\nEmu,it cannot fly\n",
    "wide.csv": "name;first;second\nblack bear;a large black animal;\n"
    "EMU;a tall bird, which runs;it cannot fly\n",
    "last.tsv": "text\tclass\na large black animal\tBlack Bear\n"
    "a tall bird, which runs\temu\nit cannot fly\temu\n",
    "marked.csv": "\ufeffclass,text\r\nblack_bear,a large black animal\r\n"
    '\r\nEmu,"a tall bird,\nwhich runs"\r\nEmu,it cannot fly\r\n',
    "lines.txt": "# my animals\nblack-bear: a large black animal\n\n"
    "Emu:a tall bird, which runs\nEmu: it cannot fly\n",
    "object.json": json.dumps({"black_bear": TEXTS[0][0], "Emu": TEXTS[1], "yak": "a cow"}),
}


@pytest.fixture(params=FILES)
def good_file(request, tmp_path):
    path = tmp_path / request.param
    path.write_text(FILES[request.param], encoding="utf-8", newline="")
    return path


def written(tmp_path, name: str, content: str):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def test_texts_of_each_class_are_read_in_the_order_that_was_asked_for(good_file):
    assert read_texts(good_file, NAMES) == TEXTS
    assert read_texts(str(good_file), NAMES[::-1]) == TEXTS[::-1]


@pytest.mark.parametrize(
    "values",
    [
        {"Emu": list(TEXTS[1]), "black_bear": TEXTS[0][0]},
        pd.Series({"black_bear": TEXTS[0], "Emu": TEXTS[1]}),
        pd.DataFrame({"text": [TEXTS[0][0], *TEXTS[1]], "class": ["black_bear", "Emu", "emu"]}),
        pd.DataFrame({"a": [TEXTS[0][0], TEXTS[1][0]], "b": [None, TEXTS[1][1]]}, index=NAMES),
    ],
    ids=["dict", "series", "frame", "indexed"],
)
def test_texts_in_memory_are_read_likewise(values):
    if isinstance(values, pd.DataFrame) and "class" in values:
        values["class"] = values["class"].replace("emu", "Emu")
    assert read_texts(values, NAMES) == TEXTS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("table.csv", "class,wings,size\nEmu,1,2.5\nblack_bear,0,3\n"),
        ("bare.csv", "Emu,1,2.5\nblack_bear,0,3\n"),
        ("gaps.csv", "class,wings,size\nEmu,1,n/a\nblack_bear,0,3\n"),
        ("truth.csv", "class,wings\nEmu,True\nblack_bear,False\n"),
        ("decimal.csv", "class;size\nEmu;1,5\nblack_bear;2,5\n"),
        ("matrix.txt", "0.1 0.2\n0.3 0.4\n"),
        ("table.json", '{"Emu": [1, 2], "black_bear": {"wings": 1}}'),
        ("list.json", "[[1, 2], [3, 4]]"),
        ("empty.csv", ""),
    ],
)
def test_a_table_of_numbers_is_no_text(tmp_path, name, content):
    assert read_texts(written(tmp_path, name, content), NAMES) is None


def test_a_matrix_is_no_text(tmp_path):
    np.save(tmp_path / "matrix.npy", np.eye(2))
    for values in (tmp_path / "matrix.npy", np.eye(2), pd.DataFrame(np.eye(2), index=NAMES)):
        assert read_texts(values, NAMES) is None
    assert read_texts({"Emu": np.ones(3), "black_bear": [1, 2, 3]}, NAMES) is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "class,size,text\nEmu,2.5,a bird\nblack_bear,3,an animal\n", "got '2.5' among"),
        ("b.csv", "class,text\nEmu,a bird\nblack_bear,7\n", "got '7' among texts.*line 3"),
        ("c.json", '{"Emu": "a bird", "black_bear": [1, 2]}', "got 'a bird' among numbers"),
        ("d.json", '{"Emu": ["a bird", null], "black_bear": "x y"}', "got 'None' among texts"),
        ("e.txt", "Emu: a bird\nblack_bear: 0.3\n", "got '0.3' among texts|got ' 0.3' among"),
        ("r.csv", "class,a,b\nEmu,0,1\nblack_bear,yes,1\n", "got 'yes' among numbers.*line 3"),
        ("t.json", '{"Emu": "a", "emu 2": "b", "black_bear": [1, 2, 3]}', "got '1' among texts"),
        ("s.json", '{"Emu": [1, 2], "black_bear": ["x y", 3]}', "got 'x y' among numbers"),
        ("f.txt", "Emu: a bird\na bear without a colon\n", "a class, a colon and a text"),
        ("g.txt", ": a bird\n", "a class, a colon and a text"),
        ("h.csv", "class,text\nEmu,a bird, which runs\nblack_bear,x\n", "got 3 in line 2.*quotes"),
        ("i.csv", "class,text\nEmu,a bird\n", "'black_bear' is not among them"),
        ("j.csv", "class,text\nEmu,a bird\nblackbear,x y\n", "did you mean 'blackbear'"),
        ("k.csv", "class,text\nEmu,a bird\nBLACK_BEAR,x y\nblack-bear,z\n", "in one way"),
        (
            "l.csv",
            f"class,text\nEmu,{'x' * (LONGEST_DESCRIPTION + 1)}\nblack_bear,y\n",
            "at most 4000",
        ),
        ("m.csv", "class,text\nEmu,a\x07b\nblack_bear,y\n", "no control characters.*x07"),
        ("n.json", '{"Emu": "a", "Emu": "b"}', "each name must occur once"),
        ("o.json", '{"Emu": "a bird", "black_bear": ""}', "must not be empty"),
        ("p.json", "{", "must be good JSON"),
        ("q.csv", f'class,text\nEmu,"{"x" * 140_000}"\n', "must be good CSV"),
        ("r.docx", "", "must be in a file that ends in"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(tmp_path, name, content, words):
    path = written(tmp_path, name, content)
    with pytest.raises(DataError, match=words) as caught:
        read_texts(path, NAMES)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named_with_one_of_nearly_its_name(tmp_path):
    written(tmp_path, "animals.csv", "")
    with pytest.raises(DataError, match=r"there is none.*did you mean.*animals\.csv"):
        read_texts(tmp_path / "animal.csv", NAMES)


def test_text_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("class,text\nEmu,caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_texts(path, NAMES)


# --- Names -------------------------------------------------------------------------------------


def test_names_of_classes_stand_for_texts_where_there_are_none():
    names = ["001.Black_footed_Albatross", "100.Brown-Pelican"]
    assert read_texts(None, names) == (("Black footed Albatross",), ("Brown Pelican",))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("killer+whale", "killer whale"),
        ("polarBear", "polar Bear"),
        ("NASA_rocket", "NASA rocket"),
        ("  two  blanks ", "two blanks"),
        ("3D_printer", "3D printer"),
        ("7_up", "7 up"),
        ("한글_날", "한글 날"),
    ],
)
def test_a_name_becomes_words(name, words):
    assert words_of([name, "other"])[0] == words


def test_a_number_stays_where_another_name_has_none():
    assert words_of(["1_emu", "2_yak"]) == ["emu", "yak"]
    assert words_of(["1_emu", "yak"]) == ["1 emu", "yak"]


@pytest.mark.parametrize("name", ["001", "___", "7-11"])
def test_a_name_without_a_word_stands_for_nothing(name):
    with pytest.raises(DataError, match="must hold words to stand for its description"):
        read_texts(None, ["emu", name])


def test_an_exact_name_wins_over_one_that_is_written_otherwise():
    assert places_of_classes(["cat", "Cat"], ["Cat", "cat"]) == [[1], [0]]


def test_of_two_classes_that_differ_in_case_none_is_guessed():
    with pytest.raises(DataError, match="'Cat' is not among them"):
        places_of_classes(["CAT"], ["Cat", "cat"])


def test_numbers_before_names_make_no_difference():
    assert places_of_classes(["emu", "yak"], ["002.Yak", "001.Emu"]) == [[1], [0]]
