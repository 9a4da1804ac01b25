"""LBFGS: steps by an estimate of the inverse Hessian from the last gradients, for losses without noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gpugrad._arena import Arena, Run
from gpugrad._op import new_tensor
from gpugrad._tensor import Tensor
from gpugrad.backends import Array
from gpugrad.errors import OptionError
from gpugrad.optim._checks import check_count, check_numbers
from gpugrad.optim._curvature import Curvature
from gpugrad.optim._parameter_vector import ParameterVector, dot, largest
from gpugrad.optim._strong_wolfe import Point, strong_wolfe
from gpugrad.optim.optimizer import Optimizer

__all__ = ["LBFGS"]


class _Evaluation(NamedTuple):
    """What a call of the closure has come to: its value, that as a number, the gradient, and its norm unclipped."""

    value: Any
    loss: float
    gradient: Array
    norm: Array
    vector: ParameterVector


class LBFGS(Optimizer):
    """Goes along the limited-memory BFGS direction, up to `max_iter` times in a step (Liu and Nocedal, 1989).

    `step` needs a closure that clears the gradients, computes the loss, calls backward and returns it; it is called
    at every point that is looked at. The method is PyTorch's, minFunc's (Schmidt, 2005) before. Numbers come to the
    host at every iteration, on a GPU too: the line search decides by them. All parameters are of one dtype on one
    device, in one group. If the closure raises, the parameters are put back where they were.

    Parameters
    ----------
    params
        Leaf tensors.
    lr
        The step along the direction, or the first that the line search tries.
    max_iter
        How many iterations a step has at the most.
    max_eval
        How many times it calls the closure, about; ``max_iter * 5 // 4`` if None.
    tolerance_grad
        A step ends where no element of the gradient is larger.
    tolerance_change
        A step ends where neither loss nor parameters change by more.
    history_size
        How many pairs of steps and changes of the gradient are remembered.
    line_search_fn
        ``"strong_wolfe"``, or None for steps of `lr`.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([1., -2.], requires_grad=True)
    >>> optimizer = gpugrad.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - gpugrad.tensor([3., 4.])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    40.0
    >>> [round(value, 4) for value in p.tolist()]
    [3.0, 4.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_count("max_iter", max_iter)
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        self._curvature = Curvature()
        super().__init__(params, options)
        self._only_arena(self._arenas)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "tolerance_grad", "tolerance_change")
        for name in ("max_iter", "max_eval", "history_size"):
            check_count(name, options[name])
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise OptionError(f"line_search_fn must be 'strong_wolfe' or None, not {options['line_search_fn']!r}")

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Raise OptionError: all parameters are in one group."""
        raise OptionError("LBFGS has one group of parameters; make a new optimizer for all of them")

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """What is remembered, all of it with the first parameter, as in PyTorch; vectors are copies."""
        if not self._curvature.func_evals:
            return {}
        arena = self._only_arena(self._settled())
        return {self.param_groups[0]["params"][0]: self._curvature.shown(arena)}

    def _read(self, values: Any, p: Tensor, faults: list[str]) -> Any:
        params = self.param_groups[0]["params"]
        if not isinstance(values, Mapping) or (values and p is not params[0]):
            faults.append("LBFGS has its state, a dict, with the first parameter")
            return Curvature()
        return Curvature.read(values, p, sum(q.size for q in params), faults)

    def _take(self, found: Mapping[Tensor, Any]) -> None:
        self._curvature = found.get(self.param_groups[0]["params"][0], Curvature())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_curvature": Curvature()}

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        """Not called: all runs move at once, along the direction."""

    def _only_arena(self, arenas: Sequence[Sequence[Arena]]) -> Arena:
        if len(arenas) != 1:
            raise OptionError(f"LBFGS takes one group of parameters, not {len(arenas)}")
        if len(arenas[0]) != 1:
            kinds = ", ".join(f"{arena.dtype} on {arena.device}" for arena in arenas[0])
            raise OptionError(f"LBFGS takes parameters of one dtype on one device, and these are {kinds}")
        return arenas[0][0]

    def _stepped(self, closure: Callable[[], Any] | None = None) -> Any:
        return self._minimized(closure, None).value

    def _clipped(self, max_norm: float, closure: Callable[[], Any] | None = None) -> Tensor:
        return new_tensor(self._minimized(closure, max_norm).norm)  # type: ignore[no-any-return]

    def _evaluated(self, closure: Callable[[], Any], max_norm: float | None) -> _Evaluation:
        value = self._loss_of(closure)
        vector = ParameterVector(self._only_arena(self._settled()), type(self).__name__)
        loss = float(value.item() if hasattr(value, "item") else value)
        return _Evaluation(value, loss, *vector.gradient(max_norm), vector)

    def _minimized(self, closure: Callable[[], Any] | None, max_norm: float | None) -> _Evaluation:
        """Take one step; return what the closure said where it began."""
        if closure is None:
            raise TypeError(
                "LBFGS.step needs a closure that clears the gradients, computes the loss and calls backward"
            )
        first = self._evaluated(closure, max_norm)
        arena, memory = first.vector.arena, self._curvature.copy()
        memory.func_evals += 1
        memory.settle(arena, first.gradient.shape[0])
        if largest(first.gradient, arena) > self.param_groups[0]["tolerance_grad"]:
            origin = first.vector.position()
            try:
                self._iterate(first, memory, lambda: self._evaluated(closure, max_norm))
            except BaseException:
                ParameterVector(self._only_arena(self._settled()), type(self).__name__).place(origin)
                raise
        self._curvature = memory
        self._step_count += 1
        return first

    def _iterate(self, here: _Evaluation, memory: Curvature, evaluate: Callable[[], _Evaluation]) -> None:
        options, arena, evaluations = self.param_groups[0], here.vector.arena, 1
        for iteration in range(1, options["max_iter"] + 1):
            memory.n_iter += 1
            memory.d = memory.direction(here.gradient, options["history_size"], arena)
            memory.prev_flat_grad, memory.prev_loss, memory.t = here.gradient, here.loss, float(options["lr"])
            if memory.n_iter == 1:
                memory.t *= min(1.0, 1 / _sum_of_sizes(here.gradient, arena))
            slope = dot(here.gradient, memory.d, arena)
            if slope > -options["tolerance_change"]:
                return
            if options["line_search_fn"] is not None:
                here, looked = _searched(here, memory, slope, evaluate, options, options["max_eval"] - evaluations)
            else:
                here.vector.move(memory.t, memory.d)
                looked = 0 if iteration == options["max_iter"] else 1  # nobody would look at the last one
                here = evaluate() if looked else here
            evaluations += looked
            memory.func_evals += looked
            if evaluations >= options["max_eval"] or _settled(here, memory, options):
                return


def _searched(
    here: _Evaluation, memory: Curvature, slope: float, evaluate: Callable[[], _Evaluation], options: Any, most: int
) -> tuple[_Evaluation, int]:
    """Go to the point that a line search finds; return what the closure said there, and how often it was called."""
    arena, origin, direction = here.vector.arena, here.vector.position(), memory.d
    now = here

    def at(t: float) -> Point:
        nonlocal now
        now.vector.move(t, direction)
        now = evaluate()
        now.vector.place(origin)
        return Point(t, now.loss, now.gradient, dot(now.gradient, direction, arena))

    start = Point(0.0, here.loss, here.gradient, slope)
    tolerance = options["tolerance_change"]
    point, looked = strong_wolfe(at, start, memory.t, largest(direction, arena), tolerance, most)
    memory.t = point.t
    now.vector.move(point.t, direction)
    return now._replace(loss=point.loss, gradient=point.gradient), looked


def _settled(here: _Evaluation, memory: Curvature, options: Mapping[str, Any]) -> bool:
    """Return whether there is nothing more to be gained: a flat place, a short step, or hardly any change."""
    arena, tolerance = here.vector.arena, options["tolerance_change"]
    return bool(
        largest(here.gradient, arena) <= options["tolerance_grad"]
        or largest(memory.d, arena) * abs(memory.t) <= tolerance
        or abs(here.loss - memory.prev_loss) < tolerance
    )


def _sum_of_sizes(x: Array, arena: Arena) -> float:
    xp = arena.backend.namespace
    with arena.here(), arena.backend.quiet():
        return float(xp.sum(xp.abs(x)))
