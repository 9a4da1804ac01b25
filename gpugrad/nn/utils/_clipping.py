"""Clipping of gradients, against explosion: by their common norm, or value by value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import zeros
from gpugrad._fused.clip import clip_coefficient, scale
from gpugrad._graph import put_aside
from gpugrad._op import new_tensor
from gpugrad._tensor import Tensor
from gpugrad.backends import Array, backend_of
from gpugrad.errors import DeviceError, GradientError, OptionError

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    several = [parameters] if isinstance(parameters, Tensor) else parameters
    return _on_one_device([p._grad for p in several if p._grad is not None])


def _on_one_device(gradients: list[Tensor]) -> list[Tensor]:
    devices = {g.device: None for g in gradients}
    if len(devices) > 1:
        raise DeviceError(f"gradients are on {', '.join(map(str, devices))}; clip those of one device at a time")
    return gradients


def _check(norm_type: float) -> None:
    if not norm_type > 0:
        raise OptionError(f"norm_type must be above 0 (inf is the largest element), not {norm_type!r}")


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale the gradients in place so that their common norm is at most `max_norm`; return the norm from before.

    The norm is a 0-d tensor on the gradients' device, and nothing waits for it there. If it is NaN or infinite the
    gradients become NaN (finite ones 0 where it is infinite), as in PyTorch, or, with `error_if_nonfinite`, a
    GradientError is raised and they stay. Without any gradient it is 0. Pascanu, Mikolov and Bengio, "On the
    difficulty of training recurrent neural networks" (2013).

    >>> import gpugrad
    >>> p = gpugrad.tensor([3., 4.], requires_grad=True)
    >>> (p * p / 2).sum().backward()
    >>> clip_grad_norm_([p], max_norm=1.0)
    tensor(5.)
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    if not max_norm >= 0:
        raise OptionError(f"max_norm must be at least 0, not {max_norm!r}")
    _check(norm_type)
    gradients = _gradients(parameters)
    if not gradients:
        return zeros(())
    norm, coefficient = _measured(gradients, float(max_norm), float(norm_type), error_if_nonfinite)
    _scale(gradients, coefficient)
    return new_tensor(norm)  # type: ignore[no-any-return]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Return the norm of all elements of some tensors together, of gradients say, as a 0-d tensor on their device.

    Without any tensor it is 0. With `error_if_nonfinite` a norm that is NaN or infinite raises GradientError.

    >>> import gpugrad
    >>> get_total_norm([gpugrad.tensor([3.]), gpugrad.tensor([[4.]])])
    tensor(5.)
    """
    _check(norm_type)
    several = _on_one_device([tensors] if isinstance(tensors, Tensor) else list(tensors))
    if not several:
        return zeros(())
    return new_tensor(_measured(several, math.inf, float(norm_type), error_if_nonfinite)[0])  # type: ignore[no-any-return]


def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor) -> None:
    """Scale the gradients in place by max_norm / total_norm where that is below 1: the second half of clip_grad_norm_.

    The norm may be that of more gradients than these. Nothing waits for it.

    >>> import gpugrad
    >>> p = gpugrad.tensor([3.], requires_grad=True)
    >>> (p * p / 2).backward()
    >>> clip_grads_with_norm_([p], 1.0, gpugrad.tensor(6.))
    >>> p.grad
    tensor([0.5000])
    """
    if not max_norm >= 0:
        raise OptionError(f"max_norm must be at least 0, not {max_norm!r}")
    gradients = _gradients(parameters)
    if gradients:
        with backend_of(gradients[0]._array).on(gradients[0].device), backend_of(gradients[0]._array).quiet():
            coefficient = _coefficient(total_norm.to(gradients[0].device)._array, float(max_norm))
        _scale(gradients, coefficient)


def _measured(
    tensors: list[Tensor], max_norm: float, norm_type: float, error_if_nonfinite: bool
) -> tuple[Array, Array]:
    """Return the norm of all elements together, and the factor that clips it."""
    arrays = [t._array for t in tensors]
    backend = backend_of(arrays[0])
    with backend.on(tensors[0].device), backend.quiet():
        if norm_type == 2:
            norm, coefficient = clip_coefficient(arrays, max_norm)
        else:
            norm, coefficient = _other_norm(arrays, max_norm, norm_type)
        if error_if_nonfinite and not math.isfinite(float(norm)):
            raise GradientError(f"the norm of the gradients is {float(norm)}; they were not clipped")
    return norm, coefficient


def _scale(gradients: list[Tensor], coefficient: Array) -> None:
    backend = backend_of(gradients[0]._array)
    with backend.on(gradients[0].device), backend.quiet():
        for g in gradients:
            put_aside(g)
        scale([g._array for g in gradients], coefficient)


def _other_norm(arrays: list[Array], max_norm: float, p: float) -> tuple[Array, Array]:
    """Return the p-norm of all elements together, and the factor that clips it."""
    xp = backend_of(arrays[0]).namespace
    largest = [xp.max(xp.abs(a)) for a in arrays if math.prod(a.shape)]
    norm = largest[0] if largest else xp.sum(arrays[0])
    for other in largest[1:]:
        norm = xp.maximum(norm, other)
    if p != math.inf:
        # Measured in units of the largest element, no power leaves the range of the dtype.
        unit = xp.where((norm == 0) | ~xp.isfinite(norm), xp.ones_like(norm), norm)
        powers = [xp.sum((xp.abs(a) / unit) ** p) for a in arrays]
        total = powers[0]
        for power in powers[1:]:
            total = total + power
        norm = unit * total ** (1 / p)
    norm = xp.asarray(norm)
    return norm, _coefficient(norm, max_norm)


def _coefficient(norm: Array, max_norm: float) -> Array:
    xp = backend_of(norm).namespace
    coefficient = max_norm / (norm + 1e-6)
    return xp.where(coefficient > 1, xp.ones_like(coefficient), coefficient)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of the gradients to [-clip_value, clip_value], in place; a NaN stays.

    >>> import gpugrad
    >>> p = gpugrad.tensor([3., -4.], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> clip_grad_value_([p], 7.0)
    >>> p.grad
    tensor([ 6., -7.])
    """
    limit: Any = float(clip_value)
    if not limit >= 0:
        raise OptionError(f"clip_value must be at least 0, not {clip_value!r}")
    for g in _gradients(parameters):
        array = g._array
        backend = backend_of(array)
        with backend.on(g.device):
            put_aside(g)
            backend.write(array, (slice(None),) * len(array.shape), ops.clip(array, -limit, limit))
