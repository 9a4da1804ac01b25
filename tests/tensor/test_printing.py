"""The printed form of a tensor is PyTorch's, to the letter: what its readers have learnt to read.

The strings are those that PyTorch 2.13 prints, with its name replaced.
"""

from __future__ import annotations

import pytest

import gpugrad as gg

nan, inf = float("nan"), float("inf")

# fmt: off
VALUES = [
    ([1., 2., 3.], None, "tensor([1., 2., 3.])"),
    ([1.5, -2.25, 100.], None, "tensor([  1.5000,  -2.2500, 100.0000])"),
    (3.0, None, "tensor(3.)"),
    (2.5, None, "tensor(2.5000)"),
    ([0.1], None, "tensor([0.1000])"),
    ([], None, "tensor([])"),
    ([1e-5, 1.], None, "tensor([1.0000e-05, 1.0000e+00])"),
    ([1e10, 1.], None, "tensor([1.0000e+10, 1.0000e+00])"),
    ([1e5, 1.], None, "tensor([1.0000e+05, 1.0000e+00])"),
    ([1e8, 1.5], None, "tensor([1.0000e+08, 1.5000e+00])"),
    ([123456., 0.5], None, "tensor([1.2346e+05, 5.0000e-01])"),
    ([1e-10], None, "tensor([1.0000e-10])"),
    ([1e20], None, "tensor([1.0000e+20])"),
    (1e20, None, "tensor(1.0000e+20)"),
    ([1, 2, 300], None, "tensor([  1,   2, 300])"),
    ([[1, -2], [3, 4]], None, "tensor([[ 1, -2],\n        [ 3,  4]])"),
    (7, None, "tensor(7)"),
    (True, None, "tensor(True)"),
    ([True, False], None, "tensor([ True, False])"),
    ([nan, 1.], None, "tensor([nan, 1.])"),
    ([inf, -inf, 0.5], None, "tensor([   inf,   -inf, 0.5000])"),
    ([nan, inf], None, "tensor([nan, inf])"),
    ([0., 0.], None, "tensor([0., 0.])"),
    ([-0., 1.], None, "tensor([-0., 1.])"),
    ([-1., 2.], None, "tensor([-1.,  2.])"),
    ([[1., 2.], [3., 4.]], None, "tensor([[1., 2.],\n        [3., 4.]])"),
    ([[[1.]], [[2.]]], None, "tensor([[[1.]],\n\n        [[2.]]])"),
    ([1+2j, 0.5-1j], None, "tensor([1.0000+2.j, 0.5000-1.j])"),
    ([1+2j, -3-4j], None, "tensor([ 1.+2.j, -3.-4.j])"),
    ([1., 2.], "float64", "tensor([1., 2.], dtype=gpugrad.float64)"),
    ([1., 2.], "float16", "tensor([1., 2.], dtype=gpugrad.float16)"),
    ([1, 2], "int32", "tensor([1, 2], dtype=gpugrad.int32)"),
    ([1, 2], "uint8", "tensor([1, 2], dtype=gpugrad.uint8)"),
    (1.5, "float64", "tensor(1.5000, dtype=gpugrad.float64)"),
    ([1+2j], "complex128", "tensor([1.+2.j], dtype=gpugrad.complex128)"),
    ([[], []], None, "tensor([], size=(2, 0))"),
    ([[[]]], None, "tensor([], size=(1, 1, 0))"),
    ([0.00012345, 0.5], None, "tensor([1.2345e-04, 5.0000e-01])"),
    ([999.9999, 0.001], None, "tensor([1.0000e+03, 1.0000e-03])"),
    ([1000., 0.5], None, "tensor([1.0000e+03, 5.0000e-01])"),
    ([1001., 0.5], None, "tensor([1.0010e+03, 5.0000e-01])"),
    ([1e-4,1e-3], None, "tensor([1.0000e-04, 1.0000e-03])"),
    ([12345678., 1.], None, "tensor([1.2346e+07, 1.0000e+00])"),
    ([100000000., 1.], None, "tensor([1.0000e+08, 1.0000e+00])"),
    ([100000001., 1.], None, "tensor([1.0000e+08, 1.0000e+00])"),
    ([0.5, 1234.5], None, "tensor([5.0000e-01, 1.2345e+03])"),
    ([0.3333333, 66666.66], None, "tensor([3.3333e-01, 6.6667e+04])"),
    ([1e4, 1e-4], None, "tensor([1.0000e+04, 1.0000e-04])"),
    ([-1e10, 5.], None, "tensor([-1.0000e+10,  5.0000e+00])"),
]

