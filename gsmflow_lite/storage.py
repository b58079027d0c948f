"""Files that are either whole or absent: written beside their place, flushed, then renamed.

Tensors and settings lie together in one safetensors file. There is no pickle, so a file cannot run
code.
"""

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
from jaxtyping import Shaped
from torch import Tensor

from .errors import StorageError

FORMAT = 1  # of the settings beside the tensors; a reader refuses a higher one
SETTINGS = "gsmflow_lite"  # key of the settings in the file's header
LEFT_BEHIND = 24 * 3600  # seconds without a write after which a partial file is abandoned


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
    if not Path(path).is_file():
        raise StorageError(f"{path} is not a file: check the path, or train and save a model first")
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
