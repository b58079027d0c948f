"""A folder of images becomes a data set: features, descriptions, splits and small pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ..arguments import check_function, check_seed, path_in, real, whole
from ..datasets import GZSLDataset, from_arrays
from ..datasets.column_ranges import to_one_range
from ..errors import ConfigError, DataError
from ..events import Watch
from ..progress import ProgressBar
from ..texts import Descriptions, TextEncoder, read_descriptions
from .backbones import Backbone
from .backbones import backbone as backbone_of
from .class_split import Unseen, rows_of_splits, unseen_classes, unseen_wish
from .extraction import Extracted, extract
from .folder import Listing, list_folder
from .libraries import DEFAULT_BACKBONE
from .reading import left_out, shown
from .table import list_table

SMALLEST_PICTURE, LARGEST_PICTURE = 8, 512  # pixels of a side
NAMED_CLASSES = 5  # in a note
SCALED = (
    "columns of attributes were brought to 0..1, from the lowest to the highest of the classes, so "
    "that none counts more for its units; scale_columns=False, or --as-written, leaves them"
)


def from_images(
    folder: str | PathLike[str],
    descriptions: Any = None,
    *,
    table: str | PathLike[str] | None = None,
    unseen: Any = None,
    backbone: str | Callable | Backbone = DEFAULT_BACKBONE,
    encoder: str | Callable | TextEncoder | None = None,
    test_share: float = 0.2,
    seed: int = 0,
    thumbnails: int = 48,
    scale_columns: bool = True,
    device: str = "auto",
    precision: str = "float32",
    watch: Watch | None = None,
    name: str | None = None,
) -> GZSLDataset:
    """Make a data set from a folder of images, one folder a class.

    - ``descriptions`` of the classes: a table of attributes, or texts, as
      :func:`~gsmflow_lite.texts.read_descriptions` reads them. None takes the names of the classes
      as their texts. ``encoder`` makes attributes of texts.
    - ``table``: a file with the columns ``file``, ``class`` and perhaps ``split``, in place of a
      folder a class.
    - ``unseen`` classes: names, a file with a name in each line, or how many or which share to draw
      with ``seed``. If nothing is said, and the listing does not say it, it is a quarter of the
      classes, at least 2.
    - ``backbone``: a name or a function, see :func:`backbone`; ``device`` and ``precision`` are for
      it.
    - ``test_share`` of the images of each seen class is held out, unless the listing has splits.
    - ``thumbnails``: pixels of a side of the small pictures, which become ``images``.
    - ``scale_columns`` brings each column of a table of attributes to 0..1 over the classes, so
      that legs from 0 to 6 do not count more than wings from 0 to 1. False leaves them as written.
    - ``watch`` is told of each stage; None shows a bar.

    Features and pictures are kept in the cache by the content of the files, so a second call is
    quick, and one that was interrupted goes on. Broken images are left out; ``notes`` name them. A
    result of more than a quarter of the memory stays on disk, in the cache. Raises ``DataError``
    for a folder, descriptions or images that cannot be used, ``ConfigError`` for other arguments,
    ``StorageError`` for weights that cannot be read.
    """
    folder = path_in(folder, "folder")
    seed = check_seed(seed)
    thumbnails = whole(thumbnails, "thumbnails", least=SMALLEST_PICTURE, most=LARGEST_PICTURE)
    test_share = _share(test_share)
    if watch is not None:
        check_function(watch, "watch")

    listing = list_folder(folder) if table is None else list_table(table, folder)
    class_names = listing.class_names
    wish = unseen_wish(unseen, class_names)
    described = read_descriptions(descriptions, class_names, encoder=encoder)
    network = backbone_of(backbone, device=device, precision=precision)
    if watch is None:
        with ProgressBar() as bar:
            found = extract(listing.files, network, side=thumbnails, watch=bar)
    else:
        found = extract(listing.files, network, side=thumbnails, watch=watch)
    read = _Read(listing, class_names, described, found, wish)
    return read.dataset(
        backbone=network.full_name,
        test_share=test_share,
        seed=seed,
        scale_columns=scale_columns,
        name=name or folder.resolve().name,
        source=f"{folder} ({network.full_name})",
    )


class _Read:
    """What was read, without the classes of which no image is left."""

    def __init__(
        self,
        listing: Listing,
        class_names: Sequence[str],
        described: Descriptions,
        found: Extracted,
        wish: Unseen,
    ) -> None:
        self.described = described
        self.found = found
        self.wish = wish
        self.listing = listing
        number_of = {name: number for number, name in enumerate(class_names)}
        numbers = np.array([number_of[name] for name in listing.classes], np.int64)[found.rows]
        if not len(numbers):
            raise DataError(
                f"at least one image must be readable, got none of {len(listing.files)}: "
                f"{next(iter(found.broken.values()), 'there is no file')}"
            )
        self.kept, self.labels = np.unique(numbers, return_inverse=True)
        self.class_names = [class_names[k] for k in self.kept]
        self.empty = [name for name in class_names if name not in set(self.class_names)]
        self.splits = None
        if listing.splits is not None:
            self.splits = np.array(listing.splits, dtype=object)[found.rows]

    def dataset(
        self,
        *,
        backbone: str,
        test_share: float,
        seed: int,
        scale_columns: bool,
        name: str,
        source: str,
    ) -> GZSLDataset:
        lost = [one for one in self.empty if isinstance(self.wish, tuple) and one in self.wish]
        if lost:
            raise DataError(
                f"an unseen class must have an image that can be read, got none of {lost[0]!r}: "
                f"mend its images, or leave it out of unseen ({self._broken_note()})"
            )
        unseen, why = unseen_classes(self.wish, self.class_names, self.labels, self.splits, seed)
        rows = rows_of_splits(self.labels, unseen, self.class_names, self.splits, test_share, seed)
        described = self.described
        texts = described.texts
        attributes = described.attributes[self.kept]
        if texts is None and scale_columns:
            attributes = to_one_range(attributes)
        changed = not np.array_equal(attributes, described.attributes[self.kept])
        return from_arrays(
            self.found.features,
            self.labels,
            attributes,
            unseen=unseen,
            **rows,
            class_names=self.class_names,
            attribute_names=described.attribute_names,
            attribute_groups=described.attribute_groups,
            images=self.found.pictures,
            texts=None if texts is None else [texts[k] for k in self.kept],
            text_encoder=described.text_encoder,
            backbone=backbone,
            name=name,
            source=source,
            notes=[*self._notes(why), *([SCALED] if changed else [])],
            seed=seed,
        )

    def _notes(self, why: str) -> list[str]:
        lost = [self._broken_note(), self._empty_note(), self._copies_note()]
        notes = [*self.listing.left_out, *lost, why]
        return [note for note in (*notes, *self.described.notes, *self.found.notes) if note]

    def _broken_note(self) -> str:
        return left_out(list(self.found.broken.values()), len(self.listing.files))

    def _copies_note(self) -> str:
        """Say which images occur twice: copies make the tests easier than they should be."""
        copies = self.found.copies
        if not copies:
            return ""
        classes = [{self.listing.classes[row] for row in same} for same in copies]
        mixed = sum(len(names) > 1 for names in classes)
        first = ", ".join(shown(self.listing.files[row]) for row in copies[0][:2])
        end = f", {mixed} of them in several classes" if mixed else ""
        verb = "image occurs" if len(copies) == 1 else "images occur"
        return f"{len(copies)} {verb} more than once{end}: leave the copies out ({first} ...)"

    def _empty_note(self) -> str:
        if not self.empty:
            return ""
        listed = ", ".join(map(repr, self.empty[:NAMED_CLASSES]))
        more = " ..." if len(self.empty) > NAMED_CLASSES else ""
        verb = "class is" if len(self.empty) == 1 else "classes are"
        return f"{len(self.empty)} {verb} left out, of which no image can be read: {listed}{more}"


def _share(value: Any) -> float:
    share = real(value, "test_share")
    if not 0 < share < 1:
        raise ConfigError(
            f"test_share must be between 0 and 1, got {share:g}: each seen class keeps images on "
            "both sides"
        )
    return share
