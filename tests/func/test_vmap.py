# ruff: noqa: E501
"""vmap: axes of inputs and results, values that differ for each example, randomness, writes, and what cannot be."""

import numpy as np
import pytest

import gpugrad
from gpugrad import func, nn
from gpugrad._op import table
from gpugrad.errors import AxisError, GradientError, OptionError, ShapeError
from gpugrad.func._batched import Batched, DependsOnExample
from gpugrad.func._batching import rule_for


def t(values, **options):
    return gpugrad.tensor(values, dtype=gpugrad.float64, **options)


X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


@pytest.mark.parametrize(
    ("in_dims", "out_dims", "expected"),
    [
        (0, 0, [[6.0, 12.0, 18.0], [60.0, 75.0, 90.0]]),
        (0, 1, [[6.0, 60.0], [12.0, 75.0], [18.0, 90.0]]),
        (0, -1, [[6.0, 60.0], [12.0, 75.0], [18.0, 90.0]]),
        (1, 0, [[5.0, 20.0], [14.0, 35.0], [27.0, 54.0]]),
        (-1, 1, [[5.0, 14.0, 27.0], [20.0, 35.0, 54.0]]),
        ((0,), (0), [[6.0, 12.0, 18.0], [60.0, 75.0, 90.0]]),
        ([1], 0, [[5.0, 20.0], [14.0, 35.0], [27.0, 54.0]]),
    ],
)
def test_axes_of_inputs_and_results(in_dims, out_dims, expected, backend):
    assert func.vmap(lambda x: x * x.sum(), in_dims, out_dims)(t(X)).tolist() == expected


def test_trees_of_inputs_axes_and_results(backend):
    def f(d, x, *, k):
        return {"a": d["w"] * x, "b": (d["c"], x.sum() + k)}

    d = {"w": t(X), "c": t([7.0])}
    z = func.vmap(f, in_dims=({"w": 0, "c": None}, 1), out_dims={"a": 1, "b": (None, 0)})(d, t(X).T, k=t([10.0, 20.0]))
    assert z["a"].tolist() == [[1.0, 16.0], [4.0, 25.0], [9.0, 36.0]]
    assert (z["b"][0].tolist(), z["b"][1].tolist()) == ([7.0], [16.0, 35.0])


def test_a_result_that_all_share_is_repeated():
    assert func.vmap(lambda x: gpugrad.ones(2))(t([1.0, 2.0, 3.0])).tolist() == [[1, 1]] * 3
    assert func.vmap(lambda x: gpugrad.ones(2), out_dims=None)(t([1.0])).tolist() == [1, 1]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 5, 9])
def test_chunks_change_nothing(chunk_size, backend):
    x, y = t(np.arange(10.0).reshape(2, 5)), t(np.arange(5.0))
    f = lambda a, b, c: (a * b + c, a.sum())  # noqa: E731
    whole = func.vmap(f, in_dims=(1, 0, None), out_dims=(1, 0))(x, y, t(3.0))
    parts = func.vmap(f, in_dims=(1, 0, None), out_dims=(1, 0), chunk_size=chunk_size)(x, y, t(3.0))
    assert [z.tolist() for z in whole] == [z.tolist() for z in parts]


def test_every_op_has_a_rule_but_those_that_go_one_by_one():
    without = {name for name, op in table.items() if rule_for(op) is None}
    assert without <= {"nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values"}


def test_a_rule_is_one_call_for_all_examples(monkeypatch):
    calls = []
    add = table["sum"]
    forward = add.forward
    monkeypatch.setattr(add, "forward", lambda x, **options: calls.append(x.shape) or forward(x, **options))
    func.vmap(func.vmap(gpugrad.sum))(t(np.zeros((3, 4, 5))))
    assert calls == [(3, 4, 5)]


# Indices and masks of each example


