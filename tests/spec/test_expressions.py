from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.spec.expressions import (
    MAX_LENGTH,
    Call,
    Expression,
    ExpressionError,
    ListOf,
    Literal,
    Reference,
    holds_expression,
    parse_template,
    references,
    status_functions,
)
from tests.spec.test_types_hold import expressions, wild


def shape(expression: Expression) -> Any:
    """Return an expression without its places."""
    if isinstance(expression, Literal):
        return (type(expression.value), expression.value)
    if isinstance(expression, Reference):
        return ".".join(expression.parts)
    if isinstance(expression, ListOf):
        return ["list", *map(shape, expression.items)]
    return [expression.name, *map(shape, expression.args)]


def whole(text: str) -> Expression:
    found = parse_template(f"${{{{ {text} }}}}").whole
    assert found is not None
    return found


SHAPES: dict[str, Any] = {
    "12": (int, 12),
    "9223372036854775807": (int, 2**63 - 1),
    "-9223372036854775808": (int, -(2**63)),
    "1.50": (float, 1.5),
    "1e3": (float, 1000.0),
    "1.5E-3": (float, 0.0015),
    "-1": (int, -1),
    "- 2.5": (float, -2.5),
    "--1": ["neg", (int, -1)],
    "-(1)": ["neg", (int, 1)],
    "-x": ["neg", "x"],
    "'a\\'b\\\\\\n\"'": (str, "a'b\\\n\""),
    '"a\'b\\t\\""': (str, "a'b\t\""),
    "'}} ${{ x'": (str, "}} ${{ x"),
    "true": (bool, True),
    "null": (type(None), None),
    "steps.train.outputs.rmse": "steps.train.outputs.rmse",
    "steps . train\n. outputs": "steps.train.outputs",
    "x.in.true": "x.in.true",
    "[]": ["list"],
    "[1, [x]]": ["list", (int, 1), ["list", "x"]],
    "f()": ["f"],
    "f(x, 1)": ["f", "x", (int, 1)],
    # What binds closer; equals from the left.
    "a || b && c": ["||", "a", ["&&", "b", "c"]],
    "a && b == c": ["&&", "a", ["==", "b", "c"]],
    "a == b + c": ["==", "a", ["+", "b", "c"]],
    "a + b * c": ["+", "a", ["*", "b", "c"]],
    "!a && b": ["&&", ["!", "a"], "b"],
    "-a * b": ["*", ["neg", "a"], "b"],
    "!a == b": ["==", ["!", "a"], "b"],
    "a - b - c": ["-", ["-", "a", "b"], "c"],
    "a / b % c": ["%", ["/", "a", "b"], "c"],
    "a - (b - c)": ["-", "a", ["-", "b", "c"]],
    "(a || b) && c": ["&&", ["||", "a", "b"], "c"],
    "a + 1 in b": ["in", ["+", "a", (int, 1)], "b"],
    "!(a in b)": ["!", ["in", "a", "b"]],
    "a<b": ["<", "a", "b"],
    "a<=-1": ["<=", "a", (int, -1)],
}


@pytest.mark.parametrize("text", SHAPES)
def test_an_expression_is_read_as(text: str) -> None:
    assert SHAPES[text] == shape(whole(text))


