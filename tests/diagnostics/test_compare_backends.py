"""Two backends, or two dtypes, are compared op by op; what differs first, and where runs part, is named."""

from __future__ import annotations

import inspect
import threading
from dataclasses import replace

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._op import table
from gpugrad.backends import backend_named
from gpugrad.diagnostics._compare_errors import difference
from gpugrad.errors import BackendUnavailable, OptionError

VALUES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def leaf(x=VALUES):
    return gg.tensor(x, requires_grad=True)


def network(x):
    y = gg.exp(x)
    z = gg.tanh(y @ gg.matrix_transpose(x))
    return gg.sum(gg.log(1 + z * z), axis=0)


OPS = ["exp", "matrix_transpose", "matmul", "tanh", "multiply", "add", "log", "sum"]


@pytest.fixture(params=["strict", "cuda"])
def other(request):
    """Name a backend other than NumPy, or skip the test."""
    if request.param == "cuda":
        request.getfixturevalue("fake_cuda")
    return request.param


@pytest.fixture
def wrong(monkeypatch):
    """Make the forward function of an op wrong for one type of array."""

    def plant(name, backend, fault):
        op = table[name]
        array_type = backend_named(backend).array_type
        find = type(op.forwards)._found

        def found(self, kind):
            f = find(self, kind)
            return (lambda *operands: fault(f(*operands))) if self.name == name and kind is array_type else f

        monkeypatch.setattr(type(op.forwards), "_found", found)
        op.forwards.clear()
        op.forwards.unwatched.clear()
        planted.append(op)

    planted = []
    yield plant
    monkeypatch.undo()
    for op in planted:
        op.forwards.clear()
        op.forwards.unwatched.clear()


def test_every_op_is_compared_in_order_forward_and_backward(other):
    found = gg.compare_backends(network, leaf(), ("numpy", other))
    names = [row.name for row in found.rows]
    assert names[: len(OPS)] == OPS
    assert names[len(OPS) : -2] == [f"{name} backward" for name in reversed(OPS[2:])] + [
        "matrix_transpose backward", "exp backward",
    ]  # fmt: skip
    assert names[-2:] == ["output 0", "gradient of input 0"]
    assert found.agrees and found.first_difference is None
    assert all(row.ulp <= 4 for row in found.rows)
    assert all(row.dtypes == ("float32", "float32") for row in found.rows)


def test_rows_name_the_line_of_the_user(other):
    found = gg.compare_backends(network, leaf(), ("numpy", other))
    first = inspect.getsourcelines(network)[1]
    lines = {row.name: row.line.line - first for row in found.rows if row.line is not None}
    assert (lines["exp"], lines["tanh"], lines["log backward"]) == (1, 2, 3)
    assert all(row.line is None or row.line.file == __file__ for row in found.rows)


def test_an_op_that_is_wrong_on_one_backend_is_the_first_difference(other, wrong):
    wrong("tanh", "cupy" if other == "cuda" else other, lambda z: z * 1.001)
    found = gg.compare_backends(network, leaf(), ("numpy", other))
    assert not found.agrees
    assert found.first_difference.name == "tanh"
    assert found.first_difference.relative == pytest.approx(1e-3, rel=1e-2)
    assert "first difference: tanh, called at" in str(found)
    assert found.rows[OPS.index("log")].differs  # it was given what differs


def test_isolated_each_op_has_its_own_error_alone(other, wrong):
    wrong("tanh", "cupy" if other == "cuda" else other, lambda z: z * 1.001)
    found = gg.compare_backends(network, leaf(), ("numpy", other), isolated=True)
    assert [row.name for row in found.rows if row.differs] == ["tanh"]


def test_a_rule_that_is_wrong_on_one_backend_is_found(monkeypatch):
    op = table["exp"]
    rule = op.rule_of[0].function
    wrong = replace(op.rule_of[0], function=lambda g, z: rule(g, z) * (1.0 if type(z) is np.ndarray else 1.01))
    monkeypatch.setattr(op, "rules", [wrong])
    found = gg.compare_backends(network, leaf(), ("numpy", "strict"))
    assert found.first_difference.name == "exp backward"
    assert found.rows[-1].differs


def test_nan_in_one_run_is_a_difference(wrong):
    def spoil(z):
        z[1, 2] = np.nan
        return z

    wrong("tanh", "strict", spoil)
    found = gg.compare_backends(gg.tanh, leaf(), ("numpy", "strict"))
    assert (found.first_difference.name, found.first_difference.index) == ("tanh", (1, 2))
    assert found.first_difference.ulp == np.inf


