"""Every op of the table is drawn: with the values that it computed, and the gradients that backward finds."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from samples import SAMPLES

import gpugrad
from gpugrad._graph import Leaf
from gpugrad._op import node_of
from gpugrad.autograd import grad
from gpugrad.diagnostics._quantities import Values, gradients
from gpugrad.diagnostics._structure import read


def tracked(sample):
    """Return leaves and the results of a sample that are tracked."""
    leaves = [gpugrad.tensor(np.asarray(x), requires_grad=True) for x in sample.inputs]
    result = sample.call(*leaves)
    results = result if isinstance(result, tuple | list) else [result]
    return leaves, [z for z in results if isinstance(z, gpugrad.Tensor) and z.requires_grad]


def close(one, other):
    return np.allclose(np.asarray(one), np.asarray(other), rtol=1e-10, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", SAMPLES)
def test_its_gradients_and_values_are_those_of_backward_and_forward(name):
    for sample in SAMPLES[name]:
        leaves, results = tracked(sample)
        assert results
        loss = sum((gpugrad.real(z * z).sum() for z in results), gpugrad.tensor(0.0, dtype=gpugrad.float64))
        graph = read(node_of(loss), loss.shape, loss.dtype)
        ones = np.ones((), np.float64)
        _, total = gradients(graph, ones, set(), set(graph.uses))
        expected = grad(loss, leaves, retain_graph=True, allow_unused=True)
        for leaf, g in zip(leaves, expected, strict=True):
            found = total.get(node_of(leaf))
            assert (found is None) == (g is None)
            assert g is None or close(np.conj(found), g.numpy())
        values = Values(graph, {}, set(graph.uses))
        assert not values.changed
        for value, z in ((node_of(z), z) for z in results):
            # An operand that is not tracked need not have been kept; where all are tracked, all is known.
            assert values.get(value) is not None or None in value.source.edges
            assert values.get(value) is None or close(values.get(value), z.detach().numpy())
        for leaf in leaves:
            if isinstance(node_of(leaf), Leaf) and node_of(leaf) in graph.uses:
                assert close(values.get(node_of(leaf)), leaf.detach().numpy())


@pytest.mark.parametrize("name", SAMPLES)
def test_its_picture_is_well_formed_and_repeats_itself(name):
    leaves, results = tracked(SAMPLES[name][0])
    for z in results[:1]:
        first, second = gpugrad.draw(z), gpugrad.draw(z)
        ElementTree.fromstring(first.svg)
        assert (first.svg, first.dot, first.mermaid, str(first)) == (
            second.svg,
            second.dot,
            second.mermaid,
            str(second),
        )
        assert all(leaf.grad is None for leaf in leaves)
