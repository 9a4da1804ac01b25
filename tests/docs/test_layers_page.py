"""docs/layers.md: its formulas are what the functions compute, its examples run, and no part is missing from it."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.nn import functional, init, utils

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "layers.md"
TEXT = PAGE.read_text("utf-8")


def rows(section):
    """Return the cells of the tables of a section, without their headers."""
    part = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    ruled = [i for i, row in enumerate(cells) if row[0] == "---"]
    return [row for i, row in enumerate(cells) if i not in ruled and i + 1 not in ruled]


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


FORMULAS = {
    code(row[1])[0]: code(row[2])[0]
    for section in ("Layers", "Activations", "Losses")
    for row in rows(section)
    if code(row[1]) and code(row[2])
}
WITHOUT = set(
    "group_norm batch_norm dropout dropout1d alpha_dropout feature_alpha_dropout multilabel_margin_loss".split()
)


def parts():
    modules = (nn, functional, init, utils, utils.parametrize, utils.parametrizations)
    return [(m, name) for m in modules for name in m.__all__ if not inspect.ismodule(getattr(m, name))]


@pytest.mark.parametrize(("module", "name"), parts(), ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_every_part_is_on_the_page(module, name):
    assert re.search(rf"(?<![\w.])(?:parametrize\.|parametrizations\.)?{name}(?!\w)", TEXT), name


@pytest.mark.parametrize("section", ["Layers", "Activations", "Losses"])
def test_what_the_page_names_is_there(section):
    for row in rows(section):
        assert all(inspect.isclass(getattr(nn, name)) for name in code(row[0])), row
        assert all(callable(getattr(functional, name)) for name in code(row[1])), row


def test_every_function_has_a_formula():
    assert set(FORMULAS) | WITHOUT == set(functional.__all__)
    assert len({*FORMULAS.values()}) > 50


def arguments(name, random):
    """Return the arguments that a function is called with, and the names that its formula has for them."""

    def numbers(*shape):
        return gpugrad.asarray(random.standard_normal(shape))

    def chances(*shape):
        return gpugrad.asarray(random.uniform(0.1, 0.9, shape))

    def signs(*shape):
        return gpugrad.asarray(random.choice([-1.0, 1.0], shape))

    x, t, y = numbers(5, 4), numbers(5, 4), gpugrad.asarray(random.integers(0, 4, 5))
    x1, x2, v, eps = numbers(5, 4), numbers(5, 4), chances(5, 4), 1e-5

    def norm(x):
        return gpugrad.linalg.vector_norm(x, axis=-1)

    given = {
        "linear": ([x, w := numbers(3, 4), b := numbers(3)], {}),
        "bilinear": ([x1, x2, w3 := numbers(2, 4, 4), b2 := numbers(2)], {"w": w3, "b": b2}),
        "embedding": ([i := gpugrad.asarray(random.integers(0, 3, (2, 3))), w], {"i": i}),
        "layer_norm": ([x, (4,), w1 := numbers(4), b1 := numbers(4)], {"w": w1, "b": b1}),
        "rms_norm": ([x, (4,), w1, eps], {"w": w1}),
        "cosine_similarity": ([x1, x2], {}),
        "pairwise_distance": ([x1, x2, 2.0, eps], {}),
        "prelu": ([x, slope := gpugrad.asarray([0.3])], {"w": slope}),
        "threshold": ([x, 0.2, -1.0], {"threshold": 0.2, "value": -1.0}),
        "cross_entropy": ([x, y], {}),
        "nll_loss": ([x, y], {}),
        "focal_loss": ([x, y], {}),
        "multi_margin_loss": ([x, y], {"margin": 1.0, "p": 1}),
        "binary_cross_entropy": ([p := chances(5, 4), q := chances(5, 4)], {"x": p, "t": q}),
        "binary_cross_entropy_with_logits": ([x, q], {"t": q}),
        "multilabel_soft_margin_loss": ([x, q], {"t": q}),
        "kl_div": ([x, q], {"t": q}),
        "sigmoid_focal_loss": ([x, z := (signs(5, 4) + 1) / 2], {"t": z, "alpha": 0.25}),
        "soft_margin_loss": ([x, s := signs(5, 4)], {"t": s}),
        "hinge_embedding_loss": ([x, s], {"t": s, "margin": 1.0}),
        "gaussian_nll_loss": ([x, t, v], {}),
        "margin_ranking_loss": ([x1, x2, s], {"t": s, "margin": 0.0}),
        "cosine_embedding_loss": ([x1, x2, s1 := signs(5)], {"t": s1, "margin": 0.0}),
        "triplet_margin_loss": ([x, x1, x2], {"near": norm(x - x1 + 1e-6), "far": norm(x - x2 + 1e-6), "margin": 1.0}),
    }  # fmt: skip
    given["triplet_margin_with_distance_loss"] = given["triplet_margin_loss"]
    args, names = given.get(name, ([x, t] if name in LOSSES else [x], {}))
    known = {
        "x": x, "t": t, "y": y, "x1": x1, "x2": x2, "v": v, "eps": eps, "w": w, "b": b, "a": x[:, :2], "norm": norm,
        "d": abs(x - t), "i": gpugrad.arange(5), "u": gpugrad.var(x, axis=-1, keepdims=True), "gamma": 2.0,
        "cos": functional.cosine_similarity(x1, x2), "negative_slope": 0.01, "lower": 1 / 8, "upper": 1 / 3,
        "alpha": 1.0, "beta": 1.0, "delta": 1.0, "lambd": 0.5, "min_val": -1.0, "max_val": 1.0,
    }  # fmt: skip
    if name == "glu":
        known["b"] = x[:, 2:]
    return args, {**known, **names}


LOSSES = {code(row[1])[0] for row in rows("Losses")}


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_a_formula_is_what_the_function_computes(backend, name):
    args, names = arguments(name, np.random.default_rng(len(name)))
    options = {"reduction": "none"} if name in LOSSES else {}
    found = getattr(functional, name)(*args, **options)
    expected = eval(FORMULAS[name], {**{n: getattr(gpugrad, n) for n in dir(gpugrad)}, **names})
    assert found.shape == expected.shape
    np.testing.assert_allclose(np.asarray(found.tolist()), np.asarray(expected.tolist()), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"embedding"}))
def test_a_function_runs_in_forward_mode_and_under_vmap(name):
    args, _ = arguments(name, np.random.default_rng(len(name)))
    options = {"reduction": "none"} if name in LOSSES else {}
    x, *others = args

    def f(x):
        return getattr(functional, name)(x, *others, **options)

    random = np.random.default_rng(0)
    v, batch = gpugrad.asarray(random.standard_normal(x.shape)), gpugrad.stack([x, x * 0.5, x * 0.25])
    slope = gpugrad.func.jvp(f, (x,), (v,))[1]
    _, pull = gpugrad.func.vjp(f, x)
    g = gpugrad.asarray(random.standard_normal(slope.shape))
    assert (g * slope).sum().item() == pytest.approx((pull(g)[0] * v).sum().item(), rel=1e-9)
    rows = gpugrad.func.vmap(f)(batch)
    np.testing.assert_allclose(rows.tolist(), [f(row).tolist() for row in batch], rtol=1e-12, atol=1e-14)


def test_the_examples_print_what_they_say():
    results = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0 and results.attempted > 20


def test_the_table_of_differences_is_the_one_that_is_tested():
    path = ROOT / "tests" / "nn" / "test_where_we_differ.py"
    spec = importlib.util.spec_from_file_location("where_we_differ", path)
    tested = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tested)
    differing = {name for name, case in tested.CASES.items() if repr(case[2]) != repr(case[3])}
    assert {row[0] for row in rows("Where PyTorch differs")} == {*tested.DIFFERENT_KINKS, *tested.DIGITS, *differing}
