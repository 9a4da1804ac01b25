"""Rows of statistics, manipulation, indexing, searching, sorting, creation and dtypes."""

from __future__ import annotations

from gradient_cases.draws import Key, boolean, complexes, constant, fixed, integers, normal, positive, spread
from gradient_cases.row import Dtype, Row, row

__all__ = ["ROWS"]


def _reductions():
    for name, draw, in_complex in (
        ("sum", normal, True), ("mean", normal, True), ("prod", positive, True), ("max", spread, False),
        ("min", spread, False), ("var", spread, False), ("std", spread, False),
    ):  # fmt: skip
        yield row("statistical", name, "all of a vector", draw(4))
        yield row("statistical", name, "all of a matrix", draw(2, 3))
        yield row("statistical", name, "axis 0", draw(3, 2), axis=0)
        yield row("statistical", name, "last axis, kept", draw(2, 3), axis=-1, keepdims=True)
        yield row("statistical", name, "two axes", draw(2, 2, 3), axis=(0, 2))
        yield row("statistical", name, "two axes, kept", draw(2, 3, 2), axis=(-1, 0), keepdims=True)
        yield row("statistical", name, "no axis", draw(2, 2), axis=()) if name in ("sum", "mean", "prod") else None
        yield row("statistical", name, "axis of size 1", draw(3, 1), axis=1) if name != "std" else None
        yield row("statistical", name, "all, kept", draw(2, 2), keepdims=True)
        yield row("statistical", name, "rest of size 0", draw(0, 3), axis=1)
        yield row("statistical", name, "0-d", draw()) if name != "std" else None
        if in_complex:
            yield row("statistical", name, "complex", complexes(4))
            yield row("statistical", name, "complex, axis", complexes(2, 3), axis=1)
    for name in ("sum", "prod"):
        yield row("statistical", name, "of nothing", normal(0))
        yield row("statistical", name, "axis of size 0", normal(2, 0), axis=1)
        yield row(
            "statistical",
            name,
            "dtype",
            positive(3),
            dtype=Dtype("float64"),
            dtypes=("float32",),
            output_dtype="float64",
        )
    for name in ("var", "std"):
        yield row("statistical", name, "correction 1", spread(4), correction=1)
        yield row("statistical", name, "correction 1.0, axis", spread(2, 3), axis=1, correction=1.0)
        yield row("statistical", name, "correction 0.5, two axes", spread(2, 3, 2), axis=(0, 1), correction=0.5)
        yield row("statistical", name, "correction 1, kept", spread(3, 2), axis=0, correction=1, keepdims=True)
        yield row("statistical", name, "large mean", fixed([1000.0, 1001.0, 1003.0]), tolerance=100.0)
    yield row("statistical", "var", "equal values", fixed([2.0, 2.0, 2.0]))
    for label, values in (
        ("one zero", [0.0, 2.0, 3.0]),
        ("two zeros", [0.0, 0.0, 3.0]),
        ("three zeros", [0.0, 0.0, 0.0, 2.0]),
    ):
        yield row("statistical", "prod", label, fixed(values))
        yield row("statistical", "cumulative_prod", label, fixed(values))
        yield row("statistical", "cumulative_prod", f"{label} at the end", fixed(values[::-1]))
    yield row("statistical", "prod", "zeros in rows", fixed([0.0, 2.0, 0.0, 0.0, 3.0, 4.0], (3, 2)), axis=1)
    yield row("statistical", "prod", "negative numbers", normal(4))
    for name, draw in (("cumulative_sum", normal), ("cumulative_prod", normal)):
        yield row("statistical", name, "vector", draw(4))
        yield row("statistical", name, "axis 0", draw(3, 2), axis=0)
        yield row("statistical", name, "last axis", draw(2, 3), axis=-1)
        yield row("statistical", name, "with the first", draw(3), include_initial=True)
        yield row("statistical", name, "with the first, axis", draw(2, 3), axis=1, include_initial=True)
        yield row("statistical", name, "one element", draw(1))
        yield row("statistical", name, "size 0", draw(0))
        yield row("statistical", name, "size 0, with the first", draw(0), include_initial=True)
        yield row(
            "statistical", name, "dtype", draw(3), dtype=Dtype("float64"), dtypes=("float32",), output_dtype="float64"
        )
        yield row("statistical", name, "complex", complexes(3))
        yield row("statistical", name, "complex, with the first", complexes(2, 2), axis=0, include_initial=True)


