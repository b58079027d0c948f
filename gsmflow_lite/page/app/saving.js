// Saves to the reader's disk: both maps and the gallery as pictures, the selection as a table.

import { button, make } from "./dom.js";
import { drawLight, pictureCanvas } from "./row_pictures.js";

const FORMULA = ["=", "+", "-", "@", "\t", "\r"]; // a spreadsheet computes a cell that begins so
const KEPT = 60000; // milliseconds in which a file can be read
const GAP = 12; // pixels between two maps
const PICTURES_A_LINE = 6;
const ENLARGED = 4; // pixels of a saved picture for one of its own

export function showSaving(place, app) {
  let imagined = null;
  const said = make("span", { class: "saving-said", role: "status" });
  const name = (what, suffix) => fileName([app.world().name, what], suffix);

  function saveMap() {
    savePng(name("map", "png"), mapPicture(app.map.canvases(), pageColour(place)));
    said.textContent = "";
  }

  function saveGallery() {
    if (!imagined?.pictures) {
      said.textContent = app.say("saving.noPictures");
      return;
    }
    savePng(name("gallery", "png"), galleryPicture(app.world(), imagined.pictures));
    said.textContent = "";
  }

  function saveTable() {
    const rows = app.map.marked();
    said.textContent = rows.length ? "" : app.say("saving.nothing");
    const content = new Blob([pointsTable(rows)], { type: "text/csv" });
    if (rows.length) saveFile(name("points", "csv"), content);
  }

  app.onImagined((result) => (imagined = result));
  const menu = make(
    "details",
    { class: "saving" },
    make("summary", {}, app.say("saving.title")),
    button(app.say("saving.map"), saveMap),
    button(app.say("saving.gallery"), saveGallery),
    button(app.say("saving.points"), saveTable),
    said,
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
  place.replaceChildren(menu);
}

// --- Tables --------------------------------------------------------------------------------

export function pointsTable(rows) {
  const head = "label,kind,nearest real row,distance,pca 1,pca 2,umap 1,umap 2";
  const lines = rows.map(({ label, kind, row, distance, pca, umap }) =>
    [cell(label), cell(kind), row, distance, ...pca, ...umap].join(","),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

// A name as a cell: in quotation marks where it must be, and never a formula.
export function cell(text) {
  const safe = FORMULA.some((sign) => text.startsWith(sign)) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// A name of a file that every system takes.
export function fileName(parts, suffix) {
  const safe = parts.map((part) => part.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, ""));
  return `${safe.filter(Boolean).join("-").slice(0, 80) || "gsmflow"}.${suffix}`;
}

// --- Pictures ------------------------------------------------------------------------------

function mapPicture(canvases, paper) {
  const drawn = canvases.filter((one) => one.clientWidth);
  const whole = document.createElement("canvas");
  whole.width = drawn.reduce((sum, one) => sum + one.width, GAP * (drawn.length - 1));
  whole.height = Math.max(...drawn.map((one) => one.height));
  const into = whole.getContext("2d");
  into.fillStyle = paper;
  into.fillRect(0, 0, whole.width, whole.height);
  let left = 0;
  for (const one of drawn) {
    into.drawImage(one, left, 0);
    left += one.width + GAP;
  }
  return whole;
}

function galleryPicture(world, pictures) {
  const { height, width } = world.pictures;
  const count = pictures.length / (height * width);
  const whole = document.createElement("canvas");
  const step = [ENLARGED * width + GAP, ENLARGED * height + GAP];
  whole.width = PICTURES_A_LINE * step[0];
  whole.height = Math.ceil(count / PICTURES_A_LINE) * step[1];
  const into = whole.getContext("2d");
  into.fillStyle = "#ffffff"; // paper
  into.fillRect(0, 0, whole.width, whole.height);
  into.imageSmoothingEnabled = false;
  for (let i = 0; i < count; i++) {
    const one = pictureCanvas(world);
    drawLight(one, pictures, i);
    const [column, line] = [i % PICTURES_A_LINE, Math.floor(i / PICTURES_A_LINE)];
    const place = [column * step[0] + GAP / 2, line * step[1] + GAP / 2];
    into.drawImage(one, ...place, ENLARGED * width, ENLARGED * height);
  }
  return whole;
}

function pageColour(place) {
  return getComputedStyle(place).getPropertyValue("--paper").trim() || "#ffffff";
}

function savePng(name, canvas) {
  canvas.toBlob((blob) => blob && saveFile(name, blob), "image/png");
}

function saveFile(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}
