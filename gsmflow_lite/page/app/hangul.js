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

// Whether this machine has letters for Hangul: without them, two syllables look alike.
export function canWriteHangul() {
  const [some, other] = ["가", "힣"].map((text) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 32;
    const pen = canvas.getContext("2d");
    pen.font = "24px sans-serif";
    pen.fillText(text, 2, 26);
    return pen.getImageData(0, 0, 32, 32).data.join();
  });
  return some !== other;
}

export function syllable(initial, vowel, final) {
  const number = (initial * VOWELS.length + vowel) * FINALS.length + final;
  return String.fromCodePoint(FIRST_SYLLABLE + number);
}
