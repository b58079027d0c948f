// What is moved in each step of the story, and the picture that answers.

import { descriptionOf, examplePair, nearestClass } from "./description.js";
import { make, readable, slider } from "./dom.js";
import { latestOnly } from "./newest.js";
import { someRows } from "./row_pictures.js";
import { standInNote, storySheet } from "./story_sheet.js";
import { sayOfWorld, storyWords } from "./story_words.js";

const REAL = 18; // real pictures of a class
const SAMPLES = 12;
const CALM_NOISE = 0.5; // a temperature at which pictures look like what is asked for
const EACH = 6; // pictures in a row of drifts
const LARGEST = { semantic: 1, variance: 1, structure: 1.5 }; // doses at the end of the slider

export const STORY_STEPS = [realStep, descriptionStep, flowStep, driftStep];

// --- 1. Real pictures ------------------------------------------------------------------------

function realStep(place, control, app) {
  const sheet = storySheet(app, REAL, "story-real");
  const name = make("p", { class: "story-name", "aria-live": "polite" });
  place.append(sheet.element, name);
  classSlider(control, app, (k) => {
    name.textContent = app.world().classes.names[k];
    sheet.drawRows(someRows(app.fact().labels, k, REAL), k);
  });
}

const chosenIn = new WeakMap(); // the number of a class, by world: it stays from step to step

// Begins with the class that the story is about, so that all steps are of one kind.
function classSlider(control, app, show) {
  const world = app.world();
  const { names } = world.classes;
  const first = chosenIn.get(world) ?? examplePair(world, app.fact()).target;
  const one = slider({
    label: sayOfWorld(app, "story.class", storyWords(app)),
    low: 0,
    high: names.length - 1,
    step: 1,
    value: first,
    say: (k) => names[k],
    onInput(k) {
      chosenIn.set(world, k);
      show(k);
    },
  });
  control.append(one.element);
  show(first);
}

// --- 2. A description ------------------------------------------------------------------------

function descriptionStep(place, control, app) {
  const sheet = storySheet(app, 1, "story-one");
  const list = make("ul", { class: "story-lines" });
  const answer = make("p", { class: "story-answer", "aria-live": "polite" });
  place.append(make("div", { class: "story-described" }, sheet.element, list), answer);
  classSlider(control, app, (k) => {
    sheet.drawRows(someRows(app.fact().labels, k, 1), k);
    const { names } = app.world().classes;
    const described = descriptionOf(app.world(), app.fact(), k);
    const near = nearestClass(app.world(), app.fact(), described, (other) => other !== k);
    list.replaceChildren(...lines(app, described, near.differs));
    const words = { name: names[k], other: names[near.classNumber], count: near.differs.length };
    answer.textContent = app.say("story.2.answer", words);
  });
}

const MOST_LINES = 14;

// What the class has, strongest first; marked where the class that is most like it differs.
function lines(app, described, differs) {
  const { names } = app.world().attributes;
  const { low, high } = app.fact();
  const share = (a) => (described[a] - low[a]) / (high[a] - low[a] || 1);
  const has = [...names.keys()].filter((a) => share(a) > 0);
  has.sort((a, b) => share(b) - share(a));
  return has.slice(0, MOST_LINES).map((a) => {
    const line = make("li", { style: `--share: ${share(a)}` }, readable(names[a]));
    if (differs.includes(a)) line.classList.add("differs");
    return line;
  });
}

// --- 3. What the flow makes of it ------------------------------------------------------------

