// Random halves of the rows of a class, on which every number is repeated, as in shifts/halves.py.

const ROUNDING = 1e-12; // rows that are equal differ by so much of their squares

// Says which rows the halves of each class take: they were drawn when the page was made.
export class HalvedRows {
  // `table(name)` gives {data, shape (R, all sizes)} of first, second, synthesized and again.
  constructor(table, sizes) {
    this.table = table;
    this.sizes = sizes;
    this.starts = startsOf(sizes);
    this.repeats = table("first").shape[0];
  }

  // The rows of class k in each repeat, as lists of numbers.
  rows(name, k) {
    const { data, shape } = this.table(name);
    return Array.from({ length: this.repeats }, (_, repeat) => {
      const start = repeat * shape[1] + this.starts[k];
      return data.subarray(start, start + this.sizes[k]);
    });
  }
}

// Where each part begins, if parts of these sizes lie one after the other.
export function startsOf(sizes) {
  let end = 0;
  return Array.from(sizes, (size) => (end += size) - size);
}

// Returns {means: a list for each repeat, traces: a number for each repeat} of the rows that
// halves take of x (n, width): their mean, and the trace of their covariance.
export function momentsOf(x, width, rowsOfRepeats) {
  const { centre, centred, squares } = centredRows(x, width);
  const traces = new Float64Array(rowsOfRepeats.length);
  const means = rowsOfRepeats.map((rows, repeat) => {
    const mean = new Float64Array(width);
    let square = 0;
    for (const row of rows) {
      square += squares[row];
      for (let i = 0, at = row * width; i < width; i++, at++) mean[i] += centred[at];
    }
    traces[repeat] = traceOf(mean, square, rows.length);
    return mean.map((sum, i) => centre[i] + sum / rows.length);
  });
  return { means, traces };
}

// First of all the mean of all rows is taken off, because large numbers would cost digits.
function centredRows(x, width) {
  const count = x.length / width;
  const centre = new Float64Array(width);
  for (let i = 0; i < x.length; i++) centre[i % width] += x[i] / count;
  const centred = Float64Array.from(x, (value, i) => value - centre[i % width]);
  const squares = new Float64Array(count);
  for (let i = 0; i < x.length; i++) squares[Math.floor(i / width)] += centred[i] ** 2;
  return { centre, centred, squares };
}

function traceOf(sums, square, size) {
  const meanSquare = square / size;
  let ofMean = 0;
  for (const sum of sums) ofMean += (sum / size) ** 2;
  const trace = meanSquare - ofMean;
  return trace < ROUNDING * meanSquare ? 0 : (trace * size) / (size - 1);
}
