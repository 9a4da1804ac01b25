"""Vectors of parameters, norms and parametrisations: they change what they say, and nothing where they refuse."""

import copy
import pickle

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import DeviceError, GradientError, OptionError, ShapeError
from gpugrad.nn.utils import (
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    parametrizations,
    parametrize,
    vector_to_parameters,
)


def test_gradients_go_through_the_vector(backend):
    layer = nn.Linear(2, 1)
    (parameters_to_vector(layer.parameters()) * gpugrad.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert (layer.weight.grad.tolist(), layer.bias.grad.tolist()) == ([[1.0, 2.0]], [3.0])


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_a_vector_of_another_size_changes_nothing(backend, shape):
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    with pytest.raises(ShapeError, match="and the parameters have 3 elements together"):
        vector_to_parameters(gpugrad.ones(shape), layer.parameters())
    assert layer.weight.tolist() == before


def test_parameters_keep_memory_of_their_own(backend):
    layer, vector = nn.Linear(1, 1), gpugrad.ones(2)
    vector_to_parameters(vector, layer.parameters())
    vector.zero_()
    assert layer.weight.tolist() == [[1.0]]


def test_a_walk_that_is_over_is_named():
    walk = nn.Linear(1, 1).parameters()
    parameters_to_vector(walk)
    with pytest.raises(OptionError, match="walked through once"):
        parameters_to_vector(walk)


def test_norms_far_out_and_of_nothing(backend):
    assert get_total_norm([]).item() == 0
    assert get_total_norm(gpugrad.tensor([3e30, 4e30])).item() == pytest.approx(5e30, rel=1e-6)
    with pytest.raises(GradientError, match="norm of the gradients is nan"):
        get_total_norm([gpugrad.tensor(float("nan"))], error_if_nonfinite=True)
    with pytest.raises(OptionError, match="norm_type must be above 0"):
        get_total_norm([gpugrad.ones(1)], 0)
    with pytest.raises(OptionError, match="max_norm must be at least 0"):
        clip_grads_with_norm_([], -1.0, gpugrad.ones(()))


def test_tensors_of_two_devices_have_no_common_norm(devices):
    with pytest.raises(DeviceError, match="clip those of one device"):
        get_total_norm([gpugrad.ones(1, device=devices[0]), gpugrad.ones(1, device="cpu")])


# Parametrisations


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2

    def right_inverse(self, x):
        return x / 2


class Wider(nn.Module):
    def forward(self, x):
        return gpugrad.concat([x, x])


def test_what_is_trained_is_the_original(backend):
    layer = nn.Linear(2, 1, bias=False)
    first = layer.weight.tolist()
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert layer.weight.tolist() == first, "the right inverse keeps the value"
    layer(gpugrad.ones(2)).sum().backward()
    original = layer.parametrizations.weight.original
    assert original.grad.tolist() == [[2.0, 2.0]]
    gpugrad.optim.SGD(layer.parameters(), lr=1.0).step()
    assert layer.weight.tolist() == [[pytest.approx(w - 4, rel=1e-5) for w in first[0]]]


def test_parametrisations_follow_each_other_and_can_be_assigned(backend):
    layer = nn.Linear(1, 1, bias=False)
    for _ in range(2):
        parametrize.register_parametrization(layer, "weight", Doubled())
    layer.weight = gpugrad.tensor([[8.0]])
    assert layer.parametrizations.weight.original.tolist() == [[2.0]] and layer.weight.tolist() == [[8.0]]
    with pytest.raises(ShapeError, match="cannot be assigned where"):
        layer.weight = gpugrad.ones((2, 1))
    with pytest.raises(TypeError, match="is assigned a tensor, not float"):
        layer.weight = 1.0
    assert layer.weight.tolist() == [[8.0]]


def test_a_buffer_can_be_parametrised(backend):
    module = nn.Module()
    module.register_buffer("mean", gpugrad.ones(2))
    parametrize.register_parametrization(module, "mean", Doubled())
    assert [n for n, _ in module.named_buffers()] == ["parametrizations.mean.original"]
    parametrize.remove_parametrizations(module, "mean")
    assert module.mean.tolist() == [1.0, 1.0] and [n for n, _ in module.named_buffers()] == ["mean"]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda m: parametrize.register_parametrization(m, "weight", Wider()), ShapeError, "unsafe=True allows"),
        (lambda m: parametrize.register_parametrization(m, "weight", abs), TypeError, "is a Module, not builtin"),
        (lambda m: parametrize.register_parametrization(m, "wieght", Doubled()), OptionError, "no parameter or buffer"),
        (lambda m: parametrize.remove_parametrizations(m, "weight"), OptionError, "no parametrised tensor 'weight'"),
        (lambda m: parametrizations.spectral_norm(m, "wieght"), OptionError, "no weight 'wieght'"),
        (lambda m: parametrizations.spectral_norm(m, n_power_iterations=0), OptionError, "at least 1, not 0"),
    ],
)
def test_what_cannot_be_parametrised_stays_as_it_is(call, error, match):
    layer = nn.Linear(2, 2)
    weight = layer.weight
    with pytest.raises(error, match=match):
        call(layer)
    assert layer.weight is weight and list(layer.state_dict()) == ["weight", "bias"]


def test_a_second_parametrisation_that_does_not_fit_is_taken_off():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
    with pytest.raises(ShapeError):
        parametrize.register_parametrization(layer, "weight", Wider())
    assert layer.weight.shape == (2, 2) and len(layer.parametrizations.weight) == 1


def test_removal_leaves_the_value_or_the_original(backend):
    layer = parametrize.register_parametrization(nn.Linear(1, 1), "weight", Doubled())
    original = layer.parametrizations.weight.original
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight is original and not parametrize.is_parametrized(layer)
    parametrizations.weight_norm(layer)
    assert parametrize.is_parametrized(layer, "weight") and not parametrize.is_parametrized(layer, "bias")
    with pytest.raises(OptionError, match="computed from 2 originals"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(layer, "weight")
    assert list(layer.state_dict()) == ["bias", "weight"] and layer.weight.requires_grad


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_copies_and_states_of_parametrised_layers(backend, name):
    model = nn.Sequential(getattr(parametrizations, name)(nn.Linear(3, 3)), nn.ReLU()).eval()
    x = gpugrad.ones((2, 3))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin(x).tolist() == model(x).tolist()
        with gpugrad.no_grad():
            for p in twin.parameters():
                p.zero_()
        twin.load_state_dict(model.state_dict())
        assert twin(x).tolist() == model(x).tolist()
    assert model.double()[0].weight.dtype == gpugrad.float64


def test_backward_after_another_call_has_the_vectors_of_its_own_time(backend):
    layer = parametrizations.spectral_norm(nn.Linear(3, 3, bias=False).double())
    twin = copy.deepcopy(layer)
    x = gpugrad.ones((1, 3), dtype=gpugrad.float64)
    z = layer(x)
    layer(x * 2)
    z.sum().backward()
    twin(x).sum().backward()
    mine, its = (m.parametrizations.weight.original.grad.tolist() for m in (layer, twin))
    assert mine == its
