"""Giving faults to tests: first to the nearest, then to all that touch the fault, then to these on other backends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mutants.fault import Fault
from mutants.processes import Task, outcomes
from mutants.report import Verdict
from mutants.suite import OTHER_BACKENDS, Suite, elsewhere, failing
from mutants.trees import planted

__all__ = ["tried"]

_kernel_seconds, _memory = 600.0, 8 * 2**30
_patience = 3.0
"""So many times as long as without a fault may tests take."""

_slower = 10
"""So many times as long as on NumPy may they take on all other backends."""

Step = Callable[[Fault], Task]
Survey = Callable[[str], Suite]
"""Finds out about the tests of a language, when they are first needed."""


def tried(
    faults: list[Fault], trees: list[Path], survey: Survey, tests: list[str], say: Callable[[Verdict], None]
) -> list[Verdict]:
    """Return what became of each fault. With `tests` these alone are run, in place of those that touch it."""
    steps: dict[str, list[Step]] = {
        "kernels": [partial(_comparison, {} if tests else _paces(faults, trees)), partial(_all, survey)],
        "rules": [partial(_near, survey), partial(_far, survey), partial(_elsewhere, survey)],
    }
    if tests:
        steps = {language: [partial(_given, tests)] for language in steps}
    verdicts: list[Verdict] = []
    for number in range(max(map(len, steps.values()))):
        rest = []
        due = [(fault, steps[fault.language]) for fault in faults]
        tasks = [of[number](fault) for fault, of in due if number < len(of)]
        for fault, outcome in outcomes(tasks, trees):
            verdict = _verdict(fault, outcome)
            if verdict.fate == "survived" and number + 1 < len(steps[fault.language]):
                rest.append(fault)
                continue
            verdicts.append(verdict)
            say(verdict)
        faults = sorted(rest, key=lambda fault: (fault.file, fault.start))
    return verdicts


def _verdict(fault: Fault, outcome: dict[str, Any]) -> Verdict:
    if "ended" in outcome:
        return Verdict(fault, "killed", outcome["ended"])
    if "fault" in outcome:
        raise RuntimeError(f"{fault.diff()}\ncannot be tried:\n{outcome['fault']}")
    return Verdict(fault, *outcome["result"])


def _task(fault: Fault, limit: float, work: Callable[[Path], tuple[str, str]]) -> Task:
    memory = _memory if fault.language == "rules" else None
    return Task(fault, work, limit, memory, lambda tree: planted(tree, fault))


def _near(survey: Survey, fault: Fault) -> Task:
    suite = survey("rules")
    tests = suite.near(suite.touching(fault.file, fault.scopes))
    return _task(fault, _limit(suite, tests), lambda tree: _by_tests(tests, ["numpy"]))


def _far(survey: Survey, fault: Fault) -> Task:
    suite = survey("rules")
    touching = suite.touching(fault.file, fault.scopes)
    done = set(suite.near(touching))
    tests = [test for test in touching if test not in done]
    return _task(fault, _limit(suite, tests), lambda tree: _by_tests(tests, ["numpy"]))


def _elsewhere(survey: Survey, fault: Fault) -> Task:
    suite = survey("rules")
    touching = suite.touching(fault.file, fault.scopes)
    limit = _slower * _limit(suite, touching)
    return _task(fault, limit, lambda tree: _by_tests(elsewhere(touching), OTHER_BACKENDS))


def _given(tests: list[str], fault: Fault) -> Task:
    return _task(fault, _kernel_seconds, lambda tree: _by_tests(tests))


def _limit(suite: Suite, tests: Iterable[str]) -> float:
    return 15 + _patience * sum(suite.seconds[test] for test in tests)


def _by_tests(tests: list[str], backends: Sequence[str] = ()) -> tuple[str, str]:
    """Run tests. Those of what cannot be imported prove nothing."""
    try:
        import gpugrad  # noqa: F401
    except Exception as error:
        return "invalid", f"{type(error).__name__}: {error}"
    failed = failing(tests, backends) if tests else None
    return ("killed", failed) if failed else ("survived", "")


def _paces(faults: list[Fault], trees: list[Path]) -> dict[str, float]:
    """Return the seconds that each file of kernels takes without a fault: then it must agree with its reference."""

    def work(file: str, tree: Path) -> tuple[str | None, float]:
        from mutants.kernel_comparison import difference

        return difference(Path(file).name), time.process_time()

    files = sorted({fault.file for fault in faults if fault.language == "kernels"})
    paces = {}
    for file, outcome in outcomes([Task(file, partial(work, file), _kernel_seconds) for file in files], trees):
        found, seconds = outcome.get("result", (outcome, 0.0))
        if found:
            raise SystemExit(f"{file} does not agree with its reference without a fault: {found}")
        paces[file] = seconds
    return paces


def _comparison(paces: dict[str, float], fault: Fault) -> Task:
    def work(tree: Path) -> tuple[str, str]:
        from cuda_on_cpu import CompileError

        from mutants.kernel_comparison import difference

        try:
            found = difference(Path(fault.file).name)
        except CompileError as error:
            return "invalid", str(error).splitlines()[-1]
        return ("killed", found) if found else ("survived", "")

    return _task(fault, _patience * paces[fault.file], work)


def _all(survey: Survey, fault: Fault) -> Task:
    suite = survey("kernels")
    tests = suite.quickest()
    return _task(fault, _limit(suite, tests), lambda tree: _by_tests(tests))
