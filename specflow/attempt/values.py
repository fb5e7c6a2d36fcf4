"""Values and their texts: how a typed value is read from text, and which values a port takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.attempt.patterns import compile_pattern

__all__ = ["PATH_TYPES", "ValueProblem", "parse_text", "value_problem"]

PATH_TYPES = ("file", "folder", "model", "metrics")

ValueProblem = tuple[str, str]
"""What is wrong with a value: `type-mismatch` or `invalid-value`, and the sentence."""

_NAMES = {"string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false"}


def parse_text(text: str, kind: str) -> Any:
    """Return the value that a text spells, for a value type; raise ValueError with a sentence when it spells none.

    Exactly the texts that `text_of` writes are read, and numbers as people write them: `1`, `-0.5`, `1e-3`.
    """
    problem = _text_problem(text)
    if problem is not None:
        raise ValueError(problem)
    if kind == "string":
        return text
    stripped = text.strip()
    if kind == "boolean":
        if stripped not in ("true", "false"):
            raise ValueError(f'"{_short(stripped)}" is not true or false')
        return stripped == "true"
    if kind == "integer":
        digits = stripped[1:] if stripped[:1] in ("+", "-") else stripped
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f'"{_short(stripped)}" is not an integer')
        if len(digits) > 19 or not -(2**63) <= int(stripped) < 2**63:
            raise ValueError(f'"{_short(stripped)}" does not fit into 64 bits')
        return int(stripped)
    return _number(stripped)


def _number(text: str) -> int | float:
    if not text or not set(text) <= set("+-.0123456789eE"):
        raise ValueError(f'"{_short(text)}" is not a number')
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f'"{_short(text)}" is not a number') from None
    if value in (float("inf"), float("-inf")):
        raise ValueError(f'"{_short(text)}" is too large for a number')
    digits = text.lstrip("+-")
    is_zero_with_a_sign = value == 0 and text[0] == "-"  # which an integer would lose
    is_short = digits.isdigit() and len(digits) <= 19 and -(2**63) <= int(text) < 2**63
    # What fits into 64 bits keeps every digit; a float has sixteen of them.
    return int(text) if is_short and not is_zero_with_a_sign else value


def _text_problem(text: str) -> str | None:
    """Return why a text can't travel: arguments and variables hold no NUL, and everything is written as UTF-8."""
    if "\0" in text:
        return "the text holds a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "the text is not UTF-8"
    return None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def value_problem(value: Any, port: Mapping[str, Any]) -> ValueProblem | None:
    """Return why a port refuses a value, or None if it takes it.

    `port` holds what the spec says of it: `type`, and `many`, `enum`, `minimum`, `maximum`, `pattern` where given.
    Whether None is welcome is not asked here.
    """
    if port.get("many"):
        if not isinstance(value, (list, tuple)):
            return "many-mismatch", f"the port takes a list, and {shown(value)} is not one"
        single = {key: item for key, item in port.items() if key != "many"}
        return next((problem for item in value if (problem := value_problem(item, single))), None)
    if isinstance(value, (list, tuple)):
        return "many-mismatch", "the port takes one value, not a list"
    kind = port["type"]
    is_path = kind in PATH_TYPES
    if is_path and not (isinstance(value, str) and value):
        return "type-mismatch", f"{shown(value)} is not a path"
    if not is_path and not _is_a(value, kind):
        return "type-mismatch", f"{shown(value)} is not {_NAMES[kind]}"
    unwritable = _text_problem(value) if isinstance(value, str) else None
    if unwritable is not None:
        return "invalid-value", unwritable
    return None if is_path else _constraint_problem(value, port)


def shown(value: Any) -> str:
    """Return a value as messages show it."""
    return f'"{_short(value)}"' if isinstance(value, str) else text_of(value)


def _is_a(value: Any, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (kind == "number" and isinstance(value, float))


def _constraint_problem(value: Any, port: Mapping[str, Any]) -> ValueProblem | None:
    choices = port.get("enum")
    if choices is not None and not any(_equal(value, item) for item in choices):
        return "invalid-value", f"{shown(value)} is none of {', '.join(shown(item) for item in choices)}"
    low, high, pattern = port.get("minimum"), port.get("maximum"), port.get("pattern")
    if low is not None and value < low:
        return "invalid-value", f"{shown(value)} is less than the minimum {text_of(low)}"
    if high is not None and value > high:
        return "invalid-value", f"{shown(value)} is more than the maximum {text_of(high)}"
    if pattern is not None and not compile_pattern(pattern).search(value):
        return "invalid-value", f"{shown(value)} does not match {shown(pattern)}"
    return None


def _equal(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and a == b
