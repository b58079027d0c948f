"""Which images a folder holds, and of which classes: a folder for each class."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..arguments import path_in
from ..datasets.names import as_text
from ..errors import DataError
from ..storage import nearby, suffix_of
from .reading import shown

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
)
LITTER = ("thumbs.db", "desktop.ini", "__macosx")  # what systems leave behind; in small letters
TRAIN = ("train", "training")
TEST = ("test", "testing", "val", "valid", "validation")
VALIDATION = ("val", "valid", "validation")
NAMES_SAID = 10  # names in one sentence


@dataclass(frozen=True)
class Listing:
    """The images of a data set, before any of them is opened.

    ``classes`` has the class of each of ``files``, in composed Unicode. ``splits`` says of each
    whether it is in ``train``, ``test_seen`` or ``test_unseen``; it is None where nothing says so.
    ``left_out`` has a sentence for each kind of thing that was left out, and why.
    """

    files: tuple[Path, ...]
    classes: tuple[str, ...]
    splits: tuple[str, ...] | None
    left_out: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Every class once, in natural order."""
        return tuple(sorted(set(self.classes), key=natural_order))


def list_folder(folder: str | os.PathLike[str]) -> Listing:
    """List the images of a folder that holds a folder for each class.

    Images in deeper folders belong to the class of their topmost one. If all that the folder holds
    is ``train`` and ``test`` (or ``val``), with the classes in them, these are the splits: images
    of ``test`` are of seen classes where ``train`` has some of that class. Where there are both
    ``test`` and ``val``, images of ``val`` are trained on.

    Files are in natural order, img2 before img10. What is hidden, is no image by its name, or is a
    link that leads out of the folder, is left out and said so. Raises ``DataError`` where there are
    no class folders, or two whose names differ by small letters alone.
    """
    top = _existing(folder)
    walk = _Walk(top)
    parts = _parts(walk, walk.folders_in(top))
    for inside in parts.values():
        check_class_names((_decoded_name(group.name) for group in inside), shown(top))
    found = {
        (part, group): walk.images_below(group)
        for part, inside in parts.items()
        for group in inside
    }
    _check_groups(top, walk, found)
    rows = [
        (path, as_text(_decoded_name(group.name)), part)
        for (part, group), paths in found.items()
        for path in paths
    ]
    check_class_names((name for _, name, _ in rows), shown(top))
    empty = [shown(group.relative_to(top)) for (_, group), paths in found.items() if not paths]
    return Listing(
        files=tuple(path for path, _, _ in rows),
        classes=tuple(name for _, name, _ in rows),
        splits=None if None in parts else _splits_of(rows),
        left_out=(*walk.sentences(), *_about_empty(empty), *_about_validation(parts)),
    )


