"""The array API standard 2025.12 in short: names, dtypes, promotion, scalars, attributes, on every backend.

The standard's own suite is run by ./run conformance; see docs/array_api.md.
"""

from __future__ import annotations

import cmath
import operator
from itertools import product
from typing import Any, Protocol, runtime_checkable

import array_api_compat
import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DtypeError

VERSION = "2025.12"

NAMES = """
    __array_api_version__ __array_namespace_info__ e inf nan newaxis pi
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
    arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu zeros
    zeros_like astype can_cast finfo iinfo isdtype result_type
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1 floor floor_divide greater
    greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
    logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow real reciprocal remainder
    round sign signbit sin sinh square sqrt subtract tan tanh trunc
    take take_along_axis matmul matrix_transpose tensordot vecdot
    broadcast_arrays broadcast_shapes broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape roll
    squeeze stack tile unstack argmax argmin count_nonzero nonzero searchsorted where
    isin unique_all unique_counts unique_inverse unique_values argsort sort
    cumulative_sum cumulative_prod max mean min prod std sum var all any diff fft linalg
""".split()

PARTS = {
    "fft": "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift",
    "linalg": "cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank "
    "matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm",
}

SIGNED, UNSIGNED = ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64")
FLOATS, COMPLEX = ("float32", "float64"), ("complex64", "complex128")
INTEGERS = SIGNED + UNSIGNED
NUMBERS = INTEGERS + FLOATS + COMPLEX
EVERY = ("bool", *NUMBERS)


def promoted(one: str, other: str) -> str | None:
    """Return the dtype in which two dtypes meet, None where the standard leaves it open."""
    if one == other:
        return one
    for kind in (SIGNED, UNSIGNED, FLOATS, COMPLEX):
        if one in kind and other in kind:
            return max(one, other, key=kind.index)
    for first, second in ((one, other), (other, one)):
        if first in SIGNED and second in UNSIGNED[:3]:
            return SIGNED[max(SIGNED.index(first), UNSIGNED.index(second) + 1)]
        if first in FLOATS and second in COMPLEX:
            return COMPLEX[max(FLOATS.index(first), COMPLEX.index(second))]
    return None


PAIRS = [(a, b, z) for a, b in product(EVERY, EVERY) if (z := promoted(a, b))]


def pair(one, other):
    return gg.ones(2, dtype=one), gg.ones(2, dtype=other)


# Names


def test_every_name_of_the_standard_is_there():
    assert [name for name in NAMES if not hasattr(gg, name)] == []
    assert [name for name in NAMES if name not in dir(gg)] == []
    absent = [
        f"{part}.{n}" for part, names in PARTS.items() for n in names.split() if not hasattr(getattr(gg, part), n)
    ]
    assert absent == []


def test_the_version_is_said_and_asked_for():
    assert gg.__array_api_version__ == VERSION
    x = gg.ones(2)
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12", VERSION):
        assert x.__array_namespace__(api_version=version) is gg
    for version in ("2020.10", "2026.12", "latest", 2025):
        with pytest.raises(ValueError, match="api_version"):
            x.__array_namespace__(api_version=version)


def test_constants_are_floats():
    assert (gg.e, gg.pi, gg.inf, gg.newaxis) == (cmath.e, cmath.pi, float("inf"), None)
    assert gg.nan != gg.nan


# What the namespace says of itself


def test_capabilities():
    assert gg.__array_namespace_info__().capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert gg.ones((1,) * 64).ndim == 64
    with pytest.raises(ValueError, match="64"):
        gg.ones((1,) * 65)


def test_devices_are_those_that_tensors_can_be_made_on(backend):
    info = gg.__array_namespace_info__()
    assert isinstance(info.devices(), tuple)
    assert info.default_device() in info.devices()
    assert gg.ones(1).device == info.default_device()
    for device in info.devices():
        assert gg.empty(1, device=device).device == device


def test_dtypes_by_kind(backend):
    info = gg.__array_namespace_info__()
    assert tuple(info.dtypes()) == EVERY
    device = info.default_device()
    for kind, names in {
        "bool": ("bool",), "signed integer": SIGNED, "unsigned integer": UNSIGNED, "integral": INTEGERS,
        "real floating": FLOATS, "complex floating": COMPLEX, "numeric": NUMBERS, ("bool", "integral"): EVERY[:9],
        None: EVERY,
    }.items():  # fmt: skip
        found = info.dtypes(kind=kind, device=device)
        assert tuple(found) == names
        for name, dtype in found.items():
            assert dtype is getattr(gg, name)
            assert gg.zeros(1, dtype=dtype, device=device).dtype == dtype
    with pytest.raises(TypeError, match="nonsense"):
        info.dtypes(kind="nonsense")
    with pytest.raises(RuntimeError, match="nowhere"):
        info.dtypes(device="nowhere")


def test_default_dtypes_are_those_of_numbers(backend):
    defaults = gg.__array_namespace_info__().default_dtypes()
    made = {
        "real floating": gg.asarray(1.0),
        "complex floating": gg.asarray(1j),
        "integral": gg.asarray(1),
        "indexing": gg.argmax(gg.ones(2)),
    }
    assert defaults == {kind: x.dtype for kind, x in made.items()}
    assert gg.__array_namespace_info__().default_dtypes(device=gg.Device.parse("cpu")) == defaults


