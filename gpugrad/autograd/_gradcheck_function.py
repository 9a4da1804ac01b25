"""A function of tensors as a function of real numbers: what gradcheck moves, calls, and asks for gradients.

Every checked input and every floating output is a block of real coordinates; a complex element is two of them. Inputs
are moved in place, so that a function which reads a tensor from around it, as a module reads its weights, sees it
move; `put_back` puts them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpugrad._graph import enable_grad, no_grad
from gpugrad._op import TENSORS, node_of
from gpugrad._tensor import grad, tensor
from gpugrad.backends import backend_of, is_inexact
from gpugrad.errors import OptionError

__all__ = ["Block", "Fault", "RealFunction", "Vector"]

Vector = np.ndarray[Any, np.dtype[Any]]
"""Real numbers on the host, in float64."""


class Fault(Exception):
    """What is wrong with a function beside its derivatives."""


@dataclass(frozen=True, slots=True)
class Block:
    """The coordinates `start` to `stop` of one tensor; `name` is what a report calls it, such as ``input 0``."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def parts(self) -> int:
        """How many real numbers an element has."""
        return 2 if self.dtype.kind == "c" else 1

    @property
    def stop(self) -> int:
        """The coordinate after the last."""
        return self.start + self.parts * int(np.prod(self.shape))

    @property
    def unit(self) -> float:
        """The distance from 1 to the next number of the dtype."""
        return float(np.finfo(self.dtype).eps)

    def label(self, coordinate: int) -> str:
        """Return a coordinate as it is named in a report.

        >>> Block("input 0", (2, 2), np.dtype(complex), 0).label(5)
        'input 0 [1, 0] imag'
        """
        element, part = divmod(coordinate - self.start, self.parts)
        index = ", ".join(str(int(i)) for i in np.unravel_index(element, self.shape))
        return f"{self.name} [{index}]" + ("" if self.parts == 1 else (" real", " imag")[part])


def blocks_of(tensors: Mapping[str, Any]) -> list[Block]:
    """Return a block for each tensor, by its name, one after the other."""
    blocks: list[Block] = []
    for name, t in tensors.items():
        blocks.append(Block(name, tuple(t.shape), np.dtype(t.dtype), blocks[-1].stop if blocks else 0))
    return blocks


def on_host(value: Any) -> np.ndarray[Any, Any]:
    """Return a copy of a tensor or array on the host."""
    array = value._array if type(value) in TENSORS else value
    return np.array(backend_of(array).to_host(array), copy=True, order="C")


def as_reals(tensors: Sequence[Any]) -> Vector:
    """Return the elements of tensors as one vector, the two parts of a complex number beside each other."""
    flat = [np.ascontiguousarray(on_host(t).ravel()) for t in tensors]
    parts = [x.astype(np.complex128).view(np.float64) if x.dtype.kind == "c" else x.astype(np.float64) for x in flat]
    return np.concatenate([*parts, np.empty(0)])


def flattened(results: Any, place: str = "") -> dict[str, Any]:
    """Return the floating tensors among nested results by name, such as ``output 0`` or ``output 0.loss``."""
    if type(results) in TENSORS:
        return {f"output {place or 0}": results} if is_inexact(results.dtype) else {}
    pairs: Any = ()
    if isinstance(results, Mapping):
        pairs = results.items()
    elif isinstance(results, tuple | list):
        pairs = enumerate(results)
    return {k: t for key, value in pairs for k, t in flattened(value, f"{place}.{key}" if place else str(key)).items()}


def same(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], tolerance: float = 0.0) -> bool:
    """Return whether two arrays hold the same numbers, NaN with NaN, but for an absolute tolerance."""
    if x.shape != y.shape:
        return False
    if not tolerance or x.dtype.kind not in "fc":
        return bool(np.array_equal(x, y, equal_nan=x.dtype.kind in "fc"))
    return bool(np.allclose(x, y, rtol=0, atol=tolerance, equal_nan=True))


