// Menus for attributes that come in groups: of each group, such as the vowels, a class has one.

import { surprise } from "./another.js";
import { partsOf } from "./description.js";
import { button, make, menu, readable } from "./dom.js";
import { isHangul, jamo, syllable } from "./hangul.js";
import { canWrite } from "./letters.js";

const SILENT = ["silent", "none"];

export function showPartMenus(place, app) {
  const { groups, names } = app.world().attributes;
  const written = isHangul(groups) && canWrite(syllable(0, 0, 0));
  const big = written ? make("p", { class: "syllable", lang: "ko" }) : null;
  const menus = {};
  for (const [group, numbers] of Object.entries(groups)) {
    menus[group] = menu({
      label: readable(group),
      options: numbers.map((k, i) => [names[k], partText(group, names[k], i, big)]),
      onPick: (name) => choosePart(app, group, name),
    });
  }
  const tools = make(
    "div",
    { class: "buttons" },
    button(app.say("design.another"), () => surprise(app)),
    button(app.say("design.mix"), () => anotherMix(app)),
  );
  const choices = make("div", { class: "parts" }, ...Object.values(menus).map((m) => m.element));
  place.append(make("div", { class: "beside" }, choices, big), tools);

  return () => {
    const described = app.description();
    if (!described) return;
    const parts = partsOf(app.world(), described);
    for (const [group, k] of Object.entries(parts)) menus[group].select.value = names[k];
    if (big) big.textContent = syllableOf(groups, parts);
  };
}

// "vowel eo" of the group "vowel" is "eo", with its letter where it is one of Hangul.
function partText(group, name, place, hangul) {
  const text = readable(name.startsWith(`${group} `) ? name.slice(group.length + 1) : name);
  return hangul ? `${jamo(group, place)} ${text}`.trim() : text;
}

// A syllable as the data would name it, such as "han" and its letter; empty for other parts.
export function nameOfParts(world, described) {
  const { groups, names } = world.attributes;
  if (!described || !isHangul(groups)) return "";
  const parts = partsOf(world, described);
  const sounds = ["initial", "vowel", "final"].map((group) => soundOf(group, names[parts[group]]));
  return [sounds.join(""), syllableOf(groups, parts)].filter(canWrite).join(" ");
}

function soundOf(group, name) {
  const sound = name.slice(group.length + 1);
  return SILENT.includes(sound) ? "" : sound;
}

function syllableOf(groups, parts) {
  const places = ["initial", "vowel", "final"].map((group) => groups[group].indexOf(parts[group]));
  return syllable(...places);
}

function choosePart(app, group, name) {
  const inGroup = app.world().attributes.groups[group].map((k) => app.world().attributes.names[k]);
  const changes = { ...app.state.changes };
  for (const other of inGroup) delete changes[other];
  changes[name] = 1;
  app.change({ changes: withoutSame(app, changes) });
}

// A part that the class has anyway is no change.
function withoutSame(app, changes) {
  const described = app.descriptionOf(app.startClass());
  const { names } = app.world().attributes;
  const real = Object.entries(changes).filter(([name]) => described[names.indexOf(name)] !== 1);
  return Object.fromEntries(real);
}

// Parts at random: nearly always a class that nobody has drawn.
function anotherMix(app) {
  const { groups, names } = app.world().attributes;
  const changes = {};
  for (const numbers of Object.values(groups)) {
    changes[names[numbers[Math.floor(Math.random() * numbers.length)]]] = 1;
  }
  app.change({ changes: withoutSame(app, changes) });
}
