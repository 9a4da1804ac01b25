"""Hooks of modules: functions of the user's that run around forward and backward, and when state is saved or loaded."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from gpugrad._graph.hooks import Functions, RemovableHandle
from gpugrad.nn._crossing import Crossing

if TYPE_CHECKING:
    from gpugrad.nn.module import Module

__all__ = ["Hooked", "ModuleHooks", "call_with_hooks", "hang", "runs_hooks"]


class ForwardHook(NamedTuple):
    """A function that runs before or after forward."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


class ModuleHooks:
    """What was hung on a module, by the moment at which it runs."""

    __slots__ = (
        "backward", "backward_pre", "forward", "forward_pre", "load_post", "load_pre", "state_post", "state_pre",
    )  # fmt: skip

    forward: Any

    def __init__(self) -> None:
        for kind in self.__slots__:
            setattr(self, kind, Functions())

    def of_kind(self, kind: str) -> list[Any]:
        """Return the hooks of one moment, in the order in which they run."""
        return list(getattr(self, kind).values())

    @property
    def of_calls(self) -> bool:
        """Whether any of them runs when the module is called."""
        return any(getattr(self, kind) for kind in ("forward_pre", "forward", "backward_pre", "backward"))

    def __bool__(self) -> bool:
        return any(getattr(self, kind) for kind in self.__slots__)


def hang(module: Any, kind: str, hook: Any, function: Any, prepend: bool = False) -> RemovableHandle:
    """Hang a hook on a module, and return the handle that takes it off; `function` is the user's part of it."""
    if not callable(function):
        raise TypeError(f"a hook is a function, not {type(function).__name__}")
    if module._hooks is None:
        vars(module)["_hooks"] = ModuleHooks()
    functions = getattr(module._hooks, kind)
    handle = RemovableHandle(functions)
    later = dict(functions) if prepend else {}
    if prepend:
        functions.clear()
    functions[handle._key] = hook
    functions.update(later)
    return handle


def runs_hooks(module: Any) -> bool:
    """Return whether a call of the module is more than its class's forward: nobody may compute it otherwise then."""
    return "forward" in vars(module) or (module._hooks is not None and module._hooks.of_calls)


def call_with_hooks(module: Any, hooks: ModuleHooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what forward returns, as the hooks leave it."""
    begun: set[int] = set()
    result = None
    try:
        for hook in hooks.of_kind("forward_pre"):
            args, kwargs = _before(module, hook, args, kwargs)
        crossing = Crossing.through(module, hooks.of_kind("backward_pre"), hooks.of_kind("backward"))
        if crossing is not None:
            args = crossing.enter(args)
        result = module.forward(*args, **kwargs)
        if crossing is not None:
            crossing.write_back()
        for key, hook in list(hooks.forward.items()):
            begun.add(key)
            result = _after(module, hook, args, kwargs, result)
        return result if crossing is None else crossing.leave(result)
    except Exception:
        for key, hook in list(hooks.forward.items()):
            if hook.always_call and key not in begun:
                try:
                    result = _after(module, hook, args, kwargs, result)
                except Exception as error:
                    warnings.warn(
                        f"a forward hook of {type(module).__name__} with always_call=True raised {error!r}, which is "
                        "passed over because of an error before it",
                        stacklevel=3,
                    )
        raise


def _before(
    module: Any, hook: ForwardHook, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments as a pre-hook leaves them."""
    if not hook.with_kwargs:
        answer = hook.function(module, args)
        return (args if answer is None else answer if isinstance(answer, tuple) else (answer,)), kwargs
    answer = hook.function(module, args, kwargs)
    if answer is None:
        return args, kwargs
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], dict)):
        raise TypeError(
            f"a forward pre-hook with kwargs answers with (args, kwargs) or None, not {type(answer).__name__}"
        )
    return (answer[0] if isinstance(answer[0], tuple) else (answer[0],)), answer[1]


