// One lens on a canvas: real points as dots, synthesized ones as open diamonds.
//
// Each look of a diamond is painted once on a small canvas of its own, a stamp, and then copied.
// What does not move between two slider positions, the real points, is kept as one picture.

import { boxAround, pixelOf, pixelsPerUnit, wholeView } from "./lens_view.js";
import { cloudBoxes, placeNames } from "./lens_names.js";

const STAMPS = { // radius and line in pixels, opacity
  context: { radius: 1.6, line: 0, opacity: 0.7 },
  dot: { radius: 2.2, line: 0, opacity: 0.5 },
  diamond: { radius: 4.6, line: 1.6, opacity: 1 },
  designed: { radius: 6, line: 2.4, opacity: 1 },
};
// Without the graphics card: thousands of small points are sooner drawn than sent to it, and many
// machines only pretend to have one.
const PLAIN = { willReadFrequently: true };
const PALE = 0.16; // opacity of classes that stand back
const HALO = 1.4; // pixels of paper around a diamond, so that it is seen on a crowd of dots
const NAME_FONT = "600 12px system-ui, sans-serif";
const LONGEST_LABEL = 18; // characters

export function lensCanvas(canvas, lens) {
  const context = canvas.getContext("2d", PLAIN);
  const size = { width: 0, height: 0 };
  const still = document.createElement("canvas"); // what does not move
  const stamps = new Map();
  const named = []; // the places of names, for who clicks on one
  let box = { left: 0, right: 1, low: 0, high: 1 };
  let view = wholeView(box);
  let ratio = 1;
  let stale = true;
  let paper = "";

  function frame(places) {
    box = boxAround(places);
    view = wholeView(box);
    stale = true;
  }

  function look(next) {
    view = next;
    stale = true;
  }

  // Whether the canvas has another size now.
  function fit(sharp = window.devicePixelRatio || 1) {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === size.width && height === size.height && sharp === ratio) return false;
    Object.assign(size, { width, height });
    ratio = sharp;
    for (const one of [canvas, still]) {
      one.width = Math.max(1, Math.round(width * ratio));
      one.height = Math.max(1, Math.round(height * ratio));
    }
    stamps.clear();
    stale = true;
    return true;
  }

  function stampOf(style) {
    if (!stamps.has(style.key)) stamps.set(style.key, paintStamp(style, ratio, paper));
    return stamps.get(style.key);
  }

  function stampAll(into, places, styles) {
    const scale = pixelsPerUnit(view, box, size) * ratio;
    const left = (size.width / 2) * ratio - view.x * scale;
    const top = (size.height / 2) * ratio + view.y * scale;
    into.setTransform(1, 0, 0, 1, 0, 0); // stamps have their size in pixels of the screen
    for (let i = 0; i < styles.length; i++) {
      if (!styles[i]) continue;
      const stamp = stampOf(styles[i]);
      const half = stamp.width / 2;
      const x = Math.round(left + places[2 * i] * scale - half); // whole pixels are copied faster
      const y = Math.round(top - places[2 * i + 1] * scale - half);
      if (x > -stamp.width && y > -stamp.width && x < canvas.width && y < canvas.height) {
        into.drawImage(stamp, x, y);
      }
    }
  }

  function drawStill({ real, names }) {
    const into = still.getContext("2d", PLAIN);
    into.setTransform(1, 0, 0, 1, 0, 0);
    into.clearRect(0, 0, still.width, still.height);
    into.setTransform(ratio, 0, 0, ratio, 0, 0);
    const pixels = pixelsOf(real.places);
    for (const shape of ["context", "dot"]) fillDots(into, shape, pixels, real.styles);
    findPlaces(into, real, names);
    stale = false;
  }

  function findPlaces(into, { labels, places, styles }, names) {
    into.setTransform(ratio, 0, 0, ratio, 0, 0);
    into.font = NAME_FONT;
    const pixels = pixelsOf(places);
    const widths = new Map();
    for (const [label, name] of names) widths.set(label, into.measureText(shortened(name)).width);
    const boxes = cloudBoxes(labels, pixels, names.keys());
    const drawn = pixels.filter((_, i) => styles[i >> 1]);
    named.splice(0, named.length, ...placeNames(boxes, widths, drawn, size));
  }

  // Draws all. `scene` has `real` and `moving` (a list), each {labels, places, styles, marked};
  // `names` by label; `colours` {ink, paper, accent}; `cursor` {places, number} or null; `outline`,
  // the pixels of a lasso; and whether marked points have `rings`.
  function draw(scene) {
    if (!size.width || !size.height) return;
    paper = scene.colours.paper;
    if (stale) drawStill(scene);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(still, 0, 0);
    for (const cloud of scene.moving) stampAll(context, cloud.places, cloud.styles);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = NAME_FONT;
    for (const { label, left, top } of named) {
      haloText(context, shortened(scene.names.get(label)), left, top + 12, scene.colours);
    }
    const ringed = scene.rings ? [scene.real, ...scene.moving] : [];
    for (const cloud of ringed) ringMarked(cloud, scene.colours);
    if (scene.cursor) ring(scene.cursor.places, scene.cursor.number, 9, 2.5, scene.colours.ink);
    if (scene.outline?.length > 1) drawOutline(scene.outline, scene.colours);
  }

  function ringMarked({ places, styles, marked }, colours) {
    marked.forEach((on, i) => on && styles[i] && ring(places, i, 7, 1.6, colours.ink));
  }

  function ring(places, number, radius, line, colour) {
    const [x, y] = pixelOf(places[2 * number], places[2 * number + 1], view, box, size);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.stroke();
  }

  function drawOutline(outline, colours) {
    context.beginPath();
    outline.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.setLineDash([4, 3]);
    context.lineWidth = 1.5;
    context.strokeStyle = colours.ink;
    context.stroke();
    context.setLineDash([]);
  }

  function pixelsOf(places) {
    const scale = pixelsPerUnit(view, box, size);
    const across = (value) => size.width / 2 + (value - view.x) * scale;
    const along = (value) => size.height / 2 - (value - view.y) * scale;
    return places.map((value, i) => (i % 2 ? along(value) : across(value)));
  }

  // The class whose name is at a pixel.
  function nameAt(x, y) {
    const isOn = ({ left, top, width, height }) =>
      x >= left && x <= left + width && y >= top && y <= top + height;
    return named.find(isOn)?.label;
  }

  return {
    canvas,
    lens,
    size,
    draw,
    fit,
    frame,
    look,
    nameAt,
    pixelsOf,
    freshen: () => (stale = true),
    forgetStamps: () => stamps.clear(),
    view: () => view,
    box: () => box,
  };
}

