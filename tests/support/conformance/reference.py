"""NumPy as array-api-compat presents it, but for its dtypes: here they are instances of numpy.dtype, as gpugrad's are.

So a test that fails here and on gpugrad fails for NumPy's reasons, and has the same name in both runs.
"""

from __future__ import annotations

import array_api_compat.numpy as xp
import numpy as np

__array_api_version__ = xp.__array_api_version__


def __getattr__(name):
    value = getattr(xp, name)
    return np.dtype(value) if isinstance(value, type) and issubclass(value, np.generic) else value
