// Pictures to be saved: they say what they show, for they are looked at without the page.

import { DRIFTS } from "./sealed.js";
import { drawLight, pictureCanvas } from "./row_pictures.js";

const GAP = 12; // pixels between two maps
const TEXT_LINE = 22; // pixels of a line of text
const LEAST_WIDTH = 1200; // pixels of the maps
const PICTURES_A_LINE = 6;
const ENLARGED = 4; // pixels of a saved picture for one of its own
const FONT = "14px system-ui, sans-serif";
const TITLE_FONT = "600 15px system-ui, sans-serif";

// --- Maps ----------------------------------------------------------------------------------

// Drawn anew as sharp as it takes, with a title, what each map is, and whose colours these are.
export function mapPicture(app, place) {
  const width = app.map.canvases().reduce((sum, one) => sum + one.clientWidth, 0);
  const sharp = Math.ceil(Math.max(window.devicePixelRatio || 1, LEAST_WIDTH / (width || 1)));
  return app.map.sharpened(sharp, (lenses) => {
    return putTogether(app, lenses.filter((lens) => lens.size.width), sharp, coloursOf(place));
  });
}

function putTogether(app, lenses, sharp, { ink, paper }) {
  const width = lenses.reduce((sum, lens) => sum + lens.size.width, GAP * (lenses.length - 1));
  const high = Math.max(...lenses.map((lens) => lens.size.height));
  const whole = document.createElement("canvas");
  const pen = whole.getContext("2d");
  pen.font = FONT;
  const legend = legendSpots(app, pen, width);
  const top = 2 * TEXT_LINE + GAP;
  whole.width = width * sharp;
  whole.height = (top + high + GAP + TEXT_LINE * (1 + legend.at(-1).line)) * sharp;
  pen.scale(sharp, sharp);
  fillAll(pen, whole, paper);
  const title = app.say("saving.mapTitle", { title: app.world().title, how: howMade(app) });
  writeText(pen, title, 0, TEXT_LINE, ink, TITLE_FONT);
  let left = 0;
  for (const { lens, canvas, size } of lenses) {
    const shows = ["", ".shows"].map((end) => app.say(`map.${lens}${end}`)).join(" ");
    writeText(pen, shows, left, 2 * TEXT_LINE, ink);
    pen.drawImage(canvas, left, top, size.width, size.height);
    left += size.width + GAP;
  }
  for (const { text, colour, left: from, line } of legend) {
    const bottom = top + high + TEXT_LINE * (1 + line);
    if (colour) writeText(pen, "\u25cf", from, bottom, colour);
    writeText(pen, text, from + (colour ? TEXT_LINE - 4 : 0), bottom, ink);
  }
  return whole;
}

// The signs, and then the classes, each with its place in a line that has room for it.
function legendSpots(app, pen, width) {
  const { names, colours, chosen } = app.world().classes;
  const sign = (key, mark) => ({ text: `${mark} ${app.say(`map.layer.${key}`)}` });
  const classes = chosen.map((k) => ({ text: names[k], colour: colours[k] }));
  let left = 0;
  let line = 0;
  return [sign("real", "\u25cf"), sign("classes", "\u25c7"), ...classes].map((one) => {
    const long = pen.measureText(one.text).width + 2 * TEXT_LINE;
    if (left && left + long > width) {
      left = 0;
      line++;
    }
    const spot = { ...one, left, line };
    left += long;
    return spot;
  });
}

// --- Imagined pictures ---------------------------------------------------------------------

export function galleryPicture(app, pictures) {
  const { height, width } = app.world().pictures;
  const count = pictures.length / (height * width);
  const whole = document.createElement("canvas");
  const [across, down] = [ENLARGED * width + GAP, ENLARGED * height + GAP];
  const top = 2 * TEXT_LINE;
  whole.width = PICTURES_A_LINE * across;
  whole.height = top + Math.ceil(count / PICTURES_A_LINE) * down;
  const pen = whole.getContext("2d");
  fillAll(pen, whole, "#ffffff"); // paper
  const title = app.say("gallery.imagined", { name: app.title() });
  writeText(pen, title, GAP / 2, TEXT_LINE - 4, "#000", TITLE_FONT);
  writeText(pen, howMade(app), GAP / 2, top - 6, "#000");
  pen.imageSmoothingEnabled = false;
  for (let i = 0; i < count; i++) {
    const one = pictureCanvas(app.world());
    drawLight(one, pictures, i);
    const left = (i % PICTURES_A_LINE) * across + GAP / 2;
    const upper = top + Math.floor(i / PICTURES_A_LINE) * down + GAP / 2;
    pen.drawImage(one, left, upper, ENLARGED * width, ENLARGED * height);
  }
  return whole;
}

// --- Words ---------------------------------------------------------------------------------

// With which settings it was imagined; a quiz keeps its drift.
function howMade(app) {
  const { state } = app;
  const { title: flow } = app.world().flows[state.flow];
  const drifts = DRIFTS.filter((name) => state.quiz === null && state[name]);
  const doses = drifts.map((name) => `${app.say(`drifts.${name}`)} ${state[name]}`);
  const quiz = state.quiz === null ? [] : [app.say("saving.quiz", { number: state.quiz })];
  const { temperature, seed } = state;
  return [app.say("saving.how", { flow, temperature, seed }), ...doses, ...quiz].join(", ");
}

function writeText(pen, text, left, bottom, colour, font = FONT) {
  pen.font = font;
  pen.fillStyle = colour;
  pen.fillText(text, left, bottom);
}

function fillAll(pen, { width, height }, colour) {
  pen.fillStyle = colour;
  pen.fillRect(0, 0, width, height);
}

function coloursOf(place) {
  const style = getComputedStyle(place);
  const read = (name, usual) => style.getPropertyValue(name).trim() || usual;
  return { ink: read("--ink", "#000000"), paper: read("--paper", "#ffffff") };
}