export function shortened(name, most = LONGEST_LABEL) {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
}

function haloText(into, text, left, bottom, { ink, paper }) {
  into.lineJoin = "round";
  into.lineWidth = 4;
  into.strokeStyle = paper;
  into.strokeText(text, left, bottom);
  into.fillStyle = ink;
  into.fillText(text, left, bottom);
}

// The picture of one diamond, `ratio` times as sharp as a pixel of the page.
function paintStamp({ shape, colour, pale }, ratio, paper) {
  const { radius, line, opacity } = STAMPS[shape];
  const half = Math.ceil((radius + line + HALO + 1) * ratio);
  const stamp = new OffscreenCanvas(2 * half, 2 * half);
  const into = stamp.getContext("2d", PLAIN);
  into.translate(half, half);
  into.scale(ratio, ratio);
  into.globalAlpha = pale ? PALE : opacity;
  if (pale) strokeDiamond(into, radius, [[line, colour]]);
  else strokeDiamond(into, radius, [[line + 2 * HALO, paper], [line, colour]]);
  return stamp.transferToImageBitmap(); // a canvas would be copied at each use
}

// Real points of one shape. Thousands of dots are drawn sooner than copied.
function fillDots(into, shape, pixels, styles) {
  const { radius, opacity } = STAMPS[shape];
  let last = null;
  styles.forEach((style, i) => {
    if (style?.shape !== shape) return;
    if (style !== last) {
      into.fillStyle = style.colour;
      into.globalAlpha = style.pale ? PALE : opacity;
      last = style;
    }
    into.beginPath();
    into.arc(pixels[2 * i], pixels[2 * i + 1], radius, 0, 2 * Math.PI);
    into.fill();
  });
  into.globalAlpha = 1;
}

function strokeDiamond(into, radius, strokes) {
  into.beginPath();
  into.moveTo(0, -radius);
  for (const [x, y] of [[radius, 0], [0, radius], [-radius, 0]]) into.lineTo(x, y);
  into.closePath();
  into.lineJoin = "round";
  for (const [width, colour] of strokes) {
    into.lineWidth = width;
    into.strokeStyle = colour;
    into.stroke();
  }
}
