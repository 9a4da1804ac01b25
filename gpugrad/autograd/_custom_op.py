"""An op of the user's own: a forward function on arrays, and derivative rules in the form of gpugrad's tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from typing import Any

import numpy as np

from gpugrad._op import SCALARS, TENSORS, GeneralOp, interpreter_of
from gpugrad._op.core import Rule
from gpugrad.backends import backend_of, common_dtype, is_array_type
from gpugrad.errors import GradientError

__all__ = ["CustomOp", "custom_op"]

Rules = Mapping[Any, Callable[..., Any] | None]


class CustomOp(GeneralOp):
    """An op that is in no table; its name tells the module that defines it, so that it is never one of gpugrad's."""

    listed = False

    def __init__(self, forward: Callable[..., Any], rules: Rules, name: str) -> None:
        own = _on_arrays(forward, name)
        super().__init__(own, rules, view=False)
        self.short_name = name
        self.name = own.__name__
        self.rules = [self._checked(rule) for rule in self.rules]
        self.rule_of = {i: rule for rule in self.rules for i in rule.inputs}

    @property
    def node_name(self) -> str:
        return "".join(part[:1].upper() + part[1:] for part in self.short_name.split("_")) + "Backward"

    def inputs_among(self, parameters: list[inspect.Parameter]) -> tuple[str | None, list[str]]:
        """Return the positional parameters: they are the inputs, and one annotated as a list or sequence is a list."""
        inputs = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        lists = [p.name for p in inputs if "Sequence[" in str(p.annotation) or str(p.annotation).startswith("list[")]
        if len(lists) > 1:
            raise ValueError(f"custom op: {' and '.join(lists)} are lists; one input may be")
        return (lists[0] if lists else None), [p.name for p in inputs]

    def apply(self, given: dict[str, Any], values: dict[str, Any]) -> Any:
        """Return the result of a call; numbers among its inputs become arrays, so that `xp` takes them."""
        arrays = [x._array if type(x) in TENSORS else x for x in _flat(given.values()) if not _is_number(x)]
        like = next((x for x in arrays if is_array_type(type(x))), None)
        if like is None or interpreter_of(arrays) is not None:
            return super().apply(given, values)
        backend = backend_of(like)
        device = backend.device_of(like)

        def array(x: Any) -> Any:
            if not _is_number(x):
                return x
            dtype = backend.native_dtype(common_dtype([backend.dtype_of(like)], [x], False))
            with backend.on(device):
                return backend.namespace.asarray(x, dtype=dtype, device=backend.native_device(device))

        inputs = {name: [array(i) for i in x] if type(x) is list else array(x) for name, x in given.items()}
        return super().apply(inputs, values)

    def _checked(self, rule: Rule) -> Rule:
        """Return a rule that says so where what it returns is no gradient of its inputs."""
        names = [self.inputs[i] for i in rule.inputs]
        count = len(rule.names)
        several = rule.joint or names == [self.list_input]

        @wraps(rule.function)
        def checked(g: Any, *values: Any) -> Any:
            found = rule.function(g, *values[:count])
            shapes = values[count + rule.joint :]
            if not several:
                self._check(names[0], found, shapes[0])
                return _own(found, g)
            all_shapes = list(shapes[0]) if not rule.joint else shapes
            if not isinstance(found, tuple | list) or len(found) != len(all_shapes):
                raise GradientError(
                    f"{self.name}: the rule for {', '.join(names)} must return a tuple of {len(all_shapes)} gradients"
                )
            needs = values[count] if rule.joint else [gi is not None for gi in found]
            for i, gi in enumerate(found):
                if needs[i]:
                    self._check(names[i] if rule.joint else f"{names[0]}[{i}]", gi, all_shapes[i])
            return [_own(gi, g) if needed else None for gi, needed in zip(found, needs, strict=True)]

        wanted = ("needs",) if rule.joint else ()
        return Rule(rule.inputs, checked, (*rule.names, *wanted, *(f"{n}_shape" for n in names)), rule.joint)

    def _check(self, name: str, gi: Any, shape: tuple[int, ...]) -> None:
        """Raise where a gradient is no array, or can be neither summed nor broadcast to the shape of its input."""
        where = f"{self.name}: the rule for {name!r} returned"
        if type(gi) not in TENSORS and not is_array_type(type(gi)):
            raise GradientError(f"{where} {type(gi).__name__}, and must return an array")
        rows = zip(reversed(gi.shape), reversed(shape), strict=False)
        if any(its != mine and 1 not in (its, mine) for its, mine in rows):
            raise GradientError(f"{where} a gradient of shape {tuple(gi.shape)}, and the input has {tuple(shape)}")


def _own(gi: Any, g: Any) -> Any:
    """Return a gradient whose memory is nobody else's: a rule may return a constant, or what was saved for it."""
    if any(gi is x for x in (g if isinstance(g, list) else [g])):
        return gi
    return gi.clone() if type(gi) in TENSORS else backend_of(gi).copy(gi)


def _flat(values: Iterable[Any]) -> list[Any]:
    """Return values with the lists among them taken apart."""
    return [x for value in values for x in (value if isinstance(value, list) else [value])]