class RealFunction:
    """`func` at `inputs`: its value there and elsewhere, and rows of its Jacobian by walks back.

    `checked` are the inputs that require grad, `into` and `out` the blocks of the checked inputs and the results,
    `point` and `value` their coordinates, and `results` the floating tensors that were returned.
    """

    def __init__(self, func: Callable[..., Any], inputs: Sequence[Any], caller: str, names: Sequence[str] = ()) -> None:
        self.func, self.inputs = func, list(inputs)
        self.names = list(names) or [f"input {i}" for i in range(len(self.inputs))]
        pairs = zip(self.names, inputs, strict=True)
        tracked = {name: x for name, x in pairs if type(x) in TENSORS and node_of(x) is not None}
        if not tracked:
            raise OptionError(
                f"{caller}: none of the inputs requires grad, so there is nothing to check; make one with "
                "requires_grad=True"
            )
        self.checked = list(tracked.values())
        self.into = blocks_of(tracked)
        self.point = self._now = as_reals(self.checked)
        self.stray: Exception | None = None  # what func raised beside the point
        self._before = {i: on_host(x) for i, x in enumerate(inputs) if type(x) in TENSORS or isinstance(x, np.ndarray)}
        self._check_memory(caller)
        self.out: list[Block] = []
        self.results: dict[str, Any] = {}
        self.value = self._first(caller)

    def _check_memory(self, caller: str) -> None:
        """Refuse inputs that cannot be moved, or not one without the other."""
        arrays = [(block, x._array, x) for block, x in zip(self.into, self.checked, strict=True)]
        for block, array, x in arrays:
            if backend_of(array).overlaps_itself(array):
                raise OptionError(
                    f"{caller}: elements of {block.name} share memory, so that none can be moved without the "
                    "others; pass a .clone()"
                )
            for other, their, y in arrays:
                alike = type(array) is type(their) and x is not y
                if alike and backend_of(array).shares_memory(array, their) and self._moves_along(x, y):
                    raise OptionError(
                        f"{caller}: {block.name} and {other.name} share memory, so that one cannot be moved "
                        "without the other; pass a .clone()"
                    )

    def _moves_along(self, x: Any, y: Any) -> bool:
        """Return whether a write to one tensor is seen in another."""
        before, its = on_host(x), on_host(y)
        try:
            self._write(x, before + 1)
            return not same(its, on_host(y))
        finally:
            self._write(x, before)

    @staticmethod
    def _write(x: Any, values: np.ndarray[Any, Any]) -> None:
        if values.size:
            with no_grad():
                x.copy_(tensor(values.astype(np.dtype(x.dtype)), device=x.device))

    def _first(self, caller: str) -> Vector:
        self.results = self._called()
        self.out = blocks_of(self.results)
        if not self.out:
            raise OptionError(f"{caller}: func returned no floating tensor, and nothing else has derivatives")
        return as_reals(list(self.results.values()))

    def _called(self) -> dict[str, Any]:
        with enable_grad(), np.errstate(all="ignore"):
            return flattened(self.func(*self.inputs))

    def check_unchanged(self, who: str) -> None:
        """Raise Fault if an input is no longer what it was, and put it back."""
        for i, before in self._before.items():
            now = on_host(self.inputs[i])
            if same(before, now):
                continue
            if before.shape != now.shape:
                if type(self.inputs[i]) in TENSORS:
                    self.inputs[i].data = tensor(before, device=self.inputs[i].device)
                raise Fault(f"{who} changed {self.names[i]} in place: its shape {before.shape} became {now.shape}")
            if type(self.inputs[i]) in TENSORS:
                self._write(self.inputs[i], before)
            differs = (before != now) & ~((before != before) & (now != now))
            first = tuple(int(k) for k in np.argwhere(differs)[0])
            raise Fault(
                f"{who} changed {self.names[i]} in place, first at {list(first)}: {before[first]} became {now[first]}. "
                "Work on a .clone() of it"
            )

    def at(self, point: Vector) -> Vector:
        """Return the value at another point; NaN where `func` raises there, as it may outside its domain."""
        self._move_to(point)
        try:
            results = self._called()
            values = as_reals(list(results.values()))
        except Exception as error:  # what it is stands in the report, if the derivative there is in doubt
            self.stray = self.stray or error
            return np.full(self.value.shape, np.nan)
        self._check_layout(results)
        return values

    @contextmanager
    def moved_to(self, point: Vector) -> Iterator[RealFunction]:
        """Give the same function at another point, where the inputs are within the block."""
        try:
            self._move_to(point)
            there = RealFunction(self.func, self.inputs, "gradcheck", self.names)
            try:
                yield there
            finally:
                there.put_back()
        finally:
            self.put_back()

    def beside(self, random: np.random.Generator) -> Vector:
        """Return a point a thousandth away in a random direction, where there is no kink but by ill luck."""
        away = random.normal(size=self.point.shape) * np.where(self.point == 0, 1.0, np.abs(self.point))
        return np.asarray(self.point + 1e-3 * away)

    def put_back(self) -> None:
        """Put the inputs back to where they were."""
        self._move_to(self.point)

    def _move_to(self, point: Vector) -> None:
        for block, x in zip(self.into, self.checked, strict=True):
            here = slice(block.start, block.stop)
            if not same(point[here], self._now[here]):
                reals = np.ascontiguousarray(point[here])
                self._write(x, (reals.view(np.complex128) if block.parts == 2 else reals).reshape(block.shape))
        self._now = point

    def _check_layout(self, results: Mapping[str, Any]) -> None:
        now = blocks_of(results)
        if now != self.out:
            before, after = (", ".join(f"{b.name}: {b.shape} {b.dtype}" for b in bs) for bs in (self.out, now))
            raise Fault(
                f"the outputs of func are ({before}) at the inputs and ({after}) beside them: they depend on values, "
                "and have no derivative"
            )

    def pulled(self, weights: Mapping[int, Vector], results: Mapping[str, Any] | None = None) -> Vector:
        """Return the gradient of the sum of <weights, output> over the blocks named, in the coordinates of inputs."""
        tensors = list((self.results if results is None else results).values())
        outputs, seeds = [], []
        for k, reals in weights.items():
            if node_of(tensors[k]) is not None:
                block = self.out[k]
                w = np.ascontiguousarray(reals).view(np.complex128) if block.parts == 2 else reals
                outputs.append(tensors[k])
                seeds.append(tensor(w.reshape(block.shape).astype(block.dtype), device=tensors[k].device))
        if not outputs:
            return np.zeros(self.point.shape)
        with np.errstate(all="ignore"):
            gradients = grad(outputs, self.checked, seeds, retain_graph=True, materialize_grads=True)
        for block, x, g in zip(self.into, self.checked, gradients, strict=True):
            if (tuple(g.shape), g.dtype) != (block.shape, block.dtype) or g.device != x.device:
                raise Fault(
                    f"the gradient of {block.name} is {tuple(g.shape)} {g.dtype} on '{g.device}'; the input is "
                    f"{block.shape} {block.dtype} on '{x.device}'"
                )
        return as_reals(gradients)

    def check_determinism(self, weights: Mapping[int, Vector], tolerance: float) -> None:
        """Raise Fault if `func`, or the walk back from it, does not give the same numbers twice."""
        gradient = self.pulled(weights)
        self.check_unchanged("backward")
        again = self.pulled(weights)
        if not same(gradient, again, tolerance):
            raise Fault(
                "backward gives other gradients when it is run again on the same graph: "
                + self._first_change(gradient, again, self.into)
            )
        results = self._called()
        self._check_layout(results)
        values = as_reals(list(results.values()))
        if not same(self.value, values, tolerance):
            raise Fault(
                "func gives other values when it is called again with the same inputs: "
                + self._first_change(self.value, values, self.out)
                + ". Fix its random numbers, or pass nondet_tol"
            )
        again = self.pulled(weights, results)
        if not same(gradient, again, tolerance):
            raise Fault(
                "backward gives other gradients when func is called again with the same inputs: "
                + self._first_change(gradient, again, self.into)
            )

    @staticmethod
    def _first_change(before: Vector, after: Vector, blocks: list[Block]) -> str:
        k = int(np.argmax(np.where(np.isnan(before), -1.0, np.abs(before - after))))
        block = next(b for b in blocks if b.start <= k < b.stop)
        return f"{block.label(k)} was {before[k]:.9g} and became {after[k]:.9g}"
