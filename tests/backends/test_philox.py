"""Philox-4x32-10 as array code: the published numbers, and the place of every number."""

import array_api_strict as strict
import numpy as np
import pytest

from gpugrad.backends._philox import philox_uint32, stream_of, uniform

PLACES = pytest.mark.parametrize(
    ("xp", "device"),
    [
        pytest.param(np, None, id="numpy"),
        pytest.param(np, "cpu", id="numpy-cpu"),
        pytest.param(strict, None, id="strict"),
        pytest.param(strict, strict.Device("device1"), id="strict-device1"),
        pytest.param(strict, strict.Device("no_float64"), id="strict-no_float64"),
    ],
)

# The known answers for philox4x32 with 10 rounds that come with Random123: counter, key, result.
KNOWN = """
00000000 00000000 00000000 00000000   00000000 00000000   6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff   ffffffff ffffffff   408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344   a4093822 299f31d0   d16cfe09 94fdcceb 5001e420 24126ea1
"""


def on_host(x):
    return x if isinstance(x, np.ndarray) else np.asarray(x.to_device(strict.Device("CPU_DEVICE")))


def one_number(i, key, counter, stream):
    """Return element i from the paper's formulas, one Python integer at a time."""
    block = counter + i // 4
    c0, c1, c2, c3 = block & 0xFFFFFFFF, block >> 32, stream & 0xFFFFFFFF, stream >> 32
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return (c0, c1, c2, c3)[i % 4]


@PLACES
@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_the_published_answers(line, xp, device):
    c0, c1, c2, c3, k0, k1, *answer = (int(word, 16) for word in line.split())
    words = philox_uint32(4, k1 << 32 | k0, c1 << 32 | c0, xp, device, stream=c3 << 32 | c2)
    assert [f"{w:08x}" for w in on_host(words)] == [f"{w:08x}" for w in answer]


@PLACES
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 42])
def test_every_number_has_its_place(count, xp, device):
    where = {"key": 0x0123456789ABCDEF, "counter": 2**32 - 3, "stream": stream_of(site=7, step=2**31)}
    words = philox_uint32(count, xp=xp, device=device, **where)
    assert (words.dtype, words.shape) == (xp.uint32, (count,))
    assert device in (None, "cpu") or words.device == device
    assert on_host(words).tolist() == [one_number(i, **where) for i in range(count)]


def test_a_draw_can_be_continued_and_cut():
    whole = philox_uint32(100, key=5, counter=10, xp=np)
    np.testing.assert_array_equal(philox_uint32(60, key=5, counter=20, xp=np), whole[40:])
    np.testing.assert_array_equal(philox_uint32(33, key=5, counter=10, xp=np), whole[:33])


@PLACES
def test_uniform_numbers_are_the_top_24_bits(xp, device):
    where = {"key": 3, "counter": 0, "xp": xp, "device": device, "stream": stream_of(1, 2)}
    numbers = uniform(10_001, **where)
    assert (numbers.dtype, numbers.shape) == (xp.float32, (10_001,))
    assert device in (None, "cpu") or numbers.device == device
    bits = on_host(philox_uint32(10_001, **where)) >> 8
    np.testing.assert_array_equal(on_host(numbers).astype(float), bits / 2**24)


def test_uniform_numbers_are_uniform():
    numbers = uniform(400_000, key=11, counter=0, xp=np)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts = np.bincount((numbers * 100).astype(int), minlength=100)
    # Chi squared with 99 degrees of freedom exceeds 160 once in 10 000 seeds; this seed is fixed.
    assert np.sum((counts - 4000) ** 2 / 4000) < 160
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.01


def test_keys_streams_and_counters_are_told_apart():
    draws = [
        philox_uint32(64, key=key, counter=counter, xp=np, stream=stream_of(site, step)).tolist()
        for key, counter, site, step in [
            (0, 0, 0, 0),
            (1, 0, 0, 0),
            (2**32, 0, 0, 0),
            (0, 16, 0, 0),
            (0, 2**32, 0, 0),
            (0, 0, 1, 0),
            (0, 0, 0, 1),
        ]
    ]
    assert len({number for draw in draws for number in draw}) == 7 * 64


@pytest.mark.parametrize("name", ["key", "counter", "stream"])
@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_word_too_large_is_refused_by_name(name, value):
    arguments = {"key": 0, "counter": 0, "stream": 0, name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        philox_uint32(1, xp=np, **arguments)


def test_no_counter_comes_twice():
    philox_uint32(4, key=0, counter=2**64 - 1, xp=np)
    with pytest.raises(ValueError, match="blocks"):
        philox_uint32(5, key=0, counter=2**64 - 1, xp=np)
    with pytest.raises(ValueError, match="count"):
        philox_uint32(-1, key=0, counter=0, xp=np)


@pytest.mark.parametrize(("site", "step"), [(-1, 0), (0, -1), (2**32, 0), (0, 2**32)])
def test_a_stream_holds_32_bits_of_each(site, step):
    with pytest.raises(ValueError, match="site and step"):
        stream_of(site, step)
