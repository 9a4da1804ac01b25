"""Faults planted on purpose, one at a time, to see whether the tests find them: see CONTRIBUTING.md."""

from mutants.fault import Fault
from mutants.in_cuda import STRUCTURE
from mutants.trees import ROOT

__all__ = ["ROOT", "STRUCTURE", "Fault", "every_fault"]


def every_fault(root=ROOT, languages=("kernels", "rules")):
    """Return every fault that can be planted in the project at `root`, by language."""
    from mutants import in_cuda, in_python

    finders = {"kernels": in_cuda, "rules": in_python}
    return {
        language: [fault for file in finders[language].files(root) for fault in finders[language].faults(root, file)]
        for language in languages
    }
