# ruff: noqa: E501
"""jvp and linearize: tangents of every kind of function, and what they refuse."""

import numpy as np
import pytest

import gpugrad
from gpugrad import func
from gpugrad._graph import modes
from gpugrad.errors import DeviceError, DtypeError, GradientError, ShapeError


def t(values, **options):
    return gpugrad.tensor(values, dtype=gpugrad.float64, **options)


def push(f, x, v):
    return func.jvp(f, (x,), (v,))[1]


def viewed(x):
    y = x * 2
    view = y.T[1:]
    y *= 3
    view[0, 0] = 0.0
    return view + y[:, 1:].T


def joint(x):
    return gpugrad.layer_norm(gpugrad.linear(x, x @ x.T, x[:, 0]))


FUNCTIONS = [
    ("shares one result twice", lambda x: (x * 2) + (x * 2)),
    ("returns its input", lambda x: x),
    ("returns a view of its input", lambda x: x[::-1].T if False else x.T),
    ("writes into a view chain", viewed),
    ("joint rules", joint),
    ("several outputs", lambda x: gpugrad.linalg.svd(x, full_matrices=False).S * gpugrad.unstack(x, axis=1)[0]),
    ("cotangents that cancel", lambda x: gpugrad.sin(x - 1) - gpugrad.sin(x - 1) * 1.0 + x),
    ("complex inside", lambda x: gpugrad.real(gpugrad.linalg.det(x @ x.T + 1j * x @ x.T)) + x[0, 0]),
    ("a mask", lambda x: gpugrad.where(x > 0, x * x, -x)[x > -0.9]),
    ("sorted", lambda x: gpugrad.sort(x, axis=1) * gpugrad.cumulative_sum(x, axis=0)),
    ("dtype and back", lambda x: (x.to(gpugrad.float32) * 2).to(gpugrad.float64) * x),
]


@pytest.mark.parametrize("f", [pytest.param(f, id=name) for name, f in FUNCTIONS])
def test_tangents_are_those_of_finite_differences(f, backend):
    x = t([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [0.3, 0.7, 1.1]])
    v = t([[1.0, 0.5, -0.5], [0.25, -1.0, 2.0], [0.1, 0.2, -0.3]])
    numeric = (f(x + 1e-4 * v) - f(x - 1e-4 * v)) / 2e-4
    tolerance = 1e-3 if f is FUNCTIONS[-1][1] else 1e-6
    np.testing.assert_allclose(push(f, x, v).tolist(), numeric.tolist(), rtol=tolerance, atol=tolerance)


def test_a_complex_tangent_is_the_real_derivative(backend):
    z = gpugrad.tensor([1 + 2j, 0.5 - 1j], dtype=gpugrad.complex128)
    v = gpugrad.tensor([1 - 1j, 2j], dtype=gpugrad.complex128)
    for f in (lambda z: z**2, gpugrad.conj, gpugrad.abs, lambda z: gpugrad.sin(z) * gpugrad.real(z), lambda z: z * gpugrad.sum(gpugrad.conj(z))):  # fmt: skip
        h = 1e-6
        numeric = (f(z + h * v) - f(z - h * v)) / (2 * h)
        np.testing.assert_allclose(push(f, z, v).tolist(), numeric.tolist(), rtol=1e-8, atol=1e-8)
    # The walk back is its adjoint: Re<u, J v> = Re<J^T u, v>.
    u = gpugrad.tensor([0.5 + 1j, -1j], dtype=gpugrad.complex128)
    f = lambda z: gpugrad.exp(z) * gpugrad.abs(z)  # noqa: E731
    (pulled,) = func.vjp(f, z)[1](u)
    left = gpugrad.real(gpugrad.vecdot(u, push(f, z, v))).item()
    assert left == pytest.approx(gpugrad.real(gpugrad.vecdot(pulled, v)).item())


def test_tangents_in_trees(backend):
    primals = ({"w": t([1.0, 2.0]), "b": (t(3.0), None)},)
    tangents = ({"w": t([1.0, 0.0]), "b": (t(2.0), None)},)
    y, dy = func.jvp(lambda p: {"y": p["w"] * p["b"][0], "s": [p["w"].sum()]}, primals, tangents)
    assert (dy["y"].tolist(), dy["s"][0].item()) == ([3 + 2, 4], 1)
    assert y["y"].tolist() == [3, 6]
    y, dy, aux = func.jvp(lambda x: (x * 2, x), (t(1.0),), (t(1.0),), has_aux=True)
    assert (dy.item(), aux.item(), aux.requires_grad) == (2, 1, False)


def test_results_that_do_not_depend_on_the_primals_have_zeros_or_raise_if_strict(backend):
    x, v = t([1.0, 2.0]), t([1.0, 1.0])
    outside = t([5.0], requires_grad=True)
    y, dy = func.jvp(lambda x: (x * 2, gpugrad.ones(3), outside, x > 1, gpugrad.floor(x)), (x,), (v,))
    assert [d.tolist() for d in dy] == [[2, 2], [0, 0, 0], [0], [False, False], [0, 0]]
    assert [d.dtype for d in dy] == [r.dtype for r in y]
    assert not any(d.requires_grad for d in dy)
    for f in (lambda x: gpugrad.ones(2), lambda x: outside * 2, lambda x: (x, x.detach())):
        with pytest.raises(GradientError, match="does not depend on the primals"):
            func.jvp(f, (x,), (v,), strict=True)
    assert func.jvp(lambda x: gpugrad.floor(x), (x,), (v,), strict=True)[1].tolist() == [0, 0]


