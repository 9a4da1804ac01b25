"""Cases whose gradient a library has to choose: written by hand, each with the rule that it follows."""

from __future__ import annotations

from typing import Any

__all__ = ["CONVENTIONS"]

CONVENTIONS: list[dict[str, Any]] = []

KINK = "at a kink, the element of smallest norm in the subdifferential"
TIE = "winners share the gradient evenly"
STEP = "steps have derivative 0"
INFINITE = "where a derivative is infinite it is infinite"
NOWHERE = "where there is none, NaN"
NAN = "the outcome is that NaN, so the gradient goes there"
LIMIT = "the limit, or what no direction is better than"


def _array(values: Any, shape: tuple[int, ...] | None = None, constant: bool = False) -> dict[str, Any]:
    flat = [values] if not isinstance(values, list) else values
    made = {
        "shape": list(shape) if shape is not None else [len(flat)] if isinstance(values, list) else [],
        "values": flat,
    }
    if flat and isinstance(flat[0], list):
        made["kind"] = "complex"
    return {**made, "constant": True} if constant else made


def convention(
    function: str,
    label: str,
    arguments: list[Any],
    value: Any,
    first: list[list[Any]],
    rule: str,
    *,
    keywords: dict[str, Any] | None = None,
    admissible: dict[str, Any] | None = None,
    second: list[list[Any]] | None = None,
    program: str | None = None,
    cotangent: float = 1.0,
) -> None:
    """Add a case: the gradients `first` for a cotangent of equal elements, and `second` for tangents of ones."""
    arrays = [a for a in arguments if "values" in a and not a.get("constant")]
    whole = any(a.get("kind") == "complex" for a in arrays)
    flat, shape = ([value], []) if not isinstance(value, list) else (value, [len(value)])
    case = {"id": f"{function}: {label}", "chapter": "conventions", "group": "convention", "function": function}
    if program:
        case["program"] = program
    case["dtypes"] = ["complex64", "complex128"] if whole else ["float32", "float64"]
    case["arguments"] = arguments
    if keywords:
        case["keywords"] = {name: {"value": given} for name, given in keywords.items()}
    case["cotangents"] = [{"shape": shape, "values": [cotangent] * len(flat)}]
    case["tangents"] = [
        {**a, "values": [[1, 0] if a.get("kind") == "complex" else 1 for _ in a["values"]]} for a in arrays
    ]
    case["value"] = [flat]
    case["first"] = first
    case["second"] = None if second is None else [second, None]
    if admissible:
        case["admissible"] = admissible
    case["rule"] = rule
    CONVENTIONS.append(case)


def _between(*bounds: tuple[list[float], list[float]]) -> dict[str, Any]:
    return {"between": [list(pair) for pair in bounds]}


x = _array

# Kinks
convention("abs", "at 0", [x([0, 2, -2])], [0, 2, 2], [[0, 1, -1]], KINK, admissible=_between(([-1, 1, -1], [1, 1, -1])),
           second=[[0, 0, 0]])  # fmt: skip
convention("abs", "at -0", [x(-0.0)], 0, [[0]], KINK, admissible=_between(([-1], [1])), second=[[0]])
convention("abs", "complex at 0", [x([[0, 0], [3, 4]])], [0, 5], [[[0, 0], [0.6, 0.8]]], KINK)
convention("array.__abs__", "at 0", [x([0.0])], [0], [[0]], KINK, admissible=_between(([-1], [1])), second=[[0]])
convention("sign", "complex at 0", [x([[0, 0]])], [[0, 0]], [[[0, 0]]], KINK)
CONVENTIONS[-1]["cotangents"] = [{"shape": [1], "values": [[1, 0]], "kind": "complex"}]
for name, low, high in (("both bounds", -1, 1), ("min alone", -1, None), ("max alone", None, 1)):
    given = [-2, -1, 0.5, 1, 2]
    held = [v if low is None else max(low, v) for v in given]
    held = [v if high is None else min(high, v) for v in held]
    slopes = [0 if (low is not None and v <= low) or (high is not None and v >= high) else 1 for v in given]
    at = [(low is not None and v == low) or (high is not None and v == high) for v in given]
    convention("clip", f"at a bound, {name}", [x(given)], held, [slopes], KINK, keywords={"min": low, "max": high},
               admissible=_between((slopes, [1 if a else s for a, s in zip(at, slopes, strict=True)])), second=[[0] * 5])  # fmt: skip
