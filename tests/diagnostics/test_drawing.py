"""What `draw` shows is true, and what it does not know it says; it changes nothing and takes any graph."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.diagnostics import Drawing, draw
from gpugrad.diagnostics._words import WORDS
from gpugrad.errors import GpugradError, GradientError, OptionError


def leaf(value, **options):
    return gpugrad.tensor(value, requires_grad=True, **options)


def row(drawing, start):
    """Return the value and the gradient in the line of the list that begins so."""
    (line,) = [line for line in str(drawing).splitlines() if line.startswith(start)]
    return [part.strip() for part in line.removeprefix(start).split("  ") if part.strip()]


def rows(drawing):
    return [[part.strip() for part in line.split("  ") if part.strip()] for line in str(drawing).splitlines()[1:]]


@pytest.mark.parametrize("backend", ["numpy", "strict", "fake-cuda"], indirect=True)
def test_a_diamond_sums_what_comes_back_along_its_edges(backend):
    x = leaf(3.0)
    assert rows(draw(x * x + x, names={"x": x})) == [
        ["x", "3", "Σ 7"],
        ["%1 = × (x, x)", "9", "1"],
        ["%2 = + (%1, x)", "12", "1"],
    ]


def test_each_of_several_outputs_is_drawn_from_the_one_call():
    m = leaf([[1.0, 2.0], [3.0, 4.0]])
    a, b = gpugrad.unstack(m)
    drawing = draw((a * b).sum(), names={"m": m, "b": b})
    assert rows(drawing)[:3] == [
        ["m", "[1, 2] [3, 4]", "[3, 4] [1, 2]"],
        ["%1[0] = unstack (m)", "[1, 2]", "[3, 4]"],
        ["%1[1] = unstack (m)", "b = [3, 4]", "[1, 2]"],
    ]
    assert len([box for box in drawing._picture.boxes if box.title == "unstack"]) == 1


def test_an_mlp_is_drawn_by_layer_with_shapes_and_norms():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    x, y = gpugrad.randn(5, 8), gpugrad.tensor([0, 1, 2, 0, 1])
    loss = nn.functional.cross_entropy(model(x), y)
    drawing = draw(loss, names={"x": x, "net": model})
    layer = rows(drawing)
    assert [line[0] for line in layer] == [
        "x", "%1 = net.0 · Linear (x)", "linear + relu", "weight (16, 8)", "bias (16,)",
        "%2 = net.2 · Linear (%1)", "linear", "weight (3, 16)", "bias (3,)", "%3 = cross_entropy (%2)", "target (5,)",
    ]  # fmt: skip
    weight, bias, *_ = model.parameters()
    loss.backward()
    for line, parameter in ((layer[3], weight), (layer[4], bias)):
        lengths = [float(np.linalg.norm(t.detach().numpy())) for t in (parameter, parameter.grad)]
        assert line[1:] == [f"norm {length:.4g}" for length in lengths]
    assert layer[1][1] == f"(5, 16) float32 norm {np.linalg.norm(gpugrad.relu(model[0](x)).detach().numpy()):.4g}"


def test_a_parameter_that_is_shared_stays_a_box_of_its_own():
    w = leaf(np.full((8, 8), 0.1, np.float32))
    h = gpugrad.ones((2, 8))
    for _ in range(3):
        h = gpugrad.tanh(h @ w)
    drawing = draw(h.sum(), names={"w": w})
    (box,) = [i for i, box in enumerate(drawing._picture.boxes) if box.title == "w"]
    assert [wire.source for wire in drawing._picture.wires].count(box) == 3


def test_a_long_chain_is_folded_and_a_short_one_is_not():
    x = y = leaf(1.0)
    for _ in range(100):
        y = y * 1.1
    drawing = draw(y, names={"x": x})
    assert "... 98 more ..." in drawing.svg and "98 × multiply" in drawing.svg
    assert row(drawing, "x ") == ["1", "1.378e+04"]
    assert row(drawing, "%2 = ... 98 more ... (%1)") == ["1.253e+04", "1.1"]
    assert len(drawing._picture.boxes) == 5
    assert "more" not in draw(y, names={"x": x}, fold=100, max_nodes=200).svg
    assert "省略 98 个" in draw(y, language="zh").svg


def test_a_folded_chain_of_layers_keeps_what_enters_and_leaves_it():
    model = nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(8, 8), nn.Sigmoid())])
    x = gpugrad.ones((2, 8))
    z = model(x)
    drawing = draw(z.sum(), names=model)
    folded = next(i for i, box in enumerate(drawing._picture.boxes) if box.kind == "fold")
    into, out = ([w for w in drawing._picture.wires if getattr(w, end) == folded] for end in ("target", "source"))
    first, last = model[:2](x).detach().numpy(), z.detach().numpy()
    assert [w.above for w in into] == [["(2, 8) float32", f"norm {np.linalg.norm(first):.4g}"]]
    assert [w.above for w in out] == [["(2, 8) float32", f"norm {np.linalg.norm(last):.4g}"]]
    assert [w.below for w in out] == [["norm 4"]]


def test_a_graph_across_devices_is_drawn(devices):
    x = leaf([1.0, 2.0], device=devices[0])
    drawing = draw((x * x).to(devices[-1]).sum(), names={"x": x})
    assert rows(drawing)[0] == ["x", "[1, 2]", "Σ [2, 4]"]
    assert rows(drawing)[-1][1:] == ["5", "1"]


# Nothing is changed


def test_drawing_changes_no_gradient_runs_no_hook_and_frees_nothing():
    x, called = leaf([1.0, 2.0]), []
    x.grad = gpugrad.tensor([7.0, 7.0])
    y = x * x
    y.register_hook(called.append)
    y.retain_grad()
    loss = y.sum()
    draw(loss).svg  # noqa: B018 - the picture is made when it is asked for
    assert x.grad.tolist() == [7.0, 7.0] and not called and y.grad is None
    loss.backward()
    assert x.grad.tolist() == [9.0, 11.0] and len(called) == 1


def test_drawing_within_no_grad_and_with_second_derivatives():
    x = leaf(2.0)
    (slope,) = gpugrad.autograd.grad(x * x * x, x, create_graph=True)
    with gpugrad.no_grad():
        drawing = draw(slope, names={"x": x})
        assert not gpugrad.is_grad_enabled()
    assert row(drawing, "x ")[1] == "Σ 12"


# What is not known is not told


def test_a_freed_graph_keeps_its_values_where_they_are_known_and_says_that_gradients_are_gone():
    x = leaf([1.0, 2.0])
    loss = (x * x).sum()
    loss.backward()
    for language in WORDS:
        drawing = draw(loss, names={"x": x}, language=language)
        assert WORDS[language]["freed"] in drawing.svg and "−" not in drawing.svg
    assert rows(drawing)[0] == ["x", "[1, 2]"]
    assert x.grad.tolist() == [2.0, 4.0]


def test_values_that_are_gone_are_given_by_their_shapes():
    def made():
        x = leaf(np.ones((2, 3), np.float32))
        return ((x + x) + 1.5).sum()

    assert rows(draw(made()))[0] == ["leaf 1", "(2, 3) float32", "Σ [2, 2, 2]", "[2, 2, 2]"]


def test_a_parameter_is_shown_as_it_was_when_it_was_used():
    w, x = leaf([1.0, 2.0]), gpugrad.tensor([3.0, 4.0])
    loss = (w * w * x).sum()
    with gpugrad.no_grad():
        w.copy_(gpugrad.tensor([100.0, 100.0]))
    drawing = draw(loss, names={"w": w})
    assert row(drawing, "w ")[0] == "[1, 2]" and WORDS["en"]["changed"] not in drawing.svg


def test_a_value_that_was_written_to_and_not_kept_is_told():
    x = leaf([1.0, 2.0])
    loss = gpugrad.exp(x + x).sum()
    with gpugrad.no_grad():
        x.copy_(gpugrad.tensor([5.0, 5.0]))
    assert WORDS["en"]["changed"] in draw(loss).svg
    y = leaf([1.0, 2.0])
    total = y.sum()
    y.data = gpugrad.ones(3)
    assert WORDS["en"]["changed"] in draw(total).svg


def test_a_constant_that_was_added_is_found_again_only_where_it_is_certain():
    x = leaf([0.1, 0.7])
    assert "1 + (" in str(draw(gpugrad.log(1 + gpugrad.exp(x))))
    assert "= + c (" in str(draw(gpugrad.log(gpugrad.exp(x) + gpugrad.tensor([1.0, 2.0]))))
    assert "= + c (" in str(draw(gpugrad.log(gpugrad.exp(x) + 0.123456)))
    for expression, shown in ((lambda: 3 - gpugrad.exp(x), "3 −"), (lambda: gpugrad.exp(x) - 0.5, "− 0.5")):
        assert f"= {shown} (" in str(draw(gpugrad.log(expression())))
    assert "= 2 ÷ (" in str(draw(2 / gpugrad.exp(x)))


def test_numbers_among_the_operands_are_told_and_one_that_was_not_kept_is_not_made_up():
    x = leaf([1.0, 2.0, 3.0])
    assert rows(draw(gpugrad.clip(x, max=2.5) * 2.0))[1] == ["%1 = clip max=2.5 (leaf 1)", "[1, 2, 2.5]", "[2, 2, 2]"]
    chosen = gpugrad.where(gpugrad.tensor([True, False, True]), x, 7.0)
    assert rows(draw(chosen * 2.0))[2] == ["%2 = where x2=c (constant, leaf 1)", "(3,) float32", "[2, 2, 2]"]
    shifted = gpugrad.layer_norm(gpugrad.reshape(x, (1, 3)), None, 0.5)
    assert rows(draw(shifted * 2.0))[2] == ["%2 = layer_norm (%1)", "(1, 3) float32", "[2, 2, 2]"]


def test_an_operand_that_was_left_out_is_known_to_be_none():
    x, w = leaf([[1.0, 2.0]]), leaf([[1.0, 1.0]])
    assert rows(draw(gpugrad.linear(x, w) + gpugrad.linear(x, w)))[2][1] == "[3]"


def test_what_is_differentiated_is_told():
    z = leaf([1 + 2j, 3 - 1j])
    assert "gradients of the sum of the elements" in draw(leaf([1.0, 2.0]) * 2).svg
    assert "gradients of the sum of the real parts" in draw(z * z).svg
    assert "gradients of the real part" in draw((z * z).sum()).svg
    x = leaf([1.0, 2.0])
    drawing = draw(x * 2, gradients=gpugrad.tensor([1.0, 10.0]), names={"x": x})
    assert row(drawing, "x ")[1] == "[2, 20]" and "sum of" not in drawing.svg


def test_complex_gradients_are_those_of_backward():
    z, seed = leaf([1 + 2j, 3 - 1j]), gpugrad.tensor([1j, 2.0 + 0j])
    drawing = draw(z * z, gradients=seed, names={"z": z})
    (z * z).backward(seed)
    # 2 conj(z) g
    assert z.grad.tolist() == [4 + 2j, 12 + 4j]
    assert row(drawing, "z ")[1] == "Σ [4+2j, 12+4j]"


# Names


@pytest.mark.parametrize(
    "name", ["<b>&\"'", "a\nb", "\x00\x1b[31m", "\u202eabc", "]]>", "名字", "x" * 500, "", "#1; `|`"]
)
def test_any_name_can_be_drawn(name):
    x = leaf(2.0)
    drawing = draw(x * x, names={name: x})
    root = ElementTree.fromstring(drawing.svg)
    titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text") if e.get("font-weight")]
    assert titles[0] is None or len(titles[0]) <= 40
    assert "\n" not in (titles[0] or "") and "\x00" not in drawing.html
    assert drawing.dot.count('"') % 2 == drawing.dot.count('\\"') % 2
    for line in drawing.mermaid.splitlines()[1:]:
        assert line.count('"') in (0, 2)


def test_markup_in_a_name_stays_text():
    x = leaf(2.0)
    drawing = draw(x * x, names={'<img src="x">': x})
    assert "<img" not in drawing.svg + drawing.html + drawing.mermaid
    assert '"<img src=\\"x\\">' in drawing.dot


def test_names_that_are_not_in_the_graph_are_told():
    x, y = leaf(2.0), leaf(3.0)
    drawing = draw(x * x, names={"x": x, "y": y, "t": gpugrad.ones(2)})
    assert "not in this graph: y, t" in drawing.svg
    many = {f"p{i}": leaf(1.0) for i in range(8)}
    assert "not in this graph: p0, p1, p2, p3, p4, and 3 more" in draw(x * x, names=many).svg


def test_names_may_be_pairs_modules_results_and_data():
    layer, x = nn.Linear(2, 2), gpugrad.ones((1, 2))
    h = layer(x)
    z = h * h
    for names in (layer, layer.named_parameters(), dict(layer.named_parameters())):
        assert [line[0] for line in rows(draw(z, names=names))][1:3] == ["weight", "bias"]
    listed = str(draw(z, names={"x": x, "h": h, "deep": nn.Sequential(layer)}))
    assert "h = [" in listed and "deep.0.weight" in listed and listed.splitlines()[1].startswith("x ")


# Hostile input


def test_numbers_of_every_kind_are_drawn():
    x = leaf([0.0, -1.0, float("inf")])
    with np.errstate(all="ignore"):
        y = gpugrad.log(x)
    assert rows(draw(y))[0][1:] == ["[0, -1, inf]", "[inf, -1, 0]"]
    assert rows(draw(y))[1][1] == "[-inf, nan, inf]"
    bad = leaf(np.asarray([[np.nan, np.inf] + [1.0] * 30], np.float32))
    assert "2 not finite" in draw((bad * bad).sum()).svg
    big = leaf(np.full((40,), 1e30, np.float32))
    assert row(draw((big * 1.0).sum(), names={"big": big}), "big ")[0] == "(40,) float32 norm 6.325e+30"
    counts = gpugrad.tensor([2, 3])
    assert rows(draw((leaf([1.0, 2.0]) * counts).sum(), names={"n": counts}))[0] == ["n", "[2, 3]"]
    empty = leaf(np.zeros((0, 3), np.float32))
    assert "(0, 3) float32" in draw(gpugrad.exp(empty).sum()).svg
    assert "float16" in draw((leaf(np.ones(3, np.float16)) * 2), values="shapes").svg


def test_what_cannot_be_drawn_is_refused_in_one_line():
    x = leaf(1.0)
    refused = [
        (TypeError, lambda: draw(3.0)),
        (TypeError, lambda: draw(np.ones(2))),
        (TypeError, lambda: draw(None)),
        (GradientError, lambda: draw(gpugrad.ones(2))),
        (GradientError, lambda: draw(gpugrad.tensor([1, 2]) + 1)),
        (GradientError, lambda: draw((x * x).detach())),
        (GradientError, lambda: draw(x * x, gradients=gpugrad.ones(2))),
        (OptionError, lambda: draw(x * x, gradients="all")),
        (OptionError, lambda: draw(x * x, values="all")),
        (OptionError, lambda: draw(x * x, values=["all"])),
        (OptionError, lambda: draw(x * x, language="fr")),
        (OptionError, lambda: draw(x * x, format="png")),
        (OptionError, lambda: draw(x * x, fold=2)),
        (OptionError, lambda: draw(x * x, max_nodes=0)),
        (OptionError, lambda: draw(x * x, max_nodes=True)),
        (OptionError, lambda: draw(x * x, max_nodes=2)),
        (TypeError, lambda: draw(x * x, names=3)),
        (TypeError, lambda: draw(x * x, names=x)),
        (TypeError, lambda: draw(x * x, names="x")),
        (TypeError, lambda: draw(x * x, names=["x"])),
        (TypeError, lambda: draw(x * x, names={"x": 3})),
        (TypeError, lambda: draw(x * x, names={3: x})),
    ]
    for kind, call in refused:
        with pytest.raises(kind) as caught:
            call()
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
        assert isinstance(caught.value, GpugradError | TypeError)


def test_a_leaf_alone_is_a_picture():
    x = leaf(2.0)
    assert rows(draw(x, names={"x": x})) == [["x", "2", "1"]]
    assert len(ElementTree.fromstring(draw(x).svg)) > 3


def test_a_huge_graph_is_folded_or_refused_soon():
    x = chain = leaf(1.0)
    for _ in range(20_000):
        chain = chain * 1.0
    mesh = x
    for _ in range(20_000):
        mesh = mesh * x
    start = time.perf_counter()
    assert "... 19998 more ..." in draw(chain).svg
    with pytest.raises(OptionError, match="the graph has 20002 nodes, and 20002 are left after folding"):
        draw(mesh)
    assert time.perf_counter() - start < 60


# Files


@pytest.mark.parametrize("suffix", [".svg", ".html", ".htm", ".dot", ".gv", ".mmd", ".mermaid", ".txt", ".SVG"])
def test_the_suffix_says_the_format(suffix, tmp_path):
    x = leaf(2.0)
    path = tmp_path / f"graph{suffix}"
    drawing = draw(x * x, path=path)
    formats = {".htm": "html", ".gv": "dot", ".mmd": "mermaid", ".txt": "text"}
    expected = getattr(drawing, formats.get(suffix.lower(), suffix.lower()[1:]))
    assert path.read_bytes().decode("utf-8") == expected
    assert drawing.save(path) == path


def test_an_unknown_suffix_writes_nothing(tmp_path):
    x = leaf(2.0)
    for name in ("graph.png", "graph", "graph.svg.bak"):
        with pytest.raises(OptionError, match="its suffix must be one of"):
            draw(x * x, path=tmp_path / name)
        with pytest.raises(OptionError, match="its suffix must be one of"):
            draw(x * x).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    draw(x * x, path=tmp_path / "graph.out", format="dot")
    assert (tmp_path / "graph.out").read_text("utf-8").startswith("digraph")


def test_a_notebook_and_print_show_it():
    x = leaf(2.0)
    drawing = draw(x * x, format="mermaid")
    assert isinstance(drawing, Drawing)
    assert str(drawing) == drawing.mermaid and str(draw(x * x)) == drawing.text
    assert drawing._repr_svg_() == drawing.svg and drawing.svg in drawing._repr_html_()
    assert repr(drawing) == "<Drawing: 3 boxes, 3 edges>"


def test_the_page_needs_nothing_from_outside():
    found = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "xlink:href"))

    x = leaf(2.0)
    page = draw(x * x, language="zh").html
    Links().feed(page)
    assert not found and "@import" not in page and "url(" not in page
    assert page.startswith("<!DOCTYPE html>") and 'lang="zh-CN"' in page and "color-scheme:light dark" in page


def test_resting_on_an_operation_tells_its_rule():
    x = leaf([1.0, 2.0])
    hover = draw((x * gpugrad.tensor([3.0, 4.0])).sum()).svg
    assert "gradient of x1: g * x2" in hover and "input x1: (2,) float32" in hover and "output: (2,) float32" in hover
    assert "x1 的梯度: g * x2" in draw((x * x).sum(), language="zh").svg


def test_both_languages_have_all_words():
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@pytest.mark.parametrize(("values", "shown"), [
    ("elements", "[1, 2]"), ("norms", "(2,) float32 norm 2.236"), ("shapes", "(2,) float32"), ("none", "[2, 4]"),
])  # fmt: skip
def test_what_is_shown_of_values_can_be_chosen(values, shown):
    x = leaf([1.0, 2.0])
    line = rows(draw((x * x).sum(), names={"x": x}, values=values))[0]
    assert line[1] == shown if values != "none" else line[1].startswith("Σ")


def test_gradients_can_be_left_out():
    x = leaf([1.0, 2.0])
    drawing = draw((x * x).sum(), names={"x": x}, gradients="none")
    assert rows(drawing)[0] == ["x", "[1, 2]"]
    assert "gradient" not in ElementTree.fromstring(drawing.svg)[2].text


def test_a_function_whose_backward_differentiates_can_be_drawn_with_gradients():
    class Squares(gpugrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with gpugrad.enable_grad():
                return gpugrad.autograd.grad(x * x, x, g)[0]

    x = gpugrad.tensor([1.0, 3.0], requires_grad=True)
    loss = Squares.apply(x * 2).sum()
    drawing = str(gpugrad.draw(loss))
    assert "[8, 24]" in drawing
    assert "inputs were written to" not in drawing
