// Products of matrices, which are nearly all of the work of the flow.

const ROWS_TOGETHER = 4; // rows of x that share one pass over two rows of weights

// Adds x W^T to `into`: x (rows, inputs), weights (outputs, inputs), into (rows, outputs).
// All are of type Float32Array, sums are in double precision.
export function addProducts(x, rows, weights, inputs, outputs, into) {
  const packed = new Float64Array(ROWS_TOGETHER * inputs);
  for (let row = 0; row < rows; row += ROWS_TOGETHER) {
    const count = Math.min(ROWS_TOGETHER, rows - row);
    packRows(x, row, count, inputs, packed);
    addOfRows(packed, count, weights, inputs, outputs, into, row * outputs);
  }
}

// Puts the numbers of four rows side by side, so that they are read one after the other. The last
// rows may be fewer than four: of the others nothing is kept.
function packRows(x, row, count, inputs, packed) {
  for (let place = 0; place < count; place++) {
    const start = (row + place) * inputs;
    for (let i = 0; i < inputs; i++) packed[ROWS_TOGETHER * i + place] = x[start + i];
  }
}

// Eight sums at once: each number is read once and used several times, and a processor works on
// several sums while it waits for one.
function addOfRows(packed, count, weights, inputs, outputs, into, start) {
  for (let output = 0; output < outputs; output += 2) {
    const isPair = output + 1 < outputs;
    const atA = output * inputs;
    const atB = isPair ? atA + inputs : atA;
    let a0 = 0, a1 = 0, a2 = 0, a3 = 0; // sums of the first output, in four rows
    let b0 = 0, b1 = 0, b2 = 0, b3 = 0; // of the second
    for (let i = 0, at = 0; i < inputs; i++, at += ROWS_TOGETHER) {
      const a = weights[atA + i];
      const b = weights[atB + i];
      const x0 = packed[at];
      const x1 = packed[at + 1];
      const x2 = packed[at + 2];
      const x3 = packed[at + 3];
      a0 += x0 * a;
      a1 += x1 * a;
      a2 += x2 * a;
      a3 += x3 * a;
      b0 += x0 * b;
      b1 += x1 * b;
      b2 += x2 * b;
      b3 += x3 * b;
    }
    addDown(into, start + output, outputs, count, a0, a1, a2, a3);
    if (isPair) addDown(into, start + output + 1, outputs, count, b0, b1, b2, b3);
  }
}

function addDown(into, at, step, count, first, second, third, fourth) {
  into[at] += first;
  if (count > 1) into[at + step] += second;
  if (count > 2) into[at + 2 * step] += third;
  if (count > 3) into[at + 3 * step] += fourth;
}

// Returns a matrix in which each row is `row`.
export function rowRepeated(row, rows) {
  const matrix = new Float32Array(rows * row.length);
  for (let i = 0; i < rows; i++) matrix.set(row, i * row.length);
  return matrix;
}
