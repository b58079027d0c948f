"""Build ``hangul.npz``: 900 Korean syllables as freely licensed typefaces draw them.

Runs on Debian: fetches the packages below with ``apt-get download`` and ``npm pack``, unpacks them
(nothing is installed), draws the syllables of every typeface with FreeType, leaves out what does
not belong, and writes ``hangul.npz``, ``hangul.sha256`` and ``hangul_faces.csv`` beside this file::

    python data/build_hangul.py --cache DIR        # DIR keeps the downloads, some 250 megabytes

Which syllables there are and which of them are unseen is drawn first, from their letters alone. The
attributes are those letters, by the arithmetic of Unicode. Needs gsmflow_lite, numpy, scipy, pillow
and fonttools. The datasheet, ``hangul.md``, says what the numbers mean and what they must not be
used for.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTCollection, TTFont
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from typefaces import (
    COPYLEFT,
    Copyright,
    Face,
    Unusable,
    archive,
    at_most_a_few,
    choose_test,
    family_of,
    fetch,
    joined,
    look_alikes,
    sha256,
    short_licence,
    tell_apart,
    version_of,
    without_duplicates,
    write_faces,
    write_npz,
)

from gsmflow_lite.datasets.syllables import every_syllable, parts_of

HERE = Path(__file__).resolve().parent

CLASSES = 900
UNSEEN = 60
ENOUGH = 4  # seen syllables that each letter of an unseen one must occur in
SEED = 0

SIDE = 28  # pixels, the side of an image
ROOM = 26  # most pixels that the ink of a face may take, across and down
ZOOM = 8  # drawn this much larger, then averaged down: exact area coverage, no ringing
PROBE = 256  # font size at which a face is measured
LEVELS = 16  # grey levels that are kept

FACES_PER_FAMILY = 3
TEST_SHARE = 0.2
DUPLICATE = 30.0  # grey levels, RMS over all images: closer faces count as one
SAME_DESIGN = 36.0  # families with closer faces are clones: both in training or both in test
DIFFERENT = 0.97  # least share of the syllables that a face must draw each in its own way
# Grey level that the darkest pixel of a syllable must reach in the mean: hairlines do not.
LEAST_INK = 200
HOLLOW = 0.5  # share of the syllables without a ring that enclose white: an outline face
LEAST_HEIGHT = 16  # rows that a syllable must have in the mean: flourishes shrink the rest too much

DEBIAN = [
    "fonts-nanum",
    "fonts-nanum-extra",
    "fonts-naver-d2coding",
    "fonts-baekmuk",
    "fonts-alee",
    "fonts-woowa-bm",
    "fonts-noto-cjk",
    "fonts-wqy-microhei",
]

NPM = {  # package and version, and which of its files are whole fonts; none where they are sliced
    "@fontsource/black-han-sans@5.3.0": None,
    "@fontsource/gaegu@5.3.0": None,
    "@fontsource/gowun-batang@5.3.0": None,
    "@fontsource/gugi@5.3.0": None,
    "@fontsource/ibm-plex-sans-kr@5.3.0": None,
    "@fontsource/poor-story@5.3.0": None,
    "@fontsource/sunflower@5.3.1": None,
    "pretendard@1.3.9": "dist/public/static/*.otf",
}

# A pattern of "family style (file)", and why such a face is left out after a look at it.
EXCLUDED = {
    r"CJK (JP|SC|TC|HK)|Mono CJK|ligature|Micro Hei Mono": "the same syllables as another",
    r"\bEco\b": "strokes full of holes, to save ink",
    r"Euljiro (oraeorae|10 years)": "worn strokes",
}

KIN = [  # families drawn from one source, whatever their distance: on the same side of the split
    ["NanumGothic", "NanumGothicCoding"],
    ["NanumBarunGothic", "NanumBarunGothic YetHangul", "D2Coding"],
    ["NanumMyeongjo", "NanumMyeongjo YetHangul"],
    ["NanumSquare", "NanumSquare_ac", "NanumSquareRound"],
    ["Noto Sans CJK KR", "Pretendard"],
    ["BM HANNA", "BM HANNA Air", "BM HANNA 11yrs old"],
    ["Eunjin", "Eunjin Nakseo"],
]

WEIGHTS = {
    100: "Thin",
    200: "ExtraLight",
    300: "Light",
    400: "Regular",
    500: "Medium",
    600: "SemiBold",
    700: "Bold",
    800: "ExtraBold",
    900: "Black",
}


# --- Choose syllables -----------------------------------------------------------------------------


def common_syllables() -> list[str]:
    """The 2350 syllables that EUC-KR encodes, which are those of everyday Korean."""
    return [s for s in every_syllable() if len(s.encode("euc_kr", "ignore")) == 2]


def choose_syllables() -> tuple[list[str], np.ndarray]:
    """The classes, in the order of Unicode, and the numbers of the unseen ones.

    A seeded shuffle of the common syllables is walked three times. First, each is taken that has a
    letter which fewer than ENOUGH + 1 of those taken have: so rare letters get in. Then the next
    ones fill up to CLASSES. At last, of another shuffle, each becomes unseen of whose letters each
    is still in ENOUGH seen ones, until there are UNSEEN.
    """
    rng = np.random.default_rng(SEED)
    common = rng.permutation(common_syllables()).tolist()
    seldom = Counter()
    taken = []
    for syllable in common:
        letters = list(letters_of(syllable))
        if any(seldom[letter] <= ENOUGH for letter in letters):
            taken.append(syllable)
            seldom.update(letters)
    first = set(taken)
    taken += [syllable for syllable in common if syllable not in first]
    classes = sorted(taken[:CLASSES])
    return classes, choose_unseen(classes, rng)


def letters_of(syllable: str) -> Iterator[tuple[str, str]]:
    return zip(("initial", "vowel", "final"), parts_of(syllable), strict=True)


def choose_unseen(classes: list[str], rng: np.random.Generator) -> np.ndarray:
    among_seen = Counter(letter for syllable in classes for letter in letters_of(syllable))
    unseen = []
    for number in rng.permutation(len(classes)):
        letters = list(letters_of(classes[number]))
        if len(unseen) < UNSEEN and all(among_seen[letter] > ENOUGH for letter in letters):
            unseen.append(number)
            among_seen.subtract(letters)
    return np.sort(unseen)


# --- Find the faces -------------------------------------------------------------------------------


def fetch_npm(packages: list[str], cache: Path) -> None:
    """Download the npm packages that the cache lacks, and unpack each: nothing of them is run."""
    (cache / "npm").mkdir(parents=True, exist_ok=True)
    for package in packages:
        target = unpacked(cache, package)
        if not target.exists():
            pack = ["npm", "pack", package]
            done = subprocess.run(
                pack, cwd=cache / "npm", check=True, capture_output=True, text=True
            )
            target.mkdir(parents=True)
            file = cache / "npm" / done.stdout.split()[-1]
            subprocess.run(["tar", "-xzf", file, "-C", target, "--strip-components=1"], check=True)


def unpacked(cache: Path, package: str) -> Path:
    return cache / "unpacked" / package.removeprefix("@").replace("/", "-")


def find_faces(cache: Path) -> tuple[list[Face], Counter]:
    """The faces that have all syllables, and why the others were left out."""
    faces = []
    left_out = Counter()
    found = [debian_faces(package, cache) for package in DEBIAN]
    found += [npm_faces(package, files, cache) for package, files in NPM.items()]
    for face in (face for some in found for face in some):
        try:
            check(face)
        except Unusable as reason:
            left_out[str(reason)] += 1
        else:
            faces.append(face)
    return faces, left_out


def debian_faces(package: str, cache: Path) -> Iterator[Face]:
    root = cache / "unpacked" / package
    terms = Copyright.read(root / "usr/share/doc" / package / "copyright")
    version = version_of(archive(cache, package))
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in {".otf", ".ttf", ".ttc"} and not path.is_symlink():
            for number, font in enumerate(fonts_in(path)):
                licence, holder = terms.of(path)
                yield Face(path, package, version, licence, holder, *family_of(font), number=number)


def fonts_in(path: Path) -> list[TTFont]:
    return TTCollection(path, lazy=True).fonts if path.suffix == ".ttc" else [TTFont(path)]


def npm_faces(package: str, files: str | None, cache: Path) -> Iterator[Face]:
    root = unpacked(cache, package)
    name, _, version = package.rpartition("@")
    if files is None:
        yield from sliced_faces(root, name, version)
        return
    licence = short_licence((root / "package.json").read_text())
    for path in sorted(root.glob(files)):
        with TTFont(path) as font:
            holder = one_line(font["name"].getDebugName(0) or "")
            yield Face(path, name, version, licence, holder, *family_of(font))


def sliced_faces(root: Path, package: str, version: str) -> Iterator[Face]:
    """The weights of a family of which each is cut into many files, with some characters each."""
    about = json.loads((root / "metadata.json").read_text())
    licence = short_licence(about["license"]["type"])
    holder = one_line(about["license"]["attribution"])
    for weight in about["weights"]:
        file_of = {}
        for path in sorted((root / "files").glob(f"*-{weight}-normal.woff")):
            with TTFont(path) as font:
                file_of.update((chr(code), path) for code in font.getBestCmap())
        style = WEIGHTS[weight]
        yield Face(root, package, version, licence, holder, about["family"], style, file_of=file_of)


def one_line(text: str) -> str:
    return " ".join(re.sub(r"^Copyright\s*(\(c\)|©)?\s*", "", text, flags=re.I).split())[:80]


def check(face: Face) -> None:
    """Raise ``Unusable`` for a face that its name, its licence or its tables rule out."""
    for pattern, reason in EXCLUDED.items():
        if re.search(pattern, f"{face.name} ({face.path.name})"):
            raise Unusable(f"by name: {reason}")
    if not face.licence:
        raise Unusable("licence not recognised")
    if face.licence in COPYLEFT:
        raise Unusable("GPL or LGPL without font exception")


# --- Draw -----------------------------------------------------------------------------------------


class Pen:
    """Draws characters of a face at one size, wherever its files have them."""

    def __init__(self, face: Face, size: float) -> None:
        self.face = face
        self.size = size
        self.fonts: dict[Path, ImageFont.FreeTypeFont] = {}

    def font(self, character: str) -> ImageFont.FreeTypeFont:
        path = self.face.file_of.get(character, self.face.path)
        if path not in self.fonts:
            self.fonts[path] = ImageFont.truetype(
                path, self.size, index=self.face.number, layout_engine=ImageFont.Layout.BASIC
            )
        return self.fonts[path]

    def box(self, character: str) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the ink, from the middle of the square and the baseline.

        The square is the character's own: where its neighbours would begin.
        """
        font = self.font(character)
        left, top, right, bottom = font.getbbox(character, anchor="ls")
        middle = font.getlength(character) / 2
        return left - middle, top, right - middle, bottom

    def draw(self, character: str, middle: float, baseline: float) -> np.ndarray:
        font = self.font(character)
        canvas = Image.new("L", (SIDE * ZOOM, SIDE * ZOOM))
        place = (round(middle - font.getlength(character) / 2), round(baseline))
        ImageDraw.Draw(canvas).text(place, character, fill=255, font=font, anchor="ls")
        return np.asarray(canvas.reduce(ZOOM))


