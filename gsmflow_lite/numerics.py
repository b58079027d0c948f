"""What depends on the machine: axes, the device, precision of products, sizes, memory."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from .errors import ConfigError

LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")  # a number of bytes, or the word max


def principal_axes(
    covariance: Float[np.ndarray, "D D"],
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D D"]]:
    """Return the variances in ascending order, and the axes as columns.

    The largest entry of each axis is positive: without that rule the sign of an eigenvector changes
    with the number of threads. One thread does the work: on a busy machine, two threads waited for
    each other and took 100 times longer.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        variances, axes = np.linalg.eigh(covariance)
    places = np.abs(axes).argmax(0, keepdims=True)
    largest = np.take_along_axis(axes, places, 0)
    return variances, axes * np.sign(largest)


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name. ``auto`` takes CUDA, else Apple's MPS, else the CPU.

    Raises ``ConfigError`` for a device that torch does not have here.
    """
    if not isinstance(name, str | torch.device):
        raise ConfigError(
            f"device must be auto, cpu, cuda or mps, got {name!r}: give one of these as text"
        )
    if name == "auto":
        name = _best_device()
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            f"device must be auto, cpu, cuda or mps and present here, got {name!r}: {error}"
        ) from None
    return device


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def arithmetic(precision: str, device: str | torch.device = "cpu") -> Iterator[None]:
    """Set the precision of a flow's matrix products on ``device``, within this block only.

    - ``float32`` changes nothing.
    - ``tf32`` lets torch round the *inputs* of products where that is faster, as
      ``torch.set_float32_matmul_precision("medium")`` does: to TF32 on CUDA, to bfloat16 on
      processors with AMX. Other processors round nothing, but multiply by oneDNN, which may be
      faster.
    - ``bf16`` is torch's autocast: products take and give bfloat16, which has three significant
      digits. Scales, log-determinants, losses and weights stay float32.

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


def values_at_once(device: torch.device) -> int:
    """Return how many values of a hidden layer to hold at once on a device.

    On a processor, about as many as its cache holds. An accelerator is slowed by launches, so it
    gets many: 512 MB in single precision, or a 32nd of its memory where that is less. This depends
    on the device alone, so a result can be had again on it.
    """
    if device.type == "cpu":
        return 2**20
    if device.type != "cuda":
        return 2**24
    return min(2**27, torch.cuda.get_device_properties(device).total_memory // (32 * 4))


def memory_in_bytes() -> float | None:
    """Return the memory of the machine, or of the container; None where the system does not say."""
    sizes = []
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        sizes.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):
        sizes.append(float(LIMIT_OF_CONTAINER.read_text()))
    return min(sizes, default=None)


def give_back() -> None:
    """Give freed memory back to the system, where the C library is glibc; elsewhere do nothing.

    By itself glibc keeps freed memory in pieces, and a long session grows by them.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
