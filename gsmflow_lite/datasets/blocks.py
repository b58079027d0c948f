"""Large matrices are worked on block by block; this is how large a block of rows is."""

from __future__ import annotations

BLOCK = 1 << 25  # bytes of float32; a larger block takes more memory, a smaller one more calls


def rows_per_block(width: int, itemsize: int = 4) -> int:
    """Return how many rows of ``width`` numbers fit into a block, at least one.

    >>> rows_per_block(2048)
    4096
    """
    return max(1, BLOCK // (itemsize * width))
