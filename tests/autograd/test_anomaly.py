"""Anomaly mode names the first op that made a NaN or an Inf, and the line; off, it leaves nothing behind."""

from __future__ import annotations

import gc
import inspect
import linecache
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._graph import watching
from gpugrad._op import table
from gpugrad._op.elementwise import FlatOp
from gpugrad.autograd import (
    Function,
    detect_anomaly,
    grad,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from gpugrad.errors import AnomalyError, OptionError

INF, NAN = float("inf"), float("nan")


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


# Planted: the line marked with <- is the guilty one.


def log_of_zero():
    x = gg.tensor([1.0, 0.0])
    return gg.log(x)  # <-


def sqrt_at_zero():
    x = leaf([4.0, 0.0])
    y = gg.sqrt(x)  # <-
    y.sum().backward()


def zero_by_zero():
    x = leaf([1.0, 0.0])
    y = x * 2
    return x / y  # <-


def inf_minus_inf():
    x = gg.tensor([1.0, INF])
    y = x * 2  # an Inf that came in may pass
    return y - x  # <-


def exp_overflow():
    x = leaf([[1.0, 89.0], [2.0, 3.0]])
    return gg.exp(x)  # <-


def exp_of_an_integer_that_float32_cannot_hold():
    return gg.exp(gg.tensor([1, 100]))  # <-


def negative_to_a_fraction():
    x = leaf([-8.0, 8.0])
    return x**0.5  # <-


def power_at_zero():
    x = leaf([0.0, 1.0])
    y = x**0.5  # <-
    y.sum().backward()


def norm_overflow():
    x = leaf([3e38, 3e38])
    return gg.linalg.vector_norm(x)  # <-


def softmax_of_inf():
    x = gg.tensor([0.0, INF])
    return gg.softmax(x, axis=0)  # <-


def masked_branch():
    x = leaf([0.0, 1.0])
    safe = gg.where(x > 0, x, 1.0)
    y = gg.where(x > 0, gg.sqrt(x), safe)  # <-
    y.sum().backward()


class WrongRule(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g / (x - x)  # <-


def wrong_rule():
    x = leaf([1.0, 2.0])
    y = WrongRule.apply(x)
    y.sum().backward()


class NanFromOutside(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return gg.tensor([1.0, NAN])  # no operation of ours made it


def nan_of_a_function():
    x = leaf([1.0, 2.0])
    y = NanFromOutside.apply(x)  # <-
    y.sum().backward()


def division_in_backward():
    x = leaf([1e-30, 1.0])
    y = 1e-10 / x  # <-
    y.sum().backward()


def cross_entropy_of_nothing_but_minus_inf():
    logits = leaf([[0.0, 1.0], [-INF, -INF]])
    return nn.functional.cross_entropy(logits, gg.tensor([0, 1]))  # <-


def std_of_one():
    x = leaf([3.0])
    return x.std(correction=1)  # <-


def matmul_of_inf_and_zero():
    x = leaf([[0.0, 1.0], [1.0, 0.0]])
    return x @ gg.tensor([[INF, 0.0], [0.0, 1.0]])  # <-


def atan2_of_inf():
    x = leaf([1.0, INF])
    y = gg.atan2(x, x)  # <-
    y.sum().backward()


def acos_outside():
    x = leaf([0.5, 1.5])
    return gg.acos(x)  # <-


def acos_at_the_edge():
    x = leaf([0.5, 1.0])
    y = gg.acos(x)  # <-
    y.sum().backward()


def cumulative_prod_overflow():
    x = leaf([1e20, 1e20, 1.0])
    return gg.cumulative_prod(x)  # <-


def gather_of_nan():
    x = leaf([1.0, NAN, 3.0])
    return x[gg.asarray([0, 1])]  # <-


def write_of_nan():
    x = gg.zeros(3)
    x[1] = NAN  # <-


def write_that_float32_cannot_hold():
    x = gg.zeros(3)
    x[1] = 1e300  # <-


def in_place():
    x = gg.tensor([0.0, 1.0])
    x /= x  # <-


def hook():
    x = leaf([1.0, 2.0])
    y = x * 2
    y.register_hook(lambda g: gg.tensor([1.0, NAN]))
    y.sum().backward()  # <-


def op_in_a_hook():
    x = leaf([1.0, 2.0])
    y = x * 2

    def function(g):
        return gg.log(g - g)  # <-

    y.register_hook(function)
    y.sum().backward()


def second_order_only():
    x = leaf(0.0)
    y = x**1.5  # <-
    (slope,) = grad(y, x, create_graph=True)
    slope.backward()


def third_order_only():
    x = leaf(0.0)
    y = x**2.5  # <-
    (slope,) = grad(y, x, create_graph=True)
    (curvature,) = grad(slope, x, create_graph=True)
    curvature.backward()


def seed():
    y = leaf([1.0, 2.0]) * 2
    y.backward(gg.tensor([1.0, NAN]))  # <-


def sum_of_gradients():
    x = leaf([1e-30])
    y = x * 1.0
    z = y * 2e38 + y * 2e38
    z.sum().backward()  # <-


def sum_in_grad():
    x = leaf([1e-30])
    (x * 2e38).sum().backward()
    (x * 2e38).sum().backward()  # <-


class Net(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        z = self.inner(x)
        return gg.log(z - z)  # <-


def in_a_modules_forward():
    return Net()(gg.ones((1, 2)))


def in_a_layer_of_a_model():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1)))
    with gg.no_grad():
        model[1][0].weight[...] = 3e38
        model[0].weight[...] = 1.0
    return model(gg.ones((1, 2)) * 10)  # <-


def optimizer_step():
    x = leaf([1.0])
    optimizer = gg.optim.SGD([x], lr=1e20)
    (x * -1e30).sum().backward()
    optimizer.step()  # <-


def in_a_generator():
    def steps():
        yield gg.ones(2)
        yield gg.log(gg.zeros(2))  # <-

    return list(steps())


def on_several_lines():
    return gg.add(
        gg.ones(2),
        gg.log(  # <-
            gg.zeros(2)
        ),
    )


def complex_division():
    x = leaf([1 + 1j, 0j])
    return x / (x * 0)  # <-


def fused_layer():
    x = leaf([[1e30, 1.0]])
    return gg.activated_linear(x, gg.full((2, 2), 1e30), activation="relu")  # <-


PLANTED = [
    (log_of_zero, "log", "forward", "Inf", (1,)),
    (sqrt_at_zero, "sqrt", "backward", "Inf", (1,)),
    (zero_by_zero, "divide", "forward", "NaN", (1,)),
    (inf_minus_inf, "subtract", "forward", "NaN", (1,)),
    (exp_overflow, "exp", "forward", "Inf", (0, 1)),
    (exp_of_an_integer_that_float32_cannot_hold, "exp", "forward", "Inf", (1,)),
    (negative_to_a_fraction, "pow", "forward", "NaN", (0,)),
    (power_at_zero, "pow", "backward", "Inf", (0,)),
    (norm_overflow, "vector_norm", "forward", "Inf", ()),
    (softmax_of_inf, "softmax", "forward", "NaN", (0,)),
    (masked_branch, "sqrt", "backward", "NaN", (0,)),
    (wrong_rule, "divide", "backward", "Inf", (0,)),
    (nan_of_a_function, "NanFromOutside", "backward", "NaN", (1,)),
    (division_in_backward, "divide", "backward", "Inf", (0,)),
    (cross_entropy_of_nothing_but_minus_inf, "cross_entropy", "forward", "NaN", ()),
    (std_of_one, "std", "forward", "NaN", ()),
    (matmul_of_inf_and_zero, "matmul", "forward", "NaN", (0, 0)),
    (atan2_of_inf, "atan2", "backward", "NaN", (1,)),
    (acos_outside, "acos", "forward", "NaN", (1,)),
    (acos_at_the_edge, "acos", "backward", "Inf", (1,)),
    (cumulative_prod_overflow, "cumulative_prod", "forward", "Inf", (1,)),
    (gather_of_nan, None, "input", "NaN", (1,)),
    (write_of_nan, "assign", "input", "NaN", ()),
    (write_that_float32_cannot_hold, "assign", "forward", "Inf", ()),
    (in_place, "divide", "forward", "NaN", (0,)),
    (hook, "hook", "input", "NaN", (1,)),
    (op_in_a_hook, "log", "forward", "Inf", (0,)),
    (second_order_only, "pow", "backward", "Inf", ()),
    (third_order_only, "pow", "backward", "Inf", ()),
    (seed, "seed", "input", "NaN", (1,)),
    (sum_of_gradients, "sum", "backward", "Inf", (0,)),
    (sum_in_grad, "accumulate", "backward", "Inf", (0,)),
    (in_a_modules_forward, "log", "forward", "Inf", (0, 0)),
    (in_a_layer_of_a_model, "linear", "forward", "Inf", (0, 0)),
    (optimizer_step, "SGD.step", "forward", "Inf", (0,)),
    (in_a_generator, "log", "forward", "Inf", (0,)),
    (on_several_lines, "log", "forward", "Inf", (0,)),
    (complex_division, "divide", "forward", "NaN", (1,)),
    (fused_layer, "activated_linear", "forward", "Inf", (0, 0)),
]


def guilty_line(function):
    """Return the number of the marked line: in the function, or in the class that it uses."""
    elsewhere = {in_a_modules_forward: Net.forward, wrong_rule: WrongRule.backward}
    lines, first = inspect.getsourcelines(elsewhere.get(function, function))
    (found,) = [first + i for i, line in enumerate(lines) if "# <-" in line]
    return found


@pytest.mark.parametrize(("planted", "op", "phase", "kind", "index"), PLANTED, ids=lambda v: getattr(v, "__name__", ""))
def test_the_op_and_the_line_that_made_it_are_named(backend, planted, op, phase, kind, index):
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        planted()
    error, line = caught.value, guilty_line(planted)
    assert (error.phase, error.kind, error.index) == (phase, kind, index), error
    assert op is None or error.op == op
    source = linecache.getline(__file__, line).strip()
    assert f"{__file__}:{line}" in str(error) and source in str(error)
    if planted not in (hook, sum_of_gradients):
        assert (error.file, error.line) == (__file__, line)
    assert not is_anomaly_enabled() and not watching.watchers


def test_what_is_told_of_a_gradient():
    @detect_anomaly()
    def function():
        x = leaf([[1.0, 0.0], [0.0, 4.0]])
        y = gg.sqrt(x)
        y.sum().backward()

    with pytest.raises(AnomalyError) as caught:
        function()
    head, g, z, called, source, backward, walk = str(caught.value).splitlines()
    assert head == (
        "the gradient of sqrt for its input x has an Inf, made out of finite values: "
        "inf at [0, 1] of float32 (2, 2), 2 in all"
    )
    assert (g, z) == ("  g: float32 (2, 2), there 1.0", "  z: float32 (2, 2), there 0.0")
    assert called.startswith("  sqrt was called at: ") and source == "    y = gg.sqrt(x)"
    assert backward.startswith("  backward was called at: ") and walk == "    y.sum().backward()"
    assert caught.value.count == 2


def test_an_operation_in_a_function_of_the_users_is_told_with_the_call_it_belongs_to():
    with pytest.raises(AnomalyError, match="divide made an Inf") as caught, detect_anomaly():
        wrong_rule()
    text = str(caught.value)
    assert "  in the backward of WrongRule:\n  WrongRule was called at: " in text
    assert "    y = WrongRule.apply(x)\n" in text and text.endswith("    y.sum().backward()")


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x, w: x * w, "x2"),
        (lambda x, w: gg.linear(x, w), "weight"),
    ],
)
def test_the_input_that_a_gradient_is_for_is_named(function, name):
    x, w = gg.full((1, 1), INF), leaf([[1.0]])
    with detect_anomaly():
        z = function(x, w)
        with pytest.raises(AnomalyError, match=f"for its input {name} has a NaN"):
            z.backward(gg.zeros_like(z))


