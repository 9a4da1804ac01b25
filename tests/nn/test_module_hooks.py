"""Hooks of modules see what they are promised, may replace it, and are never passed over."""

import copy
import gc
import pickle
import weakref

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import GradientError


def leaf(*values):
    return gpugrad.tensor(list(values), requires_grad=True)


class Pair(nn.Module):
    """Two arguments, a keyword, two results."""

    def forward(self, a, b, scale=1.0):
        return a * b * scale, a + b


# Around forward


def test_a_pre_hook_replaces_arguments(backend):
    layer = nn.Identity()
    layer.register_forward_pre_hook(lambda module, args: args[0] * 2)
    layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    assert layer(gpugrad.ones(2)).tolist() == [3.0, 3.0]


def test_hooks_with_kwargs_see_and_replace_them(backend):
    module, seen = Pair(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 10.0}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, result: seen.append(kwargs), with_kwargs=True)
    assert module(gpugrad.ones(1), gpugrad.ones(1), scale=3.0)[0].tolist() == [10.0]
    assert seen == [{"scale": 10.0}]
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(TypeError, match=r"answers with \(args, kwargs\) or None, not tuple"):
        module(gpugrad.ones(1), gpugrad.ones(1))


def test_the_order_of_hooks_and_prepend():
    layer, order = nn.Identity(), []
    for name, options in (("a", {}), ("b", {}), ("c", {"prepend": True})):
        layer.register_forward_pre_hook(lambda *_, name=name: order.append("before " + name), **options)
        layer.register_forward_hook(lambda *_, name=name: order.append("after " + name), **options)
    layer(gpugrad.ones(1))
    assert order == [f"{when} {name}" for when in ("before", "after") for name in "cab"]


def test_a_hook_that_always_runs_runs_once_after_an_error():
    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("in forward")

    module, seen = Failing(), []
    module.register_forward_hook(lambda m, args, result: seen.append("never"))
    module.register_forward_hook(lambda m, args, result: seen.append(result), always_call=True)
    with pytest.raises(ValueError, match="in forward"):
        module(1)
    assert seen == [None]

    def fault(*_):
        raise KeyError("in a hook")

    layer, seen = nn.Identity(), []
    layer.register_forward_hook(lambda *_: seen.append(1), always_call=True)
    layer.register_forward_hook(fault)
    layer.register_forward_hook(fault, always_call=True)
    with pytest.warns(UserWarning, match="always_call=True raised KeyError"), pytest.raises(KeyError):
        layer(gpugrad.ones(1))
    assert seen == [1]


KINDS = [
    "register_forward_pre_hook",
    "register_forward_hook",
    "register_full_backward_pre_hook",
    "register_full_backward_hook",
]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_no_hook_is_passed_over_where_two_layers_run_as_one_node(backend, kind, place):
    model, seen = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
    handle = getattr(model[place], kind)(lambda *_: seen.append(kind))
    x = gpugrad.ones((4, 2), requires_grad=True)
    model(x).sum().backward()
    assert seen == [kind]
    handle.remove()
    assert model(x).grad_fn.name == "ActivatedLinearBackward"


def test_a_forward_of_the_instance_is_not_passed_over(backend):
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[0].forward = lambda x: x * 0 - 1
    assert model(gpugrad.ones((1, 2))).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hook_is_a_function(kind):
    with pytest.raises(TypeError, match="a hook is a function, not int"):
        getattr(nn.Identity(), kind)(3)


# Around backward


def test_backward_hooks_see_gradients_of_arguments_and_results(backend):
    module, seen = Pair(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((m, gi, go)))
    a, b = leaf(1.0, 2.0), gpugrad.tensor([3.0, 4.0])
    (module(a, b)[0].sum() * 2).backward()
    ((m, (ga, gb), (g1, g2)),) = seen
    assert m is module and gb is None and g2 is None
    assert (ga.tolist(), g1.tolist()) == ([6.0, 8.0], [2.0, 2.0])
    assert a.grad.tolist() == [6.0, 8.0]


def test_backward_hooks_replace_gradients_in_their_order(backend):
    layer, x = nn.Tanh(), leaf(0.0)
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] + 1,))
    layer.register_full_backward_pre_hook(lambda m, go: go[0] * 10, prepend=True)
    layer.register_full_backward_hook(lambda m, gi, go: gi[0] * go[0])
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] + 0.5,))
    layer(x).backward()
    assert x.grad.tolist() == [11.0 * 11.0 + 0.5]


