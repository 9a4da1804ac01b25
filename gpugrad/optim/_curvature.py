"""What LBFGS remembers: the last steps and changes of the gradient, and the direction that follows from them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from gpugrad._arena import Arena
from gpugrad._op import new_tensor
from gpugrad._tensor import Tensor
from gpugrad.backends import Array, backend_of
from gpugrad.errors import OptionError
from gpugrad.optim._parameter_vector import dot
from gpugrad.optim._state import number_in, vector_in

__all__ = ["Curvature"]

_vectors, _lists, _numbers = ("d", "prev_flat_grad"), ("old_dirs", "old_stps"), ("t", "H_diag", "prev_loss")


class Curvature:
    """The memory of LBFGS; its attributes have the names that they have in PyTorch's state."""

    def __init__(self) -> None:
        self.func_evals = self.n_iter = 0
        self.d: Array = None
        self.prev_flat_grad: Array = None
        self.t = self.H_diag = 1.0
        self.prev_loss = 0.0
        self.old_dirs: list[Array] = []
        self.old_stps: list[Array] = []
        self.ro: list[float] = []

    def copy(self) -> Curvature:
        """Return a memory that may change without this one; no array in it is ever written."""
        made = copy.copy(self)
        made.old_dirs, made.old_stps, made.ro = list(self.old_dirs), list(self.old_stps), list(self.ro)
        return made

    def settle(self, arena: Arena, size: int) -> None:
        """Bring the vectors to where the parameters are now."""
        if self.d is None:
            return
        if self.d.shape[0] != size:
            raise OptionError(
                f"the parameters have {size} elements, and had {self.d.shape[0]} in earlier steps of LBFGS; make a new "
                "optimizer for them"
            )
        before = backend_of(self.d)
        if before.dtype_of(self.d) != arena.dtype or before.device_of(self.d) != arena.device:
            self._map(lambda x: new_tensor(x).to(dtype=arena.dtype, device=arena.device)._array)

    def _map(self, f: Any) -> None:
        self.d, self.prev_flat_grad = f(self.d), f(self.prev_flat_grad)
        self.old_dirs, self.old_stps = [f(x) for x in self.old_dirs], [f(x) for x in self.old_stps]

    def direction(self, gradient: Array, history_size: int, arena: Arena) -> Array:
        """Return the inverse Hessian's estimate times the gradient, turned round, after taking in the last step."""
        if self.n_iter == 1:
            self.old_dirs, self.old_stps, self.ro, self.H_diag = [], [], [], 1.0
            return -gradient
        change, step = gradient - self.prev_flat_grad, self.d * self.t
        curvature = dot(change, step, arena)
        if curvature > 1e-10:
            if len(self.old_dirs) >= history_size:
                for remembered in (self.old_dirs, self.old_stps, self.ro):
                    del remembered[: len(remembered) - history_size + 1]
            self.old_dirs.append(change)
            self.old_stps.append(step)
            self.ro.append(1 / curvature)
            self.H_diag = curvature / dot(change, change, arena)
        return self._two_loops(-gradient, arena)

    def _two_loops(self, q: Array, arena: Arena) -> Array:
        """Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4."""
        pairs = list(zip(self.old_dirs, self.old_stps, self.ro, strict=True))
        along = []
        for change, step, ro in reversed(pairs):
            along.append(dot(step, q, arena) * ro)
            q = q - change * along[-1]
        q = q * self.H_diag
        for (change, step, ro), a in zip(pairs, reversed(along), strict=True):
            q = q + step * (a - dot(change, q, arena) * ro)
        return q

    def shown(self, arena: Arena) -> dict[str, Any]:
        """Return the memory as PyTorch's state has it, vectors as copies."""

        def copied(x: Array) -> Tensor:
            return new_tensor(arena.backend.copy(x))  # type: ignore[no-any-return]

        counts = {"func_evals": self.func_evals, "n_iter": self.n_iter}
        if self.d is None:
            return counts
        vectors = {name: copied(getattr(self, name)) for name in _vectors}
        lists = {name: [copied(x) for x in getattr(self, name)] for name in _lists}
        return {**counts, **vectors, **lists, "ro": list(self.ro), **{name: getattr(self, name) for name in _numbers}}

    @classmethod
    def read(cls, values: Mapping[str, Any], p: Tensor, size: int, faults: list[str]) -> Curvature:
        """Return the memory that a state shows; what is wrong with it is noted."""
        made = cls()
        for name, value in values.items():
            if name in ("func_evals", "n_iter"):
                setattr(made, name, int(number_in(name, value, faults)))
            elif name in _numbers and value is not None:
                setattr(made, name, number_in(name, value, faults))
            elif name in _vectors and value is not None:
                setattr(made, name, _array(vector_in(name, value, p, (size,), faults)))
            elif name in _lists and value is not None:
                setattr(made, name, [_array(vector_in(name, x, p, (size,), faults)) for x in value])
            elif name == "ro" and value is not None:
                made.ro = [number_in(name, x, faults) for x in value]
            elif name not in (*_numbers, *_vectors, *_lists, "ro", "al"):
                faults.append(f"{name!r} is nothing that LBFGS keeps")
        if not len(made.old_dirs) == len(made.old_stps) == len(made.ro):
            faults.append("old_dirs, old_stps and ro differ in length")
        if (made.d is None) != (made.prev_flat_grad is None) or (made.n_iter > 0 and made.d is None and not faults):
            faults.append("d and prev_flat_grad must both be there once n_iter is above 0")
        return made


def _array(values: Tensor | None) -> Array:
    return None if values is None else values.clone()._array
