// Do classes stand to each other as real ones do? As in shifts/structure.py: the rank correlation
// of the distances between class means.
import { correlationOf, meanOf, ranksOf } from "./statistics.js";
import { missingReading, readNumbers } from "./verdict.js";

const DISTANCE_ORDER = { least: -1, most: 1 };
const FEWEST_CLASSES = 3; // two classes have one distance, and no order
const LEAST_RELIABILITY = 0.01; // less cannot be told from 0
const MOST_CORRECTION = 2; // more would blow up what is only noise

export function* distanceOrder({ real, orders, halves }, synthesized) {
  const count = real.length;
  if (count < FEWEST_CLASSES || meansCoincide(real)) return missingReading();
  const distances = (side) => distancesOfRepeats(side, halves);
  const first = distances(real.map((ofClass) => ofClass.first));
  const second = distances(real.map((ofClass) => ofClass.second));
  yield;
  const half = distances(synthesized.map((ofClass) => ofClass.half));
  const again = distances(synthesized.map((ofClass) => ofClass.again));

  yield;
  const ceiling = correlations(first, second);
  const correction = correctionOf(ceiling, correlations(half, again));
  const value = corrected(correlations(first, half), correction, ceiling);
  const { floor, p } = mantelTest(meanOfLists(first), meanOfLists(half), orders, count);
  const numbers = { value, floor, ceiling };
  return readNumbers(DISTANCE_ORDER, numbers, numbers, p);
}

function meansCoincide(real) {
  return real[0].first.means.some((mean, repeat) => {
    return real.every(({ first }) => first.means[repeat].every((value, i) => value === mean[i]));
  });
}

// --- Distances ---------------------------------------------------------------------------------

// In each repeat, the squared distances of all pairs of classes, without what noise adds to them.
function distancesOfRepeats(side, halves) {
  const pairs = pairsOf(side.length);
  return side[0].means.map((_, repeat) => {
    const means = side.map((ofClass) => ofClass.means[repeat]);
    const noise = side.map((ofClass, k) => ofClass.traces[repeat] / halves.sizes[k]);
    return pairs.map(([i, j]) => squaredGap(means[i], means[j]) - noise[i] - noise[j]);
  });
}

function pairsOf(count) {
  const pairs = [];
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) pairs.push([i, j]);
  return pairs;
}

function squaredGap(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = a[i] - b[i];
    sum += gap * gap;
  }
  return sum;
}

function meanOfLists(lists) {
  return lists[0].map((_, i) => meanOf(lists.map((list) => list[i])));
}

// --- Correlations ------------------------------------------------------------------------------

function correlations(some, others) {
  return some.map((list, repeat) => correlationOf(ranksOf(list), ranksOf(others[repeat])));
}

// Makes synthesized means as uncertain as the real ones: a correlation falls with the square root
// of the reliability of either side (Spearman 1904).
function correctionOf(reliability, ofSynthesized) {
  const real = Math.max(meanOf(reliability), LEAST_RELIABILITY);
  const synthesized = Math.max(meanOf(ofSynthesized), LEAST_RELIABILITY);
  return Math.min(Math.sqrt(real / synthesized), MOST_CORRECTION);
}

// Nothing is in better order than reality: the mean is lifted no higher than that of real rows.
function corrected(values, correction, ceiling) {
  const mean = Math.max(meanOf(values), LEAST_RELIABILITY);
  const factor = Math.min(correction, Math.max(meanOf(ceiling) / mean, 1));
  return values.map((value) => Math.min(Math.max(value * factor, -1), 1));
}

// Mantel's test (1967): what permuted classes reach, and the share that reaches as much. A
// permutation of classes permutes their distances, and the ranks of these, whose norm stays.
function mantelTest(real, synthesized, orders, count) {
  const ofReal = centredRanks(real);
  const ofSynthesized = centredRanks(synthesized);
  const norm = Math.sqrt(squareSum(ofReal) * squareSum(ofSynthesized));
  const place = placesOfPairs(count);
  const correlation = (order, start) => {
    let [sum, pair] = [0, 0];
    for (let i = 0; i < count; i++) {
      const row = order[start + i] * count;
      for (let j = i + 1; j < count; j++) {
        sum += ofReal[place[row + order[start + j]]] * ofSynthesized[pair++];
      }
    }
    return norm > 0 ? sum / norm : 0;
  };
  const asItIs = correlation([...Array(count).keys()], 0);
  const floor = Array.from({ length: orders.length / count }, (_, i) => {
    return correlation(orders, i * count);
  });
  const asHigh = floor.filter((value) => value >= asItIs - 1e-12).length;
  return { floor, p: (1 + asHigh) / (1 + floor.length) };
}

function centredRanks(values) {
  return ranksOf(values).map((rank) => rank - (values.length + 1) / 2);
}

function squareSum(values) {
  return values.reduce((sum, value) => sum + value ** 2, 0);
}

// Where the pair (i, j) stands among all pairs, in either order.
function placesOfPairs(count) {
  const places = new Int32Array(count * count);
  pairsOf(count).forEach(([i, j], place) => {
    places[i * count + j] = place;
    places[j * count + i] = place;
  });
  return places;
}
