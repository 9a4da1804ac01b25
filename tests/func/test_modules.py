# ruff: noqa: E501
"""functional_call and stack_module_state: modules as functions of their parameters, which are left as they are."""

import numpy as np
import pytest

import gpugrad
from gpugrad import func, nn
from gpugrad.errors import OptionError, StateError


class Net(nn.Module):
    def __init__(self):
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2)
        self.register_buffer("scale", gpugrad.tensor([2.0, 0.5]))

    def forward(self, x, *, shift=0.0):
        if isinstance(x, str):
            raise KeyError(x)
        return self.second(gpugrad.tanh(self.first(x))) * self.scale + shift


class Tied(nn.Module):
    def __init__(self):
        self.there = nn.Linear(3, 3, bias=False)
        self.back = nn.Linear(3, 3, bias=False)
        self.back.weight = self.there.weight

    def forward(self, x):
        return self.back(gpugrad.tanh(self.there(x)))


class Counting(nn.Module):
    def __init__(self):
        self.register_buffer("count", gpugrad.tensor(0.0))

    def forward(self, x):
        self.count = self.count + 1
        return x * self.count


def values_of(module):
    return {name: p.detach() for name, p in [*module.named_parameters(), *module.named_buffers()]}


def test_a_call_with_other_values_is_that_of_a_module_that_has_them(backend):
    one, other, x = Net(), Net(), gpugrad.randn(5, 3)
    before, order = {name: id(p) for name, p in one.named_parameters()}, list(vars(one))
    assert func.functional_call(one, values_of(other), x).tolist() == other(x).tolist()
    part = {"second.weight": values_of(other)["second.weight"]}
    mixed = func.functional_call(one, part, (x,), {"shift": 1.0})
    one_too = Net()
    one_too.load_state_dict({**one.state_dict(), **part})
    assert mixed.tolist() == one_too(x, shift=1.0).tolist()
    assert func.functional_call(one, (dict(one.named_parameters()), {"scale": gpugrad.ones(2)}), x).shape == (5, 2)
    assert before == {name: id(p) for name, p in one.named_parameters()}
    assert list(vars(one)) == order


def test_gradients_come_by_name_and_leave_the_module_alone(backend):
    model, x = Net(), gpugrad.randn(5, 3)
    values = values_of(model)
    g = func.grad(lambda p: (func.functional_call(model, p, x) ** 2).sum())(values)
    (model(x) ** 2).sum().backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(g[name].tolist(), p.grad.tolist(), rtol=1e-5)
    assert g["scale"].shape == (2,)
    assert not any(v.requires_grad for v in values.values())


def test_the_module_is_as_it_was_after_an_error():
    model = Net()
    before = {**vars(model), **vars(model.first)}
    with pytest.raises(KeyError, match="boom"):
        func.functional_call(model, {"first.weight": gpugrad.zeros((4, 3)), "scale": gpugrad.ones(2)}, "boom")
    with pytest.raises(ValueError, match="linear"):
        func.functional_call(model, {"first.weight": gpugrad.zeros((1, 1))}, gpugrad.ones(3))
    assert before == {**vars(model), **vars(model.first)}


def test_a_buffer_that_forward_replaces_comes_back():
    model = Counting()
    assert func.functional_call(model, {"count": gpugrad.tensor(4.0)}, gpugrad.tensor(1.0)).item() == 5
    assert model.count.item() == 0
    assert func.functional_call(model, {}, gpugrad.tensor(1.0)).item() == 1
    assert model.count.item() == 0


