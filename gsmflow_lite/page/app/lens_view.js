// From places of a map to pixels of its canvas and back: what is seen of a map, and zooming in it.
//
// A view is {x, y, zoom}: the place in the middle of the frame, and how much larger than at first.
// A unit is as long to the right as upwards, or a lens would lie about the shape of a class.

const EMPTY_EDGE = 0.08; // of the frame, on each side
const ZOOMS = [0.2, 60];

// The smallest box around places [x, y, x, y, ...].
export function boxAround(places) {
  const box = { left: Infinity, right: -Infinity, low: Infinity, high: -Infinity };
  for (let i = 0; i < places.length; i += 2) {
    box.left = Math.min(box.left, places[i]);
    box.right = Math.max(box.right, places[i]);
    box.low = Math.min(box.low, places[i + 1]);
    box.high = Math.max(box.high, places[i + 1]);
  }
  return box;
}

export function wholeView(box) {
  return { x: (box.left + box.right) / 2, y: (box.low + box.high) / 2, zoom: 1 };
}

// How many pixels of a frame one unit of the map is long.
export function pixelsPerUnit(view, box, size) {
  const wide = box.right - box.left || 1;
  const high = box.high - box.low || 1;
  const fits = Math.min(size.width / wide, size.height / high);
  return view.zoom * fits * (1 - 2 * EMPTY_EDGE);
}

export function pixelOf(x, y, view, box, size) {
  const scale = pixelsPerUnit(view, box, size);
  return [size.width / 2 + (x - view.x) * scale, size.height / 2 - (y - view.y) * scale];
}

export function placeAt(left, top, view, box, size) {
  const scale = pixelsPerUnit(view, box, size);
  return [view.x + (left - size.width / 2) / scale, view.y - (top - size.height / 2) / scale];
}

// The view that is `times` as near; what is under the pixel (left, top) stays there.
export function zoomedAt(left, top, times, view, box, size) {
  const [low, high] = ZOOMS;
  const zoom = Math.min(high, Math.max(low, view.zoom * times));
  const [x, y] = placeAt(left, top, view, box, size);
  const share = view.zoom / zoom;
  return { x: x + (view.x - x) * share, y: y + (view.y - y) * share, zoom };
}

export function movedBy(right, down, view, box, size) {
  const scale = pixelsPerUnit(view, box, size);
  return { ...view, x: view.x - right / scale, y: view.y + down / scale };
}

// Whether a point lies in a polygon [[x, y], ...]: a line from it to the right crosses the edge an
// odd number of times.
export function liesIn(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [x1, y1] = polygon[i];
    const [x2, y2] = polygon[j];
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}
