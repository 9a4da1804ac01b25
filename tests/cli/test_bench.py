"""`gpugrad bench` times real steps."""

import re

from gpugrad.cli import main


def test_a_step_takes_time(backend, capsys):
    assert main(["bench", "--hidden", "8", "--batch-size", "4", "--steps", "2", "--backend", backend]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{backend} on ")
    assert first.endswith("MLP 784-8-10, batches of 4, float32")
    assert re.fullmatch(r"one step: \d+\.\d{3} ms, from \d+\.\d{3} to \d+\.\d{3}", second)