def test_a_gradient_can_be_stopped_by_none(backend):
    module = Pair()
    module.register_full_backward_hook(lambda m, gi, go: (gi[0], None))
    a, b = leaf(1.0), leaf(2.0)
    module(a, b)[0].sum().backward()
    assert a.grad.tolist() == [2.0] and b.grad is None


def test_without_arguments_that_need_gradients_the_hook_still_runs(backend):
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    layer(gpugrad.ones((1, 2))).sum().backward()
    assert seen == [((None,), [[1.0]])]
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]
    layer.register_full_backward_hook(lambda m, gi, go: (go[0],))
    with pytest.raises(GradientError, match="where there was none"):
        layer(gpugrad.ones((1, 2))).sum().backward()


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (lambda g: (g, g), "answered with 2 gradients, and was given 1"),
        (lambda g: (gpugrad.ones(3),), r"shape \(3,\) to a gradient of shape \(2,\)"),
        (lambda g: ("text",), "answers with a tensor or None, not str"),
    ],
)
def test_an_answer_that_fits_nothing_is_refused_by_name(backend, answer, match):
    def meddling(module, grad_input, grad_output):
        return answer(grad_input[0])

    layer, x = nn.Tanh(), leaf(0.0, 1.0)
    layer.register_full_backward_hook(meddling)
    with pytest.raises((GradientError, TypeError), match=match) as caught:
        layer(x).sum().backward()
    assert "meddling" in str(caught.value) and x.grad is None


def test_derivatives_of_a_second_order_go_through_hooks(backend):
    class Cube(nn.Module):
        def forward(self, x):
            return x * x * x

    layer, x, seen = Cube(), leaf(2.0), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(1) or (gi[0] * 2,))
    (slope,) = gpugrad.autograd.grad(layer(x), x, create_graph=True)
    (curvature,) = gpugrad.autograd.grad(slope, x)
    assert (slope.tolist(), curvature.tolist()) == ([24.0], [24.0])
    assert seen == [1]


def test_a_retained_graph_calls_hooks_in_each_walk(backend):
    layer, x, seen = nn.Tanh(), leaf(0.0), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].tolist()))
    z = layer(x)
    z.backward(retain_graph=True)
    z.backward(gpugrad.tensor([3.0]))
    assert seen == [[1.0], [3.0]] and x.grad.tolist() == [4.0]


def test_what_forward_writes_into_an_argument_reaches_the_caller(backend):
    for hooked in (False, True):
        layer, x = nn.ReLU(inplace=True), leaf(-1.0, 2.0)
        if hooked:
            layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
        y = x * 3
        z = layer(y)
        assert z.tolist() == y.tolist() == [0.0, 6.0]
        (z + y).sum().backward()
        # y is the hooked layer's result too: one pass through it, with both gradients, unless it was left as it is.
        assert x.grad.tolist() == ([0.0, 60.0] if hooked else [0.0, 6.0])


def test_results_in_named_tuples_keep_their_kind(backend):
    class Spectrum(nn.Module):
        def forward(self, x):
            return gpugrad.linalg.slogdet(x)

    module, seen = Spectrum(), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append(len(go)))
    result = module(gpugrad.eye(2, dtype=gpugrad.float64).requires_grad_())
    result.logabsdet.backward()
    assert seen == [2]


def test_a_result_that_hooks_cannot_see_through_warns():
    class Listed(nn.Module):
        def forward(self, x):
            return [x]

    module = Listed()
    module.register_full_backward_hook(lambda *_: None)
    with pytest.warns(UserWarning, match="hooks of Listed are not called: its result is a list"):
        module(leaf(1.0))


def test_nothing_is_copied_where_nothing_is_recorded(backend):
    layer, x = nn.Identity(), leaf(1.0)
    layer.register_full_backward_hook(lambda *_: None)
    with gpugrad.no_grad():
        assert layer(x) is x
    y = gpugrad.ones(1)
    assert layer(y) is y