def test_the_input_of_a_list_is_named_by_its_number_and_the_cast_to_its_dtype_is_seen():
    x, w = gg.ones(1, dtype=gg.float64), leaf([1.0])
    with (
        pytest.raises(AnomalyError, match=r"gradient of concat for its input arrays\[1\] has an Inf"),
        detect_anomaly(),
    ):
        gg.concat([x, w]).backward(gg.tensor([1.0, 1e300], dtype=gg.float64))


def test_the_layer_is_named_by_its_path():
    with pytest.raises(AnomalyError, match=r", in layer 1\.0 \(Linear\)\n"), detect_anomaly():
        in_a_layer_of_a_model()
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Sigmoid()))
    with pytest.raises(AnomalyError, match=r"sigmoid was called at: .*, in layer 1\.0 \(Sigmoid\)"), detect_anomaly():
        model(gg.ones((1, 1))).backward(gg.tensor([[NAN]]))


# What may pass


def test_a_mask_of_minus_inf_passes():
    mask = gg.tensor([[0.0, -INF], [0.0, 0.0]])
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    with detect_anomaly():
        gg.softmax(x + mask, axis=1)[:, 0].sum().backward()
    assert gg.all(gg.isfinite(x.grad))


def test_an_inf_beside_one_that_came_in_is_found():
    x = gg.tensor([INF, 0.0])
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        gg.log(x)
    assert caught.value.index == (1,) and caught.value.phase == "forward"


