"""Bytes of a YAML file → a located document: plain data, and the place of every key and value in the text.

YAML is read as the 1.2 core schema from PyYAML's C event stream. The composing loop is ours because PyYAML's recurses
(deep nesting ends the process), reads YAML 1.1 scalars, and lets the last of two equal keys win.
"""

from __future__ import annotations

import codecs
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.diagnostics import Diagnostic, Related, Span, error

__all__ = ["Document", "Path", "read_document"]

Path = tuple["str | int", ...]
"""Where a value stands in a document: keys and indexes from the root."""

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASED = 100_000
"""Nodes that aliases may add to a document, all expansions counted: ten times what any spec of ours needs."""

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAYBE_NUMBER = frozenset("+-.0123456789")
_SEPARATORS = re.compile("[\x85\u2028\u2029]")
"""They end lines for YAML 1.1, and so for PyYAML; for YAML 1.2 and for editors they don't."""


@dataclass(slots=True)
class _Place:
    """Where one value stands: its first event, its end, and the places below it."""

    event: Any
    end: Any = None
    keys: dict[str, Any] = field(default_factory=dict)
    items: dict[str | int, _Place] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file, read: its data (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`) and its text."""

    file: FilePath
    name: str
    text: str
    data: Any
    _root: _Place

    def span(self, path: Path = ()) -> Span:
        """Return where the value at `path` stands; the nearest enclosing value when there is none."""
        place = self._find(path)
        return self._span(place.event.start_mark, place.end)

    def key_span(self, path: Path) -> Span:
        """Return where the key that `path` ends in stands; the value's place for an element of a list."""
        parent = self._find(path[:-1])
        key = parent.keys.get(str(path[-1])) if path else None
        return self._span(key.start_mark, key.end_mark) if key is not None else self.span(path)

    def text_span(self, path: Path, start: int, end: int) -> Span:
        """Return where characters `start` to `end` of the string at `path` stand in the file.

        A scalar's value differs from its text: quotes, escapes, folded lines. White space aside, both hold the same
        characters in the same order, so the two are walked together.
        """
        event = self._find(path).event
        if not isinstance(event, yaml.ScalarEvent):
            return self.span(path)
        places = _offsets(event, self.text)
        if not places or start >= len(places):
            return self._span(event.end_mark, event.end_mark) if places else self.span(path)
        last = places[min(max(end, start + 1), len(places)) - 1]
        return self._span_at(places[start], last + 1)

    def text_at(self, path: Path) -> str:
        """Return the file's own text of the value at `path`, quotes and all."""
        place = self._find(path)
        return self.text[place.event.start_mark.index : place.end.index]

    def has(self, path: Path) -> bool:
        """Return whether something stands at exactly `path`."""
        place: _Place | None = self._root
        for step in path:
            place = place.items.get(step) if place is not None else None
        return place is not None

    def _find(self, path: Path) -> _Place:
        place = self._root
        for step in path:
            below = place.items.get(step)
            if below is None:
                break
            place = below
        return place

    def _span(self, start: Any, end: Any) -> Span:
        return Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _span_at(self, start: int, end: int) -> Span:
        first, second = self._position(start), self._position(end)
        return Span(self.name, *first, *second)

    def _position(self, index: int) -> tuple[int, int]:
        line_start = self.text.rfind("\n", 0, index) + 1
        return self.text.count("\n", 0, index) + 1, index - line_start + 1


def read_document(file: FilePath, name: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Return the document in `file`, and what is wrong with it as YAML; no document when nothing can be used.

    Duplicate keys, tags and the like are reported and read on past, so that everything wrong comes at once.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as failure:
        why = failure.strerror or str(failure)
        return None, (error("unreadable-file", f'can\'t read "{name}": {why.lower()}', Span(name)),)
    text, problem = _decode(raw, name)
    if problem is not None:
        return None, (problem,)
    with _no_garbage_collection():
        return _Reader(file, name, text).read()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Hold the collector back: tens of thousands of small live objects make it run, for nothing, most of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _decode(raw: bytes, name: str) -> tuple[str, Diagnostic | None]:
    if len(raw) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1024 // 1024} MiB"
        return "", error("too-large", f"the file is larger than {limit}, the limit for a spec", Span(name))
    if b"\0" in raw:
        return "", error("binary-file", "the file is binary, or not in UTF-8; a spec is UTF-8 text", Span(name))
    body = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = _lines(body.decode())
    except UnicodeDecodeError as failure:
        place = _character(name, _lines(body[: failure.start].decode()))
        message = f"byte 0x{body[failure.start]:02x} is not UTF-8; a spec is UTF-8 text"
        return "", error("not-utf8", message, place, "save the file as UTF-8")
    separator = _SEPARATORS.search(text)
    if separator is not None:
        place = _character(name, text[: separator.start()])
        help_ = f'write "\\u{ord(separator[0]):04x}", in double quotes, where one is meant'
        return "", error("binary-file", _control_character(separator[0]), place, help_)
    return text, None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _character(name: str, before: str) -> Span:
    """Return the place of the character that some text stands before."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Span(name, line, column, line, column + 1)


def _control_character(char: str) -> str:
    return f"control character U+{ord(char):04X}; a spec is plain text"


class _Reader:
    """One pass over the events of a file; used once, then thrown away."""

    def __init__(self, file: FilePath, name: str, text: str) -> None:
        self.file, self.name, self.text = file, name, text
        self.found: list[Diagnostic] = []
        self.anchors: dict[str, tuple[Any, _Place]] = {}
        self.aliased = 0

    def read(self) -> tuple[Document | None, tuple[Diagnostic, ...]]:
        try:
            result = self._compose()
        except yaml.reader.ReaderError as failure:
            result = None
            self.found.append(self._bad_character(failure))
        except yaml.MarkedYAMLError as failure:
            result = None
            self.found.append(self._syntax(failure))
        if result is None:
            if not self.found:
                self.found.append(
                    error("empty-file", "the file holds nothing", Span(self.name), 'begin with "specflow: 1"')
                )
            return None, tuple(self.found)
        data, root = result
        return Document(self.file, self.name, self.text, data, root), tuple(self.found)

    def _compose(self) -> tuple[Any, _Place] | None:
        """Walk the events with a stack of open collections: (data, place, pending key event)."""
        stack: list[list[Any]] = []
        result: tuple[Any, _Place] | None = None
        documents = 0
        for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value, place = self._scalar(event), _Place(event, event.end_mark)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    where = self._span(event.start_mark, event.end_mark)
                    self.found.append(error("too-deep", f"nested deeper than {MAX_DEPTH} levels", where))
                    return None
                self._refuse_tag(event)
                opened: Any = {} if kind is yaml.MappingStartEvent else []
                place = _Place(event)
                stack.append([opened, place, None])
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                value, place, _ = stack.pop()
                # The end of a block collection is where the next token starts; its last child ends it for a reader.
                last = next(reversed(place.items.values()), None) if place.items else None
                place.end = event.end_mark if place.event.flow_style or last is None else last.end
            elif kind is yaml.AliasEvent:
                found = self._alias(event)
                if found is None:
                    return None
                value, place = found
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    where = self._span(event.start_mark, event.end_mark)
                    help_ = "keep one document per file"
                    self.found.append(error("multiple-documents", "a second document starts here", where, help_))
                    return result
                continue
            else:
                continue
            if place.event.anchor and kind is not yaml.AliasEvent:
                self.anchors[place.event.anchor] = (value, place)
            if not stack:
                result = (value, place)
            else:
                self._add(stack[-1], value, place)
        if result is not None and result[0] is None and not self.found:
            return None
        return result

    def _add(self, top: list[Any], value: Any, place: _Place) -> None:
        opened, parent, key = top
        parent.size += place.size
        if isinstance(opened, list):
            parent.items[len(opened)] = place
            opened.append(value)
        elif key is None:
            top[2] = (value, place.event)
        else:
            top[2] = None
            self._add_pair(opened, parent, key, value, place)

    def _add_pair(
        self, opened: dict[str, Any], parent: _Place, key: tuple[Any, Any], value: Any, place: _Place
    ) -> None:
        name, event = key
        plain = isinstance(event, yaml.ScalarEvent)
        where = self._span(event.start_mark, event.end_mark)
        if not plain:
            self.found.append(error("bad-key", "a key must be a plain word, not a list or a mapping", where))
            return
        if not isinstance(name, str):
            name = event.value
            if name in ("", "~"):
                self.found.append(error("bad-key", "a key is empty", where, "give it a name"))
                return
        if name == "<<" and not event.style:
            help_ = "write the keys out, or share them through a step file"
            self.found.append(error("merge-key", "merge keys are not part of the language", where, help_))
            return
        if name in opened:
            first = parent.keys[name]
            seen = Related(self._span(first.start_mark, first.end_mark), "first given here")
            message = f'key "{name}" is given twice; only one of them can hold'
            self.found.append(error("duplicate-key", message, where, "remove one of them", seen))
            return
        opened[name] = value
        parent.keys[name] = event
        parent.items[name] = place

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        self._refuse_tag(event)
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _MAYBE_NUMBER:
            return text
        if _INTEGER.fullmatch(text):
            return self._integer(event, text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                self._not_a_number(event, f"{text} is too large for a number")
                return 0.0
            return number
        if _NOT_FINITE.fullmatch(text):
            self._not_a_number(event, f"{text} is not a finite number")
            return 0.0
        return text

    def _integer(self, event: Any, text: str) -> int:
        base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
        if len(text) > 25 or not -(2**63) <= (number := int(text, base)) < 2**63:
            self._not_a_number(event, "an integer must fit into 64 bits")
            return 0
        return number

    def _not_a_number(self, event: Any, message: str) -> None:
        where = self._span(event.start_mark, event.end_mark)
        self.found.append(error("bad-number", message, where, "quote it if it is meant as text"))

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is None:
            return
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        where = self._span(event.start_mark, event.end_mark)
        help_ = "leave it out; quote a value to make it text"
        self.found.append(error("unknown-tag", f'tag "{shown}" is not part of the language', where, help_))

    def _alias(self, event: Any) -> tuple[Any, _Place] | None:
        where = self._span(event.start_mark, event.end_mark)
        known = self.anchors.get(event.anchor)
        if known is None:
            message = f'alias "*{event.anchor}" has no finished anchor "&{event.anchor}" before it'
            self.found.append(error("unknown-alias", message, where))
            return None, _Place(event, event.end_mark)
        value, target = known
        self.aliased += target.size
        if self.aliased > MAX_ALIASED:
            message = f"aliases would expand to more than {MAX_ALIASED} values"
            self.found.append(error("alias-bomb", message, where, "write the values out, or use fewer aliases"))
            return None
        return value, target

    def _bad_character(self, failure: yaml.reader.ReaderError) -> Diagnostic:
        place = _character(self.name, self.text[: failure.position])
        return error("binary-file", _control_character(self.text[failure.position]), place)

    def _syntax(self, failure: yaml.MarkedYAMLError) -> Diagnostic:
        mark = failure.problem_mark or failure.context_mark
        if mark is None:
            return error("yaml-syntax", str(failure.problem or failure), Span(self.name))
        lines = self.text.split("\n")
        line = lines[mark.line] if mark.line < len(lines) else ""
        where = Span(self.name, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            column = indent.index("\t") + 1
            where = Span(self.name, mark.line + 1, column, mark.line + 1, column + 1)
            return error("tab-indentation", "a tab is used for indentation; YAML takes spaces only", where)
        told = " ".join(str(part) for part in (failure.context, failure.problem) if part)
        return error("yaml-syntax", told or "not YAML", where, _syntax_help(line))

    def _span(self, start: Any, end: Any) -> Span:
        return Span(self.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _syntax_help(line: str) -> str:
    value = line.partition(": ")[2].strip()
    if value[:1] in ("@", "`", "%", "*", "&", "!", "|", ">", "{", "["):
        return f"text that begins with {value[0]} must stand in quotes"
    if ": " in value or value.endswith(":"):
        return "text that holds a colon and a space must stand in quotes"
    return ""


def _offsets(event: Any, text: str) -> list[int]:
    """Return, for each character of a scalar's value, its index in the file's text."""
    index, stop = event.start_mark.index, event.end_mark.index
    if event.style in ("|", ">"):
        index = text.find("\n", index, stop) + 1
    elif event.style in ("'", '"'):
        index += 1
    places = []
    for char in event.value:
        if event.style == '"':
            index, width = _skip_to(text, index, stop, char)
        else:
            index, width = _match(text, index, stop, char), 1
            if event.style == "'" and char == "'":
                width = 2
        places.append(min(index, max(stop - 1, 0)))
        if width > 1 or not char.isspace() or text[index : index + 1] == char:
            index += width
    return places


def _match(text: str, index: int, stop: int, char: str) -> int:
    if char.isspace():
        return index
    while index < stop and text[index] != char and text[index].isspace():
        index += 1
    return index


_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}


def _skip_to(text: str, index: int, stop: int, char: str) -> tuple[int, int]:
    """Return where `char` stands in double-quoted text from `index` on, and how many characters spell it."""
    while index < stop and text[index] == "\\" and text[index + 1 : index + 2] == "\n":
        index += 2
        while index < stop and text[index] in " \t":
            index += 1
    if text[index : index + 1] == "\\":
        return index, _ESCAPE_LENGTH.get(text[index + 1 : index + 2], 2)
    return _match(text, index, stop, char), 1
