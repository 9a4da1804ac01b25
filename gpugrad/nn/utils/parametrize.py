"""Parametrisations: tensors of a module that are computed from others, which are trained in their place.

A parametrised module has a ModuleDict `parametrizations`, and in it, by the name of the tensor, the chain of modules
that compute it, with the tensors that it is computed from: ``original``, or ``original0``, ``original1`` where there
are several. These names, which a `state_dict` has, are PyTorch's. The module stays of its class.
"""

from __future__ import annotations

from typing import Any

from gpugrad._graph import no_grad
from gpugrad._op import TENSORS
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn.lists import ModuleDict, ModuleList
from gpugrad.nn.module import Module
from gpugrad.nn.parameter import Parameter

__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations"]


class ParametrizationList(ModuleList):
    """The modules that compute one tensor, one after the other, and the originals that the first is given.

    A module may have a `right_inverse`, which returns originals for a value; then the tensor can be assigned.
    """

    def __init__(self, first: Module, value: Any) -> None:
        trained = isinstance(value, Parameter)
        made = _inverse(first, value)
        self.several = isinstance(made, tuple)
        names = [f"original{i}" for i in range(len(made))] if self.several else ["original"]
        for name, tensor in zip(names, made if self.several else (made,), strict=True):
            if not trained:
                self.register_buffer(name, tensor.detach())
            elif tensor is value:
                setattr(self, name, value)
            else:
                setattr(self, name, Parameter(tensor.detach(), requires_grad=value.requires_grad))
        self.names = names
        self.append(first)

    @property
    def originals(self) -> tuple[Any, ...]:
        """The tensors that the value is computed from."""
        return tuple(getattr(self, name) for name in self.names)

    def forward(self) -> Any:
        """Return the value."""
        first, *others = self
        value = first(*self.originals)
        for module in others:
            value = module(value)
        return value

    def assign(self, value: Any) -> None:
        """Change the originals so that the value becomes this one, by the right inverses of all modules."""
        if type(value) not in TENSORS:
            raise TypeError(f"a parametrised tensor is assigned a tensor, not {type(value).__name__}")
        with no_grad():
            made: Any = value.detach()
            for module in reversed(list(self)):
                made = _inverse(module, made)
            for mine, its in zip(self.originals, made if isinstance(made, tuple) else (made,), strict=True):
                if mine.shape != its.shape:
                    raise ShapeError(f"a value of shape {its.shape} cannot be assigned where {mine.shape} is")
            for mine, its in zip(self.originals, made if isinstance(made, tuple) else (made,), strict=True):
                mine.copy_(its)


def _inverse(module: Any, value: Any) -> Any:
    """Return originals for a value; the value itself where a module knows no inverse."""
    if not hasattr(module, "right_inverse"):
        return value
    with no_grad():
        made = module.right_inverse(value)
    return tuple(made) if isinstance(made, list | tuple) else made


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a tensor of a module, or any, is parametrised.

    >>> from gpugrad import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> is_parametrized(layer), is_parametrized(layer, "bias")
    (True, False)
    """
    chains = _chains(module)
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def _chains(module: Module) -> Any:
    return vars(module).get("parametrizations", {})


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Have a tensor of a module computed by ``parametrization(original)`` from now on; return the module.

    The original is trained in its place. A second parametrisation is given what the first returns. It must return a
    tensor of the same shape and dtype, unless `unsafe`. Where it has a method ``right_inverse(value)``, that says what
    the original is at first, one tensor or a tuple of several, and the tensor can be assigned.

    >>> import gpugrad
    >>> from gpugrad import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.mT) / 2
    >>> layer = register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.mT).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    if not isinstance(parametrization, Module):
        raise TypeError(f"a parametrisation is a Module, not {type(parametrization).__name__}")
    if is_parametrized(module, tensor_name):
        chain = _chains(module)[tensor_name]
        before = chain()
        chain.append(parametrization)
        try:
            _check(chain, before, tensor_name, unsafe)
        except BaseException:
            chain.pop()
            raise
        return module
    value = vars(module).get(tensor_name)
    if not isinstance(value, Parameter) and tensor_name not in vars(module).get("_buffers", ()):
        raise OptionError(f"{type(module).__name__} has no parameter or buffer {tensor_name!r} to parametrise")
    chain = ParametrizationList(parametrization, value)
    _check(chain, value, tensor_name, unsafe)
    delattr(module, tensor_name)
    if "parametrizations" not in vars(module):
        module.add_module("parametrizations", ModuleDict())
    _chains(module)[tensor_name] = chain
    return module


def _check(chain: ParametrizationList, before: Any, name: str, unsafe: bool) -> None:
    """Raise where a parametrisation does not return a tensor like the one that it stands for."""
    if unsafe:
        return
    with no_grad():
        after = chain()
    if type(after) not in TENSORS:
        raise TypeError(f"the parametrisation of {name!r} returned {type(after).__name__}, not a tensor")
    if (after.shape, after.dtype) != (before.shape, before.dtype):
        raise ShapeError(
            f"the parametrisation of {name!r} returned shape {after.shape} and dtype {after.dtype}, where it had "
            f"{before.shape} and {before.dtype}; unsafe=True allows that"
        )


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrised tensor a plain one again, with the value it has, or the original's; return the module.

    >>> from gpugrad import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> sorted(remove_parametrizations(layer, "weight").state_dict())
    ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise OptionError(f"{type(module).__name__} has no parametrised tensor {tensor_name!r}")
    chain = _chains(module)[tensor_name]
    original = chain.originals[0]
    if not leave_parametrized and len(chain.originals) > 1:
        raise OptionError(
            f"{tensor_name!r} is computed from {len(chain.originals)} originals; none of them can replace it"
        )
    value = original
    if leave_parametrized:
        with no_grad():
            value = chain().clone()
    del _chains(module)[tensor_name]
    if not _chains(module):
        delattr(module, "parametrizations")
    if not isinstance(original, Parameter):
        module.register_buffer(tensor_name, value)
    else:
        keep = value if isinstance(value, Parameter) else Parameter(value, requires_grad=original.requires_grad)
        setattr(module, tensor_name, keep)
    return module
