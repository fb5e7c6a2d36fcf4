"""Which target each step runs on: --target, else the profile's placement, else what the spec says, else the host."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.diagnostics import Diagnostic, error
from specflow.graph.model import Graph
from specflow.spec.load import Workspace
from specflow.spec.types import nearest

__all__ = ["place", "placement_faults"]


def place(graph: Graph, workspace: Workspace, *, target: str | None, host: str) -> Mapping[str, str]:
    """Return the target of every node; `target` puts every step there, `host` takes those that nobody places."""
    if target is not None:
        return dict.fromkeys(graph.nodes, target)
    moved = workspace.profile.placement
    return {
        node.id: moved.get(".".join((graph.name, *node.path))) or node.target or host for node in graph.nodes.values()
    }


def placement_faults(graph: Graph, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """Return placements in the profile that name this pipeline and none of its steps."""
    known = {".".join((graph.name, *node.path)) for node in graph.nodes.values()}
    found = []
    for step in workspace.profile.placement:
        if step.partition(".")[0] == graph.name and step not in known and workspace.project is not None:
            place_ = ("profiles", workspace.profile_name or "", "placement", step)
            message = f'"{graph.name}" has no step "{step.partition(".")[2]}"'
            found.append(error("unknown-step", message, workspace.project.key_span(*place_), nearest(step, known)))
    return tuple(found)
