"""Plain einops takes tensors, whichever of the two is imported first."""

import subprocess
import sys

import pytest

einops = pytest.importorskip("einops", reason="einops is not installed: the extra interop")

from consumers import check, rows
from samples.draws import Draws, sample

import gpugrad

draws = Draws()

CALLS = [
    sample("rearrange", lambda x: einops.rearrange(x, "a (b c) -> c b a", b=2) ** 2, draws.normal(3, 4)),
    sample(
        "rearrange with an ellipsis", lambda x: einops.rearrange(x, "a ... b -> (a b) ...") ** 2, draws.normal(2, 3, 4)
    ),
    sample(
        "rearrange a list", lambda x, y: einops.rearrange([x, y], "k a -> a k") ** 2, draws.normal(3), draws.normal(3)
    ),
    *(
        sample(f"reduce {name}", lambda x, name=name: einops.reduce(x, "(a p) b -> a b", name, p=2), draws.normal(4, 3))
        for name in ("mean", "sum", "max", "min", "prod")
    ),
    sample("reduce to a number", lambda x: einops.reduce(x, "a b -> ", "mean"), draws.normal(4, 3)),
    sample("repeat", lambda x: einops.repeat(x, "a b -> b (a 3) 2") ** 2, draws.normal(2, 3)),
    sample("pack", lambda x, y: einops.pack([x, y], "a *")[0] ** 2, draws.normal(2, 3), draws.normal(2, 2, 2)),
    sample("unpack", lambda x: einops.unpack(x, [(2,), (3, 1)], "a *")[1] ** 2, draws.normal(2, 5)),
    sample(
        "einsum",
        lambda x, y: einops.einsum(x, y, "b i j, b j k -> b i k"),
        draws.normal(4, 2, 3),
        draws.normal(4, 3, 2),
    ),
    sample(
        "einsum of three", lambda x, y, z: einops.einsum(x, y, z, "i, j, k -> k i"), *(draws.normal(2) for _ in "xyz")
    ),
]


@pytest.mark.parametrize("one", rows(CALLS))
def test_the_gradient_is_that_of_finite_differences(one, backend):
    check(one)


def test_values_are_those_of_numpy_and_stay_on_the_device(backend):
    x = draws.normal(2, 3, 4)
    z = einops.rearrange(gpugrad.tensor(x), "a b c -> (c a) b")
    assert z.tolist() == einops.rearrange(x, "a b c -> (c a) b").tolist()
    assert z.device == gpugrad.tensor(x).device
    assert einops.asnumpy(z).tolist() == z.tolist()
    assert einops.parse_shape(z, "x _") == {"x": 8}


@pytest.mark.parametrize("first", ["einops, gpugrad", "gpugrad, einops"])
def test_the_order_of_the_imports_does_not_matter(first):
    code = f"import {first}, gc; gc.collect(); print(einops.rearrange(gpugrad.zeros((2, 3)), 'a b -> b a').shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(3, 2)\n", "")


def test_gpugrad_does_not_import_einops():
    code = "import sys, gpugrad; assert not [name for name in sys.modules if name.startswith('einops')]"
    subprocess.run([sys.executable, "-c", code], check=True)
