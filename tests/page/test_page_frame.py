"""The frame of the page: it fits, everybody can use it, it asks nobody, and a link opens it."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from odd_world import odd_dataset, odd_flows, turned_map
from page_browser import OpenPage, letters_and_hangul, odd, page_browser, violations

from gsmflow_lite.explorer.scene import Scene
from gsmflow_lite.page.export import page_file, page_of
from gsmflow_lite.page.modules import page_modules
from gsmflow_lite.page.world import world_of

SAMPLES = ".imagined canvas"
CORNERS = """(all) => all.map((one) => {
  const { left, top, width } = one.getBoundingClientRect();
  return [left, top, width];
})"""
EVERYTHING = (
    "world=hangul&flow=ridge&from=gan 간&set=final n=1&temperature=0.8&seed=3&variance=0.25"
    "&semantic=0.5&structure=0.1&sweep=vowel a&lens=umap&class=gan 간"
)


@pytest.fixture(scope="module")
def browser():
    with page_browser() as browser:
        yield browser


@pytest.fixture
def open_page(browser, tmp_path):
    pages = []

    def opened(address="", text=None, **options):
        pages.append(OpenPage(browser, text or letters_and_hangul(), tmp_path, address, **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def test_nothing_is_asked_of_anybody(open_page):
    page = open_page()
    page.tab.get_by_text("Skip the story").click()
    for tab in ("drifts", "quiz", "design"):
        page.tab.locator(f"#tab-{tab}").click()
    page.rest()
    others = [url for url in page.asked if not url.startswith(("file:", "blob:", "about:"))]
    assert others == []
    assert len([url for url in page.asked if url.startswith("file:")]) == 1
    assert page.complaints == []


# --- The address ---------------------------------------------------------------------------------


def test_the_address_holds_how_the_page_stands(open_page):
    first = open_page(EVERYTHING)
    first.move("Variation", 4, "#gallery")
    expected = EVERYTHING.replace("seed=3", "seed=4")
    address = first.hash().replace("+", " ")
    assert address == expected
    second = open_page(address)
    assert np.array_equal(second.light(SAMPLES), first.light(SAMPLES))
    assert second.tab.get_by_label("Temperature", exact=True).first.input_value() == "0.8"


def test_another_address_in_an_open_page_is_followed(open_page):
    page = open_page("from=O")
    page.tab.evaluate("location.hash = 'world=hangul&seed=9'")
    page.rest()
    assert page.tab.get_by_label("Data").input_value() == "1"
    assert page.tab.locator("#gallery").get_by_label("Variation", exact=True).input_value() == "9"
    page.tab.get_by_label("Data").select_option("Letters")
    page.rest()
    assert page.tab.locator(".sliders input").count() > 30
    assert page.complaints == []


def test_a_link_to_another_quiz_opens_it_sealed(open_page):
    page = open_page("quiz=7")
    assert not page.tab.locator(".imagined").is_visible()
    page.tab.locator("input[name=guess]").first.check()
    page.tab.locator("[data-act=answer]").click()
    assert page.tab.locator(".quiz-answer").is_visible()
    page.tab.evaluate("location.hash = 'quiz=8'")
    page.tab.wait_for_function("document.querySelector('#quiz h2').textContent.includes('8')")
    assert page.tab.locator(".quiz-answer").count() == 0
    assert page.tab.locator("input[name=guess]:checked").count() == 0
    assert page.tab.locator("#meters.sealed").count() == 1
    assert not page.tab.locator(".imagined").is_visible()


def test_pictures_are_those_of_the_quiz_that_is_open(open_page):
    page = open_page("quiz=10")
    page.tab.locator("input[name=guess]").first.check()
    page.tab.locator("[data-act=answer]").click()
    page.tab.locator("[data-act=next]").click()
    shown = []
    for one in (page, open_page("quiz=11")):
        one.tab.locator("[data-hint=pictures]").click()
        one.rest()
        shown.append(one.light(SAMPLES))
    assert np.array_equal(*shown)


def called(browser, module, call):
    """What a call of a module that imports nothing gives."""
    source = page_modules()[module].replace("export ", "")
    tab = browser.new_page()
    given = tab.evaluate(f"() => {{ {source}; return {call}; }}")
    tab.close()
    return given


KNOWN = json.dumps(
    [
        {
            "name": "made",
            "flows": [{"key": "one"}, {"key": "other"}],
            "classes": {"names": ["A=1", "B"]},
            "attributes": {"names": ["tall", "a=b"]},
        }
    ]
)


def test_an_address_leaves_out_what_the_page_does_not_know(browser):
    address = "flow=other&from=C&set=a%3Db%3D2&set=x%3D1&set=%3D1&set=tall%3DNaN&sweep=x&class=B"
    state = called(browser, "state.js", f"readAddress({address!r}, {KNOWN})")
    assert state["flow"] == 1
    assert (state["from"], state["sweep"], state["selected"]) == ("", "", "B")
    assert state["changes"] == {"a=b": 2}


def test_an_address_that_was_read_is_written_again(browser):
    address = "flow=other&from=A%3D1&set=a%3Db%3D2&set=tall%3D0.5&seed=3&sweep=a%3Db&quiz=4&class=B"
    again = f"writeAddress(readAddress({address!r}, {KNOWN}), {KNOWN})"
    assert called(browser, "state.js", again) == address


@pytest.mark.parametrize(
    "address",
    [
        "world=nowhere&flow=none&from=nobody&set=nothing%3D1&sweep=x&class=y&lens=z",
        "temperature=-3&seed=1e9&variance=NaN&semantic=Infinity&structure=-1&story=99&quiz=",
        "set=wide%3Dtwo&set=%3D1&set=wide&set=__proto__%3D1&%%%&=&&",
        "from=%3Cimg%20src=x%20onerror=alert(1)%3E",
    ],
)
def test_a_strange_address_opens_what_it_can(open_page, address):
    page = open_page(address)
    assert page.tab.locator("#stage").is_visible()
    assert page.light(SAMPLES).shape == (12, 784)
    seed = page.tab.locator("#gallery").get_by_label("Variation", exact=True).input_value()
    assert seed == ("99" if "1e9" in address else "0")
    assert page.complaints == []


# --- Sizes ---------------------------------------------------------------------------------------


def test_on_a_laptop_all_is_on_the_screen_together(open_page):
    page = open_page("world=glyphs&from=O")
    for place in ("#controls", ".imagined", ".sweep", "#map canvas", "#meters"):
        for box in [one.bounding_box() for one in page.tab.locator(place).all()]:
            assert box["x"] >= 0, place
            assert box["y"] >= 0, place
            assert box["x"] + box["width"] <= 1366, place
            assert box["y"] + box["height"] <= 768, place


@pytest.mark.parametrize("size", ["laptop", "wide", "phone"])
def test_nothing_is_wider_than_the_screen(open_page, size):
    page = open_page(size=size)
    for address in ("", "story=1", "story=2", "story=3", "from=O", "world=hangul"):
        page.go(address)
        wide, screen = page.tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= screen, address


def test_on_a_phone_pictures_stay_while_a_slider_moves(open_page):
    page = open_page("from=O", size="phone")
    slider = page.tab.get_by_label("wide", exact=True)
    slider.scroll_into_view_if_needed()
    slider.focus()
    before = page.light(SAMPLES)
    page.tab.keyboard.press("End")
    page.rest()
    pictures = page.tab.locator(".imagined").bounding_box()
    moved = slider.bounding_box()
    assert pictures["y"] >= 0
    assert pictures["y"] + pictures["height"] <= moved["y"] < 740
    assert np.abs(page.light(SAMPLES) - before).max() > 20


def test_on_a_phone_a_finger_finds_everything(open_page):
    page = open_page(size="phone")
    script = """(all) => all.filter((one) => one.checkVisibility()).map((one) => {
      const { width, height } = one.getBoundingClientRect();
      return [width, height, one.outerHTML.slice(0, 120)];
    })"""
    own = ("#head", "#story", "#controls", "#gallery")
    pressed = ", ".join(f"{one} :is(button, select, input)" for one in own)
    for address in ("", "story=3", "from=O&set=wide%3D1", "world=hangul"):
        page.go(address)
        boxes = page.tab.locator(pressed).evaluate_all(script)
        assert boxes
        assert [what for width, height, what in boxes if height < 40 or width < 40] == []


STILL = "#gallery h2, #gallery canvas, #controls input, #map canvas, #meters"


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_saving_lies_over_the_page_and_closes(open_page, size):
    page = open_page("from=O&set=wide=1", size=size)
    before = page.tab.locator(STILL).evaluate_all(CORNERS)
    menu, summary = page.tab.locator(".saving-menu"), page.tab.locator("#saving summary")
    title = page.tab.locator("#gallery h2")
    wide = page.tab.evaluate("innerWidth")
    for close in (lambda: page.tab.keyboard.press("Escape"), lambda: title.click()):
        summary.click()
        page.tab.get_by_role("button", name="Marked points").click()  # nothing covers it
        menu.get_by_text("Mark points").wait_for()
        assert page.tab.locator(STILL).evaluate_all(CORNERS) == before
        assert page.tab.evaluate("document.documentElement.scrollWidth") == wide
        box = menu.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= wide
        close()
        assert not menu.is_visible()
        summary.click()
        assert "Mark points" not in menu.inner_text()
        summary.click()


def test_a_copied_link_moves_nothing_and_is_told_once(open_page):
    page = open_page("from=O")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    before = page.tab.locator("#stage, #tools button").evaluate_all(CORNERS)
    page.tab.get_by_role("button", name="Copy link").click()
    said = page.tab.get_by_text("Copied")
    said.wait_for()
    assert said.all_inner_texts() == ["Copied: it opens where this file is; send the file, too"]
    assert said.get_attribute("role") == "status"
    assert page.tab.locator("#stage, #tools button").evaluate_all(CORNERS) == before


def test_each_world_keeps_its_design(open_page):
    page = open_page("from=O&set=wide=1&temperature=0.6")
    data = page.tab.get_by_label("Data", exact=True)
    data.select_option("Hangul")
    assert page.hash() == "world=hangul"
    page.move("Variation", 5, "#gallery")
    data.select_option("Letters")
    assert page.hash() == "from=O&set=wide=1&temperature=0.6"
    data.select_option("Hangul")
    assert page.hash() == "world=hangul&seed=5"


# --- Everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, scheme):
    page = open_page(color_scheme=scheme)
    for address in ("", "story=1", "story=2", "story=3", "from=O&set=wide%3D1", "world=hangul"):
        page.go(address)
        page.tab.wait_for_function("() => !document.querySelector('#meters.stale')")
        page.tab.wait_for_function("() => document.getAnimations().length === 0")
        assert violations(page.tab) == [], address
    for tab in ("drifts", "quiz"):
        page.tab.locator(f"#tab-{tab}").click()
        assert violations(page.tab) == [], tab


def test_the_keyboard_reaches_everything(open_page):
    page = open_page()
    page.tab.get_by_text("Skip the story").focus()
    page.tab.keyboard.press("Enter")
    assert page.tab.evaluate("document.activeElement.id") == "tab-design"
    for key, tab in (("ArrowRight", "drifts"), ("ArrowRight", "quiz"), ("ArrowRight", "design")):
        page.tab.keyboard.press(key)
        assert page.tab.evaluate("document.activeElement.id") == f"tab-{tab}"
        assert page.tab.locator(f"#{tab}").is_visible()
    page.tab.keyboard.press("Tab")
    assert page.tab.evaluate("document.activeElement.labels[0].textContent") == "Start from"
    before = page.light(SAMPLES)
    page.tab.locator("#gallery").get_by_label("Variation", exact=True).focus()
    page.tab.keyboard.press("ArrowRight")
    page.rest()
    assert np.abs(page.light(SAMPLES) - before).max() > 20


def test_nothing_moves_by_itself_where_no_motion_is_asked_for(open_page):
    page = open_page("from=O")  # windows of these tests ask for none
    script = """() => [...document.querySelectorAll("*")].filter((one) => {
      const { transitionDuration, animationName } = getComputedStyle(one);
      return animationName !== "none" || transitionDuration.split(", ").some((t) => t !== "0s");
    }).map((one) => one.outerHTML.slice(0, 120))"""
    assert page.tab.evaluate(script) == []


@pytest.mark.parametrize("size", ["laptop", "phone"])
def test_terms_are_explained_where_they_stand(open_page, size):
    page = open_page("from=O", size=size)
    marks = page.tab.locator(".help-mark:visible")
    assert marks.count() == (6 if size == "laptop" else 5)  # a phone shows one lens
    wide = page.tab.evaluate("innerWidth")
    for mark in marks.all():
        words = mark.locator("xpath=following-sibling::*")
        assert not words.is_visible()
        mark.tap() if size == "phone" else mark.focus()
        words.wait_for()
        assert words.inner_text() == mark.get_attribute("aria-label")
        box = words.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= wide
        page.tab.keyboard.press("Escape")
        page.tab.mouse.move(0, 0)
        assert not words.is_visible()


# --- Names and words -----------------------------------------------------------------------------


def test_names_are_text(open_page):
    bad = '<img src=x onerror="document.title = 1"><b>{name}</b>'
    data = odd_dataset()
    names = tuple(f"{bad}{k}" for k in range(len(data.class_names)))
    attributes = tuple(f"{bad}{k}" for k in range(len(data.attribute_names)))
    marked = replace(data, name=bad, class_names=names, attribute_names=attributes)
    world = world_of(Scene.through(marked, turned_map), odd_flows())
    page = open_page(text=page_of([world], bad).text)
    for _ in range(4):
        page.tab.locator("#story .primary").click()
        page.rest()
    page.move(attributes[0], 0.5, "#design")
    assert page.tab.locator("main img").count() == 0
    assert page.tab.locator("b").filter(has_text=re.compile(r"^\{name\}")).count() == 0
    assert page.tab.locator("h1").inner_text() == bad
    assert bad in page.tab.locator("#gallery h2").inner_text()
    assert page.complaints == []


def test_words_that_cannot_be_written_here_are_left_out_but_not_of_the_address(open_page):
    data = odd_dataset()
    nobody_has = "\ue123"  # of the private use area: fonts have no letter there
    names = tuple(f"fox{k} {nobody_has}" for k in range(len(data.class_names)))
    world = world_of(Scene.through(replace(data, class_names=names), turned_map), odd_flows())
    page = open_page(text=page_of([world], "Foxes").text)
    page.tab.get_by_text("Skip the story").click()
    start = page.tab.get_by_label("Start from")
    start.select_option(label="fox2")
    page.rest()
    assert nobody_has not in page.tab.locator("body").inner_text()
    page.tab.wait_for_function("location.hash.includes('from')")
    assert page.tab.evaluate("new URLSearchParams(location.hash.slice(1)).get('from')") == names[2]
    page.go(page.tab.evaluate("location.hash.slice(1)"))
    assert start.input_value() == "fox2"


def test_two_names_never_become_one(browser):
    for names, expected in (
        (["fox \ue123", "cat \ue123"], ["fox", "cat"]),
        (["fox \ue123", "fox \ue124"], ["fox \ue123", "fox \ue124"]),
    ):
        given = called(browser, "letters.js", f"writableNames({json.dumps(names)})")
        assert given == expected


def test_every_word_that_is_asked_for_is_there():
    """Keys that modules spell out; those put together are looked at where they are shown."""
    words = json.loads(page_file("words.en.json"))
    assert list(words) == sorted(words)
    said = set()
    for source in page_modules().values():
        said |= set(re.findall(r'\bsay\("([\w.]+)"', source))
    assert said
    assert sorted(said - set(words)) == []


def test_a_page_that_cannot_open_says_so(browser, tmp_path):
    text = odd()
    start = text.index('id="data">') + len('id="data">')
    broken = text[:start] + "AAAA" + text[start + 400 :]
    tab = browser.new_page()
    (tmp_path / "broken.html").write_text(broken)
    tab.goto((tmp_path / "broken.html").as_uri())
    tab.wait_for_selector("#status.bad")
    assert tab.locator("#status").inner_text().startswith("Something went wrong")
    tab.close()
