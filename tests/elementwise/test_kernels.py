"""The kernel that an expression is printed as computes what its array code does, and what the expression says."""

from __future__ import annotations

import functools

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import Launch, Program
from elementwise_expressions import Draw
from kernel_resources import ARCHITECTURES

from gpugrad import elementwise
from gpugrad._elementwise._functions import FUNCTIONS
from gpugrad.cuda import nvrtc, source

needs_compiler = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))

TYPES = {"float32": ("f32", "float"), "float64": ("f64", "double")}
SPECIAL = [-np.inf, -1e30, -3.5, -2.5, -1.0, -0.5, -0.0, 0.0, 1e-30, 0.5, 1.0, 2.5, 3.0, 1e30, np.inf, np.nan]


def body(program, dtype):
    """Return the struct that computes one element, without its kernel."""
    return program.cuda_code(f"{program.name}_{TYPES[dtype][0]}").partition("using T =")[0]


class Together:
    """Many programs of x and y as one kernel, which is compiled once: row i of the result is that of program i."""

    def __init__(self, programs, dtype):
        suffix, kind = TYPES[dtype]
        self.entry = f"all_{suffix}"
        bodies = "".join(f"namespace e{i} {{\n{body(p, dtype)}}}\n" for i, p in enumerate(programs))
        rows = "".join(
            f"        z[{i} * n + k] = e{i}::Body{{}}({', '.join(f'static_cast<{kind}>({x}[k])' for x in p.inputs)});\n"
            for i, p in enumerate(programs)
        )
        kernel = (
            f'extern "C" __global__ void {self.entry}(const {kind}* x, const {kind}* y, {kind}* z, long long n) {{\n'
            f"    for (long long k = threadIdx.x; k < n; k += blockDim.x) {{\n{rows}    }}\n}}\n"
        )
        self.text = source.completed("expressions", bodies + kernel)
        self.count = len(programs)

    def run(self, x, y):
        z = np.full((self.count, x.size), np.nan, x.dtype)
        Program(self.text, "expressions").run(Launch(self.entry, (1,), (32,), [x, y, z, np.int64(x.size)]))
        return z


# Random expressions

COUNT = 200


@functools.cache
def drawn():
    """Return random expressions, and the ops made of their texts."""
    draws = [Draw(seed) for seed in range(COUNT)]
    return draws, [elementwise("T x, T y", "T z", d.text, name=f"e{i}") for i, d in enumerate(draws)]


@functools.cache
def operands(dtype):
    random = np.random.default_rng(1)
    return tuple(random.normal(0, 2, 40).astype(dtype) for _ in "xy")


def assert_close(found, expected, exact, text, tolerance):
    """Compare two computations of the same, the one with the other or with their limit where rounding parts them."""
    both = np.isfinite(found) & np.isfinite(expected) & np.isfinite(exact)
    scale = tolerance * (1 + np.abs(exact[both]))
    limit = scale + 100 * np.abs(expected[both] - exact[both])
    assert (np.abs(found[both] - exact[both]) <= limit).all(), text


def test_array_code_computes_what_the_text_says():
    x, y = operands("float64")
    finite = 0
    for draw, op in zip(*drawn(), strict=True):
        expected = draw.value(x, y)
        np.testing.assert_allclose(op(x, y), expected, rtol=1e-11, atol=1e-11, err_msg=draw.text)
        finite += np.isfinite(expected).sum()
    assert finite > 0.5 * COUNT * x.size, "most of what is compared must be a number"


@needs_compiler
@pytest.mark.parametrize("dtype", TYPES)
def test_kernels_compute_what_array_code_does(dtype):
    x, y = operands(dtype)
    draws, ops = drawn()
    z = Together([op.op.program for op in ops], dtype).run(x, y)
    alike = 0
    for draw, op, found in zip(draws, ops, z, strict=True):
        expected, exact = op(x, y), draw.value(x.astype(np.longdouble), y.astype(np.longdouble))
        assert_close(found, expected, exact, draw.text, 1e-4 if dtype == "float32" else 1e-10)
        alike += (np.isfinite(found) == np.isfinite(expected)).sum()
    assert alike > 0.999 * z.size


