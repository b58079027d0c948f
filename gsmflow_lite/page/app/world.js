// A world of the page: a data set and its flows, and what can be asked of them.
import { Flow } from "./flow.js";
import { HalvedRows } from "./halves.js";
import { injectDoses, meanOfRows } from "./injector.js";
import { inProportion, mapCarriers, placeOnMap, throughPca } from "./lenses.js";
import { MeterEvidence, readMeters } from "./meters.js";
import { decodePictures } from "./pictures.js";
import { AttributeReadout } from "./readout.js";

const PICTURES_OF_A_CLASS = 6;
const ROWS_IN_A_PART = 16; // samples that are made before something else may be answered

export class World {
  constructor(header, arrays) {
    this.header = header;
    this.arrays = arrays;
    this.width = header.features;
    this.chosen = header.classes.chosen;
    this.flows = new Map(); // by number, made when they are first used
  }

  // --- What it holds ---------------------------------------------------------------------------

  data(name) {
    return this.arrays.get(`${this.header.name}/${name}`).data;
  }

  has(name) {
    return this.arrays.has(`${this.header.name}/${name}`);
  }

  // Several arrays whose names begin alike, by the rest of their names.
  named(prefix, names) {
    return Object.fromEntries(names.map((name) => [name, this.data(prefix + name)]));
  }

