"""What is kept on disk: embedded data, the flows that ship, the cache, and the map of letters."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ..datasets import GZSLDataset, glyphs, hangul
from ..datasets.typefaces import embedded
from ..events import Event
from ..explorer.scene import Scene
from ..generators.base import ask
from ..generators.zoo import ZOOS, zoo_file
from ..storage import cache_folder
from .finding import Finding, Visit, counted, faulty, noted, well
from .versions import PACKAGE

SETS = {"glyphs": glyphs, "hangul": hangul}
LEAST_FREE_ON_DISK = 2e8  # bytes; a map is 20 kB, a checkpoint of the papers' settings 600 MB
COMPILED = "rp_trees.*.nbi"  # numba's index of compiled functions of UMAP's search
HOMES_OF_NUMBA = ("~/.cache/numba", "~/Library/Caches/numba", "~/AppData/Local/numba/Cache")
WARM = "gsmflow-lite doctor --warm makes the map now, in half a minute"


class _Cold(Exception):
    """The map would have to be made."""


# --- What comes with the package -----------------------------------------------------------------


def of_data(visit: Visit) -> Finding:
    """Whether the embedded files are as they were recorded, and the data sets can be read."""
    files = [embedded(f"{name}.npz", f"build_{name}.py") for name in SETS]
    files += [embedded(zoo_file(name), "build_zoo.py") for name in ZOOS]
    unknown = []
    for path in files:
        digest = recorded_digest(path)
        if digest is None:
            unknown.append(path.name)
        elif digest != digest_of(path):
            again = "install the package again; in a checkout, git checkout data"
            return faulty(f"{path} is damaged: its sha256 is not the recorded one", again)
    classes = [f"{len(make(None).class_names)} classes of {name}" for name, make in SETS.items()]
    but = f" (none is recorded of {', '.join(unknown)})" if unknown else ""
    return well(f"{' and '.join(classes)}; checksums hold{but}")


def of_flows(visit: Visit) -> Finding:
    """Whether every flow that ships can be read and synthesizes."""
    counts = []
    for name, read in ZOOS.items():
        zoo = read()
        for choice in zoo.choices:
            ask(zoo.model(choice), zoo.dataset.attributes[:2], 2)
        counts.append(f"{len(zoo.choices)} of {name}")
    return well(f"{' and '.join(counts)} synthesize")


def digest_of(path: Path) -> str:
    """Return the sha256 of a file, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recorded_digest(path: Path) -> str | None:
    """Return what the sha256 of an embedded file should be; None where nobody wrote it down.

    A checkout has it in a file beside, an installed package in the record of its files.
    """
    beside = path.with_suffix(".sha256")
    if path.suffix == ".npz" and beside.is_file():
        return beside.read_text().split()[0]
    for file in metadata.files(PACKAGE) or []:
        is_it = file.name == path.name and Path(file.locate()).resolve() == path.resolve()
        if is_it and file.hash is not None and file.hash.mode == "sha256":
            padded = file.hash.value + "=" * (-len(file.hash.value) % 4)
            return base64.urlsafe_b64decode(padded).hex()
    return None


# --- The cache -----------------------------------------------------------------------------------


def of_folder(visit: Visit) -> Finding:
    """Whether maps can be kept: where, and whether there is room and the right to write."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    other = "set GSMFLOW_CACHE to a folder that can be written"
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        return faulty(f"{folder} cannot be written: {error.strerror or error}", other)
    maps = len(list(folder.glob("*.map")))
    of_images = sum(path.stat().st_size for path in (folder / "images").glob("*"))
    images = f" and {of_images / 1e6:.0f} MB of images" if of_images else ""
    found = f"{folder} holds {counted(maps, 'map')}{images}, {free / 1e9:.1f} GB free"
    if free < LEAST_FREE_ON_DISK:
        return faulty(found, f"make room there, or {other}")
    return well(found)


def of_map(visit: Visit) -> Finding:
    """Whether the first map is quick: the letters' is in the cache, and UMAP is compiled."""
    import numba  # noqa: F401 - it refuses a NumPy that is newer than itself

    if not is_compiled():
        return noted("UMAP is not compiled: the first map takes half a minute longer", WARM)
    if not has_map(glyphs()):
        return noted("not in the cache: the first one takes some seconds", WARM)
    return well("in the cache, and UMAP is compiled: the first look is quick")


def make_map(visit: Visit) -> Finding:
    """Make the map of the letters, which also compiles UMAP, and keep it in the cache."""
    started = time.perf_counter()
    Scene.of(glyphs())
    return well(f"the map of the letters was made in {time.perf_counter() - started:.0f} s")


def has_map(dataset: GZSLDataset) -> bool:
    """Whether the map of this data set's scene is in the cache, as a report would look for it."""
    try:
        Scene.of(dataset, watch=_stop)
    except _Cold:
        return False
    return True


def is_compiled() -> bool:
    """Whether the search of UMAP was compiled on this machine before: that takes half a minute."""
    return any(any(folder.rglob(COMPILED)) for folder in _folders_of_numba())


def _folders_of_numba() -> Iterator[Path]:
    """Where numba may keep what it compiled: its own folder, else beside the code, else at home."""
    if own := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(own)
        return
    found = importlib.util.find_spec("pynndescent")
    if found is not None and found.origin is not None:
        yield Path(found.origin).parent / "__pycache__"
    yield from (Path(home).expanduser() for home in HOMES_OF_NUMBA)


def _stop(event: Event) -> None:
    """A map that is in the cache has no stages."""
    raise _Cold
