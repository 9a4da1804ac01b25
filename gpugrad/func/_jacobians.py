"""Jacobians and Hessians: all rows, or all columns, by one walk with a stack of cotangents, or of tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import pairwise
from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import eye, zeros
from gpugrad.errors import DtypeError, OptionError
from gpugrad.func._arguments import chosen, differentiable, must_be_function, replaced, result_and_aux, tensors_of
from gpugrad.func._batched import Batched, DependsOnExample, spread
from gpugrad.func._levels import begun
from gpugrad.func._recording import Recording
from gpugrad.func._trees import flattened, unflattened

__all__ = ["hessian", "jacfwd", "jacrev"]


class _Call:
    """A call of a function that is to have a Jacobian: what it was given, what it returned, and its graph."""

    def __init__(
        self, transform: str, func: Callable[..., Any], argnums: Any, has_aux: bool, args: Any, kwargs: Any
    ) -> None:
        self.transform = transform
        self.one = not isinstance(argnums, tuple)
        places = chosen(argnums, args, transform)
        self.primals = tuple(args[i] for i in places)
        self.inputs = [x for i in places for x in differentiable(args[i], f"argument {i}", transform)]
        self.recording = Recording(self.inputs)
        entered = unflattened(self.primals, self.recording.inputs)
        made = self.recording.call(func, replaced(args, places, entered), kwargs)
        self.result, self.aux = result_and_aux(made, has_aux, transform)
        self.outputs = tensors_of(self.result, transform)
        for what, tensors in (("argument", self.inputs), ("result", self.outputs)):
            if any(x.dtype.kind == "c" for x in tensors):
                raise DtypeError(
                    f"{transform}: the {what} is complex; a Jacobian is that of real functions of real numbers. Take "
                    "vjp or jvp, or work on real and imaginary parts"
                )
        self.recording.ends(self.outputs, flattened(self.aux))
        self.recording.released(flattened(self.aux))

    def reverse(self, chunk_size: int | None) -> list[list[Any]]:
        """Return the Jacobian of each output with respect to each input, row by row."""
        rows = _images(self.recording.pulled, self.outputs, self.inputs, chunk_size)
        return [
            [ops.reshape(of_input[i], (*y.shape, *x.shape)) for of_input, x in zip(rows, self.inputs, strict=True)]
            for i, y in enumerate(self.outputs)
        ]

    def forward(self, chunk_size: int | None) -> list[list[Any]]:
        """Return the same column by column."""
        pushforward = self.recording.pushforward()
        columns = _images(pushforward.pushed, self.inputs, self.outputs, chunk_size)

        def turned(part: Any, y: Any, x: Any) -> Any:
            return ops.reshape(ops.matrix_transpose(ops.reshape(part, (x.size, y.size))), (*y.shape, *x.shape))

        return [
            [turned(block[j], y, x) for j, x in enumerate(self.inputs)]
            for block, y in zip(columns, self.outputs, strict=True)
        ]

    def finished(self, table: list[list[Any]], has_aux: bool) -> Any:
        """Return a Jacobian as a tree of the form of the result, with one of that of the arguments for each tensor."""
        self.recording.released([block for row in table for block in row])
        rows = [unflattened(self.primals, row) for row in table]
        made = unflattened(self.result, [row[0] if self.one else row for row in rows])
        return (made, self.aux) if has_aux else made


def _images(
    apply: Callable[[list[Any]], list[Any]], ends: Sequence[Any], others: Sequence[Any], chunk_size: int | None
) -> list[list[Any]]:
    """Return what a linear map makes of a basis of `ends`: for each of the others, a block for each end.

    A block is (size of the end, *shape of the other).
    """
    total = sum(x.size for x in ends)
    if total == 0 or sum(x.size for x in others) == 0:
        return [[zeros((x.size, *y.shape), dtype=y.dtype, device=y.device) for x in ends] for y in others]
    chunk = total if chunk_size is None else chunk_size
    parts = [_some(apply, ends, start, min(chunk, total - start)) for start in range(0, total, chunk)]
    whole = [part[0] if len(part) == 1 else ops.concat(list(part), axis=0) for part in zip(*parts, strict=True)]
    bounds = [sum(x.size for x in ends[:i]) for i in range(len(ends) + 1)]
    return [[z[a:b] for a, b in pairwise(bounds)] if len(ends) > 1 else [z] for z in whole]


def _some(apply: Callable[[list[Any]], list[Any]], ends: Sequence[Any], start: int, count: int) -> list[Any]:
    """Return the images of `count` elements of the basis, side by side: all at once, or one after the other."""
    basis = _basis(ends, start, count)
    if count > 1:
        try:
            with begun(count) as level:
                images = [spread(z, [level]) for z in apply([Batched(b, level) for b in basis])]
                return [z.value for z in images]
        except DependsOnExample:  # a rule looks at values
            pass
    singles = [apply([b[i] for b in basis]) for i in range(count)]
    return [ops.stack(list(z)) for z in zip(*singles, strict=True)]


def _basis(ends: Sequence[Any], start: int, count: int) -> list[Any]:
    """Return some elements of the basis of the space of all ends together, with their parts at each end."""
    made, before = [], 0
    for x in ends:
        rows = eye(count, x.size, k=start - before, dtype=x.dtype, device=x.device)
        made.append(ops.reshape(rows, (count, *x.shape)))
        before += x.size
    return made


def _checked(chunk_size: Any, transform: str) -> None:
    if chunk_size is not None and (type(chunk_size) is not int or chunk_size < 1):
        raise OptionError(f"{transform}: chunk_size is None or a positive integer, not {chunk_size!r}")


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that returns the Jacobian of `func`, by reverse mode: the better way where it has few outputs.

    Parameters
    ----------
    func
        A function of real tensors, or trees of them, that returns such.
    argnums
        Which positional argument to differentiate with respect to, or a tuple of several.
    has_aux
        Whether `func` returns a pair, of which the second part is handed on.
    chunk_size
        How many rows to compute at a time, to save memory; all of them if None.

    The Jacobian of a tensor y with respect to a tensor x has shape ``(*y.shape, *x.shape)``; that of a tree has its
    form, and in place of each tensor one of the form of the argument.

    Raises
    ------
    DtypeError
        If an argument or a result is not of real floats.

    >>> import gpugrad
    >>> jacrev(lambda x: x**2)(gpugrad.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    must_be_function(func, "jacrev")
    _checked(chunk_size, "jacrev")

    @wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacrev", func, argnums, has_aux, args, kwargs)
        return call.finished(call.reverse(chunk_size), has_aux)

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that returns the Jacobian of `func`, by forward mode: the better way where it has few inputs.

    The arguments and the result are those of `jacrev`. `func` is called once, so that what it draws at random is the
    same for all columns; `randomness`, which PyTorch needs, changes nothing.

    >>> import gpugrad
    >>> jacfwd(lambda x: gpugrad.sum(x * x))(gpugrad.tensor([1., 2.]))
    tensor([2., 4.])
    """
    must_be_function(func, "jacfwd")
    _checked(chunk_size, "jacfwd")
    if randomness not in ("error", "different", "same"):
        raise OptionError(f"jacfwd: randomness is 'error', 'different' or 'same', not {randomness!r}")

    @wraps(func, updated=())
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = _Call("jacfwd", func, argnums, has_aux, args, kwargs)
        return call.finished(call.forward(chunk_size), has_aux)

    return jacobian


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that returns the Hessian of `func`: the Jacobian of its Jacobian.

    For a scalar function of x it has shape ``(*x.shape, *x.shape)``. The second derivative is taken by reverse mode
    where there are not many more entries in the first than there are inputs, and by forward mode otherwise.

    >>> import gpugrad
    >>> hessian(lambda x: gpugrad.prod(x))(gpugrad.tensor([2., 3.]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    must_be_function(func, "hessian")
    first = jacrev(func, argnums)

    @wraps(func, updated=())
    def second(*args: Any, **kwargs: Any) -> Any:
        call = _Call("hessian", first, argnums, False, args, kwargs)
        few = sum(y.size for y in call.outputs) <= 2 * sum(x.size for x in call.inputs)
        return call.finished(call.reverse(None) if few else call.forward(None), False)

    return second
