"""Tables of attributes are read from files right, with their names, or refused with the place."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from gsmflow_lite.datasets import read_attribute_table
from gsmflow_lite.datasets.formats import text_tables
from gsmflow_lite.errors import DataError


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder, name, content):
    return read_attribute_table(written(folder, name, content))


@pytest.fixture
def table(rng):
    return pd.DataFrame(rng.normal(size=(5, 4)), index=list("vwxyz"), columns=list("abcd"))


WRITERS = {
    "to_csv": ("t.csv", lambda t, path: t.to_csv(path)),
    "a heading for the classes": ("t.csv", lambda t, path: t.to_csv(path, index_label="class")),
    "another heading": ("t.csv", lambda t, path: t.to_csv(path, index_label="animal")),
    "semicolons": ("t.csv", lambda t, path: t.to_csv(path, sep=";")),
    "semicolons and commas": ("t.csv", lambda t, path: t.to_csv(path, sep=";", decimal=",")),
    "tabs": ("t.tsv", lambda t, path: t.to_csv(path, sep="\t")),
    "tabs in a .csv": ("t.csv", lambda t, path: t.to_csv(path, sep="\t", decimal=",")),
    "tabs in a .txt": ("t.txt", lambda t, path: t.to_csv(path, sep="\t")),
    "capitals": ("T.CSV", lambda t, path: t.to_csv(path)),
    "a mark of UTF-8": ("t.csv", lambda t, path: t.to_csv(path, encoding="utf-8-sig")),
    "lines of Windows": ("t.csv", lambda t, path: t.to_csv(path, lineterminator="\r\n")),
    "quotes": ("t.csv", lambda t, path: t.to_csv(path, quoting=1)),
    "JSON by class": (
        "t.json",
        lambda t, path: t.to_json(path, orient="index", double_precision=15),
    ),
    "JSON lists by class": (
        "t.json",
        lambda t, path: path.write_text(json.dumps(t.T.to_dict("list"))),
    ),
    "JSON records": (
        "t.json",
        lambda t, path: t.reset_index(names="name").to_json(
            path, orient="records", double_precision=15
        ),
    ),
    "no names, white space": ("t.txt", lambda t, path: np.savetxt(path, t.values)),
    "no names, commas": ("t.txt", lambda t, path: np.savetxt(path, t.values, delimiter=", ")),
    "no names, a remark": ("t.txt", lambda t, path: np.savetxt(path, t.values, header="a b")),
    "no names, .csv": ("t.csv", lambda t, path: t.to_csv(path, header=False, index=False)),
    "no names, numbered": ("t.csv", lambda t, path: pd.DataFrame(t.values).to_csv(path)),
    "no names, JSON": ("t.json", lambda t, path: path.write_text(json.dumps(t.values.tolist()))),
    "no names, .npy": ("t.npy", lambda t, path: np.save(path, t.values)),
    "no classes": ("t.csv", lambda t, path: t.to_csv(path, index=False)),
    "no attributes": ("t.csv", lambda t, path: t.to_csv(path, header=False)),
    "numbered attributes": (
        "t.csv",
        lambda t, path: t.set_axis(range(4), axis=1).to_csv(path, index_label="animal"),
    ),
}


@pytest.mark.parametrize("way", WRITERS)
def test_a_table_that_pandas_or_numpy_wrote_is_read_with_its_names(way, table, tmp_path):
    name, write = WRITERS[way]
    write(table, tmp_path / name)
    found = read_attribute_table(tmp_path / name)
    np.testing.assert_allclose(found.values, table.values, rtol=1e-12)
    no_classes = way.startswith("no ") and way != "no attributes"
    no_attributes = "lists" in way or way.startswith(("no names", "no attr", "numbered"))
    assert list(found.index) == (list(range(5)) if no_classes else list("vwxyz"))
    assert list(found.columns) == (list(range(4)) if no_attributes else list("abcd"))


def test_numbers_name_classes_under_an_empty_heading_or_one_for_classes(tmp_path):
    for heading in ("", "id", "Class"):
        found = read(tmp_path, "t.csv", f"{heading},a,b\n2,0.5,1\n0,1,2\n1,3,4\n")
        assert list(found.index) == [2, 0, 1]
        assert found.loc[0].tolist() == [1, 2]
    found = read(tmp_path, "t.json", '{"10": [1, 2], "9": [3, 4]}')
    assert list(found.index) == [10, 9]


NUMBERED = {"ids": [1, 2, 3, 4, 5], "any order": [3, 1, 2, 7, 9], "tens": [10, 20, 30, 40, 50]}


@pytest.mark.parametrize("ids", NUMBERED)
@pytest.mark.parametrize("corner", ["animal", "wnid", "Class Name", None])
@pytest.mark.parametrize(("name", "divider"), [("t.csv", ","), ("t.txt", "\t"), ("t.csv", ";")])
def test_whole_numbers_above_fractions_are_a_heading(ids, corner, name, divider, rng, tmp_path):
    classes = ["wolf", "fox", "bear", "newt"] if corner else range(4)
    table = pd.DataFrame(rng.random((4, 5)).round(3), classes, NUMBERED[ids])
    table.iloc[1] = [0, 1, 1, 0, 1]
    text = table.to_csv(sep=divider, index=corner is not None, index_label=corner)
    found = read(tmp_path, name, text)
    pd.testing.assert_frame_equal(found, table, check_index_type=False, check_column_type=False)


def test_whole_numbers_above_zeros_and_ones_are_a_heading(tmp_path):
    found = read(tmp_path, "t.csv", "animal,4,7,9\nwolf,0,1,1\nfox,1,1,0\n")
    assert (list(found.index), list(found.columns)) == (["wolf", "fox"], [4, 7, 9])


def test_numbers_under_the_only_heading_in_words_name_classes(tmp_path):
    found = read(tmp_path, "t.csv", "wnid,1,2,3\n77,.5,.25,1\n66,.1,.2,.3\n")
    assert found.to_dict("index") == {77: {1: 0.5, 2: 0.25, 3: 1}, 66: {1: 0.1, 2: 0.2, 3: 0.3}}


@pytest.mark.parametrize("head", ["", "x,"])
def test_a_first_line_that_is_like_the_others_is_a_class(head, tmp_path):
    for first in ("0.5,2,3", "2,2,3", "1,-2,3"):
        found = read(tmp_path, "t.csv", f"{head}{first}\n{head and 'y,'}0.5,.1,.2\n")
        assert found.values.tolist() == [[*map(float, first.split(","))], [0.5, 0.1, 0.2]]


READ = {
    "white space in a .csv": ("t.csv", "1 2\n0.5 3\n", [[1, 2], [0.5, 3]]),
    "names and white space in a .csv": ("t.csv", "class a b\nx 1 2\n", [[1, 2]]),
    "true and false": ("t.csv", "class,a,b\nx,True,False\ny,false,TRUE\n", [[1, 0], [0, 1]]),
    "true and false only": ("t.csv", "True,False\nFalse,True\n", [[1, 0], [0, 1]]),
    "a semicolon in a heading": ("t.csv", "class,a;b,c\nx,1,2\ny,3,4\n", [[1, 2], [3, 4]]),
    "a semicolon in a name": ("t.csv", "class,a,c\nx;z,1,2\ny,3,4\n", [[1, 2], [3, 4]]),
    "word2vec": ("t.txt", "2 3\nx .1 .2 .3\ny 4 5 6\n", [[0.1, 0.2, 0.3], [4, 5, 6]]),
    "a remark": ("t.csv", "# made, by hand\nclass,a,b,c\nx,1,2,3\n", [[1, 2, 3]]),
    "a remark in a .txt": ("t.txt", "# by hand\nx,1,.2,3\ny,4,5,6\n", [[1, 0.2, 3], [4, 5, 6]]),
    "two remarks": ("t.csv", "# made\n# by hand\nclass,a\nx,1\n", [[1]]),
    "two classes with a mark": ("t.csv", "#1,.5\n#2,.2\nx,1\n", [[0.5], [0.2], [1]]),
    "a stated comma": ("t.csv", "sep=,\nclass,a\nx,1\n", [[1]]),
    "a stated semicolon": ("t.csv", "sep=;\r\nclass;a\r\nx;1,5\r\n", [[1.5]]),
}


@pytest.mark.parametrize("case", READ)
def test_what_programs_write_around_numbers_is_read(case, tmp_path):
    name, content, values = READ[case]
    assert read(tmp_path, name, content).values.tolist() == values


def test_a_class_with_a_mark_keeps_it(tmp_path):
    assert list(read(tmp_path, "t.csv", "#1,.5,2\nx,1,2\n").index) == ["#1", "x"]


def test_a_heading_of_numpy_is_read_without_its_mark(tmp_path):
    np.savetxt(tmp_path / "t.csv", np.eye(3), delimiter=",", header="a,b,c")
    assert list(read_attribute_table(tmp_path / "t.csv").columns) == list("abc")


@pytest.mark.parametrize("index", [True, False])
def test_json_of_pandas_that_may_be_transposed_is_refused(index, rng, tmp_path):
    table = pd.DataFrame(rng.random((3, 3)))
    table.to_json(tmp_path / "t.json", orient="index" if index else "columns")
    with pytest.raises(DataError, match="nothing says which come first: name the classes"):
        read_attribute_table(tmp_path / "t.json")


def test_a_binary_first_column_is_an_attribute(tmp_path):
    assert read(tmp_path, "t.csv", "1,0\n0,1\n1,1\n").values.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert read(tmp_path, "t.csv", "a,b\n1,0\n0,1\n").values.tolist() == [[1, 0], [0, 1]]


def test_names_are_composed_and_trimmed(tmp_path):
    decomposed = "class,a\ncafe\u0301 ,1\n b,2\n"
    assert list(read(tmp_path, "t.csv", decomposed).index) == ["caf\u00e9", "b"]
    found = read(tmp_path, "t.json", '{"cafe\u0301": [1], "b": [2]}')
    assert list(found.index) == ["caf\u00e9", "b"]


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", "x,1\ny,2\n"), ("t.txt", "x 1\ny 2\n"), ("t.json", '{"x":[1]}')]
)
def test_a_mark_of_utf_8_is_no_part_of_the_first_name(name, content, tmp_path):
    assert read(tmp_path, name, content.encode("utf-8-sig")).index[0] == "x"


def test_a_name_keeps_what_stands_in_it(tmp_path):
    content = 'class,a\n"x, y",1\n007,2\nNA,3\n"say ""hi""",4\n'
    assert list(read(tmp_path, "t.csv", content).index) == ["x, y", "007", "NA", 'say "hi"']


