"""Principal axes that do not depend on how many threads, or which machine, found them."""

from __future__ import annotations

import numpy as np


def principal_axes(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a covariance (D, D): variances (D,), ascending, and axes, the columns of (D, D), each with its largest entry positive.

    An eigenvector is known up to its sign, which changes with the number of threads. Here it is one thread: on a busy machine
    two waited 100 times longer for each other.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        values, vectors = np.linalg.eigh(covariance)
    return values, vectors * np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(0, keepdims=True), 0))
