"""The GPU's rows of the doctor: driver, CuPy's wheels, NVRTC, and a matmul on every device."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpugrad import _creation as creation
from gpugrad.backends import Device, backend_named
from gpugrad.backends._cupy import cupy_wheels, driver_version
from gpugrad.cuda import source
from gpugrad.errors import BackendUnavailable

__all__ = ["cuda_rows"]