@pytest.mark.parametrize(
    "read",
    [
        lambda x, i: x[i],
        lambda x, i: x[i, 1],
        lambda x, i: x[1, i],
        lambda x, i: x[:, i],
        lambda x, i: x[..., i],
        lambda x, i: x[i, :],
        lambda x, i: x[i, i],
        lambda x, i: x[i, [0, 2]],
        lambda x, i: x[None, i],
        lambda x, i: x[1:, i],
        lambda x, i: gpugrad.take(x, i.reshape((-1,)), axis=1),
        lambda x, i: gpugrad.take_along_axis(x, gpugrad.broadcast_to(i.reshape((-1, 1)), (i.size, 3)), axis=0),
        lambda x, i: gpugrad.where(i.reshape((-1, 1)) > 0, x[:1], 0.0),
    ],
)
@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("shared", [False, True])
def test_indices_that_differ_for_each_example(read, shape, shared, backend):
    random = np.random.default_rng(0)
    x = t(random.normal(size=(3, 3) if shared else (4, 3, 3)))
    i = gpugrad.tensor(random.integers(0, 3, (4, *shape)))
    together = func.vmap(read, in_dims=(None if shared else 0, 0))(x, i)
    apart = gpugrad.stack([read(x if shared else x[k], i[k]) for k in range(4)])
    assert together.tolist() == apart.tolist()
    g = func.grad(lambda x: (func.vmap(read, in_dims=(None if shared else 0, 0))(x, i) ** 2).sum())(x)
    h = func.grad(lambda x: sum((read(x if shared else x[k], i[k]) ** 2).sum() for k in range(4)))(x)
    np.testing.assert_allclose(g.tolist(), h.tolist(), rtol=1e-13)


def test_a_mask_of_each_example_must_leave_one_shape():
    assert func.vmap(lambda x: x[x > 1])(t([[0.0, 2.0], [3.0, 1.0]])).tolist() == [[2], [3]]
    with pytest.raises(ShapeError, match=r"must have one shape; here they have \[\(1,\), \(2,\)\]"):
        func.vmap(lambda x: x[x > 1])(t([[0.0, 2.0], [3.0, 2.0]]))


# Writes


def test_writes_change_the_values_of_each_example(backend):
    def f(x, i):
        y = x * 1
        y[0] = x[1] * 2
        y[1:] += x[:2]
        y[i] = 9.0
        y[[0, 0]] = x[1:]
        z = gpugrad.zeros_like(x)
        z.copy_(y)
        z -= 1
        v = z[1:]
        v *= 2
        return z

    x, i = t(X), gpugrad.tensor([1, 2])
    assert func.vmap(f)(x, i).tolist() == [f(x[k], i[k]).tolist() for k in range(2)]
    assert x.tolist() == X
    g = func.grad(lambda x: (func.vmap(f)(x, i) ** 2).sum())(x)
    h = func.grad(lambda x: sum((f(x[k], i[k]) ** 2).sum() for k in range(2)))(x)
    assert g.tolist() == h.tolist()
    inner = func.vmap(func.grad(lambda x, i: (f(x, i) ** 2).sum()))(x, i)
    assert inner.tolist() == g.tolist()


def test_a_shared_tensor_takes_no_values_of_single_examples():
    shared = t([0.0, 0.0, 0.0])
    for write in (lambda s, x: s.__setitem__(0, x[0]), lambda s, x: s.__iadd__(x), lambda s, x: s.copy_(x)):
        with pytest.raises(GradientError, match=r"written into a tensor of shape \(3,\) that all of them share"):
            func.vmap(lambda x, write=write: write(shared, x))(t(X))
    assert shared.tolist() == [0, 0, 0]


# Randomness


def test_random_numbers_are_refused_the_same_or_different(backend):
    x = gpugrad.zeros(64)
    draws = [
        lambda x: x + gpugrad.randn(()), lambda x: x + gpugrad.rand(2), lambda x: x + gpugrad.randint(100),
        lambda x: x + gpugrad.randperm(20), lambda x: nn.functional.dropout(gpugrad.ones(40) + x),
        lambda x: nn.functional.dropout(gpugrad.ones(40)),
    ]  # fmt: skip
    draws[2] = lambda x: x + gpugrad.randint(0, 1000, ())
    for draw in draws:
        with pytest.raises(OptionError, match="randomness='different'"):
            func.vmap(draw)(x)
        gpugrad.manual_seed(0)
        same = func.vmap(draw, randomness="same")(x)
        assert all(row == same.tolist()[0] for row in same.tolist())
        gpugrad.manual_seed(0)
        assert same[0].tolist() == draw(x[0]).tolist()
        different = func.vmap(draw, randomness="different")(x).tolist()
        assert len({str(row) for row in different}) > 30
    outer = func.vmap(
        lambda a: func.vmap(lambda b: a + b + gpugrad.rand(()), randomness="same")(x[:3]), randomness="different"
    )
    table = outer(x[:4])
    assert all(len(set(row)) == 1 for row in table.tolist()) and len({row[0] for row in table.tolist()}) == 4


