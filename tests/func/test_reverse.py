# ruff: noqa: E501
"""grad and vjp: what they return, over which arguments, in which mode, and what they leave behind."""

import gc
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import gpugrad
from gpugrad import func
from gpugrad.errors import DtypeError, GradientError, OptionError, ShapeError


def t(values, **options):
    return gpugrad.tensor(values, dtype=gpugrad.float64, **options)


def test_the_gradient_has_the_value_dtype_and_device_of_its_argument(backend):
    x = gpugrad.tensor([1.0, 2.0])
    g = func.grad(lambda x: (x**3).sum())(x)
    assert g.tolist() == [3.0, 12.0]
    assert (g.dtype, g.device, g.requires_grad) == (x.dtype, x.device, False)


@pytest.mark.parametrize(("argnums", "expected"), [(0, 6.0), (1, 2.0), (-1, 2.0), ((0, 1), (6.0, 2.0)), ((1,), (2.0,))])
def test_argnums_name_the_arguments(argnums, expected, backend):
    g = func.grad(lambda x, y: x * 2 * y, argnums)(t(1.0), t(3.0))
    assert (tuple(v.item() for v in g) if isinstance(g, tuple) else g.item()) == expected


@pytest.mark.parametrize("argnums", [2, -3, (0, 0), (0, -2), (), "x", 0.0, True, [0]])
def test_wrong_argnums_are_named(argnums):
    with pytest.raises(OptionError, match="argnums"):
        func.grad(lambda x, y: x * y, argnums)(t(1.0), t(3.0))


def test_both_orders_of_value_and_gradient():
    f = lambda x: x**2  # noqa: E731
    assert [v.item() for v in func.grad_and_value(f)(t(3.0))] == [6.0, 9.0]
    assert [v.item() for v in func.value_and_grad(f)(t(3.0))] == [9.0, 6.0]


def test_aux_is_handed_on_outside_the_graph():
    def f(x):
        return (x**2).sum(), {"double": x * 2, "label": "kept", "none": None}

    g, aux = func.grad(f, has_aux=True)(t([1.0, 2.0]))
    assert (g.tolist(), aux["double"].tolist(), aux["label"], aux["none"]) == ([2, 4], [2, 4], "kept", None)
    assert not aux["double"].requires_grad
    g, (value, _) = func.grad_and_value(f, has_aux=True)(t([1.0, 2.0]))
    assert (value.item(), g.tolist()) == (5.0, [2, 4])
    (value, _), g = func.value_and_grad(f, has_aux=True)(t([1.0, 2.0]))
    assert (value.item(), g.tolist()) == (5.0, [2, 4])


Pair = namedtuple("Pair", "first second")


def test_trees_come_back_in_their_own_form(backend):
    tree = {"a": [t(1.0), (t(2.0), None)], "b": Pair(t(3.0), {"c": t(4.0)}), "o": OrderedDict(z=t(5.0))}

    def f(tree):
        return tree["a"][0] * tree["a"][1][0] * tree["b"].first * tree["b"].second["c"] + tree["o"]["z"] ** 2

    g = func.grad(f)(tree)
    assert (g["a"][0].item(), g["a"][1][0].item(), g["a"][1][1]) == (24, 12, None)
    assert type(g["b"]) is Pair and (g["b"].first.item(), g["b"].second["c"].item()) == (8, 6)
    assert type(g["o"]) is OrderedDict and g["o"]["z"].item() == 10


def test_keywords_and_other_arguments_pass_through():
    assert func.grad(lambda x, n, *, k: (x * k).sum() if n == "go" else x.sum())(t([1.0]), "go", k=t([7.0])).item() == 7


def test_an_input_that_is_not_used_has_zeros(backend):
    x, y = t([1.0, 2.0]), t([[3.0]])
    g = func.grad(lambda x, y: (x * x).sum(), (0, 1))(x, y)
    assert g[1].tolist() == [[0.0]]
    assert func.grad(lambda x: t(5.0))(x).tolist() == [0.0, 0.0]
    assert func.grad(lambda x: x.sum())(t(np.zeros(0))).shape == (0,)
    assert func.vjp(lambda x: (x, t(1.0)), x)[1]((t([1.0, 2.0]), t(3.0)))[0].tolist() == [1.0, 2.0]


