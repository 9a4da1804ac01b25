"""Modules compared with PyTorch's: what hooks see and when, what states are called, what parametrisations compute."""

import warnings

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.nn.utils import parametrizations, parametrize

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
BOTH = [(gpugrad, nn), (torch, torch.nn)]


def told(gradients):
    """Return gradients as numbers; PyTorch's zeros where no gradient is needed are None."""
    lists = [None if g is None else np.asarray(g.tolist()) for g in gradients]
    return [None if g is None or not g.any() else g.tolist() for g in lists]


def run_of_hooks(library, parts):
    """Return what hooks of all kinds see in a run through several modules."""
    log = []

    class Product(parts.Module):
        def __init__(self):
            super().__init__()
            self.p = parts.Parameter(library.tensor([2.0, -1.0]))

        def forward(self, a, b, twice=False):
            z = a * b * self.p
            return (z + z if twice else z), a * a

    class Outer(parts.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.act = Product(), parts.Tanh()

        def forward(self, a, b):
            z, y = self.inner(a, b, twice=True)
            return self.act(z) + y

    model = Outer()
    for name, module in model.named_modules():
        module.register_forward_pre_hook(
            lambda m, args, kwargs, name=name: log.append(("pre", name, told(args), kwargs)), with_kwargs=True
        )
        module.register_forward_hook(
            lambda m, args, out, name=name: log.append(("post", name, told(out if isinstance(out, tuple) else (out,))))
        )
        module.register_full_backward_pre_hook(lambda m, go, name=name: log.append(("back pre", name, told(go))))
        module.register_full_backward_hook(lambda m, gi, go, name=name: log.append(("back", name, told(gi), told(go))))
    model.act.register_full_backward_pre_hook(lambda m, go: (go[0] * 2,), prepend=True)
    model.inner.register_full_backward_hook(lambda m, gi, go: None if gi[0] is None else (gi[0] * 3, gi[1]))
    for needs in ((True, True), (True, False), (False, False)):
        a, b = (library.tensor(v, requires_grad=n) for v, n in zip(([0.5, 1.5], [-1.0, 0.25]), needs, strict=True))
        model(a, b).sum().backward()
        log.extend(x.grad.tolist() for x in (a, b, model.inner.p) if x.grad is not None)
    return log


def close(ours, theirs):
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(close, ours, theirs))
    return ours == (pytest.approx(theirs, rel=1e-5) if isinstance(theirs, float) else theirs)


def test_hooks_see_what_they_see_in_pytorch_in_the_same_order():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, where no argument requires grad
        ours, theirs = (run_of_hooks(*one) for one in BOTH)
    assert len(ours) == len(theirs) > 30
    for mine, its in zip(ours, theirs, strict=True):
        assert close(mine, its), (mine, its)


def built(parts):
    tied = parts.Linear(3, 3)
    model = parts.Sequential(
        parts.Linear(4, 3), parts.BatchNorm1d(3), parts.Sequential(tied, parts.PReLU(3)), parts.ModuleList([tied])
    )
    model.register_buffer("seen", None)
    model.register_parameter("absent", None)
    return model


def test_names_are_pytorchs():
    ours, theirs = built(nn), built(torch.nn)
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [n for n, _ in getattr(ours, walk)()] == [n for n, _ in getattr(theirs, walk)()], walk
    for walk in ("named_parameters", "named_buffers", "named_modules"):
        for options in ({"prefix": "net"}, {"remove_duplicate": False}):
            mine, its = ([n for n, _ in getattr(m, walk)(**options)] for m in (ours, theirs))
            assert mine == its, (walk, options)
    assert {n: t.shape for n, t in ours.state_dict().items()} == {
        n: tuple(t.shape) for n, t in theirs.state_dict().items()
    }
    assert list(ours.state_dict(prefix="a.")) == list(theirs.state_dict(prefix="a."))


def test_the_names_of_a_module_are_those_that_a_module_has_in_pytorch():
    left_out = {  # other devices and memory, compilation, what is deprecated or of PyTorch's own insides
        "T_destination", "bfloat16", "call_super_init", "compile", "dump_patches", "ipu", "mtia",
        "register_backward_hook", "share_memory", "to_empty", "xpu",
    }  # fmt: skip
    theirs = {name for name in dir(torch.nn.Module) if not name.startswith("_")}
    assert theirs - set(dir(nn.Module)) == left_out


