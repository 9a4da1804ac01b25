"""Each pair gives the same numbers from its kernel as from its reference: any size, any alignment, any dtype."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gpugrad._fused import registry
from gpugrad.backends import backend_named, backend_of

SIZES = (0, 1, 3, 4, 5, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097, 70_001)
OFFSETS = (0, 1, 2, 3)

Results = list[np.ndarray]


def _elementwise(name: str) -> Callable[..., Results]:
    def of(arrays: list[Any]) -> Results:
        return [backend_of(z).to_host(z) for z in [registry[name](*arrays)]]

    return of


def _clip_coefficient(arrays: list[Any]) -> Results:
    return [backend_of(z).to_host(z) for z in registry["clip_coefficient"](arrays, 1.5)]


def _scale(arrays: list[Any]) -> Results:
    x, y = arrays
    coefficient = backend_of(x).namespace.asarray(0.75, dtype=x.dtype, device=x.device)
    registry["scale"]([x, y], coefficient)
    return [backend_of(z).to_host(z) for z in arrays]


# How many arrays each takes, and what it makes of them.
PAIRS: dict[str, tuple[int, Callable[[list[Any]], Results]]] = {
    "sigmoid": (1, _elementwise("sigmoid")),
    "sigmoid_backward": (2, _elementwise("sigmoid_backward")),
    "clip_coefficient": (2, _clip_coefficient),
    "scale": (2, _scale),
}


def test_every_pair_is_launched() -> None:
    assert PAIRS.keys() == {name for name, pair in registry.items() if pair.kernel is not None}


def placed(size: int, dtype: str, count: int) -> Iterator[list[np.ndarray]]:
    """Yield `count` arrays that begin alike, at every distance from a boundary, and arrays that do not begin alike."""
    random = np.random.default_rng(size)
    for offset in OFFSETS:
        for apart in (0, 1):
            starts = [(offset + i * apart) % 4 for i in range(count)]
            yield [random.normal(size=size + 4).astype(dtype)[start : start + size] for start in starts]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", PAIRS)
def test_the_kernel_agrees_with_the_reference_at_any_size_and_alignment(backend: str, name: str, dtype: str) -> None:
    if backend == "strict" and dtype == "float16":
        pytest.skip("array_api_strict has no float16")
    count, results = PAIRS[name]
    for size in SIZES:
        for arrays in placed(size, dtype, count):
            found = results([_on(backend, x) for x in arrays])
            for z, expected in zip(found, results([x.copy() for x in arrays]), strict=True):
                assert z.dtype == expected.dtype
                limits = np.finfo(expected.dtype)
                np.testing.assert_allclose(z, expected, rtol=4 * limits.eps, atol=2 * limits.smallest_subnormal)


def _on(backend: str, x: np.ndarray) -> Any:
    """Return the same numbers on the device, as far from a boundary as they are here."""
    xp = backend_named(backend).namespace
    start = (x.__array_interface__["data"][0] - x.base.__array_interface__["data"][0]) // x.itemsize
    return xp.asarray(x.base.copy())[start : start + x.size]
