"""The tables of docs/conventions.md are run: an expression that no longer gives what the page says fails."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "conventions.md").read_text("utf-8")
SETUP = re.search(r"^```python\n(.*?)^```$", PAGE, re.M | re.S).group(1)
HEADER = ["case", "expression", "gives", "why", "elsewhere"]
LINES = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("|")]
ROWS = [cells for cells in LINES if cells != HEADER and set(cells) != {"---"}]


def code(cell):
    """Return what stands between the backticks of a cell."""
    assert re.fullmatch(r"`[^`]+`", cell), f"not code: {cell}"
    return cell[1:-1]


def same(found, expected):
    """Return whether two values, or nested lists of them, agree: to float32, NaN with NaN."""
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, bool) or not isinstance(expected, int | float | complex):
        return found == expected
    return not isinstance(found, list) and found == pytest.approx(expected, rel=1e-6, abs=1e-7, nan_ok=True)


# NumPy warns where a value or a slope is infinite; the table is about what comes after the warning.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_page_says_what_gpugrad_returns(row, backend):
    assert len(row) == len(HEADER), f"a row has {len(HEADER)} cells, without | in them: {row}"
    if backend == "strict" and "float16" in row[1]:
        pytest.skip("the standard has no float16")
    names = {}
    exec(SETUP, names)
    found, expected = eval(code(row[1]), names), eval(code(row[2]), names)
    assert same(found, expected), f"{row[1]} gives {found}"


def test_no_row_is_there_twice():
    assert len({row[1] for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not missing
