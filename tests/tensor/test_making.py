"""Tensors from what users have, and the dtype that results get when kinds and scalars meet."""

from __future__ import annotations

import copy
import pickle
from array import array

import numpy as np
import pytest

import gpugrad as gg
from gpugrad.errors import DtypeError, OptionError, ShapeError


def host(tensor):
    return getattr(tensor._array, "_array", tensor._array)


def shares(a, b):
    return np.shares_memory(a if isinstance(a, np.ndarray) else host(a), b if isinstance(b, np.ndarray) else host(b))


# tensor and asarray


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, "float32", ()), (2, "int64", ()), (True, "bool", ()), (1j, "complex64", ()),
        ([1.0, 2.0], "float32", (2,)), ([1, 2], "int64", (2,)), ([True, False], "bool", (2,)),
        ([1, 2.5], "float32", (2,)), ([True, 2], "int64", (2,)), ([1j, 2.0], "complex64", (2,)),
        ([[1, 2], [3, 4]], "int64", (2, 2)), ((1.0, (2.0)), "float32", (2,)), (range(3), "int64", (3,)),
        ([], "float32", (0,)), ([[], []], "float32", (2, 0)),
        (np.float64(1.5), "float64", ()), (np.float32(1.5), "float32", ()), (np.int8(3), "int8", ()),
        (np.array([1.5]), "float64", (1,)), (np.array([1], np.uint16), "uint16", (1,)), (np.array(2.5), "float64", ()),
        ([np.float32(1), np.float32(2)], "float32", (2,)), ([np.float64(1), 2], "float32", (2,)),
        (np.array([1.0], ">f8"), "float64", (1,)), (np.array([[1.0, 2.0], [3.0, 4.0]]).T, "float64", (2, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [gg.tensor, gg.asarray])
def test_python_numbers_get_the_default_dtypes_and_arrays_keep_theirs(backend, make, data, dtype, shape):
    t = make(data)
    assert (t.dtype, t.shape) == (dtype, shape)
    assert str(t.device).startswith({"numpy": "cpu", "cupy": "cuda"}.get(backend, backend))
    np.testing.assert_array_equal(np.asarray(t.tolist()), np.asarray(data))
    assert t.dtype.isnative


@pytest.mark.parametrize("make", [gg.tensor, gg.asarray])
@pytest.mark.parametrize("dtype", ["float64", "int32", "bool", "complex64", np.float64, float, int, bool])
def test_a_dtype_that_is_asked_for_is_given(backend, make, dtype):
    expected = {float: "float32", int: "int64", bool: "bool"}.get(dtype, np.dtype(dtype).name)
    assert make([1, 0], dtype=dtype).dtype == expected
    assert make(np.array([1.0, 0.0]), dtype=dtype).dtype == expected


@pytest.mark.parametrize("make", [gg.tensor, gg.asarray])
@pytest.mark.parametrize("data", ["text", ["a"], None, [None], object(), {"a": 1}, np.array(["a"]), np.array([None])])
def test_what_is_no_number_is_refused(make, data):
    with pytest.raises(TypeError):
        make(data)


@pytest.mark.parametrize("make", [gg.tensor, gg.asarray])
@pytest.mark.parametrize(("data", "dtype"), [(2**63, None), ([300], "uint8"), ([1, -1], "uint16"), (-(2**40), "int32")])
def test_an_integer_that_does_not_fit_is_never_another_integer(make, data, dtype):
    with pytest.raises(OverflowError, match="do not fit"):
        make(data, dtype=dtype)
    assert make([2**64 - 1], dtype="uint64").tolist() == [2**64 - 1]


@pytest.mark.parametrize("make", [gg.tensor, gg.asarray])
def test_ragged_lists_are_refused(make):
    with pytest.raises(ValueError, match="nested lists"):
        make([[1, 2], [3]])


@pytest.mark.parametrize("dtype", ["float128", "object", "str", "datetime64[s]", "nonsense", None])
def test_a_dtype_that_is_none_of_ours_is_refused(dtype):
    with pytest.raises(DtypeError):
        gg.astype(gg.ones(2), dtype)


def test_tensor_copies(backend):
    array = np.array([1.0, 2.0], np.float32)
    t = gg.tensor(array)
    array[0] = 50
    assert t.tolist() == [1, 2]
    source = gg.tensor([1.0, 2.0])
    assert not shares(gg.tensor(source), source)
    assert gg.tensor(source, dtype=gg.float32) is not source


def test_tensor_of_a_tracked_tensor_is_a_new_leaf(backend):
    x = gg.tensor([1.0], requires_grad=True)
    t = gg.tensor(x * 2)
    assert not t.requires_grad
    assert gg.tensor(x * 2, requires_grad=True).is_leaf


def test_asarray_shares_a_host_array_and_copies_when_asked():
    array = np.array([1.0, 2.0], np.float32)
    t = gg.asarray(array)
    t[0] = 7
    assert array.tolist() == [7, 2]
    assert shares(gg.asarray(array, copy=False), array)
    assert not shares(gg.asarray(array, copy=True), array)
    assert not shares(gg.asarray(array, dtype=gg.float64), array)
    with pytest.raises(ValueError, match="copy"):
        gg.asarray(array, dtype=gg.float64, copy=False)
    with pytest.raises(ValueError, match="copy"):
        gg.asarray([1.0], copy=False)


def test_asarray_of_a_tensor_is_the_same_handle(backend):
    x = gg.tensor([1.0], requires_grad=True)
    assert gg.asarray(x) is x
    assert gg.asarray(x, copy=False) is x
    copied = gg.asarray(x, copy=True)
    assert not shares(copied, x)
    (copied * 3 + gg.asarray(x, dtype=gg.float64)).sum().backward()
    assert x.grad.tolist() == [4]
    assert x.grad.dtype == gg.float32


@pytest.mark.parametrize("array", [np.ma.masked_array([1.0, 2.0]), np.array([1.0, 2.0]).view(np.recarray)])
def test_subclasses_of_arrays_become_plain(array):
    t = gg.asarray(array)
    assert type(t._array) is np.ndarray
    assert type((gg.ones(2) * array)._array) is np.ndarray


def test_lists_of_tensors_stay_in_the_graph_with_asarray(backend):
    x = gg.tensor(2.0, requires_grad=True)
    t = gg.asarray([[x, x * x], [1.0, x]])
    assert t.shape == (2, 2)
    (t * gg.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert x.grad.item() == 1 + 40 + 1000


def test_lists_of_tensors_are_numbers_to_tensor(backend):
    x = gg.tensor(2.0, requires_grad=True)
    t = gg.tensor([x, x * x])
    assert t.tolist() == [2, 4]
    assert t.dtype == gg.float32
    assert not t.requires_grad


def test_a_tensor_is_made_where_it_is_asked_for():
    for place in ("strict:device1", "cpu", gg.Device.parse("strict:device2")):
        for t in (gg.tensor([1.0], device=place), gg.asarray(np.ones(1), device=place), gg.zeros(1, device=place),
                  gg.rand(1, device=place), gg.full((1,), 2, device=place), gg.arange(2, device=place)):  # fmt: skip
            assert t.device == gg.Device.parse(place)
    t = gg.ones(2, device="strict:device1")
    assert gg.tensor(t).device == t.device
    assert gg.zeros_like(t).device == t.device


def test_tensor_itself_is_not_called():
    with pytest.raises(TypeError, match="gpugrad.tensor"):
        gg.Tensor([1.0])


def test_creation_functions_have_the_default_dtypes(backend):
    assert [f(2).dtype for f in (gg.zeros, gg.ones, gg.empty, gg.rand, gg.randn)] == ["float32"] * 5
    assert gg.arange(3).dtype == gg.randperm(3).dtype == gg.randint(5, (2,)).dtype == "int64"
    assert gg.arange(3.0).dtype == gg.linspace(0, 1, 3).dtype == gg.eye(2).dtype == "float32"
    assert [gg.full((2,), v).dtype for v in (1, 1.0, True, 1j)] == ["int64", "float32", "bool", "complex64"]
    assert gg.zeros_like(gg.ones(2, requires_grad=True)).requires_grad is False


# Scalars are weak, and NumPy's scalars are Python's


F32, F64, F16, I32, I64, B = "float32 float64 float16 int32 int64 bool".split()


@pytest.mark.parametrize(
    ("dtype", "scalar", "expected"),
    [
        (F32, 2, F32), (F32, 2.0, F32), (F32, True, F32), (F32, np.float64(2), F32), (F32, np.int64(2), F32),
        (F32, np.float32(2), F32), (F16, np.float64(2), F16), (F16, 1e-3, F16), (F64, np.float32(2), F64),
        (F64, 2.0, F64), (I32, 2, I32), (I32, np.int64(2), I32), (I64, 2.5, F32), (I32, 2.5, F32),
        (I64, np.float64(2.5), F32), (B, 2, I64), (B, 2.5, F32), (F32, 1j, "complex64"),
        (F64, 1j, "complex128"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_a_scalar_never_widens_a_tensor_within_its_kind(backend, dtype, scalar, expected, turned):
    if backend == "strict" and F16 in (dtype, expected):
        pytest.skip("array_api_strict has no float16")
    t = gg.ones(2, dtype=dtype)
    z = scalar * t if turned else t * scalar
    assert type(z) is gg.Tensor
    assert z.dtype == expected
    np.testing.assert_allclose(z.tolist(), [scalar, scalar], rtol=1e-3)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(F32, F64, F64), (F16, F32, F32), (I64, F32, F32), (I64, F16, F16), (I32, I64, I64), (B, F32, F32), (B, I32, I32),
     (I64, F64, F64), (I64, "uint8", I64)],
)  # fmt: skip
def test_integers_that_meet_floats_become_those_floats(backend, one, other, expected):
    if backend == "strict" and F16 in (one, other):
        pytest.skip("array_api_strict has no float16")
    for a, b in ((one, other), (other, one)):
        x, y = gg.ones(2, dtype=a), gg.ones(2, dtype=b)
        assert gg.multiply(x, y).dtype == expected
        assert gg.where(gg.ones(2, dtype=gg.bool), x, y).dtype == expected
        assert gg.concat([x, y]).dtype == expected
        if B not in (one, other):
            assert gg.matmul(x, y).dtype == expected


@pytest.mark.parametrize("name", "exp log sin tanh sqrt sigmoid softplus reciprocal".split())
def test_a_function_with_real_values_makes_the_default_float_of_integers(backend, name):
    for dtype in (I32, I64, B, "uint8"):
        assert getattr(gg, name)(gg.ones(2, dtype=dtype)).dtype == F32


def test_division_of_integers_makes_the_default_float(backend):
    x = gg.tensor([1, 2])
    assert (x / x).dtype == (x / 2).dtype == (1 / x).dtype == F32
    assert (x // 2).dtype == (x % 2).dtype == I64
    assert gg.mean(x).dtype == gg.var(x).dtype == F32
    assert gg.atan2(x, x).dtype == gg.hypot(x, x).dtype == gg.logaddexp(x, x).dtype == F32


def test_sums_of_small_integers_are_wide(backend):
    assert gg.sum(gg.tensor([True, True])).dtype == I64
    assert gg.sum(gg.tensor([True, True])).item() == 2
    assert gg.sum(gg.full((300,), 1, dtype=gg.uint8)).item() == 300
    assert gg.sum(gg.ones(2), dtype=gg.float64).dtype == F64
    assert gg.max(gg.tensor([1, 2])).dtype == I64


def test_0d_results_keep_float32(backend):
    x = gg.tensor(2.0)
    for z in (x * 2.0, x * np.float64(2), x + 1, gg.exp(x), gg.sum(gg.ones(3)), gg.mean(gg.ones(3)), x**2, x / 3, -x):
        assert z.dtype == F32
        assert z.shape == ()


def test_numpy_on_the_left_gives_a_tensor(backend):
    t = gg.tensor([1.0, 2.0], requires_grad=True)
    for left in (np.float32(2), np.float64(2), np.int64(2)):
        for z in (left * t, left + t, left - t, left / t, left**t):
            assert type(z) is gg.Tensor
            assert z.requires_grad
            assert z.dtype == F32
        assert type(left < t) is gg.Tensor
        assert type(left == t) is gg.Tensor


def test_arrays_of_the_host_meet_host_tensors():
    t = gg.tensor([1.0, 2.0], requires_grad=True)
    array = np.array([3.0, 4.0], np.float32)
    for z in (array * t, t * array, array + t, array - t, array / t, array @ t, t @ array, array**t, np.array(2.0) * t):
        assert type(z) is gg.Tensor
        assert z.requires_grad
    (array * t).sum().backward()
    assert t.grad.tolist() == [3, 4]
    assert type(array == t) is gg.Tensor


def test_a_numpy_function_on_a_tensor_is_refused_and_not_silently_detached():
    with pytest.raises(TypeError):
        np.exp(gg.ones(2))
    with pytest.raises(TypeError):
        np.add(np.ones(2), gg.ones(2))


def test_what_is_no_operand_is_refused(backend):
    t = gg.ones(2)
    for other in ("a", None, object(), [1.0, 2.0]):
        with pytest.raises(TypeError):
            t + other
        with pytest.raises(TypeError):
            other + t
    assert (t == None) is False  # noqa: E711
    assert (t != "a") is True


def test_equality_is_element_by_element_and_tensors_are_hashable(backend):
    t = gg.tensor([1.0, 2.0])
    assert (t == gg.tensor([1.0, 3.0])).tolist() == [True, False]
    assert len({t, t}) == 1


def test_the_namespace_is_the_module_always_the_same():
    assert gg.ones(2).__array_namespace__() is gg
    assert gg.ones(2).__array_namespace__(api_version="2024.12") is gg


# Random numbers

FIRST_RAND = [0.13562291860580444, 0.014066994190216064, 0.9377323985099792]
FIRST_RANDN = [-0.2059740275144577, -0.1288449466228485, -0.2897898852825165]


def drawn(place, seed):
    with gg.use_backend(place):
        gg.manual_seed(seed)
        numbers = [gg.randn(2, 3), gg.rand(4), gg.randint(10, (5,)), gg.randperm(6), gg.randn(3, dtype=gg.float64)]
        numbers.append(gg.dropout(gg.ones(8), p=0.5, seed=seed, offset=3))
        return [t.tolist() for t in numbers]


def test_the_same_seed_gives_the_same_numbers_on_every_backend(backend):
    assert drawn(backend, 5) == drawn("numpy", 5)
    assert drawn(backend, 5) == drawn(backend, 5)
    assert drawn(backend, 5) != drawn(backend, 6)


def test_a_seed_gives_these_numbers_on_every_machine():
    gg.manual_seed(0)
    np.testing.assert_allclose(gg.rand(3).tolist(), FIRST_RAND, rtol=1e-7)
    gg.manual_seed(0)
    np.testing.assert_allclose(gg.randn(3).tolist(), FIRST_RANDN, rtol=1e-6)


def test_a_generator_of_ones_own_leaves_the_common_one_alone(backend):
    gg.manual_seed(1)
    first = gg.rand(2).tolist()
    gg.manual_seed(1)
    gg.rand(5, generator=gg.random.Generator(9))
    assert gg.rand(2).tolist() == first


def test_rand_is_below_1_in_every_dtype():
    for dtype in (gg.float16, gg.float32, gg.float64):
        numbers = gg.rand(100_000, dtype=dtype)
        assert float(gg.max(numbers).item()) < 1
        assert float(gg.min(numbers).item()) >= 0


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, "a", None])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        gg.manual_seed(seed)


# Sizes


@pytest.mark.parametrize(
    "make",
    [
        lambda n: gg.zeros(n), lambda n: gg.randn(n), lambda n: gg.rand(n), lambda n: gg.randint(0, 5, n),
        lambda n: gg.ones((2, 3)).reshape(n), lambda n: gg.reshape(gg.ones((2, 3)), n),
        lambda n: gg.ones((2, 3)).view(n),
    ],
)  # fmt: skip
def test_a_size_is_any_integer_and_never_a_float_rounded(backend, make):
    assert make(np.prod((2, 3))).shape == (6,)
    assert make((np.int64(6),)).shape == (6,)
    with pytest.raises(TypeError):
        make((6.7,))


def test_a_numpy_number_fills_with_its_own_kind(backend):
    assert gg.full((2,), np.int64(3)).dtype == I64
    assert gg.full((2,), np.True_).dtype == B
    assert gg.full((2,), np.float64(0.5)).dtype == F32


def test_random_integers_never_wrap_around(backend):
    assert int(gg.randint(0, 256, (999,), dtype="uint8").max()) <= 255
    with pytest.raises(OptionError, match="uint8 does not hold all integers from 0 to 256"):
        gg.randint(0, 257, (3,), dtype="uint8")
    with pytest.raises(OptionError, match="name a wider dtype"):
        gg.randint(-1, 2, (3,), dtype="uint8")


def test_a_generator_is_copied_and_pickled_with_its_place_in_the_stream():
    generator = gg.random.Generator(3)
    gg.randn(5, generator=generator)
    copies = copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))
    following = gg.randn(4, generator=generator).tolist()
    assert [gg.randn(4, generator=other).tolist() for other in copies] == [following, following]
    assert [other.next_offset() for other in copies] == [generator.next_offset()] * 2


