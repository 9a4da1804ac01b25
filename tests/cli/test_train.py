"""`gpugrad train` within this process: what it prints, what it writes, and that a seed decides all of it."""

import csv
import json
import re
import signal
import tomllib

import numpy as np
import pytest
from safetensors.numpy import load_file

import gpugrad
from gpugrad.cli import main
from gpugrad.cli.options import TrainOptions
from gpugrad.cli.report import Report
from gpugrad.cli.storage import load
from gpugrad.cli.train import learn, prepare

TINY = ["train", "--hidden", "8", "--epochs", "2"]


@pytest.fixture
def flowers(tmp_path):
    """Return a CSV file of 60 rows in three clear groups."""
    rng = np.random.default_rng(0)
    path = tmp_path / "flowers.csv"
    lines = ["kind,petal,constant"]
    for i in range(60):
        lines.append(f"{'rose lily fern'.split()[i % 3]},{i % 3 + rng.normal(0, 0.05):.4f},0.1")
    path.write_text("\n".join(lines))
    return path


def test_a_run_prints_what_it_does_and_ends_with_the_accuracy(backend, tmp_path, capsys):
    out = tmp_path / "run"
    assert main([*TINY, "--backend", backend, "--out", str(out)]) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert f"{backend} on {gpugrad.zeros(1).device}, float32" in printed
    assert "1437 rows to train on, 360 to test on, 64 features, 10 classes" in printed
    assert "Linear(in_features=64, out_features=8, bias=True)" in printed
    assert re.search(r"^all +610$", printed, re.MULTILINE)
    assert [line.split()[0] for line in printed.splitlines() if re.match(r" *\d+/2 ", line)] == ["1/2", "2/2"]
    for name in ("model.safetensors", "metrics.csv", "config.toml"):
        assert f"wrote {out / name}" in printed
        assert (out / name).stat().st_size
    assert re.fullmatch(r"test accuracy: [01]\.\d{4}", printed.splitlines()[-1])


def test_every_backend_learns_the_same(backend, tmp_path):
    assert main([*TINY, "--backend", backend, "--dropout", "0.1", "--out", str(tmp_path)]) == 0
    with (tmp_path / "metrics.csv").open() as file:
        epochs = list(csv.DictReader(file))
    assert [epoch["epoch"] for epoch in epochs] == ["1", "2"]
    assert [float(epoch["loss"]) for epoch in epochs] == pytest.approx(LOSSES, rel=1e-4)