def test_cotangents_and_gradients_share_no_memory(backend):
    x, c = t([1.0, 2.0]), t([3.0, 4.0])
    _, pull = func.vjp(lambda a, b: a + b, x, x)
    first, second = pull(c)
    with gpugrad.no_grad():
        first += 1
    assert (second.tolist(), c.tolist()) == ([3, 4], [3, 4])


def test_a_vjp_may_be_pulled_many_times_and_after_its_input_was_written(backend):
    x = t([1.0, 2.0])
    y, pull = func.vjp(lambda x: x**2, x)
    x += 10
    assert y.tolist() == [1, 4]
    assert [pull(t([1.0, 1.0]))[0].tolist() for _ in range(2)] == [[2, 4], [2, 4]]


def test_mixed_dtypes_come_back_as_they_were():
    a, b = gpugrad.tensor([1.0, 2.0]), t([3.0, 4.0])
    ga, gb = func.grad(lambda a, b: (a * b).sum(), (0, 1))(a, b)
    assert (ga.dtype, gb.dtype) == (gpugrad.float32, gpugrad.float64)
    _, pull = func.vjp(lambda a: a * 2, a)
    assert pull(t([1.0, 1.0]))[0].dtype == gpugrad.float32


def test_complex_gradients_are_those_of_backward(backend):
    z = gpugrad.tensor([1 + 2j, 0.5 - 1j], dtype=gpugrad.complex128, requires_grad=True)
    f = lambda z: gpugrad.real(gpugrad.sin(z) * z).sum()  # noqa: E731
    f(z).backward()
    assert func.grad(f)(z.detach()).tolist() == z.grad.tolist()


# Modes, and what is outside


def test_dot_grad_is_never_touched():
    w = t([2.0], requires_grad=True)
    func.grad(lambda x: (x * w).sum())(w)
    func.jacrev(lambda x: x * w)(w)
    func.hessian(lambda x: (x**2 * w).sum())(w)
    func.jvp(lambda x: x * w, (w,), (w,))
    assert w.grad is None


def test_it_differentiates_its_own_function_within_no_grad():
    x, w = t(2.0, requires_grad=True), t(3.0, requires_grad=True)
    with gpugrad.no_grad():
        g, v = func.grad_and_value(lambda a: a**2 * w)(x)
        y, pull = func.vjp(lambda a: a**2 * w, x)
        assert not gpugrad.is_grad_enabled()
        (slope,) = pull(t(1.0))
        _, tangent = func.jvp(lambda a: a**2 * w, (x,), (w,))
        matrix = func.hessian(lambda a: a**2 * w)(x)
    assert [r.item() for r in (g, v, y, slope, tangent, matrix)] == [12, 12, 12, 12, 36, 6]
    assert not any(r.requires_grad for r in (g, v, y, slope, tangent, matrix))


def test_no_grad_within_the_function_is_respected():
    def f(x):
        with gpugrad.no_grad():
            constant = x**2
            inner = func.grad(lambda y: y**3)(x)
        return x**2 - constant + x * inner

    assert func.grad(f)(t(3.0)).item() == 6 + 27


def test_a_tracked_input_or_capture_keeps_the_gradient_in_its_graph(backend):
    x, w = t([2.0, 1.0], requires_grad=True), t([3.0, 5.0], requires_grad=True)
    g = func.grad(lambda a: (a**3 * w).sum())(x)
    g.sum().backward()
    assert (x.grad.tolist(), w.grad.tolist()) == ([36, 30], [12, 3])
    y, pull = func.vjp(lambda a: a * 2, t([1.0, 1.0]))
    assert not y.requires_grad
    c = t([1.0, 2.0], requires_grad=True)
    pull(c)[0].sum().backward()
    assert c.grad.tolist() == [2, 2]


