"""Fourier transforms. A transform is linear and its matrix symmetric, so that the rules are transforms again.

Padding and cropping are each other's transposes. The half spectrum of real values holds each inner bin for two of the
whole one: the transpose of `rfft` is `hfft` of a gradient whose inner bins are halved, that of `hfft` is `rfft` with
them doubled, and likewise for `irfft` and `ihfft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from gpugrad._fused._half import widened
from gpugrad._op import op, table
from gpugrad._ops.statistical import axes_of, floats
from gpugrad.backends import Array, backend_of, dtypes
from gpugrad.errors import DtypeError, OptionError, ShapeError

__all__ = [
    "fft",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftn",
]

Norm: TypeAlias = Literal["backward", "ortho", "forward"]
Sizes: TypeAlias = "Sequence[int] | None"

# What a call means


def _axes(ndim: int, axes: Any, sizes: Sizes = None) -> tuple[int, ...]:
    """Return the axes that are meant, none of them negative: by default all, or the last ones, one for each size."""
    if axes is None and sizes is not None:
        axes = range(-len(sizes), 0)
    return axes_of(tuple(axes) if hasattr(axes, "__len__") else axes, ndim)


def _check(name: str, points: int, axis: int, norm: Norm) -> None:
    if norm not in ("backward", "ortho", "forward"):
        raise OptionError(f"{name}: norm is {norm!r}; it is one of 'backward', 'ortho' and 'forward'")
    if points < 1:
        raise ShapeError(f"{name}: a transform of {points} points along axis {axis}; it takes at least one")


def _plan(
    name: str, shape: tuple[int, ...], s: Sizes, axes: Any, norm: Norm, half: bool = False
) -> tuple[list[int], tuple[int, ...]]:
    """Return how many points the transform has along each of its axes, and these axes; half: `x` is a half spectrum."""
    found = _axes(len(shape), axes, s)
    if s is not None and len(s) != len(found):
        raise ShapeError(f"{name}: s has {len(s)} sizes for {len(found)} axes; give as many of each")
    sizes = [shape[axis] for axis in found]
    if half and sizes:
        sizes[-1] = 2 * (sizes[-1] - 1)
    if s is not None:
        sizes = [have if n == -1 else n for have, n in zip(sizes, s, strict=True)]
    for points, axis in zip(sizes, found, strict=True):
        _check(name, points, axis, norm)
    return sizes, found


def _real(name: str, x: Array) -> Array:
    x = widened(floats(x))
    dtype = backend_of(x).dtype_of(x)
    if dtype.kind == "c":
        raise DtypeError(f"{name}: takes real values, not {dtype}; use {name.replace('rfft', 'fft').replace('hfft', 'fft')}")
    return x


def _complex(x: Array) -> Array:
    x = widened(floats(x))
    backend = backend_of(x)
    dtype = backend.dtype_of(x)
    if dtype.kind == "c":
        return x
    wanted = dtypes["complex128" if dtype.itemsize == 8 else "complex64"]
    return backend.namespace.astype(x, backend.native_dtype(wanted))


def _along(name: str, x: Array, n: int | None, axis: int, norm: Norm, half: bool = False) -> Array:
    """Return the transform of one axis that the array library has under this name; half: of a half spectrum."""
    (axis,) = _axes(x.ndim, axis)
    points = n if n is not None else 2 * (x.shape[axis] - 1) if half else x.shape[axis]
    _check(name, points, axis, norm)
    return getattr(backend_of(x).namespace.fft, name)(x, n=points, axis=axis, norm=norm)


def _over(name: str, x: Array, sizes: Sequence[int], axes: Sequence[int], norm: Norm) -> Array:
    """Return `fftn` or `ifftn` over these axes."""
    backend = backend_of(x)
    if not axes:
        return backend.copy(x)
    if 0 in x.shape:  # CuPy refuses it, though there is nothing to do
        shape = list(x.shape)
        for size, axis in zip(sizes, axes, strict=True):
            shape[axis] = size
        return backend.namespace.zeros(tuple(shape), dtype=x.dtype, device=x.device)
    return getattr(backend.namespace.fft, name)(x, s=tuple(sizes), axes=tuple(axes), norm=norm)


# The parts of the rules

_transform: Any = table.__getitem__  # the transforms below refer to each other


def _slice(x: Array, axis: int, start: int, stop: int | None) -> Array:
    key: list[Any] = [slice(None)] * len(x.shape)
    key[axis] = slice(start, stop)
    return x[tuple(key)]


def _fitted(x: Array, shape: tuple[int, ...], axes: Sequence[int], xp: Any) -> Array:
    """Return `x` cropped, or filled up with zeros, to the sizes of `shape` along `axes`."""
    for axis in axes:
        have, want = x.shape[axis], shape[axis]
        if have > want:
            x = _slice(x, axis, 0, want)
        elif have < want:
            gap = list(x.shape)
            gap[axis] = want - have
            x = xp.concat([x, xp.zeros(tuple(gap), dtype=x.dtype, device=x.device)], axis=axis)
    return x


def _inner_times(factor: float, x: Array, n: int, axis: int, xp: Any) -> Array:
    """Return half a spectrum of `n` values with `factor` times its inner bins: all but the first, and n / 2."""
    end = (n + 1) // 2
    parts = [_slice(x, axis, 0, 1), _slice(x, axis, 1, end) * factor, _slice(x, axis, end, None)]
    return xp.concat(parts, axis=axis)


def _symmetric(name: str) -> Any:
    """Return the rule of `fft` or `ifft`."""

    def rule(g: Array, x_shape: tuple[int, ...], axis: int, norm: Norm, xp: Any) -> Array:
        """Return the transform itself, which is symmetric, cut or padded to the input's sizes."""
        return _fitted(_transform(name)(g, axis=axis, norm=norm), x_shape, (axis,), xp)

    return rule


