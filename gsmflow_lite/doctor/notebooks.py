"""What notebooks need: the panels, the extensions of JupyterLab in the browser, and the kernel."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from .finding import Finding, Visit, faulty, noted, well
from .versions import installed

# What must be in the browser, and the package that brings it there.
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets",
    "anywidget": "anywidget",
    "jupyterlab-plotly": "plotly",
}
SAME_VERSION = {"anywidget", "jupyterlab-plotly"}  # as the package; the manager counts otherwise
LEAST_PLOTLY = 1_000_000  # letters of plotly's JavaScript, which is 5 MB
KERNEL = "python3"  # the one that the notebooks of the course ask for


def of_panels(visit: Visit) -> Finding:
    """Whether the explorer opens, and a live figure has its JavaScript."""
    if installed("ipywidgets") is None or installed("anywidget") is None:
        return noted("no widgets here: not looked at")
    from ..panels import explore
    from ..panels.lensmap import LensMap

    front_end = files("gsmflow_lite.panels").joinpath("figure.js").read_text(encoding="utf-8")
    figure = LensMap(["A", "B"]).figure
    sent = figure.get_state()
    if "export default" not in front_end or not sent["_esm"].endswith(front_end):
        again = "install the package again"
        return faulty("the JavaScript of the live figure, panels/figure.js, is damaged", again)
    if len(sent["_plotly"]) < LEAST_PLOTLY:
        again = "pip install --force-reinstall plotly"
        return faulty(f"plotly's JavaScript is cut off: {len(sent['_plotly'])} letters", again)

    panel = explore(name="doctor")
    try:
        panel.wait()
        opened = panel.has_view
    finally:
        panel.close()
    if not opened:
        return faulty("the explorer opens, but shows nothing", "see what explore() says in a cell")
    return well("the explorer opens, and a live figure has its JavaScript")


# --- In the browser ------------------------------------------------------------------------------


def of_browser(visit: Visit) -> Finding:
    """Whether JupyterLab has its page, and all extensions that show widgets, none disabled."""
    if installed("jupyterlab") is None:
        return noted("no JupyterLab here: not looked at")
    faults = [*_page_faults(), *_extension_faults(extensions_found(), extensions_disabled())]
    if faults:
        found, remedies = zip(*faults, strict=True)
        return faulty("; ".join(found), "; ".join(dict.fromkeys(remedies)))
    return well(f"JupyterLab has {', '.join(EXTENSIONS)}")


def extensions_found() -> dict[str, dict[str, Any]]:
    """Return the extensions that JupyterLab would load, by name, without starting it."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_federated_extensions

    return get_federated_extensions(jupyter_path("labextensions"))


def extensions_disabled() -> list[str]:
    """Return the names of extensions, and of parts of them, that settings switch off."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    folder = _lab_folder()
    settings = None if folder is None else str(folder / "settings")
    config = get_page_config(jupyter_path("labextensions"), settings)
    return list(config["disabledExtensions"])


def _lab_folder() -> Path | None:
    """The folder of JupyterLab's page; asking JupyterLab for it takes two seconds."""
    from jupyter_core.paths import jupyter_path

    own = os.environ.get("JUPYTERLAB_DIR")
    places = map(Path, [own] if own else jupyter_path("lab"))
    return next((place for place in places if (place / "static" / "index.html").is_file()), None)


def _page_faults() -> Iterator[tuple[str, str]]:
    if _lab_folder() is None:
        yield "JupyterLab's page is missing", "pip install --force-reinstall jupyterlab"


def _extension_faults(
    found: Mapping[str, Mapping[str, Any]], disabled: list[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with each extension that is needed, and what to do."""
    for name, package in EXTENSIONS.items():
        again = f"pip install --force-reinstall {package}"
        if name not in found:
            yield f"{name} is missing", again
        elif not _entry(found[name]).is_file():
            yield f"{name} lacks its JavaScript", again
        elif name in SAME_VERSION and found[name]["version"] != installed(package):
            older = f"an older copy of it lies in {found[name]['ext_dir']}: delete that"
            yield f"{name} is {found[name]['version']}, {package} {installed(package)}", older
        if any(one.partition(":")[0] == name for one in disabled):
            yield f"{name} is disabled", f"jupyter labextension enable {name}"


def _entry(extension: Mapping[str, Any]) -> Path:
    """The file that the browser loads of an extension."""
    load = extension["jupyterlab"].get("_build", {}).get("load", "no file")
    return Path(extension["ext_path"]) / load


# --- The kernel ----------------------------------------------------------------------------------


def of_kernel(visit: Visit) -> Finding:
    """Whether notebooks run on this Python, so that they find this package."""
    if installed("jupyterlab") is None:
        return noted("no JupyterLab here: not looked at")
    if importlib.util.find_spec("ipykernel") is None:
        return faulty("ipykernel is missing: no notebook can run", "pip install ipykernel")
    python = kernel_python()
    if python is None or _is_this_one(python):
        return well("notebooks run on this Python")
    if not python.name.startswith("python"):
        return noted(f"notebooks are started by {python}: see that it takes this Python")
    here = "python -m ipykernel install --sys-prefix, with the Python of this command"
    return faulty(f"notebooks run on another Python, {python}", here)


def _is_this_one(python: Path) -> bool:
    """Whether it is this Python in this environment: one Python may serve several."""
    here = Path(sys.executable)
    return python.parent == here.parent and python.resolve() == here.resolve()


def kernel_python() -> Path | None:
    """Return the Python that notebooks of the course run on.

    None stands for the one that runs JupyterLab: so it is where the kernel only says ``python``.
    """
    from jupyter_core.paths import jupyter_path

    for folder in jupyter_path("kernels"):
        path = Path(folder) / KERNEL / "kernel.json"
        if path.is_file():
            command = json.loads(path.read_text(encoding="utf-8"))["argv"]
            python = Path(command[0])
            return python if python.is_absolute() else None
    return None
