"""Arithmetic, axes and memory: what depends on the machine, kept in one place."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def principal_axes(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a covariance (D, D): variances (D,), ascending, and axes, the columns of (D, D), each with its largest entry positive.

    An eigenvector is known up to its sign, which changes with the number of threads. Here it is one thread: on a busy machine
    two waited 100 times longer for each other.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        values, vectors = np.linalg.eigh(covariance)
    return values, vectors * np.sign(
        np.take_along_axis(vectors, np.abs(vectors).argmax(0, keepdims=True), 0)
    )


@contextmanager
def arithmetic(precision: str, device: str | torch.device = "cpu") -> Iterator[None]:
    """Within this block, the matrix products of a flow's networks on ``device`` are done in ``precision``.

    ``float32`` changes nothing. ``tf32`` lets torch round the *inputs* of products where the hardware is faster for it, as
    ``torch.set_float32_matmul_precision("medium")`` does: to TF32 on CUDA, to bfloat16 on processors with AMX; on other
    processors nothing is rounded, but oneDNN multiplies, which may be faster. ``bf16`` is torch's autocast: products take and
    give bfloat16, with three significant digits; scales, log-determinants, losses and weights stay float32.

    >>> with arithmetic("bf16"):
    ...     print((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
    torch.bfloat16
    """
    before = torch.get_float32_matmul_precision()
    if precision == "tf32":
        torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def give_back() -> None:
    """Hand back what is free: glibc keeps freed memory, in pieces, by which a long session grows. Elsewhere nothing is done."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
