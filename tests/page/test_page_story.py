"""The story of the page: four steps, each with one thing to move and a picture that answers."""

import numpy as np
import pytest
import torch
from page_browser import OpenPage, letters_and_hangul, light_of, odd, page_browser

from gsmflow_lite.explorer.invention import describe, typical
from gsmflow_lite.generators.zoo import glyph_zoo

LEVELS = 6  # of 255, by which pictures of half-precision weights may differ
TARGET, KNOWN = "b", "h"  # the unseen letter that is least like a seen one, and this one


@pytest.fixture(scope="module")
def browser():
    with page_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def open_page(browser, tmp_path_factory):
    pages = []

    def opened(address="", text=None, **options):
        folder = tmp_path_factory.mktemp("story")
        pages.append(OpenPage(browser, text or letters_and_hangul(), folder, address, **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def page(open_page):
    return open_page()


def test_the_story_comes_first_and_goes_on_step_by_step(page):
    page.go("")
    assert not page.tab.locator("#stage").is_visible()
    titles = []
    for step in range(4):
        assert page.tab.locator(".eyebrow").inner_text() == f"Step {step + 1} of 4"
        assert page.tab.locator("#story input[type=range]").count() == 1  # one thing to move
        assert np.ptp(page.light("#story canvas"), axis=1).min() > 100  # no empty picture
        titles.append(page.tab.locator("#story h2").inner_text())
        page.tab.locator("#story .primary").click()
        page.rest()
    assert len(set(titles)) == 4
    assert page.tab.locator("#stage").is_visible()
    assert not page.tab.locator("#story").is_visible()
    assert page.complaints == []


def test_it_can_be_left_at_once_and_begun_again(page):
    page.go("")
    page.tab.get_by_text("Skip the story").click()
    assert page.tab.locator("#stage").is_visible()
    assert page.hash() == "story=done"
    page.tab.get_by_role("button", name="Story", exact=True).click()
    assert page.tab.locator(".eyebrow").inner_text() == "Step 1 of 4"
    page.tab.get_by_role("button", name="Next").click()
    page.tab.get_by_role("button", name="Back").click()
    assert page.tab.locator(".eyebrow").inner_text() == "Step 1 of 4"


def test_every_sentence_is_there_and_filled_in(open_page, page):
    for address in ("", "story=1", "story=2", "story=3", "story=0&world=hangul"):
        page.go(address)
        text = page.tab.locator("body").inner_text()
        assert "{" not in text
        assert "story." not in text


def test_the_first_step_shows_real_pictures_of_the_chosen_letter(page):
    page.go("")
    dataset = glyph_zoo().dataset
    for name in ("A", TARGET):
        k = dataset.class_names.index(name)
        page.move("Which character", k)
        assert page.tab.locator(".story-name").inner_text() == name
        rows = light_of(glyph_zoo(), dataset.features[dataset.labels == k])
        for shown in page.light("#story canvas"):
            assert np.abs(rows - shown).max(1).min() <= LEVELS


def test_the_second_step_marks_what_tells_two_letters_apart(page):
    page.go("story=1")
    dataset = glyph_zoo().dataset
    page.move("Which character", dataset.class_names.index("Q"))
    assert "Q is most like O." in page.tab.locator(".story-answer").inner_text()
    q, o = (dataset.attributes[dataset.class_names.index(name)] for name in "QO")
    names = [name.replace("_", " ") for name in dataset.attribute_names]
    lines = page.tab.locator(".story-lines li").all_inner_texts()
    assert set(lines) == {name for name, value in zip(names, q, strict=True) if value > 0}
    marked = page.tab.locator(".story-lines .differs").all_inner_texts()
    assert set(marked) == {names[a] for a in np.flatnonzero((q != o) & (q > 0))}


def test_the_third_step_imagines_what_pytorch_imagines(page):
    page.go("story=2")
    assert not page.tab.locator(".story-reveal").is_visible()
    page.move(f"Go from {KNOWN} to {TARGET}", 40)
    assert not page.tab.locator(".story-reveal").is_visible()
    zoo = glyph_zoo()
    known, target = (describe(zoo.dataset, name) for name in (KNOWN, TARGET))
    for share in (40, 100):
        page.move(f"Go from {KNOWN} to {TARGET}", share)
        asked = torch.tensor(known + share / 100 * (target - known))[None]
        made = zoo.model().synthesize(asked, 12, temperature=0.5, seed=0)[0].numpy()
        shown = page.light(".story-imagined canvas")
        assert np.abs(shown - light_of(zoo, made)).max() <= LEVELS


def test_the_real_letter_is_shown_only_at_the_end(page):
    page.go("story=2")
    page.move(f"Go from {KNOWN} to {TARGET}", 99)
    assert not page.tab.locator(".story-reveal").is_visible()
    page.move(f"Go from {KNOWN} to {TARGET}", 100)
    assert page.tab.locator(".story-reveal").is_visible()
    page.move(f"Go from {KNOWN} to {TARGET}", 10)
    assert page.tab.locator(".story-reveal").is_visible()  # once seen, it may stay


def test_the_fourth_step_makes_three_rows_worse(page):
    page.go("story=3")
    rows = [f".story-row:nth-child({i}) canvas" for i in (1, 2, 3)]
    before = [page.light(row) for row in rows]
    assert [len(row) for row in before] == [6, 6, 6]
    page.move("How much", 100)
    after = [page.light(row) for row in rows]
    assert all(np.abs(a - b).max() > 30 for a, b in zip(before, after, strict=True))
    alike = after[1] - after[1].mean(0)
    assert np.abs(alike).max() <= 1  # collapse: one picture, again and again
    assert np.abs(before[1] - before[1].mean(0)).max() > 30


def test_drifts_begin_with_the_classes_that_are_imagined_best(page):
    zoo = glyph_zoo()
    dataset, model = zoo.dataset, zoo.model()
    away = {}
    for k in dataset.unseen_classes:
        rows = dataset.features[dataset.labels == k]
        made = typical(model, dataset.attributes[k])
        away[dataset.class_names[k]] = np.sum((made - rows.mean(0)) ** 2) / np.trace(np.cov(rows.T))
    best = sorted(away, key=away.get)
    page.go("story=3")
    captions = [
        page.tab.locator(f".story-row:nth-child({i}) .asked").all_inner_texts() for i in (1, 2, 3)
    ]
    assert captions[0] == captions[2] == [name for name in away if name in best[:6]]
    assert captions[1] == 6 * [best[0]]


def test_the_chosen_letter_stays(page):
    page.go("")
    page.move("Which character", glyph_zoo().dataset.class_names.index("R"))
    next_step, back = (page.tab.get_by_role("button", name=name) for name in ("Next", "Back"))
    next_step.click()
    assert page.tab.locator("#story output").inner_text() == "R"
    next_step.click()
    back.click()
    back.click()
    assert page.tab.locator(".story-name").inner_text() == "R"


def test_the_third_step_is_honest(page):
    page.go("story=2")
    text = page.tab.locator("#story").inner_text()
    assert "38 letters and digits" in text
    assert "Some of them you can read, some not." in text


def test_on_a_phone_nothing_covers_the_slider_or_what_drifts_are(open_page):
    page = open_page("story=3", size="phone")
    assert page.tab.locator(".story-row p:visible").count() == 3
    height = page.tab.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 150):
        page.tab.evaluate("(top) => scrollTo(0, top)", top)
        on_top = """(input) => {
          const { left, top, width, height } = input.getBoundingClientRect();
          return document.elementFromPoint(left + width / 2, top + height / 2) === input;
        }"""
        assert page.tab.locator("#story input").evaluate(on_top), top


def test_data_without_pictures_have_a_story_of_points(open_page):
    page = open_page(text=odd())
    assert page.tab.locator("#story .cloud").count() == 1
    for step in range(3):
        page.tab.locator("#story .primary").click()
        page.rest()
        assert page.tab.locator("#story .cloud").first.is_visible(), step
    assert page.complaints == []
