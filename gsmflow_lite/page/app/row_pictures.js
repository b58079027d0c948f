// Pictures on the page: light that the engine decoded, or real pictures cut out of one sheet.

import { make } from "./dom.js";

// A canvas for one picture. Its size on the page is the style sheet's.
export function pictureCanvas(world) {
  const { height = 1, width = 1 } = world.pictures ?? {};
  return make("canvas", { class: "picture", width, height });
}

// Draw the picture that begins at place `at` of decoded ones; 255 is paper.
export function drawLight(canvas, light, at = 0) {
  const { width, height } = canvas;
  const image = new ImageData(width, height);
  const first = at * width * height;
  for (let i = 0; i < width * height; i++) {
    const value = light[first + i];
    image.data.set([value, value, value, 255], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Real rows as pictures; `world` is a number.
export function startRowPictures(engine, worlds, facts) {
  const decoded = new Map(); // light by world and row: asked for once
  const sheets = new Map();

  async function lightOf(world, rows) {
    const missing = rows.filter((row) => !decoded.has(`${world} ${row}`));
    if (missing.length) {
      const size = worlds[world].pictures.height * worlds[world].pictures.width;
      const lane = `${world} ${missing.join()}`; // so that no other question takes its place
      const answer = await engine.ask("picturesOf", { world, rows: missing }, lane);
      missing.forEach((row, i) => {
        const light = answer?.pictures.slice(i * size, (i + 1) * size);
        if (light) decoded.set(`${world} ${row}`, light);
      });
    }
    return rows.map((row) => decoded.get(`${world} ${row}`));
  }

  function sheetOf(world) {
    if (!sheets.has(world)) {
      const type = `image/${worlds[world].pictures.sheet.type}`;
      sheets.set(world, createImageBitmap(new Blob([facts[world].image], { type })));
    }
    return sheets.get(world);
  }

  async function drawRows(world, rows, canvases) {
    const kind = worlds[world].pictures?.kind;
    if (kind === "decoded") {
      const light = await lightOf(world, rows);
      canvases.forEach((canvas, i) => light[i] && drawLight(canvas, light[i]));
    } else if (kind === "nearest") {
      const sheet = await sheetOf(world);
      canvases.forEach((canvas, i) => cutOut(sheet, worlds[world].pictures, rows[i], canvas));
    }
  }

  return { drawRows, draw: (world, row, canvas) => drawRows(world, [row], [canvas]) };
}

function cutOut(sheet, { height, width, sheet: { columns } }, row, canvas) {
  const left = (row % columns) * width;
  const top = Math.floor(row / columns) * height;
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (row !== undefined) pen.drawImage(sheet, left, top, width, height, 0, 0, width, height);
}

// The real rows of a class, evenly chosen, at most so many.
export function someRows(labels, classNumber, most) {
  const rows = [];
  for (let i = 0; i < labels.length; i++) if (labels[i] === classNumber) rows.push(i);
  if (rows.length <= most) return rows;
  return Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);
}
