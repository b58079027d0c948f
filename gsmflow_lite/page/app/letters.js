// Whether this machine has the letters of a name: what it lacks would be drawn as empty boxes.

const NOBODY_HAS = "\u{10FFFF}"; // no font has a letter for it
const SIDE = 24;
const canBeWritten = new Map(); // by block of 256 characters, of which one is tried

// Names as they can be written here. Words whose letters are missing are left out, unless nothing
// would be left, or two names would become one.
export function writableNames(names) {
  const shorter = names.map((name) => name.split(" ").filter(canWrite).join(" ") || name);
  return new Set(shorter).size === new Set(names).size ? shorter : names;
}

export function canWrite(text) {
  return [...text].every((letter) => {
    const block = letter.codePointAt(0) >> 8;
    if (block < 2) return true;
    if (!canBeWritten.has(block)) canBeWritten.set(block, inkOf(letter) !== inkOf(NOBODY_HAS));
    return canBeWritten.get(block);
  });
}

function inkOf(letter) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.font = "18px sans-serif";
  pen.fillText(letter, 2, 18);
  return pen.getImageData(0, 0, SIDE, SIDE).data.join();
}
