"""From a folder of images to a data set: the right rows, quick again, broken images are said."""

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from colour_folders import COLOURS, IMAGES, MeanColour, colour_folder, letters_encoder, middle_of

from gsmflow_lite import ConfigError, DataError, from_images, load
from gsmflow_lite.datasets import FeaturesOnDisk, save_folder, save_npz
from gsmflow_lite.events import Stage, Step
from gsmflow_lite.images import backbone, extraction
from gsmflow_lite.images.extraction import in_order

pytest.importorskip("PIL")
SIDE = 16
CLASSES = sorted(COLOURS)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    return colour_folder(tmp_path / "colours")


def made(folder, net=None, **options):
    """A data set by a function that is kept under a name, or by the backbone that is given."""
    if net is None or isinstance(net, MeanColour):
        net = backbone(net or MeanColour(), name="mean colour", side=SIDE)
    options = {"watch": lambda event: None, "encoder": letters_encoder, "thumbnails": 8} | options
    return from_images(folder, backbone=net, **options)


def expected(folder, classes=CLASSES):
    paths = [folder / name / f"img{k}.png" for name in classes for k in range(IMAGES)]
    return np.stack([middle_of(path) for path in paths])


def test_rows_are_the_images_in_order_with_their_classes(folder):
    data = made(folder, unseen=["blue", "grey"])
    np.testing.assert_array_equal(data.features, expected(folder))
    assert list(data.class_names) == CLASSES
    np.testing.assert_array_equal(data.labels, np.repeat(np.arange(5), IMAGES))
    assert [data.class_names[k] for k in data.unseen_classes] == ["blue", "grey"]


def test_pictures_are_small_whole_images_on_white(folder):
    data = made(folder, unseen=["blue"])
    assert data.images.shape == (25, 8, 8, 3)
    assert data.images.dtype == np.uint8
    np.testing.assert_array_equal(data.images[:, 4, 4], expected(folder))
    assert (data.images[0, 0] == 255).all()  # images are wider than high


def test_it_says_what_made_features_and_descriptions(folder):
    data = made(folder, unseen=["blue"])
    assert data.backbone == "mean colour"
    assert "letters_encoder" in data.text_encoder
    assert [list(texts) for texts in data.texts] == [[name] for name in CLASSES]
    assert data.source == f"{folder} (mean colour)"
    assert data.name == "colours"


def test_descriptions_may_be_numbers_and_of_classes_without_images(folder, tmp_path):
    table = tmp_path / "colours.csv"
    lines = [f"{name},{','.join(map(str, rgb))}" for name, rgb in COLOURS.items()]
    table.write_text("\n".join(["class,r,g,b", "violet,150,20,200", *lines]))
    data = made(folder, descriptions=table, unseen=["blue"], scale_columns=False)
    np.testing.assert_array_equal(data.attributes, [COLOURS[name] for name in CLASSES])
    assert list(data.attribute_names) == ["r", "g", "b"]
    assert data.texts is None


def table_of_sizes(tmp_path, red=(0, 500, 7)):
    """Wings (0 or 1), a size in cm and a constant column, of each class of colours."""
    rows = {"blue": (1, 5, 7), "green": (0, 255, 7), "grey": (1, 5, 7), "yellow": (1, 5, 7)}
    lines = [",".join(map(str, (name, *row))) for name, row in (rows | {"red": red}).items()]
    table = tmp_path / "sizes.csv"
    table.write_text("\n".join(["class,wings,size,same", *lines]))
    return table


def test_each_column_of_a_table_is_brought_to_one_range_and_that_is_noted(folder, tmp_path):
    table = table_of_sizes(tmp_path)
    data = made(folder, descriptions=table, unseen=["blue"])
    expected = {"blue": (1, 0, 0), "green": (0, 250 / 495, 0), "red": (0, 1, 0)}
    for name, row in expected.items():
        number = list(data.class_names).index(name)
        np.testing.assert_allclose(data.attributes[number], row, rtol=1e-6)
    assert any("columns of attributes were brought to 0..1" in note for note in data.notes)
    written = made(folder, descriptions=table, unseen=["blue"], scale_columns=False)
    assert written.attributes.max() == 500
    assert not any("brought to" in note for note in written.notes)
    assert any("'size' from 5 to 500" in note for note in written.notes)


