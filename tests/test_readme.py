"""The code that the READMEs show runs, and prints what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_twenty_lines_train_a_classifier(capsys):
    exec(blocks("README.md")[0], {})
    assert float(capsys.readouterr().out) > 0.95


def test_a_gradient_of_a_gradient(capsys):
    exec("import gpugrad\n" + blocks("README.md")[1], {})
    assert capsys.readouterr().out.split() == ["tensor(12.)"]


def test_the_chinese_readme_walks_a_graph(capsys):
    (code,) = blocks("README.zh-CN.md")
    exec(code, {})
    assert capsys.readouterr().out.split() == ["-4.0", "-4.0", "3.0"]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target
