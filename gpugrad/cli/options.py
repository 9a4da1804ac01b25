"""The options of `gpugrad train`: their names, defaults and limits, each said once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from cyclopts import Parameter, Token

__all__ = ["Activation", "BackendName", "Dtype", "OptimizerName", "Sizes", "TrainOptions", "Whole", "spelled"]

Activation: TypeAlias = Literal["relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu"]
Dtype: TypeAlias = Literal["float32", "float64"]
OptimizerName: TypeAlias = Literal["adam", "adamw", "sgd"]

_largest_seed = 2**64 - 1


def spelled(path: Path) -> str:
    r"""Return a path as text that any file can hold: bytes of it that are no text become question marks.

    >>> spelled(Path("a\udcff.csv"))
    'a?.csv'
    """
    return str(path).encode("utf-8", "replace").decode()


def _read_whole(text: str, least: int, most: int | None = None) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None
    if value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None or value < least else f"{most} or less"
        raise ValueError(f"{value} is out of range: give {limits}")
    return value


def _whole(least: int, most: int | None = None) -> Callable[[Any, Sequence[Token]], int]:
    """Return a reader of whole numbers; int() by itself would make 2 of 2.5."""
    return lambda _, tokens: _read_whole(tokens[0].value, least, most)


def _number(above: float = -math.inf, least: float = -math.inf, below: float = math.inf) -> Any:
    """Return a reader of finite numbers: above one limit, not under another, below a third."""

    def read(_: Any, tokens: Sequence[Token]) -> float:
        text = tokens[0].value
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
        if not math.isfinite(value):
            raise ValueError(f"{text} is not a finite number")
        if value <= above or value < least or value >= below:
            lower = f"above {above:g}" if above > -math.inf else f"{least:g} or more"
            raise ValueError(
                f"{text} is out of range: give {lower}" + (f" and below {below:g}" if below < math.inf else "")
            )
        return value

    return read


def _sizes(_: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    try:
        return tuple(_read_whole(token.value, 1) for token in tokens)
    except ValueError as error:
        raise ValueError(f"the sizes in --hidden: {error}") from None


Whole: TypeAlias = Annotated[int, Parameter(converter=_whole(1))]
Sizes: TypeAlias = Annotated[tuple[int, ...], Parameter(converter=_sizes, consume_multiple=(1, 99), negative=())]
BackendName: TypeAlias = Annotated[
    str | None, Parameter(help="numpy, cupy, auto, or a device such as cuda:1. [default: GPUGRAD_BACKEND, or numpy]")
]


def _option(help: str, read: Any = None) -> Parameter:  # noqa: A002 - cyclopts' own name
    return Parameter(help=help, converter=read, negative=())


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What a training run is told; the defaults are meant for the embedded digits."""

    data: Annotated[Path | None, _option("A CSV or NPZ file. [default: the embedded digits]")] = None
    target: Annotated[str | None, _option("The label's column. [default: the last one]")] = None
    hidden: Annotated[Sizes, Parameter(help="Sizes of the hidden layers.")] = (256, 128)
    activation: Annotated[Activation, _option("What follows each hidden layer.")] = "relu"
    optimizer: Annotated[OptimizerName, _option("How parameters follow gradients.")] = "adamw"
    lr: Annotated[
        float | None, _option("Learning rate at the start. [default: 0.002, 0.1 for sgd]", _number(above=0))
    ] = None
    epochs: Annotated[int, _option("Passes over the training part.", _whole(1))] = 30
    batch_size: Annotated[int, _option("Rows in a batch.", _whole(1))] = 64
    clip_norm: Annotated[float, _option("Largest norm of the gradient; 0 for any.", _number(least=0))] = 5.0
    weight_decay: Annotated[float, _option("How fast weights shrink by themselves.", _number(least=0))] = 0.01
    dropout: Annotated[float, _option("Part of each hidden layer left out at random.", _number(least=0, below=1))] = 0.0
    noise: Annotated[float, _option("Deviation of noise added to standardised features.", _number(least=0))] = 0.4
    label_smoothing: Annotated[
        float, _option("Part of each label spread over all classes.", _number(least=0, below=1))
    ] = 0.1
    seed: Annotated[int, _option("Decides split, weights, order and noise.", _whole(0, _largest_seed))] = 0
    backend: BackendName = None
    dtype: Annotated[Dtype, _option("The type of all numbers.")] = "float32"
    detect_anomaly: Annotated[bool, _option("Stop at the first NaN or Inf, and name what made it.")] = False
    profile: Annotated[bool, _option("Time the operations of some steps: profile.txt and trace.json.")] = False
    out: Annotated[Path | None, _option("Folder for what is written. [default: a new one in runs/]")] = None

    @property
    def learning_rate(self) -> float:
        """The learning rate at the start: the one given, or one that suits the optimizer."""
        return self.lr if self.lr is not None else 0.1 if self.optimizer == "sgd" else 0.002