@pytest.mark.parametrize("name", EVERY)
def test_a_dtype_is_one_object_equal_to_itself_alone(backend, name):
    dtype = getattr(gg, name)
    assert gg.ones(1, dtype=dtype).dtype == dtype
    assert [other for other in EVERY if getattr(gg, other) == dtype] == [name]
    assert {dtype: 1}[gg.ones(1, dtype=dtype).dtype] == 1


# Promotion


def test_the_table_of_promotion_has_the_pairs_of_the_standard():
    assert len(PAIRS) == 1 + 16 + 16 + 24 + 4 + 4 + 8
    assert promoted("uint64", "int8") is promoted("bool", "int8") is promoted("int64", "float32") is None
    assert promoted("uint32", "int8") == "int64"
    assert promoted("float64", "complex64") == "complex128"


ARITHMETIC = [operator.add, operator.sub, operator.mul, gg.maximum, gg.result_type]
BITS = [operator.and_, operator.or_, operator.xor]


@pytest.mark.parametrize("function", [*ARITHMETIC, *BITS], ids=lambda f: f.__name__)
def test_dtypes_meet_as_the_standard_says(backend, function):
    wrong = []
    for one, other, expected in PAIRS:
        bits = function in BITS
        if (one in FLOATS + COMPLEX or other in FLOATS + COMPLEX) if bits else one == "bool":
            continue
        if function is gg.maximum and expected in COMPLEX:
            continue
        z = function(*pair(one, other))
        if getattr(z, "dtype", z) != getattr(gg, expected):
            wrong.append((one, other, z))
    assert wrong == []


@pytest.mark.parametrize("function", ["concat", "stack", "where", "matmul"])
def test_functions_promote_as_operators_do(backend, function):
    calls = {
        "where": lambda x1, x2: gg.where(gg.asarray([True, False]), x1, x2),
        "matmul": lambda x1, x2: x1 @ x2,
    }
    call = calls.get(function, lambda x1, x2: getattr(gg, function)([x1, x2]))
    wrong = [
        (one, other, z.dtype)
        for one, other, expected in PAIRS
        if not (function == "matmul" and one == "bool")
        if (z := call(*pair(one, other))).dtype != expected
    ]
    assert wrong == []


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.lt, operator.ge], ids=lambda f: f.__name__)
def test_comparisons_are_truth_values(backend, compare):
    ordered = compare in (operator.lt, operator.ge)
    for one, other, expected in PAIRS:
        if not (ordered and (expected in COMPLEX or expected == "bool")):
            z = compare(*pair(one, other))
            assert z.dtype == gg.bool
            assert z.tolist() == [compare in (operator.eq, operator.ge)] * 2


@pytest.mark.parametrize("name", FLOATS + COMPLEX + INTEGERS)
def test_division_stays_within_floats(backend, name):
    x = gg.ones(2, dtype=name)
    assert (x / x).dtype == (name if name in FLOATS + COMPLEX else "float32")


@pytest.mark.parametrize("name", SIGNED)
def test_uint64_and_a_signed_integer_meet_in_the_default_float(backend, name):
    x1, x2 = pair("uint64", name)
    for z in (x1 + x2, x2 * x1, gg.concat([x1, x2])):
        assert z.dtype == gg.result_type(x1, x2) == gg.float32


# Python's numbers are weak


def scalars_for(name: str) -> list[Any]:
    """Return the numbers that may meet a dtype: of its kind or a lower one; complex ones meet real floats too."""
    if name == "bool":
        return [True]
    return [3] if name in INTEGERS else [3, 0.5, 2j]


@pytest.mark.parametrize("name", EVERY)
def test_a_number_takes_the_dtype_of_the_array(backend, name):
    x = gg.full(2, 3, dtype=name)
    functions = BITS if name == "bool" else [operator.add, operator.sub, operator.mul, gg.add, gg.multiply]
    functions = functions + (BITS if name in INTEGERS else [])
    for scalar, function in product(scalars_for(name), functions):
        expected = COMPLEX[FLOATS.index(name)] if type(scalar) is complex and name in FLOATS else name
        for z, value in ((function(x, scalar), (x[0].item(), scalar)), (function(scalar, x), (scalar, x[0].item()))):
            assert z.dtype == expected
            plain = {gg.add: operator.add, gg.multiply: operator.mul}.get(function, function)
            assert z.tolist()[0] == plain(*value)


@pytest.mark.parametrize("name", FLOATS)
def test_a_complex_number_makes_a_real_tensor_complex_and_the_gradient_stays_real(backend, name):
    x = gg.ones(2, dtype=name, requires_grad=True)
    for z in (x * 2j, 2j * x, x + 1j, 1j - x, x / 2j, x**1j):
        assert z.dtype == COMPLEX[FLOATS.index(name)]
        x.grad = None
        gg.sum(gg.real(z) + gg.imag(z)).backward()
        assert x.grad.dtype == name
    with pytest.raises(DtypeError, match="complex"):
        gg.ones(2, dtype=name).__imul__(2j)


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_that_the_dtype_cannot_hold_is_refused_and_never_wraps(name):
    x = gg.ones(2, dtype=name)
    large = np.iinfo(name).max + 1
    for call in (lambda: x + large, lambda: large * x, lambda: gg.full(2, large, dtype=name)):
        with pytest.raises(OverflowError):
            call()
    assert (x < large).tolist() == [True, True]


