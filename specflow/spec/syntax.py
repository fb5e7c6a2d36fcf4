"""What PyYAML says of text that is no YAML → our words for it, at the place where a reader would mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import yaml

from specflow.diagnostics import Diagnostic, Related, Span, error

__all__ = ["syntax_fault"]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place in the text, counted from 0; libyaml reads a line end behind the last line, and points behind that."""

    line: int
    column: int

    @classmethod
    def within(cls, lines: list[str], mark: yaml.Mark) -> _Mark:
        """Return a mark of PyYAML's, or the end of the text if it lies beyond."""
        if mark.line >= len(lines):
            return cls(len(lines) - 1, len(lines[-1]))
        return cls(mark.line, min(mark.column, len(lines[mark.line])))


@dataclass(frozen=True, slots=True)
class _Fault:
    """One thing that libyaml refuses: where it noticed, and where what it was reading began."""

    name: str
    lines: list[str]
    at: _Mark
    since: _Mark

    @property
    def line(self) -> str:
        return self.lines[self.at.line]

    @property
    def before(self) -> str:
        """Return what stands on the line before the place."""
        return self.line[: self.at.column]

    @property
    def char(self) -> str:
        return self.line[self.at.column : self.at.column + 1]

    @property
    def opening(self) -> str:
        """Return the character that began what was being read."""
        return self.lines[self.since.line][self.since.column : self.since.column + 1]

    def place(self, mark: _Mark, length: int = 1) -> Span:
        return Span(self.name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 1 + length)


def syntax_fault(failure: yaml.MarkedYAMLError, name: str, text: str) -> Diagnostic:
    """Return what is wrong with a file that PyYAML refuses."""
    noticed = failure.problem_mark or failure.context_mark
    if noticed is None:
        return error("yaml-syntax", str(failure.problem or failure), Span(name))
    lines = text.split("\n")
    mark = _Mark.within(lines, noticed)
    since = _Mark.within(lines, failure.context_mark) if failure.context_mark else mark
    context, problem = str(failure.context or ""), str(failure.problem or "")
    fault = _Fault(name, lines, mark, since)
    indent = fault.line[: len(fault.line) - len(fault.line.lstrip())]
    if "\t" in indent:
        column = indent.index("\t") + 1
        place = Span(name, mark.line + 1, column, mark.line + 1, column + 1)
        return error("tab-indentation", "a tab is used for indentation; YAML takes spaces only", place)
    for words, told in _TOLD:
        if words in f"{context} {problem}":
            return told(fault)
    return error("yaml-syntax", " ".join(word for word in (context, problem) if word), fault.place(mark))


def _never_closed_text(fault: _Fault) -> Diagnostic:
    lines = fault.lines
    quote = lines[fault.since.line][fault.since.column]
    return error("yaml-syntax", "a quoted text is never closed", fault.place(fault.since), f"end it with {quote}")


def _never_closed_list(fault: _Fault) -> Diagnostic:
    return _never_closed(fault, "list", "]")


def _never_closed_mapping(fault: _Fault) -> Diagnostic:
    return _never_closed(fault, "mapping", "}")


def _never_closed(fault: _Fault, what: str, end: str) -> Diagnostic:
    help_ = f'end it with "{end}", or put a comma between its elements'
    noticed = (Related(fault.place(fault.at), "this does not fit into it"),) if fault.char else ()
    return error("yaml-syntax", f"this {what} is not closed", fault.place(fault.since), help_, *noticed)


def _second_colon(fault: _Fault) -> Diagnostic:
    if ": " not in fault.before:
        return _misplaced_line(fault)
    message = "a colon and a space can't stand inside a text, because they end a key"
    return error("yaml-syntax", message, fault.place(fault.at), "put the text into quotes")


def _misplaced(fault: _Fault) -> Diagnostic:
    if not fault.before.strip():
        return _misplaced_line(fault)
    message = "this does not belong to the value before it"
    return error("yaml-syntax", message, fault.place(fault.at), "put the whole value into quotes")


def _misplaced_line(fault: _Fault) -> Diagnostic:
    start = len(fault.line) - len(fault.line.lstrip())
    length = max(len(fault.line.strip()), 1)
    place = Span(fault.name, fault.at.line + 1, start + 1, fault.at.line + 1, start + 1 + length)
    help_ = 'keys of one mapping start in the same column, each with a ":"'
    return error("yaml-syntax", "this line does not fit below the ones above it", place, help_)


def _no_colon(fault: _Fault) -> Diagnostic:
    length = max(len(fault.lines[fault.since.line].rstrip()) - fault.since.column, 1)
    return error(
        "yaml-syntax", "this is no key: it has no colon", fault.place(fault.since, length), 'write "key: value"'
    )


def _bad_start(fault: _Fault) -> Diagnostic:
    return error("yaml-syntax", f'text can\'t begin with "{fault.char}"', fault.place(fault.at), "put it into quotes")


def _bad_name(fault: _Fault) -> Diagnostic:
    sign = fault.opening
    what = {"*": "an alias", "&": "an anchor"}.get(sign, "a tag")
    message = f'"{sign}" begins {what}, and no name follows'
    return error("yaml-syntax", message, fault.place(fault.since), "put the text into quotes")


def _block_text(fault: _Fault) -> Diagnostic:
    sign = fault.opening
    message = f'the text of a "{sign}" block starts on the next line'
    return error(
        "yaml-syntax",
        message,
        fault.place(fault.at),
        f'begin a new line, or put text that begins with "{sign}" into quotes',
    )


def _bad_escape(fault: _Fault) -> Diagnostic:
    escape = fault.line[fault.at.column : fault.at.column + 2]
    help_ = 'write "\\\\" for a backslash, or use single quotes'
    return error("yaml-syntax", f'"{escape}" is not an escape', fault.place(fault.at, len(escape)), help_)


def _no_value(fault: _Fault) -> Diagnostic:
    if not fault.char:
        return error("yaml-syntax", "the file ends where a value is expected", fault.place(fault.at))
    message = f'a value is expected here, not "{fault.char}"'
    return error("yaml-syntax", message, fault.place(fault.at), "put it into quotes if it is meant as text")


def _list_beside_key(fault: _Fault) -> Diagnostic:
    help_ = 'begin a new line, or write it as [a, b]; quote text that begins with "-"'
    return error("yaml-syntax", "a list can't begin on the line of its key", fault.place(fault.at), help_)


def _more_after_end(fault: _Fault) -> Diagnostic:
    return error(
        "multiple-documents", "a second document starts here", fault.place(fault.at), "keep one document per file"
    )


_TOLD: tuple[tuple[str, Callable[[_Fault], Diagnostic]], ...] = (
    ("quoted scalar found unexpected end of stream", _never_closed_text),
    ("quoted scalar found unexpected document indicator", _never_closed_text),
    ("did not find expected ',' or ']'", _never_closed_list),
    ("did not find expected ',' or '}'", _never_closed_mapping),
    ("mapping values are not allowed", _second_colon),
    ("block sequence entries are not allowed", _list_beside_key),
    ("did not find expected key", _misplaced),
    ("did not find expected '-' indicator", _misplaced),
    ("could not find expected ':'", _no_colon),
    ("cannot start any token", _bad_start),
    ("did not find expected alphabetic or numeric character", _bad_name),
    ("did not find expected comment or line break", _block_text),
    ("found unknown escape character", _bad_escape),
    ("did not find expected node content", _no_value),
    ("did not find expected <document start>", _more_after_end),
)
"""The first entry whose words libyaml's sentence holds; libyaml 0.2.5 (src/scanner.c, src/parser.c) has these."""
