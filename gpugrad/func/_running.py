"""What becomes of an op that is called with values of vmap: one call for all examples, or one for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gpugrad import _ops as ops
from gpugrad._creation import arange
from gpugrad._graph import modes
from gpugrad._op import interpreters
from gpugrad._ops.indexing import complete_key
from gpugrad.backends import backend_of, default_generator, dtypes, is_array_type
from gpugrad.errors import GradientError, ShapeError
from gpugrad.func._batched import Batched, DependsOnExample, is_tensor, physical
from gpugrad.func._batching import rule_for
from gpugrad.func._levels import Level, without
from gpugrad.func._operands import is_of, separated

__all__: list[str] = []


def _items(values: Iterable[Any]) -> list[Any]:
    return [x for value in values for x in (value if isinstance(value, list) else [value])]


def _innermost(values: Iterable[Any]) -> Level:
    """Return the innermost of the levels that values belong to."""
    level = max((x.level for x in values if type(x) is Batched), key=lambda level: level.depth)
    if level.ended:
        raise GradientError(
            "a value of vmap was kept by the function and used after vmap had ended; return it from the function"
        )
    return level


class _Interpreter:
    """Runs ops for all examples of a vmap."""

    def call(self, op: Any, inputs: dict[str, Any], attributes: dict[str, Any]) -> Any:
        """Return the result of an op, given its inputs and attributes by name."""
        level = _innermost(_items(inputs.values()))
        rule = rule_for(op)
        result = None if rule is None else rule(op, level, inputs, attributes)
        if result is None:
            return _one_by_one(lambda *parts: op.apply(*parts), level, inputs, attributes)
        return _wrapped(result, level)

    def refusal(self, reason: str) -> DependsOnExample:
        """Return the error for code that cannot run for all examples at once: Jacobians then go row by row."""
        return DependsOnExample(f"{reason}, and vmap brings one for each example; take jacrev or jacfwd, or a loop")

    def one_by_one(self, call: Callable[..., Any], args: Iterable[Any]) -> Any:
        """Return the results of a call for each example, side by side; what is no tensor is that of the first."""
        args = list(args)
        level, state = _innermost(args), default_generator.get_state()

        def one(inputs: dict[str, Any], _: dict[str, Any]) -> Any:
            if level.randomness == "same":
                default_generator.set_state(state)
            with _alone(level):
                return call(*inputs["args"])

        return _one_by_one(one, level, {"args": args}, {})

    def each(self, x: Batched, make: Callable[[Any], Any]) -> Batched:
        """Return what `make` makes of the value for all examples."""
        return Batched(make(x.value), x.level)

    def read(self, x: Any, key: Any) -> Any:
        """Return ``x[key]``."""
        entries = key if isinstance(key, tuple) else (key,)
        if not any(type(k) is Batched for k in entries):
            return ops.getitem(x, key=complete_key(key, _example(x)))
        level = _innermost([x, *entries])
        if _leads(entries, level):
            return Batched(_gathered(x, entries, level), level)
        return _one_by_one(lambda inputs, _: inputs["x"][tuple(inputs["key"])], level, {"x": x, "key": [*entries]}, {})

    def write(self, x: Any, key: Any, value: Any) -> None:
        """Change ``x[key]`` to `value`."""
        entries = key if isinstance(key, tuple) else (key,)
        level = _innermost([x, value, *entries])
        if not is_of(x, level):
            raise GradientError(
                f"a value that vmap has one of for each example is written into a tensor of shape {x.shape} that all "
                "of them share; write into one made from an input, by gpugrad.zeros_like or .clone()"
            )
        if any(type(k) is Batched for k in entries):
            _write_one_by_one(x, entries, value, level)
            return
        example = _example(x)
        complete = complete_key(key, example)
        if separated(complete):
            _write_one_by_one(x, complete, value, level)
            return
        if is_of(value, level):
            backend = backend_of(example)
            with backend.on(backend.device_of(example)):
                missing = len(backend.read(example, complete).shape) - value.ndim
            if missing < 0:
                raise ShapeError(f"a value of shape {value.shape} does not fit the region that it is written to")
            value = ops.reshape(value.value, (level.size, *(1,) * missing, *value.shape))
        x.value[(slice(None), *complete)] = value


@contextmanager
def _alone(level: Level) -> Iterator[None]:
    """Let a user's code run for one example of a level: what it draws at random is drawn for that one."""
    before = modes.change(drawing=modes.mode.drawing and modes.mode.drawing.without(level))
    try:
        with without([level]):
            yield
    finally:
        modes.change(**before)