PARAMETRISATIONS = [
    ("weight_norm", {}, lambda p: p.Linear(3, 4)),
    ("weight_norm", {"dim": 1}, lambda p: p.Linear(3, 4)),
    ("weight_norm", {"dim": None}, lambda p: p.Linear(3, 4)),
    ("weight_norm", {"name": "bias"}, lambda p: p.Linear(3, 4)),
    ("weight_norm", {}, lambda p: p.Bilinear(3, 3, 2)),
    ("spectral_norm", {}, lambda p: p.Linear(3, 4)),
    ("spectral_norm", {"n_power_iterations": 3, "dim": 1}, lambda p: p.Linear(3, 4)),
    ("spectral_norm", {"name": "bias"}, lambda p: p.Linear(3, 4)),
    ("spectral_norm", {}, lambda p: p.Bilinear(3, 3, 2)),
]


@pytest.mark.parametrize(("name", "options", "layer"), PARAMETRISATIONS)
def test_parametrisations_compute_what_they_do_in_pytorch(backend, name, options, layer):
    theirs = getattr(torch.nn.utils.parametrizations, name)(layer(torch.nn).double(), **options)
    ours = getattr(parametrizations, name)(layer(nn).double(), **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({n: t.numpy().copy() for n, t in theirs.state_dict().items()})
    random = np.random.default_rng(0)
    for train in (True, True, False):
        ours.train(train), theirs.train(train)
        x = [random.standard_normal((5, 3)) for _ in range(2 if "Bilinear" in repr(ours) else 1)]
        z, y = ours(*map(gpugrad.tensor, x)), theirs(*map(torch.tensor, x))
        np.testing.assert_allclose(z.tolist(), y.tolist(), rtol=1e-12, atol=1e-14)
        ours.zero_grad(), theirs.zero_grad()
        (z * z).sum().backward(), (y * y).sum().backward()
        grads = {n: p.grad for n, p in ours.named_parameters()}
        for n, p in theirs.named_parameters():
            np.testing.assert_allclose(grads[n].tolist(), p.grad.tolist(), rtol=1e-9, atol=1e-12, err_msg=n)
        for n, t in theirs.state_dict().items():
            np.testing.assert_allclose(ours.state_dict()[n].tolist(), t.tolist(), rtol=1e-12, atol=1e-14)
    of = options.get("name", "weight")
    parametrize.remove_parametrizations(ours, of)
    torch.nn.utils.parametrize.remove_parametrizations(theirs, of)
    np.testing.assert_allclose(getattr(ours, of).tolist(), getattr(theirs, of).tolist(), rtol=1e-12)
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict())


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_norms_and_clipping_by_a_known_norm(backend, norm_type):
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape).astype("f4") for shape in ((3, 4), (), (5,))]
    ours, theirs = [gpugrad.tensor(a) for a in arrays], [torch.tensor(a) for a in arrays]
    norm = nn.utils.get_total_norm(ours, norm_type)
    its = torch.nn.utils.get_total_norm(theirs, norm_type)
    assert norm.item() == pytest.approx(its.item(), rel=1e-6)
    for a, b in zip(ours, theirs, strict=True):
        a.grad, b.grad = a.clone(), b.clone()
    for limit in (1e3, 0.5):
        nn.utils.clip_grads_with_norm_(ours, limit, norm)
        torch.nn.utils.clip_grads_with_norm_(theirs, limit, its)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(a.grad.tolist()), b.grad.numpy(), rtol=1e-6)


def test_vectors_of_parameters(backend):
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    vector = np.arange(8.0, dtype="f4")
    nn.utils.vector_to_parameters(gpugrad.tensor(vector), ours.parameters())
    torch.nn.utils.vector_to_parameters(torch.tensor(vector), theirs.parameters())
    assert ours.weight.tolist() == theirs.weight.tolist() and ours.bias.tolist() == theirs.bias.tolist()
    assert nn.utils.parameters_to_vector(ours.parameters()).tolist() == vector.tolist()
