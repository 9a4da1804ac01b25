"""`python -m gpugrad.conformance`: examine a library, and print how many gradients it gets right."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gpugrad.backends import use_backend
from gpugrad.conformance import NAMESPACES, Result, adapter, run
from gpugrad.errors import BackendUnavailable, DeviceError, OptionError

__all__ = ["main"]

_LEGEND = (
    "right: the expected gradient. other choice: at a kink, another element of the subdifferential. misfit: right, but "
    "of another shape or dtype than the input. NaN: NaN where a number is due. wrong: anything else. unsupported: the "
    "function is missing, raises, or computes another value."
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gpugrad.conformance",
        description="Count which gradients of the array API standard a library gets right, to first and second order.",
        epilog=f"{_LEGEND} The exit status is 0 where every case is right or another choice, 1 otherwise, and 2 where "
        "the library cannot be examined.",
    )
    parser.add_argument(
        "--namespace",
        default="gpugrad",
        help=f"what to examine: {', '.join(NAMESPACES)}, or package.module:Class for an adapter of your own",
    )
    parser.add_argument("--backend", help="the backend of gpugrad: numpy, cupy or auto")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="cases whose id matches, such as 'fft.*'")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results to a file")
    parser.add_argument("--list-failures", action="store_true", help="print a line for each verdict that is not right")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    >>> main(["--namespace", "nowhere"])
    2
    """
    options = _parser().parse_args(argv)
    try:
        return _examine(options)
    except (BackendUnavailable, DeviceError, OptionError) as error:
        print(f"gpugrad.conformance: {error}", file=sys.stderr)
    except OSError as error:
        print(f"gpugrad.conformance: {error.filename}: {error.strerror}", file=sys.stderr)
    return 2


def _examine(options: argparse.Namespace) -> int:
    if options.backend is not None and options.namespace != "gpugrad":
        raise OptionError("--backend chooses a backend of gpugrad; leave it out with another --namespace")
    under_test = adapter(options.namespace)
    if options.backend is not None:
        with use_backend(options.backend):
            report = run(under_test, options.only, _Progress())
    else:
        report = run(under_test, options.only, _Progress())
    if not report.results:
        raise OptionError(
            f"no case matches {options.only!r}; ids begin with the function's name, such as 'linalg.inv*'"
        )
    print(report.table())
    if options.list_failures:
        print("\n" + "\n".join(report.failures()))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return 0 if report.clean else 1


class _Progress:
    """Say on a terminal how far it is, in one line."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, result: Result) -> None:
        self.seen += 1
        if sys.stderr.isatty() and self.seen % 20 == 0:
            print(f"\r{self.seen} cases", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
