"""Fourier transforms: NumPy's values in the precision of the input, the edges of their arguments, and their errors."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad
from gpugrad.autograd import grad
from gpugrad.errors import AxisError, DtypeError, OptionError, ShapeError

random = np.random.default_rng(3)
COMPLEX = random.normal(size=(4, 5, 6)) + 1j * random.normal(size=(4, 5, 6))
REAL_INPUT = ("rfft", "ihfft", "rfftn")
ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL_AXES = ("fftn", "ifftn", "rfftn", "irfftn")
LINES = [
    {},
    {"axis": 0},
    {"n": 4},
    {"n": 9, "axis": -2},
    {"n": 1},
    {"norm": "ortho"},
    {"norm": "forward", "n": 3, "axis": 1},
]
GRIDS = [
    {},
    {"axes": (0, 2)},
    {"axes": (2, 0)},
    {"axes": (-1,), "norm": "ortho"},
    {"s": (3, 8), "axes": (1, 0)},
    {"s": (5, 7, 3), "axes": (0, 1, 2), "norm": "forward"},
]
CALLS = [pytest.param(f, kw, id=f"{f}-{kw}") for f in ONE_AXIS for kw in LINES] + [
    pytest.param(f, kw, id=f"{f}-{kw}") for f in SEVERAL_AXES for kw in GRIDS
]
PRECISIONS = [
    (name, dtype)
    for name in ONE_AXIS + SEVERAL_AXES
    for dtype in ("float32", "float64", "float16", "int64", "bool", "complex64")
    if name not in REAL_INPUT or dtype != "complex64"
]


def operand(name):
    return COMPLEX.real if name in REAL_INPUT else COMPLEX


def values(tensor):
    return np.asarray(tensor.tolist())


@pytest.mark.parametrize(("name", "options"), CALLS)
def test_values_are_numpys(name, options, backend):
    x = operand(name)
    z = getattr(gpugrad.fft, name)(gpugrad.tensor(x), **options)
    expected = getattr(np.fft, name)(x, **options)
    assert z.dtype == expected.dtype
    np.testing.assert_allclose(values(z), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("name", "dtype"), PRECISIONS)
def test_the_precision_is_that_of_the_input(name, dtype, backend):
    if dtype == "float16" and backend == "strict":
        pytest.skip("the standard has no float16")
    x = np.asarray([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0]], dtype)
    z = getattr(gpugrad.fft, name)(gpugrad.tensor(x))
    single = dtype != "float64"
    if name in ("irfft", "irfftn", "hfft"):
        assert z.dtype == (gpugrad.float32 if single else gpugrad.float64)
    else:
        assert z.dtype == (gpugrad.complex64 if single else gpugrad.complex128)
    exact = getattr(np.fft, name)(x.astype(complex if x.dtype.kind == "c" else float))
    np.testing.assert_allclose(values(z), exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ONE_AXIS + SEVERAL_AXES)
def test_a_transform_of_plain_arrays_is_a_plain_array(name):
    x = operand(name)
    z = getattr(gpugrad.fft, name)(x)
    assert type(z) is np.ndarray
    np.testing.assert_allclose(z, getattr(np.fft, name)(x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_inverses_give_the_input_back(norm, backend):
    there_and_back = [("fft", "ifft", {}), ("rfft", "irfft", {"n": 5}), ("ihfft", "hfft", {"n": 5})]
    x = random.normal(size=(2, 5))
    for there, back, size in there_and_back:
        z = getattr(gpugrad.fft, there)(gpugrad.tensor(x), norm=norm)
        np.testing.assert_allclose(values(getattr(gpugrad.fft, back)(z, norm=norm, **size)), x, atol=1e-14)
    z = gpugrad.fft.rfftn(gpugrad.tensor(x), norm=norm)
    np.testing.assert_allclose(values(gpugrad.fft.irfftn(z, s=(2, 5), axes=(0, 1), norm=norm)), x, atol=1e-14)


@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_a_size_of_minus_one_is_that_of_the_input(name, backend):
    x = operand(name)
    z = getattr(gpugrad.fft, name)(gpugrad.tensor(x), s=(-1, 4), axes=(0, 1))
    np.testing.assert_allclose(values(z), getattr(np.fft, name)(x, s=(4, 4), axes=(0, 1)), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_sizes_without_axes_are_those_of_the_last_axes(name):
    x = operand(name)
    z = getattr(gpugrad.fft, name)(gpugrad.tensor(x), s=(3, 4))
    np.testing.assert_allclose(values(z), getattr(np.fft, name)(x, s=(3, 4), axes=(1, 2)), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["fftn", "ifftn"])
def test_over_no_axes_nothing_happens(name, backend):
    x = gpugrad.tensor([[1.0, 2.0]])
    z = getattr(gpugrad.fft, name)(x, axes=())
    assert z.dtype == gpugrad.complex64 and z.tolist() == [[1, 2]]
    z[0, 0] = 5
    assert x.tolist() == [[1.0, 2.0]]


def test_no_rows_give_no_rows(backend):
    assert gpugrad.fft.fftn(gpugrad.zeros((0, 3, 4)), axes=(1, 2), s=(5, 2)).shape == (0, 5, 2)
    assert gpugrad.fft.irfftn(gpugrad.zeros((0, 3, 4)), axes=(1, 2)).shape == (0, 3, 6)
    assert gpugrad.fft.rfft(gpugrad.zeros((0, 3))).shape == (0, 2)


def test_no_points_are_filled_up_with_zeros(backend):
    assert gpugrad.fft.fft(gpugrad.zeros((2, 0)), n=3).tolist() == [[0, 0, 0]] * 2


def test_imaginary_parts_that_say_nothing_have_gradient_zero(backend):
    z = gpugrad.tensor([1 + 1j, 2 + 1j, 3 + 1j], requires_grad=True)
    (gpugrad.fft.irfft(z) * gpugrad.tensor([1.0, 2.0, 3.0, 5.0])).sum().backward()
    np.testing.assert_array_equal(values(gpugrad.imag(z.grad))[[0, 2]], [0, 0])
    assert gpugrad.imag(z.grad)[1].item() != 0


def test_the_gradient_of_real_values_is_real(backend):
    x = gpugrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    gpugrad.real(gpugrad.fft.fft(x))[1].backward()
    assert x.grad.dtype == gpugrad.float32
    np.testing.assert_allclose(values(x.grad), np.cos(2 * np.pi * np.arange(3) / 3), atol=1e-6)


def test_parseval_holds_for_gradients(backend):
    # sum |X|^2 = n sum |x|^2, so that its gradient is 2 n x, and its second derivative 2 n.
    x = gpugrad.tensor(random.normal(size=6), requires_grad=True)
    (g,) = grad(gpugrad.sum(gpugrad.abs(gpugrad.fft.fft(x)) ** 2), [x], create_graph=True)
    np.testing.assert_allclose(values(g), 12 * values(x), rtol=1e-12)
    (h,) = grad(g[2], [x])
    np.testing.assert_allclose(values(h), 12 * np.eye(6)[2], atol=1e-12)


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
@pytest.mark.parametrize("axes", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64"])
def test_shifts_are_numpys(name, axes, dtype, backend):
    x = np.arange(15).reshape(3, 5).astype(dtype)
    z = getattr(gpugrad.fft, name)(gpugrad.tensor(x), axes=axes)
    np.testing.assert_array_equal(values(z), getattr(np.fft, name)(x, axes=axes))
    assert str(z.dtype) == dtype


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies_are_numpys(name, n, backend):
    f = getattr(gpugrad.fft, name)
    z = f(n, d=0.1)
    assert z.dtype == gpugrad.float32 and not z.requires_grad
    np.testing.assert_array_equal(values(z), getattr(np.fft, name)(n, d=0.1).astype(np.float32))
    z = f(n, d=-2, dtype=gpugrad.float64)
    assert z.dtype == gpugrad.float64
    np.testing.assert_array_equal(values(z), getattr(np.fft, name)(n, d=-2))


@pytest.mark.parametrize("place", ["strict:device1", "fake-cuda:1"], indirect=True)
def test_frequencies_are_made_where_they_are_asked_for(place):
    assert str(gpugrad.fft.fftfreq(4).device) == place
    assert str(gpugrad.fft.rfftfreq(4, device="cpu").device) == "cpu"


x = gpugrad.ones((2, 3))
WRONG = [
    (lambda: gpugrad.fft.fft(x, n=0), ShapeError, "fft: a transform of 0 points along axis 1; it takes at least one"),
    (lambda: gpugrad.fft.fft(x, n=-1), ShapeError, "fft: a transform of -1 points along axis 1; it takes at least one"),
    (lambda: gpugrad.fft.irfft(x[:, :1]), ShapeError, "irfft: a transform of 0 points along axis 1; it takes at least"),
    (lambda: gpugrad.fft.fft(x, axis=2), AxisError, "fft: axis 2 is out of range for an array of 2 axes"),
    (lambda: gpugrad.fft.fft(gpugrad.tensor(1.0)), AxisError, "fft: axis -1 is out of range for an array of 0 axes"),
    (lambda: gpugrad.fft.fftn(x, axes=(0, -2)), AxisError, "fftn: axes (0, -2) of an array of 2 axes name one of"),
    (lambda: gpugrad.fft.fftn(x, s=(1, 2), axes=(0,)), ShapeError, "fftn: s has 2 sizes for 1 axes; give as many of"),
    (lambda: gpugrad.fft.rfftn(x, axes=()), ShapeError, "rfftn: takes at least one axis, the last of which holds half"),
    (lambda: gpugrad.fft.irfftn(x, axes=()), ShapeError, "irfftn: takes at least one axis, the last of which holds"),
    (lambda: gpugrad.fft.hfft(x, norm="none"), OptionError, "hfft: norm is 'none'; it is one of 'backward', 'ortho'"),
    (lambda: gpugrad.fft.rfft(x * 1j), DtypeError, "rfft: takes real values, not complex64; use fft"),
    (lambda: gpugrad.fft.rfftn(x * 1j), DtypeError, "rfftn: takes real values, not complex64; use fftn"),
    (lambda: gpugrad.fft.ihfft(x * 1j), DtypeError, "ihfft: takes real values, not complex64; use ifft"),
    (lambda: gpugrad.fft.fftshift(x, axes=3), AxisError, "fftshift: axis 3 is out of range for an array of 2 axes"),
    (lambda: gpugrad.fft.fftfreq(0), ShapeError, "fftfreq: a transform of 0 points; it takes at least one"),
    (lambda: gpugrad.fft.rfftfreq(4, dtype=gpugrad.int64), DtypeError, "rfftfreq: dtype is int64; frequencies are"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
