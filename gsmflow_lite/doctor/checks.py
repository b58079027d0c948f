"""The list of checks, and the doctor who makes them one by one; a check cannot stop the others."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Thread

from ..errors import GSMFlowError
from . import device, kept, machine, notebooks, small_flow, versions
from .finding import Answer, Finding, Visit, faulty, in_one_line, noted

HANGS_AFTER = 100.0  # seconds, after which a check is believed to hang
REPORT = "report it, with what --json FILE writes"
REINSTALL = "install the package again"
OTHER_DEVICE = (
    "on a GPU try --device cpu: if that is well, its driver and torch do not go together; else "
    f"{REPORT}"
)
REINSTALL_NOTEBOOKS = "pip install --force-reinstall 'gsmflow-lite[notebooks]'"


@dataclass(frozen=True)
class Check:
    """One thing to look at: its name, how to look, and how many seconds that should take at most.

    ``remedy`` is for what nobody has foreseen. Where the check of the name ``after`` found a fault,
    there is no use in looking.
    """

    what: str
    look: Callable[[Visit], Finding]
    seconds: float
    remedy: str = REPORT
    after: str = ""


WARMING = Check("warming up", kept.make_map, 90, after="cache folder")

CHECKS = (
    Check("Python", versions.of_python, 2, REINSTALL),
    Check("packages", versions.of_packages, 2, REINSTALL),
    Check("machine", machine.of_machine, 1),
    Check("device", device.of_device, 8, OTHER_DEVICE),
    Check("embedded data", kept.of_data, 5, REINSTALL),
    Check("shipped flows", kept.of_flows, 6, REINSTALL, after="embedded data"),
    Check("cache folder", kept.of_folder, 1),
    Check("training", small_flow.trains, 15, OTHER_DEVICE, after="device"),
    Check("going on", small_flow.goes_on, 6, OTHER_DEVICE, after="training"),
    Check("synthesizing", small_flow.repeats, 5, OTHER_DEVICE, after="training"),
    Check("against the CPU", small_flow.agrees, 8, OTHER_DEVICE, after="training"),
    Check("speed", small_flow.speed, 15, OTHER_DEVICE, after="training"),
    Check("notebooks", versions.of_notebooks, 2, REINSTALL_NOTEBOOKS),
    Check("panels", notebooks.of_panels, 20, REINSTALL_NOTEBOOKS, after="notebooks"),
    Check("browser", notebooks.of_browser, 5, REINSTALL_NOTEBOOKS, after="notebooks"),
    Check("kernel", notebooks.of_kernel, 5, REINSTALL_NOTEBOOKS, after="notebooks"),
    Check("map of letters", kept.of_map, 10, REINSTALL),
)


def examine(visit: Visit, checks: Sequence[Check] | None = None) -> Iterator[Answer]:
    """Make all checks, one after the other, and give each answer as soon as it is there.

    No check raises: an error that is none of its findings becomes a fault with the error's words.
    """
    if checks is None:
        checks = _with_warming(CHECKS) if visit.warm else CHECKS
    without: set[str] = set()  # what is at fault, or could not be looked at
    for check in checks:
        started = time.perf_counter()
        if check.after in without:
            finding = noted(f"not looked at, because {check.after} is at fault")
        else:
            finding = _within_patience(check, visit)
        seconds = time.perf_counter() - started
        if finding.state == "fault" or check.after in without:
            without.add(check.what)
        yield Answer(check.what, _for_others(_on_time(finding, check, seconds)), seconds)


def _with_warming(checks: Sequence[Check]) -> list[Check]:
    """The checks, with the map made before it is looked for."""
    before = [check for check in checks if check.look is not kept.of_map]
    return [*before, WARMING, *[check for check in checks if check.look is kept.of_map]]


def _within_patience(check: Check, visit: Visit) -> Finding:
    """Look in a thread: a driver that hangs must not hang the doctor."""
    answers: list[Finding] = []
    thread = Thread(target=lambda: answers.append(_looked(check, visit)), daemon=True)
    thread.start()
    patience = max(HANGS_AFTER, 4 * check.seconds)
    thread.join(patience)
    if answers:
        return answers[0]
    return faulty(f"gave no answer within {patience:.0f} seconds", check.remedy)


def _looked(check: Check, visit: Visit) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a check that wants to hear of them listens itself
            return check.look(visit)
    except GSMFlowError as error:
        return faulty(str(error), check.remedy)
    except ImportError as error:  # no matter of the device
        remedy = REINSTALL if check.remedy == OTHER_DEVICE else check.remedy
        return faulty(f"{type(error).__name__}: {error}", remedy)
    except Exception as error:
        return faulty(f"{type(error).__name__}: {error}", check.remedy)


def _on_time(finding: Finding, check: Check, seconds: float) -> Finding:
    """Say so where a check took longer than it should."""
    if seconds <= check.seconds:
        return finding
    late = f"{finding.found} (took {seconds:.1f} s, {check.seconds:g} are expected)"
    state = "note" if finding.state == "ok" else finding.state
    return replace(finding, state=state, found=late)


def _for_others(finding: Finding) -> Finding:
    return replace(finding, found=in_one_line(finding.found), remedy=in_one_line(finding.remedy))
