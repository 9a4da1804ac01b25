"""`gpugrad predict`: a saved model gives the same answers again, and a broken file one line."""

import json
import re
import struct

import numpy as np
import pytest

import gpugrad
from gpugrad.cli import main
from gpugrad.cli.storage import load
from gpugrad.data import load_digits, stratified_split


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a short run on the digits."""
    out = tmp_path_factory.mktemp("run")
    assert main(["train", "--hidden", "16", "--epochs", "3", "--seed", "4", "--out", str(out)]) == 0
    return out


@pytest.fixture
def held_out(run):
    """Return the rows that the run was tested on."""
    x, y = load_digits()
    rows = stratified_split(y, 0.2, 4)[1]
    return x[rows], y[rows]


def write_csv(path, x, y=None, header=None):
    table = x if y is None else np.column_stack([x, y])
    lines = [",".join(map(str, row)) for row in table.tolist()]
    path.write_text("\n".join(([header] if header else []) + lines))
    return path


def predicted(capsys, *options):
    capsys.readouterr()
    assert main(["predict", *map(str, options)]) == 0
    printed, errors = capsys.readouterr()
    found = re.fullmatch(r"accuracy on \d+ rows: ([01]\.\d{4})\n", errors)
    return printed.split(), found and found[1]


def test_the_reported_accuracy_is_reproduced_from_the_file(run, held_out, backend, capsys, tmp_path):
    x, y = held_out
    reported = f"{load(run)[1].test_accuracy:.4f}"
    path = write_csv(tmp_path / "held_out.csv", x, y)
    labels, accuracy = predicted(capsys, run / "model.safetensors", "--data", path, "--backend", backend)
    assert accuracy == reported
    assert f"{np.mean(np.array(labels, dtype=int) == y):.4f}" == reported


def test_the_rows_put_aside_are_found_again(run, capsys):
    labels, accuracy = predicted(capsys, run, "--held-out")
    assert len(labels) == 360
    assert accuracy == f"{load(run)[1].test_accuracy:.4f}"


def test_labels_are_not_needed_and_columns_go_by_name(run, held_out, capsys, tmp_path):
    x, _ = held_out
    expected, _ = predicted(capsys, run, "--held-out")
    plain, none = predicted(capsys, run, "--data", write_csv(tmp_path / "plain.csv", x))
    names = [f"pixel_{i // 8}_{i % 8}" for i in range(64)]
    turned = write_csv(tmp_path / "turned.csv", x[:, ::-1], header=",".join(names[::-1]))
    np.savez(tmp_path / "plain.npz", x=x)
    assert none is None
    assert plain == expected
    assert predicted(capsys, run, "--data", turned)[0] == expected
    assert predicted(capsys, run, "--data", tmp_path / "plain.npz")[0] == expected


def test_the_model_computes_as_it_did_in_training(run):
    classifier, _ = load(run)
    digits = load_digits()
    prepared = gpugrad.asarray(classifier.standardizer(digits.x))
    np.testing.assert_array_equal(classifier.predict(digits.x), np.asarray(classifier.module(prepared).argmax(1)))


def test_a_file_of_other_data_is_refused(run, capsys, tmp_path):
    path = write_csv(tmp_path / "other.csv", np.ones((2, 3)))
    assert main(["predict", str(run), "--data", str(path)]) == 2
    assert "3 columns, and the model was trained on 64 features" in capsys.readouterr().err


def test_held_out_needs_labels_of_the_model(run, capsys, held_out, tmp_path):
    x, y = held_out
    for path in (write_csv(tmp_path / "a.csv", x), write_csv(tmp_path / "b.csv", x, y + 5)):
        assert main(["predict", str(run), "--held-out", "--data", str(path)]) == 2
        assert "--held-out" in capsys.readouterr().err


def header_of(content):
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def packed(text, rest):
    return struct.pack("<Q", len(text)) + text + rest


def damages(content):
    header, rest = header_of(content)
    about = json.loads(header["__metadata__"]["gpugrad"])

    def with_about(**changes):
        changed = {**header, "__metadata__": {"gpugrad": json.dumps({**about, **changes})}}
        return packed(json.dumps(changed).encode(), rest)

    weights = {k: v for k, v in header.items() if k != "__metadata__"}
    text = json.dumps(header)
    architecture = about["architecture"]
    return {
        "text": b"hello",
        "short": content[:100],
        "cut": content[:-10],
        "huge header": struct.pack("<Q", 2**62) + content[8:],
        "no metadata": packed(json.dumps(weights).encode(), rest),
        "a key twice": packed((text[:-1] + ', "0.bias": ' + json.dumps(header["0.bias"]) + "}").encode(), rest),
        "later format": with_about(format=2),
        "other classes": with_about(classes=[1, 2]),
        "other sizes": with_about(architecture={**architecture, "hidden": [17]}),
        "odd sizes": with_about(architecture={**architecture, "hidden": ["16"]}),
        "more options": with_about(architecture={**architecture, "surprise": 1}),
        "odd activation": with_about(architecture={**architecture, "activation": "eval"}),
        "odd scale": with_about(standardizer={**about["standardizer"], "scale": [0.0] * 64}),
        "odd mean": with_about(standardizer={**about["standardizer"], "mean": [float("nan")] * 64}),
        "a list": packed(json.dumps({**header, "__metadata__": {"gpugrad": "[]"}}).encode(), rest),
        "nested": packed(json.dumps({**header, "__metadata__": {"gpugrad": "[" * 100_000}}).encode(), rest),
    }


def test_a_damaged_model_is_one_line(run, capsys, tmp_path):
    path = tmp_path / "model.safetensors"
    for name, content in damages((run / "model.safetensors").read_bytes()).items():
        path.write_bytes(content)
        assert main(["predict", str(path)]) == 2, name
        printed, errors = capsys.readouterr()
        assert printed == "", name
        assert errors.startswith(f"gpugrad: {path}: "), name
        assert errors.count("\n") == 1, name
