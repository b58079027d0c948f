"""The package from outside: what an import costs, and what a wheel carries."""

import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gsmflow_lite.runs.lesson import write_lesson

ROOT = Path(__file__).resolve().parents[1]
SLOW = (
    "plotly",
    "umap",
    "ipywidgets",
    "matplotlib",
    "seaborn",
    "sklearn",
    "scipy",
    "pandas",
    "h5py",
    "IPython",
)


def run_python(code: str, **options) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_slow_besides_torch():
    code = f"import sys, gsmflow_lite; print([name for name in {SLOW} if name in sys.modules])"
    assert run_python(code) == "[]"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return next(folder.glob("*.whl"))


def test_a_wheel_installed_elsewhere_finds_the_embedded_data(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import gsmflow_lite as g; print(g.__file__); print(len(g.glyphs(8).class_names));"
        "print(len(g.hangul(8).class_names));"
        "from gsmflow_lite.generators.zoo import glyph_zoo; print(glyph_zoo().model().features)"
    )
    where, letters, syllables, width = run_python(
        code, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}
    ).splitlines()
    assert Path(where).is_relative_to(tmp_path)  # not the checkout
    assert (letters, syllables, width) == ("47", "900", "64")


def test_a_wheel_carries_all_of_the_page_that_computes(wheel):
    there = {path.name for path in (ROOT / "gsmflow_lite/page/app").iterdir()}
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.rpartition("/")[2] for name in names if "/page/app/" in name} == there


def test_a_wheel_carries_the_course_without_outputs(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        course = [one for one in archive.infolist() if "/course/" in one.filename]
        assert sum(one.compress_size for one in course) < 300_000  # bytes: with outputs, millions
        archive.extractall(tmp_path)
    code = "from gsmflow_lite.cli import main; main(['lesson', 'mine', '--answers'])"
    run_python(code, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    write_lesson(tmp_path / "of checkout", answers=True)
    assert contents(tmp_path / "mine") == contents(tmp_path / "of checkout")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.long
def test_the_command_of_an_installed_wheel_copies_the_course(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    install = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([programs / "python", *install], check=True, timeout=240)
    needed = {"PYTHONPATH": sysconfig.get_path("purelib")}  # the package itself is not in there
    lesson = [programs / "gsmflow-lite", "lesson", "mine"]
    done = subprocess.run(lesson, cwd=tmp_path, env=needed, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.glob("mine/notebooks/*.ipynb"))) == len(
        list((ROOT / "notebooks").glob("*.ipynb"))
    )


def test_a_wheel_carries_the_licence_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("test" in name for name in names)


def test_the_embedded_data_have_the_recorded_checksum():
    import hashlib

    digest, name = (ROOT / "data" / "glyphs.sha256").read_text().split()
    assert hashlib.sha256((ROOT / "data" / name).read_bytes()).hexdigest() == digest


LOCKS = ("requirements.lock", "requirements-torch.lock", "requirements-torch-cpu.lock")


def pins(name: str) -> dict[str, tuple[str, int]]:
    """Of each package in a file of requirements: its version, and how many hashes follow."""
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        if pin := re.match(r"([A-Za-z0-9_.-]+)==([^ ;]+)", line):
            package = canonicalize_name(pin[1])
            found[package] = (pin[2], 0)
        elif re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line):
            found[package] = (found[package][0], found[package][1] + 1)
    return found


def test_dependencies_are_stated_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    stated = {
        canonicalize_name(Requirement(one).name)
        for one in project["dependencies"] + extras["notebooks"] + extras["dev"]
    }
    assert "-e .[notebooks,dev]" in (ROOT / "environment.yml").read_text()
    assert stated <= set(pins("constraints.txt"))


def test_the_lock_files_hold_the_tested_versions_each_with_hashes():
    tested = {name: version for name, (version, _) in pins("constraints.txt").items()}
    locked = pins("requirements.lock") | pins("requirements-torch.lock")
    assert {name: version for name, (version, _) in locked.items()} == tested
    assert all(hashes for name in LOCKS for _, hashes in pins(name).values())


def test_the_torch_of_the_cpu_is_the_same_release():
    version, _ = pins("requirements-torch.lock")["torch"]
    assert pins("requirements-torch-cpu.lock") == {"torch": (f"{version}+cpu", 1)}


@pytest.mark.parametrize("name", [*LOCKS, "constraints.txt", "environment.yml", "Makefile"])
def test_no_file_of_versions_names_a_place_to_download_from(name):
    assert "://" not in (ROOT / name).read_text()


def test_make_installs_from_the_lock_files_alone():
    recipe = (ROOT / "Makefile").read_text().split("$(INSTALLED): ")[1].split("\n\n")[0]
    calls = [line for line in recipe.splitlines() if " install " in line or "VERIFIED" in line]
    assert len(calls) == 4
    assert all(
        "$(VERIFIED)" in call or "--no-deps --no-build-isolation -e ." in call for call in calls
    )
    assert re.search(
        "^VERIFIED := install --require-hashes --no-deps ",
        (ROOT / "Makefile").read_text(),
        re.MULTILINE,
    )
