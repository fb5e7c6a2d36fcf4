"""Texts with `${{ … }}` → templates of literal text and syntax trees, each with its place in the text.

The language is a small, typed, side-effect-free subset of CEL: DESIGN §3.3 and docs/language.md. Types are in
spec/types.py; what a tree is worth at run time is attempt/evaluate.py's to say, the only evaluator there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

__all__ = [
    "MAX_LENGTH",
    "Call",
    "Expression",
    "ExpressionError",
    "ListOf",
    "Literal",
    "Reference",
    "Template",
    "holds_expression",
    "parse_template",
    "read_expression",
    "references",
    "status_functions",
]

OPENING = "${{"
CLOSING = "}}"
MAX_LENGTH = 4096
"""Characters in one expression."""
MAX_DEPTH = 40
"""Brackets, calls and operators inside each other."""


class ExpressionError(Exception):
    """Text that holds `${{` and is not an expression: what is wrong, and where in the text."""

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


@dataclass(frozen=True, slots=True)
class Literal:
    """`12`, `0.5`, `'text'`, `true`, `null`."""

    value: str | int | float | bool | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Expression, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """`steps.train.outputs.rmse`: names joined by dots; `starts` are their places."""

    parts: tuple[str, ...]
    starts: tuple[int, ...]
    start: int
    end: int

    def part_span(self, index: int) -> tuple[int, int]:
        """Return where part `index` stands in the text."""
        return self.starts[index], self.starts[index] + len(self.parts[index])


@dataclass(frozen=True, slots=True)
class Call:
    """A function call or an operator: `name` is `if`, `default`, … or the operator's own sign; `neg` is unary minus."""

    name: str
    args: tuple[Expression, ...]
    start: int
    end: int
    is_operator: bool = False
    name_start: int = 0


Expression = Literal | ListOf | Reference | Call


@dataclass(frozen=True, slots=True)
class Template:
    """A text cut into literal pieces and expressions, in order."""

    parts: tuple[str | Expression, ...]
    expressions: tuple[Expression, ...]

    @property
    def whole(self) -> Expression | None:
        """Return the expression, if the text is one whole expression and nothing else."""
        return self.expressions[0] if len(self.parts) == 1 and self.expressions else None


def holds_expression(value: object) -> bool:
    """Return whether a value of a document holds `${{`."""
    return isinstance(value, str) and OPENING in value


@lru_cache(maxsize=65536)  # each rule and the graph ask for the same texts
def parse_template(text: str) -> Template:
    """Return the text's pieces; raise ExpressionError for `${{` that does not parse.

    White space around a text that is otherwise one expression does not count: YAML's block scalars end in a newline.
    """
    stripped = text.strip()
    if stripped.startswith(OPENING) and stripped.endswith(CLOSING) and stripped != text:
        start = text.index(OPENING)
        expression, end = read_expression(text, start)
        if not text[end:].strip():
            return Template((expression,), (expression,))
    parts: list[str | Expression] = []
    position = 0
    while True:
        start = text.find(OPENING, position)
        if start < 0:
            break
        if start > position:
            parts.append(text[position:start])
        expression, position = read_expression(text, start)
        parts.append(expression)
    if position < len(text) or not parts:
        parts.append(text[position:])
    return Template(tuple(parts), tuple(part for part in parts if not isinstance(part, str)))


def read_expression(text: str, start: int) -> tuple[Expression, int]:
    """Return the expression whose `${{` stands at `start`, and the index after its `}}`; raise ExpressionError."""
    return _Parser(text, start).read()


def references(expression: Expression) -> tuple[Reference, ...]:
    """Return every reference in an expression, in order."""
    if isinstance(expression, Reference):
        return (expression,)
    inner = (
        expression.args if isinstance(expression, Call) else expression.items if isinstance(expression, ListOf) else ()
    )
    return tuple(found for item in inner for found in references(item))


