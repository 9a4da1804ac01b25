"""The machine: whether a GPU answers there, and what it and its software are called."""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from gpu_check import child


@dataclass(frozen=True)
class Machine:
    """What the head of a log entry names, and why this is no GPU (empty where it is one)."""

    facts: dict[str, str]
    fault: str = ""


def refusal() -> str:
    """Return in one line why nothing can be checked here, nothing where a GPU answers."""
    if not child.installed("numpy"):
        return f"{sys.executable} has no NumPy, which gpugrad needs"
    from gpugrad.backends import backend_named, driver_version
    from gpugrad.errors import BackendUnavailable

    if driver_version() is None:
        return "no NVIDIA driver answers on this machine"
    if not child.installed("array_api_compat"):
        return f"{sys.executable} has no array-api-compat, which gpugrad needs"
    try:
        cupy = backend_named("cupy").cupy
    except BackendUnavailable as error:
        return str(error).removeprefix("backend 'cupy' is not available: ")
    return stands_in(cupy)


def stands_in(cupy: Any) -> str:
    """Return why this module is not CuPy itself, nothing where it is."""
    return "" if cupy.__name__ == "cupy" else f"{cupy.__name__} stands in for CuPy: no GPU code would be run"


def look(cupy: Any) -> Machine:
    """Return the facts about the current device and the software around it."""
    runtime, device = cupy.cuda.runtime, cupy.cuda.Device()
    properties = runtime.getDeviceProperties(device.id)
    capability = str(device.compute_capability)
    facts = {
        "device": f"{properties['name'].decode()}, compute capability {capability[:-1]}.{capability[-1]}, "
        f"{properties['totalGlobalMem'] / 2**30:.0f} GiB",
        "driver": f"{_driver()}, speaks CUDA {_dotted(runtime.driverGetVersion())}",
        "CuPy": cupy.__version__,
        "CUDA runtime": _dotted(runtime.runtimeGetVersion()),
        "NVRTC": ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
        "torch": _torch(),
        "NumPy": importlib.import_module("numpy").__version__,
        "Python": platform.python_version(),
        "gpugrad": _gpugrad(),
    }
    return Machine(facts, stands_in(cupy))


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def _said(*command: str) -> str:
    """Return what a program answers, nothing if it is not here or fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    ended = subprocess.run([program, *command[1:]], cwd=child.ROOT, capture_output=True, text=True)
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _driver() -> str:
    lines = _said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").splitlines()
    return lines[0].strip() if lines else "of a version that nvidia-smi does not say"


def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "not installed"


def _gpugrad() -> str:
    """Return the commit, where this is a checkout, and whether files differ from it."""
    commit = _said("git", "describe", "--always", "--dirty", "--abbrev=12")
    return f"commit {commit}" if commit else "no commit is known"
