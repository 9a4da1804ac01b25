"""CSV files: the usual ones are read, and every fault is one line that says where it is."""

import codecs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpugrad.data import read_csv, read_file
from gpugrad.errors import DataError

PLAIN = "a,b,label\n1,2,x\n3,4.5,y\n-5e1,6,x\n"
X = [[1, 2], [3, 4.5], [-50, 6]]


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("x", '"x"').replace("a,", '"a",').replace("4.5", '"4.5"'),
        PLAIN.replace("\n", "\n\n"),
        "\n  \n" + PLAIN + "\n\n",
        codecs.BOM_UTF8.decode() + PLAIN,
        PLAIN.partition("\n")[2],
    ],
    ids="lf crlf cr no-last-newline semicolon tab spaces quotes blank-lines blank-edges bom no-header".split(),
)
def test_the_usual_spellings_of_a_table_mean_the_same(written, text):
    data = read_csv(written(text))
    np.testing.assert_array_equal(data.x, X)
    assert (data.classes, data.y.tolist()) == (("x", "y"), [0, 1, 0])


def test_a_header_names_features_and_label(written):
    data = read_csv(written(PLAIN))
    assert (data.features, data.target) == (("a", "b"), "label")


def test_without_a_header_columns_have_numbers(written):
    data = read_csv(written("1,2,0\n3,4,1\n"))
    assert (data.features, data.target) == (("column 1", "column 2"), "column 3")


@pytest.mark.parametrize(("header", "target"), [("y,a,b", "y"), ("a,y,b", "y"), ("2019,y,2020", "y"), ("a, y ,b", "y")])
def test_any_column_can_be_the_label(written, header, target):
    place = header.replace(" ", "").split(",").index("y")
    rows = [["7", "8"], ["9", "10"]]
    for row, label in zip(rows, "uv", strict=True):
        row.insert(place, label)
    data = read_csv(written("\n".join([header, *map(",".join, rows)])), target)
    assert (data.x.tolist(), data.classes, data.target) == ([[7, 8], [9, 10]], ("u", "v"), "y")


def test_a_column_without_a_name_is_the_label_by_its_number(written):
    data = read_csv(written("0,1.5\n1,2.5\n"), target="1")
    assert (data.x.tolist(), data.classes) == ([[1.5], [2.5]], (0, 1))


@pytest.mark.parametrize("header", ["0,1,2", "1.5,2.5,label"])
def test_a_header_with_numbers_in_it_is_no_row(written, header):
    assert len(read_csv(written(header + "\n5,6,0\n7,8,1\n"))) == 2


@pytest.mark.parametrize(
    ("labels", "classes", "y"),
    [
        ("3 10 3", (3, 10), [0, 1, 0]),
        ("-1 1 -1", (-1, 1), [0, 1, 0]),
        ("1.0 2 1", (1, 2), [0, 1, 0]),
        ("10 b 9", ("10", "9", "b"), [0, 2, 1]),
        ("猫 狗 猫", ("狗", "猫"), [1, 0, 1]),
        ("99999999999999999999 1 1", (1, 99999999999999999999), [1, 0, 0]),
    ],
)
def test_labels_are_integers_or_texts_in_rising_order(written, labels, classes, y):
    data = read_csv(written("\n".join(f"1,{label}" for label in labels.split())))
    assert (data.classes, data.y.tolist()) == (classes, y)


