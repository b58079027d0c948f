// What a flow starts from, as in method/start.py: the ridge-Gaussian that attributes predict.
import { addProducts, rowRepeated } from "./products.js";

export class GaussianStart {
  // `weight(name)` gives {data, shape} of weights, root and unroot.
  constructor(weight, logDet) {
    const weights = weight("weights");
    this.weights = weights.data; // one row for each attribute, and the intercept
    this.width = weights.shape[1];
    this.root = weight("root").data;
    this.unroot = weight("unroot").data;
    this.logDet = logDet; // of the way from features to latent noise
  }

  mean(attributes) {
    const { width } = this;
    const mean = this.weights.slice(attributes.length * width);
    for (let i = 0; i < attributes.length; i++) {
      for (let j = 0; j < width; j++) mean[j] += attributes[i] * this.weights[i * width + j];
    }
    return mean;
  }

  forward(x, rows, attributes) {
    const mean = this.mean(attributes);
    const centred = x.map((value, i) => value - mean[i % this.width]);
    const u = new Float32Array(x.length);
    addProducts(centred, rows, this.unroot, this.width, this.width, u);
    return u;
  }

  inverse(u, rows, attributes) {
    const x = rowRepeated(this.mean(attributes), rows);
    addProducts(u, rows, this.root, this.width, this.width, x);
    return x;
  }
}