convention("linalg.vector_norm", "at 0", [x([0, 0])], 0, [[0, 0]], KINK, admissible={"ball": 1})
convention("linalg.vector_norm", "a row of 0", [x([0, 0, 3, 4], (2, 2))], [0, 5], [[0, 0, 0.6, 0.8]], KINK, keywords={"axis": 1},
           admissible=_between(([-1, -1, 0.6, 0.8], [1, 1, 0.6, 0.8])))  # fmt: skip
for order, radius in ((1, 2**0.5), (3, 2**0.5), ("inf", 1)):
    convention(
        "linalg.vector_norm",
        f"order {order} at 0",
        [x([0, 0])],
        0,
        [[0, 0]],
        KINK,
        keywords={"ord": order},
        admissible={"ball": radius},
    )
convention("linalg.vector_norm", "order 1, one element at 0", [x([0, -3])], 3, [[0, -1]], KINK, keywords={"ord": 1},
           admissible=_between(([-1, -1], [1, -1])), second=[[0, 0]])  # fmt: skip
convention("linalg.vector_norm", "complex at 0", [x([[0, 0], [0, 0]])], 0, [[[0, 0], [0, 0]]], KINK)
convention("linalg.matrix_norm", "at 0", [x([0, 0, 0, 0], (2, 2))], 0, [[0, 0, 0, 0]], KINK, admissible={"ball": 1})
convention("linalg.vector_norm", "square at 0", [x([0, 0])], 0, [[0, 0]], KINK, program="square")
convention("linalg.matrix_norm", "square at 0", [x([0, 0, 0, 0], (2, 2))], 0, [[0] * 4], KINK, program="square")
convention("std", "equal values", [x([2, 2, 2])], 0, [[0, 0, 0]], KINK, admissible={"ball": 0.5774})
convention("std", "one element", [x([2])], 0, [[0]], "it is 0 for every element")
convention("std", "0-d", [x(2)], 0, [[0]], "it is 0 for every element")
convention("std", "a row of equal values", [x([2, 2, 1, 3], (2, 2))], [0, 1], [[0, 0, -0.5, 0.5]], KINK, keywords={"axis": 1},
           admissible=_between(([-0.5, -0.5, -0.5, 0.5], [0.5, 0.5, -0.5, 0.5])))  # fmt: skip
convention("hypot", "at the origin", [x(0), x(0)], 0, [[0], [0]], KINK, admissible={"ball": 1})
convention("atan2", "at the origin", [x(0), x(0)], 0, [[0], [0]], LIMIT)
convention(
    "copysign",
    "at 0",
    [x([0, 0]), x([1, -1])],
    [0, -0.0],
    [[0, 0], [0, 0]],
    KINK,
    admissible=_between(([-1, -1], [1, 1]), ([0, 0], [0, 0])),
)