def test_a_class_that_is_lowest_everywhere_still_has_a_description(folder, tmp_path):
    table = table_of_sizes(tmp_path, red=(0, 1, 7))
    data = made(folder, descriptions=table, unseen=["blue"])
    red = data.attributes[list(data.class_names).index("red")]
    np.testing.assert_allclose(red, [0, 1 / 255, 1], rtol=1e-6)


def test_what_is_in_one_range_already_and_texts_are_left_as_they_are(folder, tmp_path):
    table = tmp_path / "wings.csv"
    rows = [f"{name},{n % 2},{(n + 1) % 2},1" for n, name in enumerate(CLASSES)]
    table.write_text("\n".join(["class,wings,fins,alive", *rows]))
    kept = made(folder, descriptions=table, unseen=["blue"]).attributes[:, 2]
    assert (kept == 1).all()
    for descriptions in (table, None):
        data = made(folder, descriptions=descriptions, unseen=["blue"])
        assert not any("brought to" in note for note in data.notes)


def test_a_class_whose_folder_was_renamed_is_said_with_its_old_name(folder, tmp_path):
    table = table_of_sizes(tmp_path)
    (folder / "red").rename(folder / "crimson")
    with pytest.raises(DataError) as caught:
        made(folder, descriptions=table, unseen=["blue"])
    assert "'crimson' is not among them (1 such class)" in str(caught.value)
    assert "'red' is described, but no class here is called so" in str(caught.value)


def test_a_class_without_a_description_is_named(folder, tmp_path):
    table = tmp_path / "colours.csv"
    table.write_text("class,r,g\n" + "\n".join(f"{name},1,2" for name in CLASSES if name != "red"))
    with pytest.raises(DataError, match="red"):
        made(folder, descriptions=table, unseen=["blue"])


# --- the cache -----------------------------------------------------------------------------------


def test_a_second_call_asks_the_backbone_nothing(folder):
    first = made(folder, unseen=["blue"])
    net = MeanColour()
    second = made(folder, net, unseen=["blue"])
    assert net.asked == 2  # the two black images by which its width is found
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.images, second.images)


def test_only_what_is_new_is_looked_at(folder):
    made(folder, unseen=["blue"])
    (folder / "red" / "img0.png").rename(folder / "red" / "moved.png")
    from PIL import Image

    Image.new("RGB", (9, 9), (1, 2, 3)).save(folder / "red" / "new.png")
    net = MeanColour()
    made(folder, net, unseen=["blue"])
    assert net.asked == 2 + 1


def test_a_call_that_was_interrupted_goes_on(folder):
    stopped = MeanColour(stop_after=2 + 8)
    small = replace(backbone(stopped, name="mean colour", side=SIDE), at_once=4)
    with pytest.raises(KeyboardInterrupt):
        made(folder, small, unseen=["blue"])
    net = MeanColour()
    data = made(folder, net, unseen=["blue"])
    assert net.asked == 2 + 25 - 8
    np.testing.assert_array_equal(data.features, expected(folder))


def test_a_function_without_a_name_is_asked_each_time(folder):
    for _ in range(2):
        net = MeanColour()
        made(folder, backbone(net, side=SIDE), unseen=["blue"])
        assert net.asked == 2 + 25


def test_images_with_one_content_are_looked_at_once(folder):
    for number in range(4):
        content = (folder / "red" / "img0.png").read_bytes()
        (folder / "red" / f"copy{number}.png").write_bytes(content)
    net = MeanColour()
    data = made(folder, net, unseen=["blue"])
    assert net.asked == 2 + 25
    red = data.features[data.of_class(CLASSES.index("red"))]
    assert len(red) == 9
    assert len(np.unique(red, axis=0)) == 5
    np.testing.assert_array_equal(made(folder, unseen=["blue"]).features, data.features)
    assert any("1 image occurs more than once: leave the copies out" in n for n in data.notes)


