"""What every panel has, tried on a toy: undo, states, a log, escaped words, no widget left."""

import base64
import gc
import weakref

import ipywidgets as widgets
import numpy as np
import pytest
from live_widgets import live_widgets

from gsmflow_lite.errors import ConfigError, DataError
from gsmflow_lite.figures.style import still_figure
from gsmflow_lite.panels.controls import Chooser, choice, slider, switch
from gsmflow_lite.panels.live import LiveFigure
from gsmflow_lite.panels.panel import FRAMES_KEPT, OPEN_PANELS, Panel
from gsmflow_lite.panels.tools import close_all

NAMES = ("Q", "<i>&=", "$O$")
VIEW = "application/vnd.jupyter.widget-view+json"


class Toy(Panel):
    kind = "toy"
    help = "Move a slider."

    def __init__(self, *, name: str = "toy", hide=(), start: str = "") -> None:
        controls = {
            "share": slider("share", 0.5, 0.0, 1.0, 0.01, ""),
            "count": slider("count", 3, 1, 9, 1, ""),
            "on": switch("on", True, ""),
            "lens": choice("lens", ["pca", "umap"], "pca", ""),
            "classes": Chooser("classes", NAMES, ("Q",)),
        }
        self.drawn: list[dict] = []
        self.trouble = ""
        super().__init__(controls, name=name, hide=hide, start=start)
        shown = [getattr(control, "widget", control) for control in self.controls.values()]
        self.arrange(shown, [widgets.HTML("view")])

    def refresh(self) -> None:
        if self.trouble:
            raise DataError(self.trouble)
        self.drawn.append(self.settings)

    def code(self) -> str:
        return f"draw({self.settings['classes']!r}, '<script>')"

    def still(self):
        return still_figure(2, 2, "toy", "")


@pytest.fixture
def toy():
    panel = Toy()
    yield panel
    panel.close()


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def line(panel) -> str:
    return panel.tools.line.value


# --- settings, undo, reset --------------------------------------------------------------------


def test_each_move_is_drawn_once(toy):
    toy.controls["count"].value = 4
    toy.set(share=0.25, on=False)
    drawn = [(settings["count"], settings["share"], settings["on"]) for settings in toy.drawn]
    assert drawn == [(4, 0.5, True), (4, 0.25, False)]


def test_the_first_line_says_what_to_do(toy):
    assert toy.help in line(toy)


def test_settings_as_they_are_draw_nothing(toy):
    toy.set(**toy.settings)
    assert toy.drawn == []


def test_moves_of_one_control_within_a_second_are_undone_together(toy, clock):
    for value in (4, 5, 6):
        toy.controls["count"].value = value
        clock(0.9)
    toy.undo()
    assert toy.settings["count"] == 3


def test_moves_of_one_control_with_a_pause_between_are_undone_one_by_one(toy, clock):
    toy.controls["count"].value = 4
    clock(1.1)
    toy.controls["count"].value = 5
    toy.undo()
    assert toy.settings["count"] == 4


def test_moves_of_two_controls_are_undone_one_by_one(toy, clock):
    toy.controls["count"].value = 4
    toy.controls["share"].value = 0.25
    toy.undo()
    assert (toy.settings["count"], toy.settings["share"]) == (4, 0.5)


def test_what_was_set_together_is_undone_together_and_never_joined_to_the_move_before(toy, clock):
    toy.set(count=4)
    toy.set(count=5, share=0.25)
    toy.undo()
    assert (toy.settings["count"], toy.settings["share"]) == (4, 0.5)


def test_a_move_after_an_undo_is_a_move_of_its_own(toy, clock):
    toy.controls["count"].value = 4
    toy.undo()
    toy.controls["count"].value = 5
    toy.undo()
    assert toy.settings["count"] == 3


def test_undo_draws_once_and_with_nothing_to_undo_not_at_all(toy):
    toy.undo()
    assert toy.drawn == []
    toy.set(count=4, on=False)
    toy.undo()
    assert [settings["count"] for settings in toy.drawn] == [4, 3]


def test_the_button_of_undo_can_be_pressed_only_when_there_is_something_to_undo(toy):
    assert toy.tools.undo.disabled
    toy.set(count=4)
    assert not toy.tools.undo.disabled
    toy.tools.undo.click()
    assert toy.tools.undo.disabled


def test_reset_goes_to_the_start_and_undo_comes_back(toy):
    toy.set(count=4, classes=("$O$",))
    before = toy.settings
    toy.reset()
    assert (toy.settings["count"], toy.settings["classes"]) == (3, ("Q",))
    toy.undo()
    assert toy.settings == before


