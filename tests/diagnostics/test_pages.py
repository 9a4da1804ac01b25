"""The code that the page on drawing and the READMEs show runs, and gives what they say."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_on_drawing_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "drawing.md").read_text("utf-8")
    known = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, known)
    (tmp_path / "mlp.html").unlink()  # of random numbers
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (ROOT / "docs" / "pictures" / path.name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"circuit.svg", "neuron.svg"}
    (table,) = re.findall(r"```\n(layer.*?)```", text, re.DOTALL)
    assert capsys.readouterr().out.endswith(table)


def test_every_picture_that_is_shown_is_there_and_every_one_is_shown():
    shown = set()
    for page in (ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "docs" / "drawing.md"):
        found = re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", page.read_text("utf-8"))
        assert found
        shown |= {(page.parent / name).resolve() for name in found}
    assert shown == set((ROOT / "docs" / "pictures").iterdir())


def test_the_readme_saves_a_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (code,) = [code for code in codes if "gpugrad.draw" in code]
    exec("import gpugrad\n" + code, {})
    assert (tmp_path / "neuron.svg").read_bytes() == (ROOT / "docs" / "pictures" / "neuron.svg").read_bytes()