LOSSES = [2.262866, 2.137486]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_seed_decides_every_bit(tmp_path, dtype):
    def run(seed, name):
        out = tmp_path / name
        assert main([*TINY, "--dtype", dtype, "--dropout", "0.2", "--seed", seed, "--out", str(out)]) == 0
        return out / "model.safetensors"

    first, again, other = run("5", "a"), run("5", "b"), run("6", "c")
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()
    arrays = load_file(first)
    assert {array.dtype.name for array in arrays.values()} == {dtype}
    assert sorted(arrays) == ["0.bias", "0.weight", "3.bias", "3.weight"]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_a_file_is_learnt_with_every_optimizer(flowers, tmp_path, capsys, optimizer):
    out = tmp_path / "run"
    options = f"--target kind --hidden 16 --epochs 30 --batch-size 8 --noise 0.1 --optimizer {optimizer}".split()
    assert main(["train", "--data", str(flowers), *options, "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "test accuracy: 1.0000"
    classifier, training = load(out)
    assert classifier.classes == ("fern", "lily", "rose")
    assert (classifier.features, classifier.target) == (("petal", "constant"), "kind")
    assert training.test_accuracy == 1


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu"])
def test_every_activation_can_be_asked_for(flowers, tmp_path, activation):
    options = ["--target", "kind", "--activation", activation, "--hidden", "4", "4", "--epochs", "1"]
    assert main(["train", "--data", str(flowers), *options, "--batch-size", "8", "--out", str(tmp_path)]) == 0


def test_the_options_of_a_run_can_be_read_again(tmp_path):
    assert main([*TINY, "--lr", "1e-5", "--out", str(tmp_path)]) == 0
    config = tomllib.loads((tmp_path / "config.toml").read_text())
    assert config["hidden"] == [8]
    assert config["lr"] == 1e-5
    assert set(config) <= set(TrainOptions.__dataclass_fields__)


def test_without_out_each_run_gets_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        assert main(TINY) == 0
        assert (tmp_path / "runs" / f"digits-{number}" / "model.safetensors").is_file()


def test_ctrl_c_saves_the_epochs_that_are_over(tmp_path, monkeypatch, capsys):
    shown = Report.epoch

    def interrupting(self, epoch):
        shown(self, epoch)
        if epoch.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Report, "epoch", interrupting)
    before = signal.getsignal(signal.SIGINT)
    assert main(["train", "--hidden", "8", "--epochs", "50", "--out", str(tmp_path)]) == 130
    assert signal.getsignal(signal.SIGINT) is before
    printed, errors = capsys.readouterr()
    assert re.fullmatch(
        rf"gpugrad: interrupted after epoch 2 of 50; test accuracy 0\.\d{{4}}, saved in {re.escape(str(tmp_path))}\n",
        errors,
    )
    assert "test accuracy:" not in printed
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3
    assert load(tmp_path)[1].test_accuracy == pytest.approx(float(re.search(r"accuracy (0\.\d+)", errors)[1]), abs=1e-4)


def test_ctrl_c_in_the_first_epoch_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Report, "opening", lambda *_: signal.raise_signal(signal.SIGINT))
    assert main([*TINY, "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "gpugrad: interrupted before the first epoch was over; nothing is written\n"
    assert not list(tmp_path.iterdir())


def test_a_loss_that_explodes_is_said_to_and_nothing_is_written(tmp_path, capsys):
    options = ["--optimizer", "sgd", "--lr", "1e30", "--clip-norm", "0", "--out", str(tmp_path)]
    assert main([*TINY, *options]) == 2
    assert re.search(r"the loss is (nan|inf) in epoch \d, .* --lr 1e\+30 may be too high", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_a_float32_run_has_no_float64_on_its_device(tmp_path):
    # The fake device no_float64 raises where one is made.
    assert main([*TINY, "--backend", "strict:no_float64", "--out", str(tmp_path)]) == 0


def test_metadata_says_all_that_a_prediction_needs(tmp_path):
    assert main([*TINY, "--out", str(tmp_path)]) == 0
    content = (tmp_path / "model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    about = json.loads(header["__metadata__"]["gpugrad"])
    assert about["classes"] == list(range(10))
    assert about["architecture"]["hidden"] == [8]
    assert len(about["standardizer"]["mean"]) == len(about["features"]) == 64


def test_the_digits_are_learnt_well():
    # The defaults reach a mean of 0.989 over ten seeds in benchmarks/digits_accuracy.py; here is a tenth of that.
    options = TrainOptions(epochs=8, seed=1)
    problem = prepare(options)
    history, _ = learn(problem, options, Report(8, quiet=True))
    assert history[-1].test_accuracy > 0.965


def test_a_file_name_that_is_no_text_costs_nobody_the_run(tmp_path, flowers, capsys):
    try:
        data = flowers.rename(tmp_path / "flo\udcffwers.csv")
    except (OSError, UnicodeError):
        pytest.skip("file names are text here")
    out = tmp_path / "r\udcffn"
    given = ["--data", str(data), "--target", "kind", "--batch-size", "16", "--out", str(out)]
    assert main([*TINY, *given]) == 0
    assert "flo?wers.csv" in (out / "config.toml").read_text(encoding="utf-8")
    assert main(["predict", str(out), "--data", str(data)]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 60


def test_a_profile_of_steps_is_written_beside_the_model(backend, tmp_path, capsys):
    assert main([*TINY, "--profile", "--backend", backend, "--out", str(tmp_path)]) == 0
    assert f"wrote {tmp_path / 'profile.txt'}" in capsys.readouterr().out
    text = (tmp_path / "profile.txt").read_text("utf-8")
    assert text.startswith("20 training steps, after the first 3\n")
    assert re.search(r"^cross_entropy +20 \+ 20 ", text, re.MULTILINE)
    assert re.search(r"loop\.py:\d+ +40 \+ 40 ", text)  # the line that calls the model of two layers
    events = json.loads((tmp_path / "trace.json").read_text("utf-8"))["traceEvents"]
    assert sum(e["name"] == "AdamW.step" and e["ph"] == "X" and e["tid"] < 1000 for e in events) == 20


def test_a_run_of_too_few_steps_for_a_profile_writes_none(flowers, tmp_path):
    options = ["--epochs", "1", "--batch-size", "24", "--out", str(tmp_path / "run")]
    assert main(["train", "--data", str(flowers), "--target", "kind", "--profile", *options]) == 0
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"model.safetensors", "metrics.csv", "config.toml"}


def test_what_diverges_is_named_by_its_operation(backend, tmp_path, capsys):
    arguments = [*TINY, "--lr", "1e30", "--detect-anomaly", "--backend", backend, "--out", str(tmp_path)]
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"gpugrad: training stopped and nothing is written: linear made an Inf out of finite", line)
    assert "in layer 2 (Linear); logits = module(x)" in line
    assert list(tmp_path.iterdir()) == []
    assert not gpugrad.autograd.is_anomaly_enabled()