def _manipulation():
    chapter = "manipulation"
    yield row(chapter, "broadcast_to", "new axes", normal(3), (2, 3))
    yield row(chapter, "broadcast_to", "stretched", normal(2, 1), (2, 3))
    yield row(chapter, "broadcast_to", "0-d", normal(), (2, 2))
    yield row(chapter, "broadcast_to", "to nothing", normal(1), (0,))
    yield row(chapter, "broadcast_to", "same shape", normal(2), (2,))
    yield row(chapter, "broadcast_to", "complex", complexes(1, 2), (3, 2))
    yield row(chapter, "broadcast_arrays", "two", normal(2, 1), normal(3))
    yield row(chapter, "broadcast_arrays", "three", normal(), normal(2), normal(2, 1))
    yield row(chapter, "broadcast_arrays", "one", normal(2))
    yield row(chapter, "broadcast_arrays", "complex", complexes(2), complexes(1))
    for name, shape in (("concat", (2, 3)), ("stack", (2, 3))):
        yield row(chapter, name, "two", [normal(*shape), normal(*shape)])
        yield row(chapter, name, "axis 1", [normal(*shape), normal(*shape), normal(*shape)], axis=1)
        yield row(chapter, name, "last axis", [normal(*shape), normal(*shape)], axis=-1)
        yield row(chapter, name, "one", [normal(3)])
        yield row(chapter, name, "with a constant", [normal(2), constant(normal(2))])
        yield row(chapter, name, "complex", [complexes(2), complexes(2)])
        yield row(chapter, name, "complex and real", [complexes(2), normal(2)])
        yield row(chapter, name, "float32 and float64", [normal(2, dtype="float32"), normal(2)], dtypes=("float64",))
    yield row(chapter, "concat", "unequal", [normal(1, 2), normal(3, 2)])
    yield row(chapter, "concat", "flattened", [normal(2, 2), normal(3)], axis=None)
    yield row(chapter, "concat", "with nothing", [normal(0, 2), normal(1, 2)])
    yield row(chapter, "stack", "0-d", [normal(), normal()])
    yield row(chapter, "expand_dims", "front", normal(3), axis=0)
    yield row(chapter, "expand_dims", "back", normal(2, 3), axis=-1)
    yield row(chapter, "expand_dims", "two", normal(3), axis=(0, 2))
    yield row(chapter, "expand_dims", "0-d", normal(), axis=0)
    yield row(chapter, "expand_dims", "complex", complexes(2), axis=1)
    yield row(chapter, "flip", "all", normal(2, 3))
    yield row(chapter, "flip", "one axis", normal(2, 3), axis=1)
    yield row(chapter, "flip", "two axes", normal(2, 2, 2), axis=(0, -1))
    yield row(chapter, "flip", "0-d", normal())
    yield row(chapter, "flip", "complex", complexes(3))
    yield row(chapter, "matrix_transpose", "matrix", normal(2, 3))
    yield row(chapter, "matrix_transpose", "stack", normal(2, 3, 1))
    yield row(chapter, "matrix_transpose", "complex", complexes(2, 2))
    yield row(chapter, "matrix_transpose", "size 0", normal(0, 2))
    yield row(chapter, "moveaxis", "one", normal(2, 3, 1), 0, 2)
    yield row(chapter, "moveaxis", "negative", normal(2, 3, 1), -1, 0)
    yield row(chapter, "moveaxis", "several", normal(2, 1, 3), (0, 1), (-1, 0))
    yield row(chapter, "moveaxis", "complex", complexes(2, 2), 0, 1)
    yield row(chapter, "permute_dims", "matrix", normal(2, 3), (1, 0))
    yield row(chapter, "permute_dims", "cycle", normal(2, 3, 1), (2, 0, 1))
    yield row(chapter, "permute_dims", "negative", normal(2, 1, 3), (-1, 0, -2))
    yield row(chapter, "permute_dims", "0-d", normal(), ())
    yield row(chapter, "permute_dims", "complex", complexes(2, 2), (1, 0))
    yield row(chapter, "repeat", "flattened", normal(2, 2), 2)
    yield row(chapter, "repeat", "axis", normal(2, 3), 3, axis=1)
    yield row(chapter, "repeat", "counts", normal(3), integers([2, 0, 3]))
    yield row(chapter, "repeat", "counts along an axis", normal(2, 3), integers([1, 2]), axis=0)
    yield row(chapter, "repeat", "none", normal(2), 0)
    yield row(chapter, "repeat", "complex", complexes(2), 2)
    yield row(chapter, "reshape", "flat", normal(2, 3), (6,))
    yield row(chapter, "reshape", "open", normal(2, 3), (3, -1))
    yield row(chapter, "reshape", "to 0-d", normal(1), ())
    yield row(chapter, "reshape", "copied", normal(4), (2, 2), copy=True)
    yield row(chapter, "reshape", "size 0", normal(0, 3), (3, 0))
    yield row(chapter, "reshape", "complex", complexes(4), (2, 2))
    yield row(chapter, "roll", "flattened", normal(2, 3), 2)
    yield row(chapter, "roll", "axis", normal(2, 3), -1, axis=1)
    yield row(chapter, "roll", "two axes", normal(2, 3), (1, 2), axis=(0, 1))
    yield row(chapter, "roll", "further than its length", normal(3), 7, axis=0)
    yield row(chapter, "roll", "complex", complexes(3), 1)
    yield row(chapter, "squeeze", "one", normal(2, 1), axis=1)
    yield row(chapter, "squeeze", "two", normal(1, 3, 1), axis=(0, -1))
    yield row(chapter, "squeeze", "complex", complexes(1, 2), axis=0)
    yield row(chapter, "tile", "same rank", normal(2, 2), (2, 1))
    yield row(chapter, "tile", "more repetitions", normal(2), (2, 2))
    yield row(chapter, "tile", "fewer repetitions", normal(1, 2, 2), (2,))
    yield row(chapter, "tile", "none", normal(2), (0,))
    yield row(chapter, "tile", "complex", complexes(2), (2,))
    yield row(chapter, "unstack", "front", normal(2, 3))
    yield row(chapter, "unstack", "last", normal(2, 3), axis=-1)
    yield row(chapter, "unstack", "one part used", normal(3, 2), constant_outputs=())
    yield row(chapter, "unstack", "complex", complexes(2, 2))


