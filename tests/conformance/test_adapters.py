"""Adapters of other libraries, where these are installed: what they get right shows that the cases are fair."""

from importlib.util import find_spec

import pytest

from gpugrad import conformance

EASY = "exp sin multiply matmul sum reshape"


def installed(namespace):
    return find_spec(namespace.partition(".")[0]) is not None


@pytest.mark.parametrize("namespace", conformance.NAMESPACES)
def test_every_library_gets_simple_functions_right(namespace):
    if not installed(namespace):
        pytest.skip(f"{namespace} is not installed")
    adapter = conformance.adapter(namespace)
    assert adapter.version
    for name in EASY.split():
        report = conformance.run(adapter, f"{name}: *")
        verdicts = [verdict.status for _, verdict in report.verdicts(1)]
        assert "wrong" not in verdicts and "nan" not in verdicts and "misfit" not in verdicts, report.failures()
        assert verdicts.count("right") >= len(verdicts) / 2, report.failures()
        if namespace != "mygrad":  # which has no second order
            assert "right" in {verdict.status for _, verdict in report.verdicts(2)}


@pytest.mark.parametrize("namespace", conformance.NAMESPACES)
def test_complex_gradients_come_in_one_convention(namespace):
    if not installed(namespace) or namespace == "mygrad":
        pytest.skip(f"{namespace} is not installed, or has no complex numbers")
    report = conformance.run(conformance.adapter(namespace), "multiply: complex*")
    assert {verdict.status for order in (1, 2) for _, verdict in report.verdicts(order)} == {"right"}


def test_torch_agrees_with_all_facts_but_the_determinant_of_a_singular_matrix():
    pytest.importorskip("torch", reason="torch is not installed: the extra oracle")
    report = conformance.run(conformance.adapter("torch"))
    assert {
        result.case.id
        for order in (1, 2)
        for result, verdict in report.verdicts(order)
        if verdict.status == "wrong" and result.case.group == "fact"
    } == {"linalg.det: singular", "linalg.det: singular, rank 2 of 3"}
    right = [verdict for _, verdict in report.verdicts(1) if verdict.status == "right"]
    assert len(right) > 0.95 * len(report.results)


def test_torch_chooses_otherwise_at_some_kinks_and_that_is_not_wrong():
    pytest.importorskip("torch", reason="torch is not installed: the extra oracle")
    report = conformance.run(conformance.adapter("torch"), "clip: at a bound*")
    assert {verdict.status for _, verdict in report.verdicts(1)} == {"other"}
