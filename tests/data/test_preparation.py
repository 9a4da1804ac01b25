"""Splits that keep the classes' shares, and features of mean 0 and deviation 1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpugrad.data import Standardizer, stratified_split
from gpugrad.errors import DataError, OptionError, ShapeError


@settings(deadline=None)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=6), st.floats(0.01, 0.99), st.integers(0, 2**64 - 1))
def test_every_class_is_in_both_parts_and_no_row_is_lost(counts, fraction, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    train, test = stratified_split(y, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(y)))
    for value, count in enumerate(counts):
        tested = (y[test] == value).sum()
        assert 1 <= tested < count
        assert abs(tested - count * fraction) < 1 or tested in (1, count - 1)


def test_a_seed_gives_one_split_and_another_seed_another():
    y = np.arange(100) % 4
    first, again, other = (stratified_split(y, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 20


def test_a_class_of_one_row_cannot_be_split():
    with pytest.raises(DataError, match="class 'rare' has one row only"):
        stratified_split(np.array([0, 0, 1]), classes=["common", "rare"])
    with pytest.raises(DataError, match="class 'rare' has one row only"):
        stratified_split(np.array(["common", "common", "rare"]))


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
def test_a_fraction_is_between_0_and_1(fraction):
    with pytest.raises(OptionError, match="test_fraction"):
        stratified_split(np.array([0, 0]), fraction)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_features_have_mean_0_and_deviation_1(dtype):
    x = np.random.default_rng(0).normal(1e6, 3, (500, 4))
    z = Standardizer.fit(x)(x, dtype)
    assert z.dtype == dtype
    np.testing.assert_allclose(z.mean(0, dtype=np.float64), 0, atol=1e-7)
    np.testing.assert_allclose(z.std(0, dtype=np.float64), 1, atol=1e-6)


def test_a_constant_feature_becomes_0_however_it_rounds():
    x = np.full((1437, 1), 0.1)
    standardizer = Standardizer.fit(x)
    assert standardizer.scale.tolist() == [1]
    assert not standardizer(x).any()
    assert standardizer(x + 1).tolist() == (np.ones((1437, 1))).tolist()


def test_no_finite_feature_overflows():
    x = np.array([[-1e308, 1e-320], [1e308, 0]])
    z = Standardizer.fit(x)(x)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z[:, 0], [-1, 1])


def test_the_number_of_features_must_agree():
    with pytest.raises(ShapeError, match=r"\(rows, 2\)"):
        Standardizer.fit(np.zeros((3, 2)))(np.zeros((3, 4)))