function flowStep(place, control, app) {
  const { target, known } = examplePair(app.world(), app.fact());
  const { names } = app.world().classes;
  const sheet = storySheet(app, SAMPLES, "story-imagined");
  const real = storySheet(app, 6, "story-beside");
  const reveal = make("p", { class: "story-answer" }, app.say("story.3.real", storyWords(app)));
  const beside = make("div", { class: "story-reveal", hidden: true }, reveal, real.element);
  const drawn = app.world().pictures?.kind === "decoded";
  const honest = make("p", { class: "quiet", hidden: !drawn }, app.say("story.3.honest"));
  place.append(sheet.element, honest, standInNote(app), beside);

  const from = descriptionOf(app.world(), app.fact(), known);
  const to = descriptionOf(app.world(), app.fact(), target);
  let share = 0;
  const draw = latestOnly(async () => {
    const attributes = from.map((value, a) => value + share * (to[a] - value));
    const question = { attributes, count: SAMPLES, temperature: CALM_NOISE };
    const answer = await askFor(app, "imagine", question, "story");
    if (answer) sheet.draw(answer);
  });
  const one = slider({
    label: app.say("story.3.move", storyWords(app)),
    low: 0,
    high: 100,
    step: 1,
    value: 0,
    say: (value) => mixed(names[known], names[target], value),
    onInput(value) {
      share = value / 100;
      beside.hidden = value < 100 && beside.hidden;
      draw();
    },
  });
  control.append(one.element);
  real.drawRows(someRows(app.fact().labels, target, 6), target);
  draw();
}

function mixed(known, target, value) {
  if (value <= 0) return known;
  return value >= 100 ? target : `${known} \u2192 ${target}: ${value} %`;
}

// --- 4. What can go wrong --------------------------------------------------------------------

function driftStep(place, control, app) {
  const { names } = app.world().classes;
  const asked = clearestClasses(app).map((k) => names[k]);
  const again = Array(EACH).fill(names[clearestClass(app)]);
  const rows = Object.keys(LARGEST).map((drift) => {
    const sheet = storySheet(app, EACH, "story-drift", drift === "variance" ? again : asked);
    const title = make("h3", {}, app.say(`story.4.${drift}`));
    const text = make("p", {}, app.say(`story.4.${drift}.text`, storyWords(app)));
    place.append(make("section", { class: "story-row" }, title, text, sheet.element));
    return { drift, sheet };
  });
  place.append(standInNote(app));
  let share = 0;
  const draw = latestOnly(async () => {
    for (const { drift, sheet } of rows) {
      const answer = await (drift === "variance" ? ofOneClass : ofManyClasses)(app, drift, share);
      if (answer) sheet.draw(answer);
    }
  });
  const one = slider({
    label: app.say("story.4.move"),
    low: 0,
    high: 100,
    step: 1,
    value: 0,
    say: (value) => `${value} %`,
    onInput(value) {
      share = value / 100;
      draw();
    },
  });
  control.append(one.element);
  draw();
}

function dosed(drift, share) {
  return { variance: 0, semantic: 0, structure: 0, [drift]: share * LARGEST[drift] };
}

// What drifts must be right before it does: classes that the flow imagines best.
function clearestClasses(app) {
  const { chosen, clearest: best } = app.world().classes;
  const shown = best.slice(0, EACH);
  return chosen.filter((k) => shown.includes(k));
}

function clearestClass(app) {
  return app.world().classes.clearest[0];
}

function ofOneClass(app, drift, share) {
  const attributes = descriptionOf(app.world(), app.fact(), clearestClass(app));
  const question = { attributes, count: EACH, temperature: CALM_NOISE, doses: dosed(drift, share) };
  return askFor(app, "imagine", question, `story ${drift}`);
}

// The typical picture of each of six classes.
async function ofManyClasses(app, drift, share) {
  const question = { count: 1, temperature: 0, doses: dosed(drift, share) };
  const answer = await askFor(app, "classes", question, `story ${drift}`);
  return answer && firstOfEach(app, answer);
}

function firstOfEach(app, { labels, pictures, pca, near }) {
  const firsts = clearestClasses(app).map((k) => app.world().classes.chosen.indexOf(k));
  const size = pictures ? pictures.length / labels.length : 0;
  const pick = (values, width) => values && joinParts(values, firsts, width);
  return { pictures: pick(pictures, size), pca: pick(pca, 2), near: pick(near, 1) };
}

function joinParts(values, firsts, width) {
  const parts = new values.constructor(firsts.length * width);
  firsts.forEach((first, i) => {
    parts.set(values.subarray(first * width, (first + 1) * width), i * width);
  });
  return parts;
}

// The story always asks the first flow, with the first noise.
async function askFor(app, kind, question, lane) {
  const world = app.state.world;
  const answer = await app.engine.ask(kind, { world, flow: 0, seed: 0, ...question }, lane);
  return world === app.state.world ? answer : null;
}