# What is wrong, the text that is marked, and the way out.
FAULTS: dict[str, tuple[str, str, str]] = {
    "${{ }}": ("the expression is empty", "${{ }}", ""),
    "a ${{ x": ('"${{" is never closed', "${{ x", 'end it with "}}"'),
    "${{ x } }}": ('"}" has no meaning here', "}", ""),
    "${{ 'x }}": ("a quoted text is never closed", "'", "end it with '"),
    '${{ "x\n" }}': ("a quoted text is never closed", '"', 'end it with "'),
    "${{ '\\x' }}": ('"\\x" is not an escape', "\\x", 'write "\\\\" for a backslash'),
    "${{ 1 + }}": ("the expression ends too early", "}}", ""),
    "${{ (1 + 2 }}": ('")" is missing after the bracketed expression', "}}", ""),
    "${{ [1, 2 }}": ('"]" is missing after the list', "}}", ""),
    "${{ f(1, }}": ("the expression ends too early", "}}", ""),
    "${{ f(1 2) }}": ('")" is missing after the arguments of "f"', "2", ""),
    "${{ a b }}": ('"b" does not fit here', "b", "put an operator before it"),
    "${{ a 'b' }}": ("\"'b'\" does not fit here", "'b'", "put an operator before it"),
    "${{ * a }}": ('"*" does not fit here', "*", ""),
    "${{ in }}": ('"in" does not fit here', "in", ""),
    "${{ a. }}": ('a name is missing after "."', "}}", ""),
    "${{ a.1 }}": ('a name is missing after "."', "1", ""),
    "${{ a[0] }}": ("elements can't be picked out of a list", "[", ""),
    "${{ a = b }}": ('"=" has no meaning here', "=", 'write "==" to compare'),
    "${{ a & b }}": ('"&" has no meaning here', "&", 'write "&&" for and'),
    "${{ a | b }}": ('"|" has no meaning here', "|", 'write "||" for or'),
    "${{ a ? b : c }}": (
        '"?" has no meaning here',
        "?",
        "write if(condition, a, b); a colon would break the YAML",
    ),
    "${{ $x }}": ('"$" has no meaning here', "$", "an expression names things without a dollar sign: inputs.x"),
    "${{ {a} }}": ('"{" has no meaning here', "{", "maps are not part of the language"),
    "${{ 12ab }}": ('"12ab" is not a number', "12ab", ""),
    "${{ 1.2.3 }}": ('"1.2.3" is not a number', "1.2.3", ""),
    "${{ 0x10 }}": ('"0x10" is not a number', "0x10", ""),
    "${{ ٣ }}": ('"٣" is not a number', "٣", ""),
    "${{ 1٣ }}": ('"1٣" is not a number', "1٣", ""),
    "${{ é }}": ('"é" has no meaning here', "é", ""),
    "${{ 9223372036854775808 }}": ("an integer must fit into 64 bits", "9223372036854775808", ""),
    "${{ -9223372036854775809 }}": ("an integer must fit into 64 bits", "9223372036854775809", ""),
    "${{ 1e400 }}": ("1e400 is too large for a number", "1e400", ""),
    "${{ a < b < c }}": ("comparisons do not chain", "<", 'join them with "&&"'),
    "${{ a == b in c }}": ("comparisons do not chain", "in", 'join them with "&&"'),
    "x ${{ a }} y ${{ 1 + }}": ("the expression ends too early", "}}", ""),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_told_at_its_place(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    fault = caught.value

    assert FAULTS[text] == (fault.message, text[fault.start : fault.end], fault.help)


def test_a_marked_fault_is_the_right_one_of_equals() -> None:
    text = "${{ a < b < c }}"
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)

    assert text.rindex("<") == caught.value.start


DEEP = {
    "brackets": "(" * 60 + "1" + ")" * 60,
    "lists": "[" * 60 + "]" * 60,
    "calls": "f(" * 60 + ")" * 60,
    "signs": "!" * 60 + "x",
    "a chain": "+".join(["1"] * 60),
    "ten thousand brackets": "(" * 4_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_an_expression_that_goes_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"^nested deeper than 40 levels$"):
        whole(text)


def test_an_expression_that_is_too_long_is_refused_and_one_that_just_fits_is_not() -> None:
    # Quotes and the two spaces around it count as well.
    fits = "x" * (MAX_LENGTH - 4)

    assert (str, fits) == shape(whole(f"'{fits}'"))
    with pytest.raises(ExpressionError, match=r"^the expression is longer than 4096 characters$"):
        whole(f"'{fits}x'")


TEMPLATES: dict[str, list[Any]] = {
    "": [""],
    "plain": ["plain"],
    "${{ x }}": [["x"]],
    "  ${{ x }}\n": [["x"]],
    "a ${{ x }}": ["a ", ["x"]],
    "${{ x }} b": [["x"], " b"],
    "${{ x }}${{ y }}": [["x"], ["y"]],
    " ${{ x }} ${{ y }} ": [" ", ["x"], " ", ["y"], " "],
    "${{ '}}' }}}}": [[(str, "}}")], "}}"],
    "$ {{ x }} ${ y }": ["$ {{ x }} ${ y }"],
    "$${{ x }}": ["$", ["x"]],
}


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_text_is_cut_into_pieces(text: str) -> None:
    parts = parse_template(text).parts

    assert TEMPLATES[text] == [part if isinstance(part, str) else [shape(part)] for part in parts]
    assert ("${{" in text) == holds_expression(text)


def test_references_and_status_functions_are_found_anywhere() -> None:
    expression = whole("if(success() || f(steps.a.outputs.x), [inputs.b, !failure()], -run.id)")

    assert ["steps.a.outputs.x", "inputs.b", "run.id"] == [".".join(ref.parts) for ref in references(expression)]
    assert {"success", "failure"} == status_functions(expression)


def nodes(expression: Expression) -> list[Expression]:
    inner: tuple[Expression, ...] = ()
    if isinstance(expression, Call):
        inner = expression.args
    elif isinstance(expression, ListOf):
        inner = expression.items
    return [expression, *(node for child in inner for node in nodes(child))]


@settings(max_examples=300, deadline=None)
@given(expressions() | wild(), st.sampled_from(["", " ", "\n "]), st.text("ab é$", max_size=5))
def test_each_part_stands_where_it_says(text: str, space: str, before: str) -> None:
    around = before + "${{" + space + text + space + "}}"
    (expression,) = parse_template(around).expressions
    for node in nodes(expression):
        assert shape(node) == shape(whole(around[node.start : node.end]))
        if isinstance(node, Reference):
            assert list(node.parts) == [around[slice(*node.part_span(i))] for i in range(len(node.parts))]
        if isinstance(node, Call):
            sign = "-" if node.name == "neg" else node.name
            assert around.startswith(sign, node.name_start)


SIGNS = st.sampled_from(
    [
        "${{",
        "}}",
        "'",
        '"',
        "\\",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "-",
        "!",
        "==",
        "in",
        "1",
        "1.5",
        "x",
        "f",
        " ",
        "\n",
        "é",
    ]
)


@settings(max_examples=1_000, deadline=None)
@given(st.lists(SIGNS, max_size=20).map("".join) | st.text(max_size=20).map("${{{}".format))
def test_any_text_is_a_template_or_a_located_fault(text: str) -> None:
    try:
        marked = [(part.start, part.end) for part in parse_template(text).expressions]
    except ExpressionError as fault:
        marked = [(fault.start, fault.end)]

    assert all(0 <= start < end <= len(text) for start, end in marked)
    assert ("${{" in text) == bool(marked)
