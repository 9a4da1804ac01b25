"""What must hold of the whole tree: the tools agree, imports stay light, names point to what exists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
HOOKS = {
    hook["id"]: hook
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    for hook in repo["hooks"]
}
KERNELS = sorted(path.stem for path in (ROOT / "kernels").glob("*.cu"))
PAIRED = sorted({path.stem for path in (ROOT / "gpugrad" / "_fused").glob("[!_]*.py")} | set(KERNELS))

# Hosts of packages, and folders of somebody's machine. A wheel's or a reader's address is another one.
HOST = re.compile(r"\b(?:pypi|pythonhosted|anaconda|npmjs|crates)\.(?:com|io|nvidia|org|python)\b")
MACHINE = re.compile(r"(?<![\w.~$}-])(?:/(?:work|root)/\w|/(?:home|Users)/\w+/|[A-Z]:\\Users\\)")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    # The tools of this Python's environment come first, whether or not it was activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which(command[0], path=path)
    assert program, f"{command[0]} is not installed: it comes with the test extra"
    return subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    assert listed.returncode == 0, listed.stderr
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_tools_find_nothing(hook: str) -> None:
    # The commands of pre-commit itself, so that the two cannot part and no tool runs twice.
    result = run(*HOOKS[hook]["entry"].split())
    assert result.returncode == 0, result.stdout + result.stderr


def test_pre_commit_needs_no_network_and_runs_every_tool() -> None:
    valid = run("pre-commit", "validate-config")
    assert valid.returncode == 0, valid.stdout + valid.stderr
    assert {"ruff-check", "ruff-format", "mypy", "import-linter"} <= HOOKS.keys()
    assert {hook["language"] for hook in HOOKS.values()} == {"system"}


def test_import_stays_light() -> None:
    heavy = "rich cyclopts safetensors cupy sklearn scipy matplotlib array_api_compat.numpy"
    code = f"import sys, gpugrad; print([name for name in {heavy!r}.split() if name in sys.modules])"
    result = run(sys.executable, "-c", code)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_no_file_names_a_package_host_or_somebodys_folder() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_files()
        if b"\0" not in (content := path.read_bytes())
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1)
        if HOST.search(line) or MACHINE.search(line)
    ]
    assert not found, "\n".join(found)


def test_no_lock_file_is_committed() -> None:
    locks = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"}
    assert not [path for path in tracked_files() if path.name in locks]


@pytest.mark.parametrize("name", PAIRED)
def test_a_kernel_and_its_reference_name_each_other(name: str) -> None:
    kernel, reference = ROOT / "kernels" / f"{name}.cu", ROOT / "gpugrad" / "_fused" / f"{name}.py"
    if not kernel.exists():
        assert f"kernels/{name}.cu" not in first_line(reference), "it names a kernel that does not exist"
        return
    assert reference.exists(), "a kernel needs a readable reference"
    assert f"gpugrad/_fused/{name}.py" in first_line(kernel)
    assert f"kernels/{name}.cu" in first_line(reference)


def test_there_are_kernels_to_pair() -> None:
    assert KERNELS


def first_line(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0]
