"""A release: the sdist is built, the wheel from it, and what is installed works from any folder."""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"

# One worker builds for all of them when the suite is shared among processes.
pytestmark = pytest.mark.xdist_group("packaging")


def run(*command: object, cwd: Path) -> str:
    foreign = ("PYTHONPATH", "GPUGRAD_BACKEND")
    clean = {name: value for name, value in os.environ.items() if name not in foreign}
    result = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with both archives: `build` makes the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh environment with the wheel in it."""
    environment = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(environment, with_pip=True)
    python = environment / SCRIPTS / "python"
    run(python, "-m", "pip", "-qq", "install", "--no-deps", "--no-index", *dist.glob("*.whl"), cwd=dist)
    # The dependencies are lent by this environment, after its own: a .pth file found there is not read,
    # so that an editable gpugrad stays out of sight.
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=dist).strip()
    lent = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    Path(purelib, "lent.pth").write_text("\n".join(lent), "utf-8")
    return environment


def ask(environment: Path, expression: str) -> str:
    code = f"import gpugrad, importlib.metadata, importlib.resources, numpy; print({expression})"
    return run(environment / SCRIPTS / "python", "-I", "-c", code, cwd=environment).strip()


def test_the_wheel_is_what_gets_imported(installed: Path) -> None:
    assert Path(ask(installed, "gpugrad.__file__")).resolve().is_relative_to(installed.resolve())


def test_installed_gpugrad_finds_every_kernel(installed: Path) -> None:
    source = {path.name for path in (ROOT / "kernels").iterdir() if path.suffix in (".cu", ".cuh")}
    assert {"sigmoid.cu", "clip.cu", "common.cuh"} <= source
    names = ask(installed, "*(x.name for x in (importlib.resources.files('gpugrad') / 'kernels').iterdir())")
    assert source <= set(names.split())


def test_installed_gpugrad_finds_the_digits(installed: Path) -> None:
    digits = "numpy.load(importlib.resources.files('gpugrad') / 'data' / 'digits.npz')"
    assert ask(installed, f"*((x := {digits}[key]).shape + (x.dtype,) for key in 'xy')") == (
        "(1797, 64, dtype('uint8')) (1797, dtype('uint8'))"
    )


def test_installed_command_works(installed: Path) -> None:
    assert "train" in run(installed / SCRIPTS / "gpugrad", "--help", cwd=installed)


def test_versions_agree(installed: Path) -> None:
    version = ask(installed, "importlib.metadata.version('gpugrad')")
    assert ask(installed, "gpugrad.__version__") == version
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert cited
    assert cited[1] == version


def test_wheel_holds_the_library_its_types_and_its_licences(dist: Path) -> None:
    [wheel] = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"gpugrad"}
    assert "gpugrad/py.typed" in names
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE"}


def test_sdist_holds_what_its_tests_need(dist: Path) -> None:
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"run", "pyproject.toml", "kernels/common.cuh", "tests/test_packaging.py", "NOTICE"} <= names
    assert not {name for name in names if name.startswith((".venv", ".git/", "runs/", "dist/"))}
