"""Faults are found in whatever is there, the same ones for the same seed; tests kill them; the working tree stays."""

import os
import subprocess
import sys
from pathlib import Path

import cuda_on_cpu
import pytest
from mutants import ROOT, equivalents, every_fault, in_cuda, in_python
from mutants import __main__ as command
from mutants.sample import sampled

FOUND = every_fault()

KERNEL = """
// A comment with a + b and __syncthreads().
template <typename T> __device__ T twice(const T* x, T low, long long n) {
    __shared__ T part[32];
    if (threadIdx.x == 0) part[0] = fmax(x[0], low);
    __syncthreads();
    for (long long i = threadIdx.x; i < n; i += blockDim.x) part[i] = x[i] - low * 2;
    return low > 0 ? sqrt(low) : -low;
}
"""

RULES = '''
"""A chapter: 1 + 1."""
new = binary("new", "Return x1 - 2 * x2.",
             x1=lambda g, x2: g * x2,
             x2=lambda g, xp: -g)


@op(x=lambda g, x_shape, axis, xp: xp.conj(kept(g, x_shape)))
def late(x: Array, y: Array | None = None, /, *, axis: int = -1) -> Array:
    """Return 1 + 1."""
    if x.ndim < 2:
        raise ShapeError("no - no")
    z = xp.where(x > y, x, y)
    z += xp.sum(z, axis=axis, keepdims=True)
    return xp.maximum(z, 0)
'''


def planted(tmp_path: Path, finder, file: str, text: str) -> set[tuple[str, str, str, str]]:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert file in finder.files(tmp_path)
    return {(fault.op, fault.kind, fault.before, fault.after) for fault in finder.faults(tmp_path, file)}


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("barrier", "__syncthreads();", ";"),
        ("guard", "if (threadIdx.x == 0) part[0] = fmax(x[0], low);", "if (true) part[0] = fmax(x[0], low);"),
        ("min/max", "part[0] = fmax(x[0], low);", "part[0] = fmin(x[0], low);"),
        ("operands swapped", "fmax(x[0], low)", "fmax(low, x[0])"),
        ("index", "if (threadIdx.x == 0)", "if (blockIdx.x == 0)"),
        ("bound", "i < n;", "i <= n;"),
        ("loop", " part[i] = x[i] - low * 2;", ";"),
        ("index", "x[i] -", "x[i + 1] -"),
        ("term dropped", "x[i] - low * 2", "x[i]"),
        ("factor dropped", "low * 2", "low"),
        ("sign", "x[i] - low", "x[i] + low"),
        ("constant", "low * 2;", "low * 3;"),
        ("branches", "low > 0 ? sqrt(low) : -low", "low > 0 ? -low : sqrt(low)"),
        ("function dropped", "sqrt(low)", "(low)"),
        ("sign", ": -low", ": low"),
    ],
)
def test_a_new_kernel_is_covered_as_it_stands(kind, before, after, tmp_path):
    found = planted(tmp_path, in_cuda, "kernels/new.cu", KERNEL)
    (line,) = (line.strip() for line in KERNEL.splitlines() if before in line)
    assert ("twice", kind, line, line.replace(before, after)) in found
    assert not any("comment" in before for _, _, before, _ in found)


@pytest.mark.parametrize(
    ("op", "kind", "before", "after"),
    [
        ("new", "wrong input", "x1=lambda g, x2: g * x2,", "x1=lambda g, x1: g * x1,"),
        ("new", "factor dropped", "x1=lambda g, x2: g * x2,", "x1=lambda g, x2: g,"),
        ("new", "sign", "x2=lambda g, xp: -g)", "x2=lambda g, xp: g)"),
        ("late", "conj dropped", "xp.conj(kept(g, x_shape))", "kept(g, x_shape)"),
        ("late", "bound", "if x.ndim < 2:", "if x.ndim <= 2:"),
        ("late", "branches", "xp.where(x > y, x, y)", "xp.where(x > y, y, x)"),
        ("late", "comparison", "x > y", "x < y"),
        ("late", "wrong input", "x > y", "y > y"),
        ("late", "keepdims dropped", ", keepdims=True", ""),
        ("late", "axis changed", ", axis=axis", ""),
        ("late", "constant", "axis: int = -1", "axis: int = -2"),
        ("late", "statement dropped", "z += xp.sum(z, axis=axis, keepdims=True)", "pass"),
        ("late", "name exchanged", "xp.maximum", "xp.minimum"),
    ],
)
def test_a_new_op_is_covered_as_it_stands(op, kind, before, after, tmp_path):
    found = planted(tmp_path, in_python, "gpugrad/_ops/new/chapter.py", RULES)
    (line,) = (line.strip() for line in RULES.splitlines() if before in line)
    assert (op, kind, line, line.replace(before, after, 1)) in found
    assert ("new", "rules exchanged") in {(op, kind) for op, kind, _, _ in found}
    assert not any("Return" in before or "raise" in before for _, _, before, _ in found)


