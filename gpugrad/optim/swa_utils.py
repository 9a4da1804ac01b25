"""Averages of a model's weights over its training: equal ones (SWA), or of late (EMA)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor, tensor
from gpugrad.backends import default_integer
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import BatchNorm1d, Module
from gpugrad.optim._checks import check_number
from gpugrad.optim.lr_scheduler._swa import SWALR

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """Return the step of an equally weighted mean: averaged + (current - averaged) / (num_averaged + 1).

    >>> get_swa_avg_fn()(2.0, 8.0, 2)
    4.0
    """
    return lambda averaged, current, num_averaged: averaged + (current - averaged) / (num_averaged + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """Return the step of a mean in which the past fades: decay * averaged + (1 - decay) * current.

    >>> get_ema_avg_fn(0.75)(2.0, 8.0, 2)
    3.5
    """
    check_number("decay", decay)
    if decay > 1:
        raise OptionError(f"decay must be from 0 to 1, not {decay!r}")
    return lambda averaged, current, num_averaged: decay * averaged + (1 - decay) * current


def get_swa_multi_avg_fn() -> Callable[[Sequence[Any], Sequence[Any], Any], None]:
    """Return `get_swa_avg_fn` for lists of tensors, the first of which is changed in place."""
    return _of_lists(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Any], Sequence[Any], Any], None]:
    """Return `get_ema_avg_fn` for lists of tensors, the first of which is changed in place."""
    return _of_lists(get_ema_avg_fn(decay))


def _of_lists(average: Callable[[Any, Any, Any], Any]) -> Callable[[Sequence[Any], Sequence[Any], Any], None]:
    def change(averaged: Sequence[Any], current: Sequence[Any], num_averaged: Any) -> None:
        with no_grad():
            for mean, value in zip(averaged, current, strict=True):
                mean.copy_(average(mean, value, num_averaged).to(dtype=mean.dtype))

    return change


class AveragedModel(Module):
    """A copy of a model whose weights are averages of the model's; it computes what the copy computes.

    Stochastic weight averaging (Izmailov et al., 2018), or with `get_ema_avg_fn` an exponential moving average
    (Polyak and Juditsky, 1992, in its fading form). Call `update_parameters` after a step, or after an epoch.

    Parameters
    ----------
    model
        The model that is trained.
    device
        Where the average is kept; where the model is if None.
    avg_fn
        ``avg_fn(averaged, current, num_averaged)`` returns the new average of one tensor, `num_averaged` a 0-d tensor
        of how many models have come in; the equally weighted mean if None. The first model is copied.
    multi_avg_fn
        The same for lists of tensors, changing the first list in place.
    use_buffers
        Average the buffers too; else they are copied.

    Examples
    --------
    >>> import gpugrad
    >>> model = gpugrad.nn.Linear(1, 1, bias=False)
    >>> average = gpugrad.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     model.weight.data.fill_(value)
    ...     average.update_parameters(model)
    tensor([[1.]])
    tensor([[2.]])
    tensor([[6.]])
    >>> average(gpugrad.ones((1, 1))).item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"an average is made of a Module, not {type(model).__name__}")
        if avg_fn is not None and multi_avg_fn is not None:
            raise OptionError("avg_fn and multi_avg_fn are two ways to say the same; give one of them")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=default_integer, device="cpu" if device is None else device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the averaged model returns."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Let the model's present weights into the average."""
        parameters = _pairs("parameter", self.module.named_parameters(), model.named_parameters())
        buffers = _pairs("buffer", self.module.named_buffers(), model.named_buffers())
        with no_grad():
            averaged = parameters + buffers if self.use_buffers else parameters
            copied = [] if self.use_buffers else buffers
            pairs = [(mean.detach(), value.detach().to(mean.device)) for mean, value in averaged]
            if int(self.n_averaged) == 0:
                copied = copied + averaged
            elif pairs:
                self._average(*map(list, zip(*pairs, strict=True)))
            for mean, value in copied:
                mean.detach().copy_(value.detach().to(mean.device))
            self.n_averaged += 1

    def _average(self, averaged: list[Tensor], current: list[Tensor]) -> None:
        kinds: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
        for mean, value in zip(averaged, current, strict=True):
            alike = kinds.setdefault((mean.dtype, mean.device), ([], []))
            alike[0].append(mean)
            alike[1].append(value)
        multi_avg_fn = self.multi_avg_fn or _of_lists(self.avg_fn or get_swa_avg_fn())
        for means, values in kinds.values():
            multi_avg_fn(means, values, self.n_averaged.to(means[0].device))


def _pairs(
    kind: str, averaged: Iterable[tuple[str, Tensor]], current: Iterable[tuple[str, Tensor]]
) -> list[tuple[Tensor, Tensor]]:
    """Return the tensors of both models side by side, after seeing that they belong together."""
    ours, theirs = dict(averaged), dict(current)
    for name in {**ours, **theirs}:
        a, b = (tensors[name].shape if name in tensors else "none" for tensors in (ours, theirs))
        if a != b:
            raise ShapeError(f"{kind} {name} has shape {a} in the average and {b} in the model")
    return [(ours[name], theirs[name]) for name in ours]


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running means and variances of all BatchNorm1d layers anew, from one pass over the batches.

    Each batch is an input, or a tuple or list that begins with it. The layers of averaged weights see other values
    than those of the model did.

    >>> import gpugrad
    >>> model = gpugrad.nn.Sequential(gpugrad.nn.BatchNorm1d(1))
    >>> update_bn([gpugrad.tensor([[1.], [3.]]), gpugrad.tensor([[5.], [7.]])], model)
    >>> model[0].running_mean.tolist()
    [4.0]
    """
    momenta = [(m, m.momentum) for m in model.modules() if isinstance(m, BatchNorm1d)]
    if not momenta:
        return
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.train()
        for layer, _ in momenta:
            layer.reset_running_stats()
            layer.momentum = None
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, tuple | list) else batch
                model(x if device is None else x.to(device))
    finally:
        for layer, momentum in momenta:
            layer.momentum = momentum
        for module, training in modes:
            module.training = training
