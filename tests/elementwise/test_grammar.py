"""The grammar means what C means, and what is not in it is refused by name, with its place."""

from __future__ import annotations

import numpy as np
import pytest

from gpugrad import elementwise
from gpugrad.errors import ExpressionError, OptionError

X = np.array([-2.5, -1.0, -0.0, 0.0, 0.5, 3.0])
Y = np.array([1.0, -1.0, 2.0, 0.0, 0.5, -4.0])


def value(operation):
    return elementwise("T x, T y", "T z", operation)(X, Y).tolist()


# The value, by NumPy, that an operation has.
MEANINGS = {
    "z = x + y * 2 - 1": X + Y * 2 - 1,
    "z = x - y - 1": (X - Y) - 1,
    "z = x - (y - 1)": X - (Y - 1),
    "z = 12 / 4 / 3": np.ones(6),
    "z = 12 / (4 / 2)": np.full(6, 6.0),
    "z = 1 / 2 * x": 0.5 * X,
    "z = -x * -y": X * Y,
    "z = - -x + +y": X + Y,
    "z = -x + !y": -X + (Y == 0),
    "z = x < y": np.where(X < Y, 1.0, 0.0),
    "z = x < y == y > x": np.ones(6),
    "z = (x > 0) + (y > 0)": 1.0 * (X > 0) + 1.0 * (Y > 0),
    "z = x > 0 && y > 0 || x < -2": 1.0 * (((X > 0) & (Y > 0)) | (X < -2)),
    "z = x > 0 || y > 0 && x < -2": 1.0 * ((X > 0) | ((Y > 0) & (X < -2))),
    "z = !(x > 0) && !x": 1.0 * ((X <= 0) & (X == 0)),
    "z = x && y": 1.0 * ((X != 0) & (Y != 0)),
    "z = x ? y : 7": np.where(X != 0, Y, 7),
    "z = x > 0 ? 1 : x < 0 ? -1 : 0": np.sign(X),
    "z = x > 0 ? x < 1 ? 10 : 20 : 30": np.where(X > 0, np.where(X < 1, 10, 20), 30),
    "z = (x > 0 ? y > 0 : y < 0) ? 1 : 2": np.where(np.where(X > 0, Y > 0, Y < 0), 1, 2),
    "z = x ? 1 : 2 + 10": np.where(X != 0, 1, 12),
    "T t = x * 2; z = t + t": 4 * X,
    "const T t = x > 0; z = t * 3;": 3.0 * (X > 0),
    "bool b = x; z = b ? 1 : 2": np.where(X != 0, 1, 2),
    "bool b = x > 0; b = y; z = b": 1.0 * (Y != 0),
    "z = x; z += y; z *= 2; z -= 1; z /= 4": ((X + Y) * 2 - 1) / 4,
    "T t = x; t *= t + y; z = t": X * (X + Y),
    ";; z = 1 ;": np.ones(6),
    "z = x // what follows is a remark\n + y /* and so\n is this */ * 2": X + Y * 2,
    "z = .5e1 + 5. + 1E-1 + 07": np.full(6, 17.1),
    "z = T(x > 0) / T(4)": (X > 0) / 4,
    "z = true + false": np.ones(6),
    "z = INFINITY * (x > 0 ? 1 : -1)": np.where(X > 0, np.inf, -np.inf),
    "z = isnan(NAN) + isinf(-INFINITY) + isfinite(x) + isnan(x)": np.full(6, 3.0),
    "z = M_PI - M_E": np.full(6, np.pi - np.e),
    "z = max(x, y) - fmax(x, y) + min(x, 1) - fmin(x, 1) + abs(x) - fabs(x)": np.zeros(6),
    "z = fmod(7, 3) + fmod(-7, 3) * 10 + fmod(7, -3) * 100": np.full(6, 91.0),
    "z = round(2.5) + round(-2.5) * 10 + rint(2.5) * 100 + round(0.49999999999999994) * 1000": np.full(6, 173.0),
    "z = 100000000000000000000000000000 * x": 1e29 * X,
}  # fmt: skip


@pytest.mark.parametrize("operation", MEANINGS)
def test_an_operation_means_what_it_means_in_c(operation):
    assert value(operation) == MEANINGS[operation].tolist()