def draw(face: Face, syllables: list[str]) -> np.ndarray:
    """The images of a face, (n, 28, 28) uint8: one size, one baseline, one middle for all of them.

    The size is the largest at which the ink of all syllables together stays within ROOM. So each
    letter stays where the face has it in the square.
    """
    try:
        probe = Pen(face, PROBE)
        left, top, right, bottom = np.array([probe.box(s) for s in syllables], dtype=float).T
    except OSError as error:
        raise Unusable("broken file") from error
    if np.any(right - left < 1) or np.any(bottom - top < 1):
        raise Unusable("empty glyph")
    scale = ROOM / max(right.max() - left.min(), bottom.max() - top.min())
    middle = (SIDE - scale * (left.min() + right.max())) / 2
    baseline = (SIDE - scale * (top.min() + bottom.max())) / 2
    pen = Pen(face, PROBE * scale * ZOOM)
    return np.stack([pen.draw(s, middle * ZOOM, baseline * ZOOM) for s in syllables])


# --- Leave out ------------------------------------------------------------------------------------


def judge(images: np.ndarray, syllables: list[str]) -> None:
    """Raise ``Unusable`` for a face whose images break a rule of shape."""
    different = len({image.tobytes() for image in images}) / len(images)
    height = np.mean([np.count_nonzero(image.max(1) > 96) for image in images])
    rules = {
        "too many syllables that look alike": different < DIFFERENT,
        "too small in the square": height < LEAST_HEIGHT,
        "too thin for 28 pixels": images.max((1, 2)).mean() < LEAST_INK,
        "outline face": hollow_share(images, syllables) > HOLLOW,
    }
    for reason, broken in rules.items():
        if broken:
            raise Unusable(reason)