def test_an_attribute_of_another_order_in_json_is_found_by_its_name(tmp_path):
    found = read(tmp_path, "t.json", '{"x": {"a": 1, "b": true}, "y": {"b": 3, "a": 4}}')
    assert found.loc["y"].to_dict() == {"a": 4, "b": 3}
    assert found.loc["x"].to_dict() == {"a": 1, "b": 1}


REFUSED = {
    "text in a cell": ("t.csv", "class,a,b\nx,1,2\ny,3,?\n", r"got '\?' for 'y', 'b'"),
    "text without names": ("t.txt", "1 2\n3 x\n", "got 'x' for row 2, column 2"),
    "an empty cell": ("t.csv", "class,a,b\nx,1,2\ny,,4\n", "got an empty cell for 'y', 'a'"),
    "NaN": ("t.csv", "class,a\nx,nan\ny,1\n", "got 'nan' for 'x', 'a'"),
    "infinity": ("t.csv", "class,a\nx,1e999\ny,1\n", "must be finite numbers, got inf for 'x'"),
    "an underscore": ("t.csv", "class,a\nx,1_0\ny,1\n", "got '1_0'"),
    "other digits": ("t.csv", "class,a\nx,\u0661\ny,1\n", "must be finite numbers"),
    "a ragged line": ("t.csv", "class,a,b\nx,1,2\ny,3\n", "the first, 2, but 'y' has 1"),
    "decimal commas among commas": ("t.csv", "class,a,b\nx,0,5,1\ny,1,0\n", "the first, 3, but"),
    "quoted commas among commas": ("t.csv", 'class,a\nx,"0,5"\ny,1\n', "must have a decimal point"),
    "perhaps thousands": ("t.csv", "class;a\nx;1,500\ny;1\n", "may mean two things"),
    "points and commas": ("t.csv", "class;a\nx;1,5\ny;1.5\n", "may mean two things"),
    "a name twice": ("t.csv", "class,a\nx,1\nx,2\n", "class must occur once, but 'x' occurs again"),
    "a name twice, composed": ("t.csv", "class,a\ne\u0301,1\n\u00e9,2\n", "occurs again"),
    "an attribute twice": ("t.csv", "class,a,a\nx,1,2\ny,2,3\n", "attribute must occur once"),
    "a class without a name": ("t.csv", "class,a\n,1\ny,2\n", "class must have a name"),
    "a first class without a name": (
        "t.csv",
        ",.5,.1\ny,2,3\n",
        "or that of the class into the empty cell",
    ),
    "an attribute without a name": ("t.csv", "class,a,\nx,1,2\ny,2,3\n", "attribute must have a n"),
    "a number of a class twice": (
        "t.csv",
        "class,a\n0,1\n1,2\n2,3\n3,4\n4,5\n4,6\n",
        "class must occur once, but 4 occurs again",
    ),
    "numbers above whole numbers": ("t.csv", "animal,1,2,3\nx,5,2,2\ny,7,7,0\n", "may be both"),
    "few numbers above fractions": ("t.csv", "animal,1,0\nx,.5,.2\ny,.7,.1\n", "may be both"),
    "numbers above like ones": ("t.csv", "1,2,3\n.5,.2,.1\n7,8,9\n", "or save the table as .npy"),
    "headings that are fractions": ("t.csv", ",0.1,0.2\nx,1,2\n", "write names above the columns"),
    "percent": ("t.csv", "class,a\nx,30%\ny,5 %\n", "without a sign of percent, got '30%'"),
    "word2vec that broke off": ("t.txt", "6 3\nx 1 2 3\ny 3 4 5\n", "says, 6, but has 2"),
    "a count of many digits": ("t.txt", f"2 {'9' * 5000}\nx 3\ny 2\n", "got inf for '2', column 1"),
    "counted rows": ("t.csv", "".join(f"{k},0.5,0.1\n" for k in range(5)), "not count the rows"),
    "counted rows from 1": (
        "t.csv",
        "size,a\n" + "".join(f"{k + 1},0.5\n" for k in range(5)),
        "heading class if it numbers the classes",
    ),
    "a list of classes": ("classes.txt", "  1\tantelope\n  2\tgrizzly+bear\n", "a list of names"),
    "another list": ("t.txt", "antelope\nbear\n", "a list of names"),
    "names with spaces": ("t.txt", "polar bear 1 2\nfox 2 3\n", "dividing cells with tabs"),
    "nothing": ("t.csv", "", "must have a row for each class"),
    "a quote that is open": ("t.csv", 'class,a\n"x,1\n', "correct the quotes"),
    "UTF-16": ("t.csv", "class,a\nx,1\n".encode("utf-16"), "got UTF-16"),
    "UTF-16 without a mark": ("t.csv", "class,a\nx,1\n".encode("utf-16-le"), "got UTF-16"),
    "another encoding": (
        "t.csv",
        "class,a\n\u00e9,1\n".encode("latin-1"),
        "got byte 0xe9 in place 8",
    ),
    "a workbook": ("t.csv", b"PK\x03\x04 and more", "zip archive"),
    "a web page": ("t.csv", "<html>", "web page"),
    "a workbook by name": ("t.xlsx", "x", "CSV UTF-8"),
    "another kind": ("t.pkl", "x", r"ends in \.csv, \.tsv, \.txt, \.json, \.npy"),
    "a key twice": ("t.json", '{"x": [1], "x": [2]}', "'x' occurs again"),
    "an inner key twice": ("t.json", '{"x": {"a": 1, "a": 2}}', "'a' occurs again"),
    "NaN in JSON": ("t.json", '{"x": [NaN]}', "must be finite numbers, got NaN"),
    "null": ("t.json", '{"x": [1, null]}', "got an empty cell for 'x', column 2"),
    "text in JSON": ("t.json", '{"x": {"a": "1"}}', "got '1' for 'x', 'a'"),
    "a list in a list": ("t.json", '{"x": [[1]]}', r"got \[1\] for 'x'"),
    "a missing attribute": (
        "t.json",
        '{"x": {"a": 1, "b": 2}, "y": {"a": 1}}',
        "'b' is not in both the first and that in place 2",
    ),
    "ragged lists": ("t.json", '{"x": [1], "y": [1, 2]}', "the first, 1, but 'y' has 2"),
    "two names": ("t.json", '[{"class": "x", "name": "y", "a": 1}]', "both may name the class"),
    "half a character": ("t.json", '{"\\ud800": [1]}', "a name of whole characters"),
    "a number": ("t.json", "3", "a table in JSON must be"),
    "no JSON": ("t.json", "{", "must be good JSON"),
    "deep JSON": ("t.json", "[" * 100_000, "must be good JSON"),
    "a huge number": ("t.json", '{"x": [1' + "0" * 400 + "]}", "must be finite numbers"),
    "a number of many digits": ("t.json", '{"x": [' + "1" * 5000 + "]}", "must be good JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_of_numbers_is_refused_with_the_place(case, tmp_path):
    name, content, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, name, content)
    assert str(caught.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.zeros((2, 0)), np.zeros((2, 2, 2)), np.array([["a"]])],
    ids=["a row", "empty", "a cube", "text"],
)
def test_an_array_that_is_no_matrix_of_numbers_is_refused(array, tmp_path):
    np.save(tmp_path / "t.npy", array)
    with pytest.raises(DataError, match=r"t.npy: a table of attributes must be a matrix"):
        read_attribute_table(tmp_path / "t.npy")


