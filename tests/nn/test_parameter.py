"""A parameter is a tensor with a name for its role; the role survives copies and files."""

import copy
import pickle

import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import DtypeError, GradientError


def test_it_shares_the_tensors_memory_as_in_pytorch(backend):
    values = gpugrad.zeros(2)
    p = nn.Parameter(values)
    values[0] = 5.0
    assert p.tolist() == [5.0, 0.0]
    assert p.is_leaf and p.requires_grad and not values.requires_grad


def test_a_result_becomes_a_leaf(backend):
    p = nn.Parameter(gpugrad.ones(2, requires_grad=True) * 2)
    assert p.is_leaf
    (p * p).sum().backward()
    assert p.grad.tolist() == [4.0, 4.0]


def test_numbers_are_copied(backend):
    p = nn.Parameter([1.0, 2.0], requires_grad=False)
    assert (p.tolist(), p.requires_grad) == ([1.0, 2.0], False)


def test_results_of_parameters_are_plain_tensors(backend):
    p = nn.Parameter(gpugrad.ones(2))
    assert type(p * 2) is type(p.detach()) is gpugrad.Tensor
    assert isinstance(p, gpugrad.Tensor)


def test_it_prints_as_in_pytorch():
    assert repr(nn.Parameter(gpugrad.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_copy_is_a_parameter_too(backend, again, requires_grad):
    p = nn.Parameter(gpugrad.ones(2), requires_grad=requires_grad)
    other = again(p)
    assert type(other) is nn.Parameter
    assert (other.tolist(), other.requires_grad, other.device) == (p.tolist(), requires_grad, p.device)
    with gpugrad.no_grad():
        other.zero_()
    assert p.tolist() == [1.0, 1.0]


def test_integers_cannot_be_trained(backend):
    with pytest.raises(GradientError, match="int64"):
        nn.Parameter(gpugrad.arange(3))
    assert nn.Parameter(gpugrad.arange(3), requires_grad=False).dtype == gpugrad.int64
    with pytest.raises(DtypeError, match="int64"):
        nn.Linear(2, 2, dtype=gpugrad.int64)
