"""Durations as the wire writes them: ISO 8601."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def seconds(text: str) -> float | None:
    """Return the seconds of `PT1H30M`, `P1DT2S` and the like; None for anything else, a negative duration included."""
    found = _ISO.fullmatch(text)
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(each or 0) for each in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
