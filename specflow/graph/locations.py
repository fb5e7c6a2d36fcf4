"""Where named sources lie once the profile is filled in: in the project, and there; and where outputs go."""

from __future__ import annotations

import os
from collections.abc import Iterator

from specflow.diagnostics import Diagnostic
from specflow.graph.model import DataRef, Graph, Tree
from specflow.spec.checks.files import is_address, path_faults
from specflow.spec.expressions import holds_expression
from specflow.spec.load import Workspace

__all__ = ["leads_away", "lost_sources"]


def leads_away(location: Tree | None) -> bool:
    """Return whether an output goes to an address: its location begins with one, whatever else is known later."""
    if location is not None and location[0] == "text":
        location = location[1]
    return location is not None and location[0] == "value" and is_address(str(location[1]))


def lost_sources(graph: Graph, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """Return why sources can't be read whose places are known only now: written with expressions, or per target."""
    return tuple(fault for ref in graph.data.values() for fault in _faults(ref, workspace))


def _faults(ref: DataRef, workspace: Workspace) -> Iterator[Diagnostic]:
    kind = "file" if ref.source.type in ("file", "metrics") else "folder"
    for target, below, text, place in _places(ref):
        is_checked = target == "local" and not holds_expression(text)
        is_elsewhere = target != "local" and place.startswith("/")  # that platform's path: its compiler's matter
        if not (is_checked or is_elsewhere or is_address(place)):
            shown = os.path.relpath(os.path.join(workspace.root, place), ref.file.folder).replace(os.sep, "/")  # noqa: PTH118
            path = (*ref.place, "location", *below)
            yield from path_faults(ref.file, workspace.root, path, shown, "data-missing", kind)


def _places(ref: DataRef) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Yield each place of a source: its target, where in `location` it stands, its text and where that leads."""
    given, found = ref.source.location, ref.location
    if isinstance(given, str):
        yield "local", (), given, str(found)
        return
    assert not isinstance(found, str)
    yield from ((target, (target,), text, found[target]) for target, text in given.items())
