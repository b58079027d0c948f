// The points of the map: which there are, how each looks, which are marked.

import { looksOf, newCloud, renewed } from "./clouds.js";
import { liesIn } from "./lens_view.js";
import { isSealed } from "./sealed.js";

const SYNTHESIZED_KINDS = ["classes", "designed"]; // in the order in which they are drawn

export function mapPoints(app) {
  const clouds = new Map(); // by kind
  const styles = new Map(); // by kind: the look of each point, or null
  const hidden = new Set(); // layers that the legend hides

  function open() {
    const { labels, pca, umap } = app.fact();
    clouds.clear();
    clouds.set("real", newCloud("real", { labels, pca, umap }));
  }

  function put(cloud) {
    clouds.set(cloud.kind, renewed(clouds.get(cloud.kind), cloud));
    return clouds.get(cloud.kind);
  }

  // Classes that have a colour: those shown first, and those that were chosen.
  function coloured() {
    const { names, colours, chosen } = app.world().classes;
    const more = [app.state.from, app.state.selected].map((name) => names.indexOf(name));
    return new Map([...chosen, ...more].filter((k) => k >= 0).map((k) => [k, colours[k]]));
  }

  const sealed = () => isSealed(app.state, "map");

  // Looks anew at all clouds, or at one of them.
  function restyle({ accent, context }, which = all()) {
    const alone = app.world().classes.names.indexOf(app.state.selected);
    const away = sealed() ? new Set([...hidden, ...SYNTHESIZED_KINDS]) : hidden;
    const marked = countMarked() > 0;
    const look = { colours: coloured(), hidden: away, alone, some: marked, accent, context };
    for (const cloud of which) styles.set(cloud.kind, looksOf(cloud, look));
  }

  // The names that may stand on the map, by the number of their class.
  function names() {
    const all = app.world().classes.names;
    const alone = all.indexOf(app.state.selected);
    const wanted = hidden.has("real") ? [] : [...coloured().keys()];
    return new Map(wanted.filter((k) => alone < 0 || k === alone).map((k) => [k, all[k]]));
  }

  // --- Finding and marking -----------------------------------------------------------------

  // Calls `tell(cloud, number, x, y)` for each point that can be pointed at, in pixels of a lens.
  function each(lens, tell) {
    for (const cloud of clouds.values()) {
      const pixels = lens.pixelsOf(cloud[lens.lens]);
      styles.get(cloud.kind).forEach((style, i) => {
        if (style && !style.aside) tell(cloud, i, pixels[2 * i], pixels[2 * i + 1]);
      });
    }
  }

  // The nearest point {cloud, number} by `weigh(right, down)`, or null if none weighs under `most`.
  function nearest(lens, x, y, most, weigh = Math.hypot) {
    let best = null;
    let least = most;
    each(lens, (cloud, number, left, top) => {
      const weight = weigh(left - x, top - y);
      if (weight >= least) return;
      least = weight;
      best = { cloud, number };
    });
    return best;
  }

  function enclose(lens, polygon) {
    clear();
    each(lens, (cloud, number, x, y) => {
      if (liesIn(x, y, polygon)) cloud.marked[number] = 1;
    });
  }

  function countMarked() {
    const marks = all().map((cloud) => cloud.marked.filter((on) => on).length);
    return marks.reduce((sum, count) => sum + count, 0);
  }

  function clear() {
    for (const cloud of clouds.values()) cloud.marked.fill(0);
  }

  function all() {
    return ["real", ...SYNTHESIZED_KINDS].map((kind) => clouds.get(kind)).filter(Boolean);
  }

  return {
    all,
    clear,
    countMarked,
    enclose,
    hidden,
    names,
    nearest,
    open,
    put,
    restyle,
    sealed,
    get: (kind) => clouds.get(kind),
    stylesOf: (cloud) => styles.get(cloud.kind) ?? [],
    marked: () => markedRows(app, all()),
  };
}

// The selected points as rows of a table.
function markedRows(app, clouds) {
  const rows = [];
  for (const cloud of clouds) {
    cloud.marked.forEach((on, i) => on && rows.push(pointRow(app, cloud, i)));
  }
  return rows;
}

function pointRow(app, cloud, i) {
  const real = cloud.kind === "real";
  return {
    label: app.world().classes.names[cloud.labels[i]] ?? app.say("map.designed"),
    kind: real ? "real" : "synthesized", // a column of a file is not translated
    row: real ? i : cloud.near[i],
    distance: real ? 0 : cloud.far[i],
    pca: [...cloud.pca.subarray(2 * i, 2 * i + 2)],
    umap: [...cloud.umap.subarray(2 * i, 2 * i + 2)],
  };
}
