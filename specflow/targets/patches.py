"""`x-<target>`: a JSON merge patch (RFC 7396) on what was compiled. It may add; replacing is told; some things stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error, warning
from specflow.graph.model import Node

__all__ = ["merged", "patch_findings", "spans_of"]

Keys = tuple[str, ...]
Spans = Callable[[Keys], Span]
_ABSENT = object()


def merged(document: Any, patch: Any) -> Any:
    """Return a document with a patch applied: null removes, objects merge, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def patch_findings(
    document: Mapping[str, Any], patch: Mapping[str, Any], protected: Iterable[Keys], span: Spans
) -> Iterator[Diagnostic]:
    """Yield an error for each protected place that a patch would change, a warning for each other that it replaces.

    `span` gives where in the user's file a key of the patch stands.
    """
    held = frozenset(protected)
    for keys, old, new in _changes(document, patch, ()):
        path = ".".join(keys)
        if any(keys[: len(one)] == one or one[: len(keys)] == keys for one in held):
            message = f'"{path}" says what the step is and what it runs, and can\'t be patched'
            yield error("patch-refused", message, span(keys), "say it in the language, or make it a native step")
        elif old is not _ABSENT:
            what = "removes" if new is None else "replaces"
            message = f'"{path}" {what} what was compiled from the spec'
            yield warning("patch-replaces", message, span(keys), "leave it out, or leave out what it was compiled from")


def _changes(document: Any, patch: Mapping[str, Any], above: Keys) -> Iterator[tuple[Keys, Any, Any]]:
    for key, value in patch.items():
        old = document.get(key, _ABSENT) if isinstance(document, Mapping) else _ABSENT
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            yield from _changes(old, value, (*above, key))
        elif old is _ABSENT and value is None:
            continue
        elif old is _ABSENT or old != value:
            yield (*above, key), old, value


def spans_of(node: Node, extension: str) -> Spans:
    """Return how the keys of a step's patch are found: at its call, else in its definition."""

    def span(keys: Keys) -> Span:
        called = (*node.place, extension, *keys)
        if node.definition is None or node.file.document.has(called):
            return node.file.key_span(*called)
        return node.definition.key_span(extension, *keys)

    return span