def test_an_image_in_two_classes_is_said(folder):
    (folder / "blue" / "img0.png").write_bytes((folder / "red" / "img0.png").read_bytes())
    notes = made(folder, unseen=["blue"]).notes
    assert any("1 image occurs more than once, 1 of them in several classes" in n for n in notes)
    (folder / "red" / "img0.png").write_text("no image")
    (folder / "blue" / "img0.png").write_text("no image")
    assert not any("occurs" in note for note in made(folder, unseen=["blue"]).notes)


# --- broken images -------------------------------------------------------------------------------


def test_broken_images_are_left_out_and_named_and_the_others_keep_their_rows(folder):
    (folder / "red" / "img1.png").write_text("no image")
    (folder / "blue" / "img0.png").write_bytes(b"")
    data = made(folder, unseen=["blue"])
    broken = {("red", 1), ("blue", 0)}
    keep = [(n, k) for n in CLASSES for k in range(IMAGES) if (n, k) not in broken]
    rows = np.stack([middle_of(folder / n / f"img{k}.png") for n, k in keep])
    np.testing.assert_array_equal(data.features, rows)
    np.testing.assert_array_equal(data.images[:, 4, 4], rows)
    assert [data.class_names[k] for k in data.labels] == [n for n, _ in keep]
    (note,) = [note for note in data.notes if "left out" in note]
    assert note.startswith("2 of 25 images were left out")
    assert "img1.png" in note
    assert "img0.png" in note


def test_broken_files_of_one_content_are_each_named_by_their_own_path(folder):
    broken = [folder / name / "img3.png" for name in ("blue", "green", "red")]
    for path in broken:
        path.write_text("<html>404</html>")
    (note,) = [n for n in made(folder, unseen=["blue"]).notes if "left out" in n]
    for path in broken:
        assert note.count(f"{path}: an image must be") == 1


def test_a_class_of_which_no_image_can_be_read_is_left_out_with_a_note(folder):
    whole = made(folder, unseen=["blue"])
    for path in (folder / "red").iterdir():
        path.write_text("no image")
    data = made(folder, unseen=["blue"])
    assert "red" not in data.class_names
    np.testing.assert_array_equal(data.attributes, whole.attributes[[0, 1, 2, 4]])
    assert any("1 class is left out, of which no image can be read: 'red'" in n for n in data.notes)
    with pytest.raises(DataError, match="none of 'red'"):
        made(folder, unseen=["red"])


def test_a_folder_without_any_readable_image_is_refused(folder):
    for path in folder.glob("*/*.png"):
        path.write_text("no image")
    with pytest.raises(DataError, match="at least one image must be readable, got none of 25"):
        made(folder)


# --- unseen classes and splits -------------------------------------------------------------------


def unseen_of(data):
    return [data.class_names[k] for k in data.unseen_classes]


def test_a_quarter_and_at_least_two_are_drawn_by_the_seed_if_nothing_is_said(folder):
    draws = [unseen_of(made(folder, seed=seed)) for seed in range(6)]
    assert {len(draw) for draw in draws} == {2}
    assert len(set(map(tuple, draws))) > 1
    data = made(folder, seed=3)
    assert unseen_of(data) == draws[3]
    assert any("2 unseen classes were drawn with seed 3" in note for note in data.notes)


@pytest.mark.parametrize(("unseen", "count"), [(1, 1), (3, 3), (0.4, 2), ("2", 2), ("0.6", 3)])
def test_so_many_or_such_a_share_are_drawn(folder, unseen, count):
    assert len(unseen_of(made(folder, unseen=unseen))) == count


def test_unseen_classes_may_be_one_name_or_a_file_of_names(folder, tmp_path):
    (tmp_path / "unseen.txt").write_text("blue\n\n  grey \n")
    assert unseen_of(made(folder, unseen="blue")) == ["blue"]
    assert unseen_of(made(folder, unseen=tmp_path / "unseen.txt")) == ["blue", "grey"]
    assert unseen_of(made(folder, unseen=str(tmp_path / "unseen.txt"))) == ["blue", "grey"]