def test_size_0_and_float32(backend):
    assert push(lambda x: x * 2, t(np.zeros((0, 3))), t(np.zeros((0, 3)))).shape == (0, 3)
    x = gpugrad.tensor([1.0, 2.0])
    assert push(lambda x: x**2 * gpugrad.ones(2, dtype=gpugrad.float64).sum(), x, x).dtype == gpugrad.float64
    assert push(gpugrad.exp, x, x).dtype == gpugrad.float32
    assert push(gpugrad.exp, x, t([1.0, 1.0])).dtype == gpugrad.float32


def test_zero_stays_zero_in_a_walk_but_not_where_a_rule_is_transposed(backend):
    x = t([0.0, 4.0])
    masked = lambda x: gpugrad.where(x > 0, gpugrad.sqrt(x), 0.0)  # noqa: E731
    expected = [0.0, 0.25]
    before = modes.change(strong_zero=True)
    try:
        assert func.grad(lambda x: masked(x).sum())(x).tolist() == expected
        assert push(masked, x, t([1.0, 1.0])).tolist() == expected
        assert push(lambda x: x * 3 - x * 3 + x * x, x, t([1.0, 1.0])).tolist() == [0.0, 8.0]
        assert push(lambda x: (gpugrad.sin(x) * 2 - 2 * gpugrad.sin(x)) * 5 + x, x, t([1.0, 0.0])).tolist() == [1, 0]
        assert push(lambda x: gpugrad.relu(x) * x, x, t([1.0, 1.0])).tolist() == [0.0, 8.0]
        _, tangent = func.linearize(lambda x: x**2, x)
        assert tangent(t([0.0, 1.0])).tolist() == [0.0, 8.0]
        assert func.jacfwd(masked)(x).tolist() == [[0.0, 0.0], [0.0, 0.25]]
        assert modes.mode.strong_zero
    finally:
        modes.change(**before)
    # Forward mode needs no such help: the tangent of a branch that is not taken is not used.
    assert push(masked, x, t([1.0, 1.0])).tolist() == expected


def test_a_linearisation_is_linear_and_may_be_used_again(backend):
    x = t([1.0, 2.0])
    y, tangent = func.linearize(lambda x, s: gpugrad.sin(x) * s, x, t(3.0))
    one, other = tangent(t([1.0, 0.0]), t(0.0)), tangent(t([0.0, 1.0]), t(2.0))
    np.testing.assert_allclose((one * 2 + other).tolist(), tangent(t([2.0, 1.0]), t(2.0)).tolist())
    assert not y.requires_grad and not one.requires_grad


def test_a_tracked_tangent_or_primal_keeps_the_result_in_its_graph(backend):
    x, v = t([1.0, 2.0], requires_grad=True), t([3.0, 4.0], requires_grad=True)
    y, dy = func.jvp(lambda x: x**3, (x,), (v,))
    dy.sum().backward()
    assert (x.grad.tolist(), v.grad.tolist()) == ([18.0, 48.0], [3.0, 12.0])
    assert y.requires_grad


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda x: func.jvp(gpugrad.sin, x, x), TypeError, "primals is Tensor; it is a tuple"),
        (lambda x: func.jvp(gpugrad.sin, (x,), x), TypeError, "tangents is Tensor; it is a tuple"),
        (lambda x: func.jvp(gpugrad.sin, (x,), ()), TypeError, "tangents has 0 parts, and 1 are needed"),
        (lambda x: func.jvp(gpugrad.sin, (x,), (t([1.0]),)), ShapeError, r"tangents\[0\] has shape \(1,\), and \(2,\)"),
        (lambda x: func.jvp(gpugrad.sin, (x,), (x > 0,)), DtypeError, r"tangents\[0\] has dtype bool"),
        (lambda x: func.jvp(gpugrad.sin, (x,), (x * 1j,)), DtypeError, r"tangents\[0\] has dtype complex128"),
        (lambda x: func.jvp(gpugrad.sin, (x,), (2.0,)), TypeError, r"tangents\[0\] is float, not a tensor"),
        (lambda x: func.jvp(gpugrad.sin, (2.0,), (x,)), TypeError, r"primals\[0\] is builtins.float"),
        (lambda x: func.jvp(gpugrad.abs, (x > 0,), (x,)), DtypeError, r"primals\[0\] has dtype bool"),
        (lambda x: func.jvp(lambda x: 3, (x,), (x,)), TypeError, "the result of the function is int"),
        (lambda x: func.jvp(lambda d: d["a"], ({"a": x},), ({"b": x},)), TypeError, r"tangents\[0\]\['a'\] is missing"),
        (lambda x: func.linearize(gpugrad.sin, x)[1](x, x), TypeError, "tangents has 2 parts, and 1 are needed"),
    ],
)
def test_bad_input_gets_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call(t([1.0, 2.0]))
    assert "\n" not in str(caught.value)


def test_tangents_of_another_device_are_named(devices):
    far, near = devices[0], devices[-1]
    with pytest.raises(DeviceError, match=r"tangents\[0\] is on"):
        func.jvp(gpugrad.sin, (t([1.0], device=near),), (t([1.0], device=far),))