def test_dropout_drops_the_same_in_the_walk_back(backend):
    x = gpugrad.ones((8, 16), requires_grad=True)
    for randomness in ("same", "different"):
        z = func.vmap(nn.functional.dropout, randomness=randomness)(x)
        (g,) = gpugrad.autograd.grad(z.sum(), x)
        assert g.tolist() == z.tolist()
    gpugrad.manual_seed(1)
    rows = func.vmap(func.grad(lambda x: nn.functional.dropout(x).sum()), randomness="different")(x.detach())
    assert len({str(row) for row in rows.tolist()}) == 8
    _, pull = func.vjp(nn.functional.dropout, x.detach())
    one, many = pull(gpugrad.ones((8, 16)))[0], func.vmap(pull)(gpugrad.ones((3, 8, 16)))[0]
    assert many.tolist() == [one.tolist()] * 3


# A value of each example looks like one


def test_what_a_function_sees_is_one_example(backend):
    def f(x):
        assert type(x) is Batched
        assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((3, 1), 2, 3, gpugrad.float64, 3)
        assert x.device == gpugrad.ones(1).device and x.T.shape == x.mT.shape == (1, 3)
        assert x.__array_namespace__() is gpugrad
        assert "one of 2 examples of vmap, shape (3, 1)" in repr(x)
        assert gpugrad.ones_like(x).shape == (3, 1) and gpugrad.asarray(x) is not None
        assert [row.shape for row in x] == [(1,)] * 3
        assert (
            x.to(gpugrad.float32).dtype == gpugrad.float32 and x.to("cpu" if x.device.kind == "cpu" else x.device).shape
        )
        assert not x.detach().requires_grad and x.requires_grad
        return x.reshape(-1).clone() + gpugrad.full_like(x[0], 2.0) * gpugrad.ones(3)

    assert func.vmap(f)(t(X, requires_grad=True)[..., None]).tolist() == [[3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize(
    "ask",
    [bool, float, int, complex, lambda x: x.item(), lambda x: x.tolist(), lambda x: x.numpy(), np.asarray,
     lambda x: range(3)[x], lambda x: 1.0 in x, lambda x: x.backward(), lambda x: [1, 2][x]],
)  # fmt: skip
def test_a_value_that_differs_for_each_example_is_not_told(ask):
    with pytest.raises(DependsOnExample, match="there is no single one"):
        func.vmap(ask)(t([1.0, 2.0]))


def test_a_value_that_was_kept_is_refused_when_vmap_has_ended():
    kept = []
    func.vmap(lambda x: kept.append(x) or x)(t([1.0, 2.0]))
    with pytest.raises(GradientError, match="used after vmap had ended"):
        kept[0] * 2
    with pytest.raises(GradientError, match="used after vmap had ended"):
        kept[0][...]


def test_array_api_code_needs_no_change(backend):
    def standardised(x):
        xp = x.__array_namespace__()
        y = xp.where(xp.isnan(x), xp.zeros_like(x), x)
        y = (y - xp.mean(y)) / xp.std(y)
        order = xp.argsort(y)
        return xp.concat([xp.take(xp.sort(y), xp.arange(2)), xp.astype(order, y.dtype), xp.reshape(xp.max(y), (1,))])

    x = t([[3.0, 1.0, 2.0], [float("nan"), 5.0, 4.0]])
    expected = [standardised(row).tolist() for row in x]
    np.testing.assert_allclose(func.vmap(standardised)(x).tolist(), expected, rtol=1e-13)


LOSSES = {
    "cross_entropy": lambda x, y: nn.functional.cross_entropy(x, y),
    "summed": lambda x, y: nn.functional.cross_entropy(x, y, reduction="sum", label_smoothing=0.1),
    "of each": lambda x, y: nn.functional.cross_entropy(x, y, reduction="none", ignore_index=1),
    "ignoring": lambda x, y: nn.functional.cross_entropy(x, y, ignore_index=1),
    "weighted": lambda x, y: nn.functional.cross_entropy(x, y, weight=t([1.0, 2.0, 0.5])),
    "of one": lambda x, y: nn.functional.cross_entropy(x[0], y[0]),
    "nll": lambda x, y: nn.functional.nll_loss(nn.functional.log_softmax(x), y),
    "mse": lambda x, y: nn.functional.mse_loss(x[:, 0], y.to(gpugrad.float64)),
    "bce": lambda x, y: nn.functional.binary_cross_entropy_with_logits(x[:, 0], y.to(gpugrad.float64) / 2),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_each_example(loss, backend):
    random = np.random.default_rng(1)
    x, y = t(random.normal(size=(5, 4, 3))), gpugrad.tensor(random.integers(0, 3, (5, 4)))
    f = LOSSES[loss]
    both = func.vmap(f)(x, y), func.vmap(func.grad(lambda x, y: f(x, y).sum()))(x, y)
    apart = [(f(a, b), func.grad(lambda x, y: f(x, y).sum())(a, b)) for a, b in zip(x, y, strict=True)]
    for k, (value, gradient) in enumerate(apart):
        np.testing.assert_allclose(both[0][k].tolist(), value.tolist(), rtol=1e-13)
        np.testing.assert_allclose(both[1][k].tolist(), gradient.tolist(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda x: func.vmap(lambda a, b: a)(x, x[:1]), ShapeError, r"different numbers of examples: input\[0\] 2, input\[1\] 1"),
        (lambda x: func.vmap(lambda a: a, in_dims=2)(x), AxisError, r"input\[0\] has shape \(2, 3\) and no axis 2"),
        (lambda x: func.vmap(lambda a: a)(t(1.0)), AxisError, r"input\[0\] has shape \(\) and no axis 0"),
        (lambda x: func.vmap(lambda a: a)(2.0), TypeError, r"input\[0\] is float and has no axis 0; say None"),
        (lambda x: func.vmap(lambda a, b: a)(x, "s"), TypeError, r"input\[1\] is str"),
        (lambda x: func.vmap(lambda a: a, in_dims=None)(x), OptionError, "no input has an axis of examples"),
        (lambda x: func.vmap(lambda a: a, in_dims=(0, 0))(x), OptionError, r"in_dims is \(0, 0\), which does not fit"),
        (lambda x: func.vmap(lambda a: a, in_dims="0")(x), OptionError, "in_dims is '0'"),
        (lambda x: func.vmap(lambda a: a, in_dims=({"b": 0},))({"a": x}), OptionError, r"in_dims\[0\] is {'b': 0}"),
        (lambda x: func.vmap(lambda a: a, out_dims=(0, 0))(x), OptionError, "out_dims is .* does not fit the results"),
        (lambda x: func.vmap(lambda a: a, out_dims=5)(x), AxisError, r"has shape \(2, 3\) with the examples, and no axis 5"),
        (lambda x: func.vmap(lambda a: a, out_dims=None)(x), OptionError, "its out_dims cannot be None"),
        (lambda x: func.vmap(lambda a: 3)(x), TypeError, "the result of <lambda> is int, not a tensor"),
        (lambda x: func.vmap(lambda a: {"z": [a, "s"]})(x), TypeError, r"the result\['z'\]\[1\] of <lambda> is str"),
        (lambda x: func.vmap(lambda a: a)(x[:0]), ShapeError, "there are 0 examples"),
        (lambda x: func.vmap(lambda a: a, randomness="foo"), OptionError, "randomness is 'error', 'different' or 'same'"),
        (lambda x: func.vmap(lambda a: a, chunk_size=0), OptionError, "chunk_size"),
        (lambda x: func.vmap(lambda a: a @ gpugrad.ones((2, 2)))(x), ShapeError, "matmul"),
        (lambda x: func.vmap(lambda a: gpugrad.sum(a, axis=1))(x), AxisError, "axis 1 is out of range"),
        (lambda x: func.vmap(lambda a: a.T)(x), ShapeError, r"\.T is for matrices; shape \(3,\)"),
        (lambda x: func.vmap(lambda a: gpugrad.matrix_transpose(a))(x), ShapeError, r"matrix_transpose: shape \(3,\)"),
        (lambda x: func.vmap(lambda a: gpugrad.linalg.inv(a))(x), ShapeError, r"inv: takes a matrix .* not shape \(3,\)"),
        (lambda x: func.vmap(lambda a: a[5])(x), IndexError, "index 5 is out of range for axis 0"),
        (lambda x: func.vmap(lambda a: gpugrad.linear(a, gpugrad.ones((2, 2), dtype=gpugrad.float64)))(x), ShapeError, "linear: input"),
        (lambda x: func.vmap(lambda w: gpugrad.linear(x[0, :2], w))(x), ShapeError, "linear"),
        (lambda x: func.vmap(lambda a: gpugrad.reshape(a, (2, 2)))(x), ShapeError, "3 elements do not fit"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call(t(X))
    assert "\n" not in str(caught.value)