def test_only_what_leads_outside_is_tracked():
    w = t(3.0, requires_grad=True)
    g, (value, aux) = func.grad_and_value(lambda x: (x * x * w, (x * 2, w * 2, x * x)), has_aux=True)(t(2.0))
    assert (g.requires_grad, value.requires_grad) == (True, True)
    assert [a.requires_grad for a in aux] == [False, True, False]
    aux[1].backward()
    assert w.grad.item() == 2


def test_aux_that_leads_outside_can_still_be_differentiated():
    w = t(3.0, requires_grad=True)
    _, aux = func.grad(lambda x: (gpugrad.exp(x), gpugrad.exp(x) * gpugrad.sin(x) * w), has_aux=True)(t(0.5))
    aux.backward()
    assert w.grad.item() == pytest.approx(np.exp(0.5) * np.sin(0.5))


def test_no_graph_is_kept_alive_when_nothing_outside_is_tracked():
    nodes = []

    def f(x):
        y = gpugrad.exp(x)
        nodes.append(weakref.ref(y.grad_fn))
        return (y * y).sum()

    gc.disable()
    try:
        results = func.grad_and_value(f)(t([1.0])), func.jvp(f, (t([1.0]),), (t([1.0]),)), func.hessian(f)(t([1.0]))
        assert nodes and not any(node() for node in nodes)
        y, pull = func.vjp(f, t([1.0]))
        assert nodes[-1]() is not None
        del pull
        assert nodes[-1]() is None
        assert results and y.item() > 0
    finally:
        gc.enable()


def test_a_step_back_in_a_long_graph_looks_at_that_step_alone():
    w = t([0.5], requires_grad=True)
    looked = []

    class Node(gpugrad._graph.BinaryNode):
        __slots__ = ()

        @property
        def edges(self):
            looked.append(self)
            return (self.edge0, self.edge1)

    y = w * 2
    old = y._node
    spy = Node()
    for slot in ("op", "hooks", "edge0", "edge1", "fit0", "saved1", "sequence"):
        setattr(spy, slot, getattr(old, slot))
    y._node = spy
    for _ in range(3):
        y = y - 0.1 * func.grad(lambda a: (a**2).sum())(y)
    assert not looked
    y.sum().backward()
    assert w.grad.item() == pytest.approx(2 * 0.8**3)


def test_hooks_in_the_function_run():
    seen = []

    def f(x):
        y = x * 3
        y.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
        return (y * y).sum()

    assert func.grad(f)(t([1.0])).tolist() == [36.0]
    assert seen == [[6.0]]
    rows = func.jacrev(lambda x: hooked(x * 3) * 2)(t([1.0, 1.0]))
    assert rows.tolist() == [[12.0, 0.0], [0.0, 12.0]]


def hooked(y):
    y.register_hook(lambda g: g * 2)
    return y


