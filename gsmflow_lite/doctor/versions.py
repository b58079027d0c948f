"""Python and the packages, against the bounds that the package itself states."""

from __future__ import annotations

import platform
from importlib import metadata

from .. import __version__
from .finding import Finding, Visit, faulty, noted, well

PACKAGE = "gsmflow-lite"
EXTRA = f"pip install '{PACKAGE}[notebooks]'"
WIDGETS = {"ipywidgets", "anywidget"}  # without them there is no panel, wherever the page is
NAMED = ("torch", "numpy", "plotly", "umap-learn")  # on the page; all of them are in the file


def of_python(visit: Visit) -> Finding:
    """Which Python this is, and whether the package runs on it."""
    here = platform.python_version()
    found = f"gsmflow_lite {__version__} on Python {here}, {platform.system()} {platform.machine()}"
    needed = metadata.metadata(PACKAGE)["Requires-Python"]
    if needed and not _fits(here, needed):
        return faulty(f"{found}, which must be {needed}", f"install Python {needed}, and this anew")
    return well(found)


def of_packages(visit: Visit) -> Finding:
    """Whether every package that this one needs is here, and new enough."""
    needed = needed_packages()
    wrong = _wrong(needed)
    if wrong:
        return faulty("; ".join(wrong.values()), _install(wrong))
    named = ", ".join(f"{name} {installed(name)}" for name in NAMED)
    return well(f"all {len(needed)} that are needed, among them {named}")


def of_notebooks(visit: Visit) -> Finding:
    """Whether what panels need is here: all of it, or nothing at all."""
    needed = needed_packages("notebooks")
    wrong = _wrong(needed)
    missing = {name for name in needed if installed(name) is None}
    if missing == set(needed):
        return noted("none is installed: the panels were not looked at", f"if wanted: {EXTRA}")
    if wrong and (missing & WIDGETS or set(wrong) != missing):
        return faulty("; ".join(wrong.values()), _install(wrong))
    if wrong:
        page = f"no {' or '.join(missing)} here: the page comes from another environment"
        return noted(page, f"install {' and '.join(sorted(WIDGETS))} there, too; or {EXTRA}")
    return well(", ".join(f"{name} {installed(name)}" for name in needed))


def needed_packages(extra: str = "") -> dict[str, str]:
    """Return the packages that are needed, each with its bounds, or those of an extra alone.

    They are read from what was installed, so they are stated once, in pyproject.toml.
    """
    from packaging.requirements import Requirement

    needed = {}
    for text in metadata.requires(PACKAGE) or []:
        one = Requirement(text)
        always = one.marker is None or one.marker.evaluate({"extra": ""})
        asked = one.marker is None or one.marker.evaluate({"extra": extra})
        if asked and always == (not extra):
            needed[one.name] = str(one.specifier)
    return needed


def installed(name: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def all_versions() -> dict[str, str | None]:
    """Return the version of each package that this one may need, as far as that is known."""
    try:
        names = [*needed_packages(), *needed_packages("notebooks")]
    except (ImportError, metadata.PackageNotFoundError):  # `of_packages` says so
        return {}
    return {name: installed(name) for name in names}


def _wrong(needed: dict[str, str]) -> dict[str, str]:
    """What is wrong with packages, by requirement."""
    wrong = {}
    for name, bounds in needed.items():
        version = installed(name)
        if version is None:
            wrong[name] = f"{name} is missing"
        elif not _fits(version, bounds):
            wrong[name] = f"{name} must be {bounds}, and is {version}"
    return wrong


def _fits(version: str, bounds: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds).contains(version, prereleases=True)


def _install(wrong: dict[str, str]) -> str:
    every = needed_packages() | needed_packages("notebooks")
    return "pip install --upgrade " + " ".join(f"'{name}{every[name]}'" for name in wrong)
