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
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.diagnostics import Diagnostic, Related, Span, error
from specflow.spec.document import Document, Path, Place, span_between
from specflow.spec.syntax import syntax_fault

__all__ = ["Document", "Path", "no_garbage_collection", "read_document"]

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASED = 100_000
"""Nodes that aliases may add to a document, all expansions counted: ten times what any spec of ours needs."""

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""What no argument, variable or file name can hold, and quoted text may be given by escapes."""
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAYBE_NUMBER = frozenset("+-.0123456789")
_ONE_DOCUMENT = "keep one document per file"
_SEPARATORS = re.compile("[\x85\u2028\u2029]")
"""They end lines for YAML 1.1, and so for PyYAML; for YAML 1.2 and for editors they don't."""


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
    with no_garbage_collection():
        return _Reader(file, name, text).read()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
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


@dataclass(slots=True)
class _Open:
    """A collection whose end hasn't come yet; `key` is a mapping's key that waits for its value."""

    data: Any
    place: Place
    key: tuple[Any, Place] | None = None


class _Reader:
    """One pass over the events of a file; used once, then thrown away."""

    def __init__(self, file: FilePath, name: str, text: str) -> None:
        self.file, self.name, self.text = file, name, text
        self.found: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, Place]] = {}
        self.aliased = 0
        self.twice: dict[int, int] = {}
        self.broken: set[Path] = set()
        self.incomplete: set[Path] = set()

    def read(self) -> tuple[Document | None, tuple[Diagnostic, ...]]:
        try:
            result = self._compose()
        except yaml.reader.ReaderError as failure:
            result = None
            self.found = [self._bad_character(failure)]
        except yaml.MarkedYAMLError as failure:
            result = None
            # What was found before may come from the same slip, such as a line that lost its indentation.
            self.found = [syntax_fault(failure, self.name, self.text)]
        if result is None or () in self.broken:
            if not self.found:
                self.found.append(
                    error("empty-file", "the file holds nothing", Span(self.name), 'begin with "specflow: 1"')
                )
            return None, tuple(self.found)
        data, root = result
        broken, incomplete = frozenset(self.broken), frozenset(self.incomplete)
        return Document(self.file, self.name, self.text, data, root, broken, incomplete), tuple(self.found)

    def _compose(self) -> tuple[Any, Place] | None:
        """Return what the events make, each collection gathered on a stack until its end."""
        result: tuple[Any, Place] | None = None
        documents = 0
        for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value, place = self._scalar(event), Place(event, event.end_mark)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(self.stack) >= MAX_DEPTH:
                    self._report("too-deep", f"nested deeper than {MAX_DEPTH} levels", event)
                    return None
                self._refuse_tag(event)
                self.stack.append(_Open({} if kind is yaml.MappingStartEvent else [], Place(event)))
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                closed = self.stack.pop()
                value, place = closed.data, closed.place
                # The end of a block collection is where the next token starts; its last child ends it for a reader.
                if place.end is None or place.event.flow_style:
                    place.end = event.end_mark
            elif kind is yaml.AliasEvent:
                found = self._alias(event)
                if found is None:
                    return None
                value, place = found
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._report("multiple-documents", "a second document starts here", event, _ONE_DOCUMENT)
                    return result
                continue
            else:
                continue
            if kind is not yaml.AliasEvent and place.event.anchor:
                self.anchors[place.event.anchor] = (value, place)
            if not self.stack:
                result = (value, place)
            else:
                self._add(self.stack[-1], value, place, event.end_mark if kind is yaml.AliasEvent else place.end)
        if result is not None and result[0] is None and not self.found:
            return None
        return result

    def _add(self, top: _Open, value: Any, place: Place, end: Any) -> None:
        parent = top.place
        parent.size += place.size
        parent.end = end
        if isinstance(top.data, list):
            parent.items[len(top.data)] = place
            top.data.append(value)
        elif top.key is None:
            top.key = (value, place)
        else:
            key, top.key = top.key, None
            self._add_pair(top, key, value, place)

    def _add_pair(self, top: _Open, key: tuple[Any, Place], value: Any, place: Place) -> None:
        name, event = key[0], key[1].event
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse_key(key[1])
            return
        if not isinstance(name, str):
            name = event.value
            if name in ("", "~"):
                self.incomplete.add(self._path())
                self._report("bad-key", "a key is empty", event, "give it a name")
                return
        if name == "<<" and not event.style:
            self.incomplete.add(self._path())
            help_ = "write the keys out, or share them through a step file"
            self._report("merge-key", "merge keys are not part of the language", event, help_)
            return
        if name in top.data:
            self._report_twice(top.place, name, event)
            return
        top.data[name] = value
        top.place.keys[name] = event
        top.place.items[name] = place

    def _refuse_key(self, key: Place) -> None:
        """Report a key that is a collection; what a mistaken mapping holds can't be trusted."""
        self.broken.add(self._path())
        start = key.event.start_mark
        if isinstance(key.event, yaml.AliasEvent):  # an alias of nothing, which is told already
            return
        place = self._span(start, key.end)
        help_ = "write an expression as ${{ … }}" if self.text[start.index - 1 : start.index + 1] == "{{" else ""
        self.found = [found for found in self.found if found.code != "bad-key" or found.span < place]  # keys within
        self.found.append(error("bad-key", "a key must be a plain word, not a list or a mapping", place, help_))

    def _report_twice(self, holder: Place, name: str, event: Any) -> None:
        """Report a key that comes twice; with another one of its mapping, where a line between two mappings is gone."""
        path = self._path()
        self.broken.add((*path, name))
        if id(holder) not in self.twice:
            first = holder.keys[name]
            seen = Related(self._span(first.start_mark, first.end_mark), "first given here")
            message = f'key "{name}" is given twice; only one of them can hold'
            self.twice[id(holder)] = len(self.found)
            self._report("duplicate-key", message, event, "remove one of them", seen)
            return
        index = self.twice[id(holder)]
        told = self.found[index]
        also = Related(self._span(event.start_mark, event.end_mark), f'also "{name}"')
        self.found[index] = replace(told, related=(*told.related, also))
        if path:
            self.broken.add(path)
            self.incomplete.add(path[:-1])

    def _is_key(self) -> bool:
        """Return whether what comes next is a key of a mapping."""
        return bool(self.stack) and isinstance(self.stack[-1].data, dict) and self.stack[-1].key is None

    def _distrust(self) -> None:
        """Remember the value that comes next as broken: what is wrong with it has been told."""
        if not self._is_key():
            self.broken.add(self._path())

    def _path(self) -> Path:
        """Return the path of the value that comes next; of the mapping, where a key comes next."""
        path: list[str | int] = []
        for top in self.stack:
            if isinstance(top.data, list):
                path.append(len(top.data))
            elif top.key is not None:
                name = top.key[0]
                path.append(name if isinstance(name, str) else str(getattr(top.key[1].event, "value", "")))
        return tuple(path)

    def _report(self, code: str, message: str, event: Any, help_: str = "", *related: Related) -> None:
        self.found.append(error(code, message, self._span(event.start_mark, event.end_mark), help_, *related))

    def _refuse_text(self, event: Any) -> str:
        self._distrust()
        message = "a text can't hold NUL or half a surrogate pair: no argument, variable or file name can"
        self._report("invalid-value", message, event, "leave it out, or have it read from a file")
        return ""

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        self._refuse_tag(event)
        if not event.implicit[0]:
            return self._refuse_text(event) if _UNWRITABLE.search(text) else text
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
                return text
            return number
        if _NOT_FINITE.fullmatch(text):
            self._not_a_number(event, f"{text} is not a finite number")
            return text
        return text

    def _integer(self, event: Any, text: str) -> int | str:
        base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
        if len(text) > 25 or not -(2**63) <= (number := int(text, base)) < 2**63:
            self._not_a_number(event, "an integer must fit into 64 bits")
            return text
        return number

    def _not_a_number(self, event: Any, message: str) -> None:
        if not self._is_key():
            self._distrust()
            self._report("bad-number", message, event, "quote it if it is meant as text")

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is None:
            return
        self._distrust()
        shown = event.tag.replace("tag:yaml.org,2002:", "!!")
        message = f'tag "{shown}" is not part of the language'
        self._report("unknown-tag", message, event, "leave it out; quote a value to make it text")

    def _alias(self, event: Any) -> tuple[Any, Place] | None:
        known = self.anchors.get(event.anchor)
        if known is None:
            self._distrust()
            message = f'alias "*{event.anchor}" has no finished anchor "&{event.anchor}" before it'
            self._report("unknown-alias", message, event, 'put text that begins with "*" into quotes')
            return None, Place(event, event.end_mark)
        value, target = known
        self.aliased += target.size
        if self.aliased > MAX_ALIASED:
            message = f"aliases would expand to more than {MAX_ALIASED} values"
            self._report("alias-bomb", message, event, "write the values out, or use fewer aliases")
            return None
        return value, target

    def _bad_character(self, failure: yaml.reader.ReaderError) -> Diagnostic:
        # libyaml counts bytes here.
        before = self.text.encode()[: failure.position].decode("utf-8", "ignore")
        return error("binary-file", _control_character(self.text[len(before)]), _character(self.name, before))

    def _span(self, start: Any, end: Any) -> Span:
        return span_between(self.name, self.text, start, end)
