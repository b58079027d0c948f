// Points that glide to where they are sent, instead of jumping there.
//
// plotly has already drawn a figure anew when it says "afterplot", in the same turn of the page, so
// nobody has seen that drawing yet. Where the same points stand at other places in it, they are put
// back to where they were, and drawn on their way until they are where plotly has put them. Nothing
// but their places is sent to the graphics card: plotly's own drawing takes too long for that. The
// data of the figure are the final ones from the start.
//
// Points are the same ones if there are as many, with equal `customdata` and `meta`. Others jump,
// as do all where a user asks for no motion, and lines.

const GLIDE = 250; // milliseconds
const FRAME = 16; // of them are over when the first picture is seen

function glides(plot) {
  const shown = new Map(); // by trace: where its points are seen now, and which points they are
  const ways = new Map(); // by trace: from where to where its points are gliding
  let started = 0;
  let asked = 0; // for a picture of the way

  function arrived() {
    const still = document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;
    let fresh = false;
    for (const trace of clouds(plot)) {
      const before = shown.get(trace.number);
      const way = ways.get(trace.number);
      if (still || before?.key !== trace.key) {
        ways.delete(trace.number);
        shown.set(trace.number, { key: trace.key, places: trace.places });
      } else if (differs(way ? way.to : before.places, trace.places)) {
        ways.set(trace.number, { from: before.places, to: trace.places });
        fresh = true;
      }
    }
    if (fresh) {
      for (const [number, way] of ways) way.from = shown.get(number).places;
      started = performance.now() - FRAME;
    }
    if (ways.size) draw();
  }

  function draw() {
    cancelAnimationFrame(asked);
    const time = Math.min(1, (performance.now() - started) / GLIDE);
    const share = 1 - (1 - time) ** 3; // fast at first
    for (const trace of clouds(plot)) {
      const way = ways.get(trace.number);
      if (!way) continue;
      const places = time < 1 ? between(way, share) : way.to;
      shown.set(trace.number, { key: trace.key, places });
      put(trace, places);
    }
    if (time === 1) ways.clear();
    else asked = requestAnimationFrame(draw);
    show(plot);
  }

  plot.on("plotly_afterplot", arrived);
  arrived();
  return () => cancelAnimationFrame(asked);
}

// The clouds of points that a graphics card draws.
function clouds(plot) {
  const found = [];
  plot.calcdata?.forEach((data, number) => {
    const { trace, t: stash } = data[0] ?? {};
    const scene = stash?._scene;
    const options = scene?.markerOptions?.[stash.index];
    const isCloud = trace?.type === "scattergl" && trace.customdata?.length && options?.positions;
    if (!isCloud || !scene.scatter2d?.update) return;
    const key = `${trace.meta} ${Array.prototype.join.call(trace.customdata)}`;
    found.push({ number, key, scene, index: stash.index, places: options.positions });
  });
  return found;
}

function differs(some, others) {
  if (some.length !== others.length) return true;
  for (let i = 0; i < some.length; i++) {
    if (some[i] !== others[i] && !(isNaN(some[i]) && isNaN(others[i]))) return true;
  }
  return false;
}

// Places on the way; a point that was nowhere is at once where it goes.
function between({ from, to }, share) {
  return to.map((end, i) => (isNaN(from[i]) ? end : from[i] + share * (end - from[i])));
}

function put({ scene, index }, positions) {
  const changes = new Array(scene.count).fill(undefined); // these stay as they are
  changes[index] = { positions };
  scene.scatter2d.update(changes);
  if (scene.select2d) scene.select2d.update(changes); // what a lasso has marked
}

// Draws every cloud and line of a figure anew. What a lasso has marked is on a canvas of its own.
function show(plot) {
  const scenes = Object.values(plot._fullLayout._plots).flatMap((part) => part._scene ?? []);
  const [all, marked] = plot._fullLayout._glcanvas.data();
  all.regl.clear({ color: true, depth: true });
  if (scenes.some((scene) => scene.select2d)) marked.regl.clear({ color: true, depth: true });
  for (const scene of scenes) scene.draw();
}