@pytest.mark.parametrize("name", NUMBERS)
def test_in_place_keeps_the_tensor_and_its_dtype(backend, name):
    x = gg.full(2, 6, dtype=name)
    same = x
    x += 2
    x -= 1
    x *= 3
    x @= gg.eye(2, dtype=name)
    if name not in COMPLEX:
        x //= 2
        x %= 7
        x **= 2
    else:
        x /= 4
    assert x is same
    assert x.dtype == name
    assert x.tolist() == ([9, 9] if name not in COMPLEX else [5.25, 5.25])


# The tensor itself


def test_attributes(backend):
    x = gg.ones((2, 3), dtype=gg.float64)
    assert (x.ndim, x.shape, x.size) == (2, (2, 3), 6)
    assert type(x.shape) is tuple
    assert (x.dtype, x.device) == (gg.float64, gg.__array_namespace_info__().default_device())
    assert x.T.shape == x.mT.shape == (3, 2)
    assert gg.ones((2, 3, 5)).mT.shape == (2, 5, 3)
    for wrong in (lambda: gg.ones(3).T, lambda: gg.ones((2, 3, 5)).T, lambda: gg.ones(3).mT):
        with pytest.raises(ValueError, match="shape"):
            wrong()


def test_results_without_axes_are_tensors(backend):
    x = gg.ones((2, 2))
    for z in (x.sum(), gg.max(x), x[0, 0], x[0] @ x[0], gg.all(x == x), gg.argmax(x), gg.asarray(1) + 1, -x[0, 0],
              gg.asarray(True) & True, gg.mean(x) * 2, gg.asarray(2.0) ** 2):  # fmt: skip
        assert type(z) is gg.Tensor
        assert z.shape == ()
    assert [type(z) for z in gg.ones(2)] == [gg.Tensor] * 2


def test_conversions_to_python(backend):
    assert (int(gg.asarray(-2.7)), float(gg.asarray(2)), complex(gg.asarray(True))) == (-2, 2.0, 1 + 0j)
    assert (bool(gg.asarray(0j)), bool(gg.asarray(gg.nan)), operator.index(gg.asarray(3))) == (False, True, 3)
    assert [type(f(gg.asarray(1))) for f in (int, float, complex, bool, operator.index)] == [
        int,
        float,
        complex,
        bool,
        int,
    ]
    for call, error in (
        (lambda: int(gg.asarray(gg.nan)), ValueError),
        (lambda: int(gg.asarray(-gg.inf)), OverflowError),
        (lambda: int(gg.asarray(1j)), TypeError),
        (lambda: float(gg.asarray(1j)), TypeError),
        (lambda: operator.index(gg.asarray(1.0)), TypeError),
        (lambda: operator.index(gg.ones(1, dtype=gg.int64)), TypeError),
        (lambda: bool(gg.ones(2)), RuntimeError),
    ):
        with pytest.raises(error):
            call()


def test_a_mask_without_axes_adds_one(backend):
    x = gg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for mask, rows in ((True, 1), (gg.asarray(False), 0), (np.True_, 1)):
        z = x[mask]
        assert z.shape == (rows, 2, 2)
        y = x * 1
        y[mask] = 5.0
        x.grad = None
        (z.sum() + y.sum()).backward()
        assert x.grad.tolist() == [[1.0, 1.0]] * 2
    assert gg.ones(())[gg.asarray(True)].shape == (1,)
    with pytest.raises(IndexError, match="alone"):
        x[True, 0]


def test_other_libraries_take_a_tensor_for_an_array(backend):
    @runtime_checkable
    class Arraylike(Protocol):
        shape: tuple[int, ...]

        def __array_namespace__(self, *, api_version: str | None = None) -> Any: ...
        def __dlpack__(self, **options: Any) -> Any: ...
        def __dlpack_device__(self) -> tuple[int, int]: ...

    x = gg.ones(3)
    assert isinstance(x, Arraylike)
    assert array_api_compat.is_array_api_obj(x)
    assert array_api_compat.array_namespace(x, gg.zeros(2)) is gg
    assert array_api_compat.device(x) == x.device
    assert array_api_compat.size(x) == 3
    assert array_api_compat.to_device(x, x.device) is x


def test_signs_of_zero_and_parts_of_complex_numbers_are_kept(backend):
    z = gg.asarray([complex(0.0, -0.0), complex(-0.0, float("inf"))])
    assert gg.signbit(gg.real(z)).tolist() == [False, True]
    assert gg.signbit(gg.imag(z)).tolist() == [True, False]
    assert gg.signbit(gg.asarray([-0.0, 0.0]) * 1.0).tolist() == [True, False]
