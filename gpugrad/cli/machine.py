"""What there is to know of a machine, one row each; no row raises, and CuPy is met last."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

import numpy as np

from gpugrad.cli.blas import blas_name, blas_threads
from gpugrad.cli.cuda import cuda_rows
from gpugrad.cli.row import Row, pip

__all__ = ["rows"]


def rows() -> list[Row]:
    """Return every row; what a look itself stumbles over is a failed row."""
    looks: dict[str, Callable[[], Iterator[Row]]] = {
        "python": _python,
        "dependencies": _dependencies,
        "numpy": _numpy,
        "variables": _variables,
        "cuda": cuda_rows,
        "extras": _extras,
    }
    found: list[Row] = []
    for name, look in looks.items():
        try:
            found += look()
        except Exception as error:  # a doctor must not fall ill
            found.append(Row(name, "failed", f"{type(error).__name__}: {' '.join(str(error).split())}", _reinstall))
    return found


_reinstall = f"{pip} install --upgrade --force-reinstall gpugrad"


def _python() -> Iterator[Row]:
    yield Row("python", "ok", f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}")
    yield Row("platform", "ok", f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} CPUs")


def _dependencies() -> Iterator[Row]:
    for name, least in sorted(_required().items()):
        version = _version(name)
        if version is None:
            yield Row(name, "failed", "not installed", f"{pip} install '{name}>={least}'")
        elif _numbers(version) < _numbers(least):
            upgrade = f"{pip} install --upgrade '{name}>={least}'"
            yield Row(name, "failed", f"{version}, and gpugrad needs {least} or later", upgrade)
        elif name != "numpy":
            yield Row(name, "ok", version)


def _numpy() -> Iterator[Row]:
    a = np.arange(64 * 64, dtype=np.float32).reshape(64, 64) % 7
    right = bool((a @ a == (a.astype(np.int64) @ a.astype(np.int64))).all())
    found = f"{np.__version__}, {blas_name()}, {blas_threads()}, a matmul is {'right' if right else 'WRONG'}"
    reinstall = f"{pip} install --force-reinstall numpy"
    yield Row("numpy", "ok" if right else "failed", found, "" if right else reinstall)


_read = (
    "GPUGRAD_BACKEND CUDA_VISIBLE_DEVICES CUDA_PATH CUPY_CACHE_DIR OMP_NUM_THREADS OPENBLAS_NUM_THREADS "
    "MKL_NUM_THREADS NO_COLOR"
).split()


def _variables() -> Iterator[Row]:
    found = ", ".join(f"{name}={os.environ[name]}" for name in _read if name in os.environ)
    yield Row("variables", "ok" if found else "none", found or "none is set")
    folder = os.environ.get("CUDA_PATH")
    if folder and not os.path.isdir(folder):
        yield Row("CUDA_PATH", "failed", f"{folder} is not a folder", "unset CUDA_PATH")


def _extras() -> Iterator[Row]:
    whole = [
        extra
        for extra, names in sorted(_extra_requirements().items())
        if names and all(_version(name) is not None for name in names)
    ]
    yield Row("extras", "ok" if whole else "none", ", ".join(whole) or "none is installed")


def _required() -> dict[str, str]:
    """Return the packages that gpugrad cannot do without, each with its oldest version."""
    lines = [line for line in metadata.requires("gpugrad") or [] if "extra ==" not in line]
    return {_name(line): found[1] if (found := re.search(r">=\s*([\d.]+)", line)) else "0" for line in lines}


def _extra_requirements() -> dict[str, list[str]]:
    """Return the packages of each extra that are for this platform."""
    found: dict[str, list[str]] = {}
    for line in metadata.requires("gpugrad") or []:
        extra = re.search(r"extra == ['\"]([^'\"]+)['\"]", line)
        if extra and not re.search(rf"sys_platform != ['\"]{sys.platform}['\"]", line):
            found.setdefault(extra[1], []).append(_name(line))
    return found


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
