"""Random numbers that are the same on every backend: drawn on the host by NumPy's Philox, then moved."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from gpugrad.errors import OptionError

__all__ = ["Generator", "default_generator", "manual_seed"]


class Generator:
    """A seeded stream of random numbers; a seed gives the same numbers on every backend and machine.

    Threads may share one: each draw is whole.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.RLock()
        self.manual_seed(seed if seed is not None else int.from_bytes(os.urandom(4), "little"))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.RLock())

    def manual_seed(self, seed: Any) -> Generator:
        """Start the stream again from `seed`, a non-negative integer below 2**64."""
        if type(seed) is bool or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
            raise OptionError(f"seed must be an integer from 0 to 2**64 - 1, not {seed!r}")
        self.seed = int(seed)
        self.draws = 0
        self.__dict__.pop("_stream", None)
        return self

    def get_state(self) -> tuple[Any, ...]:
        """Return where the stream is, to be compared, and for `set_state`."""
        with self._lock:
            stream = vars(self).get("_stream")
            return self.seed, self.draws, None if stream is None else _frozen(stream.bit_generator.state)

    def set_state(self, state: tuple[Any, ...]) -> Generator:
        """Go back, or on, to where the stream was when `get_state` returned `state`.

        >>> generator = Generator(0)
        >>> state = generator.get_state()
        >>> first = generator.permutation(9).tolist()
        >>> generator.set_state(state).permutation(9).tolist() == first
        True
        """
        with self._lock:
            self.seed, self.draws, stream = state
            if stream is None:
                self.__dict__.pop("_stream", None)
            else:
                self._stream.bit_generator.state = _thawed(stream)
        return self

    @contextmanager
    def rewound(self, state: tuple[Any, ...]) -> Iterator[None]:
        """Draw within the block what was drawn after `state`, and then go on from now; other threads wait meanwhile."""
        with self._lock:
            now = self.get_state()
            self.set_state(state)
            try:
                yield
            finally:
                self.set_state(now)

    @cached_property
    def _stream(self) -> np.random.Generator:
        """NumPy's generator, made at the first draw: importing numpy.random takes its time."""
        return np.random.Generator(np.random.Philox(self.seed))

    def normal(self, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return standard normal numbers on the host."""
        with self._lock:
            return self._stream.standard_normal(tuple(shape), dtype=np.float64).astype(dtype)

    def uniform(self, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return numbers in [0, 1) on the host, with as many random bits as the dtype holds."""
        bits = 24 if dtype.itemsize == 4 else 11 if dtype.itemsize == 2 else 53
        with self._lock:
            whole = self._stream.integers(0, 2**bits, tuple(shape), dtype=np.int64)
        return (whole * 2.0**-bits).astype(dtype)

    def integers(self, low: int, high: int, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return integers from `low` to `high` - 1 on the host."""
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= low <= high - 1 <= np.iinfo(dtype).max:
            raise OptionError(f"{dtype} does not hold all integers from {low} to {high - 1}; name a wider dtype")
        with self._lock:
            return self._stream.integers(low, high, tuple(shape), dtype=np.int64).astype(dtype)

    def permutation(self, n: int) -> np.ndarray[Any, Any]:
        """Return 0 to `n` - 1 in random order on the host."""
        with self._lock:
            return self._stream.permutation(n)

    def next_offset(self) -> int:
        """Return the number of the next counter-based draw (dropout), and count it."""
        with self._lock:
            self.draws += 1
            return self.draws - 1


def _frozen(state: Any) -> Any:
    """Return the state of NumPy's generator, dicts with arrays in them, as what can be compared."""
    if isinstance(state, dict):
        return tuple((name, _frozen(part)) for name, part in state.items())
    return state.tobytes() if isinstance(state, np.ndarray) else state


def _thawed(state: Any) -> Any:
    if isinstance(state, tuple):
        return {name: _thawed(part) for name, part in state}
    return np.frombuffer(state, np.uint64) if isinstance(state, bytes) else state


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed gpugrad's random numbers on every backend and return the default generator.

    >>> import gpugrad
    >>> _ = gpugrad.manual_seed(7)
    >>> first = gpugrad.rand(2).tolist()
    >>> _ = gpugrad.manual_seed(7)
    >>> gpugrad.rand(2).tolist() == first
    True
    """
    return default_generator.manual_seed(seed)