def natural_order(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return a key by which names sort as people count, the same on every machine.

    >>> sorted(["img10", "IMG2", "img1"], key=natural_order)
    ['img1', 'IMG2', 'img10']
    """
    parts = re.split("([0-9]+)", as_text(name).casefold())
    return tuple(int(part) if n % 2 else part for n, part in enumerate(parts)), name


def check_class_names(names: Iterable[str], where: str) -> None:
    """Raise ``DataError`` where two names of classes differ by small letters or spelling alone."""
    known: dict[str, str] = {}
    for name in names:
        first = known.setdefault(as_text(as_text(name).casefold()), name)
        if first != name:
            alike = as_text(first) == as_text(name)
            both = f"{first!a} and {name!a}" if alike else f"{first!r} and {name!r}"
            raise DataError(
                f"{where}: names of classes must differ by more than capitals or how letters are "
                f"stored, got {both}: rename one, or put their images together"
            )


def split_of_test(classes: Iterable[str], train: Iterable[bool]) -> tuple[str, ...]:
    """Return the split of each image from whether it is trained on: test_seen if its class is."""
    classes, train = list(classes), list(train)
    seen = {name for name, trained in zip(classes, train, strict=True) if trained}
    return tuple(
        "train" if trained else "test_seen" if name in seen else "test_unseen"
        for name, trained in zip(classes, train, strict=True)
    )


def leads_out(path: str | os.PathLike[str], real_folder: str) -> bool:
    """Return whether a path, all links followed, lies outside a folder whose path has none."""
    return not Path(os.path.realpath(path)).is_relative_to(real_folder)


# --- Reading folders -----------------------------------------------------------------------------


class _Walk:
    """Goes through folders, and keeps what it has left out."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.real_top = os.path.realpath(top)
        self.loose: list[str] = []  # images that are in no class folder
        self.hidden = 0
        self.other: Counter[str] = Counter()  # by suffix
        self.links: list[str] = []
        self.strange: list[str] = []  # neither files nor folders, or not readable

    def folders_in(self, folder: Path) -> list[Path]:
        """The folders in a folder of classes, where no images should lie."""
        found = []
        for entry in self._entries(folder):
            if self._is_folder(entry):
                found.append(Path(entry.path))
            elif self._is_image(entry):
                self.loose.append(self._name(entry.path))
        return found

    def has_images(self, folder: Path) -> bool:
        """Whether images lie in this very folder."""
        try:
            return any(suffix_of(name) in IMAGE_SUFFIXES for name in os.listdir(folder))
        except OSError:
            return False

    def images_below(self, folder: Path) -> list[Path]:
        """All images in a folder and in those within it."""
        found = []
        waiting = [folder]
        while waiting:
            inner = []
            for entry in self._entries(waiting.pop()):
                if self._is_folder(entry):
                    inner.append(Path(entry.path))
                elif self._is_image(entry):
                    found.append(Path(entry.path))
            waiting += inner
        return sorted(found, key=self._order)

    def _order(self, path: Path) -> list[tuple[tuple[str | int, ...], str]]:
        return [natural_order(part) for part in path.relative_to(self.top).parts]

    def _entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: natural_order(entry.name))
        except OSError:
            self.strange.append(self._name(folder))
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in LITTER:
                self.hidden += 1
            else:
                yield entry

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether to go on in it: links to folders may lead anywhere, and in circles."""
        if entry.is_symlink() and _holds(entry.is_dir):
            self.links.append(self._name(entry.path))
            return False
        return _holds(entry.is_dir)

    def _is_image(self, entry: os.DirEntry[str]) -> bool:
        if _holds(entry.is_dir):
            return False  # a link that is named already
        if suffix_of(entry.name) not in IMAGE_SUFFIXES:
            self.other[suffix_of(entry.name) or "no suffix"] += 1
            return False
        if entry.is_symlink() and leads_out(entry.path, self.real_top):
            self.links.append(self._name(entry.path))
            return False
        if not _holds(entry.is_file):
            self.strange.append(self._name(entry.path))
            return False
        return True

    def _name(self, path: str | Path) -> str:
        return shown(Path(path).relative_to(self.top))

    def sentences(self) -> Iterator[str]:
        """What was left out, a sentence for each reason."""
        if self.loose:
            yield f"{_counted(len(self.loose), 'image', 'images')} in no class: {named(self.loose)}"
        if self.hidden:
            yield _counted(self.hidden, "hidden file or folder", "hidden files or folders")
        if self.other:
            kinds = ", ".join(f"{shown(kind)} ({n:,})" for kind, n in self.other.most_common(5))
            count = self.other.total()
            yield f"{_counted(count, 'file that is no image', 'files that are no images')}: {kinds}"
        if self.links:
            links = _counted(len(self.links), "link", "links")
            yield f"{links} to a folder, or out of this one: {named(self.links)}"
        if self.strange:
            entries = _counted(len(self.strange), "entry", "entries")
            yield f"{entries} that cannot be read as a file or folder: {named(self.strange)}"


def _holds(question: Callable[[], bool]) -> bool:
    """Whether so; not so for what the system cannot follow, such as a link to itself."""
    try:
        return question()
    except OSError:
        return False


def named(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - NAMES_SAID
    return ", ".join(names[:NAMES_SAID]) + (f" and {more:,} more" if more > 0 else "")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _existing(folder: str | os.PathLike[str]) -> Path:
    path = path_in(folder, "folder")
    if not path.is_dir():
        raise DataError(
            f"{shown(path)}: a folder of images must be a folder, and there is none: check its name"
            f"{'' if path.exists() else nearby(path)}"
        )
    return path


def _decoded_name(name: str) -> str:
    """A name without the marks that stand for bytes that are no text."""
    return os.fsencode(name).decode("utf-8", "replace")


# --- train, val and test -------------------------------------------------------------------------


def _parts(walk: _Walk, groups: list[Path]) -> dict[str | None, list[Path]]:
    """The class folders of train, test and val, or all under None if there are no such parts."""
    names = [group.name.lower() for group in groups]
    divided = any(name in TRAIN for name in names) and any(name in TEST for name in names)
    if not divided or not all(name in TRAIN + TEST for name in names):
        return {None: groups}
    if any(walk.has_images(group) for group in groups):
        return {None: groups}  # the classes are called so
    has_test = any(name in TEST and name not in VALIDATION for name in names)
    parts: dict[str | None, list[Path]] = {"train": [], "test": [], "val": []}
    for group, name in zip(groups, names, strict=True):
        part = "train" if name in TRAIN else "val" if name in VALIDATION and has_test else "test"
        parts[part] += walk.folders_in(group)
    return parts


def _splits_of(rows: list[tuple[Path, str, str | None]]) -> tuple[str, ...]:
    return split_of_test((name for _, name, _ in rows), (part != "test" for _, _, part in rows))


# --- What is said of it --------------------------------------------------------------------------


def _check_groups(
    top: Path,
    walk: _Walk,
    found: dict[tuple[str | None, Path], list[Path]],
) -> None:
    """Raise ``DataError`` unless there are class folders with images in two of them."""
    classes = {as_text(group.name) for (_, group), paths in found.items() if paths}
    if len(classes) > 1:
        return
    if not classes and walk.loose:
        raise DataError(
            f"{shown(top)}: a folder of images must hold a folder for each class, but images lie "
            "in it side by side: sort them into folders, or give a table with the columns file "
            "and class"
        )
    got = f"only {classes.pop()!r}" if classes else "none with images"
    inner = [group for _, group in found if len(walk.folders_in(group)) > 1]
    remedy = f"give {shown(inner[0])!r}" if inner else "give the folder above them"
    raise DataError(
        f"{shown(top)}: a folder of images must hold a folder for each of two classes or more, got "
        f"{got}: {remedy}"
    )


def _about_empty(empty: list[str]) -> list[str]:
    if not empty:
        return []
    count = _counted(len(empty), "class folder", "class folders")
    return [f"{count} without images: {named(empty)}"]


def _about_validation(parts: dict[str | None, list[Path]]) -> list[str]:
    if not parts.get("val"):
        return []
    return ["no image of val, but they are trained on, since there is a test folder, too"]
