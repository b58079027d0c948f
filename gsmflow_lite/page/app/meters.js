// The three headline numbers of shifts/meters.py. They are computed in parts, so that the worker
// can answer something else in between: in these generators each `yield` ends a part.
import { distanceOrder } from "./distance_order.js";
import { momentsOf, startsOf } from "./halves.js";
import { meanOf } from "./statistics.js";
import { missingReading, readNumbers, shareOf } from "./verdict.js";

const AGREEMENT = { least: -1, most: 1 };
const SPREAD = { least: 0, most: Infinity };
const FAULT = 0.5; // the size of faulty rows; their variance is a quarter

// What meters compare with: real rows of U classes and their halves, made once for each world.
export class MeterEvidence {
  // `features` (all rows, D) are those of class after class, `counts` how many each class has.
  // `descriptions` are those of all K classes, `classes` the numbers of the U among them.
  constructor({ features, counts, width, halves, orders, readout, descriptions, classes }) {
    Object.assign(this, { width, halves, orders, readout, classes });
    this.described = readout.standardised(descriptions);
    const starts = startsOf(counts);
    this.features = Array.from(counts, (count, k) => {
      return features.subarray(starts[k] * width, (starts[k] + count) * width);
    });
    this.real = null;
  }

  // Of real rows, by class: moments of first and second halves, and the ceiling of agreement.
  *realSide() {
    const real = [];
    for (let k = 0; k < this.features.length; k++) {
      const first = this.moments("first", this.features[k], k);
      const second = this.moments("second", this.features[k], k);
      const agreements = this.agreements("second", this.features[k], k, second, [this.classes[k]]);
      real.push({ first, second, ceiling: agreements.map(([own]) => own) });
      yield;
    }
    return real;
  }

  *synthesizedSide(samplesOf) {
    const synthesized = [];
    for (let k = 0; k < this.features.length; k++) {
      const features = yield* samplesOf(k);
      yield;
      const half = this.moments("synthesized", features, k);
      const again = this.moments("again", features, k);
      const withEach = this.agreements("synthesized", features, k, half, null);
      synthesized.push({ half, again, withEach });
      yield;
    }
    return synthesized;
  }

  moments(half, features, k) {
    return momentsOf(features, this.width, this.halves.rows(half, k));
  }

  // In each repeat, the agreement of what is read with each of the descriptions, or with `some`.
  agreements(half, features, k, { means }, some) {
    const { readout } = this;
    const rows = this.halves.rows(half, k);
    const { traces } = momentsOf(readout.weighed(features), readout.attributes, rows);
    const described = some ? chosenOf(this.described, some, readout.attributes) : this.described;
    // Half of the noise: as if both halves had been taken.
    const noise = traces.map((trace) => trace / (2 * this.halves.sizes[k]));
    return readout.agreements(readout.read(joinedRows(means)), described, noise);
  }
}

function chosenOf({ values, lengths }, numbers, width) {
  const rows = numbers.map((number) => values.subarray(number * width, (number + 1) * width));
  const chosen = Float32Array.from(joinedRows(rows));
  return { values: chosen, count: numbers.length, lengths: numbers.map((k) => lengths[k]) };
}

function joinedRows(rows) {
  const joined = new Float64Array(rows.length * rows[0].length);
  rows.forEach((row, i) => joined.set(row, i * row.length));
  return joined;
}

// Measures samples of the chosen classes, as many as halves were drawn of: `samplesOf(k)` makes
// those of the k-th one, in parts.
export function* readMeters(evidence, samplesOf) {
  evidence.real ??= yield* evidence.realSide();
  const synthesized = yield* evidence.synthesizedSide(samplesOf);
  const spread = readSpread(evidence.real, synthesized);
  const order = yield* distanceOrder(evidence, synthesized);
  return {
    readings: {
      agreement: readAgreement(evidence, synthesized),
      spread: spread.together,
      "distance order": order,
    },
    spreadByClass: spread.byClass,
  };
}

// --- Agreement ---------------------------------------------------------------------------------

function readAgreement({ readout, real, classes }, synthesized) {
  if (!readout.canRead) return missingReading();
  const byClass = synthesized.map(({ withEach }, k) => {
    const value = withEach.map((ofEach) => ofEach[classes[k]]);
    const floor = withEach.map((ofEach, repeat) => {
      return (meanOf(ofEach) * ofEach.length - value[repeat]) / (ofEach.length - 1);
    });
    return { value, floor, ceiling: real[k].ceiling };
  });
  const measured = byClass.filter(isMeasured);
  if (!measured.length) return missingReading();
  const together = meanOfClasses(measured);
  return readNumbers(AGREEMENT, together, together);
}

// --- Spread ------------------------------------------------------------------------------------

function readSpread(real, synthesized) {
  const byClass = real.map(({ first, second }, k) => {
    const varies = first.traces.every((trace) => trace > 0);
    const over = (traces) => Array.from(traces, (t, r) => (varies ? t / first.traces[r] : NaN));
    return withFault(over(synthesized[k].half.traces), over(second.traces));
  });
  return {
    together: readSpreadOfAll(real, synthesized, byClass),
    byClass: byClass.map((numbers) => {
      if (!isMeasured(numbers)) return missingReading();
      return readNumbers(SPREAD, numbers, goodnessOfRatios(numbers));
    }),
  };
}

// All classes together are the ratio of the sums, judged by the worse of that and of the mean:
// classes may shift both ways, so that sums cancel; one wide class may hide in a mean.
function readSpreadOfAll(real, synthesized, byClass) {
  const places = [...real.keys()].filter((k) => isMeasured(byClass[k]));
  if (!places.length) return missingReading();
  const sum = (tracesOf) => sumOfLists(places.map(tracesOf));
  const total = sum((k) => real[k].first.traces);
  const over = (list) => list.map((value, repeat) => value / total[repeat]);
  const value = over(sum((k) => synthesized[k].half.traces));
  const sums = withFault(value, over(sum((k) => real[k].second.traces)));

  const ofMean = meanOfClasses(places.map((k) => goodnessOfRatios(byClass[k])));
  const ofSums = goodnessOfRatios(sums);
  return readNumbers(SPREAD, sums, shareOf(ofSums) < shareOf(ofMean) ? ofSums : ofMean);
}

function withFault(value, ceiling) {
  return { value, floor: [0], ceiling, faulty: ceiling.map((ratio) => FAULT ** 2 * ratio) };
}

// 1 is best, and twice as much is as bad as half as much.
function goodnessOfRatios(numbers) {
  const goodness = (ratio) => Math.min(Math.max(Math.min(ratio, 1 / Math.max(ratio, 1e-12)), 0), 1);
  const entries = Object.entries(numbers);
  return Object.fromEntries(entries.map(([name, list]) => [name, list.map(goodness)]));
}

// --- Over classes ------------------------------------------------------------------------------

function isMeasured({ value, floor, ceiling }) {
  return [value, floor, ceiling].every((list) => list.every(Number.isFinite));
}

function meanOfClasses(byClass) {
  const mean = (name) => {
    const sums = sumOfLists(byClass.map((numbers) => numbers[name]));
    return sums.map((sum) => sum / byClass.length);
  };
  return Object.fromEntries(Object.keys(byClass[0]).map((name) => [name, mean(name)]));
}

function sumOfLists(lists) {
  return Array.from(lists[0], (_, i) => lists.reduce((sum, list) => sum + list[i], 0));
}
