"""Print the extra of gpugrad that brings CuPy for this machine's driver, and nothing where CuPy is installed.

Without a driver it ends with status 2 and one line: there is nothing to check.
"""

from __future__ import annotations

import sys

from gpugrad.backends import cupy_wheels, driver_version
from gpugrad.cli.cuda import extra_for


def main() -> int:
    driver = driver_version()
    if driver is None:
        print("gpu-check: no NVIDIA driver answers on this machine", file=sys.stderr)
        return 2
    if not cupy_wheels():
        print(extra_for(driver))
    return 0


if __name__ == "__main__":
    sys.exit(main())
