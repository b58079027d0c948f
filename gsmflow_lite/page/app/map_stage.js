// Both lenses beside each other, and the card of the point that is looked at.

import { helped, make } from "./dom.js";
import { gliderOf } from "./glider.js";
import { lensCanvas } from "./lens_canvas.js";
import { movedBy, wholeView, zoomedAt } from "./lens_view.js";
import { pointCard } from "./point_card.js";

const LENSES = ["pca", "umap"];
const MOST_RINGS = 60; // around marked points: more would hide what they mark
const CONTEXT_USUALLY = "#C8C8C8";

export function mapStage(place, app, points) {
  const lenses = LENSES.map(lensFigure);
  const card = pointCard(place, app);
  const glider = gliderOf(draw);
  let colours = readColours(place);
  let cursor = null; // {cloud, number}
  let outline = null; // {lens, points}

  function lensFigure(lens) {
    const label = app.say(`map.${lens}.label`);
    const canvas = make("canvas", { tabindex: "0", role: "application", "aria-label": label });
    const title = make("b", {}, app.say(`map.${lens}`));
    const heading = make("figcaption", {}, title, ` ${app.say(`map.${lens}.shows`)}`);
    helped(heading, app.say(`help.${lens}`));
    place.append(make("figure", { class: "lens", "data-lens": lens }, heading, canvas));
    return lensCanvas(canvas, lens);
  }

  // --- Drawing -----------------------------------------------------------------------------

  function open() {
    points.open();
    for (const kind of ["classes", "designed"]) glider.forget(kind);
    for (const lens of lenses) lens.frame(points.get("real")[lens.lens]);
    look(null);
    restyle();
  }

  function put(cloud) {
    const kept = points.put(cloud);
    points.restyle(colours, [kept]);
    if (cursor?.cloud.kind === cloud.kind) look(null);
    glider.send(kept);
  }

  function restyle() {
    points.restyle(colours);
    for (const lens of lenses) lens.freshen();
    draw();
  }

  function draw() {
    const real = points.get("real");
    if (!real) return;
    const names = points.names();
    const rings = points.countMarked() <= MOST_RINGS;
    for (const lens of lenses) {
      const seen = (cloud) => {
        const places = glider.places(cloud.kind, lens.lens) ?? cloud[lens.lens];
        return { ...cloud, places, styles: points.stylesOf(cloud) };
      };
      const moving = points.all().filter((cloud) => cloud !== real).map(seen);
      const at = cursor && { places: seen(cursor.cloud).places, number: cursor.number };
      const lasso = outline?.lens === lens ? outline.points : null;
      lens.draw({ real: seen(real), moving, names, colours, cursor: at, outline: lasso, rings });
    }
  }

  function fit() {
    if (lenses.map((lens) => lens.fit()).some(Boolean)) draw();
  }

  // What `use` makes of both lenses while they are drawn so sharply.
  function sharpened(sharp, use) {
    for (const lens of lenses) lens.fit(sharp);
    draw();
    const made = use(lenses);
    fit();
    return made;
  }

  function recolour() {
    colours = readColours(place);
    for (const lens of lenses) lens.forgetStamps();
    restyle();
  }

  // --- Looking at a point ------------------------------------------------------------------

  function look(point, lens, byTouch = false) {
    const same = point?.cloud === cursor?.cloud && point?.number === cursor?.number;
    cursor = point;
    if (!point) card.hide();
    else if (!same) card.show(point.cloud, point.number, ...besideOf(lens, point), byTouch);
    if (!same) draw();
  }

  function pixelOfPoint(lens, { cloud, number }) {
    return lens.pixelsOf(cloud[lens.lens].subarray(2 * number, 2 * number + 2));
  }

  function besideOf(lens, point) {
    const [x, y] = pixelOfPoint(lens, point);
    const frame = lens.canvas.getBoundingClientRect();
    const outer = place.getBoundingClientRect();
    return [x + frame.left - outer.left, y + frame.top - outer.top];
  }

  // From the point that is looked at to the next, or to the one in the middle.
  function walk(lens, weigh) {
    const { width, height } = lens.size;
    const [x, y] = cursor ? pixelOfPoint(lens, cursor) : [width / 2, height / 2];
    const next = points.nearest(lens, x, y, Infinity, cursor ? weigh : undefined);
    if (next) look(next, lens);
    return next;
  }

  // --- Zoom --------------------------------------------------------------------------------

  // Whether it could be zoomed.
  function zoom(lens, x, y, times) {
    const before = lens.view();
    lens.look(zoomedAt(x, y, times, before, lens.box(), lens.size));
    look(null);
    draw();
    return lens.view().zoom !== before.zoom;
  }

  function zoomAll(times) {
    for (const lens of lenses) zoom(lens, lens.size.width / 2, lens.size.height / 2, times);
  }

  function reset() {
    for (const lens of lenses) lens.look(wholeView(lens.box()));
    look(null);
    draw();
  }

  function drag(lens, right, down) {
    lens.look(movedBy(right, down, lens.view(), lens.box(), lens.size));
    draw();
  }

  function outlineIn(lens, drawn) {
    if (!drawn && !outline) return;
    outline = drawn && { lens, points: drawn };
    draw();
  }

  const sizes = new ResizeObserver(fit);
  for (const lens of lenses) sizes.observe(lens.canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", recolour);

  return {
    lenses,
    open,
    put,
    draw,
    restyle,
    look,
    walk,
    zoom,
    zoomAll,
    reset,
    drag,
    outline: outlineIn,
    sharpened,
    cursor: () => cursor,
  };
}

function readColours(place) {
  const style = getComputedStyle(place);
  const read = (name) => style.getPropertyValue(name).trim();
  const [ink, paper, accent] = ["--ink", "--card", "--accent"].map(read);
  return { ink, paper, accent, context: read("--context") || CONTEXT_USUALLY };
}