def test_a_name_that_is_no_setting_is_refused(toy):
    with pytest.raises(
        ConfigError,
        match="this panel has no setting 'cuont': it has share, count, on, lens, classes",
    ):
        toy.set(cuont=4)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 99, r"count cannot be '99': it must be from 1 to 9"),
        ("share", -0.5, r"share cannot be '-0.5': it must be from 0.0 to 1.0"),
        ("share", float("nan"), "share cannot be 'nan'"),
        ("count", "many", "count cannot be 'many'"),
        ("lens", "tsne", "lens cannot be 'tsne': that is not an option of it, choose one that is"),
        ("classes", ("Q", "dodo"), "there is no class 'dodo'"),
        ("classes", ("Ω",), "^classes cannot be 'Ω': there is no class 'Ω'$"),
        ("classes", ("Ω", "Q"), "^classes cannot be 'Ω' and 'Q': there is no class 'Ω'$"),
        ("on", "maybe", "on cannot be 'maybe'"),
    ],
)
def test_a_value_that_a_control_would_bend_is_refused_and_nothing_moves(toy, name, value, words):
    before = toy.settings
    values = {"lens": "umap", "on": False, name: value}
    backwards = dict(reversed(values.items()))
    for settings in (values, backwards):
        with pytest.raises(ConfigError, match=words):
            toy.set(**settings)
        assert toy.settings == before
    assert toy.drawn == []
    assert toy.tools.undo.disabled


# --- state ------------------------------------------------------------------------------------


def test_a_state_restores_everything_in_another_panel(toy):
    toy.set(share=0.1 + 0.2, count=7, on=False, lens="umap", classes=NAMES[1:])
    other = Toy(name="other", start=toy.state())
    assert other.settings == toy.settings
    other.close()


def test_a_panel_that_starts_from_a_state_resets_to_the_start_of_all():
    toy = Toy(start="toy?count=7")
    toy.reset()
    assert toy.settings["count"] == 3
    toy.close()


def test_restore_takes_all_or_nothing(toy):
    before = toy.settings
    with pytest.raises(ConfigError, match="count cannot be '99'"):
        toy.restore("toy?share=0.1&count=99")
    assert toy.settings == before


def test_restore_is_undone_in_one_step(toy):
    toy.restore("toy?share=0.1&count=7&on=off")
    toy.undo()
    assert toy.state() == "toy"


def test_the_field_of_the_state_follows_and_is_followed(toy):
    toy.set(count=4)
    assert toy.tools.text.value == "toy?count=4"
    toy.tools.text.value = " toy?count=6 "
    assert toy.settings["count"] == 6
    assert toy.tools.text.value == "toy?count=6"


def test_a_foreign_text_in_the_field_is_answered_in_words_and_changes_nothing(toy):
    toy.tools.text.value = "<img src=x>"
    assert "must begin with &#x27;toy&#x27;, got &#x27;&lt;img src=x&gt;&#x27;" in line(toy)
    assert 'role="alert"' in line(toy)
    assert toy.state() == "toy"


def test_a_complaint_goes_with_the_next_good_move(toy):
    toy.tools.text.value = "nonsense"
    toy.set(count=4)
    assert "alert" not in line(toy)


# --- hide, log, code, words -------------------------------------------------------------------


def test_a_hidden_control_is_not_shown_and_still_set():
    toy = Toy(hide=["count", "classes"], start="toy?count=5")
    hidden = {name for name, control in toy.controls.items() if control.layout.display == "none"}
    assert hidden == {"count", "classes"}
    assert toy.settings["count"] == 5
    toy.close()


def test_hiding_what_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"hide must name controls of this panel .*, got 'cuont'"):
        Toy(hide=["cuont"])


def test_the_log_has_the_same_settings_once_with_their_latest_scores(toy):
    toy.remember({"H": 0.12345})
    toy.set(count=4)
    toy.remember({"H": 0.5})
    toy.set(count=3)
    toy.remember({"H": 0.25})
    assert toy.log.to_dict("list") == {"state": ["toy?count=4", "toy"], "H": [0.5, 0.25]}


def test_a_line_of_the_log_takes_back_to_its_settings(toy):
    toy.set(count=4)
    toy.remember({"H": 0.5})
    toy.set(count=8, on=False)
    tried = toy.tools.tried
    assert [text for text, _ in tried.options] == [
        "settings that were tried: 1",
        "toy?count=4   H 0.50",
    ]
    tried.value = "toy?count=4"
    assert (toy.state(), tried.value) == ("toy?count=4", "")


