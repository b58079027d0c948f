"""The worker of the page: what it answers, in which order, and what becomes void."""

import numpy as np
import pytest
from engine import NAMES, empty_page, engine_script, packed_worlds, worlds

PATIENCE = 60_000  # milliseconds: a question that is never answered must not hold up all tests
WORKER = """([script, patience]) => {
  const blob = new Blob([script], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(blob));
  const waiting = new Map();
  globalThis.order = [];
  worker.onmessage = ({ data }) => {
    order.push(data.id);
    waiting.get(data.id)(plain(data));
  };
  globalThis.ask = (id, values) => new Promise((resolve, reject) => {
    waiting.set(id, resolve);
    setTimeout(() => reject(new Error(`no answer to ${values.kind}`)), patience);
    worker.postMessage({ id, ...values });
  });
}"""


@pytest.fixture(scope="module")
def page():
    with empty_page() as page:
        page.evaluate(WORKER, [engine_script() + "\nstartWorker();", PATIENCE])
        script = "async (base64) => { globalThis.opened = await ask(0, {kind: 'open', base64}); }"
        page.evaluate(script, packed_worlds())
        yield page


def ask(page, *messages):
    """Send messages at once; returns all answers, and the order in which they came."""
    script = """async (messages) => {
      order.length = 0;
      const answers = await Promise.all(messages.map((message, id) => ask(id, message)));
      return [answers, order];
    }"""
    return page.evaluate(script, [dict(message) for message in messages])


def imagine(**changes):
    attributes = worlds()["letters"].dataset.attributes[0].tolist()
    message = {"kind": "imagine", "world": 0, "flow": 0, "attributes": attributes, "count": 12}
    return message | changes


METERS = {"kind": "meters", "world": 0, "flow": 0}


def test_opening_tells_what_a_page_shows_first(page):
    opened = page.evaluate("opened")
    titles = [world["title"] for world in opened["header"]["worlds"]]
    assert titles == [world.title for world in worlds().values()]
    for facts, world in zip(opened["worlds"], worlds().values(), strict=True):
        assert facts["labels"] == world.scene.real.labels.tolist()
        np.testing.assert_allclose(facts["umap"], world.scene.real.umap.ravel(), rtol=1e-6)
        np.testing.assert_allclose(facts["attributes"], world.dataset.attributes.ravel())
        assert facts["image"] is None
    assert opened["worlds"][0]["canInject"] == {"semantic": True, "structure": True}
    assert "arrays" not in opened["header"]


def test_what_is_urgent_comes_between_the_parts_of_what_is_not(page):
    (meters, imagined), order = ask(page, METERS, imagine())
    assert order == [1, 0]
    assert meters["readings"]["agreement"]["word"] in ("fine", "watch", "shifted")
    assert len(imagined["pictures"]) == 12 * 28 * 28


def test_meters_that_have_begun_let_pictures_pass(page):
    script = """async ([meters, imagine]) => {
      order.length = 0;
      const long = ask(0, meters);
      await ask(1, imagine);
      await ask(2, imagine);
      await long;
      return order;
    }"""
    assert page.evaluate(script, [METERS, imagine()]) == [1, 2, 0]


def test_a_newer_wish_makes_an_older_one_void(page):
    answers, _ = ask(page, *[imagine(seed=seed) for seed in range(8)])
    void = [answer.get("void", False) for answer in answers]
    assert any(void)  # not all: one may have begun before the next one came
    assert not void[-1]
    (alone,), _ = ask(page, imagine(seed=7))
    assert answers[-1]["features"] == alone["features"]


def test_wishes_in_different_lanes_are_all_answered(page):
    answers, _ = ask(page, imagine(lane="map"), imagine(lane="gallery"))
    assert all("features" in answer for answer in answers)


def test_meters_that_have_begun_are_answered(page):
    script = """async ([meters, imagine]) => {
      const first = ask(0, meters);
      await ask(1, imagine);
      const answers = await Promise.all([first, ask(2, meters), ask(3, meters)]);
      return answers.map((answer) => answer.void === true);
    }"""
    first, _, last = page.evaluate(script, [METERS, imagine()])  # the second may begin in time
    assert not first
    assert not last


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"kind": "dream", "world": 0}, "kind must be one of"),
        ({"kind": "imagine", "world": len(NAMES)}, "world must be"),
        (imagine(seed=100), "seed must be a whole number from 0 to 99, got 100"),
    ],
)
def test_what_cannot_be_answered_is_said(page, message, words):
    (answer,), _ = ask(page, message)
    assert words in answer["error"]
    (after,), _ = ask(page, imagine())
    assert "features" in after