def test_nan_that_is_taken_out_passes():
    x = leaf([1.0, NAN])
    with detect_anomaly():
        gg.where(gg.isnan(x), 0.0, x).sum().backward()
        assert x[gg.tensor([True, False])].sum() == 1.0
    assert x.grad.tolist() == [1.0, 0.0]


def test_each_kind_can_be_let_pass():
    with detect_anomaly(check_inf=False), pytest.warns(RuntimeWarning, match="divide by zero"):
        y = gg.log(gg.zeros(2))
    with pytest.raises(AnomalyError, match="subtract made a NaN out of Inf operands"), detect_anomaly(check_inf=False):
        y - y
    with detect_anomaly(check_nan=False), pytest.warns(RuntimeWarning, match="invalid"):
        y - y
    with pytest.raises(AnomalyError), detect_anomaly(check_nan=False):
        gg.log(gg.zeros(2))


def test_what_was_made_before_the_mode_came_in():
    with np.errstate(all="ignore"):
        y = gg.log(leaf([-1.0]))
    handed_on = "handed on a NaN that came in with x1, which no operation"
    with pytest.raises(AnomalyError, match=handed_on) as caught, detect_anomaly():
        y * 2
    assert caught.value.phase == "input"


def test_a_forward_pass_outside_the_mode_is_said_to_be_the_reason_for_an_unknown_line():
    y = gg.sqrt(leaf([0.0]))
    with pytest.raises(AnomalyError, match="enter the mode before the forward pass") as caught, detect_anomaly():
        y.sum().backward()
    assert caught.value.line is None and caught.value.op == "sqrt"


