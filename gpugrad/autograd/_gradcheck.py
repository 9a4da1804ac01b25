"""gradcheck and gradgradcheck: a function's gradients against differences of its values, to first and second order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from gpugrad._graph import inference_mode
from gpugrad._op import TENSORS, node_of
from gpugrad._tensor import grad, tensor
from gpugrad.autograd._gradcheck_derivatives import (
    Settings,
    along_directions,
    at_kinks,
    check_together,
    jacobian,
    of_all,
    row_of,
)
from gpugrad.autograd._gradcheck_function import Fault, RealFunction, Vector, flattened
from gpugrad.autograd._gradcheck_hints import hints_of
from gpugrad.autograd._gradcheck_report import Derivative, GradientReport
from gpugrad.errors import GradcheckError, OptionError

__all__ = ["gradcheck", "gradgradcheck", "gradient_report"]

_most_coordinates = 400
"""Up to so many inputs, and outputs, every derivative is compared; beyond, those along random directions."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool | None = None,
    seed: int = 0,
) -> bool:
    """Return True if the gradients of `func` at `inputs` are what differences of its values say, else raise.

    Those inputs are checked that require grad; make them float64. A step of `eps`, in units of max(1, abs(x)), is the
    first that is tried: every slope comes with an estimate of its own error, and where that is large, or the gradient
    another one, steps of all magnitudes follow. `atol` and `rtol` are what the gradient may be off beyond that error;
    left out, they are 5e-7 for float64 (`atol` of the largest derivative of the output by the input, if that is below
    1) and 2e-3 for float32. At a kink, any gradient between the slopes of the two sides is accepted.

    `func` takes the inputs, tensors or anything else, and returns a tensor or several, nested perhaps. It is run
    twice, and so is the walk back: the numbers may differ by `nondet_tol`. Up to 400 inputs and outputs every
    derivative is compared; for more of them, or with `fast_mode`, those of random sums of outputs along random
    directions, which are drawn from `seed`.

    Raises GradcheckError, whose `report` is a GradientReport, if a gradient is wrong; with `raise_exception` False
    the answer is False. OptionError if there is nothing to check.

    >>> import gpugrad
    >>> x = gpugrad.tensor([0.5, 2.0], dtype=gpugrad.float64, requires_grad=True)
    >>> gpugrad.autograd.gradcheck(gpugrad.log, x)
    True
    """
    report = gradient_report(
        func, inputs, eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol, fast_mode=fast_mode, seed=seed
    )
    return _answer(report, raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool | None = None,
    seed: int = 0,
) -> bool:
    """Return True if second derivatives of `func` at `inputs` are what differences of its gradients say, or raise.

    Checked is the gradient as a function of the inputs and of `grad_outputs`, the gradients of the outputs: one for
    each output that requires grad, drawn from `seed` if left out. All else is as in gradcheck.

    >>> import gpugrad
    >>> x = gpugrad.tensor([0.5, 2.0], dtype=gpugrad.float64, requires_grad=True)
    >>> gpugrad.autograd.gradgradcheck(gpugrad.log, x)
    True
    """
    options: dict[str, Any] = {
        "eps": eps,
        "atol": atol,
        "rtol": rtol,
        "nondet_tol": nondet_tol,
        "fast_mode": fast_mode,
        "seed": seed,
    }
    return _answer(gradient_report(func, inputs, grad_outputs, order=2, **options), raise_exception)


def _answer(report: GradientReport, raise_exception: bool) -> bool:
    if raise_exception and not report.passed:
        raise GradcheckError(str(report), report)
    return report.passed


