"""The placeholders of a component's command: found, and replaced by plain text as the platform does it.

Values are pasted as they are into a line that bash reads: a value with a quote or `$(…)` in it changes the command.
That is the platform's behaviour (Microsoft's "CLI (v2) command component YAML schema"), and why callers encode what
they send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Placeholder", "placeholders", "render", "strangers"]

_ANY = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_KNOWN = re.compile(r"\s*(inputs|outputs)\.([A-Za-z_][\w.]*)\s*")
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `${{inputs.x}}` or `${{outputs.y}}`; `is_optional` inside `$[[ … ]]`."""

    side: str
    name: str
    is_optional: bool


def placeholders(command: str) -> Iterator[Placeholder]:
    """Return the placeholders in order."""
    spans = [found.span() for found in _OPTIONAL.finditer(command)]
    for found in _ANY.finditer(command):
        if known := _KNOWN.fullmatch(found[1]):
            inside = any(start <= found.start() < end for start, end in spans)
            yield Placeholder(known[1], known[2], inside)


def strangers(command: str) -> tuple[str, ...]:
    """Return what stands in `${{ }}` and is neither an input nor an output, and brackets that have no partner."""
    odd = [found[0] for found in _ANY.finditer(command) if not _KNOWN.fullmatch(found[1])]
    rest = _OPTIONAL.sub("", command)
    return (*odd, *(["$[["] if "$[[" in rest else []))


def render(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """Return the command line: each placeholder replaced once, `$[[ … ]]` dropped if an input in it has no value.

    What is pasted is not looked at again. An input without a value outside brackets becomes empty text.
    """

    def paste(found: re.Match[str]) -> str:
        known = _KNOWN.fullmatch(found[1])
        if known is None:
            return found[0]
        return (inputs if known[1] == "inputs" else outputs).get(known[2], "")

    parts: list[str] = []
    at = 0
    for bracket in _OPTIONAL.finditer(command):
        parts.append(_ANY.sub(paste, command[at : bracket.start()]))
        if all(each.name in inputs for each in placeholders(bracket[1]) if each.side == "inputs"):
            parts.append(_ANY.sub(paste, bracket[1]))
        at = bracket.end()
    return "".join([*parts, _ANY.sub(paste, command[at:])])