# Ties
for name, best, least in (("max", 2, 1), ("min", 2, 3)):
    convention(
        name,
        "two of three",
        [x([best, best, least])],
        best,
        [[0.5, 0.5, 0]],
        TIE,
        admissible={"shares": 1},
        second=[[0, 0, 0]],
    )
    convention(name, "all four", [x([best] * 4, (2, 2))], best, [[0.25] * 4], TIE, admissible={"shares": 1})
    convention(name, "in a row", [x([best, best, best, least], (2, 2))], [best, best], [[0.5, 0.5, 1, 0]], TIE, keywords={"axis": 1},
               admissible=_between(([0, 0, 1, 0], [1, 1, 1, 0])))  # fmt: skip
    convention(name, "cotangent 4", [x([best, best])], best, [[2, 2]], TIE, cotangent=4, admissible={"shares": 4})
    convention(name, "infinities", [x(["inf" if name == "max" else "-inf"] * 2)], "inf" if name == "max" else "-inf", [[0.5, 0.5]], TIE,
               admissible={"shares": 1})  # fmt: skip
    convention(name, "one NaN", [x([1, "nan", 3])], "nan", [[0, 1, 0]], NAN)
for name in ("maximum", "minimum"):
    convention(name, "a tie", [x([1, 2]), x([1, 2])], [1, 2], [[0.5, 0.5], [0.5, 0.5]], TIE,
               admissible=_between(([0, 0], [1, 1]), ([0, 0], [1, 1])), second=[[0, 0], [0, 0]])  # fmt: skip
    convention(
        name,
        "a tie with a constant",
        [x([1, 2]), x([1, 2], None, True)],
        [1, 2],
        [[0.5, 0.5]],
        TIE,
        admissible=_between(([0, 0], [1, 1])),
    )
    convention(name, "x and x", [x([1, -2])], [1, -2], [[1, 1]], "both halves are x's", program="twice")
    convention(name, "a NaN", [x(["nan", 1]), x([1, "nan"])], ["nan", "nan"], [[1, 0], [0, 1]], NAN)
convention("linalg.vector_norm", "order inf, a tie", [x([3, -3, 1])], 3, [[0.5, -0.5, 0]], TIE, keywords={"ord": "inf"},
           admissible=_between(([0, -1, 0], [1, 0, 0])))  # fmt: skip
convention(
    "sort",
    "equal elements",
    [x([2, 2, 1])],
    [1, 2, 2],
    [[1, 1, 1]],
    "a permutation",
    admissible=_between(([0, 0, 1], [2, 2, 1])),
)

# Steps
for name, given, gives in (("floor", [2, -0.5], [2, -1]), ("ceil", [2, -0.5], [2, 0]), ("trunc", [0, -1.5], [0, -1]),
                           ("round", [0.5, 2], [0, 2]), ("sign", [0, -0.0], [0, 0])):  # fmt: skip
    convention(name, "at a jump", [x(given)], gives, [[0, 0]], STEP, second=[[0, 0]])
convention("nextafter", "up and down", [x([1, 1]), x([2, 0])], [1, 1], [[0, 0], [0, 0]], STEP, admissible=_between(([0, 0], [1, 1]), ([0, 0], [0, 0])),
           second=[[0, 0], [0, 0]])  # fmt: skip
convention("floor_divide", "at a jump", [x([6]), x([3])], [2], [[0], [0]], STEP, second=[[0], [0]])
convention("remainder", "at a jump", [x([6]), x([3])], [0], [[1], [-2]], STEP, second=[[0], [0]])
convention("array.__rmod__", "7 by 3", [x([3]), {"value": 7}], [1], [[-2]], STEP, second=[[0]])

