"""Reductions as methods, with the arguments of the standard, of PyTorch, and of NumPy's functions, which call them.

``np.sum(t)`` is a call of ``t.sum(axis=None, dtype=None, out=None)``, and so it stays in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from gpugrad import _ops as ops
from gpugrad._tensor.shaping import axes
from gpugrad.errors import OptionError

__all__ = ["Reductions"]


def _reduction(name: str, doc: str, **fixed: Any) -> Callable[..., Any]:
    """Return the method of a reduction; `fixed` are the defaults of its further options."""
    function = getattr(ops, name)

    def method(
        self: Any,
        axis: Any = None,
        *,
        dim: Any = None,
        keepdims: bool = False,
        keepdim: bool = False,
        dtype: Any = None,
        out: None = None,
        **options: Any,
    ) -> Any:
        if out is not None:
            raise OptionError(f"{name}: a tensor's method has no out; write z[...] = x.{name}() instead")
        if "ddof" in options:
            options["correction"] = options.pop("ddof")
        if unknown := options.keys() - fixed.keys():
            raise TypeError(f"{name}() got an unexpected argument {min(unknown)!r}")
        x = self if dtype is None else ops.astype(self, dtype)
        return function(x, axis=axes(axis, dim), keepdims=keepdims or keepdim, **{**fixed, **options})

    method.__name__ = method.__qualname__ = name
    method.__doc__ = doc
    return method


class Reductions:
    """The part of a Tensor that is reductions under method names."""

    __slots__ = ()

    sum: ClassVar[Any] = _reduction("sum", "Return the sum over axes.")
    mean: ClassVar[Any] = _reduction("mean", "Return the mean over axes.")
    prod: ClassVar[Any] = _reduction("prod", "Return the product over axes.")
    max: ClassVar[Any] = _reduction("max", "Return the largest element over axes (the values alone).")
    min: ClassVar[Any] = _reduction("min", "Return the smallest element over axes (the values alone).")
    any: ClassVar[Any] = _reduction("any", "Return whether any element is true.")
    all: ClassVar[Any] = _reduction("all", "Return whether all elements are true.")
    argmax: ClassVar[Any] = _reduction("argmax", "Return the index of the largest element.")
    argmin: ClassVar[Any] = _reduction("argmin", "Return the index of the smallest element.")
    var: ClassVar[Any] = _reduction(
        "var",
        "Return the variance over axes; as in PyTorch the method corrects by 1 where the function corrects by 0.",
        correction=1,
    )
    std: ClassVar[Any] = _reduction(
        "std", "Return the standard deviation over axes; as in PyTorch the method corrects by 1.", correction=1
    )
