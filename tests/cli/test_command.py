"""The command as a process: exit status, the last line, signals, terminals, the environment."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TINY = ["train", "--hidden", "4", "--epochs", "2"]


def command(*words, **variables):
    environment = {k: v for k, v in os.environ.items() if k not in ("GPUGRAD_BACKEND", "NO_COLOR", "FORCE_COLOR")}
    return {
        "args": [sys.executable, "-m", "gpugrad", *words],
        "env": {**environment, **variables},
        "text": True,
        "encoding": "utf-8",
    }


def run(*words, **variables):
    return subprocess.run(**command(*words, **variables), capture_output=True, timeout=120)


def test_a_run_ends_with_its_accuracy_in_plain_lines(tmp_path):
    done = run(*TINY, "--out", str(tmp_path), FORCE_COLOR="")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", done.stdout.splitlines()[-1])
    assert "\x1b" not in done.stdout


def test_a_mistake_has_status_2_and_no_traceback():
    done = run("train", "--epochs", "2.5")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "gpugrad: Invalid value for --epochs: '2.5' is not a whole number (see gpugrad train --help)\n"
    )


def test_the_environment_chooses_the_backend_and_the_option_overrules_it(tmp_path):
    words = [*TINY, "--out", str(tmp_path)]
    done = run(*words, GPUGRAD_BACKEND="nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown backend 'nonsense'" in done.stderr
    assert run(*words, "--backend", "numpy", GPUGRAD_BACKEND="nonsense").returncode == 0
    assert run("train", "--help", GPUGRAD_BACKEND="nonsense").returncode == 0


def test_the_library_does_not_bring_the_command_along():
    code = (
        "import sys, gpugrad; heavy = 'rich cyclopts safetensors gpugrad.cli gpugrad.data'.split(); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_who_leaves_is_no_fault(tmp_path):
    process = subprocess.Popen(
        **command("predict", "--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in (0, 1)


def test_the_benchmark_of_accuracy_runs_by_the_same_options():
    script = Path(__file__).parents[2] / "benchmarks" / "digits_accuracy.py"
    words = [sys.executable, str(script), "--hidden", "4", "--epochs", "1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 11
    assert re.match(r"mean 0\.\d{4}, worst 0\.\d{4}, ", done.stdout.splitlines()[-1])


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_is_one_line_and_saves_what_is_done(tmp_path):
    words = ["train", "--hidden", "4", "--epochs", "100000", "--out", str(tmp_path)]
    process = subprocess.Popen(**command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in process.stdout:
        if line.strip().startswith("3/"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(r"gpugrad: interrupted after epoch \d+ of 100000; test accuracy .* saved in .*\n", errors)
    assert (tmp_path / "model.safetensors").is_file()


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX's")
@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_has_colours_unless_they_are_unwanted(tmp_path, variables, coloured):
    import pty

    ours, theirs = pty.openpty()
    words = [*TINY, "--out", str(tmp_path)]
    variables = {"TERM": "xterm-256color", "COLUMNS": "100", **variables}
    process = subprocess.Popen(**command(*words, **variables), stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(ours)
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())
    assert re.fullmatch(r"test accuracy: 0\.\d{4}", text.strip().splitlines()[-1])
    assert bool(re.search(rb"\x1b\[(1;)?3\d", shown)) == coloured