def test_a_graph_through_hooks_is_freed_at_once():
    layer, x = nn.Tanh(), leaf(1.0)
    layer.register_full_backward_hook(lambda *_: None)
    gc.disable()
    try:
        z = layer(x)
        node = weakref.ref(z.grad_fn)
        del z
        assert node() is None
    finally:
        gc.enable()


def test_anomaly_mode_names_the_layer_of_a_hooked_module():
    class Root(nn.Module):
        def forward(self, x):
            return gpugrad.sqrt(x)

    model = nn.Sequential(nn.Identity(), Root())
    model[1].register_forward_pre_hook(lambda *_: None)
    with gpugrad.autograd.detect_anomaly(), pytest.raises(gpugrad.errors.AnomalyError, match=r"1 \(Root\)|Sequential"):
        model(leaf(-1.0))


def test_a_hook_that_makes_nan_is_named_by_anomaly_mode():
    def spoiling(module, grad_input, grad_output):
        return (grad_input[0] * float("nan"),)

    layer, x = nn.Tanh(), leaf(1.0)
    layer.register_full_backward_hook(spoiling)
    with gpugrad.autograd.detect_anomaly(), pytest.raises(gpugrad.errors.AnomalyError) as caught:
        layer(x).backward()
    assert caught.value.line == spoiling.__code__.co_firstlineno + 1


def test_hooks_run_within_transforms_and_functional_calls(backend):
    layer, seen = nn.Linear(2, 1, bias=False), []
    layer.register_forward_hook(lambda m, args, result: seen.append(1))
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(2))
    weights = {"weight": gpugrad.ones((1, 2))}
    x = gpugrad.ones(2)
    slope = gpugrad.func.grad(lambda w: gpugrad.func.functional_call(layer, w, x).sum())(weights)
    assert slope["weight"].tolist() == [[1.0, 1.0]] and seen == [1, 2]


def test_hooks_under_vmap_run_or_are_refused_but_never_passed_over(backend):
    layer, seen = nn.Tanh(), []
    layer.register_forward_hook(lambda m, args, result: seen.append(result.shape))
    handle = layer.register_full_backward_hook(lambda m, gi, go: None)
    x = gpugrad.ones((3, 2))
    assert gpugrad.func.vmap(layer)(x).shape == (3, 2) and seen == [(2,)], "nothing is recorded"
    per_example = gpugrad.func.vmap(gpugrad.func.grad(lambda v: layer(v).sum()))
    with pytest.raises(GradientError, match="backward hook of Tanh sees one gradient at a time"):
        per_example(x)
    handle.remove()
    assert per_example(x).shape == (3, 2)


@pytest.mark.parametrize("kind", ["checkpoint", "jvp"])
def test_backward_hooks_hold_in_checkpoints_and_forward_mode(backend, kind):
    layer, x = nn.Tanh(), leaf(0.0)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    if kind == "jvp":
        assert gpugrad.func.jvp(layer, (gpugrad.zeros(1),), (gpugrad.ones(1),))[1].tolist() == [10.0]
    else:
        gpugrad.autograd.checkpoint(layer, x).sum().backward()
        assert x.grad.tolist() == [10.0]


# Copies


def doubled(module, args, result):
    return result * 2


def test_copies_have_hooks_of_their_own(backend):
    layer = nn.Identity()
    layer.handle = layer.register_forward_hook(doubled)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin(gpugrad.ones(1)).tolist() == [2.0]
        twin.register_forward_hook(doubled)
        assert twin(gpugrad.ones(1)).tolist() == [4.0]
        twin.handle.remove()
        assert twin(gpugrad.ones(1)).tolist() == [2.0]
    assert layer(gpugrad.ones(1)).tolist() == [2.0]


def test_a_hook_set_after_unpickling_takes_nobody_elses_place():
    layer = nn.Identity()
    handle = layer.register_forward_hook(doubled)
    twin = pickle.loads(pickle.dumps(layer))
    # In another process the numbers of handles begin anew, and may meet one that was saved.
    functions = twin._hooks.forward
    functions[handle._key + 1] = functions.pop(handle._key)
    for _ in range(3):
        twin.register_forward_hook(doubled)
    assert twin(gpugrad.ones(1)).tolist() == [16.0]


def test_a_handle_outlives_its_module():
    layer = nn.Identity()
    handle = layer.register_forward_hook(doubled)
    gone = weakref.ref(layer)
    del layer
    assert gone() is None
    handle.remove()
