// The flow, as in method/model.py: features of a class from noise, and the density of features.
import { AffineCoupling, CouplingNetwork } from "./coupling.js";
import { latentNoise } from "./noise.js";
import { GaussianStart } from "./start.js";

export class Flow {
  // `header` is that of a flow, `weight(name)` gives {data, shape} of its arrays.
  constructor(header, features, weight) {
    this.features = features;
    this.unit = header.unit;
    const of = (prefix) => (name) => weight(prefix + name);
    this.blocks = header.reads.map((reads, i) => {
      const networks = [1, 2].map((part) => new CouplingNetwork(of(`net${i}.${part}.`), reads));
      return new AffineCoupling(...networks, header.clamp);
    });
    this.start = header.start ? new GaussianStart(of("start."), header.startLogDet) : null;
    this.positioning = header.positioning ? positioningOf(of("positioning.")) : null;
  }

  // The semantics of a class: its attributes, or where they lie from three anchors.
  embed(attributes) {
    const read = attributes.map((value) => value / this.unit);
    return this.positioning ? positioned(read, this.positioning) : read;
  }

  condition(attributes) {
    const semantics = this.embed(attributes);
    return this.blocks.map((block) => block.project(semantics));
  }

  // Returns `count` rows of each class, class after class, those from `firstPlace` on.
  // `attributesRows` has a row for each class; a class draws the noise of its number in
  // `classNumbers`.
  synthesize(attributesRows, count, { temperature, seedWord, classNumbers, firstPlace = 0 }) {
    const wide = attributesRows.length / classNumbers.length;
    const features = new Float32Array(classNumbers.length * count * this.features);
    classNumbers.forEach((number, k) => {
      const noise = latentNoise(seedWord, number, firstPlace, count, this.features);
      const latent = noise.map((value) => value * temperature);
      const attributes = attributesRows.subarray(k * wide, (k + 1) * wide);
      features.set(this.inverse(latent, attributes), k * latent.length);
    });
    return features;
  }

  // Maps rows of latent noise to features of the class with these attributes.
  inverse(latent, attributes) {
    const rows = latent.length / this.features;
    const condition = this.condition(attributes);
    const parts = twoParts(latent, rows);
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      this.blocks[i].inverse(parts, rows, condition[i]);
    }
    const u = onePart(parts, rows);
    return this.start ? this.start.inverse(u, rows, attributes) : u;
  }

  // Returns the log-density of each row of `x` in the class with these attributes, in nats.
  logDensity(x, attributes) {
    const rows = x.length / this.features;
    const condition = this.condition(attributes);
    const u = this.start ? this.start.forward(x, rows, attributes) : x;
    const densities = new Float64Array(rows).fill(this.start ? this.start.logDet : 0);
    const parts = twoParts(u, rows);
    this.blocks.forEach((block, i) => block.forward(parts, rows, condition[i], densities));
    const latent = onePart(parts, rows);
    const constant = (this.features * Math.log(2 * Math.PI)) / 2;
    return densities.map((logDet, row) => {
      const z = latent.subarray(row * this.features, (row + 1) * this.features);
      return logDet - constant - z.reduce((sum, value) => sum + value * value, 0) / 2;
    });
  }
}

function positioningOf(weight) {
  const [anchors, weights, bias] = ["anchors", "weight", "bias"].map(weight);
  return { anchors: anchors.data, weights: weights.data, bias: bias.data, shape: weights.shape };
}

// Relative positioning, as in method/semantics.py.
function positioned(attributes, { anchors, weights, bias, shape }) {
  const [count, embedding, width] = shape;
  const semantics = new Float32Array(embedding);
  for (let anchor = 0; anchor < count; anchor++) {
    for (let i = 0; i < embedding; i++) {
      const row = anchor * embedding + i;
      let sum = bias[row];
      for (let j = 0; j < width; j++) {
        sum += weights[row * width + j] * (attributes[j] - anchors[anchor * width + j]);
      }
      semantics[i] += Math.max(sum, 0);
    }
  }
  return semantics;
}

// An odd width is split with the longer part last.
function twoParts(x, rows) {
  const width = x.length / rows;
  const middle = Math.floor(width / 2);
  const one = new Float32Array(rows * middle);
  const two = new Float32Array(rows * (width - middle));
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    one.set(x.subarray(at, at + middle), row * middle);
    two.set(x.subarray(at + middle, at + width), row * (width - middle));
  }
  return { one, two };
}

function onePart({ one, two }, rows) {
  const x = new Float32Array(one.length + two.length);
  const [first, second] = [one.length / rows, two.length / rows];
  for (let row = 0; row < rows; row++) {
    x.set(one.subarray(row * first, (row + 1) * first), row * (first + second));
    x.set(two.subarray(row * second, (row + 1) * second), row * (first + second) + first);
  }
  return x;
}