def test_float32_against_float64_shows_the_rounding_of_float32(backend):
    found = gg.compare_backends(network, leaf(), ("float32", "float64"))
    assert found.agrees
    assert found.rows[0].dtypes == ("float32", "float64")
    assert 0 < max(row.scaled for row in found.rows) < 1e-6
    alone = gg.compare_backends(network, leaf(), ("float32", "float64"), isolated=True)
    exp, product = (found.rows[k] for k in (0, 4))
    assert alone.rows[0].ulp == exp.ulp
    assert alone.rows[4].ulp <= 0.5 < product.ulp  # a product is rounded once, and its operands have errors of theirs


def test_a_tolerance_of_ones_own_names_an_earlier_op():
    found = gg.compare_backends(network, leaf(), (gg.float32, gg.float64), tolerance=1e-9)
    assert found.first_difference.name == "exp"
    assert found.tolerance == 1e-9


def test_float16_is_counted_in_its_own_steps():
    found = gg.compare_backends(gg.exp, leaf(np.array([0.5, 2.0])), ("float16", "float64"))
    assert 0 < found.rows[0].ulp < 2


def test_what_float32_cannot_tell_is_found_by_float64():
    found = gg.compare_backends(lambda x: gg.log(gg.exp(x) - 1), leaf(np.array([1e-5, 1e-4])), ("float32", "float64"))
    assert found.first_difference.name == "subtract"


def test_runs_that_call_other_ops_part_where_they_do(other):
    def branches(x):
        y = gg.exp(x)
        return gg.sin(y) if x.device.kind == "cpu" else y * y

    found = gg.compare_backends(branches, leaf(), ("numpy", other))
    assert not found.agrees
    assert [row.name for row in found.rows[:1]] == ["exp"]
    assert "the runs part: numpy has sin at" in found.parting and f"{other} has multiply at" in found.parting
    assert found.first_difference.name == "output 0"


def test_a_run_that_goes_on_and_one_that_gives_another_dtype_part(other):
    found = gg.compare_backends(
        lambda x: gg.exp(x) if x.device.kind == "cpu" else gg.exp(x) * 1.0, gg.tensor(VALUES), ("numpy", other)
    )
    assert f"{other} goes on with multiply" in found.parting and "numpy is at its end" in found.parting
    found = gg.compare_backends(
        lambda x: gg.astype(x, gg.float32 if x.device.kind == "cpu" else gg.float64), leaf(), ("numpy", other)
    )
    assert "float32; " in found.parting and "(4, 3) float64" in found.parting


def test_integers_are_compared_exactly(wrong):
    found = gg.compare_backends(lambda x: gg.argmax(gg.exp(x), axis=1), gg.tensor(VALUES), ("numpy", "strict"))
    assert found.agrees
    assert difference(np.array([3, 4]), np.array([3, 5])).scaled == np.inf
    assert difference(np.array([True]), np.array([True])).ulp == 0


def test_a_module_is_copied_and_its_parameters_are_compared(other):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model(gg.tensor(VALUES)).sum().backward()
    before = [p.grad.tolist() for p in model.parameters()]
    found = gg.compare_backends(model, gg.tensor(VALUES), ("numpy", other))
    assert found.agrees
    assert "gradient of 0.weight" in [row.name for row in found.rows]
    assert [p.grad.tolist() for p in model.parameters()] == before
    assert all(str(p.device) == "cpu" for p in model.parameters())


def test_random_numbers_are_the_same_in_both_runs_and_the_generator_is_left_alone():
    gg.manual_seed(3)
    expected = gg.rand(2).tolist()
    gg.manual_seed(3)
    x = gg.tensor(VALUES, requires_grad=True)
    assert gg.compare_backends(lambda x: nn.functional.dropout(x) * gg.rand(3), x, ("numpy", "strict")).agrees
    assert gg.rand(2).tolist() == expected