def test_a_class_that_is_called_as_a_number_is_that_class(tmp_path):
    folder = colour_folder(tmp_path / "numbers")
    (folder / "grey").rename(folder / "2")
    words = {name: f"a colour called {name}" for name in ("2", *COLOURS)}
    assert unseen_of(made(folder, descriptions=words, unseen="2")) == ["2"]


@pytest.mark.parametrize(
    ("unseen", "kind", "message"),
    [
        (["blau"], DataError, "got 'blau'"),
        ("gray", DataError, "did you mean 'grey'"),
        (4, DataError, "at least 2 classes must be seen and one unseen"),
        (9, DataError, "at least 2 classes must be seen and one unseen"),
        ([], DataError, "at least 2 classes must be seen and one unseen"),
        (0, ConfigError, "unseen must be at least 1"),
        (1.0, ConfigError, "between 0 and 1"),
        (True, ConfigError, "names or a number"),
        (object(), ConfigError, "names or a number"),
    ],
)
def test_unseen_classes_that_cannot_be_are_refused(folder, unseen, kind, message):
    net = MeanColour()
    with pytest.raises(kind, match=message):
        made(folder, net, unseen=unseen)


def test_unknown_names_are_refused_before_any_image_is_looked_at(folder):
    net = MeanColour()
    with pytest.raises(DataError):
        made(folder, net, unseen=["blau"])
    assert net.asked == 2


def test_a_share_of_each_seen_class_is_held_out(folder):
    data = made(folder, unseen=["blue"], test_share=0.4)
    for number in data.seen_classes:
        assert len(data.of_class(number, data.test_seen)) == 2
        assert len(data.of_class(number, data.train)) == 3
    assert len(data.test_unseen) == IMAGES


def test_a_seen_class_with_one_image_is_named(folder):
    for number in range(1, IMAGES):
        (folder / "red" / f"img{number}.png").unlink()
    with pytest.raises(DataError, match=r"at least 2 images, .* got 1 of 'red'"):
        made(folder, unseen=["blue"])
    assert len(made(folder, unseen=["red"]).test_unseen) == 1


@pytest.mark.parametrize("share", [0, 1, -0.1, "a fifth", None])
def test_a_share_that_leaves_one_side_empty_is_refused(folder, share):
    with pytest.raises(ConfigError, match="test_share must be"):
        made(folder, test_share=share)


def table_of(folder, rows):
    table = folder.parent / "images.csv"
    table.write_text("\n".join(["file,class,split", *(",".join(row) for row in rows)]))
    return table


def rows_of_table(**splits):
    """A row for each image; ``splits`` has the first letter of the split of each of a class."""
    names = {"t": "train", "s": "test_seen", "u": "test_unseen"}
    return [
        (f"{name}/img{k}.png", name, names[letter])
        for name, letters in splits.items()
        for k, letter in enumerate(letters)
    ]


def test_splits_of_a_table_are_kept(folder):
    rows = rows_of_table(red="ttsst", green="stttt", blue="uuuuu", grey="ttttss"[:5])
    data = made(folder, table=table_of(folder, rows))
    assert unseen_of(data) == ["blue"]
    splits = np.full(len(rows), "?", dtype=object)
    for split in ("train", "test_seen", "test_unseen"):
        splits[getattr(data, split)] = split
    assert splits.tolist() == [split for _, _, split in rows]


def test_a_seen_class_that_a_table_gives_no_tests_is_named(folder):
    rows = rows_of_table(red="ttttt", green="stttt", blue="uuuuu", grey="ttts")
    with pytest.raises(DataError, match="got 5 and 0 of 'red'"):
        made(folder, table=table_of(folder, rows))


def test_classes_for_tests_alone_must_be_among_the_unseen_ones(folder):
    rows = rows_of_table(red="tttss", green="stttt", blue="uuuuu", grey="ttts")
    with pytest.raises(DataError, match="got none of 'blue'"):
        made(folder, table=table_of(folder, rows), unseen=["grey"])
    data = made(folder, table=table_of(folder, rows), unseen=["grey", "blue"])
    assert unseen_of(data) == ["blue", "grey"]
    assert "blue" in unseen_of(made(folder, table=table_of(folder, rows), unseen=2))


