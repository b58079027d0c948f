// Where the names of classes stand on a map: beside their clouds, where there is room.
//
// A name may be right of its cloud, left of it, above or below. It is left out where it would lie
// on another name or leave the frame; of free sides it takes the one with the fewest points.

const FROM_CLOUD = 5; // pixels
const LINE = 15; // pixels that a name is high
const INNER = 0.8; // this share of a class's points is its cloud: a few far ones do not count

// The box around the inner points of each class: {label: [left, right, top, bottom]}, in pixels.
export function cloudBoxes(labels, pixels, wanted) {
  const found = new Map([...wanted].map((label) => [label, { x: [], y: [] }]));
  labels.forEach((label, i) => {
    found.get(label)?.x.push(pixels[2 * i]);
    found.get(label)?.y.push(pixels[2 * i + 1]);
  });
  const boxes = new Map();
  for (const [label, { x, y }] of found) {
    if (x.length) boxes.set(label, [...innerRange(x), ...innerRange(y)]);
  }
  return boxes;
}

function innerRange(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(((1 - INNER) / 2) * (sorted.length - 1));
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}

// The places of names: [{label, left, top}, ...]; `widths` are those of the names, by label.
export function placeNames(boxes, widths, pixels, size) {
  const placed = [];
  for (const [label, box] of boxes) {
    const width = widths.get(label);
    const free = sidesOf(box, width).filter((one) => fitsIn(one, size) && !onAnother(one, placed));
    if (!free.length) continue;
    const crowd = free.map((one) => pointsUnder(one, pixels));
    const best = free[crowd.indexOf(Math.min(...crowd))];
    placed.push({ label, ...best });
  }
  return placed;
}

function sidesOf([left, right, top, bottom], width) {
  const middleX = (left + right - width) / 2;
  const middleY = (top + bottom - LINE) / 2;
  return [
    { left: right + FROM_CLOUD, top: middleY },
    { left: left - FROM_CLOUD - width, top: middleY },
    { left: middleX, top: top - FROM_CLOUD - LINE },
    { left: middleX, top: bottom + FROM_CLOUD },
  ].map((place) => ({ ...place, width, height: LINE }));
}

function fitsIn(one, { width, height }) {
  const across = one.left >= 2 && one.left + one.width <= width - 2;
  return across && one.top >= 2 && one.top + one.height <= height - 2;
}

function onAnother(one, placed) {
  return placed.some(
    (other) =>
      one.left < other.left + other.width &&
      other.left < one.left + one.width &&
      one.top < other.top + other.height &&
      other.top < one.top + one.height,
  );
}

function pointsUnder(one, pixels) {
  let count = 0;
  for (let i = 0; i < pixels.length; i += 2) {
    const across = pixels[i] > one.left && pixels[i] < one.left + one.width;
    if (across && pixels[i + 1] > one.top && pixels[i + 1] < one.top + one.height) count++;
  }
  return count;
}
