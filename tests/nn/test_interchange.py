"""States in files: what goes in comes out to the bit, here and in PyTorch; no broken or hostile file gets in."""

import json
import os
import stat
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpugrad
from gpugrad import nn
from gpugrad.errors import DataError, DtypeError, OptionError
from gpugrad.nn.interchange import write_whole

load, save, metadata = gpugrad.load_safetensors, gpugrad.save_safetensors, gpugrad.safetensors_metadata

DTYPES = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64".split()
SHAPES = [(), (1,), (3,), (2, 3), (0,), (2, 0, 3), (1, 2, 1, 2)]


def same(a, b):
    """Return whether two states are the same to the bit, in kind and order too."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, gpugrad.Tensor | np.ndarray):
        x, y = (np.asarray(t.detach().cpu().numpy() if hasattr(t, "detach") else t) for t in (a, b))
        return (x.shape, x.dtype, x.tobytes()) == (y.shape, y.dtype, y.tobytes())
    return type(a) is type(b) and (a == b or (a != a and b != b))


def filled(dtype, shape, seed=0):
    bits = np.random.default_rng(seed).integers(0, 256, int(np.prod(shape)) * np.dtype(dtype).itemsize, dtype=np.uint8)
    return (bits & 1 if dtype == "bool" else bits).view(dtype).reshape(shape)


# There and back


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape_to_the_bit(tmp_path, dtype):
    state = {f"{dtype}{shape}": gpugrad.asarray(filled(dtype, shape)) for shape in SHAPES}
    save(state, tmp_path / "s")
    found = load(tmp_path / "s")
    assert sorted(found) == sorted(state) and all(same(found[name], state[name]) for name in state)


def test_any_layout_of_memory_is_read_back_as_it_was_seen(tmp_path, backend):
    x = gpugrad.reshape(gpugrad.arange(24, dtype=gpugrad.float32), (2, 3, 4))
    state = {
        "turned": gpugrad.permute_dims(x, (2, 0, 1)), "reversed": x[::-1], "strided": x[:, ::2, 1:], "flat": x[0, 0],
        "repeated": gpugrad.broadcast_to(x[0, 0, :1], (3, 4)), "a number": x[1, 1, 1], "nothing": x[2:],
    }  # fmt: skip
    save(state, tmp_path / "s")
    found = load(tmp_path / "s")
    assert {n: (t.shape, t.tolist()) for n, t in found.items()} == {n: (t.shape, t.tolist()) for n, t in state.items()}
    assert {str(t.device) for t in found.values()} == {str(x.device)}


def test_arrays_of_the_other_byte_order_and_in_columns(tmp_path):
    x = np.arange(6.0).reshape(2, 3)
    save({"big": x.astype(">f4"), "columns": np.asfortranarray(x)}, tmp_path / "s")
    assert {n: t.tolist() for n, t in load(tmp_path / "s").items()} == {"big": x.tolist(), "columns": x.tolist()}


def test_a_device_is_named_or_in_use(tmp_path, devices):
    save({"x": gpugrad.ones(2, device=devices[0])}, tmp_path / "s")
    assert str(load(tmp_path / "s")["x"].device) == "cpu"
    for device in devices:
        assert str(load(tmp_path / "s", device=device)["x"].device) == device


def test_what_is_loaded_can_be_written_and_trained(tmp_path, backend):
    save({"weight": gpugrad.ones((1, 2)), "bias": gpugrad.zeros(1)}, tmp_path / "s")
    state = load(tmp_path / "s")
    state["bias"][0] = 3.0
    layer = nn.Linear(2, 1)
    layer.load_state_dict(state, assign=True)
    layer(gpugrad.ones(2)).sum().backward()
    gpugrad.optim.SGD(layer.parameters(), lr=1.0).step()
    assert layer.weight.tolist() == [[0.0, 0.0]]


tensors = st.builds(filled, st.sampled_from(DTYPES), st.sampled_from(SHAPES), st.integers(0, 9)).map(gpugrad.asarray)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), tensors)
states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=4), st.integers(-3, 3)), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(state=st.dictionaries(st.text(max_size=4), states, max_size=3))
def test_nested_states_come_back_as_they_were(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("states") / "s"
    save(state, path)
    found = load(path)
    if all(isinstance(value, gpugrad.Tensor) for value in state.values()):
        found = {name: found[name] for name in state}  # a file has its own order of tensors
    assert same(found, state)


def test_names_that_would_be_one_are_kept_apart(tmp_path):
    state = {"a.b": gpugrad.zeros(1), "a": {"b": gpugrad.ones(1)}, "n": 1}
    save(state, tmp_path / "s")
    assert same(load(tmp_path / "s"), state)


OPTIMIZERS = [name for name in gpugrad.optim.__all__ if name[0].isupper() and name != "Optimizer"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_a_file_as_if_it_had_not_stopped(tmp_path, backend, name):
    def made():
        options = {"lr": 0.01, **({"momentum": 0.9} if name == "SGD" else {})}
        model = nn.Sequential(nn.Linear(3, 2, bias=False), nn.BatchNorm1d(2, affine=False))
        return model, getattr(gpugrad.optim, name)(model.parameters(), **options)

    def trained(steps, model, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = ((model(x) - 1) ** 4).sum()
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)

    x = gpugrad.asarray(np.random.default_rng(0).standard_normal((4, 3)).astype("f4"))
    model, optimizer = made()
    trained(3, model, optimizer)
    save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, tmp_path / "s")
    checkpoint = load(tmp_path / "s")
    twin, again = made()
    twin.load_state_dict(checkpoint["model"])
    again.load_state_dict(checkpoint["optimizer"])
    trained(3, model, optimizer), trained(3, twin, again)
    assert same(twin.state_dict(), model.state_dict())
    assert same(again.state_dict(), optimizer.state_dict()) and checkpoint["epoch"] == 3


def test_metadata_are_kept(tmp_path):
    about = {"format": "pt", "über": "每", "empty": ""}
    save({"x": gpugrad.ones(1)}, tmp_path / "plain", about)
    save({"x": gpugrad.ones(1), "n": 1}, tmp_path / "nested", about)
    save({}, tmp_path / "none")
    assert metadata(tmp_path / "plain") == metadata(tmp_path / "nested") == about
    assert metadata(tmp_path / "none") == load(tmp_path / "none") == {}


# What cannot be saved


def within_itself():
    state = {"n": 1}
    state["a"] = [state]
    return state


@pytest.mark.parametrize(
    ("state", "about", "error", "match"),
    [
        (nn.Linear(1, 1), None, TypeError, r"takes a dict of tensors, not Linear; .* it is .state_dict\(\)"),
        ([gpugrad.ones(1)], None, TypeError, "not list"),
        ({"a": {"b": [1, {2, 3}]}}, None, TypeError, r"'a.b.1' of the state is of type set"),
        ({"a": {1.5: 2}}, None, TypeError, "a has 1.5"),
        ({"a": {True: 2}}, None, TypeError, "a has True"),
        ({"a": lambda: 1}, None, TypeError, "'a' of the state is of type function"),
        ({"z": gpugrad.ones(1, dtype=gpugrad.complex128)}, None, DtypeError, "no dtype complex128, which 'z' has"),
        ({"__metadata__": gpugrad.ones(1)}, None, OptionError, "'__metadata__'"),
        ({"x": gpugrad.ones(1)}, {"epoch": 3}, TypeError, "texts by name"),
        ({"x": gpugrad.ones(1)}, {"gpugrad.outline": ""}, OptionError, "keeps for itself"),
        ({"x": np.asarray(["text"])}, None, TypeError, "numbers are needed"),
        (within_itself(), None, OptionError, "within itself"),
        ({"\ud800": gpugrad.ones(1)}, None, OptionError, "cannot be written as UTF-8"),
        ({"a": "\ud800"}, None, OptionError, "cannot be written as UTF-8"),
        ({"a": gpugrad.ones(1)}, {"a": "\ud800"}, OptionError, "cannot be written as UTF-8"),
    ],
)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(tmp_path, state, about, error, match):
    path = tmp_path / "s"
    path.write_bytes(b"what was here")
    with pytest.raises(error, match=match) as caught:
        save(state, path, about)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"what was here" and os.listdir(tmp_path) == ["s"]


def test_a_tensor_that_requires_grad_is_saved_as_its_values(tmp_path):
    x = gpugrad.ones(2, requires_grad=True) * 3
    save({"x": x}, tmp_path / "s")
    assert not load(tmp_path / "s")["x"].requires_grad and load(tmp_path / "s")["x"].tolist() == [3.0, 3.0]


def test_half_a_file_is_never_there(tmp_path, monkeypatch):
    path = tmp_path / "s"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DataError, match="s: cannot be written: No space left on device"):
        write_whole(path, b"new" * 1000)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["s"]


def test_a_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "s"
    write_whole(path, b"old")
    code = f"""
