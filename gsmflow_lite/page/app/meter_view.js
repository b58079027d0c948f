// The three meters: each a value between floor and ceiling, a word, and one plain sentence.
//
// While numbers are computed anew the old ones are pale. A thin mark says what the meter would read
// without the doses.

import { make } from "./dom.js";
import { latestOnly } from "./newest.js";
import { dosesOf, isSealed } from "./sealed.js";
import { DONE } from "./state.js";

const METERS = { semantic: "agreement", variance: "spread", structure: "distance order" };
const VERDICTS = { // colour and symbol, as gsmflow_lite.figures.style has them
  fine: ["#0072B2", "●"],
  watch: ["#E69F00", "▲"],
  shifted: ["#D55E00", "✖"],
  "cannot tell": ["#6B6B6B", "◆"],
  "not measured": ["#6B6B6B", "-"],
};
const BEYOND = 1.25; // the bar ends here, where the ceiling is at 1
const REST = 120; // milliseconds without a change before it is measured
const MEASURED_BY = ["world", "flow", "temperature", "seed", "quiz", "story"];
const DOSED = ["variance", "semantic", "structure"];

export function showMeters(place, app) {
  const title = make("h2");
  const cells = Object.fromEntries(Object.keys(METERS).map((name) => [name, meterCell(app, name)]));
  const note = make("p", { class: "meters-note" });
  const elements = Object.values(cells).map((one) => one.element);
  const list = make("div", { class: "meters-list" }, ...elements);
  const how = make("details", { class: "meters-how" });
  how.append(make("summary", {}, app.say("meters.how")), make("p", {}, app.say("meters.how.text")));
  place.replaceChildren(title, list, note, how);
  place.setAttribute("aria-label", app.say("meters.title"));
  let last = null; // what was read last, and of which settings
  let before = { key: "", readings: null }; // what is read without doses
  let waiting = 0;

  const measure = latestOnly(async () => {
    const { asked, doses } = settingsOf(app.state);
    const settings = JSON.stringify({ asked, doses });
    try {
      await measureUndosed(asked, doses);
      const answer = await app.engine.ask("meters", { ...asked, doses }, "meters");
      if (!answer) return;
      if (!isDosed(doses)) before = { key: keyOf(asked), readings: answer.readings };
      last = { ...answer, key: keyOf(asked), world: asked.world };
      if (JSON.stringify(settingsOf(app.state)) !== settings) return; // old before it was read
      place.classList.remove("stale");
      show();
    } catch (error) {
      note.textContent = app.say("meters.failed", { reason: error.message });
    }
  });

  // In a quiz the undosed reading is needed for "why"; elsewhere the one that was seen before.
  async function measureUndosed(asked, doses) {
    if (!isDosed(doses) || before.key === keyOf(asked)) return;
    const answer = await app.engine.ask("meters", { ...asked, doses: NO_DOSES }, "without");
    if (answer) before = { key: keyOf(asked), readings: answer.readings };
  }

  function show() {
    title.textContent = app.say("meters.of", { count: app.world().classes.chosen.length });
    const hidden = isSealed(app.state, "meters");
    place.classList.toggle("sealed", hidden);
    if (hidden) {
      note.textContent = app.say("quiz.meters.sealed");
      for (const cell of Object.values(cells)) cell.conceal();
      return;
    }
    if (!last || last.world !== app.state.world) {
      note.textContent = app.say("meters.first");
      return;
    }
    const dosed = isDosed(dosesOf(app.state)) && before.key === last.key;
    for (const [name, metric] of Object.entries(METERS)) {
      cells[name].show(last.readings[metric], dosed ? before.readings[metric] : null);
    }
    note.textContent = noteWords(dosed);
  }

  function noteWords(dosed) {
    const { temperature, seed, selected } = app.state;
    const words = [app.say("meters.note", { temperature: twoDigits(temperature), seed })];
    if (dosed) words.push(app.say("meters.mark"));
    const verdicts = Object.values(last.readings).map((one) => one.word);
    const isOff = verdicts.includes("watch") || verdicts.includes("shifted");
    const asItIs = !isDosed(dosesOf(app.state)) && temperature === 1;
    if (isOff && asItIs) words.push(app.say("meters.own"));
    if (temperature < 1 && last.readings.spread.word !== "fine") words.push(app.say("meters.cold"));
    const place = app.world().classes.chosen.indexOf(app.world().classes.names.indexOf(selected));
    const spread = place >= 0 ? last.spreadByClass?.[place] : undefined;
    if (spread !== undefined) {
      words.push(app.say("meters.class", { name: selected, spread: twoDigits(spread.value) }));
    }
    return words.join(" ");
  }

  function stir(_, keys) {
    const has = (some) => some.some((key) => keys.includes(key));
    if (has(["hints", "selected", "quiz"])) show();
    if (!has([...MEASURED_BY, ...DOSED]) || app.state.story < DONE) return;
    place.classList.add("stale");
    clearTimeout(waiting);
    waiting = setTimeout(measure, REST);
  }

  app.meters = () => ({ now: last?.readings, without: before.readings });
  app.onChange(stir);
  show();
  stir(app.state, ["world"]);
}

