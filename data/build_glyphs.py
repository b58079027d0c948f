"""Build ``glyphs.npz``: letters and digits as hundreds of freely licensed typefaces draw them.

Runs on Debian: fetches the font packages below with ``apt-get download``, unpacks them with ``dpkg
-x`` (nothing is installed), draws 47 characters of every typeface with FreeType, leaves out what
does not belong, and writes ``glyphs.npz``, ``glyphs.sha256`` and ``glyph_faces.csv`` beside this
file::

    python data/build_glyphs.py --cache DIR        # DIR keeps the downloads, some hundred megabytes

The attributes come from ``glyph_attributes.csv``, which is written by hand. Needs numpy, scipy,
pillow and fonttools. PACKAGES holds the packages of which at least one face was kept, the originals
before their clones. The datasheet, ``glyphs.md``, says what the numbers mean and what they must not
be used for.
"""

from __future__ import annotations

import argparse
import csv
import logging
import re
from collections import Counter
from pathlib import Path

import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
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
    tell_apart,
    version_of,
    without_duplicates,
    write_faces,
    write_npz,
)

HERE = Path(__file__).resolve().parent
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"  # the "balanced" choice of EMNIST

SIDE = 28  # pixels, the side of an image
BASELINE = 21  # rows from the top of the image down to the baseline, the same for every face
ASCENT = 20  # most pixels that a glyph may take above the baseline
DESCENT = 6  # most pixels below it
WIDTH = 26  # most pixels across
ZOOM = 8  # drawn this much larger, then averaged down: exact area coverage, no ringing
PROBE = 256  # font size at which a face is measured

FACES_PER_FAMILY = 3
TEST_SHARE = 0.2
SEED = 0
DUPLICATE = 28.0  # grey levels, RMS over all 47 images: closer faces count as one
SAME_DESIGN = 28.0  # families with closer faces are clones: both in training or both in test
# Mean correlation of a with A, e with E, ... above which lower case is drawn as capitals.
UNICASE = 0.60
HOLLOW = 12  # so many letters without a counter that enclose white: an outline or inline face
IN_PIECES = 8  # so many characters in more than one piece: stencilled, dotted or shaded
LEAST_CAPITAL = 13  # rows that an H must have: swashes of other letters shrink the rest too much
# Grey level that the darkest pixel of a glyph must reach in the mean: hairlines do not.
LEAST_INK = 150
LEGIBLE = 0.70  # share of the 47 characters that the nearest class mean of other families must read
UNSEEN = "26IMQSUbr"  # drawn by the rule in the datasheet, before any result