STATUS_FUNCTIONS = ("success", "failure", "always")


def status_functions(expression: Expression) -> frozenset[str]:
    """Return which of `success`, `failure`, `always` an expression calls."""
    inner = (
        expression.args if isinstance(expression, Call) else expression.items if isinstance(expression, ListOf) else ()
    )
    below = frozenset(name for item in inner for name in status_functions(item))
    if isinstance(expression, Call) and expression.name in STATUS_FUNCTIONS:
        return below | {expression.name}
    return below


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|[0-9]+)(?![\w.]))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<close>\}\})
  | (?P<sign>==|!=|<=|>=|&&|\|\||[-<>!+*/%()\[\],.])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_HINTS = {
    "=": 'write "==" to compare',
    "&": 'write "&&" for and',
    "|": 'write "||" for or',
    "?": "write if(condition, a, b); a colon would break the YAML",
    "$": "an expression names things without a dollar sign: inputs.x",
    "{": "maps are not part of the language",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    """Recursive descent over one expression; used once."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.opening = text, start
        self.tokens = self._tokens(start + len(OPENING))
        self.index = 0
        self.depth = 0

    def read(self) -> tuple[Expression, int]:
        if self._now.kind == "close":
            raise ExpressionError("the expression is empty", self.opening, self._now.end)
        expression = self._level(0)
        if self._now.kind != "close":
            raise self._unexpected()
        return expression, self._now.end

    @property
    def _now(self) -> _Token:
        return self.tokens[self.index]

    def _tokens(self, position: int) -> list[_Token]:
        found: list[_Token] = []
        limit = position + MAX_LENGTH
        while True:
            if position >= len(self.text):
                raise ExpressionError('"${{" is never closed', self.opening, len(self.text), 'end it with "}}"')
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise self._bad_character(position)
            kind, position = str(match.lastgroup), match.end()
            if position > limit and kind != "close":
                raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters", self.opening, limit)
            if kind != "space":
                found.append(_Token(kind, match.group(), match.start(), match.end()))
            if kind == "close":
                return found

    def _bad_character(self, position: int) -> ExpressionError:
        char = self.text[position]
        if char in "'\"":
            return ExpressionError("a quoted text is never closed", position, position + 1, f"end it with {char}")
        if char.isdigit():
            match = re.compile(r"[\w.]+").match(self.text, position)
            end = match.end() if match else position + 1
            return ExpressionError(f'"{self.text[position:end]}" is not a number', position, end)
        return ExpressionError(f'"{char}" has no meaning here', position, position + 1, _HINTS.get(char, ""))

    def _unexpected(self) -> ExpressionError:
        token = self._now
        if token.kind == "close":
            return ExpressionError("the expression ends too early", token.start, token.end)
        help_ = ""
        if token.kind in ("name", "string", "number"):
            help_ = "put an operator before it" if self.index else ""
        return ExpressionError(f'"{token.text}" does not fit here', token.start, token.end, help_)

    def _take(self, sign: str) -> bool:
        if self._now.kind in ("sign", "name") and self._now.text == sign:
            self.index += 1
            return True
        return False

    def _expect(self, sign: str, why: str) -> _Token:
        token = self._now
        if not self._take(sign):
            raise ExpressionError(f'"{sign}" is missing {why}', token.start, token.end)
        return token

    def _level(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        compared = False
        while self._now.text in _LEVELS[level] and self._now.kind in ("sign", "name"):
            token = self._now
            if level == 2 and compared:
                raise ExpressionError("comparisons do not chain", token.start, token.end, 'join them with "&&"')
            compared = True
            self.index += 1
            right = self._level(level + 1)
            left = Call(token.text, (left, right), left.start, right.end, True, token.start)
            self._limit(left)
        return left

    def _limit(self, expression: Expression) -> None:
        if _depth(expression, MAX_DEPTH + 1) > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", expression.start, expression.end)

    def _unary(self) -> Expression:
        token = self._now
        if token.kind == "sign" and token.text in "!-":
            self.index += 1
            if token.text == "-" and self._now.kind == "number":
                number = self._now
                self.index += 1
                return self._number(number, token)
            inner = self._nested(self._unary)
            return Call("neg" if token.text == "-" else "!", (inner,), token.start, inner.end, True, token.start)
        return self._primary()

    def _nested(self, read: Any) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self._now.start, self._now.end)
        expression: Expression = read()
        self.depth -= 1
        return expression

    def _primary(self) -> Expression:
        token = self._now
        if token.kind == "number":
            self.index += 1
            return self._number(token)
        if token.kind == "string":
            self.index += 1
            return Literal(self._unescape(token), token.start, token.end)
        if self._take("("):
            inner = self._nested(lambda: self._level(0))
            closing = self._expect(")", "after the bracketed expression")
            return replace(inner, start=token.start, end=closing.end)
        if self._take("["):
            items = self._arguments("]", "after the list")
            return ListOf(items, token.start, self.tokens[self.index - 1].end)
        if token.kind == "name" and token.text != "in":
            self.index += 1
            if token.text in _WORDS:
                return Literal(_WORDS[token.text], token.start, token.end)
            if self._take("("):
                args = self._arguments(")", f'after the arguments of "{token.text}"')
                call = Call(token.text, args, token.start, self.tokens[self.index - 1].end, False, token.start)
                self._limit(call)
                return call
            return self._reference(token)
        raise self._unexpected()

    def _number(self, token: _Token, minus: _Token | None = None) -> Literal:
        """Return a number; with its sign, as the least integer has no positive."""
        start, sign = (token.start, 1) if minus is None else (minus.start, -1)
        if token.text.isdigit():
            if len(token.text) > 19 or not -(2**63) <= sign * int(token.text) < 2**63:
                raise ExpressionError("an integer must fit into 64 bits", token.start, token.end)
            return Literal(sign * int(token.text), start, token.end)
        value = sign * float(token.text)
        if value in (float("inf"), float("-inf")):
            raise ExpressionError(f"{token.text} is too large for a number", token.start, token.end)
        return Literal(value, start, token.end)

    def _arguments(self, closing: str, why: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        if self._take(closing):
            return ()
        while True:
            items.append(self._nested(lambda: self._level(0)))
            if self._take(","):
                continue
            self._expect(closing, why)
            return tuple(items)

    def _reference(self, first: _Token) -> Reference:
        parts, starts, end = [first.text], [first.start], first.end
        while self._take("."):
            token = self._now
            if token.kind != "name":
                raise ExpressionError('a name is missing after "."', token.start, token.end)
            self.index += 1
            parts.append(token.text)
            starts.append(token.start)
            end = token.end
        if self._now.kind == "sign" and self._now.text == "[":
            raise ExpressionError("elements can't be picked out of a list", self._now.start, self._now.end)
        return Reference(tuple(parts), tuple(starts), first.start, end)

    def _unescape(self, token: _Token) -> str:
        body, out, index = token.text[1:-1], [], 0
        while index < len(body):
            char = body[index]
            if char != "\\":
                out.append(char)
                index += 1
                continue
            escape = body[index + 1]
            if escape not in _ESCAPES:
                place = token.start + 1 + index
                raise ExpressionError(
                    f'"\\{escape}" is not an escape', place, place + 2, 'write "\\\\" for a backslash'
                )
            out.append(_ESCAPES[escape])
            index += 2
        return "".join(out)


def _depth(expression: Expression, limit: int) -> int:
    """Return how deep an expression goes, at most `limit`, without recursing deeper than that."""
    if limit == 0:
        return 1
    inner = (
        expression.args if isinstance(expression, Call) else expression.items if isinstance(expression, ListOf) else ()
    )
    return 1 + max((_depth(item, limit - 1) for item in inner), default=0)
