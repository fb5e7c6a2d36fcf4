"""The types of ports and expressions, and what an expression's type is in a given scope."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from specflow.spec.expressions import STATUS_FUNCTIONS, Call, Expression, ListOf, Literal, Reference
from specflow.spec.model import PATH_TYPES

__all__ = [
    "ANY",
    "BOOLEAN",
    "FUNCTIONS",
    "Fault",
    "Resolve",
    "Type",
    "closest",
    "fits",
    "infer",
    "nearest",
    "type_of_value",
]


@dataclass(frozen=True, slots=True)
class Type:
    """A port's or an expression's type.

    `kind` is a port type, `null` (the word itself) or `any` (something else is wrong already: fits everywhere).
    `many`: a list of it; an empty one is a list of `any`. `nullable`: may be absent. `format` refines a path.
    """

    kind: str
    many: bool = False
    nullable: bool = False
    format: str | None = None

    @property
    def is_path(self) -> bool:
        """Return whether it is a path, or a list of paths."""
        return self.kind in PATH_TYPES

    @property
    def a(self) -> str:
        """Return it as messages show it, with its article."""
        return f"{'an' if str(self)[0] in 'aeiou' else 'a'} {self}"

    def __str__(self) -> str:
        """Return it as messages show it."""
        shown = f"{self.kind}/{self.format}" if self.format else self.kind
        if self.many:
            return "list" if self.kind == "any" else f"list of {shown}"
        return shown


ANY = Type("any")
NULL = Type("null", nullable=True)
BOOLEAN, STRING, INTEGER, NUMBER = Type("boolean"), Type("string"), Type("integer"), Type("number")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in an expression: a diagnostic without its file."""

    code: str
    message: str
    start: int
    end: int
    help: str = ""
    item: int | None = None
    """Which element, where the text is one of a list."""
    related: tuple[str, str] | None = None
    """What the outputs of another file are, and that file's path, when looking there helps."""


Resolve = Callable[[Reference], "Type | Fault"]


def type_of_value(value: Any) -> Type:
    """Return the type of a literal from a document."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, float):
        return NUMBER
    if isinstance(value, (list, tuple)):
        kinds = {type_of_value(item).kind for item in value}
        if kinds == {"integer", "number"}:
            kinds = {"number"}
        return Type(kinds.pop(), many=True) if len(kinds) == 1 else Type("any" if not kinds else "mixed", many=True)
    return STRING


def fits(given: Type, port: Type) -> bool:
    """Return whether a value of one type may be given to a port of another; absence is another question.

    An integer is a number; a model is a folder; metrics are a JSON file. A path without a format fits any.
    """
    if port.kind == "any" or given.kind in ("any", "null"):
        return port.many or port.kind == "any" or not given.many
    if given.many != port.many:
        return False
    if given.kind == port.kind or (given.kind, port.kind) in _WIDER:
        if given.kind == "metrics" and port.kind == "file":
            return port.format in (None, "json")
        return given.kind != port.kind or None in (given.format, port.format) or given.format == port.format
    return False


_WIDER = {("integer", "number"), ("model", "folder"), ("metrics", "file")}


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a word is probably a misspelling of, upper and lower case aside; None if there is none."""
    known = {choice.lower(): choice for choice in sorted(set(choices), reverse=True)}
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return known[close[0]] if close else None


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return the way out for an unknown name: the nearest one, else all of them if there are few."""
    known = sorted(set(choices))
    close = closest(word, known)
    if close is not None:
        return f'did you mean "{close}"?'
    if not known:
        return "there are none"
    shown = ", ".join(known[:5])
    return f"there is {shown}" if len(known) == 1 else f"there are {shown}" + (", …" if len(known) > 5 else "")


FUNCTIONS: dict[str, str] = {
    "if": "if(condition, a, b): a if the condition holds, else b; an absent condition does not hold",
    "default": "default(x, y): x, or y where x is absent",
    "has": "has(x): whether x is there",
    "length": "length(x): characters of a text, or elements of a list",
    "lower": "lower(text): in lower case",
    "upper": "upper(text): in upper case",
    "contains": "contains(text, part): whether part stands in text",
    "starts_with": "starts_with(text, part): whether text begins with part",
    "ends_with": "ends_with(text, part): whether text ends with part",
    "join": "join(list, separator): the elements as one text",
    "string": "string(value): the value's text",
    "min": "min(a, b, …): the least number",
    "max": "max(a, b, …): the greatest number",
    "success": "success(): no ancestor failed; in `when` only",
    "failure": "failure(): some ancestor failed; in `when` only",
    "always": "always(): true; in `when` only",
}
"""Every function, with its signature and meaning in a line; the docs' table is made from it."""

