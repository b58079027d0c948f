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
import hashlib
import io
import logging
import re
import subprocess
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

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

# Without a font exception these are left out: what they mean for images would be open to doubt.
COPYLEFT = {"GPL", "LGPL"}


@dataclass(eq=False)
class Face:
    """One typeface: where it comes from and, once drawn, its 47 images."""

    path: Path
    package: str
    version: str
    licence: str
    holder: str
    family: str
    style: str
    images: np.ndarray | None = field(default=None, repr=False)  # (47, 28, 28) uint8, once drawn

    @property
    def name(self) -> str:
        return f"{self.family} {self.style}".strip()


class Unusable(Exception):
    """Says why a font file is left out."""


# --- Fetch and unpack -----------------------------------------------------------------------------


def fetch(packages: list[str], cache: Path) -> None:
    """Download the packages that the cache lacks, and unpack each into a folder of its own.

    The folders are ``cache/unpacked/<package>``.
    """
    (cache / "deb").mkdir(parents=True, exist_ok=True)
    missing = [p for p in packages if not list((cache / "deb").glob(f"{p}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", *missing], cwd=cache / "deb", check=True)
    for package in packages:
        target = cache / "unpacked" / package
        if not target.exists():
            subprocess.run(["dpkg", "-x", archive(cache, package), target], check=True)


def archive(cache: Path, package: str) -> Path:
    found = sorted((cache / "deb").glob(f"{package}_*.deb"))
    if len(found) != 1:
        place = cache / "deb"
        raise SystemExit(
            f"expected one version of {package} in {place}, found {len(found)}: remove the rest"
        )
    return found[0]


def version_of(deb: Path) -> str:
    return deb.name.split("_")[1].replace("%3a", ":")


# --- Licences -------------------------------------------------------------------------------------

LICENCES = [  # short name, what the copyright file says; the first match counts
    ("OFL-1.1", r"OFL|SIL[- ]?(Open|1\.1)|SIL_Open|Open Font License|^sil-1\.1|BSD3\|SIL"),
    ("Apache-2.0", r"Apache"),
    ("AGPL-3 with font exception", r"AGPL.*exception"),
    ("GPL with font exception", r"(^|[^L])GPL.*(\+\s?FE|exception)"),
    ("GUST/LPPL", r"GUST|LPPL"),
    ("LGPL", r"LGPL|Lesser General"),
    ("permissive (MIT, BSD and the like)", r"MIT|Expat|BSD|Unlicense|X11|UmeFont|BAEKMUK|Artistic"),
    ("Bitstream Vera", r"vera"),
    ("GPL", r"GPL|GNU General Public"),
    ("M+ (unlimited permission)", r"M\+ ?FONTS?"),
    ("ParaType free font licence", r"ParaType"),
    ("IPA-1.0", r"IPA-1"),
    ("public domain", r"public[- ]domain|CC0"),
]


@dataclass
class Copyright:
    """What Debian's copyright file of a package says, by file."""

    stanzas: list[tuple[list[str], str, str]]  # file patterns, licence field, holder
    text: str

    @classmethod
    def read(cls, path: Path) -> Copyright:
        text = path.read_text(errors="replace")
        stanzas = []
        for paragraph in re.split(r"\n\s*\n(?=\S)", text):
            keys = "Files", "Licen[sc]e", "Copyright"
            files, licence, holder = (copyright_field(paragraph, key) for key in keys)
            if files and licence:
                stanzas.append((files.split(), licence.split("\n")[0], holder.split("\n")[0]))
        return cls(stanzas, text)

    def of(self, font: Path) -> tuple[str, str]:
        """Short name of the licence and first holder, by the last paragraph that fits the file.

        The name of an unknown licence is empty. Sources are matched by stem (Waree*.sfd stands for
        Waree.ttf); free text is searched as a whole.
        """
        found = re.search(r"Copyright\s*(?:\(c\)|©|:)?\s*(.+)", self.text, re.I)
        licence = ""
        holder = found.group(1) if found else ""
        if not self.stanzas:
            licence = short_licence(self.text)
        for patterns, said, by in self.stanzas:
            if any(pattern_fits(pattern, font) for pattern in patterns) and short_licence(said):
                licence, holder = short_licence(said), by or holder
        return licence, " ".join(holder.split())[:80]


def copyright_field(paragraph: str, key: str) -> str:
    found = re.search(rf"^{key}:[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.M)
    return found.group(1).strip() if found else ""


def pattern_fits(pattern: str, font: Path) -> bool:
    pattern = Path(pattern)
    if pattern.stem == "*" and pattern.suffix not in {".ttf", ".otf", ".sfd"}:
        return (
            len(pattern.parts) == 1 and not pattern.suffix
        )  # "*", but neither "debian/*" nor "*.sh"
    return fnmatch(font.stem, pattern.stem)


def short_licence(said: str) -> str:
    return next((name for name, pattern in LICENCES if re.search(pattern, said, re.I)), "")


# --- Find the faces -------------------------------------------------------------------------------

CUT = re.compile(  # words that name a cut or a supplier, not a design
    r"\b(ADF|Std|Pro|No2|No3|GWF|OTF|TTF|TT|O|"
    r"Thin|Hairline|Extra ?Light|Ultra ?Light|Light|Book|Text|Regular|Roman Regular|Medium|Demi|"
    r"Semi ?Bold|Bold|Extra ?Bold|Heavy|Black|Display|Titling|Caption|Condensed|Semi-Condensed|"
    r"Cond|Cn|Narrow|Wide|"
    r"Compact|Basic|Slanted|Italic|Oblique|Half|V2|Minus|Math)\b",
    re.I,
)


def family_of(font: TTFont) -> tuple[str, str]:
    """Family and style of a font file, with weights and cuts moved from the family to the style."""
    names = font["name"]
    family = names.getDebugName(16) or names.getDebugName(1) or ""
    style = names.getDebugName(17) or names.getDebugName(2) or "Regular"
    supplier = {"O", "TT", "Std", "ADF", "GWF"}
    extra = " ".join(
        word for word in CUT.findall(family) if word not in style and word not in supplier
    )
    core = " ".join(CUT.sub(" ", family).split()) or family
    return core, " ".join(f"{extra} {style}".split())


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


def distances(faces: list[Face]) -> np.ndarray:
    """RMS grey-level distance between all pairs of faces, over all 47 images."""
    flat = np.stack([face.images.ravel() for face in faces]).astype(np.float32)
    squares = (flat.astype(np.float64) ** 2).sum(1)
    gram = (flat @ flat.T).astype(np.float64)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * gram, 0) / flat.shape[1])


