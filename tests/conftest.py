"""The backends that every test of tensors runs on, by one fixture."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager

os.environ["SCIPY_ARRAY_API"] = "1"  # for tests/interop; SciPy reads it when it is imported

import fake_cupy
import pytest

import gpugrad
from gpugrad._graph import modes, nodes, watching
from gpugrad._op import elementwise
from gpugrad.autograd import anomaly, is_anomaly_enabled
from gpugrad.backends import backend_named, backend_of_device, default_device, register_backend
from gpugrad.errors import BackendUnavailable

_named = os.environ.get("GPUGRAD_TEST_BACKENDS", "").replace(" ", "")

try:
    import strict
except ModuleNotFoundError:  # array-api-strict, which a machine with a GPU may lack
    if "strict" in _named:
        raise
    strict = None
else:
    strict.register()


def _no_strict():
    """Skip the test that asks for the strict backend by its name, where there is none."""
    if "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip("array-api-strict is not installed")
    raise BackendUnavailable("array-api-strict is not installed", "not-installed")


if strict is None:
    register_backend("strict", _no_strict)


def _cupy_fault():
    """Return why CuPy cannot run here, None where it can."""
    try:
        backend_named("cupy")
    except BackendUnavailable as error:
        return str(error)
    return None


# CuPy joins where a device answers; GPUGRAD_TEST_BACKENDS=numpy,cupy names the backends, and then each must work.
CUPY_FAULT = _cupy_fault()
_found = [
    name for name, there in (("strict", strict is not None), ("fake-cuda", True), ("cupy", not CUPY_FAULT)) if there
]
BACKENDS = _named.split(",") if _named else ["numpy", *_found]


def pytest_collection_finish(session):
    """Leave the tests themselves out of every garbage collection: they stay, and there are thousands of them."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config):
    fake = " (fake-cuda is a fake device: no GPU code was run)" if "fake-cuda" in BACKENDS else ""
    lacking = "; array-api-strict is not installed" if strict is None else ""
    fault = f"; {CUPY_FAULT}" if CUPY_FAULT else ""
    return f"gpugrad backends under test: {', '.join(BACKENDS)}{fake}{lacking}{fault}"


@contextmanager
def _place(name):
    """Send new tensors to a backend or device; `fake-cuda` and `fake-cuda:1` are those of the stand-in for CuPy."""
    if name.startswith("fake-cuda"):
        with fake_cupy.installed(), gpugrad.use_backend(name.removeprefix("fake-")):
            yield name.removeprefix("fake-")
    else:
        with gpugrad.use_backend(name):
            yield name


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Send new tensors to each backend in turn; the value is its name."""
    with _place(request.param):
        yield gpugrad.get_backend()


@pytest.fixture
def place(request):
    """Send new tensors to the backend or device named by an indirect parameter; the value is what its device prints."""
    with _place(request.param) as name:
        yield name


@pytest.fixture(params=[name for name in BACKENDS if name != "numpy"])
def devices(request):
    """Return the names of a backend's devices, the current one last, for each but NumPy; new tensors go to NumPy."""
    with _place(request.param):
        first, *others = map(str, backend_of_device(default_device()).devices())
        with gpugrad.use_backend("numpy"):
            yield [*others, first]


@pytest.fixture
def fake_cuda():
    """Put the stand-in in CuPy's place; the value is gpugrad's backend for it."""
    with fake_cupy.installed() as made:
        yield made


@pytest.fixture(scope="session")
def cupy_fault():
    """Return why CuPy cannot run here, None where it can."""
    return CUPY_FAULT


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same random numbers and from NumPy."""
    gpugrad.manual_seed(0)
    gpugrad.set_backend("numpy")


USUAL = modes.present()


@pytest.fixture(autouse=True)
def _as_before():
    """Fail each test that leaves a mode on, or somebody watching, whatever it raised in whatever block."""
    yield
    assert modes.present() == USUAL
    assert modes.unusual == 0, "a thread is in a mode, or the count of those that are is wrong"
    assert watching.watchers == () and watching.node_at_work() is None and not watching._local.within
    assert elementwise.next_sequence is nodes.next_sequence
    assert not is_anomaly_enabled() and anomaly._modes == 0
