// From numbers over repeats to a reading with a word, as shifts/verdict.py and report.py say.
// "Numbers" are {value, floor, ceiling} and perhaps {faulty}: lists over repeats. The floor may
// have another length.
import { halfWidth, meanOf, quantileOf } from "./statistics.js";

const FINE_FROM = 0.8;
const SHIFTED_BELOW = 0.5;
const BY_CHANCE_FROM = 0.05; // a p-value from here on: chance explains the distance order

export const NOT_MEASURED = "not measured";

// `numbers` are shown; they are judged by their `goodness`, where more is better, and by the
// p-value of a test against chance, if there is one.
export function readNumbers({ least, most }, numbers, goodness, p = null) {
  const value = meanOf(numbers.value);
  const half = halfWidth(numbers.value);
  return {
    value,
    low: Math.max(value - half, least),
    high: Math.min(value + half, most),
    floor: meanOf(numbers.floor),
    ceiling: meanOf(numbers.ceiling),
    ...judged(goodness, p),
  };
}

export function missingReading() {
  const nothing = { value: NaN, low: NaN, high: NaN, floor: NaN, ceiling: NaN, score: NaN };
  return { ...nothing, word: NOT_MEASURED };
}

// Where the value lies on the way from the floor (0) to the ceiling (1), without limits.
export function shareOf({ value, floor, ceiling }) {
  const bottom = meanOf(floor);
  return (meanOf(value) - bottom) / (meanOf(ceiling) - bottom);
}

function judged(goodness, p) {
  const value = meanOf(goodness.value);
  const floor = meanOf(goodness.floor);
  const ceiling = meanOf(goodness.ceiling);
  const hasScale = ceiling - floor > 1e-9 * Math.max(Math.abs(floor), Math.abs(ceiling));
  if (!hasScale) return { score: value >= ceiling ? 1 : 0, word: "cannot tell" };

  const score = Math.min(Math.max(shareOf(goodness), 0), 1);
  const reach = halfWidth(goodness.value) + halfWidth(goodness.ceiling);
  if (score < SHIFTED_BELOW && Math.abs(ceiling - value) > reach) return { score, word: "shifted" };
  if (!realIsSurelyBetter(goodness)) return { score, word: "cannot tell" };
  const highest = Math.max(...faultsOf(goodness).map(highestOf));
  if (score < FINE_FROM || value <= highest) return { score, word: "watch" };
  return { score, word: p !== null && p >= BY_CHANCE_FROM ? "cannot tell" : "fine" };
}

// Better than the floor, and than real features with a fault, by more than chance does to both.
function realIsSurelyBetter(goodness) {
  const real = meanOf(goodness.ceiling);
  const reachOfReal = halfWidth(goodness.ceiling);
  return faultsOf(goodness).every((fault) => {
    const middle = meanOf(fault);
    return real - middle > Math.hypot(reachOfReal, highestOf(fault) - middle);
  });
}

function faultsOf({ floor, faulty }) {
  return faulty ? [floor, faulty] : [floor];
}

// What the numbers do not exceed in 95 of 100 cases.
function highestOf(fault) {
  return quantileOf(fault, 1 - BY_CHANCE_FROM);
}
