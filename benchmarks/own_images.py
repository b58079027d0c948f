"""Words or names? A folder of images, nested as it may be, from its files to scores and meters.

    python benchmarks/own_images.py FOLDER --join cartoon --json own.json

**Classes** are its folders that hold at least 8 images; the images of a smaller one, and of folders
that ``--join`` names, are counted to the folder above it; ``--skip`` leaves folders out. **Words**
are the first lines of the .txt files beside images. The words of a class come from every third
image of it, and no test sees these images: they are for training where the class is seen, and for
nothing where it is unseen. So no test row is described by its own caption. Three descriptions are
compared on the same images: the *names* of the classes, which are the ways to their folders, the
*words*, and *both*. Where a class has no words, it is names alone.

A draw is other unseen classes (a quarter), other test images and another seed of all that is drawn.
Everything else is chosen on validation classes, as ever. Prints the explained share, scores and
meters, with a 95 % interval over draws (Student's t), and differences between descriptions.
Finished cells are kept in the JSON file.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ablation import interval

from gsmflow_lite import GZSLDataset, explained_share, from_images, lite
from gsmflow_lite.images.folder import IMAGE_SUFFIXES
from gsmflow_lite.runs import run_experiment
from gsmflow_lite.seeds import stream
from gsmflow_lite.storage import write_json

LEAST = 8  # images of a class
EVERY = 3  # one image of three lends its words
UNSEEN, TESTS = 0.25, 0.2  # shares of classes, and of the images of a seen one
METERS = ("semantic", "variance", "structure")
NAMES = {"ridge_gaussian": "ridge-Gaussian", "eszsl": "ESZSL"}
COLUMNS = {
    "seen": "S",
    "unseen": "U",
    "harmonic": "H",
    "zsl": "T1",
    "ausuc": "AUSUC",
    **{meter: meter for meter in METERS},
}


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    classes = classes_of(options.folder, options.join, options.skip)
    words = {name: words_of(files) for name, files in classes.items()}
    told: dict[str, Any] = {"names": None}
    if all(words.values()):
        told |= {"words": words, "both": {name: [name, *words[name]] for name in classes}}
    print(f"{len(classes)} classes, {sum(map(len, classes.values()))} images")
    for name, files in classes.items():
        print(f"  {name}: {len(files)} images; {'; '.join(words[name])[:60]}")

    done = json.loads(options.json.read_text()) if options.json.exists() else {}
    for draw in range(options.draws):
        table = options.json.with_suffix(f".draw{draw}.csv")
        write_table(table, options.folder, classes, draw)
        for kind, descriptions in told.items():
            key = f"{kind}|{draw}"
            if key not in done:
                data = from_images(
                    options.folder,
                    descriptions,
                    table=table,
                    backbone=options.backbone,
                    watch=lambda event: None,
                )
                done[key] = cell(data, options.components, draw)
                write_json(options.json, done)
                print(f"{key:10s}{done[key]}", flush=True)
    print(shares(done, list(told), options.draws))
    print(scores(done, list(told), options.draws))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--join", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--skip", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--components", type=int, default=64, help="of the features (default: 64)")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path, default=Path("build/own_images.json"))
    options = parser.parse_args()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    return options


# --- From a folder to classes ---------------------------------------------------------------------


def classes_of(folder: Path, joined: list[str], skipped: list[str]) -> dict[str, list[Path]]:
    """The images of each class, by a name that is the way to its folder."""
    classes: dict[str, list[Path]] = {}

    def images_left(place: Path) -> list[Path]:
        """The images at and below a place that are of no class yet."""
        entries = sorted(place.iterdir())
        found = [path for path in entries if path.suffix.lower() in IMAGE_SUFFIXES]
        for below in entries:
            if below.is_dir() and not below.is_symlink() and below.name not in skipped:
                found += images_left(below)
        if len(found) < LEAST or place == folder or place.name in joined:
            return found
        classes[", ".join(place.relative_to(folder).parts)] = found
        return []

    images_left(folder)
    return dict(sorted(classes.items()))


def words_of(files: list[Path]) -> list[str]:
    """The first lines of the texts beside every third image."""
    texts = [path.with_suffix(".txt") for path in files[::EVERY]]
    firsts = [text.read_text("utf-8", "replace").strip() for text in texts if text.is_file()]
    return list(dict.fromkeys(first.splitlines()[0] for first in firsts if first))


def write_table(path: Path, folder: Path, classes: dict[str, list[Path]], draw: int) -> None:
    """Write which image is of which class and split, for ``from_images``."""
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("file", "class", "split"))
        for image, name, split in split_of(classes, draw):
            lines.writerow((image.relative_to(folder).as_posix(), name, split))


def split_of(classes: dict[str, list[Path]], draw: int) -> Iterator[tuple[Path, str, str]]:
    rng = stream(draw, "classes and images that are held out")
    unseen = set(rng.permutation(len(classes))[: round(UNSEEN * len(classes))])
    for number, (name, files) in enumerate(classes.items()):
        wordless = [path for place, path in enumerate(files) if place % EVERY]
        if number in unseen:
            yield from ((path, name, "test_unseen") for path in wordless)
        else:
            count = max(1, round(TESTS * len(files)))
            tests = {wordless[i] for i in rng.choice(len(wordless), count, replace=False)}
            yield from ((path, name, "test_seen" if path in tests else "train") for path in files)


# --- One cell, and the tables ---------------------------------------------------------------------


def cell(data: GZSLDataset, components: int, seed: int) -> dict:
    """The explained share, and scores and meters of each method."""
    experiment = run_experiment(data, replace(lite(), components=components), seed=seed)
    result = experiment.result
    of_method = {"flow": result["scores"], **result["baselines"]}
    for name, report in experiment.shifts.items():
        values = {one: report.reading(one).value for one in METERS}
        meters = {one: None if np.isnan(value) else value for one, value in values.items()}
        of_method["flow" if name == "GSMFlow" else "ridge_gaussian"] |= meters
    return {"share": explained_share(data).to_dict(), "methods": of_method}


def shares(done: dict, kinds: list[str], draws: int) -> str:
    lines = [
        "",
        "| descriptions | explained share | - names | shuffled ones |",
        "|---|---|---|---|",
    ]
    found = {
        what: {
            k: [100 * done[f"{k}|{draw}"]["share"][what] for draw in range(draws)] for k in kinds
        }
        for what in ("share", "chance")
    }
    for kind, share in found["share"].items():
        apart = np.subtract(share, found["share"][kinds[0]]).tolist()
        lead = "" if kind == kinds[0] else interval(apart)
        lines.append(f"| {kind} | {interval(share)} | {lead} | {interval(found['chance'][kind])} |")
    return "\n".join(lines)


def scores(done: dict, kinds: list[str], draws: int) -> str:
    lines = ["", f"| | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for kind in kinds:
        cells = [done[f"{kind}|{draw}"]["methods"] for draw in range(draws)]
        for method in cells[0]:
            row = [_shown([one[method].get(key) for one in cells], key) for key in COLUMNS]
            lines.append(f"| {kind}, {NAMES.get(method, method)} | {' | '.join(row)} |")
        for key in ("harmonic", "zsl"):
            lead = [one["flow"][key] - one["ridge_gaussian"][key] for one in cells]
            print(f"{kind}: {COLUMNS[key]} of the flow - ridge-Gaussian: {interval(lead)}")
    return "\n".join(lines)


def _shown(values: list[float | None], key: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    if len(known) < len(values):
        return f"in {len(known)} of {len(values)}"
    return interval(known, 2) if key in METERS else interval(known)


if __name__ == "__main__":
    main()
