# ruff: noqa: E501
"""Transforms beside torch.func's: the same functions, arguments and forms of results."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import func as ours

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
theirs = torch.func

with warnings.catch_warnings():  # what torch says about itself when these are first used
    warnings.simplefilter("ignore")
    one = torch.ones(())
    theirs.jvp(torch.sin, (one,), (one,))
    theirs.linearize(torch.sin, one)[1](one)

random = np.random.default_rng(0)
A, B, C = random.normal(size=(3, 4)), random.normal(size=4), random.normal(size=(5, 4))
Z = random.normal(size=3) + 1j * random.normal(size=3)


def trees(library, tree):
    if isinstance(tree, dict):
        return {key: trees(library, part) for key, part in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(trees(library, part) for part in tree)
    return library.tensor(tree) if isinstance(tree, np.ndarray) else tree


def compare(mine, other, path=""):
    """Compare trees of results."""
    assert isinstance(mine, dict | tuple | list) == isinstance(other, dict | tuple | list), path
    if isinstance(other, dict):
        assert mine.keys() == other.keys(), path
        for key in other:
            compare(mine[key], other[key], f"{path}[{key!r}]")
    elif isinstance(other, tuple | list):
        assert len(mine) == len(other), path
        for i, (a, b) in enumerate(zip(mine, other, strict=True)):
            compare(a, b, f"{path}[{i}]")
    else:
        other = other.detach().resolve_conj().numpy()
        assert tuple(mine.shape) == other.shape, path
        np.testing.assert_allclose(np.asarray(mine.tolist()), other, rtol=1e-10, atol=1e-12, err_msg=path)


def net(xp, linear):
    def f(p, x):
        h = xp.tanh(x @ p["w"].T * p["s"][0]) + xp.sin(x).sum()
        return {"h": h, "n": (xp.logsumexp(h, **({"axis": -1} if xp is gpugrad else {"dim": -1})), x * p["s"][0])}

    return f


def scalar(xp):
    def f(p, x):
        h = xp.exp(-((x @ p["w"].T) ** 2)) * p["s"][0]
        return (h * h.sum()).sum()

    return f


P = {"w": A, "s": (np.array(0.7),)}
CASES = {
    "grad": lambda xp, func, p, x: func.grad(scalar(xp))(p, x),
    "grad of both": lambda xp, func, p, x: func.grad(scalar(xp), argnums=(1, 0))(p, x),
    "grad_and_value": lambda xp, func, p, x: func.grad_and_value(lambda p, x: (scalar(xp)(p, x), {"x": x}), has_aux=True)(p, x),
    "vjp": lambda xp, func, p, x: func.vjp(net(xp, None), p, x)[1]({"h": p["w"][:, 0], "n": (p["s"][0], x * 2)}),
    "vjp has_aux": lambda xp, func, p, x: func.vjp(lambda x: (x * 2, x), x, has_aux=True)[2],
    "jvp": lambda xp, func, p, x: func.jvp(net(xp, None), (p, x), ({"w": p["w"] * 2, "s": p["s"]}, x)),
    "linearize": lambda xp, func, p, x: func.linearize(lambda x: xp.sin(x) * x.sum(), x)[1](x * 3),
    "jacrev": lambda xp, func, p, x: func.jacrev(net(xp, None), argnums=(0, 1))(p, x),
    "jacrev chunks": lambda xp, func, p, x: func.jacrev(net(xp, None), chunk_size=2)(p, x),
    "jacfwd": lambda xp, func, p, x: func.jacfwd(net(xp, None), argnums=1)(p, x),
    "hessian": lambda xp, func, p, x: func.hessian(scalar(xp), argnums=(0, 1))(p, x),
    "jacfwd of jacrev": lambda xp, func, p, x: func.jacfwd(func.jacrev(net(xp, None), argnums=1), argnums=1)(p, x),
    "third order": lambda xp, func, p, x: func.jacrev(func.hessian(lambda x: scalar(xp)(p, x)))(x),
    "vmap": lambda xp, func, p, x: func.vmap(net(xp, None), in_dims=(None, 0))(p, xp.stack([x, x * 2])),
    "vmap of trees": lambda xp, func, p, x: func.vmap(lambda d, y: d["a"] * y, in_dims=({"a": 1}, None), out_dims=1)({"a": p["w"]}, p["w"][:, 0]),
    "vmap of grad": lambda xp, func, p, x: func.vmap(func.grad(scalar(xp)), in_dims=(None, 0))(p, xp.stack([x, x * 2])),
    "vmap of hessian": lambda xp, func, p, x: func.vmap(func.hessian(lambda x: scalar(xp)(p, x)))(xp.stack([x, x * 2])),
    "vmap of vmap": lambda xp, func, p, x: func.vmap(func.vmap(lambda a, b: a * b.sum()), in_dims=(0, None))(p["w"], p["w"][:, :4].T),
    "vmap of jvp": lambda xp, func, p, x: func.vmap(lambda v: func.jvp(xp.sin, (x,), (v,))[1])(p["w"]),
    "hvp": lambda xp, func, p, x: func.jvp(func.grad(lambda x: scalar(xp)(p, x)), (x,), (x * 2,))[1],
    "grad of vmap of grad": lambda xp, func, p, x: func.grad(
        lambda p: func.vmap(func.grad(scalar(xp), argnums=1), in_dims=(None, 0))(p, xp.stack([x, x])).sum()
    )(p),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")  # torch's own, in its linearize
@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_torch(case):
    compare(*(CASES[case](xp, func, trees(xp, P), xp.tensor(B)) for xp, func in ((gpugrad, ours), (torch, theirs))))


COMPLEX = {
    "grad": lambda xp, func, z: func.grad(lambda z: (xp.abs(xp.sin(z)) ** 2).sum())(z),
    "grad of a real part": lambda xp, func, z: func.grad(lambda z: xp.real(z**3).sum())(z),
    "vjp": lambda xp, func, z: func.vjp(lambda z: xp.exp(z) * xp.conj(z), z)[1](z * 2)[0],
    "jvp": lambda xp, func, z: func.jvp(lambda z: xp.exp(z) * xp.conj(z), (z,), (z * 2j,))[1],
    "jvp to reals": lambda xp, func, z: func.jvp(lambda z: xp.abs(z) ** 3, (z,), (z * 2j,))[1],
    "vmap of grad": lambda xp, func, z: func.vmap(func.grad(lambda z: xp.real(z**3)))(z),
}


@pytest.mark.parametrize("case", COMPLEX)
def test_complex_results_are_those_of_torch(case):
    compare(*(COMPLEX[case](xp, func, xp.tensor(Z)) for xp, func in ((gpugrad, ours), (torch, theirs))))


def test_modules_as_functions_are_those_of_torch():
    w, b = random.normal(size=(2, 4)), random.normal(size=2)
    results = []
    for xp, func in ((gpugrad, ours), (torch, theirs)):
        layer = xp.nn.Linear(4, 2).to(xp.float64)
        p = {"weight": xp.tensor(w), "bias": xp.tensor(b)}
        x = xp.tensor(C)
        loss = lambda p, x: (func.functional_call(layer, p, (x,)) ** 2).mean()  # noqa: B023, E731
        results.append((loss(p, x), func.grad(loss)(p, x), func.vmap(func.grad(loss), in_dims=(None, 0))(p, x)))
    compare(*results)


REFUSED = {
    "argnums": lambda xp, func, x: func.grad(lambda x: x.sum(), argnums=1)(x),
    "argnums twice": lambda xp, func, x: func.grad(lambda x: x.sum(), argnums=(0, 0))(x),
    "no argnums": lambda xp, func, x: func.grad(lambda x: x.sum(), argnums=())(x),
    "a number": lambda xp, func, x: func.grad(lambda x: x * 2)(2.0),
    "integers": lambda xp, func, x: func.grad(lambda x: x * 2)(xp.tensor(2)),
    "not scalar": lambda xp, func, x: func.grad(lambda x: x * 2)(x),
    "one element": lambda xp, func, x: func.grad(lambda x: x[:1])(x),
    "nothing returned": lambda xp, func, x: func.grad(lambda x: None)(x),
    "no pair": lambda xp, func, x: func.grad(lambda x: x.sum(), has_aux=True)(x),
    "truth values": lambda xp, func, x: func.vjp(lambda x: x > 0, x),
    "cotangent's shape": lambda xp, func, x: func.vjp(lambda x: x, x)[1](x[:1]),
    "cotangent's form": lambda xp, func, x: func.vjp(lambda x: x, x)[1]((x,)),
    "tangent's shape": lambda xp, func, x: func.jvp(lambda x: x, (x,), (x[:1],)),
    "no tuple": lambda xp, func, x: func.jvp(lambda x: x, x, x),
    "strict": lambda xp, func, x: func.jvp(lambda x: xp.ones(2), (x,), (x,), strict=True),
    "complex jacrev": lambda xp, func, x: func.jacrev(lambda x: x)(x * 1j),
    "complex jacfwd": lambda xp, func, x: func.jacfwd(lambda x: x * 1j)(x),
    "numbers of examples": lambda xp, func, x: func.vmap(lambda a, b: a)(x, x[:1]),
    "control flow": lambda xp, func, x: func.vmap(lambda a: a if a > 0 else -a)(x),
    "randomness": lambda xp, func, x: func.vmap(lambda a: a + xp.randn(()))(x),
    "in_dims": lambda xp, func, x: func.vmap(lambda a: a, in_dims=3)(x),
    "a shared tensor": lambda xp, func, x: func.vmap(lambda a: xp.ones(()).copy_(a) if False else xp.zeros(3).__iadd__(a))(xp.stack([x] * 2)[:, :3]),
    "written input": lambda xp, func, x: func.grad(lambda x: x.__iadd__(1).sum())(x),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_torch_refuses_is_refused(case):
    for xp, func in ((torch, theirs), (gpugrad, ours)):
        with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)):
            REFUSED[case](xp, func, xp.tensor(B))
