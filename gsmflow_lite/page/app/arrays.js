// Reads the blob that the page carries: gzip in base64, as packing.py writes it.

const TYPES_OF_NUMBERS = {
  f2: Uint16Array, // halves are widened when they are first used
  f4: Float32Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
};
const BYTES_OF_LENGTH = 8; // the length of the header stands before it

export async function unpackData(base64) {
  const bytes = await unzipped(bytesOfBase64(base64));
  const start = BYTES_OF_LENGTH + new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(BYTES_OF_LENGTH, start)));
  return { header, arrays: new PackedArrays(header.arrays, bytes.buffer, start) };
}

export class PackedArrays {
  constructor(table, buffer, start) {
    this.table = new Map(Object.entries(table));
    this.buffer = buffer;
    this.start = start;
    this.ready = new Map(); // by name
    this.wide = new Map(); // halves by where they lie, as equal arrays lie there once
  }

  has(name) {
    return this.table.has(name);
  }

  // Gives {data, shape}: numbers where they lie, or halves made wider.
  get(name) {
    if (!this.ready.has(name)) this.ready.set(name, this.read(name));
    return this.ready.get(name);
  }

  read(name) {
    const entry = this.table.get(name);
    if (!entry) throw new Error(`the page must hold the array ${name}`);
    const count = entry.shape.reduce((product, side) => product * side, 1);
    const Numbers = TYPES_OF_NUMBERS[entry.type];
    const data = new Numbers(this.buffer, this.start + entry.offset, count);
    if (entry.type !== "f2") return { data, shape: entry.shape };
    if (!this.wide.has(entry.offset)) this.wide.set(entry.offset, widened(data));
    return { data: this.wide.get(entry.offset), shape: entry.shape };
  }
}

function bytesOfBase64(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function unzipped(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// --- Half precision ---------------------------------------------------------------------------

let valueOfHalf = null; // a number for each of the 65536 halves: a look is faster than arithmetic

export function widened(halves) {
  valueOfHalf ??= Float32Array.from({ length: 65536 }, (_, bits) => numberOfHalf(bits));
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < wide.length; i++) wide[i] = valueOfHalf[halves[i]];
  return wide;
}

function numberOfHalf(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