def gradient_report(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    order: int = 1,
    eps: float = 1e-6,
    atol: float | None = None,
    rtol: float | None = None,
    nondet_tol: float = 0.0,
    fast_mode: bool | None = None,
    seed: int = 0,
) -> GradientReport:
    """Return what gradcheck (`order` 1) or gradgradcheck (`order` 2) finds, as a table that also lists the kinks.

    >>> import gpugrad
    >>> x = gpugrad.tensor([-1.0, 0.0, 2.0], dtype=gpugrad.float64, requires_grad=True)
    >>> [(d.input, d.left, d.right, d.analytic) for d in gpugrad.autograd.gradient_report(gpugrad.abs, x).kinks]
    [('input 0 [1]', -1.0, 1.0, 0.0)]
    """
    _check_options(order, eps, atol, rtol, nondet_tol)
    if not callable(func):
        raise TypeError(f"gradcheck: func is {type(func).__name__}, and must be a function of the inputs")
    arguments = _listed(inputs, "inputs")
    caller, names = "gradcheck" if order == 1 else "gradgradcheck", [f"input {i}" for i in range(len(arguments))]
    if order == 1 and grad_outputs is not None:
        raise OptionError("gradcheck takes no grad_outputs: it asks for the derivatives of every output")
    with inference_mode(False):  # the question is the same within no_grad and inference_mode
        if order == 2:
            func, arguments, names = _gradient_of(func, arguments, grad_outputs, caller, seed)
        report = GradientReport(caller)
        fn = RealFunction(func, arguments, caller, names)
        try:
            _fill(report, fn, Settings(eps, atol, rtol), nondet_tol, fast_mode, seed)
        except Fault as fault:
            report.faults.append(str(fault))
        finally:
            fn.put_back()
    return report


def _listed(given: Any, what: str) -> list[Any]:
    """Return a tensor, or a sequence of inputs, as a list."""
    if type(given) not in TENSORS and not isinstance(given, Iterable):
        raise TypeError(f"gradcheck: {what} is {type(given).__name__}, and must be a tensor or a sequence of tensors")
    return [given] if type(given) in TENSORS else list(given)


def _check_options(order: int, eps: float, atol: float | None, rtol: float | None, nondet_tol: float) -> None:
    if order not in (1, 2):
        raise OptionError(f"gradient_report: order is 1 or 2, not {order!r}")
    for name, value in (("eps", eps), ("atol", atol), ("rtol", rtol), ("nondet_tol", nondet_tol)):
        if value is not None and not isinstance(value, int | float | np.floating):
            raise OptionError(f"gradcheck: {name} is a number, not {value!r}")
    if not 0 < eps < 1:
        raise OptionError(f"gradcheck: eps is a step between 0 and 1, not {eps!r}")
    for name, value in (("atol", atol), ("rtol", rtol), ("nondet_tol", nondet_tol)):
        if value is not None and not value >= 0:
            raise OptionError(f"gradcheck: {name} is a tolerance of 0 or more, not {value!r}")


def _fill(
    report: GradientReport,
    fn: RealFunction,
    settings: Settings,
    nondet_tol: float,
    fast_mode: bool | None,
    seed: int,
) -> None:
    """Run the whole check, and note what it finds."""
    random = np.random.default_rng(seed)
    fn.check_unchanged("func")
    _warn_of_coarse_inputs(fn, report.name)
    weights = {k: random.normal(size=b.stop - b.start) for k, b in enumerate(fn.out)}
    fn.check_determinism(weights, nondet_tol)
    many = max(len(fn.point), len(fn.value)) > _most_coordinates
    if many if fast_mode is None else fast_mode:
        report.how = f"along random directions, seed {seed}"
        found = list(along_directions(fn, settings, random))
        if any(d.kind == "kink" for d in found):
            # Between the slopes of many kinks there is room for many faults; beside the inputs there are none.
            with fn.moved_to(fn.beside(random)) as there:
                found += [replace(d, output=f"{d.output} beside") for d in along_directions(there, settings, random)]
        for derivative in found:
            _note(report, derivative)
        slopes = None
    else:
        report.how = "all of them"
        slopes = jacobian(fn)
        sizes = np.where(np.isfinite(slopes), np.abs(slopes), 0.0)
        drawn = np.concatenate([*weights.values(), np.empty(0)])
        with np.errstate(invalid="ignore"):
            check_together(fn, weights, drawn @ slopes, np.abs(drawn) @ sizes)
        _compare(report, fn, slopes, settings, random)
    if report.wrong:
        report.hints += hints_of(fn, report.wrong, slopes, settings, random)


