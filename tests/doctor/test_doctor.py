"""The doctor: each fault has its line, its remedy and the exit code 1; no check stops others."""

import hashlib
import io
import json
import os
import re
import sys
import time
import tomllib
import warnings
from base64 import urlsafe_b64encode
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from packaging.requirements import Requirement

from gsmflow_lite.cli import main
from gsmflow_lite.doctor import checks, device, finding, kept, machine, notebooks, small_flow
from gsmflow_lite.doctor import versions as of_versions
from gsmflow_lite.doctor.checks import CHECKS, WARMING, Check, examine
from gsmflow_lite.doctor.finding import Answer, Finding, Visit, faulty, in_one_line, noted, well
from gsmflow_lite.doctor.page import sentence, text_of
from gsmflow_lite.errors import DataError
from gsmflow_lite.events import Epoch
from gsmflow_lite.figures import projection
from gsmflow_lite.method import checkpoint
from gsmflow_lite.method.model import GSMFlow

ROOT = Path(__file__).resolve().parents[2]
CPU = Visit("cpu")
OF_FLOW = [check for check in CHECKS if check.look.__module__ == small_flow.__name__]


def look_at(what: str, visit: Visit = CPU) -> Finding:
    """What the doctor says of one thing."""
    (check,) = [check for check in (*CHECKS, WARMING) if check.what == what]
    (answer,) = examine(visit, [check])
    return answer.finding


def without_thinking(monkeypatch, **answers) -> None:
    """Let the command make only checks that say these findings."""
    stand_ins = [Check(what, lambda visit, f=f: f, 60) for what, f in answers.items()]
    monkeypatch.setattr(checks, "CHECKS", stand_ins)


# --- The whole -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All that the command prints and writes, looking at the CPU, on a machine with a name."""
    folder = tmp_path_factory.mktemp("doctor")
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setenv("HOME", str(folder / "anna"))
        patch.setenv("GSMFLOW_CACHE", str(folder / "anna" / "maps"))
        patch.setattr("platform.node", lambda: "secret-host")
        patch.setattr("socket.gethostname", lambda: "secret-host")
        code = main(["doctor", "--device", "cpu", "--json", str(folder / "found")])
    return code, printed.getvalue(), json.loads((folder / "found.json").read_text())


def test_where_all_is_well_the_exit_code_is_0_and_each_check_has_a_line(whole):
    code, text, _ = whole
    assert code == 0, text
    assert "FAULT" not in text
    assert re.findall(r"^(?:ok|note) +(\w.*?)  ", text, re.MULTILINE) == [c.what for c in CHECKS]
    assert "\nAll is well" in text


def test_neither_the_home_folder_nor_the_name_of_the_machine_is_told(whole):
    _, text, data = whole
    assert "~/maps" in text
    shown = text.partition("\nwritten:")[0] + json.dumps(data)
    assert "anna" not in shown
    assert "secret-host" not in shown


def test_the_file_says_the_same_with_all_versions(whole):
    _, text, data = whole
    assert data["well"]
    assert [one["what"] for one in data["answers"]] == [check.what for check in CHECKS]
    assert all(one["found"] in text and one["remedy"] in text for one in data["answers"])
    assert data["versions"]["torch"] == metadata.version("torch")
    assert data["sentence"] in text


def test_a_fault_gives_the_exit_code_1_and_its_remedy_stands_below_it(monkeypatch, capsys):
    without_thinking(monkeypatch, one=well("good"), two=faulty("broken", "mend it"))
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"ok +one +good", lines[0])
    assert re.fullmatch(r"FAULT +two +broken", lines[1])
    assert lines[2].strip() == "-> mend it"
    assert lines[3].startswith("To be mended: two (")


def test_notes_alone_give_the_exit_code_0(monkeypatch, capsys):
    without_thinking(monkeypatch, one=noted("slow"), two=noted("cold", "warm it"))
    assert main(["doctor"]) == 0
    assert "All is well, with 2 notes" in capsys.readouterr().out