def test_the_code_is_shown_on_demand_and_is_text(toy):
    assert toy.tools.code.value == ""
    toy.tools.show.value = True
    toy.set(classes=("<i>&=",))
    assert "&lt;i&gt;&amp;=" in toy.tools.code.value
    assert "&lt;script&gt;" in toy.tools.code.value
    assert "<script>" not in toy.tools.code.value
    toy.tools.show.value = False
    assert toy.tools.code.layout.display == "none"


@pytest.mark.parametrize("bad", [True, False])
def test_what_is_said_is_text_on_one_line(toy, bad):
    toy.say("<b>a\nb</b>", bad=bad)
    assert "&lt;b&gt;a b&lt;/b&gt;" in line(toy)
    assert ('role="alert"' in line(toy)) == bad


def test_an_error_of_ours_while_drawing_is_said_in_the_panel(toy):
    toy.trouble = "<no> rows"
    toy.set(count=4)
    assert "&lt;no&gt; rows" in line(toy)
    assert 'role="alert"' in line(toy)


# --- background work --------------------------------------------------------------------------


def test_a_result_is_there_after_waiting_and_the_bar_is_gone(toy):
    results = []
    toy.submit("sums", lambda task: sum(range(10)), results.append)
    assert toy.wait(10) is toy
    assert results == [45]
    assert toy.tools.bar.layout.visibility == "hidden"
    assert toy.tools.stop.layout.visibility == "hidden"
    assert "sums" not in line(toy)


def test_a_job_that_fails_is_said_in_the_panel(toy):
    def fail(task):
        raise DataError("no <rows>")

    toy.submit("sums", fail, lambda result: None)
    toy.wait(10)
    assert "sums: no &lt;rows&gt;" in line(toy)


def test_cancel_says_that_nothing_has_changed_and_the_word_stays(toy):
    toy.submit("sums", lambda task: [task() for _ in iter(int, 1)], lambda result: None)
    toy.tools.stop.click()
    toy.wait(10)
    assert "cancelled: what is shown is as it was before" in line(toy)
    assert toy.tools.bar.layout.visibility == "hidden"


# --- showing and closing ----------------------------------------------------------------------


def test_a_second_panel_of_a_name_ends_the_first_and_a_sentence_stays_in_its_place():
    first = Toy()
    controls = list(first.controls.values())
    second = Toy()
    (note,) = first.tools.box.children
    assert "another one named &#x27;toy&#x27; was opened" in note.value
    assert "toy(name=&#x27;second&#x27;)" in note.value
    assert first.tools.box.comm is not None
    assert all(c.comm is None for c in controls if isinstance(c, widgets.Widget))
    assert second.tools.box.comm is not None
    assert OPEN_PANELS["toy"] is second
    second.close()
    assert "toy" not in OPEN_PANELS


def test_only_some_sentences_of_closed_panels_are_kept():
    Toy()
    for _ in range(FRAMES_KEPT):
        Toy()
    before = len(live_widgets())
    for _ in range(3):
        last = Toy()
    assert len(live_widgets()) == before
    last.close()


def test_panels_of_different_names_live_beside_each_other():
    first = Toy(name="a")
    second = Toy(name="b")
    assert first.tools.box.comm is not None
    first.close()
    assert second.tools.box.comm is not None
    second.close()


def test_closing_the_first_late_leaves_the_second_open():
    first = Toy()
    second = Toy()
    first.close()
    assert OPEN_PANELS["toy"] is second
    second.close()


def test_close_frees_every_widget():
    before = set(live_widgets())
    toy = Toy()
    toy.set(count=4)
    assert set(live_widgets()) > before
    toy.close()
    assert set(live_widgets()) == before


def test_nothing_holds_a_closed_figure():
    figure = LiveFigure()
    held = weakref.ref(figure)
    close_all(figure)
    del figure
    for _ in range(2):  # widgets have finalisers, which the first pass runs
        gc.collect()
    assert held() is None


def test_no_widget_is_made_by_two_hundred_moves(toy):
    before = set(live_widgets())
    rng = np.random.default_rng(0)
    toy.tools.show.value = True
    for _ in range(200):
        share = float(rng.random())
        count = int(rng.integers(1, 10))
        toy.set(share=share, count=count)
        toy.remember({"H": rng.random()})
    assert set(live_widgets()) == before


def test_importing_the_panels_makes_no_widget():
    import subprocess
    import sys

    code = (
        "import gsmflow_lite.panels.panel\n"
        "from ipywidgets.widgets.widget import _instances\n"
        "print(len(_instances))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "0", done.stderr


def test_a_panel_is_a_live_view_and_a_picture_for_where_no_kernel_runs(toy):
    bundle = toy._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == toy.widget.model_id
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"].startswith("toy: a panel")
    assert "text/html" not in bundle
