"""Names in any script can be drawn where no font has their letters. Warnings are errors here."""

import json

import numpy as np
import pandas as pd
import pytest

from gsmflow_lite import figures
from gsmflow_lite.datasets.syllables import every_syllable, romanised
from gsmflow_lite.figures.points import Points
from gsmflow_lite.figures.style import drawable, legible, plain, plain_still, png, still_figure

SYLLABLES = every_syllable()[5::2800]
NAMES = [f"{romanised(s)} {s}" for s in SYLLABLES]
DRAWN = [romanised(s) for s in SYLLABLES]


@pytest.fixture
def points(rng) -> Points:
    pca, umap = rng.standard_normal((2, 16, 2))
    return Points(pca, umap, np.arange(16) % 4, np.arange(16))


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("han 한", "han"),
        ("한 han", "han"),
        ("from an 안 to han 한, step 3", "from an to han, step 3"),
        ("한 (class 3)", "(class 3)"),
        ("naïve σ² ≥ ●", "naïve σ² ≥ ●"),
        ("plain", "plain"),
        ("한", "han"),
        ("カメラ と ー", "kamera to -"),
        ("(한)", "(han)"),
        ("雀", "CJK UNIFIED IDEOGRAPH-96C0"),
        ("\ue000", "U+E000"),
        ("", ""),
    ],
)
def test_what_can_be_drawn_is_kept_and_nothing_becomes_empty(name, drawn):
    assert drawable(name) == drawn


def test_what_is_kept_has_a_glyph_in_the_font():
    """Matplotlib warns of each character that it cannot draw."""
    every_block = [chr(code) for code in range(0xA0, 0xD7FF, 97)]
    text = drawable(" ".join(["a", *every_block]))
    assert len(text) > 50
    png(still_figure(4, 1, text.replace("$", ""), ""))


def test_without_care_matplotlib_would_warn():
    figure = still_figure(4, 1, "", "")
    figure.suptitle("한")
    with pytest.warns(UserWarning, match="missing from font"):
        png(figure)


def test_the_text_of_a_page_keeps_the_whole_name():
    from gsmflow_lite.panels import show

    assert show.name("han 한") == "han 한"
    assert plain("han 한") == plain_still("han 한") == "han"


def test_still_figures_of_korean_classes_draw_their_latin_names(points, rng):
    images = rng.random((6, 28, 28))
    table = pd.DataFrame(rng.standard_normal((4, 4)), index=NAMES, columns=NAMES)
    drawn = [
        figures.two_lenses_still(points, points, names=NAMES, title=NAMES[0], caption=NAMES[1]),
        figures.picture_grid(dict.fromkeys(NAMES, images), columns=NAMES[:1] * 6),
        figures.attribute_heatmap(table),
        figures.heat_row({NAMES[0]: table}, label=NAMES[1]),
    ]
    for figure in drawn:
        png(figure)
        texts = [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]
        assert any(DRAWN[0] in text for text in texts)
        assert all(drawable(text) == text for text in texts)


def test_interactive_figures_of_korean_classes_draw_their_latin_names(points):
    figure = figures.two_lenses(points, points, names=NAMES, title=NAMES[0], caption=NAMES[1])
    text = json.dumps(json.loads(figure.to_json()), ensure_ascii=False)
    assert all(name in text for name in DRAWN)
    assert not set("".join(SYLLABLES)) & set(text)


# --- Names that nothing of can be drawn -----------------------------------------------------------

ANY_SCRIPT = ["大熊猫", "한", "ピカ", "fox 狐", "fox 狸", "ไก่", "wolf", "ሀለ"]


@pytest.mark.parametrize("numbers", [None, range(40, 48)])
def test_a_name_that_cannot_be_drawn_becomes_its_number(numbers):
    a, d, e, h, z = (0, 3, 4, 5, 7) if numbers is None else (40, 43, 44, 45, 47)
    expected = [
        *(f"class {a}", "han", "pika", f"fox (class {d})", f"fox (class {e})"),
        *(f"class {h}", "wolf", f"class {z}"),
    ]
    assert legible(ANY_SCRIPT, numbers=numbers) == expected


def test_equal_names_stay_equal():
    assert legible(["雀 a", "雀 a", "b"]) == ["a", "a", "b"]


def labels_of(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]


def test_figures_say_the_number_of_a_class_and_never_the_code_of_a_letter(points):
    names = ["大熊猫", "雀", "wolf", "狐"]
    table = pd.DataFrame(np.eye(4), index=names, columns=names)
    still = figures.two_lenses_still(points, points, names=names)
    heatmap = figures.attribute_heatmap(table)
    for figure, words in ((still, ["class 0", "class 3"]), (heatmap, ["row 0", "column 3"])):
        png(figure)
        assert all(any(word in text for text in labels_of(figure)) for word in words)
        assert not any("IDEOGRAPH" in text for text in labels_of(figure))
    live = json.dumps(json.loads(figures.two_lenses(points, points, names=names).to_json()))
    assert "class 3" in live
    assert "IDEOGRAPH" not in live
