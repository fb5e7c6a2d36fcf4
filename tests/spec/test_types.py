from typing import Any

import pytest

from specflow.spec.expressions import Reference, parse_template
from specflow.spec.types import ANY, FUNCTIONS, Fault, Type, fits, infer, nearest, type_of_value

KNOWN = {
    "s": Type("string"),
    "i": Type("integer"),
    "n": Type("number"),
    "b": Type("boolean"),
    "maybe": Type("string", nullable=True),
    "unset": Type("integer", nullable=True),
    "doubt": Type("boolean", nullable=True),
    "words": Type("string", many=True),
    "counts": Type("integer", many=True),
    "file": Type("file", format="csv"),
    "folder": Type("folder"),
    "files": Type("file", many=True),
}


def resolve(reference: Reference) -> Type | Fault:
    return KNOWN.get(reference.parts[0], Fault("unknown-input", "unknown", reference.start, reference.end))


def inferred(expression: str, *, in_when: bool = False) -> tuple[Type, tuple[Fault, ...]]:
    whole = parse_template(f"${{{{ {expression} }}}}").whole
    assert whole is not None
    return infer(whole, resolve, in_when=in_when)


def shown(kind: Type) -> str:
    return f"{kind}{' or null' if kind.nullable else ''}"


TYPED = {
    "1": "integer",
    "1.0": "number",
    "'a'": "string",
    "true": "boolean",
    "null": "null or null",
    "s": "string",
    "file": "file/csv",
    "[1, 2.5]": "list of number",
    "[unset, 1]": "list of integer",
    "[null, s]": "list of string",
    "[file, file]": "list of file/csv",
    "[]": "list",
    "i + i": "integer",
    "i + n": "number",
    "i / i": "number",
    "i % i": "integer",
    "-n": "number",
    "s + s": "string",
    "maybe + s": "string or null",
    "i < n": "boolean",
    "s < maybe": "boolean or null",
    "i == 1.0": "boolean",
    "b && !doubt": "boolean or null",
    "i in counts": "boolean",
    "n in counts": "boolean",
    "unset in [1]": "boolean or null",
    "unset in []": "boolean or null",
    "s in []": "boolean",
    "if(b, i, n)": "number",
    "if(b, s, null)": "string or null",
    "if(doubt, 1, 2)": "integer",
    "if(b, null, null)": "null or null",
    "if(b, [], counts)": "list of integer",
    "default(unset, 1)": "integer",
    "default(unset, 1.5)": "number",
    "default(maybe, null, s)": "string",
    "default(null, [], words)": "list of string",
    "default(maybe, maybe)": "string or null",
    "default(file, file)": "file/csv",
    "has(file)": "boolean",
    "has(unset)": "boolean",
    "length(s)": "integer",
    "length(files)": "integer",
    "length(maybe)": "integer or null",
    "lower(s)": "string",
    "contains(maybe, 'x')": "boolean or null",
    "join(counts, ',')": "string",
    "join([], ',')": "string",
    "string(n)": "string",
    "min(i, 2)": "integer",
    "max(i, n, unset)": "number or null",
}


@pytest.mark.parametrize("expression", TYPED)
def test_an_expression_is_of_a_type(expression: str) -> None:
    kind, faults = inferred(expression)

    assert () == faults
    assert TYPED[expression] == shown(kind)


@pytest.mark.parametrize("name", ["success()", "failure()", "always()"])
def test_only_a_condition_asks_for_the_status(name: str) -> None:
    _, faults = inferred(name)

    assert ("boolean", ()) == (str(inferred(name, in_when=True)[0]), inferred(name, in_when=True)[1])
    assert [f'"{name}" asks how earlier steps ended; only "when" can'] == [fault.message for fault in faults]