# The place, and what the error says.
REFUSED = {
    "z = x ** 2": (1, 7, r"'\*\*' is not in the grammar; a power is pow"),
    "z = x ^ 2": (1, 7, r"'\^' is not in the grammar; a power is pow"),
    "z = x % y": (1, 7, "'%' is not in the grammar; a remainder is fmod"),
    "z = x & y": (1, 7, "'&' is not in the grammar; 'and' is &&"),
    "z = x[1]": (1, 6, r"'\[' is not in the grammar; an expression is about one element"),
    "z = x; z++": (1, 9, r"'\+\+' is not in the grammar"),
    "z = 'x'": (1, 5, "\"'\" is not in the grammar"),
    "z = x €": (1, 7, "'€' is not in the grammar"),
    "while (x > 0) z = x": (1, 1, "'while' is not in the grammar; a statement is z = ..."),
    "if (x > 0) z = x": (1, 1, "'if' is not in the grammar"),
    "z = x;\nfor (;;) z = 1": (2, 1, "'for' is not in the grammar"),
    "z = while": (1, 5, "'while' is not in the grammar; there are assignments"),
    "z = x and y": (1, 7, "'and' where ';' must come"),
    "int t = 3; z = x": (1, 1, "'int' is not in the grammar"),
    "float t = 3; z = x": (1, 1, "'float' is not in the grammar"),
    "vector t = 3; z = x": (1, 1, "'vector' is no type of the grammar; there are T and bool"),
    "const int t = 3; z = x": (1, 7, "'int' where|'int' is no type"),
    "T t; z = x": (1, 4, "';' where '=' must come after 't': a local name gets its value where"),
    "T x = 3; z = x": (1, 3, "'x' is there already"),
    "T z = 3": (1, 3, "'z' is there already"),
    "T exp = 3; z = x": (1, 3, "'exp' has a meaning already"),
    "T t = 1; T t = 2; z = t": (1, 12, "'t' is there already"),
    "t = 3; z = t": (1, 1, "'t' is not defined; declare it: T t = ..."),
    "z += x": (1, 1, "'z' is not defined"),
    "x = 3; z = x": (1, 1, "'x' is an input, which is not assigned to"),
    "z = i": (1, 5, "'i' is not defined; the names here are x, y"),
    "z = t; T t = x": (1, 5, "'t' is not defined"),
    "z = tanhf(x)": (1, 5, "'tanhf' is no function of the grammar; did you mean 'tanh'"),
    "z = frobnicate(x)": (1, 5, "'frobnicate' is no function of the grammar; there are abs, acos"),
    "z = tanh": (1, 5, r"'tanh' is a function; call it: tanh\(...\)"),
    "z = x(3)": (1, 5, "'x' is no function of the grammar"),
    "z = pow(x)": (1, 5, "'pow' takes 2 operands, not 1"),
    "z = exp(x, y)": (1, 5, "'exp' takes 1 operand, not 2"),
    "z = exp()": (1, 5, "'exp' takes 1 operand, not 0"),
    "z = exp(x": (1, 10, "the end where '\\)' must come to close the call of 'exp'"),
    "z = (float)x": (1, 6, r"\(float\) is a cast"),
    "z = 1.0f * x": (1, 8, "'f' after a number: a number has no suffix"),
    "z = 3u": (1, 6, "'u' after a number"),
    "z = 0x1F": (1, 6, "'x1F'|'x' after a number"),
    "z = 1.2.3": (1, 8, "'.' after a number"),
    "z = 1e999": (1, 5, "1e999 is too large for a float64"),
    "z = " + "9" * 400: (1, 5, "is too large for a float64"),
    "z = x < y < 1": (1, 11, "'<' compares a truth value; 'a < b < c' is written"),
    "z = x ? 1": (1, 10, "the end where ':' must come"),
    "z = x +": (1, 8, "the end where a value must come"),
    "z = x + * y": (1, 9, r"'\*' where a value must come"),
    "z = ((x)": (1, 9, r"the end where '\)' must come"),
    "z = x)": (1, 6, r"'\)' where ';' must come after a statement"),
    "z = x y": (1, 7, "'y' where ';' must come"),
    "z = 3 x": (1, 7, "'x' where ';' must come"),
    "z": (1, 2, "the end where an assignment must come: z = ..."),
    "z == x": (1, 3, "'==' where an assignment must come"),
    "x + y": (1, 3, r"'\+' where an assignment must come"),
    "3 = z": (1, 1, "'3' where a statement must begin"),
    "": (1, 1, "the output 'z' is never assigned"),
    "T t = x;\n": (1, 9, "the output 'z' is never assigned"),
    "z = " + "(" * 300 + "x" + ")" * 300: (1, 105, "more than 100 deep"),
    "z = " + "-" + " -" * 300 + "x": (1, 207, "more than 100 deep"),
    "z = x /* never ends": (1, 8, r"'\*' where a value must come"),
}  # fmt: skip