  // What a page shows before anything is imagined.
  facts() {
    const lists = {
      ...this.named("real.", ["labels", "pca", "umap"]),
      ...this.named("readout.", ["typical", "spread", "readability"]),
      ...this.named("", ["attributes", "low", "high"]),
    };
    return {
      ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.slice()])),
      image: this.has("image") ? this.data("image").slice() : null,
      canInject: { semantic: this.has("injector.left"), structure: this.has("injector.steps") },
    };
  }

  flow(number) {
    if (!this.flows.has(number)) this.flows.set(number, this.madeFlow(this.header.flows[number]));
    return this.flows.get(number);
  }

  madeFlow(header) {
    const weight = (name) => this.arrays.get(`${this.header.name}/${header.key}/${name}`);
    return new Flow(header, this.width, weight);
  }

  get readout() {
    const names = ["weights", "centre", "typical", "spread", "readability"];
    this.madeReadout ??= new AttributeReadout(this.named("readout.", names));
    return this.madeReadout;
  }

  get real() {
    if (!this.madeReal) {
      const space = this.space(this.data("real.features"));
      this.madeReal = mapCarriers(space, this.width, this.data("real.umap"));
    }
    return this.madeReal;
  }

  space(features) {
    return inProportion(features, this.data("widths"), this.data("pca.mean"));
  }

  // The attributes of a class by number.
  description(number) {
    const width = this.header.attributes.names.length;
    return this.data("attributes").subarray(number * width, (number + 1) * width);
  }

  // --- Samples ---------------------------------------------------------------------------------

  // `count` samples of one class that has this number in the call; `typical` puts one more row
  // before them, made without noise.
  *samples({ flow, attributes, count, temperature = 1, seed = 0, typical, doses }, number = 0) {
    const options = { temperature, seedWord: this.seedWord(seed), classNumbers: [number] };
    const parts = typical ? [this.typical(flow, attributes)] : [];
    for (let first = 0; first < count; first += ROWS_IN_A_PART) {
      if (first) yield;
      const rows = Math.min(ROWS_IN_A_PART, count - first);
      const place = { ...options, firstPlace: first };
      parts.push(this.flow(flow).synthesize(attributes, rows, place));
    }
    const features = joinedLists(parts);
    this.inject(features, attributes, typical ? 1 : 0, doses);
    return features;
  }

  // What the latent origin stands for.
  typical(flow, attributes) {
    return this.flow(flow).inverse(new Float32Array(this.width), attributes);
  }

  seedWord(seed) {
    const words = this.arrays.get("seeds").data;
    if (seed in words) return words[seed];
    throw new Error(`seed must be a whole number from 0 to ${words.length - 1}, got ${seed}`);
  }

  inject(features, attributes, first, doses) {
    if (!doses || !(doses.variance || doses.semantic || doses.structure)) return;
    const mean = meanOfRows(features, this.width, first);
    injectDoses(features, mean, doses, this.turning, this.step(attributes));
  }

  get turning() {
    if (!this.has("injector.left")) return null;
    return this.named("injector.", ["centre", "left", "right"]);
  }

  // The step of a structure dose was drawn for each chosen class. Another description takes the
  // step of the nearest one, so that it does not jump at each move of a slider.
  step(attributes) {
    if (!this.has("injector.steps")) return null;
    const { spread } = this.readout;
    const gaps = this.chosen.map((number) => {
      const other = this.description(number);
      return other.reduce((sum, value, j) => sum + ((value - attributes[j]) / spread[j]) ** 2, 0);
    });
    const nearest = gaps.indexOf(Math.min(...gaps));
    return this.data("injector.steps").subarray(nearest * this.width, (nearest + 1) * this.width);
  }

  // --- What is shown of features ---------------------------------------------------------------

  placed(features) {
    const space = this.space(features);
    const pca = throughPca(space, this.data("pca.axes"));
    const { places, near, far } = placeOnMap(space, this.real, this.header.map);
    return { pca, umap: places, near, far };
  }

  pictures(features) {
    if (this.header.pictures?.kind !== "decoded") return null;
    const rows = features.length / this.width;
    return decodePictures(features, rows, this.data("picture.offset"), this.data("picture.basis"));
  }

  // --- What can be asked -----------------------------------------------------------------------

  *imagine(asked) {
    const attributes = Float32Array.from(asked.attributes);
    const features = yield* this.samples({ ...asked, attributes });
    const mean = meanOfRows(features, this.width, asked.typical ? 1 : 0);
    return {
      features,
      count: features.length / this.width,
      pictures: this.pictures(features),
      ...this.placed(features),
      read: this.readout.inOwnUnits(this.readout.read(mean)),
    };
  }

  // Samples of the k-th chosen class.
  *samplesOfChosen(asked, k, count) {
    const attributes = this.description(this.chosen[k]);
    return yield* this.samples({ ...asked, attributes, count, typical: false }, k);
  }

  *classes(asked) {
    const parts = [];
    for (let k = 0; k < this.chosen.length; k++) {
      const features = yield* this.samplesOfChosen(asked, k, asked.count);
      const shown = features.subarray(0, Math.min(PICTURES_OF_A_CLASS, asked.count) * this.width);
      const labels = new Uint16Array(asked.count).fill(this.chosen[k]);
      parts.push({ labels, features, pictures: this.pictures(shown), ...this.placed(features) });
      yield;
    }
    const names = ["labels", "features", "pictures", "pca", "umap", "near", "far"];
    const joined = names.map((name) => [name, joinedLists(parts.map((part) => part[name]))]);
    return { count: asked.count, ...Object.fromEntries(joined) };
  }

  *meters(asked) {
    const { samples } = this.header.meters;
    return yield* readMeters(this.evidence, (k) => this.samplesOfChosen(asked, k, samples));
  }

  get evidence() {
    this.madeEvidence ??= new MeterEvidence({
      features: this.data("measured.features"),
      counts: this.data("measured.counts"),
      width: this.width,
      halves: new HalvedRows(
        (name) => this.arrays.get(`${this.header.name}/halves.${name}`),
        this.data("halves.sizes"),
      ),
      orders: this.data("halves.orders"),
      readout: this.readout,
      descriptions: this.data("attributes"),
      classes: this.chosen,
    });
    return this.madeEvidence;
  }

  // Pictures of real rows.
  picturesOf({ rows }) {
    const all = this.data("real.features");
    const parts = Array.from(rows, (row) => all.subarray(row * this.width, (row + 1) * this.width));
    return { pictures: this.pictures(joinedLists(parts) ?? new Float32Array(0)) };
  }

  // The typical sample while one attribute goes from its lowest to its highest value.
  sweep({ flow, attributes, attribute, steps = 9 }) {
    const [low, high] = [this.data("low")[attribute], this.data("high")[attribute]];
    const values = Float32Array.from({ length: steps }, (_, i) => {
      return low + ((high - low) * i) / Math.max(steps - 1, 1);
    });
    const parts = Array.from(values, (value) => {
      const moved = Float32Array.from(attributes);
      moved[attribute] = value;
      return this.typical(flow, moved);
    });
    const features = joinedLists(parts);
    return { values, pictures: this.pictures(features), near: this.placed(features).near };
  }
}

// Lists of numbers in one list; null where there are none.
function joinedLists(lists) {
  if (!lists[0]) return null;
  const joined = new lists[0].constructor(lists.reduce((sum, list) => sum + list.length, 0));
  let end = 0;
  for (const list of lists) {
    joined.set(list, end);
    end += list.length;
  }
  return joined;
}