PACKAGES = """
fonts-urw-base35 fonts-liberation2 fonts-dejavu-core fonts-texgyre fonts-freefont-otf fonts-lmodern
fonts-cmu fonts-noto-core fonts-noto-mono fonts-roboto-unhinted fonts-open-sans fonts-lato
fonts-inter fonts-ebgaramond fonts-linuxlibertine fonts-vollkorn fonts-cantarell
fonts-crosextra-carlito fonts-crosextra-caladea fonts-go fonts-hack fonts-oldstandard
fonts-quattrocento fonts-gfs-didot fonts-gfs-neohellenic fonts-gfs-artemisia fonts-sil-gentiumplus
fonts-sil-charis fonts-sil-andika fonts-georgewilliams fonts-mplus fonts-nanum fonts-paratype
fonts-3270 fonts-adf-accanthis fonts-adf-baskervald fonts-adf-berenis fonts-adf-gillius
fonts-adf-ikarius fonts-adf-irianis fonts-adf-libris fonts-adf-mekanus fonts-adf-oldania
fonts-adf-romande fonts-adf-switzera fonts-adf-tribun fonts-adf-universalis fonts-adf-verana
fonts-agave fonts-aksharyogini2 fonts-allerta fonts-anonymous-pro fonts-arapey fonts-arkpandora
fonts-averia-gwf fonts-averia-sans-gwf fonts-averia-serif-gwf fonts-b612 fonts-baekmuk fonts-cabin
fonts-cardo fonts-century-catalogue fonts-clear-sans fonts-comfortaa fonts-comic-neue
fonts-compagnon fonts-courier-prime fonts-ddc-uchen fonts-dejavu-extra fonts-dosis fonts-elstob
fonts-essays1743 fonts-eurofurence fonts-fantasma fonts-fantasque-sans fonts-fanwood fonts-firacode
fonts-gemunu-libre fonts-gfs-theokritos fonts-gotico-antiqua fonts-goudybookletter fonts-hosny-amiri
fonts-hosny-thabit fonts-jetbrains-mono fonts-junction fonts-junicode fonts-jura fonts-karla
fonts-kiloji fonts-konatu fonts-league-mono fonts-league-spartan fonts-lindenhill fonts-lohit-telu
fonts-manchufont fonts-manrope fonts-meera-inimai fonts-mmcedar fonts-monofur fonts-monoid
fonts-mononoki fonts-motoya-l-cedar fonts-nanum-extra fonts-national-park fonts-ocr-b fonts-opendin
fonts-osifont fonts-oxygen fonts-pagul fonts-play fonts-prociono fonts-quicksand fonts-reggae
fonts-ricty-diminished fonts-rit-sundar fonts-roadgeek fonts-roboto-slab fonts-rocknroll
fonts-routed-gothic fonts-sawarabi-mincho fonts-senamirmir-washra fonts-seto fonts-sil-alkalami
fonts-sil-annapurna fonts-sil-dai-banna fonts-sil-lateef fonts-sil-mingzat fonts-sil-mondulkiri
fonts-sil-padauk fonts-sil-scheherazade fonts-sil-sophia-nubian fonts-smiley-sans fonts-sora
fonts-tiresias fonts-tuffy fonts-woowa-bm fonts-yanone-kaffeesatz fonts-yrsa-rasa fonts-yusei-magic
fonts-alee fonts-horai-umefont fonts-lemonada fonts-mph-2b-damase fonts-sil-shimenkan
fonts-smc-anjalioldlipi fonts-smc-chilanka fonts-smc-dyuthi fonts-smc-keraleeyam fonts-smc-meera
fonts-smc-rachana fonts-smc-suruma fonts-smc-uroob fonts-teluguvijayam fonts-tlwg-garuda-ttf
fonts-tlwg-kinnari-ttf fonts-tlwg-laksaman-ttf fonts-tlwg-loma-ttf fonts-tlwg-norasi-ttf
fonts-tlwg-sawasdee-ttf fonts-tlwg-umpush-ttf fonts-umeplus
""".split()  # noqa: SIM905 (a list of one hundred and more is easier to read and to edit as a text)

# A pattern of "family style (file)", and why such a face is left out after a look at it.
EXCLUDED = {
    r"OCR B.*(Outline|Inverted)": "outline or white on black",
    r"D050000L|Standard Symbols|Noto Sans (Symbols|Math)|Biolinum Keyboard": "symbols for letters",
}

KIN = [  # families drawn from one source, whatever their distance: on the same side of the split
    ["CMU Serif", "Latin Modern Roman"],
    ["DejaVu Sans", "Hack", "Verana Sans", "Sawasdee"],
    [
        "Nimbus Sans",
        "TeX Gyre Heros",
        "FreeSans",
        "Garuda",
        "Liberation Sans",
        "Aerial",
        "Loma",
        "Umpush",
    ],
    [
        "Nimbus Roman",
        "TeX Gyre Termes",
        "FreeSerif",
        "Norasi",
        "Liberation Serif",
        "Tymes",
        "Kinnari",
    ],
    ["URW Gothic", "TeX Gyre Adventor"],
    ["URW Bookman", "TeX Gyre Bonum"],
    ["C059", "TeX Gyre Schola"],
    ["P052", "TeX Gyre Pagella", "Laksaman"],
    ["Nimbus Mono PS", "TeX Gyre Cursor", "FreeMono", "Thabit"],
    ["Lato", "Carlito"],
    ["Noto Sans", "Open Sans"],
]

# --- Find the faces -------------------------------------------------------------------------------


