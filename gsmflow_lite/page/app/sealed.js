// The drifts of the quiz: which of the three it is and how large, from the number of a quiz alone.
//
// A link holds the number and not the answer. Who reads this file can work it out: a seal keeps an
// eye from falling on the answer, and does not keep out who wants in.

export const DRIFTS = ["semantic", "variance", "structure"];

const SEALED_DOSES = { semantic: [0.5, 0.9], variance: [0.4, 0.75], structure: [0.7, 1.4] };

// The doses that the page shows: those of the sliders, or the sealed ones while a quiz is open.
export function dosesOf(state) {
  if (Number.isInteger(state.quiz)) return sealedDoses(state.quiz);
  const { variance, semantic, structure } = state;
  return { variance, semantic, structure };
}

// Whether a part of the page ("map", "pictures", "meters") is a hint of a quiz that was not taken.
export function isSealed({ quiz, hints = [] }, part) {
  return Number.isInteger(quiz) && !hints.includes(part) && !hints.includes("answer");
}

export function sealedDoses(number) {
  const { drift, dose } = sealedDrift(number);
  return { variance: 0, semantic: 0, structure: 0, [drift]: dose };
}

// Six neighbours have each drift twice, in a shuffled order, so that no number is a guess.
export function sealedDrift(number) {
  const round = Math.floor(number / 6);
  const order = [...DRIFTS, ...DRIFTS];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(drawn(round, i) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const drift = order[number % 6];
  const [low, high] = SEALED_DOSES[drift];
  const dose = low + (high - low) * drawn(number, 99);
  return { drift, dose: Math.round(20 * dose) / 20 };
}

// A number from 0 to 1 that depends on a pair of whole numbers (mixing as in MurmurHash3).
function drawn(number, place) {
  let x = Math.imul(number + 1, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