def test_findings_that_cannot_be_written_are_printed_all_the_same(monkeypatch, capsys, tmp_path):
    without_thinking(monkeypatch, one=well("good"))
    (tmp_path / "file").write_text("")
    assert main(["doctor", "--json", str(tmp_path / "file" / "found.json")]) == 2
    said = capsys.readouterr()
    assert "good" in said.out
    assert "cannot be written" in said.err
    assert main(["doctor", "--json", "found.npz"]) == 2


def test_every_check_has_its_row_in_troubleshooting():
    page = (ROOT / "docs" / "troubleshooting.md").read_text().partition("## What the doctor says")
    rows = re.findall(r"^\| ([^|]+?) \| ", page[2], re.MULTILINE)
    assert sorted(rows[1:]) == sorted(check.what for check in (*CHECKS, WARMING))


# --- One check does not stop the others ----------------------------------------------------------


def broken(visit):
    raise RuntimeError(f"first line\n  of {Path.home()}/secret \x1b[31m" + 999 * "x")


def test_an_error_that_nobody_foresaw_is_a_fault_in_one_line_of_its_own_words():
    bad, good = examine(
        CPU, [Check("bad", broken, 9, "hit it"), Check("good", lambda v: well(""), 9)]
    )
    found = bad.finding.found
    assert (bad.finding.state, bad.finding.remedy) == ("fault", "hit it")
    assert found.startswith("RuntimeError: first line of ~/secret")
    assert "\n" not in found
    assert "\x1b" not in found
    assert len(found) < 500
    assert good.finding.state == "ok"


def test_an_error_of_the_library_is_told_without_its_class():
    def refuse(visit):
        raise DataError("rows must be even, got 3: give 4")

    (answer,) = examine(CPU, [Check("rows", refuse, 9)])
    assert answer.finding.found == "rows must be even, got 3: give 4"


def test_what_cannot_be_imported_is_no_fault_of_the_device(monkeypatch):
    monkeypatch.setattr(small_flow, "choose_device", lambda name: __import__("no_such_module"))
    fault = look_at("training")
    assert fault.found == "ModuleNotFoundError: No module named 'no_such_module'"
    assert fault.remedy == "install the package again"


def test_a_check_that_hangs_is_left_behind(monkeypatch):
    monkeypatch.setattr(checks, "HANGS_AFTER", 0.1)
    hanging = Check("driver", lambda visit: time.sleep(5), 0.01, "another driver")
    started = time.perf_counter()
    first, second = examine(CPU, [hanging, Check("next", lambda visit: well("good"), 9)])
    assert time.perf_counter() - started < 3
    assert (first.finding.state, first.finding.remedy) == ("fault", "another driver")
    assert "gave no answer" in first.finding.found
    assert second.finding.state == "ok"


def test_a_check_that_takes_over_its_time_is_told():
    def slow(visit):
        time.sleep(0.05)
        return well("good")

    (late,) = examine(CPU, [Check("slow", slow, 0.01)])
    (in_time,) = examine(CPU, [Check("slow", slow, 30)])
    assert late.finding.state == "note"
    assert late.finding.found.startswith("good (took")
    assert in_time.finding == well("good")


def test_what_a_fault_makes_useless_is_not_looked_at_nor_what_comes_after_that():
    first = Check("a", lambda visit: faulty("broken", "mend"), 9)
    others = [Check("b", broken, 9, after="a"), Check("c", broken, 9, after="b")]
    states = [answer.finding.state for answer in examine(CPU, [first, *others])]
    assert states == ["fault", "note", "note"]


def test_every_check_that_waits_for_another_comes_after_it():
    names = [check.what for check in CHECKS]
    for check in CHECKS:
        assert not check.after or check.after in names[: names.index(check.what)]


def test_warming_comes_before_the_map_is_looked_for(monkeypatch):
    done = []
    stand_in = Check("map", lambda visit: done.append("map") or well(""), 9)
    monkeypatch.setattr(kept, "of_map", stand_in.look)
    monkeypatch.setattr(checks, "CHECKS", (stand_in,))
    warming = Check("warming", lambda visit: done.append("warming") or well(""), 9)
    monkeypatch.setattr(checks, "WARMING", warming)
    list(examine(Visit("cpu", warm=True)))
    assert done == ["warming", "map"]
    list(examine(CPU))
    assert done == ["warming", "map", "map"]


