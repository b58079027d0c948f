// Random numbers that depend on their place alone, the same as those of method/philox.py.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10).

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const STEPS_OF_KEY = [0x9e3779b9, 0xbb67ae85];
const ROUNDS_OF_PHILOX = 10;
const FULL_TURN = Math.fround(2 * Math.PI);

// Returns `count` rows of `width` standard normal numbers, those of a class from a place on.
export function latentNoise(seedWord, classNumber, firstPlace, count, width) {
  const noise = new Float32Array(count * width);
  const words = new Uint32Array(4);
  const four = new Float32Array(4);
  for (let row = 0; row < count; row++) {
    for (let column = 0; 4 * column < width; column++) {
      randomWords(words, column, firstPlace + row, classNumber, seedWord);
      normalPair(words[0], words[1], four, 0);
      normalPair(words[2], words[3], four, 2);
      const kept = Math.min(4, width - 4 * column);
      for (let i = 0; i < kept; i++) noise[row * width + 4 * column + i] = four[i];
    }
  }
  return noise;
}

// Writes four random words of a counter (c0, c1, c2, 0) and a key (k0, 0) into `words`.
export function randomWords(words, c0, c1, c2, k0) {
  let c3 = 0;
  let k1 = 0;
  for (let round = 0; round < ROUNDS_OF_PHILOX; round++) {
    const next0 = highProduct(c2, MULTIPLIERS[1]) ^ c1 ^ k0;
    const next2 = highProduct(c0, MULTIPLIERS[0]) ^ c3 ^ k1;
    c1 = Math.imul(c2, MULTIPLIERS[1]);
    c3 = Math.imul(c0, MULTIPLIERS[0]);
    c0 = next0;
    c2 = next2;
    k0 = (k0 + STEPS_OF_KEY[0]) | 0;
    k1 = (k1 + STEPS_OF_KEY[1]) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// The upper word of the product of two words, from products of their halves.
function highProduct(a, b) {
  const lowA = a & 0xffff;
  const highA = a >>> 16;
  const lowB = b & 0xffff;
  const highB = b >>> 16;
  const middle = highA * lowB + ((lowA * lowB) >>> 16);
  const other = lowA * highB + (middle % 65536);
  return (highA * highB + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0;
}

// Box and Muller's way, rounded to single precision where PyTorch is.
function normalPair(firstWord, secondWord, into, at) {
  const radius = Math.sqrt(-2 * Math.fround(Math.log(aboveZero(firstWord))));
  const angle = Math.fround(aboveZero(secondWord) * FULL_TURN);
  into[at] = radius * Math.cos(angle);
  into[at + 1] = radius * Math.sin(angle);
}

// Above 0 and at most 1: a logarithm of it is finite.
function aboveZero(word) {
  return Math.fround(Math.fround(word) + 0.5) * 2 ** -32;
}
