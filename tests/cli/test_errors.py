"""What a user gets wrong is said in one line on standard error, with exit status 2 and no traceback."""

import numpy as np
import pytest

from gpugrad.cli import main

CASES = {
    "train --epohcs 3": "Unknown option: --epohcs. Did you mean --epochs?",
    "trian": 'Unknown command "trian". Did you mean "train"?',
    "train more": "Unused Tokens: ['more']",
    "train --epochs 2.5": "--epochs: '2.5' is not a whole number",
    "train --epochs 0": "--epochs: 0 is out of range: give 1 or more",
    "train --epochs": "--epochs requires an argument",
    "train --epochs 1 --epochs 2": "--epochs specified multiple times",
    "train --lr -1": "--lr: -1 is out of range: give above 0",
    "train --lr 0": "--lr: 0 is out of range",
    "train --lr inf": "--lr: inf is not a finite number",
    "train --lr nan": "--lr: nan is not a finite number",
    "train --lr fast": "--lr: 'fast' is not a number",
    "train --hidden": "--hidden requires at least 1 element",
    "train --hidden 0": "--hidden: 0 is out of range: give 1 or more",
    "train --hidden 8 0": "--hidden: 0 is out of range",
    "train --hidden 8 -4": "--hidden: -4 is out of range",
    "train --hidden 8,4": "--hidden: '8,4' is not a whole number",
    "train --activation rely": 'Did you mean "relu"?',
    "train --optimizer admw": 'Did you mean "adamw"?',
    "train --dtype int": 'Choose from: "float32", "float64"',
    "train --batch-size 0": "--batch-size: 0 is out of range",
    "train --batch-size 1438": "--batch-size 1438: there are 1437 training rows",
    "train --seed -1": "--seed: -1 is out of range",
    "train --seed 18446744073709551616": "or less",
    "train --dropout 1": "--dropout: 1 is out of range: give 0 or more and below 1",
    "train --weight-decay -0.1": "--weight-decay: -0.1 is out of range",
    "train --clip-norm -1": "--clip-norm: -1 is out of range",
    "train --backend cuppy": "unknown backend 'cuppy': choose one of numpy, cupy, strict, auto. Did you mean 'cupy'?",
    "train --backend cpu:3": "device 'cpu:3' does not exist",
    "train --data missing.csv": "missing.csv: there is no such file",
    "train --data .": "this is a folder",
    "train --target y": "--target names a column of a file, and there is no --data",
    "predict": "MODEL requires an argument",
    "predict missing": "missing: there is no such file",
    "predict .": "model.safetensors: there is no such file",
    "doctor --jsn": "Did you mean --json?",
    "bench --steps 0": "--steps: 0 is out of range",
}


@pytest.mark.parametrize("line", CASES)
def test_a_mistake_is_one_line(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.startswith("gpugrad: ")
    assert CASES[line] in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_cupy_without_cupy_is_one_line(capsys, monkeypatch):
    from gpugrad.backends import _choice

    def unavailable():
        raise gpugrad_error

    from gpugrad.errors import BackendUnavailable

    gpugrad_error = BackendUnavailable("backend 'cupy' is not available: CuPy is not installed.", "not-installed")
    monkeypatch.setattr(_choice, "_factories", {**_choice._factories, "cupy": unavailable})
    monkeypatch.setattr(_choice, "_made", {k: v for k, v in _choice._made.items() if k != "cupy"})
    assert main(["train", "--backend", "cupy"]) == 2
    assert capsys.readouterr().err == "gpugrad: backend 'cupy' is not available: CuPy is not installed.\n"


def test_out_must_be_a_folder_that_can_be_written(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["train", "--out", str(tmp_path / "file")]) == 2
    assert "--out" in (errors := capsys.readouterr().err)
    assert "this is a file; name a folder" in errors
    assert main(["train", "--out", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be written to (Not a directory); name another folder" in capsys.readouterr().err
    assert main(["train", "--out", "nul\0byte"]) == 2
    assert "name another folder" in capsys.readouterr().err


def test_too_few_rows_name_the_class(capsys, tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("a,kind\n1,cat\n2,cat\n3,dog\n")
    assert main(["train", "--data", str(path), "--batch-size", "1"]) == 2
    assert "few.csv, column 'kind': class 'dog' has one row only" in capsys.readouterr().err


def test_data_that_cannot_be_used_leaves_no_folder_behind(capsys, tmp_path):
    np.savez(tmp_path / "bad.npz", x=np.ones((4, 2)))
    assert main(["train", "--data", str(tmp_path / "bad.npz"), "--out", str(tmp_path / "run")]) == 2
    assert "there is no array 'y'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_network_too_large_for_memory_is_one_line(capsys, tmp_path):
    for sizes in (["900000000000"], ["900000000000", "900000000000"], ["1" + 20 * "0"]):
        assert main(["train", "--hidden", *sizes, "--out", str(tmp_path)]) == 2
        assert "out of memory" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["", "--help", "train --help", "predict --help", "doctor --help", "bench --help"])
def test_help_is_no_error(line, capsys):
    assert main(line.split()) == 0
    assert "gpugrad" in capsys.readouterr().out


def test_version_is_the_package_s(capsys):
    import gpugrad

    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"gpugrad {gpugrad.__version__}"
