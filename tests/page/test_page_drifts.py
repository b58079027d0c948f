"""Doses, the choice of a flow, and the three meters of the page."""

import pytest
from parts import CHOSEN, open_parts

from gsmflow_lite.figures.style import VERDICTS
from gsmflow_lite.shifts.verdict import WORDS

DOSES = ("semantic", "variance", "structure")


def asked(page, kind, lane=None):
    last = "app.asked.filter((one) => one.kind === kind && (!lane || one.lane === lane)).at(-1)"
    return page.evaluate(f"([kind, lane]) => {last}", [kind, lane])


def move(page, number, value):
    slider = page.locator("#drifts input[type=range]").nth(number)
    slider.evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }", value
    )
    page.wait_for_timeout(400)


@pytest.mark.parametrize(("number", "name"), list(enumerate(DOSES)))
def test_a_dose_is_asked_of_map_and_meters(page, number, name):
    move(page, number, 0.35)

    wanted = dict.fromkeys(DOSES, 0) | {name: 0.35}
    assert asked(page, "classes")["doses"] == wanted
    assert asked(page, "meters", "meters")["doses"] == wanted
    assert page.evaluate(f"app.state.{name}") == 0.35


def test_each_slider_has_its_range_and_a_sentence(page):
    sliders = page.locator("#drifts input[type=range]")
    ranges = [(one.get_attribute("min"), one.get_attribute("max")) for one in sliders.all()]
    assert ranges == [("0", "2"), ("-1", "1"), ("0", "2")]
    for slider in sliders.all():
        sentence = page.locator(f"#{slider.get_attribute('aria-describedby')}")
        assert sentence.inner_text().endswith(".")


def test_a_dose_that_cannot_be_given_cannot_be_asked_for(chromium):
    context = chromium.new_context()
    page = open_parts(context, facts={"canInject": {"semantic": False, "structure": True}})
    enabled = [one.is_enabled() for one in page.locator("#drifts input[type=range]").all()]
    assert enabled == [False, True, True]
    context.close()


def test_what_a_meter_finds_without_a_drift_is_said_to_be_the_flow(page):
    assert "what this flow itself does not do well" in page.inner_text(".meters-note")
    move(page, 1, 0.5)
    assert "this flow itself" not in page.inner_text(".meters-note")
    assert f"of all {len(CHOSEN)} classes" in page.inner_text("#meters h2")


def test_no_drift_takes_all_back(page):
    move(page, 0, 1.5)
    page.select_option("#drifts select", "2")

    page.get_by_role("button", name="No drift").click()

    page.wait_for_timeout(400)
    assert asked(page, "meters", "meters")["doses"] == dict.fromkeys(DOSES, 0)
    assert page.evaluate("[app.state.flow, app.state.semantic]") == [0, 0]
    assert page.locator("#drifts input[type=range]").first.input_value() == "0"


@pytest.mark.parametrize(
    ("number", "words"),
    [("0", "all of its mechanisms"), ("1", "relative positioning"), ("2", "without a flow")],
)
def test_the_choice_of_a_flow_says_what_it_is(page, number, words):
    page.select_option("#drifts select", number)

    page.wait_for_timeout(400)
    assert words in page.text_content(".drift-source .does")
    assert asked(page, "classes")["flow"] == int(number)


# --- Meters --------------------------------------------------------------------------------


def meter(page, name):
    return page.locator(f".meter[data-meter={name}]")


def test_a_meter_says_value_word_and_sentence(page):
    assert meter(page, "semantic").locator(".meter-value").inner_text() == "0.35"
    assert meter(page, "semantic").locator(".meter-word").inner_text() == "watch"
    assert "in part" in meter(page, "semantic").inner_text()
    assert "1.00 times as varied" in meter(page, "variance").inner_text()
    assert "too few classes" in meter(page, "structure").inner_text()


def test_a_word_has_its_colour_and_its_symbol(page):
    move(page, 1, 0.6)
    for name, word in [
        ("semantic", "watch"),
        ("variance", "shifted"),
        ("structure", "cannot tell"),
    ]:
        look = VERDICTS[word]
        sign = meter(page, name).locator(".meter-sign")
        assert sign.inner_text() == look.symbol
        red, green, blue = (int(look.colour[i : i + 2], 16) for i in (1, 3, 5))
        assert sign.evaluate("(one) => one.style.color") == f"rgb({red}, {green}, {blue})"


def test_every_word_of_a_reading_has_a_sentence_for_every_meter(page):
    keys = page.evaluate("JSON.parse(document.getElementById('words').textContent)")
    for word in WORDS:
        assert f"meters.word.{word}" in keys
        for name in ("semantic", "variance", "structure"):
            assert f"meters.{name}.{word.replace(' ', '')}" in keys


def test_the_bar_goes_from_floor_to_ceiling(page):
    """The ceiling stands at 1 / 1.25 of the bar, and half of the way to it is 40 %."""
    left = "(one) => one.style.left"
    assert meter(page, "semantic").locator(".meter-ceiling").evaluate(left) == "80%"
    width = meter(page, "semantic").locator(".meter-fill").evaluate("(one) => one.style.width")
    assert float(width.rstrip("%")) == pytest.approx(100 * (0.35 / 0.7) / 1.25)
    assert "real 0.70" in meter(page, "semantic").inner_text()
    assert "guessing 0.00" in meter(page, "semantic").inner_text()


def test_the_reading_without_a_dose_is_marked_while_there_is_one(page):
    mark = meter(page, "variance").locator(".meter-mark")
    assert not mark.is_visible()

    move(page, 1, 0.6)

    assert mark.is_visible()
    assert mark.evaluate("(one) => one.style.left") == "80%"  # it was 1, its ceiling
    assert meter(page, "variance").locator(".meter-value").inner_text() == "0.40"


def test_old_numbers_are_pale_until_the_new_ones_are_there(page):
    pale = "document.getElementById('meters').classList.contains('stale')"
    assert not page.evaluate(pale)

    page.evaluate("globalThis.holding = true; app.change({ variance: 0.5 })")
    page.wait_for_timeout(300)
    assert page.evaluate(pale)
    assert meter(page, "variance").locator(".meter-value").inner_text() == "1.00"

    page.evaluate("globalThis.holding = false; app.letGo()")
    page.wait_for_function(f"!{pale}")
    assert meter(page, "variance").locator(".meter-value").inner_text() == "0.50"


def test_an_answer_that_is_old_already_is_not_shown(page):
    page.evaluate("globalThis.holding = true; app.change({ variance: 0.5 })")
    page.wait_for_timeout(300)
    page.evaluate("app.change({ variance: 0.6 })")
    page.wait_for_timeout(300)
    page.evaluate("app.letGo()")  # of the first question only
    page.wait_for_timeout(300)
    assert meter(page, "variance").locator(".meter-value").inner_text() == "1.00"

    page.evaluate("globalThis.holding = false; app.letGo()")
    page.wait_for_function(
        "document.querySelector('[data-meter=variance] b').textContent === '0.40'"
    )


def test_the_spread_of_the_class_that_stands_out_is_told(page):
    page.evaluate("app.change({ selected: '=W' })")

    assert "=W is 0.50 times as varied" in page.text_content(".meters-note")