# --- threads and memory --------------------------------------------------------------------------


def test_what_is_done_in_threads_comes_in_the_order_of_the_items():
    def slow(item):
        time.sleep(0.01 * (item % 3 == 0))
        return item, threading.current_thread().name

    done = list(in_order(slow, range(30), ahead=4))
    assert [item for item, _ in done] == list(range(30))
    assert len({name for _, name in done}) == 2


def test_no_more_is_begun_than_may_wait():
    begun = []
    for count, _ in enumerate(in_order(begun.append, range(100), ahead=5)):
        assert len(begun) <= count + 6
    assert len(begun) == 100


def test_what_a_thread_raises_comes_out_and_the_rest_is_not_begun():
    begun = []

    def work(item):
        begun.append(item)
        if item == 3:
            raise ZeroDivisionError
        return item

    done = in_order(work, range(1000), ahead=5)
    assert [next(done) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(done)
    assert len(begun) < 12


def test_an_unforeseen_error_while_reading_is_not_swallowed(folder, monkeypatch):
    def fails(image, side):
        raise AttributeError("unforeseen")

    monkeypatch.setattr(extraction, "thumbnail", fails)
    with pytest.raises(AttributeError, match="unforeseen"):
        made(folder, unseen=["blue"])


def test_what_is_large_for_the_memory_stays_on_disk_and_is_the_same(folder, monkeypatch, tmp_path):
    (folder / "red" / "img1.png").write_text("no image")
    (folder / "blue" / "img0.png").write_text("no image")
    monkeypatch.setattr(extraction, "ROWS_MOVED", 4)
    inside = made(folder, unseen=["blue"])
    monkeypatch.setattr(extraction, "memory_in_bytes", lambda: 1000.0)
    outside = made(folder, unseen=["blue"])
    assert isinstance(inside.features, np.ndarray)
    assert isinstance(outside.features, FeaturesOnDisk)
    np.testing.assert_array_equal(outside.features[:], inside.features)
    np.testing.assert_array_equal(outside.images, inside.images)
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_a_second_data_set_on_disk_leaves_the_first_as_it_was(folder, monkeypatch):
    monkeypatch.setattr(extraction, "memory_in_bytes", lambda: 1000.0)
    first = made(folder, unseen=["blue"])
    before = first.features[:]
    made(folder, unseen=["blue"])
    np.testing.assert_array_equal(first.features[:], before)


# --- progress, files -----------------------------------------------------------------------------


def test_each_stage_counts_to_its_end(folder):
    events = []
    made(folder, unseen=["blue"], watch=events.append)
    stages = [event for event in events if isinstance(event, Stage)]
    assert [(stage.name, stage.total) for stage in stages] == [
        ("reading files", 25),
        ("looking at images", 25),
    ]
    for stage in stages:
        steps = [e.done for e in events if isinstance(e, Step) and e.stage == stage.name]
        assert steps == list(range(1, 26))


@pytest.mark.parametrize("save", [save_npz, save_folder])
def test_a_file_keeps_pictures_texts_and_what_made_them(folder, tmp_path, save):
    data = made(folder, unseen=["blue"])
    again = load(save(data, tmp_path / "data"))
    np.testing.assert_array_equal(again.images, data.images)
    assert (again.backbone, again.text_encoder) == (data.backbone, data.text_encoder)
    assert again.validation_fold().backbone == data.backbone
    assert again.texts == data.texts


def test_a_run_says_what_made_the_features_in_its_result_and_its_model(folder, tmp_path):
    from gsmflow_lite import SavedModel, lite
    from gsmflow_lite.runs import run_experiment

    data = made(folder, unseen=["blue"])
    config = lite()
    config = replace(config, folds=1, training=replace(config.training, epochs=1))
    experiment = run_experiment(data, config, baselines=False, n=10)
    experiment.save(tmp_path / "run")
    saved = SavedModel.load(tmp_path / "run" / "model.safetensors")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    for said in (saved.notes, result):
        assert said["backbone"] == "mean colour"
        assert "letters_encoder" in said["text_encoder"]
