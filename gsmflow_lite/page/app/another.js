// Something else to begin with, at random: a wish of the moment, so it needs no seed.

import { descriptionOf, nearestClass } from "./description.js";

// A class that the flow has never seen, or another class with one attribute more.
export function surprise(app) {
  const { names, seen } = app.world().classes;
  const others = [...names.keys()].filter((k) => k !== app.startClass() && k !== shownClass(app));
  const unseen = others.filter((k) => !seen[k]);
  const plain = unseen.length > 0 && (Math.random() < 0.5 || app.world().attributes.bySentence);
  const from = anyOf(plain ? unseen : others) ?? app.startClass();
  app.change({ from: names[from], changes: plain ? {} : oneMore(app, from) });
}

// The class that is described now, or -1 if there is no such class.
function shownClass(app) {
  const described = app.description();
  if (!described) return -1;
  const near = nearestClass(app.world(), app.fact(), described);
  return near.differs.length ? -1 : near.classNumber;
}

// To have more leaves nothing undescribed, and takes the place of another in a group of parts.
function oneMore(app, k) {
  const { names, bySentence } = app.world().attributes;
  const { low, high } = app.fact();
  const described = descriptionOf(app.world(), app.fact(), k);
  const lacks = [...names.keys()].filter((a) => described[a] < (low[a] + high[a]) / 2);
  const more = bySentence ? undefined : anyOf(lacks);
  return more === undefined ? {} : { [names[more]]: high[more] };
}

function anyOf(numbers) {
  return numbers[Math.floor(Math.random() * numbers.length)];
}