FAULTS = {
    "empty": ("", "the file is empty"),
    "blank": ("\n \n", "nothing but blank lines"),
    "bom only": ("\ufeff", "nothing but blank lines"),
    "header only": ("a,b,y\n", "there is a header and no row"),
    "one column": ("y\n1\n2\n", "there is one column ('y')"),
    "spaces": ("1 2 0\n3 4 1\n", "separated by commas, semicolons or tabs"),
    "short row": ("a,b,y\n1,2,0\n3,4\n", "line 3: 2 fields, where line 1 has 3"),
    "long row": ("a,b,y\n1,2,0\n3,4,1,\n", "line 3: 4 fields, where line 1 has 3"),
    "text": ("a,b,y\n1,2,0\n3,four,1\n", "line 3, column 'b': 'four' is not a number"),
    "first row": ("a1,2,0\n3,4,1\n", "line 1, column 'column 1': 'a1' is not a number"),
    "decimal comma": ("a;b;y\n1;2;0\n3;4,5;1\n", "line 3, column 'b': '4,5' has a decimal comma"),
    "empty cell": ("a,b,y\n1,,0\n3,4,1\n", "line 2, column 'a'", "line 2, column 'b': the cell is empty"),
    "nan": ("a,b,y\n1,2,0\nNaN,4,1\n", "line 3, column 'a': NaN is not a finite number"),
    "inf": ("a,b,y\n1,2,0\n3,-inf,1\n", "line 3, column 'b': -inf is not a finite number"),
    "overflow": ("a,b,y\n1,2,0\n3,1e999,1\n", "line 3, column 'b': 1e999 is not a finite number"),
    "no label": ("a,b,y\n1,2,0\n3,4,\n", "line 3, column 'y': the label is missing"),
    "nan label": ("a,b,y\n1,2,0\n3,4,nan\n", "line 3, column 'y': the label is missing"),
    "real label": ("a,b,y\n1,2,0\n3,4,0.5\n", "line 3, column 'y': the label 0.5 is not an integer"),
    "inf label": ("a,b,y\n1,2,0\n3,4,inf\n", "line 3, column 'y': the label inf is not an integer"),
    "one class": ("a,b,y\n1,2,k\n3,4,k\n", "column 'y': all 2 labels are 'k'"),
    "open quote": ('a,b,y\n1,2,0\n3,"4,1\n', "line 3: the quotes do not fit"),
    "latin 1": (b"a,b,y\n1,2,caf\xe9\n3,4,tea\n", "line 2: not UTF-8 text (byte 0xe9)"),
    "utf 16": (PLAIN.encode("utf-16"), "line 1: not UTF-8 text (byte 0xff)"),
    "archive": (b"PK\x03\x04\xff\xff", "this is an archive, not text"),
    "after blank lines": ("\n\na,b,y\n\n1,2,0\n\n3,?,1\n", "line 7, column 'b': '?'"),
    "after a quoted newline": ('a,b,y\n1,2,"two\nlines"\n3,?,1\n', "line 4, column 'b': '?'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_that_says_where(written, name):
    content, *_, expected = FAULTS[name]
    path = written(content)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message


def test_a_fault_far_down_keeps_its_line(written):
    rows = [f"{i},{i % 3}" for i in range(300_000)]
    rows[200_000] = "x,1"
    with pytest.raises(DataError, match="line 200002, column 'a': 'x' is not a number"):
        read_csv(written("a,y\n" + "\n".join(rows)))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("lable", "no column 'lable'. Did you mean 'label'? There is: a, b, label"),
        ("zzz", "no column 'zzz'. There is: a, b, label"),
        ("", "no column ''"),
    ],
)
def test_an_unknown_target_is_answered_with_the_columns(written, target, expected):
    with pytest.raises(DataError) as caught:
        read_csv(written(PLAIN), target)
    assert expected in str(caught.value)


def test_a_target_that_names_two_columns_is_refused(written):
    with pytest.raises(DataError, match="there are 2 columns 'y'"):
        read_csv(written("y,a,y\n0,1,0\n1,2,1\n"), "y")


def test_a_missing_file_is_answered_with_one_like_it(written, tmp_path):
    written(PLAIN)
    with pytest.raises(DataError, match=r"no such file\. Did you mean data\.csv\?"):
        read_file(tmp_path / "dta.csv")
    with pytest.raises(DataError, match="no such file"):
        read_file(tmp_path / "none" / "dta.csv")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match="this is a folder"):
        read_file(tmp_path)


cell = st.sampled_from(["1", "2.5", "-3", "", " ", "x", "nan", "inf", "1e400", '"', '"4"', "'", "é", "\0", "0", "1,2"])
rows = st.lists(st.lists(cell, min_size=1, max_size=4), max_size=6)


@settings(deadline=None)
@given(rows, st.sampled_from([",", ";", "\t", " ", "|"]), st.sampled_from(["\n", "\r\n", "\r"]), st.binary(max_size=3))
def test_no_file_does_anything_but_a_dataset_or_one_line(tmp_path_factory, rows, delimiter, newline, junk):
    path = tmp_path_factory.getbasetemp() / "hostile.csv"
    path.write_bytes(newline.join(delimiter.join(row) for row in rows).encode() + junk)
    try:
        data = read_csv(path)
    except DataError as error:
        lines = str(error).splitlines()
    else:
        lines = check(data)
    assert len(lines) == 1


def check(data):
    assert np.isfinite(data.x).all()
    assert data.x.shape == (len(data.y), len(data.features))
    assert set(data.y.tolist()) == set(range(len(data.classes)))
    return ["a dataset"]


def test_two_features_of_one_name_are_refused_before_training_and_not_after(written):
    with pytest.raises(DataError, match="there are 2 columns 'b'; give each its own name"):
        read_csv(written("a,b,b,label\n1,2,3,x\n4,5,6,y\n"))
