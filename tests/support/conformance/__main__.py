"""Run the test suite of the array API standard three times.

plain      gpugrad as it is: what fails is listed in expected_plain.txt, and is NumPy's own.
tracked    the same with every float input tracked: beyond that it fails where expected_tracked.txt says so.
reference  the tests of expected_plain.txt on NumPy itself, through array-api-compat: they must fail there too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLAIN, TRACKED = HERE / "expected_plain.txt", HERE / "expected_tracked.txt"
VERSION = "2025.12"

RUNS = {
    "plain": ("gpugrad", ["--expected", str(PLAIN)]),
    "tracked": ("conformance.tracked", ["--expected", str(PLAIN), "--expected", str(TRACKED)]),
    "reference": ("conformance.reference", ["--expected", str(PLAIN), "--listed-only"]),
}


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="./run conformance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="a checkout of data-apis/array-api-tests, with its submodule")
    parser.add_argument("--run", action="append", choices=RUNS, help="one of the three runs; all of them by default")
    parser.add_argument("--max-examples", type=int, default=50, help="how many inputs a test draws at most (50)")
    parser.add_argument("--seed", default="0", help="what the inputs are drawn from, or 'random' (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
    parser.add_argument("-k", dest="keyword", help="run the tests whose names fit this expression alone")
    return parser.parse_args(argv)


def checkout(folder):
    """Return the folder of the suite, or end with a line that says what is missing."""
    suite = folder.resolve()
    if not (suite / "array_api_tests").is_dir() or not (suite / "conftest.py").is_file():
        sys.exit(f"run: {folder} is no checkout of data-apis/array-api-tests; clone it with --recurse-submodules")
    if not (suite / "array-api" / "spec" / VERSION).is_dir():
        sys.exit(f"run: {folder}/array-api lacks version {VERSION}; run there: git submodule update --init")
    return suite


def run(name, suite, options):
    """Run the suite once and return whether everything came out as it is listed."""
    module, more = RUNS[name]
    print(f"\n{name}: the suite on {module}", flush=True)
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-q", "--tb=short", "--disable-warnings"]
    command += ["-p", "no:cacheprovider", "-p", "conformance.expectations", *more, "array_api_tests"]
    command += ["--disable-deadline", "--max-examples", str(options.max_examples)]
    command += ["-n", str(options.jobs)] if options.jobs > 1 else []
    command += [] if options.seed == "random" else ["--hypothesis-seed", options.seed]
    command += ["-k", options.keyword] if options.keyword else []
    with tempfile.TemporaryDirectory() as storage:  # what earlier runs found plays no part
        path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH", "")]))
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "ARRAY_API_TESTS_MODULE": module,
            "ARRAY_API_TESTS_VERSION": VERSION,
            "HYPOTHESIS_STORAGE_DIRECTORY": storage,
        }
        code = subprocess.run(command, cwd=suite, env=environment).returncode
    return code == 0 or (code == 5 and options.keyword is not None)  # 5: no test fits the expression


def main(argv=None):
    options = arguments(argv)
    suite = checkout(options.folder)
    start, results = time.perf_counter(), {}
    for name in options.run or RUNS:
        results[name] = run(name, suite, options)
    print(f"\n{time.perf_counter() - start:.0f} s in all")
    for name, good in results.items():
        print(f"{name:<9}  {'as listed' if good else 'NOT as listed: see above'}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
