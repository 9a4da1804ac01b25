"""A file for prediction: columns found by name or by place, labels optional."""

import numpy as np
import pytest

from gpugrad.data import read_matching
from gpugrad.errors import DataError

NAMED = (["a", "b"], "y", ("u", "v"))
PLACED = (["column 1", "column 2"], "column 3", (0, 1))
FIRST = (["column 2", "column 3"], "column 1", (0, 1))


@pytest.mark.parametrize(
    ("model", "text", "x", "y"),
    [
        (NAMED, "a,b,y\n1,2,v\n", [1, 2], [1]),
        (NAMED, "y,b,id,a\nu,2,seven,1\n", [1, 2], [0]),
        (NAMED, "a,b\n1,2\n", [1, 2], None),
        (NAMED, "1,2\n", [1, 2], None),
        (NAMED, "1,2,w\n", [1, 2], [-1]),
        (PLACED, "1,2,0\n", [1, 2], [0]),
        (PLACED, "1,2\n", [1, 2], None),
        (PLACED, "p,q,r\n1,2,1\n", [1, 2], [1]),
        (FIRST, "1,8,9\n", [8, 9], [1]),
        (FIRST, "8,9\n", [8, 9], None),
    ],
)
def test_features_are_found_and_labels_if_there_are(tmp_path, model, text, x, y):
    path = tmp_path / "new.csv"
    path.write_text(text)
    data = read_matching(path, *model)
    assert data.x.tolist() == [x]
    assert (None if data.y is None else data.y.tolist()) == y


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        (NAMED, "a,c\n1,2\n", "there is no column 'b'"),
        (PLACED, "1\n", "1 column"),
        (PLACED, "1,2,3,4\n", "4 columns, and the model was trained on 2 features"),
        (NAMED, "a,b\n1,x\n", "line 2, column 'b': 'x' is not a number"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, model, text, expected):
    path = tmp_path / "new.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_matching(path, *model)
    assert expected in str(caught.value)


def test_archives_match_by_the_number_of_features(tmp_path):
    path = tmp_path / "new.npz"
    np.savez(path, x=np.ones((2, 2)))
    assert read_matching(path, *PLACED).y is None
    np.savez(path, x=np.ones((2, 2)), y=np.array([1, 7]))
    assert read_matching(path, *PLACED).y.tolist() == [1, -1]
    np.savez(path, x=np.ones((2, 3)))
    with pytest.raises(DataError, match="3 features, and the model was trained on 2"):
        read_matching(path, *PLACED)
