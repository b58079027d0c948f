"""runs.provenance."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version

VERSIONS = ("torch", "numpy", "scikit-learn", "umap-learn", "plotly")


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("gsmflow-lite", *VERSIONS)} | {
        "python": platform.python_version()
    }


def git_revision() -> str:
    """Of the repository that the working directory lies in: the commit, with ``-dirty`` where files have changes since."""
    command = [
        "git",
        "--no-optional-locks",
        "-c",
        "core.fsmonitor=false",
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
