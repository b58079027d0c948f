// Clouds of points, as both lenses draw them.
//
// A cloud is {kind, labels, pca, umap, near, far, pictures, marked}. Its kind is "real",
// "classes" (synthesized, of the classes shown first) or "designed" (of the class of one's own).
// A point is named by its cloud's kind and its number in it. `marked` holds a 1 for each point that
// is selected; it is one array for both lenses, so that both mark the same points.

export function newCloud(kind, { labels, pca, umap, near = null, far = null, pictures = null }) {
  return { kind, labels, pca, umap, near, far, pictures, marked: new Uint8Array(labels.length) };
}

// The cloud anew, after a slider has moved: the marks stay where the points are still the same.
export function renewed(before, after) {
  const same = before && before.labels.length === after.labels.length;
  const alike = same && after.labels.every((label, i) => label === before.labels[i]);
  return alike ? { ...after, marked: before.marked } : after;
}

// How the points of a cloud look: for each its style, or null where it is not drawn.
//
// `colours` are those of classes that are coloured, by number; all others are grey. `hidden` holds
// layers that are switched off. Where there is a class `alone` (else it is -1), the others stand
// aside: they are pale and cannot be pointed at. Where `some` points are marked, others are pale.
export function looksOf(cloud, { colours, hidden, alone, some, accent, context }) {
  const styles = new Map();
  const style = (shape, colour, aside, pale) => {
    const key = `${shape} ${colour} ${aside} ${pale}`;
    if (!styles.has(key)) styles.set(key, { key, shape, colour, aside, pale });
    return styles.get(key);
  };
  return Array.from(cloud.labels, (label, i) => {
    const shape = shapeOf(cloud.kind, colours.has(label));
    if (!shape || hidden.has(LAYER_OF[shape])) return null;
    const colour = { context, designed: accent }[shape] ?? colours.get(label);
    const mayStandAside = shape === "dot" || shape === "diamond";
    const aside = mayStandAside && alone >= 0 && label !== alone;
    return style(shape, colour, aside, aside || (some && !cloud.marked[i]));
  });
}

const LAYER_OF = { context: "others", dot: "real", diamond: "classes", designed: "designed" };

function shapeOf(kind, coloured) {
  if (kind === "designed") return "designed";
  if (kind === "classes") return coloured ? "diamond" : null;
  return coloured ? "dot" : "context";
}