def _warn_of_coarse_inputs(fn: RealFunction, caller: str) -> None:
    for block in fn.into:
        if block.unit > 1e-15:
            double = "complex128" if block.parts == 2 else "float64"
            warnings.warn(
                f"{caller}: {block.name} is {block.dtype}, whose differences show only gross faults; make the "
                f"inputs (and the weights of modules) {double}",
                stacklevel=6,
            )
            return


def _compare(
    report: GradientReport, fn: RealFunction, slopes: Vector, settings: Settings, random: np.random.Generator
) -> None:
    """Note every derivative of a Jacobian."""
    judged = of_all(fn, slopes, settings, range(len(fn.point)))
    kinked = [k for k, found in judged.items() if (found.kind == "kink").any()]
    off, smallest = at_kinks(fn, slopes, kinked, settings, random) if kinked else ([], None)
    for block in fn.into:
        for k in range(block.start, block.stop):
            for out in fn.out:
                for o in range(out.start, out.stop):
                    least = None
                    if smallest is not None and judged[k].kind[o] == "kink":
                        least = float(smallest[o, kinked.index(k)])
                    _note(report, row_of(judged[k], o, out.label(o), block.label(k), slopes[o, k], least))
    for derivative in off:
        _note(report, derivative)


def _note(report: GradientReport, derivative: Derivative) -> None:
    report.count += 1
    if not derivative.fits:
        report.wrong.append(derivative)
    elif derivative.kind == "smooth":
        off = abs(derivative.analytic - derivative.numeric) / max(1.0, abs(derivative.numeric))
        report.largest = max(report.largest, off)
    else:
        report.special.append(derivative)


def _gradient_of(
    func: Callable[..., Any], inputs: list[Any], grad_outputs: Any, caller: str, seed: int
) -> tuple[Callable[..., Any], list[Any], list[str]]:
    """Return the gradient of `func` as a function of its inputs and of the outputs' gradients; those; their names."""
    first = RealFunction(func, inputs, caller)
    try:
        first.check_unchanged("func")
    except Fault as fault:
        raise GradcheckError(f"{caller}: {fault}", None) from None
    places = [name for name, z in first.results.items() if node_of(z) is not None]
    if not places:
        raise OptionError(f"{caller}: no output of func requires grad, so there are no gradients to check")
    given = _output_gradients(first, places, grad_outputs, caller, seed)

    def gradients(*arguments: Any) -> dict[str, Any]:
        ours, theirs = arguments[: len(inputs)], arguments[len(inputs) :]
        results = flattened(func(*ours))
        tracked = [x for x in ours if type(x) in TENSORS and node_of(x) is not None]
        found = grad([results[name] for name in places], tracked, theirs, create_graph=True, materialize_grads=True)
        return {b.name: g for b, g in zip(first.into, found, strict=True)}

    names = [*first.names, *(f"grad_output {k}" for k in range(len(given)))]
    return gradients, [*inputs, *given], names


def _output_gradients(first: RealFunction, places: list[str], grad_outputs: Any, caller: str, seed: int) -> list[Any]:
    """Return the gradients of the outputs as leaves: those given, or random ones."""
    outputs = [first.results[name] for name in places]
    if grad_outputs is not None:
        given = _listed(grad_outputs, "grad_outputs")
        if len(given) != len(outputs):
            raise OptionError(
                f"{caller}: func has {len(outputs)} outputs that require grad, and {len(given)} grad_outputs were given"
            )
        return given
    random = np.random.default_rng([seed, 1])
    leaves = []
    for z in outputs:
        drawn = random.normal(size=z.shape) + (1j * random.normal(size=z.shape) if z.dtype.kind == "c" else 0)
        leaves.append(tensor(np.asarray(drawn).astype(z.dtype), device=z.device, requires_grad=True))
    return leaves
