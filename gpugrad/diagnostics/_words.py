"""The words of the pictures in each language, and text that is safe to show: one line, printable, of known width."""

from __future__ import annotations

import unicodedata
from typing import Any

from gpugrad.errors import OptionError

__all__ = ["WORDS", "check_choice", "clean", "text_width", "words_of"]

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Computational graph",
        "forward": "values: above the edges, forward →",
        "backward": "gradients: below the edges, ← backward",
        "backward of": "gradients of {name}: below the edges, ← backward",
        "norm": "norm {number}",
        "not finite": "{count} not finite",
        "empty": "empty",
        "leaf": "leaf {number}",
        "constant": "constant",
        "result": "result",
        "more": "... {count} more ...",
        "unused": "not in this graph: {names}",
        "and more": "and {count} more",
        "freed": "gradients left out: the saved values were freed by a backward without retain_graph=True",
        "of the sum": "gradients of the sum of the elements",
        "of the real part": "gradients of the real part",
        "of the sum of the real parts": "gradients of the sum of the real parts",
        "changed": "inputs were written to after their use; values that were not saved are those of now",
        "value": "value",
        "gradient": "gradient",
        "input": "input",
        "output": "output",
        "rule": "gradient of {input}",
        "layer": "layer",
        "kind": "kind",
        "parameters": "parameters",
        "trainable": "trainable",
        "frozen": "not trainable",
        "buffers": "elements of buffers",
        "bytes": "bytes",
        "calls": "{count} calls",
        "not called": "not called",
        "shared": "shared parameters are counted once",
    },
    "zh": {
        "title": "计算图",
        "forward": "数值:边的上方,前向 →",
        "backward": "梯度:边的下方,← 反向",
        "backward of": "{name} 的梯度:边的下方,← 反向",
        "norm": "范数 {number}",
        "not finite": "{count} 个非有限值",
        "empty": "空",
        "leaf": "叶节点 {number}",
        "constant": "常数",
        "result": "结果",
        "more": "... 省略 {count} 个 ...",
        "unused": "不在此图中:{names}",
        "and more": "另有 {count} 个",
        "freed": "未画梯度:保存的数值已被一次没有 retain_graph=True 的反向传播释放",
        "of the sum": "梯度是对各元素之和求的",
        "of the real part": "梯度是对实部求的",
        "of the sum of the real parts": "梯度是对各元素实部之和求的",
        "changed": "有输入在使用之后被改写;未保存的数值是现在的值",
        "value": "数值",
        "gradient": "梯度",
        "input": "输入",
        "output": "输出",
        "rule": "{input} 的梯度",
        "layer": "层",
        "kind": "类型",
        "parameters": "参数",
        "trainable": "可训练",
        "frozen": "不可训练",
        "buffers": "缓冲区元素",
        "bytes": "字节",
        "calls": "调用 {count} 次",
        "not called": "未调用",
        "shared": "共享的参数只计一次",
    },
}


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise OptionError unless `value` is one of the choices of the argument `name`."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise OptionError(f"{name} must be one of {listed}, not {clean(repr(value), 60)}")


def words_of(language: str) -> dict[str, str]:
    """Return the words of a language."""
    check_choice("language", language, tuple(WORDS))
    return WORDS[language]


def clean(text: str, most: int = 40) -> str:
    """Return text in one line without control characters (which no SVG may hold), its end left out if it is long."""
    one_line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else "\ufffd" for c in one_line)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def text_width(text: str) -> float:
    """Return the width of text in a monospace font, in units of the font size; rather too much than too little."""
    return sum(_width(c) for c in text)


def _width(character: str) -> float:
    if character.isascii():
        return 0.62
    if unicodedata.combining(character):
        return 0.0
    return 1.4 if ord(character) >= 0x1F000 else 1.05
