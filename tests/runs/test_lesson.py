"""A lesson is the course without answers: nothing run, nothing told, nothing that leads nowhere."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from gsmflow_lite.cli import main
from gsmflow_lite.errors import StorageError
from gsmflow_lite.runs.lesson import ASKED, fold_answers, write_lesson

ROOT = Path(__file__).resolve().parents[2]
COURSE = sorted((ROOT / "notebooks").glob("*.ipynb"))
SAID = re.compile("<details>.*?</details>", re.DOTALL)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    write_lesson(folder)
    return folder


def notebooks(folder):
    return sorted((folder / "notebooks").rglob("*.ipynb"))


def texts(path, kind="markdown"):
    return [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def test_every_notebook_of_the_course_is_there_with_the_code_that_it_had(lesson):
    assert [path.name for path in notebooks(lesson)] == [path.name for path in COURSE]
    for copied, original in zip(notebooks(lesson), COURSE, strict=True):
        assert texts(copied, "code") == texts(original, "code")


def test_nothing_was_run_and_any_python_may_run_it(lesson):
    for path in notebooks(lesson):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert {(len(c.outputs), c.execution_count) for c in code} == {(0, None)}
        assert notebook.metadata.kernelspec.name == "python3"
        assert "version" not in notebook.metadata.language_info


def test_every_question_is_seen_and_no_word_is_lost(lesson):
    for copied, original in zip(notebooks(lesson), COURSE, strict=True):
        seen = "".join(SAID.sub("", text) for text in texts(copied))
        asked = "".join(texts(original)).count(ASKED)
        assert seen.count(ASKED) == asked > 0

        lost = set(re.findall(r"\w+", without_targets(original)))
        lost -= set(re.findall(r"\w+", without_targets(copied)))
        assert lost <= {"ipynb", "solutions", original.stem}  # a link to what was not copied


def without_targets(path):
    return re.sub(r"\]\([^)]*\)", "", "\n".join(texts(path)))


@pytest.mark.parametrize(
    "told", ["so it gets\nlower at another", "a quarter of the density", "Orange means that the"]
)
def test_what_answers_a_question_is_folded(lesson, told):
    everything = "".join("".join(texts(path)) for path in notebooks(lesson))
    assert " ".join(told.split()) not in " ".join(SAID.sub("", everything).split())


def test_only_what_is_said_between_the_question_and_the_next_section_is_folded():
    ask, ask_again = "Look. **Predict first:** up or down?", "And now? **Predict first:** left?"
    told = fold_answers([ask, None, None, f"Up.\n\n{ask_again}", None, "Right.\n\n## Next\n\nYes."])
    assert [SAID.sub("", text or "").strip() for text in told] == [
        ask, "", "", ask_again, "", "## Next\n\nYes."
    ]  # fmt: skip
    assert "Up." in told[3]
    assert fold_answers(["no question", None, "a remark"]) == ["no question", None, "a remark"]
    assert fold_answers([ask, "more of it", None, "## New\n\nx"])[1:] == [
        "more of it", None, "## New\n\nx"
    ]  # fmt: skip


def test_every_link_leads_to_a_file_of_the_lesson(lesson):
    for path in [*notebooks(lesson), *lesson.rglob("*.md")]:
        pages = texts(path) if path.suffix == ".ipynb" else [path.read_text()]
        targets = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", "".join(pages))
        for target in targets:
            place = (path.parent / target).resolve()
            assert "://" in target or (place.is_file() and place.is_relative_to(lesson.resolve()))


def test_it_names_no_folder_of_this_machine(lesson):
    for path in lesson.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(str(place).encode() in content for place in (ROOT, Path.home() / ".cache"))


def test_the_same_course_is_copied_to_the_same_bytes(lesson, tmp_path):
    write_lesson(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (lesson / path.relative_to(tmp_path)).read_bytes()


def test_the_solutions_come_only_where_they_are_asked_for(lesson, tmp_path):
    assert not (lesson / "notebooks" / "solutions").exists()
    start = write_lesson(tmp_path, answers=True)
    assert len(notebooks(tmp_path)) == 2 * len(COURSE)
    assert "](solutions/00_start_here.ipynb)" in "".join(texts(start))
    assert "](solutions/" not in (lesson / "notebooks" / start.name).read_text()


def test_a_file_of_yours_is_not_replaced(tmp_path, capsys):
    assert main(["lesson", str(tmp_path)]) == 0
    assert "jupyter lab" in capsys.readouterr().out
    mine = tmp_path / "notebooks" / COURSE[3].name
    mine.write_text("my guesses")
    for path in [*notebooks(tmp_path)]:
        if path != mine:
            path.unlink()

    assert main(["lesson", str(tmp_path)]) == 2
    assert "must not replace files" in capsys.readouterr().err
    assert mine.read_text() == "my guesses"
    assert notebooks(tmp_path) == [mine]


def test_a_file_where_the_folder_should_be_is_said(tmp_path):
    (tmp_path / "here").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        write_lesson(tmp_path / "here")


def test_a_package_without_the_course_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("gsmflow_lite.runs.lesson.__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(StorageError, match="comes with the package"):
        write_lesson(tmp_path)


def test_cells_keep_their_names_so_that_a_later_copy_can_be_compared(lesson):
    first = json.loads((lesson / "notebooks" / COURSE[0].name).read_text())
    assert [cell["id"] for cell in first["cells"]][:2] == ["c00", "c01"]
