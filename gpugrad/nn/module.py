"""A Module: parameters, buffers and other modules as plain attributes, found by looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from gpugrad._graph import no_grad, watching
from gpugrad._op import TENSORS
from gpugrad._tensor import Tensor
from gpugrad._tensor.displays import display
from gpugrad.errors import OptionError
from gpugrad.nn._hooks import call_with_hooks
from gpugrad.nn._moving import Moves
from gpugrad.nn._states import LoadResult, States
from gpugrad.nn.parameter import Parameter

__all__ = ["LoadResult", "Module"]


def _no_forward(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("this module has no forward(); define what it computes in a method of that name")


class Module(Moves, States):
    """A part of a network: derive from it, set parameters and modules as attributes, and define `forward`.

    >>> import gpugrad
    >>> from gpugrad import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         self.inner = nn.Linear(2, 2, bias=False)
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> [name for name, _ in Twice().named_parameters()]
    ['inner.weight']
    """

    training: bool = True
    forward: Callable[..., Any] = _no_forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `forward` returns, as the hooks leave it."""
        hooks = self._hooks
        if hooks is None or not hooks.of_calls:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, hooks, args, kwargs)

    # What it consists of

    def __setattr__(self, name: str, value: Any) -> None:
        old = vars(self).get(name)
        if isinstance(value, Parameter | Module):
            _check_name(self, name)
        if isinstance(old, Parameter) and not (value is None or isinstance(value, Parameter)):
            raise TypeError(
                f"cannot assign {type(value).__name__} as parameter {name!r}: it would be trained no longer. Assign a "
                "Parameter or None, or write into it under no_grad() with .copy_()"
            )
        if isinstance(old, Module) and not (value is None or isinstance(value, Module | Parameter)):
            raise TypeError(
                f"cannot assign {type(value).__name__} as module {name!r}: its parameters would be lost. Assign a "
                "Module or None, or delete the attribute first"
            )
        if name in vars(self).get("_buffers", ()):
            if isinstance(value, Parameter | Module):
                self._forget_buffer(name)
            elif value is not None and type(value) not in TENSORS:
                raise TypeError(f"cannot assign {type(value).__name__} as buffer {name!r}: it is a tensor or None")
        computed = vars(self).get("parametrizations")
        if computed is not None and name in computed:
            computed[name].assign(value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name in vars(self).get("_buffers", ()):
            self._forget_buffer(name)

    if not TYPE_CHECKING:  # which would believe that a module has attributes of any name

        def __getattr__(self, name: str) -> Any:
            """Return a parametrised tensor, computed afresh from the parameters behind it."""
            computed = vars(self).get("parametrizations")
            if computed is not None and name in computed:
                return computed[name]()
            return object.__getattribute__(self, name)  # raises, and for a property that failed says why

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make a tensor part of the module that is moved and (if persistent) saved with it but not trained."""
        if tensor is not None and type(tensor) not in TENSORS:
            raise TypeError(f"buffer {name!r} must be a tensor or None, not {type(tensor).__name__}")
        self._check_free(name, name in vars(self).get("_buffers", ()))
        buffers = {**vars(self).get("_buffers", {}), name: bool(persistent)}
        vars(self)["_buffers"] = buffers  # another dict: a shallow copy of the module may have the old one
        setattr(self, name, tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter by name."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} must be a Parameter or None, not {type(param).__name__}")
        self._check_free(name, isinstance(vars(self).get(name), Parameter))
        setattr(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a module by name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"module {name!r} must be a Module or None, not {type(module).__name__}")
        self._check_free(name, isinstance(vars(self).get(name), Module))
        setattr(self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Set a module by name, as `add_module` does."""
        self.add_module(name, module)

    def _check_free(self, name: str, mine: bool) -> None:
        """Raise OptionError where a part cannot have a name, because another attribute has; `mine` says it is alike."""
        _check_name(self, name)
        if hasattr(type(self), name) or (vars(self).get(name) is not None and not mine):
            raise OptionError(f"{type(self).__name__} has an attribute {name!r} already; take another name")

    def _forget_buffer(self, name: str) -> None:
        vars(self)["_buffers"] = {key: value for key, value in vars(self)["_buffers"].items() if key != name}

    # What state it is in

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below it to training, where dropout drops; return it.

        Each module is asked by its own `train`, which a class may override so as to stay in evaluation.
        """
        if not isinstance(mode, bool):
            raise OptionError(f"train takes True or False, not {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set this module and all below it to evaluation; return it."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train the parameters from now on, or freeze them; return the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or, with ``set_to_none=False``, write zeros into them."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                with no_grad():
                    parameter.grad.detach_().zero_()

    # How it is shown

    def extra_repr(self) -> str:
        """Return what stands in the brackets behind the module's name."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._own_modules()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}(\n  " + "\n  ".join([extra, *lines] if extra else lines) + "\n)"

    def _repr_html_(self) -> str:
        return str(display("module")(self))

    def summary(self, *inputs: Any, language: str = "en") -> Any:
        """Return a table of the layers, to print or to look at: shapes, parameters, bytes.

        `inputs` are examples, or their shapes with the batch axis; without any no shapes are told. `language` is
        ``"en"`` or ``"zh"``.

        >>> from gpugrad import nn
        >>> print(nn.Linear(4, 2).summary((1, 4)))
        layer   kind    input   output  parameters  bytes
        -------------------------------------------------
        Linear  Linear  (1, 4)  (1, 2)          10     40
        -------------------------------------------------
        parameters: 10 (trainable: 10, not trainable: 0)
        bytes: 40
        """
        return display("summary")(self, *inputs, language=language)


watching.layer_calls.add(Module.__call__.__code__)


def _check_name(module: Any, name: Any) -> None:
    if not isinstance(name, str) or not name or "." in name:
        raise OptionError(
            f"a part of {type(module).__name__} cannot be named {name!r}: a name has no dots, which part the names of "
            "modules within modules"
        )
