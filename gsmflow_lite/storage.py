"""Files that are whole or not there: written aside, flushed and renamed; tensors and settings in one file; no pickle."""

from __future__ import annotations

import glob
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
from torch import Tensor

from .errors import StorageError

FORMAT = 1  # of the settings beside the tensors; a reader refuses a higher one
SETTINGS = "gsmflow_lite"  # key of the settings in the file's header
LEFT_BEHIND = 24 * 3600  # seconds without a write after which half a file is nobody's


@contextmanager
def written_whole(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write that replaces ``path`` at the end, or leaves what was there: no crash, no full disk leaves half a file.

    Raises ``StorageError`` if the folder cannot be made, is read-only or full.
    """
    path = Path(path)
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_away(path)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(aside, path)
    except StorageError:  # from what is being written: it says more
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}); an older file there is untouched"
        ) from error
    finally:
        if aside is not None and os.path.exists(aside):
            os.unlink(aside)


def _clear_away(path: Path) -> None:
    """What killed processes left of ``path``, when it is so old that nobody can still be writing it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):  # another process may be clearing away, too
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                left.unlink()


def write_whole(path: str | Path, content: bytes) -> None:
    """Replace ``path`` by ``content``, or leave what was there. Raises ``StorageError``, as :func:`written_whole` does."""
    with written_whole(path) as file:
        file.write(content)


def write_json(path: str | Path, values: Mapping[str, Any]) -> None:
    """Write ``values`` as indented JSON; NaN and infinity are refused, for JSON has none."""
    write_whole(path, (json.dumps(values, indent=2, allow_nan=False) + "\n").encode())


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> None:
    """Write tensors (...,) by name and JSON-able settings as one safetensors file: one rename makes both new, so they match."""
    header = {SETTINGS: json.dumps({"format": FORMAT, **settings}, allow_nan=False)}
    flat = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_whole(path, safetensors.torch.save(flat, metadata=header))


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_tensors` wrote, tensors (...,) and settings. Nothing in the file can run code.

    Raises ``StorageError`` if it is missing, damaged, of another program, or newer than this version can read.
    """
    if not Path(path).is_file():
        raise StorageError(f"{path} is not a file: check the path, or train and save a model first")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            settings = json.loads((file.metadata() or {})[SETTINGS])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except KeyError:
        raise StorageError(
            f"{path} was not written by gsmflow_lite: its header has no {SETTINGS!r} entry"
        ) from None
    except (safetensors.SafetensorError, OSError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{path} cannot be read as a safetensors file ({error}): it is damaged, use another copy"
        ) from None
    version = settings.get("format") if isinstance(settings, dict) else None
    if not isinstance(version, int):
        raise StorageError(
            f"{path} must state its format number, got {version!r}: it is damaged, use another copy"
        )
    if version > FORMAT:
        raise StorageError(
            f"{path} has format {version}, this version reads up to {FORMAT}: install a newer gsmflow_lite"
        )
    return tensors, settings


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
