"""NPZ archives: arrays x and y, and one line for whatever else is in them."""

import numpy as np
import pytest

from gpugrad.data import load_digits, read_file, read_npz
from gpugrad.errors import DataError

X = np.array([[1, 2], [3, 4]])
Y = np.array([0, 1])


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        path = tmp_path / "data.npz"
        np.savez(path, **arrays)
        return path

    return save


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (Y, (0, 1)),
        (Y.astype(np.uint8), (0, 1)),
        (Y.astype(bool), (0, 1)),
        (Y + 0.0, (0, 1)),
        (np.array(["b", "a"]), ("a", "b")),
        (np.array([b"b", b"a"]), ("a", "b")),
    ],
)
def test_labels_of_any_kind_become_classes(saved, y, classes):
    data = read_file(saved(x=X, y=y))
    assert (data.classes, data.features) == (classes, ("column 1", "column 2"))
    assert [data.classes[i] for i in data.y] == [str(v, "ascii") if isinstance(v, bytes) else v for v in y.tolist()]


def test_the_label_may_have_another_name(saved):
    assert read_npz(saved(x=X, kind=Y), target="kind").y.tolist() == [0, 1]


FAULTS = {
    "no x": ({"z": X, "y": Y}, "there is no array 'x'. There is: z, y"),
    "no y": ({"x": X, "labels": Y}, "there is no array 'y'. There is: x, labels"),
    "1-d x": ({"x": Y, "y": Y}, "x has shape (2,); it must be (rows, features)"),
    "3-d x": ({"x": X[:, None], "y": Y}, "x has shape (2, 1, 2); it must be (rows, features)"),
    "0-d x": ({"x": np.array(1.0), "y": Y}, "x has shape ()"),
    "no rows": ({"x": X[:0], "y": Y[:0]}, "x has shape (0, 2)"),
    "2-d y": ({"x": X, "y": Y[:, None]}, "y has shape (2, 1); it must be (rows,), such as y.ravel()"),
    "one-hot y": ({"x": X, "y": np.eye(2)}, "y.argmax(1)"),
    "lengths": ({"x": X, "y": np.array([0, 1, 0])}, "x has 2 rows and y has 3 labels"),
    "nan": ({"x": np.array([[1, 2], [np.nan, 4]]), "y": Y}, "x[1, 0] is nan"),
    "inf": ({"x": np.array([[1, np.inf], [3, 4]]), "y": Y}, "x[0, 1] is inf"),
    "nan label": ({"x": X, "y": np.array([0, np.nan])}, "y[1] is nan"),
    "real label": ({"x": X, "y": np.array([0, 0.5])}, "y[1] is 0.5; labels are integers or texts"),
    "complex": ({"x": X * 1j, "y": Y}, "x has dtype complex128"),
    "complex label": ({"x": X, "y": Y * 1j}, "y has dtype complex128"),
    "text": ({"x": X.astype(str), "y": Y}, "x has dtype <U21"),
    "one class": ({"x": X, "y": Y * 0}, "all 2 labels are 0"),
    "empty label": ({"x": X, "y": np.array(["a", ""])}, "y[1] is empty"),
    "objects": ({"x": X.astype(object), "y": Y}, "array 'x' holds Python objects"),
    "object labels": ({"x": X, "y": np.array(["a", None])}, "array 'y' holds Python objects"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_that_says_what(saved, name):
    arrays, expected = FAULTS[name]
    path = saved(**arrays)
    with pytest.raises(DataError) as caught:
        read_npz(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message


def test_what_is_no_archive_is_said_to_be_none(saved, tmp_path):
    path = saved(x=X, y=Y)
    whole = path.read_bytes()
    for content in (b"", b"1,2,3\n", whole[: len(whole) // 2], whole.replace(b"NUMPY", b"NUMPI")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"data\.npz: "):
            read_npz(path)
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "x.npy").rename(path)
    with pytest.raises(DataError, match="no NPZ archive"):
        read_npz(path)


def test_the_digits_are_all_there():
    x, y = load_digits()
    assert (x.shape, x.min(), x.max()) == ((1797, 64), 0, 16)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