# Kinds that only some functions meet


def test_no_function_of_integers_makes_float64(backend):
    x = gg.tensor([3, -1, 2])
    for z in (
        gg.leaky_relu(x), gg.layer_norm(x), gg.linalg.vector_norm(x), gg.dropout(x, p=0.5, seed=1, offset=0),
        gg.clip(x, 0.5, 2.5), gg.clip(x, gg.tensor(0.5)), gg.var(x), gg.std(x),
        gg.activated_linear(x, gg.ones((2, 3), dtype=I64), activation="tanh"),
        gg.activated_linear(x, gg.ones((2, 3), dtype=I64), activation="sigmoid"),
    ):  # fmt: skip
        assert z.dtype == F32
    assert gg.clip(x, 0.5, 2.5).tolist() == [2.5, 0.5, 2]
    assert gg.clip(x, 0, 2).dtype == I64


def test_a_long_double_is_a_number_and_a_date_is_none(backend):
    assert (gg.ones(2) * np.longdouble(2)).dtype == F32
    for wrong in (np.datetime64("2020-01-01"), np.str_("a")):
        with pytest.raises(TypeError, match="takes tensors, arrays and Python numbers, not numpy"):
            gg.ones(2) * wrong


def test_truth_values_that_are_counted_become_the_default_integer():
    b = gg.tensor([True, False])
    assert (b**2).dtype == gg.square(b).dtype == I64


