"""The machine: its memory, its cores, and how many threads torch computes with."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import torch

from .finding import Finding, Visit, counted, noted, well

LEAST_MEMORY = 4e9  # bytes that a lesson needs beside a browser
LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")  # a number of bytes, or the word max


def of_machine(visit: Visit) -> Finding:
    """Memory of the machine, and threads of torch."""
    memory = memory_in_bytes()
    threads, cores = torch.get_num_threads(), usable_cores()
    size = "memory of unknown size" if memory is None else f"{memory / 1e9:.0f} GB of memory"
    found = f"{size}, {counted(cores, 'core')}, torch computes with {counted(threads, 'thread')}"
    if memory is not None and memory < LEAST_MEMORY:
        return noted(found, "close other programs, and leave out the published settings of 07")
    if threads == 1 < cores:
        return noted(found, "unset OMP_NUM_THREADS, unless others compute on this machine, too")
    if threads > cores:
        return noted(found, f"set OMP_NUM_THREADS={cores}, for threads wait for each other")
    return well(found)


def memory_in_bytes() -> float | None:
    """Return the memory of the machine, or of the container; None where the system does not say."""
    sizes = []
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        sizes.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):
        sizes.append(float(LIMIT_OF_CONTAINER.read_text()))
    return min(sizes, default=None)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
