"""The state of an optimizer as tensors, and what is wrong with one that is to be loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpugrad._arena import Arena, Slot
from gpugrad._graph import no_grad
from gpugrad._op import TENSORS
from gpugrad._tensor import Tensor, asarray, tensor
from gpugrad.backends import is_float
from gpugrad.errors import GpugradError, StateError

__all__ = ["fail", "group_faults", "halves", "load_slot", "number_in", "plain", "shown", "tensors_in", "vector_in"]


def shown(arena: Arena, slot: Slot, with_steps: bool) -> dict[str, Tensor]:
    """Return the state of one parameter; the moments are tensors over the arena's memory."""
    steps = {"step": tensor(float(slot.steps), device="cpu")} if with_steps else {}
    numbers = {name: tensor(value, dtype=np.dtype("float64"), device="cpu") for name, value in slot.numbers.items()}
    return {**steps, **numbers, **arena.moments_of(slot)}


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a group; NumPy's numbers become Python's, which leave a float32 array float32."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in options.items() if k != "params"}


def fail(name: str, faults: Sequence[str]) -> None:
    """Raise StateError if there are faults, with all of them."""
    if len(faults) == 1:
        raise StateError(f"the state does not fit {name}: {faults[0]}")
    if faults:
        raise StateError(f"the state does not fit {name}:\n    " + "\n    ".join(faults))


def halves(name: str, state_dict: Any) -> tuple[list[Mapping[str, Any]], Mapping[Any, Any]]:
    """Return the groups and the state of a `state_dict`, after seeing that it is one."""
    for key, kind in (("param_groups", list | tuple), ("state", Mapping)):
        if not isinstance(state_dict, Mapping) or not isinstance(state_dict.get(key), kind):
            fail(name, [f"it has no {key!r}, which a state_dict() has"])
    groups = list(state_dict["param_groups"])
    if not all(isinstance(group, Mapping) and isinstance(group.get("params"), list | tuple) for group in groups):
        fail(name, ["its param_groups are not dicts with a list of 'params'"])
    return groups, state_dict["state"]


def group_faults(mine: Sequence[Mapping[str, Any]], its: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is said where groups differ in number or size."""
    ours, theirs = ([len(group["params"]) for group in groups] for groups in (mine, its))
    return [] if ours == theirs else [f"it has groups of {theirs} parameters, and the optimizer of {ours}"]


def tensors_in(values: Any, p: Tensor, moments: Sequence[str], numbers: Sequence[str], faults: list[str]) -> Any:
    """Return the saved state of a parameter: moments as tensors beside it, numbers as floats; note what is wrong."""
    if not isinstance(values, Mapping):
        faults.append(f"it is {type(values).__name__}, not a dict")
        return {}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        if name == "step" or name in numbers:
            read[name] = number_in(name, value, faults)
        elif name in moments:
            read[name] = vector_in(name, value, p, p.shape, faults)
        else:
            faults.append(f"{name!r} is nothing that this optimizer keeps")
    return read


def number_in(name: str, value: Any, faults: list[str]) -> float:
    """Return a saved number; one that cannot be is noted."""
    try:
        number = float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not math.isfinite(number) or (name == "step" and (number < 0 or number % 1)):
        whole = "a whole number of steps" if name == "step" else "a finite number"
        faults.append(f"{name} must be {whole}, not {' '.join(repr(value).split())}")
        return 0.0
    return number


def vector_in(name: str, value: Any, p: Tensor, shape: tuple[int, ...], faults: list[str]) -> Tensor | None:
    """Return saved values in a parameter's dtype and on its device; what does not fit is noted."""
    try:
        given = value.detach() if type(value) in TENSORS else asarray(value)
    except (TypeError, ValueError, GpugradError):
        faults.append(f"{name} must be an array of numbers, not {type(value).__name__}")
        return None
    if given.shape != shape:
        faults.append(f"{name} has shape {given.shape}, and its parameter {shape}")
    elif not is_float(given.dtype):
        faults.append(f"{name} has dtype {given.dtype}, and its parameter {p.dtype}")
    else:
        return given.to(dtype=p.dtype, device=p.device)
    return None


def load_slot(arena: Arena, slot: Slot, values: Mapping[str, Any]) -> None:
    """Give a parameter the state that `tensors_in` has read. A state without a count has seen a step."""
    slot.steps = int(values.get("step", 1 if values else 0))
    slot.numbers = {name: value for name, value in values.items() if name != "step" and isinstance(value, float)}
    with no_grad():
        for name, value in values.items():
            if name != "step" and name not in slot.numbers:
                arena.moment(name)
                arena.moments_of(slot)[name].copy_(value)