def test_the_last_line_counts_faults_by_name_and_notes():
    answers = [Answer("a", faulty("", "x"), 1.2), Answer("b", noted(""), 1.0)]
    assert sentence(answers) == "To be mended: a, with a note (2 s)."
    assert sentence([Answer("b", well(""), 3.0)]) == "All is well (3 s)."
    assert text_of(Answer("b", well("good"), 3.0)).count("\n") == 0


def test_where_the_home_is_the_root_paths_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(finding.Path, "home", lambda: Path("/"))
    assert in_one_line("in /tmp/x") == "in /tmp/x"


# --- Versions ------------------------------------------------------------------------------------


def stated(extra: str = "") -> dict[str, str]:
    """The bounds of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {one.name: str(one.specifier) for one in map(Requirement, texts)}


def installed_are(monkeypatch, **versions) -> None:
    """Pretend that these packages have other versions; None for one that is missing."""
    real = metadata.version

    def version(name):
        if (key := name.replace("-", "_")) not in versions:
            return real(name)
        if versions[key] is None:
            raise metadata.PackageNotFoundError(name)
        return versions[key]

    monkeypatch.setattr(metadata, "version", version)


@pytest.mark.parametrize("extra", ["", "notebooks"])
def test_what_is_needed_is_what_pyproject_states(extra):
    assert of_versions.needed_packages(extra) == stated(extra)


def test_packages_that_are_too_old_or_missing_are_named_with_what_to_install(monkeypatch):
    installed_are(monkeypatch, torch="1.13.1+cu117", umap_learn=None)
    fault = look_at("packages")
    assert fault.state == "fault"
    assert f"torch must be {stated()['torch']}, and is 1.13.1+cu117" in fault.found
    assert "umap-learn is missing" in fault.found
    assert "plotly" not in fault.found
    wanted = (f"'torch{stated()['torch']}'", f"'umap-learn{stated()['umap-learn']}'")
    assert fault.remedy == f"pip install --upgrade {' '.join(wanted)}"


def test_a_version_before_its_release_is_new_enough(monkeypatch):
    installed_are(monkeypatch, torch="99.0.0a0+gitabc")
    assert look_at("packages").state == "ok"


def test_a_python_that_is_too_old_is_a_fault(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.9.2")
    fault = look_at("Python")
    assert (fault.state, ">=3.11" in fault.remedy) == ("fault", True)


NONE = {"ipywidgets": None, "anywidget": None, "jupyterlab": None}


@pytest.mark.parametrize(
    ("changes", "state", "remedy"),
    [
        ({}, "ok", ""),
        (NONE, "note", "pip install 'gsmflow-lite[notebooks]'"),
        ({"anywidget": None}, "fault", "anywidget>="),
        ({"ipywidgets": None, "jupyterlab": None}, "fault", "ipywidgets>="),
        ({"ipywidgets": "7.7.1"}, "fault", "ipywidgets>="),
        ({"jupyterlab": "3.6.0"}, "fault", "jupyterlab>="),
        ({"jupyterlab": None}, "note", "there, too"),
    ],
)
def test_half_of_what_notebooks_need_is_a_fault(monkeypatch, changes, state, remedy):
    installed_are(monkeypatch, **changes)
    found = look_at("notebooks")
    assert found.state == state
    assert remedy in found.remedy


def test_without_notebooks_nothing_of_them_is_a_fault(monkeypatch):
    installed_are(monkeypatch, **NONE)
    states = {look_at(what).state for what in ("notebooks", "panels", "browser", "kernel")}
    assert states == {"note"}


# --- The machine and its device ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory", "threads", "cores", "state", "remedy"),
    [
        (16e9, 4, 4, "ok", ""),
        (3e9, 4, 4, "note", "close other programs"),
        (16e9, 1, 4, "note", "unset OMP_NUM_THREADS"),
        (16e9, 1, 1, "ok", ""),
        (16e9, 8, 4, "note", "OMP_NUM_THREADS=4"),
        (None, 4, 4, "ok", ""),
    ],
)
def test_little_memory_and_threads_are_notes(monkeypatch, memory, threads, cores, state, remedy):
    monkeypatch.setattr(machine, "memory_in_bytes", lambda: memory)
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    found = look_at("machine")
    assert found.state == state
    assert remedy in found.remedy


@pytest.fixture
def idle_gpu(monkeypatch, tmp_path):
    """A driver that knows a GPU, of which torch sees nothing."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA Test 9 (UUID: GPU-secret)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)


