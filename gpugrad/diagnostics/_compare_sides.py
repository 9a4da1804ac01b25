"""One of the two runs of a comparison: where it takes place, what it is given, and what is noted of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad._graph import inference_mode
from gpugrad._graph.watching import watch
from gpugrad._op import TENSORS, node_of
from gpugrad._tensor import asarray, backward, tensor
from gpugrad.backends import as_dtype, default_device, dtypes, is_array_type, is_inexact, use_backend
from gpugrad.diagnostics._compare_recorder import Note, Recorder, copied
from gpugrad.errors import OptionError
from gpugrad.nn import Module

__all__ = ["Run", "Side", "run_on", "side_named"]


@dataclass(frozen=True)
class Side:
    """Where one of the two runs takes place: on a device, or in a dtype."""

    name: str
    dtype: np.dtype[Any] | None

    def entered(self) -> AbstractContextManager[Any]:
        """Send new tensors to the backend within the block; a dtype says nothing about where they go."""
        return use_backend(self.name) if self.dtype is None else nullcontext()

    def _dtype_for(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        if self.dtype is None or not is_inexact(dtype):
            return dtype
        if dtype.kind != "c":
            return self.dtype
        return dtypes["complex128" if self.dtype == dtypes["float64"] else "complex64"]

    def placed(self, value: Any) -> Any:
        """Return an input as this run has it: a leaf of its own, or what is no tensor as it is."""
        if isinstance(value, Module):
            return self.placed_module(value)
        if type(value) not in TENSORS:
            if isinstance(value, np.generic) or not is_array_type(type(value)):
                return value
            value = asarray(value)
        device = value.device if self.dtype is not None else default_device()
        leaf = tensor(value.detach(), dtype=self._dtype_for(np.dtype(value.dtype)), device=device)
        return leaf.requires_grad_() if node_of(value) is not None else leaf

    def placed_module(self, module: Module) -> Module:
        """Return a copy of a module whose parameters and buffers are where this run is."""
        placed = copy.deepcopy(module)
        placed.zero_grad()
        return placed.to(default_device()) if self.dtype is None else placed.to(self.dtype)


def side_named(value: Any) -> Side:
    """Return the side that a backend, a device or a dtype stands for."""
    if isinstance(value, np.dtype | type) or (isinstance(value, str) and value in dtypes):
        dtype = as_dtype(value)
        if dtype.kind != "f":
            raise OptionError(f"compare_backends compares floating dtypes, not {dtype}")
        return Side(str(dtype), dtype)
    return Side(str(value), None)


@dataclass(frozen=True, slots=True)
class Run:
    """What was noted of a run, and by name its results and the gradients of what it was given."""

    notes: list[Note]
    ends: dict[str, np.ndarray[Any, Any]]


def run_on(func: Callable[..., Any], inputs: list[Any], side: Side, seed: int, reference: Sequence[Note] = ()) -> Run:
    """Return what was noted of the function in one place, and its results and gradients."""
    with side.entered(), inference_mode(False):
        placed = [side.placed(x) for x in inputs]
        function = side.placed_module(func) if isinstance(func, Module) else func
        recorder = Recorder(reference)
        with watch(recorder):
            result = function(*placed)
            outputs = _tensors(result)
            ends = {f"output {i}": copied([z._array])[0] for i, z in enumerate(outputs)}
            tracked = [z for z in outputs if node_of(z) is not None]
            if tracked:
                backward(tracked, _cotangents(tracked, seed))
    for name, leaf in _leaves(function, placed):
        if leaf.grad is not None:
            ends[f"gradient of {name}"] = copied([leaf.grad._array])[0]
    return Run(recorder.notes, ends)


def _tensors(result: Any) -> list[Any]:
    if type(result) in TENSORS:
        return [result]
    items = result.values() if isinstance(result, dict) else result if isinstance(result, tuple | list) else ()
    return [t for item in items for t in _tensors(item)]


def _cotangents(outputs: list[Any], seed: int) -> list[Any]:
    """Return random gradients of the outputs, the same numbers wherever they are."""
    random = np.random.default_rng(seed)
    drawn = []
    for z in outputs:
        w = random.normal(size=z.shape) + (1j * random.normal(size=z.shape) if z.dtype.kind == "c" else 0)
        drawn.append(tensor(np.asarray(w).astype(np.dtype(z.dtype)), device=z.device))
    return drawn


def _leaves(function: Any, placed: list[Any]) -> Iterator[tuple[str, Any]]:
    for i, x in enumerate(placed):
        if type(x) in TENSORS:
            yield f"input {i}", x
    for module in (function, *placed):
        if isinstance(module, Module):
            yield from module.named_parameters()
