"""Documents as YAML that reads as if somebody had written it: keys in order, short mappings in a line, commands folded.

Only what PyYAML, ruamel and Azure's tools read alike is written: texts that YAML could take for something else are
quoted, control characters are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = ["Folded", "yaml_text"]

_PLAIN = re.compile(r"(?:[A-Za-z_/$]|\.{1,2}/)[A-Za-z0-9_./@+=%<>${}\[\]~ -]*(?::[A-Za-z0-9_./@+=%${}~-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_FLOW = frozenset("{}[],")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_WIDTH = 110


class Folded(tuple[str, ...]):
    """A text given as the pieces of its lines; the lines are joined by single spaces when it is read."""

    __slots__ = ()


def yaml_text(document: Mapping[str, Any]) -> str:
    """Return a mapping of mappings, lists, texts, numbers, booleans and nulls as YAML."""
    lines: list[str] = []
    _mapping(document, "", lines)
    return "".join(f"{line}\n" for line in lines)


def _mapping(mapping: Mapping[str, Any], indent: str, lines: list[str]) -> None:
    for key, value in mapping.items():
        head = f"{indent}{_text(key, False)}:"
        if type(value) is str:
            lines.append(f"{head} {_text(value, False)}")
        else:
            _entry(head, value, indent, lines)


def _entry(head: str, value: Any, indent: str, lines: list[str]) -> None:
    """Add a value behind what introduces it: a key with its colon, or a dash."""
    if isinstance(value, Folded):
        lines.append(f"{head} >-")
        lines += [f"{indent}  {line}" for line in value]
    elif isinstance(value, Mapping):
        flow = _flow(value) if _is_short(value) else None
        if flow is not None and (not value or len(head) + len(flow) < _WIDTH):
            lines.append(f"{head} {flow}")
            return
        lines.append(head)
        _mapping(value, f"{indent}  ", lines)
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple, str)) for item in value):
        lines.append(head)
        for item in value:
            _item(item, f"{indent}  ", lines)
    elif isinstance(value, (list, tuple)):
        lines.append(f"{head} [{', '.join(_scalar(item, is_flow=True) for item in value)}]")
    else:
        lines.append(f"{head} {_scalar(value, is_flow=False)}")


def _item(item: Any, indent: str, lines: list[str]) -> None:
    if not isinstance(item, Mapping) or not item or _is_short(item):
        _entry(f"{indent}-", item, indent, lines)
        return
    first = len(lines)
    _mapping(item, f"{indent}  ", lines)
    lines[first] = f"{indent}- {lines[first][len(indent) + 2 :]}"


def _is_short(mapping: Mapping[str, Any]) -> bool:
    """Return whether a mapping is empty, or holds nothing but scalars, a `type` among them: `{type: uri_file}`."""
    if not mapping:
        return True
    return "type" in mapping and not any(isinstance(value, (Mapping, list, tuple)) for value in mapping.values())


def _flow(mapping: Mapping[str, Any]) -> str:
    pairs = (f"{_text(key, True)}: {_scalar(item, is_flow=True)}" for key, item in mapping.items())
    return f"{{{', '.join(pairs)}}}"


def _scalar(value: Any, *, is_flow: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    return _text(str(value), is_flow)


@lru_cache(maxsize=4096)  # keys and types come again with every node
def _text(text: str, is_flow: bool) -> str:
    is_plain = _PLAIN.fullmatch(text) and not text.endswith(" ") and text.lower() not in _WORDS
    if is_plain and not (is_flow and _FLOW & set(text)):
        return text
    return _quoted(text)


def _number(value: float) -> str:
    """Return a float as YAML 1.1 reads it back: with a dot before its exponent."""
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return text if not e or "." in mantissa else f"{mantissa}.0e{exponent}"


def _quoted(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)