def _symmetric_over(name: str) -> Any:
    """Return the rule of `fftn` or `ifftn`."""

    def rule(g: Array, x_shape: tuple[int, ...], s: Sizes, axes: Any, norm: Norm, xp: Any) -> Array:
        """Return the transform itself, which is symmetric, cut or padded to the input's sizes."""
        axes = _axes(len(x_shape), axes, s)
        return _fitted(_transform(name)(g, axes=axes, norm=norm), x_shape, axes, xp)

    return rule


def _of_real(transpose: str) -> Any:
    """Return the rule of `rfft` or `ihfft`, which give the half spectrum of real values."""

    def rule(g: Array, x_shape: tuple[int, ...], n: int | None, axis: int, norm: Norm, xp: Any) -> Array:
        """Return the transpose: the transform the other way, of the half spectrum with its inner bins halved."""
        n = x_shape[axis] if n is None else n
        x = _transform(transpose)(_inner_times(0.5, g, n, axis, xp), n=n, axis=axis, norm=norm)
        return _fitted(x, x_shape, (axis,), xp)

    return rule


def _of_half(transpose: str) -> Any:
    """Return the rule of `irfft` or `hfft`, which give real values from half their spectrum."""

    def rule(g: Array, x_shape: tuple[int, ...], axis: int, norm: Norm, xp: Any) -> Array:
        """Return the transpose: the transform the other way, with the inner bins doubled."""
        x = _transform(transpose)(g, axis=axis, norm=norm)
        return _fitted(_inner_times(2, x, g.shape[axis], axis, xp), x_shape, (axis,), xp)

    return rule


def _rfftn_x(g: Array, x_shape: tuple[int, ...], s: Sizes, axes: Any, norm: Norm, xp: Any) -> Array:
    """Return the transpose: `fftn` along all axes but the last, inner bins halved, `hfft` along the last."""
    sizes, axes = _plan("rfftn", x_shape, s, axes, norm)
    g = _inner_times(0.5, fftn(g, axes=axes[:-1], norm=norm), sizes[-1], axes[-1], xp)
    return _fitted(hfft(g, n=sizes[-1], axis=axes[-1], norm=norm), x_shape, axes, xp)


def _irfftn_x(g: Array, x_shape: tuple[int, ...], s: Sizes, axes: Any, norm: Norm, xp: Any) -> Array:
    """Return the transpose: `ihfft` along the last axis with its inner bins doubled, `ifftn` along the others."""
    sizes, axes = _plan("irfftn", x_shape, s, axes, norm, half=True)
    x = _inner_times(2, ihfft(g, axis=axes[-1], norm=norm), sizes[-1], axes[-1], xp)
    return _fitted(ifftn(x, axes=axes[:-1], norm=norm), x_shape, axes, xp)


# Complex values


