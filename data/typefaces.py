"""What the scripts share that draw data sets from typefaces.

They fetch font packages, read licences, leave out faces that are too much alike, hold out whole
designs for tests, and write files whose bytes depend on nothing but their arrays. Needs numpy and
fonttools.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import subprocess
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont

# Without a font exception these are left out: what they mean for images would be open to doubt.
COPYLEFT = {"GPL", "LGPL"}


@dataclass(eq=False)
class Face:
    """One typeface: where it comes from and, once drawn, its images."""

    path: Path
    package: str
    version: str
    licence: str
    holder: str
    family: str
    style: str
    images: np.ndarray | None = field(default=None, repr=False)  # (n, 28, 28) uint8, once drawn
    number: int = 0  # in a collection of fonts
    file_of: dict[str, Path] = field(default_factory=dict, repr=False)  # where a font is sliced

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
    for folder in ("deb", "unpacked"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
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


# --- Names ----------------------------------------------------------------------------------------

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


def tell_apart(faces: list[Face]) -> None:
    """Add the file name to the style of faces whose fonts give them the same name."""
    count = Counter(face.name for face in faces)
    for face in [face for face in faces if count[face.name] > 1]:
        face.style = f"{face.style} [{face.path.stem}]"


# --- Choose ---------------------------------------------------------------------------------------


def distances(faces: list[Face]) -> np.ndarray:
    """RMS grey-level distance between all pairs of faces, over all images."""
    flat = np.stack([face.images.ravel() for face in faces]).astype(np.float32)
    squares = (flat.astype(np.float64) ** 2).sum(1)
    gram = (flat @ flat.T).astype(np.float64)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * gram, 0) / flat.shape[1])


def without_duplicates(faces: list[Face], nearest: float, left_out: Counter) -> list[Face]:
    """Of faces closer than ``nearest`` keep the first, where plain styles come before others."""
    far = distances(faces)
    kept = []
    for index in sorted(range(len(faces)), key=lambda i: plainness(faces[i])):
        if all(far[index, other] >= nearest for other in kept):
            kept.append(index)
    left_out["duplicate of another face"] += len(faces) - len(kept)
    return [faces[index] for index in sorted(kept)]


def plainness(face: Face) -> int:
    """0 for regular, 1 for bold, 2 for italic, 3 for other cuts."""
    words = set(face.style.lower().replace("-", " ").split())
    regular = {"regular", "roman", "book", "normal", "medium", "plain"}
    ranks = [regular, {"bold"}, {"italic", "oblique", "slanted"}]
    return next((rank for rank, plain in enumerate(ranks) if words <= plain), 3)


def at_most_a_few(faces: list[Face], most: int, left_out: Counter) -> list[Face]:
    """Keep ``most`` of each family: regular, bold, italic, or else what differs most."""
    far = distances(faces)
    kept = []
    for family in dict.fromkeys(face.family for face in faces):
        open_ = [i for i, face in enumerate(faces) if face.family == family]
        chosen = []
        for rank in range(3):
            chosen += [i for i in open_ if plainness(faces[i]) == rank][:1]
        chosen = chosen or open_[:1]
        while len(chosen) < min(most, len(open_)):
            rest = [i for i in open_ if i not in chosen]
            chosen.append(max(rest, key=lambda i: far[i, chosen].min()))
        kept += chosen
    left_out[f"more than {most} of a family"] += len(faces) - len(kept)
    return [faces[index] for index in sorted(kept)]


def joined(families: list[str], links: list[tuple[str, str]]) -> dict[str, str]:
    """Give each family a family that stands for its group: families that are linked share one.

    A link to a family that is not there counts for nothing.
    """
    root = {family: family for family in families}

    def find(family: str) -> str:
        while root[family] != family:
            family = root[family]
        return family

    for one, other in links:
        if one in root and other in root:
            root[find(other)] = find(one)
    return {family: find(family) for family in families}


def look_alikes(faces: list[Face], nearest: float) -> list[tuple[str, str]]:
    """Families that have a pair of faces closer than ``nearest``: clones under two names."""
    close = np.argwhere(np.triu(distances(faces) < nearest, 1))
    return [(faces[i].family, faces[j].family) for i, j in close]


def choose_test(faces: list[Face], group_of: dict[str, str], share: float, seed: int) -> np.ndarray:
    """Hold out whole groups of families, in shuffled order, up to a ``share`` of the faces.

    The answer is a bool for each face.
    """
    size = Counter(group_of[face.family] for face in faces)
    groups = sorted(size)
    np.random.default_rng(seed).shuffle(groups)
    wanted = round(share * len(faces))
    held = set()
    for group in groups:
        if sum(size[g] for g in held) + size[group] <= wanted:
            held.add(group)
    return np.array([group_of[face.family] in held for face in faces])


# --- Output ---------------------------------------------------------------------------------------


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
