"""A state is a short text that gives every setting back; any other text is refused in words."""

import base64
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsmflow_lite.errors import ConfigError
from gsmflow_lite.panels import compare, design, dissect, explore, train
from gsmflow_lite.panels.explore_controls import VIEW_SETTINGS
from gsmflow_lite.panels.state import LONGEST_STATE, from_text, seal, to_text, unsealed

START = {"on": True, "count": 3, "share": 0.5, "word": "all", "classes": ("Q", "O")}

hostile = st.text(
    st.one_of(st.sampled_from("&=?+%#;\n\t /<>$\\\"'"), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)
choices = st.fixed_dictionaries(
    {
        "on": st.booleans(),
        "count": st.integers(),
        "share": st.floats(allow_nan=False),
        "word": hostile,
        "classes": st.lists(hostile.filter(bool), unique=True, max_size=4).map(tuple),
    }
)


@settings(deadline=None)
@given(choices)
def test_every_setting_comes_back(values):
    assert from_text("toy", to_text("toy", values, START), START) == values


@settings(deadline=None)
@given(choices)
def test_a_state_is_one_line_of_plain_characters(values):
    text = to_text("toy", values, START)
    assert text.isascii()
    assert len(text.split()) == 1


def test_only_what_differs_from_the_start_is_written():
    assert to_text("toy", START, START) == "toy"
    assert to_text("toy", START | {"share": 1.0, "on": False}, START) == "toy?on=off&share=1"


def test_a_value_of_a_slider_comes_back_to_its_last_digit():
    value = 0.1 + 0.2
    assert (
        from_text("toy", to_text("toy", START | {"share": value}, START), START)["share"] == value
    )


def test_no_class_at_all_is_a_choice_too():
    text = to_text("toy", START | {"classes": ()}, START)
    assert text == "toy?classes="
    assert from_text("toy", text, START)["classes"] == ()


def test_a_name_twice_is_chosen_once():
    assert from_text("toy", "toy?classes=a&classes=b&classes=a", START)["classes"] == ("a", "b")


def test_blanks_around_a_copied_text_do_no_harm():
    assert from_text("toy", "  toy?count=4\n", START)["count"] == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a state of this panel must begin with 'toy', got ''"),
        (
            "other?count=4",
            r"must begin with 'toy', got 'other\?count=4': was it copied from another one",
        ),
        ("toyota?count=4", "must begin with 'toy'"),
        ("javascript:alert(1)", "must begin with 'toy'"),
        (
            "toy?cuont=4",
            "this panel has no setting 'cuont': it has on, count, share, word, classes",
        ),
        ("toy?on=1", "on must be on or off, got '1'"),
        ("toy?on", "on must be on or off, got ''"),
        ("toy?count=4.5", "count must be a number, got '4.5'"),
        ("toy?count=" + "9" * 5000, "count must be a number, got '9999"),
        ("toy?share=much", "share must be a number, got 'much'"),
        (
            "toy?word=" + "x" * LONGEST_STATE,
            f"a state must have at most {LONGEST_STATE} characters, got 20009: is it one",
        ),
    ],
)
def test_a_foreign_text_is_refused_in_words(text, words):
    with pytest.raises(ConfigError, match=words):
        from_text("toy", text, START)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused_by_a_config_error(text):
    for whole in (text, "toy?" + text):
        try:
            read = from_text("toy", whole, START)
        except ConfigError:
            continue
        assert _types(read) == _types(START)


def _types(settings):
    return {name: type(value) for name, value in settings.items()}


# Each state was written by version 0.1, together with the settings that the panel had then.
FORMER_STATES = [
    (
        train,
        "train?data=gaussian_world_2d&preset=as+published%2C+laptop+size&blocks=5&hidden=32"
        "&semantics=first&positioning=on&perturbation=0.2&prototype=3&mining=10&strength=7"
        "&lr=0.002&epochs=12&watch=off&every=2&seed=4",
        {
            "data": "gaussian_world_2d",
            "preset": "as published, laptop size",
            "blocks": 5,
            "hidden": 32,
            "semantics": "first",
            "positioning": True,
            "start": True,
            "perturbation": 0.2,
            "prototype": 3.0,
            "mining": 10,
            "strength": 7,
            "lr": 0.002,
            "epochs": 12,
            "watch": False,
            "umap": False,
            "live": False,
            "every": 2,
            "seed": 4,
        },
    ),
    (
        dissect,
        "dissect?number=3&towards=data&points=150&temperature=0.35&step=5&grid=off&truth=on",
        {
            "number": 3,
            "towards": "data",
            "points": 150,
            "temperature": 0.35,
            "step": 5,
            "grid": False,
            "density": True,
            "truth": True,
        },
    ),
    (
        explore,
        "explore?classes=Q&classes=2&generator=ridge-Gaussian&temperature=0.5&samples=25&seed=3"
        "&mining=off&prototype=off&structure=0.4&towards_seen=0.2&ellipses=on&graph=on",
        {
            "classes": ("Q", "2"),
            "generator": "ridge-Gaussian",
            "semantics": True,
            "positioning": True,
            "perturbation": True,
            "start": True,
            "temperature": 0.5,
            "samples": 25,
            "seed": 3,
            "semantic": 0.0,
            "variance": 0.0,
            "structure": 0.4,
            "mixed": 0.0,
            "towards_seen": 0.2,
            "prototypes": True,
            "ellipses": True,
            "graph": True,
        },
    ),
    (
        compare,
        "compare?classes=b&first=ridge-Gaussian&second=GSMFlow&temperature=0.8&samples=50"
        "&prototypes=off",
        {
            "classes": ("b",),
            "first": "ridge-Gaussian",
            "second": "GSMFlow",
            "temperature": 0.8,
            "samples": 50,
            "seed": 0,
            "prototypes": False,
        },
    ),
    (
        design,
        "design?start=Q&less=2&more=b&changes=bowl_lower_right%3D0.5&temperature=0.7&seed=2",
        {
            "start": "Q",
            "less": "2",
            "more": "b",
            "changes": ("bowl_lower_right=0.5",),
            "temperature": 0.7,
            "seed": 2,
            "sweep": "bowl_lower_right",
        },
    ),
]