def test_a_gpu_for_which_torch_was_not_built_is_a_fault(idle_gpu):
    fault = look_at("device", Visit("auto"))
    assert fault.state == "fault"
    assert "NVIDIA Test 9 lies idle" in fault.found
    assert "secret" not in fault.found
    assert "torch built for CUDA" in fault.remedy


def test_a_driver_that_is_too_old_is_a_fault_in_the_words_of_torch(idle_gpu, monkeypatch):
    def complain():
        warnings.warn("The NVIDIA driver on your system is too old", UserWarning, stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", complain)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    fault = look_at("device", Visit("auto"))
    assert fault.state == "fault"
    assert "for CUDA 13.0 cannot use it: The NVIDIA driver on your system is too old" in fault.found
    assert "update the driver" in fault.remedy


def test_a_gpu_is_not_missed_where_the_cpu_was_asked_for(idle_gpu):
    assert look_at("device", CPU).state == "ok"


def test_a_driver_that_fails_is_no_gpu(idle_gpu, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'No devices were found'; exit 6\n")
    assert look_at("device", Visit("auto")).state == "ok"


def test_without_its_device_nothing_is_trained(idle_gpu):
    needing = [check for check in CHECKS if check.what == "device" or check in OF_FLOW]
    first, *others = [answer.finding for answer in examine(Visit("cuda"), needing)]
    assert first.state == "fault"
    assert "torch built for CUDA" in first.remedy
    assert ["not looked at" in other.found for other in others] == [True] * 5


def test_the_memory_of_a_gpu_is_told(monkeypatch):
    monkeypatch.setattr(device, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(device, "_add_up", lambda device: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Test 9")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70e9, 80e9))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    found = look_at("device", Visit("auto"))
    assert found.state == "ok"
    assert found.found.startswith("NVIDIA Test 9, 70 of 80 GB free, torch ")
    assert found.found.endswith("for CUDA 13.0")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0.2e9, 80e9))
    assert "nvidia-smi" in look_at("device", Visit("auto")).remedy


# --- A small flow --------------------------------------------------------------------------------


def small(device: str = "cpu") -> small_flow.Trained:
    return small_flow.train_small(torch.device(device), stop_after=1)


def test_a_flow_that_does_not_learn_is_a_fault(monkeypatch):
    epochs = [Epoch(k, 2, likelihood, 0.0, 0.1, 0.1) for k, likelihood in ((1, 1.0), (2, 1.5))]
    monkeypatch.setattr(
        small_flow, "train_small", lambda device: small_flow.Trained(None, epochs, "")
    )
    fault = look_at("training")
    assert fault.state == "fault"
    assert "from 1.00 to 1.50: it does not learn" in fault.found
    assert "--device cpu" in fault.remedy


def test_what_the_training_warns_of_is_a_note(monkeypatch):
    real = small_flow.fit

    def fit(*given, **options):
        warnings.warn("steps could not be captured", UserWarning, stacklevel=1)
        yield from real(*given, **options)

    monkeypatch.setattr(small_flow, "fit", fit)
    found = look_at("training")
    assert (found.state, "steps could not be captured" in found.found) == ("note", True)


def test_a_device_that_cannot_train_is_a_fault_and_the_rest_is_left_out(monkeypatch):
    def fit(*given, **options):
        raise RuntimeError("no kernel image is available for execution on the device")
        yield

    monkeypatch.setattr(small_flow, "fit", fit)
    first, *others = [answer.finding for answer in examine(CPU, OF_FLOW)]
    assert first.state == "fault"
    assert "no kernel image is available" in first.found
    assert len(others) == 4
    assert all("training is at fault" in other.found for other in others)


def test_a_training_that_goes_on_otherwise_is_a_fault(monkeypatch):
    real = checkpoint._saved_moments

    def forgetful(tensors, name, parameter):
        return {
            key: torch.zeros_like(value) for key, value in real(tensors, name, parameter).items()
        }

    assert look_at("going on").state == "ok"
    monkeypatch.setattr(checkpoint, "_saved_moments", forgetful)
    fault = look_at("going on")
    assert fault.state == "fault"
    assert "otherwise than one that was not stopped" in fault.found
    assert "report it" in fault.remedy


def test_a_training_that_cannot_be_repeated_is_told_from_one_that_goes_on_otherwise(monkeypatch):
    real = small_flow.fit

    def fit(model, *given, **options):
        for event in real(model, *given, **options):
            with torch.no_grad():
                next(model.parameters()).add_(1e-4 * torch.rand(()))
            yield event

    monkeypatch.setattr(small_flow, "fit", fit)
    assert "two trainings of the same seed differ" in look_at("going on").found


def test_features_that_are_others_each_time_are_a_fault(monkeypatch):
    real = GSMFlow.synthesize

    def synthesize(self, *given, **options):
        return real(self, *given, **options) + 1e-5 * torch.rand(())

    assert look_at("synthesizing").state == "ok"
    monkeypatch.setattr(GSMFlow, "synthesize", synthesize)
    fault = look_at("synthesizing")
    assert (fault.state, "the same seed gives other features" in fault.found) == ("fault", True)


class Elsewhere(GSMFlow):
    """A flow on a device that computes otherwise, until it comes back to the CPU."""

    off = dict.fromkeys(("log_prob", "synthesize"), 0.0)

    def to(self, *_):
        self.__class__ = GSMFlow
        return self

    def log_prob(self, *given):
        return super().log_prob(*given) * (1 + self.off["log_prob"])

    def synthesize(self, *given, **options):
        features = super().synthesize(*given, **options)
        middle = features.mean(1, keepdim=True)
        return features + self.off["synthesize"] * (features - middle)


@pytest.mark.parametrize(
    ("off", "words"),
    [
        ({}, []),
        ({"log_prob": 1e-5, "synthesize": 1e-5}, []),
        ({"log_prob": 0.01}, ["log-densities are off by 0.01 of their size"]),
        ({"synthesize": 0.01}, ["features of the same seed are off"]),
        ({"synthesize": 0.5}, ["features of the same seed", "the variance reading is"]),
    ],
)
def test_a_device_that_computes_otherwise_than_the_cpu_is_a_fault(monkeypatch, off, words):
    model = small().model
    model.__class__ = Elsewhere
    monkeypatch.setattr(Elsewhere, "off", Elsewhere.off | off)
    monkeypatch.setattr(small_flow, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(small_flow, "train_small", lambda device: small_flow.Trained(model, [], ""))
    found = look_at("against the CPU")
    assert found.state == ("fault" if words else "ok"), found
    assert all(word in found.found for word in words), found


def test_where_there_is_only_the_cpu_it_is_not_compared_with_itself():
    assert "CPU only" in look_at("against the CPU").found


def test_a_gpu_that_is_slower_than_the_cpu_is_a_note(monkeypatch):
    seconds = {"cuda": 0.004, "cpu": 0.002}

    def of_step(data, on, captured=True):
        return seconds[on.type] if captured else 0.008

    monkeypatch.setattr(small_flow, "glyphs", small_flow.world)
    monkeypatch.setattr(small_flow, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(small_flow, "seconds_a_step", of_step)
    slow = look_at("speed")
    assert (slow.state, "--device cpu" in slow.remedy) == ("note", True)
    seconds["cuda"] = 0.001
    fast = look_at("speed")
    assert fast.state == "ok"
    assert fast.found.startswith("1.0 ms a step of letters on cuda")
    assert fast.found.endswith("8.0 ms where none is captured; 2.0 ms on the CPU")


# --- What is kept --------------------------------------------------------------------------------


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """The embedded files, in a folder where they may be damaged."""
    real = kept.embedded

    def embedded(name, script):
        path = tmp_path / name
        if not path.exists():
            path.write_bytes(real(name, script).read_bytes())
            checksum = real(name, script).with_suffix(".sha256")
            if name.endswith(".npz"):
                (tmp_path / checksum.name).write_text(checksum.read_text())
        return path

    monkeypatch.setattr(kept, "embedded", embedded)
    return tmp_path


def test_an_embedded_file_that_is_damaged_is_a_fault(copied):
    assert look_at("embedded data").state == "ok"
    path = copied / "hangul.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    fault = look_at("embedded data")
    assert fault.state == "fault"
    assert "hangul.npz is damaged" in fault.found
    assert "install the package again" in fault.remedy


def test_an_embedded_file_that_is_missing_is_a_fault(monkeypatch):
    def embedded(name, script):
        raise DataError(f"{name}: this file comes with the package and must be there")

    monkeypatch.setattr(kept, "embedded", embedded)
    fault = look_at("embedded data")
    assert (fault.state, "must be there" in fault.found) == ("fault", True)


def test_the_checksum_of_an_installed_file_is_that_of_its_record(monkeypatch, tmp_path):
    path = tmp_path / "glyphs_zoo.safetensors"
    path.write_bytes(b"weights")
    value = urlsafe_b64encode(hashlib.sha256(b"weights").digest()).decode().rstrip("=")
    record = SimpleNamespace(
        name=path.name, hash=SimpleNamespace(mode="sha256", value=value), locate=lambda: path
    )
    elsewhere = SimpleNamespace(**vars(record) | {"locate": lambda: tmp_path / "other" / path.name})
    monkeypatch.setattr(metadata, "files", lambda name: [record])
    assert kept.recorded_digest(path) == hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr(metadata, "files", lambda name: [elsewhere])
    assert kept.recorded_digest(path) is None


def test_a_flow_that_cannot_be_read_is_a_fault(monkeypatch):
    def read():
        raise DataError("glyphs_zoo.safetensors is damaged")

    monkeypatch.setattr(kept, "ZOOS", {"glyphs": read})
    assert look_at("shipped flows").found == "glyphs_zoo.safetensors is damaged"


def test_a_cache_that_cannot_be_written_is_a_fault(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "file" / "maps"))
    fault = look_at("cache folder")
    assert fault.state == "fault"
    assert "maps cannot be written" in fault.found
    assert "set GSMFLOW_CACHE" in fault.remedy


def test_a_full_disk_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1e8))
    fault = look_at("cache folder")
    assert (fault.state, "make room" in fault.remedy) == ("fault", True)


def test_the_cache_is_looked_at_without_being_made(monkeypatch, tmp_path):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path / "new" / "maps"))
    found = look_at("cache folder")
    assert (found.state, "holds 0 maps" in found.found) == ("ok", True)
    assert list(tmp_path.iterdir()) == []


