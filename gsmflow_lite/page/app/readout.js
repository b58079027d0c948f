// Reads a description off features, as shifts/readout.py fitted it.
import { addProducts } from "./products.js";

const LEAST_SHARE = 0.1; // of a squared norm, which stays whatever noise is taken off

export class AttributeReadout {
  // All arrays are as in the page: weights (D, A), centre (D), the others (A).
  constructor({ weights, centre, typical, spread, readability }) {
    Object.assign(this, { weights, centre, typical, spread, readability });
    this.width = centre.length;
    this.attributes = typical.length;
    this.canRead = readability.some((share) => share > 0);
  }

  // Reads attributes off one feature or many, in units of their spread from the typical one.
  read(features) {
    const rows = features.length / this.width;
    const read = new Float64Array(rows * this.attributes);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < this.width; i++) {
        const value = features[row * this.width + i] - this.centre[i];
        const at = i * this.attributes;
        const to = row * this.attributes;
        for (let j = 0; j < this.attributes; j++) read[to + j] += value * this.weights[at + j];
      }
    }
    return read;
  }

  inOwnUnits(read) {
    return Float32Array.from(read, (value, j) => this.typical[j] + this.spread[j] * value);
  }

  // Descriptions (K, A) in the units of `read`, each with its length as it counts.
  standardised(attributes) {
    const values = Float32Array.from(attributes, (value, i) => {
      const j = i % this.attributes;
      return (value - this.typical[j]) / this.spread[j];
    });
    const count = values.length / this.attributes;
    return { values, count, lengths: this.lengthsOf(values, count) };
  }

  lengthsOf(values, count) {
    const squares = new Float64Array(count);
    for (let i = 0; i < values.length; i++) {
      const j = i % this.attributes;
      squares[(i - j) / this.attributes] += this.readability[j] * values[i] ** 2;
    }
    return squares.map(Math.sqrt);
  }

  // The cosines between what is read in each row and all K descriptions, as a list for each row.
  // Noise makes vectors longer, so it is taken off the squared norm.
  agreements(read, described, noise) {
    const weighted = Float32Array.from(read, (value, i) => {
      return value * this.readability[i % this.attributes];
    });
    const { values, count, lengths } = described;
    const products = new Float32Array(noise.length * count);
    addProducts(weighted, noise.length, values, this.attributes, count, products);
    return Array.from(noise, (ofRow, row) => {
      const length = this.lengthWithout(ofRow, read, weighted, row);
      return products.subarray(row * count, (row + 1) * count).map((product, k) => {
        const norm = length * lengths[k];
        return Math.min(Math.max(product / (norm > 0 ? norm : 1), -1), 1);
      });
    });
  }

  lengthWithout(noise, read, weighted, row) {
    let square = 0;
    for (let j = 0, i = row * this.attributes; j < this.attributes; j++, i++) {
      square += weighted[i] * read[i];
    }
    return Math.sqrt(Math.max(square - noise, LEAST_SHARE * square));
  }

  // Features as the readout weighs them: the traces of these are the noise of what is read.
  weighed(features) {
    const roots = this.readability.map(Math.sqrt);
    return this.read(features).map((value, i) => value * roots[i % this.attributes]);
  }
}
