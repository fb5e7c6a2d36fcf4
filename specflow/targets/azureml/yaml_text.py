"""Documents as YAML that reads as if somebody had written it: keys in order, short mappings in a line, commands folded.

Only what PyYAML, ruamel and Azure's tools read alike is written: texts that YAML could take for something else are
quoted, control characters are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
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
    return "".join(f"{line}\n" for line in _mapping(document, ""))


def _mapping(mapping: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in mapping.items():
        yield from _entry(f"{indent}{_scalar(key, is_flow=False)}:", value, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    """Yield a value behind what introduces it: a key with its colon, or a dash."""
    if isinstance(value, Folded):
        yield f"{head} >-"
        yield from (f"{indent}  {line}" for line in value)
        return
    if isinstance(value, Mapping):
        flow = _flow(value) if _is_short(value) else None
        if flow is None or (value and len(head) + len(flow) >= _WIDTH):
            yield head
            yield from _mapping(value, f"{indent}  ")
            return
    else:
        flow = _flow(value)
    if flow is not None:
        yield f"{head} {flow}"
        return
    yield head
    for item in value:
        yield from _item(item, f"{indent}  ")


def _item(item: Any, indent: str) -> Iterator[str]:
    if not isinstance(item, Mapping) or not item or _is_short(item):
        yield from _entry(f"{indent}-", item, indent)
        return
    lines = _mapping(item, f"{indent}  ")
    yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
    yield from lines


def _is_short(mapping: Mapping[str, Any]) -> bool:
    """Return whether a mapping is empty, or holds nothing but scalars, a `type` among them: `{type: uri_file}`."""
    return not mapping or (
        "type" in mapping and not any(isinstance(v, (Mapping, list, tuple)) for v in mapping.values())
    )


def _flow(value: Any) -> str | None:
    """Return a value in one line; None for a list that never stands in one."""
    if isinstance(value, Mapping):
        pairs = ((_scalar(key, is_flow=True), _scalar(item, is_flow=True)) for key, item in value.items())
        return f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}"
    if isinstance(value, (list, tuple)):
        is_long = any(isinstance(item, (Mapping, list, tuple, str)) for item in value)
        return None if is_long else f"[{', '.join(_scalar(item, is_flow=True) for item in value)}]"
    return _scalar(value, is_flow=False)


def _scalar(value: Any, *, is_flow: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
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
