// Pictures of features, where they decode: ink is a linear map of a feature.
import { addProducts, rowRepeated } from "./products.js";

const PAPER = 255;

// Returns the light of `rows` pictures, 255 paper to 0 ink, one picture after the other.
export function decodePictures(features, rows, offset, basis) {
  const ink = rowRepeated(offset, rows);
  addProducts(features, rows, basis, features.length / rows, offset.length, ink);
  const light = new Uint8Array(ink.length);
  for (let i = 0; i < ink.length; i++) light[i] = PAPER * (1 - Math.min(Math.max(ink[i], 0), 1));
  return light;
}
