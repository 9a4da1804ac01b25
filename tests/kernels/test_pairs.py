"""What Python says of a kernel is what its source says."""

import importlib
import re

import pytest

from gpugrad import _fused
from gpugrad._fused import registry
from gpugrad.cuda import Kernel, source

ENTRY = re.compile(r"(\w+)_##SUFFIX\(([^)]*)\)")
TYPES = {"long long": "int64", "double": "float64", "float": "float32", "T": "T", "arithmetic_t<T>": "A"}


def kernels(file: str) -> dict[str, Kernel]:
    module = importlib.import_module(f"gpugrad._fused.{file.removesuffix('.cu')}")
    return {kernel.name: kernel for kernel in vars(module).values() if isinstance(kernel, Kernel)}


def parameter(text: str) -> tuple[str, str, bool]:
    words = re.sub(r"\b(const|__restrict__)\b|\\", " ", text).split()
    kind = " ".join(words[:-1])
    return words[-1], TYPES[kind.rstrip("*")], kind.endswith("*")


@pytest.mark.parametrize("file", source.names())
def test_a_signature_is_that_of_the_source(file: str) -> None:
    text = (source.folder() / file).read_text(encoding="utf-8")
    written = {name: [parameter(part) for part in found.split(",")] for name, found in ENTRY.findall(text)}
    said = {
        name: [(p.name, p.dtype, p.length is not None) for p in kernel.parameters]
        for name, kernel in kernels(file).items()
    }
    assert said == written


@pytest.mark.parametrize("file", source.names())
def test_a_block_has_the_size_of_the_launch_bounds(file: str) -> None:
    text = re.sub(r"\\\n", " ", (source.folder() / file).read_text(encoding="utf-8"))
    bounds = re.findall(r"__launch_bounds__\((\d+)\)\s+(\w+)_##SUFFIX", text)
    assert {name: kernel.threads for name, kernel in kernels(file).items()} == {
        name: int(threads) for threads, name in bounds
    }


def test_every_kernel_file_is_in_the_registry_and_every_pair_is_complete() -> None:
    assert {pair.file for pair in registry.values()} == set(source.names())
    assert {file.removesuffix(".cu") for file in source.names()} <= set(_fused.__all__)
    assert [name for name, pair in registry.items() if pair.kernel is None] == []
    assert all(pair.name == name for name, pair in registry.items())
