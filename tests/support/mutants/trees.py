"""Copies of the project, in which faults are planted: the working tree is never touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mutants.fault import Fault

__all__ = ["ROOT", "copied", "planted"]

ROOT = Path(__file__).resolve().parents[3]

_compiled = ".cuda_on_cpu_cache"


def copied(root: Path, target: Path) -> Path:
    """Copy the tree at `root` to `target`, without hidden folders, and without what commands have written."""
    own = {"runs", "dist", _compiled} | ({"__pycache__"} if root == ROOT else set())

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = {name for name in names if name.startswith(".") and (Path(folder) / name).is_dir()}
        return here | (own & set(names))

    shutil.copytree(root, target, ignore=ignored, symlinks=True)
    # What g++ has made of a text serves every copy, and the next run too.
    (ROOT / _compiled).mkdir(exist_ok=True)
    (target / _compiled).symlink_to(ROOT / _compiled)
    return target


@contextmanager
def planted(tree: Path, fault: Fault) -> Iterator[None]:
    """Let a copy have a fault for a while."""
    path = tree / fault.file
    content = path.read_bytes()
    _write(path, fault.planted(content))
    try:
        yield
    finally:
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """Write a file, of which Python must not remember what it was: the same size in the same second is possible."""
    path.write_bytes(content)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()
