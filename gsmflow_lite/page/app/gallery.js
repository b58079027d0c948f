// Pictures of the designed class: the typical one, samples, real ones beside them, and a sweep.

import { nearestClass } from "./description.js";
import { designTitle } from "./design.js";
import { button, helped, make, slider } from "./dom.js";
import { SHOWN } from "./imagined.js";
import { drawLight, pictureCanvas, someRows } from "./row_pictures.js";
import { showBars } from "./bars.js";
import { isSealed } from "./sealed.js";
import { showSweep } from "./sweep.js";

const REAL_BESIDE = 2; // real pictures

export function showGallery(place, app) {
  const title = make("h2");
  const note = make("p", { class: "quiet" });
  const head = make("div", { class: "head" }, title, note, make("div", { id: "saving" }));
  const pictures = make("div", { class: "samples" });
  const sweep = make("div", { class: "sweep" });
  place.setAttribute("aria-label", app.say("gallery.title"));
  const sealed = make("p", { class: "notice" }, app.say("quiz.pictures.sealed"));
  place.append(head, sealed, pictures, noiseControls(app), sweep);
  showSweep(sweep, app);

  function seal() {
    sealed.hidden = !isSealed(app.state, "pictures");
    pictures.hidden = !sealed.hidden;
  }
  app.onChange(seal);
  seal();

  let follow = () => {};
  function build() {
    const kind = app.world().pictures?.kind;
    note.textContent = kind ? app.say(`gallery.note.${kind}`) : "";
    note.title = note.textContent;
    follow = (kind ? showSamples : showBars)(pictures, app);
  }
  app.onChange((_, changed) => changed.includes("world") && build());
  app.onImagined((result) => {
    if (result.world !== app.state.world) return;
    title.textContent = app.say("gallery.imagined", { name: designTitle(app) });
    title.title = title.textContent;
    follow(result);
  });
  build();
}

// Canvases are made once for a world; each answer is drawn into them.
function showSamples(place, app) {
  const world = app.world();
  const canvases = Array.from({ length: SHOWN }, () => pictureCanvas(world));
  const real = Array.from({ length: REAL_BESIDE }, () => pictureCanvas(world));
  canvases[0].classList.add("typical");
  const kind = world.pictures.kind;
  const imagined = figure("imagined", canvases);
  const beside = figure("beside-real", real);
  place.replaceChildren(imagined.element, beside.element);

  return (result) => {
    if (kind === "decoded") canvases.forEach((one, i) => drawLight(one, result.pictures, i));
    else app.rowPictures.drawRows(result.world, [...result.near], canvases);
    const about = { name: designTitle(app), count: SHOWN };
    imagined.row.setAttribute("aria-label", app.say(`gallery.alt.${kind}`, about));

    const { text, rows } = realOnes(app, result);
    beside.note.textContent = text;
    beside.note.title = text;
    beside.row.setAttribute("aria-label", text);
    real.forEach((one, i) => (one.hidden = i >= rows.length));
    app.rowPictures.drawRows(result.world, rows, real);
  };
}

function figure(name, canvases) {
  const row = make("div", { class: "row", role: "img" }, ...canvases);
  const note = make("figcaption");
  return { row, note, element: make("figure", { class: name }, row, note) };
}

// Real pictures of the class where there is such a class, else the nearest real ones.
function realOnes(app, result) {
  const { classes } = app.world();
  const near = nearestClass(app.world(), app.fact(), result.attributes);
  if (!near.differs.length) {
    const rows = someRows(app.fact().labels, near.classNumber, REAL_BESIDE);
    return { text: app.say("gallery.real", { name: classes.names[near.classNumber] }), rows };
  }
  const rows = [...new Set(result.near)].slice(0, REAL_BESIDE);
  const names = [...new Set(rows.map((row) => classes.names[app.fact().labels[row]]))];
  return { text: app.say("gallery.nearest", { name: names.join(", ") }), rows };
}

// How far samples stray, and which of all samples are shown.
function noiseControls(app) {
  const temperature = slider({
    label: app.say("gallery.temperature"),
    low: 0,
    high: 1.5,
    step: 0.05,
    value: app.state.temperature,
    onInput: (value) => app.change({ temperature: value }),
  });
  helped(temperature.element, app.say("help.temperature"));
  const seed = slider({
    label: app.say("gallery.variation"),
    low: 0,
    high: 99,
    step: 1,
    value: app.state.seed,
    onInput: (value) => app.change({ seed: value }),
  });
  helped(seed.element, app.say("help.variation"));
  const next = button(app.say("gallery.anotherVariation"), () => {
    app.change({ seed: (app.state.seed + 1) % 100 });
  });
  app.onChange((state) => {
    temperature.set(state.temperature);
    seed.set(state.seed);
  });
  return make("div", { class: "noise" }, temperature.element, seed.element, next);
}
