"""Plant faults, and report which of them the tests find: ``./run mutants --help``."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

from mutants import ROOT, Fault, every_fault
from mutants.equivalents import listed, unmatched
from mutants.report import Verdict, rendered
from mutants.sample import sampled
from mutants.suite import Suite, surveyed
from mutants.trees import copied
from mutants.trials import tried

CACHE = ROOT / ".mutants_cache"


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of a command line."""
    parser = argparse.ArgumentParser(
        prog="mutants",
        description="Plant faults in the CUDA kernels and the derivative rules, one at a time, each in a copy of the "
        "project, and report which of them the tests find.",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one takes other faults (default 0)")
    parser.add_argument("--count", type=int, default=240, help="how many faults; 0 means all (default 240)")
    parser.add_argument("--only", choices=["kernels", "rules"], help="half of them are in each, if not given")
    parser.add_argument("--file", default="", help="only faults in files whose path contains this")
    parser.add_argument("--op", default="", help="only faults in the op or function of this name")
    parser.add_argument("--kind", action="append", help="only faults of this kind, as the report names it (repeatable)")
    parser.add_argument("--tests", action="append", default=[], metavar="TEST", help="run this, not what touches it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (default: the processors)")
    parser.add_argument("--list", action="store_true", help="print the faults, and plant none")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Do what was asked for; return 1 if a fault survived, 2 if the list of equivalents is out of date."""
    options = parsed(arguments)
    found = every_fault()
    reasons = listed()
    if stale := unmatched(reasons, (fault for faults in found.values() for fault in faults)):
        for file, op, before, after in stale:
            print(f"equivalent.toml lists what is no longer there: {file}, {op}:\n-{before}\n+{after}", file=sys.stderr)
        return 2
    faults = chosen(found, options)
    if options.list:
        print("\n".join(fault.diff() for fault in faults))
        print(f"{len(faults)} faults, of {sum(map(len, found.values()))} that can be planted")
        return 0
    prepare()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        verdicts = judged(faults, reasons, options, Path(folder))
    print(f"\n{rendered(verdicts)}\nIt took {time.monotonic() - start:.0f} s.")
    return int(any(verdict.fate == "survived" for verdict in verdicts))


def prepare() -> None:
    """Import what every process would import for itself; each has one thread, as they share the processors."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in ("numpy", "array_api_strict", "_pytest.doctest"):
        importlib.import_module(name)


def chosen(found: dict[str, list[Fault]], options: argparse.Namespace) -> list[Fault]:
    """Return the faults to plant: half of them in each language, or as many as there are."""
    languages = [options.only] if options.only else list(found)
    wanted = {
        language: [
            fault
            for fault in found[language]
            if options.file in fault.file
            and options.op in ("", fault.op)
            and fault.kind in (options.kind or [fault.kind])
        ]
        for language in languages
    }
    counts = {language: options.count // len(languages) for language in languages}
    for language, other in zip(languages, reversed(languages), strict=True):
        counts[other] += max(0, counts[language] - len(wanted[language])) if other != language else 0
    return [fault for language in languages for fault in sampled(wanted[language], counts[language], options.seed)]


def judged(faults: list[Fault], reasons: dict, options: argparse.Namespace, folder: Path) -> list[Verdict]:
    """Try every fault that is not known to change nothing."""
    verdicts = [Verdict(f, "equivalent", reasons[f.identity]) for f in faults if f.identity in reasons]
    rest = [fault for fault in faults if fault.identity not in reasons]
    first = copied(ROOT, folder / "tree-0")
    trees = [first, *(copied(first, folder / f"tree-{i}") for i in range(1, options.jobs))]
    count = 0

    @functools.cache
    def survey(language: str) -> Suite:
        return surveyed(language, ROOT, trees, CACHE, say)

    def tell(verdict: Verdict) -> None:
        nonlocal count
        count += 1
        say(f"{count:4}/{len(rest)} {verdict.fate:9} {verdict.fault.file}:{verdict.fault.line} {verdict.by[:100]}")

    return verdicts + tried(rest, trees, survey, options.tests, tell)


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
