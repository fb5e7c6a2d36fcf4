"""A plan's steps in columns: what many steps say alike is said once, and read back as one object that they share.

A plan of thousands of steps is a few step files used again and again. Packed it is a fraction of its size, and so is
the time to write it and to read it back.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["as_json", "pack", "unpack"]


def as_json(content: Mapping[str, Any]) -> bytes:
    """Return content as one line of JSON, no longer than it must be."""
    return json.dumps(content, separators=(",", ":")).encode()


def pack(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan document with its steps in columns."""
    return {**document, "steps": _column(document["steps"])}


def unpack(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan document that was packed; what is alike is one object, and must not be changed."""
    return {**packed, "steps": _values(packed["steps"])}


def _column(values: Sequence[Any]) -> dict[str, Any]:
    first = values[0] if values else None
    if type(first) is dict and first and all(type(row) is dict and row.keys() == first.keys() for row in values):
        return {"keys": list(first), "columns": [_column([row[key] for row in values]) for key in first]}
    places: dict[bytes, int] = {}
    table: list[Any] = []
    at = []
    for value in values:
        place = places.setdefault(marshal.dumps(value, 2), len(table))
        if place == len(table):
            table.append(value)
        at.append(place)
    return {"values": list(values)} if 2 * len(table) > len(values) else {"table": table, "at": at}


def _values(column: Mapping[str, Any]) -> list[Any]:
    if "values" in column:
        return list(column["values"])
    if "table" in column:
        table = column["table"]
        return [table[place] for place in column["at"]]
    keys = column["keys"]
    return [dict(zip(keys, row, strict=True)) for row in zip(*map(_values, column["columns"]), strict=True)]
