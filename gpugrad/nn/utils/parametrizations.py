"""Parametrisations of weights by their direction and length, or by their largest singular value."""

from __future__ import annotations

from typing import Any

from gpugrad import _ops as ops
from gpugrad import linalg, random
from gpugrad._graph import no_grad
from gpugrad.errors import OptionError
from gpugrad.nn.module import Module
from gpugrad.nn.utils.parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """g * v / ||v||, with a norm for each place along an axis, or one for all if that is None."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def _norm(self, v: Any) -> Any:
        if self.dim is None:
            return linalg.vector_norm(v)
        axes = tuple(axis for axis in range(v.ndim) if axis != self.dim % v.ndim)
        return linalg.vector_norm(v, axis=axes, keepdims=True) if axes else ops.abs(v)

    def forward(self, g: Any, v: Any) -> Any:
        """Return the weight."""
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """Return the lengths and the weight itself."""
        return self._norm(weight), weight.clone()


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train a weight as its direction v and its length g: w = g v / ||v|| (Salimans and Kingma, 2016).

    There is a length for each place along the axis `dim`, or one for all if it is None (or -1, as in PyTorch). g and
    v are the parameters ``parametrizations.weight.original0`` and ``original1``. Returns the module.

    >>> from gpugrad import nn
    >>> layer = weight_norm(nn.Linear(3, 2))
    >>> [(name, p.shape) for name, p in layer.named_parameters()][1:]
    [('parametrizations.weight.original0', (2, 1)), ('parametrizations.weight.original1', (2, 3))]
    """
    return register_parametrization(module, name, _WeightNorm(None if dim == -1 else dim), unsafe=True)


class _SpectralNorm(Module):
    """W over its largest singular value, which a few steps of the power method per call in training come closer to."""

    _u: Any
    _v: Any

    def __init__(self, weight: Any, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations < 1:
            raise OptionError(f"n_power_iterations must be at least 1, not {n_power_iterations!r}")
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim if weight.ndim else dim, eps, n_power_iterations
        if weight.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight.detach())
                rows, columns = matrix.shape
                options = {"dtype": weight.dtype, "device": weight.device}
                self.register_buffer("_u", self._unit(random.randn(rows, **options)))
                self.register_buffer("_v", self._unit(random.randn(columns, **options)))
                self._improve(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        moved = ops.moveaxis(weight, self.dim, 0) if self.dim else weight
        return ops.reshape(moved, (moved.shape[0], -1))

    def _unit(self, x: Any) -> Any:
        return x / ops.maximum(linalg.vector_norm(x), self.eps)

    def _improve(self, matrix: Any, times: int) -> None:
        for _ in range(times):
            self._u.copy_(self._unit(matrix @ self._v))
            self._v.copy_(self._unit(matrix.mT @ self._u))

    def forward(self, weight: Any) -> Any:
        """Return the weight over its norm."""
        if weight.ndim < 2:
            return self._unit(weight)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._improve(matrix.detach(), self.n_power_iterations)
        # Not their memory: the next call changes it, and backward may still need what it was.
        u, v = self._u.clone(), self._v.clone()
        return weight / (u @ (matrix @ v))

    def right_inverse(self, value: Any) -> Any:
        """Return the value: it is normalised afresh."""
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, so that the layer stretches nothing (Miyato et al., 2018).

    It is estimated by `n_power_iterations` steps of the power method at each use in training, from where the last one
    ended; 15 steps are taken at once. The axis `dim`, the first one if none is named, has the rows of the matrix.
    The weight is the parameter ``parametrizations.weight.original``. Returns the module.

    >>> import gpugrad
    >>> from gpugrad import nn
    >>> layer = spectral_norm(nn.Linear(4, 4))
    >>> for _ in range(50):
    ...     weight = layer.weight
    >>> round(gpugrad.linalg.svdvals(weight)[0].item(), 3)
    1.0
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise OptionError(f"{type(module).__name__} has no weight {name!r}")
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim or 0, eps))