def find_faces(packages: list[str], cache: Path) -> tuple[list[Face], Counter]:
    """The font files that have the 47 characters, and why the others were left out.

    They are in the order of the packages.
    """
    faces = []
    left_out = Counter()
    for package in packages:
        root = cache / "unpacked" / package
        terms = Copyright.read(root / "usr/share/doc" / package / "copyright")
        version = version_of(archive(cache, package))
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() not in {".otf", ".ttf"} or path.is_symlink():
                continue
            try:
                family, style = check_tables(path)
            except Unusable as reason:
                left_out[str(reason)] += 1
                continue
            licence, holder = terms.of(path)
            if not licence:
                left_out["licence not recognised"] += 1
                continue
            if licence in COPYLEFT:
                left_out["GPL or LGPL without font exception"] += 1
                continue
            faces.append(Face(path, package, version, licence, holder, family, style))
    return faces, left_out


def check_tables(path: Path) -> tuple[str, str]:
    """Family and style, or ``Unusable`` where the tables of the font alone rule it out."""
    try:
        with TTFont(path, lazy=True) as font:
            cmap = font.getBestCmap() or {}
            if any(ord(c) not in cmap for c in CHARACTERS):
                raise Unusable("lacks a character")
            if is_pixel_font(font, cmap):
                raise Unusable("pixel font")
            family, style = family_of(font)
    except (OSError, KeyError, AssertionError, ValueError) as error:
        raise Unusable("broken file") from error
    for pattern, reason in EXCLUDED.items():
        if re.search(pattern, f"{family} {style} ({path.name})"):
            raise Unusable(f"by name: {reason}")
    return family, style


def is_pixel_font(font: TTFont, cmap: dict[int, str]) -> bool:
    """True where an S is made of horizontal and vertical lines only."""
    pen = DecomposingRecordingPen(font.getGlyphSet())
    font.getGlyphSet()[cmap[ord("S")]].draw(pen)
    here = (0, 0)
    for operator, points in pen.value:
        if operator in {"qCurveTo", "curveTo"}:
            return False
        if operator == "lineTo" and here[0] != points[-1][0] and here[1] != points[-1][1]:
            return False
        here = points[-1] if points else here
    return True


# --- Draw -----------------------------------------------------------------------------------------


def draw(path: Path) -> np.ndarray:
    """The 47 images of a face, (47, 28, 28) uint8: one size, one baseline, each centred by its ink.

    The size is the largest at which the tallest glyph stays within ASCENT rows above the baseline,
    the deepest within DESCENT below and the widest within WIDTH columns: x-height, cap height and
    descender keep their relation.
    """
    try:
        probe = ImageFont.truetype(path, PROBE, layout_engine=ImageFont.Layout.BASIC)
        boxes = np.array([probe.getbbox(c, anchor="ls") for c in CHARACTERS], dtype=float)
    except OSError as error:
        raise Unusable("broken file") from error
    left, top, right, bottom = boxes.T
    if np.any(right - left < 1) or np.any(bottom - top < 1):
        raise Unusable("empty glyph")
    scale = min(ASCENT / -top.min(), DESCENT / max(bottom.max(), 1.0), WIDTH / (right - left).max())
    font = ImageFont.truetype(path, PROBE * scale * ZOOM, layout_engine=ImageFont.Layout.BASIC)
    images = np.stack([draw_glyph(font, c) for c in CHARACTERS])
    if len({image.tobytes() for image in images}) < len(CHARACTERS):
        raise Unusable("two characters share a glyph")
    return images


