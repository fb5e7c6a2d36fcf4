"""`x-azureml`: a JSON merge patch (RFC 7396) on what was compiled. It may add; what it replaces is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error, warning

__all__ = ["Patched", "merge", "patch_findings"]

_ITS_OWN = ("type", "code", "entry", "command", "args", "component", "identity")
"""Keys by which a step's launcher is started, and by which it reads secrets: no patch may change them."""


@dataclass(slots=True)
class Patched:
    """A document with a patch applied, and the keys that were there before and say something else now."""

    document: dict[str, Any]
    replaced: list[tuple[str, ...]] = field(default_factory=list)


def merge(document: Mapping[str, Any], patch: Mapping[str, Any]) -> Patched:
    """Return the document after the patch; null removes a key."""
    found = Patched(dict(document))
    _merge(found.document, patch, (), found.replaced)
    return found


def _merge(
    document: dict[str, Any], patch: Mapping[str, Any], path: tuple[str, ...], replaced: list[tuple[str, ...]]
) -> None:
    for key, value in patch.items():
        before, place = document.get(key), (*path, key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            document[key] = dict(before)
            _merge(document[key], value, place, replaced)
            continue
        if key in document and before != value:
            replaced.append(place)
        if value is None:
            document.pop(key, None)
        else:
            document[key] = _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def patch_findings(
    patch: Mapping[str, Any], replaced: Iterable[tuple[str, ...]], label: str, span: Callable[[tuple[str, ...]], Span]
) -> Iterator[Diagnostic]:
    """Yield a warning for each key that a patch has replaced, and an error for each that it must not touch.

    `span` gives where a key of the patch stands.
    """
    held = [place for place in replaced if place[0] in _ITS_OWN]
    held += [(key,) for key in ("component",) if key in patch and (key,) not in held]
    for place in held:
        message = f'"{".".join(place)}" says what "{label}" is and what it runs, and can\'t be patched'
        yield error("patch-refused", message, span(place), "say it in the language, or make it a native step")
    for place in replaced:
        if place not in held:
            message = f'the patch replaces "{".".join(place)}" of "{label}", which specflow wrote'
            yield warning("patch-replaces", message, span(place), "leave it out, or what it was compiled from")
