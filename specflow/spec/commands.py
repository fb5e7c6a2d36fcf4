"""The text of `run` → an argument vector with expressions in it, and what is wrong with it as a command.

Expressions are cut out before the text is split, so what they hold never meets quoting: DESIGN §3.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from specflow.spec.expressions import Expression, ExpressionError, parse_template, read_expression
from specflow.spec.types import Fault

__all__ = ["Argument", "Command", "Group", "read_command", "read_vector"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: literal pieces and expressions; `start` and `end` are its place in the text it was read from."""

    parts: tuple[str | Expression, ...]
    start: int
    end: int
    item: int | None = None
    """Its index, where `run` is a list."""

    @property
    def whole(self) -> Expression | None:
        """Return the expression that the argument is, if it is one and nothing else."""
        if len(self.parts) == 1 and not isinstance(self.parts[0], str):
            return self.parts[0]
        return None

    @property
    def text(self) -> str | None:
        """Return the argument's text, if no expression is in it."""
        if all(isinstance(part, str) for part in self.parts):
            return "".join(part for part in self.parts if isinstance(part, str))
        return None


@dataclass(frozen=True, slots=True)
class Group:
    """`$[[ … ]]`: arguments that vanish together when a value among them is absent."""

    arguments: tuple[Argument, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Command:
    """An argument vector; groups stand where their arguments would."""

    items: tuple[Argument | Group, ...]

    @property
    def first_word(self) -> str | None:
        """Return the program's name, unless an expression says it."""
        first = self.items[0] if self.items else None
        return first.text if isinstance(first, Argument) else None


_SHELL = re.compile(r"&&|\|\||>>|<<|[&|;<>`()*?]|\$\(|\$\{|\$[A-Za-z_0-9@#?!$*-]")
_IN_DOUBLE_QUOTES = re.compile(r"`|\$\(|\$\{|\$[A-Za-z_0-9@#?!$*-]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_WAY_OUT = "quote it if it is meant as text, or say `shell: bash`"


def read_vector(items: tuple[object, ...]) -> tuple[Command, tuple[Fault, ...]]:
    """Return the command of a `run` that is a list: each element one argument, no quoting at all.

    An element that is `$[[ … ]]` is a group, split like a command string. Faults carry places within their element.
    """
    from specflow.attempt.evaluate import text_of

    found: list[Argument | Group] = []
    faults: list[Fault] = []
    for index, item in enumerate(items):
        if not isinstance(item, str):
            found.append(Argument((text_of(item),), 0, 0, index))
            continue
        if item.startswith("$[[") and item.endswith("]]"):
            command, wrong = read_command(item, item_index=index)
            found.extend(command.items)
            faults.extend(wrong)
            continue
        try:
            parts = parse_template(item).parts
        except ExpressionError as failure:
            faults.append(_syntax(failure, index))
            continue
        found.append(Argument(parts, 0, len(item), index))
    return Command(tuple(found)), tuple(faults)


def _syntax(failure: ExpressionError, index: int | None) -> Fault:
    return Fault("expression-syntax", failure.message, failure.start, failure.end, failure.help, index)


@lru_cache(maxsize=65536)  # each rule and the graph ask for the same commands
def read_command(text: str, item_index: int | None = None) -> tuple[Command, tuple[Fault, ...]]:
    """Return the command that a string means, split by POSIX quoting, without a shell.

    What only a shell could do (unquoted `&&`, `|`, `>`, `$X`, `*`, …) is a fault, never passed on as text.
    """
    splitter = _Splitter(text, item_index)
    try:
        splitter.read()
    except ExpressionError as failure:
        splitter.faults.append(_syntax(failure, item_index))
    return Command(tuple(splitter.items)), tuple(splitter.faults)


class _Splitter:
    """One pass over a command string; used once."""

    def __init__(self, text: str, item_index: int | None) -> None:
        self.text, self.item = text, item_index
        self.items: list[Argument | Group] = []
        self.faults: list[Fault] = []
        self.parts: list[str | Expression] = []
        self.start = -1
        self.group: list[Argument] | None = None
        self.group_start = 0

    def fault(self, code: str, message: str, start: int, end: int, help_: str = "") -> None:
        self.faults.append(Fault(code, message, start, end, help_, self.item))

    def read(self) -> None:
        position = 0
        while position < len(self.text):
            position = self._step(position)
        self._end_word(len(self.text))
        if self.group is not None:
            message = '"$[[" is never closed'
            self.fault("unbalanced-group", message, self.group_start, self.group_start + 3, 'end it with "]]"')
            self._close_group(len(self.text))
        if not self.items and not self.faults:
            self.fault("empty-command", "the command is empty", 0, len(self.text))

    def _step(self, at: int) -> int:
        """Read what stands at one place, and return the next place."""
        text = self.text
        if text.startswith("${{", at):
            expression, end = read_expression(text, at)
            self._add(expression, at)
            return end
        if text.startswith("$[[", at):
            return self._open_group(at)
        if self.group is not None and text.startswith("]]", at):
            self._end_word(at)
            self._close_group(at + 2)
            return at + 2
        char = text[at]
        if char.isspace():
            return self._space(at)
        if char in "'\"":
            return self._quoted(at)
        if char == "\\":
            return self._escaped(at)
        if (char == "#" or char == "~") and self.start < 0:
            self.fault("shell-syntax", f'"{char}" here means something to a shell only', at, at + 1, _WAY_OUT)
        match = _SHELL.match(text, at)
        if match:
            self._shell_syntax(match.group(), at, match.end())
            self._add(match.group(), at)
            return match.end()
        if not self.items and self.start < 0 and self.group is None and (match := _ASSIGNMENT.match(text, at)):
            help_ = "give the step an `env:`, or say `shell: bash`"
            self.fault("shell-syntax", "setting a variable before the command needs a shell", at, match.end(), help_)
        self._add(char, at)
        return at + 1

    def _shell_syntax(self, sign: str, start: int, end: int) -> None:
        if sign.startswith("$") or sign == "`":
            end = max(
                end, next((i for i in range(start + 1, len(self.text)) if self.text[i].isspace()), len(self.text))
            )
            end = min(end, start + 40)
        self.fault("shell-syntax", f'"{self.text[start:end]}" needs a shell, and there is none', start, end, _WAY_OUT)

    def _space(self, at: int) -> int:
        self._end_word(at)
        if self.text[at] == "\n" and self.items and self.text[at:].strip():
            end = at + 1
            help_ = "fold the lines with `run: >`, or say `shell: bash`"
            self.fault("shell-syntax", "a second line starts here; one command is one line", at, end, help_)
            return at + len(self.text[at:]) - len(self.text[at:].lstrip())
        return at + 1

    def _quoted(self, at: int) -> int:
        quote, position = self.text[at], at + 1
        self._add("", at)
        while position < len(self.text):
            char = self.text[position]
            if self.text.startswith("${{", position):
                expression, position = read_expression(self.text, position)
                self._add(expression, at)
                continue
            if char == quote:
                return position + 1
            if quote == '"' and char == "\\" and self.text[position + 1 : position + 2] in ("$", "`", '"', "\\", "\n"):
                escaped = self.text[position + 1]
                self._add("" if escaped == "\n" else escaped, at)
                position += 2
                continue
            match = _IN_DOUBLE_QUOTES.match(self.text, position) if quote == '"' else None
            if match:
                self._shell_syntax(match.group(), position, match.end())
            self._add(char, at)
            position += 1
        self.fault(
            "unbalanced-quotes",
            f"a {quote} is never closed",
            at,
            at + 1,
            f"end the text with {quote}, or write \\{quote}",
        )
        return position

    def _escaped(self, at: int) -> int:
        following = self.text[at + 1 : at + 2]
        if not following:
            self.fault("unbalanced-quotes", "a backslash ends the command", at, at + 1, "write \\\\ for a backslash")
        elif following != "\n":
            self._add(following, at)
        return at + 2

    def _add(self, part: str | Expression, at: int) -> None:
        if self.start < 0:
            self.start = at
        if isinstance(part, str) and self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += part
        else:
            self.parts.append(part)

    def _end_word(self, end: int) -> None:
        if self.start < 0:
            return
        parts = tuple(part for part in self.parts if part != "") or ("",)
        argument = Argument(parts, self.start, end, self.item)
        if self.group is not None:
            self.group.append(argument)
        else:
            self.items.append(argument)
        self.parts, self.start = [], -1

    def _open_group(self, at: int) -> int:
        if self.group is not None or self.start >= 0:
            where = "inside another" if self.group is not None else "in the middle of an argument"
            help_ = "let it hold whole arguments"
            self.fault("unbalanced-group", f'"$[[" can\'t stand {where}', at, at + 3, help_)
            return at + 3
        self.group, self.group_start = [], at
        return at + 3

    def _close_group(self, end: int) -> None:
        self.items.append(Group(tuple(self.group or ()), self.group_start, end))
        self.group = None
