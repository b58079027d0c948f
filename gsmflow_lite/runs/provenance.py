"""What a result was made with: versions of packages, the device, the revision of the code."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version

import torch

from ..numerics import choose_device

PACKAGES = ("gsmflow-lite", "torch", "numpy", "scikit-learn", "umap-learn", "plotly")
DESCRIBE = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def versions() -> dict[str, str]:
    """Versions of this package, of those it computes with, and of Python."""
    installed = {name: version(name) for name in PACKAGES}
    return installed | {"python": platform.python_version()}


def device_name(device: str) -> str:
    """Return what a device is called: the name of the GPU, else ``cpu`` or ``mps``.

    ``device`` is as for :func:`gsmflow_lite.numerics.choose_device`, and raises the same.
    """
    found = choose_device(device)
    return torch.cuda.get_device_name(found) if found.type == "cuda" else found.type


def git_revision() -> str:
    """Return the commit of the repository that the working directory lies in.

    It ends in ``-dirty`` where files have changed since, and is ``unknown`` outside a repository.
    """
    safe = ("--no-optional-locks", "-c", "core.fsmonitor=false")  # runs nothing of the repository
    try:
        done = subprocess.run(["git", *safe, *DESCRIBE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