def test_shapes_and_numbers_that_do_not_fit_are_named(backend):
    with pytest.raises(ShapeError, match=r"shape \(2, 3\) does not broadcast to \(3,\)"):
        gg.ones((2, 3)).expand(3)
    for together in (gg.concat, gg.stack):
        with pytest.raises(TypeError, match="not the number 1.0"):
            together([gg.ones(1), 1.0])


# What the standard says of making


@pytest.mark.parametrize("device", ["cpu", "strict:device1", "strict:no_float64", "cuda"])
def test_ranges_are_exact_on_every_device(fake_cuda, device):
    def made(*args, **kwargs):
        return gg.arange(*args, device=device, **kwargs)

    assert made(2**63, 2**63 + 3, dtype=gg.uint64).tolist() == [2**63, 2**63 + 1, 2**63 + 2]
    assert made(-(2**63), 2**63 - 1, 2**62 + 1).tolist() == list(range(-(2**63), 2**63 - 1, 2**62 + 1))
    assert made(0, 2**62 + 1, 2**62).tolist() == [0, 2**62]
    assert made(5, -6, -3, dtype=gg.int8).tolist() == [5, 2, -1, -4]
    assert made(3, dtype=gg.float32).tolist() == [0, 1, 2]
    assert made(2.5).tolist() == [0, 1, 2]
    assert made(0, 1, 0.25, dtype=gg.int32).tolist() == [0, 0, 0, 0]
    for args in ((3, 3), (3, 0), (0, 3, -1), (0.0, 1.0, -0.5)):
        assert made(*args).shape == (0,)
    if device != "strict:no_float64":  # float64 inside: each number is the float32 nearest to the true one
        steps = made(1e6, 1e6 + 10, 0.1)
        assert steps.dtype == gg.float32
        assert steps.tolist() == [float(np.float32(1e6 + 0.1 * i)) for i in range(steps.size)]
        spaced = gg.linspace(-1, 1, 7, device=device)
        assert spaced.tolist() == np.linspace(-1, 1, 7).astype(np.float32).tolist()


