// A few pictures of the story in a row; for data without pictures, their places on a small map.

import { make } from "./dom.js";
import { drawLight, pictureCanvas } from "./row_pictures.js";

const CLOUD = { width: 480, height: 300, margin: 12 };

// `draw` shows an answer of the engine, `drawRows` real rows of class `k`.
// `asked` are the names of what each picture should be.
export function storySheet(app, count, name, asked = []) {
  const world = app.state.world;
  if (!app.world().pictures) return cloudSheet(app, name);
  const canvases = Array.from({ length: count }, () => pictureCanvas(app.world()));
  const cells = canvases.map((one, i) => {
    return make("div", {}, one, asked[i] ? make("span", { class: "asked" }, asked[i]) : null);
  });
  const element = make("div", { class: `row ${name}`, role: "img" }, ...cells);
  const key = asked.length ? "story.picturesOf" : "story.pictures";
  element.setAttribute("aria-label", app.say(key, { count, names: [...new Set(asked)].join(", ") }));

  function show(many) {
    cells.forEach((one, i) => (one.hidden = i >= many));
  }
  function drawRows(rows) {
    show(rows.length);
    app.rowPictures.drawRows(world, rows, canvases.slice(0, rows.length));
  }
  function draw({ pictures, near }) {
    if (!pictures) return drawRows([...near].slice(0, count));
    const size = canvases[0].width * canvases[0].height;
    const many = Math.min(count, Math.floor(pictures.length / size));
    show(many);
    canvases.slice(0, many).forEach((one, i) => drawLight(one, pictures, i));
  }
  return { element, draw, drawRows };
}

// What stands for an imagined picture, where no flow can draw one.
export function standInNote(app) {
  const said = app.world().pictures?.kind === "nearest" ? app.say("story.nearest") : "";
  return make("p", { class: "quiet", hidden: !said }, said);
}

function cloudSheet(app, name) {
  const { width, height } = CLOUD;
  const element = make("canvas", { class: `cloud ${name}`, role: "img", width, height });
  element.setAttribute("aria-label", app.say("story.cloud"));
  const { pca } = app.fact();
  const style = getComputedStyle(document.documentElement);
  const put = toPlace(pca);

  function dots(places, colour, radius) {
    const pen = element.getContext("2d");
    pen.fillStyle = colour;
    for (let i = 0; i < places.length; i += 2) {
      pen.beginPath();
      pen.arc(...put(places[i], places[i + 1]), radius, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  function draw({ pca: places }) {
    element.getContext("2d").clearRect(0, 0, width, height);
    dots(pca, style.getPropertyValue("--line"), 2);
    dots(places, style.getPropertyValue("--accent"), 4);
  }
  function drawRows(rows) {
    draw({ pca: rows.flatMap((row) => [pca[2 * row], pca[2 * row + 1]]) });
  }
  return { element, draw, drawRows };
}

function toPlace(places) {
  const ends = [0, 1].map((axis) => {
    let low = Infinity;
    let high = -Infinity;
    for (let i = axis; i < places.length; i += 2) {
      low = Math.min(low, places[i]);
      high = Math.max(high, places[i]);
    }
    return { low, length: high - low || 1 };
  });
  const { width, height, margin } = CLOUD;
  return (x, y) => [
    margin + ((x - ends[0].low) / ends[0].length) * (width - 2 * margin),
    height - margin - ((y - ends[1].low) / ends[1].length) * (height - 2 * margin),
  ];
}
