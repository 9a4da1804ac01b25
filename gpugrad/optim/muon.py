"""Muon: momentum made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gpugrad._arena import Run, ufuncs_of
from gpugrad._fused._half import widened
from gpugrad._fused.clip import global_norm
from gpugrad._tensor import Tensor
from gpugrad.backends import Array, namespace
from gpugrad.errors import OptionError
from gpugrad.optim._checks import check_count, check_number, check_numbers
from gpugrad.optim.optimizer import Optimizer

__all__ = ["Muon"]


class Muon(Optimizer):
    """Steps by the orthogonal matrix nearest to the momentum, all singular values being made 1 or so (Jordan, 2024).

    They are made so by Newton and Schulz' iteration, in the dtype of the parameter, or float32 where that is float16.
    PyTorch iterates in bfloat16 whatever the dtype, and is one or two percent off this. Biases, embeddings and the
    last layer are for another optimizer, AdamW say.

    Parameters
    ----------
    params
        Leaf matrices, or dicts that describe groups of them.
    lr
        The learning rate.
    weight_decay
        Beside the gradient's step: p -= lr * weight_decay * p.
    momentum
        How much of the running mean of the gradient is kept at a step.
    nesterov
        Look ahead: go by (1 - momentum) * g + momentum * mean.
    ns_coefficients
        The coefficients a, b, c of an iteration from X to a X + b (X X') X + c (X X')(X X') X.
    eps
        The least norm that the momentum is divided by before the iteration.
    ns_steps
        How many iterations, below 100.
    adjust_lr_fn
        What the rate is multiplied by, for a matrix of n rows and m columns: sqrt(max(1, n / m)) for ``"original"``,
        which is None, too, or 0.2 sqrt(max(n, m)) for ``"match_rms_adamw"`` (Liu et al., 2025), which has AdamW's
        rates and decays fit.

    Examples
    --------
    >>> import gpugrad
    >>> p = gpugrad.tensor([[3., 0.], [0., 4.]], requires_grad=True)
    >>> optimizer = gpugrad.optim.Muon([p], lr=0.5, weight_decay=0.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [[round(value, 1) for value in row] for row in p.tolist()]
    [[2.6, 0.0], [0.0, 3.4]]
    """

    moments = ("momentum_buffer",)
    shows_steps = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_numbers(options, "lr", "weight_decay", "momentum", "eps")
        check_count("ns_steps", options["ns_steps"], least=0)
        if options["ns_steps"] >= 100:
            raise OptionError(f"ns_steps must be below 100, not {options['ns_steps']!r}")
        coefficients = options["ns_coefficients"]
        if not isinstance(coefficients, tuple | list) or len(coefficients) != 3:
            raise OptionError(f"ns_coefficients must be three numbers, not {coefficients!r}")
        for i, value in enumerate(coefficients):
            check_number(f"ns_coefficients[{i}]", value, least=-math.inf)
        if options["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise OptionError(
                f"adjust_lr_fn must be 'original', 'match_rms_adamw' or None, not {options['adjust_lr_fn']!r}"
            )

    def _check_shape(self, p: Tensor) -> None:
        if p.ndim != 2:
            raise OptionError(f"Muon changes matrices, not a parameter of shape {p.shape}; give it to AdamW")

    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> None:
        u, momentum = ufuncs_of(run.parameter), options["momentum"]
        rate, decay = options["lr"], 1 - options["lr"] * options["weight_decay"]
        for p, g, mean in run.parts("momentum_buffer"):
            if factor is not None:
                u.multiply(g, factor, out=g)  # the gradient is the arena's copy
            u.multiply(g, 1 - momentum, out=g)
            u.multiply(mean, momentum, out=mean)
            u.add(mean, g, out=mean)
            if options["nesterov"]:
                direction = orthogonalized(g + mean * momentum, options)
            else:
                direction = orthogonalized(mean, options)
            u.multiply(p, decay, out=p)
            u.subtract(p, direction * (rate * _adjustment(p.shape, options["adjust_lr_fn"])), out=p)


def orthogonalized(matrix: Array, options: Mapping[str, Any]) -> Array:
    """Return a matrix with the singular vectors of this one, and singular values near 1."""
    xp, (a, b, c) = namespace(matrix), options["ns_coefficients"]
    x = widened(matrix)
    x = x / xp.maximum(xp.astype(global_norm([x]), x.dtype), options["eps"])
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(options["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return xp.astype(x.T if tall else x, matrix.dtype)


def _adjustment(shape: tuple[int, ...], by: str | None) -> float:
    rows, columns = shape
    return 0.2 * math.sqrt(max(shape)) if by == "match_rms_adamw" else math.sqrt(max(1.0, rows / columns))