def test_linspace_has_both_ends_or_one(backend):
    assert gg.linspace(0, 1, 3).tolist() == [0, 0.5, 1]
    assert gg.linspace(0, 1, 4, endpoint=False).tolist() == [0, 0.25, 0.5, 0.75]
    assert gg.linspace(0.1, 0.7, 100, dtype=gg.float64)[-1].item() == 0.7
    assert [gg.linspace(2, 3, n).tolist() for n in (0, 1, 2)] == [[], [2], [2, 3]]
    assert gg.linspace(0, 2j, 3).dtype == gg.complex64
    assert gg.linspace(0, 2j, 3).tolist() == [0, 1j, 2j]
    assert gg.linspace(0, 9, 4, dtype=gg.int32).tolist() == [0, 3, 6, 9]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: gg.arange(0, 200, dtype=gg.int8), OverflowError, "199 does not fit int8"),
        (lambda: gg.full(2, 300, dtype=gg.uint8), OverflowError, "300 does not fit uint8"),
        (lambda: gg.full_like(gg.ones(2, dtype=gg.int8), -129), OverflowError, "-129 does not fit int8"),
        (lambda: gg.full(2, gg.nan, dtype=gg.int8), ValueError, "NaN"),
        (lambda: gg.full(2, 1j, dtype=gg.float32), TypeError, "real part"),
        (lambda: gg.linspace(0, 1j, 3, dtype=gg.float32), TypeError, "real part"),
        (lambda: gg.full(2, gg.ones(1)), ValueError, "broadcast_to"),
        (lambda: gg.arange(0, 3, 0), ValueError, "step must not be 0"),
        (lambda: gg.arange(0, gg.inf), ValueError, "from 0 to inf"),
        (lambda: gg.arange(gg.nan), ValueError, "from 0 to nan"),
        (lambda: gg.linspace(0, 1, -1), ValueError, "negative"),
        (lambda: gg.asarray([2**64, -1]), OverflowError, "do not fit int64"),
        (lambda: gg.asarray([2**63, -1]), OverflowError, "do not fit int64"),
        (lambda: gg.asarray([2**63, -1], dtype=gg.uint64), OverflowError, "do not fit uint64"),
    ],
)
def test_numbers_that_a_dtype_cannot_hold_are_refused_by_name(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_large_integers_are_exact(backend):
    assert gg.asarray([2**63, 2**64 - 1], dtype=gg.uint64).tolist() == [2**63, 2**64 - 1]
    assert gg.asarray([[2**62 + 1, -(2**63)]]).tolist() == [[2**62 + 1, -(2**63)]]
    assert gg.full((2,), 2**62 + 1).tolist() == [2**62 + 1] * 2
    assert gg.asarray([2**70, 1], dtype=gg.float64).tolist() == [float(2**70), 1.0]


def test_buffers_lend_their_memory_and_keep_their_dtype():
    numbers = array("d", [1.0, 2.0])
    t = gg.asarray(numbers)
    assert t.dtype == gg.float64
    numbers[0] = 7.0
    assert t.tolist() == gg.asarray(memoryview(numbers)).tolist() == [7, 2]
    assert gg.asarray(numbers, copy=False).tolist() == [7, 2]
    copied = [gg.tensor(numbers), gg.asarray(numbers, copy=True), gg.asarray(numbers, dtype=gg.float32)]
    numbers[0] = 9.0
    assert [c.tolist() for c in copied] == [[7, 2]] * 3
    assert gg.asarray(bytearray(b"ab")).tolist() == [97, 98]
    assert gg.asarray(bytearray(b"ab")).dtype == gg.uint8


def test_memory_that_is_read_only_is_not_written():
    for t in (gg.asarray(b"ab"), gg.asarray(gg.ones(2).numpy())):
        before = t.tolist()
        for write in (lambda t=t: t.__setitem__(0, 5), lambda t=t: t.__iadd__(1), lambda t=t: t[:1].fill_(3)):
            with pytest.raises(ValueError, match="read-only"):
                write()
        assert t.tolist() == before
        assert (t.clone().fill_(3) == 3).all()


def test_what_offers_an_array_keeps_its_dtype():
    class Offers:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0])

    assert gg.asarray(Offers()).dtype == gg.tensor(Offers()).dtype == gg.float64


