"""The quiz of the page: sealed drifts, hints, guess and answer."""

from collections import Counter

import pytest
from parts import open_parts

DRIFTS = {"semantic", "variance", "structure"}
HIGHEST = {"semantic": 2, "variance": 1, "structure": 2}


@pytest.fixture
def quiz(page):
    """A quiz that was opened by its number, and the answer to it."""
    page.fill("#quiz-number", "7")
    page.get_by_role("button", name="Open").click()
    page.wait_for_timeout(500)
    return page, page.evaluate("sealedDrift(7)")


def test_any_six_neighbours_have_each_drift_twice(page):
    drawn = page.evaluate("Array.from({ length: 60 }, (_, i) => sealedDrift(i))")

    for first in range(0, 60, 6):
        count = Counter(one["drift"] for one in drawn[first : first + 6])
        assert count == dict.fromkeys(DRIFTS, 2)
    orders = {tuple(one["drift"] for one in drawn[i : i + 6]) for i in range(0, 60, 6)}
    assert len(orders) > 5  # no round is like all others


def test_a_sealed_dose_can_be_seen_and_can_be_given(page):
    for one in page.evaluate("Array.from({ length: 60 }, (_, i) => sealedDrift(i))"):
        assert 0.4 <= one["dose"] <= HIGHEST[one["drift"]]


def test_the_page_shows_the_sealed_drift_and_not_that_of_the_sliders(quiz):
    page, truth = quiz
    wanted = dict.fromkeys(DRIFTS, 0) | {truth["drift"]: truth["dose"]}
    page.evaluate("app.change({ semantic: 1.9 })")
    page.wait_for_timeout(500)

    for kind in ("classes", "meters"):
        asked = page.evaluate(f"app.asked.filter((one) => one.kind === '{kind}').at(-1)")
        assert asked["doses"] == wanted
    assert page.evaluate("dosesOf({ ...app.state, quiz: null }).semantic") == 1.9


def test_what_is_sealed_is_asked_for_as_soon_as_a_quiz_opens(quiz):
    page, truth = quiz
    wanted = dict.fromkeys(DRIFTS, 0) | {truth["drift"]: truth["dose"]}
    for kind in ("classes", "meters"):
        asked = page.evaluate(f"app.asked.filter((one) => one.kind === '{kind}').at(-1)")
        assert asked["doses"] == wanted


def test_the_address_has_the_number_and_not_the_answer(quiz):
    page, truth = quiz
    address = page.evaluate("address()")

    assert "quiz=7" in address
    assert truth["drift"] not in address
    assert str(truth["dose"]) not in address
    assert page.evaluate("(text) => text === address()", address)


def test_nothing_tells_before_a_hint_is_taken(quiz):
    page, truth = quiz
    assert page.locator(".meter-word").all_inner_texts() == ["sealed"] * 3
    assert page.locator(".meter-value").all_inner_texts() == [""] * 3
    assert not page.locator(".drift-controls").is_visible()
    assert "only real points" in page.text_content(".map-status")
    seen = page.inner_text("#meters") + page.inner_text("#map")
    assert str(truth["dose"]) not in seen
    box = page.evaluate("app.map.canvases()[0].toDataURL()")
    page.click("[data-hint=map]")
    page.wait_for_timeout(300)
    assert page.evaluate("app.map.canvases()[0].toDataURL()") != box


@pytest.mark.parametrize("part", ["map", "pictures", "meters"])
def test_a_part_is_sealed_until_its_hint_or_the_answer_is_taken(page, part):
    others = sorted({"map", "pictures", "meters"} - {part})
    cases = [(7, [], True), (7, others, True), (7, [part], False), (7, ["answer"], False)]
    for quiz, hints, expected in [*cases, (0, [], True), (None, [], False)]:
        state = {"quiz": quiz, "hints": hints}
        assert page.evaluate("([state, part]) => isSealed(state, part)", [state, part]) == expected


def test_the_meters_open_as_a_hint(quiz):
    page, _ = quiz
    page.click("[data-hint=meters]")

    assert page.locator(".meter-word").first.inner_text() == "watch"
    assert page.locator("[data-hint=meters]").is_disabled()
    assert page.evaluate("app.state.hints") == ["meters"]


@pytest.mark.parametrize("right", [True, False])
def test_guess_answer_and_why(quiz, right):
    page, truth = quiz
    assert page.locator("[data-act=answer]").is_disabled()
    other = next(iter(DRIFTS - {truth["drift"]}))
    page.click("[data-hint=map]")

    page.check(f"input[value={truth['drift'] if right else other}]")
    page.click("[data-act=answer]")

    said = page.inner_text(".quiz-answer")
    assert ("Right, with 1 of 3 hints." in said) == right
    assert ("Not this time." in said) != right
    assert f"dose {truth['dose']}" in said
    assert "Its meter went from" in said
    assert page.locator(".meter-word").first.inner_text() == "watch"  # all is open now


def test_next_and_leave(quiz):
    page, truth = quiz
    page.check(f"input[value={truth['drift']}]")
    page.click("[data-act=answer]")
    page.click("[data-act=next]")
    assert page.evaluate("[app.state.quiz, app.state.hints]") == [8, []]
    assert page.locator("input[name=guess]:checked").count() == 0
    assert page.locator(".meter-word").all_inner_texts() == ["sealed"] * 3

    page.click("[data-act=leave]")
    assert page.evaluate("app.state.quiz") is None
    assert page.locator(".drift-controls").is_visible()


def test_after_the_quiz_the_drift_is_there_that_was_there_before(chromium):
    context = chromium.new_context()
    page = open_parts(context, variance=0.25, flow=1)
    page.click("#quiz [data-act=start]")
    assert page.evaluate("[app.state.variance, app.state.flow]") == [0, 0]
    page.click("[data-act=leave]")
    assert page.evaluate("[app.state.variance, app.state.flow]") == [0.25, 1]
    context.close()


def test_a_link_opens_a_quiz_that_is_sealed(chromium):
    context = chromium.new_context()
    page = open_parts(context, quiz=12, hints=[])
    assert "Quiz 12" in page.inner_text("#quiz")
    assert page.locator(".meter-word").all_inner_texts() == ["sealed"] * 3
    context.close()


def test_the_focus_stays_in_the_quiz_while_it_is_drawn_anew(quiz):
    page, truth = quiz
    page.locator("[data-hint=map]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('quiz').contains(document.activeElement)")
    page.check(f"input[value={truth['drift']}]")
    page.locator("[data-act=answer]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('quiz').contains(document.activeElement)")