def _is_number(x: Any) -> bool:
    return type(x) in SCALARS or (isinstance(x, np.generic) and x.dtype.kind in "biufc")


def _on_arrays(forward: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return the forward function under its full name, with `xp` given to it, and its results looked at."""
    signature = inspect.signature(forward)
    parameters = signature.parameters
    kinds = {p.kind for p in parameters.values()}
    if inspect.Parameter.VAR_POSITIONAL in kinds or inspect.Parameter.VAR_KEYWORD in kinds:
        raise ValueError(f"custom op {name!r}: *args and **kwargs have no names that a rule could call them by")
    taken = {"g", "z", "needs", *(f"{own}_shape" for own in parameters)}
    odd = [p.name for p in parameters.values() if p.name in taken or (p.name == "xp" and p.kind is not p.KEYWORD_ONLY)]
    if odd:
        raise ValueError(f"custom op {name!r}: a parameter cannot be called {odd[0]!r}, which means something in rules")
    gives_xp = "xp" in parameters

    def own(*args: Any, **kwargs: Any) -> Any:
        given = _flat(signature.bind_partial(*args, **kwargs).arguments.values())
        arrays = [x for x in given if type(x) not in SCALARS and is_array_type(type(x))]
        backend = backend_of(arrays[0])
        result = forward(*args, **kwargs, **({"xp": backend.namespace} if gives_xp else {}))
        return _results(name, backend, result, arrays)

    own.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[p for p in parameters.values() if p.name != "xp"]
    )
    own.__name__ = f"{forward.__module__}.{name}"
    own.__doc__ = forward.__doc__
    return own


def _results(name: str, backend: Any, result: Any, arrays: list[Any]) -> Any:
    """Return results that share memory with no input; raise where one is no array of the inputs' library."""
    if isinstance(result, tuple | list):
        found = [_results(name, backend, z, [*arrays, *result[:i]]) for i, z in enumerate(result)]
        return type(result)._make(found) if hasattr(result, "_make") else type(result)(found)
    z = backend.wrap(result)
    if type(z) in TENSORS or not isinstance(z, backend.array_type):
        raise TypeError(
            f"forward returned {type(z).__name__}, and must return arrays of the library of its inputs; tensors that "
            "it computes with must be among its arguments"
        )
    return backend.copy(z) if any(backend.shares_memory(z, x) for x in arrays) else z


def custom_op(
    rules: Rules | Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    **more: Callable[..., Any] | None,
) -> Callable[..., Any]:
    """Return an op made of a forward function on arrays, with derivative rules by the names of its inputs; a decorator.

    The positional parameters of the function are its inputs: arrays of any backend, or Python numbers. Those by keyword
    alone are attributes, but for `xp`, which is the namespace of the arrays. A rule is a function that names what it
    needs: first `g`, dL/d(result), then `z`, the result, an input, its shape as ``<input>_shape``, an attribute, `xp`.
    It returns dL/d(input); that broadcasting is undone, and dtypes are cast, is seen to. Written with operators and
    `xp`, it is recorded itself where gradients are, which gives every higher derivative. A rule for several inputs
    stands under the tuple of their names in the dict `rules`.

    Neither the function nor a rule may write to what it is given. The op belongs to its maker alone: it replaces none
    of gpugrad's, whatever its name, and may be defined again.
    An input without a rule raises GradientError where it requires grad.

    >>> import gpugrad
    >>> @gpugrad.autograd.custom_op(
    ...     x=lambda g, x, beta, xp: g * (1 / (1 + xp.exp(-beta * x))),
    ... )
    ... def soft_plus(x, *, beta=1.0, xp):
    ...     return xp.log1p(xp.exp(beta * x)) / beta
    >>> x = gpugrad.tensor(0., requires_grad=True)
    >>> soft_plus(x, beta=2.0).backward()
    >>> x.grad
    tensor(0.5000)
    """
    if callable(rules):
        made: Callable[..., Any] = custom_op(name=name, **more)(rules)
        return made
    if not isinstance(rules, Mapping | None):
        raise TypeError(f"custom_op: rules are a dict of functions by input, not {type(rules).__name__}")
    given = {**(rules or {}), **more}
    for key, rule in given.items():
        if not (rule is None or callable(rule)):
            raise TypeError(f"custom_op: the rule for {key!r} is {type(rule).__name__}, and must be a function of g")

    def define(forward: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(forward):
            raise TypeError(f"custom_op decorates a function of arrays, not {type(forward).__name__}")
        own = getattr(forward, "__name__", "") if name is None else name
        if not (isinstance(own, str) and own.isidentifier()):
            raise ValueError(f"custom op: {own!r} is no name; give one by name=")
        recorded = CustomOp(forward, given, own)
        call: Any = wraps(forward)(partial(_call, recorded))
        call.__signature__ = recorded.signature
        call.op = recorded
        return call  # type: ignore[no-any-return]

    return define


def _call(op: CustomOp, /, *args: Any, **kwargs: Any) -> Any:
    return op(*args, **kwargs)
