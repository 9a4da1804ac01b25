"""Every example runs, in this process and as a program, and its numbers are those of the tutorials."""

import importlib.util
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gpugrad

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATHS = {path.name[:2]: path for path in sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))}
CHECKS = {}


def checks(number):
    """Register a function as the check of the example of this number."""

    def register(function):
        assert number not in CHECKS, f"example {number} has two checks"
        CHECKS[number] = function
        return function

    return register


def load(path):
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def near(expected, rel=1e-6, within=1e-7):
    return pytest.approx(expected, rel=rel, abs=within)


def everywhere(value, shape):
    """Return nested lists of one value."""
    return value if not shape else [everywhere(value, shape[1:])] * shape[0]


def same(tensor, value):
    """Return whether every element of a tensor is near to a value."""
    return all(v == near(value) for v in tensor.flatten().tolist())


@checks("01")
def chain_rule(example):
    values, gradients = example.by_autograd()
    assert values["y"].item() == near(7)
    assert same(gradients["x"], 4 / 9)
    assert same(gradients["t"], 2 / 9)
    assert same(gradients["z"], 1 / 9)
    for name, gradient in example.by_hand().items():
        assert same(gradients[name] - gradient, 0), name


@checks("02")
def a_seed_for_backward(example):
    assert "grad can be implicitly created only for scalar outputs" in example.without_a_seed()
    assert example.with_a_seed(gpugrad.ones((3, 3))).tolist() == everywhere(2.0, (3, 3))
    assert example.with_a_seed(example.one_at(0, 1)).tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 0]]


@checks("03")
def gradients_add_up(example):
    x, y, z, out = example.forward()
    assert out.item() == near(27)
    assert x.grad_fn is None
    assert all(result.grad_fn is not None for result in (y, z, out))
    assert example.gradient().tolist() == example.gradient(gpugrad.tensor(1.0)).tolist() == everywhere(4.5, (2, 2))
    first, second = example.after_two_backwards()
    assert (first.tolist(), second.tolist()) == (everywhere(4.5, (2, 2)), everywhere(9.0, (2, 2)))


@checks("04")
def what_is_recorded(example):
    before, after, node = example.joining()
    assert (before, after) == (False, True)
    assert node is not None
    assert example.under_no_grad() == (True, False)
    assert example.cut_by_detach() == (6.0, 3.0)


@checks("05")
def computational_graph(example):
    values, gradients = example.by_autograd()
    assert (values["q"], values["f"]) == (3.0, -12.0)
    assert gradients == {"x": -4.0, "y": -4.0, "z": 3.0, "q": -4.0, "f": 1.0} == example.by_hand()


@checks("06")
def neuron(example):
    dx, dw = [0.3932239, -0.5898358], [-0.1966119, -0.3932239, 0.1966119]
    f, *gradients = example.as_one_gate()
    assert f == near(0.7310586)
    assert gradients == [near(dx), near(dw)]
    rows, *gradients = example.gate_by_gate()
    assert gradients == [near(dx), near(dw)]
    e = math.exp(-1)
    local = [e / (1 + e) ** 2, -e / (1 + e) ** 2, -1 / (1 + e) ** 2, -1 / (1 + e) ** 2, 1]
    assert [row[1] for row in rows] == near([1, -1, e, 1 + e, 1 / (1 + e)])
    assert [row[2] for row in rows] == near(local)


@checks("07")
def gates(example):
    assert [row[-1] for row in example.gates()] == [[2, 2], [2, 0], [-8, 6], [4]]
    assert example.all_together() == (-20, [-8, 6, 2, 0])
    once, scaled = example.weight_gradient(1), example.weight_gradient(1000)
    assert scaled == near([1000 * g for g in once])


@checks("08")
def matrix_gate(example):
    W, X, D, _ = example.forward_and_seed()
    assert (W.shape, X.shape, D.shape) == ((5, 10), (10, 3), (5, 3))
    for auto, hand, shape in zip(example.by_autograd(), example.by_hand(), [(5, 10), (10, 3)], strict=True):
        assert auto.shape == hand.shape == shape
        assert example.largest_difference(auto, hand) < 1e-5
        assert auto.norm().item() > 1


@checks("09")
def gradient_descent(example):
    together, summed = example.sum_over_samples()
    for a, b in zip(together, summed, strict=True):
        assert a.flatten().tolist() == near(b.flatten().tolist(), rel=1e-5, within=1e-6)
    errors, outputs = example.train(300)
    assert all(a > b for a, b in zip(errors[::50], errors[50::50], strict=False))
    assert errors[-1] < 0.02 * errors[0]
    assert [y > 0.5 for y in outputs] == [t[0] > 0.5 for t in example.targets]


