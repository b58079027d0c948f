"""From files of images to rows of features and small pictures, a batch at a time.

Files are read by two threads beside the network, in a fixed order. What is known by the cache is
not read as an image at all. What does not fit into memory stays on disk.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from jaxtyping import Float, Int, UInt8

from ..datasets.on_disk import FeaturesOnDisk, open_features
from ..errors import DataError
from ..events import Stage, Step, Watch
from ..numerics import memory_in_bytes
from ..storage import written_whole
from .backbones import Backbone
from .cache import FeatureCache, images_cache
from .reading import content_digest, read_image, shown, thumbnail

READING, LOOKING = "reading files", "looking at images"  # stages
WORKERS = 2  # threads; decoding leaves Python's lock alone
MOST_IN_MEMORY = 0.25  # of the memory, for features and pictures; what is larger stays on disk
USUAL_MEMORY = 8e9  # bytes, where the system does not say how many it has
ROWS_MOVED = 1024  # that are moved up where broken images are left out

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


@dataclass(frozen=True, eq=False)
class Extracted:
    """Features and pictures of those files that are images.

    ``rows`` are the numbers of these files, ascending. ``broken`` says of the others what is wrong
    with them. ``copies`` has the numbers of files that hold the same bytes. ``notes`` say what went
    wrong with the cache.
    """

    features: Float[np.ndarray, "n D"] | FeaturesOnDisk
    pictures: UInt8[np.ndarray, "n s s 3"]
    rows: Int[np.ndarray, " n"]
    broken: dict[int, str]
    copies: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


def extract(
    files: Sequence[Path],
    backbone: Backbone,
    *,
    side: int,
    watch: Watch,
) -> Extracted:
    """Return features of images, and pictures of ``side`` pixels.

    Images with the same content are looked at once. Each batch is kept in the cache when it is
    done. Raises ``DataError`` for what the backbone gives, and ``StorageError`` where neither the
    memory nor the cache's folder can hold the result.
    """
    digests = list(_each(_digest_or_say, files, READING, watch))
    broken = {row: said for row, said in enumerate(digests) if isinstance(said, str)}
    places: dict[bytes, list[int]] = {}
    for row, digest in enumerate(digests):
        if isinstance(digest, bytes):
            places.setdefault(digest, []).append(row)

    recipe = backbone.recipe if backbone.is_kept else None
    with (
        _Rows(len(files), backbone, side, places) as rows,
        FeatureCache(backbone.name, recipe, backbone.width, side) as cache,
    ):
        unknown = dict(places)
        for content, features, picture in cache.look(list(places)):
            rows.put(unknown.pop(content), features, picture)
        work = _Look(files, backbone.side, side, unknown)
        looked_at = _each(work, list(unknown), LOOKING, watch, ahead=backbone.at_once + WORKERS)
        for batch in _batches(looked_at, backbone.at_once):
            good = [one for one in batch if isinstance(one, _Image)]
            for one in batch:
                if isinstance(one, _Broken):
                    same = places[one.content]
                    rule = one.said.removeprefix(shown(files[same[0]]))
                    broken |= {row: shown(files[row]) + rule for row in same}
            if good:
                given = backbone(np.stack([one.square for one in good]))
                for one, features in zip(good, given, strict=True):
                    rows.put(places[one.content], features, one.picture)
                cache.keep(
                    (one.content, features, one.picture)
                    for one, features in zip(good, given, strict=True)
                )
        kept = np.array([row for row in range(len(files)) if row not in broken], np.int64)
        rows.close_up(kept)
        notes = tuple(cache.notes)
    whole = set(kept.tolist())
    copies = tuple(tuple(same) for same in places.values() if len(same) > 1 and same[0] in whole)
    broken = dict(sorted(broken.items()))
    return Extracted(*rows.result(len(kept)), kept, broken, copies, notes)


# --- Reading beside the network ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Image:
    content: bytes
    square: UInt8[np.ndarray, "S S 3"]  # for the network
    picture: UInt8[np.ndarray, "s s 3"]


@dataclass(frozen=True)
class _Broken:
    content: bytes
    said: str


@dataclass(frozen=True, eq=False)
class _Look:
    """Reads the image of one content, by the first file that holds it."""

    files: Sequence[Path]
    side: int
    picture_side: int
    places: dict[bytes, list[int]]

    def __call__(self, content: bytes) -> _Image | _Broken:
        path = self.files[self.places[content][0]]
        try:
            image = read_image(path, shrink=self.side)
        except DataError as error:
            return _Broken(content, str(error))
        square = thumbnail(image, self.side)
        return _Image(content, square, thumbnail(image, self.picture_side))


def _digest_or_say(path: Path) -> bytes | str:
    try:
        return content_digest(path)
    except DataError as error:
        return str(error)


def _each(
    work: Callable[[_Item], _Done],
    items: Sequence[_Item],
    stage: str,
    watch: Watch,
    ahead: int = 64,
) -> Iterator[_Done]:
    """Do the work in threads, and give what is done in the order of the items, as a stage."""
    watch(Stage(stage, len(items)))
    for count, done in enumerate(in_order(work, items, ahead), start=1):
        yield done
        watch(Step(stage, count, len(items)))


def in_order(
    work: Callable[[_Item], _Done],
    items: Iterable[_Item],
    ahead: int,
) -> Iterator[_Done]:
    """Do the work in ``WORKERS`` threads, and give what is done in the order of the items.

    No more than ``ahead`` items are begun before they are asked for. What the work raises is raised
    here, in its turn.
    """
    waiting: deque[Future[_Done]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _batches(items: Iterator[_Item], size: int) -> Iterator[list[_Item]]:
    while batch := list(islice(items, size)):
        yield batch


# --- Rows in memory or on disk -------------------------------------------------------------------


class _Rows:
    """Features and pictures of all files; what is broken keeps zeros until it is left out."""

    def __init__(
        self,
        count: int,
        backbone: Backbone,
        side: int,
        places: dict[bytes, list[int]],
    ) -> None:
        self.features_shape = (count, backbone.width)
        self.pictures_shape = (count, side, side, 3)
        size = count * (4 * backbone.width + 3 * side**2)
        self.paths: tuple[Path, Path] | None = None
        if size > MOST_IN_MEMORY * (memory_in_bytes() or USUAL_MEMORY):
            digest = hashlib.sha256(repr((backbone.recipe, side)).encode())
            for content, rows in places.items():
                digest.update(content + repr(rows).encode())
            start = images_cache() / f"rows-{digest.hexdigest()[:12]}"
            self.paths = (Path(f"{start}-features.npy"), Path(f"{start}-pictures.npy"))
        self._stack = ExitStack()

    def __enter__(self) -> _Rows:
        if self.paths is None:
            self.features = np.zeros(self.features_shape, np.float32)
            self.pictures = np.zeros(self.pictures_shape, np.uint8)
            return self
        with ExitStack() as opened:
            files = [opened.enter_context(written_whole(path)) for path in self.paths]
            self._stack = opened.pop_all()
        self.features = _mapped(files[0], np.float32, self.features_shape)
        self.pictures = _mapped(files[1], np.uint8, self.pictures_shape)
        return self

    def __exit__(self, *fault: Any) -> None:
        if self.paths is not None:
            del self.features, self.pictures  # some systems rename no file that is mapped
        self._stack.__exit__(*fault)

    def put(
        self,
        rows: list[int],
        features: Float[np.ndarray, " D"],
        picture: UInt8[np.ndarray, "s s 3"],
    ) -> None:
        self.features[rows] = features
        self.pictures[rows] = picture

    def close_up(self, kept: Int[np.ndarray, " n"]) -> None:
        """Move the rows that are kept, which ascend, to the beginning."""
        if len(kept) == len(self.features):
            return
        for array in (self.features, self.pictures):
            for start in range(0, len(kept), ROWS_MOVED):
                block = kept[start : start + ROWS_MOVED]
                array[start : start + len(block)] = array[block]

    def result(self, count: int) -> tuple[np.ndarray | FeaturesOnDisk, np.ndarray]:
        """Return the first rows. Where they are on disk, nothing is read."""
        if self.paths is None:
            return self.features[:count], self.pictures[:count]
        features = open_features(self.paths[0], check=False)  # the backbone gave finite ones
        pictures = np.load(self.paths[1], mmap_mode="r")
        return features.select(np.arange(count)), pictures[:count]


def _mapped(file: BinaryIO, kind: type, shape: tuple[int, ...]) -> np.ndarray:
    """Map a new .npy file of this shape, which holds zeros."""
    header = {"descr": np.dtype(kind).str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    start = file.tell()
    file.truncate(start + int(np.prod(shape)) * np.dtype(kind).itemsize)
    file.flush()
    return np.memmap(file, kind, "r+", offset=start, shape=shape)
