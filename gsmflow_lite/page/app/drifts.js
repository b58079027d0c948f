// The controls of the drifts: three doses, and what synthesizes.
//
// The temperature stands beside the pictures.

import { button, make, menu, slider } from "./dom.js";
import { DRIFTS } from "./sealed.js";
import { startState } from "./state.js";

const RANGES = { semantic: [0, 2], variance: [-1, 1], structure: [0, 2] };
const SWITCH_NAMES = ["semantics", "positioning", "perturbation", "start"];

export function showDrifts(place, app) {
  const sealed = make("p", { class: "notice" }, app.say("quiz.drifts.sealed"));
  const doses = DRIFTS.map((name) => doseSlider(app, name));
  const source = make("div", { class: "drift-source" });
  const reset = button(app.say("drifts.reset"), () => app.change(undrifted()));
  const open = doses.map((one) => one.element);
  const controls = make("div", { class: "drift-controls" }, ...open, source, reset);
  const intro = make("p", { class: "drift-intro" }, app.say("drifts.intro"));
  place.replaceChildren(sealed, intro, controls);

  function undrifted() {
    const { temperature } = startState(app.state.world);
    return { variance: 0, semantic: 0, structure: 0, temperature, flow: 0 };
  }

  function follow() {
    const quiz = app.state.quiz !== null;
    sealed.hidden = !quiz;
    intro.hidden = controls.hidden = quiz;
    DRIFTS.forEach((name, i) => {
      doses[i].set(app.state[name]);
      doses[i].input.disabled = app.fact().canInject?.[name] === false;
    });
  }

  function changed(_, keys) {
    if (keys.includes("world") || keys.includes("flow")) showSource(source, app);
    follow();
  }

  app.onChange(changed);
  showSource(source, app);
  follow();
}

function doseSlider(app, name) {
  const [low, high] = RANGES[name];
  const made = slider({
    label: app.say(`drifts.${name}`),
    low,
    high,
    step: 0.05,
    value: app.state[name],
    onInput: (value) => app.change({ [name]: value }),
  });
  explain(made, app.say(`drifts.${name}.does`));
  return made;
}

// A sentence under a slider, which a screen reader says with it.
function explain(made, sentence) {
  const id = `${made.input.id}-does`;
  const words = make("p", { class: "does", id }, sentence);
  made.input.setAttribute("aria-describedby", id);
  made.element.append(words);
}

// The flows of a world: each mechanism of training left out, or the ridge-Gaussian.
function showSource(place, app) {
  const { flows } = app.world();
  const options = flows.map((flow, i) => [i, flow.title]);
  const choice = menu({
    label: app.say("drifts.flow"),
    options,
    value: app.state.flow,
    onPick: (number) => app.change({ flow: Number(number) }),
  });
  const focused = place.contains(document.activeElement);
  const words = make("p", { class: "does" }, flowWords(app, flows[app.state.flow]));
  place.replaceChildren(choice.element, words);
  if (focused) choice.select.focus();
}

function flowWords(app, flow) {
  if (flow.key === "ridge") return app.say("drifts.flow.ridge");
  const missing = SWITCH_NAMES.filter((name) => flow.switches?.[name] === false);
  if (!missing.length) return app.say("drifts.flow.whole");
  return missing.map((name) => app.say(`drifts.flow.without.${name}`)).join(" ");
}