def test_a_nan_in_an_array_is_named(tmp_path):
    np.save(tmp_path / "t.npy", np.array([[1, 2], [3, np.nan]]))
    with pytest.raises(DataError, match="got nan for row 1, column 1"):
        read_attribute_table(tmp_path / "t.npy")


def test_a_signalling_nan_is_named_without_a_warning(tmp_path):
    np.save(tmp_path / "t.npy", np.array([[0x7FA00000, 1]], np.uint32).view(np.float32))
    with pytest.raises(DataError, match="got nan for row 0, column 0"):
        read_attribute_table(tmp_path / "t.npy")


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "t.npy", np.array([[print]], object), allow_pickle=True)
    with pytest.raises(DataError, match="must hold numbers or text, got object"):
        read_attribute_table(tmp_path / "t.npy")


def test_a_file_that_is_too_large_is_refused_before_it_is_read_on(tmp_path, monkeypatch):
    monkeypatch.setattr(text_tables, "LARGEST_TEXT", 10)
    with pytest.raises(DataError, match=r"may have 10 bytes at most: save it as .npy"):
        read(tmp_path, "t.csv", "class,a\nx,1\ny,2\n")


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path):
    written(tmp_path, "attributes.csv", "class,a\nx,1\n")
    with pytest.raises(DataError, match=r"there is none: .*did you mean '.*attributes.csv'\?"):
        read_attribute_table(tmp_path / "atributes.csv")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="must be a file, and there is none"):
        read_attribute_table(tmp_path / "t.csv")


def test_the_matrix_of_published_animals_is_read(tmp_path):
    """AWA2 has numbers in columns of their own width, and two lists of names beside them."""
    content = " -1.00   0.50  38.00\n 39.25 100.00   0.00\n"
    found = read(tmp_path, "predicate-matrix-continuous.txt", content)
    assert_array_equal(found.values, [[-1, 0.5, 38], [39.25, 100, 0]])
