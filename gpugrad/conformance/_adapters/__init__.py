"""Adapters: how a library makes arrays, is asked for a function, and gives gradients to first and second order."""

from __future__ import annotations

import importlib
import importlib.util

from gpugrad.conformance._adapters._base import Adapter, Unsupported
from gpugrad.errors import OptionError

__all__ = ["NAMESPACES", "Adapter", "Unsupported", "adapter"]

# The namespace that is examined, and the module with its adapter and the class there.
_ADAPTERS = {
    "gpugrad": ("_gpugrad", "GpugradAdapter"),
    "torch": ("_torch", "TorchAdapter"),
    "jax.numpy": ("_jax", "JaxAdapter"),
    "autograd.numpy": ("_autograd", "AutogradAdapter"),
    "mygrad": ("_mygrad", "MyGradAdapter"),
}
NAMESPACES = tuple(_ADAPTERS)


def adapter(namespace: str) -> Adapter:
    """Return the adapter of a namespace in NAMESPACES, or of a class of one's own, as ``package.module:Class``.

    Raises OptionError where there is none of that name, or the library is not installed.

    >>> adapter("gpugrad").name
    'gpugrad'
    """
    if ":" in namespace:
        module, _, name = namespace.partition(":")
        here = module
    elif namespace in _ADAPTERS:
        module, name = _ADAPTERS[namespace]
        here = f"{__name__}.{module}"
    else:
        raise OptionError(
            f"no adapter for the namespace {namespace!r}: there are {', '.join(NAMESPACES)}, and package.module:Class"
        )
    try:
        made = getattr(importlib.import_module(here), name)()
    except ModuleNotFoundError as error:
        missing = error.name or here
        raise OptionError(
            f"{missing} is not installed, so {namespace} cannot be examined; mend it with: pip install "
            f"{missing.partition('.')[0]}"
        ) from None
    except AttributeError:
        raise OptionError(f"the module {here} has no adapter {name!r}") from None
    if not isinstance(made, Adapter):
        raise OptionError(f"{namespace} is {type(made).__name__}, not a gpugrad.conformance.Adapter")
    return made
