// The designer: a class is described by menus of its parts, or by sliders for its attributes.

import { surprise } from "./another.js";
import { showAttributeSliders } from "./attribute_sliders.js";
import { isMadeOfParts, nearestClass } from "./description.js";
import { button, fillMenu, helped, make, menu, readable } from "./dom.js";
import { nameOfParts, showPartMenus } from "./part_menus.js";

export function showDesign(place, app) {
  const lead = make("p", { class: "lead" });
  const found = make("p", { class: "found", "aria-live": "polite" });
  const tools = make("div");

  // Controls are made anew for another world, and follow every other change.
  let followControls = () => {};
  function build() {
    const kind = kindOf(app.world());
    lead.textContent = app.say(`design.lead.${kind}`);
    const controls = make("div", { class: "design-controls" });
    tools.replaceChildren(controls);
    followControls = SHOW[kind](controls, app);
    follow();
  }
  function follow() {
    followControls();
    found.textContent = whatItIs(app);
  }
  app.onChange((_, changed) => {
    if (changed.includes("world")) build();
    else if (changed.includes("from") || changed.includes("changes")) follow();
  });
  place.append(lead, found, tools);
  build();
}

function kindOf(world) {
  if (world.attributes.bySentence) return "sentence";
  return isMadeOfParts(world) ? "parts" : "sliders";
}

const SHOW = {
  parts: showPartMenus,
  sliders(place, app) {
    const followStart = showStart(place, app);
    const followSliders = showAttributeSliders(place, app);
    return () => {
      followStart();
      followSliders();
    };
  },
  sentence: showStart,
};

// The class whose description one begins with.
function showStart(place, app) {
  const { element, select } = menu({
    label: app.say("design.start"),
    options: [],
    onPick: (from) => app.change({ from, changes: {} }),
  });
  fillMenu(select, classOptions(app));
  const another = button(app.say("design.another"), () => surprise(app));
  element.classList.add("with-button");
  element.append(another);
  place.append(helped(element, app.say("help.class")));
  return () => {
    select.value = app.world().classes.names[app.startClass()];
  };
}

function classOptions(app) {
  const { names, seen } = app.world().classes;
  const group = (key, wanted) => {
    const options = names.filter((_, k) => seen[k] === wanted).map((name) => [name, name]);
    return { label: app.say(key), options };
  };
  return [group("design.unseen", false), group("design.seen", true)];
}

// Whether there is such a class, whether the flow has learnt from it, or what is nearest to it.
function whatItIs(app) {
  const described = app.description();
  if (!described) return app.say("design.nothing");
  const world = app.world();
  const near = nearestClass(world, app.fact(), described);
  const name = world.classes.names[near.classNumber];
  const seen = world.classes.seen[near.classNumber];
  if (!near.differs.length) return app.say(seen ? "design.isSeen" : "design.isUnseen", { name });
  const count = near.differs.length;
  const key = isMadeOfParts(world) ? "design.newParts" : "design.near";
  return app.say(count === 1 ? `${key}.one` : key, { name, count });
}

const MOST_NAMED = 2; // changes that a title names

// The designed class in a few words, for captions.
export function designTitle(app) {
  const world = app.world();
  const described = app.description();
  if (described) {
    const near = nearestClass(world, app.fact(), described);
    if (!near.differs.length) return world.classes.names[near.classNumber];
  }
  if (isMadeOfParts(world)) return nameOfParts(world, described) || app.say("design.newClass");
  const from = world.classes.names[app.startClass()];
  const changes = Object.entries(app.state.changes);
  if (!changes.length) return from;
  const named = changes.slice(0, MOST_NAMED).map(([name, value]) => {
    return `${readable(name)} ${Math.round(100 * value) / 100}`;
  });
  if (changes.length > MOST_NAMED) named.push("\u2026");
  return app.say("design.changed", { from, changes: named.join(", ") });
}
