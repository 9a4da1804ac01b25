"""Samples of the Fourier transforms: odd and even sizes, cropped and filled up, every norm, every axis."""

from __future__ import annotations

from gpugrad import _ops as ops
from samples.draws import Draws, Sample, sample

draws = Draws()


def lines(f, draw, real_also=False):
    """Return calls of a transform of one axis."""
    ways = {
        "even": {}, "odd": {"axis": 0}, "cropped": {"n": 3}, "cropped to even": {"n": 4, "axis": 0}, "one point": {"n": 1},
        "filled up": {"n": 9}, "filled up, axis -2": {"n": 8, "axis": -2, "norm": "ortho"},
        "ortho": {"norm": "ortho"}, "forward": {"norm": "forward", "n": 5}, "backward": {"norm": "backward", "axis": 1},
    }  # fmt: skip
    rows = [sample(label, lambda x, kw=kw: f(x, **kw), draw(5, 6)) for label, kw in ways.items()]
    rows += [sample("batch", lambda x: f(x, axis=1), draw(2, 3, 4)), sample("no rows", f, draw(0, 4)), sample("vector", f, draw(7))]
    return rows + ([sample("of real values", lambda x: f(x, n=7), draws.normal(2, 5))] if real_also else [])


def grids(f, draw, real_also=False):
    """Return calls of a transform of several axes."""
    ways = {
        "all axes": {}, "two axes": {"axes": (0, 2)}, "in another order": {"axes": (-1, 0)}, "one axis": {"axes": (1,)},
        "sizes": {"s": (3, 6), "axes": (-3, -1)}, "sizes of the last axes": {"s": (2, 5)}, "a size kept": {"s": (-1, 4), "axes": (2, 1)},
        "ortho": {"norm": "ortho", "axes": (2, 1)}, "forward": {"norm": "forward", "s": (5, 3), "axes": (0, 1)},
    }  # fmt: skip
    rows = [sample(label, lambda x, kw=kw: f(x, **kw), draw(2, 3, 4)) for label, kw in ways.items()]
    rows += [sample("no rows", lambda x: f(x, axes=(1, 2)), draw(0, 3, 4)), sample("vector", f, draw(5))]
    return rows + ([sample("of real values", lambda x: f(x, s=(3, 5), axes=(0, 1)), draws.normal(2, 4))] if real_also else [])


SAMPLES: dict[str, list[Sample]] = {
    "fft": lines(ops.fft, draws.complexes, real_also=True),
    "ifft": lines(ops.ifft, draws.complexes, real_also=True),
    "rfft": lines(ops.rfft, draws.normal),
    "irfft": lines(ops.irfft, draws.complexes, real_also=True),
    "hfft": lines(ops.hfft, draws.complexes, real_also=True),
    "ihfft": lines(ops.ihfft, draws.normal),
    "fftn": [*grids(ops.fftn, draws.complexes, real_also=True), sample("no axes", lambda x: ops.fftn(x, axes=()), draws.complexes(2, 3))],
    "ifftn": [*grids(ops.ifftn, draws.complexes, real_also=True), sample("0-d", ops.ifftn, draws.complexes())],
    "rfftn": grids(ops.rfftn, draws.normal),
    "irfftn": grids(ops.irfftn, draws.complexes, real_also=True),
    **{
        f.__name__: [
            sample("all axes", f, draws.normal(3, 4)),
            sample("one axis", lambda x, f=f: f(x, axes=-1), draws.complexes(2, 5)),
            sample("two axes", lambda x, f=f: f(x, axes=(0, -1)), draws.normal(3, 2, 5)),
            sample("0-d", f, draws.normal()),
            sample("size 0", f, draws.normal(0, 3)),
        ]
        for f in (ops.fftshift, ops.ifftshift)
    },
}
