"""Weights to PyTorch and back by a file: every name, shape and bit, and then the same results."""

from itertools import pairwise

import numpy as np
import pytest

import gpugrad
from gpugrad import nn

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors")
files = pytest.importorskip("safetensors.torch")
torch.set_num_threads(1)


def mlp(parts, sizes, activation, norm, bias):
    layers = []
    for into, out in pairwise(sizes):
        layers.append(parts.Linear(into, out, bias=bias))
        if norm:
            layers.append(getattr(parts, norm)(out))
        layers.append(getattr(parts, activation)())
    return parts.Sequential(parts.Sequential(*layers), parts.ModuleList([parts.Linear(sizes[-1], 3)])[0])


def drawn_mlp(seed):
    random = np.random.default_rng(seed)
    sizes = [int(n) for n in random.integers(1, 9, int(random.integers(2, 5)))]
    options = (
        sizes,
        str(random.choice(["ReLU", "Tanh", "GELU", "PReLU", "SiLU", "ELU"])),
        str(random.choice(["", "BatchNorm1d", "LayerNorm", "RMSNorm"])),
        bool(random.integers(2)),
    )
    return options, random.standard_normal((5, sizes[0])).astype("f4")


def bits(state):
    return {n: (tuple(t.shape), np.asarray(t.detach().numpy()).tobytes()) for n, t in state.items()}


@pytest.mark.parametrize("seed", range(12))
def test_a_random_mlp_goes_over_and_comes_back(tmp_path, seed):
    options, x = drawn_mlp(seed)
    theirs, ours = mlp(torch.nn, *options), mlp(nn, *options)
    theirs(torch.tensor(x))  # moves the running statistics of BatchNorm1d
    files.save_file(theirs.state_dict(), tmp_path / "a", {"format": "pt"})
    ours.load_state_dict(gpugrad.load_safetensors(tmp_path / "a"))
    assert bits(ours.state_dict()) == bits(theirs.state_dict())
    gpugrad.save_safetensors(ours.state_dict(), tmp_path / "b", gpugrad.safetensors_metadata(tmp_path / "a"))
    back = mlp(torch.nn, *options)
    back.load_state_dict(files.load_file(tmp_path / "b"))
    assert bits(back.state_dict()) == bits(theirs.state_dict())
    for module in (ours, theirs, back):
        module.eval()
    z = ours(gpugrad.tensor(x)).detach().numpy()
    np.testing.assert_allclose(z, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-5)


PARTS = {
    "BatchNorm1d": ((4,), {}),
    "LayerNorm": (((2, 3),), {}),
    "GroupNorm": ((2, 4), {}),
    "RMSNorm": ((4,), {}),
    "Embedding": ((7, 3), {"padding_idx": 0}),
    "PReLU": ((3,), {}),
    "Bilinear": ((2, 3, 4), {}),
    "Linear": ((3, 2), {}),
}


@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", PARTS)
def test_every_part_with_parameters(tmp_path, name, kind):
    args, options = PARTS[name]
    theirs = getattr(torch.nn, name)(*args, **options, dtype=getattr(torch, kind))
    ours = getattr(nn, name)(*args, **options, dtype=getattr(gpugrad, kind))
    files.save_file(theirs.state_dict(), tmp_path / "a")
    ours.load_state_dict(gpugrad.load_safetensors(tmp_path / "a"))
    assert bits(ours.state_dict()) == bits(theirs.state_dict())
    gpugrad.save_safetensors(ours.state_dict(), tmp_path / "b")
    assert bits(files.load_file(tmp_path / "b")) == bits(theirs.state_dict())


@pytest.mark.parametrize(
    "dtype", "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64".split()
)
def test_every_dtype_both_ways(tmp_path, dtype):
    random = np.random.default_rng(0)
    state = {str(shape): random.integers(0, 2, shape).astype(dtype) for shape in ((), (0,), (2, 3), (3, 0, 1))}
    gpugrad.save_safetensors({n: gpugrad.asarray(a) for n, a in state.items()}, tmp_path / "a")
    theirs = files.load_file(tmp_path / "a")
    assert {n: t.dtype for n, t in theirs.items()} == dict.fromkeys(state, getattr(torch, dtype))
    assert bits(theirs) == {n: (a.shape, a.tobytes()) for n, a in state.items()}
    files.save_file(theirs, tmp_path / "b")
    assert bits(gpugrad.load_safetensors(tmp_path / "b")) == bits(theirs)


def test_bfloat16_is_converted_as_pytorch_does(tmp_path):
    x = torch.tensor([1.0, -0.0, 3e38, 1e-40, float("inf"), 1 / 3], dtype=torch.bfloat16)
    files.save_file({"x": x}, tmp_path / "a")
    found = gpugrad.load_safetensors(tmp_path / "a")["x"]
    assert bits({"x": found}) == bits({"x": x.float()})
    layer = nn.Linear(6, 1, bias=False)
    layer.load_state_dict({"weight": found[None]})
    assert bits({"x": layer.weight[0]}) == bits({"x": x.float()})


def test_tied_and_transposed_weights_go_over(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    model[0].weight.data = model[0].weight.data.mT
    gpugrad.save_safetensors(model.state_dict(), tmp_path / "a")
    found = files.load_file(tmp_path / "a")
    assert bits(found) == {n: (t.shape, np.array(t.numpy()).tobytes()) for n, t in model.state_dict().items()}


def test_what_torch_save_writes_is_refused_with_the_way_to_convert_it(tmp_path):
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save(torch.nn.Linear(2, 1).state_dict(), tmp_path / "model.pt", **options)
        with pytest.raises(gpugrad.errors.DataError, match=r"torch.load\('.*model.pt', weights_only=True\)") as caught:
            gpugrad.load_safetensors(tmp_path / "model.pt")
        way = str(caught.value).partition(", safe")[2]
        exec(
            "safe" + way.removesuffix(" converts the weights"),
            {"safetensors": __import__("safetensors.torch"), "torch": torch},
        )
        assert sorted(gpugrad.load_safetensors(tmp_path / "model.safetensors")) == ["bias", "weight"]
        (tmp_path / "model.safetensors").unlink()


def test_a_checkpoint_with_an_optimizer_is_a_file_that_pytorch_reads_too(tmp_path):
    model = nn.Linear(2, 1)
    optimizer = gpugrad.optim.AdamW(model.parameters())
    model(gpugrad.ones(2)).sum().backward()
    optimizer.step()
    gpugrad.save_safetensors({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a")
    found = files.load_file(tmp_path / "a")
    assert found["model.weight"].tolist() == model.weight.tolist()
    assert found["optimizer.state.0.exp_avg"].shape == (1, 2)