def test_a_shared_parameter_has_one_value(backend):
    model, x = Tied(), gpugrad.randn(2, 3)
    weight = gpugrad.randn(3, 3)
    for name in ("there.weight", "back.weight"):
        z = func.functional_call(model, {name: weight}, x)
        np.testing.assert_allclose(
            z.tolist(), gpugrad.linear(gpugrad.tanh(gpugrad.linear(x, weight)), weight).tolist(), rtol=1e-5
        )
    func.functional_call(model, {"there.weight": weight, "back.weight": weight}, x)
    with pytest.raises(OptionError, match="there.weight and back.weight are one parameter, and have different values"):
        func.functional_call(model, {"there.weight": weight, "back.weight": weight * 1}, x)
    z = func.functional_call(model, {"there.weight": weight}, x, tie_weights=False)
    np.testing.assert_allclose(z.tolist(), model.back(gpugrad.tanh(gpugrad.linear(x, weight))).tolist(), rtol=1e-5)
    (g,) = func.grad(lambda p: func.functional_call(model, p, x).sum())({"there.weight": weight}).values()
    model.there.weight.data.copy_(weight)
    model(x).sum().backward()
    np.testing.assert_allclose(g.tolist(), model.there.weight.grad.tolist(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m, x: func.functional_call(m, {"third.weight": x}, x), StateError, "Net has no parameter or buffer 'third.weight'; it has scale, first.weight"),
        (lambda m, x: func.functional_call(m, {"scale": x}, x, strict=True), StateError, "first.weight, first.bias, .* of Net are missing"),
        (lambda m, x: func.functional_call(m, {"scale": 3.0}, x), TypeError, "'scale' is float, not a tensor"),
        (lambda m, x: func.functional_call(m, ({"scale": x}, {"scale": x}), x), OptionError, "scale stand in two of the dicts"),
        (lambda m, x: func.functional_call(m, [x], x), TypeError, "a dict of tensors by name, or a tuple of such"),
        (lambda m, x: func.functional_call(m, 3, x), TypeError, "not int"),
        (lambda m, x: func.stack_module_state([]), OptionError, "there are no models"),
        (lambda m, x: func.stack_module_state([m, Tied()]), OptionError, "different classes: Net, Tied"),
        (lambda m, x: func.stack_module_state([nn.Linear(2, 3), nn.Linear(3, 3)]), StateError, "model 1 differs from model 0 at 'weight'"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call(Net(), gpugrad.ones(3))
    assert "\n" not in str(caught.value)


def test_an_ensemble_runs_at_once(backend):
    models, x = [Net() for _ in range(3)], gpugrad.randn(5, 3)
    parameters, buffers = func.stack_module_state(models)
    assert parameters["first.weight"].shape == (3, 4, 3) and parameters["first.weight"].is_leaf
    assert parameters["first.weight"].requires_grad and not buffers["scale"].requires_grad

    def run(parameters, buffers, x):
        return func.functional_call(models[0], (parameters, buffers), x)

    together = func.vmap(run, in_dims=(0, 0, None))(parameters, buffers, x)
    for model, row in zip(models, together, strict=True):
        np.testing.assert_allclose(row.tolist(), model(x).tolist(), rtol=1e-4, atol=1e-6)
    together.sum().backward()
    models[1](x).sum().backward()
    ours, theirs = parameters["second.bias"].grad[1], models[1].second.bias.grad
    np.testing.assert_allclose(ours.tolist(), theirs.tolist(), rtol=1e-5)


def test_gradients_of_single_examples_are_those_of_a_loop(backend):
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    values, x, y = values_of(model), gpugrad.randn(6, 3), gpugrad.tensor([0, 1, 1, 0, 1, 0])

    def loss(values, x, y):
        return nn.functional.cross_entropy(func.functional_call(model, values, x), y)

    rows = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(values, x, y)
    for k in range(6):
        one = func.grad(loss)(values, x[k], y[k])
        for name in values:
            np.testing.assert_allclose(rows[name][k].tolist(), one[name].tolist(), rtol=2e-4, atol=1e-6)
    mean = func.grad(loss)(values, x, y)
    np.testing.assert_allclose(rows["0.weight"].mean(0).tolist(), mean["0.weight"].tolist(), rtol=1e-3, atol=1e-6)


def test_a_module_may_be_called_with_other_values_within_such_a_call(backend):
    class Nested(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(gpugrad.ones(2))
            self.register_buffer("shift", gpugrad.zeros(2))

        def forward(self, x, depth=0):
            if depth:
                other = {"scale": self.scale * 10, "shift": self.shift + 1}
                x = func.functional_call(self, other, (x, depth - 1))
            return x * self.scale + self.shift

    model, x, scale = Nested(), gpugrad.ones(2), gpugrad.tensor([2.0, 3.0])
    made, slope = func.value_and_grad(lambda s: func.functional_call(model, {"scale": s}, (x, 2)).sum())(scale)
    assert made.tolist() == sum(((s * 100 + 2) * s * 10 + 1) * s for s in (2.0, 3.0))
    assert slope.tolist() == [3000 * s**2 + 40 * s + 1 for s in (2.0, 3.0)]
    with pytest.raises(TypeError):
        func.functional_call(model, {"scale": scale}, (x, "deep"))
    assert [name for name, _ in model.named_parameters()] == ["scale"]
    assert func.functional_call(model, {"scale": scale}, x).tolist() == [2, 3]
