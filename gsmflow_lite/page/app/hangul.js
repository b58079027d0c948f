// Hangul letters of the parts of a syllable: Unicode counts the syllables in the order of their
// parts, 19 initials, 21 vowels and 28 finals.

const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
const FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
const LETTERS = { initial: INITIALS, vowel: VOWELS, final: FINALS };
const FIRST_SYLLABLE = 0xac00;

export function isHangul(groups) {
  const sizes = Object.entries(LETTERS).map(([group, letters]) => [group, letters.length]);
  return sizes.every(([group, size]) => groups?.[group]?.length === size);
}

// The letter of a part, by its place in its group.
export function jamo(group, place) {
  return LETTERS[group][place].trim();
}

export function syllable(initial, vowel, final) {
  const number = (initial * VOWELS.length + vowel) * FINALS.length + final;
  return String.fromCodePoint(FIRST_SYLLABLE + number);
}
