// Saves to the reader's disk: both maps and the gallery as pictures, the selection as a table.

import { button, make } from "./dom.js";
import { galleryPicture, mapPicture } from "./saved_pictures.js";
import { isSealed } from "./sealed.js";

const FORMULA = ["=", "+", "-", "@", "\t", "\r"]; // a spreadsheet computes a cell that begins so
const READABLE_FOR = 60000; // milliseconds in which a file can be read

export function showSaving(place, app) {
  let imagined = null;
  const said = make("p", { class: "saving-said", role: "status" });
  const name = (what, suffix) => fileName([app.world().name, what], suffix);

  function saveMap() {
    savePng(name("map", "png"), mapPicture(app, place));
    menu.open = false;
  }

  function saveGallery() {
    const sealed = isSealed(app.state, "pictures");
    if (sealed || !imagined?.pictures) {
      said.textContent = app.say(sealed ? "quiz.pictures.sealed" : "saving.noPictures");
      return;
    }
    savePng(name("gallery", "png"), galleryPicture(app, imagined.pictures));
    menu.open = false;
  }

  function saveTable() {
    const rows = app.map.marked();
    if (!rows.length) {
      said.textContent = app.say("saving.nothing");
      return;
    }
    saveFile(name("points", "csv"), new Blob([pointsTable(rows)], { type: "text/csv" }));
    menu.open = false;
  }

  app.onImagined((result) => (imagined = result));
  const choices = make(
    "div",
    { class: "saving-menu" },
    button(app.say("saving.map"), saveMap),
    button(app.say("saving.gallery"), saveGallery),
    button(app.say("saving.points"), saveTable),
    said,
  );
  const summary = make("summary", {}, app.say("saving.title"));
  const menu = make("details", { class: "saving" }, summary, choices);
  closeByItself(menu, summary);
  menu.addEventListener("toggle", () => {
    if (!menu.open) said.textContent = "";
  });
  place.replaceChildren(menu);
}

// On Escape, and when somebody presses or goes elsewhere.
function closeByItself(menu, summary) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  const leave = (to) => {
    if (to && !menu.contains(to)) menu.open = false;
  };
  document.addEventListener("pointerdown", (event) => leave(event.target));
  menu.addEventListener("focusout", (event) => leave(event.relatedTarget));
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

// --- Files ---------------------------------------------------------------------------------

function savePng(name, canvas) {
  canvas.toBlob((blob) => blob && saveFile(name, blob), "image/png");
}

function saveFile(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), READABLE_FOR);
}
