"""A page of images that no flow can draw: the nearest real ones stand for what is imagined."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from odd_world import odd_dataset, odd_flows, turned_map
from page_browser import OpenPage, page_browser

from gsmflow_lite.explorer.scene import Scene, proportions
from gsmflow_lite.page.export import page_of
from gsmflow_lite.page.world import PageWorld, world_of
from gsmflow_lite.shifts import measure

SIDE = 16  # pixels: two blocks of JPEG
LEVELS = 8  # of 255, by which JPEG changes a colour
METRICS = {"semantic": "agreement", "variance": "spread", "structure": "distance order"}
# The colour in the middle of each canvas that is seen: red, green, blue.
COLOURS = """(all) => all.filter((one) => one.checkVisibility()).map((one) => {
  const middle = [one.width / 2, one.height / 2, 1, 1];
  return [...one.getContext("2d").getImageData(...middle).data].slice(0, 3);
})"""


@cache
def colours() -> np.ndarray:
    """A colour of its own for each row of the data."""
    count = len(odd_dataset().labels)
    steps = np.stack(np.meshgrid(*[np.arange(15, 245, 22)] * 3), -1).reshape(-1, 3)
    return np.random.default_rng(0).permutation(steps)[:count].astype(np.uint8)


@cache
def world_with(unseen: int) -> PageWorld:
    """Images, each of one colour, and no decoder; so many unseen classes can be measured."""
    data = odd_dataset()
    shape = (len(colours()), SIDE, SIDE, 3)
    images = np.broadcast_to(colours()[:, None, None], shape)
    rows = [data.of_class(k, data.test_unseen) for k in data.unseen_classes]
    left = [of_class[: None if k < unseen else 3] for k, of_class in enumerate(rows)]
    tests = np.sort(np.concatenate(left))
    few = replace(data, images=images, test_unseen=tests)
    return world_of(Scene.through(few, turned_map), odd_flows())


@pytest.fixture(scope="module")
def browser():
    with page_browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=[4, 2], ids="{} classes".format)
def opened(request, browser, tmp_path_factory):
    """A page of that world, which begins with its first chosen class."""
    world = world_with(request.param)
    name = world.dataset.class_names[world.chosen[0]]
    page = OpenPage(
        browser, page_of([world], "Images").text, tmp_path_factory.mktemp("images"), f"from={name}"
    )
    yield page, world
    assert page.complaints == []
    page.close()


def colours_shown(page, selector):
    return np.array(page.tab.locator(selector).evaluate_all(COLOURS), float)


def nearest_rows(world):
    """The nearest real row to the typical one and to eleven samples, by brute force."""
    attributes = torch.from_numpy(world.dataset.attributes[world.chosen[:1]])
    model = world.flows[0].model
    typical = model.synthesize(attributes, 1, temperature=0)
    imagined = torch.cat([typical, model.synthesize(attributes, 11)], 1)[0].numpy()
    real = proportions(world.dataset, world.dataset.features[world.scene.rows])
    gaps = np.linalg.norm(proportions(world.dataset, imagined)[:, None] - real, axis=2)
    return world.scene.rows[gaps.argmin(1)]


def test_the_gallery_shows_the_nearest_real_images_and_says_so(opened):
    page, world = opened
    shown = colours_shown(page, ".imagined canvas")
    assert np.abs(shown - colours()[nearest_rows(world)]).max() <= LEVELS
    assert "nearest real pictures" in page.tab.locator("#gallery .head .quiet").inner_text()
    spoken = page.tab.locator(".imagined .row").get_attribute("aria-label")
    assert spoken.startswith("Of 12 imagined rows of ")
    assert "the real pictures that are nearest" in spoken
    assert "{" not in page.tab.locator("body").inner_text()

    beside = colours_shown(page, ".beside-real canvas")
    of_class = world.scene.rows[world.scene.real.labels == world.chosen[0]]
    evenly = of_class[[0, len(of_class) // 2]]
    assert np.abs(beside - colours()[evenly]).max() <= LEVELS


def test_the_card_shows_the_nearest_real_image_and_says_so(opened):
    page, world = opened
    page.tab.locator(".legend-part[data-layer=real]").click()  # leaves what is imagined
    page.tab.locator(".lens[data-lens=pca] > canvas").focus()
    page.tab.keyboard.press("ArrowRight")
    page.tab.wait_for_selector(".map-card canvas")

    card = page.tab.locator(".map-card")
    assert card.locator("figcaption").all_inner_texts() == ["nearest real"]
    row = int(card.inner_text().split("row ")[1].split()[0])
    (shown,) = colours_shown(page, ".map-card canvas")
    assert np.abs(shown - colours()[world.scene.rows[row]]).max() <= LEVELS


def test_real_pictures_are_not_saved_as_imagined_ones(opened):
    page, _ = opened
    page.tab.locator("#saving summary").click()
    page.tab.get_by_role("button", name="Pictures").click()
    assert "no pictures" in page.tab.locator(".saving-said").inner_text()


@pytest.mark.parametrize("step", [2, 3])
def test_the_story_says_what_stands_for_an_imagined_picture(opened, step):
    page, _ = opened
    page.go(f"story={step}")
    assert page.tab.get_by_text("the real one nearest to what it imagines").is_visible()


def test_meters_are_those_of_the_report_or_say_why_there_are_none(opened):
    page, world = opened
    page.go(f"from={world.dataset.class_names[world.chosen[0]]}")
    page.tab.wait_for_selector(".meter[data-word]")
    report = measure(
        world.measured,
        world.flows[0].model,
        n=64,
        classes=world.chosen.tolist(),
        metrics=list(METRICS.values()),
    )
    for meter in METRICS:
        shown = page.tab.locator(f".meter[data-meter={meter}]")
        expected = report.reading(meter)
        assert shown.get_attribute("data-word") == expected.word
        if expected.measured:
            value = float(shown.locator(".meter-value").inner_text())
            assert value == pytest.approx(expected.value, abs=0.02)
    why = page.tab.locator(".meter[data-meter=structure] .meter-sentence").inner_text()
    few = "takes at least 3 of them, got 2"  # as the library says it
    assert any(few in note for note in report.notes) == why.startswith(
        "Not measured: it takes three"
    )
    assert any(few in note for note in report.notes) == (len(world.chosen) == 2)
