"""Special functions under SciPy's names."""

from __future__ import annotations

from gpugrad._ops import erf, erfc, log_softmax, logsumexp, softmax
from gpugrad._ops import log_sigmoid as log_expit
from gpugrad._ops import sigmoid as expit

__all__ = ["erf", "erfc", "expit", "log_expit", "log_softmax", "logsumexp", "softmax"]