def test_a_map_is_cold_until_it_was_made(monkeypatch, tmp_path):
    monkeypatch.setenv("GSMFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(kept, "glyphs", small_flow.world)
    monkeypatch.setattr(kept, "is_compiled", lambda: True)
    cold = look_at("map of letters")
    assert (cold.state, "--warm" in cold.remedy) == ("note", True)
    assert list(tmp_path.iterdir()) == []
    with monkeypatch.context() as patch:
        columns = lambda features, *_, **__: features[:, :2].astype("float32")  # noqa: E731
        patch.setattr(projection, "lay_out", columns)
        assert look_at("warming up").state == "ok"
    assert look_at("map of letters").state == "ok"


def test_umap_is_cold_until_numba_has_compiled_it(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    cold = look_at("map of letters")
    assert (cold.state, "half a minute longer" in cold.found) == ("note", True)
    (tmp_path / "pynndescent_1").mkdir()
    (tmp_path / "pynndescent_1" / "rp_trees.search_flat_tree-2843.py311.nbi").write_text("")
    assert kept.is_compiled()


def test_a_numba_that_refuses_numpy_is_a_fault(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert look_at("map of letters").state == "fault"


# --- Notebooks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sent_as_it_is", [True, False])
def test_a_front_end_that_is_cut_off_is_a_fault(monkeypatch, tmp_path, sent_as_it_is):
    from gsmflow_lite.panels.live import LiveFigure

    real = notebooks.files("gsmflow_lite.panels").joinpath("figure.js").read_text()
    damaged = real[: len(real) // 2]
    (tmp_path / "figure.js").write_text(damaged)
    monkeypatch.setattr(notebooks, "files", lambda package: tmp_path)
    if sent_as_it_is:
        monkeypatch.setattr(LiveFigure, "_esm", damaged)
    fault = look_at("panels")
    assert (fault.state, "figure.js, is damaged" in fault.found) == ("fault", True)
    assert "install the package again" in fault.remedy


def test_a_plotly_without_its_javascript_is_a_fault(monkeypatch):
    monkeypatch.setattr("gsmflow_lite.panels.live._javascript_of_plotly", lambda: "")
    fault = look_at("panels")
    assert (fault.state, "reinstall plotly" in fault.remedy) == ("fault", True)


def test_panels_that_cannot_be_imported_are_a_fault(monkeypatch):
    monkeypatch.setitem(sys.modules, "gsmflow_lite.panels", None)
    fault = look_at("panels")
    assert (fault.state, "gsmflow_lite.panels" in fault.found) == ("fault", True)


def test_an_explorer_that_shows_nothing_is_a_fault_and_is_closed(monkeypatch):
    closed = []
    panel = SimpleNamespace(wait=lambda: None, has_view=False, close=lambda: closed.append(1))
    monkeypatch.setattr("gsmflow_lite.panels.explore", lambda name: panel)
    assert look_at("panels").state == "fault"
    assert closed == [1]


@pytest.fixture
def page_config(monkeypatch, tmp_path):
    """A folder of settings of Jupyter's that comes before all others."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    (tmp_path / "labconfig").mkdir()
    return tmp_path / "labconfig" / "page_config.json"


@pytest.mark.parametrize("name", ["anywidget", "@jupyter-widgets/jupyterlab-manager:plugin"])
def test_an_extension_that_is_disabled_is_a_fault(page_config, name):
    page_config.write_text(json.dumps({"disabledExtensions": {"anywidgets": True}}))
    assert look_at("browser").state == "ok"
    page_config.write_text(json.dumps({"disabledExtensions": {name: True}}))
    fault = look_at("browser")
    whole = name.partition(":")[0]
    assert fault.found == f"{whole} is disabled"
    assert fault.remedy == f"jupyter labextension enable {whole}"


@pytest.mark.parametrize("name", list(notebooks.EXTENSIONS))
def test_an_extension_that_is_missing_is_a_fault(monkeypatch, name):
    others = {key: one for key, one in notebooks.extensions_found().items() if key != name}
    monkeypatch.setattr(notebooks, "extensions_found", lambda: others)
    fault = look_at("browser")
    assert fault.found == f"{name} is missing"
    assert fault.remedy == f"pip install --force-reinstall {notebooks.EXTENSIONS[name]}"


def test_an_older_copy_of_an_extension_that_comes_first_is_a_fault(monkeypatch, tmp_path):
    folder = tmp_path / "labextensions" / "anywidget"
    (folder / "static").mkdir(parents=True)
    (folder / "static" / "remoteEntry.js").write_text("")
    build = {"_build": {"load": "static/remoteEntry.js"}}
    package = {"name": "anywidget", "version": "0.1.0", "jupyterlab": build}
    (folder / "package.json").write_text(json.dumps(package))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    fault = look_at("browser")
    assert f"anywidget is 0.1.0, anywidget {metadata.version('anywidget')}" in fault.found
    assert str(tmp_path) in fault.remedy
    (folder / "static" / "remoteEntry.js").unlink()
    assert look_at("browser").found == "anywidget lacks its JavaScript"


def test_a_jupyterlab_without_its_page_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTERLAB_DIR", str(tmp_path))
    assert "JupyterLab's page is missing" in look_at("browser").found


def test_a_kernel_of_another_python_is_a_fault(monkeypatch, tmp_path):
    path = tmp_path / "kernels" / "python3" / "kernel.json"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    def kernel_of(python):
        path.write_text(json.dumps({"argv": [str(python), "-m", "ipykernel_launcher"]}))
        return look_at("kernel")

    other = kernel_of("/opt/other/bin/python3")
    assert (other.state, "ipykernel install" in other.remedy) == ("fault", True)
    assert kernel_of(sys.executable).state == "ok"
    assert kernel_of("python").state == "ok"
    assert kernel_of("/opt/start_kernel.sh").state == "note"


def test_without_ipykernel_no_notebook_runs(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert look_at("kernel").remedy == "pip install ipykernel"
