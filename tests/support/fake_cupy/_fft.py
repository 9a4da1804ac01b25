"""The module that code under test knows as cupy.fft."""

from __future__ import annotations

import numpy as _np

from fake_cupy._calls import computed as _computed

__all__ = []

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
    globals()[_name] = _computed(_line.strip(), getattr(_np.fft, _name))
    __all__.append(_name)
