// The buttons over the map: what a press or a drag does, zoom, and the lens that a phone shows.

import { button, make } from "./dom.js";

const TOOLS = ["point", "lasso", "box"];

export function mapTools(place, app, { zoom, reset, clear, picked }) {
  let tool = "point";

  function toolButton(name) {
    const title = app.say(`map.tool.${name}.help`);
    const properties = { class: "map-tool", title, "data-tool": name };
    return button(app.say(`map.tool.${name}`), () => pick(name), properties);
  }

  function pick(name) {
    tool = name;
    for (const one of tools) one.setAttribute("aria-pressed", String(one.dataset.tool === tool));
    picked(tool);
  }

  function plainButton(key, sign, press) {
    const words = app.say(key);
    return button(sign, press, { class: "map-tool", title: words, "aria-label": words });
  }

  function lensButton(lens) {
    const properties = { class: "map-tool map-lens", "data-lens": lens };
    return button(app.say(`map.${lens}`), () => app.change({ lens }), properties);
  }

  const tools = TOOLS.map(toolButton);
  const lenses = ["pca", "umap"].map(lensButton);
  const group = (key, ...parts) =>
    make("div", { class: "map-group", role: "group", "aria-label": app.say(key) }, ...parts);
  const clearing = button(app.say("map.clear"), clear, { class: "map-tool", hidden: true });
  place.append(
    group("map.lenses", ...lenses),
    group("map.tools", ...tools),
    group(
      "map.zoom",
      plainButton("map.zoom.in", "+", () => zoom(1.5)),
      plainButton("map.zoom.out", "−", () => zoom(1 / 1.5)),
      plainButton("map.zoom.reset", "⟲", reset),
    ),
    clearing,
  );
  pick(tool);

  function showLens(lens) {
    for (const one of lenses) one.setAttribute("aria-pressed", String(one.dataset.lens === lens));
  }

  return { tool: () => tool, showLens, offerClear: (on) => (clearing.hidden = !on) };
}