# Infinite derivatives, and none
convention("sqrt", "at 0", [x([0])], [0], [["inf"]], INFINITE)
convention("pow", "power 0.5 at 0", [x([0]), {"value": 0.5}], [0], [["inf"]], INFINITE)
convention("log", "at 0", [x([0])], ["-inf"], [["inf"]], INFINITE)
convention("log2", "at 0", [x([0])], ["-inf"], [["inf"]], INFINITE)
convention("log10", "at 0", [x([0])], ["-inf"], [["inf"]], INFINITE)
convention("log1p", "at -1", [x([-1])], ["-inf"], [["inf"]], INFINITE)
convention("asin", "at 1", [x([1, -1])], [1.5707963267948966, -1.5707963267948966], [["inf", "inf"]], INFINITE)
convention("acos", "at 1", [x([1, -1])], [0, 3.141592653589793], [["-inf", "-inf"]], INFINITE)
convention("acosh", "at 1", [x([1])], [0], [["inf"]], INFINITE)
convention("atanh", "at 1", [x([1, -1])], ["inf", "-inf"], [["inf", "inf"]], INFINITE)
convention("var", "one element, correction 1", [x([2])], "nan", [["nan"]], NOWHERE, keywords={"correction": 1})
convention("std", "one element, correction 1", [x([2])], "nan", [["nan"]], NOWHERE, keywords={"correction": 1})
convention("pow", "negative base", [x([-2], None, True), x([2])], [4], [["nan"]], NOWHERE)

# Zeros and infinities
convention("pow", "power 0 at 0", [x([0]), {"value": 0}], [1], [[0]], "x ** 0 is 1 everywhere", second=[[0]])
convention("pow", "power 0.0 at 0", [x([0]), {"value": 0.0}], [1], [[0]], "x ** 0 is 1 everywhere", second=[[0]])
convention("pow", "power 0 as an array", [x([0, 2]), x([0, 0], None, True)], [1, 1], [[0, 0]], "x ** 0 is 1 everywhere")
convention(
    "pow", "0 to the power 2", [x([0], None, True), x([2])], [0], [[0]], "0 ** x is 0 on both sides", second=[[0]]
)
convention("pow", "0 to the power 0", [x([0], None, True), x([0])], [1], [[0]], LIMIT)
convention("array.__rpow__", "0 to the power 2", [x([2]), {"value": 0.0}], [0], [[0]], "0 ** x is 0 on both sides")
convention("logaddexp", "-inf and -inf", [x(["-inf"]), x(["-inf"])], ["-inf"], [[0], [0]], "nothing contributes",
           admissible=_between(([0], [1]), ([0], [1])))  # fmt: skip
convention("logaddexp", "-inf and 0", [x(["-inf"]), x([0])], [0], [[0], [1]], LIMIT)
convention("logaddexp", "inf and 1", [x(["inf"]), x([1])], ["inf"], [[1], [0]], LIMIT)
convention("logaddexp", "inf and inf", [x(["inf"]), x(["inf"])], ["inf"], [[0.5], [0.5]], TIE, admissible={"shares": 1})
convention("atan", "at infinity", [x(["inf", "-inf"])], [1.5707963267948966, -1.5707963267948966], [[0, 0]], LIMIT)
convention("tanh", "at infinity", [x(["inf", "-inf"])], [1, -1], [[0, 0]], LIMIT, second=[[0, 0]])
convention("exp", "at -infinity", [x(["-inf"])], [0], [[0]], LIMIT, second=[[0]])
convention(
    "hypot",
    "large",
    [x([2.0**100]), x([2.0**100])],
    [2.0**100 * 2**0.5],
    [[0.5**0.5], [0.5**0.5]],
    "no overflow on the way",
)
convention(
    "atan2",
    "large",
    [x([2.0**100]), x([2.0**100])],
    [0.7853981633974483],
    [[0.5], [-0.5]],
    "no overflow on the way",
    cotangent=2.0**100,
)
convention(
    "linalg.vector_norm",
    "large",
    [x([2.0**100, 2.0**100])],
    2.0**100 * 2**0.5,
    [[0.5**0.5, 0.5**0.5]],
    "no overflow on the way",
)

# Writes, and functions that are constant in between
convention("array.__setitem__", "one place written twice",
           [x([1, 2]), {"key": [{"shape": [2], "values": [0, 0], "kind": "integer", "constant": True}]}, x([5, 6])],
           [6, 2], [[0, 1], [0, 1]], "the last write wins", second=[[0, 0], [0, 0]])  # fmt: skip
CONVENTIONS[-1]["value"] = [[6, 2]]
