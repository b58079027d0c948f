// What the map says in words: what is selected, and what lies outside of the frame.

const CLASSES_TOLD = 3;

// "12 marked: 5 real, 7 synthesized (W 8, X 4)."
export function markedWords(app, clouds) {
  const { names } = app.world().classes;
  const ofClass = new Map();
  let real = 0;
  let made = 0;
  for (const cloud of clouds) {
    cloud.marked.forEach((on, i) => {
      if (!on) return;
      if (cloud.kind === "real") real++;
      else made++;
      const name = names[cloud.labels[i]] ?? app.say("map.designed");
      ofClass.set(name, (ofClass.get(name) ?? 0) + 1);
    });
  }
  if (!real && !made) return app.say("map.nothing");
  const sorted = [...ofClass].sort((some, other) => other[1] - some[1]);
  const told = sorted.slice(0, CLASSES_TOLD).map(([name, count]) => `${name} ${count}`);
  if (sorted.length > CLASSES_TOLD) {
    told.push(app.say("map.more.classes", { count: sorted.length - CLASSES_TOLD }));
  }
  return app.say("map.marked", { count: real + made, real, made, classes: told.join(", ") });
}

// How many drawn points cannot be seen in the lens that hides most; empty if none.
export function outsideWords(app, lenses, points) {
  const counts = lenses.filter((lens) => lens.size.width).map((lens) => outside(lens, points));
  const count = Math.max(0, ...counts);
  return count ? app.say("map.outside", { count }) : "";
}

function outside(lens, points) {
  const { width, height } = lens.size;
  let count = 0;
  for (const cloud of points.all()) {
    const pixels = lens.pixelsOf(cloud[lens.lens]);
    points.stylesOf(cloud).forEach((style, i) => {
      const [x, y] = [pixels[2 * i], pixels[2 * i + 1]];
      if (style && (x < 0 || y < 0 || x > width || y > height)) count++;
    });
  }
  return count;
}
