"""Bad input to each of the four namespaces: one line that names the function, what it was given, and what it takes."""

from __future__ import annotations

import numpy as np
import pytest

import gpugrad as gg
from gpugrad import fft, linalg, special

MAIN = [
    (lambda x: gg.linear(x, x, 0.5), "linear: its bias is a number"),
    (lambda x: gg.linear(2.0, x), "linear: its input is a number"),
    (lambda x: gg.linear(x, x, [1.0]), "linear: bias is a list; it must be a tensor or an array"),
    (lambda x: gg.linear(x, None), "linear: weight is None"),
    (lambda x: gg.sum([1.0, 2.0]), "sum: x is a list"),
    (lambda x: gg.sum(x, axis=7), "sum of float32 (2, 3): axis 7"),
    (lambda x: gg.exp("1"), "exp takes tensors, arrays and Python numbers, not builtins.str"),
    (lambda x: gg.hypot(x, np.array([object()])), "hypot takes numbers and truth values, not an array of object"),
    (lambda x: gg.take(x, 0), "take: the indices must be a tensor, not the number 0"),
    (lambda x: gg.take(x, gg.tensor([0.5]), axis=0), "take: indices are integers, not float32"),
    (lambda x: gg.stack(1.0), "stack: arrays is a float; it must be a list of tensors"),
    (lambda x: gg.softmax(x, axis=4), "softmax: axis 4 is out of range for an array of 2 axes"),
    (lambda x: gg.cumulative_sum(x), "cumulative_sum and cumulative_prod: shape (2, 3) has 2 axes"),
    (lambda x: gg.einsum(x, "ij"), "einsum: the equation comes first, as a string"),
    (lambda x: gg.einsum("i", 2.0), "einsum: operand 0 is a float"),
    (lambda x: gg.arange(x), "arange and linspace go from number to number"),
    (lambda x: gg.linspace(gg.tensor(1.0, requires_grad=True), 2.0, 3), "not one that requires grad"),
    (lambda x: gg.cross_entropy(x, 1), "cross_entropy: input, target and weight must be tensors"),
    (lambda x: gg.dropout(x, p=2.0, seed=1, offset=0), "dropout: p is 2.0; it is a probability"),
    (lambda x: gg.maximum(x, 1j), "maximum: takes real numbers, not 1j"),
    (lambda x: gg.reshape(x, (4, 2)), "reshape: 6 elements do not fit the shape (4, 2)"),
]
LINALG = [
    (lambda x: linalg.inv(x), "inv: takes square matrices, not shape (2, 3)"),
    (lambda x: linalg.det(x[0, :]), "det: takes a matrix or a stack of them"),
    (lambda x: linalg.solve(x[:, :2], x.mT), "solve: 2 equations (x1 of shape (2, 2)) and 3 right sides"),
    (lambda x: linalg.cross(x, x, axis=0), "cross: shapes (2, 3) and (2, 3) must both have size 3 along axis 0 < 0"),
    (lambda x: linalg.vecdot(x, x, axis=1), "vecdot: axis 1 must count from the end"),
    (lambda x: linalg.matmul(x, x), "matmul: shapes (2, 3) and (2, 3) do not fit: 3 is not 2"),
    (lambda x: linalg.outer(x, x), "outer: takes two vectors"),
    (lambda x: linalg.qr(x, mode="full"), "qr: mode is 'full'; it is 'reduced' or 'complete'"),
    (lambda x: linalg.matrix_norm(x, ord=3), "matrix_norm: ord is 3; it is"),
    (lambda x: linalg.vector_norm(x, ord="fro"), "vector_norm: ord is 'fro'; it is a number"),
    (lambda x: linalg.cholesky(-gg.ones((2, 2))), "cholesky of float32 (2, 2)"),
    (lambda x: linalg.trace(None), "trace: x is None"),
    (lambda x: linalg.tensordot(x, 2.0), "tensordot: an operand is a number"),
]
FOURIER = [
    (lambda x: fft.fft(x, n=0), "fft: a transform of 0 points along axis 1"),
    (lambda x: fft.ifft(x, axis=2), "ifft: axis 2 is out of range for an array of 2 axes"),
    (lambda x: fft.fft(x, norm="unitary"), "fft: norm is 'unitary'; it is one of"),
    (lambda x: fft.fftn(x, s=(1, 2, 3), axes=(0, 1)), "fftn: s has 3 sizes for 2 axes"),
    (lambda x: fft.ifftn(x, axes=(0, 0)), "ifftn: axes (0, 0) of an array of 2 axes name one of them twice"),
    (lambda x: fft.rfft(x * 1j), "rfft: takes real values, not complex64; use fft"),
    (lambda x: fft.irfft(x[:, :1]), "irfft: a transform of 0 points"),
    (lambda x: fft.rfftn(x, axes=()), "rfftn: takes at least one axis"),
    (lambda x: fft.hfft([1.0]), "hfft: x is a list"),
    (lambda x: fft.ihfft(None), "ihfft: x is None"),
    (lambda x: fft.fftfreq(0), "fftfreq: a transform of 0 points"),
    (lambda x: fft.rfftfreq(4, dtype=gg.int64), "rfftfreq: dtype is int64"),
]
SPECIAL = [
    (lambda x: special.polygamma(-1, x), "polygamma: n is -1; it is a whole number, 0 or more"),
    (lambda x: special.polygamma(0.5, x), "polygamma: n is 0.5"),
    (lambda x: special.gamma(x * 1j), "gamma: takes real values, not complex64"),
    (lambda x: special.erf("1"), "erf takes tensors, arrays and Python numbers, not builtins.str"),
    (lambda x: special.xlogy(x, None), "xlogy takes tensors, arrays and Python numbers, not builtins.NoneType"),
    (lambda x: special.betainc(1.0, 2.0, [0.5]), "betainc: x is a list"),
    (lambda x: special.gammainc(None, x), "gammainc: a is None"),
    (lambda x: special.softmax(x, axis=3), "softmax: axis 3 is out of range"),
    (lambda x: special.logsumexp(x, axis=(0, 0)), "logsumexp: axes (0, 0) of an array of 2 axes name one of them"),
    (lambda x: special.sinc(x * 1j), "sinc: takes real values, not complex64"),
    (lambda x: special.stdtr(2.0, x * 1j), "stdtr: takes real values, not complex64"),
    (lambda x: special.log_softmax(gg.tensor([1, 2])), "log_softmax: takes real floating-point values, not int64"),
    (lambda x: special.gammainc(x, 1.0).sum().backward(), "gammainc has no derivative rule for its input 'a'"),
]


@pytest.mark.parametrize(("call", "message"), [*MAIN, *LINALG, *FOURIER, *SPECIAL])
def test_bad_input_gets_one_line_and_changes_nothing(call, message):
    x = gg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)) as caught:
        call(x)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert x.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert x.grad is None
    (x * x).sum().backward()
    assert x.grad.tolist() == [[2, 4, 6], [8, 10, 12]]


def test_a_difference_taken_very_often_is_empty_at_once(backend):
    assert gg.diff(gg.tensor([1.0, 2.0, 4.0]), n=2**62).shape == (0,)


def test_a_range_is_an_index(backend):
    x = gg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[range(2)].sum().backward()
    assert x.grad.tolist() == [1, 1, 0]


def test_a_tensor_of_one_number_is_an_end_of_a_range(backend):
    assert gg.arange(gg.tensor(3)).tolist() == [0, 1, 2]
    assert gg.arange(gg.tensor(3)).dtype == gg.int64
    assert gg.linspace(gg.tensor(0.0), 1, 3).tolist() == [0, 0.5, 1]
