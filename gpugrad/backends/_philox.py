"""Random bits as a function of their place: Philox-4x32-10, the same in this array code and in a CUDA kernel.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11,
2011), whose key and four counter words (each 32 bits) are filled in this way:

    key      low and high half of the seed
    c0, c1   low and high half of the block number, counter + i // 4
    c2, c3   low and high half of the stream

Element i is word i % 4 of its block. A stream made by `stream_of` has the site (which draw of the program) in
c2 and the step (which visit to that draw) in c3, so no element depends on how many were drawn before it.
NumPy's own Philox is the 4x64 one, with other numbers.
"""

from __future__ import annotations

from typing import Any

from gpugrad.backends._base import Array
from gpugrad.errors import OptionError

__all__ = ["philox_uint32", "stream_of", "uniform"]

_multipliers = 0xD2511F53, 0xCD9E8D57
_key_steps = 0x9E3779B9, 0xBB67AE85
_rounds = 10
_low_half = 0xFFFFFFFF


def philox_uint32(count: int, key: int, counter: int, xp: Any, device: Any = None, *, stream: int = 0) -> Array:
    """Return `count` random uint32 numbers, a 1-d array on `device`.

    Parameters
    ----------
    count: how many, from 0.
    key: the seed, 64 bits.
    counter: the number of the first block of four numbers, 64 bits; the last one must not pass 2**64 - 1.
    xp: the array API namespace to compute in.
    device: in its terms; its default device if None.
    stream: 64 bits; numbers of different streams are unrelated.

    >>> import numpy as np
    >>> [f"{word:08x}" for word in philox_uint32(5, key=0, counter=0, xp=np)]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8', 'f8e4cca4']
    """
    blocks = -(-count // 4)
    _check(count, key, counter, blocks, stream)
    index = xp.arange(blocks, dtype=xp.uint64, device=device)
    index += counter
    # uint64 holds the whole product of two words. The stream's halves stay Python integers for a round.
    words = _encrypt(index & _low_half, index >> 32, stream & _low_half, stream >> 32, key)
    numbers = xp.stack([xp.astype(word, xp.uint32) for word in words], axis=1)
    return xp.reshape(numbers, (4 * blocks,))[:count]


def uniform(count: int, key: int, counter: int, xp: Any, device: Any = None, *, stream: int = 0) -> Array:
    """Return `count` random float32 numbers in [0, 1), a 1-d array: the top 24 bits of `philox_uint32`.

    The arguments are those of `philox_uint32`.

    >>> import numpy as np
    >>> uniform(3, key=0, counter=0, xp=np).tolist()
    [0.3990464210510254, 0.8805201649665833, 0.7357127666473389]
    """
    bits = philox_uint32(count, key, counter, xp, device, stream=stream)
    bits >>= 8
    numbers = xp.astype(bits, xp.float32)
    numbers *= 2.0**-24
    return numbers


def stream_of(site: int, step: int) -> int:
    """Return the stream of a draw: its site in the low 32 bits, its step in the high ones.

    >>> hex(stream_of(site=3, step=0x10))
    '0x1000000003'
    """
    if not (0 <= site < 2**32 and 0 <= step < 2**32):
        raise OptionError(f"site and step must be integers from 0 to 2**32 - 1, not {site} and {step}")
    return step << 32 | site


def _encrypt(c0: Array, c1: Array, c2: Array, c3: Array, key: int) -> tuple[Array, Array, Array, Array]:
    """Send four words, each an array or an integer, through the ten rounds."""
    k0, k1 = key & _low_half, key >> 32
    for _ in range(_rounds):
        high0, low0 = _halves(c0 * _multipliers[0])
        high1, low1 = _halves(c2 * _multipliers[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _key_steps[0]) & _low_half, (k1 + _key_steps[1]) & _low_half
    return c0, c1, c2, c3


def _halves(product: Array) -> tuple[Array, Array]:
    return product >> 32, product & _low_half


def _check(count: int, key: int, counter: int, blocks: int, stream: int) -> None:
    for name, value in {"key": key, "counter": counter, "stream": stream}.items():
        if not 0 <= value < 2**64:
            raise OptionError(f"{name} must be an integer from 0 to 2**64 - 1, not {value}")
    if count < 0:
        raise OptionError(f"count must not be negative, and is {count}")
    if counter + blocks > 2**64:
        raise OptionError(f"{count} numbers from counter {counter} on need more than 2**64 blocks")
