import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specflow.attempt.evaluate import text_of
from specflow.attempt.values import parse_text, shown, value_problem

MAX_INT, MIN_INT = 2**63 - 1, -(2**63)
INTEGERS = st.integers(MIN_INT, MAX_INT)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | INTEGERS
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
OF_KIND = {"string": TEXTS, "integer": INTEGERS, "number": NUMBERS, "boolean": st.booleans()}


@example(("number", -0.0))
@given(st.sampled_from(sorted(OF_KIND)).flatmap(lambda kind: st.tuples(st.just(kind), OF_KIND[kind])))
def test_a_values_text_reads_back_as_the_value(typed: tuple[str, Any]) -> None:
    kind, value = typed

    assert value == parse_text(text_of(value), kind)
    assert text_of(value) == text_of(parse_text(text_of(value), kind))


@given(INTEGERS)
def test_an_integer_in_a_number_port_keeps_every_digit(value: int) -> None:
    assert (int, value) == (type(parse_text(text_of(value), "number")), parse_text(text_of(value), "number"))


READ = [
    ("integer", "7", 7),
    ("integer", " +7\n", 7),
    ("integer", "-0", 0),
    ("integer", "007", 7),
    ("integer", "9223372036854775807", MAX_INT),
    ("integer", "-9223372036854775808", MIN_INT),
    ("number", "1", 1),
    ("number", "1.0", 1.0),
    ("number", "-.5", -0.5),
    ("number", "5.", 5.0),
    ("number", "1e-3", 0.001),
    ("number", "+1E3", 1000.0),
    ("number", " 2.5\r\n", 2.5),
    ("number", "9223372036854775808", 9223372036854775808.0),
    ("number", "1e-400", 0.0),
    ("boolean", "true", True),
    ("boolean", " false\n", False),
    ("string", "", ""),
    ("string", " a \n", " a \n"),
    ("string", "true", "true"),
]


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_a_text_is_read_as(kind: str, text: str, value: Any) -> None:
    found = parse_text(text, kind)

    assert (type(value), value) == (type(found), found)


NOT_READ = [
    ("integer", "", '"" is not an integer'),
    ("integer", "1.0", '"1.0" is not an integer'),
    ("integer", "1_000", '"1_000" is not an integer'),
    ("integer", "٣", '"٣" is not an integer'),
    ("integer", "0x10", '"0x10" is not an integer'),
    ("integer", "+-1", '"+-1" is not an integer'),
    ("integer", "-", '"-" is not an integer'),
    ("integer", "9223372036854775808", '"9223372036854775808" does not fit into 64 bits'),
    ("integer", "-9223372036854775809", '"-9223372036854775809" does not fit into 64 bits'),
    ("integer", "9" * 5000, f'"{"9" * 57}…" does not fit into 64 bits'),
    ("number", "", '"" is not a number'),
    ("number", "abc", '"abc" is not a number'),
    ("number", "1,5", '"1,5" is not a number'),
    ("number", "1_0.5", '"1_0.5" is not a number'),
    ("number", "1 2", '"1 2" is not a number'),
    ("number", ".", '"." is not a number'),
    ("number", "e5", '"e5" is not a number'),
    ("number", "nan", '"nan" is not a number'),
    ("number", "-inf", '"-inf" is not a number'),
    ("number", "Infinity", '"Infinity" is not a number'),
    ("number", "1e400", '"1e400" is too large for a number'),
    ("number", "-" + "9" * 400, f'"-{"9" * 56}…" is too large for a number'),
    ("boolean", "True", '"True" is not true or false'),
    ("boolean", "1", '"1" is not true or false'),
    ("boolean", "", '"" is not true or false'),
    ("string", "a\0b", "the text holds a NUL character"),
    ("number", "\0", "the text holds a NUL character"),
    ("string", "a\udcff", "the text is not UTF-8"),
    ("integer", "\ud800", "the text is not UTF-8"),
]


