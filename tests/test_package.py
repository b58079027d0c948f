"""The package from outside: what an import costs, and what a wheel carries."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SLOW = ("plotly", "umap", "ipywidgets", "matplotlib", "seaborn", "sklearn", "scipy", "pandas", "h5py", "IPython")


def run_python(code: str, **options) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_slow_besides_torch():
    code = f"import sys, gsmflow_lite; print([name for name in {SLOW} if name in sys.modules])"
    assert run_python(code) == "[]"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return next(folder.glob("*.whl"))


def test_a_wheel_installed_elsewhere_finds_the_embedded_data(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import gsmflow_lite as g; print(g.__file__); print(len(g.glyphs(8).class_names));"
        "from gsmflow_lite.zoo import glyph_zoo; print(glyph_zoo().model().features)"
    )
    where, classes, width = run_python(code, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}).splitlines()
    assert Path(where).is_relative_to(tmp_path)  # not the checkout
    assert (classes, width) == ("47", "64")


def test_a_wheel_carries_the_licence_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("test" in name for name in names)


def test_the_embedded_data_have_the_recorded_checksum():
    import hashlib

    digest, name = (ROOT / "data" / "glyphs.sha256").read_text().split()
    assert hashlib.sha256((ROOT / "data" / name).read_bytes()).hexdigest() == digest


def test_dependencies_are_stated_once():
    assert "-e .[notebooks,dev]" in (ROOT / "environment.yml").read_text()
    pinned = (ROOT / "constraints.txt").read_text().lower()
    assert "torch==2.13.0" in pinned