@pytest.mark.parametrize(
    ("make", "text", "expected"), FORMER_STATES, ids=[row[0].__name__ for row in FORMER_STATES]
)
def test_a_state_of_the_former_version_still_sets_every_control(make, text, expected):
    panel = make(name="former", state=text)
    panel.cancel()
    try:
        newer = {key: panel.initial[key] for key in panel.settings if key not in expected}
        assert set(newer) <= {*VIEW_SETTINGS, "lens"}
        assert panel.settings == {**expected, **newer}
        again = from_text(panel.kind, panel.state(), panel.initial)
        assert again == panel.settings  # what this version writes says the same
    finally:
        panel.close()


# --- Sealed states ----------------------------------------------------------------------------

HIDDEN = "explore?generator=real+features&variance=0.4"


def packed(content: bytes) -> str:
    return "sealed:" + base64.urlsafe_b64encode(zlib.compress(content)).decode()


@settings(deadline=None)
@given(choices)
def test_a_sealed_state_gives_every_setting_back(values):
    text = to_text("toy", values, START)
    assert from_text("toy", f" {seal(text)}\n", START) == values
    assert seal(seal(text)) == seal(text)


def test_a_sealed_state_cannot_be_read_by_chance():
    text = seal(HIDDEN)
    assert text.isascii()
    assert not any(word in text.lower() for word in ("variance", "real", "0.4", "explore"))


@pytest.mark.parametrize(
    "text",
    [
        "sealed:",
        "sealed:!!!",
        seal(HIDDEN)[:-6],
        seal(HIDDEN).replace("KtU", "xxx"),
        packed(b"\xff\xfe"),
        packed(seal(HIDDEN).encode()),
        packed(b""),
    ],
)
def test_a_damaged_seal_is_refused(text):
    with pytest.raises(ConfigError, match="a sealed state must be whole"):
        unsealed(text)


def test_a_seal_does_not_unpack_more_than_a_state_may_hold():
    bomb = packed(b"a" * 10_000_000)
    assert len(bomb) < LONGEST_STATE
    with pytest.raises(ConfigError, match="at most 20000 characters, got 20001"):
        unsealed(bomb)


def words_of(panel) -> str:
    """All that a sealed panel lets anybody read."""
    tools = panel.tools
    seen = [panel.sentence.value, panel.table.value, panel.card.value, tools.line.value, tools.text]
    seen += [panel.state(), str(panel.log), panel.caption, tools.tried.options]
    texts = panel.still().findobj(lambda part: hasattr(part, "get_text"))
    return " ".join(map(str, [*seen, *(text.get_text() for text in texts)]))


def test_a_sealed_panel_tells_nothing_of_the_dose_until_it_is_revealed():
    panel = explore(state=seal(HIDDEN), hide=["graph"], name="sealed").wait()
    told = {key for key, c in panel.controls.items() if c.layout.display != "none"}
    tools = (panel.tools.text, panel.tools.tried, panel.tools.show, panel.tools.reset)
    before = words_of(panel)
    assert panel.settings["variance"] == 0.4
    assert told == {"classes", "samples", *VIEW_SETTINGS} - {"graph"}
    assert all(widget.layout.display == "none" for widget in tools)
    assert not any(word in before for word in ("variance=", "real features", "shifted.", "watch."))

    panel.reveal()
    after = words_of(panel)
    assert all(word in after for word in (HIDDEN, "real features", "Variance: "))
    assert panel.state() == HIDDEN
    hidden = {key for key, c in panel.controls.items() if c.layout.display == "none"}
    assert hidden == {"graph"}
    assert not any(widget.layout.display == "none" for widget in tools)
    panel.close()


def test_a_sealed_state_that_is_pasted_seals_the_panel():
    panel = explore(name="pasted")
    panel.restore(seal(HIDDEN))
    sealed = panel.controls["variance"].layout.display
    panel.close()
    assert sealed == "none"


def test_a_seal_that_was_cut_off_is_refused_and_not_read_in_part():
    text = "explore?" + "&".join(f"classes={name}" for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    whole = seal(text)
    assert unsealed(whole) == text
    for end in range(len("sealed:") + 4, len(whole), 4):
        with pytest.raises(ConfigError, match="must be whole, but this one is damaged"):
            unsealed(whole[:end])
