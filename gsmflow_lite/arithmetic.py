"""In which arithmetic matrix products are done: full single precision, or faster and rounder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
