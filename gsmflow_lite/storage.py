"""Files that are either whole or absent: written beside their place, flushed, then renamed.

One rule says how their names end. Tensors and settings lie together in one safetensors file. There
is no pickle, so a file cannot run code.
"""

from __future__ import annotations

import glob
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
from jaxtyping import Shaped
from torch import Tensor

from .errors import StorageError

FORMAT = 1  # of the settings beside the tensors; a reader refuses a higher one
SETTINGS = "gsmflow_lite"  # key of the settings in the file's header
LEFT_BEHIND = 24 * 3600  # seconds without a write after which a partial file is abandoned
OTHER_KINDS = (
    *(".npz", ".npy", ".h5", ".hdf5", ".mat", ".safetensors", ".pt", ".pth", ".ckpt", ".pkl"),
    *(".csv", ".tsv", ".txt", ".json", ".toml", ".parquet", ".html", ".png", ".zip", ".gz"),
)
MOST_NEIGHBOURS = 2000  # files of a folder among which one of nearly the right name is looked for


# --- Names of files ------------------------------------------------------------------------------


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return how the name of a file ends, in small letters: capitals are as good as they.

    >>> suffix_of("DATA.NPZ"), suffix_of("data")
    ('.npz', '')
    """
    return Path(path).suffix.lower()


def to_write(path: str | Path, suffix: str) -> Path:
    """Return where to write a file of this kind: ``suffix`` is appended where it is missing.

    Raises ``StorageError`` for the suffix of another kind of file.

    >>> print(to_write("data", ".npz"), to_write("DATA.NPZ", ".npz"), to_write("run.2", ".npz"))
    data.npz DATA.NPZ run.2.npz
    """
    path = Path(path)
    if suffix_of(path) == suffix:
        return path
    if suffix_of(path) in OTHER_KINDS or not path.name:
        got = path.suffix or "no name"
        raise StorageError(
            f"{path}: the name of this file must end in {suffix}, got {got!r}: end it so, or leave "
            "the ending out"
        )
    return path.with_name(path.name + suffix)


def to_read(path: str | Path, *suffixes: str) -> Path:
    """Return ``path``, or, where there is none, the only one that :func:`to_write` made of it."""
    path = Path(path)
    if path.exists() or not path.name:
        return path
    made = [path.with_name(path.name + suffix) for suffix in suffixes]
    there = [candidate for candidate in made if candidate.is_file()]
    return there[0] if len(there) == 1 else path


def in_folder(folder: Path, name: str) -> Path | None:
    """Return the file of a folder that is called so, or the only one but for capitals, or None."""
    if (folder / name).is_file():
        return folder / name
    same = [path for path in folder.glob("*") if path.name.lower() == name.lower()]
    return same[0] if len(same) == 1 and same[0].is_file() else None


def nearby(path: str | Path) -> str:
    """Return the end of a message that names a file of nearly this name, or an empty text.

    It says so if a folder is there.
    """
    path = Path(path)
    if path.name and path.is_dir():
        return "; it is a folder: give the file in it"
    if path.exists():
        return ""
    try:
        names = [other.name for other in islice(path.parent.iterdir(), MOST_NEIGHBOURS)]
    except OSError:
        return ""
    by_small_letters = {name.lower(): name for name in names if not name.startswith(".")}
    close = get_close_matches(path.name.lower(), by_small_letters, n=1, cutoff=0.75)
    if not close:
        return ""
    return f"; did you mean {str(path.with_name(by_small_letters[close[0]]))!r}?"


def cache_folder() -> Path:
    """Return the folder of what may be lost: ``$GSMFLOW_CACHE``, or ``~/.cache/gsmflow_lite``.

    Raises ``RuntimeError`` for a user without a home.
    """
    return Path(os.environ.get("GSMFLOW_CACHE") or Path("~/.cache/gsmflow_lite").expanduser())


# --- Writing -------------------------------------------------------------------------------------


@contextmanager
def written_whole(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file that replaces ``path`` once it is complete.

    A crash or a full disk leaves what was at ``path`` before, never half a file.
    Raises ``StorageError`` if the folder cannot be made, is read-only or full.
    """
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(partial, path)
    except StorageError:  # from the code that writes: its message says more
        raise
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"{path} cannot be written ({reason}); an older file there is untouched"
        ) from error
    finally:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)


def write_whole(path: str | Path, content: bytes) -> None:
    """Replace ``path`` by ``content``, or leave what was there.

    Raises ``StorageError`` as :func:`written_whole` does.
    """
    with written_whole(path) as file:
        file.write(content)


def write_json(path: str | Path, values: Mapping[str, Any]) -> None:
    """Write ``values`` as indented JSON. NaN and infinity are refused, because JSON has none."""
    write_whole(path, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, Shaped[Tensor, " ..."]],
    settings: Mapping[str, Any],
) -> None:
    """Write named tensors and settings that JSON can hold as one safetensors file.

    One rename makes both of them new, so they always belong together.
    """
    header = {SETTINGS: json.dumps({"format": FORMAT, **settings}, allow_nan=False)}
    flat = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, safetensors.torch.save(flat, metadata=header))


def _remove_abandoned(path: Path) -> None:
    """Remove partial files of ``path`` from killed processes, once nobody can be writing them."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # another process may remove it at the same time
            if time.time() - partial.stat().st_mtime > LEFT_BEHIND:
                partial.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# --- Reading -------------------------------------------------------------------------------------


def read_tensors(path: str | Path) -> tuple[dict[str, Shaped[Tensor, " ..."]], dict[str, Any]]:
    """Read the tensors and the settings that :func:`write_tensors` wrote.

    Nothing in the file can run code. Raises ``StorageError`` if the file is missing, damaged,
    written by another program, or newer than this version can read.
    """
    path = to_read(path, ".safetensors")
    if path.is_dir():
        raise StorageError(
            f"{path} is a folder: give the file in it, such as {path / 'model.safetensors'}"
        )
    if not path.is_file():
        raise StorageError(
            f"{path} is not a file: check the path, or train and save a model first{nearby(path)}"
        )
    tensors, settings = _parsed(path)
    _check_format(path, settings)
    return tensors, settings


def _parsed(path: str | Path) -> tuple[dict[str, Tensor], Any]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            settings = json.loads((file.metadata() or {})[SETTINGS])
            names = list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except KeyError:
        raise StorageError(
            f"{path} was not written by gsmflow_lite: its header has no {SETTINGS!r} entry"
        ) from None
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{path} cannot be read as a safetensors file ({error}): it is damaged, "
            "use another copy"
        ) from None
    return tensors, settings


def _check_format(path: str | Path, settings: Any) -> None:
    version = settings.get("format") if isinstance(settings, dict) else None
    if not isinstance(version, int):
        raise StorageError(
            f"{path} must state its format number, got {version!r}: it is damaged, use another copy"
        )
    if version > FORMAT:
        raise StorageError(
            f"{path} has format {version}, this version reads up to {FORMAT}: "
            "install a newer gsmflow_lite"
        )
