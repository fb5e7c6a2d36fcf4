"""What an expression is worth at run time: the one evaluator, on every target.

A tree is JSON: `["value", v]`, `["list", …]`, a leaf that only the caller can look up (`["output", step, port]`,
`["input", name]`, …), or `[name, argument, …]` for an operator or a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["LEAVES", "EvaluationError", "children", "evaluate", "text_of"]

Tree = list[Any]
Lookup = Callable[[Tree], Any]

LEAVES = frozenset({"value", "input", "output", "data", "run", "here", "status", "location"})
"""Heads of trees that hold no trees."""

MAX_TEXT = 1_000_000
"""Characters that one operation may produce."""


class EvaluationError(Exception):
    """An expression that has no value for these operands, such as a division by zero."""


def children(tree: Tree) -> list[Tree]:
    """Return the trees right below a tree."""
    return [] if tree[0] in LEAVES else tree[1:]


def evaluate(tree: Tree, lookup: Lookup) -> Any:
    """Return the value of a tree: text, number, boolean, None, or a list of them; raise EvaluationError.

    `lookup` gives the value of each leaf other than `value`. An operator on None gives None; a list leaves it out, `if`
    takes it for false, `default` and `has` end it. `if` and `default` look no further than they must, `&&` and `||` at
    both sides.
    """
    head = tree[0]
    if head == "value":
        return tree[1]
    if head in LEAVES:
        return lookup(tree)
    if head == "if":
        return evaluate(tree[2] if evaluate(tree[1], lookup) is True else tree[3], lookup)
    if head == "default":
        return next((value for item in tree[1:] if (value := evaluate(item, lookup)) is not None), None)
    args = [evaluate(item, lookup) for item in tree[1:]]
    if head == "list":
        return [value for value in args if value is not None]
    if head == "has":
        return args[0] is not None
    if any(value is None for value in args):
        return None
    return _bounded(_OPERATIONS[head](*args))


def text_of(value: Any) -> str:
    """Return the one text of a value: `true`/`false`, decimal integers, shortest numbers that read back the same."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return text[:-2] if text.endswith(".0") else text
    return str(value)


def _bounded(value: Any) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise EvaluationError("an integer does not fit into 64 bits")
    if type(value) is float and (value != value or value in (float("inf"), float("-inf"))):
        raise EvaluationError("a number is too large")
    if type(value) is str and len(value) > MAX_TEXT:
        raise EvaluationError(f"a text is longer than {MAX_TEXT} characters")
    return value


def _divide(a: float, b: float) -> float:
    if b == 0:
        raise EvaluationError("division by zero")
    return a / b


def _remainder(a: int, b: int) -> int:
    """Return the remainder with the sign of `a`, as CEL, C and Java have it."""
    if b == 0:
        raise EvaluationError("division by zero")
    return a - b * _truncated(a, b)


def _truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _same(a: Any, b: Any) -> bool:
    """Return equality without Python's `True == 1`."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "==": _same,
    "!=": lambda a, b: not _same(a, b),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "&&": lambda a, b: a and b,
    "||": lambda a, b: a or b,
    "!": lambda a: not a,
    "in": lambda a, b: any(_same(a, item) for item in b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": _remainder,
    "neg": lambda a: -a,
    "text": lambda *parts: "".join(text_of(part) for part in parts),
    "string": text_of,
    "length": len,
    "lower": lambda a: a.lower(),
    "upper": lambda a: a.upper(),
    "contains": lambda a, b: b in a,
    "starts_with": lambda a, b: a.startswith(b),
    "ends_with": lambda a, b: a.endswith(b),
    "join": lambda items, separator: separator.join(text_of(item) for item in items),
    "min": min,
    "max": max,
}