def hollow_share(images: np.ndarray, syllables: list[str]) -> float:
    """Share of the syllables without a ring (no square, no circle) that enclose white all the same.

    Only the letters g, n and s are sure to have none.
    """
    open_letters = {"g", "n", "s", "a", "eo", "i", "none"}
    count = []
    for image, syllable in zip(images, syllables, strict=True):
        if set(parts_of(syllable)) <= open_letters:
            ink = image > 96
            enclosed = ndimage.binary_fill_holes(ink) & ~ink
            count.append(enclosed.sum() > 0.04 * max(ink.sum(), 1))
    return float(np.mean(count))


def inspect(faces: list[Face], syllables: list[str], left_out: Counter) -> list[Face]:
    """Draw every face and keep those that pass the tests of shape."""
    kept = []
    for face in faces:
        try:
            face.images = draw(face, syllables)
            judge(face.images, syllables)
            kept.append(face)
        except Unusable as reason:
            left_out[str(reason)] += 1
            logging.info("%s: %s", face.name, reason)
    return kept


# --- Choose ---------------------------------------------------------------------------------------


def choose_faces(
    cache: Path, syllables: list[str]
) -> tuple[list[Face], dict[str, str], np.ndarray, Counter]:
    """The faces, the design group of each family, which faces are for test, and who was left out.

    Families hang together that have a pair of faces closer than SAME_DESIGN, or are KIN.
    """
    faces, left_out = find_faces(cache)
    passed = inspect(faces, syllables, left_out)
    different = without_duplicates(passed, DUPLICATE, left_out)
    faces = at_most_a_few(different, FACES_PER_FAMILY, left_out)
    tell_apart(faces)

    families = list(dict.fromkeys(face.family for face in passed))
    same_source = [(kin[0], other) for kin in KIN for other in kin[1:]]
    group_of = joined(families, same_source + look_alikes(passed, SAME_DESIGN))
    return faces, group_of, choose_test(faces, group_of, TEST_SHARE, SEED), left_out


