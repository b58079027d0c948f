// The legend of the map: a button for each layer, and one for each class.
//
// A layer is shown or hidden. A class that is pressed stands out while the others are pale, in the
// meters also; pressed again, all are as they were.

import { button, make, readable } from "./dom.js";

const LAYER_SIGNS = { real: "●", classes: "◇", designed: "◇", others: "·" };

export function mapLegend(place, app, { hidden, redraw }) {
  function toggle(layer) {
    if (!hidden.delete(layer)) hidden.add(layer);
    show();
    redraw();
  }

  function layerButton(layer) {
    const pressed = String(!hidden.has(layer));
    const properties = { class: "legend-part", "aria-pressed": pressed, "data-layer": layer };
    const part = button(app.say(`map.layer.${layer}`), () => toggle(layer), properties);
    part.prepend(make("span", { class: "legend-sign", "aria-hidden": "true" }, LAYER_SIGNS[layer]));
    return part;
  }

  function classButton(label) {
    const { names, colours } = app.world().classes;
    const name = names[label];
    const alone = app.state.selected === name;
    const press = () => app.change({ selected: alone ? "" : name });
    const properties = { class: "legend-part", "aria-pressed": String(alone), "data-class": label };
    const part = button(readable(name), press, { ...properties, title: app.say("map.alone") });
    const sign = make("span", { class: "legend-dot", "aria-hidden": "true" });
    sign.style.background = colours[label];
    part.prepend(sign);
    return part;
  }

  function show() {
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset : {};
    const layers = Object.keys(LAYER_SIGNS).map(layerButton);
    const classes = app.world().classes.chosen.map(classButton);
    place.replaceChildren(...layers, ...classes);
    for (const key of ["layer", "class"]) {
      if (!focused[key]) continue;
      [...place.children].find((one) => one.dataset[key] === focused[key])?.focus();
    }
  }

  show();
  return { show };
}
