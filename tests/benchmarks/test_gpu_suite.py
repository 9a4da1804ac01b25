"""The GPU check's test list counts what ran, and says of what did not why."""

import os
from pathlib import Path

import pytest
from gpu_check import child, suite
from gpu_check.part import FAILED, NOT_RUN, PASSED

ON_EACH_BACKEND = "tests/tensor/test_devices.py::test_moving_to_where_it_is_changes_nothing"
COUNTED = "tests/backends/test_cupy.py"
DEVICE = "import fake_cupy\ndevice = fake_cupy.installed()\ndevice.__enter__()\n"
NO_DEVICE = """
from gpugrad.backends import _choice
from gpugrad.errors import BackendUnavailable
def made():
    raise BackendUnavailable("no device answers", "no-driver")
_choice._factories["cupy"] = made
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that makes the machine on which the tests are started what a plugin for pytest says."""
    monkeypatch.delenv("GPUGRAD_TEST_BACKENDS", raising=False)
    monkeypatch.setenv("PYTEST_PLUGINS", "machine_under_test")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(child, "installed", lambda name, found=child.installed: name != "xdist" and found(name))
    return (tmp_path / "machine_under_test.py").write_text


def test_tests_that_run_on_cupy_are_counted(machine):
    machine(DEVICE)
    part = suite.check(selected=(ON_EACH_BACKEND, COUNTED))
    assert part.state == PASSED, part.summary
    assert part.summary.startswith("3 passed, 0 failed, 0 skipped, 1 passed on CuPy")
    assert part.summary.endswith("(backends numpy,cupy)")
    reasons = {row[2] for row in part.tables[0].rows if row[0] == "left out"}
    assert "tests/test_packaging.py: tests of the wheel" in reasons
    assert len(reasons) >= len(suite.LEFT_OUT)


def test_without_a_device_the_list_fails_and_names_its_failures(machine):
    machine(NO_DEVICE)
    part = suite.check(selected=(ON_EACH_BACKEND, COUNTED))
    assert part.state == FAILED
    assert any(row[0] == "failed" and "[cupy" in row[2] for row in part.tables[0].rows)
    part = suite.check(selected=(COUNTED,), backends="numpy")
    assert part.state == FAILED
    assert "test_every_test_of_tensors_ran_on_cupy_too" in part.tables[0].rows[0][2]


def test_a_list_in_which_nothing_ran_on_cupy_does_not_pass(machine):
    machine(DEVICE)
    part = suite.check(selected=("tests/op/test_op.py",), backends="numpy")
    assert part.state == FAILED
    assert part.summary.startswith("no test ran on CuPy: ")


def test_tests_that_do_not_end_or_begin_are_failures(machine):
    machine("import time\ntime.sleep(60)\n")
    part = suite.check(limit=1, selected=(COUNTED,))
    assert (part.state, part.summary) == (FAILED, "stopped after 1 s: it said nothing")
    machine("raise SystemExit('this machine is broken')\n")
    part = suite.check(selected=(COUNTED,))
    assert part.state == FAILED
    assert part.summary == "pytest ended with status 1: this machine is broken"


def test_a_run_that_is_stopped_shows_how_far_it_came(machine, monkeypatch):
    machine(DEVICE)
    run = child.run
    monkeypatch.setattr(child, "run", lambda *args, **variables: (None, run(*args, **variables)[1]))
    part = suite.check(limit=200, selected=(ON_EACH_BACKEND,))
    assert (part.state, part.summary) == (
        FAILED,
        "stopped after 200 s, and until then 2 passed, 0 failed, 0 skipped, 1 passed on CuPy; more time: --limit",
    )


def test_what_had_failed_by_then_is_named(tmp_path):
    progress = tmp_path / "progress"
    progress.write_text("passed a::b[cupy-1]\nfailed a::c[x y]\nskipped a::d\n")
    part = suite.stopped(progress, 9, "said")
    assert part.summary.startswith("stopped after 9 s, and until then 1 passed, 1 failed, 1 skipped, 1 passed on CuPy")
    assert part.tables[0].rows == [("failed", "1", "a::c[x y]")]


def test_plugins_that_happen_to_be_installed_take_no_part(machine, tmp_path):
    machine(DEVICE)
    (tmp_path / "rogue.py").write_text("raise RuntimeError('a plugin of somebody else')")
    (tmp_path / "rogue-1.dist-info").mkdir()
    (tmp_path / "rogue-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: rogue\nVersion: 1\n")
    (tmp_path / "rogue-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nrogue = rogue\n")
    part = suite.check(selected=(ON_EACH_BACKEND,))
    assert part.state == PASSED, part.summary


def test_skips_are_shown_with_their_reasons(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite tests="6">
        <testcase classname="tests.a" name="test_x[numpy]"/>
        <testcase classname="tests.a" name="test_x[cupy-3]"/>
        <testcase classname="tests.a" name="test_x[fake-cuda]"/>
        <testcase classname="tests.a" name="test_y[1-cupy]"><failure message="wrong">long</failure></testcase>
        <testcase classname="tests.a" name="test_z"><error message="broken">long</error></testcase>
        <testcase classname="tests.b" name="test_torch"><skipped message="torch is not installed"/></testcase>
        </testsuite></testsuites>"""
    )
    counts, reasons, failures = suite.outcomes(report)
    assert counts == {"passed": 3, "passed on CuPy": 1, "failed": 2, "skipped": 1}
    assert reasons == {"torch is not installed": 1}
    assert failures == ["tests.a::test_y[1-cupy]", "tests.a::test_z"]


def test_files_that_need_a_package_which_is_not_there_are_left_out_by_its_name(monkeypatch, tmp_path):
    path = tmp_path / "test_new.py"
    path.write_text("import os, xml.etree\nfrom fake_cupy import cupy\nimport gpugrad.nn\nfrom nowhere.at import all\n")
    assert suite.lacking(path) == "nowhere"
    path.write_text("import os, xml.etree\nfrom fake_cupy import cupy\ndef test():\n    import nowhere\n")
    assert suite.lacking(path) is None

    def lacks(name):
        if name.startswith("gpugrad.cli"):
            raise ModuleNotFoundError("No module named 'cyclopts'", name="cyclopts")

    monkeypatch.setattr(suite.importlib, "import_module", lacks)
    absent = suite.left_out()
    assert {"gpugrad/cli/__init__.py", "gpugrad/cli/app.py", "tests/cli/"} <= {*absent["cyclopts"]}
    assert not any(name.startswith(("tests/cli/test", "gpugrad/nn", "tests/nn")) for name in absent["cyclopts"])


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("gone", name="gpugrad._gone"), ImportError("cannot import name"), ValueError()]
)
def test_a_module_of_ours_that_is_missing_or_broken_is_left_to_pytest(monkeypatch, error):
    def fails(name):
        raise error

    monkeypatch.setattr(suite.importlib, "import_module", fails)
    assert suite.missing("gpugrad.nn") is None


@pytest.mark.parametrize(
    ("version", "reason"), [("8.4.2", "pytest 8.4.2 is here, and the tests need 9.0"), ("9.0.1", "")]
)
def test_an_old_pytest_is_named(monkeypatch, version, reason):
    monkeypatch.setattr(pytest, "__version__", version)
    assert child.without_pytest() == reason


def test_without_pytest_the_list_is_not_run(monkeypatch):
    monkeypatch.setattr(child, "installed", lambda name: name != "pytest")
    part = suite.check()
    assert (part.state, part.summary) == (NOT_RUN, "pytest is not installed")


def test_everything_left_out_exists():
    assert all((Path(child.ROOT) / name).exists() for name in suite.LEFT_OUT)
