"""vmap: a function of one example, called once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import modes
from gpugrad.errors import AxisError, OptionError, ShapeError
from gpugrad.func._arguments import must_be_function
from gpugrad.func._batched import Batched, is_tensor, spread
from gpugrad.func._levels import Level, active, begun
from gpugrad.func._trees import flattened, paths, unflattened

__all__ = ["vmap"]


class _Drawing:
    """Random numbers under vmap: the same for every example, different ones, or an error, as each level says."""

    def __init__(self, levels: Sequence[Level], refusing: bool = False) -> None:
        self.levels, self.refusing = levels, refusing

    def without(self, level: Level) -> _Drawing:
        """Return who draws for one example of a level after the other."""
        others = [other for other in self.levels if other is not level]
        return _Drawing(others, self.refusing or level.randomness == "error")

    def _differing(self) -> list[Level]:
        """Return the levels whose examples differ."""
        if self.refusing or any(level.randomness == "error" for level in self.levels):
            raise OptionError(
                "random numbers are drawn in a function that vmap calls; say vmap(..., randomness='different') or "
                "'same', or draw them before"
            )
        return [level for level in self.levels if level.randomness == "different"]

    def values(self, make: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...]) -> Any:
        """Return what `make` makes for a shape, with a value of its own for each example of the levels that differ."""
        levels = self._differing()
        made = make((*(level.size for level in levels), *shape))
        for level in levels:
            made = Batched(made, level)
        return made

    def operand(self, x: Any) -> Any:
        """Return `x` as a value of its own for each example of the levels that differ."""
        return spread(x, self._differing())


@contextmanager
def _examples(size: int, randomness: str) -> Any:
    with begun(size, randomness) as level:
        before = modes.change(drawing=_Drawing(active()))
        try:
            yield level
        finally:
            modes.change(**before)


def _prefix(dims: Any, tree: Any, name: str, what: str) -> list[Any]:
    """Return, for each leaf of `tree`, the axis that `dims` says for it or for a part that it is in."""
    if dims is None or type(dims) is int:
        return [dims] * len(flattened(tree))
    kinds = (list, tuple)
    alike = isinstance(dims, dict) and isinstance(tree, dict) and dims.keys() == tree.keys()
    if alike:
        return [d for key in tree for d in _prefix(dims[key], tree[key], f"{name}[{key!r}]", what)]
    if isinstance(dims, kinds) and isinstance(tree, kinds) and len(dims) == len(tree):
        parts = enumerate(zip(dims, tree, strict=True))
        return [d for i, (dim, part) in parts for d in _prefix(dim, part, f"{name}[{i}]", what)]
    raise OptionError(
        f"vmap: {name} is {dims!r}, which does not fit {what}; it is an integer or None, or has the form of {what} "
        "with those at its places"
    )


def _axis(dim: Any, x: Any, path: str) -> int:
    """Return the axis of an input that holds the examples."""
    if not is_tensor(x):
        raise TypeError(f"vmap: {path} is {type(x).__name__} and has no axis {dim}; say None for it in in_dims")
    if not -x.ndim <= dim < x.ndim:
        raise AxisError(f"vmap: {path} has shape {x.shape} and no axis {dim}")
    axis: int = dim % x.ndim
    return axis


def _size(leaves: list[tuple[str, Any]], dims: Sequence[Any]) -> int:
    """Return the number of examples, which all inputs must agree on."""
    places = [(path, x, _axis(d, x, path)) for (path, x), d in zip(leaves, dims, strict=True) if d is not None]
    sizes = {path: x.shape[axis] for path, x, axis in places}
    if not sizes:
        raise OptionError("vmap: no input has an axis of examples; in_dims is None everywhere")
    if len(set(sizes.values())) > 1:
        raise ShapeError(
            "vmap: the inputs have different numbers of examples: " + ", ".join(f"{p} {n}" for p, n in sizes.items())
        )
    size: int = next(iter(sizes.values()))
    if size == 0:
        raise ShapeError("vmap: there are 0 examples, and so no result whose shape could be known")
    return size


def _moved(x: Any, source: int, destination: int) -> Any:
    return x if source == destination else ops.moveaxis(x, source, destination)


def _collected(results: Any, level: Level, out_dims: Any, name: str) -> Any:
    """Return the results of all examples, those on the axes that `out_dims` says."""
    dims = _prefix(out_dims, results, "out_dims", "the results")
    made = []
    for (path, x), dim in zip(paths(results, "the result"), dims, strict=True):
        if dim is None:
            if type(x) is Batched and x.level is level:
                raise OptionError(
                    f"vmap: {path} of {name} is another one for each example; its out_dims cannot be None"
                )
            made.append(x)
            continue
        if not is_tensor(x):
            raise TypeError(f"vmap: {path} of {name} is {type(x).__name__}, not a tensor; say None for it in out_dims")
        every = x.value if type(x) is Batched and x.level is level else spread(x, [level]).value
        if not -every.ndim <= dim < every.ndim:
            raise AxisError(f"vmap: {path} of {name} has shape {every.shape} with the examples, and no axis {dim}")
        made.append(_moved(every, 0, dim % every.ndim))
    return unflattened(results, made)


def _chunks(leaves: list[Any], dims: Sequence[Any], size: int, chunk: int) -> list[list[Any]]:
    """Return the inputs for some of the examples at a time."""

    def part(x: Any, dim: Any, start: int) -> Any:
        return x if dim is None else x[(*(slice(None),) * (dim % x.ndim), slice(start, start + chunk))]

    return [[part(x, d, start) for x, d in zip(leaves, dims, strict=True)] for start in range(0, size, chunk)]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return `func` for all examples at once: it is called one time, and each op in it does the work of all.

    Parameters
    ----------
    func
        A function of one example. Values that it takes from outside are the same for all. It cannot ask for the value
        of a tensor (``if x > 0``, ``x.item()``), which is another one for each example; `gpugrad.where` can.
    in_dims
        The axis of the inputs that holds the examples; None for inputs that all share. A tuple has one for each input,
        or a tree of them. Keyword arguments have theirs on axis 0.
    out_dims
        The axis that the examples have in the results, likewise.
    randomness
        ``"error"``, ``"different"`` or ``"same"``: whether random numbers may be drawn, for each example or for all.
    chunk_size
        How many examples to take at a time, to save memory; all of them if None.

    Raises
    ------
    ShapeError, AxisError, OptionError
        If the inputs do not agree on the number of examples, or the axes on the inputs.
    DependsOnExample
        A GradientError: if `func` asks for a value that is another one for each example.

    >>> import gpugrad
    >>> vmap(gpugrad.sum)(gpugrad.tensor([[1., 2.], [3., 4.]]))
    tensor([3., 7.])
    """
    must_be_function(func, "vmap")
    if randomness not in ("error", "different", "same"):
        raise OptionError(f"vmap: randomness is 'error', 'different' or 'same', not {randomness!r}")
    if chunk_size is not None and (type(chunk_size) is not int or chunk_size < 1):
        raise OptionError(f"vmap: chunk_size is None or a number of examples, not {chunk_size!r}")
    name = getattr(func, "__name__", type(func).__name__)

    @wraps(func, updated=())
    def batched(*args: Any, **kwargs: Any) -> Any:
        dims = _prefix(tuple(in_dims) if type(in_dims) is list else in_dims, args, "in_dims", "the inputs")
        leaves = [*paths(args, "input"), *paths(kwargs, "keyword")]
        dims += [0] * (len(leaves) - len(dims))
        size = _size(leaves, dims)
        values = [x for _, x in leaves]

        def run(count: int, values: list[Any]) -> Any:
            with _examples(count, randomness) as level:
                entered = [
                    x if d is None else Batched(_moved(x, d % x.ndim, 0), level)
                    for x, d in zip(values, dims, strict=True)
                ]
                ours, theirs = unflattened((args, kwargs), entered)
                return _collected(func(*ours, **theirs), level, out_dims, name)

        if chunk_size is None or chunk_size >= size:
            return run(size, values)
        parts = [
            run(min(chunk_size, size - start), part)
            for start, part in zip(range(0, size, chunk_size), _chunks(values, dims, size, chunk_size), strict=True)
        ]
        return _joined(parts, out_dims)

    return batched


def _joined(parts: list[Any], out_dims: Any) -> Any:
    """Return the results for all examples from those for some at a time."""
    dims = _prefix(out_dims, parts[0], "out_dims", "the results")
    leaves = zip(*(flattened(part) for part in parts), strict=True)
    joined = [x[0] if dim is None else ops.concat(list(x), axis=dim) for x, dim in zip(leaves, dims, strict=True)]
    return unflattened(parts[0], joined)