@pytest.mark.parametrize(("kind", "text", "sentence"), NOT_READ, ids=lambda case: case[:20])
def test_a_text_that_spells_no_value_is_told(kind: str, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse_text(text, kind)


@given(st.text(), st.sampled_from(sorted(OF_KIND)))
def test_what_is_read_from_any_text_is_of_its_type(text: str, kind: str) -> None:
    try:
        value = parse_text(text, kind)
    except ValueError:
        return

    assert value_problem(value, {"type": kind}) is None


TAKEN: list[tuple[dict[str, Any], Any]] = [
    ({"type": "integer"}, 7),
    ({"type": "number"}, 7),
    ({"type": "number"}, 7.5),
    ({"type": "string"}, ""),
    ({"type": "boolean"}, False),
    ({"type": "file"}, "a/path"),
    ({"type": "integer", "minimum": 1, "maximum": 3}, 1),
    ({"type": "integer", "minimum": 1, "maximum": 3}, 3),
    ({"type": "number", "maximum": 0.5}, 0.5),
    ({"type": "string", "enum": ["a", "b"]}, "b"),
    ({"type": "number", "enum": [1, 2]}, 1.0),
    ({"type": "string", "pattern": "^a+$"}, "aa"),
    ({"type": "integer", "many": True}, []),
    ({"type": "integer", "many": True, "minimum": 1}, [1, 2]),
    ({"type": "string", "many": True}, ("a", "b")),
    ({"type": "file", "many": True}, ["a", "b"]),
]


@pytest.mark.parametrize(("port", "value"), TAKEN)
def test_a_port_takes(port: dict[str, Any], value: Any) -> None:
    assert value_problem(value, port) is None


MISMATCH, INVALID, MANY = "type-mismatch", "invalid-value", "many-mismatch"
REFUSED: list[tuple[dict[str, Any], Any, tuple[str, str]]] = [
    ({"type": "integer"}, 7.0, (MISMATCH, "7 is not an integer")),
    ({"type": "integer"}, True, (MISMATCH, "true is not an integer")),
    ({"type": "integer"}, "7", (MISMATCH, '"7" is not an integer')),
    ({"type": "number"}, "7", (MISMATCH, '"7" is not a number')),
    ({"type": "number"}, False, (MISMATCH, "false is not a number")),
    ({"type": "boolean"}, 1, (MISMATCH, "1 is not true or false")),
    ({"type": "string"}, 1, (MISMATCH, "1 is not text")),
    ({"type": "file"}, 1, (MISMATCH, "1 is not a path")),
    ({"type": "folder"}, "", (MISMATCH, '"" is not a path')),
    ({"type": "string"}, "a\0", (INVALID, "the text holds a NUL character")),
    ({"type": "file"}, "a\0", (INVALID, "the text holds a NUL character")),
    ({"type": "string"}, "a\udc80", (INVALID, "the text is not UTF-8")),
    ({"type": "file"}, "a\udc80", (INVALID, "the text is not UTF-8")),
    ({"type": "integer", "minimum": 1}, 0, (INVALID, "0 is less than the minimum 1")),
    ({"type": "number", "maximum": 0.5}, 0.75, (INVALID, "0.75 is more than the maximum 0.5")),
    ({"type": "string", "enum": ["a", "b"]}, "c", (INVALID, '"c" is none of "a", "b"')),
    ({"type": "integer", "enum": [1, 2]}, 3, (INVALID, "3 is none of 1, 2")),
    ({"type": "boolean", "enum": [True]}, False, (INVALID, "false is none of true")),
    ({"type": "string", "pattern": "^a+$"}, "aab", (INVALID, '"aab" does not match "^a+$"')),
    ({"type": "string", "many": True}, "a", (MANY, 'the port takes a list, and "a" is not one')),
    ({"type": "string"}, ["a"], (MANY, "the port takes one value, not a list")),
    ({"type": "integer", "many": True, "minimum": 1}, [1, 0], (INVALID, "0 is less than the minimum 1")),
    ({"type": "integer", "many": True}, [1, [2]], (MANY, "the port takes one value, not a list")),
]


@pytest.mark.parametrize(("port", "value", "problem"), REFUSED)
def test_a_port_refuses(port: dict[str, Any], value: Any, problem: tuple[str, str]) -> None:
    assert problem == value_problem(value, port)


def test_a_long_text_is_shown_cut() -> None:
    assert f'"{"x" * 57}…"' == shown("x" * 61)
    assert f'"{"x" * 60}"' == shown("x" * 60)
