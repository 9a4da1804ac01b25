"""Floating-point arithmetic by fractions: what an instruction gives, to the last bit, in any format and direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np

__all__ = ["FORMATS", "Format", "exact", "pattern", "rounded", "value"]


class Format(NamedTuple):
    """A binary format: its digits, its least and largest exponent, and the integer of its bits."""

    digits: int
    least: int
    most: int
    bits: type[np.unsignedinteger]

    @property
    def largest(self) -> Fraction:
        return (2 - Fraction(2) ** (1 - self.digits)) * Fraction(2) ** self.most


FORMATS: Final = {
    "f16": Format(11, -14, 15, np.uint16),
    "bf16": Format(8, -126, 127, np.uint16),
    "f32": Format(24, -126, 127, np.uint32),
    "f64": Format(53, -1022, 1023, np.uint64),
}


def value(bits: int, name: str) -> float:
    """Return the number that bits stand for."""
    form = FORMATS[name]
    width = form.bits(0).nbytes * 8
    fraction_bits = form.digits - 1
    sign = -1 if bits >> (width - 1) else 1
    exponent = bits >> fraction_bits & (2 * form.most + 1)
    fraction = bits & ((1 << fraction_bits) - 1)
    if exponent == 2 * form.most + 1:
        return math.copysign(math.nan if fraction else math.inf, sign)
    if exponent:
        fraction |= 1 << fraction_bits
    return sign * math.ldexp(fraction, max(exponent, 1) - form.most - fraction_bits)


def pattern(number: float, name: str) -> int:
    """Return the bits of a number that the format has; of NaN, those of a quiet one."""
    form = FORMATS[name]
    width = form.bits(0).nbytes * 8
    sign = int(math.copysign(1, number) < 0) << (width - 1)
    if math.isnan(number):
        return (2 * form.most + 1) << (form.digits - 1) | 1 << (form.digits - 2)
    if math.isinf(number):
        return sign | (2 * form.most + 1) << (form.digits - 1)
    if number == 0:
        return sign
    exponent = max(math.frexp(number)[1] - 1, form.least)
    fraction = int(math.ldexp(abs(number), form.digits - 1 - exponent))
    return sign | (exponent - form.least) * (1 << (form.digits - 1)) + fraction


_whole: dict[str, Callable[[Fraction], int]] = {"rn": round, "rz": math.trunc, "rm": math.floor, "rp": math.ceil}


def rounded(number: Fraction, name: str, mode: str = "rn", zero: float = 0.0) -> float:
    """Return the number of the format that a fraction becomes; 0 is `zero`."""
    form = FORMATS[name]
    if number == 0:
        return zero
    sign = -1 if number < 0 else 1
    exponent = abs(number.numerator).bit_length() - number.denominator.bit_length()
    exponent -= abs(number) < Fraction(2) ** exponent
    last = Fraction(2) ** (max(exponent, form.least) - form.digits + 1)
    result = _whole[mode](number / last) * last
    if abs(result) > form.largest:
        stays = mode == "rz" or mode == ("rm" if number > 0 else "rp")
        return math.copysign(float(form.largest) if stays else math.inf, sign)
    return math.copysign(float(result), sign)


def exact(operation: Callable[..., Fraction], name: str, mode: str = "rn") -> Callable[..., float]:
    """Return an operation on fractions as one on numbers, rounded once; the host's own where one is not finite."""

    def computed(*numbers: float) -> float:
        if all(map(math.isfinite, numbers)):
            with np.errstate(all="ignore"):
                zero = float(operation(*map(np.float64, numbers)))  # for the sign of 0, and of a division by it
            try:
                result = operation(*map(Fraction, numbers))
            except ZeroDivisionError:
                return zero
            return rounded(result, name, mode, zero)
        with np.errstate(all="ignore"):
            return float(operation(*map(np.float64, numbers)))

    return computed
