"""A folder, or a table, says which images there are, of which classes and splits."""

import os
import unicodedata
from pathlib import Path

import pytest

from gsmflow_lite.errors import DataError
from gsmflow_lite.images import list_folder, list_table
from gsmflow_lite.images.folder import natural_order


def lay(folder: Path, *names: str) -> Path:
    """Empty files of these names; what is listed is not opened."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def listed(folder: Path, listing) -> list[tuple[str, str]]:
    names = [path.relative_to(folder).as_posix() for path in listing.files]
    return list(zip(names, listing.classes, strict=True))


# --- Folders -------------------------------------------------------------------------------------


def test_a_folder_is_a_class_and_deeper_ones_belong_to_it(tmp_path):
    lay(tmp_path, "cat/a.png", "cat/more/deep/b.JPG", "dog/c.webp")
    listing = list_folder(tmp_path)
    assert listed(tmp_path, listing) == [
        ("cat/a.png", "cat"),
        ("cat/more/deep/b.JPG", "cat"),
        ("dog/c.webp", "dog"),
    ]
    assert listing.splits is None
    assert listing.left_out == ()
    assert listing.class_names == ("cat", "dog")


def test_files_are_in_natural_order_whatever_the_disk_says(tmp_path, monkeypatch):
    lay(tmp_path, *(f"c{k}/img{n}.png" for k in (10, 2, 1) for n in (10, 2, 1)))
    expected = [f"c{k}/img{n}.png" for k in (1, 2, 10) for n in (1, 2, 10)]
    assert [name for name, _ in listed(tmp_path, list_folder(tmp_path))] == expected
    scandir = os.scandir

    class Backwards:
        def __init__(self, path):
            self.entries = sorted(scandir(path), key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    assert [name for name, _ in listed(tmp_path, list_folder(tmp_path))] == expected


def test_natural_order_counts_and_does_not_mind_capitals():
    names = ["b1", "a10b", "A2b", "a2a", "a", "a10", "07", "7", "é2", "e\u03011"]
    expected = ["07", "7", "a", "a2a", "A2b", "a10", "a10b", "b1", "e\u03011", "é2"]
    assert sorted(names, key=natural_order) == expected
    assert sorted(reversed(names), key=natural_order) == expected


def test_what_is_no_image_is_left_out_and_counted(tmp_path):
    lay(tmp_path, "cat/a.png", "dog/b.png", "cat/Thumbs.db", "cat/.hidden.png", ".git/x/y.png")
    lay(tmp_path, "__MACOSX/cat/._a.png", "cat/notes.txt", "dog/x.txt", "README", "dog/a.heic")
    listing = list_folder(tmp_path)
    assert [name for name, _ in listed(tmp_path, listing)] == ["cat/a.png", "dog/b.png"]
    assert listing.left_out == (
        "4 hidden files or folders",
        "4 files that are no images: .txt (2), no suffix (1), .heic (1)",
    )


def test_images_beside_the_class_folders_are_named(tmp_path):
    lay(tmp_path, "cat/a.png", "dog/b.png", "stray.png")
    assert list_folder(tmp_path).left_out == ("1 image in no class: stray.png",)


def test_empty_class_folders_are_named(tmp_path):
    lay(tmp_path, "cat/a.png", "dog/b.png")
    (tmp_path / "emu" / "deeper").mkdir(parents=True)
    assert list_folder(tmp_path).left_out == ("1 class folder without images: emu",)


def test_links_that_lead_out_or_to_folders_are_left_out_and_named(tmp_path):
    outside = lay(tmp_path / "outside", "secret.png")
    top = lay(tmp_path / "top", "cat/a.png", "dog/b.png")
    (top / "cat" / "inside.png").symlink_to(top / "dog" / "b.png")
    (top / "cat" / "out.png").symlink_to(outside / "secret.png")
    (top / "cat" / "up.png").symlink_to("../../outside/secret.png")
    (top / "cat" / "folder").symlink_to(outside)
    (top / "dog" / "circle").symlink_to(top)
    (top / "emu").symlink_to(outside)
    (top / "dog" / "self.png").symlink_to("self.png")
    (top / "dog" / "gone.png").symlink_to("nowhere.png")
    listing = list_folder(top)
    assert [name for name, _ in listed(top, listing)] == [
        "cat/a.png",
        "cat/inside.png",
        "dog/b.png",
    ]
    links, strange = listing.left_out
    assert links.startswith("5 links to a folder, or out of this one: ")
    for name in ("cat/out.png", "cat/up.png", "cat/folder", "dog/circle", "emu"):
        assert name in links
    assert strange.startswith("2 entries that cannot be read as a file or folder: ")


def test_a_folder_that_is_itself_a_link_is_read(tmp_path):
    lay(tmp_path / "real", "cat/a.png", "dog/b.png")
    (tmp_path / "link").symlink_to("real")
    assert len(list_folder(tmp_path / "link").files) == 2


def test_pipes_called_images_are_left_out_unopened(tmp_path):
    lay(tmp_path, "cat/a.png", "dog/b.png")
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    sentence = "1 entry that cannot be read as a file or folder: cat/pipe.png"
    assert list_folder(tmp_path).left_out == (sentence,)


def test_names_are_composed_and_said_on_one_line(tmp_path):
    lay(tmp_path, "cafe\u0301/a.png", "dog/b.png", "\x1b[31m\n\u202e/c.png")
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    (tmp_path / os.fsdecode(b"\xff") / "d.png").touch()
    (tmp_path / "x\ny").mkdir()
    listing = list_folder(tmp_path)
    assert unicodedata.normalize("NFC", "cafe\u0301") in listing.classes
    assert "\ufffd" in listing.classes
    assert listing.left_out == (r"1 class folder without images: x\ny",)


@pytest.mark.parametrize("other", ["CAT\u00c9", "cate\u0301", "Cat\u00e9"])
def test_classes_that_differ_by_capitals_or_spelling_alone_are_refused(other, tmp_path):
    lay(tmp_path, "cat\u00e9/a.png", f"{other}/b.png", "dog/c.png")
    if len(os.listdir(tmp_path)) < 3:
        pytest.skip("this disk takes them for one")
    with pytest.raises(DataError, match=r"must differ by more than capitals .* got .* and .*: ren"):
        list_folder(tmp_path)


def test_a_class_may_be_stored_differently_in_train_and_in_test(tmp_path):
    lay(tmp_path, "train/caf\u00e9/a.png", "train/dog/b.png", "test/cafe\u0301/c.png")
    listing = list_folder(tmp_path)
    assert listing.class_names == ("caf\u00e9", "dog")
    assert listing.splits == ("train", "train", "test_seen")


def test_a_flat_folder_is_refused_with_the_remedy(tmp_path):
    lay(tmp_path, "a.png", "b.png")
    with pytest.raises(DataError, match="a folder for each class, but images lie in it side by"):
        list_folder(tmp_path)


def test_one_class_is_refused_and_the_folder_of_classes_named(tmp_path):
    lay(tmp_path, "images/cat/a.png", "images/dog/b.png")
    with pytest.raises(DataError, match=r"two classes or more, got only 'images': give '.*images'"):
        list_folder(tmp_path)
    with pytest.raises(DataError, match="got only 'cat': give the folder above"):
        list_folder(lay(tmp_path / "other", "cat/a.png"))


@pytest.mark.parametrize("name", ["nowhere", "file.png"])
def test_a_folder_must_be_one(name, tmp_path):
    lay(tmp_path, "file.png")
    with pytest.raises(DataError, match="a folder of images must be a folder, and there is none"):
        list_folder(tmp_path / name)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="got none with images"):
        list_folder(tmp_path)


def test_ten_thousand_images_are_listed_at_once(tmp_path):
    for k in range(20):
        (tmp_path / f"c{k}").mkdir()
        for n in range(500):
            (tmp_path / f"c{k}" / f"{n}.png").touch()
    listing = list_folder(tmp_path)
    assert len(listing.files) == 10_000
    assert len(listing.class_names) == 20


# --- train and test ------------------------------------------------------------------------------


def test_train_and_test_folders_are_the_splits(tmp_path):
    lay(tmp_path, "train/cat/a.png", "train/dog/b.png", "test/cat/c.png", "test/emu/deep/d.png")
    listing = list_folder(tmp_path)
    of_file = dict(zip(listed(tmp_path, listing), listing.splits, strict=True))
    assert of_file == {
        ("train/cat/a.png", "cat"): "train",
        ("train/dog/b.png", "dog"): "train",
        ("test/cat/c.png", "cat"): "test_seen",
        ("test/emu/deep/d.png", "emu"): "test_unseen",
    }


@pytest.mark.parametrize("name", ["val", "Valid", "validation", "testing"])
def test_another_name_of_test(name, tmp_path):
    lay(tmp_path, "Train/cat/a.png", f"{name}/dog/b.png")
    listing = list_folder(tmp_path)
    assert set(listing.splits) == {"train", "test_unseen"}
    assert listing.left_out == ()


def test_val_is_trained_on_where_there_is_test(tmp_path):
    lay(tmp_path, "train/cat/a.png", "val/dog/b.png", "test/dog/c.png")
    listing = list_folder(tmp_path)
    of_file = {path.name: split for path, split in zip(listing.files, listing.splits, strict=True)}
    assert of_file == {"a.png": "train", "b.png": "train", "c.png": "test_seen"}
    assert listing.left_out == (
        "no image of val, but they are trained on, since there is a test folder, too",
    )


def test_classes_may_be_called_train_and_test(tmp_path):
    lay(tmp_path / "1", "train/a.png", "plane/b.png")
    assert list_folder(tmp_path / "1").class_names == ("plane", "train")
    lay(tmp_path / "2", "train/a.png", "test/b.png")
    assert list_folder(tmp_path / "2").splits is None


def test_a_class_that_is_written_differently_in_test_is_refused(tmp_path):
    lay(tmp_path, "train/cat/a.png", "train/dog/b.png", "test/Cat/c.png")
    with pytest.raises(DataError, match=r"got 'Cat' and 'cat'|got 'cat' and 'Cat'"):
        list_folder(tmp_path)


# --- Tables --------------------------------------------------------------------------------------


def table(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


FILES = ("a.png", "b.png", "deep/c.jpg")


@pytest.fixture
def folder(tmp_path) -> Path:
    return lay(tmp_path / "images", *FILES)


LAYOUTS = {
    "commas": "file,class\na.png,cat\nb.png,dog\ndeep/c.jpg,cat\n",
    "semicolons": "class;file\ncat;a.png\ndog;b.png\ncat;deep/c.jpg\n",
    "as Excel says": "sep=;\r\nfile;class\r\na.png;cat\r\nb.png;dog\r\ndeep/c.jpg;cat\r\n",
    "other names": 'Image,note,Label\na.png,"x, y",cat\n\nb.png,,dog\ndeep\\c.jpg,, cat \n',
    "a mark at the beginning": "\ufefffile,class\na.png,cat\nb.png,dog\n./deep//c.jpg,cat\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_says_the_class_of_each_file(layout, folder, tmp_path):
    listing = list_table(table(tmp_path, LAYOUTS[layout]), folder)
    assert listed(folder, listing) == list(zip(FILES, ("cat", "dog", "cat"), strict=True))
    assert listing.splits is None
    assert listing.left_out == ()


def test_tabs_divide_a_tsv(folder, tmp_path):
    text = "file\tclass\tsplit\na.png\tcat, black\ttrain\nb.png\tdog\ttest\n"
    listing = list_table(table(tmp_path, text, "t.tsv"), folder)
    assert listing.classes == ("cat, black", "dog")
    assert listing.splits == ("train", "test_unseen")


def test_a_table_says_the_splits(folder, tmp_path):
    text = "file,class,split\na.png,cat,train\nb.png,dog,Test_Unseen\ndeep/c.jpg,cat,test\n"
    listing = list_table(table(tmp_path, text), folder)
    assert listing.splits == ("train", "test_unseen", "test_seen")


def test_names_are_found_however_they_are_composed(tmp_path):
    lay(tmp_path, "cafe\u0301.png", "\u00e9.png")
    text = "file,class\ncaf\u00e9.png,cafe\u0301\ne\u0301.png,x\n"
    listing = list_table(table(tmp_path, text), tmp_path)
    assert [path.name for path in listing.files] == ["cafe\u0301.png", "\u00e9.png"]
    assert listing.classes == ("caf\u00e9", "x")


def test_links_out_of_the_folder_are_left_out_of_a_table(folder, tmp_path):
    lay(tmp_path, "secret.png")
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    listing = list_table(table(tmp_path, "file,class\na.png,cat\nout.png,dog\n"), folder)
    assert [path.name for path in listing.files] == ["a.png"]
    assert listing.left_out == ("1 linked out of the folder: out.png",)


HEAD = "file,class,split\na.png,cat,train\n"
WRONG_TABLES = {
    "no column file": (
        "name,class\na.png,cat\n",
        "line 1: a table of images must have a column file, got",
    ),
    "no column class": (
        "file,kind\na.png,cat\n",
        "line 1: a table of images must have a column class",
    ),
    "nothing": ("", "line 1: a table of images must have a column file, got ''"),
    "a heading alone": ("file,class\n", "must have a line below its heading"),
    "a line that is short": (
        HEAD + "b.png,dog\n",
        "line 3: a line must have a cell for each column",
    ),
    "no class": (
        HEAD + "b.png, ,test\n",
        "line 3: every image must have a class, got an empty cell",
    ),
    "an unknown split": (
        HEAD + "b.png,dog,test_unsen\n",
        "line 3: split must be train or test or test_seen or test_unseen, got 'test_unsen': "
        "correct it; did you mean 'test_unseen'?",
    ),
    "no split": (HEAD + "b.png,dog,\n", "line 3: split must be train or"),
    "a file twice": (
        HEAD + "./a.png,dog,test\n",
        "line 3: every image must be listed once, but './a.png' stands in line 2, too",
    ),
    "no such file": (HEAD + "bb.png,dog,test\n", "line 3: there is no file 'bb.png' in"),
    "a folder": (HEAD + "deep,dog,test\n", "line 3: a file must be an image by its ending"),
    "another kind": (HEAD + "b.svg,dog,test\n", "line 3: a file must be an image by its ending"),
    "no file": (HEAD + ",dog,test\n", "line 3: a file must be an image by its ending, got ''"),
    "a way up": (HEAD + "../a.png,dog,test\n", "line 3: a file must lie below the folder"),
    "a way up in the middle": (HEAD + "deep/../a.png,dog,test\n", "line 3: a file must lie below"),
    "a way up on Windows": (HEAD + "..\\a.png,dog,test\n", "line 3: a file must lie below"),
    "from the root": (HEAD + "/etc/a.png,dog,test\n", "line 3: a file must lie below the folder"),
    "from a drive": (HEAD + "C:\\a.png,dog,test\n", "line 3: a file must lie below the folder"),
    "from another machine": (HEAD + "\\\\host\\a.png,dog,test\n", "line 3: a file must lie below"),
    "NUL in a name": (HEAD + "a\0.png,dog,test\n", "must be text in UTF-8"),
    "a very long name": (HEAD + "a" * 5000 + ".png,dog,test\n", "line 3: there is no file"),
    "an open quote": (HEAD + '"b.png,dog,test\n', "line 3: cells must be in good quotes, but"),
    "a huge cell": (HEAD + "b" * 200_000 + ",dog,test\n", "line 3: cells must be in good quotes"),
    "classes that differ by capitals": (
        HEAD + "b.png,Cat,test\n",
        "must differ by more than capitals or how letters are stored, got 'cat' and 'Cat'",
    ),
    "an unseen class that is trained on": (
        HEAD + "b.png,cat,test_unseen\n",
        "line 3: test_unseen must hold images of classes that are not trained on, got 'cat': "
        "write test_seen",
    ),
    "a seen class that is not": (
        HEAD + "b.png,dog,test_seen\n",
        "line 3: test_seen must hold images of classes that are trained on, got 'dog'",
    ),
    "bytes that are no text": (b"file,class\n\xff\xfe.png,cat\n", "must be text in UTF-8"),
    "control characters": (HEAD + "\x1b[31m.png,dog,test\n", r"no file '\x1b[31m.png' in"),
}


@pytest.mark.parametrize("what", WRONG_TABLES)
def test_a_table_that_breaks_a_rule_is_refused_with_its_line(what, folder, tmp_path):
    text, message = WRONG_TABLES[what]
    with pytest.raises(DataError) as caught:
        list_table(table(tmp_path, text), folder)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "table.csv"))
    assert str(caught.value).isprintable()


def test_a_table_and_its_folder_must_be_there(folder, tmp_path):
    good = table(tmp_path, LAYOUTS["commas"])
    with pytest.raises(DataError, match=r"a table of images must be a file that ends in \.csv"):
        list_table(tmp_path / "table.xlsx", folder)
    with pytest.raises(DataError, match=r"and there is none: .* did you mean '.*table.csv'"):
        list_table(tmp_path / "tables.csv", folder)
    with pytest.raises(DataError, match="the folder of the images must be a folder"):
        list_table(good, tmp_path / "nowhere")