def draw_glyph(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    left, _, right, _ = font.getbbox(character, anchor="ls")
    canvas = Image.new("L", (SIDE * ZOOM, SIDE * ZOOM))
    x = (SIDE * ZOOM - (left + right)) / 2
    ImageDraw.Draw(canvas).text(
        (round(x), BASELINE * ZOOM), character, fill=255, font=font, anchor="ls"
    )
    return np.asarray(canvas.reduce(ZOOM))


# --- Leave out ------------------------------------------------------------------------------------


def cropped(image: np.ndarray, side: int = 16) -> np.ndarray:
    """The ink of an image stretched to a square, standardised: shape without size or place."""
    rows = np.flatnonzero(image.max(1) > 64)
    columns = np.flatnonzero(image.max(0) > 64)
    if not len(rows) or not len(columns):
        return np.zeros(side * side)
    ink = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    square = Image.fromarray(ink).resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(square, dtype=float).ravel()
    return (pixels - pixels.mean()) / (pixels.std() + 1e-9)


def case_likeness(images: np.ndarray) -> float:
    """Mean correlation of lower with upper case over the pairs that differ in a normal face."""
    pairs = [(CHARACTERS.index(lower), CHARACTERS.index(lower.upper())) for lower in "abdefghnqrt"]
    return float(np.mean([np.mean(cropped(images[i]) * cropped(images[j])) for i, j in pairs]))


def hollow_letters(images: np.ndarray) -> int:
    """How many of the letters without a counter enclose white all the same."""
    count = 0
    for character in "CEFHIJKLMNSTUVWXYZ1257":
        ink = images[CHARACTERS.index(character)] > 96
        enclosed = ndimage.binary_fill_holes(ink) & ~ink
        count += enclosed.sum() > 0.04 * max(ink.sum(), 1)
    return count


def loose_letters(images: np.ndarray) -> int:
    """How many of the letters fall into more than one piece: dotted, stencilled or shaded faces."""
    eight = np.ones((3, 3))
    return sum(ndimage.label(image > 40, structure=eight)[1] > 1 for image in images)


def legibility(faces: list[Face]) -> np.ndarray:
    """Share of each face's characters that the nearest class mean of other families reads right.

    Characters are cropped to their ink and standardised first: size and place do not count, shape
    does.
    """
    stack = np.stack([[cropped(image) for image in face.images] for face in faces]).astype(
        np.float32
    )
    families = np.array([face.family for face in faces])
    total = stack.sum(0)
    shares = np.empty(len(faces))
    for family in np.unique(families):
        mine = families == family
        means = total - stack[mine].sum(0)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        for index in np.flatnonzero(mine):
            guess = (stack[index] @ means.T).argmax(1)
            shares[index] = np.mean(guess == np.arange(len(CHARACTERS)))
    return shares


def judge(images: np.ndarray) -> None:
    """Raise ``Unusable`` for a face whose 47 images break a rule of shape."""
    capital = np.count_nonzero(images[CHARACTERS.index("H")].max(1) > 96)
    rules = {
        "too small in the box": capital < LEAST_CAPITAL,
        "too thin for 28 pixels": images.max((1, 2)).mean() < LEAST_INK,
        "outline or inline face": hollow_letters(images) >= HOLLOW,
        "letters in pieces": loose_letters(images) >= IN_PIECES,
        "small capitals or a single case": case_likeness(images) > UNICASE,
    }
    for reason, broken in rules.items():
        if broken:
            raise Unusable(reason)


def inspect(faces: list[Face], left_out: Counter) -> list[Face]:
    """Draw every face and keep those that pass the tests of shape."""
    drawn = []
    for face in faces:
        try:
            face.images = draw(face.path)
            judge(face.images)
            drawn.append(face)
        except Unusable as reason:
            left_out[str(reason)] += 1
    kept = [face for face, share in zip(drawn, legibility(drawn), strict=True) if share >= LEGIBLE]
    left_out["hard to read"] += len(drawn) - len(kept)
    return kept


# --- Choose ---------------------------------------------------------------------------------------


def design_groups(faces: list[Face]) -> dict[str, str]:
    """Give each family a family that stands for its group.

    ``faces`` are all that passed, with duplicates. Families hang together that share the first word
    of their name (Noto Sans, Noto Serif), have a pair of faces closer than SAME_DESIGN (clones
    under two names), or are KIN.
    """
    families = list(dict.fromkeys(face.family for face in faces))
    first = {family.split()[0].lower(): family for family in reversed(families)}
    same_word = [(first[family.split()[0].lower()], family) for family in families]
    same_source = [(kin[0], other) for kin in KIN for other in kin[1:]]
    return joined(families, same_word + look_alikes(faces, SAME_DESIGN) + same_source)


# --- Attributes, output ---------------------------------------------------------------------------


def read_attributes(path: Path) -> tuple[list[str], np.ndarray]:
    """Attribute names and the (47, A) table, checked."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    classes = [row[0] for row in rows]
    names = header[1:]
    table = np.array([row[1:] for row in rows], dtype=np.float32)
    if classes != list(CHARACTERS):
        raise SystemExit(f"{path.name} must list the 47 classes in the order {CHARACTERS}")
    if not np.isin(table, (0, 0.5, 1)).all():
        raise SystemExit(f"{path.name} may hold 0, 0.5 and 1 only")
    if len(np.unique(table, axis=0)) < len(table) or not table.any(1).all():
        raise SystemExit(f"{path.name}: every class needs a row of its own that is not all zero")
    rare = [
        name for name, column in zip(names, table.T, strict=True) if np.count_nonzero(column) < 3
    ]
    if rare:
        raise SystemExit(
            f"{path.name}: attributes must occur in at least 3 classes, these do not: {rare}"
        )
    return names, table


def unseen_classes(names: list[str], table: np.ndarray) -> np.ndarray:
    """Indices of UNSEEN, whose attributes must each occur in at least 3 seen classes."""
    unseen = np.array(sorted(CHARACTERS.index(c) for c in UNSEEN), dtype=np.int64)
    seen = np.setdiff1d(np.arange(len(CHARACTERS)), unseen)
    enough = np.count_nonzero(table[seen], axis=0) >= 3
    for index in unseen:
        for name in np.array(names)[(table[index] > 0) & ~enough]:
            raise SystemExit(
                f"unseen class {CHARACTERS[index]} has {name}, but fewer than 3 seen classes do"
            )
    return unseen


def report(
    faces: list[Face], test: np.ndarray, left_out: Counter, names: list[str], npz: Path
) -> None:
    """Print the numbers that the datasheet quotes."""
    families = {face.family for face in faces}
    held = {face.family for face, t in zip(faces, test, strict=True) if t}
    packages = {face.package for face in faces}
    print(f"faces {len(faces)}, families {len(families)}, packages {len(packages)}")
    print(f"test faces {test.sum()}, of {len(held)} families")
    print(f"attributes {len(names)}; unseen {' '.join(UNSEEN)}")
    print(
        "licences:",
        "; ".join(f"{k} {n}" for k, n in Counter(f.licence for f in faces).most_common()),
    )
    print("left out:", "; ".join(f"{k} {n}" for k, n in left_out.most_common()))
    print(f"{npz.name}: {npz.stat().st_size:,} bytes, sha256 {sha256(npz)}")


def choose_faces(cache: Path) -> tuple[list[Face], np.ndarray, Counter]:
    """The faces of the data set, which of them are for test, and why others were left out."""
    faces, left_out = find_faces(PACKAGES, cache)
    passed = inspect(faces, left_out)
    different = without_duplicates(passed, DUPLICATE, left_out)
    faces = at_most_a_few(different, FACES_PER_FAMILY, left_out)
    tell_apart(faces)
    test = choose_test(faces, design_groups(passed), TEST_SHARE, SEED)
    return faces, test, left_out


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

    names, table = read_attributes(HERE / "glyph_attributes.csv")
    unseen = unseen_classes(names, table)
    cache = arguments.cache.resolve()
    fetch(PACKAGES, cache)
    faces, test, left_out = choose_faces(cache)
    npz = arguments.out / "glyphs.npz"
    write_npz(
        npz,
        {
            "images": np.stack([face.images for face in faces]),
            "faces": np.array([face.name for face in faces]),
            "families": np.array([face.family for face in faces]),
            "test_faces": test,
            "class_names": np.array(list(CHARACTERS)),
            "attributes": table,
            "attribute_names": np.array(names),
            "unseen": unseen,
        },
    )
    write_faces(arguments.out / "glyph_faces.csv", faces, test)
    (arguments.out / "glyphs.sha256").write_text(f"{sha256(npz)}  {npz.name}\n")
    report(faces, test, left_out, names, npz)


if __name__ == "__main__":
    main()
