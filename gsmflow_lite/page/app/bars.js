// For data without pictures: what a description asks for, and what is read off the imagined rows.

import { make, readable } from "./dom.js";

const BARS = 12;

export function showBars(place, app) {
  const rows = make("div", { class: "bars" });
  const note = make("p", { class: "quiet" }, app.say("bars.note"));
  place.replaceChildren(rows, note);
  return ({ attributes, read }) => {
    const chosen = tellingAttributes(app, attributes);
    rows.replaceChildren(...chosen.map((k) => bar(app, k, attributes[k], read[k])));
  };
}

// First those that were changed, then those that set the class apart and can be read.
function tellingAttributes(app, attributes) {
  const { typical, spread, readability } = app.fact();
  const { names } = app.world().attributes;
  const weight = (k) => (Math.abs(attributes[k] - typical[k]) / (spread[k] || 1)) * readability[k];
  const changed = names.flatMap((name, k) => (name in app.state.changes ? [k] : []));
  const others = [...names.keys()].sort((a, b) => weight(b) - weight(a));
  return [...new Set([...changed, ...others])].slice(0, BARS);
}

function bar(app, k, asked, read) {
  const { low, high } = app.fact();
  const share = (value) => Math.min(1, Math.max(0, (value - low[k]) / (high[k] - low[k] || 1)));
  const name = readable(app.world().attributes.names[k]);
  const style = `--asked: ${share(asked)}; --read: ${share(read)}`;
  const values = { asked: asked.toFixed(2), read: read.toFixed(2) };
  return make(
    "div",
    { class: "bar" },
    make("span", { title: name }, name),
    make("div", { class: "track", style, role: "img", "aria-label": app.say("bars.alt", values) }),
  );
}
