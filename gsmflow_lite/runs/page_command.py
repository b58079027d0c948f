"""What ``gsmflow-lite page`` does: a page that computes, of what ships or of a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..datasets import GZSLDataset, available, load
from ..errors import ConfigError
from ..method.model import SavedModel
from ..page.export import computing_page
from ..progress import ProgressBar
from ..storage import to_write

MODEL = "model.safetensors"  # what a run calls its flow


def page_command(options: argparse.Namespace) -> int:
    """Make the page, print what it weighs by part, and write it.

    Raises ``ConfigError`` where the data of a run are not named.
    """
    out = to_write(options.out, ".html")
    dataset, saved = _of_run(options) if options.model is not None else (None, None)
    with ProgressBar() as bar:
        page = computing_page(dataset, saved, most_rows=options.rows, watch=bar)
    print("\n".join(page.lines))
    page.save(out, most_megabytes=options.most)
    print(f"written: {out}; open it in a browser, or send it: it needs no network")
    return 0


def _of_run(options: argparse.Namespace) -> tuple[GZSLDataset, SavedModel]:
    """A saved flow, and the data that it was trained on."""
    path: Path = options.model
    saved = SavedModel.load(path / MODEL if path.is_dir() else path)
    trained_on = str(saved.notes.get("dataset", ""))
    place = options.data
    if place is None:
        if trained_on not in available():
            raise ConfigError(
                f"the page of a run must hold its data, got {path} alone, trained on "
                f"{trained_on!r}: name DATA after it"
            )
        place = trained_on
    dataset = load(place, features=options.features, splits=options.splits)
    notes = list(dataset.notes)
    if trained_on and dataset.name != trained_on:
        notes.append(f"the model was trained on {trained_on!r}, not on {dataset.name!r}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return dataset, saved
