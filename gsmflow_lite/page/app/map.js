// The map: two lenses side by side, what is real and what is synthesized, and what one points at.
//
// Real points stay where they are. The clouds that are synthesized are asked for when a slider has
// moved, and glide to their new places.

import { newCloud } from "./clouds.js";
import { make } from "./dom.js";
import { latestOnly } from "./newest.js";
import { listenTo } from "./lens_input.js";
import { listenToKeys } from "./map_keys.js";
import { mapLegend } from "./map_legend.js";
import { mapPoints } from "./map_points.js";
import { mapStage } from "./map_stage.js";
import { mapTools } from "./map_tools.js";
import { markedWords, outsideWords } from "./map_words.js";
import { describedPoint } from "./point_card.js";
import { dosesOf } from "./sealed.js";
import { DONE } from "./state.js";

const SYNTHESIZED_EACH = 12; // points of each class
const REACH = 14; // pixels from the pointer to a point
const FINGER_REACH = 26;
const DRAWN_BY = ["world", "flow", "temperature", "seed", "variance", "semantic", "structure"];

export function showMap(place, app) {
  const toolsPlace = make("div", { class: "map-tools" });
  const stagePlace = make("div", { class: "map-stage" });
  const legendWords = { class: "map-legend", role: "group", "aria-label": app.say("map.legend") };
  const legendPlace = make("div", legendWords);
  const status = make("p", { class: "map-status", role: "status" });
  const spoken = make("p", { class: "unseen-text", "aria-live": "polite" });
  const head = make("div", { class: "map-head" }, toolsPlace, status);
  place.replaceChildren(head, stagePlace, legendPlace, spoken);

  const points = mapPoints(app);
  const stage = mapStage(stagePlace, app, points);
  const again = { hidden: points.hidden, redraw: told(stage.restyle) };
  const legend = mapLegend(legendPlace, app, again);
  const tools = mapTools(toolsPlace, app, {
    zoom: told(stage.zoomAll),
    reset: told(stage.reset),
    clear: told(clear),
    picked: followTool,
  });

  // An act, after which the map says what has become of it.
  function told(act) {
    return (...values) => {
      const result = act(...values);
      tell();
      return result;
    };
  }

  function tell() {
    const all = points.all();
    tools.offerClear(points.countMarked() > 0);
    const words = points.sealed()
      ? [app.say("quiz.map.sealed")]
      : [markedWords(app, all), outsideWords(app, stage.lenses, points)];
    status.textContent = words.filter(Boolean).join(" ");
    followTool(tools.tool());
  }

  function clear() {
    points.clear();
    stage.restyle();
  }

  // A finger that moves up or down scrolls the page, unless there is something to move here.
  function followTool(tool) {
    stagePlace.dataset.tool = tool;
    for (const lens of stage.lenses) {
      const free = tool === "point" && lens.view().zoom <= 1;
      lens.canvas.style.touchAction = free ? "pan-y" : "none";
    }
  }

  // --- What is asked of the engine ---------------------------------------------------------

  const askClasses = latestOnly(async () => {
    const { world, flow, temperature, seed } = app.state;
    const asked = { world, flow, temperature, seed, doses: dosesOf(app.state) };
    try {
      const answer = await app.engine.ask("classes", { ...asked, count: SYNTHESIZED_EACH }, "map");
      if (answer && world === app.state.world) putCloud(newCloud("classes", answer));
    } catch (error) {
      status.textContent = app.say("map.failed", { reason: error.message });
    }
  });

  function showDesigned(result) {
    const labels = new Int16Array(result.near.length).fill(-1);
    putCloud(newCloud("designed", { ...result, labels }));
  }

  function putCloud(cloud) {
    stage.put(cloud);
    tell();
  }

  // --- Hands and keys ----------------------------------------------------------------------

  function listen(lens) {
    listenTo(lens.canvas, tools.tool, {
      over: (x, y) => stage.look(points.nearest(lens, x, y, REACH), lens),
      away: () => stage.look(null),
      press: (x, y, byTouch) => press(lens, x, y, byTouch),
      drag: (right, down) => stage.drag(lens, right, down),
      zoom: told((x, y, times) => stage.zoom(lens, x, y, times)),
      outline: (drawn) => stage.outline(lens, drawn),
      enclose: told((drawn) => {
        points.enclose(lens, drawn);
        stage.restyle();
      }),
    });
    listenToKeys(lens.canvas, {
      walk: (weigh) => speak(stage.walk(lens, weigh)),
      mark: told(markCursor),
      zoom: told(stage.zoomAll),
      reset: told(stage.reset),
      escape: told(() => (stage.cursor() ? stage.look(null) : clear())),
    });
    lens.canvas.addEventListener("blur", () => stage.look(null));
  }

  function press(lens, x, y, byTouch) {
    const point = points.nearest(lens, x, y, byTouch ? FINGER_REACH : REACH);
    const label = lens.nameAt(x, y);
    stage.look(point, lens, byTouch);
    if (point || label === undefined) return;
    const name = app.world().classes.names[label];
    app.change({ selected: app.state.selected === name ? "" : name });
  }

  function speak(point) {
    if (!point) return;
    spoken.textContent = describedPoint(app, point.cloud, point.number).replaceAll("\n", ". ");
  }

  function markCursor() {
    const { cloud, number } = stage.cursor() ?? {};
    if (cloud) mark(cloud.kind, number);
  }

  // Marks a point, or takes its mark away.
  function mark(kind, number) {
    const { marked } = points.get(kind);
    marked[number] = 1 - marked[number];
    stage.restyle();
  }

  // --- Life --------------------------------------------------------------------------------

  function followLens() {
    place.dataset.lens = app.state.lens;
    tools.showLens(app.state.lens);
  }

  function changed(_, keys) {
    const has = (...some) => some.some((key) => keys.includes(key));
    if (has("world")) stage.open();
    if (has("lens")) followLens();
    if (has("selected", "from", "quiz", "hints")) stage.restyle();
    if (has("selected", "world")) legend.show();
    if (has("quiz", "hints", "world")) tell();
    if (has("quiz", "story", ...DRAWN_BY) && app.state.story >= DONE) askClasses();
  }

  stage.open();
  stage.lenses.forEach(listen);
  followLens();
  tell();
  const canvases = () => stage.lenses.map((lens) => lens.canvas);
  app.map = { marked: points.marked, mark: told(mark), canvases, sharpened: stage.sharpened };
  app.onChange(changed);
  app.onImagined(showDesigned);
  if (app.state.story >= DONE) askClasses();
}
