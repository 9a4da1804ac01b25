"""The judge: what counts as right, and what kind of wrong the rest is."""

import numpy as np
import pytest

from gpugrad.conformance import STATUSES
from gpugrad.conformance._judge import close, judge

nan, inf = float("nan"), float("inf")
ONE = np.array([1.0, 2.0])


def status(found, expected, precision="double", **options):
    return judge([np.asarray(f) for f in found], [np.asarray(e) for e in expected], precision, **options).status


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (ONE, "right"),
        (ONE + 1e-12, "right"),
        (ONE + 1e-8, "wrong"),
        (-ONE, "wrong"),
        (ONE.astype(np.float32), "misfit"),
        (ONE.reshape(2, 1), "misfit"),
        (ONE[:1], "wrong"),
        (np.array([1.0, nan]), "nan"),
        (np.array([5.0, nan]), "nan"),
        (np.array([1.0, inf]), "wrong"),
        (ONE + 1e-3j, "wrong"),
    ],
)
def test_a_gradient_of_1_2(found, says):
    assert status([found], [ONE]) == says


def test_float32_has_a_wider_bound_and_a_case_may_widen_it():
    near = ONE + 1e-5
    assert status([near], [ONE], "single") == "right"
    assert status([near], [ONE], "double") == "wrong"
    assert status([near], [ONE], "double", tolerance=1e6) == "right"


def test_the_bound_is_relative_to_the_largest_element():
    assert close(np.array([1e6 + 1e-5, 0.0]), np.array([1e6, 1e-5]), "double")
    assert not close(np.array([1e-5]), np.array([0.0]), "double")


def test_infinities_and_nan_are_gradients_too():
    assert status([np.array([inf, -inf, nan])], [np.array([inf, -inf, nan])]) == "right"
    assert status([np.array([-inf])], [np.array([inf])]) == "wrong"
    assert status([np.array([0.0])], [np.array([nan])]) == "wrong"
    assert status([np.array([nan])], [np.array([inf])]) == "nan"


def test_one_wrong_input_spoils_the_case():
    assert status([ONE, ONE], [ONE, -ONE]) == "wrong"
    assert status([ONE, ONE.reshape(2, 1)], [ONE, ONE]) == "misfit"


@pytest.mark.parametrize(
    ("admissible", "found", "says"),
    [
        ({"between": [[[-1], [1]]]}, [1.0], "other"),
        ({"between": [[[-1], [1]]]}, [-1.0], "other"),
        ({"between": [[[-1], [1]]]}, [0.0], "right"),
        ({"between": [[[-1], [1]]]}, [1.5], "wrong"),
        ({"between": [[[-1], [1]]]}, [nan], "nan"),
        ({"ball": 1.0}, [1.0], "other"),
        ({"ball": 1.0}, [1.1], "wrong"),
        ({"shares": 0.0}, [0.5], "wrong"),
    ],
)
def test_at_a_kink_other_elements_of_the_subdifferential_are_another_choice(admissible, found, says):
    assert status([np.array(found)], [np.array([0.0])], admissible=admissible) == says


@pytest.mark.parametrize(
    ("found", "says"),
    [([1, 0], "other"), ([0.25, 0.75], "other"), ([1, 1], "wrong"), ([2, -1], "wrong"), ([0, 0], "wrong")],
)
def test_winners_may_share_a_gradient_as_they_like(found, says):
    assert status([np.array(found, dtype=float)], [np.array([0.5, 0.5])], admissible={"shares": 1}) == says


def test_statuses_are_those_of_the_report():
    assert set(STATUSES) == {"right", "other", "misfit", "nan", "wrong", "unsupported"}