_ARITY = {"if": (3, 3), "has": (1, 1), "default": (2, 9), "join": (2, 2), "min": (2, 9), "max": (2, 9)}
_ARITY |= dict.fromkeys(("length", "lower", "upper", "string"), (1, 1))
_ARITY |= dict.fromkeys(("contains", "starts_with", "ends_with"), (2, 2))
_ARITY |= dict.fromkeys(STATUS_FUNCTIONS, (0, 0))


def infer(expression: Expression, resolve: Resolve, *, in_when: bool = False) -> tuple[Type, tuple[Fault, ...]]:
    """Return the type of an expression and what is wrong in it; the type is ANY where that is unclear.

    `resolve` gives a reference's type in its scope. Only `when` may ask for the status of ancestors.
    """
    inference = _Inference(resolve, in_when)
    kind = inference.of(expression)
    return kind, tuple(inference.faults)


class _Inference:
    """One walk over one expression, gathering faults; a fault's value is ANY, so that it is told once."""

    def __init__(self, resolve: Resolve, in_when: bool) -> None:
        self.resolve, self.in_when = resolve, in_when
        self.faults: list[Fault] = []

    def fail(self, message: str, at: Expression, help: str = "", code: str = "expression-type") -> Type:  # noqa: A002
        self.faults.append(Fault(code, message, at.start, at.end, help))
        return ANY

    def of(self, expression: Expression) -> Type:
        if isinstance(expression, Literal):
            return type_of_value(expression.value)
        if isinstance(expression, Reference):
            found = self.resolve(expression)
            if isinstance(found, Fault):
                self.faults.append(found)
                return ANY
            return found
        if isinstance(expression, ListOf):
            return self._list(expression)
        if expression.is_operator:
            return self._operator(expression)
        return self._function(expression)

    def _list(self, expression: ListOf) -> Type:
        kinds = [self.of(item) for item in expression.items]
        joined = ANY
        for item, kind in zip(expression.items, kinds, strict=True):
            if kind.many:
                return self.fail("a list can't hold a list", item)
            merged = _join(joined, kind)
            if merged is None:
                return self.fail(f"the list holds both {joined} and {kind}", item, "its elements must be of one type")
            joined = merged
        return replace(joined, many=True, nullable=False)

    def _operator(self, call: Call) -> Type:
        kinds = [self.of(arg) for arg in call.args]
        if any(kind == ANY for kind in kinds):
            return BOOLEAN if call.name in _BOOLEAN_OPERATORS else ANY
        for arg, kind in zip(call.args, kinds, strict=True):
            if kind == NULL:
                return self.fail(f'"{_sign(call)}" on null is always null', arg, "ask has(x), or give default(x, y)")
            if kind.is_path:
                return self.fail(f'"{_sign(call)}" works on values, and this is {kind.a}', arg)
            if kind.many and not (call.name == "in" and arg is call.args[1]):
                return self.fail(f'"{_sign(call)}" works on single values, and this is {kind.a}', arg)
        nullable = any(kind.nullable for kind in kinds)
        result = self._operator_type(call, kinds)
        return replace(result, nullable=nullable) if result != ANY else ANY

    def _operator_type(self, call: Call, kinds: list[Type]) -> Type:
        names = {kind.kind for kind in kinds}
        name = call.name
        if name in ("&&", "||", "!"):
            return BOOLEAN if names == {"boolean"} else self._mismatch(call, kinds, "boolean values")
        if name == "in":
            if not kinds[1].many:
                return self.fail(f'"in" looks into a list, and this is {kinds[1].a}', call.args[1])
            return (
                BOOLEAN if _join(kinds[0], replace(kinds[1], many=False)) else self._mismatch(call, kinds, "one type")
            )
        if name in ("==", "!="):
            return BOOLEAN if _join(kinds[0], kinds[1]) else self._mismatch(call, kinds, "values of one type")
        if name in ("<", "<=", ">", ">="):
            comparable = names == {"string"} or names <= {"integer", "number"}
            return BOOLEAN if comparable else self._mismatch(call, kinds, "two numbers or two texts")
        if name == "+" and names == {"string"}:
            return STRING
        if name == "%":
            return INTEGER if names == {"integer"} else self._mismatch(call, kinds, "integers")
        if not names <= {"integer", "number"}:
            return self._mismatch(call, kinds, "numbers or texts" if name == "+" else "numbers")
        return NUMBER if name == "/" or "number" in names else INTEGER

    def _mismatch(self, call: Call, kinds: list[Type], wanted: str) -> Type:
        given = " and ".join(str(kind) for kind in kinds)
        return self.fail(f'"{_sign(call)}" takes {wanted}, not {given}', call)

    def _function(self, call: Call) -> Type:
        name = call.name
        name_end = call.name_start + len(name)
        if name not in FUNCTIONS:
            kinds = [self.of(arg) for arg in call.args]
            message = f'there is no function "{name}"'
            self.faults.append(Fault("unknown-function", message, call.name_start, name_end, nearest(name, FUNCTIONS)))
            return ANY
        low, high = _ARITY[name]
        if not low <= len(call.args) <= high:
            wanted = str(low) if low == high else f"at least {low}"
            plural = "argument" if wanted == "1" else "arguments"
            return self.fail(f'"{name}" takes {wanted} {plural}, not {len(call.args)}', call, FUNCTIONS[name])
        if name in STATUS_FUNCTIONS:
            if not self.in_when:
                return self.fail(f'"{name}()" asks how earlier steps ended; only "when" can', call)
            return BOOLEAN
        kinds = [self.of(arg) for arg in call.args]
        return self._function_type(call, kinds)

    def _function_type(self, call: Call, kinds: list[Type]) -> Type:
        name = call.name
        if name == "has":
            return BOOLEAN
        if name == "if":
            if kinds[0].kind not in ("boolean", "any", "null") or kinds[0].many:
                return self.fail(f"a condition is true or false, and this is {kinds[0].a}", call.args[0])
            return self._joined(call, kinds[1:], nullable=kinds[1].nullable or kinds[2].nullable)
        if name == "default":
            return self._joined(call, kinds, nullable=kinds[-1].nullable)
        nullable = any(kind.nullable for kind in kinds)
        wanted = _PARAMETERS.get(name, ("number",) * len(kinds))
        for arg, kind, want in zip(call.args, kinds, wanted, strict=True):
            if not _accepts(want, kind):
                return self.fail(f'"{name}" takes {_WANTED[want]} here, not {kind.a}', arg, FUNCTIONS[name])
        if name in ("min", "max"):
            is_integer = all(kind.kind == "integer" for kind in kinds)
            return replace(INTEGER if is_integer else NUMBER, nullable=nullable)
        return replace(_RESULTS[name], nullable=nullable)

    def _joined(self, call: Call, kinds: list[Type], nullable: bool) -> Type:
        joined = kinds[0]
        for kind in kinds[1:]:
            merged = _join(joined, kind)
            if merged is None:
                return self.fail(f'"{call.name}" would give {joined.a} or {kind.a}', call, "both must be of one type")
            joined = merged
        return ANY if joined.kind == "any" and not joined.many else replace(joined, nullable=nullable)


