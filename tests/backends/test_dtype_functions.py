"""Questions about dtypes are answered alike for dtypes, names, tensors and arrays, in Python's own numbers."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DtypeError


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
def test_the_limits_of_floats_are_python_numbers(name):
    dtype = getattr(gg, name)
    info, expected = gg.finfo(dtype), np.finfo(name)
    assert info == gg.finfo(name) == gg.finfo(np.zeros(1, name)) == gg.finfo(gg.zeros(1, dtype=dtype))
    for field in ("bits", "eps", "max", "min", "smallest_normal"):
        assert type(getattr(info, field)) in (int, float)
        assert getattr(info, field) == getattr(expected, field)
    assert info.dtype is getattr(gg, {"complex64": "float32", "complex128": "float64"}.get(name, name))


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_the_limits_of_integers_are_python_numbers(name):
    info, expected = gg.iinfo(getattr(gg, name)), np.iinfo(name)
    for field in ("bits", "max", "min"):
        assert type(getattr(info, field)) is int
        assert getattr(info, field) == getattr(expected, field)
    assert info.dtype is getattr(gg, name)


def test_limits_are_asked_of_the_right_kind():
    with pytest.raises(DtypeError, match="iinfo is for integers"):
        gg.finfo(gg.int8)
    with pytest.raises(DtypeError, match="finfo is for"):
        gg.iinfo(gg.float32)
    with pytest.raises(DtypeError, match="bool"):
        gg.iinfo(gg.bool)


def test_numbers_are_weak_where_dtypes_meet(backend):
    x, n = gg.tensor([1.0], dtype=gg.float32), gg.tensor([1], dtype=gg.int16)
    for given, expected in (
        ((gg.float32, gg.float64), gg.float64),
        ((x, 2.5), gg.float32),
        ((x, np.float64(2.5)), gg.float32),
        ((x, 2j), gg.complex64),
        ((n, 2), gg.int16),
        ((n, 2.5), gg.float32),
        ((n, x), gg.float32),
        ((n, "uint8", True), gg.int16),
        ((gg.bool, 2), gg.int64),
        ((gg.float64, 1j, n), gg.complex128),
        ((1, 2.5), gg.float32),
        ((True, 1), gg.int64),
        ((1j,), gg.complex64),
    ):
        assert gg.result_type(*given) is expected, given
    with pytest.raises(TypeError, match="at least one"):
        gg.result_type()


def test_what_can_be_cast_is_what_promotion_leads_to(backend):
    assert gg.can_cast(gg.tensor([1], dtype=gg.int8), gg.int16)
    assert gg.can_cast(gg.float32, gg.complex64)
    assert gg.can_cast(gg.uint8, gg.int16)
    for narrower in ((gg.float64, gg.float32), (gg.uint8, gg.int8), (gg.float32, gg.int64), (gg.complex64, gg.float64)):
        assert not gg.can_cast(*narrower)
    for dtype in (gg.bool, gg.int32, gg.complex128):
        assert gg.can_cast(dtype, dtype)
