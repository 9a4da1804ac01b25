"""The report of what a graph keeps alive: the bytes it names are those that are really there."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad.autograd import checkpoint, detect_anomaly
from gpugrad.autograd.graph import save_on_cpu, saved_tensors_hooks


def leaf(shape, **options):
    return gg.ones(shape, requires_grad=True, **options)


def deep(depth=6, width=192, batch=1024):
    layers = [m for _ in range(depth) for m in (nn.Linear(width, width), nn.Tanh())]
    return nn.Sequential(*layers), gg.randn(batch, width)


def traced(function):
    """Return what a function returns, and the bytes that are there after it and were not before."""
    function()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = function()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return result, after - before


@pytest.mark.parametrize("how", ["plain", "checkpoint", "compressed", "chain of views"])
def test_the_bytes_are_those_that_were_allocated(how):
    model, x = deep()

    def forward():
        h = x * 1.0  # made within, so that it counts
        if how == "plain":
            return model(h).sum()
        if how == "checkpoint":
            return checkpoint(model[6:], checkpoint(model[:6], h)).sum()
        if how == "compressed":
            shape = h.shape
            pack = lambda t: zlib.compress(t.numpy().tobytes(), 1)  # noqa: E731
            with saved_tensors_hooks(pack, lambda p: gg.tensor(np.frombuffer(zlib.decompress(p), "f4").reshape(shape))):
                return gg.exp(gg.relu(model(h) - 5.0)).sum()
        return (h[1:] * gg.tanh(h.T.reshape(1024, 192))[:-1] * model(h[:-1])).sum()

    loss, there = traced(forward)
    report = gg.memory_report(loss)
    assert report.bytes == pytest.approx(there, rel=0.03)
    assert report.bytes == sum(row.bytes for row in report.rows)


def test_parameters_are_counted_apart(backend):
    model, x = deep(2, 16, 4)
    report = gg.memory_report(model(x).sum())
    assert report.parameters == 2 * 16 * 16 * 4  # the weights; no derivative needs a bias
    assert report.bytes == 3 * x.nbytes  # the input, and the results of both tanh
    assert {value.kind for value in report.values} == {"saved", "parameter"}


def test_an_arena_of_parameters_is_one_piece_of_memory(backend):
    model, x = deep(2, 16, 4)
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    model(x).sum().backward()
    optimizer.step()
    report = gg.memory_report(gg.square(model(x)).sum())
    parameters = [value for value in report.values if value.kind == "parameter"]
    assert len(parameters) == 1 and parameters[0].bytes >= sum(p.nbytes for p in model.parameters())


def test_one_memory_is_counted_once_however_many_keep_it(backend):
    h = leaf((8, 8)) * 1.0
    z = h * h + gg.sin(h) * gg.cos(h) + h.T * h[::-1]
    report = gg.memory_report(z)
    assert report.bytes == 3 * h.nbytes  # h under four names and by views of it, sin and cos
    assert [(row.op, row.values) for row in report.rows] == [("multiply", 3)]


def test_a_view_keeps_alive_what_it_is_a_view_of(backend):
    data = gg.ones((100, 4))
    report = gg.memory_report(leaf((1, 4)) * data[:1])
    (value,) = report.values
    assert value.bytes == data.nbytes and value.shape == (1, 4) and value.name == "x2"


def test_after_backward_nothing_is_left(backend):
    model, x = deep(2, 16, 4)
    for wrap in (lambda f, x: f(x), checkpoint):
        loss = gg.square(wrap(model, x)).sum()
        before = gg.memory_report(loss).bytes
        loss.backward(retain_graph=True)
        assert 0 < gg.memory_report(loss).bytes >= before
        loss.backward()
        report = gg.memory_report(loss)
        assert (report.bytes, report.parameters, report.rows, report.values) == (0, 0, [], [])


def test_layers_are_named_and_take_what_follows_them(backend):
    model = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4), nn.Tanh())
    names = {"net": model, "scale": (scale := leaf((1,)))}
    z = gg.exp(model(gg.ones((2, 4)))) * scale
    rows = {(row.op, row.layer) for row in gg.memory_report(z, names).rows}
    assert ("gelu", "net.0") in rows and ("exp", "net.2") in rows
    assert {layer for _, layer in rows} <= {"net.0", "net.2", "scale"}
    assert {row.layer for row in gg.memory_report(z).rows} == {""}


def test_lines_are_told_where_they_are_known(backend):
    x = leaf((4,))
    with detect_anomaly():
        z = gg.exp(x)
    (row,) = gg.memory_report(z).rows
    assert row.line.partition(":")[0].endswith("test_memory.py") and "line" in str(gg.memory_report(z))


def test_what_is_packed_counts_as_it_is_packed(backend):
    x = leaf((64, 64))
    with saved_tensors_hooks(lambda t: zlib.compress(np.asarray(t.tolist()).tobytes()), lambda p: p):
        z = gg.exp(x)
    report = gg.memory_report(z)
    assert 0 < report.packed == report.bytes < x.nbytes / 4
    with save_on_cpu():
        z = gg.exp(x)
    assert gg.memory_report(z).packed == x.nbytes
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        z = x * x
    report = gg.memory_report(z)
    assert (report.bytes, report.parameters) == (0, x.nbytes)


def test_indices_are_counted_and_numbers_are_not(backend):
    x, index = leaf((50, 2)), gg.tensor([1, 2, 3])
    report = gg.memory_report(x[index] * 2.0)
    assert report.bytes == sum(v.bytes for v in report.values if v.dtype == "int64") > 0


def test_looking_changes_nothing(backend):
    x, seen = leaf((4,)), []
    with saved_tensors_hooks(lambda t: t.clone(), lambda p: (seen.append(1), p)[1]):
        z = gg.exp(x)
    calls = []
    y = checkpoint(lambda x: (calls.append(1), gg.exp(gg.sin(x)))[1], x)
    str(gg.memory_report([z, y])), gg.memory_report([z, y])._repr_html_()
    assert not seen and len(calls) == 1


def test_several_outputs_share_what_they_share(backend):
    h = gg.exp(leaf((8,)))
    both = gg.memory_report([gg.sin(h), gg.cos(h)])
    assert both.bytes == h.nbytes
    assert gg.memory_report((h,)).bytes == h.nbytes
    assert gg.memory_report(gg.ones(3)).bytes == 0


@pytest.mark.parametrize("wrong", [3, None, "loss", [gg.ones(1), 3]])
def test_what_is_no_tensor_is_refused(wrong):
    with pytest.raises(TypeError, match="memory_report takes a tensor"):
        gg.memory_report(wrong)
    with pytest.raises(TypeError, match="names"):
        gg.memory_report(leaf((1,)) * 2, 3)


def test_the_table_as_text_and_for_notebooks():
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    loss = nn.functional.cross_entropy(model(gg.ones((8, 16))), gg.zeros(8, dtype=gg.int64))
    report = gg.memory_report(loss, model)
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "op                layer  values  bytes",
        "--------------------------------------",
        "activated_linear  0           2  1,536",
        "cross_entropy     2           2    192",
        "--------------------------------------",
        "bytes: 1,728",
        "parameters, which are there anyway: 2,560",
        "largest:",
        "  1,024  z of activated_linear, float32 (8, 32), in 0",
        "  512  x of activated_linear, float32 (8, 16), in 0",
        "  128  x of cross_entropy, float32 (8, 4), in 2",
        "  64  target of cross_entropy, int64 (8,), in 2",
    ]
    html = report._repr_html_()
    assert html.startswith("<table") and "1,536" in html and "bytes: 1,728" in html
    assert "&lt;" not in html


def test_importing_gpugrad_loads_no_diagnostics():
    code = "import sys, gpugrad; print('gpugrad.diagnostics' in sys.modules, 'memory_report' in dir(gpugrad))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
