"""What was compiled is kept, and forgotten when nobody uses it any more."""

import os
import time
from pathlib import Path

import cuda_on_cpu
import pytest
from cuda_on_cpu import build
from cuda_on_cpu.shim import CUDA

pytestmark = pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))

TEXT = 'extern "C" __global__ void nothing() {}'


def test_the_same_text_is_compiled_once(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    made = build.build(TEXT, "nothing.cu", CUDA)
    monkeypatch.setattr(build, "compiled", lambda *_: pytest.fail("compiled again"))
    assert build.build(TEXT, "nothing.cu", CUDA) == made
    monkeypatch.undo()
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    assert build.build(TEXT, "renamed.cu", CUDA) != made
    assert build.build(TEXT, "nothing.cu", CUDA, portable=True) != made


def aged(path: Path, days: float, size: int = 1) -> Path:
    path.write_bytes(bytes(size))
    os.utime(path, (then := time.time() - days * 86400, then))
    return path


def test_the_cache_forgets_what_nobody_used_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "CACHE", tmp_path)
    monkeypatch.setattr(build, "MOST_BYTES", 1000)
    old, used, large, latest = (
        aged(tmp_path / name, days, size)
        for name, days, size in (("old", 31, 1), ("used", 29, 1), ("large", 3, 900), ("latest", 2, 99))
    )
    killed = tmp_path / "killed"  # by whom it would have been removed
    killed.mkdir()
    aged(killed / "part", 31)
    os.utime(killed, (0, 0))

    def make(folder: Path) -> Path:
        return aged(folder / "made", 0)

    made = build.cached(make, "a thing")
    assert not old.exists() and not killed.exists()
    assert all(path.exists() for path in (used, large, latest, made))
    aged(tmp_path / "more", 1, 1)
    build.cached(make, "another thing")
    assert [path.exists() for path in (used, large, latest, made)] == [False, False, True, True]
    os.utime(made, (0, 0))
    assert build.cached(lambda folder: pytest.fail("made again"), "a thing") == made
    assert made.stat().st_mtime > time.time() - 60  # it was used
