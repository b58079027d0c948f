// One block of the flow, as in method/flow.py: each part of x is scaled and shifted as the other
// part and the semantics say.
import { addProducts, rowRepeated } from "./products.js";

const ATAN_TO_UNIT = 0.636; // about 2 / pi, rounded as published
const LEAK = 0.2;

export class CouplingNetwork {
  // `weight(name)` gives {data, shape} of from_x, from_c, bias, out and out_bias.
  constructor(weight, readsSemantics) {
    const fromX = weight("from_x");
    [this.hidden, this.inputs] = fromX.shape;
    this.fromX = fromX.data;
    this.fromC = readsSemantics ? weight("from_c").data : null;
    this.bias = weight("bias").data;
    this.out = weight("out").data;
    this.outBias = weight("out_bias").data;
    this.outputs = this.outBias.length;
  }

  // The share of the semantics in the hidden layer, the same for all rows of a class.
  project(semantics) {
    const projected = Float32Array.from(this.bias);
    if (!this.fromC) return projected;
    addProducts(semantics, 1, this.fromC, semantics.length, this.hidden, projected);
    return projected;
  }

  run(part, rows, projected) {
    const hidden = rowRepeated(projected, rows);
    addProducts(part, rows, this.fromX, this.inputs, this.hidden, hidden);
    for (let i = 0; i < hidden.length; i++) if (hidden[i] < 0) hidden[i] *= LEAK;
    const raw = rowRepeated(this.outBias, rows);
    addProducts(hidden, rows, this.out, this.hidden, this.outputs, raw);
    return raw;
  }
}

export class AffineCoupling {
  constructor(first, second, clamp) {
    this.first = first; // reads part 1, moves part 2
    this.second = second; // reads part 2, moves part 1
    this.clamp = clamp;
  }

  project(semantics) {
    return { first: this.first.project(semantics), second: this.second.project(semantics) };
  }

  // Moves both parts in place, and adds the log-determinants of the rows to `logDet`.
  forward(parts, rows, condition, logDet) {
    const { one, two } = parts;
    this.move(one, rows, this.second.run(two, rows, condition.second), logDet);
    this.move(two, rows, this.first.run(one, rows, condition.first), logDet);
  }

  inverse(parts, rows, condition) {
    const { one, two } = parts;
    this.moveBack(two, rows, this.first.run(one, rows, condition.first));
    this.moveBack(one, rows, this.second.run(two, rows, condition.second));
  }

  move(part, rows, raw, logDet) {
    const width = part.length / rows;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) {
        const at = row * 2 * width + i;
        const scale = this.scaleOf(raw[at]);
        part[row * width + i] = part[row * width + i] * Math.exp(scale) + raw[at + width];
        logDet[row] += scale;
      }
    }
  }

  moveBack(part, rows, raw) {
    const width = part.length / rows;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < width; i++) {
        const at = row * 2 * width + i;
        const centred = part[row * width + i] - raw[at + width];
        part[row * width + i] = centred * Math.exp(-this.scaleOf(raw[at]));
      }
    }
  }

  scaleOf(raw) {
    return this.clamp * ATAN_TO_UNIT * Math.atan(raw / this.clamp);
  }
}