# State after an error


def test_an_error_changes_no_tensor(backend):
    x, y = leaf([1e-30]), gg.zeros(3)
    (x * 2e38).sum().backward()
    before = x.grad.tolist()
    for function in (lambda: (x * 2e38).sum().backward(), lambda: y.__setitem__(0, NAN), lambda: y.__itruediv__(y)):
        with pytest.raises(AnomalyError), detect_anomaly():
            function()
    assert x.grad.tolist() == before and y.tolist() == [0, 0, 0]


def test_a_sum_that_overflows_in_one_grad_changes_no_other():
    x, y = leaf([1e-30]), leaf([1.0])
    (x * 2e38 + y).sum().backward()
    with pytest.raises(AnomalyError), detect_anomaly():
        (y + x * 2e38).sum().backward()
    assert y.grad.tolist() == [1.0]


# Modes


def test_the_innermost_block_counts():
    zero = gg.zeros(1)
    with detect_anomaly(), np.errstate(all="ignore"):
        with detect_anomaly(check_inf=False):
            gg.log(zero)
        with set_detect_anomaly(False):
            gg.log(zero)
            assert not is_anomaly_enabled()
        with pytest.raises(AnomalyError):
            gg.log(zero)
    assert not watching.watchers


def test_a_call_holds_for_every_thread_and_a_block_for_its_own():
    found = []

    def work():
        with np.errstate(all="ignore"):
            try:
                gg.log(gg.zeros(1))
                found.append(None)
            except AnomalyError as error:
                found.append(error.op)

    def in_a_thread():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return found.pop()

    with detect_anomaly():
        assert in_a_thread() is None
    set_detect_anomaly(True)
    try:
        assert in_a_thread() == "log"
    finally:
        set_detect_anomaly(False)
    assert in_a_thread() is None and not watching.watchers


