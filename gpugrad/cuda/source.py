"""The text of the CUDA kernels: where kernels/ lies, and what the compiler is given."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gpugrad.errors import GpugradError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["completed", "folder", "names", "read"]

_prelude = "common.cuh"


@cache
def folder() -> Traversable:
    """Return the folder of kernels: inside the package once installed, beside it in a checkout."""
    from importlib.resources import files

    for candidate in (files("gpugrad") / "kernels", Path(__file__).parents[2] / "kernels"):
        if (candidate / _prelude).is_file():
            return candidate
    raise GpugradError("the CUDA kernels are missing from this installation of gpugrad: install it again")


def names() -> list[str]:
    """Return the file names of all kernels, sorted.

    >>> "sigmoid.cu" in names()
    True
    """
    return sorted(entry.name for entry in folder().iterdir() if entry.name.endswith(".cu"))


def read(name: str) -> str:
    """Return what the compiler is given for the kernel file `name`: common.cuh, and then the file.

    The common part is put in front, not included: CuPy's cache on disk knows a program by its text alone. The
    line numbers in errors are those of the file itself.

    >>> '#line 1 "sigmoid.cu"' in read("sigmoid.cu")
    True
    """
    if name not in names():
        raise GpugradError(f"there is no kernel file {name!r}: the files are {', '.join(names())}")
    return completed(name, (folder() / name).read_text(encoding="utf-8"))


def completed(name: str, kernel: str) -> str:
    """Return what the compiler is given for the text of a kernel, which `name` stands for in errors.

    >>> completed("swish", "struct Body {};").splitlines()[-2:]
    ['#line 1 "swish"', 'struct Body {};']
    """
    common = (folder() / _prelude).read_text(encoding="utf-8")
    return f'#line 1 "{_prelude}"\n{common}\n#line 1 "{name}"\n{kernel}'
