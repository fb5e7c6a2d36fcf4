"""Which fields each message of the Jobs API may have; from databricks-sdk's types, held equal to them by a test.

The service itself may let an unknown field pass; here it is refused, at every level: what a job says must count.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from specflow.targets.databricks.emulator.refusals import invalid

__all__ = ["check_message"]

_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "any": (object,),
}


@cache
def _definitions() -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    data = json.loads(resources.files(__package__).joinpath("fields.json").read_text("utf-8"))
    return data["messages"], data["enums"]


def check_message(value: Any, name: str, at: str = "") -> None:
    """Refuse a value that is not a message of that name: unknown or missing fields, wrong types, unknown enum words."""
    messages, _ = _definitions()
    if not isinstance(value, dict):
        raise invalid(f"{at or name} must be an object")
    fields = messages[name]
    for key, inner in value.items():
        place = f"{at}.{key}" if at else key
        if key not in fields:
            raise invalid(f'unknown field "{place}" in {name}')
        _check(inner, fields[key].rstrip("!"), place)
    for key, kind in fields.items():
        if kind.endswith("!") and value.get(key) is None:
            raise invalid(f'missing required field "{at}.{key}"' if at else f'missing required field "{key}"')


def _check(value: Any, kind: str, place: str) -> None:
    messages, enums = _definitions()
    if kind.startswith("["):
        if not isinstance(value, list):
            raise invalid(f"{place} must be an array")
        for number, inner in enumerate(value):
            _check(inner, kind[1:-1], f"{place}[{number}]")
    elif kind.startswith("{"):
        if not isinstance(value, dict):
            raise invalid(f"{place} must be an object")
        for key, inner in value.items():
            _check(inner, kind[1:-1], f"{place}.{key}")
    elif kind in messages:
        check_message(value, kind, place)
    elif kind in enums:
        if value not in enums[kind]:
            raise invalid(f'{place} is "{value}"; it must be one of {", ".join(enums[kind])}')
    elif not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind in ("integer", "number")):
        raise invalid(f"{place} must be of type {kind}")
