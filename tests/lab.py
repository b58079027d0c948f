"""Start a real JupyterLab and a real Chromium, for tests in a browser and the latency benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat

PATIENCE = 180  # seconds, for whatever a loaded machine is waited for
SAVED = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
# Software rendering, so that the picture is the same with and without a graphics card; and no calls
# to the outside.
CHROMIUM = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# What is run before the kernel answers is lost.
READY = """() => {
  const session = window.jupyterapp.shell.currentWidget?.sessionContext;
  const kernel = session?.session?.kernel;
  return session?.isReady && kernel?.status === "idle" && kernel.connectionStatus === "connected";
}"""

# The kernel answers in order, and tells when all that it said before has arrived.
SETTLE = """async () => {
  await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestKernelInfo();
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
}"""


def chromium_path() -> str | None:
    """``$CHROMIUM``, or the Chromium that is installed."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


def _lab_command(folder: Path, port: int) -> list[str]:
    settings = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 0,
        "open_browser": False,
        "root_dir": str(folder),
    }
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--ServerApp.{key}={value}" for key, value in settings.items()]
    command += ["--IdentityProvider.token="]
    command += [f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp")]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _lab_environment(own: Path) -> dict[str, str]:
    """The environment of this process, in which all of Jupyter's folders are ``own``."""
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )
    settings = {"JUPYTERLAB_SETTINGS_DIR": str(own / "settings")}
    return os.environ | dict.fromkeys(places, str(own)) | settings


@contextlib.contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """Start a JupyterLab that shows ``folder``, with settings of its own, and give its address.

    It serves Notebook 7, too. It ends with the block.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = folder / ".jupyter"
    (own / "labconfig").mkdir(parents=True)
    # This extension asks the internet for news, and the user whether it may.
    disabled = {"@jupyterlab/apputils-extension:announcements": True}
    page_config = json.dumps({"disabledExtensions": disabled})
    (own / "labconfig" / "page_config.json").write_text(page_config)

    with (
        open(own / "log", "w") as log,
        subprocess.Popen(
            _lab_command(folder, port),
            cwd=folder,
            env=_lab_environment(own),
            stdout=log,
            stderr=log,
        ) as server,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}/api/status", server, own / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()  # ends the kernels too
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(
        f"JupyterLab did not start; the end of what it said: {log.read_text()[-2000:]}"
    )


@contextlib.contextmanager
def chromium() -> Iterator:
    """A Chromium of Playwright's. While it is open this thread counts as running an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


def open_notebook(
    browser,
    address: str,
    folder: Path,
    name: str,
    cells: Sequence[str],
    *,
    first: str = "",
    classic: bool = False,
):
    """Open a page with a new notebook of these cells, and run all of them.

    ``page.lines`` gathers the lines of its console. ``first`` is JavaScript that the page runs
    before its own. The page is that of JupyterLab, or of Notebook 7 if it is to be ``classic``.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(notebook, folder / f"{name}.ipynb")
    page = browser.new_page(viewport={"width": 1500, "height": 1300}, reduced_motion="reduce")
    page.set_default_timeout(1000 * PATIENCE)
    page.add_init_script(first)
    page.lines = []
    page.on("console", lambda message: page.lines.append((message.type, message.text)))
    page.on("pageerror", lambda error: page.lines.append(("uncaught", str(error))))
    place = "notebooks" if classic else f"lab/workspaces/{name}/tree"
    page.goto(f"{address}/{place}/{name}.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(READY)
    if not classic:
        command(page, "application:toggle-left-area")
    command(page, "notebook:run-all-cells")
    return page


def wait_for_plot(page) -> None:
    """Wait until the panel's figure is drawn; raise the error of the cell where there is one."""
    stderr = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
    error = f"{stderr}, .jp-RenderedText .ansi-red-fg"
    page.wait_for_selector(f".gsmflow .js-plotly-plot .main-svg, {error}")
    if page.locator(error).count():
        raise RuntimeError(page.locator(error).first.inner_text())


def settle(page) -> None:
    """Wait until the kernel has done what the page asked; work in the background may go on."""
    page.evaluate(SETTLE)


def rest(page) -> None:
    """Wait until the panel's work in the background is done, too."""
    settle(page)
    page.wait_for_function(
        "() => !document.querySelector('.gsmflow [role=status]')?.innerText.endsWith('...')"
    )


def command(page, name: str, **options) -> None:
    """Give a command to JupyterLab, and do not wait for it.

    The braces keep its promise from being returned.
    """
    page.evaluate(
        "([name, options]) => { window.jupyterapp.commands.execute(name, options) }",
        [name, options],
    )
