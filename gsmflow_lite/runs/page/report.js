"use strict";
// Two linked lenses: what is marked in one is marked in the other. Names become text nodes and nothing else.
const data = JSON.parse(document.getElementById("data").textContent);
const map = document.getElementById("map");
const plot = document.getElementById("plot");
const rings = map.querySelectorAll(".ring");
const squares = map.querySelectorAll(".square");
let marked = null;

Plotly.newPlot(plot, data.figure.data, data.figure.layout, {
  responsive: true,
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]], // the usual ones can upload the data
}).then(() => {
  plot.on("plotly_hover", (event) => mark(event.points[0].customdata[0]));
  plot.on("plotly_afterplot", place); // after a zoom, a click in the legend, or another window size
  mark(data.first); // an example says more than an empty card
});

map.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const count = data.drawn.length;
  const at = data.drawn.indexOf(marked); // -1 where nothing is marked
  mark(at < 0 ? data.first : data.drawn[(at + step + count) % count]);
});

addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));

function mark(id) {
  marked = id;
  place();
  show(document.getElementById("own"), id);
  show(document.getElementById("near"), data.near[id]);
  document.getElementById("words").textContent = describe(id);
}

function describe(id) {
  const [name, near] = [id, data.near[id]].map((i) => data.names[data.label[i]]);
  const origin = data.real[id] ? `real, row ${data.row[id]} of the data` : "synthesized";
  const away = data.far[id] > 1 ? `\nOff the map: ${data.far[id].toFixed(1)} times the distance within which 95 % of real rows find a neighbour.` : "";
  const kind = data.seen[data.label[id]] ? "seen" : "unseen";
  return `${name}\n${origin}; ${kind} class\nnearest real neighbour: ${near}${away}`;
}

function place() {
  if (marked === null) return;
  const layout = plot._fullLayout;
  [["xaxis", "yaxis", data.pca], ["xaxis2", "yaxis2", data.umap]].forEach(([x, y, places], lens) => {
    move(rings[lens], layout[x], layout[y], places[marked]);
    move(squares[lens], layout[x], layout[y], places[data.near[marked]]);
  });
}

function move(element, xaxis, yaxis, [x, y]) {
  const [left, top] = [xaxis.d2p(x), yaxis.d2p(y)];
  element.hidden = left < 0 || left > xaxis._length || top < 0 || top > yaxis._length; // zoomed out of sight
  element.style.left = `${xaxis._offset + left}px`;
  element.style.top = `${yaxis._offset + top}px`;
}

function show(element, id) {
  if (!data.sprite) return;
  const { columns, width, height, lines, count } = data.sprite;
  element.parentElement.hidden = id >= count; // a feature that does not decode has no picture of its own
  const scale = 96 / Math.max(width, height);
  element.style.width = `${width * scale}px`;
  element.style.height = `${height * scale}px`;
  element.style.backgroundSize = `${columns * width * scale}px ${lines * height * scale}px`;
  element.style.backgroundPosition = `${-(id % columns) * width * scale}px ${-Math.floor(id / columns) * height * scale}px`;
  element.style.visibility = "visible";
}