@checks("10")
def delta_recursion(example):
    for depth in (1, 2, 3, 5, 10, 30):
        difference, first_delta = example.compare(depth)
        assert difference < 1e-12, depth
        assert first_delta > 0


@checks("11")
def vanishing_gradient(example):
    assert example.sigmoid_slope(0.0) == 0.25
    assert all(example.sigmoid_slope(z) < 0.25 for z in (-2.0, -0.1, 0.1, 2.0))
    assert example.sigmoid_slope(10.0) < 1e-4
    for kind in example.kinds:
        norms = example.gradient_norms(kind)
        assert len(norms) == 20
        if kind == "sigmoid":
            assert norms[0] < 1e-12 * norms[-1]
        else:
            assert 1e-2 < norms[0] / norms[-1] < 1e2, kind
            assert norms[0] > 1e-2, kind


@checks("12")
def factors_in_a_chain(example):
    assert example.gradient_through(1.1, 100) == near(13780.6123, rel=1e-8)
    assert example.gradient_through(0.9, 100) == near(2.65614e-5, rel=1e-6, within=0)
    assert example.gradient_through(1.0, 100) == 1


@checks("13")
def gradient_clipping(example):
    above, below = [[3.0, 0.0], [4.0]], [[0.3, 0.0], [0.4]]
    clipped, norm = example.clip(above, 1.0)
    assert norm == near(5)
    assert example.total_norm(clipped) == near(1, rel=1e-5)
    assert example.cosine(above, clipped) == near(1)
    untouched, norm = example.clip(below, 1.0)
    assert norm == near(0.5)
    assert [v for g in untouched for v in g] == near([v for g in below for v in g])
    losses, _ = example.train(None)
    assert not math.isfinite(losses[-1])
    losses, norms = example.train(1.0)
    assert norms[0] > 1000
    assert len(losses) == 300
    assert all(map(math.isfinite, losses))
    assert losses[-1] < 0.01 * losses[0]


@checks("14")
def transforms(example):
    start = example.point(-1.2, 1.0)
    gradient, hessian = example.by_hand(start)
    assert gradient == near([-215.6, -88.0])
    assert example.grad(example.valley)(start).tolist() == near(gradient)
    for derivative in (example.hessian(example.valley), example.jacfwd(example.grad(example.valley))):
        assert [near(row) for row in hessian] == derivative(start).tolist()
    sine, cosine = math.sin(0.5), math.cos(0.5)
    x = example.point(0.5, 0.0)[0]
    assert example.derivatives_of_sin(x) == near([sine, cosine, -sine, -cosine, sine])
    crept = example.gradient_descent(start, 100)
    assert 0.5 < example.valley(crept).item() < 4.5
    path = example.newton(start, 6)
    assert path[-1].tolist() == near([1.0, 1.0])
    assert example.valley(path[-1]).item() < 1e-15


@pytest.mark.parametrize("number", sorted(PATHS.keys() | CHECKS.keys()))
def test_its_numbers_are_right(number, backend):
    assert number in PATHS, f"there is no examples/{number}_*.py"
    assert number in CHECKS, f"{PATHS[number].name} has no check here"
    CHECKS[number](load(PATHS[number]))


@pytest.mark.parametrize("number", PATHS)
def test_it_prints_a_short_report(number, backend, capsys):
    load(PATHS[number]).main()
    printed = capsys.readouterr()
    assert printed.err == ""
    assert 3 <= len(printed.out.splitlines()) <= 40
    assert max(map(len, printed.out.splitlines())) < 200


@pytest.mark.parametrize("number", PATHS)
def test_it_runs_as_a_program(number):
    run = subprocess.run([sys.executable, str(PATHS[number])], capture_output=True, text=True, encoding="utf-8")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.strip()


def test_numbers_are_not_used_twice():
    assert len(PATHS) == len(list(EXAMPLES.glob("[0-9]*.py")))


def test_the_table_of_examples_is_complete():
    rows = re.findall(r"^\| (\d+) \| \[`([^`]+)`\]\(([^)]+)\) \|", (EXAMPLES / "README.md").read_text("utf-8"), re.M)
    assert [(f"{int(number):02}", name) for number, name, _ in rows] == [(n, p.name) for n, p in PATHS.items()]
    assert all(name == link for _, name, link in rows)
