"""A Module: parameters, buffers and other modules as plain attributes, found by looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from gpugrad._graph import no_grad
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor import Tensor, asarray
from gpugrad._tensor.displays import display
from gpugrad._tensor.tensor import RemovableHandle
from gpugrad.errors import StateError
from gpugrad.nn.parameter import Parameter

__all__ = ["LoadResult", "Module"]


class LoadResult(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _no_forward(*args: Any, **kwargs: Any) -> Any:
    raise NotImplementedError("this module has no forward(); define what it computes in a method of that name")


class Module:
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
        """Return what `forward` returns, as the forward hooks leave it."""
        result = self.forward(*args, **kwargs)
        for hook in list(vars(self).get("_forward_hooks", {}).values()):
            answer = hook(self, args, result)
            result = result if answer is None else answer
        return result

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Parameter) and not (value is None or isinstance(value, Parameter)):
            raise TypeError(
                f"cannot assign {type(value).__name__} as parameter {name!r}: it would be trained no longer. Assign a "
                "Parameter or None, or write into it under no_grad() with .copy_()"
            )
        object.__setattr__(self, name, value)

    # What it consists of

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make a tensor part of the module that is moved and (if persistent) saved with it but not trained."""
        if tensor is not None and type(tensor) not in TENSORS:
            raise TypeError(f"buffer {name!r} must be a tensor or None, not {type(tensor).__name__}")
        vars(self).setdefault("_buffers", {})[name] = persistent
        setattr(self, name, tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Set a parameter by name."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} must be a Parameter or None, not {type(param).__name__}")
        setattr(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Set a module by name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"module {name!r} must be a Module or None, not {type(module).__name__}")
        setattr(self, name, module)

    def register_forward_hook(self, hook: Callable[[Module, tuple[Any, ...], Any], Any]) -> RemovableHandle:
        """Call ``hook(module, args, result)`` after each forward; what it returns, if anything, replaces the result."""
        hooks = vars(self).setdefault("_forward_hooks", {})
        handle = RemovableHandle(hooks)
        hooks[handle._key] = hook
        return handle

    def _own_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Parameter))

    def _own_buffers(self, saved_only: bool = False) -> Iterator[tuple[str, Tensor]]:
        for name, persistent in vars(self).get("_buffers", {}).items():
            value = vars(self).get(name)
            if value is not None and (persistent or not saved_only):
                yield name, value

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules that are attributes of this one, by name, each once."""
        seen = set()
        for name, value in vars(self).items():
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """Yield the modules that are attributes of this one."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it by their dotted names; this one's is `prefix`."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield from value.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it."""
        return (module for _, module in self.named_modules())

    def _named(
        self,
        of: Callable[[Module], Iterator[tuple[str, Tensor]]],
        prefix: str,
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors that `of` finds in this module and, if `recurse`, in all below it."""
        seen: set[int] = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in of(module):
                if not remove_duplicate or id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters by their dotted names."""
        return self._named(Module._own_parameters, prefix, recurse, remove_duplicate)  # type: ignore[return-value]

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once; this is what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters("", recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers by their dotted names."""
        return self._named(Module._own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers("", recurse))

    # What state it is in

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below this one and then on this one; return it."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below it to training, where dropout drops; return it."""
        for module in self.modules():
            module.training = bool(mode)
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

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters, gradients and buffers to a device, or to a floating-point dtype; return the module.

        The arguments are those of `Tensor.to`. The parameters stay the objects that they are.
        """
        moves = [(p, _moved(p, args, kwargs), p._grad) for p in self.parameters()]
        for parameter, moved, _ in moves:
            if moved is not parameter and parameter._node is not None:
                Tensor._must_carry_gradients(moved.dtype)
        for parameter, moved, gradient in moves:
            if moved is not parameter:
                _replace(parameter, moved)
                parameter.grad = None if gradient is None else _moved(gradient, args, kwargs)
        for module in self.modules():
            for name, buffer in list(module._own_buffers()):
                setattr(module, name, _moved(buffer, args, kwargs))
        return self

    def cpu(self) -> Self:
        """Move the module to host memory; return it."""
        return self.to("cpu")

    def cuda(self, index: int | None = None) -> Self:
        """Move the module to a CUDA device, the first one if none is named; return it."""
        return self.to("cuda" if index is None else f"cuda:{index}")

    # What is saved of it

    def _saved(self) -> dict[str, Tensor]:
        """Return parameters and persistent buffers by name, a shared one under each of its names."""

        def of(module: Module) -> Iterator[tuple[str, Tensor]]:
            yield from module._own_parameters()
            yield from module._own_buffers(saved_only=True)

        return dict(self._named(of, "", True, remove_duplicate=False))

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Return parameters and persistent buffers by their dotted names.

        The tensors share the module's memory, as in PyTorch, and are outside the graph unless `keep_vars`.
        """
        return {prefix + name: value if keep_vars else value.detach() for name, value in self._saved().items()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy values into parameters and buffers by name: tensors, or arrays of any kind.

        All that does not fit is named in one StateError, and then nothing is changed. With ``strict=False``
        missing and unexpected names are passed over and returned.
        """
        mine = self._saved()
        missing = [name for name in mine if name not in state_dict]
        unexpected = [name for name in state_dict if name not in mine]
        values = {name: asarray(state_dict[name]) for name in mine if name in state_dict}
        faults = [f"size mismatch for {n}: {v.shape} in the state, {mine[n].shape} in the module"
                  for n, v in values.items() if v.shape != mine[n].shape]  # fmt: skip
        faults += [f"dtype mismatch for {n}: {v.dtype} in the state, {mine[n].dtype} in the module"
                   for n, v in values.items() if _kind(v) > _kind(mine[n])]  # fmt: skip
        if strict and unexpected:
            faults.insert(0, "unexpected in the state: " + ", ".join(unexpected))
        if strict and missing:
            faults.insert(0, "missing in the state: " + ", ".join(missing))
        if faults:
            raise StateError(f"the state does not fit {type(self).__name__}:\n    " + "\n    ".join(faults))
        with no_grad():
            ready = [(mine[name], value.to(mine[name].device)) for name, value in values.items()]
            for target, value in ready:
                target.copy_(value)
        return LoadResult(missing, unexpected)

    # How it is shown

    def extra_repr(self) -> str:
        """Return what stands in the brackets behind the module's name."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._children_shown()]
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

    def _children_shown(self) -> Iterator[tuple[str, Module]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))


def _kind(tensor: Tensor) -> int:
    """Return a number for the kind of a dtype; a higher kind does not fit into a lower one."""
    return {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}[tensor.dtype.kind]


def _moved(tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Return the values of a tensor elsewhere, or it itself if nothing changes; integers keep their dtype."""
    with no_grad():
        moved = new_tensor(tensor._array).to(*args, **kwargs)
        if moved.dtype != tensor.dtype and tensor.dtype.kind not in "fc":
            moved = new_tensor(tensor._array).to(moved.device)
    return tensor if moved._array is tensor._array else moved


def _replace(parameter: Tensor, moved: Tensor) -> None:
    """Let a parameter have the memory of a tensor that nobody else uses."""
    if parameter._node is not None:
        parameter._node.shape, parameter._node.dtype = moved._array.shape, moved._array.dtype
    parameter._array = moved._array
    parameter._cell = parameter._alias = parameter._grad = None
