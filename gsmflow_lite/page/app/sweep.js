// One attribute from its lowest to its highest value, in nine steps; all else stays.

import { fillMenu, helped, make, menu, readable } from "./dom.js";
import { latestOnly } from "./newest.js";
import { drawLight, pictureCanvas } from "./row_pictures.js";

const STEPS = 9;
const SWEEP_AFTER = 120; // milliseconds without a change: pictures of a slider come first

export function showSweep(place, app) {
  const pick = menu({
    label: app.say("sweep.label"),
    options: [],
    onPick: (sweep) => app.change({ sweep }),
  });
  const row = make("div", { class: "row", role: "img" });
  const ends = make("div", { class: "ends" });
  place.append(helped(pick.element, app.say("help.sweep")), row, ends);
  let canvases = [];

  function build() {
    const decoded = app.world().pictures?.kind === "decoded";
    place.hidden = !decoded || app.world().attributes.bySentence;
    if (place.hidden) return;
    fillMenu(pick.select, app.world().attributes.names.map((name) => [name, readable(name)]));
    canvases = Array.from({ length: STEPS }, () => pictureCanvas(app.world()));
    row.replaceChildren(...canvases);
  }

  const draw = latestOnly(async () => {
    const attributes = app.description();
    if (place.hidden || !attributes) return;
    const attribute = sweptAttribute(app, attributes);
    const { world, flow, seed } = app.state;
    pick.select.value = app.world().attributes.names[attribute];
    const question = { world, flow, attributes, attribute, steps: STEPS, seed };
    const answer = await app.engine.ask("sweep", question).catch(app.report);
    if (!answer?.pictures || world !== app.state.world) return;
    canvases.forEach((one, i) => drawLight(one, answer.pictures, i));
    const [low, high] = [answer.values[0], answer.values[STEPS - 1]].map(shortValue);
    const name = readable(app.world().attributes.names[attribute]);
    ends.replaceChildren(make("span", {}, low), make("span", {}, high));
    row.setAttribute("aria-label", app.say("sweep.alt", { name, low, high }));
  });

  let timer = 0;
  app.onImagined(() => {
    clearTimeout(timer);
    timer = setTimeout(draw, SWEEP_AFTER);
  });
  app.onChange((_, changed) => {
    if (changed.includes("world")) build();
    if (changed.includes("sweep")) draw();
  });
  build();
}

// The chosen one, or else the one that was changed last, or else that which is best read off
// features among those that the class has.
function sweptAttribute(app, attributes) {
  const { names } = app.world().attributes;
  const wanted = app.state.sweep || Object.keys(app.state.changes).at(-1);
  if (names.includes(wanted)) return names.indexOf(wanted);
  const { readability, low } = app.fact();
  const weight = (k) => readability[k] + (attributes[k] > low[k] ? 1 : 0);
  return [...names.keys()].reduce((best, k) => (weight(k) > weight(best) ? k : best), 0);
}

function shortValue(value) {
  return String(Math.round(100 * value) / 100);
}
