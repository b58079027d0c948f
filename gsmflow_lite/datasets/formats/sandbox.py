"""A separate process tries an HDF5 file first, because a damaged one may crash HDF5's library.

The separate process runs this very file as a script. It starts with the first HDF5 file, and ends
with this process or when a file brings it down. It imports nothing of the package.
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
from typing import IO

PROCESSOR_SECONDS = 10  # a good file takes at most this much time of the processor ...
BYTES_PER_SECOND = 1 << 26  # ... and one second more for each so many bytes
WAIT_SECONDS = 900  # a slow disk may take this long
MOST_MEMORY = 1 << 29  # bytes of address space
MOST_READ = 1 << 26  # bytes; once so many were read, only the index of an array is read
OUT_OF_MEMORY = re.compile(
    "allocation failed|(not|n't|unable to|failed to) allocate|for allocation|out of memory",
    re.IGNORECASE,
)


def failure(path: str | Path) -> str:
    """Return an empty text if another process could read the HDF5 file, else what happened to it.

    Only a hang, a crash or a lack of memory counts. An ordinary error is left to the reader.
    """
    about = os.stat(path)
    return _failure(os.path.abspath(path), about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1024)
def _failure(path: str, *_version: int) -> str:
    return trial.ask(path)


class Trial:
    """The separate process, as seen from here. It is started when it is needed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self._owner = 0  # the number of the process that started it
        self._lock = Lock()
        atexit.register(self.close)

    def ask(self, path: str) -> str:
        """Return the answer of the separate process, or what happened to it."""
        with self._lock:
            process = self._running()
            answer = _answer(process, path)

            failed = answer.strip() if answer else "HDF5 did not finish reading it"
            if failed:  # the process has ended, or will in a moment
                self.close()
            return failed

    def _running(self) -> subprocess.Popen[str]:
        """Return a process that runs, and that this process has started, not its parent."""
        if self.process is None or self.process.poll() is not None or self._owner != os.getpid():
            self.close()
            self.process = _start()
            self._owner = os.getpid()
        return self.process

    def close(self) -> None:
        """End the separate process, if this process started it."""
        process = self.process
        self.process = None
        if process is not None and self._owner == os.getpid():
            process.kill()
            with process:  # closes the pipes, and waits
                pass


trial = Trial()


def _start() -> subprocess.Popen[str]:
    # -P: nothing must be imported from the folder of this file.
    command = [sys.executable, "-P", __file__, str(PROCESSOR_SECONDS)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread takes address space
    )


def _answer(process: subprocess.Popen[str], path: str) -> str:
    """Return the line that the process writes, or an empty text if it ended without one."""
    patience = Timer(WAIT_SECONDS, process.kill)
    patience.start()
    try:
        questions = _pipe(process.stdin)
        questions.write(ascii(path) + "\n")
        questions.flush()
        return _pipe(process.stdout).readline()
    except BrokenPipeError:
        return ""
    finally:
        patience.cancel()


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise BrokenPipeError
    return stream


# --- In the separate process ---------------------------------------------------------------------


def serve(seconds: int) -> None:
    """Try each file that is named on the standard input, and answer each with a line."""
    _limit("RLIMIT_AS", MOST_MEMORY)
    for line in sys.stdin:
        with _left_to_the_reader():
            path = ast.literal_eval(line)
            used = int(sum(os.times()[:2]))
            _limit("RLIMIT_CPU", used + seconds + os.path.getsize(path) // BYTES_PER_SECOND)
            _Walk(path)
        print(flush=True)


def _limit(what: str, most: int) -> None:
    # Windows has no limits: there the process is ended when it takes too long.
    with suppress(ImportError, ValueError, OSError):
        import resource

        kind = getattr(resource, what)
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


@contextmanager
def _left_to_the_reader() -> Iterator[None]:
    """Ignore an error, because the reader will meet it and report it.

    A lack of memory is different: the reader might have more memory, so it ends this process.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)):
            print("it needs more memory than it can fill", flush=True)
            os._exit(1)


class _Walk:
    """Do with every object in the file what a reader might do with it."""

    def __init__(self, path: str) -> None:
        import h5py

        self.h5py = h5py
        self.bytes_to_read = MOST_READ
        with h5py.File(path, "r", locking=False) as self.file:
            self._visit_all()

    def _visit_all(self) -> None:
        waiting = [self.file]
        known = {self._address(self.file)}
        while waiting:
            for entry in self._look_at(waiting.pop()):
                with _left_to_the_reader():
                    address = self._address(entry)
                    if address not in known:
                        known.add(address)
                        waiting.append(entry)

    def _address(self, entry) -> int:
        return self.h5py.h5o.get_info(entry.id).addr

    def _look_at(self, entry) -> list:
        """Read one object, and return the objects that it leads to."""
        with _left_to_the_reader():
            dict(entry.attrs)
        with _left_to_the_reader():
            if isinstance(entry, self.h5py.Group):
                return self._members(entry)
            if self._has_content_here(entry):
                return self._content(entry)
        return []

    def _members(self, group) -> list:
        members = []
        for name in list(group):
            with _left_to_the_reader():
                if isinstance(group.get(name, getlink=True), self.h5py.HardLink):
                    members.append(group[name])
        return members

    def _has_content_here(self, entry) -> bool:
        is_array = isinstance(entry, self.h5py.Dataset) and bool(entry.shape)
        return is_array and not entry.external and not entry.is_virtual

    def _content(self, entry) -> list:
        """Read an array, and return the objects that its references point to."""
        entry.id.get_storage_size()
        if entry.chunks:
            self._index(entry)
        if entry.nbytes > self.bytes_to_read:
            return []

        self.bytes_to_read -= entry.nbytes
        values = entry[()]
        if self.h5py.check_ref_dtype(entry.dtype) is not self.h5py.Reference:
            return []

        targets = []
        for reference in values.flat:
            with _left_to_the_reader():
                targets.append(self.file[reference])
        return targets

    def _index(self, entry) -> None:
        """Look at the size of each chunk.

        HDF5 takes the memory that a chunk claims before it looks whether the chunk is there.
        """
        most = os.path.getsize(self.file.filename)

        def look(chunk) -> None:
            if chunk.size > most:
                raise MemoryError

        entry.id.chunk_iter(look)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
