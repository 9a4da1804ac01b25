"""The pictures of the pages and others, byte for byte. GPUGRAD_WRITE_PICTURES=1 writes them; then look at them."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

import gpugrad
from gpugrad import nn

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "docs" / "pictures"
SNAPSHOTS = HERE / "snapshots"


def leaves(**values):
    return {name: gpugrad.tensor(value, requires_grad=True) for name, value in values.items()}


def circuit(**options):
    """Return (x + y) * z."""
    names = leaves(x=-2.0, y=5.0, z=-4.0)
    q = names["x"] + names["y"]
    f = q * names["z"]
    return gpugrad.draw(f, names={**names, "q": q, "f": f}, **options)


def neuron(**options):
    """Return sigmoid(w0 x0 + w1 x1 + w2)."""
    n = leaves(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0)
    f = gpugrad.sigmoid(n["w0"] * n["x0"] + n["w1"] * n["x1"] + n["w2"])
    return gpugrad.draw(f, names={**n, "f": f}, **options)


def mlp(**options):
    """Return cross-entropy of three layers, all of whose numbers are simple ones: no draws, no rounding."""
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))
    with gpugrad.no_grad():
        for parameter in model.parameters():
            parameter.copy_(gpugrad.reshape(gpugrad.arange(parameter.size) % 7 - 3, parameter.shape) / 16)
    x = gpugrad.reshape(gpugrad.arange(32.0) % 5 - 2, (4, 8))
    labels = gpugrad.tensor([0, 1, 2, 3])
    loss = nn.functional.cross_entropy(model(x), labels)
    return gpugrad.draw(loss, names={"x": x, "labels": labels, "net": model, "loss": loss}, **options)


def several_outputs(**options):
    """Return a sum of products of the rows of a matrix, one of which is used twice."""
    (m,) = leaves(m=[[1.0, 2.0], [3.0, 4.0]]).values()
    a, b = gpugrad.unstack(m)
    return gpugrad.draw((a * b + a).sum(), names={"m": m, "a": a, "b": b}, **options)


def chain(**options):
    """Return a hundred factors of 1.5 and 0.5 in turn."""
    (x,) = leaves(x=1.0).values()
    y = x
    for i in range(100):
        y = y * (1.5 if i % 2 else 0.5)
    return gpugrad.draw(y, names={"x": x, "y": y}, **options)


def diamond(**options):
    (x,) = leaves(x=3.0).values()
    return gpugrad.draw(x * x + x, names={"x": x}, **options)


FILES = {
    PICTURES / "circuit.svg": lambda: circuit(),
    PICTURES / "circuit.zh.svg": lambda: circuit(language="zh"),
    PICTURES / "neuron.svg": lambda: neuron(),
    PICTURES / "neuron.zh.svg": lambda: neuron(language="zh"),
    PICTURES / "mlp.svg": lambda: mlp(),
    SNAPSHOTS / "circuit.svg": lambda: circuit(),
    SNAPSHOTS / "neuron.svg": lambda: neuron(),
    SNAPSHOTS / "diamond.svg": lambda: diamond(),
    SNAPSHOTS / "several_outputs.svg": lambda: several_outputs(),
    SNAPSHOTS / "chain.svg": lambda: chain(),
    SNAPSHOTS / "chain.zh.svg": lambda: chain(language="zh"),
    SNAPSHOTS / "circuit.dot": lambda: circuit(),
    SNAPSHOTS / "circuit.mmd": lambda: circuit(),
    SNAPSHOTS / "circuit.html": lambda: circuit(),
    SNAPSHOTS / "mlp.txt": lambda: mlp(),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_picture_is_drawn_as_it_was(path, tmp_path):
    drawing = FILES[path]()
    if os.environ.get("GPUGRAD_WRITE_PICTURES"):
        drawing.save(path)
    assert drawing.save(tmp_path / path.name).read_bytes() == path.read_bytes()


def test_no_snapshot_is_left_over():
    assert {*PICTURES.iterdir(), *SNAPSHOTS.iterdir()} == {*FILES}


def shown(path):
    """Return the texts of an SVG file that have a role, as (role, text)."""
    root = ElementTree.parse(path).getroot()
    marked = [e for e in root.iter() if e.tag.rpartition("}")[2] in ("text", "tspan") and e.get("class")]
    return [(e.get("class").removeprefix("gg-"), e.text) for e in marked]


def test_the_circuit_shows_the_numbers_of_the_textbooks():
    texts = shown(PICTURES / "circuit.svg")
    assert [t for role, t in texts if role == "value"][1:] == ["-2", "5", "q = 3", "-4", "-12"]
    assert [t for role, t in texts if role == "gradient"][1:] == ["-4", "-4", "-4", "3", "1"]


def test_the_neuron_shows_the_numbers_of_the_textbooks():
    texts = shown(PICTURES / "neuron.svg")
    assert [t for role, t in texts if role == "value"][1:] == "2 -1 -3 -2 -2 6 4 -3 1 0.7311".split()
    gradients = "-0.1966 0.3932 -0.3932 -0.5898 0.1966 0.1966 0.1966 0.1966 0.1966 1"
    assert [t for role, t in texts if role == "gradient"][1:] == gradients.split()


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".svg"], ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_picture_stands_by_itself(path):
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme: dark" in text
    assert text.count("http") == 1  # the namespace: nothing is fetched
    assert " id=" not in text and "<script" not in text  # many of them may stand in one page


@pytest.mark.parametrize("name", ["circuit", "neuron"])
def test_the_chinese_pictures_have_the_same_numbers_and_no_english(name):
    english, chinese = (shown(PICTURES / f"{name}{suffix}.svg") for suffix in ("", ".zh"))
    assert english[2:] == chinese[2:]
    assert [t for _, t in chinese[:2]] == ["数值:边的上方,前向 →", "f 的梯度:边的下方,← 反向"]