@op(x=_symmetric("fft"))
def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the discrete Fourier transform along `axis`, of `n` points: `x` is cropped or filled up with zeros.

    `norm` says which of `fft` and `ifft` divides by n, "forward" or "backward"; with "ortho" each divides by its root.

    >>> import gpugrad
    >>> gpugrad.fft.fft(gpugrad.tensor([1., 0., 0., 0.]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    return _along("fft", _complex(x), n, axis, norm)


@op(x=_symmetric("ifft"))
def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the inverse of `fft`.

    >>> import gpugrad
    >>> gpugrad.fft.ifft(gpugrad.fft.fft(gpugrad.tensor([1., 2.])))
    tensor([1.+0.j, 2.+0.j])
    """
    return _along("ifft", _complex(x), n, axis, norm)


@op(x=_symmetric_over("fftn"))
def fftn(
    x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Array:
    """Return the discrete Fourier transform over `axes`, by default all, of as many points along each as `s` says.

    A size of -1 is that of `x`. Sizes without axes are those of the last axes.

    >>> import gpugrad
    >>> gpugrad.fft.fftn(gpugrad.ones((2, 2)))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return _over("fftn", _complex(x), *_plan("fftn", x.shape, s, axes, norm), norm)


@op(x=_symmetric_over("ifftn"))
def ifftn(
    x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Array:
    """Return the inverse of `fftn`.

    >>> import gpugrad
    >>> gpugrad.fft.ifftn(gpugrad.ones((2, 2)))
    tensor([[1.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    return _over("ifftn", _complex(x), *_plan("ifftn", x.shape, s, axes, norm), norm)


# Real values, and half their spectrum


@op(x=_of_real("hfft"))
def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the first n // 2 + 1 bins of the Fourier transform of real values; the others are their conjugates.

    >>> import gpugrad
    >>> gpugrad.fft.rfft(gpugrad.tensor([1., 2., 3., 4.]))
    tensor([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return _along("rfft", _real("rfft", x), n, axis, norm)


@op(x=_of_half("ihfft"))
def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the `n` real values, by default an even number of them, whose `rfft` is `x`.

    Imaginary parts of the first bin, and of bin n / 2, say nothing about real values: they are ignored, and have
    gradient 0.

    >>> import gpugrad
    >>> gpugrad.fft.irfft(gpugrad.fft.rfft(gpugrad.tensor([1., 2., 3.])), n=3)
    tensor([1., 2., 3.])
    """
    return _along("irfft", _complex(x), n, axis, norm, half=True)


@op(x=_rfftn_x)
def rfftn(
    x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Array:
    """Return the Fourier transform of real values over `axes`; of the last one, the first n // 2 + 1 bins.

    >>> import gpugrad
    >>> gpugrad.fft.rfftn(gpugrad.ones((2, 2)))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    sizes, axes = _plan("rfftn", x.shape, s, axes, norm)
    _check_last("rfftn", axes)
    half = _along("rfft", _real("rfftn", x), sizes[-1], axes[-1], norm)
    return _over("fftn", half, sizes[:-1], axes[:-1], norm)


@op(x=_irfftn_x)
def irfftn(
    x: Array, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Array:
    """Return the real values whose `rfftn` is `x`; `s` are their sizes along `axes`, the last one even by default.

    >>> import gpugrad
    >>> gpugrad.fft.irfftn(gpugrad.fft.rfftn(gpugrad.tensor([[1., 2.], [3., 4.]])))
    tensor([[1., 2.],
            [3., 4.]])
    """
    sizes, axes = _plan("irfftn", x.shape, s, axes, norm, half=True)
    _check_last("irfftn", axes)
    return _along("irfft", _over("ifftn", _complex(x), sizes[:-1], axes[:-1], norm), sizes[-1], axes[-1], norm)


@op(x=_of_half("rfft"))
def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the `n` real bins, by default an even number, of the Fourier transform of values with Hermitian symmetry.

    `x` holds the first n // 2 + 1 of them; the others are their conjugates.

    >>> import gpugrad
    >>> gpugrad.fft.hfft(gpugrad.tensor([1., 2., 3.]))
    tensor([ 8., -2.,  0., -2.])
    """
    return _along("hfft", _complex(x), n, axis, norm, half=True)


@op(x=_of_real("irfft"))
def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """Return the inverse of `hfft`: the first n // 2 + 1 values of a signal with a real spectrum.

    >>> import gpugrad
    >>> gpugrad.real(gpugrad.fft.ihfft(gpugrad.fft.hfft(gpugrad.tensor([1., 2., 3.]))))
    tensor([1., 2., 3.])
    """
    return _along("ihfft", _real("ihfft", x), n, axis, norm)


def _check_last(name: str, axes: tuple[int, ...]) -> None:
    if not axes:
        raise ShapeError(f"{name}: takes at least one axis, the last of which holds half the spectrum")



# Order of the bins


def _rolled(x: Array, axes: Any, sign: int) -> Array:
    backend = backend_of(x)
    axes = _axes(len(x.shape), axes)
    if not axes:
        return backend.copy(x)
    return backend.namespace.roll(x, tuple(sign * (x.shape[axis] // 2) for axis in axes), axis=axes)


@op(x=lambda g, axes: ifftshift(g, axes=axes))
def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """Return `x` with the bin of frequency 0 moved to the middle of `axes`, by default all.

    >>> import gpugrad
    >>> gpugrad.fft.fftshift(gpugrad.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _rolled(x, axes, 1)


@op(x=lambda g, axes: fftshift(g, axes=axes))
def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """Return the inverse of `fftshift`: frequency 0 comes first again.

    >>> import gpugrad
    >>> gpugrad.fft.ifftshift(gpugrad.tensor([-1., 0., 1.]))
    tensor([ 0.,  1., -1.])
    """
    return _rolled(x, axes, -1)
