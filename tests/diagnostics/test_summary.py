"""The table of a model and what notebooks show of tensors and modules."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import OptionError, ShapeError


class Twice(nn.Module):
    """One layer that runs twice, one that never does, a buffer, a frozen parameter."""

    def __init__(self):
        self.layer = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 5, bias=False)
        self.register_buffer("mean", gpugrad.zeros(3))
        self.layer.bias.requires_grad_(False)

    def forward(self, x):
        return self.layer(self.layer(x) - self.mean)


def test_a_table_tells_shapes_parameters_bytes_and_calls():
    summary = Twice().summary((2, 3))
    assert str(summary).splitlines() == [
        "layer     kind              input       output  parameters  bytes",
        "-----------------------------------------------------------------",
        "Twice     Twice             (2, 3)      (2, 3)                 12",
        "  layer   Linear (2 calls)  (2, 3)      (2, 3)          12     48",
        "  unused  Linear            not called                  15     60",
        "-----------------------------------------------------------------",
        "parameters: 27 (trainable: 24, not trainable: 3)",
        "elements of buffers: 3",
        "bytes: 120",
    ]
    assert (summary.parameters, summary.trainable, summary.buffers, summary.bytes) == (27, 24, 3, 120)


def test_a_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.ReLU())
    model[0].eval()
    before = [dict(vars(module)) for module in model.modules()]
    gpugrad.manual_seed(7)
    expected = gpugrad.rand(3).tolist()
    gpugrad.manual_seed(7)
    model.summary((2, 3))
    assert gpugrad.rand(3).tolist() == expected
    with pytest.raises(ShapeError):
        model.summary((2, 4))
    after = [dict(vars(module)) for module in model.modules()]
    for one, other in zip(before, after, strict=True):
        other.setdefault("training", True), one.setdefault("training", True)
        assert one.keys() == other.keys() and all(one[key] is other[key] for key in one)


def test_examples_and_shapes_and_neither():
    model = nn.Linear(3, 2).to(gpugrad.float64)
    x = gpugrad.ones((4, 3), dtype=gpugrad.float64)
    assert (
        str(model.summary(x))
        == str(model.summary((4, 3)))
        == str(model.summary([4, 3]))
        == str(model.summary(x.numpy()))
    )
    assert "input" not in str(model.summary()) and "8" in str(model.summary())


def test_several_inputs_and_outputs():
    class Pair(nn.Module):
        def forward(self, x, y):
            return x + y, {"not": "a tensor"}

    (row,) = Pair().summary((2, 1), (1, 3)).rows
    assert (row.input, row.output) == ("(2, 1), (1, 3)", "(2, 3), dict")


def test_shared_parameters_are_counted_once():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    summary = nn.Sequential(first, second).summary()
    assert summary.parameters == 16 and "counted once" in str(summary)


def test_a_hook_of_the_user_stays():
    model, seen = nn.Linear(3, 2), []
    model.register_forward_hook(lambda module, args, result: seen.append(result.shape))
    model.summary((1, 3))
    model(gpugrad.ones((2, 3)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("value", "error"),
    [("x", TypeError), (3, TypeError), ((1.5, 2), TypeError), ((-1, 3), OptionError), (None, TypeError)],
)
def test_what_is_no_input_is_refused_in_one_line(value, error):
    with pytest.raises(error, match="summary") as caught:
        nn.Linear(3, 2).summary(value)
    assert "\n" not in str(caught.value)
    with pytest.raises(OptionError, match="language"):
        nn.Linear(3, 2).summary(language="fr")


def test_the_chinese_table_is_aligned():
    lines = str(nn.Sequential(nn.Linear(3, 2)).summary((1, 3), language="zh")).splitlines()
    widths = {sum(2 if ord(c) >= 0x2E80 else 1 for c in line) for line in lines[:2]}
    assert len(widths) == 1 and lines[0].startswith("层")


def well_formed(html):
    return ElementTree.fromstring(f"<div>{html.replace('<br>', '<br/>')}</div>")


def test_a_notebook_shows_a_module_as_a_table():
    html = nn.Sequential(nn.Linear(3, 2), nn.ReLU())._repr_html_()
    cells = [cell.text for cell in well_formed(html).iter("td")]
    assert cells[4:8] == ["\N{NO-BREAK SPACE}" * 4 + "0", "Linear", "8", "32"]


@pytest.mark.parametrize("backend", ["numpy", "strict", "fake-cuda"], indirect=True)
def test_a_notebook_shows_a_tensor_as_a_table(backend):
    x = gpugrad.tensor([[1.0, float("nan")], [3.25, -4.0]], requires_grad=True)
    root = well_formed(x._repr_html_())
    assert [cell.text for cell in root.iter("td")] == ["1", "nan", "3.25", "-4"]
    head = root[0].text
    assert "(2, 2)" in head and "float32" in head and str(x.device) in head and "requires_grad" in head
    assert "MultiplyBackward" in (x * x)._repr_html_()
    assert "Parameter" in nn.Parameter(x.detach())._repr_html_()


def test_a_big_tensor_is_shown_by_its_corners():
    root = well_formed(gpugrad.reshape(gpugrad.arange(10_000), (100, 100))._repr_html_())
    rows = [[cell.text for cell in row] for row in root.iter("tr")]
    assert len(rows) == 11 and {len(row) for row in rows} == {11}
    assert rows[0][:6] == ["0", "1", "2", "3", "4", "…"] and rows[-1][-1] == "9999" and set(rows[5]) == {"…"}


@pytest.mark.parametrize("shape", [(), (2, 2, 2), (0,), (0, 3), (1,)])
def test_tensors_of_any_shape_are_shown(shape):
    well_formed(gpugrad.zeros(shape)._repr_html_())


def test_displays_are_there_though_nobody_imported_them():
    code = """
import sys, gpugrad, gpugrad.nn
assert "gpugrad.diagnostics" not in sys.modules
assert "2" in gpugrad.tensor([2.])._repr_html_()
print(gpugrad.nn.Linear(1, 1).summary().parameters, callable(gpugrad.draw), "draw" in dir(gpugrad))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["2", "True", "True"]
