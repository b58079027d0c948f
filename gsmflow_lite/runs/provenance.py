"""What a result was made with: versions of packages, and the revision of the code."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version

PACKAGES = ("gsmflow-lite", "torch", "numpy", "scikit-learn", "umap-learn", "plotly")
DESCRIBE = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def versions() -> dict[str, str]:
    """Versions of this package, of those it computes with, and of Python."""
    installed = {name: version(name) for name in PACKAGES}
    return installed | {"python": platform.python_version()}


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