def _wrapped(result: Any, level: Level) -> Any:
    """Return the results for all examples as those of one."""
    if isinstance(result, tuple | list):
        parts = [Batched(part, level) for part in result]
        return type(result)._make(parts) if hasattr(result, "_make") else type(result)(parts)
    return Batched(result, level)


def _example(x: Any) -> Any:
    """Return an array of the shape, dtype and device of one example."""
    array = physical(x)._array
    backend = backend_of(array)
    extra = len(array.shape) - len(x.shape)
    if not extra:
        return array
    with backend.on(backend.device_of(array)):
        return backend.wrap(backend.read(array, (*(0,) * extra, ...)))


def _part(x: Any, level: Level, i: int) -> Any:
    if isinstance(x, list):
        return [_part(item, level, i) for item in x]
    return x.value[i] if is_of(x, level) else x


def _one_by_one(
    call: Callable[[dict[str, Any], dict[str, Any]], Any],
    level: Level,
    inputs: dict[str, Any],
    attributes: dict[str, Any],
) -> Any:
    """Return the results of a call for each example, side by side."""
    results = [call({n: _part(x, level, i) for n, x in inputs.items()}, dict(attributes)) for i in range(level.size)]
    first = results[0]
    if not isinstance(first, tuple | list):
        return _side_by_side(results, level)
    parts = [_side_by_side(list(part), level) for part in zip(*results, strict=True)]
    return type(first)._make(parts) if hasattr(first, "_make") else type(first)(parts)


def _side_by_side(results: list[Any], level: Level) -> Any:
    if not is_tensor(results[0]):
        return results[0]
    shapes = {tuple(x.shape) for x in results}
    if len(shapes) > 1:
        raise ShapeError(
            f"under vmap the results for all examples must have one shape; here they have {sorted(shapes)}, which "
            "depend on values"
        )
    return Batched(ops.stack(results), level)


def _write_one_by_one(x: Batched, entries: tuple[Any, ...], value: Any, level: Level) -> None:
    for i in range(level.size):
        x.value[i][tuple(_part(k, level, i) for k in entries)] = _part(value, level, i)


def _leads(entries: tuple[Any, ...], level: Level) -> bool:
    """Return whether a key begins with integers and tensors of integers, and goes on with slices of whole axes."""

    def whole(k: Any) -> bool:
        return k is Ellipsis or k == slice(None)

    count = next((i for i, k in enumerate(entries) if k is Ellipsis or type(k) is slice), len(entries))
    return all(map(_is_integers, entries[:count])) and all(
        type(k) in (slice, type(...)) and whole(k) for k in entries[count:]
    )


def _is_integers(k: Any) -> bool:
    return type(k) is int or (hasattr(k, "dtype") and (type(k) is Batched or _known(k)) and _kind(k) in "iu")


def _known(k: Any) -> bool:
    return hasattr(k, "_node") or is_array_type(type(k))


def _kind(k: Any) -> str:
    dtype = k.dtype if hasattr(k, "_node") else backend_of(k).dtype_of(k)
    return str(dtype.kind)


def _gathered(x: Any, entries: tuple[Any, ...], level: Level) -> Any:
    """Return ``x[key]`` for all examples where each has a key of its own, by one read."""
    rank = max(len(k.shape) for k in entries if hasattr(k, "shape"))

    def aligned(k: Any) -> Any:
        if not is_of(k, level):
            return k
        return ops.reshape(k.value, (level.size, *(1,) * (rank - k.ndim), *k.shape))

    key = tuple(aligned(k) for k in entries)
    if not is_of(x, level):
        return x[key]
    rows = ops.reshape(arange(level.size, dtype=dtypes["int64"], device=x.device), (level.size, *(1,) * rank))
    return x.value[(rows, *key)]


interpreters[Batched] = _Interpreter()