@needs_compiler
def test_kernels_of_gradients_compute_what_their_array_code_does():
    x, y = operands("float64")
    draws, ops = drawn()
    gradients = [(d.text, op.op.gradient("x").program) for d, op in zip(draws, ops, strict=True)][::3]
    names = [["x" if i == "g" else i for i in p.inputs] for _, p in gradients]  # g is given the numbers of x
    renamed = [_Renamed(program, own) for (_, program), own in zip(gradients, names, strict=True)]
    z = Together(renamed, "float64").run(x, y)
    for (text, program), own, found in zip(gradients, names, z, strict=True):
        expected = program(*({"x": x, "y": y}[i] for i in own))
        both = np.isfinite(found) & np.isfinite(expected)
        np.testing.assert_allclose(found[both], expected[both], rtol=1e-9, atol=1e-9, err_msg=text)


class _Renamed:
    """A program whose inputs are called from elsewhere by other names."""

    def __init__(self, program, inputs):
        self.name, self.cuda_code, self.inputs = program.name, program.cuda_code, inputs


def test_gradients_are_those_of_finite_differences():
    """In long double, where the differences are better than the float64 they are compared with."""
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("this machine's long double is a double")
    values = operands("float64")
    compared = lost = 0
    for draw, op in zip(*drawn(), strict=True):
        for which, name in enumerate("xy"):
            wide = [v.astype(np.longdouble) for v in values]
            step = np.longdouble(1e-5)

            def moved(by, which=which, wide=wide, draw=draw):
                return draw.value(*(v + by if i == which else v for i, v in enumerate(wide)))

            with np.errstate(all="ignore"):
                wider, best = ((moved(h) - moved(-h)) / (2 * h) for h in (step, step / 2))
                sides = np.abs(moved(step) - 2 * moved(0) + moved(-step)) / step
                scale = 1 + np.abs(best)
                smooth = np.isfinite(best) & (np.abs(wider - best) < 1e-7 * scale) & (sides < 1e-3 * scale)
                # Where rounding decides, as in sign(x - x * x / x), the two precisions are about different functions.
                smooth &= np.abs(op(*values) - moved(0)) < 1e-9 * (1 + np.abs(moved(0)))
            inner = op.op.gradient(name)
            needed = [dict(zip("xy", values, strict=True))[i] for i in inner.names[1:]]
            found = inner.program(np.ones(40), *needed)
            lost += (smooth & np.isnan(found)).sum()
            smooth &= ~np.isnan(found)
            error = np.abs(found - best)[smooth] / scale[smooth]
            assert (error < 1e-6).all(), f"{draw.text}: d/d{name}"
            compared += smooth.sum()
    assert compared > 0.5 * 2 * COUNT * 40
    assert lost < 0.03 * compared  # 0 * inf, where an infinite part of a finite result is differentiated


# Every function, at special numbers


@needs_compiler
@pytest.mark.parametrize("dtype", TYPES)
def test_every_function_has_the_same_special_values_in_both_printings(dtype):
    x, y = (v.ravel().astype(dtype) for v in np.meshgrid(SPECIAL, SPECIAL))
    texts = [
        *(f"z = {name}({'x, y'[: 4 * f.arity - 3]})" for name, f in FUNCTIONS.items()),
        *(f"z = x {sign} y" for sign in ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&&", "||")),
        *("z = !x", "z = -x", "z = isnan(x)", "z = isinf(x)", "z = isfinite(x)", "z = x ? y : 1"),
        *("z = 1e300 * x", "z = -1e300", "z = 1e-300", "z = 3.4028236e38", "z = INFINITY", "z = -INFINITY", "z = NAN"),
    ]
    ops = [elementwise("T x, T y", "T z", text, name=f"s{i}") for i, text in enumerate(texts)]
    z = Together([op.op.program for op in ops], dtype).run(x, y)
    eps = np.finfo(dtype).eps
    for text, op, found in zip(texts, ops, z, strict=True):
        ours = op(x, y)
        small = np.finfo(dtype).tiny
        np.testing.assert_allclose(found, ours, rtol=16 * eps, atol=small if dtype == "float32" else 0, err_msg=text)


# The whole kernel, launched through the stand-in for CuPy

gate = elementwise("T x, T y", "T z", "z = x > 0 ? x * tanh(y) : y / 3", name="gate")
SIZES = (0, 1, 3, 4, 5, 31, 33, 1025)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_any_size_at_any_alignment(fake_cuda, dtype):
    random = np.random.default_rng(0)
    xp = fake_cuda.namespace
    for size in SIZES:
        for offset, apart in ((0, 0), (1, 0), (3, 0), (0, 1), (2, 1)):
            x, y = (random.normal(size=size + 8).astype(dtype) for _ in "xy")
            starts = offset, offset + apart
            on_device = [xp.asarray(v)[s : s + size] for v, s in zip((x, y), starts, strict=True)]
            found = fake_cuda.to_host(gate(*on_device))
            expected = gate(*(v[s : s + size] for v, s in zip((x, y), starts, strict=True)))
            assert found.dtype == expected.dtype == dtype and found.shape == (size,)
            limits = np.finfo(dtype)
            np.testing.assert_allclose(found, expected, rtol=4 * limits.eps, atol=2 * limits.smallest_subnormal)


@needs_compiler
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (lambda a: a[::2, :, 0], lambda a: a[1::2, :, 1]),
        (lambda a: a[:, :, 0].T, lambda a: a[0, 0, 0]),
        (lambda a: a[:1], lambda a: a[:, 1:2]),
        (lambda a: a[::-1, 0], lambda a: a[2, ::-1]),
        (lambda a: a[0, 0, 0], lambda a: a[1, 1, 1]),
        (lambda a: a[:0], lambda a: a[:1]),
    ],
)
def test_arrays_that_are_not_contiguous_or_broadcast(fake_cuda, x, y):
    a = np.random.default_rng(0).normal(size=(4, 4, 4))
    device = fake_cuda.namespace.asarray(a)
    expected = gate(np.asarray(x(a)), np.asarray(y(a)))
    found = gate(x(device), y(device))
    np.testing.assert_allclose(fake_cuda.to_host(found), expected, rtol=1e-15)
    assert found.flags.c_contiguous