def _after(module: Any, hook: ForwardHook, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    """Return the result as a hook leaves it."""
    given = (args, kwargs) if hook.with_kwargs else (args,)
    answer = hook.function(module, *given, result)
    return result if answer is None else answer


class Hooked:
    """A part of the Module: what can be hung on it."""

    _hooks: ModuleHooks | None = None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each forward; what it returns, if anything, replaces the arguments.

        `args` is the tuple of positional arguments, and a single value in place of a tuple is the only one. With
        `with_kwargs` it is ``hook(module, args, kwargs)``, which answers with the pair of both. With `prepend` it runs
        before those that are there.

        >>> import gpugrad
        >>> layer = gpugrad.nn.ReLU()
        >>> with layer.register_forward_pre_hook(lambda module, args: -args[0]):
        ...     layer(gpugrad.tensor([-1., 2.]))
        tensor([1., 0.])
        """
        return hang(self, "forward_pre", ForwardHook(hook, with_kwargs), hook, prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, result)`` after each forward; what it returns, if anything, replaces the result.

        With `with_kwargs` it is ``hook(module, args, kwargs, result)``; with `prepend` it runs before those that are
        there; with `always_call` it runs after an error too, with the result so far, or None.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(3, 2)
        >>> with layer.register_forward_hook(lambda module, args, result: print(args[0].shape, result.shape)):
        ...     z = layer(gpugrad.ones((5, 3)))
        (5, 3) (5, 2)
        """
        return hang(self, "forward", ForwardHook(hook, with_kwargs, always_call), hook, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[[Module, tuple[Any, ...]], Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the module's results have come, in backward.

        `grad_output` is a tuple, None where nothing came back; a tuple that the hook returns takes its place.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Tanh()
        >>> x = gpugrad.tensor([0.], requires_grad=True)
        >>> with layer.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 10,)):
        ...     layer(x).backward()
        >>> x.grad
        tensor([10.])
        """
        return hang(self, "backward_pre", hook, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[[Module, tuple[Any, ...], tuple[Any, ...]], Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's arguments are complete.

        `grad_input` has a place for each positional argument, None for what is no tensor or needs no gradient, and
        `grad_output` for each result. A tuple that the hook returns takes the place of `grad_input`. Where no argument
        requires grad it is called with None in all places, as soon as `grad_output` has come, and answers with None.
        Results must be a tensor or a tuple. Those that require grad, and such arguments, are copied on the way; what
        forward writes into an argument reaches it.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(2, 1, bias=False)
        >>> def tell(module, grad_input, grad_output):
        ...     print([g.shape for g in grad_input], [g.shape for g in grad_output])
        >>> handle = layer.register_full_backward_hook(tell)
        >>> layer(gpugrad.ones((3, 2), requires_grad=True)).sum().backward()
        [(3, 2)] [(3, 1)]
        """
        return hang(self, "backward", hook, hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[[Module, str, bool], None]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module's part of `state_dict` is made.

        >>> import gpugrad
        >>> model = gpugrad.nn.Sequential(gpugrad.nn.PReLU())
        >>> handle = model[0].register_state_dict_pre_hook(lambda module, prefix, keep_vars: print(prefix))
        >>> list(model.state_dict())
        0.
        ['0.weight']
        """
        return hang(self, "state_pre", hook, hook)

    def register_state_dict_post_hook(
        self, hook: Callable[[Module, dict[str, Any], str, dict[str, Any]], None]
    ) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)``, which may change the state, when it is made.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(2, 1)
        >>> def without_bias(module, state_dict, prefix, local_metadata):
        ...     del state_dict[prefix + "bias"]
        >>> handle = layer.register_state_dict_post_hook(without_bias)
        >>> list(layer.state_dict())
        ['weight']
        """
        return hang(self, "state_post", hook, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call a hook before `load_state_dict` looks at the state, to rename what older versions saved, say.

        It is ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``.
        It may change `state_dict`, a copy of what is loaded, and add to the three lists.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(1, 1, bias=False)
        >>> def renamed(module, state_dict, prefix, *others):
        ...     state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        >>> handle = layer.register_load_state_dict_pre_hook(renamed)
        >>> layer.load_state_dict({"w": [[3.]]})
        <All keys matched successfully>
        """
        return hang(self, "load_pre", hook, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[[Module, Any], None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after `load_state_dict` has loaded it.

        What the hook takes out of ``incompatible_keys.missing_keys`` and ``.unexpected_keys`` is no error. If names are
        left with ``strict=True``, or the hook raises, all is as it was before.

        >>> import gpugrad
        >>> layer = gpugrad.nn.Linear(1, 1)
        >>> handle = layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
        >>> layer.load_state_dict({"weight": [[3.]]})
        <All keys matched successfully>
        """
        return hang(self, "load_post", hook, hook)
