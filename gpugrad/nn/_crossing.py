"""One call of a module with backward hooks: gradients come in through its results, and leave through its arguments."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gpugrad._graph import mode, watching
from gpugrad._op import TENSORS, interpreter_of, node_of
from gpugrad._tensor.hooks import all_answered
from gpugrad._tensor.writing import overwrite
from gpugrad.autograd import Function

__all__ = ["Crossing"]


class BackwardHookFunction(Function):
    """Returns its tensors; on the way back `passed` sees all their gradients at once and says what goes on."""

    @staticmethod
    def forward(ctx: Any, passed: Callable[..., Any], *tensors: Any) -> Any:
        ctx.passed = passed
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, *ctx.passed(gradients)


def _tracked(values: Sequence[Any]) -> list[int]:
    """Return the places of tensors that require grad."""
    return [i for i, x in enumerate(values) if type(x) in TENSORS and node_of(x) is not None] if mode.recording else []


def _spread(gradients: Sequence[Any], places: Sequence[int], size: int) -> tuple[Any, ...]:
    """Return gradients in their places among `size`, with None in the others."""
    spread: list[Any] = [None] * size
    for place, g in zip(places, gradients, strict=True):
        spread[place] = g
    return tuple(spread)


def _told(hook: Callable[..., Any], module: Any, *gradients: tuple[Any, ...]) -> Any:
    """Return what a hook answers, under the eyes of watchers."""
    run = partial(hook, module, *gradients)
    if not watching.watchers:
        return run()
    return watching.watched_act("hook", watching.node_at_work(), (*gradients, hook), run)


class Crossing:
    """Leads the gradients of one call through the hooks of a module."""

    def __init__(self, module: Any, before: list[Any], after: list[Any]) -> None:
        self.module, self.before, self.after = module, before, after
        self.entries: list[int] = []
        self.exits: list[int] = []
        self.arguments = self.results = 0
        self.grad_output: tuple[Any, ...] | None = None
        self._copies: list[tuple[Any, Any, Any]] = []

    @classmethod
    def through(cls, module: Any, before: list[Any], after: list[Any]) -> Crossing | None:
        """Return the crossing for a module with these hooks, None where there are none."""
        return cls(module, before, after) if before or after else None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments with those replaced whose gradients are to be seen."""
        self.arguments = len(args)
        self.entries = _tracked(args) if self.after and not self._batched(args) else []
        if not self.entries:
            return args
        entered = list(args)
        copies = BackwardHookFunction.apply(self._going_out, *(args[i] for i in self.entries))
        for i, copy in zip(self.entries, copies, strict=True):
            entered[i] = copy
            self._copies.append((args[i], copy, node_of(copy)))
        return tuple(entered)

    def _batched(self, values: tuple[Any, ...]) -> bool:
        """Return whether vmap has a value for each example; raise where they are tracked, and so would be hooked."""
        interpreter = interpreter_of(values)
        if interpreter is not None and mode.recording and any(getattr(x, "requires_grad", False) for x in values):
            raise interpreter.refusal(f"a backward hook of {type(self.module).__name__} sees one gradient at a time")
        return interpreter is not None

    def write_back(self) -> None:
        """Write what forward has written into its arguments into those that the caller has."""
        copies, self._copies = self._copies, []
        for x, copy, node in copies:
            if node_of(copy) is not node:
                overwrite(x, copy)

    def leave(self, result: Any) -> Any:
        """Return the result with its tensors replaced whose gradients are to be seen."""
        several = isinstance(result, tuple)
        if self._batched(result if several else (result,)):
            return result
        if not several and type(result) not in TENSORS:
            warnings.warn(
                f"the backward hooks of {type(self.module).__name__} are not called: its result is a "
                f"{type(result).__name__}, and must be a tensor or a tuple of them",
                stacklevel=4,
            )
            return result
        results = list(result) if several else [result]
        self.results, self.exits = len(results), _tracked(results)
        if not self.exits:
            return result
        for i, t in zip(
            self.exits, BackwardHookFunction.apply(self._coming_in, *(results[i] for i in self.exits)), strict=True
        ):
            results[i] = t
        if not several:
            return results[0]
        return type(result)._make(results) if hasattr(result, "_make") else tuple(results)

    def _coming_in(self, gradients: tuple[Any, ...]) -> list[Any]:
        """Show the gradients of the results to the hooks, and return what goes into the module."""
        given = _spread(gradients, self.exits, self.results)
        for hook in self.before:
            answer = _told(hook, self.module, given)
            if answer is not None:
                given = all_answered(answer, given, hook)
        if self.entries:
            self.grad_output = given
        else:
            self._without_arguments(given)
        return [given[i] for i in self.exits]

    def _without_arguments(self, grad_output: tuple[Any, ...]) -> None:
        """Call the hooks where no argument requires grad, and so nothing is to replace."""
        for hook in self.after:
            answer = _told(hook, self.module, (None,) * self.arguments, grad_output)
            if answer is not None:
                all_answered(answer, (None,) * self.arguments, hook)

    def _going_out(self, gradients: tuple[Any, ...]) -> list[Any]:
        """Show the gradients of the arguments to the hooks, and return what goes on."""
        given, grad_output = _spread(gradients, self.entries, self.arguments), self.grad_output
        if grad_output is None:  # from inside, as derivatives of a second order may come: it is no pass through
            return list(gradients)
        self.grad_output = None
        for hook in self.after:
            answer = _told(hook, self.module, given, grad_output)
            if answer is not None:
                given = all_answered(answer, given, hook)
        return [given[i] for i in self.entries]
