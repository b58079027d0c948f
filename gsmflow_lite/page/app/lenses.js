// Where features lie on both lenses, as in figures/projection.py: the maps stay as they are.
import { addProducts, rowRepeated } from "./products.js";

const ROUNDS_TO_MEDIAN = 10;
const LEAST_GAP = 1e-3; // a hundredth of the usual gap between two points of a map

// Gives features the proportions in which distances are those of the data, from their mean on: far
// from it numbers would lose digits.
export function inProportion(features, widths, mean) {
  const space = new Float32Array(features.length);
  for (let i = 0; i < space.length; i++) {
    const column = i % widths.length;
    space[i] = features[i] * widths[column] - mean[column];
  }
  return space;
}

// Returns the places (rows, 2) of `space` on the linear lens; axes are (2, D).
export function throughPca(space, axes) {
  const width = axes.length / 2;
  const rows = space.length / width;
  const places = new Float32Array(2 * rows);
  addProducts(space, rows, axes, width, 2, places);
  return places;
}

// The real rows that carry a map, {space (count, width), umap (count, 2)}, with their squares.
export function mapCarriers(space, width, umap) {
  return { space, width, umap, squares: squaredLengths(space, width) };
}

// Returns {places (rows, 2), near, far}: where rows lie on the map of `real`, the number of the
// nearest real row, and its distance in usual ones.
export function placeOnMap(space, real, { placedBy, jitter, usualDistance }) {
  const rows = space.length / real.width;
  const most = Math.min(placedBy, real.squares.length - 1);
  const closeness = closenessTo(space, rows, real);
  const places = new Float32Array(2 * rows);
  const near = new Int32Array(rows);
  const far = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const nearest = nearestOf(space, row, real, closeness, most);
    near[row] = nearest.numbers[0];
    far[row] = nearest.distances[0] / (usualDistance || 1);
    places.set(medianPlace(nearest, real.umap, jitter), 2 * row);
  }
  return { places, near, far };
}

// For each row and each real row r, 2 x r - r^2: the larger, the nearer. One product of matrices
// takes a fraction of the time of all distances.
function closenessTo(space, rows, real) {
  const closeness = rowRepeated(real.squares.map((square) => -square), rows);
  const twice = space.map((value) => 2 * value);
  addProducts(twice, rows, real.space, real.width, real.squares.length, closeness);
  return closeness;
}

// The nearest real rows, the nearest first. Closeness is rounded, so their distances are computed.
function nearestOf(space, row, real, closeness, most) {
  const count = real.squares.length;
  const numbers = largestPlaces(closeness, row * count, count, most);
  const distances = numbers.map((number) => {
    return distanceBetween(space, row, real.space, number, real.width);
  });
  return { numbers, distances };
}

// The places of the `most` largest of so many values.
function largestPlaces(values, start, count, most) {
  const places = new Array(most).fill(-1);
  const largest = new Array(most).fill(-Infinity);
  for (let i = 0; i < count; i++) {
    const value = values[start + i];
    if (!(value > largest[most - 1])) continue;
    let place = most - 1;
    for (; place > 0 && largest[place - 1] < value; place--) {
      largest[place] = largest[place - 1];
      places[place] = places[place - 1];
    }
    largest[place] = value;
    places[place] = i;
  }
  return places;
}

function distanceBetween(a, rowA, b, rowB, width) {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += (a[rowA * width + i] - b[rowB * width + i]) ** 2;
  return Math.sqrt(sum);
}

function squaredLengths(space, width) {
  const squares = new Float32Array(space.length / width);
  for (let i = 0; i < space.length; i++) squares[Math.floor(i / width)] += space[i] ** 2;
  return squares;
}

// The weighted geometric median of the places of the nearest, by Weiszfeld's iteration.
function medianPlace({ numbers, distances }, umap, jitter) {
  const places = numbers.map((number) => [umap[2 * number], umap[2 * number + 1]]);
  const weights = distances.map((d) => ((distances[0] + jitter) / (d + jitter)) ** 2);
  let centre = weightedPlace(places, weights);
  for (let round = 0; round < ROUNDS_TO_MEDIAN; round++) {
    const pulls = places.map(([x, y], i) => {
      return weights[i] / Math.max(Math.hypot(x - centre[0], y - centre[1]), LEAST_GAP);
    });
    centre = weightedPlace(places, pulls);
  }
  return centre;
}

function weightedPlace(places, weights) {
  let [x, y, total] = [0, 0, 0];
  places.forEach((place, i) => {
    x += weights[i] * place[0];
    y += weights[i] * place[1];
    total += weights[i];
  });
  return [x / total, y / total];
}
