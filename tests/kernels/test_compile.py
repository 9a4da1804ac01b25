"""Every kernel compiles for every GPU that gpugrad speaks of, and keeps all it works with in registers."""

import re

import pytest
from kernel_resources import ARCHITECTURES, compiled

from gpugrad.cuda import nvrtc, source
from gpugrad.errors import GpugradError

pytestmark = pytest.mark.skipif(
    not nvrtc.available(), reason="needs the wheels cuda-bindings, nvidia-cuda-nvrtc and nvidia-cuda-runtime"
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", source.names())
def test_a_kernel_compiles_without_warnings_stack_or_spills(name: str, architecture: str) -> None:
    result = compiled(name, architecture)
    assert not result.warnings
    assert result.cubin.startswith(b"\x7fELF")
    assert result.kernels.keys() == set(re.findall(r"Compiling entry function '(\w+)'", result.log))
    assert result.kernels, "no entry point was found"
    for entry, resources in result.kernels.items():
        local = (resources.stack, resources.spill_stores, resources.spill_loads)
        assert local == (0, 0, 0), f"{entry} keeps something in local memory"
        assert resources.registers <= 64, f"{entry} leaves room for fewer than 1024 threads"


def test_an_error_names_the_line_of_the_kernel_file() -> None:
    broken = source.read("sigmoid.cu") + "\nthis is not C++;\n"
    with pytest.raises(GpugradError, match=r"sigmoid\.cu\(\d+\): error") as caught:
        nvrtc.compile_cubin(broken, "sigmoid.cu", "sm_90")
    lines = (source.folder() / "sigmoid.cu").read_text(encoding="utf-8").count("\n")
    assert f"sigmoid.cu({lines + 2}): error" in str(caught.value)


def test_a_local_array_is_found_out() -> None:
    loops = "for (int i = 0; i < 64; ++i) a[x[i]] = i; for (int i = 0; i < 64; ++i) x[i] = a[i];"
    text = 'extern "C" __global__ void f(int* x) { int a[64]; ' + loops + " }"
    result = nvrtc.compile_cubin(text, "f.cu", "sm_90")
    assert result.kernels["f"].stack == 256


def test_a_warning_is_found_out() -> None:
    result = nvrtc.compile_cubin('extern "C" __global__ void f() { int unused = 0; }', "f.cu", "sm_90")
    assert "unused" in "\n".join(result.warnings)