CALLS = [
    (lambda: gg.arange(20),
     "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
     "        18, 19])"),
    (lambda: gg.arange(20.) / 3,
     "tensor([0.0000, 0.3333, 0.6667, 1.0000, 1.3333, 1.6667, 2.0000, 2.3333, 2.6667,\n"
     "        3.0000, 3.3333, 3.6667, 4.0000, 4.3333, 4.6667, 5.0000, 5.3333, 5.6667,\n"
     "        6.0000, 6.3333])"),
    (lambda: gg.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (lambda: gg.arange(1000.).reshape(10, 100)[:2, :30],
     "tensor([[  0.,   1.,   2.,   3.,   4.,   5.,   6.,   7.,   8.,   9.,  10.,  11.,\n"
     "          12.,  13.,  14.,  15.,  16.,  17.,  18.,  19.,  20.,  21.,  22.,  23.,\n"
     "          24.,  25.,  26.,  27.,  28.,  29.],\n"
     "        [100., 101., 102., 103., 104., 105., 106., 107., 108., 109., 110., 111.,\n"
     "         112., 113., 114., 115., 116., 117., 118., 119., 120., 121., 122., 123.,\n"
     "         124., 125., 126., 127., 128., 129.]])"),
    (lambda: gg.zeros((2, 3, 4)),
     "tensor([[[0., 0., 0., 0.],\n"
     "         [0., 0., 0., 0.],\n"
     "         [0., 0., 0., 0.]],\n"
     "\n"
     "        [[0., 0., 0., 0.],\n"
     "         [0., 0., 0., 0.],\n"
     "         [0., 0., 0., 0.]]])"),
    (lambda: gg.ones((40, 40)),
     "tensor([[1., 1., 1.,  ..., 1., 1., 1.],\n"
     "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
     "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
     "        ...,\n"
     "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
     "        [1., 1., 1.,  ..., 1., 1., 1.],\n"
     "        [1., 1., 1.,  ..., 1., 1., 1.]])"),
    (lambda: gg.arange(10000.).reshape(2, 5, 1000) / 7,
     "tensor([[[0.0000e+00, 1.4286e-01, 2.8571e-01,  ..., 1.4243e+02,\n"
     "          1.4257e+02, 1.4271e+02],\n"
     "         [1.4286e+02, 1.4300e+02, 1.4314e+02,  ..., 2.8529e+02,\n"
     "          2.8543e+02, 2.8557e+02],\n"
     "         [2.8571e+02, 2.8586e+02, 2.8600e+02,  ..., 4.2814e+02,\n"
     "          4.2829e+02, 4.2843e+02],\n"
     "         [4.2857e+02, 4.2871e+02, 4.2886e+02,  ..., 5.7100e+02,\n"
     "          5.7114e+02, 5.7129e+02],\n"
     "         [5.7143e+02, 5.7157e+02, 5.7171e+02,  ..., 7.1386e+02,\n"
     "          7.1400e+02, 7.1414e+02]],\n"
     "\n"
     "        [[7.1429e+02, 7.1443e+02, 7.1457e+02,  ..., 8.5671e+02,\n"
     "          8.5686e+02, 8.5700e+02],\n"
     "         [8.5714e+02, 8.5729e+02, 8.5743e+02,  ..., 9.9957e+02,\n"
     "          9.9971e+02, 9.9986e+02],\n"
     "         [1.0000e+03, 1.0001e+03, 1.0003e+03,  ..., 1.1424e+03,\n"
     "          1.1426e+03, 1.1427e+03],\n"
     "         [1.1429e+03, 1.1430e+03, 1.1431e+03,  ..., 1.2853e+03,\n"
     "          1.2854e+03, 1.2856e+03],\n"
     "         [1.2857e+03, 1.2859e+03, 1.2860e+03,  ..., 1.4281e+03,\n"
     "          1.4283e+03, 1.4284e+03]]])"),
    (lambda: gg.zeros((0, 3)), "tensor([], size=(0, 3))"),
    (lambda: gg.zeros(0), "tensor([])"),
    (lambda: gg.zeros((2, 0), dtype=gg.int64), "tensor([], size=(2, 0), dtype=gpugrad.int64)"),
    (lambda: gg.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
    (lambda: gg.arange(1200).reshape(3, 400),
     "tensor([[   0,    1,    2,  ...,  397,  398,  399],\n"
     "        [ 400,  401,  402,  ...,  797,  798,  799],\n"
     "        [ 800,  801,  802,  ..., 1197, 1198, 1199]])"),
    (lambda: gg.arange(2000.).reshape(1000, 2) * 1e6,
     "tensor([[0.0000e+00, 1.0000e+06],\n"
     "        [2.0000e+06, 3.0000e+06],\n"
     "        [4.0000e+06, 5.0000e+06],\n"
     "        ...,\n"
     "        [1.9940e+09, 1.9950e+09],\n"
     "        [1.9960e+09, 1.9970e+09],\n"
     "        [1.9980e+09, 1.9990e+09]])"),
    (lambda: gg.ones(3) > 0, "tensor([True, True, True])"),
    (lambda: gg.ones((1, 1, 1)), "tensor([[[1.]]])"),
]
# fmt: on


@pytest.mark.parametrize(("values", "dtype", "text"), VALUES, ids=[str(v) for v, _, _ in VALUES])
def test_values_are_printed_as_pytorch_prints_them(values, dtype, text):
    assert repr(gg.tensor(values, dtype=dtype)) == text


@pytest.mark.parametrize(("make", "text"), CALLS)
def test_many_values_are_broken_into_the_lines_that_pytorch_breaks_them_into(make, text):
    assert repr(make()) == text


def test_a_result_names_the_call_that_made_it():
    x = gg.ones(2, requires_grad=True)
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<MultiplyBackward>)"
    assert repr(gg.log_softmax(x, axis=0).sum()) == "tensor(-1.3863, grad_fn=<SumBackward>)"


def test_a_device_that_is_not_the_host_is_named():
    x = gg.ones(2, device="strict:device1", requires_grad=True)
    assert repr(x) == "tensor([1., 1.], device='strict:device1', requires_grad=True)"


def test_a_long_note_goes_on_a_line_of_its_own():
    x = gg.tensor([0.1234] * 9, requires_grad=True)
    assert repr(x) == (
        "tensor([0.1234, 0.1234, 0.1234, 0.1234, 0.1234, 0.1234, 0.1234, 0.1234, 0.1234],\n       requires_grad=True)"
    )


def test_printing_is_the_same_on_every_backend(backend):
    x = gg.arange(12.0, dtype=gg.float32).reshape(3, 4) / 3
    on_host = repr(x.cpu())
    assert repr(x).replace(f", device='{x.device}'", "") == on_host


def test_a_view_of_a_leaf_prints_its_own_call_and_not_the_flag():
    x = gg.ones(2, requires_grad=True)
    assert "requires_grad" not in repr(x[:1])


def test_numbers_format_like_numbers():
    assert f"{gg.tensor(2.0):.3f} {gg.tensor(3):d}" == "2.000 3"
    assert f"{gg.ones(2)}" == "tensor([1., 1.])"
    assert str(gg.tensor(2.5)) == "tensor(2.5000)"


def test_the_widest_range_is_printed_without_a_warning():
    assert repr(gg.tensor([1.0, 5e-324], dtype=gg.float64)).startswith("tensor([ 1.0000e+00, 4.9407e-324]")
