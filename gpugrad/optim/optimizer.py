"""What every optimizer has: groups of parameters with their options, and state that can be saved."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from operator import is_
from typing import Any

from gpugrad._arena import Arena, Run, Slot, arenas_of
from gpugrad._fused.clip import clip_coefficient
from gpugrad._graph import enable_grad, no_grad, watching
from gpugrad._op import TENSORS, new_tensor
from gpugrad._tensor import Tensor
from gpugrad._tensor.tensor import RemovableHandle
from gpugrad.errors import OptionError
from gpugrad.optim import _state
from gpugrad.optim._checks import check_number, check_parameter
from gpugrad.optim._hooks import Hooks

__all__ = ["Optimizer"]


class Optimizer(ABC):
    """Changes parameters by their gradients; subclasses say how one run of an arena is updated.

    Parameters
    ----------
    params
        An iterable of leaf tensors of a real floating-point dtype, or of pairs of a name and a tensor, as
        `Module.named_parameters` gives them, or of dicts: ``{"params": [...], "lr": 0.1}`` is a group with options of
        its own. Names stand in the group as ``param_names``.
    defaults
        The options of groups that do not name them.

    Raises
    ------
    OptionError
        An option out of its range, no parameters, a parameter twice, a result in place of a leaf.
    """

    moments: tuple[str, ...] = ()
    """The names of what is kept of every parameter, in its shape."""

    numbers: tuple[str, ...] = ()
    """The names of numbers that are kept of every parameter, beside the count of its steps."""

    shows_steps = True
    """Whether the count of steps is part of the state, as it is in PyTorch's."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = _state.plain(defaults)
        self._hooks = Hooks()
        self.param_groups: list[dict[str, Any]] = []
        self._arenas: list[list[Arena]] = []
        self._known: list[list[Any]] = []
        self._step_count = 0
        for group in _listed(params):
            self.param_groups.append(self._checked(group))
        self._arenas = [arenas_of(group["params"]) for group in self.param_groups]

    @abstractmethod
    def _check(self, options: Mapping[str, Any]) -> None:
        """Raise OptionError for options that make no sense."""

    @abstractmethod
    def _update(self, run: Run, options: Mapping[str, Any], factor: Any) -> bool | None:
        """Update a run by its gradient times `factor` (1 if None); return False if its moments saw no step."""

    def _check_shape(self, p: Tensor) -> None:  # noqa: B027 - most take any
        """Raise OptionError for a parameter of a shape that the method cannot change."""

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
        names = {}
        if all(isinstance(pair, tuple) and len(pair) == 2 for pair in params) and params:
            names = {"param_names": [name for name, _ in params]}
            params = [p for _, p in params]
        if not params:
            raise OptionError(f"{type(self).__name__} got an empty parameter list")
        seen = {id(p) for known in self.param_groups for p in known["params"]}
        for p in params:
            check_parameter(p, id(p) in seen)
            self._check_shape(p)
            seen.add(id(p))
        checked = {"params": params, **names, **self.defaults, **_state.plain(group)}
        self._check(checked)
        return checked

    def _settled(self) -> list[list[Arena]]:
        """Return the arenas of every group, made afresh where its parameters or their memory are others now."""
        if self._holds():
            return self._arenas
        before = [arena for arenas in self._arenas for arena in arenas]
        place = {id(slot.parameter): arena for arena in before for slot in arena.slots}
        self._arenas = [self._arenas_for(group["params"], place, before) for group in self.param_groups]
        self._known = [list(group["params"]) for group in self.param_groups]
        return self._arenas

    def _holds(self) -> bool:
        """Return whether all groups have the parameters of the last time, and these the memory."""
        lists = [group["params"] for group in self.param_groups]
        return (
            list(map(len, lists)) == list(map(len, self._known))
            and all(all(map(is_, *pair)) for pair in zip(lists, self._known, strict=True))
            and all(arena.holds() for arenas in self._arenas for arena in arenas)
        )

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
        return self._hooks.around(self, self._stepped, *(() if closure is None else (closure,)))

    def _stepped(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = self._loss_of(closure)
        self._apply(self._runs(), None)
        return loss

    @staticmethod
    def _loss_of(closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return None
        with enable_grad():
            return closure()

    def clip_and_step(self, max_norm: float, closure: Callable[[], Any] | None = None) -> Tensor:
        """Step with the gradients scaled to a common norm of at most `max_norm`; return the norm from before.

        It does what `nn.utils.clip_grad_norm_` and `step` do together, but in one pass less: ``p.grad`` is left as
        it was.
        """
        check_number("max_norm", max_norm, below=math.inf if max_norm != math.inf else math.nan)
        args = (max_norm,) if closure is None else (max_norm, closure)
        return self._hooks.around(self, self._clipped, *args)  # type: ignore[no-any-return]

    def _clipped(self, max_norm: float, closure: Callable[[], Any] | None = None) -> Tensor:
        self._loss_of(closure)
        runs = self._runs()
        with runs[0][0].arena.here() if runs else nullcontext():
            norm, coefficient = clip_coefficient([run.gradient for run, _ in runs], max_norm)
        self._apply(runs, coefficient)
        return new_tensor(norm)  # type: ignore[no-any-return]

    def _apply(self, runs: list[tuple[Run, dict[str, Any]]], coefficient: Any) -> None:
        if watching.watchers:
            pairs = [(slot.parameter, slot.parameter._grad) for run, _ in runs for slot in run.slots]
            watching.watched_act(f"{type(self).__name__}.step", None, pairs, partial(self._change, runs, coefficient))
        else:
            self._change(runs, coefficient)

    def _change(self, runs: list[tuple[Run, dict[str, Any]]], coefficient: Any) -> None:
        for run, options in runs:
            backend = run.arena.backend
            with run.arena.here(), backend.quiet():
                factor = _weak(coefficient, run)
                if options.get("maximize"):
                    factor = -1.0 if factor is None else -factor
                run.finish(self._update(run, options, factor) is not False)
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
        slots = [(arena, slot) for arena, slot in self._slots() if slot.steps]
        return {slot.parameter: _state.shown(arena, slot, self.shows_steps) for arena, slot in slots}

    def _slots(self) -> list[tuple[Arena, Slot]]:
        return [(arena, slot) for arenas in self._settled() for arena in arenas for slot in arena.slots]

    def state_dict(self) -> dict[str, Any]:
        """Return state and options as PyTorch arranges them, parameters replaced by their number.

        >>> import gpugrad
        >>> weight = gpugrad.ones(2, requires_grad=True)
        >>> gpugrad.optim.SGD([weight], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        self._hooks.run("state_dict_pre", self)
        return self._hooks.replaced("state_dict_post", self, self._saved())  # type: ignore[no-any-return]

    def _saved(self) -> dict[str, Any]:
        state, groups = self.state, []
        number: dict[Tensor, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                number[p] = len(number)
            groups.append({**group, "params": [number[p] for p in group["params"]]})
        return {"state": {number[p]: values for p, values in state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options from a `state_dict`: of this optimizer, or of PyTorch's of the same name.

        All that does not fit is named in one StateError, and then nothing is changed.
        """
        self._load(self._hooks.replaced("load_state_dict_pre", self, state_dict))
        self._hooks.run("load_state_dict_post", self)

    def _load(self, state_dict: Mapping[str, Any]) -> None:
        name = type(self).__name__
        groups, state = _state.halves(name, state_dict)
        faults = _state.group_faults(self.param_groups, groups)
        if not faults:
            options = self._new_options(groups, faults)
            found = self._new_state([n for group in groups for n in group["params"]], state, faults)
        _state.fail(name, faults)
        for old, new in zip(self.param_groups, options, strict=True):
            old.update(new)
        self._take(found)

    def _new_options(self, groups: Sequence[Mapping[str, Any]], faults: list[str]) -> list[dict[str, Any]]:
        options = [_state.plain(group) for group in groups]
        for i, (old, new) in enumerate(zip(self.param_groups, options, strict=True)):
            try:
                self._check({**old, **new})
            except OptionError as error:
                faults.append(f"group {i}: {error}")
        return options

    def _new_state(self, numbers: Sequence[Any], state: Mapping[Any, Any], faults: list[str]) -> dict[Tensor, Any]:
        """Return what is to be loaded of each parameter; note what does not fit."""
        params = [p for group in self.param_groups for p in group["params"]]
        found = {}
        for n, p in zip(numbers, params, strict=True):
            if n in state:
                wrong: list[str] = []
                found[p] = self._read(state[n], p, wrong)
                faults += [f"parameter {n}: {fault}" for fault in wrong]
        faults += [f"parameter {n!r} is in its state and in no group" for n in state if n not in numbers]
        return found

    def _read(self, values: Any, p: Tensor, faults: list[str]) -> Any:
        return _state.tensors_in(values, p, self.moments, self.numbers, faults)

    def _take(self, found: Mapping[Tensor, Any]) -> None:
        """Take over what has been read in place of the state from before."""
        slots = self._slots()
        for arena, slot in slots:
            slot.steps, slot.numbers = 0, {}
            arena.moments.clear()
        for arena, slot in slots:
            if slot.parameter in found:
                _state.load_slot(arena, slot, found[slot.parameter])

    # Hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; a pair that it returns replaces the arguments.

        The arguments are those of `step`, or of `clip_and_step` where that is called.
        """
        return self._hooks.register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step.

        >>> import gpugrad
        >>> weight = gpugrad.ones(2, requires_grad=True)
        >>> optimizer = gpugrad.optim.SGD([weight], lr=0.1)
        >>> with optimizer.register_step_post_hook(lambda optimizer, args, kwargs: print("stepped")):
        ...     optimizer.step()
        stepped
        """
        return self._hooks.register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before each `state_dict`."""
        return self._hooks.register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after each `state_dict`; what it returns, if anything, replaces it."""
        return self._hooks.register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a state is loaded; what it returns, if anything, replaces it."""
        return self._hooks.register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state has been loaded."""
        return self._hooks.register("load_state_dict_post", hook, prepend)

    def __getstate__(self) -> dict[str, Any]:
        left_out: dict[str, Any] = {"_arenas": None, "_known": [], "_hooks": Hooks()}
        return {**vars(self), **left_out, "_saved_state": self._saved()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        saved = state.pop("_saved_state")
        vars(self).update(state)
        self._arenas = [arenas_of(group["params"]) for group in self.param_groups]
        self._load(saved)

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


def _weak(coefficient: Any, run: Run) -> Any:
    """Return the coefficient as a number, or on a GPU, where that would wait, as an array in the run's dtype."""
    if coefficient is None:
        return None
    backend = run.arena.backend
    if backend.name == "numpy":
        return float(coefficient)
    return backend.namespace.astype(coefficient, backend.native_dtype(run.arena.dtype))
