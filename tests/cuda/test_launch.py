"""A launch passes what the kernel reads or raises: no GPU is here, and a hand-made cupy keeps the account."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from gpugrad.cuda import Kernel, launch
from gpugrad.cuda.signature import Parameter, parse_signature
from gpugrad.errors import DeviceError, DtypeError, GpugradError, ShapeError

SMS, THREADS_PER_SM = 10, 2048


@dataclass
class Device:
    id: int
    entered: int = 0

    @property
    def attributes(self) -> dict[str, int]:
        return {"MultiProcessorCount": SMS, "MaxThreadsPerMultiProcessor": THREADS_PER_SM}

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.entered -= 1


@dataclass
class FakeArray:
    """What a launch looks at of an array on a GPU."""

    size: int
    dtype: np.dtype = field(default_factory=lambda: np.dtype("float32"))
    device: Device = field(default_factory=lambda: Device(0))
    contiguous: bool = True

    @property
    def flags(self) -> SimpleNamespace:
        return SimpleNamespace(c_contiguous=self.contiguous)


class Account:
    """The cupy of these tests: what was compiled, and what was launched."""

    def __init__(self) -> None:
        self.modules: list[tuple[str, tuple[str, ...]]] = []
        self.functions: list[str] = []
        self.launches: list[tuple] = []
        self.cuda = SimpleNamespace(Device=Device)

    def RawModule(self, *, code: str, options: tuple[str, ...]) -> SimpleNamespace:
        self.modules.append((code, options))
        return SimpleNamespace(get_function=self.function)

    def function(self, name: str):
        self.functions.append(name)
        return lambda grid, block, arguments: self.launches.append((name, grid, block, arguments))


@pytest.fixture(autouse=True)
def cupy(monkeypatch: pytest.MonkeyPatch) -> Account:
    account = Account()
    caches = (launch._compiled, launch._module, launch._resident_threads)
    monkeypatch.setitem(sys.modules, "cupy", account)
    monkeypatch.setattr(launch, "is_cuda", lambda array: isinstance(array, FakeArray))
    for cache in caches:
        cache.cache_clear()
    yield account
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def forward() -> Kernel:
    return Kernel("sigmoid.cu", "sigmoid", "T[n] x, T[n] z, int64 n")


@pytest.fixture
def finish() -> Kernel:
    signature = "float64[n] partials, float64 max_norm, T[1] norm, A[1] coefficient, int64 n"
    return Kernel("clip.cu", "norm_and_coefficient", signature, threads=1024)


def test_arguments_arrive_in_order_with_the_widths_the_kernel_reads(cupy: Account, finish: Kernel) -> None:
    arrays = FakeArray(3, np.dtype("float64")), FakeArray(1), FakeArray(1)
    finish(arrays[0], 1, arrays[1], arrays[2], n=3, blocks=1)
    name, grid, block, packed = cupy.launches.pop()
    assert (name, grid, block) == ("norm_and_coefficient_f32", (1,), (1024,))
    assert [type(argument) for argument in packed] == [FakeArray, np.float64, FakeArray, FakeArray, np.int64]
    assert packed[0] is arrays[0]
    assert packed[2] is arrays[1]
    assert packed[3] is arrays[2]
    assert (packed[1], packed[4]) == (1.0, 3)


@pytest.mark.parametrize(("dtype", "suffix"), [("float16", "f16"), ("float32", "f32"), ("float64", "f64")])
def test_the_dtype_chooses_the_entry_point(cupy: Account, forward: Kernel, dtype: str, suffix: str) -> None:
    forward(FakeArray(5, np.dtype(dtype)), FakeArray(5, np.dtype(dtype)), n=5)
    assert cupy.launches[0][0] == f"sigmoid_{suffix}"


def test_float16_computes_in_float32(finish: Kernel) -> None:
    half, single = np.dtype("float16"), np.dtype("float32")
    partials = FakeArray(3, np.dtype("float64"))
    finish(partials, 1.0, FakeArray(1, half), FakeArray(1, single), n=3, blocks=1)
    with pytest.raises(DtypeError, match="coefficient is float16, and must be float32"):
        finish(partials, 1.0, FakeArray(1, half), FakeArray(1, half), n=3, blocks=1)


@pytest.mark.parametrize(
    ("n", "blocks"),
    [(1, 1), (1024, 1), (1025, 2), (SMS * THREADS_PER_SM * 4, 80), (10**9, SMS * THREADS_PER_SM // 256)],
)
def test_the_grid_covers_the_array_or_fills_the_device(cupy: Account, forward: Kernel, n: int, blocks: int) -> None:
    forward(FakeArray(n), FakeArray(n), n=n)
    assert cupy.launches[0][1] == (blocks,)


def test_an_empty_array_launches_nothing(cupy: Account, forward: Kernel) -> None:
    forward(FakeArray(0), FakeArray(0), n=0)
    assert cupy.launches == []
    assert cupy.modules == []


def test_a_grid_of_ones_own_runs_even_for_nothing(cupy: Account, finish: Kernel) -> None:
    finish(FakeArray(0, np.dtype("float64")), 1.0, FakeArray(1), FakeArray(1), n=0, blocks=1)
    assert len(cupy.launches) == 1


def test_an_array_may_have_one_element_per_block(cupy: Account) -> None:
    kernel = Kernel("clip.cu", "sum_of_squares", "T[n] x, float64[blocks] partials, int64 n")
    kernel(FakeArray(9000), FakeArray(3, np.dtype("float64")), n=9000, blocks=3)
    with pytest.raises(ShapeError, match="partials has 2 elements, and must have 3"):
        kernel(FakeArray(9000), FakeArray(2, np.dtype("float64")), n=9000, blocks=3)
    assert len(cupy.launches) == 1


def test_a_file_is_compiled_once_and_an_entry_point_fetched_once(cupy: Account, forward: Kernel) -> None:
    backward = Kernel("sigmoid.cu", "sigmoid_backward", "T[n] g, T[n] z, T[n] gx, int64 n")
    for _ in range(3):
        forward(FakeArray(5), FakeArray(5), n=5)
        backward(FakeArray(5), FakeArray(5), FakeArray(5), n=5)
    assert len(cupy.launches) == 6
    assert cupy.functions == ["sigmoid_f32", "sigmoid_backward_f32"]
    ((code, options),) = cupy.modules
    assert '#line 1 "sigmoid.cu"' in code
    assert options == ("--std=c++17",)


def test_the_launch_runs_on_the_device_of_the_arrays(
    cupy: Account, forward: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(1)
    entered = []
    monkeypatch.setattr(cupy, "function", lambda name: lambda *_: entered.append(device.entered))
    forward(FakeArray(5, device=device), FakeArray(5, device=device), n=5)
    assert entered == [1]
    assert device.entered == 0


@pytest.mark.parametrize(
    ("x", "z", "error", "message"),
    [
        (np.ones(5, np.float32), FakeArray(5), DeviceError, "x is not on a CUDA device"),
        (FakeArray(5), np.ones(5, np.float32), DeviceError, "z is not on a CUDA device"),
        (FakeArray(5), FakeArray(5, device=Device(1)), DeviceError, "z is on cuda:1, the others on cuda:0"),
        (FakeArray(5), FakeArray(5, np.dtype("float64")), DtypeError, "z is float64, and must be float32"),
        (FakeArray(5, np.dtype("int32")), FakeArray(5), DtypeError, "is not for int32"),
        (FakeArray(5), FakeArray(4), ShapeError, "z has 4 elements, and must have 5"),
        (FakeArray(5, contiguous=False), FakeArray(5), ShapeError, "x is not C-contiguous"),
    ],
)
def test_a_wrong_array_is_named(
    cupy: Account, forward: Kernel, x: object, z: object, error: type[GpugradError], message: str
) -> None:
    with pytest.raises(error, match=message):
        forward(x, z, n=5)
    assert cupy.launches == []


def test_a_wrong_number_of_arguments_is_refused(cupy: Account, forward: Kernel) -> None:
    with pytest.raises(TypeError, match="takes x, z: 1 arguments were given"):
        forward(FakeArray(5), n=5)
    with pytest.raises(TypeError, match="takes x, z: 3 arguments were given"):
        forward(FakeArray(5), FakeArray(5), 5, n=5)
    assert cupy.launches == []


@pytest.mark.parametrize("value", [FakeArray(1), np.ones(1), "1", None, 1j])
def test_a_scalar_must_be_a_number_of_the_host(finish: Kernel, value: object) -> None:
    with pytest.raises(DtypeError, match="max_norm must be a number"):
        finish(FakeArray(3, np.dtype("float64")), value, FakeArray(1), FakeArray(1), n=3, blocks=1)


def test_a_count_must_be_whole() -> None:
    count = Parameter("n", "int64", None)
    assert count.scalar(np.int32(7)) == 7
    assert type(count.scalar(7)) is np.int64
    with pytest.raises(DtypeError, match="n must be a number for int64, not float"):
        count.scalar(7.0)


def test_a_signature_tells_arrays_from_scalars() -> None:
    assert parse_signature("T[n] x, float64[blocks] partials, float32 rate") == (
        Parameter("x", "T", "n"),
        Parameter("partials", "float64", "blocks"),
        Parameter("rate", "float32", None),
    )
