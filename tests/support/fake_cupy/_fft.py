"""The module that code under test knows as cupy.fft."""

from __future__ import annotations

import numpy as _np

from fake_cupy._calls import computed as _computed

__all__ = []


def _with_points(function):
    """Refuse, as CuPy does for several axes, an array without elements, though there may be no transform to do."""

    def call(a, s=None, axes=None, norm=None):
        if a.size == 0 and (axes is None or len(axes) > 1):
            raise ValueError("Invalid number of FFT data points (0) specified.")
        return function(a, s, axes, norm)

    return call


for _line in """
    fft(a, n=None, axis=-1, norm=None)
    ifft(a, n=None, axis=-1, norm=None)
    fftn(a, s=None, axes=None, norm=None)
    ifftn(a, s=None, axes=None, norm=None)
    rfft(a, n=None, axis=-1, norm=None)
    irfft(a, n=None, axis=-1, norm=None)
    rfftn(a, s=None, axes=None, norm=None)
    irfftn(a, s=None, axes=None, norm=None)
    hfft(a, n=None, axis=-1, norm=None)
    ihfft(a, n=None, axis=-1, norm=None)
    fftfreq(n, d=1.0)
    rfftfreq(n, d=1.0)
    fftshift(x, axes=None)
    ifftshift(x, axes=None)
""".strip().splitlines():
    _name = _line.split("(")[0].strip()
    _function = getattr(_np.fft, _name)
    globals()[_name] = _computed(_line.strip(), _with_points(_function) if _name.endswith("fftn") else _function)
    __all__.append(_name)