function settingsOf(state) {
  const { world, flow, temperature, seed } = state;
  return { asked: { world, flow, temperature, seed }, doses: dosesOf(state) };
}

const NO_DOSES = { variance: 0, semantic: 0, structure: 0 };
const keyOf = (asked) => Object.values(asked).join(" ");
const isDosed = (doses) => DOSED.some((key) => doses[key]);

// --- One meter -----------------------------------------------------------------------------

function meterCell(app, name) {
  const sign = make("span", { class: "meter-sign", "aria-hidden": "true" });
  const word = make("span", { class: "meter-word" });
  const value = make("b", { class: "meter-value" });
  const title = make("h3", {}, app.say(`meters.${name}`));
  const head = make("div", { class: "meter-head" }, title, value, sign, word);
  const bar = meterBar(app, name);
  const sentence = make("p", { class: "meter-sentence" });
  const element = make("div", { class: "meter", "data-meter": name }, head, bar.element, sentence);

  function show(reading, without) {
    const [colour, symbol] = VERDICTS[reading.word] ?? VERDICTS["not measured"];
    element.dataset.word = reading.word;
    sign.textContent = symbol;
    sign.style.color = colour;
    word.textContent = app.say(`meters.word.${reading.word}`);
    value.textContent = twoDigits(reading.value);
    bar.show(reading, without, colour);
    sentence.textContent = meterSentence(app, name, reading);
  }

  function conceal() {
    delete element.dataset.word;
    for (const one of [sign, word, value, sentence]) one.textContent = "";
    word.textContent = app.say("meters.word.sealed");
    bar.conceal();
  }

  return { element, show, conceal };
}

export function meterSentence(app, name, { word, value, floor, ceiling }) {
  const numbers = { value: twoDigits(value), floor: twoDigits(floor), ceiling: twoDigits(ceiling) };
  return app.say(`meters.${name}.${word.replaceAll(" ", "")}`, numbers);
}

function meterBar(app, name) {
  const part = (name) => make("span", { class: `meter-${name}` });
  const [fill, range, mark, ceiling] = ["fill", "range", "mark", "ceiling"].map(part);
  const track = make("div", { class: "meter-track" }, fill, range, ceiling, mark);
  const ends = make("div", { class: "meter-ends" });
  const element = make("div", { class: "meter-bar", "aria-hidden": "true" }, track, ends);
  element.hidden = true; // until there is a reading

  // A share of the way from floor to ceiling, as a share of the bar.
  function along(value, { floor, ceiling: end }) {
    const share = end > floor ? (value - floor) / (end - floor) : 0;
    return `${(100 * Math.min(BEYOND, Math.max(0, share))) / BEYOND}%`;
  }

  function show(reading, without, colour) {
    const { value, low, high, floor, ceiling: end } = reading;
    element.hidden = !Number.isFinite(value);
    fill.style.width = along(value, reading);
    fill.style.background = colour;
    range.style.left = along(low, reading);
    range.style.width = `calc(${along(high, reading)} - ${along(low, reading)})`;
    ceiling.style.left = along(end, reading);
    mark.hidden = !without;
    if (without) mark.style.left = along(without.value, reading);
    const from = make("span", {}, app.say(`meters.floor.${name}`, { floor: twoDigits(floor) }));
    const to = make("span", {}, app.say("meters.ceiling", { ceiling: twoDigits(end) }));
    ends.replaceChildren(from, to);
  }

  return { element, show, conceal: () => (element.hidden = true) };
}

// Two digits after the point, or one from 10 on.
export function twoDigits(value) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
  return text === "-0.00" ? "0.00" : text;
}
