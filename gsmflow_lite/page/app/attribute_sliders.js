// Sliders for any number of attributes. Those that were changed stand on top, one press from being
// taken back; then what the class has, then what it lacks. A search finds the others.

import { button, make, readable, slider } from "./dom.js";

const MOST = 40; // sliders that are made at once; the search finds the rest
const SAME = 1e-6; // of the range: a slider that is so near to the description stands on it

export function showAttributeSliders(place, app) {
  const { names } = app.world().attributes;
  const changed = make("div", { class: "changed", role: "group" });
  changed.setAttribute("aria-label", app.say("sliders.changed"));
  const search = make("input", { type: "search", "aria-label": app.say("sliders.search") });
  search.placeholder = app.say("sliders.among", { count: names.length });
  const list = make("div", { class: "sliders" });
  place.append(changed, search, list); // marks keep their place when there are none

  const shown = new Map(); // sliders by the number of their attribute
  let shownOf = "";

  // The order stays while a slider moves, or it would slip away from under the finger.
  function build() {
    shown.clear();
    const described = app.descriptionOf(app.startClass());
    const fitting = [...names.keys()].filter((k) => fits(names[k], search.value));
    const has = fitting.filter((k) => described[k] > app.fact().low[k]);
    const lacks = fitting.filter((k) => described[k] <= app.fact().low[k]);
    const parts = [section("sliders.has", has, true), section("sliders.lacks", lacks, unfolds())];
    list.replaceChildren(...parts.filter((part) => part !== null));
    if (!fitting.length) list.append(make("p", { class: "quiet" }, app.say("sliders.none")));
    shownOf = keyOf();
  }

  // A narrow page folds what the class lacks: map and meters would be far below.
  function unfolds() {
    return search.value !== "" || !matchMedia("(max-width: 760px)").matches;
  }

  function section(key, numbers, open) {
    const room = MOST - shown.size;
    const first = numbers.slice(0, Math.max(0, room));
    if (!first.length) return null;
    const head = app.say(key, { name: app.world().classes.names[app.startClass()] });
    const box = make("details", { open }, make("summary", {}, head));
    for (const k of first) {
      shown.set(k, attributeSlider(app, k));
      box.append(shown.get(k).element);
    }
    const left = numbers.length - first.length;
    if (left) box.append(make("p", { class: "quiet" }, app.say("sliders.more", { count: left })));
    return box;
  }

  function keyOf() {
    return `${app.state.world} ${app.startClass()} ${search.value}`;
  }

  function follow() {
    if (keyOf() !== shownOf) build();
    const described = app.description() ?? new Float32Array(names.length);
    for (const [k, one] of shown) {
      one.set(described[k]);
      one.element.classList.toggle("moved", names[k] in app.state.changes);
    }
    showChanged(changed, app, search);
  }

  search.addEventListener("input", follow);
  return follow;
}

function fits(name, wanted) {
  return readable(name).toLowerCase().includes(readable(wanted).trim().toLowerCase());
}

function attributeSlider(app, k) {
  const { low, high } = app.fact();
  const name = app.world().attributes.names[k];
  const one = slider({
    label: readable(name),
    low: low[k],
    high: high[k],
    step: (high[k] - low[k]) / 100 || "any",
    value: low[k],
    onInput: (value) => changeAttribute(app, k, value),
  });
  one.name.title = readable(name);
  if (!(high[k] > low[k])) one.input.disabled = true; // it is the same in every class
  return one;
}

// An attribute that goes back to the description is no change any more.
function changeAttribute(app, k, value) {
  const name = app.world().attributes.names[k];
  const { low, high } = app.fact();
  const described = app.descriptionOf(app.startClass())[k];
  const changes = { ...app.state.changes, [name]: value };
  if (Math.abs(value - described) <= SAME * (high[k] - low[k])) delete changes[name];
  app.change({ changes });
}

// Who has pressed a mark finds the keyboard on the next one, or in the search.
function showChanged(place, app, search) {
  const held = place.contains(document.activeElement);
  const entries = Object.entries(app.state.changes);
  const back = (name) => {
    const changes = { ...app.state.changes };
    delete changes[name];
    app.change({ changes });
  };
  const chips = entries.map(([name, value]) => {
    const text = `${readable(name)} ${Math.round(100 * value) / 100}`;
    const label = app.say("sliders.takeBack", { name: text });
    return button(`${text} \u00d7`, () => back(name), { class: "chip", "aria-label": label });
  });
  const none = make("span", { class: "quiet" }, app.say("sliders.unchanged"));
  const marks = make("div", { class: "chips" }, ...(chips.length ? chips : [none]));
  const reset = () => app.change({ changes: {} });
  const all = button(app.say("sliders.reset"), reset, { class: "text", hidden: !chips.length });
  place.replaceChildren(marks, all);
  marks.scrollLeft = marks.scrollWidth; // to the newest
  if (held) (chips[0] ?? search).focus();
}
