"""Adding into places that repeat gives the bits that `np.add.at` gives, by whatever way is fastest for the key."""

import numpy as np
import pytest

from gpugrad.backends._scatter import add_at

random = np.random.default_rng(4)
ALL = slice(None)


def drawn(size, *shape, dtype=np.int64):
    return random.integers(-size, size, shape).astype(dtype)


KEYS = {
    "long rows": ((5, 300), (ALL, drawn(300, 700))),
    "short rows": ((5, 30), (ALL, drawn(30, 70))),
    "wide parts": ((5, 300), (drawn(5, 9), ALL)),
    "narrow parts": ((5, 3), (drawn(5, 9), ALL)),
    "a wide axis in the middle": ((30, 4, 20), (ALL, drawn(4, 9), ALL)),
    "a narrow axis in the middle": ((3, 4, 2), (ALL, drawn(4, 9), ALL)),
    "one index each row": ((5, 7), (np.arange(5)[:, None], drawn(7, 5, 9))),
    "pairs": ((5, 7), (drawn(5, 20), drawn(7, 20))),
    "pairs of small integers": ((5, 300), (drawn(5, 9, dtype=np.int8), drawn(100, 9, dtype=np.int16))),
    "pairs around a slice": ((5, 3, 7), (drawn(5, 20), ALL, drawn(7, 20))),
    "behind a part": ((5, 300), (slice(1, 4, 2), drawn(300, 700))),
    "behind a turn": ((5, 300), (slice(None, None, -1), drawn(300, 700))),
    "behind an integer": ((5, 300), (2, drawn(300, 700))),
    "behind a new axis": ((5, 7), (None, ALL, drawn(7, 20))),
    "a table of indices": ((5, 300), (drawn(5, 2, 3), ALL)),
    "no index": ((5, 300), (ALL, drawn(300, 0))),
    "no row": ((0, 300), (ALL, drawn(300, 700))),
    "one axis": ((9,), (drawn(9, 100),)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("shape", "key"), KEYS.values(), ids=KEYS)
def test_the_bits_are_those_of_numpy(shape, key, order, dtype):
    start = (1e3 * random.normal(size=shape)).astype(dtype)
    values = (1e3 * random.normal(size=start[key].shape)).astype(dtype)
    found, expected = start.copy(order), start.copy()
    add_at(found, key, values)
    np.add.at(expected, key, values)
    np.testing.assert_array_equal(found, expected)


def test_one_value_is_added_to_every_place():
    x = np.zeros((3, 300))
    add_at(x, (ALL, np.zeros(300, int)), np.array(1.0))
    assert x[:, 0].tolist() == [300, 300, 300]