@needs_compiler
def test_a_number_is_an_argument_of_the_kernel_and_nothing_waits_for_the_host(fake_cuda):
    import fake_cupy

    x = fake_cuda.namespace.asarray(np.array([1.0, -2.0]))
    gate(x, 0.5)
    fake_cupy.counts.reset()
    found = [gate(x, y) for y in (0.25, 0.5, 3)]
    assert fake_cupy.counts.launches == 3 and fake_cupy.counts.meetings == (0, 0, 0)
    for z, y in zip(found, (0.25, 0.5, 3), strict=True):
        np.testing.assert_allclose(fake_cuda.to_host(z), gate(np.array([1.0, -2.0]), y), rtol=1e-15)


@needs_compiler
def test_names_of_cudas_are_names_like_others(fake_cuda):
    op = elementwise("T n, T A, T threadIdx", "T NULL_", "T z = n; T M = z * A; NULL_ = M + threadIdx", name="Body")
    device = [fake_cuda.namespace.asarray(np.full(5, v)) for v in (2.0, 3.0, 4.0)]
    assert fake_cuda.to_host(op(*device)).tolist() == [10] * 5


@needs_compiler
def test_a_name_that_a_text_lacks_is_an_error_of_the_stand_in(fake_cuda):
    import cupy

    module = cupy.RawModule(code=source.completed("mine", gate.cuda_code("float32")), options=("--std=c++17",))
    with pytest.raises(RuntimeError, match="named symbol not found: other_f32"):
        module.get_function("other_f32")


# Compiled for GPUs


@pytest.mark.skipif(not nvrtc.available(), reason="needs the wheels cuda-bindings and nvidia-cuda-nvrtc")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_kernel_compiles_without_warnings_stack_or_spills(architecture):
    text = "T t = exp(-x * x) + 1e300; z = x > 0 && y != 0 ? t * 0.5 / (1 + fabs(y)) : fmin(x, NAN) + sqrt(y)"
    op = elementwise("T x, T y", "T z", text, name="compiled")
    texts = [f"namespace {d} {{\n{op.cuda_code(d)}}}\n" for d in ("float16", "float32", "float64")]
    result = nvrtc.compile_cubin(source.completed("compiled", "".join(texts)), "compiled", architecture)
    assert not result.warnings
    assert result.kernels.keys() == {"compiled_f16", "compiled_f32", "compiled_f64"}
    for taken in result.kernels.values():
        assert (taken.stack, taken.spill_stores, taken.spill_loads) == (0, 0, 0) and taken.registers <= 64


@pytest.mark.skipif(not nvrtc.available(), reason="needs the wheels cuda-bindings and nvidia-cuda-nvrtc")
@pytest.mark.parametrize("dtype", TYPES)
def test_every_function_compiles_without_warnings(dtype):
    texts = [f"z = {name}({'x, y'[: 4 * f.arity - 3]})" for name, f in FUNCTIONS.items()]
    ops = [elementwise("T x, T y", "T z", text, name=f"c{i}") for i, text in enumerate(texts)]
    text = Together([op.op.program for op in ops], dtype).text
    assert not nvrtc.compile_cubin(text, "expressions", "sm_90").warnings
