"""The device that training would take, and whether a GPU is there that torch cannot use."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings

import torch

from ..errors import ConfigError
from ..numerics import choose_device
from .finding import Finding, Visit, faulty, noted, well

LEAST_FREE = 1e9  # bytes of a GPU's memory
OTHER_BUILD = (
    "install a torch built for CUDA, of the newest version of CUDA that nvidia-smi names or an "
    "older one (pytorch.org, Get Started, says how); or pass --device cpu, if the CPU is meant"
)
NEWER_DRIVER = (
    "update the driver of the GPU, or install a torch built for an older CUDA; or pass --device cpu"
)


def of_device(visit: Visit) -> Finding:
    """Which device training takes, with its memory; a fault for a GPU that lies idle."""
    complaints = complaints_of_cuda()
    try:
        device = choose_device(visit.device)
    except ConfigError as error:
        return _without_device(visit.device, str(error), complaints)
    _add_up(device)
    if device.type == "cuda":
        return _of_cuda(device)
    if device.type == "cpu" and visit.device == "auto":
        return _of_cpu(complaints)
    return well(f"{device}, torch {torch.__version__}")


def complaints_of_cuda() -> str:
    """What torch complains about when it looks for a GPU, such as a driver that is too old."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.is_available()
    return "; ".join(str(one.message) for one in caught)


def gpus_by_driver() -> list[str]:
    """Return the names of the GPUs that NVIDIA's driver knows, whatever torch says."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        said = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=15)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU \d+: (.*?) \(UUID", said.stdout, re.MULTILINE)


def built_for() -> str | None:
    """Return what GPUs torch was built for, such as ``CUDA 12.6``; None for a build without."""
    if torch.version.cuda is not None:
        return f"CUDA {torch.version.cuda}"
    hip = getattr(torch.version, "hip", None)
    return None if hip is None else f"ROCm {hip}"


def _add_up(device: torch.device) -> None:
    """Compute something: a torch that was not built for this GPU fails here."""
    total = float(torch.arange(4.0, device=device).sum())
    if total != 6:
        raise ArithmeticError(f"0 + 1 + 2 + 3 must be 6 on {device}, got {total}")


def _of_cuda(device: torch.device) -> Finding:
    free, total = torch.cuda.mem_get_info(device)
    name = torch.cuda.get_device_name(device)
    memory = f"{free / 1e9:.0f} of {total / 1e9:.0f} GB free"
    found = f"{name}, {memory}, torch {torch.__version__} for {built_for()}"
    if free < LEAST_FREE:
        return noted(found, "end other programs that use the GPU: nvidia-smi lists them")
    return well(found)


def _of_cpu(complaints: str) -> Finding:
    """The CPU was chosen because there is nothing better, or nothing that torch can use."""
    idle = gpus_by_driver()
    if not idle:
        return well(f"CPU only, torch {torch.__version__}")
    found = f"{idle[0]} lies idle, for torch {torch.__version__}"
    if built_for() is None:
        return faulty(f"{found} was built without CUDA", OTHER_BUILD)
    because = f": {complaints}" if complaints else ""
    return faulty(f"{found} for {built_for()} cannot use it{because}", NEWER_DRIVER)


def _without_device(name: str, message: str, complaints: str) -> Finding:
    remedy = "leave --device out to take what is there"
    if name.startswith("cuda") and gpus_by_driver():
        remedy = OTHER_BUILD if built_for() is None else NEWER_DRIVER
    return faulty(f"{message}; {complaints}" if complaints else message, remedy)