# --- Output ---------------------------------------------------------------------------------------


def fewer_levels(images: np.ndarray) -> np.ndarray:
    """The nearest of LEVELS grey levels from 0 to 255 for each pixel: they pack twice as well."""
    step = 255 / (LEVELS - 1)
    return (np.rint(images / step) * step).astype(np.uint8)


def report(faces: list[Face], test: np.ndarray, left_out: Counter, npz: Path) -> None:
    """Print the numbers that the datasheet quotes of faces and of the file."""
    families = {face.family for face in faces}
    held = {face.family for face, t in zip(faces, test, strict=True) if t}
    packages = {face.package for face in faces}
    licences = Counter(face.licence for face in faces).most_common()
    print(f"faces {len(faces)}, families {len(families)}, packages {len(packages)}")
    print(f"test faces {test.sum()}, of {len(held)} families: {', '.join(sorted(held))}")
    print("licences:", "; ".join(f"{k} {n}" for k, n in licences))
    print("left out:", "; ".join(f"{k} {n}" for k, n in left_out.most_common()))
    print(f"{npz.name}: {npz.stat().st_size:,} bytes, sha256 {sha256(npz)}")


def report_syllables(syllables: list[str], unseen: np.ndarray) -> None:
    """Print the numbers that the datasheet quotes of the classes."""
    among_seen = Counter()
    of_unseen = set()
    for number, syllable in enumerate(syllables):
        if number in unseen:
            of_unseen.update(letters_of(syllable))
        else:
            among_seen.update(letters_of(syllable))
    least = min(among_seen[letter] for letter in of_unseen)
    rare = sum(count < ENOUGH for count in among_seen.values())
    print(f"letters among seen syllables {len(among_seen)}, in fewer than {ENOUGH} of them {rare}")
    print(f"letters of unseen syllables {len(of_unseen)}, each in at least {least} seen ones")
    print("unseen:", " ".join(syllables[k] for k in unseen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder for downloads, kept between runs"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE, help="where to write (default: beside this script)"
    )
    arguments = parser.parse_args()
    logging.getLogger("fontTools").setLevel(logging.CRITICAL)  # harmless faults of old fonts

    syllables, unseen = choose_syllables()
    cache = arguments.cache.resolve()
    fetch(DEBIAN, cache)
    fetch_npm(list(NPM), cache)
    faces, group_of, test, left_out = choose_faces(cache, syllables)
    images = np.stack([face.images for face in faces])
    fewer = fewer_levels(images)
    npz = arguments.out / "hangul.npz"
    write_npz(
        npz,
        {
            "images": fewer,
            "faces": np.array([face.name for face in faces]),
            "families": np.array([face.family for face in faces]),
            "designs": np.array([group_of[face.family] for face in faces]),
            "test_faces": test,
            "syllables": np.array(syllables),
            "unseen": unseen,
        },
    )
    write_faces(arguments.out / "hangul_faces.csv", faces, test)
    (arguments.out / "hangul.sha256").write_text(f"{sha256(npz)}  {npz.name}\n")
    report_syllables(syllables, unseen)
    report(faces, test, left_out, npz)
    error = np.sqrt(np.mean((fewer.astype(np.float32) - images) ** 2))
    print(f"{LEVELS} grey levels: off by {error:.1f} of 255 (RMS)")


if __name__ == "__main__":
    main()
