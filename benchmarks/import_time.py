"""What `import gpugrad` costs beyond NumPy: the goal is 50 ms at most.

python benchmarks/import_time.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

CODE = """
import time
start = time.perf_counter()
import numpy
between = time.perf_counter()
import gpugrad
print((between - start) * 1e3, (time.perf_counter() - between) * 1e3)
"""


def main(runs=11):
    with tempfile.TemporaryDirectory() as cache:
        # Compiled files are written to a folder of their own: a first import compiles, and is not counted.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", CODE]
        lines = [
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            for _ in range(runs + 1)
        ]
    times = [[float(t) for t in line.split()] for line in lines[1:]]
    numpy_ms, gpugrad_ms = (statistics.median(column) for column in zip(*times, strict=True))
    verdict = "met" if gpugrad_ms <= 50 else "missed"
    print(f"import numpy {numpy_ms:.0f} ms, then import gpugrad {gpugrad_ms:.0f} ms (goal 50, {verdict})")


if __name__ == "__main__":
    main()
