"""The kernels are found wherever gpugrad is installed, and reach the compiler as one text."""

from pathlib import Path

import pytest

import gpugrad
from gpugrad.cuda import source
from gpugrad.errors import GpugradError


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation in which nothing has been put yet: its folder of the package."""
    package = tmp_path / "site" / "gpugrad"
    (package / "cuda").mkdir(parents=True)
    monkeypatch.setattr("importlib.resources.files", lambda name: package)
    monkeypatch.setattr(source, "__file__", str(package / "cuda" / "source.py"))
    source.folder.cache_clear()
    yield package
    source.folder.cache_clear()


def fill(folder: Path) -> Path:
    folder.mkdir()
    (folder / "common.cuh").write_text("// common\n", encoding="utf-8")
    (folder / "square.cu").write_text("// square, λ\n", encoding="utf-8")
    return folder


def test_kernels_inside_the_package_come_first(elsewhere: Path) -> None:
    fill(elsewhere.parent / "kernels")
    inside = fill(elsewhere / "kernels")
    assert source.folder() == inside


def test_a_checkout_has_its_kernels_beside_the_package(elsewhere: Path) -> None:
    beside = fill(elsewhere.parent / "kernels")
    assert source.folder() == beside
    assert source.names() == ["square.cu"]


def test_an_installation_without_kernels_says_so(elsewhere: Path) -> None:
    (elsewhere.parent / "kernels").mkdir()  # somebody else's
    with pytest.raises(GpugradError, match="kernels are missing"):
        source.names()


def test_the_common_part_comes_first_and_lines_are_counted_in_the_file(elsewhere: Path) -> None:
    fill(elsewhere / "kernels")
    common, text = source.read("square.cu").split('#line 1 "square.cu"\n')
    assert common.endswith("// common\n\n")
    assert text == "// square, λ\n"


def test_an_unknown_kernel_is_named_with_those_there_are() -> None:
    with pytest.raises(GpugradError, match=r"'sigmoid': the files are .*sigmoid\.cu"):
        source.read("sigmoid")


def test_these_kernels_are_found_here() -> None:
    assert {"clip.cu", "sigmoid.cu"} <= set(source.names())
    assert Path(str(source.folder())).parent in (Path(gpugrad.__file__).parent, Path(gpugrad.__file__).parents[1])