def test_a_copy_that_was_ruled_out_is_an_error():
    x = gg.ones(2)
    for make in (
        lambda: gg.asarray([x, x], copy=False),
        lambda: gg.asarray(np.array([1.0], ">f8"), copy=False),
        lambda: gg.asarray(x, dtype=gg.float64, copy=False),
        lambda: gg.asarray(x, device="strict:device1", copy=False),
        lambda: gg.asarray(1.0, copy=False),
    ):
        with pytest.raises(ValueError, match="copy"):
            make()
    assert gg.asarray(np.empty(0, np.float32), copy=False).shape == (0,)


def test_numbers_beside_tensors_go_where_those_are():
    x = gg.tensor([1.0, 2.0], device="strict:device1", requires_grad=True)
    t = gg.asarray([[x[0], 3.0], [4, x[1]]])
    assert str(t.device) == "strict:device1"
    assert t.tolist() == [[1, 3], [4, 2]]
    (t * t).sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_filling_with_a_tensor_stays_in_the_graph(backend):
    value = gg.tensor(2.0, requires_grad=True)
    like = gg.zeros((3,), dtype=gg.float64)
    z = gg.full((2, 3), value) * gg.full_like(like, value)
    assert z.tolist() == [[4.0] * 3] * 2
    assert z.dtype == gg.float64
    z.sum().backward()
    assert value.grad.item() == 24
    with pytest.raises(ShapeError, match="one number, not with shape"):
        gg.full(2, gg.ones(2))