import os
from gpugrad.nn import interchange
os.fsync = lambda _: os._exit(9)
interchange.write_whole({str(path)!r}, b"new" * 1000)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert path.read_bytes() == b"old"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"")
    (tmp_path / "link").symlink_to("real")
    save({"x": gpugrad.ones(1)}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and list(load(tmp_path / "real")) == ["x"]


@pytest.mark.parametrize("name", ["no/such/folder/s", "folder", "n" * 300, "nul\0byte"])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot be written") as caught:
        save({"x": gpugrad.ones(1)}, tmp_path / name)
    assert "\n" not in str(caught.value) and os.listdir(tmp_path) == ["folder"]


# What cannot be loaded


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


FOUR = b"\0\0\x80?"
BROKEN = {
    "nothing": b"",
    "text": b"hello, this is a text",
    "cut": packed({"x": entry()}, FOUR[:3]),
    "longer": packed({"x": entry()}, FOUR * 2),
    "huge header": struct.pack("<Q", 2**63) + b"{}",
    "header beyond the end": struct.pack("<Q", 100) + b"{}",
    "no JSON": packed(b"{'x': 1}        "),
    "a list": packed(b"[]"),
    "no UTF-8": packed(b'{"\xff": 1}'),
    "nested": packed(b'{"__metadata__": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "overlap": packed({"x": entry(), "y": entry()}, FOUR),
    "hole": packed({"x": entry(offsets=(4, 8))}, FOUR * 2),
    "negative": packed({"x": entry(offsets=(0, -4))}, FOUR),
    "backwards": packed({"x": entry(offsets=(4, 0))}, FOUR),
    "other size": packed({"x": entry(shape=(2,))}, FOUR),
    "endless shape": packed({"x": entry(shape=(2**40, 2**40))}, FOUR),
    "negative shape": packed({"x": entry(shape=(-1,))}, FOUR),
    "unknown dtype": packed({"x": entry("F33")}, FOUR),
    "metadata of numbers": packed({"__metadata__": {"a": 1}}),
    "metadata as text": packed({"__metadata__": "a"}),
    "no entry": packed({"x": 3}),
    "outline of nothing": packed({"__metadata__": {"gpugrad.outline": '{"dict": [["a", {"tensor": "y"}]]}'}}),
    "outline without the tensor": packed({"__metadata__": {"gpugrad.outline": '{"dict": []}'}, "x": entry()}, FOUR),
    "outline of lists": packed({"__metadata__": {"gpugrad.outline": "[" * 5000 + "]" * 5000}}),
    "outline of another kind": packed({"__metadata__": {"gpugrad.outline": '{"eval": "1"}'}}),
    "outline twice": packed({"__metadata__": {"gpugrad.outline": '{"dict": [["a", 1], ["a", 2]]}'}}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_with_its_name(tmp_path, name):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(BROKEN[name])
    with pytest.raises(DataError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 250


def test_a_name_that_stands_twice_is_refused(tmp_path):
    text = json.dumps(entry())
    path = tmp_path / "s"
    path.write_bytes(packed(f'{{"x": {text}, "x": {text}}}'.encode(), FOUR))
    for read in (load, metadata):
        with pytest.raises(DataError, match="'x' is there twice, and one would be lost"):
            read(path)


def test_no_byte_of_a_file_can_be_changed_into_a_crash(tmp_path):
    save({"a": gpugrad.ones(2), "b": {"c": 1}}, tmp_path / "s")
    content, random, told = (tmp_path / "s").read_bytes(), np.random.default_rng(0), []
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(int(random.integers(1, 4))):
            damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
        (tmp_path / "s").write_bytes(damaged)
        try:
            load(tmp_path / "s")
        except DataError as error:
            told.append(str(error))
    assert len(told) > 50 and not any("\n" in line for line in told)


def test_a_header_of_any_length_is_read(tmp_path):
    # 128 bytes begin as a pickle does, and others as other files do.
    for size in range(8, 400, 8):
        text = json.dumps({"x" * 20: entry()}).encode()
        if len(text) <= size:
            (tmp_path / "s").write_bytes(packed(text.ljust(size), FOUR))
            assert load(tmp_path / "s")["x" * 20].tolist() == [1.0]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"PK\x03\x04" + b"\0" * 60, r"an archive, such as torch.save .* safetensors.torch.save_file\(torch.load\("),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", r"a pickle, .*torch\.load\("),
        (b"\x93NUMPY\x01\0", "an array of NumPy's$"),
        (b"\x89HDF\r\n\x1a\n", "a file of HDF5$"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
    ],
)
def test_other_files_are_told_apart_and_pickles_are_not_read(tmp_path, content, match):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    locked = tmp_path / "locked"
    locked.write_bytes(b"")
    locked.chmod(0)
    for name, match in (("none", "there is no such file"), ("", "this is a folder"), ("pipe", "no regular file")):
        with pytest.raises(DataError, match=match):
            load(tmp_path / name)
    if not os.access(locked, os.R_OK):
        with pytest.raises(DataError, match="cannot be read: Permission denied"):
            load(locked)
    with pytest.raises(DataError, match="cannot be read"):
        load("nul\0byte")


def test_files_have_the_permissions_that_files_have(tmp_path):
    save({}, tmp_path / "s")
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_bfloat16_becomes_float32_with_the_same_values(tmp_path):
    halves = np.arange(2**16, dtype=np.uint16)
    path = tmp_path / "s"
    path.write_bytes(packed({"x": entry("BF16", (2**16,), (0, 2**17))}, halves.tobytes()))
    found = load(path)["x"].numpy()
    assert found.dtype == np.float32
    assert np.array_equal(found.view(np.uint32), halves.astype(np.uint32) << 16)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_a_dtype_that_there_is_not_is_named(tmp_path, dtype):
    path = tmp_path / "s"
    path.write_bytes(packed({"x": entry(dtype, (4,))}, FOUR))
    with pytest.raises(DataError, match=f"'x' has the dtype {dtype}, which gpugrad has not"):
        load(path)


def test_the_library_is_imported_only_when_files_are_read_or_written():
    code = "import sys, gpugrad, gpugrad.nn.interchange; gpugrad.save_safetensors; print('safetensors' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
