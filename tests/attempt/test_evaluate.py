import math
from typing import Any

import pytest

from specflow.attempt.evaluate import LEAVES, MAX_TEXT, EvaluationError, children, evaluate, text_of
from specflow.graph.trees import tree_of
from specflow.spec.expressions import parse_template

MAX_INT, MIN_INT = 2**63 - 1, -(2**63)
VALUES = {
    "yes": True,
    "no": False,
    "zero": 0,
    "one": 1,
    "half": 0.5,
    "text": "Straße",
    "empty": "",
    "null": None,
    "numbers": [1, 2, 3],
    "words": ["a", "b"],
    "most": MAX_INT,
    "least": MIN_INT,
    "huge": 1e308,
    "long": "x" * (MAX_TEXT - 1),
}


def value_of(expression: str, **values: Any) -> Any:
    """Return what an expression is worth; `v.x` is one of the values above, or of those given."""
    whole = parse_template(f"${{{{ {expression} }}}}").whole
    assert whole is not None
    tree = tree_of(whole, lambda reference: ["input", reference.parts[1]])
    return evaluate(tree, lambda leaf: (VALUES | values)[leaf[1]])


WORTH = [
    # Literals and lists; a list leaves null out.
    ("12", 12),
    ("'a\\'b'", "a'b"),
    ("[1, v.one, null]", [1, 1]),
    ("[]", []),
    ("[v.zero, 1]", [0, 1]),
    ("[v.no, v.null, true]", [False, True]),
    ("['', 'a']", ["", "a"]),
    # Numbers: whole ones stay whole, but for division.
    ("1 + 2", 3),
    ("1 + 2.0", 3.0),
    ("7 - 10", -3),
    ("3 * 0.5", 1.5),
    ("6 / 3", 2.0),
    ("7 / 2", 3.5),
    ("-v.one", -1),
    ("-v.half", -0.5),
    ("0.1 + 0.2", 0.30000000000000004),
    # The remainder has the sign of what is divided.
    ("7 % 3", 1),
    ("-7 % 3", -1),
    ("7 % -3", 1),
    ("-7 % -3", -1),
    ("v.least % -1", 0),
    # Texts.
    ("'a' + 'b'", "ab"),
    ("length(v.text)", 6),
    ("length('😀')", 1),
    ("lower('ABC')", "abc"),
    ("upper(v.text)", "STRASSE"),
    ("contains(v.text, 'aß')", True),
    ("contains(v.text, '')", True),
    ("starts_with(v.text, 'Str')", True),
    ("ends_with(v.text, 'e')", True),
    ("join(v.words, ', ')", "a, b"),
    ("join([1, 2.0, 2.5], '-')", "1-2-2.5"),
    ("join([], '-')", ""),
    ("string(true) + string(7) + string(1.0)", "true71"),
    # Comparisons.
    ("1 == 1.0", True),
    ("v.most == 9223372036854775807.0", False),
    ("'a' == 'A'", False),
    ("'1' != '2'", True),
    ("v.yes == v.one", False),
    ("v.no != v.zero", True),
    ("1 < 1.5", True),
    ("1 <= 1", True),
    ("'B' < 'a'", True),
    ("2 > 10", False),
    ("'2' > '10'", True),
    ("2 >= 2.0", True),
    ("2 in v.numbers", True),
    ("2.0 in v.numbers", True),
    ("v.yes in v.numbers", False),
    ("'c' in v.words", False),
    ("1 in []", False),
    # Logic.
    ("true && false", False),
    ("v.no && true", False),
    ("false || v.no", False),
    ("v.no || true", True),
    ("true || false", True),
    ("!v.no", True),
    ("true && true", True),
    # Functions.
    ("if(v.yes, 1, 2)", 1),
    ("if(v.no, 1, 2)", 2),
    ("if(v.null, 1, 2)", 2),
    ("if(v.yes, null, 2)", None),
    ("default(v.null, 5)", 5),
    ("default(v.zero, 5)", 0),
    ("default(v.no, true)", False),
    ("default(v.empty, 'x')", ""),
    ("default(v.null, null, 3)", 3),
    ("default(v.null, null)", None),
    ("has(v.null)", False),
    ("has(v.empty)", True),
    ("has([])", True),
    ("length(v.numbers)", 3),
    ("min(3, 1, 2)", 1),
    ("max(1, 2.5)", 2.5),
    ("max(1, 1.0)", 1),
    # The side of `if` and the fallback that are not taken are not looked at; `&&` and `||` look at both sides.
    ("if(v.yes, 1, 1 / 0)", 1),
    ("if(v.no, 1 / 0, 2)", 2),
    ("default(v.one, 1 / 0)", 1),
    ("default(v.null, v.one, 1 / 0)", 1),
]