def _keys():
    full = slice(None)
    for label, shape, parts in (
        ("integer", (3,), (1,)), ("negative integer", (2, 3), (-1,)), ("element", (2, 2), (1, 0)),
        ("slice", (5,), (slice(1, 4),)), ("slice with a step", (6,), (slice(None, None, 2),)),
        ("backwards", (4,), (slice(None, None, -1),)), ("backwards by two", (2, 5), (full, slice(4, 0, -2))),
        ("new axis", (3,), (None, full)), ("ellipsis", (2, 2, 2), (..., 1)), ("empty slice", (3,), (slice(2, 1),)),
        ("all of 0-d", (), (...,)), ("mixed", (2, 3, 2), (0, None, slice(0, 2), ...)),
        ("mask", (4,), (boolean([True, False, True, True]),)),
        ("mask of a matrix", (2, 2), (boolean([True, False, False, True], (2, 2)),)),
        ("mask of nothing", (2,), (boolean([False, False]),)),
        ("integer array", (4,), (integers([2, 0, -1]),)), ("integer array, repeated", (3,), (integers([0, 0, 2]),)),
        ("integer array, two-dimensional", (3,), (integers([0, 1, 1, 2], (2, 2)),)),
        ("pair of integer arrays", (2, 3), (integers([0, 1, 1]), integers([2, 0, 0]))),
        ("integer arrays that broadcast", (2, 3), (integers([0, 1], (2, 1)), integers([2, 0]))),
        ("integer array and integer", (2, 3), (integers([0, 1, 0]), 1)),
    ):  # fmt: skip
        yield row("indexing", "array.__getitem__", label, normal(*shape), Key(parts))
    yield row("indexing", "array.__getitem__", "complex slice", complexes(4), Key((slice(1, 3),)))
    yield row("indexing", "array.__getitem__", "complex, repeated", complexes(3), Key((integers([1, 1, 0]),)))
    for label, shape, parts, given in (
        ("element", (3,), (1,), ()), ("slice", (4,), (slice(1, 3),), (2,)), ("slice, broadcast", (2, 3), (full, slice(0, 2)), (2,)),
        ("slice with a step", (5,), (slice(None, None, 2),), (3,)), ("backwards", (3,), (slice(None, None, -1),), (3,)),
        ("row", (2, 2), (0,), (2,)), ("column of 0-d", (2, 3), (full, 1), ()), ("everything", (2, 2), (...,), (2, 2)),
        ("mask, 0-d value", (4,), (boolean([True, False, True, False]),), ()),
    ):  # fmt: skip
        yield row("indexing", "array.__setitem__", label, normal(*shape), Key(parts), normal(*given))
    yield row("indexing", "array.__setitem__", "scalar", normal(3), Key((1,)), 5.0)
    yield row("indexing", "array.__setitem__", "constant", normal(3), Key((slice(0, 2),)), constant(normal(2)))
    yield row("indexing", "array.__setitem__", "complex", complexes(3), Key((slice(1, 3),)), complexes(2))


