"""A trained classifier: the MLP, what its outputs mean, and how its inputs are prepared."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gpugrad import nn
from gpugrad._tensor.making import from_host
from gpugrad.autograd import no_grad
from gpugrad.backends import as_dtype
from gpugrad.cli.options import Activation, Dtype
from gpugrad.data.dataset import Classes, Dataset, Host
from gpugrad.data.preparation import Standardizer

__all__ = ["Architecture", "Classifier", "Training", "activations", "rows_at_once"]

rows_at_once = 8192
"""How many rows are predicted at a time, in training's tests too: the same rows give the same bits."""

activations: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "leaky_relu": nn.LeakyReLU,
}


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What an MLP is built from."""

    features: int
    hidden: tuple[int, ...]
    classes: int
    activation: Activation
    dropout: float
    dtype: Dtype

    @property
    def largest_layer(self) -> int:
        """The number of weights in the largest layer."""
        return max(size * following for size, following in pairwise((self.features, *self.hidden, self.classes)))

    def build(self) -> nn.Sequential:
        """Return the MLP with fresh weights."""
        if self.largest_layer > sys.maxsize // 8:  # bytes of a number as it is drawn
            raise MemoryError(f"{self.largest_layer} weights in one layer")
        dtype = as_dtype(self.dtype)
        layers: list[nn.Module] = []
        sizes = (self.features, *self.hidden)
        for size, following in pairwise(sizes):
            layers += [nn.Linear(size, following, dtype=dtype), activations[self.activation]()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
        layers.append(nn.Linear(sizes[-1], self.classes, dtype=dtype))
        return nn.Sequential(*layers)


@dataclass(frozen=True, kw_only=True)
class Training:
    """Where a classifier comes from: enough to put the same rows aside again."""

    data: str
    seed: int
    test_fraction: float
    test_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """An MLP with the names of its features and classes."""

    architecture: Architecture
    module: nn.Sequential
    standardizer: Standardizer
    features: tuple[str, ...]
    classes: Classes
    target: str

    @classmethod
    def untrained(cls, architecture: Architecture, dataset: Dataset, standardizer: Standardizer) -> Classifier:
        """Return a classifier with fresh weights for the features and classes of a dataset."""
        return cls(
            architecture=architecture,
            module=architecture.build(),
            standardizer=standardizer,
            features=dataset.features,
            classes=dataset.classes,
            target=dataset.target,
        )

    def predict(self, x: Host) -> Host:
        """Return the position in `classes` that the MLP finds likeliest for each row of x, (rows, features)."""
        self.module.eval()
        prepared = self.standardizer(x, self.architecture.dtype)
        with no_grad():
            parts = [
                np.asarray(self.module(from_host(prepared[i : i + rows_at_once])).argmax(1).cpu())
                for i in range(0, len(x), rows_at_once)
            ]
        return np.concatenate(parts)