def test_two_threads_name_their_own_lines():
    errors, ready = {}, threading.Barrier(2)

    def work(name, function):
        ready.wait()
        for _ in range(50):
            try:
                with detect_anomaly():
                    x = leaf([1.0, 2.0])
                    (x * x).sum().backward()
                    function()
            except AnomalyError as error:
                errors.setdefault(name, set()).add((error.op, error.line))

    threads = [threading.Thread(target=work, args=(f.__name__, f)) for f in (sqrt_at_zero, zero_by_zero)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == {
        "sqrt_at_zero": {("sqrt", guilty_line(sqrt_at_zero))},
        "zero_by_zero": {("divide", guilty_line(zero_by_zero))},
    }
    assert not watching.watchers


def test_as_a_decorator_of_functions_and_generators():
    @detect_anomaly()
    def function():
        return gg.log(gg.zeros(1))

    @detect_anomaly(check_inf=False)
    def steps():
        yield is_anomaly_enabled()
        yield gg.log(gg.ones(1))

    with pytest.raises(AnomalyError):
        function()
    generator = steps()
    assert next(generator) is True and not is_anomaly_enabled()
    assert next(generator).tolist() == [0.0] and not watching.watchers


@pytest.mark.parametrize(
    "wrong", [lambda: detect_anomaly(print), lambda: set_detect_anomaly(1), lambda: detect_anomaly(True, None)]
)
def test_what_is_no_switch_is_refused(wrong):
    with pytest.raises(OptionError, match="is True or False"):
        wrong()
    assert not watching.watchers


# The line


def test_code_without_a_file_is_named_as_well():
    code = compile("def f(x):\n    return gg.log(x)\n", "<string>", "exec")
    space = {"gg": gg}
    exec(code, space)
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        space["f"](gg.zeros(1))
    assert (caught.value.file, caught.value.line) == ("<string>", 2)


def test_a_folder_whose_name_begins_like_the_package_is_the_users(tmp_path):
    file = watching.__file__.removesuffix("/_graph/watching.py") + "_experiments/train.py"
    space = {"gg": gg}
    exec(compile("\n\ndef f(x): return gg.log(x)", file, "exec"), space)
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        space["f"](gg.zeros(1))
    assert (caught.value.file, caught.value.line) == (file, 3)


# What it leaves behind, and costs


def test_the_error_is_pickled_whole():
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        log_of_zero()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value) and vars(copy) == vars(caught.value)
    assert all(type(v) in (str, int, tuple) for v in vars(copy).values())


def test_nothing_is_kept_alive():
    class Big(gg.Tensor):
        pass

    def run():
        model = nn.Linear(4, 4)
        local = np.ones(4, np.float32)
        loss = model(gg.asarray(local)).sum()
        loss.backward()
        return loss, [weakref.ref(model), weakref.ref(local), weakref.ref(loss._array), weakref.ref(loss.grad_fn)]

    gc.collect()
    gc.disable()
    try:
        with detect_anomaly():
            loss, references = run()
            del loss
            assert [r() for r in references] == [None] * 4
    finally:
        gc.enable()


def test_memory_does_not_grow_with_the_steps():
    x = leaf([1.0, 2.0])

    def step():
        (gg.exp(x) * x).sum().backward()
        x.grad = None

    def blocks():
        gc.collect()
        return sys.getallocatedblocks()

    with detect_anomaly():
        grown = []
        for _ in range(4):
            before = blocks()
            for _ in range(100):
                step()
            grown.append(blocks() - before)
    assert min(grown) < 50, grown  # a leak would show in each round; other threads' work in some


def test_afterwards_the_forward_functions_are_the_same_objects(backend):
    x = leaf([1.0, 2.0])
    ops = [op for op in table.values() if isinstance(op, FlatOp)]

    def used():
        (gg.exp(x) * x + gg.log(x)).sum().backward()
        return {(op.name, kind): f for op in ops for kind, f in op.forwards.items()}

    before = used()
    with detect_anomaly():
        during = used()
    after = used()
    assert all(after[key] is before[key] for key in after)
    assert not any(during[key] is before[key] for key in during)
    assert type(gg.exp(x).grad_fn.sequence) is int and not watching.watchers


def test_the_device_is_asked_once_for_each_result():
    import fake_cupy

    with fake_cupy.installed(), gg.use_backend("cuda"):
        x = leaf([1.0, 2.0])
        (x * x).sum().backward()
        fake_cupy.counts.reset()
        (x * x).sum().backward()
        off = sum(fake_cupy.counts.meetings)
        with detect_anomaly():
            fake_cupy.counts.reset()
            (x * x).sum().backward()
            on = sum(fake_cupy.counts.meetings)
    # two calls, the seed, two rules, the sum of x's two gradients, and .grad
    assert off == 0 and 0 < on <= 2 * 7
