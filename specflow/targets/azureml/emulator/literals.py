"""Values of inputs, which the wire carries as text: are they what their port declares?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["LITERAL_TYPES", "as_json_text", "literal_problem"]

LITERAL_TYPES = frozenset({"string", "number", "integer", "boolean"})
"""Types whose values travel in the body (azure-ai-ml 1.35.2, `IOConstants.PRIMITIVE_STR_2_TYPE`)."""


def literal_problem(port: Mapping[str, Any], text: str) -> str | None:
    """Return what is wrong with `text` as a value of the port: its type, `min`, `max`, `enum`; None if nothing is."""
    kind = str(port.get("type", "string")).lower()
    if kind == "boolean":
        return None if text.lower() in {"true", "false"} else f'"{text}" is not a boolean'
    if kind in {"integer", "number"}:
        try:
            value = int(text) if kind == "integer" else float(text)
        except ValueError:
            return f'"{text}" is not {"an integer" if kind == "integer" else "a number"}'
        if not math.isfinite(value):
            return f'"{text}" is not a finite number'
        if problem := _bound_problem(port, value, text):
            return problem
    choices = port.get("enum")
    if choices and text not in {str(each) for each in choices}:
        return f'"{text}" is not one of {", ".join(str(each) for each in choices)}'
    return None


def _bound_problem(port: Mapping[str, Any], value: float, text: str) -> str | None:
    if port.get("min") is not None and value < float(port["min"]):
        return f"{text} is below the minimum {port['min']}"
    if port.get("max") is not None and value > float(port["max"]):
        return f"{text} is above the maximum {port['max']}"
    return None


def as_json_text(port: Mapping[str, Any], text: str) -> str:
    """Return the value as JSON writes it: `True` as `true`, `0.30` as `0.3`; strings as they are."""
    kind = str(port.get("type", "string")).lower()
    if kind == "boolean":
        return text.lower()
    if kind == "integer":
        return str(int(text))
    return json.dumps(float(text)) if kind == "number" else text
