"""Hooks on what the graph saves: a pair of functions packs each value when it is saved, and unpacks it at its use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from gpugrad._graph import Leaf, Node, Packed, Place, Saved, exchange_saved, lend, mode, modes, rules_naming
from gpugrad._op import TENSORS, new_tensor
from gpugrad.backends import Array, Device, backend_of
from gpugrad.errors import GradientError

__all__ = ["disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]


class _Refusing(threading.local):
    message: str | None = None


_refusing = _Refusing()


class _Form(NamedTuple):
    """What was packed, and so what must be unpacked: the value of an op, its shape, dtype and device."""

    op: str
    value: str
    shape: tuple[int, ...]
    dtype: Any
    device: Device


class saved_tensors_hooks:
    """Within the block, pack every tensor that is saved for backward, and unpack it whenever backward needs it.

    ``pack_hook(tensor)`` returns anything at all, which is kept in the tensor's place. ``unpack_hook(packed)`` returns
    a tensor of the same shape and dtype, on the same device. Both are called without recording, and what they save is
    not packed. Of blocks within each other the innermost packs. Python numbers are not packed.

    What a pack hook is given it may keep, but not write: such a write raises GradientError. Where it keeps that tensor,
    a view of it or its array, later writes to the value do no harm: it is unpacked before the first of them, and a copy
    kept. What was moved, copied or compressed is not copied again.

    As in PyTorch each value is packed by each operation that saves it, its inputs in their order and then its result,
    and unpacked once when that operation is differentiated; parameters are packed too. With `once` a value that several
    save is packed once, if its tensor has shared its memory with no other, and unpacked at each use. Without
    `parameters` leaves that require grad stay as they are: they are there anyway.

    >>> import gpugrad
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> with gpugrad.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), gpugrad.tensor):
    ...     z = (x * x).sum()
    >>> z.backward()
    >>> x.grad
    tensor([2., 4.])
    """

    def __init__(
        self,
        pack_hook: Callable[[Any], Any],
        unpack_hook: Callable[[Any], Any],
        *,
        once: bool = False,
        parameters: bool = True,
    ) -> None:
        for name, hook in (("pack_hook", pack_hook), ("unpack_hook", unpack_hook)):
            if not callable(hook):
                raise TypeError(f"saved_tensors_hooks: {name} must be a function of one argument, not {hook!r}")
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook
        self.once = once
        self.parameters = parameters
        self._made: WeakKeyDictionary[Saved, ref[Packed]] = WeakKeyDictionary()
        self._before: list[Any] = []

    def __enter__(self) -> None:
        if _refusing.message is not None:
            raise GradientError(_refusing.message)
        self._before.append(modes.change(packing=self._pack)["packing"])

    def __exit__(self, *exception: object) -> None:
        modes.change(packing=self._before.pop())

    def _pack(self, node: Node) -> None:
        exchange_saved(node, partial(self._in_place_of, node))

    def _in_place_of(self, node: Node, place: Place) -> Packed | None:
        """Return the cell that takes the place of one, None where that holds a number or stays as it is."""
        cell = place.cell
        if type(cell) is not Saved or not hasattr(cell.value, "shape"):
            return None
        if not self.parameters and type(place.edge) is Leaf:
            return None
        if not self.once:
            return self._packed(node, place, rules_naming(node, place.name))
        reference = self._made.get(cell)
        made = None if reference is None else reference()
        if made is None:
            made = self._packed(node, place, 1)
            self._made[cell] = ref(made)
        return made

    def _packed(self, node: Node, place: Place, rules: int) -> Packed:
        array = place.cell.value
        backend = backend_of(array)
        form = _Form(node.op.name, place.name, tuple(array.shape), backend.dtype_of(array), backend.device_of(array))
        del array
        tensor, memory = lend(place.cell, new_tensor)
        with _unrecorded():
            packed = self.pack_hook(tensor)
        made = Packed(packed, partial(self._unpacked, form), rules)
        reference, exposed, whole = ref(memory), memory.exposed, memory.whole
        del tensor, memory
        if whole is not None and (exposed or reference() is not None):
            whole.add(made)  # somebody still looks at the memory: it may be what was packed
        return made

    def _unpacked(self, form: _Form, packed: Any) -> Array:
        with _unrecorded():
            tensor = self.unpack_hook(packed)
        what = f"unpack_hook, for {form.value!r} of {form.op},"
        if type(tensor) not in TENSORS:
            raise TypeError(f"{what} returned {type(tensor).__name__}; it must return a tensor of shape {form.shape}")
        for name, its, wanted in (
            ("shape", tensor.shape, form.shape),
            ("dtype", tensor.dtype, form.dtype),
            ("device", tensor.device, form.device),
        ):
            if its != wanted:
                raise GradientError(f"{what} returned a tensor of {name} {its}; what was packed has {name} {wanted}")
        return tensor._array


@contextmanager
def _unrecorded() -> Iterator[None]:
    """Record nothing within the block, and pack nothing; what hooks see is that of all examples of a vmap."""
    before = modes.change(grad_enabled=False, packing=None, examples=())
    try:
        yield
    finally:
        modes.change(**before)


class save_on_cpu(saved_tensors_hooks):
    """Within the block, keep what is saved for backward in host memory, and bring it back when backward needs it.

    With `pin_memory` it is kept in page-locked memory, from which a GPU reads faster. What is on the CPU already is
    kept as it is, and so are parameters, which stay where they are anyway. What several operations save is moved once.

    >>> import gpugrad
    >>> x = gpugrad.tensor([1., 2.], requires_grad=True)
    >>> with gpugrad.autograd.graph.save_on_cpu():
    ...     z = gpugrad.exp(x).sum()
    >>> z.backward()
    >>> x.grad
    tensor([2.7183, 7.3891])
    """

    def __init__(self, pin_memory: bool = False) -> None:
        super().__init__(self._to_host, self._from_host, once=True, parameters=False)
        self.pin_memory = pin_memory

    def _to_host(self, tensor: Any) -> tuple[Any, Device]:
        device = tensor.device
        if device.kind == "cpu":
            return tensor, device
        backend = backend_of(tensor._array)
        with backend.on(device):
            host = (backend.to_pinned if self.pin_memory else backend.to_host)(tensor._array)
        return new_tensor(host), device

    @staticmethod
    def _from_host(packed: tuple[Any, Device]) -> Any:
        tensor, device = packed
        return tensor.to(device)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within the block, raise GradientError with this message where somebody asks for saved-tensors hooks.

    It raises at once where they are in force already.

    >>> import gpugrad
    >>> with gpugrad.autograd.graph.disable_saved_tensors_hooks("no hooks here"):
    ...     with gpugrad.autograd.graph.save_on_cpu():
    ...         pass
    Traceback (most recent call last):
    gpugrad.errors.GradientError: no hooks here
    """
    if mode.packing is not None:
        raise GradientError(error_message)
    before, _refusing.message = _refusing.message, error_message
    try:
        yield
    finally:
        _refusing.message = before
