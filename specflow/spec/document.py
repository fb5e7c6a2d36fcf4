"""A located document: plain data, and the place of every key and value in the file's text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.diagnostics import Span

__all__ = ["Document", "Path", "Place", "span_between"]

Path = tuple["str | int", ...]
"""Where a value stands in a document: keys and indexes from the root."""


@dataclass(slots=True)
class Place:
    """Where one value stands: its first event, its end, and the places below it."""

    event: Any
    end: Any = None
    keys: dict[str, Any] = field(default_factory=dict)
    items: dict[str | int, Place] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file, read: its data (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`) and its text."""

    file: FilePath
    name: str
    text: str
    data: Any
    _root: Place
    broken: frozenset[Path] = frozenset()
    """Values that can't be trusted, because something is wrong with how they are written."""
    incomplete: frozenset[Path] = frozenset()
    """Mappings that lack keys which they were meant to have, nobody knows which."""

    def span(self, path: Path = ()) -> Span:
        """Return where the value at `path` stands; the nearest enclosing value when there is none."""
        place = self._find(path)
        return self._span(place.event.start_mark, place.end)

    def key_span(self, path: Path) -> Span:
        """Return where the key that `path` ends in stands; the value's place for an element of a list."""
        key = self._find(path[:-1]).keys.get(str(path[-1])) if self.has(path) and path else None
        return self._span(key.start_mark, key.end_mark) if key is not None else self.span(path)

    def text_span(self, path: Path, start: int, end: int) -> Span:
        """Return where characters `start` to `end` of the string at `path` stand in the file.

        A scalar's value differs from its text: quotes, escapes, folded lines.
        """
        event = self._find(path).event
        if not isinstance(event, yaml.ScalarEvent):
            return self.span(path)
        places = _places(event, self.text)
        if not places or start >= len(places):
            return self._span(event.end_mark, event.end_mark) if places else self.span(path)
        last = places[min(max(end, start + 1), len(places)) - 1]
        return self._span_at(places[start][0], last[1])

    def text_at(self, path: Path) -> str:
        """Return the file's own text of the value at `path`, quotes and all."""
        place = self._find(path)
        return self.text[place.event.start_mark.index : place.end.index]

    def has(self, path: Path) -> bool:
        """Return whether something stands at exactly `path`."""
        place: Place | None = self._root
        for step in path:
            place = place.items.get(step) if place is not None else None
        return place is not None

    def renamed(self, path: Path, name: str) -> Document:
        """Return the document with the key that `path` ends in read as another; its place stays what it is."""
        data, root = _renamed(self.data, path, name), _renamed_place(self._root, path, name)
        broken = frozenset(_renamed_path(p, path, name) for p in self.broken)
        incomplete = frozenset(_renamed_path(p, path, name) for p in self.incomplete)
        return replace(self, data=data, _root=root, broken=broken, incomplete=incomplete)

    def _find(self, path: Path) -> Place:
        place = self._root
        for step in path:
            below = place.items.get(step)
            if below is None:
                break
            place = below
        return place

    def _span(self, start: Any, end: Any) -> Span:
        return span_between(self.name, self.text, start, end)

    def _span_at(self, start: int, end: int) -> Span:
        return Span(self.name, *_position(self.text, start), *_position(self.text, end))


def span_between(name: str, text: str, start: Any, end: Any) -> Span:
    """Return the stretch between two of PyYAML's marks.

    libyaml reads a line end behind the last line, and points behind that.
    """
    places = (
        _position(text, len(text)) if mark.index >= len(text) else (mark.line + 1, mark.column + 1)
        for mark in (start, end)
    )
    return Span(name, *next(places), *next(places))


def _position(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _renamed(data: Any, path: Path, name: str) -> Any:
    """Return a copy of the data with one key renamed; aliases share what they name, so nothing is changed in place."""
    step, below = path[0], path[1:]
    if isinstance(data, list):
        return [_renamed(item, below, name) if index == step else item for index, item in enumerate(data)]
    if not below:
        return {name if key == step else key: value for key, value in data.items()}
    return {key: _renamed(value, below, name) if key == step else value for key, value in data.items()}


def _renamed_path(path: Path, renamed: Path, name: str) -> Path:
    length = len(renamed)
    return (*renamed[:-1], name, *path[length:]) if path[:length] == renamed else path


def _renamed_place(place: Place, path: Path, name: str) -> Place:
    step, below = path[0], path[1:]
    if not below:
        keys = {name if key == step else key: event for key, event in place.keys.items()}
        items = {name if key == step else key: item for key, item in place.items.items()}
        return replace(place, keys=keys, items=items)
    return replace(place, items={**place.items, step: _renamed_place(place.items[step], below, name)})


_BLANK = " \t\n"
_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}


def _places(event: Any, text: str) -> list[tuple[int, int]]:
    """Return, for each character of a scalar's value, where in the file's text what spells it begins and ends."""
    index, stop = event.start_mark.index, event.end_mark.index
    while (event.anchor or event.tag) and index < stop and text[index] in "&!":
        index = _skip_blank(text, next((i for i in range(index, stop) if text[i] in _BLANK), stop), stop)
    if event.style in ("|", ">"):
        return _places_in_block(event.value, text, text.find("\n", index, stop) + 1, stop)
    is_quoted = event.style in ("'", '"')
    return _places_in_flow(event.style, text, index + is_quoted, stop - is_quoted)


def _places_in_block(value: str, text: str, index: int, stop: int) -> list[tuple[int, int]]:
    """Return the places of a literal or folded text: white space aside, the file holds the same characters."""
    places = []
    for char in value:
        if char not in _BLANK:
            index = _skip_blank(text, index, stop)
        places.append((index, index + 1) if index < stop else (stop - 1, stop))
        if text[index : index + 1] == char:
            index += 1
    return places


def _places_in_flow(style: str, text: str, index: int, stop: int) -> list[tuple[int, int]]:
    """Return the places of a plain or quoted text: lines are folded, and quotes and escapes take several characters."""
    places: list[tuple[int, int]] = []
    while index < stop:
        end = index + 1
        made = 1
        if text[index] in _BLANK:
            run = _skip_blank(text, index, stop)
            breaks = text.count("\n", index, run)
            if breaks:
                end, made = run, max(breaks - 1, 1)
        elif style == '"' and text.startswith("\\\n", index):
            end = _skip_blank(text, index + 2, stop)
            made = text.count("\n", index + 2, end)
        elif style == '"' and text[index] == "\\":
            end = index + _ESCAPE_LENGTH.get(text[index + 1], 2)
        elif style == "'" and text[index] == "'":
            end = index + 2
        places += [(index, end)] * made
        index = end
    return places


def _skip_blank(text: str, index: int, stop: int) -> int:
    """Return where white space ends that begins at `index`."""
    while index < stop and text[index] in _BLANK:
        index += 1
    return index