def _taking():
    for name, options in (("take", {"axis": 0}), ("take_along_axis", {"axis": 0})):
        yield row("indexing", name, "vector", normal(4), integers([2, 0, 3]), **options)
        yield row("indexing", name, "repeated", normal(3), integers([1, 1, 1, 0]), **options)
        yield row("indexing", name, "complex", complexes(3), integers([2, 2]), **options)
        yield row("indexing", name, "no indices", normal(3), integers([]), **options)
    yield row("indexing", "take", "axis left out", normal(3), integers([2, 2, 0]))
    yield row("indexing", "take", "axis 1", normal(2, 3), integers([2, 0, 2]), axis=1)
    yield row("indexing", "take", "negative axis", normal(2, 3), integers([1]), axis=-1)
    yield row("indexing", "take", "axis 0 of a cube", normal(2, 2, 2), integers([1, 1]), axis=0)
    yield row("indexing", "take_along_axis", "last axis by default", normal(2, 3), integers([2, 2, 0, 1], (2, 2)))
    yield row("indexing", "take_along_axis", "axis 0 of a matrix", normal(3, 2), integers([2, 0, 2, 1], (2, 2)), axis=0)
    yield row("indexing", "take_along_axis", "indices broadcast", normal(2, 3), integers([1, 0], (1, 2)), axis=1)
    yield row("indexing", "take_along_axis", "negative indices", normal(4), integers([-1, -4]), axis=0)