REFUSED = {
    "s + 1": ('"+" takes numbers or texts, not string and integer', "s + 1"),
    "b + b": ('"+" takes numbers or texts, not boolean and boolean', "b + b"),
    "s - s": ('"-" takes numbers, not string and string', "s - s"),
    "-s": ('"-" takes numbers, not string', "-s"),
    "n % 2": ('"%" takes integers, not number and integer', "n % 2"),
    "s < 1": ('"<" takes two numbers or two texts, not string and integer', "s < 1"),
    "b < b": ('"<" takes two numbers or two texts, not boolean and boolean', "b < b"),
    "s == 1": ('"==" takes values of one type, not string and integer', "s == 1"),
    "b && i": ('"&&" takes boolean values, not boolean and integer', "b && i"),
    "!i": ('"!" takes boolean values, not integer', "!i"),
    "s in counts": ('"in" takes one type, not string and list of integer', "s in counts"),
    "s in s": ('"in" looks into a list, and this is a string', "s"),
    "words in words": ('"in" works on single values, and this is a list of string', "words"),
    "file == 'a'": ('"==" works on values, and this is a file/csv', "file"),
    "file in files": ('"in" works on values, and this is a file/csv', "file"),
    "counts + 1": ('"+" works on single values, and this is a list of integer', "counts"),
    "[] + 1": ('"+" works on single values, and this is a list', "[]"),
    "[] == []": ('"==" works on single values, and this is a list', "[]"),
    "if(b, [], []) + 1": ('"+" works on single values, and this is a list', "if(b, [], [])"),
    "null + 1": ('"+" on null is always null', "null"),
    "maybe == null": ('"==" on null is always null', "null"),
    "[1, 'a']": ("the list holds both integer and string", "'a'"),
    "[words]": ("a list can't hold a list", "words"),
    "if(s, 1, 2)": ("a condition is true or false, and this is a string", "s"),
    "if([], 1, 2)": ("a condition is true or false, and this is a list", "[]"),
    "if(b, 1, 'a')": ('"if" would give an integer or a string', "if(b, 1, 'a')"),
    "if(b, file, folder)": ('"if" would give a file/csv or a folder', "if(b, file, folder)"),
    "default([], s)": ('"default" would give a list or a string', "default([], s)"),
    "default(unset, 'a')": ('"default" would give an integer or a string', "default(unset, 'a')"),
    "lower(1)": ('"lower" takes a text here, not an integer', "1"),
    "lower([])": ('"lower" takes a text here, not a list', "[]"),
    "length(i)": ('"length" takes a text or a list here, not an integer', "i"),
    "length(file)": ('"length" takes a text or a list here, not a file/csv', "file"),
    "join(s, ',')": ('"join" takes a list of values here, not a string', "s"),
    "join(files, ',')": ('"join" takes a list of values here, not a list of file', "files"),
    "string(file)": ('"string" takes a value here, not a file/csv', "file"),
    "string([])": ('"string" takes a value here, not a list', "[]"),
    "string(null)": ('"string" takes a value here, not a null', "null"),
    "min(s, 1)": ('"min" takes a number here, not a string', "s"),
    "max([], 1)": ('"max" takes a number here, not a list', "[]"),
    "length()": ('"length" takes 1 argument, not 0', "length()"),
    "if(b, 1)": ('"if" takes 3 arguments, not 2', "if(b, 1)"),
    "default(s)": ('"default" takes at least 2 arguments, not 1', "default(s)"),
    "lenght(s)": ('there is no function "lenght"', "lenght"),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_a_misfit_is_told_once_at_its_place(expression: str) -> None:
    text = f"${{{{ {expression} }}}}"
    _, faults = inferred(expression)

    assert [REFUSED[expression]] == [(fault.message, text[fault.start : fault.end]) for fault in faults]


@pytest.mark.parametrize(
    "expression",
    ["nothing + 1", "lower(nothing)", "nothing == s", "if(nothing, 1, 2)", "[nothing, 1]", "default(nothing, 1)"],
)
def test_what_hangs_on_a_fault_is_not_told_again(expression: str) -> None:
    assert ["unknown-input"] == [fault.code for fault in inferred(expression)[1]]


FITS = [
    ("integer", "number", True),
    ("number", "integer", False),
    ("model", "folder", True),
    ("folder", "model", False),
    ("metrics", "file", True),
    ("metrics", "file/json", True),
    ("metrics", "file/csv", False),
    ("file", "metrics", False),
    ("file", "file/csv", True),
    ("file/csv", "file", True),
    ("file/csv", "file/csv", True),
    ("file/csv", "file/parquet", False),
    ("folder/delta", "folder/mltable", False),
    ("file", "folder", False),
    ("string", "file", False),
    ("string", "integer", False),
    ("string*", "string*", True),
    ("string*", "string", False),
    ("string", "string*", False),
    ("integer*", "number*", True),
    ("null", "string", True),
    ("null", "file*", True),
    ("any", "string", True),
    ("any", "string*", True),
    ("string*", "any", True),
    ("any*", "string*", True),
    ("any*", "string", False),
    ("null*", "string*", True),
    ("null*", "string", False),
]


def parsed(text: str) -> Type:
    kind, _, format_ = text.rstrip("*").partition("/")
    return Type(kind, text.endswith("*"), format=format_ or None)


@pytest.mark.parametrize(("given", "port", "expected"), FITS)
def test_a_value_fits_a_port(given: str, port: str, expected: bool) -> None:
    assert expected == fits(parsed(given), parsed(port))


VALUES: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "boolean"),
    (1, "integer"),
    (1.0, "number"),
    ("a", "string"),
    ((), "list"),
    ((1, 2), "list of integer"),
    ((1, 2.5), "list of number"),
    ((1, "a"), "list of mixed"),
    ((True, 1), "list of mixed"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_a_literal_is_of_a_type(value: Any, expected: str) -> None:
    assert expected == str(type_of_value(value))


@pytest.mark.parametrize(
    ("word", "choices", "expected"),
    [
        ("modle", ["model", "data"], 'did you mean "model"?'),
        ("x", ["model"], "there is model"),
        ("x", ["b", "a", "a"], "there are a, b"),
        ("x", list("hgfedcb"), "there are b, c, d, e, f, …"),
        ("x", [], "there are none"),
    ],
)
def test_the_way_out_is_the_nearest_name_or_all_of_them(word: str, choices: list[str], expected: str) -> None:
    assert expected == nearest(word, choices)


def test_every_function_says_itself_in_a_line() -> None:
    assert all(line.startswith(f"{name}(") and ": " in line for name, line in FUNCTIONS.items())
    assert ANY == inferred("nothing")[0]
