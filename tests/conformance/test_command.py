"""`python -m gpugrad.conformance`: the table, the list, the file, the exit status, and one line for a mistake."""

import json
import subprocess
import sys

import pytest

from gpugrad.conformance import STATUSES
from gpugrad.conformance.__main__ import main


def test_it_prints_a_table_of_counts_by_chapter_and_order(capsys):
    assert main(["--only", "exp*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("gpugrad ")
    first = next(line for line in lines if line.startswith("| elementwise"))
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert cells == ["elementwise", cells[1], cells[1], "0", "0", "0", "0", "0"]
    assert int(cells[1]) > 20
    titles = [line for line in lines if "unsupported" in line]
    assert [title.split("|")[1].strip() for title in titles] == ["First order", "Second order"]


def test_it_runs_on_a_backend_by_name(capsys, fake_cuda):
    assert main(["--only", "matmul*", "--backend", "cupy"]) == 0
    assert "linear algebra" in capsys.readouterr().out


def test_it_writes_all_results_to_a_file(tmp_path, capsys):
    file = tmp_path / "results.json"
    assert main(["--only", "abs*", "--json", str(file)]) == 0
    written = json.loads(file.read_text("utf-8"))
    assert written["library"] == "gpugrad"
    assert written["first"]["conventions"]["right"] >= 4
    assert {r["first"]["status"] for r in written["results"]} <= set(STATUSES)
    assert all(r["case"].startswith("abs") for r in written["results"])


def test_what_is_not_right_is_listed_and_makes_the_status_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "half.py").write_text(
        "from gpugrad.conformance._adapters._gpugrad import GpugradAdapter\n"
        "class Half(GpugradAdapter):\n"
        "    def find(self, name):\n"
        "        sound = super().find(name)\n"
        "        return (lambda x: (sound(x) + sound(x).detach()) * 0.5) if name == 'exp' else sound\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["--namespace", "half:Half", "--only", "exp*: vector", "--list-failures"]) == 1
    printed = capsys.readouterr().out
    assert "first order, wrong: exp: vector [float64]: [" in printed
    assert "second order, wrong: exp: vector [float32]" in printed
    assert "expm1" not in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--namespace", "nowhere"], "no adapter for the namespace 'nowhere': there are gpugrad, torch"),
        (["--namespace", "no_such_package:Adapter"], "no_such_package is not installed"),
        (["--namespace", "json:Adapter"], "the module json has no adapter 'Adapter'"),
        (["--namespace", "json:JSONDecoder"], "json:JSONDecoder is JSONDecoder, not a gpugrad.conformance.Adapter"),
        (["--only", "nothing*"], "no case matches 'nothing*'"),
        (["--backend", "abacus"], "abacus"),
        (["--backend", "numpy", "--namespace", "json:JSONDecoder"], "leave it out with another --namespace"),
        (["--only", "exp: 0-d", "--json", "no/such/folder/file"], "no/such/folder/file: No such file"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments, says, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("gpugrad.conformance: ") and says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("namespace", ["torch", "jax.numpy", "autograd.numpy", "mygrad"])
def test_a_library_that_is_not_installed_is_one_line(namespace, monkeypatch, capsys):
    package = namespace.partition(".")[0]
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("gpugrad.conformance._adapters._")]:
        if not name.endswith(("_base", "_gpugrad", "_tape", "_numpy_names")):
            monkeypatch.delitem(sys.modules, name)
    if namespace == "torch":
        monkeypatch.delitem(sys.modules, "array_api_compat.torch", raising=False)
    assert main(["--namespace", namespace]) == 2
    assert f"{package} is not installed, so {namespace} cannot be examined" in capsys.readouterr().err


def test_it_is_a_command_of_python():
    ran = subprocess.run(
        [sys.executable, "-m", "gpugrad.conformance", "--only", "tanh: 0-d"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "| all" in ran.stdout


def test_importing_the_suite_imports_no_other_library():
    code = (
        "import sys, gpugrad.conformance; print([n for n in 'torch jax autograd mygrad' .split() if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