def _rest():
    mask = boolean([True, False, True])
    yield row("searching", "where", "same shape", mask, normal(3), normal(3))
    yield row("searching", "where", "broadcast", mask, normal(2, 1), normal(3))
    yield row("searching", "where", "condition broadcast", boolean([True, False], (2, 1)), normal(3), normal(1, 3))
    yield row("searching", "where", "0-d", boolean([True], ()), normal(), normal())
    yield row("searching", "where", "scalar left", mask, 2.5, normal(3))
    yield row("searching", "where", "scalar right", mask, normal(3), 0.0)
    yield row("searching", "where", "constant", mask, constant(normal(3)), normal(3))
    yield row("searching", "where", "size 0", boolean([], (0,)), normal(0), normal(1))
    yield row("searching", "where", "complex", mask, complexes(3), complexes(3))
    yield row("searching", "where", "complex with real", mask, complexes(3), normal(3))
    yield row(
        "searching", "where", "float32 with float64", mask, normal(3, dtype="float32"), normal(3), dtypes=("float64",)
    )
    for label, shape, options in (
        ("vector", (5,), {}), ("last axis", (2, 3), {}), ("axis 0", (3, 2), {"axis": 0}), ("descending", (4,), {"descending": True}),
        ("descending, axis 0", (3, 2), {"axis": 0, "descending": True}), ("unstable", (4,), {"stable": False}),
        ("one element", (1,), {}), ("size 0", (0,), {}), ("cube, middle axis", (2, 3, 2), {"axis": 1}),
    ):  # fmt: skip
        yield row("sorting", "sort", label, spread(*shape), **options)
    for name in ("tril", "triu"):
        yield row("creation", name, "square", normal(3, 3))
        yield row("creation", name, "wide, k=1", normal(2, 3), k=1)
        yield row("creation", name, "tall, k=-1", normal(3, 2), k=-1)
        yield row("creation", name, "stack", normal(2, 2, 2))
        yield row("creation", name, "complex", complexes(2, 2))
        yield row("creation", name, "beyond the corner", normal(2, 2), k=5)
    yield row("creation", "meshgrid", "two", normal(2), normal(3))
    yield row("creation", "meshgrid", "two, ij", normal(2), normal(3), indexing="ij")
    yield row("creation", "meshgrid", "three", normal(1), normal(2), normal(2))
    yield row("creation", "meshgrid", "one", normal(3))
    yield row("creation", "meshgrid", "complex", complexes(2), complexes(2))
    yield row("creation", "asarray", "the same", normal(3))
    yield row("creation", "asarray", "copied", normal(3), copy=True)
    yield row(
        "creation", "asarray", "dtype", normal(3), dtype=Dtype("float64"), dtypes=("float32",), output_dtype="float64"
    )
    yield row("data type", "astype", "wider", normal(3), Dtype("float64"), dtypes=("float32",), output_dtype="float64")
    yield row(
        "data type", "astype", "narrower", normal(3), Dtype("float32"), dtypes=("float64",), output_dtype="float32"
    )
    yield row("data type", "astype", "the same", normal(3), Dtype("float64"), dtypes=("float64",))
    yield row(
        "data type", "astype", "the same, not copied", normal(3), Dtype("float32"), dtypes=("float32",), copy=False
    )
    yield row(
        "data type",
        "astype",
        "wider complex",
        complexes(3),
        Dtype("complex128"),
        dtypes=("complex64",),
        output_dtype="complex128",
    )
    for label, shape, options in (
        ("vector", (4,), {}), ("twice", (5,), {"n": 2}), ("not at all", (3,), {"n": 0}), ("axis 0", (3, 2), {"axis": 0}),
        ("three times", (2, 5), {"n": 3}), ("to nothing", (2,), {"n": 2}),
    ):  # fmt: skip
        yield row("utility", "diff", label, normal(*shape), **options)
    yield row("utility", "diff", "prepended", normal(3), prepend=normal(1))
    yield row("utility", "diff", "appended", normal(3), append=normal(2))
    yield row(
        "utility", "diff", "both, axis 0, twice", normal(3, 2), axis=0, n=2, prepend=normal(1, 2), append=normal(1, 2)
    )
    yield row("utility", "diff", "complex", complexes(4), n=2)


ROWS: list[Row] = [r for rows in (_reductions, _manipulation, _keys, _taking, _rest) for r in rows() if r is not None]
