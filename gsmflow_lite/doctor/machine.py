"""The machine: its memory, its cores, and how many threads torch computes with."""

from __future__ import annotations

import os

import torch

from ..numerics import memory_in_bytes
from .finding import Finding, Visit, counted, noted, well

LEAST_MEMORY = 4e9  # bytes that a lesson needs beside a browser


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


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