def without_duplicates(faces: list[Face], left_out: Counter) -> list[Face]:
    """Of faces closer than DUPLICATE keep the first, where plain styles come before others."""
    far = distances(faces)
    kept = []
    for index in sorted(range(len(faces)), key=lambda i: plainness(faces[i])):
        if all(far[index, other] >= DUPLICATE for other in kept):
            kept.append(index)
    left_out["duplicate of another face"] += len(faces) - len(kept)
    return [faces[index] for index in sorted(kept)]


def plainness(face: Face) -> int:
    """0 for regular, 1 for bold, 2 for italic, 3 for other cuts."""
    words = set(face.style.lower().replace("-", " ").split())
    regular = {"regular", "roman", "book", "normal", "medium", "plain"}
    ranks = [regular, {"bold"}, {"italic", "oblique", "slanted"}]
    return next((rank for rank, plain in enumerate(ranks) if words <= plain), 3)


def at_most_a_few(faces: list[Face], left_out: Counter) -> list[Face]:
    """Keep FACES_PER_FAMILY of each family: regular, bold, italic, or else what differs most."""
    far = distances(faces)
    kept = []
    for family in dict.fromkeys(face.family for face in faces):
        open_ = [i for i, face in enumerate(faces) if face.family == family]
        chosen = []
        for rank in range(3):
            chosen += [i for i in open_ if plainness(faces[i]) == rank][:1]
        chosen = chosen or open_[:1]
        while len(chosen) < min(FACES_PER_FAMILY, len(open_)):
            rest = [i for i in open_ if i not in chosen]
            chosen.append(max(rest, key=lambda i: far[i, chosen].min()))
        kept += chosen
    left_out[f"more than {FACES_PER_FAMILY} of a family"] += len(faces) - len(kept)
    return [faces[index] for index in sorted(kept)]


def design_groups(faces: list[Face]) -> dict[str, str]:
    """Give each family a family that stands for its group.

    ``faces`` are all that passed, with duplicates. Families hang together that share the first word
    of their name (Noto Sans, Noto Serif), have a pair of faces closer than SAME_DESIGN (clones
    under two names), or are KIN.
    """
    families = list(dict.fromkeys(face.family for face in faces))
    first = {family.split()[0].lower(): family for family in reversed(families)}
    root = {family: first[family.split()[0].lower()] for family in families}

    def find(family: str) -> str:
        while root[family] != family:
            family = root[family]
        return family

    close = np.argwhere(np.triu(distances(faces) < SAME_DESIGN, 1))
    links = [(faces[i].family, faces[j].family) for i, j in close]
    links += [
        (kin[0], other) for kin in KIN for other in kin[1:] if kin[0] in root and other in root
    ]
    for one, other in links:
        root[find(other)] = find(one)
    return {family: find(family) for family in families}


def choose_test(faces: list[Face], group_of: dict[str, str]) -> np.ndarray:
    """Hold out whole groups of families, in shuffled order, up to TEST_SHARE of the faces.

    The answer is a bool for each face.
    """
    size = Counter(group_of[face.family] for face in faces)
    groups = sorted(size)
    np.random.default_rng(SEED).shuffle(groups)
    wanted = round(TEST_SHARE * len(faces))
    held = set()
    for group in groups:
        if sum(size[g] for g in held) + size[group] <= wanted:
            held.add(group)
    return np.array([group_of[face.family] in held for face in faces])


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


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write like ``np.savez_compressed``, but with fixed time stamps.

    So equal arrays give equal bytes.
    """
    with zipfile.ZipFile(path, "w") as file:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, buffer.getvalue(), compresslevel=9)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_faces(path: Path, faces: list[Face], test: np.ndarray) -> None:
    """One row per face, in the order of the arrays."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(
            ["face", "family", "style", "file", "package", "version", "licence", "holder", "test"]
        )
        for face, held_out in zip(faces, test, strict=True):
            row = [face.name, face.family, face.style, face.path.name, face.package, face.version]
            out.writerow([*row, face.licence, face.holder, int(held_out)])


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
    faces = at_most_a_few(without_duplicates(passed, left_out), left_out)
    tell_apart(faces)
    return faces, choose_test(faces, design_groups(passed)), left_out


def tell_apart(faces: list[Face]) -> None:
    """Add the file name to the style of faces whose fonts give them the same name."""
    count = Counter(face.name for face in faces)
    for face in [face for face in faces if count[face.name] > 1]:
        face.style = f"{face.style} [{face.path.stem}]"


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