@pytest.mark.parametrize(("expression", "value"), WORTH)
def test_an_expression_is_worth(expression: str, value: Any) -> None:
    found = value_of(expression)

    assert (type(value), value) == (type(found), found)


NULLS = [
    *(f"v.null {sign} 1" for sign in ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%")),
    *(f"1 {sign} v.null" for sign in ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%")),
    "v.null == v.null",
    "v.null && false",
    "false && v.null",
    "v.null || true",
    "true || v.null",
    "!v.null",
    "-v.null",
    "v.null in v.numbers",
    "1 in v.null",
    "length(v.null)",
    "lower(v.null)",
    "upper(v.null)",
    "contains(v.null, 'a')",
    "contains('a', v.null)",
    "starts_with(v.null, 'a')",
    "ends_with('a', v.null)",
    "join(v.null, ',')",
    "join(v.words, v.null)",
    "string(v.null)",
    "min(v.null, 1)",
    "max(1, 2, v.null)",
]


@pytest.mark.parametrize("expression", NULLS)
def test_an_operator_on_null_gives_null(expression: str) -> None:
    assert value_of(expression) is None


NO_VALUE = {
    "1 / 0": "division by zero",
    "1 / 0.0": "division by zero",
    "1 % 0": "division by zero",
    "1 / 0 + v.null": "division by zero",
    "true || 1 / 0 > 1": "division by zero",
    "false && 1 / 0 > 1": "division by zero",
    "default(v.null, 1 / 0)": "division by zero",
    "has(1 / 0)": "division by zero",
    "v.most + 1": "an integer does not fit into 64 bits",
    "v.least - 1": "an integer does not fit into 64 bits",
    "v.most * 2": "an integer does not fit into 64 bits",
    "-v.least": "an integer does not fit into 64 bits",
    "v.huge * 10": "a number is too large",
    "v.huge + v.huge": "a number is too large",
    "-v.huge - v.huge": "a number is too large",
    "v.huge / 0.1": "a number is too large",
    "v.long + 'ab'": "a text is longer than 1000000 characters",
    "join([v.long, v.long], '')": "a text is longer than 1000000 characters",
}


@pytest.mark.parametrize("expression", NO_VALUE)
def test_an_expression_without_a_value_says_why(expression: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value_of(expression)

    assert NO_VALUE[expression] == str(caught.value)


def test_the_greatest_values_that_fit_are_values() -> None:
    assert MAX_INT == value_of("v.most + 0")
    assert MIN_INT == value_of("v.least - 0")
    assert MAX_TEXT == len(value_of("v.long + 'a'"))


TEXTS = [
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-12, "-12"),
    (MAX_INT, "9223372036854775807"),
    (1.0, "1"),
    (-2.0, "-2"),
    (0.1, "0.1"),
    (0.30000000000000004, "0.30000000000000004"),
    (1e16, "1e+16"),
    (1e-7, "1e-07"),
    (5e-324, "5e-324"),
    (math.pi, "3.141592653589793"),
    ("", ""),
    (" a\n", " a\n"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_value_has_one_text(value: Any, text: str) -> None:
    assert text == text_of(value)


def test_a_text_with_values_in_it_is_null_when_one_of_them_is() -> None:
    tree = ["text", ["value", "n="], ["input", "n"], ["value", ";"]]

    assert "n=1.5;" == evaluate(tree, lambda leaf: 1.5)
    assert evaluate(tree, lambda leaf: None) is None


def test_leaves_hold_no_trees_and_everything_else_does() -> None:
    assert [] == [child for head in LEAVES for child in children([head, "a", "b"])]
    assert [["value", 1], ["input", "x"]] == children(["+", ["value", 1], ["input", "x"]])


def test_a_leaf_is_looked_up_as_it_stands() -> None:
    seen: list[Any] = []
    tree = [
        "list",
        ["output", "step", "port"],
        ["input", "name"],
        ["data", "key"],
        ["run", "id"],
        ["here", "inputs", "x"],
    ]
    evaluate(tree, lambda leaf: seen.append(leaf))

    assert tree[1:] == seen