def test_hundreds_of_faults_of_every_kind_can_be_planted():
    assert all(len(faults) > 200 for faults in FOUND.values())
    assert len({fault.kind for faults in FOUND.values() for fault in faults}) > 20
    for file in (ROOT / "gpugrad" / "_ops").rglob("*.py"):
        if "@op" in file.read_text("utf-8"):
            assert any(fault.file == file.relative_to(ROOT).as_posix() for fault in FOUND["rules"]), file


def test_a_sample_is_the_same_for_the_same_seed_and_reaches_every_file():
    faults = FOUND["rules"]
    assert sampled(faults, 120, 1) == sampled(faults, 120, 1)
    assert len(set(sampled(faults, 120, 1))) == 120
    assert len(set(sampled(faults, 120, 1)) & set(sampled(faults, 120, 2))) < 60
    assert set(sampled(faults, 0, 3)) == set(faults)
    many = {file for file in in_python.files(ROOT) if sum(fault.file == file for fault in faults) > len(faults) / 120}
    assert many <= {fault.file for fault in sampled(faults, 120, 4)}


def test_half_of_a_sample_are_in_kernels():
    chosen = command.chosen(FOUND, command.parsed(["--count", "60"]))
    assert [sum(fault.language == language for fault in chosen) for language in FOUND] == [30, 30]


def test_what_is_listed_as_equivalent_is_there():
    assert command.main(["--list", "--count", "1"]) == 0


def test_an_equivalent_that_is_no_longer_there_is_an_error(monkeypatch, capsys):
    gone = {("gpugrad/_ops/none.py", "none", "z = x", "z = -x"): "x is 0"}
    monkeypatch.setattr(command, "listed", lambda: gone)
    assert command.main(["--list"]) == 2
    assert "no longer there: gpugrad/_ops/none.py, none:\n-z = x\n+z = -x" in capsys.readouterr().err


def test_an_equivalent_has_a_reason_and_is_listed_once(tmp_path):
    path = tmp_path / "list.toml"
    group = '[[equivalent]]\nfile = "a.py"\nop = "a"\nbecause = "b"\nchanges = [["z = x", "z = -x"]]\n'
    path.write_text(group, encoding="utf-8")
    assert equivalents.listed(path) == {("a.py", "a", "z = x", "z = -x"): "b"}
    path.write_text(2 * group, encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        equivalents.listed(path)


def mutants(*options: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "mutants", "--count", "1", "--jobs", "1", *options],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


TANH = ("--only", "rules", "--op", "tanh", "--kind", "sign", "--tests")
GRADIENT = "tests/ops/test_table.py::test_gradient_is_that_of_finite_differences[numpy-{}]"


@pytest.mark.parametrize(("test", "fate", "status"), [("tanh", "killed", 0), ("exp", "survived", 1)])
def test_a_fault_in_a_rule_is_killed_by_a_test_of_its_op_alone(test, fate, status):
    file = ROOT / "gpugrad" / "_ops" / "elementwise.py"
    before = file.read_bytes()
    done = mutants(*TANH, GRADIENT.format(test))
    assert f"1/1 {fate}" in done.stdout, done.stdout + done.stderr
    assert done.returncode == status
    assert file.read_bytes() == before


@pytest.mark.skipif(cuda_on_cpu.missing() is not None, reason=str(cuda_on_cpu.missing()))
def test_a_fault_in_a_kernel_is_killed():
    done = mutants("--only", "kernels", "--file", "sigmoid.cu", "--kind", "function dropped")
    assert "1/1 killed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
