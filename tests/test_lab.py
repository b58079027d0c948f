"""``make lab`` serves this machine only, and only who has the token.

It writes only below the project and the cache.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient

ROOT = Path(__file__).resolve().parents[1]
WORK = """
from gsmflow_lite import figures, gaussian_world
from gsmflow_lite.figures.projection import Projection
world = gaussian_world(8, seed=0).dataset
figures.png(figures.loss_curve([]))
Projection.fit(world.features[:60], seed=0)
"""


def command(project: Path) -> str:
    """The command of ``make lab`` in the Makefile, with this Python and another project folder."""
    line = ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/.installed", "lab"]
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "ARGS"))
    }
    said = subprocess.run(line, cwd=ROOT, env=outside, capture_output=True, text=True, check=True)
    own = said.stdout.replace(str(ROOT), str(project)).replace("\\\n", " ").strip()
    return (
        f"exec env {own.replace('.venv/bin/jupyter', f'{sys.executable} -m jupyter')} --no-browser"
    )


def wait_for(what, patience: float = 60):
    """The first result of ``what`` that is there."""
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end, "JupyterLab did not start: see the file log in its folder"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The server's own record of itself, a home folder and the project's stand-in."""
    home = tmp_path_factory.mktemp("home")
    project = tmp_path_factory.mktemp("project")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "XDG", "GSMFLOW"))
    }
    line = f"{command(project)} --ServerApp.port={port} --ServerApp.port_retries=0"
    with (
        open(project / "log", "w") as log,
        subprocess.Popen(
            line, shell=True, cwd=project, env=kept | {"HOME": str(home)}, stdout=log, stderr=log
        ) as server,
    ):
        try:
            record = wait_for(lambda: next(project.rglob("jpserver-*.json"), None))
            wait_for(lambda: answer(f"http://localhost:{port}/login"))
            yield json.loads(record.read_text()), home, project
        finally:
            server.terminate()
            server.wait(20)


def answer(address: str, token: str = "", data: bytes | None = None) -> int:
    """The status of the answer, 0 for none."""
    request = urllib.request.Request(
        address, data, {"Authorization": f"token {token}"} if token else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_request_without_the_token_is_refused(served):
    record, _, _ = served
    assert answer(f"{record['url']}api/contents") == 403
    assert answer(f"{record['url']}api/contents", record["token"]) == 200


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="make sets up .venv alone")
def test_nobody_is_asked_about_news(served):
    record, _, _ = served
    with urllib.request.urlopen(f"{record['url']}lab?token={record['token']}", timeout=30) as page:
        text = page.read().decode()
    config = json.loads(re.search('id="jupyter-config-data"[^>]*>(.*?)</script>', text, re.S)[1])
    disabled = config["disabledExtensions"]
    assert any("@jupyterlab/apputils-extension:announcements" in str(one) for one in disabled)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux says in /proc who listens")
def test_the_server_listens_on_this_machine_only(served):
    record, _, _ = served
    assert record["hostname"] == "localhost"
    listening = {
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if line.split()[3] == "0A"
    }
    assert [place for place in listening if place.endswith(f":{record['port']:04X}")] == [
        f"0100007F:{record['port']:04X}"
    ]


def test_a_session_writes_below_the_project_and_the_cache_only(served):
    record, home, project = served
    assert answer(f"{record['url']}api/kernels", record["token"], b"{}") == 201
    client = BlockingKernelClient(connection_file=str(next(project.rglob("kernel-*.json"))))
    client.load_connection_file()
    client.start_channels()
    try:
        reply = client.execute_interactive(WORK, timeout=120, output_hook=lambda message: None)
    finally:
        client.stop_channels()
    assert reply["content"]["status"] == "ok", reply["content"]
    written = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert written
    assert {path for path in written if not path.startswith(".cache/gsmflow_lite/")} == set()
