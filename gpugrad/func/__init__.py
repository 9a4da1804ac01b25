"""Transforms of functions: gradients, Jacobians and vectorised calls as functions, under the names of torch.func."""

from __future__ import annotations

from gpugrad.func import _running as _running
from gpugrad.func._forward import jvp, linearize
from gpugrad.func._jacobians import hessian, jacfwd, jacrev
from gpugrad.func._modules import functional_call, stack_module_state
from gpugrad.func._products import ggnvp, hvp
from gpugrad.func._reverse import grad, grad_and_value, value_and_grad, vjp
from gpugrad.func._vmap import vmap

__all__ = [
    "functional_call",
    "ggnvp",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]