# What cannot be done is said


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: func.grad(lambda x: x * 2)(2.0), TypeError, r"argument 0 is builtins.float, not a tensor"),
        (lambda: func.grad(lambda x: x * 2)(np.ones(())), TypeError, r"argument 0 is numpy.ndarray, not a tensor"),
        (lambda: func.grad(lambda x: x)({"w": [t(1.0), 3]}), TypeError, r"argument 0\['w'\]\[1\] is builtins.int"),
        (lambda: func.grad(lambda x: x * 2.0)(gpugrad.tensor(2)), DtypeError, "argument 0 has dtype int64"),
        (lambda: func.grad(lambda x: x)(x for x in [t(1.0)]), TypeError, "argument 0 is builtins.generator"),
        (lambda: func.grad(lambda x: x * 2)(t([1.0])), GradientError, r"must return a scalar, and returned shape \(1,\)"),
        (lambda: func.grad(lambda x: (x, x))(t(1.0)), TypeError, "must return a tensor, and returned tuple"),
        (lambda: func.grad(lambda x: None)(t(1.0)), TypeError, "returned NoneType"),
        (lambda: func.grad(lambda x: (yield x))(t(1.0)), TypeError, "returned generator"),
        (lambda: func.grad(lambda x: x > 0)(t(1.0)), GradientError, "real floating-point scalar, and returned bool"),
        (lambda: func.grad(lambda x: x * 1j)(t(1.0)), GradientError, "returned complex128; take gpugrad.real"),
        (lambda: func.grad(lambda x: x, has_aux=True)(t(1.0)), TypeError, r"returns \(result, aux\), not Tensor"),
        (lambda: func.vjp(lambda x: x > 0, t([1.0])), DtypeError, "the result of the function has dtype bool"),
        (lambda: func.vjp(lambda x: {"y": 3}, t([1.0])), TypeError, r"the result\['y'\] of the function is int"),
        (lambda: pulled(t([1.0])), ShapeError, r"cotangents\['a'\]\[0\] has shape \(1,\), and \(2,\) is needed"),
        (lambda: pulled(gpugrad.tensor([1, 2])), DtypeError, "cotangents.* has dtype int64, and float64 is needed"),
        (lambda: pulled(3.0), TypeError, "cotangents.* is float, not a tensor"),
        (lambda: pull_of()({"a": (t([1.0, 1.0]),)}), TypeError, r"cotangents\['a'\] is tuple, and list is needed"),
        (lambda: pull_of()({"b": [t([1.0, 1.0])]}), TypeError, r"cotangents\['a'\] is missing"),
        (lambda: pull_of()({"a": []}), TypeError, r"cotangents\['a'\] has 0 parts, and 1 are needed"),
        (lambda: pull_of()(t([1.0, 1.0])), TypeError, "cotangents is Tensor, and dict of 1 is needed"),
        (lambda: func.grad(lambda x: written(x))(t([1.0])), GradientError, "cannot be written in place"),
        (lambda: func.grad(lambda x: written(x[:1]))(t([1.0])), GradientError, "cannot be written in place"),
        (lambda: func.grad(lambda x: written(x))(t([1.0], requires_grad=True)), GradientError, "Work on a .clone()"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def pull_of():
    return func.vjp(lambda x: {"a": [x * 2]}, t([1.0, 2.0]))[1]


def pulled(c):
    return pull_of()({"a": [c]})


def written(x):
    x += 1
    return x.sum()


def test_cotangents_of_another_device_are_named(devices):
    far, near = devices[0], devices[-1]
    _, pull = func.vjp(lambda x: x * 2, t([1.0], device=near))
    with pytest.raises(gpugrad.errors.DeviceError, match="cotangents is on"):
        pull(t([1.0], device=far))


def test_a_write_of_a_copy_within_the_function_is_differentiated(backend):
    x = t([1.0, 2.0, 3.0])

    def f(x):
        y = x.clone()
        y[0] = y[1] * y[2]
        y[1:] *= 2
        return (y**2).sum()

    assert func.grad(f)(x).tolist() == [0.0, 16 + 36, 24 + 24]
    assert x.tolist() == [1, 2, 3]


def test_after_an_error_in_the_function_all_is_as_before():
    x = t(2.0)

    def f(x):
        raise KeyError("from the user")

    for transform in (func.grad, func.jacrev, func.jacfwd, func.hessian, func.vmap):
        with pytest.raises(KeyError, match="from the user"), gpugrad.no_grad():
            transform(f)(x if transform is not func.vmap else t([2.0]))
    with pytest.raises(KeyError):
        func.jvp(f, (x,), (x,))
    assert gpugrad.is_grad_enabled()
    assert gpugrad._graph.mode.drawing is None
    assert not func._levels.active()
    assert func.grad(lambda x: x * x)(x).item() == 4


def test_transforms_keep_the_name_and_doc_of_the_function():
    def area(x):
        """Return the area."""
        return x * x

    assert func.grad(area).__name__ == "area" and func.vmap(area).__doc__ == "Return the area."


def test_many_threads_get_the_same_numbers():
    from concurrent.futures import ThreadPoolExecutor

    x = t([1.0, 2.0, 3.0])
    f = func.hessian(lambda x: (gpugrad.sin(x) * x.sum()).sum())
    expected = f(x).tolist()
    with ThreadPoolExecutor(4) as pool:
        assert all(r.tolist() == expected for r in pool.map(f, [x] * 12))
