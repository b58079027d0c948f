// The card of a point of the map: its picture, its class, and the real point nearest to it.

import { make } from "./dom.js";
import { drawLight, pictureCanvas } from "./row_pictures.js";

const FROM_POINT = 14; // pixels
const FINGER = 34; // pixels, so that a finger does not cover the card
const FIRST_PICTURES = 6; // of each class come with an answer

export function pointCard(place, app) {
  const card = make("div", { class: "map-card", role: "tooltip", hidden: true });
  place.append(card);
  let shown = 0; // how often a card was shown: what comes late for another one is thrown away

  function hide() {
    shown++;
    card.hidden = true;
  }

  // `x` and `y` are pixels of `place`.
  async function show(cloud, number, x, y, byTouch) {
    const mine = ++shown;
    const pictures = make("div", { class: "map-card-pictures" });
    const lines = linesOf(cloud, number).map((line) => make("p", {}, line));
    card.replaceChildren(pictures, ...lines);
    card.hidden = false;
    const own = ownPicture(cloud, number);
    if (own) pictures.append(captioned(own, app.say("map.synthesized")));
    put(x, y, byTouch);
    if (!app.world().pictures) return;
    const real = pictureCanvas(app.world());
    const row = cloud.kind === "real" ? number : cloud.near[number];
    await app.rowPictures.drawRows(app.state.world, [row], [real]);
    if (mine !== shown) return;
    const words = app.say(cloud.kind === "real" ? "map.real" : "map.nearest.picture");
    pictures.append(captioned(real, words));
    put(x, y, byTouch);
  }

  function ownPicture(cloud, number) {
    const { pictures: format, classes } = app.world();
    const among = classes.chosen.length;
    const place = cloud.kind === "classes" ? pictureNumber(cloud, number, among) : number;
    if (cloud.kind === "real" || !cloud.pictures || format?.kind !== "decoded" || place < 0) {
      return null;
    }
    const canvas = pictureCanvas(app.world());
    drawLight(canvas, cloud.pictures, place);
    return canvas;
  }

  function linesOf(cloud, number) {
    return describedPoint(app, cloud, number).split("\n");
  }

  function put(x, y, byTouch) {
    const away = byTouch ? FINGER : FROM_POINT;
    const { clientWidth: wide, clientHeight: high } = place;
    const right = x + away + card.offsetWidth <= wide;
    const left = right ? x + away : Math.max(0, x - away - card.offsetWidth);
    const lowest = Math.max(0, high - card.offsetHeight);
    const top = Math.min(lowest, Math.max(0, y - card.offsetHeight / 2));
    Object.assign(card.style, { left: `${left}px`, top: `${top}px` });
  }

  return { show, hide };
}

// What a point is, in lines.
export function describedPoint(app, cloud, number) {
  const { names, seen } = app.world().classes;
  if (cloud.kind === "real") {
    const label = cloud.labels[number];
    const status = app.say(seen[label] ? "map.seen" : "map.unseen");
    return app.say("map.point.real", { name: names[label], status, row: number });
  }
  const row = cloud.near[number];
  const real = { name: names[app.fact().labels[row]], row };
  const far = cloud.far[number];
  return [
    app.say(`map.point.${cloud.kind}`, { name: names[cloud.labels[number]] ?? "" }),
    app.say("map.nearest", real),
    app.say(far > 1 ? "map.far.off" : "map.far", { far: far.toFixed(1) }),
  ].join("\n");
}

// The pictures lie class by class, the first few of each; -1 where a point has none.
function pictureNumber({ labels }, number, classes) {
  const each = labels.length / classes;
  const pictured = Math.min(FIRST_PICTURES, each);
  const place = number % each;
  return place < pictured ? Math.floor(number / each) * pictured + place : -1;
}

function captioned(picture, words) {
  return make("figure", {}, picture, make("figcaption", {}, words));
}
