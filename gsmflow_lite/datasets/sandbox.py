"""HDF5's library may hang, die or take all memory over a damaged file: a process of its own reads it first, and may do so.

That process is this very file run as a script. It starts with the first HDF5 file, ends with this process or when a file
brings it down, and imports nothing of the package.
"""

from __future__ import annotations

import ast
import atexit
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock, Timer

PROCESSOR = (
    10  # seconds of it that looking through a good file takes at most, and one more for each 64 MB
)
WAIT = 900  # seconds, where a disk is slow
MEMORY = 1 << 29  # bytes of address space
READ = 1 << 26  # bytes; when so many were read, only the index of an array is
NO_MEMORY = re.compile(
    "allocation failed|(not|n't|unable to|failed to) allocate|for allocation|out of memory",
    re.IGNORECASE,
)


def survives(path: str | Path) -> str:
    """Empty where another process could read the HDF5 file ``path``, whatever it found there; else what became of it."""
    about = os.stat(path)
    return _tried(os.path.abspath(path), about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1024)
def _tried(path: str, *_version: int) -> str:
    return _reader.ask(path)


class _Reader:
    """The other process, as it is seen from here."""

    def __init__(self) -> None:
        self._lock, self._process, self._owner = Lock(), None, 0
        atexit.register(self.close)

    def ask(self, path: str) -> str:
        """The other's answer, or what became of it."""
        with self._lock:
            if (
                self._process is None
                or self._process.poll() is not None
                or self._owner != os.getpid()
            ):
                self._start()
            patience = Timer(WAIT, self._process.kill)
            patience.start()
            try:
                self._process.stdin.write(ascii(path) + "\n")
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except BrokenPipeError:
                answer = ""
            finally:
                patience.cancel()
            fate = answer.strip() if answer else "HDF5 came to no end with it"
            if fate:  # the other is at its end, or will be in a moment
                self.close()
            return fate

    def _start(self) -> None:
        self.close()
        command = [
            sys.executable,
            "-P",
            __file__,
            str(PROCESSOR),
        ]  # -P: the folder of this file is no place to import from
        alone = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each thread takes address space
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True, env=alone
        )
        self._owner = os.getpid()

    def close(self) -> None:
        """End the other process, if it is this one's."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            with process:  # closes the pipes, and waits
                pass


_reader = _Reader()


# --- In the other process --------------------------------------------------------------------------------------------


def _serve(seconds: int) -> None:
    _limit("RLIMIT_AS", MEMORY)
    for line in sys.stdin:
        with _left_to_the_reader():
            path = ast.literal_eval(line)
            _limit("RLIMIT_CPU", int(sum(os.times()[:2])) + seconds + (os.path.getsize(path) >> 26))
            _Walk(path)
        print(flush=True)


def _limit(what: str, most: int) -> None:
    with suppress(
        ImportError, ValueError, OSError
    ):  # Windows has no limits: there it is the patience
        import resource

        kind = getattr(resource, what)
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


@contextmanager
def _left_to_the_reader() -> Iterator[None]:
    """An error is what the reader will meet, too, and say; but memory that ran out here might be there then."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            print("it asks for more memory than it can fill", flush=True)
            os._exit(1)


class _Walk:
    """Do with every object in the file what a reader might do."""

    def __init__(self, path: str) -> None:
        import h5py

        self.h5py, self.room = h5py, READ
        with h5py.File(path, "r", locking=False) as self.file:
            waiting, known = [self.file], {self._address(self.file)}
            while waiting:
                for found in self._look_at(waiting.pop()):
                    with _left_to_the_reader():
                        if self._address(found) not in known:
                            known.add(self._address(found))
                            waiting.append(found)

    def _address(self, entry) -> int:
        return self.h5py.h5o.get_info(entry.id).addr

    def _look_at(self, entry) -> list:
        """What hangs on an object, once it has been read."""
        found, names = [], []
        with _left_to_the_reader():
            dict(entry.attrs)
        with _left_to_the_reader():
            if isinstance(entry, self.h5py.Group):
                names = list(entry)
            elif (
                isinstance(entry, self.h5py.Dataset)
                and entry.shape
                and not entry.external
                and not entry.is_virtual
            ):
                found = self._content(entry)
        for name in names:
            with _left_to_the_reader():
                if isinstance(entry.get(name, getlink=True), self.h5py.HardLink):
                    found.append(entry[name])
        return found

    def _content(self, entry) -> list:
        """Read an array; what its references point to."""
        entry.id.get_storage_size()
        if entry.chunks:
            self._index(entry)
        if entry.nbytes > self.room:
            return []
        self.room -= entry.nbytes
        values, found = entry[()], []
        if self.h5py.check_ref_dtype(entry.dtype) is self.h5py.Reference:
            for reference in values.flat:
                with _left_to_the_reader():
                    found.append(self.file[reference])
        return found

    def _index(self, entry) -> None:
        """Go through the places of all chunks; HDF5 takes the memory that each claims before it looks whether it is there."""
        most = os.path.getsize(self.file.filename)

        def look(chunk) -> None:
            if chunk.size > most:
                raise MemoryError

        entry.id.chunk_iter(look)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
