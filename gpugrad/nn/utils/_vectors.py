"""All parameters as one vector, and back, for methods that know only vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import no_grad
from gpugrad._op import TENSORS
from gpugrad._tensor import Tensor
from gpugrad.errors import OptionError, ShapeError

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """Return all elements of the parameters, one parameter after the other, as one vector; gradients pass through.

    >>> import gpugrad
    >>> parameters_to_vector([gpugrad.ones((2, 2)), gpugrad.zeros(1)])
    tensor([1., 1., 1., 1., 0.])
    """
    several = list(parameters)
    if not several:
        raise OptionError("parameters_to_vector: there are no parameters; a generator can be walked through once only")
    return ops.concat([ops.reshape(p, (-1,)) for p in several])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of a vector into the parameters, in the order of `parameters_to_vector`.

    PyTorch's parameters become views of the vector; these keep memory of their own. If the sizes do not fit, a
    ShapeError says so, and nothing is changed.

    >>> import gpugrad
    >>> layer = gpugrad.nn.Linear(2, 1)
    >>> vector_to_parameters(gpugrad.tensor([1., 2., 3.]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
    if type(vec) not in TENSORS:
        raise TypeError(f"vector_to_parameters takes a tensor, not {type(vec).__name__}")
    several = list(parameters)
    size = sum(p.size for p in several)
    if vec.shape != (size,):
        raise ShapeError(f"the vector has shape {vec.shape}, and the parameters have {size} elements together")
    start = 0
    with no_grad():
        for p in several:
            p.copy_(ops.reshape(vec[start : start + p.size], p.shape).to(p.device))
            start += p.size
