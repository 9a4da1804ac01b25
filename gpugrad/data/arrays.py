"""What arrays from a file must be, to serve as features and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gpugrad.data.dataset import Classes, Host, fault

__all__ = ["checked_features", "checked_labels"]


def checked_features(path: Path, x: Host) -> Host:
    """Return x if it is (rows, features) of finite numbers."""
    if x.ndim != 2:
        more = "x.reshape(len(x), -1) makes it so" if x.ndim > 2 else "x[:, None] makes one feature of a list"
        raise fault(path, f"x has shape {x.shape}; it must be (rows, features), and {more}")
    if x.dtype.kind not in "biuf":
        raise fault(path, f"x has dtype {x.dtype}; the features must be real numbers")
    if 0 in x.shape:
        raise fault(path, f"x has shape {x.shape}; there must be one row and one feature at least")
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        row, column = wrong[0]
        raise fault(path, f"x[{row}, {column}] is {x[row, column]}; replace it, or leave the row out")
    return x.astype(np.float32) if x.dtype.kind == "b" or x.dtype == np.float16 else x


def checked_labels(path: Path, y: Host, key: str) -> tuple[Classes, Host]:
    """Return the classes in y, integers or texts, and y as positions in them."""
    if y.ndim != 1:
        more = f"{key}.argmax(1) if each row marks its class" if y.ndim == 2 and y.shape[1] > 1 else f"{key}.ravel()"
        raise fault(path, f"{key} has shape {y.shape}; it must be (rows,), such as {more}")
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind not in "biufUT":
        raise fault(path, f"{key} has dtype {y.dtype}; labels are integers or texts")
    if y.dtype.kind == "f":
        y = _whole(path, y, key)
    empty = np.flatnonzero(y == "") if y.dtype.kind in "UT" else np.zeros(0)
    if len(empty):
        raise fault(path, f"{key}[{empty[0]}] is empty; give it a label, or leave the row out")
    found, positions = np.unique(y, return_inverse=True)
    classes = found.astype(np.int64) if found.dtype.kind == "b" else found
    return tuple(classes.tolist()), positions.astype(np.int64)


def _whole(path: Path, y: Host, key: str) -> Host:
    wrong = np.flatnonzero((y != np.round(y)) | ~np.isfinite(y) | (np.abs(y) >= 2.0**53))
    if len(wrong):
        value = y[wrong[0]]
        more = "give it a label, or leave the row out" if np.isnan(value) else "labels are integers or texts"
        raise fault(path, f"{key}[{wrong[0]}] is {value}; {more}")
    return y.astype(np.int64)