def test_inputs_their_grad_and_watching_are_left_as_they_were(other):
    x, n = leaf(), gg.tensor([1, 2])

    def writes(x, n, scale):
        n += 1
        x.data *= 2
        return gg.take(x, n, axis=0) * scale

    assert gg.compare_backends(writes, [x, n, 3.0], ("numpy", other)).agrees
    assert (x.tolist(), x.grad, n.tolist()) == (VALUES.tolist(), None, [1, 2])
    with pytest.raises(ZeroDivisionError):
        gg.compare_backends(lambda x: x / (1 // 0), x, ("numpy", other))
    assert type(table["exp"].forwards.get(np.ndarray)).__name__ != "partial"


def test_views_writes_several_outputs_and_empty_arrays(other):
    def f(x):
        y = x.clone()
        y[0] = y[1] * 2
        a, b = gg.unstack(y[:2])
        return {"a": a, "rest": [b, gg.sum(y, axis=1), x[:0]]}

    for isolated in (False, True):
        found = gg.compare_backends(f, leaf(), ("numpy", other), isolated=isolated)
        assert found.agrees, found
        assert [row.name for row in found.rows][-5:-1] == [f"output {i}" for i in range(4)]


def test_complex_numbers_and_numpy_arrays_as_inputs(other):
    z = (VALUES + 1j * VALUES[::-1]).astype(np.complex64)
    assert gg.compare_backends(lambda z: gg.exp(z) * gg.conj(z), leaf(z), ("numpy", other)).agrees
    found = gg.compare_backends(lambda z: gg.exp(z) * gg.conj(z), z, ("float32", "float64"))
    assert found.rows[0].dtypes == ("complex64", "complex128")
    assert found.agrees and not any(row.backward for row in found.rows)


def test_the_table_and_its_html(other):
    found = gg.compare_backends(network, leaf(), ("numpy", other))
    lines = str(found).splitlines()
    assert lines[0].split() == ["op", "line", "shape", "dtype", "ulp", "relative", "of", "largest"]
    assert lines[2].startswith("exp ") and "test_compare_backends.py:" in lines[2] and "(4, 3)" in lines[2]
    assert lines[-1] == f"numpy and {other} agree: no op differs by more than 7e-05"
    assert repr(found) == str(found)
    assert found._repr_html_().count("<tr>") == len(found.rows) + 1


def test_what_cannot_be_compared_is_refused():
    x = leaf()
    with pytest.raises(OptionError, match="two backends, devices or dtypes"):
        gg.compare_backends(gg.exp, x, ("numpy",))
    with pytest.raises(OptionError, match="two backends, devices or dtypes"):
        gg.compare_backends(gg.exp, x, "numpy")
    with pytest.raises(OptionError, match="not one of each"):
        gg.compare_backends(gg.exp, x, ("numpy", "float32"))
    with pytest.raises(OptionError, match="floating dtypes, not int64"):
        gg.compare_backends(gg.exp, x, ("int64", "float32"))
    with pytest.raises(BackendUnavailable, match="unknown backend 'nympy'"):
        gg.compare_backends(gg.exp, x, ("nympy", "strict"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_step_to_the_next_number_is_one_ulp(dtype):
    for x in (1.0, 1.5, -3.0, 1e-4, 6e4, float(np.finfo(dtype).smallest_subnormal), 0.0):
        a = np.array([x], dtype)
        assert difference(a, np.nextafter(a, dtype(np.inf))).ulp == pytest.approx(1, abs=0.51)
    top = np.array([np.finfo(dtype).max], dtype)
    assert difference(top, np.nextafter(top, dtype(0))).ulp == pytest.approx(1)


def test_infinities_and_nans_are_equal_to_themselves_alone():
    a = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert difference(a, a.copy()).scaled == 0
    for other in (np.array([-np.inf]), np.array([np.nan]), np.array([1e308])):
        assert difference(np.array([np.inf]), other).ulp == np.inf
    assert difference(np.zeros(0), np.zeros(0)).ulp == 0
    assert difference(np.array([0.0]), np.array([-0.0])).ulp == 0
    assert difference(np.array([1 + 1j]), np.array([1 + 1j * np.nextafter(1, 2)])).ulp == 1


def test_the_parts_of_a_complex_number_are_compared_in_steps_of_the_larger():
    ours = np.array([3 + 0j, 1e-9 + 4j])
    found = difference(ours, ours + np.array([1e-16j, 1e-17]))
    assert found.ulp < 1 and found.relative < 1e-16 and found.scaled < 1e-16
    assert difference(ours, ours + np.array([0, 0.4])).first == (1,)
    assert difference(ours, np.array([3 + 0j, np.nan + 4j])).scaled == np.inf
    found = gg.compare_backends(lambda z: z * gg.conj(z), VALUES + 1j * VALUES[::-1], ("float32", "float64"))
    assert found.agrees, found


def test_a_result_that_one_run_has_alone_is_told():
    runs = iter([lambda x: [gg.exp(x)], lambda x: [gg.exp(x), x]])
    found = gg.compare_backends(lambda x: next(runs)(x), VALUES, ("float32", "float64"))
    assert not found.agrees
    assert "float32 has output 1, giving nothing; float64 has output 1, giving (4, 3) float64" in str(found)


def test_what_other_threads_do_is_compared_by_its_results():
    def elsewhere(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(gg.exp(x)))
        thread.start()
        thread.join()
        return found[0]

    found = gg.compare_backends(elsewhere, VALUES, ("float32", "float64"))
    assert [row.name for row in found.rows] == ["output 0"] and found.agrees
    assert str(found).endswith("agree: no op differs by more than 7e-05")
