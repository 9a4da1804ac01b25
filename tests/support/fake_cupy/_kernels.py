"""What the kernels do, in Python: for machines that cannot run the C++, and for tests of what calls them.

The parameters are read from the C++ itself. One thread per element, or any other grid: the results are the same but for
rounding. GPUGRAD_TEST_KERNELS names a runner of cuda_on_cpu that takes their place: the kernels' source, or its PTX.
"""

from __future__ import annotations

import os
import re
from functools import cache

import numpy as np

from gpugrad.cuda import source

__all__ = ["parameters", "run"]

_dtypes = {"f16": "float16", "f32": "float32", "f64": "float64"}
_arithmetic = {"f16": "float32", "f32": "float32", "f64": "float64"}
_scalars = {"long long": "int64", "int": "int32", "unsigned": "uint32", "double": "float64", "float": "float32"}


@cache
def _entries(file):
    """Return the parameters, as text, of every entry point of a file."""
    text = source.read(file)
    found = {}
    for macro, body in re.findall(r"^#define (\w+)\(SUFFIX, T\)((?:.*\\\n)+.*\n)", text, re.M):
        suffixes = list(_dtypes) if f"FOR_EACH_DTYPE({macro})" in text else re.findall(rf"^{macro}\((\w+),", text, re.M)
        for name, listed in re.findall(r"(\w+)_##SUFFIX\(([^)]*)\)", body):
            for suffix in suffixes:
                found[f"{name}_{suffix}"] = " ".join(listed.replace("\\", " ").split())
    return found


@cache
def parameters(file, entry):
    """Return (name, dtype, whether it is a pointer) of every parameter of an entry point."""
    if entry not in _entries(file):
        raise RuntimeError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {entry} in {file}")
    suffix = entry.rpartition("_")[2]
    kinds = _scalars | {"T": _dtypes[suffix], "arithmetic_t<T>": _arithmetic[suffix]}
    listed = []
    for part in _entries(file)[entry].split(","):
        kind, name = part.replace("const ", "").replace("__restrict__", "").strip().rsplit(" ", 1)
        listed.append((name, kinds[kind.rstrip("* ")], "*" in kind))
    return tuple(listed)


_chosen = os.environ.get("GPUGRAD_TEST_KERNELS", "")


def run(file, entry, grid, block, args):
    """Do what the kernel does, on NumPy arrays and scalars."""
    if not _chosen:
        return _in_python(file, entry, grid, args)
    from cuda_on_cpu import Launch, runners

    if reason := runners.lacks(_chosen):
        raise RuntimeError(f"GPUGRAD_TEST_KERNELS={_chosen} {reason}")
    return runners.program_of(file, _chosen).run(Launch(entry, grid, block, args))


def _in_python(file, entry, grid, args):
    stem, _, suffix = entry.rpartition("_")
    named = dict(zip((name for name, _, _ in parameters(file, entry)), args, strict=True))
    with np.errstate(all="ignore"):
        _bodies[stem](np.dtype(_arithmetic[suffix]), grid[0], **named)


def _flat(x, n):
    assert x.size >= n, "a kernel would read or write beyond an array"
    return x.reshape(-1)[:n]


def _sigmoid(wide, blocks, x, z, n):
    _flat(z, n)[...] = 1 / (1 + np.exp(-_flat(x, n).astype(wide)))


def _sigmoid_backward(wide, blocks, g, z, gx, n):
    g, z = _flat(g, n).astype(wide), _flat(z, n).astype(wide)
    _flat(gx, n)[...] = g * z * (1 - z)


def _sum_of_squares(wide, blocks, x, partials, n):
    squares = _flat(x, n).astype(np.float64) ** 2
    _flat(partials, blocks)[...] = [part.sum() for part in np.array_split(squares, blocks)]


def _norm_and_coefficient(wide, blocks, partials, max_norm, norm, coefficient, n):
    norm[...] = np.sqrt(_flat(partials, n).sum())
    ratio = max_norm / (norm.astype(np.float64) + 1e-6)
    coefficient[...] = 1.0 if ratio > 1 else ratio


def _scale(wide, blocks, x, coefficient, n):
    _flat(x, n)[...] = _flat(x, n).astype(wide) * coefficient


_bodies = {
    "sigmoid": _sigmoid,
    "sigmoid_backward": _sigmoid_backward,
    "sum_of_squares": _sum_of_squares,
    "norm_and_coefficient": _norm_and_coefficient,
    "scale": _scale,
}
