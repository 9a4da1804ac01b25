"""A mistake in a call gets one line that names the function, what was given, and what belongs there."""

import pytest

import gpugrad as gg
from gpugrad import func
from gpugrad.autograd import Function, custom_op, gradcheck, gradgradcheck, once_differentiable
from gpugrad.errors import OptionError

x = gg.tensor([1.0, 2.0], requires_grad=True)
line = gg.elementwise("T x", "T z", "z = x * x", name="squared")
DTYPES = ("float32", "float64")


def f(x):
    return (x * x).sum()


class WithSelf(Function):
    def forward(self, ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g


MISTAKES = [
    *((lambda t=t: getattr(func, t)(3), f"{t}: func is int, and must be a function")
      for t in "grad grad_and_value value_and_grad vjp linearize jacrev jacfwd hessian vmap".split()),
    *((lambda t=t: getattr(func, t)(3, (x,), (x,)), f"{t}: func is int, and must be a function")
      for t in ("jvp", "hvp")),
    (lambda: func.ggnvp(3, f, (x,), (x,)), "ggnvp: func is int"),
    (lambda: func.ggnvp(f, 3, (x,), (x,)), "ggnvp: loss is int"),
    (lambda: func.functional_call(3, {}, x), "functional_call: module is int, and must be a gpugrad.nn.Module"),
    (lambda: func.stack_module_state(3), "models is int, and must be a sequence of Modules"),
    (lambda: func.stack_module_state([f]), "stack_module_state: model 0 is function, and must be a gpugrad.nn.Module"),
    (lambda: WithSelf.apply(x), "missing a required argument: 'x'; forward has no instance: make it a @staticmethod"),
    (lambda: once_differentiable(3), "once_differentiable decorates a backward, not int"),
    (lambda: custom_op(3), "custom_op: rules are a dict of functions by input, not int"),
    (lambda: custom_op(x=3), "custom_op: the rule for 'x' is int, and must be a function of g"),
    (lambda: custom_op(x=f)(3), "custom_op decorates a function of arrays, not int"),
    (lambda: custom_op(x=f, name=3)(f), "custom op: 3 is no name; give one by name="),
    (lambda: line.check("a"), "squared: the points of check are numbers that broadcast"),
    (lambda: line.check(order=3), "squared: check takes order 1 or 2, not 3"),
    (lambda: gradcheck(3, x), "gradcheck: func is int, and must be a function"),
    (lambda: gradcheck(f, 3), "gradcheck: inputs is int, and must be a tensor or a sequence"),
    (lambda: gradcheck(f, x, eps="a"), "gradcheck: eps is a number, not 'a'"),
    (lambda: gradgradcheck(f, x, 3), "grad_outputs is int, and must be a tensor or a sequence"),
    (lambda: gg.compare_backends(3, x, DTYPES), "compare_backends: func is int, and must be a function"),
    (lambda: gg.compare_backends(f, x, 3), "compare_backends takes two backends, devices or dtypes, not 3"),
    (lambda: gg.compare_backends(f, x, DTYPES, tolerance="a"), "tolerance is a number, 0 or more, or None, not 'a'"),
    (lambda: gg.compare_backends(f, x, DTYPES, tolerance=-1), "tolerance is a number, 0 or more, or None, not -1"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:gradgradcheck")
@pytest.mark.parametrize(("call", "message"), MISTAKES, ids=[message[:50] for _, message in MISTAKES])
def test_a_mistake_is_named_in_one_line(call, message):
    with pytest.raises((TypeError, OptionError, ValueError)) as raised:
        call()
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_what_checks_gradients_is_listed_before_it_is_imported():
    assert set(gg.autograd.__all__) <= set(dir(gg.autograd))
