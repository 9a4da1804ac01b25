"""What every optimizer has: groups of parameters with their options, and state that can be saved."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from gpugrad._arena import Arena, Run, Slot, arenas_of
from gpugrad._fused.clip import clip_coefficient
from gpugrad._graph import enable_grad, no_grad
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor import Tensor, asarray, tensor
from gpugrad.backends import is_float
from gpugrad.errors import OptionError, ShapeError

__all__ = ["Optimizer", "check_number"]


def check_number(name: str, value: Any, below: float = math.inf, least: float = 0.0) -> None:
    """Raise OptionError unless `least` <= value < `below`; a NaN fails too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < below:
        bound = "a finite number" if below == math.inf else f"a number below {below}"
        raise OptionError(f"{name} must be {bound} and at least {least:g}, not {value!r}")


class Optimizer(ABC):
    """Changes parameters by their gradients; subclasses say how one run of an arena is updated.

    Parameters
    ----------
    params
        An iterable of leaf tensors of a real floating-point dtype, or of dicts: ``{"params": [...], "lr": 0.1}``
        is a group with options of its own.
    defaults
        The options of groups that do not name them.

    Raises
    ------
    OptionError
        An option out of its range, no parameters, a parameter twice, a result in place of a leaf.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._arenas: list[list[Arena]] = []
        self._step_count = 0
        for group in _listed(params):
            self.param_groups.append(self._checked(group))
        self._arenas = [arenas_of(group["params"]) for group in self.param_groups]

    @abstractmethod
    def _check(self, options: Mapping[str, Any]) -> None:
        """Raise OptionError for options that make no sense."""

    @abstractmethod
    def _update(self, run: Run, options: Mapping[str, Any], coefficient: Any) -> bool:
        """Update a run by its gradient times `coefficient` (1 if None); return whether its moments saw a step."""

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add a group of parameters with options of its own, for layers that are unfrozen during training."""
        group = self._checked(param_group)
        self._arenas.append(arenas_of(group["params"]))
        self.param_groups.append(group)

    def _checked(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """Return a group with all its options, after checking them and its parameters."""
        params = group["params"]
        params = [params] if type(params) in TENSORS else params
        if isinstance(params, set):
            raise TypeError("parameters must be in an order that stays the same; pass a list, not a set")
        params = list(params)
        if not params:
            raise OptionError(f"{type(self).__name__} got an empty parameter list")
        seen = {id(p) for known in self.param_groups for p in known["params"]}
        for p in params:
            _check_parameter(p, id(p) in seen)
            seen.add(id(p))
        checked = {"params": params, **self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        self._check(checked)
        return checked

    def _settled(self) -> list[list[Arena]]:
        """Return the arenas of every group, made afresh where its parameters or their memory are others now."""
        before = [arena for arenas in self._arenas for arena in arenas]
        place = {id(slot.parameter): arena for arena in before for slot in arena.slots}
        self._arenas = [self._arenas_for(group["params"], place, before) for group in self.param_groups]
        return self._arenas

    @staticmethod
    def _arenas_for(params: Sequence[Any], place: Mapping[int, Arena], before: Sequence[Arena]) -> list[Arena]:
        arenas = list(dict.fromkeys(place[id(p)] for p in params if id(p) in place))
        same = all(id(p) in place for p in params) and sum(len(arena.slots) for arena in arenas) == len(params)
        return arenas if same and all(arena.holds() for arena in arenas) else arenas_of(params, before)

    def _runs(self) -> list[tuple[Run, dict[str, Any]]]:
        """Gather the gradients, and return the runs of all groups, each with its options."""
        groups = zip(self._settled(), self.param_groups, strict=True)
        return [(run, group) for arenas, group in groups for arena in arenas for run in arena.gather()]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; return the value of `closure`, which may compute them anew."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._apply(self._runs(), None)
        return loss

    def clip_and_step(self, max_norm: float) -> Tensor:
        """Step with the gradients scaled to a common norm of at most `max_norm`; return the norm from before.

        It does what `nn.utils.clip_grad_norm_` and `step` do together, but in one pass less: ``p.grad`` is left as
        it was.
        """
        check_number("max_norm", max_norm, below=math.inf if max_norm != math.inf else math.nan)
        runs = self._runs()
        with runs[0][0].arena.here() if runs else nullcontext():
            norm, coefficient = clip_coefficient([run.gradient for run, _ in runs], max_norm)
        self._apply(runs, coefficient)
        return new_tensor(norm)  # type: ignore[no-any-return]

    def _apply(self, runs: list[tuple[Run, dict[str, Any]]], coefficient: Any) -> None:
        for run, options in runs:
            backend = run.arena.backend
            with run.arena.here(), backend.quiet():
                run.finish(self._update(run, options, _weak(coefficient, run)))
        self._step_count += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or, with ``set_to_none=False``, write zeros into them."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    with no_grad():
                        p._grad.detach_().zero_()

    @property
    def state(self) -> dict[Tensor, dict[str, Tensor]]:
        """The state of every parameter that has been stepped: tensors over the optimizer's own memory.

        Writing into them changes the optimizer; `step` is a copy of the count.
        """
        return {slot.parameter: _state(arena, slot) for arena, slot in self._slots() if slot.steps}

    def _slots(self) -> list[tuple[Arena, Slot]]:
        return [(arena, slot) for arenas in self._settled() for arena in arenas for slot in arena.slots]

    def state_dict(self) -> dict[str, Any]:
        """Return state and options as PyTorch arranges them, parameters replaced by their number.

        >>> import gpugrad
        >>> weight = gpugrad.ones(2, requires_grad=True)
        >>> gpugrad.optim.SGD([weight], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        state, groups = self.state, []
        number: dict[Tensor, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                number[p] = len(number)
            groups.append({**group, "params": [number[p] for p in group["params"]]})
        return {"state": {number[p]: values for p, values in state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options from a `state_dict`; if it does not fit, raise and change nothing."""
        groups, state = state_dict["param_groups"], state_dict["state"]
        mine, its = ([len(g["params"]) for g in x] for x in (self.param_groups, groups))
        if mine != its:
            raise OptionError(f"the state has groups of {its} parameters, and this {type(self).__name__} of {mine}")
        options = [{k: v for k, v in group.items() if k != "params"} for group in groups]
        for old, new in zip(self.param_groups, options, strict=True):
            self._check({**old, **new})
        place = {id(slot.parameter): (arena, slot) for arena, slot in self._slots()}
        numbers = [number for group in groups for number in group["params"]]
        params = [p for group in self.param_groups for p in group["params"]]
        found = [(*place[id(p)], _loadable(state[n], p)) for n, p in zip(numbers, params, strict=True) if n in state]
        for old, new in zip(self.param_groups, options, strict=True):
            old.update(new)
        for arena, slot in place.values():
            slot.steps = 0
            arena.moments.clear()
        for arena, slot, values in found:
            _load(arena, slot, values)

    def __getstate__(self) -> dict[str, Any]:
        left_out = {"_arenas": None}
        return {**vars(self), **left_out, "_saved": self.state_dict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("_saved")
        vars(self).update(state)
        self._arenas = [arenas_of(group["params"]) for group in self.param_groups]
        self.load_state_dict(saved)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _listed(params: Any) -> list[Mapping[str, Any]]:
    """Return what an optimizer was given as a list of groups."""
    if type(params) in TENSORS:
        raise TypeError("an optimizer takes an iterable of tensors or of dicts; put the single tensor in a list")
    listed: Sequence[Any] = list(params)
    return list(listed) if listed and isinstance(listed[0], dict) else [{"params": listed}]


def _check_parameter(p: Any, again: bool) -> None:
    if type(p) not in TENSORS:
        raise TypeError(f"an optimizer changes tensors, not {type(p).__name__}")
    what = f"a tensor of shape {p.shape} and dtype {p.dtype}"
    if again:
        raise OptionError(f"{what} is among the parameters twice")
    if not p.is_leaf:
        raise OptionError(f"can't optimize {what} that is a result, not a leaf; use .detach().requires_grad_()")
    if not is_float(p.dtype):
        raise OptionError(f"can't optimize {what}: a real floating-point dtype is needed")


def _weak(coefficient: Any, run: Run) -> Any:
    """Return the coefficient as a number, or on a GPU, where that would wait, as an array in the run's dtype."""
    if coefficient is None:
        return None
    backend = run.arena.backend
    if backend.name == "numpy":
        return float(coefficient)
    return backend.namespace.astype(coefficient, backend.native_dtype(run.arena.dtype))


def _state(arena: Arena, slot: Slot) -> dict[str, Tensor]:
    return {"step": tensor(float(slot.steps), device="cpu"), **arena.moments_of(slot)}


def _loadable(values: Mapping[str, Any], p: Tensor) -> dict[str, Any]:
    """Return the saved state of a parameter as tensors on its device, each checked for its shape."""
    given = {name: asarray(value) for name, value in values.items() if value is not None and name != "step"}
    moments: dict[str, Any] = {name: moment.to(dtype=p.dtype, device=p.device) for name, moment in given.items()}
    for name, moment in moments.items():
        if moment.shape != p.shape:
            raise ShapeError(f"{name} in the state has shape {moment.shape}, and its parameter {p.shape}")
    return {**moments, **({"step": int(float(values["step"]))} if "step" in values else {})}


def _load(arena: Arena, slot: Slot, values: dict[str, Any]) -> None:
    slot.steps = values.pop("step", 1 if values else 0)
    with no_grad():
        for name, value in values.items():
            arena.moment(name)
            arena.moments_of(slot)[name].copy_(value)
