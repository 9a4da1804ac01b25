"""`python -m gpugrad` is the command `gpugrad`."""

from __future__ import annotations

import sys

from gpugrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
