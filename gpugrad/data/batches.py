"""Batches: the rows of arrays in small groups, in an order that a seed decides on every backend alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpugrad._ops import take
from gpugrad._tensor import Tensor, asarray
from gpugrad._tensor.making import from_host
from gpugrad.backends import Generator
from gpugrad.errors import OptionError, ShapeError

__all__ = ["Batches"]


class Batches:
    """Goes through the rows of arrays in batches of tensors; each ``for`` is one epoch, with an order of its own.

    The arrays, (rows, ...) each, move to the device once and are indexed there. The order of an epoch depends on
    `seed` and on the epoch's number alone: the same on every backend, whichever epochs came before. A batch is a copy.

    Parameters
    ----------
    arrays: NumPy arrays, or tensors, with equally many rows.
    batch_size: rows in a batch; the last one may have fewer, unless `drop_last` leaves it out.
    shuffle: whether the rows come in random order.
    seed: the seed of the order.
    device: where the batches are; by default where new tensors go.

    Attributes
    ----------
    epoch: the number of the next epoch; set it to resume.

    >>> import numpy as np
    >>> for x, y in Batches(np.eye(3), np.arange(3), batch_size=2, shuffle=False):
    ...     print(x.shape, y.tolist())
    (2, 3) [0, 1]
    (1, 3) [2]
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int,
        shuffle: bool = True,
        drop_last: bool = False,
        seed: int = 0,
        device: Any = None,
    ) -> None:
        if type(batch_size) is not int or batch_size < 1:
            raise OptionError(f"batch_size must be an integer from 1, not {batch_size!r}")
        self.tensors = tuple(asarray(array, device=device) for array in arrays)
        sizes = [len(tensor) for tensor in self.tensors]
        if len(set(sizes)) != 1:
            raise ShapeError(f"the arrays of a batch must have equally many rows, and have {sizes or 'none'}")
        self.rows = sizes[0]
        if drop_last and batch_size > self.rows:
            raise OptionError(
                f"batch_size {batch_size} with drop_last leaves no batch of {self.rows} rows; make it smaller"
            )
        self.batch_size, self.shuffle, self.drop_last, self.seed = batch_size, shuffle, drop_last, seed
        self.epoch = 0
        Generator(seed)  # a seed that is none is met here

    def __len__(self) -> int:
        return self.rows // self.batch_size if self.drop_last else -(-self.rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        order = from_host(self.order(self.epoch), self.tensors[0].device) if self.shuffle else None
        self.epoch += 1
        for i in range(len(self)):
            rows = slice(i * self.batch_size, min((i + 1) * self.batch_size, self.rows))
            if order is None:
                yield tuple(tensor[rows].clone() for tensor in self.tensors)
            else:
                yield tuple(take(tensor, order[rows], axis=0) for tensor in self.tensors)

    def order(self, epoch: int) -> Any:
        """Return the rows in the order of an epoch, as a host array of integers."""
        if not self.shuffle:
            return np.arange(self.rows)
        mixed = np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)
        return Generator(int(mixed[0])).permutation(self.rows)
