"""A data set of images on disk: where it is written, and what is said of it."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..datasets import GZSLDataset, save_folder, save_npz
from ..errors import StorageError
from ..images.reading import shown
from ..storage import OTHER_KINDS, suffix_of

NEXT_RUN = "runs/mine"  # as the next command calls it


def place_of_data(out: Path) -> Path:
    """Return where data are to be written, and make the folder now, so that faults are found early.

    It is a file that ends in .npz, or a folder. Raises ``StorageError``.
    """
    is_file = suffix_of(out) == ".npz"
    if suffix_of(out) in OTHER_KINDS and not is_file:
        raise StorageError(
            f"{out}: data of images are written into a file that ends in .npz or into a folder, "
            f"got {out.suffix!r}: end it in .npz, or leave the ending out"
        )
    folder = out.parent if is_file else out
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder} must be a folder that can be written, but {error.strerror or error}: name "
            "another --out"
        ) from None
    return out


def write_data(dataset: GZSLDataset, out: Path) -> None:
    """Write data into the file or the folder. Raises ``StorageError``."""
    if suffix_of(out) == ".npz":
        save_npz(dataset, out)
    else:
        save_folder(dataset, out)


def lines_about(dataset: GZSLDataset, out: Path) -> list[str]:
    """Say what the data hold, what was left out, and what to do next."""
    described = dataset.text_encoder or f"{dataset.attributes.shape[1]} attributes"
    unseen = ", ".join(dataset.class_names[k] for k in dataset.unseen_classes[:10])
    more = " ..." if len(dataset.unseen_classes) > 10 else ""
    lines = [
        *(f"note: {note}" for note in dataset.notes),
        f"{len(dataset.labels)} images of {len(dataset.class_names)} classes; "
        f"train {len(dataset.train)}, test seen {len(dataset.test_seen)}, "
        f"test unseen {len(dataset.test_unseen)}",
        f"features: {dataset.features.shape[1]} by {dataset.backbone}",
        f"descriptions: {described}",
        f"unseen classes: {unseen}{more}",
        f"written: {out}",
        f"next: gsmflow-lite train {shlex.quote(str(out))} --out {NEXT_RUN}",
        f"in a notebook: from gsmflow_lite import explore, load; explore(load({str(out)!r}))",
    ]
    return [shown(line) for line in lines]  # names of classes and files come from outside