_BOOLEAN_OPERATORS = frozenset({"==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "in"})
_PARAMETERS = {
    "length": ("text or list",),
    "lower": ("text",),
    "upper": ("text",),
    "contains": ("text", "text"),
    "starts_with": ("text", "text"),
    "ends_with": ("text", "text"),
    "join": ("list", "text"),
    "string": ("value",),
}
_WANTED = {
    "text": "a text",
    "text or list": "a text or a list",
    "list": "a list of values",
    "value": "a value",
    "number": "a number",
}
_RESULTS = dict.fromkeys(("lower", "upper", "join", "string"), STRING)
_RESULTS |= dict.fromkeys(("contains", "starts_with", "ends_with"), BOOLEAN)
_RESULTS["length"] = INTEGER


def _accepts(want: str, kind: Type) -> bool:
    if kind.kind == "any" and not kind.many:
        return True
    if want == "text or list":
        return kind.many or kind.kind == "string"
    if want == "list":
        return kind.many and not kind.is_path
    if kind.many or kind.is_path or kind.kind == "null":
        return False
    if want == "text":
        return kind.kind == "string"
    return want == "value" or kind.kind in ("integer", "number")


def _join(a: Type, b: Type) -> Type | None:
    """Return the type that holds both, or None."""
    if a.kind in ("any", "null") and (b.many or not a.many):
        return replace(b, nullable=a.nullable or b.nullable)
    if b.kind in ("any", "null") and (a.many or not b.many):
        return replace(a, nullable=a.nullable or b.nullable)
    if a.many != b.many:
        return None
    nullable = a.nullable or b.nullable
    if a.kind == b.kind:
        return Type(a.kind, a.many, nullable, a.format if a.format == b.format else None)
    if {a.kind, b.kind} == {"integer", "number"}:
        return Type("number", a.many, nullable)
    return None


def _sign(call: Call) -> str:
    return "-" if call.name == "neg" else call.name
