"""A part of all faults: the same for the same seed, and spread evenly over files, ops and kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence

from mutants.fault import Fault

__all__ = ["sampled"]


def sampled(faults: Sequence[Fault], count: int, seed: int) -> list[Fault]:
    """Return `count` of the faults, or all if there are fewer, or `count` is 0.

    Faults stand in the order of their files, ops and kinds, shuffled within; then every so manieth is taken.
    """
    generator = random.Random(seed)
    mixed = sorted(faults, key=lambda fault: (fault.file, fault.op, fault.kind, generator.random()))
    if not 0 < count < len(mixed):
        return mixed
    step, start = len(mixed) / count, generator.random()
    return [mixed[int((start + i) * step)] for i in range(count)]
