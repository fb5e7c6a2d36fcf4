"""A file or folder → what a reader can see of it on the page: a picture, the first rows, the first lines, its files."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.report.markup import Markup, block, count, joined, size_text, tag

__all__ = ["MAX_IMAGES", "Previews", "value_text"]

MAX_IMAGE = 2_000_000
MAX_IMAGES = 8_000_000
"""Bytes of one picture, and of all on a page."""
MAX_READ = 8_000_000
"""Bytes of a file up to which it is read as a whole, so that its rows can be counted."""
MAX_HEAD = 64_000
MAX_PREVIEWS = 60
ROWS, COLUMNS, CELL = 10, 12, 60
LINES, LINE = 20, 200
FILES = 50
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


class Previews:
    """The previews of one page: together they stay within its bounds."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self.image_bytes = 0
        self.shown = 0

    def of(self, path: FilePath) -> Markup:
        """Return what can be seen of a path, and its size; or that it is gone."""
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                return _note("a symbolic link; not followed")
            if stat.S_ISDIR(found.st_mode):
                return _folder(path)
            if not stat.S_ISREG(found.st_mode):
                return _note("not a regular file")
            self.shown += 1
            if self.shown > MAX_PREVIEWS:
                return _note(f"{size_text(found.st_size)}; no preview: the page shows {MAX_PREVIEWS} files")
            return self._file(path, found.st_size)
        except FileNotFoundError:
            return _note("gone: it was cleaned away, or moved", "gone")
        except OSError as failure:
            return _note(f"can't be read: {(failure.strerror or 'no reason given').lower()}", "gone")

    def _file(self, path: FilePath, size: int) -> Markup:
        with path.open("rb") as stream:
            head = stream.read(MAX_HEAD)
            kind = _image_kind(head)
            if kind:
                return self._image(head + stream.read(MAX_IMAGE), kind, size, path.name)
            text = _text(head)
            if text is None:
                return _note(f"{size_text(size)}; not text")
            rest = stream.read() if MAX_HEAD < size <= MAX_READ else b""
        whole = text if size <= MAX_HEAD else (head + rest).decode("utf-8", "replace") if rest else None
        return joined(_readable(path.suffix.lower(), text, whole), _note(size_text(size)))

    def _image(self, data: bytes, kind: str, size: int, name: str) -> Markup:
        if size > MAX_IMAGE or self.image_bytes + size > MAX_IMAGES:
            return _note(f"a picture of {size_text(size)}: too large for this page")
        self.image_bytes += size
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        return joined(tag("img", src=source, alt=name), _note(size_text(size)))


def value_text(value: Any) -> str:
    """Return a value as it is shown: texts as they are, what is absent as a dash."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else text_of(value) if not isinstance(value, list) else json.dumps(value)
    return text if len(text) <= 500 else f"{text[:500]} … ({count(len(text), 'character')})"


def _note(text: str, class_: str = "note") -> Markup:
    return tag("p", text, class_=class_)


def _image_kind(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for begin, kind in _IMAGES if head.startswith(begin)), "")


def _text(head: bytes) -> str | None:
    """Return the beginning of a file as text; None if it isn't text. A character may be cut at its end."""
    if b"\0" in head:
        return None
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as failure:
        return head[: failure.start].decode("utf-8") if len(head) - failure.start < 4 <= len(head) else None


def _readable(suffix: str, head: str, whole: str | None) -> Markup:
    """Return text as a table if it is one, else its first lines; `whole` is None for a file that is too large."""
    if suffix in (".csv", ".tsv"):
        return _csv(whole if whole is not None else head.rpartition("\n")[0], "\t" if suffix == ".tsv" else ",", whole)
    if suffix == ".json" and whole is not None:
        try:
            return _json(json.loads(whole))
        except (ValueError, RecursionError):
            pass
    lines = (whole if whole is not None else head).splitlines()
    more = f"the first {LINES} of {count(len(lines), 'line')}" if whole is not None else f"the first {LINES} lines"
    return joined(block(lines[:LINES], LINE), _note(more) if len(lines) > LINES else "")


def _csv(text: str, delimiter: str, whole: str | None) -> Markup:
    # Nothing limits a field in a file from outside; a page needs only the beginning of each.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = list(itertools.islice(reader, ROWS + 1))
        more = sum(1 for _ in reader)
    except csv.Error:
        return block(text.splitlines()[:LINES], LINE)
    if not rows:
        return _note("empty")
    told = (
        f"the first {ROWS} of {count(len(rows) - 1 + more, 'row')}" if whole is not None else f"the first {ROWS} rows"
    )
    return _table(rows[0], rows[1:], told if more else "")


def _json(value: Any) -> Markup:
    if isinstance(value, dict) and value and not any(isinstance(item, (dict, list)) for item in value.values()):
        rows = [(name, _cell(item)) for name, item in itertools.islice(value.items(), 2 * ROWS)]
        told = f"the first {2 * ROWS} of {count(len(value), 'name')}" if len(value) > 2 * ROWS else ""
        return _table(("name", "value"), rows, told)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        names = list(dict.fromkeys(name for item in value[:ROWS] for name in item))
        cells = [[_cell(item.get(name)) for name in names] for item in value[:ROWS]]
        return _table(names, cells, f"the first {ROWS} of {count(len(value), 'row')}" if len(value) > ROWS else "")
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    told = _note(f"the first {LINES} of {count(len(lines), 'line')}") if len(lines) > LINES else ""
    return joined(block(lines[:LINES], LINE), told)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], told: str) -> Markup:
    rows = list(rows)
    if len(names) > COLUMNS:
        told = ", ".join(part for part in (told, f"{COLUMNS} of {len(names)} columns") if part)
    numeric = [all(_is_number(row[i]) for row in rows if i < len(row)) for i in range(min(len(names), COLUMNS))]
    head = [
        tag("th", _cut(name), scope="col", class_="n" if n else False) for name, n in zip(names, numeric, strict=False)
    ]
    body = [
        tag("tr", *(tag("td", _cut(text), class_="n" if n else False) for text, n in zip(row, numeric, strict=False)))
        for row in rows
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body), class_="data")
    return joined(tag("div", table, class_="scroll", tabindex="0"), _note(told) if told else "")


def _cut(text: str) -> str:
    return text if len(text) <= CELL else f"{text[:CELL]}…"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _folder(path: FilePath) -> Markup:
    found: list[tuple[str, int]] = []
    total = size = 0
    for here, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            entry = FilePath(here) / name
            bytes_ = entry.lstat().st_size
            total, size = total + 1, size + bytes_
            if len(found) < FILES:
                found.append((entry.relative_to(path).as_posix(), bytes_))
    rows = [tag("tr", tag("td", tag("code", name)), tag("td", size_text(bytes_), class_="n")) for name, bytes_ in found]
    more = f", the first {FILES} shown" if total > FILES else ""
    table = tag("div", tag("table", tag("tbody", *rows), class_="data"), class_="scroll", tabindex="0") if rows else ""
    return joined(table, _note(f"{count(total, 'file')}, {size_text(size)}{more}"))
