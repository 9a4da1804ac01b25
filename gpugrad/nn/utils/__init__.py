"""What is done to the parameters of a module as a whole: clipping, vectors of all of them, parametrisations."""

from __future__ import annotations

from gpugrad.nn.utils import parametrizations, parametrize
from gpugrad.nn.utils._clipping import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from gpugrad.nn.utils._vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "vector_to_parameters",
]