@pytest.mark.parametrize("operation", REFUSED)
def test_what_is_not_in_the_grammar_is_refused_by_name_and_place(operation):
    line, column, message = REFUSED[operation]
    with pytest.raises(ExpressionError, match=message) as caught:
        elementwise("T x, T y", "T z", operation, name="own")
    first, shown, caret = str(caught.value).split("\n")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert first.startswith(f"own, line {line}, column {column}: ")
    assert shown == "    " + [*operation.split("\n"), ""][line - 1] and caret == " " * (column + 3) + "^"


def test_the_caret_stands_below_its_place_behind_tabs():
    with pytest.raises(ExpressionError) as caught:
        elementwise("T x", "T z", "\tz =\tx @ 2")
    assert str(caught.value).split("\n")[1:] == ["    \tz =\tx @ 2", "    \t   \t  ^"]


def test_a_character_that_cannot_be_shown_leaves_the_caret_in_its_place():
    with pytest.raises(ExpressionError, match=r"line 2, column 7: '\\x00' is not in the grammar") as caught:
        elementwise("T x", "T z", "T t = x;\r\nz = t \0;\r\n")
    assert str(caught.value).split("\n")[1:] == ["    z = t  ;", "          ^"]


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        ("float32 x", "T z", "in the inputs, line 1, column 1: 'float32' where the type T must come"),
        ("raw T x", "T z", "in the inputs, line 1, column 1: 'raw' where the type T must come"),
        ("x", "T z", "'x' where the type T must come"),
        ("", "T z", "the end where the type T must come"),
        ("T x,", "T z", "the end where the type T must come"),
        ("T x T y", "T z", "'T' where ',' must come between parameters"),
        ("T x, T x", "T z", "column 8: 'x' is there twice"),
        ("T tanh", "T z", "'tanh' has a meaning already"),
        ("T float", "T z", "'float' has a meaning already"),
        ("T 3", "T z", "'3' where a name must come"),
        ("T x", "T x", "in the output, line 1, column 3: 'x' is an input already"),
        ("T x", "T z, T w", "in the output, line 1, column 4: an elementwise op has one output; make an op for each"),
        ("T x", "", "in the output, line 1, column 1: the end where the type T must come"),
    ],
)
def test_parameters_that_are_wrong_are_named(inputs, output, message):
    with pytest.raises(ExpressionError, match=message):
        elementwise(inputs, output, "z = x")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"grad": {"w": "g"}}, OptionError, "own: grad names 'w', and the inputs are x, y"),
        ({"grad": {"x": 3}}, OptionError, "own: the gradient of 'x' is an expression, 'auto' or None, not 3"),
        ({"grad": {"x": "g +"}}, ExpressionError, "in the gradient of 'x', line 1, column 4: the end where a"),
        ({"grad": {"x": "g; g"}}, ExpressionError, "column 2: ';' after the end of the expression"),
        ({"grad": {"x": "h"}}, ExpressionError, "'h' is not defined; the names here are x, y, z, g"),
        ({"grad": {"x": ["g"]}}, OptionError, r"the gradient of 'x' is an expression, 'auto' or None, not \['g'\]"),
        ({"grad": "none"}, OptionError, "grad is 'auto', None or a dict of expressions by input, not 'none'"),
        ({"name": "not a name"}, OptionError, "'not a name' is no name for an op"),
        ({"name": "größe"}, OptionError, "'größe' is no name for an op"),
    ],
)
def test_what_else_is_wrong_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        elementwise("T x, T y", "T z", "z = x * y", **{"name": "own", **arguments})


def test_no_parameter_is_called_g():
    with pytest.raises(OptionError, match="no parameter can be called 'g', which is dL/dz"):
        elementwise("T g", "T z", "z = g")


def test_arguments_that_are_no_text_are_named():
    with pytest.raises(TypeError, match="elementwise: operation is a string, not int"):
        elementwise("T x", "T z", 3)


def test_long_expressions_need_no_recursion():
    n = 5000
    assert elementwise("T x", "T z", "z = " + " + ".join(["x"] * n))(np.ones(3)).tolist() == [n] * 3
    text = "T t = x; " + "t = t * 0.999 + 1;" * 2000 + " z = t"
    slope = elementwise("T x", "T z", text).op.gradient("x")(np.ones(1))
    assert slope.item() == pytest.approx(0.999**2000)
