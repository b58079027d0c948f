"""Time a folder of images on its way to a data set, and measure its memory.

    python benchmarks/images.py --json images.json [--folder FOLDER]

*A folder* is yours (a folder for each class), or 1,000 photographs that are drawn into a temporary
one: 20 classes, JPEG, 2000 x 1500 pixels, smooth colours with noise. It is read twice by the
default backbone, each time in a process of its own: with an empty cache, and with a full one.
*Many images* are small PNG files of 32 x 32 pixels, read by a function that gives 1280 numbers at
no cost: memory grows by the rows that the data set holds, features and pictures, and by what is
kept of each file beside them. The last line says how much that would be for 100,000 images. Memory
is the highest resident of the process; what the libraries take alone is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pairs import highest_memory, setting

from gsmflow_lite import from_images
from gsmflow_lite.images import backbone
from gsmflow_lite.storage import write_json

CLASSES = 20
PHOTOGRAPH = (1500, 2000)
MANY = (1000, 5000, 20000)
WIDTH, PICTURE = 1280, 48  # as of the default backbone, and of from_images


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path, help="images, a folder for each class")
    parser.add_argument("--photographs", type=int, default=1000, help="to draw (default: 1000)")
    parser.add_argument("--threads", type=int, default=2, help="of torch (default: 2)")
    parser.add_argument("--small", action="store_true", help="few images, to try the script")
    parser.add_argument("--alone", choices=("default", "no network"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.alone:
        return inside(options.folder, options.alone == "default")

    result: dict = {"setting": setting()}
    print(result["setting"])
    with tempfile.TemporaryDirectory(prefix="images") as place:
        result["folder"] = folder_twice(options, Path(place))
        result["many"] = many(options, Path(place))
    if options.json:
        write_json(options.json, result)


def inside(folder: Path, real: bool) -> None:
    """One data set; prints what it took."""
    before = highest_memory()
    net = "efficientnet-lite0" if real else backbone(no_network, name="no network", side=64)
    started, busy = time.perf_counter(), time.process_time()
    data = from_images(
        folder, encoder=letters, backbone=net, device="cpu", watch=lambda event: None
    )
    seconds = {"wall": time.perf_counter() - started, "processor": time.process_time() - busy}
    told = {"images": len(data.labels), **seconds, "libraries": before}
    print(json.dumps(told | {"peak": highest_memory(), "notes": list(data.notes)}))


def no_network(images: np.ndarray) -> np.ndarray:
    return np.broadcast_to(images[:, 0, 0, :1].astype(np.float32), (len(images), WIDTH))


def letters(texts: list[str]) -> np.ndarray:
    """Attributes of the names of classes that need no encoder: how often a letter occurs."""
    return np.array([[1.0, *(text.count(c) for c in "0123456789abcdefghij")] for text in texts])


# --- one folder, twice ---------------------------------------------------------------------------


def folder_twice(options: argparse.Namespace, place: Path) -> dict:
    folder = options.folder
    if folder is None:
        count = 40 if options.small else options.photographs
        folder = drawn(place / "photographs", count, PHOTOGRAPH, ".jpg")
    first, second = (run(folder, "default", place / "cache", options) for _ in range(2))
    print(f"{first['images']} images by the default backbone, {options.threads} threads of torch")
    for name, told in (("empty cache", first), ("full cache", second)):
        print(
            f"  {name:14s}{told['wall']:8.1f} s, {told['processor']:.1f} s of processors; highest "
            f"memory {told['peak']:.0f} MB, of which {told['libraries']:.0f} by libraries"
        )
    for note in first["notes"]:
        print(f"  note: {note}")
    return {"first": first, "second": second}


def run(folder: Path, which: str, cache: Path, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--alone", which, "--folder", str(folder)]
    command += ["--threads", str(options.threads)]
    surroundings = os.environ | {"GSMFLOW_CACHE": str(cache)}
    done = subprocess.run(command, env=surroundings, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# --- many small images ---------------------------------------------------------------------------


def many(options: argparse.Namespace, place: Path) -> dict:
    counts = (200, 400) if options.small else MANY
    told = {}
    print("many images, no network")
    for count in counts:
        folder = drawn(place / f"many{count}", count, (32, 32), ".png")
        told[count] = run(folder, "no network", place / f"cache{count}", options)
        rate = count / told[count]["processor"]
        print(f"  {count:7d}{told[count]['peak']:8.0f} MB{rate:8.0f} images a second of processor")
    few, most = counts[0], counts[-1]
    each = (told[most]["peak"] - told[few]["peak"]) / (most - few)
    rows = (4 * WIDTH + 3 * PICTURE**2) / 1e6
    whole = told[few]["peak"] + each * (1e5 - few)
    print(
        f"  {1000 * each:.1f} kB an image, of which the rows themselves are {1000 * rows:.1f}: "
        f"{whole:.0f} MB for 100,000 images"
    )
    return {"runs": told, "kB an image": 1000 * each, "MB for 100,000": whole}


def drawn(folder: Path, count: int, size: tuple[int, int], suffix: str) -> Path:
    """Draw images of so many pixels, each another, into a folder for each class."""
    from PIL import Image

    rng = np.random.default_rng(0)
    height, width = size
    noise = rng.integers(0, 24, (height, width, 3), dtype=np.uint8)
    for number in range(count):
        path = folder / f"class{number % CLASSES}" / f"{number}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 232, (6, 8, 3), dtype=np.uint8)
        smooth = np.asarray(
            Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        )
        Image.fromarray(np.minimum(smooth, 231) + noise).save(path)
    return folder


if __name__ == "__main__":
    main()
