"""What an optimizer takes: options in their ranges, and parameters that can be trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from gpugrad._op import TENSORS
from gpugrad.backends import is_float
from gpugrad.errors import OptionError

__all__ = ["check_adam", "check_betas", "check_count", "check_number", "check_numbers", "check_pair", "check_parameter"]


def check_number(name: str, value: Any, below: float = math.inf, least: float = 0.0) -> None:
    """Raise OptionError unless `least` <= value < `below`; a NaN fails too."""
    if isinstance(value, bool) or not isinstance(value, Real) or not _within(value, below, least):
        bound = "a finite number" if below == math.inf else f"a number below {below}"
        lowest = "" if least == -math.inf else f" and at least {least:g}"
        raise OptionError(f"{name} must be {bound}{lowest}, not {value!r}")


def _within(value: Any, below: float, least: float) -> bool:
    return bool(least <= value < below and value != -math.inf)


def check_numbers(options: Mapping[str, Any], *names: str) -> None:
    """Raise OptionError for the first of the options that is not a finite number of at least 0."""
    for name in names:
        check_number(name, options[name])


def check_pair(name: str, value: Any) -> None:
    """Raise OptionError unless the value is a tuple or list of two."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise OptionError(f"{name} must be two numbers, not {value!r}")


def check_betas(betas: Any) -> None:
    """Raise OptionError unless these are two numbers from 0 to below 1."""
    check_pair("betas", betas)
    for i, beta in enumerate(betas):
        check_number(f"betas[{i}]", beta, below=1.0)


def check_adam(options: Mapping[str, Any], *more: str) -> None:
    """Raise OptionError for options of Adam or its kin that make no sense; `more` are further numbers of theirs."""
    check_numbers(options, "lr", "eps", "weight_decay", *more)
    check_betas(options["betas"])


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Raise OptionError unless the value is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise OptionError(f"{name} must be an integer of at least {least}, not {value!r}")


def check_parameter(p: Any, again: bool) -> None:
    """Raise unless `p` is a leaf of a real floating-point dtype; `again` says that it came before."""
    if type(p) not in TENSORS:
        raise TypeError(f"an optimizer changes tensors, not {type(p).__name__}")
    what = f"a tensor of shape {p.shape} and dtype {p.dtype}"
    if again:
        raise OptionError(f"{what} is among the parameters twice")
    if not p.is_leaf:
        raise OptionError(f"can't optimize {what} that is a result, not a leaf; use .detach().requires_grad_()")
    if not is_float(p.dtype):
        raise OptionError(f"can't optimize {what}: a real floating-point dtype is needed")
