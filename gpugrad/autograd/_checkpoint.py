"""Checkpointing: a part of a network keeps its inputs alone, and is computed again when backward comes to it."""
# ruff: noqa: A001, A002 - PyTorch calls an argument `input`

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from gpugrad._graph import mode
from gpugrad._op import interpreter_of
from gpugrad.autograd._checkpoint_arguments import leaves_of
from gpugrad.autograd._checkpoint_frame import Frame
from gpugrad.errors import OptionError

__all__ = ["checkpoint", "checkpoint_sequential"]

_checks = ("default", "values", "none")


def _no_contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    /,
    *args: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]] = _no_contexts,
    determinism_check: str = "default",
    **kwargs: Any,
) -> Any:
    """Return ``function(*args, **kwargs)``, and keep of it for backward its arguments alone (Chen et al., 2016).

    What else backward needs it gets by calling the function again, once, up to the last value it saved. The graph is an
    ordinary one: `autograd.grad`, hooks, derivatives of every order and checkpoints within each other work, parameters
    that the function closes over get their gradients, and the gradients are those without checkpointing, bit for bit.

    Arguments may hold tensors in tuples, lists and dicts. They may be written to later; the gradient is that of the
    values at the time of the call. A tensor that the function reads and was not given may not: backward raises
    GradientError. Random numbers are drawn again with the same outcome, unless `preserve_rng_state` is false.

    `determinism_check` says what is compared between the two calls: by ``"default"`` the op, shape, dtype and device of
    each saved value, by ``"values"`` also its bits, by ``"none"`` nothing. ``context_fn()`` returns two contexts, one
    for each call. `use_reentrant` is PyTorch's other implementation, and must be false.

    >>> import gpugrad
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> gpugrad.autograd.checkpoint(lambda x: gpugrad.exp(gpugrad.sin(x)), x).sum().backward()
    >>> x.grad
    tensor([ 1.2534, -1.0331])
    """
    if not callable(function):
        raise TypeError(f"checkpoint: the first argument is the function to call, not {type(function).__name__}")
    if use_reentrant:
        raise OptionError("checkpoint: use_reentrant must be False: gradients of every order need the other way")
    if determinism_check not in _checks:
        raise OptionError(f"checkpoint: determinism_check is one of {', '.join(_checks)}, not {determinism_check!r}")
    within, again_within = context_fn()
    if not mode.recording or mode.drawing is not None or interpreter_of(leaves_of((args, kwargs))) is not None:
        with within:
            return function(*args, **kwargs)
    frame = Frame(function, args, kwargs, again_within, preserve_rng_state, determinism_check)
    with within, frame.recorded():
        return function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool = False, preserve_rng_state: bool = True
) -> Any:
    """Return what a chain of functions makes of `input`, with all its segments but the last checkpointed.

    `functions` is a list of functions or modules, or an `nn.Sequential`; they are split into `segments` parts of equal
    length, of which the last takes what is left over. With the root of their number kept memory is least.

    >>> import gpugrad
    >>> x = gpugrad.tensor(0.5, requires_grad=True)
    >>> gpugrad.autograd.checkpoint_sequential([gpugrad.sin] * 9, 3, x).backward()
    >>> x.grad
    tensor(0.4112)
    """
    chain: Sequence[Callable[..., Any]] = list(functions)
    if type(segments) is not int or not 1 <= segments <= len(chain):
        raise OptionError(
            f"checkpoint_sequential: segments must be an integer from 1 to {len(chain)}, the number of functions, not "
            f"{segments!r}"
        )
    length = len(chain) // segments
    for i in range(segments - 1):
        part = _one_after_another(chain[i * length : (i + 1) * length])
        input = checkpoint(part, input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return _one_after_another(chain[(segments - 1) * length :])(input)


def _one_after_another(functions: Sequence[Callable[..., Any]]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return call
